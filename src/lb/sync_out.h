/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sender's half of connection sync: what goes into which datagram, and when. Numbers, keeps and repairs by way of
 * sync_window.c. Pure: no socket, no clock, no allocation; times are ns of any steady clock.
 *
 * Pull, not push: nothing is queued here. When a datagram may go (window, pace) the source is asked to fill it: changes
 * first, the walk over the whole table with what room is left. So the source may keep a set of what has changed, and what
 * changes twice before it can go is sent once. A source that reads the state when it writes the record keeps the order of
 * each flow: datagrams are delivered in order, bulk and changes alike.
 */
#ifndef TANDEM_LB_SYNC_OUT_H
#define TANDEM_LB_SYNC_OUT_H

#include "lb/sync_window.h"
#include "lb/sync_wire.h"

/* Where the records are. Callbacks must not call the session. */
struct sync_source {
	/* When the oldest change that waits was made; SYNC_NEVER: none does. */
	int64_t (*waiting)(void *data);
	/* Write changes, oldest first, until none waits or one does not fit. What was written is the session's to deliver,
	 * until the session ends: then a bulk will carry it. */
	void (*changes)(void *data, struct sync_writer *w);
	/* Begin the walk over the whole table (again). */
	void (*bulk_begin)(void *data);
	/* Go on with it: write until the writer is full, or a bounded step is done. True: all has been written. */
	bool (*bulk_next)(void *data, struct sync_writer *w);
};

struct sync_out_config {
	uint32_t window; /* datagrams kept for repair: a power of two, SYNC_WINDOW_MIN..SYNC_WINDOW_MAX */
	uint32_t per_ms; /* the pace: datagrams a ms, 1..1000 */
	uint32_t burst;  /* that many at once after a pause, 1..window */
	uint32_t config_hash;
	int64_t batch_ns;  /* a change waits that long for company */
	int64_t idle_ns;   /* an empty datagram after that long without another: a sign of life */
	int64_t behind_ns; /* what waits or is not acknowledged for longer: not in sync */
};

enum sync_bulk_state {
	SYNC_BULK_NONE,  /* nobody asked for one */
	SYNC_BULK_ASKED, /* it is to begin */
	SYNC_BULK_WALKING,
	SYNC_BULK_WALKED, /* its end is to be written */
	SYNC_BULK_SENT    /* and acknowledged, when the window has left bulk_end behind */
};

/* Why one side is not in sync, worst first. */
enum sync_why {
	SYNC_WHY_IN_SYNC,
	SYNC_WHY_SESSION, /* there is none */
	SYNC_WHY_SILENT,  /* nothing comes from the peer */
	SYNC_WHY_BULK,    /* the whole table has not been sent and acknowledged, or not been received */
	SYNC_WHY_BEHIND,  /* changes wait too long */
	SYNC_WHY_FULL,    /* the receiver's table has no room for all of it: who owns that table says so */
	SYNC_WHYS
};

struct sync_out_counters {
	uint64_t changes, bulk; /* records */
	uint64_t bulks;         /* begun */
	uint64_t keepalives;
};

struct sync_out {
	struct sync_out_config config;
	const struct sync_source *source;
	void *data;
	bool is_on, must_speak;
	enum sync_bulk_state bulk;
	uint64_t bulk_first, bulk_end; /* the datagrams with begin and end */
	int64_t pace_at;               /* the pace is used up to this time */
	int64_t spoke_at;              /* the last new datagram */
	int64_t retry_at;              /* the source had nothing to write: not before this */
	struct sync_out_counters counters;
	struct sync_window window;
};

/* 0 or -EINVAL: a number out of its range. source and data live as long as out. */
int sync_out_init(struct sync_out *out, const struct sync_out_config *config,
	const struct sync_source *source, void *data);
/* A session of the channel has begun, or is over: all that was not acknowledged is forgotten. */
void sync_out_begin(struct sync_out *out, int64_t now);
void sync_out_stop(struct sync_out *out);

/* An acknowledgement came. 0 or -EBADMSG. */
int sync_out_ack(struct sync_out *out, const struct sync_header *header, int64_t now);
/* Anything of the peer came. */
void sync_out_heard(struct sync_out *out, int64_t now);
/* The source has lost track of what changed: send the whole table (again). */
void sync_out_send_bulk(struct sync_out *out);

/* A datagram to send now: its bytes, until the next call of any function; NULL: none now. */
const uint8_t *sync_out_next(struct sync_out *out, int64_t now, size_t *len);
/* When to call sync_out_next again if nothing comes before; SYNC_NEVER. Asks the source what waits. */
int64_t sync_out_deadline(const struct sync_out *out, int64_t now);

enum sync_why sync_out_why(const struct sync_out *out, int64_t now);
/* The age of the oldest change that is not acknowledged, in ns; 0: none. A bulk's datagrams count while it runs. */
int64_t sync_out_lag(const struct sync_out *out, int64_t now);

#endif
