/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of a socket, and what is shown of it. Input: a byte of its kind, then what follows the netlink
 * header. What is taken for good must be within the bounds that its readers count on, and its text clean.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/sock_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	char clean[2 * SOCK_VIEW_TEXT];

	if (!*text || strlen(text) >= SOCK_VIEW_TEXT)
		abort();
	clean_text(clean, sizeof(clean), text);
	if (strcmp(clean, text) != 0)
		abort();
}

static void check(const struct sock_row *row)
{
	struct sock_owner rows[] = {{row->inode, 1, 3, "\xff\x01x"}};
	const struct sock_owners owners = {.rows = rows, .count = 1};
	char text[SOCK_VIEW_TEXT];
	json_t *json;

	if (row->kind >= SOCK_KINDS || row->state < SOCK_STATE_ESTABLISHED || row->state >= SOCK_STATES)
		abort();
	if (row->path_len > SOCK_PATH_MAX || (row->path_len && row->kind != SOCK_KIND_UNIX))
		abort();
	if (row->kind < SOCK_KIND_UNIX && row->local.family != AF_INET && row->local.family != AF_INET6)
		abort();
	check_text(sock_view_local(row, text));
	check_text(sock_view_peer(row, text));
	check_text(sock_view_owners(row, &owners, text));
	if (*sock_state_name(row->kind, row->state) == '?')
		abort();
	json = sock_view_json(row, &owners);
	for (const char *key = "protocol"; key; key = strcmp(key, "protocol") == 0 ? "state" : NULL)
		if (!json_is_string(json_object_get(json, key)))
			abort();
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock_row row;
	uint8_t *exact;

	if (size == 0)
		return 0;
	exact = malloc(size > 1 ? size - 1 : 1);
	if (!exact)
		return 0;
	memcpy(exact, data + 1, size - 1);
	if (sock_diag_decode(data[0] % (SOCK_KINDS + 1), exact, size - 1, &row) == 0)
		check(&row);
	free(exact);
	return 0;
}
