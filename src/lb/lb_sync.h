/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection sync joined: one sync_session with the peer, over every path of the pair (UDP, the peer's port plus one, between
 * the nodes' peer_addresses, sealed by secure_dgram with the label "sync"), between it and the dataplane's tables an
 * lb_sync_table. Drives, seals, sends, receives; says on the board of leases (common/lease_map.h) how much of the peer's
 * table is here, for tandem-vrrp. Owns the sockets and the timers.
 *
 * Paths. Each is a secure_dgram of its own and shows by signs of life that it works each way; datagrams of the session go
 * by the first that does, in the order of the file, so a path may fail without the session: what was lost is sent again. A
 * session is the pair of the boot ids of two processes, which stand before every datagram: when either side begins anew the
 * session does, and what is left of an old one is not given to it.
 */
#ifndef TANDEM_LB_LB_SYNC_H
#define TANDEM_LB_LB_SYNC_H

#include <ev.h>
#include <jansson.h>

#include "common/conf_peer.h"
#include "lb/lb_age.h"
#include "lb/lb_live.h"

struct lb_sync;

/* A moment that people want to know of: event log. */
typedef void lb_sync_report_fn(void *data, const char *subject, const char *event, const char *cause);

/* live and age outlive it; peer is copied; its key file is read here. 0, or -errno with one line in error. */
int lb_sync_open(struct lb_sync **out, struct ev_loop *loop, struct lb_live *live, struct lb_age *age,
	const struct conf_peer *peer, const char *node, lb_sync_report_fn *report, void *data, char *error,
	size_t error_size);
void lb_sync_close(struct lb_sync *s); /* NULL is fine */

/* After a reload: the config may be another. The same peer keeps session and paths; keys are read anew. 0, -ENOTUNIQ: the
 * paths are others, close and open; -errno with one line in error: the keys stay. */
int lb_sync_reload(
	struct lb_sync *s, const struct conf_peer *peer, const char *node, char *error, size_t error_size);
/* The config in force, or the operator's weights, changed. Also when that came from the peer. */
void lb_sync_refresh(struct lb_sync *s);

/* For `tandemctl peers`: a new object. s NULL: there is none, because of error ("": none is configured). */
json_t *lb_sync_status(const struct lb_sync *s, const struct conf_peer *peer, const char *error);

#endif
