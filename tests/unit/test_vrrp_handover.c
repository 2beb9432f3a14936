/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine where it says more than the RFC: one tie-break for a unit, handover, requests of an operator, what a
 * restart inherits, preempt delay, another config; and what befell others that a state machine can suffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fsm_harness.h"

/* ---- one tie-break ---- */

static void a_following_address_does_not_decide_while_the_leading_is_heard(void **state)
{
	int64_t now = active_of(&plain);

	for (int64_t at = now; at < now + 10 * S; at += S) {
		assert_string_equal(hear_on(100, 1, false, at), nothing);
		assert_string_equal(answer_to(100, -1, at), "A100 N");
		assert_int_equal(f.state, VRRP_ACTIVE);
	}
}

static void a_following_address_decides_after_a_down_interval_alone(void **state)
{
	for (int tie = -1; tie <= 1; tie += 2) {
		int64_t now = active_of(&plain);

		assert_string_equal(hear_on(100, tie, false, now), nothing);
		for (int64_t at = now + S; at < now + DOWN_100; at += S)
			assert_string_equal(hear_on(100, tie, false, at), nothing);
		hear_on(100, tie, false, now + DOWN_100);
		assert_int_equal(f.state, tie > 0 ? VRRP_BACKUP : VRRP_ACTIVE);
		if (tie < 0)
			assert_string_equal(step(VRRP_EVENT_TIMER, now + DOWN_100), "A100 N");
	}
}

static void a_following_address_has_to_keep_coming(void **state)
{
	int64_t now = active_of(&plain);

	hear_on(100, 1, false, now);
	assert_string_equal(hear_on(100, 1, false, now + 2 * DOWN_100), nothing);
	assert_string_equal(hear_on(100, 1, false, now + 2 * DOWN_100 + S), nothing);
	assert_int_equal(f.state, VRRP_ACTIVE);
}

/* One of the leading ones was lost, then silence, then a conflict in which the following one arrives first. */
static void two_following_ones_far_apart_do_not_decide(void **state)
{
	int64_t now = active_of(&plain);

	hear_on(100, 1, false, now);
	hear_on(100, 1, false, now + 5 * MS);
	assert_string_equal(hear_on(100, 1, false, now + 4 * MS + DOWN_100), nothing);
	assert_int_equal(f.state, VRRP_ACTIVE);
}

static void a_following_address_waits_anew_when_the_leading_was_heard(void **state)
{
	int64_t now = active_of(&plain);

	hear_on(100, 1, false, now);
	hear_on(100, 1, false, now + 3 * S);
	hear_on(100, -1, true, now + 3 * S);
	assert_string_equal(hear_on(100, 1, false, now + DOWN_100), nothing);
	for (int64_t at = now + 4 * S; at < now + 3 * S + 2 * DOWN_100; at += S)
		hear_on(100, 1, false, at);
	assert_int_equal(f.state, VRRP_BACKUP);
}

static void a_higher_priority_wins_on_any_virtual_router(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(hear_on(101, -1, false, now), "- A100 A>B");
}

static void an_advert_on_any_virtual_router_keeps_a_backup(void **state)
{
	backup_of(&plain);
	hear_on(200, 1, false, S);
	assert_int_equal(f.down_at, S + DOWN_100);
}

/* ---- handover ---- */

static void an_offer_keeps_the_addresses(void **state)
{
	int64_t now = active_of(&plain);

	assert_string_equal(step(VRRP_EVENT_OFFER, now), "A0 A>H");
	assert_int_equal(f.cause, VRRP_CAUSE_OFFERED);
	assert_true(f.held);
	assert_int_equal(vrrp_fsm_deadline(&f), now + DOWN_100);
	assert_string_equal(hear(0, now + 1), nothing);
	assert_string_equal(step(VRRP_EVENT_MOVED, now + 2), nothing);
	assert_string_equal(step(VRRP_EVENT_OFFER, now + 2), nothing);
}

static void an_offer_ends_when_another_is_heard(void **state)
{
	for (int priority = 1; priority <= 255; priority += 127) {
		int64_t now = active_of(&plain);

		step(VRRP_EVENT_OFFER, now);
		assert_string_equal(hear_interval((uint8_t)priority, 2 * S, now + MS), "- H>B");
		assert_int_equal(f.cause, VRRP_CAUSE_ACCEPTED);
		assert_int_equal(f.down_at, now + MS + 2 * DOWN_100);
	}
}

static void an_offer_that_nobody_takes_ends_in_active(void **state)
{
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_OFFER, now);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + DOWN_100 - 1), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + DOWN_100), "A100 + N H>A");
	assert_int_equal(f.cause, VRRP_CAUSE_NOBODY);
	assert_false(f.held);
	assert_int_equal(f.advert_at, now + DOWN_100 + S);
}

static void an_offer_ends_with_shutdown_without_more_words(void **state)
{
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_OFFER, now);
	assert_string_equal(step(VRRP_EVENT_SHUTDOWN, now + 1), "- H>I");
	assert_int_equal(vrrp_fsm_deadline(&f), VRRP_NEVER);
}

static void a_config_in_handover_moves_its_end(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_OFFER, now);
	config.interval_ns = 100 * MS;
	assert_string_equal(configure(&config, now + 1), nothing);
	assert_int_equal(f.down_at, now + DOWN_100 / 10);
}

static void who_gave_up_does_not_preempt(void **state)
{
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_OFFER, now);
	hear(50, now + 1);
	hear(50, now + S);
	assert_int_equal(f.down_at, now + S + DOWN_100);
	assert_true(f.held);
	/* The other one dies: Active again, and no longer held. */
	assert_string_equal(step(VRRP_EVENT_TIMER, f.down_at), TAKEOVER);
	assert_false(f.held);
}

static void held_ends_with_a_priority_that_is_not_lower(void **state)
{
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_OFFER, now);
	hear(50, now + 1);
	hear(100, now + S);
	assert_false(f.held);
	hear(50, now + 2 * S);
	assert_int_equal(f.down_at, now + S + DOWN_100);
}

static void held_ends_with_startup(void **state)
{
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_OFFER, now);
	hear(50, now + 1);
	step(VRRP_EVENT_SHUTDOWN, now + 2);
	step(VRRP_EVENT_STARTUP, now + 3);
	assert_false(f.held);
}

static void an_owner_that_gave_up_stays_away(void **state)
{
	struct vrrp_fsm_config config = with_priority(255);

	vrrp_fsm_init(&f, &config);
	step(VRRP_EVENT_STARTUP, 0);
	assert_string_equal(step(VRRP_EVENT_OFFER, S), "A0 A>H");
	hear(100, S + 1);
	hear(100, 2 * S);
	assert_int_equal(f.down_at, 2 * S + 3 * S + S / 256);
}

/* ---- take ---- */

static void take_from_a_higher_priority_is_forced(void **state)
{
	backup_of(&plain);
	hear(200, S);
	assert_string_equal(step(VRRP_EVENT_TAKE, 2 * S), "+ A254 N B>A");
	assert_int_equal(f.cause, VRRP_CAUSE_REQUESTED);
	assert_true(f.forced);
	assert_int_equal(vrrp_fsm_priority(&f), 254);
	assert_string_equal(answer_to(200, -1, 2 * S + 10 * MS), "A254 N");
	assert_string_equal(step(VRRP_EVENT_TIMER, f.announce_at), "N");
	assert_string_equal(step(VRRP_EVENT_TIMER, f.advert_at), "A254");
}

static void take_from_a_lower_priority_is_not(void **state)
{
	backup_of(&plain);
	hear(50, S);
	assert_string_equal(step(VRRP_EVENT_TAKE, 2 * S), RELIEF);
	assert_false(f.forced);
}

static void take_ends_held(void **state)
{
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_OFFER, now);
	hear(50, now + 1);
	assert_string_equal(step(VRRP_EVENT_TAKE, now + 2), RELIEF);
	assert_false(f.held);
	assert_false(f.forced);
}

static void take_from_the_owner_does_nothing(void **state)
{
	backup_of(&plain);
	hear(255, S);
	assert_string_equal(step(VRRP_EVENT_TAKE, 2 * S), nothing);
	hear(0, 2 * S);
	assert_string_equal(step(VRRP_EVENT_TAKE, 2 * S), RELIEF);
}

static void forced_ends_with_an_offer_which_holds_nothing(void **state)
{
	backup_of(&plain);
	hear(200, S);
	step(VRRP_EVENT_TAKE, 2 * S);
	assert_string_equal(step(VRRP_EVENT_OFFER, 3 * S), "A0 A>H");
	assert_false(f.forced);
	assert_false(f.held);
	hear(200, 3 * S + 1);
	assert_int_equal(f.state, VRRP_BACKUP);
}

static void forced_ends_with_active(void **state)
{
	backup_of(&plain);
	hear(200, S);
	step(VRRP_EVENT_TAKE, 2 * S);
	assert_string_equal(hear(255, 3 * S), "- A254 A>B");
	assert_false(f.forced);
	backup_of(&plain);
	hear(200, S);
	step(VRRP_EVENT_TAKE, 2 * S);
	step(VRRP_EVENT_SHUTDOWN, 3 * S);
	assert_false(f.forced);
}

/* ---- resume, inherit, preempt delay ---- */

static void resume_is_active_without_a_pause(void **state)
{
	vrrp_fsm_init(&f, &plain);
	assert_string_equal(step(VRRP_EVENT_RESUME, 5), "A100 + N I>A");
	assert_int_equal(f.cause, VRRP_CAUSE_RESUMED);
}

static void inherit_holds_until_another_is_heard(void **state)
{
	vrrp_fsm_init(&f, &plain);
	assert_string_equal(step(VRRP_EVENT_INHERIT, 5), "I>H");
	assert_int_equal(f.cause, VRRP_CAUSE_INHERITED);
	assert_int_equal(f.down_at, 5 + DOWN_100);
	assert_string_equal(hear(50, 6), "- H>B");
	assert_false(f.held);
	hear(50, S);
	assert_int_equal(f.down_at, 6 + DOWN_100);
}

static void inherit_goes_on_when_nobody_comes(void **state)
{
	vrrp_fsm_init(&f, &plain);
	step(VRRP_EVENT_INHERIT, 5);
	assert_string_equal(step(VRRP_EVENT_TIMER, 5 + DOWN_100), "A100 + N H>A");
}

static void inherit_as_owner_is_active(void **state)
{
	struct vrrp_fsm_config config = with_priority(255);

	vrrp_fsm_init(&f, &config);
	assert_string_equal(step(VRRP_EVENT_INHERIT, 5), "A255 + N I>A");
}

static void preempt_waits_for_its_delay(void **state)
{
	struct vrrp_fsm_config config = plain;

	config.preempt_delay_ns = 10 * S;
	backup_of(&config);
	for (int64_t at = S; at < 10 * S; at += S)
		hear(50, at);
	assert_int_equal(f.down_at, 9 * S + DOWN_100);
	hear(50, 10 * S);
	assert_int_equal(f.down_at, 9 * S + DOWN_100);
	assert_string_equal(step(VRRP_EVENT_TIMER, 9 * S + DOWN_100), RELIEF);
	assert_int_equal(f.cause, VRRP_CAUSE_PREEMPTED);
}

/* ---- another config ---- */

static void a_priority_change_in_backup_recomputes_skew_from_the_last_advert(void **state)
{
	struct vrrp_fsm_config config = with_priority(150);

	backup_of(&plain);
	hear(200, S);
	assert_string_equal(configure(&config, 2 * S), nothing);
	assert_int_equal(f.down_at, S + 3 * S + 106 * S / 256);
	hear(0, 3 * S);
	config.priority = 50;
	configure(&config, 3 * S + 1);
	assert_int_equal(f.down_at, 3 * S + 206 * S / 256);
}

/* Once the wait was over at once, because it counted from the start: a reload made a second Active. */
static void a_shorter_interval_does_not_end_the_first_wait(void **state)
{
	struct vrrp_fsm_config config = plain;

	config.interval_ns = 100 * MS;
	backup_of(&plain);
	configure(&config, 2 * S);
	assert_int_equal(f.down_at, 2 * S + DOWN_100 / 10);
	config.priority = 200;
	configure(&config, 2 * S + 1);
	assert_int_equal(f.down_at, 2 * S + 300 * MS + 56 * 100 * MS / 256);
}

static void an_interval_change_in_backup_counts_until_an_advert_says_otherwise(void **state)
{
	struct vrrp_fsm_config config = plain;

	config.interval_ns = 2 * S;
	backup_of(&plain);
	configure(&config, S);
	assert_int_equal(f.down_at, S + 2 * DOWN_100);
	hear(200, 2 * S);
	config.interval_ns = 3 * S;
	configure(&config, 2 * S);
	assert_int_equal(f.down_at, 2 * S + DOWN_100);
}

static void a_priority_change_in_active_is_told_at_once(void **state)
{
	struct vrrp_fsm_config config = with_priority(50);
	int64_t now = active_of(&plain);

	assert_string_equal(configure(&config, now), "A50");
	assert_int_equal(f.state, VRRP_ACTIVE);
	assert_int_equal(f.advert_at, now + S);
}

static void a_shorter_interval_in_active_is_told_at_once(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t now = active_of(&plain);

	config.interval_ns = 100 * MS;
	assert_string_equal(configure(&config, now), "A100");
	assert_int_equal(f.advert_at, now + 100 * MS);
}

static void a_longer_interval_in_active_is_told_three_times_at_the_old_pace(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t now = active_of(&plain);

	config.interval_ns = 10 * S;
	assert_string_equal(configure(&config, now), "A100");
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(f.advert_at, now + i * S);
		assert_string_equal(step(VRRP_EVENT_TIMER, now + i * S), "A100");
	}
	assert_int_equal(f.advert_at, now + 12 * S);
}

static void the_same_config_changes_nothing(void **state)
{
	int64_t now = active_of(&plain);
	struct vrrp_fsm before = f;

	assert_string_equal(configure(&plain, now), nothing);
	assert_memory_equal(&before, &f, sizeof(f));
	backup_of(&plain);
	before = f;
	assert_string_equal(configure(&plain, S), nothing);
	assert_memory_equal(&before, &f, sizeof(f));
}

/* ---- fates of others ---- */

/* Its clock may jump ahead of a whole pause: one event does what is due once, nothing is made up for. */
static void after_a_pause_one_advert_is_sent(void **state)
{
	active_of(&plain);
	assert_string_equal(step(VRRP_EVENT_TIMER, f.since + 100 * S), "A100 N");
	assert_int_equal(f.advert_at, f.since + 101 * S);
	assert_string_equal(step(VRRP_EVENT_TIMER, f.since + 101 * S), "A100");
	assert_string_equal(step(VRRP_EVENT_TIMER, f.since + 104 * S - 1), "A100");
}

/* keepalived 1955: what arrived meanwhile is fed before the timer, and then there is nothing left to send. */
static void after_a_pause_what_arrived_goes_first(void **state)
{
	active_of(&plain);
	assert_string_equal(hear(200, f.since + 100 * S), "- A100 A>B");
	assert_string_equal(step(VRRP_EVENT_TIMER, f.since), nothing);
}

/* keepalived 2649: both rejoin; whoever hears the other first, one stays. */
static void two_actives_become_one(void **state)
{
	struct vrrp_fsm greater, smaller;
	struct vrrp_fsm_config config = plain;
	int64_t now = active_of(&config);

	greater = f;
	smaller = f;
	f = smaller;
	hear_on(100, 1, true, now);
	smaller = f;
	f = greater;
	hear_on(100, -1, true, now);
	greater = f;
	assert_int_equal(smaller.state, VRRP_BACKUP);
	assert_int_equal(greater.state, VRRP_ACTIVE);
}

/* A flapping link: each time from the beginning, with the whole down interval to wait. */
static void a_flap_never_shortens_the_wait(void **state)
{
	active_of(&plain);
	for (int64_t at = 10 * S; at < 20 * S; at += 100 * MS) {
		step(VRRP_EVENT_SHUTDOWN, at);
		assert_string_equal(step(VRRP_EVENT_STARTUP, at + 50 * MS), "I>B");
		assert_int_equal(f.down_at, at + 50 * MS + DOWN_100);
	}
}

static void names(void **state)
{
	assert_string_equal(vrrp_state_name(VRRP_INITIALIZE), "initialize");
	assert_string_equal(vrrp_state_name(VRRP_BACKUP), "backup");
	assert_string_equal(vrrp_state_name(VRRP_ACTIVE), "active");
	assert_string_equal(vrrp_state_name(VRRP_HANDOVER), "handover");
	assert_string_equal(vrrp_state_name(99), "unknown");
	for (int cause = 0; cause <= VRRP_CAUSE_INHERITED; cause++)
		assert_true(strlen(vrrp_cause_text(cause)) > 3 && strcmp(vrrp_cause_text(cause), "unknown"));
	assert_string_equal(vrrp_cause_text(99), "unknown");
}

static void an_offer_lasts_a_down_interval_however_active_came_about(void **state)
{
	backup_of(&plain);
	hear(0, S);
	step(VRRP_EVENT_TIMER, f.down_at);
	assert_int_equal(f.cause, VRRP_CAUSE_PEER_LEFT);
	step(VRRP_EVENT_OFFER, 5 * S);
	assert_int_equal(f.down_at, 5 * S + DOWN_100);
}

/* Found by the simulator: a config came first after a pause, and its advert hid how long nothing had been said. */
static void another_config_after_a_pause_announces(void **state)
{
	struct vrrp_fsm_config slower = with_priority(120);
	int64_t now = active_of(&plain);

	step(VRRP_EVENT_TIMER, vrrp_fsm_deadline(&f));
	now = f.advertised_at + 3 * S;
	assert_string_equal(configure(&slower, now), nothing); /* what arrived goes first */
	assert_string_equal(step(VRRP_EVENT_TIMER, now), "A120 N");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_following_address_does_not_decide_while_the_leading_is_heard),
		cmocka_unit_test(a_following_address_decides_after_a_down_interval_alone),
		cmocka_unit_test(a_following_address_has_to_keep_coming),
		cmocka_unit_test(two_following_ones_far_apart_do_not_decide),
		cmocka_unit_test(a_following_address_waits_anew_when_the_leading_was_heard),
		cmocka_unit_test(a_higher_priority_wins_on_any_virtual_router),
		cmocka_unit_test(an_advert_on_any_virtual_router_keeps_a_backup),
		cmocka_unit_test(an_offer_keeps_the_addresses),
		cmocka_unit_test(an_offer_ends_when_another_is_heard),
		cmocka_unit_test(an_offer_that_nobody_takes_ends_in_active),
		cmocka_unit_test(an_offer_ends_with_shutdown_without_more_words),
		cmocka_unit_test(a_config_in_handover_moves_its_end),
		cmocka_unit_test(who_gave_up_does_not_preempt),
		cmocka_unit_test(held_ends_with_a_priority_that_is_not_lower),
		cmocka_unit_test(held_ends_with_startup),
		cmocka_unit_test(another_config_after_a_pause_announces),
		cmocka_unit_test(an_owner_that_gave_up_stays_away),
		cmocka_unit_test(take_from_a_higher_priority_is_forced),
		cmocka_unit_test(take_from_a_lower_priority_is_not),
		cmocka_unit_test(take_ends_held),
		cmocka_unit_test(take_from_the_owner_does_nothing),
		cmocka_unit_test(forced_ends_with_an_offer_which_holds_nothing),
		cmocka_unit_test(forced_ends_with_active),
		cmocka_unit_test(resume_is_active_without_a_pause),
		cmocka_unit_test(inherit_holds_until_another_is_heard),
		cmocka_unit_test(inherit_goes_on_when_nobody_comes),
		cmocka_unit_test(inherit_as_owner_is_active),
		cmocka_unit_test(preempt_waits_for_its_delay),
		cmocka_unit_test(a_priority_change_in_backup_recomputes_skew_from_the_last_advert),
		cmocka_unit_test(a_shorter_interval_does_not_end_the_first_wait),
		cmocka_unit_test(an_interval_change_in_backup_counts_until_an_advert_says_otherwise),
		cmocka_unit_test(a_priority_change_in_active_is_told_at_once),
		cmocka_unit_test(a_shorter_interval_in_active_is_told_at_once),
		cmocka_unit_test(a_longer_interval_in_active_is_told_three_times_at_the_old_pace),
		cmocka_unit_test(the_same_config_changes_nothing),
		cmocka_unit_test(after_a_pause_one_advert_is_sent),
		cmocka_unit_test(after_a_pause_what_arrived_goes_first),
		cmocka_unit_test(two_actives_become_one),
		cmocka_unit_test(a_flap_never_shortens_the_wait),
		cmocka_unit_test(names),
		cmocka_unit_test(an_offer_lasts_a_down_interval_however_active_came_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
