/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other node of the pair and the paths to it, as the config says it (docs/CONFIG.md, peer). Pure data with value
 * semantics; conf_peer_read.c fills it. tandem-vrrp has it for its beacons and for what it does when the peer is silent,
 * tandem-lb for connection sync.
 */
#ifndef TANDEM_COMMON_CONF_PEER_H
#define TANDEM_COMMON_CONF_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define CONF_PEER_NAME_MAX  63
#define CONF_PEER_PATHS_MAX 8 /* as many as a node has peer_addresses */

struct conf_peer {
	bool configured;
	char node[CONF_PEER_NAME_MAX + 1]; /* its name */
	char *key_file;                    /* absolute path; owned */
	uint16_t port; /* UDP, on both sides; default 3780; that of connection sync is one more */
	uint32_t beacon_interval_ms; /* 10..10000; 0: not given */
	uint32_t
		beacon_timeout_ms; /* without a beacon for that long the peer is silent; 20..60000; 0: not given */
	bool fenced;               /* on_isolation = "fenced": alone, only with a witness in reach */
	uint32_t sync_cap_s; /* a returning node waits for the connections no longer; 0..3600, default 60 */
	uint32_t
		grace_ms; /* after a takeover without them unknown connections are not reset; 0..60000, default 3000 */
	struct net_addr local[CONF_PEER_PATHS_MAX], remote[CONF_PEER_PATHS_MAX]; /* path i is between them */
	size_t path_count;                                                       /* at least one */
};

/* A copy of its own, with its key_file. 0 or -ENOMEM. */
int conf_peer_copy(struct conf_peer *out, const struct conf_peer *from);

/* Free what it owns and zero it. */
void conf_peer_clear(struct conf_peer *peer);

/* Do both lead to the same node, over the same port and paths? */
bool conf_peer_is_same_way(const struct conf_peer *a, const struct conf_peer *b);

#endif
