/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/conf_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int conf_peer_copy(struct conf_peer *out, const struct conf_peer *from)
{
	*out = *from;
	out->key_file = from->key_file ? strdup(from->key_file) : NULL;
	return from->key_file && !out->key_file ? -ENOMEM : 0;
}

void conf_peer_clear(struct conf_peer *peer)
{
	free(peer->key_file);
	memset(peer, 0, sizeof(*peer));
}

bool conf_peer_is_same_way(const struct conf_peer *a, const struct conf_peer *b)
{
	if (strcmp(a->node, b->node) != 0 || a->port != b->port || a->path_count != b->path_count)
		return false;
	for (size_t i = 0; i < a->path_count; i++)
		if (!addr_equal(&a->local[i], &b->local[i]) || !addr_equal(&a->remote[i], &b->remote[i]))
			return false;
	return true;
}
