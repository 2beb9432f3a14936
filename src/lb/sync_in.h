/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiver's half of connection sync: puts datagrams in order, gives their records to the applier, acknowledges. Pure:
 * no socket, no clock, no allocation; times are ns of any steady clock.
 *
 * Records are given in the order in which they were written, each once, within a session. When that cannot be kept (the
 * sender has gone on beyond the window, a datagram cannot be read to its end) the stream is broken: a bulk that runs does
 * not count, and the whole table is asked for again.
 */
#ifndef TANDEM_LB_SYNC_IN_H
#define TANDEM_LB_SYNC_IN_H

#include "lb/sync_out.h"

/* What became of a record. */
enum sync_fate {
	SYNC_APPLIED,
	SYNC_NO_SERVICE, /* this config has no such service */
	SYNC_NO_POOL,
	SYNC_NO_BACKEND, /* the pool has no such backend */
	SYNC_TABLE_FULL,
	SYNC_NOT_NEEDED, /* what is here is as good, or newer */
	SYNC_INVALID,    /* a value that cannot be */
	SYNC_FATES
};
const char *sync_fate_name(enum sync_fate fate); /* "applied", "no service", ... */

enum sync_copy_event {
	SYNC_COPY_BEGIN, /* the whole table follows; again, if one had begun */
	SYNC_COPY_END, /* that was all: copies of this peer that were not named since the begin are to be dropped */
	SYNC_COPY_BROKEN /* it will not end: keep everything, another begin will come */
};

/* Where the records go. Callbacks must not call the session. */
struct sync_target {
	enum sync_fate (*apply)(
		void *data, const struct sync_record *record); /* all kinds but begin and end */
	void (*copy)(void *data, enum sync_copy_event event);
};

struct sync_in_config {
	uint32_t window;    /* datagrams kept until those before them come: as the sender's, or larger */
	uint32_t ack_every; /* datagrams, 1..window */
	uint32_t config_hash;
	int64_t ack_ns;    /* no acknowledgement waits longer; at most SYNC_ACK_WAIT_NS */
	int64_t want_ns;   /* how often to ask for a bulk until it begins */
	int64_t again_ns;  /* after a broken stream: not before so long after the last begin */
	int64_t silent_ns; /* nothing heard for so long: not in sync */
};

struct sync_in_counters {
	uint64_t datagrams, duplicates, early; /* early: came before one that was missing */
	uint64_t acks;
	uint64_t breaks;  /* the sender had gone on beyond the window */
	uint64_t damaged; /* not readable to the end */
	uint64_t unknown; /* records of a kind that is not known here */
	uint64_t bulks;   /* received whole */
	uint64_t fate[SYNC_FATES];
};

struct sync_in {
	struct sync_in_config config;
	const struct sync_target *target;
	void *data;
	bool is_on;
	uint64_t next;    /* to be delivered */
	uint64_t top;     /* the newest that came */
	uint32_t word_ms; /* the sender's clock when it said what it said last, first or again */
	uint32_t unsaid;  /* datagrams since the last acknowledgement */
	int64_t ack_at;   /* when one is due */
	int64_t acked_at;
	int64_t want_at;  /* from when on to ask for a bulk; SYNC_NEVER */
	int64_t begun_at; /* the last bulk */
	bool in_bulk, is_whole, peer_in_sync;
	int64_t heard_at;
	uint32_t peer_config_hash;
	struct sync_in_counters counters;
	uint16_t len[SYNC_WINDOW_MAX]; /* of those kept; 0: not there */
	uint8_t bytes[SYNC_WINDOW_MAX][SYNC_DATAGRAM_MAX];
	uint8_t ack[128];
};

/* 0 or -EINVAL: a number out of its range. target and data live as long as in. */
int sync_in_init(struct sync_in *in, const struct sync_in_config *config, const struct sync_target *target,
	void *data);
/* A session of the channel has begun, or is over. A bulk that ran is broken. */
void sync_in_begin(struct sync_in *in, int64_t now);
void sync_in_stop(struct sync_in *in);

/* A datagram of type DATA came: its header, the reader behind it, and all of it. Delivers what is in order now. 0, or
 * -EBADMSG: it, or one that had waited for it, could not be read to the end. */
int sync_in_data(
	struct sync_in *in, const struct sync_header *header, struct sync_reader *reader, int64_t now);
/* The applier wants the whole table again: its config names more than before, say. */
void sync_in_want_bulk(struct sync_in *in, int64_t now);

/* An acknowledgement to send now: its bytes, until the next call of any function; NULL: none is due. */
const uint8_t *sync_in_next(struct sync_in *in, int64_t now, size_t *len);
/* When to call sync_in_next again if nothing comes before; SYNC_NEVER. */
int64_t sync_in_deadline(const struct sync_in *in, int64_t now);

/* Is what we hold the sender's whole table, up to now? */
enum sync_why sync_in_why(const struct sync_in *in, int64_t now);

#endif
