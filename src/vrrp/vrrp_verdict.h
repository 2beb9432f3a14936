/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is to have a unit's addresses when the LAN alone does not say: the judgement over several heartbeat paths and
 * witnesses, as one pure function. It is asked when a Backup's down timer ends (may it take?) and whenever an Active
 * learns something (is it to yield?). DESIGN.md, pair channel.
 *
 *   adverts lost, but a beacon says the peer is Active and its LAN is well          hold
 *   the peer's witness is lost to it and reached by me                              take; it reads the same and yields
 *   the peer is not Active (it leaves, waits, is in fault, or is Backup itself)     take
 *   silence on every path: on_isolation take, or fenced with the witness in reach   take
 *                          fenced, the witness lost or unknown                      hold
 *   no table of connections in sync, and the hard cap not over                      hold, unless the peer is gone
 */
#ifndef TANDEM_VRRP_VERDICT_H
#define TANDEM_VRRP_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/vrrp_beacon.h"
#include "vrrp/vrrp_fsm.h"

enum vrrp_isolation { VRRP_ISOLATION_TAKE, VRRP_ISOLATION_FENCED };

enum vrrp_verdict { VRRP_VERDICT_TAKE, VRRP_VERDICT_HOLD, VRRP_VERDICT_STAY, VRRP_VERDICT_YIELD };

/* Everything that is known, all ages in ns at the time of the question. */
struct vrrp_facts {
	enum vrrp_state state;        /* ours */
	bool paired;                  /* a peer is configured */
	bool peer_fresh;              /* a beacon came by some path within the beacon timeout */
	bool peer_ever;               /* one came at all since we started */
	struct vrrp_beacon_unit peer; /* its word about this unit; state Initialize when it did not name it */
	enum vrrp_witness witness;    /* ours */
	bool lan_well;                /* ours */
	enum vrrp_isolation on_isolation;
	enum vrrp_table table; /* ours */
	int64_t waited_ns;     /* since this unit could have taken (for the hard cap) */
	int64_t sync_cap_ns;   /* the hard cap: after that it takes without the table */
};

struct vrrp_judgement {
	enum vrrp_verdict verdict;
	const char *why; /* a static text, for status and events */
};

/* Backup whose down timer ended: TAKE or HOLD. Active (or Handover): STAY or YIELD. Other states: HOLD. */
struct vrrp_judgement vrrp_verdict(const struct vrrp_facts *facts);

const char *vrrp_verdict_name(enum vrrp_verdict verdict);

#endif
