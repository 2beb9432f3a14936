/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real-time scheduling that cannot starve the machine. A SCHED_FIFO process that does not pause keeps everybody of its
 * priority and below from its processor, also who holds the lock that it waits for: the kernel has files whose readers and
 * writers try for the lock of all links again and again (ipv6 addr_gen_mode, forwarding). So who has run for
 * VRRP_REALTIME_MS in one go is an ordinary process from then on, until vrrp_realtime_on() again. RLIMIT_RTTIME, setrlimit(2).
 */
#ifndef TANDEM_VRRP_REALTIME_H
#define TANDEM_VRRP_REALTIME_H

#include <stdbool.h>

#define VRRP_REALTIME_MS 500

/* This process is SCHED_FIFO with that priority, those that it starts are not. 0, or -errno: it is what it was. */
int vrrp_realtime_on(int priority);

/* It was, and has run for too long. */
bool vrrp_realtime_lapsed(void);

#endif
