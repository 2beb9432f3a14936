/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dataplane's tables as connection sync sees them: the source of what is to be told (sync_source: the ring of changes,
 * the walk over all flows, sticky sources, the operator's weights) and the place where the peer's records go (sync_target).
 * Between local indexes and the records' names stand lb_names (pure) and lb_sync_flow (pure). Knows no socket and no session.
 *
 * What is told: every flow that has come as far as ESTABLISHED, half-closed or UDP, copies only in a bulk; of a flow that is
 * used all the time, again after a quarter of its idle timeout, so that the peer's copy does not age. A copy's end is not
 * told. What is taken: a copy is made or brought up to date; ours stays when it was used since. At the end of a bulk copies
 * that it did not name are removed; a copy that nobody speaks of ages by the timeout of its state and a quarter.
 */
#ifndef TANDEM_LB_LB_SYNC_TABLE_H
#define TANDEM_LB_LB_SYNC_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lb/lb_age.h"
#include "lb/lb_live.h"
#include "lb/sync_in.h"
#include "lb/sync_out.h"

struct lb_sync_table;

struct lb_sync_table_counters {
	uint64_t made, updated, ended;                /* copies, by records of the peer */
	uint64_t ours, unknown, full, clash, invalid; /* records that the dataplane did not take, by reason */
	uint64_t dropped;                             /* copies that a whole bulk did not name */
	uint64_t changes_lost; /* of the ring, or of the queue behind it: a bulk repaired each */
	uint64_t waiting;      /* changes in the queue now */
};

/* Begins to read the ring of changes. live and age outlive it; it sets age's hooks. lost (called from lb_sync_table_read,
 * from lb_sync_table_commit and from a tick of age): changes were lost, the whole table is to be sent. 0 or -errno. */
int lb_sync_table_open(struct lb_sync_table **out, struct lb_live *live, struct lb_age *age,
	void (*lost)(void *data), void *data);
void lb_sync_table_close(struct lb_sync_table *t); /* NULL is fine; the dataplane stops telling */

/* For sync_session_open; data is the table. */
extern const struct sync_source lb_sync_table_source;
extern const struct sync_target lb_sync_table_target;

/* Readable when the dataplane has told something. */
int lb_sync_table_fd(const struct lb_sync_table *t);
/* Take in what it told. now: the session's clock, which is CLOCK_MONOTONIC in ns: the time of birth of what came. How many. */
int lb_sync_table_read(struct lb_sync_table *t, int64_t now);
/* Records of the peer are gathered: carry out what waits. To be called after each turn of reading datagrams, and at the
 * latest LB_SYNC_COMMIT_MS after the first. */
void lb_sync_table_commit(struct lb_sync_table *t);
#define LB_SYNC_COMMIT_MS 2
/* Records were lost here since this was asked last, though the peer takes them for told: want its whole table again. */
bool lb_sync_table_missed(struct lb_sync_table *t);
/* Since its last whole table began some of the peer's connections found no room here. */
bool lb_sync_table_is_short(const struct lb_sync_table *t);

/* The config or the operator's weights have changed: names are looked up anew; weights are told. True: it is another
 * config, which may name what was refused before: want the peer's whole table again. */
bool lb_sync_table_refresh(struct lb_sync_table *t);

/* A number over what both nodes must have alike: pools, backends, services, by name and address. */
uint32_t lb_sync_config_hash(const struct lb_model *model);

void lb_sync_table_counters(const struct lb_sync_table *t, struct lb_sync_table_counters *out);

#endif
