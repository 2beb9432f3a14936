/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection sync between two balancers: records, reliably and in order over datagrams that may be lost, doubled and
 * reordered, in both directions at once. Pure: bytes in, bytes out, time an argument (ns of any steady clock), one timer,
 * no allocation after open. The caller seals and opens the bytes (secure_dgram) and moves them, over whatever paths.
 *
 * Each node sends what it forwards and receives what the other does; sync_out.c is the sender's half, sync_in.c the
 * receiver's. A session is a pair of processes: when either begins anew both halves on both nodes must, with
 * sync_session_reset(), and nothing sealed for another session may be given to sync_session_input(). Then the receiver
 * asks for the whole table, and gets it in the same sequence as the changes.
 *
 * How to drive it: after every sync_session_input(), after the timer, after something changed at the source: call
 * sync_session_next() and send until it gives NULL, then arm the timer for sync_session_deadline(). A datagram that cannot
 * be sent (a full socket) counts as lost: better not to ask for more until the socket can take it.
 */
#ifndef TANDEM_LB_SYNC_SESSION_H
#define TANDEM_LB_SYNC_SESSION_H

#include "lb/sync_in.h"
#include "lb/sync_out.h"

struct sync_session_config {
	struct sync_out_config out;
	struct sync_in_config in;
};
/* What will do for two nodes on a link of 1 Gbit/s: 20 datagrams a ms (about a quarter of it), 32 at once. */
void sync_session_defaults(struct sync_session_config *config, uint32_t config_hash);

struct sync_session;

/* One block of memory, under 1.5 MB, and no more later. 0, -ENOMEM, -EINVAL: a number out of its range. source, target and
 * data live as long as the session. There is no channel session yet. */
int sync_session_open(struct sync_session **out, const struct sync_session_config *config,
	const struct sync_source *source, const struct sync_target *target, void *data);
void sync_session_close(struct sync_session *s); /* NULL is fine; no callback is called */

/* The channel's session is this one now (any number that differs from the last; 0: none). Begins anew when it is another;
 * what it was before is forgotten, but counters and lag go on. */
void sync_session_reset(struct sync_session *s, uint64_t session, int64_t now);

/* The opened bytes of a datagram of this session. 0; -EBADMSG: it made no sense, or not to its end (counted). */
int sync_session_input(struct sync_session *s, const uint8_t *bytes, size_t len, int64_t now);

/* A datagram to send now: its bytes, until the next call of any function, SYNC_DATAGRAM_MAX at most; NULL: none now. */
const uint8_t *sync_session_next(struct sync_session *s, int64_t now, size_t *len);
/* When to come back if nothing happens before; SYNC_NEVER. */
int64_t sync_session_deadline(const struct sync_session *s, int64_t now);

/* The config is another one from now on; when its hash differs, what the peer told and we could not use before may be of use
 * now: its whole table is asked for. */
void sync_session_set_config(struct sync_session *s, uint32_t config_hash, int64_t now);

/* The source lost track of its changes: the whole table goes again. */
void sync_session_send_bulk(struct sync_session *s);
/* The applier wants the peer's whole table again. */
void sync_session_want_bulk(struct sync_session *s, int64_t now);

struct sync_status {
	uint64_t session;
	enum sync_why out, in; /* does the peer hold ours; do we hold the peer's */
	enum sync_bulk_state bulk;
	bool other_config;                   /* the peer's pools and services differ */
	int64_t heard_ns;                    /* since its last datagram; -1: none */
	int64_t lag_ns;                      /* now */
	uint32_t lag_longest_us, lag_p99_us; /* of the last minute */
	uint32_t round_trip_us;              /* 0: not known */
	uint64_t bad;                        /* datagrams that made no sense */
	struct sync_out_counters sent;
	struct sync_window_counters window;
	struct sync_in_counters received;
};
/* What is asked often: does the peer hold ours, do we hold the peer's; returns the lag now, in ns. */
int64_t sync_session_why(const struct sync_session *s, int64_t now, enum sync_why *out, enum sync_why *in);
/* The oldest datagram that was sent and is not acknowledged, by its sequence; 0: there is none. */
uint64_t sync_session_oldest(const struct sync_session *s);
/* The peer's whole tables that came, since open. */
uint64_t sync_session_bulks(const struct sync_session *s);
void sync_session_status(const struct sync_session *s, int64_t now, struct sync_status *out);
const char *sync_why_name(enum sync_why why); /* "in sync", "no session", ... */

#endif
