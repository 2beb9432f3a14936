/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the state machine and the verdict: which question a unit's state asks, and which event the answer is for the
 * state machine. Pure: vrrp_unit_judge drives it, and so does the simulator.
 *
 * Where it says more than the verdict:
 * - Who handed over and learns by a beacon that the peer is Active accepts that as if its advert had come.
 * - An Active that stood still, and learns by a beacon that the peer took over, takes that for its advert, too.
 * - While it listens whether somebody did, its beacons do not say that it is Active: the peer would yield.
 * - What its balancer said before a Backup gave the addresses up does not count: it may have stood still as well.
 * - A Backup that learns by a beacon that the peer is Active no more takes that as its priority 0, which may have been lost.
 * - Who has to wait for the connection table waits from the first time it is told so, for the cap at most.
 * - Two that were Active at a time, of which the peer gave up: its last claim may have been heard by everybody but us, so
 *   what we claim is announced again. A peer that was silent and is heard again may have been such a one.
 */
#ifndef TANDEM_VRRP_JUDGE_H
#define TANDEM_VRRP_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_verdict.h"

/* Of one unit. Begins as zero. */
struct vrrp_judge {
	struct vrrp_judgement last; /* why is NULL before the first */
	bool rival;                 /* Active, and so is the peer by its last word */
	bool unheard;               /* Active, and the peer is silent, or has been since we stood still */
	bool news;                  /* the last judgement is another than the one before it */
	bool peer_active;           /* Active, and nothing else, was the peer's last word */
	int64_t waits_since;        /* for the table, without a break; 0: it does not */
};

/* What the state machine contributes to the facts: state, priority, preempting, begun_ns, over_ns. */
void vrrp_judge_facts(const struct vrrp_fsm *fsm, int64_t now, struct vrrp_facts *facts);

/* The state that beacons tell. */
enum vrrp_state vrrp_judge_says(const struct vrrp_fsm *fsm, int64_t now);

/* Ask when a Backup's down timer ended, and whenever something was learned. True: *event is to be fed to the state
 * machine. A TIMER says that the Backup may take; HOLD that it may not. */
bool vrrp_judge(struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts,
	int64_t now, struct vrrp_event *event);

#endif
