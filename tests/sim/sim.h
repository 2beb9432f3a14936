/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulator of 2 to 5 speakers on one LAN: each is the state machine that ships (src/vrrp/vrrp_fsm.c) behind the packet
 * codec that ships (src/vrrp/vrrp_packet.c), on a clock and a network that are made up here. In every other schedule (even
 * seeds) two of them are a pair: they send beacons by one to three paths, ask witnesses, and the verdict decides
 * (vrrp_beacon, vrrp_said, vrrp_judge, vrrp_verdict). Pure: no clock, no I/O but the timeline. A schedule follows from its
 * 64-bit seed, a run from its schedule: both replay exactly.
 *
 *   sim_schedule.c  seed -> who takes part, what goes wrong when
 *   sim_net.c       time, events, packets: loss, delay, duplication, partitions, the clients' ARP entry
 *   sim_node.c      one speaker: process, socket, clock, guard; the order of things on waking up
 *   sim_fault.c     what goes wrong, done to net and nodes
 *   sim_plant.c     bugs on purpose, around the state machine
 *   sim_check.c     the invariants that hold at every moment; sim_watch.c those that begin with an event and have a bound
 *   sim_pair.c      a node's part in a pair: beacons, witness, the questions to the verdict
 *   sim_pair_path.c the paths of beacons, the witness, as the network lets them
 *   sim_pair_make.c seed -> paths, timeouts, what goes wrong with a pair
 *   sim_pair_check.c what must hold for a pair at every moment; sim_pair_end.c at the end
 *   sim_pair_plant.c bugs on purpose around the verdict
 *   sim_lease.c     the lease in each node's kernel, stamped by vrrp_stamp; sim_lease_check.c what must hold of it
 *   sim_stall.c     what must hold of a node of a pair that stood still while the other took over
 *   sim_table.c     how much of the other's connection table a node of a pair has
 *   sim_shrink.c    a failing schedule made small; sim_fork.c many schedules on all cores
 *
 * Another kind of actor is another enum sim_kind of packet that sim_node_receive() hands on, and state that sim_node_wake()
 * drives.
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
#include "vrrp/vrrp_judge.h"
#include "vrrp/vrrp_packet.h"
#include "vrrp/vrrp_said.h"
#include "vrrp/vrrp_stamp.h"

#define SIM_NODES_MAX  5
#define SIM_CLIENT     5 /* the clients behind the switch, one for all */
#define SIM_STRANGER   6 /* sends junk, and claims with priority 1 */
#define SIM_PLACES     7
#define SIM_FAULTS_MAX 12
#define SIM_VRID       51
#define SIM_PATHS_MAX  3

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
	SIM_KILL,      /* node's speaker and guard die, the addresses stay; until: starts again, 0: never */
	SIM_PLAIN_FAULTS,
	/* of a pair */
	SIM_FILTER =
		SIM_PLAIN_FAULTS, /* the LAN loses the adverts of nodes in mask, and nothing else, until */
	SIM_PATH_CUT,             /* what nodes in mask send by path value is lost, until */
	SIM_PATH_LOSS,            /* of beacons beside the LAN: value per mille, until */
	SIM_WITNESS,              /* the witness does not answer nodes in mask, until */
	SIM_SYNC_CUT,             /* connection sync is cut, and nothing else, until */
	SIM_FREEZE, /* node stands still, until: its process, and its balancer for value longer */
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
	int ppm;       /* its clock is that much too fast */
	uint8_t rank;  /* of its IPv6 address; that of its IPv4 address is its number */
	int64_t jiffy; /* of its kernel */
};

struct sim_pair_setup {
	int paths;
	bool by_lan[SIM_PATHS_MAX]; /* that path is the clients' LAN */
	int64_t delay_max[SIM_PATHS_MAX];
	int64_t beacon_interval, beacon_timeout;
	int64_t witness_interval; /* 0: they have none */
	enum vrrp_isolation on_isolation;
	uint8_t balancers; /* bit: that node has one, and with it a connection table */
	int64_t bulk;      /* that long it takes until a node that joins has the other's table */
	int64_t sync_cap, sync_silence;
};

struct sim_schedule {
	uint64_t seed;
	bool is_pair;
	struct sim_pair_setup pair;
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
	SIM_LEASE_KEPT,   /* fresh while a node that runs has the addresses, over once it gave them up */
	SIM_LEASE_SILENT, /* of a node whose last advert was heard it is over before silence promotes another */
	SIM_LEASE_BOUND, /* of a node that stands still it ends within the bound after another took over */
	/* of a pair */
	SIM_PAIR_ONE,      /* after the last fault one owns the addresses, and it is the right one */
	SIM_PAIR_FAILOVER, /* after a crash or a goodbye the other is Active within the bounds */
	SIM_PAIR_HOLD,     /* a Backup whose peer is Active and well, and says so, stays Backup */
	SIM_PAIR_OVERLAP,  /* both own no longer than the bound while a path works each way */
	SIM_PAIR_NOBODY,   /* nobody owns no longer than the bound while somebody could */
	SIM_PAIR_FENCED,   /* who is fenced, alone and without a witness owns nothing */
	SIM_PAIR_FLAPPING, /* transitions are bounded by what went wrong */
	SIM_PAIR_MEMORY,   /* what is believed of the peer never goes back */
	SIM_PAIR_GATED,    /* nobody preempts without the connection table within the cap */
	SIM_PAIR_STALLED, /* who stood still past its lease while the other took over steps back, and returns so */
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
	SIM_PLANT_VERDICT_IGNORED,
	SIM_PLANT_WORDS_ETERNAL,
	SIM_PLANT_OLD_BOOT,
	SIM_PLANT_YIELD_KEEPS,
	SIM_PLANT_HOLD_FOREVER,
	SIM_PLANT_YIELD_IGNORED,
	SIM_PLANT_NOT_FENCED,
	SIM_PLANT_BOTH_BETTER,
	SIM_PLANT_RIVAL_FORGOTTEN,
	SIM_PLANT_GOODBYE_UNHEARD,
	SIM_PLANT_NOT_ACCEPTED,
	SIM_PLANT_WITNESS_BELIEVED,
	SIM_PLANT_PATHS_ALIKE,
	SIM_PLANT_BEACON_GOODBYE,
	SIM_PLANT_GATING_IGNORED,
	SIM_PLANT_CAP_IGNORED,
	SIM_PLANT_WAITS_ANEW,
	SIM_PLANT_LEASE_UNSTAMPED,
	SIM_PLANT_LEASE_UNRELEASED,
	SIM_PLANT_LEASE_LONG,
	SIM_PLANT_LEASE_BLIND,
	SIM_PLANT_LEASE_LATE,
	SIM_PLANT_LEASE_OFFERED,
	SIM_PLANT_STALL_CLAIMS,
	SIM_PLANT_STALL_BEACONS,
	SIM_PLANT_STALL_OLD_WORD,
	SIM_PLANTS,
};

/* ---- run ---- */

enum sim_kind { SIM_ADVERT, SIM_ANNOUNCE, SIM_BEACON };

#define SIM_BYTES_MAX 200 /* a beacon of one unit */

struct sim_packet {
	enum sim_kind kind;
	uint8_t from, to;
	uint8_t ttl;
	bool ipv6;
	uint8_t path; /* BEACON */
	int64_t sent_at, came_at;
	uint8_t len;
	uint8_t bytes[SIM_BYTES_MAX];
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
	/* the lease: of its kernel, own clock; leased: its process stamps with adverts */
	int64_t lease_until, keep_at;
	bool leased, killed;
	int64_t wake_at;
	uint16_t inbox[SIM_INBOX_MAX];
	int inbox_head, inbox_count;
	int64_t emptied_at; /* global time */
	/* for the checks, global time */
	int64_t obeyed_at,
		obeyed_interval; /* the last advert it had to obey, -1: none; with interval 0 it was priority 0 */
	int64_t active_since, calm_since, told_at, told[5], state_since, still_since;
	int64_t stamped_at, stamped_interval; /* the lease, last */
	int64_t heard_sent[SIM_NODES_MAX];    /* of the last advert of that one that it obeyed */
	enum vrrp_cause active_cause;
};

/* How much of the other's connection table is here. */
struct sim_table {
	int64_t born, works_since, heard_at;
	bool ever;
	enum vrrp_table word;
	int64_t said_at;  /* that word, global time */
	uint8_t frozen;   /* how many faults say so */
	int64_t thaws_at; /* it stands still until then, whatever they say */
};

/* A node's part in a pair. */
struct sim_peer {
	bool open; /* its process runs */
	struct vrrp_said said;
	struct vrrp_judge judge;
	uint64_t boot, sequence; /* of what it says */
	bool has_news, was_fresh, waits;
	bool requested;            /* an operator made it Active: that goes over the fence */
	int64_t beacon_at, ask_at; /* own clock: when it speaks, asks its witness */
	enum vrrp_witness witness;
	uint8_t good, bad; /* answers in a row */
	/* for the checks, global time */
	uint64_t newest_boot, newest_sequence, heard_boots; /* bit: of that start something was believed */
	int64_t refused_since;                              /* the peer as it lives now; VRRP_NEVER */
	int64_t opened_at, heard_at, spoke_at, changed_at; /* changed: what beacons say of it but its state */
	int64_t overtaken_at; /* it woke up as Active, its lease over, and what it is about to read says that the other took over */
	int64_t stepped_at; /* it gave the addresses up therefore; -1: it did not, or has had them since */
	bool was_well;
	uint8_t was_priority;
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
	struct sim_peer peer[2];
	struct sim_table table[2];
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
	uint8_t filter, no_witness;      /* bit: of whom adverts are lost, whom the witness does not answer */
	uint8_t path_cut[SIM_PATHS_MAX]; /* bit: whose beacons are lost */
	int path_loss_permille;
	bool sync_cut;

	/* for the checks */
	int net_faults;
	int64_t clean_since, fault_at, shaken_at, interval_at, conflict_at, yielded_at, overlap_since;
	int64_t was_since; /* of the state that a transition ends */
	int overlap_class, transitions, flaps;
	struct {
		int64_t works_since
			[2]; /* from this node to the other by some path, and nothing lost; VRRP_NEVER */
		int64_t path_since[SIM_PATHS_MAX][2], clients_since[2];
		int64_t both_since, nobody_since, able_since[2], released_at;
		int edges;
	} sees;
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

void sim_node_step(struct sim *sim, int node, const struct vrrp_event *event);

/* sim_pair.c: nothing of it does anything when the schedule is no pair's */
void sim_pair_begin_wake(
	struct sim *sim, int node); /* its process is there, or was paused; before it reads */
void sim_pair_read(struct sim *sim, int node, const struct sim_packet *packet);
void sim_pair_wake(struct sim *sim, int node); /* what is due, but the state machine's timer */
void sim_pair_judge(struct sim *sim, int node);
int64_t sim_pair_deadline(const struct sim *sim, int node); /* own clock */
void sim_pair_close(struct sim *sim, int node);

/* sim_pair_path.c */
void sim_pair_send(struct sim *sim, const struct sim_packet *packet); /* by every path */
bool sim_pair_path_works(const struct sim *sim, int path, int from);
bool sim_pair_witness_answers(struct sim *sim, int node); /* asked once: may be lost */
bool sim_pair_witness_there(const struct sim *sim, int node);

/* sim_pair_make.c */
void sim_pair_make(struct sim_schedule *schedule, uint64_t *random);
void sim_pair_make_fault(struct sim_schedule *schedule, struct sim_fault *fault, uint64_t *random);
int64_t sim_pair_settles_within(const struct sim_schedule *schedule);

/* sim_pair_check.c */
void sim_pair_check_init(struct sim *sim);
void sim_pair_check_time(struct sim *sim, int64_t to); /* before time goes on */
void sim_pair_check_transition(struct sim *sim, int node, const struct vrrp_action *action);
void sim_pair_check_word(struct sim *sim, int node);
void sim_pair_check_refused(struct sim *sim, int node, uint64_t boot);
bool sim_pair_outdoes(const struct sim *sim, int x, int y);
bool sim_pair_settled(const struct sim *sim, int active, int64_t recent);
int64_t sim_pair_slowest(const struct sim *sim); /* delay of LAN and paths */
int64_t sim_pair_silence(
	const struct sim *sim); /* so long after its last beacon a dead peer may be waited for */

/* sim_pair_end.c */
void sim_pair_check_end(struct sim *sim);

bool sim_pair_is_peer(const struct sim *sim, int node, const struct sim_packet *packet);

/* sim_stall.c */
void sim_stall_note(struct sim *sim, int node); /* as it wakes up */
void sim_stall_check_says(struct sim *sim, int node);
void sim_stall_check_step(struct sim *sim, int node, const struct vrrp_fsm *before);

/* sim_pair_plant.c */
bool sim_pair_plant_judge(
	struct sim *sim, int node, struct vrrp_facts *facts, int64_t now, struct vrrp_event *event);
void sim_pair_plant_said(struct sim *sim, int node); /* before a beacon is taken */

/* sim_lease.c */
void sim_lease_stamp(struct sim *sim, int node);
void sim_lease_acquire(struct sim *sim, int node); /* lease, then addresses */
void sim_lease_release(struct sim *sim, int node);
void sim_lease_keep(struct sim *sim, int node); /* as vrrp_unit_run does after each step */
int64_t sim_lease_deadline(const struct sim *sim, int node);
bool sim_lease_is_fresh(const struct sim *sim, int node); /* as its dataplane sees it */

/* sim_lease_check.c */
void sim_lease_check_step(struct sim *sim, int node);
void sim_lease_check_transition(struct sim *sim, int node, const struct vrrp_action *action);
void sim_lease_check_time(struct sim *sim, int64_t to);

/* sim_table.c */
void sim_table_init(struct sim *sim);
void sim_table_power(struct sim *sim, int node); /* it lost it */
void sim_table_thaw(struct sim *sim, int node, int64_t after);
void sim_table_time(struct sim *sim);
bool sim_table_is_frozen(const struct sim *sim, int node); /* nobody there says how much it has */
bool sim_table_is_behind(const struct sim *sim, int node);

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
