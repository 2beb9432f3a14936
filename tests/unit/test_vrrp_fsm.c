/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 9568 section 6.4 row by row, each timer to the nanosecond; announcements; answers to a conflict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fsm_harness.h"

/* ---- Initialize ---- */

static void initialize_startup_as_owner_is_active(void **state)
{
	struct vrrp_fsm_config config = with_priority(255);

	vrrp_fsm_init(&f, &config);
	assert_int_equal(vrrp_fsm_deadline(&f), VRRP_NEVER);
	assert_string_equal(step(VRRP_EVENT_STARTUP, 7), "A255 + N I>A");
	assert_int_equal(f.cause, VRRP_CAUSE_OWNER);
	assert_int_equal(f.since, 7);
	assert_int_equal(f.advert_at, 7 + S);
	assert_int_equal(f.down_at, VRRP_NEVER);
}

static void initialize_startup_else_is_backup(void **state)
{
	backup_of(&plain);
	assert_int_equal(f.cause, VRRP_CAUSE_STARTUP);
	assert_int_equal(f.active_interval, S);
	assert_int_equal(f.down_at, DOWN_100);
	assert_int_equal(f.down_at, 3609375000);
	assert_int_equal(vrrp_fsm_deadline(&f), DOWN_100);
	assert_int_equal(f.advert_at, VRRP_NEVER);
}

static void initialize_hears_nothing(void **state)
{
	vrrp_fsm_init(&f, &plain);
	assert_string_equal(hear(200, 1), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, 100 * S), nothing);
	assert_string_equal(step(VRRP_EVENT_SHUTDOWN, 101 * S), nothing);
	assert_string_equal(step(VRRP_EVENT_OFFER, 101 * S), nothing);
	assert_string_equal(step(VRRP_EVENT_TAKE, 101 * S), nothing);
	assert_string_equal(step(VRRP_EVENT_MOVED, 101 * S), nothing);
	assert_int_equal(f.state, VRRP_INITIALIZE);
	assert_int_equal(vrrp_fsm_deadline(&f), VRRP_NEVER);
}

static void initialize_takes_the_config_it_will_start_with(void **state)
{
	struct vrrp_fsm_config config = plain;

	vrrp_fsm_init(&f, &plain);
	config.interval_ns = 100 * MS;
	assert_string_equal(configure(&config, 0), nothing);
	assert_int_equal(vrrp_fsm_down_interval(&f), DOWN_100 / 10);
}

/* ---- Backup ---- */

static void backup_down_timer_makes_active(void **state)
{
	backup_of(&plain);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100 - 1), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, DOWN_100), TAKEOVER);
	assert_int_equal(f.cause, VRRP_CAUSE_SILENCE);
	assert_int_equal(f.advert_at, DOWN_100 + S);
	assert_int_equal(f.down_at, VRRP_NEVER);
}

static void backup_priority_0_arms_skew_time(void **state)
{
	backup_of(&plain);
	hear(200, S);
	assert_string_equal(hear(0, S + 5), nothing);
	assert_int_equal(f.down_at, S + 5 + SKEW_100);
	assert_string_equal(step(VRRP_EVENT_TIMER, S + 5 + SKEW_100 - 1), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, S + 5 + SKEW_100), RELIEF);
	assert_int_equal(f.cause, VRRP_CAUSE_PEER_LEFT);
}

static void backup_obeys_a_higher_priority_and_adopts_its_interval(void **state)
{
	backup_of(&plain);
	assert_string_equal(hear_interval(101, 4 * S, 2 * S), nothing);
	assert_int_equal(f.active_interval, 4 * S);
	assert_int_equal(f.down_at, 2 * S + 12 * S + 156 * 4 * S / 256);
}

static void backup_obeys_an_equal_priority_whatever_its_address(void **state)
{
	for (int tie = -1; tie <= 1; tie++) {
		backup_of(&plain);
		hear_on(100, tie, true, S);
		assert_int_equal(f.down_at, S + DOWN_100);
	}
}

static void backup_that_does_not_preempt_obeys_a_lower_priority(void **state)
{
	struct vrrp_fsm_config config = plain;

	config.preempt = false;
	backup_of(&config);
	hear_interval(1, 2 * S, S);
	assert_int_equal(f.active_interval, 2 * S);
	assert_int_equal(f.down_at, S + 6 * S + 156 * 2 * S / 256);
}

static void backup_that_preempts_discards_a_lower_priority(void **state)
{
	backup_of(&plain);
	hear(100, S);
	assert_string_equal(hear_interval(99, 10 * MS, 2 * S), nothing);
	assert_int_equal(f.active_interval, S);
	assert_int_equal(f.down_at, S + DOWN_100);
	assert_string_equal(step(VRRP_EVENT_TIMER, S + DOWN_100), RELIEF);
	assert_int_equal(f.cause, VRRP_CAUSE_PREEMPTED);
}

static void backup_that_owns_preempts_even_with_preempt_off(void **state)
{
	struct vrrp_fsm_config config = plain;

	config.preempt = false;
	backup_of(&config);
	config.priority = 255;
	configure(&config, 0);
	hear(254, S);
	assert_int_equal(f.down_at, 3 * S + S / 256);
}

static void backup_shutdown(void **state)
{
	backup_of(&plain);
	assert_string_equal(step(VRRP_EVENT_SHUTDOWN, S), "B>I");
	assert_int_equal(f.cause, VRRP_CAUSE_SHUTDOWN);
	assert_int_equal(vrrp_fsm_deadline(&f), VRRP_NEVER);
	assert_string_equal(step(VRRP_EVENT_TIMER, 10 * S), nothing);
}

/* ---- Active ---- */

static void active_advert_timer(void **state)
{
	int64_t since;

	active_of(&plain);
	since = f.since;
	assert_int_equal(vrrp_fsm_deadline(&f), since + S);
	assert_string_equal(step(VRRP_EVENT_TIMER, since + S - 1), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, since + S), "A100");
	assert_int_equal(f.advert_at, since + 2 * S);
	/* Late by 3: the timer is reset to the interval. */
	assert_string_equal(step(VRRP_EVENT_TIMER, since + 2 * S + 3), "A100");
	assert_int_equal(f.advert_at, since + 3 * S + 3);
}

static void active_priority_0_advertises_and_resets_the_timer(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(answer_to(0, -1, now), "A100 N");
	assert_int_equal(f.advert_at, now + S);
	assert_int_equal(f.state, VRRP_ACTIVE);
}

static void active_yields_to_a_higher_priority(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(hear_interval(101, 2 * S, now), "- A100 A>B");
	assert_int_equal(f.cause, VRRP_CAUSE_HIGHER_PRIORITY);
	assert_int_equal(f.active_interval, 2 * S);
	assert_int_equal(f.down_at, now + 2 * DOWN_100);
	assert_int_equal(vrrp_fsm_deadline(&f), f.down_at);
}

static void active_yields_to_an_equal_priority_with_a_greater_address(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(hear_on(100, 1, true, now), "- A100 A>B");
	assert_int_equal(f.cause, VRRP_CAUSE_HIGHER_ADDRESS);
	assert_int_equal(f.down_at, now + DOWN_100);
}

static void active_answers_an_equal_priority_with_a_smaller_address(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(answer_to(100, -1, now), "A100 N");
	assert_int_equal(f.state, VRRP_ACTIVE);
}

static void active_answers_a_lower_priority_at_once(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(answer_to(99, 1, now), "A100 N");
	assert_int_equal(f.active_interval, S);
}

static void active_yields_also_when_preempt_is_off(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t now;

	config.preempt = false;
	now = active_of(&config);
	assert_string_equal(hear(101, now), "- A100 A>B");
}

static void active_shutdown_says_priority_0(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(step(VRRP_EVENT_SHUTDOWN, now), "A0 - A>I");
	assert_int_equal(vrrp_fsm_deadline(&f), VRRP_NEVER);
}

/* ---- timers ---- */

static void skew_is_exact_for_every_priority_at_10_ms(void **state)
{
	int64_t before = INT64_MAX;

	for (int priority = 1; priority <= 254; priority++) {
		struct vrrp_fsm_config config = with_priority((uint8_t)priority);

		config.interval_ns = 10 * MS;
		backup_of(&config);
		assert_int_equal(vrrp_fsm_skew(&f), (256 - priority) * 10 * MS / 256);
		assert_true(vrrp_fsm_skew(&f) < before);
		assert_int_equal(f.down_at, 30 * MS + vrrp_fsm_skew(&f));
		before = vrrp_fsm_skew(&f);
	}
}

static void the_longest_interval_does_not_overflow(void **state)
{
	struct vrrp_fsm_config config = with_priority(1);

	config.interval_ns = 40950 * MS;
	backup_of(&config);
	assert_int_equal(f.down_at, 3 * 40950 * MS + 255 * 40950 * MS / 256);
}

static void version_2_skew_is_of_a_second_and_no_interval_is_adopted(void **state)
{
	struct vrrp_fsm_config config = plain;

	config.version = 2;
	config.interval_ns = 3 * S;
	backup_of(&config);
	assert_int_equal(f.down_at, 9 * S + 156 * S / 256);
	hear_interval(200, 20 * S, S);
	assert_int_equal(f.down_at, S + 9 * S + 156 * S / 256);
	hear(0, 2 * S);
	assert_int_equal(f.down_at, 2 * S + 156 * S / 256);
}

static void an_interval_of_0_is_not_adopted(void **state)
{
	backup_of(&plain);
	hear_interval(200, 0, S);
	assert_int_equal(f.active_interval, S);
	assert_int_equal(f.down_at, S + DOWN_100);
}

static void one_timer_event_does_all_that_is_due(void **state)
{
	struct vrrp_fsm_config config = plain;

	config.announce_count = 2;
	config.announce_interval_ns = S;
	active_of(&config);
	assert_string_equal(step(VRRP_EVENT_TIMER, f.since + S), "A100 N");
}

/* ---- announcements ---- */

static void a_takeover_is_announced_as_often_as_configured(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t since;

	config.announce_count = 3;
	config.announce_interval_ns = 200 * MS;
	active_of(&config);
	since = f.since;
	assert_int_equal(vrrp_fsm_deadline(&f), since + 200 * MS);
	assert_string_equal(step(VRRP_EVENT_TIMER, since + 200 * MS), "N");
	assert_string_equal(step(VRRP_EVENT_TIMER, since + 400 * MS), "N");
	assert_int_equal(f.announce_at, VRRP_NEVER);
}

static void refresh_follows_the_series(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t since;

	config.announce_refresh_ns = 600 * MS;
	active_of(&config);
	since = f.since;
	assert_string_equal(step(VRRP_EVENT_TIMER, since + 600 * MS), "N");
	assert_int_equal(f.announce_at, since + 1200 * MS);
	config.announce_refresh_ns = 0;
	assert_string_equal(configure(&config, since + 700 * MS), nothing);
	assert_int_equal(f.announce_at, VRRP_NEVER);
}

/* keepalived 20, 166, 542, 1528: after a split brain the winner announced nothing. */
static void a_won_conflict_is_announced_after_the_last_claim(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(answer_to(99, -1, now), "A100 N");
	assert_string_equal(answer_to(99, -1, now + 300 * MS), "A100 N");
	assert_int_equal(f.announce_at, now + 800 * MS);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + 800 * MS), "N");
	assert_int_equal(f.announce_at, VRRP_NEVER);
}

static void a_backup_announces_nothing(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t now;

	config.announce_count = 9;
	config.announce_refresh_ns = S;
	now = active_of(&config);
	hear(200, now);
	assert_int_equal(f.announce_at, VRRP_NEVER);
	assert_string_equal(step(VRRP_EVENT_MOVED, now + 1), nothing);
}

static void a_move_is_announced_when_active(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t now;

	config.announce_count = 2;
	now = active_of(&config);
	step(VRRP_EVENT_TIMER, f.announce_at);
	assert_int_equal(f.announce_at, VRRP_NEVER);
	now = f.since + 600 * MS;
	assert_string_equal(step(VRRP_EVENT_MOVED, now), "N");
	assert_int_equal(f.announce_at, now + 500 * MS);
}

/* ---- answers ---- */

static void a_flood_of_claims_is_answered_every_gap(void **state)
{
	int64_t now = active_of(&plain);
	int adverts = 0, announcements = 0;

	for (int i = 0; i < 1000; i++) {
		int64_t at = now + i * MS / 10; /* 100 ms */

		assert_string_equal(hear(99, at), nothing);
		if (at < vrrp_fsm_deadline(&f))
			continue;
		step(VRRP_EVENT_TIMER, at);
		adverts += strchr(done, 'A') != NULL;
		announcements += strchr(done, 'N') != NULL;
	}
	assert_int_equal(adverts, 20);
	assert_int_equal(announcements, 20);
}

static void an_answer_too_soon_comes_when_the_gap_is_over(void **state)
{
	int64_t now = active_of(&plain);

	answer_to(99, -1, now);
	assert_string_equal(hear(99, now + 1), nothing);
	assert_int_equal(vrrp_fsm_deadline(&f), now + VRRP_ANSWER_GAP_NS);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + VRRP_ANSWER_GAP_NS), "A100 N");
	assert_int_equal(f.advert_at, now + VRRP_ANSWER_GAP_NS + S);
	assert_int_equal(f.announce_at, now + VRRP_ANSWER_GAP_NS + 500 * MS);
}

static void a_priority_0_too_soon_does_not_put_the_answer_off(void **state)
{
	int64_t now = active_of(&plain);

	answer_to(99, -1, now);
	hear(99, now + 1);
	hear(0, now + 2);
	assert_int_equal(f.advert_at, now + VRRP_ANSWER_GAP_NS);
}

/* After a pause: the lower one is not answered when a higher one is next in the queue. */
static void an_answer_waits_until_everything_is_read(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(hear(99, now), nothing);
	assert_int_equal(vrrp_fsm_deadline(&f), now);
	assert_string_equal(hear(200, now), "- A100 A>B");
	assert_string_equal(step(VRRP_EVENT_TIMER, now), nothing);
}

static void backup_waits_the_down_interval_again_after_priority_0(void **state)
{
	backup_of(&plain);
	hear(0, S);
	hear(200, S + 1);
	assert_int_equal(f.down_at, S + 1 + DOWN_100);
	assert_string_equal(step(VRRP_EVENT_TIMER, f.down_at), TAKEOVER);
	assert_int_equal(f.cause, VRRP_CAUSE_SILENCE);
}

/* Another node with our address: nobody yields, but it is told. */
static void active_answers_its_own_address(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(answer_to(100, 0, now), "A100 N");
}

static void active_forgets_the_interval_it_adopted(void **state)
{
	backup_of(&plain);
	hear_interval(200, 20 * S, S);
	step(VRRP_EVENT_TIMER, f.down_at);
	assert_int_equal(f.state, VRRP_ACTIVE);
	assert_int_equal(vrrp_fsm_down_interval(&f), DOWN_100);
	assert_int_equal(f.advert_at, f.since + S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initialize_startup_as_owner_is_active),
		cmocka_unit_test(initialize_startup_else_is_backup),
		cmocka_unit_test(initialize_hears_nothing),
		cmocka_unit_test(initialize_takes_the_config_it_will_start_with),
		cmocka_unit_test(backup_down_timer_makes_active),
		cmocka_unit_test(backup_priority_0_arms_skew_time),
		cmocka_unit_test(backup_obeys_a_higher_priority_and_adopts_its_interval),
		cmocka_unit_test(backup_obeys_an_equal_priority_whatever_its_address),
		cmocka_unit_test(backup_that_does_not_preempt_obeys_a_lower_priority),
		cmocka_unit_test(backup_that_preempts_discards_a_lower_priority),
		cmocka_unit_test(backup_that_owns_preempts_even_with_preempt_off),
		cmocka_unit_test(backup_shutdown),
		cmocka_unit_test(active_advert_timer),
		cmocka_unit_test(active_priority_0_advertises_and_resets_the_timer),
		cmocka_unit_test(active_yields_to_a_higher_priority),
		cmocka_unit_test(active_yields_to_an_equal_priority_with_a_greater_address),
		cmocka_unit_test(active_answers_an_equal_priority_with_a_smaller_address),
		cmocka_unit_test(active_answers_a_lower_priority_at_once),
		cmocka_unit_test(active_yields_also_when_preempt_is_off),
		cmocka_unit_test(active_shutdown_says_priority_0),
		cmocka_unit_test(skew_is_exact_for_every_priority_at_10_ms),
		cmocka_unit_test(the_longest_interval_does_not_overflow),
		cmocka_unit_test(version_2_skew_is_of_a_second_and_no_interval_is_adopted),
		cmocka_unit_test(an_interval_of_0_is_not_adopted),
		cmocka_unit_test(one_timer_event_does_all_that_is_due),
		cmocka_unit_test(a_takeover_is_announced_as_often_as_configured),
		cmocka_unit_test(refresh_follows_the_series),
		cmocka_unit_test(a_won_conflict_is_announced_after_the_last_claim),
		cmocka_unit_test(a_backup_announces_nothing),
		cmocka_unit_test(a_move_is_announced_when_active),
		cmocka_unit_test(a_flood_of_claims_is_answered_every_gap),
		cmocka_unit_test(an_answer_too_soon_comes_when_the_gap_is_over),
		cmocka_unit_test(a_priority_0_too_soon_does_not_put_the_answer_off),
		cmocka_unit_test(an_answer_waits_until_everything_is_read),
		cmocka_unit_test(backup_waits_the_down_interval_again_after_priority_0),
		cmocka_unit_test(active_answers_its_own_address),
		cmocka_unit_test(active_forgets_the_interval_it_adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
