/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setting a timerfd also forgets an expiry that was not read yet, so a deadline that was moved never fires early. */
#include "vrrp/vrrp_timer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#define SECOND INT64_C(1000000000)

struct vrrp_timer {
	struct ev_loop *loop;
	void (*fn)(void *data);
	void *data;
	int fd;
	int64_t at_ns; /* what the timerfd is set to */
	ev_io readable;
};

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct vrrp_timer *timer = io->data;
	uint64_t expired;

	if (read(timer->fd, &expired, sizeof(expired)) != (ssize_t)sizeof(expired))
		return; /* set anew since it became readable */
	timer->at_ns = VRRP_TIMER_OFF;
	timer->fn(timer->data);
}

int vrrp_timer_open(struct vrrp_timer **out, struct ev_loop *loop, void (*fn)(void *data), void *data)
{
	struct vrrp_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer->fd < 0) {
		int err = -errno;

		free(timer);
		return err;
	}
	timer->loop = loop;
	timer->fn = fn;
	timer->data = data;
	timer->at_ns = VRRP_TIMER_OFF;
	ev_io_init(&timer->readable, on_readable, timer->fd, EV_READ);
	timer->readable.data = timer;
	ev_io_start(loop, &timer->readable);
	*out = timer;
	return 0;
}

void vrrp_timer_set(struct vrrp_timer *timer, int64_t at_ns)
{
	struct itimerspec when = {};

	if (at_ns == timer->at_ns)
		return;
	if (at_ns != VRRP_TIMER_OFF) {
		if (at_ns < 1) /* 0 would mean off */
			at_ns = 1;
		when.it_value.tv_sec = at_ns / SECOND;
		when.it_value.tv_nsec = at_ns % SECOND;
	}
	timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &when, NULL);
	timer->at_ns = at_ns;
}

void vrrp_timer_close(struct vrrp_timer *timer)
{
	if (!timer)
		return;
	ev_io_stop(timer->loop, &timer->readable);
	close(timer->fd);
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
