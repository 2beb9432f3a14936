/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow of the dataplane <-> a record of the pair: indexes and jiffies of this node on one side, addresses, ports and
 * seconds on the other. Also what a record does to a sticky source. Pure.
 *
 * Told are flows that live: ESTABLISHED, half-closed, UDP with a reply. What is closing, reset or doomed is not told, it is
 * over within seconds; its end is. Idleness is told in whole seconds: less than it was of a flow of ours, so that who
 * forwards it now wins over who did a moment ago; more of a copy, so that what goes back and forth grows older.
 */
#ifndef TANDEM_LB_SYNC_FLOW_H
#define TANDEM_LB_SYNC_FLOW_H

#include "lb/bpf/lb_abi.h"
#include "lb/sync_changes.h"
#include "lb/sync_wire.h"

#define LB_SYNC_IDLE_MAX_S \
	(30u * 86400) /* what is said to be idle for longer is taken for that; fits in jiffies */

/* Is a flow in that state told? */
bool lb_sync_state_is_told(uint8_t state);

/* f: a flow4 or flow6 as v6 says, that nobody changes. now: jiffies. hand: enum sync_hand, first hand if it is no copy.
 * False: a flow in that state is not told. */
bool lb_sync_flow_tell(
	const struct lb_flow *f, bool v6, uint32_t now, uint32_t hz, uint8_t hand, struct sync_flow *out);
void lb_sync_flow_tell_end(const struct sync_change_end *end, struct sync_flow *out);

/* The record as a command for the dataplane, but for service and backend. -EINVAL: a value that cannot be. */
int lb_sync_flow_put(const struct sync_flow *flow, uint32_t now, uint32_t hz, struct lb_install *out);
int lb_sync_flow_end(const struct sync_flow *flow, struct lb_install *out);

/* A source used that backend then, says the peer. timeout: jiffies. False: what *e says is as good. exists: there is an
 * entry; else *e is made. */
bool lb_sync_sticky_merge(
	struct lb_sticky_entry *e, bool exists, uint16_t backend, uint32_t used, uint32_t timeout);

/* Jiffies ago in seconds; what lies ahead counts as now. And back. */
uint32_t lb_sync_idle_s(uint32_t used, uint32_t now, uint32_t hz, bool up);
uint32_t lb_sync_used(uint32_t idle_s, uint32_t now, uint32_t hz);

#endif
