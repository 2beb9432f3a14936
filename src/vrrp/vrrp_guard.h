/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard: tandem-vrrp's parent process. It does nothing but wait for the speaker, its child, so that it has no way to
 * fail. When the speaker dies without having said goodbye (kill -9, a crash), the guard says it: it sends the farewells of
 * the ward (priority 0: peers take over after Skew_Time), starts a new speaker, and when that has not claimed the addresses
 * within a second, removes them. The new speaker keeps what it finds until a peer is heard (VRRP_EVENT_INHERIT), so nobody
 * loses a packet meanwhile. A speaker that dies again and again is started less often, the addresses removed first.
 *
 * SIGTERM, SIGINT, SIGHUP are passed on. The speaker ends when its guard dies (PR_SET_PDEATHSIG: SIGTERM).
 */
#ifndef TANDEM_VRRP_GUARD_H
#define TANDEM_VRRP_GUARD_H

#include "vrrp/vrrp_ward.h"

/* Runs in the child; its return is the child's exit status. restarted: the ward holds what a speaker left behind. */
typedef int vrrp_speak_fn(void *data, struct vrrp_ward *ward, bool restarted);

/* The statuses with which a speaker ends on purpose: any exit(); what else ends it is a death. Returns the exit status of
 * the program when a speaker has ended on purpose. Logs as "guard". */
int vrrp_guard_run(struct vrrp_ward *ward, vrrp_speak_fn *speak, void *data);

#endif
