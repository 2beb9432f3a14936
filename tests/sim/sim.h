/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulator of 2 to 5 speakers on one LAN: each is the state machine that ships (src/vrrp/vrrp_fsm.c) behind the packet
 * codec that ships (src/vrrp/vrrp_packet.c), on a clock and a network that are made up here. Pure: no clock, no I/O but
 * the timeline. A schedule follows from its 64-bit seed, a run from its schedule: both replay exactly.
 *
 *   sim_schedule.c  seed -> who takes part, what goes wrong when
 *   sim_net.c       time, events, packets: loss, delay, duplication, partitions, the clients' ARP entry
 *   sim_node.c      one speaker: process, socket, clock, guard; the order of things on waking up
 *   sim_fault.c     what goes wrong, done to net and nodes
 *   sim_plant.c     bugs on purpose, around the state machine
 *   sim_check.c     the invariants that hold at every moment; sim_watch.c those that begin with an event and have a bound
 *   sim_shrink.c    a failing schedule made small; sim_fork.c many schedules on all cores
 *
 * Another kind of actor (beacons on a second path, a lease in the dataplane) is another enum sim_kind of packet that
 * sim_node_receive() hands on, and state in struct sim_node that sim_node_wake() drives.
 *
 * Times are ns. Global time is what the network sees; a node's own clock has an offset and a rate error.
 */
#ifndef TANDEM_SIM_H
#define TANDEM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_packet.h"

#define SIM_NODES_MAX  5
#define SIM_CLIENT     5 /* the clients behind the switch, one for all */
#define SIM_STRANGER   6 /* sends junk, and claims with priority 1 */
#define SIM_PLACES     7
#define SIM_FAULTS_MAX 12
#define SIM_VRID       51

/* ---- schedule ---- */

enum sim_fault_kind {
	SIM_LOSS,      /* value: per mille, until */
	SIM_PARTITION, /* mask from the rest, until */
	SIM_ONEWAY,    /* what mask sends does not reach the rest, until */
	SIM_FLAPS,     /* node's link goes down value times until the end */
	SIM_PAUSE,     /* node's process stands still, until */
	SIM_CRASH,     /* node loses power; until: starts again, 0: never */
	SIM_DIE,       /* node's speaker dies; its guard says goodbye and starts another, until */
	SIM_STOP,      /* node's speaker is shut down; until: starts again */
	SIM_PRIORITY,  /* node's becomes value */
	SIM_INTERVAL,  /* that of every node in mask becomes value, one after the other */
	SIM_PREEMPT,   /* node's becomes value */
	SIM_OFFER,     /* node is asked to give up */
	SIM_TAKE,      /* node is asked to take over */
	SIM_MOVED,     /* node's MAC changes */
	SIM_FLOOD,     /* a stranger claims with priority 1 very often, until */
	SIM_DROP,      /* the next value adverts of whoever is Active are lost */
	SIM_FAULT_KINDS,
};

struct sim_fault {
	enum sim_fault_kind kind;
	uint8_t node, mask;
	int64_t at, until, value;
};

struct sim_speaker {
	struct vrrp_fsm_config config;
	int64_t start;
	int ppm;      /* its clock is that much too fast */
	uint8_t rank; /* of its IPv6 address; that of its IPv4 address is its number */
};

struct sim_schedule {
	uint64_t seed;
	uint8_t nodes;
	bool ipv4, ipv6;
	int64_t interval, longest; /* the usual, the longest advert interval */
	int64_t delay_min, delay_max, wake_max;
	int duplicate_permille;
	int64_t junk_every; /* 0: none */
	struct sim_speaker speaker[SIM_NODES_MAX];
	struct sim_fault fault[SIM_FAULTS_MAX];
	int fault_count;
	int64_t quiet_at, end_at; /* nothing goes wrong any more; everything must be right */
};

/* What shrinking takes away. */
struct sim_less {
	uint32_t faults; /* bit n: without fault n */
	uint8_t nodes;   /* 0: as many as there are */
	bool calm;       /* no jitter, duplicates, junk, clock errors */
};

void sim_schedule_make(struct sim_schedule *schedule, uint64_t seed, const struct sim_less *less);
void sim_schedule_print(const struct sim_schedule *schedule, FILE *out);
const char *sim_fault_text(
	const struct sim_schedule *schedule, const struct sim_fault *fault, char *buf, size_t size);

/* ---- invariants and bugs ---- */

enum sim_invariant {
	SIM_ONE_ACTIVE,   /* after the last fault there is one, and it is the right one */
	SIM_CRASH_BOUND,  /* after a crash: within [D-A-d, D+d+e] */
	SIM_LEAVE_BOUND,  /* after priority 0: within [S, S+d+e] */
	SIM_LOST_ADVERTS, /* one or two lost do not promote, three do */
	SIM_HEALING,      /* after a partition: within an interval of the winner */
	SIM_OVERLAP,      /* two hold the addresses no longer than the bound */
	SIM_STEADY,       /* a Backup that can hear an Active it obeys stays one */
	SIM_PATIENCE,     /* a Backup waits D after what it obeys, S after priority 0 */
	SIM_FLAPPING,     /* transitions are bounded */
	SIM_HOLDING,      /* addresses are there exactly when Active or Handover */
	SIM_ANNOUNCING,   /* only what is there is announced */
	SIM_READ_FIRST,   /* nothing is said before what arrived is read */
	SIM_NO_STORM,     /* adverts of a node are bounded */
	SIM_CLIENTS,      /* the clients' ARP entry leads to the Active */
	SIM_INVARIANTS,
};
const char *sim_invariant_name(enum sim_invariant invariant);
const char *sim_invariant_text(enum sim_invariant invariant);

enum sim_plant {
	SIM_PLANT_NONE,
	SIM_PLANT_NO_REANNOUNCE,
	SIM_PLANT_NO_LAST_CLAIM,
	SIM_PLANT_REJECTED_REARMS,
	SIM_PLANT_SKEW_TRUNCATED,
	SIM_PLANT_NO_TIE_BREAK,
	SIM_PLANT_TWO_TIE_BREAKS,
	SIM_PLANT_SPEAKS_FIRST,
	SIM_PLANT_NO_RELEASE,
	SIM_PLANT_INTERVAL_0,
	SIM_PLANT_ANNOUNCE_FIRST,
	SIM_PLANT_NEVER_YIELDS,
	SIM_PLANT_DEAF_TO_0,
	SIM_PLANT_TWO_INTERVALS,
	SIM_PLANT_FOUR_INTERVALS,
	SIM_PLANT_HANDOVER_STAYS,
	SIM_PLANT_OBEYS_LOWER,
	SIM_PLANT_ALWAYS_PREEMPTS,
	SIM_PLANT_HASTY_START,
	SIM_PLANT_STORM,
	SIM_PLANT_INTERVAL_UNTOLD,
	SIM_PLANT_GUARD_FORGETS,
	SIM_PLANT_LEFT_STAYS,
	SIM_PLANTS,
};

/* ---- run ---- */

enum sim_kind { SIM_ADVERT, SIM_ANNOUNCE };

struct sim_packet {
	enum sim_kind kind;
	uint8_t from, to;
	uint8_t ttl;
	bool ipv6;
	uint8_t len;
	uint8_t bytes[40];
};

enum sim_event_type {
	SIM_EV_PACKET,
	SIM_EV_WAKE,
	SIM_EV_FAULT,
	SIM_EV_FAULT_END,
	SIM_EV_STRANGER,
	SIM_EV_END
};

#define SIM_EVENTS_MAX  8192
#define SIM_PACKETS_MAX 8192
#define SIM_INBOX_MAX   1024

struct sim_event {
	int64_t at;
	uint32_t order; /* of two at the same time, the one that was made first */
	uint16_t type, ref;
};

struct sim_node {
	struct vrrp_fsm fsm;
	struct vrrp_fsm_config config; /* what it should be; the speaker learns of it when it wakes */
	const struct sim_speaker *setup;
	bool running, dead, holds;
	uint8_t links_down, paused, stopped; /* how many faults say so */
	bool inherit, config_new, offer, take, moved;
	int drop; /* adverts that will be lost */
	int64_t wake_at;
	uint16_t inbox[SIM_INBOX_MAX];
	int inbox_head, inbox_count;
	/* for the checks, global time */
	int64_t obeyed_at,
		obeyed_interval; /* the last advert it had to obey, -1: none; with interval 0 it was priority 0 */
	int64_t active_since, calm_since, told_at, told[5];
};

struct sim_watch {
	enum { WATCH_NONE, WATCH_TAKEOVER, WATCH_HOLD, WATCH_HEAL } kind;
	enum sim_invariant invariant;
	int64_t low, high;
	int winner;
};

struct sim_verdict {
	bool failed;
	enum sim_invariant invariant;
	int64_t at;
	char why[160];
};

struct sim {
	struct sim_schedule schedule;
	enum sim_plant plant;
	FILE *trace;
	uint64_t random;
	int64_t now;
	struct sim_node node[SIM_NODES_MAX];
	int client; /* whom the clients believe, -1: nobody yet */

	struct sim_event heap[SIM_EVENTS_MAX];
	int heap_count;
	uint32_t order;
	struct sim_packet packet[SIM_PACKETS_MAX];
	uint16_t free_packet[SIM_PACKETS_MAX];
	int free_count;

	uint8_t cut[SIM_PLACES]; /* bit: whom this one does not reach */
	uint32_t on;             /* bit n: fault n is on */
	int loss_permille;
	uint8_t flood;

	/* for the checks */
	int net_faults;
	int64_t clean_since, fault_at, shaken_at, interval_at, conflict_at, yielded_at, overlap_since;
	int overlap_class, transitions, flaps;
	struct sim_watch watch;
	uint32_t covered; /* bit: this invariant was put to the test */
	struct sim_verdict verdict;
};

/* Run one schedule. The struct is big and holds nothing that has to be freed. */
void sim_run(struct sim *sim, const struct sim_schedule *schedule, enum sim_plant plant, FILE *trace);

/* sim_net.c */
void sim_at(struct sim *sim, int64_t at, enum sim_event_type type, uint16_t ref);
void sim_net_init(struct sim *sim);
bool sim_net_next(struct sim *sim, struct sim_event *event);
bool sim_net_reaches(const struct sim *sim, int from, int to);
void sim_net_send(struct sim *sim, const struct sim_packet *packet); /* to everybody whom its kind concerns */
void sim_net_arrive(struct sim *sim, uint16_t ref);
void sim_net_done(struct sim *sim, uint16_t ref); /* a packet was read */
void sim_net_stranger(struct sim *sim, bool flood);
void sim_trace(struct sim *sim, int node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* sim_node.c */
int64_t sim_node_clock(const struct sim *sim, int node);
bool sim_node_up(const struct sim_node *node); /* runs, has a link */
void sim_node_wake_soon(struct sim *sim, int node);
void sim_node_receive(struct sim *sim, int node, uint16_t ref);
void sim_node_wake(struct sim *sim, int node);
void sim_node_die(struct sim *sim, int node, bool power);
void sim_node_goodbye(struct sim *sim, int node);
struct net_addr sim_node_address(const struct sim *sim, int place, bool ipv6);
void sim_node_packet(const struct sim *sim, int place, uint8_t priority, int64_t interval_ns, bool ipv6,
	struct sim_packet *out);

/* sim_fault.c */
void sim_fault_begin(struct sim *sim, int index);
void sim_fault_end(struct sim *sim, int index);

/* sim_plant.c */
struct sim_plant_row {
	enum sim_plant plant;
	const char *name;
	uint32_t caught_by; /* invariants, as bits */
};
const struct sim_plant_row *sim_plant_row(enum sim_plant plant);
/* vrrp_fsm_step() with the sim's bug around it. */
void sim_plant_step(struct sim *sim, struct sim_node *node, const struct vrrp_event *event, int64_t now,
	struct vrrp_actions *actions);
/* What the codec says, and what the bug makes of it. */
enum vrrp_discard sim_plant_decode(struct sim *sim, struct sim_node *node, const struct sim_packet *packet,
	struct vrrp_advert *out, int64_t now);

/* sim_check.c */
void sim_fail(struct sim *sim, enum sim_invariant invariant, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void sim_check_init(struct sim *sim);
void sim_check_step(
	struct sim *sim, int node, const struct vrrp_fsm *before, const struct vrrp_actions *actions);
void sim_check_heard(
	struct sim *sim, int node, const struct vrrp_fsm *before, bool obeys, const struct vrrp_heard *heard);
bool sim_check_must_obey(const struct sim *sim, int node, uint8_t priority);
void sim_check_says(struct sim *sim, int node, enum vrrp_action_type type, uint8_t priority);
void sim_check_time(struct sim *sim, int64_t to); /* before time goes on */
void sim_check_end(struct sim *sim);
bool sim_check_clean(const struct sim *sim, int64_t for_ns);
bool sim_check_obeys(const struct sim *sim, int backup, int active);
uint8_t sim_check_priority(const struct sim_node *node); /* what its adverts carry, or would */
int64_t sim_check_skew(const struct sim *sim, int node, int64_t interval);
int sim_check_only_active(const struct sim *sim); /* -1: none or several */

/* sim_watch.c: an event with a bound. A fault that comes in between ends the watch. */
void sim_watch_fault(
	struct sim *sim, const struct sim_fault *fault, int target); /* begins; before its effect */
void sim_watch_healed(struct sim *sim);
void sim_watch_cancel(struct sim *sim);
void sim_watch_transition(struct sim *sim, int node, const struct vrrp_action *action);
void sim_watch_time(struct sim *sim, int64_t to);

/* sim_shrink.c: the smallest schedule of that seed that still breaks the same invariant. */
void sim_shrink(struct sim *sim, uint64_t seed, enum sim_plant plant, struct sim_less *less);

/* sim_fork.c */
struct sim_totals {
	uint64_t schedules, failed, covered[SIM_INVARIANTS], events;
	uint64_t first_failed[SIM_INVARIANTS]; /* seed + 1, 0: none */
};
/* Seeds first..first+count-1 in jobs processes. 0 or -errno. */
int sim_fork(uint64_t first, uint64_t count, int jobs, bool progress, struct sim_totals *totals);

#endif
