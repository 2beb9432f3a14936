/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine of RFC 9568 section 6.4 for one unit: one or more virtual routers (families, interfaces) that have
 * one state together. Pure: takes (state, event, now), returns actions in the order in which they are to be done. No
 * clock, no I/O, no allocation, no log. The simulator and tandem-vrrp run this same code.
 *
 * Times are nanoseconds of a monotonic clock; nothing is rounded (RFC 9568 section 6.1: Skew_Time in centiseconds would
 * be 0 for every priority at 10 ms).
 *
 * Where it says more than the RFC:
 * - Leaving in peace is an offer. Handover: priority 0 was sent, the addresses stay until somebody else is heard as
 *   Active (then they are released at once), or, if nobody comes within the down interval, the unit is Active again.
 *   Nobody loses a packet to Skew_Time. When time is up for us (SHUTDOWN) they go without further ado.
 * - One unit has one tie-break. Adverts of equal priority are compared by source address on the leading virtual router
 *   only (the first of IPv4 when there is one): with two comparisons both sides might lose, or both win. When nothing was
 *   heard on it for a whole down interval while such adverts kept coming on others, those decide. What does not decide is
 *   not answered either: two nodes that both answer would do so for ever.
 * - Adverts on any of its virtual routers keep a Backup a Backup: a unit holds while one path brings news.
 * - A won conflict is announced again: at once, and once more announce_interval_ns after the loser's last claim. The
 *   loser claims once more after it released the addresses: without that a winner that was heard first would not know.
 * - An Active that was silent for as long as others wait (a paused process) announces again when it goes on: somebody may
 *   have had the addresses meanwhile, and may be gone.
 * - An Active of a pair that stood still for longer than its adverts are good for, and hears that the peer took over
 *   meanwhile, is a Backup that returns: it preempts as such a one does, not by an answer. What waited to be read may be
 *   old: then it listens for two intervals of the peer's before it goes on. The owner does not ask.
 * - An answer is a timer that is due now, so that after a pause all that arrived is read before anything is said.
 * - "At once" is no sooner than VRRP_ANSWER_GAP_NS after the last: a group that claims on 200 virtual routers is answered
 *   once on each, not 200 times on each, and a flood of claims is not answered by a flood.
 * - A longer advert interval is told three times at the pace of the old one, so that a single lost advert is no reason
 *   for a Backup to take over.
 */
#ifndef TANDEM_VRRP_FSM_H
#define TANDEM_VRRP_FSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VRRP_NEVER         INT64_MAX /* a timer that is not armed, a time that was not yet */
#define VRRP_ANSWER_GAP_NS 5000000   /* half of the shortest advert interval */

enum vrrp_state {
	VRRP_INITIALIZE,
	VRRP_BACKUP,
	VRRP_ACTIVE,
	VRRP_HANDOVER, /* ours: see above */
};

/* Why the unit is in its state. */
enum vrrp_cause {
	VRRP_CAUSE_NONE,
	VRRP_CAUSE_STARTUP,         /* Initialize -> Backup */
	VRRP_CAUSE_OWNER,           /* Initialize -> Active: priority 255 */
	VRRP_CAUSE_RESUMED,         /* Initialize -> Active: was Active a moment ago */
	VRRP_CAUSE_SILENCE,         /* -> Active: no advert for the down interval */
	VRRP_CAUSE_PEER_LEFT,       /* -> Active: priority 0, then Skew_Time */
	VRRP_CAUSE_PREEMPTED,       /* -> Active: only lower priorities were heard for the down interval */
	VRRP_CAUSE_HIGHER_PRIORITY, /* -> Backup */
	VRRP_CAUSE_HIGHER_ADDRESS,  /* -> Backup: equal priority, greater address */
	VRRP_CAUSE_REQUESTED,       /* -> Active: TAKE */
	VRRP_CAUSE_OFFERED,         /* -> Handover: asked to give up */
	VRRP_CAUSE_ACCEPTED,        /* Handover -> Backup: somebody else is Active */
	VRRP_CAUSE_NOBODY,          /* Handover -> Active: nobody took over */
	VRRP_CAUSE_YIELDED,         /* -> Backup: the verdict over all paths was against us */
	VRRP_CAUSE_SHUTDOWN,        /* -> Initialize */
	VRRP_CAUSE_INHERITED,       /* Initialize -> Handover: a speaker died and left the addresses */
	VRRP_CAUSE_STALLED,         /* Active -> Backup: it stood still, and the peer of the pair took over */
};

struct vrrp_fsm_config {
	uint8_t priority; /* effective, 1..255 */
	uint8_t version; /* 2: Skew_Time = (256 - priority) / 256 s, and an advert's interval is not adopted */
	bool preempt;    /* the owner always does */
	int64_t interval_ns;      /* own advert interval */
	int64_t preempt_delay_ns; /* after STARTUP, before lower priorities are preempted */
	uint8_t announce_count;   /* announcements after a takeover, the first included, 1.. */
	int64_t announce_interval_ns;
	int64_t announce_refresh_ns; /* 0: never */
};

enum vrrp_event_type {
	VRRP_EVENT_STARTUP, /* Initialize only */
	VRRP_EVENT_RESUME, /* Initialize only: Active without a pause; addresses are there or are put there */
	VRRP_EVENT_INHERIT, /* Initialize only: a speaker died and left the addresses: as if an offer had been made. They
				are there, so nothing is acquired or announced. Never `held`; the owner is Active at once */
	VRRP_EVENT_SHUTDOWN, /* leave now: fault, end of the program, interface gone */
	VRRP_EVENT_OFFER,    /* Active: give up in peace. Ends `forced`, else begins `held` */
	VRRP_EVENT_TAKE, /* Backup: an operator wants it here: Active at once. Ends `held`; `forced` when the last
				heard priority is not below ours. Does nothing while the owner is heard: 254 would lose */
	VRRP_EVENT_TIMER,  /* now >= vrrp_fsm_deadline(); earlier does nothing */
	VRRP_EVENT_ADVERT, /* a packet that passed every check */
	VRRP_EVENT_CONFIG, /* another config, another effective priority */
	VRRP_EVENT_HOLD, /* Backup whose down timer ended: not now, ask again after an advert interval (vrrp_verdict);
				until an advert arms the timer again, a TIMER at any time is its end */
	VRRP_EVENT_YIELD, /* Active, Handover: the verdict is that another is to have it: Backup at once */
	VRRP_EVENT_MOVED, /* MAC or active slave changed: announce again when Active */
};

struct vrrp_heard {
	uint8_t priority;
	int64_t interval_ns; /* of the packet */
	int tie;             /* < 0, 0, > 0: its source address against ours, unsigned, network order */
	bool leading;        /* on the unit's leading virtual router */
	bool peer;           /* from the other node of the pair */
	int64_t age_ns;      /* so long it waited to be read, at most */
};

struct vrrp_event {
	enum vrrp_event_type type;
	union {
		struct vrrp_heard heard;              /* ADVERT */
		const struct vrrp_fsm_config *config; /* CONFIG */
	};
};

enum vrrp_action_type {
	VRRP_DO_ADVERTISE,  /* send on every virtual router of the unit, with .priority */
	VRRP_DO_ACQUIRE,    /* put the addresses there (idempotent); an ANNOUNCE follows */
	VRRP_DO_RELEASE,    /* take them away */
	VRRP_DO_ANNOUNCE,   /* gratuitous ARP, unsolicited NA, for every address */
	VRRP_DO_TRANSITION, /* the state changed: tell who wants to know */
};

struct vrrp_action {
	enum vrrp_action_type type;
	uint8_t priority;         /* ADVERTISE */
	enum vrrp_state from, to; /* TRANSITION */
	enum vrrp_cause cause;    /* TRANSITION */
};

#define VRRP_ACTIONS_MAX 8

struct vrrp_actions {
	size_t count;
	struct vrrp_action list[VRRP_ACTIONS_MAX];
};

/* A value: may be copied. Read what you like, write by vrrp_fsm_*() only. */
struct vrrp_fsm {
	struct vrrp_fsm_config config;
	enum vrrp_state state;
	enum vrrp_cause cause;   /* of the last transition */
	int64_t since;           /* of the state */
	int64_t advert_at;       /* Adver_Timer */
	int64_t down_at;         /* Active_Down_Timer */
	int64_t announce_at;     /* next announcement */
	uint8_t announce_left;   /* of the series after a takeover */
	int64_t active_interval; /* Active_Adver_Interval */
	int64_t begun_at;        /* left Initialize */
	int64_t preempt_at;      /* lower priorities are obeyed until then */
	bool held; /* gave up on request: does not preempt; ends when Active again, with TAKE, with STARTUP, or
				      when a priority not below ours is heard (it would not preempt anyway) */
	bool forced; /* took over on request: adverts carry 254; ends with OFFER or when Active ends */
	uint8_t heard_priority;  /* of the last advert, 0: none */
	bool overdue;            /* the down timer ended and was put off (HOLD) */
	bool left;               /* the down timer runs Skew_Time since a priority 0 */
	int64_t heard_at;        /* last advert that armed the down timer; VRRP_NEVER: none since startup */
	int64_t lower_at;        /* last advert that was lower and preempted; VRRP_NEVER: none */
	int64_t leading_at;      /* last advert on the leading virtual router; VRRP_NEVER */
	int64_t following_since; /* equal-priority adverts on the others alone since; VRRP_NEVER */
	int64_t following_at;    /* the last of them */
	int64_t advertised_at;   /* last advert of ours; VRRP_NEVER: none since Active */
	int64_t announced_at;    /* last announcement; VRRP_NEVER: none since Active */
	int64_t old_interval;    /* a longer one is told at this pace */
	uint8_t old_left;        /* that many times more */
};

void vrrp_fsm_init(struct vrrp_fsm *fsm, const struct vrrp_fsm_config *config);

/* Feed one event. actions is overwritten. now never goes back. */
void vrrp_fsm_step(
	struct vrrp_fsm *fsm, const struct vrrp_event *event, int64_t now, struct vrrp_actions *actions);

/* When to send VRRP_EVENT_TIMER at the latest; VRRP_NEVER for never. */
int64_t vrrp_fsm_deadline(const struct vrrp_fsm *fsm);

/* The priority that adverts carry: the config's, or what a request made of it. */
uint8_t vrrp_fsm_priority(const struct vrrp_fsm *fsm);

/* Skew_Time and Active_Down_Interval as of now (RFC 9568 section 6.1; RFC 3768 section 6.1 for version 2). */
int64_t vrrp_fsm_skew(const struct vrrp_fsm *fsm);
int64_t vrrp_fsm_down_interval(const struct vrrp_fsm *fsm);

/* Active: until then its last advert is good, and so is the lease; from then on others may have taken over. */
int64_t vrrp_fsm_good_until(const struct vrrp_fsm *fsm);

/* "initialize", "backup", "active", "handover"; a cause in a few words ("no advert for the down interval"). */
const char *vrrp_state_name(enum vrrp_state state);
const char *vrrp_cause_text(enum vrrp_cause cause);

#endif
