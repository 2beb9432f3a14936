/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard: tandem-vrrp's parent process. It does nothing but wait for the speaker, its child, so that it has no way to
 * fail. When the speaker dies without having said goodbye (kill -9, a crash), the guard says it: it sends the farewells of
 * the ward (priority 0: peers take over after Skew_Time), starts a new speaker, and when that has not claimed the addresses
 * within a second, removes them. The new speaker keeps what it finds until a peer is heard (VRRP_EVENT_INHERIT), so nobody
 * loses a packet meanwhile. With the ward's resume nothing is said at first: the new speaker goes on as Active.
 *
 * A speaker that dies again and again (three times in 10 s, none of which lived for 5 s) is started less often, after 1, 2, 4
 * .. 30 s, the addresses removed first; SIGHUP starts it at once. So is one that was to replace a dead one and ended with an
 * error: the config on the disk may be half edited at that moment.
 *
 * SIGTERM, SIGINT, SIGHUP are passed on; other signals are left alone. A speaker that does not end within 10 s of the first
 * SIGTERM or SIGINT is killed. The speaker gets SIGTERM when its guard dies (PR_SET_PDEATHSIG).
 *
 * A second after the start of a speaker the guard does as the speaker did: one priority above its SCHED_FIFO, memory locked.
 */
#ifndef TANDEM_VRRP_GUARD_H
#define TANDEM_VRRP_GUARD_H

#include "vrrp/vrrp_ward.h"

/*
 * Runs in the child, in a process group of its own, and returns the child's exit status. restarted: a speaker of this guard
 * died. (At the first start, too, the ward may hold something: of a program that ended.) SIGTERM, SIGINT and SIGHUP are
 * blocked, so that none is lost before it handles them; it unblocks them then. SIGPIPE is ignored.
 */
typedef int vrrp_speak_fn(void *data, struct vrrp_ward *ward, bool restarted);

/*
 * Returns the program's exit status when a speaker has ended on purpose, by exit() (a second one: with status 0, or when
 * it was to end): that one's, after what the ward still holds was removed (with resume and status 0 it stays for the next start). Also when one died that was to end: 0 when it
 * died of the SIGTERM or SIGINT itself, before it could handle it, else 1. Signal mask and SIGPIPE are as before afterwards.
 * Logs with "guard: ".
 */
int vrrp_guard_run(struct vrrp_ward *ward, vrrp_speak_fn *speak, void *data);

#endif
