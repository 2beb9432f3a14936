/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datagrams that were sent and not yet acknowledged: kept to be sent again. Knows sequences, times and bytes; what is
 * in them and when the next new one goes is sync_out.c's. Pure; times are ns of any steady clock.
 *
 * Selective repeat. A datagram is lost when three that were sent after it have come, or when it is not acknowledged within
 * the retransmission timeout: RFC 6298's, without samples of what was sent twice (Karn), 10 ms to 1 s, doubled each time
 * the same datagram is sent. An acknowledgement tells of 64 datagrams; those further ahead are not known to be missing
 * before these are there.
 *
 * Two kinds of timeout: when other acknowledgements came meanwhile the way is good, and what is missing goes again. When
 * nothing came since, it is cut, or the peer stands still: all counts as lost, one datagram goes as a probe, and after it
 * twice as many each round (RFC 5681's slow start), so that a link that heals is not met by the whole window at once.
 */
#ifndef TANDEM_LB_SYNC_WINDOW_H
#define TANDEM_LB_SYNC_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb/sync_lag.h"
#include "lb/sync_wire.h"

#define SYNC_WINDOW_MAX 512
#define SYNC_WINDOW_MIN 16
#define SYNC_VISIBLE    64 /* datagrams that one acknowledgement tells of */
#define SYNC_RTO_MIN_NS INT64_C(10000000)
#define SYNC_RTO_MAX_NS INT64_C(1000000000)
#define SYNC_ACK_WAIT_NS \
	INT64_C(5000000) /* at most, for company; part of every timeout (RFC 9002's max_ack_delay) */
#define SYNC_PASSED_LOST 3
#define SYNC_NEVER       INT64_MAX

enum sync_slot_state {
	SYNC_SLOT_FREE,
	SYNC_SLOT_SENT,
	SYNC_SLOT_LOST, /* must be sent again */
	SYNC_SLOT_CAME  /* acknowledged, behind one that is not */
};

struct sync_slot {
	int64_t born_at; /* of its oldest change; when it was made, if it has none */
	int64_t sent_at; /* the last time */
	uint64_t order;  /* of all transmissions; what is sent again gets a new one */
	uint16_t len, records, changes;
	uint8_t state, times, passed; /* by how many later ones that came */
};

struct sync_window_counters {
	uint64_t sent, acknowledged;            /* datagrams, first time */
	uint64_t repaired_early, repaired_late; /* sent again: passed by three; after a timeout */
	uint64_t silences;                      /* timeouts without a word of the peer */
	uint64_t bad_acks;                      /* of what was never sent, or contradictory */
};

struct sync_window {
	uint32_t size; /* a power of two */
	uint64_t una;  /* the oldest that is not acknowledged; next when there is none */
	uint64_t next; /* the sequence of the next new one */
	uint32_t flight, lost, may_fly;
	uint64_t lost_from; /* none before this one is lost */
	uint64_t order;
	int64_t srtt_ns, rttvar_ns, rto_ns; /* srtt_ns 0: no sample yet */
	int64_t acked_at;                   /* when the last acknowledgement came */
	bool probing;                       /* nothing came since the last timeout */
	struct sync_window_counters counters;
	struct sync_lag lag;
	struct sync_slot slot[SYNC_WINDOW_MAX];
	uint8_t bytes[SYNC_WINDOW_MAX][SYNC_DATAGRAM_MAX];
};

/* Once; size: a power of two, SYNC_WINDOW_MIN..SYNC_WINDOW_MAX. */
void sync_window_init(struct sync_window *w, uint32_t size);
/* Forget everything but counters and lag: a new session begins with sequence 1. */
void sync_window_reset(struct sync_window *w, int64_t now);

/* Is there room for a new datagram, so that reserve stay free? Not while one waits to be sent again. */
bool sync_window_has_room(const struct sync_window *w, uint32_t reserve);
/* Where the next datagram is written, SYNC_DATAGRAM_MAX bytes; its sequence is w->next. Only with room. */
uint8_t *sync_window_buffer(struct sync_window *w);
/* It is written and goes now. Of the slot the caller gives len, records, changes (those that count for the lag) and
 * born_at (of the oldest change; now without one). */
void sync_window_push(struct sync_window *w, const struct sync_slot *slot, int64_t now);
/* How many records are in a datagram that is kept. */
uint16_t sync_window_records(const struct sync_window *w, uint64_t sequence);

/* The peer says that all up to sequence came, and sequence + 1 + i for each bit i. 0, or -EBADMSG: it cannot be. */
int sync_window_ack(struct sync_window *w, uint64_t sequence, uint64_t came, int64_t now);
/* Something of the peer came: the way is good again, probe at once. */
void sync_window_heard(struct sync_window *w, int64_t now);
/* Look at the timeouts. */
void sync_window_check(struct sync_window *w, int64_t now);
/* Must one be sent again, and may it now? */
bool sync_window_must_resend(const struct sync_window *w);
/* It goes now: its sequence, its bytes and their length; 0 when there is none. */
uint64_t sync_window_resend(struct sync_window *w, int64_t now, uint8_t **bytes, size_t *len);

/* When sync_window_check has something to do; SYNC_NEVER. */
int64_t sync_window_deadline(const struct sync_window *w);
/* When the oldest that is not acknowledged was born; SYNC_NEVER. */
int64_t sync_window_oldest(const struct sync_window *w);

#endif
