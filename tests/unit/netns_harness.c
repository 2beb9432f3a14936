/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns_harness.h"

#include <sched.h>

struct ev_loop *loop;

bool enter_netns(void)
{
	return unshare(CLONE_NEWNET) == 0;
}

void sh(const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (system(line) != 0)
		fail_msg("failed: %s", line);
}

static void on_deadline(struct ev_loop *l, ev_timer *timer, int events)
{
	*(bool *)timer->data = true;
}

void until(bool (*done)(void *data), void *data)
{
	bool late = false;
	ev_timer deadline;

	ev_now_update(loop);
	ev_timer_init(&deadline, on_deadline, 20., 0.);
	deadline.data = &late;
	ev_timer_start(loop, &deadline);
	while (!done(data) && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &deadline);
	assert_false(late);
}

struct lb_bpf_sizes small_sizes(void)
{
	return (struct lb_bpf_sizes){.flows = 1024,
		.half_open = 64,
		.services = 16,
		.pools = 16,
		.backends = 16,
		.sticky = 16,
		.table_slots = 1024};
}
