/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers with deadlines in nanoseconds of CLOCK_MONOTONIC, driven by libev: libev's own timers count from the time the loop
 * woke up and are rounded to the millisecond of epoll_wait(), and VRRP's skew at 10 ms adverts is less. A timerfd wakes the
 * loop at the deadline itself. Also the two clocks that the speaker reads.
 */
#ifndef TANDEM_VRRP_TIMER_H
#define TANDEM_VRRP_TIMER_H

#include <stdint.h>

struct ev_loop;
struct vrrp_timers;
struct vrrp_timer;

#define VRRP_TIMER_OFF INT64_MAX

/* All timers of a loop, which share one timerfd. 0, or -errno (-EMFILE, -ENOMEM; not logged). loop must outlive it. */
int vrrp_timers_open(struct vrrp_timers **out, struct ev_loop *loop);
/* After its timers, never from within one. NULL is fine. */
void vrrp_timers_close(struct vrrp_timers *timers);

/* Not armed. fn is called from the loop, once for each deadline that was set and has passed; it may set any timer, and close
 * any. 0 or -ENOMEM. data must outlive it. */
int vrrp_timer_open(struct vrrp_timer **out, struct vrrp_timers *timers, void (*fn)(void *data), void *data);

/* From now on due at at_ns (vrrp_now()'s clock) and at no other time; in the past: as soon as the loop runs.
 * VRRP_TIMER_OFF: not at all, also when it is due already and fn was not called yet. */
void vrrp_timer_set(struct vrrp_timer *timer, int64_t at_ns);

/* NULL is fine. */
void vrrp_timer_close(struct vrrp_timer *timer);

/* Nanoseconds. Steps of the wall clock change neither; vrrp_boottime() also counts time in suspend, and means the same to
 * every process until the next boot. */
int64_t vrrp_now(void);
int64_t vrrp_boottime(void);

#endif
