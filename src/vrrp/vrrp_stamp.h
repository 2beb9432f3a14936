/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a lease of a unit's addresses lasts (common/lease_map.h): what is stamped when. Pure: vrrp_unit_run stamps, and
 * so does the simulator.
 *
 * - Active: each advert is good for three advert intervals. Others wait for Skew_Time more since the same advert, so who
 *   stands still is silent before another one speaks. Only who preempts, or is told to take over, does not wait.
 * - Handover: nothing is said any more and the addresses stay, so the lease is stamped more often and lasts one interval
 *   and Skew_Time: who stands still now is not waited for, because it has left.
 * - Released in order, with a fresh lease: the addresses are gone from this host, which answers for them no more, but what
 *   was sent here before clients and backends have heard of the other node is still let through. On a busy machine that
 *   takes longer than the rest of the lease.
 */
#ifndef TANDEM_VRRP_STAMP_H
#define TANDEM_VRRP_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/vrrp_fsm.h"

#define VRRP_STAMP_LINGER_NS INT64_C(1000000000)

/* From now on, in this state: until when is it fresh? 0: no lease in this state. now: what the state machine was given, read
 * before anything was sent, for a process may stand still between an advert and its stamp. */
int64_t vrrp_stamp_until(const struct vrrp_fsm *fsm, int64_t now);

/* Stamping a lease that lasts until then: may others have had the addresses meanwhile, so that there are connections that
 * nobody knows here? The stamp is a takeover then, with grace. rival: somebody else claims them now, too. */
bool vrrp_stamp_takes_anew(int64_t until, int64_t now, bool rival);

/* When to stamp again without an advert; VRRP_NEVER: adverts do. */
int64_t vrrp_stamp_again_at(const struct vrrp_fsm *fsm, int64_t now);

/* What is left of a lease when the addresses are released. */
int64_t vrrp_stamp_released(int64_t until, int64_t now);

#endif
