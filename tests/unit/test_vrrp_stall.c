/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An Active that stood still for longer than its adverts are good for, and what it finds in its sockets when it goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fsm_harness.h"

static struct vrrp_heard claim;

/* Of priority 50 and the peer's, a moment ago. */
static int set_up(void **state)
{
	claim = (struct vrrp_heard){.priority = 50,
		.interval_ns = S,
		.tie = -1,
		.leading = true,
		.peer = true,
		.age_ns = 200 * MS};
	return 0;
}

static const char *hear_claim(int64_t now)
{
	return feed(&(struct vrrp_event){.type = VRRP_EVENT_ADVERT, .heard = claim}, now);
}

static int64_t good_until(void)
{
	return f.advertised_at + 3 * S;
}

static void who_was_overtaken_steps_back_without_a_word(void **state)
{
	int64_t now;

	active_of(&plain);
	now = f.advertised_at + 10 * S;
	assert_string_equal(hear_claim(now), "- A>B");
	assert_int_equal(f.cause, VRRP_CAUSE_STALLED);
	assert_string_equal(
		vrrp_cause_text(f.cause), "stood still for longer than its lease, and the peer took over");
	assert_int_equal(vrrp_fsm_deadline(&f), now + DOWN_100);
	/* It preempts as any Backup does. */
	for (int64_t at = now + S; at < now + DOWN_100; at += S)
		assert_string_equal(hear_claim(at), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + DOWN_100), RELIEF);
	assert_int_equal(f.cause, VRRP_CAUSE_PREEMPTED);
}

static void without_preemption_it_stays_a_backup(void **state)
{
	struct vrrp_fsm_config config = plain;
	int64_t now;

	config.preempt = false;
	active_of(&config);
	now = f.advertised_at + 10 * S;
	assert_string_equal(hear_claim(now), "- A>B");
	for (int64_t at = now; at < now + 20 * S; at += S) {
		assert_string_equal(hear_claim(at), nothing);
		assert_true(vrrp_fsm_deadline(&f) == at + DOWN_100);
	}
}

static void an_equal_priority_that_loses_to_us_overtakes_too(void **state)
{
	active_of(&plain);
	claim.priority = 100;
	assert_string_equal(hear_claim(f.advertised_at + 10 * S), "- A>B");
}

/* RFC 9568 section 6.4.3, line for line: there is no pair. */
static void another_one_than_the_peer_is_answered(void **state)
{
	int64_t now;

	active_of(&plain);
	claim.peer = false;
	now = f.advertised_at + 10 * S;
	assert_string_equal(hear_claim(now), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, now), "A100 N");
	assert_int_equal(f.state, VRRP_ACTIVE);
}

static void who_did_not_stand_still_answers_the_peer(void **state)
{
	int64_t now = active_of(&plain);

	claim.age_ns = 0;
	assert_string_equal(hear_claim(now), nothing);
	assert_string_equal(step(VRRP_EVENT_TIMER, now), "A100 N");
	active_of(&plain);
	assert_string_equal(hear_claim(good_until()), nothing);
	assert_string_equal(hear_claim(good_until() + 1), "- A>B");
}

/* The last claim of who yielded to us is no takeover. */
static void what_it_said_while_our_lease_lasted_is_none(void **state)
{
	active_of(&plain);
	claim.age_ns = 2 * S;
	assert_string_equal(hear_claim(good_until() + 2 * S), nothing);
	assert_string_equal(hear_claim(good_until() + 2 * S + 1), "- A>B");
}

static void a_peer_that_is_gone_again_is_none(void **state)
{
	int64_t now;

	active_of(&plain);
	now = f.advertised_at + 100 * S;
	claim.age_ns = 100 * S; /* at most: it waited, nobody knows how long */
	assert_string_equal(hear_claim(now), nothing);
	assert_true(vrrp_fsm_deadline(&f) == now + 2 * S);
	assert_string_equal(step(VRRP_EVENT_TIMER, now + 2 * S), "A100 N");
	active_of(&plain);
	hear_claim(now);
	claim.priority = 0;
	assert_string_equal(hear_claim(now), nothing); /* it left: nobody is waited for */
	assert_string_equal(step(VRRP_EVENT_TIMER, now), "A100 N");
}

static void what_waited_may_be_old_so_the_next_one_tells(void **state)
{
	int64_t now;

	active_of(&plain);
	now = f.advertised_at + 100 * S;
	claim.age_ns = 100 * S;
	for (int i = 0; i < 96; i++)
		assert_string_equal(hear_claim(now), nothing);
	assert_string_equal(step(VRRP_EVENT_MOVED, now), nothing);
	assert_string_equal(
		hear_on(50, -1, false, now), nothing); /* it claims for the other family as well */
	assert_true(vrrp_fsm_deadline(&f) == now + 2 * S);
	claim.age_ns = S;
	assert_string_equal(hear_claim(now + S), "- A>B");
}

static void the_owner_stays(void **state)
{
	struct vrrp_fsm_config config = with_priority(255);

	vrrp_fsm_init(&f, &config);
	step(VRRP_EVENT_STARTUP, 0);
	assert_string_equal(hear_claim(f.advertised_at + 10 * S), nothing);
	assert_int_equal(f.state, VRRP_ACTIVE);
}

static void a_higher_one_wins_as_ever(void **state)
{
	active_of(&plain);
	claim.priority = 200;
	assert_string_equal(hear_claim(f.advertised_at + 10 * S), "- A100 A>B");
	assert_int_equal(f.cause, VRRP_CAUSE_HIGHER_PRIORITY);
}

static void an_operators_wish_is_over(void **state)
{
	backup_of(&plain);
	hear(200, S);
	step(VRRP_EVENT_TAKE, S);
	assert_int_equal(vrrp_fsm_priority(&f), 254);
	claim.priority = 200;
	assert_string_equal(hear_claim(f.advertised_at + 10 * S), "- A>B");
	assert_int_equal(vrrp_fsm_priority(&f), 100);
}

/* Nothing is said, nor announced, before what arrived has been read: that is the timer's business. */
static void other_events_come_first_and_say_nothing(void **state)
{
	int64_t now;
	struct vrrp_fsm_config slower = with_priority(120);

	slower.interval_ns = 20 * S;
	active_of(&plain);
	now = f.advertised_at + 10 * S;
	assert_string_equal(step(VRRP_EVENT_MOVED, now), nothing);
	assert_string_equal(configure(&slower, now), nothing);
	assert_true(vrrp_fsm_deadline(&f) <= now);
	assert_string_equal(hear_claim(now), "- A>B");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_was_overtaken_steps_back_without_a_word, set_up),
		cmocka_unit_test_setup(without_preemption_it_stays_a_backup, set_up),
		cmocka_unit_test_setup(an_equal_priority_that_loses_to_us_overtakes_too, set_up),
		cmocka_unit_test_setup(another_one_than_the_peer_is_answered, set_up),
		cmocka_unit_test_setup(who_did_not_stand_still_answers_the_peer, set_up),
		cmocka_unit_test_setup(what_it_said_while_our_lease_lasted_is_none, set_up),
		cmocka_unit_test_setup(a_peer_that_is_gone_again_is_none, set_up),
		cmocka_unit_test_setup(what_waited_may_be_old_so_the_next_one_tells, set_up),
		cmocka_unit_test_setup(the_owner_stays, set_up),
		cmocka_unit_test_setup(a_higher_one_wins_as_ever, set_up),
		cmocka_unit_test_setup(an_operators_wish_is_over, set_up),
		cmocka_unit_test_setup(other_events_come_first_and_say_nothing, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
