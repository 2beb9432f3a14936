/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timerfd is set to the earliest deadline, or to an earlier time: a deadline that moves away (each advert does that to a
 * Backup) leaves it alone, and when it fires and nothing is due, it is set anew. So hundreds of timers that are never due cost
 * no system calls, and those that are due together cost as many as one.
 */
#include "vrrp/vrrp_timer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#define SECOND INT64_C(1000000000)

struct vrrp_timers {
	struct ev_loop *loop;
	int fd;
	int64_t armed_ns; /* what the timerfd is set to */
	ev_io readable;
	struct vrrp_timer *first, *last;
	bool running;            /* fn of those that are due are being called */
	struct vrrp_timer *next; /* then: the one to look at next */
};

struct vrrp_timer {
	struct vrrp_timers *timers;
	struct vrrp_timer *before, *after;
	void (*fn)(void *data);
	void *data;
	int64_t at_ns;
};

static void arm(struct vrrp_timers *timers, int64_t at_ns)
{
	struct itimerspec when = {};

	timers->armed_ns = at_ns;
	if (at_ns == VRRP_TIMER_OFF)
		return; /* it has fired */
	if (at_ns < 1)  /* 0 would mean off */
		at_ns = 1;
	when.it_value.tv_sec = at_ns / SECOND;
	when.it_value.tv_nsec = at_ns % SECOND;
	timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void run_due(struct vrrp_timers *timers)
{
	int64_t now = vrrp_now();

	timers->running = true;
	timers->next = timers->first;
	while (timers->next) {
		struct vrrp_timer *timer = timers->next;

		timers->next = timer->after;
		if (timer->at_ns > now)
			continue;
		timer->at_ns = VRRP_TIMER_OFF;
		timer->fn(timer->data);
		/* Those that became due meanwhile come along; nobody comes twice before the loop's others had their turn. */
		now = vrrp_now();
	}
	timers->running = false;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct vrrp_timers *timers = io->data;
	int64_t earliest = VRRP_TIMER_OFF;
	uint64_t expired;

	if (read(timers->fd, &expired, sizeof(expired)) != (ssize_t)sizeof(expired))
		return; /* set anew since it became readable */
	run_due(timers);
	for (const struct vrrp_timer *timer = timers->first; timer; timer = timer->after)
		if (timer->at_ns < earliest)
			earliest = timer->at_ns;
	arm(timers, earliest);
}

int vrrp_timers_open(struct vrrp_timers **out, struct ev_loop *loop)
{
	struct vrrp_timers *timers = calloc(1, sizeof(*timers));

	if (!timers)
		return -ENOMEM;
	timers->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timers->fd < 0) {
		int err = -errno;

		free(timers);
		return err;
	}
	timers->loop = loop;
	timers->armed_ns = VRRP_TIMER_OFF;
	ev_io_init(&timers->readable, on_readable, timers->fd, EV_READ);
	timers->readable.data = timers;
	ev_io_start(loop, &timers->readable);
	*out = timers;
	return 0;
}

void vrrp_timers_close(struct vrrp_timers *timers)
{
	if (!timers)
		return;
	ev_io_stop(timers->loop, &timers->readable);
	close(timers->fd);
	free(timers);
}

int vrrp_timer_open(struct vrrp_timer **out, struct vrrp_timers *timers, void (*fn)(void *data), void *data)
{
	struct vrrp_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	*timer = (struct vrrp_timer){
		.timers = timers, .before = timers->last, .fn = fn, .data = data, .at_ns = VRRP_TIMER_OFF};
	if (timers->last)
		timers->last->after = timer;
	else
		timers->first = timer;
	timers->last = timer;
	*out = timer;
	return 0;
}

void vrrp_timer_set(struct vrrp_timer *timer, int64_t at_ns)
{
	struct vrrp_timers *timers = timer->timers;

	timer->at_ns = at_ns;
	if (!timers->running && at_ns < timers->armed_ns)
		arm(timers, at_ns);
}

void vrrp_timer_close(struct vrrp_timer *timer)
{
	if (!timer)
		return;
	if (timer->before)
		timer->before->after = timer->after;
	else
		timer->timers->first = timer->after;
	if (timer->after)
		timer->after->before = timer->before;
	else
		timer->timers->last = timer->before;
	if (timer->timers->next == timer)
		timer->timers->next = timer->after;
	free(timer);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

int64_t vrrp_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t vrrp_boottime(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}
