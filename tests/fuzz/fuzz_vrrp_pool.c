/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the speaker makes of tandem-lb's answer about a pool. Input: the body of a reply as it comes. Links
 * vrrp_pool_answer, ctl_wire, ctl_message, clean_text, nearest and log, with -ljansson.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"
#include "vrrp/vrrp_pool_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
	if (!true_thing)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vrrp_pool_answer answer, again;
	/* Its very size, so that the sanitizer sees one byte too many. */
	uint8_t *body = malloc(size ? size : 1);

	must(body != NULL);
	if (size)
		memcpy(body, data, size);
	vrrp_pool_answer_read(body, size, "kv", &answer);
	vrrp_pool_answer_read(body, size, "kv", &again);
	free(body);
	must(answer.kind == again.kind && answer.up == again.up && answer.total == again.total);
	must(strlen(answer.why) < sizeof(answer.why));
	if (answer.kind == VRRP_POOL_COUNTED)
		must(answer.up <= answer.total && answer.total <= size / 8);
	else
		must(answer.up == 0 || answer.kind == VRRP_POOL_REFUSED);
	if (answer.kind == VRRP_POOL_REFUSED)
		must(answer.why[0] != '\0');
	for (const char *s = answer.why; *s; s += clean_text_char(s))
		must(clean_text_char(s) > 0 && (unsigned char)*s >= 0x20 && *s != 0x7f);
	return 0;
}
