/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine under a verdict: a Backup whose down timer's end is put off, an Active that is to yield. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fsm_harness.h"

#define BESIDE_ANOTHER "+ A100 N B>A" /* who is heard has the address until then */

/* ---- hold ---- */

/* Overdue, asked again at DOWN_100 + 1 s. */
static void held_backup(void)
{
	backup_of(&plain);
	assert_int_equal(vrrp_fsm_deadline(&f), DOWN_100);
	assert_string_equal(step(VRRP_EVENT_HOLD, DOWN_100), nothing);
	assert_true(f.overdue);
}

static void a_held_backup_asks_again_after_an_interval(void **state)
{
	held_backup();
	for (int64_t at = DOWN_100; at < 100 * S; at += S) {
		assert_int_equal(vrrp_fsm_deadline(&f), at + S);
		assert_string_equal(step(VRRP_EVENT_HOLD, at + S), nothing);
		assert_int_equal(f.state, VRRP_BACKUP);
	}
}

static void a_held_backup_takes_at_any_time(void **state)
{
	held_backup();
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 + 1), TAKEOVER);
	assert_int_equal(f.cause, VRRP_CAUSE_SILENCE);
	assert_false(f.overdue);
}

static void who_is_not_due_cannot_be_held(void **state)
{
	backup_of(&plain);
	assert_string_equal(step(VRRP_EVENT_HOLD, DOWN_100 - 1), nothing);
	assert_false(f.overdue);
	assert_int_equal(vrrp_fsm_deadline(&f), DOWN_100);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 - 1), nothing);
	assert_int_equal(f.state, VRRP_BACKUP);
}

static void an_advert_ends_the_hold(void **state)
{
	held_backup();
	assert_string_equal(hear(150, DOWN_100 + MS), nothing);
	assert_false(f.overdue);
	assert_int_equal(vrrp_fsm_deadline(&f), 2 * DOWN_100 + MS);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 + 2 * MS), nothing);
	assert_int_equal(f.state, VRRP_BACKUP);
}

static void a_lower_advert_does_not(void **state)
{
	held_backup();
	assert_string_equal(hear(50, DOWN_100 + MS), nothing);
	assert_true(f.overdue);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 + 2 * MS), BESIDE_ANOTHER);
	assert_int_equal(f.cause, VRRP_CAUSE_PREEMPTED);
}

static void a_farewell_lets_a_held_backup_go_after_the_skew(void **state)
{
	held_backup();
	assert_string_equal(hear(0, DOWN_100 + MS), nothing);
	assert_int_equal(vrrp_fsm_deadline(&f), DOWN_100 + MS + SKEW_100);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 + MS + SKEW_100), BESIDE_ANOTHER);
	assert_int_equal(f.cause, VRRP_CAUSE_PEER_LEFT);
}

static void what_an_operator_asks_is_not_held(void **state)
{
	held_backup();
	assert_string_equal(step(VRRP_EVENT_TAKE, DOWN_100 + MS), BESIDE_ANOTHER);
	assert_false(f.overdue);
}

static void another_priority_leaves_it_held(void **state)
{
	struct vrrp_fsm_config config = with_priority(200);

	held_backup();
	assert_string_equal(configure(&config, DOWN_100 + MS), nothing);
	assert_true(f.overdue);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 + 2 * MS), "A200 + N B>A");
}

static void who_left_begins_without_it(void **state)
{
	held_backup();
	assert_string_equal(step(VRRP_EVENT_SHUTDOWN, DOWN_100 + MS), "B>I");
	assert_string_equal(step(VRRP_EVENT_STARTUP, DOWN_100 + 2 * MS), "I>B");
	assert_false(f.overdue);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 + 3 * MS), nothing);
}

static void only_a_backup_is_held(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(step(VRRP_EVENT_HOLD, now), nothing);
	assert_int_equal(f.state, VRRP_ACTIVE);
	step(VRRP_EVENT_OFFER, now);
	assert_string_equal(step(VRRP_EVENT_HOLD, now + MS), nothing);
	assert_int_equal(f.state, VRRP_HANDOVER);
	vrrp_fsm_init(&f, &plain);
	assert_string_equal(step(VRRP_EVENT_HOLD, now), nothing);
	assert_int_equal(f.state, VRRP_INITIALIZE);
}

/* ---- yield ---- */

static void an_active_yields_at_once(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(step(VRRP_EVENT_YIELD, now), "A0 - A>B");
	assert_int_equal(f.cause, VRRP_CAUSE_YIELDED);
	assert_int_equal(vrrp_fsm_deadline(&f), now + DOWN_100);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + DOWN_100), TAKEOVER);
}

/* Priority 0 was said when it was offered. */
static void who_hands_over_yields_without_another_farewell(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(step(VRRP_EVENT_OFFER, now), "A0 A>H");
	assert_string_equal(step(VRRP_EVENT_YIELD, now + MS), "- H>B");
	assert_int_equal(vrrp_fsm_deadline(&f), now + MS + DOWN_100);
}

static void what_was_asked_of_it_is_over_when_it_yields(void **state)
{
	backup_of(&plain);
	hear(200, MS);
	step(VRRP_EVENT_TAKE, 2 * MS);
	assert_true(f.forced);
	assert_string_equal(step(VRRP_EVENT_YIELD, 3 * MS), "A0 - A>B");
	assert_false(f.forced);
	assert_int_equal(vrrp_fsm_priority(&f), 100);
}

static void who_has_nothing_does_not_yield(void **state)
{
	backup_of(&plain);
	assert_string_equal(step(VRRP_EVENT_YIELD, MS), nothing);
	assert_int_equal(f.state, VRRP_BACKUP);
	assert_int_equal(vrrp_fsm_deadline(&f), DOWN_100);
	vrrp_fsm_init(&f, &plain);
	assert_string_equal(step(VRRP_EVENT_YIELD, MS), nothing);
	assert_int_equal(f.state, VRRP_INITIALIZE);
}

static void who_yielded_may_be_held(void **state)
{
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_YIELD, now);
	assert_string_equal(step(VRRP_EVENT_HOLD, now + DOWN_100), nothing);
	assert_true(f.overdue);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + DOWN_100 + MS), TAKEOVER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_held_backup_asks_again_after_an_interval),
		cmocka_unit_test(a_held_backup_takes_at_any_time),
		cmocka_unit_test(who_is_not_due_cannot_be_held),
		cmocka_unit_test(an_advert_ends_the_hold),
		cmocka_unit_test(a_lower_advert_does_not),
		cmocka_unit_test(a_farewell_lets_a_held_backup_go_after_the_skew),
		cmocka_unit_test(what_an_operator_asks_is_not_held),
		cmocka_unit_test(another_priority_leaves_it_held),
		cmocka_unit_test(who_left_begins_without_it),
		cmocka_unit_test(only_a_backup_is_held),
		cmocka_unit_test(an_active_yields_at_once),
		cmocka_unit_test(who_hands_over_yields_without_another_farewell),
		cmocka_unit_test(what_was_asked_of_it_is_over_when_it_yields),
		cmocka_unit_test(who_has_nothing_does_not_yield),
		cmocka_unit_test(who_yielded_may_be_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
