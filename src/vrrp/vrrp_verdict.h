/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is to have a unit's addresses when the LAN alone does not say: the judgement over several heartbeat paths and
 * witnesses, as one pure function. It is asked when a Backup's down timer ends (may it take?) and whenever an Active
 * learns something (is it to yield?). DESIGN.md, pair channel.
 *
 * A Backup whose down timer ended, with fresh word of the peer (the word about this unit, not older than the beacon
 * timeout). X outdoes Y: X's LAN is well, and Y's is not, or X reaches its witness and Y lost it.
 *
 *   the peer is not there (Initialize: it waits, is in fault, has left)     take
 *   both are Backup: the better one takes, the other holds. Better: outdoes; else has its table, the other not; else
 *   the higher priority; else the greater source address
 *   the peer is Active (or hands over)
 *     outdone by us (it reads the same and yields)                          take, table or not
 *     outdoes us                                                            hold
 *     it hands over, or we preempt, and our table is behind, within the cap hold
 *     it hands over, or we preempt                                          take
 *     its adverts are lost, that is all                                     hold
 *
 * A table is behind when the balancer says so, and when it says nothing, or that it hears no other one, while the peer's
 * speaks: it is not there yet, or sync is cut.
 *
 * Without fresh word:
 *   we preempt (its adverts do come): as above, but not fenced with the witness lost: an Active would yield at once
 *   we began less than VRRP_FIRST_WORD_NS ago, the peer never spoke         hold
 *   silence on every path: on_isolation take                                take, table or not
 *                          fenced, the witness in reach                     take
 *                          fenced, not in reach, not known, none            hold
 *
 * An Active stays, but for:
 *   the peer is Backup and outdoes us                                       yield
 *   the peer became Active when we had stood still for longer than our lease, and does not lose to us by being outdone
 *                                                                           yield, to return with its table
 *   both are Active: the worse one yields. Better: outdoes; else is not handing over; else higher priority, greater address
 *   silence on every path, fenced, the witness lost                         yield
 *
 * So with fresh word of each other never do both take or keep the addresses, and never do both leave them when one is well.
 * There are two intended exceptions: who preempts, and who takes what is handed over, speaks while the other is Active
 * still, for it is that advert (or the beacon that says Active) that ends the other's time.
 */
#ifndef TANDEM_VRRP_VERDICT_H
#define TANDEM_VRRP_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/vrrp_beacon.h"
#include "vrrp/vrrp_fsm.h"

#define VRRP_FIRST_WORD_NS INT64_C(1000000000) /* so long a beginner waits for the peer's first beacon */

enum vrrp_isolation { VRRP_ISOLATION_TAKE, VRRP_ISOLATION_FENCED };

enum vrrp_verdict { VRRP_VERDICT_TAKE, VRRP_VERDICT_HOLD, VRRP_VERDICT_STAY, VRRP_VERDICT_YIELD };

/* Everything that is known, all ages in ns at the time of the question. */
struct vrrp_facts {
	enum vrrp_state state; /* ours */
	uint8_t priority;      /* ours, as our beacon says it */
	uint8_t source[16];    /* ours, likewise */
	bool preempting; /* the down timer ended because lower priorities only were heard on the LAN: adverts are not lost */
	bool paired;        /* a peer is configured */
	bool peer_fresh;    /* a beacon came by some path within the beacon timeout */
	bool peer_ever;     /* one came at all since we started */
	bool peer_forgiven; /* none since we stood still: fresh only because that is not held against the peer */
	struct vrrp_beacon_unit peer; /* its word about this unit; state Initialize when it did not name it */
	enum vrrp_witness witness;    /* ours */
	bool lan_well;                /* ours */
	enum vrrp_isolation on_isolation;
	int64_t over_ns;            /* Active, not the owner: so long our lease has been over; 0: it is not */
	int64_t peer_ns;            /* the age of the peer's word about this unit */
	enum vrrp_table table;      /* ours */
	int64_t table_ns;           /* its age: so long ago the balancer said so */
	enum vrrp_table peer_table; /* of the peer's beacon */
	int64_t begun_ns;           /* since this unit began, and listens */
	int64_t waited_ns;          /* since it was first told to wait for the table; vrrp_judge() keeps it */
	int64_t sync_cap_ns;        /* the hard cap: after that it takes without the table */
};

struct vrrp_judgement {
	enum vrrp_verdict verdict;
	const char *why; /* a static text, for status and events */
	bool for_table;  /* HOLD, until the table is here or sync_cap_ns is over */
	bool overtaken;  /* YIELD, as one who returns: it stood still, and the peer took over */
};

/* Backup whose down timer ended: TAKE or HOLD. Active (or Handover): STAY or YIELD. Other states: HOLD. Whoever is told to
 * hold asks again at the next beacon, and after an advert interval; an Active is asked at every beacon, of the peer and of
 * its own. */
struct vrrp_judgement vrrp_verdict(const struct vrrp_facts *facts);

const char *vrrp_verdict_name(enum vrrp_verdict verdict);

#endif
