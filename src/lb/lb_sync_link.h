/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection sync without the dataplane: one sync_session with the peer over every path of the pair. Drives it: what comes is
 * opened and given to it, what it says goes by the first path that works each way, its timer is the loop's; so are the
 * reading of the source's changes and the moment when gathered records are carried out. See lb_sync.h.
 */
#ifndef TANDEM_LB_LB_SYNC_LINK_H
#define TANDEM_LB_LB_SYNC_LINK_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/conf_peer.h"
#include "lb/lb_sync_path.h"
#include "lb/sync_session.h"

/* The tables: lb_sync_table.h says what each is. */
struct lb_sync_tables {
	const struct sync_source *source;
	const struct sync_target *target;
	void *data;
	int (*fd)(const void *data); /* -1: nothing is ever told */
	int (*read)(void *data, int64_t now);
	void (*commit)(void *data);
};

struct lb_sync_link_ops {
	/* For the event log. */
	void (*tell)(void *data, const char *event, const char *cause);
	/* Something happened, or a tick of LB_SYNC_TICK_MS: look at the state. */
	void (*turned)(void *data, int64_t now);
};

#define LB_SYNC_TICK_MS 50

struct lb_sync_link;

/* What is borrowed: loop, and what tables, ops and data point to; peer and its key file are read here. 0, or -errno with one
 * line in error. */
int lb_sync_link_open(struct lb_sync_link **out, struct ev_loop *loop, const struct conf_peer *peer,
	const char *node, uint32_t config_hash, const struct lb_sync_tables *tables,
	const struct lb_sync_link_ops *ops, void *data, char *error, size_t error_size);
void lb_sync_link_close(struct lb_sync_link *link); /* NULL is fine */

/* As lb_sync_reload(). */
int lb_sync_link_reload(struct lb_sync_link *link, const struct conf_peer *peer, const char *node,
	char *error, size_t error_size);
void lb_sync_link_set_config(struct lb_sync_link *link, uint32_t config_hash);
/* The source lost track of what changed: the whole table goes again. May be called from within tables->read(). */
void lb_sync_link_send_bulk(struct lb_sync_link *link);
/* Records were lost here: the peer's whole table is to come again. */
void lb_sync_link_want_bulk(struct lb_sync_link *link);
/* The source has something that it did not tell by its fd. */
void lb_sync_link_kick(struct lb_sync_link *link);
/* Is one of the tables' callbacks being called? */
bool lb_sync_link_is_busy(const struct lb_sync_link *link);

int64_t lb_sync_link_now(void); /* ns, CLOCK_MONOTONIC: the session's clock */

struct lb_sync_link_status {
	uint64_t boot, peer_boot; /* 0: the peer was never heard */
	int64_t opened_at;
	int64_t heard_at; /* by any path; INT64_MIN: never */
	bool whole;       /* in this session a bulk came whole */
	bool alive;       /* some path works each way */
	bool other_config;
	enum sync_why out, in; /* does the peer hold ours, do we hold the peer's */
	int64_t lag_ns;
};
void lb_sync_link_status(const struct lb_sync_link *link, int64_t now, struct lb_sync_link_status *out);
const struct sync_session *lb_sync_link_session(const struct lb_sync_link *link);
/* NULL: there are no more. carries: datagrams of the session go by it now. */
const struct lb_sync_path *lb_sync_link_path(
	const struct lb_sync_link *link, size_t i, int64_t now, bool *carries);

#endif
