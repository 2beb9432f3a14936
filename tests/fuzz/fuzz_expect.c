/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The expect matcher and the quoting of replies. Input: one byte n, 1 + n % 64 bytes of pattern, then a
 * reply; the first byte of what is left of each piece says how long the piece is. The answer must be
 * memmem()'s.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_quote(const uint8_t *bytes, size_t len, size_t out_size)
{
	char *out = malloc(out_size); /* its very size, so that the sanitizer sees one byte too many */

	if (!out)
		return;
	lb_expect_quote(bytes, len, LB_EXPECT_HEAD_MAX, out, out_size);
	if (strlen(out) >= out_size || out[0] != '"')
		abort();
	for (const char *c = out; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lb_expect e = {0};
	enum lb_expect_result result = LB_EXPECT_MORE;
	const uint8_t *pattern, *reply;
	size_t pattern_len, len, fed = 0;

	if (size < 2)
		return 0;
	pattern_len = 1 + data[0] % 64;
	if (pattern_len > size - 1)
		pattern_len = size - 1;
	pattern = data + 1;
	reply = pattern + pattern_len;
	len = size - 1 - pattern_len;
	if (len >= LB_EXPECT_REPLY_MAX)
		len = LB_EXPECT_REPLY_MAX - 1;
	while (fed < len && result == LB_EXPECT_MORE) {
		size_t piece = 1 + reply[fed];

		if (piece > len - fed)
			piece = len - fed;
		result = lb_expect_feed(&e, pattern, pattern_len, reply + fed, piece);
		fed += piece;
	}
	if ((result == LB_EXPECT_FOUND) != (memmem(reply, len, pattern, pattern_len) != NULL))
		abort();
	check_quote(e.head, e.head_len, 8 + data[0]);
	check_quote(reply, len, 256);
	return 0;
}
