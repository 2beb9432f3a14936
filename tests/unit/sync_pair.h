/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two nodes with a sync session each, on a clock and a network that are made up here: datagrams are lost, doubled,
 * reordered, cut off; nodes begin anew or stand still. Each node has flows of its own (a number, its version) that change,
 * and a copy of the other's. Follows from a 64-bit seed and replays exactly.
 *
 * The channel is a model of secure_dgram: a datagram carries both boots' numbers and counts only where both are believed;
 * a number is believed when its hello echoes the newest challenge.
 *
 * What must hold at every moment, and is named in `broken` when it does not:
 *   - what is applied is what was written, each record once and in order, within a session
 *   - who says that it is in sync lacks nothing that is older than it may be
 *   - nobody spins: after nothing is left to do, the deadline is in the future
 */
#ifndef TANDEM_TESTS_SYNC_PAIR_H
#define TANDEM_TESTS_SYNC_PAIR_H

#include "lb/sync_session_inside.h"

#define PAIR_MS      INT64_C(1000000)
#define PAIR_SECOND  (1000 * PAIR_MS)
#define PAIR_PACKETS 8192
#define PAIR_LOG     65536

enum pair_plant {
	PLANT_NONE,
	PLANT_ACK_LIES,       /* an acknowledgement names more than came */
	PLANT_NEVER_REPAIRS,  /* what is lost counts as come */
	PLANT_DELIVERS_EARLY, /* a gap is not waited for */
	PLANT_DELIVERS_TWICE,
	PLANT_SWAPS,          /* two that wait change places */
	PLANT_END_FORGOTTEN,  /* the bulk's end drops nothing */
	PLANT_WANT_UNSAID,    /* the receiver does not ask for a bulk */
	PLANT_RECEIVER_STAYS, /* the receiver goes on in a new session where it was */
	PLANT_SENDER_STAYS,
	PLANT_SAYS_IN_SYNC, /* before the bulk */
	PLANT_STORM,        /* idle, and never silent */
	PLANT_SPINS,        /* a deadline that has passed */
	PLANT_NO_TIMEOUT,   /* only what was passed by others is sent again */
	PLANTS
};

struct pair_flow {
	uint32_t mine, copy; /* version; 0: no such flow */
	uint32_t named;      /* the bulk in which copy was named last */
	bool queued;
	int64_t changed_at;
};

struct pair_entry {
	uint8_t kind;
	uint32_t flow, version;
};

struct pair;

struct pair_node {
	struct pair *pair;
	int me;
	struct sync_session *session;
	uint64_t boot, believed, challenge, peer_challenge;
	int64_t hello_at; /* the next may go */
	bool is_paused;
	int64_t wake_at;
	struct pair_flow *flows;
	uint32_t *queue, queue_head, queue_count, walk;
	uint32_t bulk; /* number of the one that comes, or came last */
	bool in_bulk;
	uint64_t written, applied; /* records in this session */
	struct pair_entry log[PAIR_LOG];
	uint64_t sent, bytes, changed;
};

struct pair_packet {
	uint64_t from_boot, to_boot, challenge, echo;
	bool is_hello;
	uint8_t to;
	uint16_t len;
	uint8_t bytes[SYNC_DATAGRAM_MAX];
};

struct pair_event {
	int64_t at;
	uint64_t order;
	uint32_t packet;
};

struct pair {
	uint64_t random;
	int64_t now;
	uint32_t flow_count;
	enum pair_plant plant;
	/* the network, per direction (index: to whom) */
	int loss_permille[2], double_permille;
	bool is_cut[2];
	int64_t delay_ns, jitter_ns;
	int64_t change_every_ns[2], change_at[2]; /* 0: nothing changes */
	struct pair_node node[2];
	struct pair_event heap[PAIR_PACKETS];
	uint32_t heap_count, free_count, free_list[PAIR_PACKETS];
	uint64_t order;
	const char *broken;
	struct pair_packet packet[PAIR_PACKETS];
};

struct pair *pair_new(uint64_t seed, uint32_t flows, const struct sync_session_config *config);
void pair_free(struct pair *p);

/* A number of low..high. */
int64_t pair_between(struct pair *p, int64_t low, int64_t high);
/* Until then, or until something is broken. */
void pair_run(struct pair *p, int64_t until);
/* The node begins anew: its copy is gone, and its flows too, if so. */
void pair_restart(struct pair *p, int node, bool keeps_flows);
/* Flow gets another version; ends: it is over. */
void pair_change(struct pair *p, int node, uint32_t flow, bool ends);
/* After something was done to a session: let it send. */
void pair_wake(struct pair *p, int node);

/* Do both hold what the other has, and say so? If not, why. */
const char *pair_differs(struct pair *p);

#endif
