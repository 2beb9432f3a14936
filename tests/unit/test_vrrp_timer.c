/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deadlines to the nanosecond: never early, moved, taken back, in the past, many of them, and closed from within. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include "vrrp/vrrp_timer.h"

#define MS INT64_C(1000000)

static struct ev_loop *loop;
static struct vrrp_timers *timers;
static struct vrrp_timer *timer;
static int fired;
static int64_t fired_at;

static void on_timer(void *data)
{
	fired++;
	fired_at = vrrp_now();
}

static void on_limit(struct ev_loop *l, ev_timer *w, int events)
{
	ev_break(l, EVBREAK_ALL);
}

/* Run the loop until the timer fired `count` times or that many seconds are over. */
static void run(int count, double seconds)
{
	ev_timer limit;

	ev_now_update(loop);
	ev_timer_init(&limit, on_limit, seconds, 0.);
	ev_timer_start(loop, &limit);
	while (fired < count && ev_is_active(&limit))
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &limit);
}

static int open_timer(void **state)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	fired = 0;
	assert_int_equal(vrrp_timers_open(&timers, loop), 0);
	return vrrp_timer_open(&timer, timers, on_timer, NULL);
}

static int close_timer(void **state)
{
	vrrp_timer_close(timer);
	timer = NULL;
	vrrp_timers_close(timers);
	vrrp_timers_close(NULL);
	ev_loop_destroy(loop);
	return 0;
}

static void test_never_early(void **state)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 50; i++) {
		int64_t at = vrrp_now() + 300000 + i * 37017; /* fractions of a millisecond */

		vrrp_timer_set(timer, at);
		fired = 0;
		run(1, 5.);
		assert_int_equal(fired, 1);
		assert_true(fired_at >= at);
		if (fired_at - at < best)
			best = fired_at - at;
	}
	assert_true(best < MS / 2); /* a busy machine is late sometimes, not always; rounding would be */
}

static void test_fires_once(void **state)
{
	vrrp_timer_set(timer, vrrp_now() + MS);
	run(2, 0.05);
	assert_int_equal(fired, 1);
}

static void test_past_and_zero(void **state)
{
	static const int64_t past[] = {0, -1, INT64_MIN, 1};

	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		fired = 0;
		vrrp_timer_set(timer, past[i]);
		run(1, 5.);
		assert_int_equal(fired, 1);
	}
}

static void test_moved_and_off(void **state)
{
	int64_t at = vrrp_now() + 20 * MS;

	vrrp_timer_set(timer, at - 15 * MS);
	vrrp_timer_set(timer, at);
	run(1, 5.);
	assert_int_equal(fired, 1);
	assert_true(fired_at >= at);

	vrrp_timer_set(timer, vrrp_now() + MS);
	vrrp_timer_set(timer, VRRP_TIMER_OFF);
	run(2, 0.02);
	assert_int_equal(fired, 1);

	vrrp_timer_set(timer, INT64_MAX - 1); /* 292 years */
	run(2, 0.02);
	assert_int_equal(fired, 1);
}

/* Due, seen by nobody yet, and then moved: the old deadline is forgotten. */
static void test_due_and_moved(void **state)
{
	int64_t due = vrrp_now() + MS;

	vrrp_timer_set(timer, due);
	while (vrrp_now() < due + MS)
		;
	vrrp_timer_set(timer, vrrp_now() + 20 * MS);
	int64_t at = vrrp_now() + 15 * MS;
	run(1, 5.);
	assert_int_equal(fired, 1);
	assert_true(fired_at >= at);
}

static void on_chain(void *data)
{
	struct vrrp_timer **self = data;

	if (++fired < 3) {
		vrrp_timer_set(*self, vrrp_now());
	} else {
		vrrp_timer_close(*self);
		*self = NULL;
	}
}

static void test_set_and_closed_from_within(void **state)
{
	struct vrrp_timer *chain;

	assert_int_equal(vrrp_timer_open(&chain, timers, on_chain, &chain), 0);
	vrrp_timer_set(chain, vrrp_now());
	run(3, 5.);
	assert_int_equal(fired, 3);
	assert_null(chain);
	vrrp_timer_close(NULL);
}

#define MANY 300

struct one {
	struct vrrp_timer *timer;
	int64_t due;
	bool early;
	int count;
};

static struct one many[MANY];

static void on_one(void *data)
{
	struct one *one = data;

	fired++;
	one->count++;
	one->early |= vrrp_now() < one->due;
}

/* Each at its own deadline, whatever the order in which they were set, and however often they were moved before. */
static void test_many(void **state)
{
	int64_t begin = vrrp_now() + 5 * MS;

	for (int i = 0; i < MANY; i++) {
		many[i] = (struct one){.due = begin + (i * 7919 % MANY) * 50000};
		assert_int_equal(vrrp_timer_open(&many[i].timer, timers, on_one, &many[i]), 0);
		vrrp_timer_set(many[i].timer, begin - 3 * MS);
	}
	for (int i = 0; i < MANY; i++) {
		vrrp_timer_set(many[i].timer, many[i].due + 1000 * MS);
		vrrp_timer_set(many[i].timer, i % 3 ? many[i].due : VRRP_TIMER_OFF);
	}
	run(MANY * 2 / 3, 5.);
	run(MANY, 0.02);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(many[i].count, i % 3 ? 1 : 0);
		assert_false(many[i].early);
		vrrp_timer_close(many[i].timer);
	}
}

/* The earliest counts, whichever was set first. */
static void test_far_and_near(void **state)
{
	struct vrrp_timer *near, *next;

	assert_int_equal(vrrp_timer_open(&near, timers, on_timer, NULL), 0);
	assert_int_equal(vrrp_timer_open(&next, timers, on_timer, NULL), 0);
	vrrp_timer_set(timer, vrrp_now() + 60000 * MS);
	vrrp_timer_set(near, vrrp_now() + MS);
	vrrp_timer_set(next, vrrp_now() + 10 * MS);
	run(2, 5.);
	assert_int_equal(fired, 2);
	vrrp_timer_close(near);
	vrrp_timer_close(next);
}

/* Closes all, those too that are due in the same round, before and after it. */
static void on_end(void *data)
{
	fired++;
	for (int i = 0; i < 3; i++) {
		vrrp_timer_close(many[i].timer);
		many[i].timer = NULL;
	}
}

static void test_others_closed_from_within(void **state)
{
	int64_t at = vrrp_now() + MS;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(vrrp_timer_open(&many[i].timer, timers, on_end, NULL), 0);
		vrrp_timer_set(many[i].timer, at);
	}
	vrrp_timer_set(timer, at);
	run(3, 0.05);
	assert_int_equal(fired, 2);
}

static void on_other(void *data)
{
	fired++;
	vrrp_timer_set(timer, vrrp_now());
}

static void test_set_by_another(void **state)
{
	struct vrrp_timer *other;

	assert_int_equal(vrrp_timer_open(&other, timers, on_other, NULL), 0);
	vrrp_timer_set(other, vrrp_now() + MS);
	run(2, 5.);
	assert_int_equal(fired, 2);
	vrrp_timer_close(other);
}

static void test_clocks(void **state)
{
	int64_t a = vrrp_now(), b = vrrp_boottime();

	assert_true(a > 0 && b >= a - MS);
	assert_true(vrrp_now() >= a && vrrp_boottime() >= b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_never_early, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_fires_once, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_past_and_zero, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_moved_and_off, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_due_and_moved, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_set_and_closed_from_within, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_many, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_far_and_near, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_others_closed_from_within, open_timer, close_timer),
		cmocka_unit_test_setup_teardown(test_set_by_another, open_timer, close_timer),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
