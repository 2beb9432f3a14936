/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From facts to the next event: what a Backup whose timer ended, an Active, and one that hands over are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "vrrp/vrrp_judge.h"

#define MS 1000000LL
#define A  (100 * MS)

static struct vrrp_fsm fsm;
static struct vrrp_judge judge;
static struct vrrp_facts facts;
static struct vrrp_event event;
static struct vrrp_actions actions;

static const struct vrrp_fsm_config config = {
	.priority = 100, .version = 3, .preempt = true, .interval_ns = A, .announce_count = 1};

static void step(enum vrrp_event_type type, int64_t now)
{
	vrrp_fsm_step(&fsm, &(struct vrrp_event){.type = type}, now, &actions);
}

/* A Backup since 0 that hears nobody; the peer well, of priority 200. */
static int set_up(void **state)
{
	vrrp_fsm_init(&fsm, &config);
	memset(&judge, 0, sizeof(judge));
	facts = (struct vrrp_facts){.paired = true,
		.peer_fresh = true,
		.peer_ever = true,
		.lan_well = true,
		.source = {10, 0, 0, 1},
		.peer = {.state = VRRP_ACTIVE, .priority = 200, .lan_well = true, .source = {10, 0, 0, 2}}};
	step(VRRP_EVENT_STARTUP, 0);
	return 0;
}

static bool ask(int64_t now)
{
	vrrp_judge_facts(&fsm, now, &facts);
	return vrrp_judge(&judge, &fsm, &facts, now, &event);
}

static void make_active(void)
{
	step(VRRP_EVENT_TIMER, fsm.down_at);
	assert_int_equal(fsm.state, VRRP_ACTIVE);
}

static void the_state_machine_contributes(void **state)
{
	ask(50 * MS);
	assert_int_equal(facts.state, VRRP_BACKUP);
	assert_int_equal(facts.priority, 100);
	assert_int_equal(facts.begun_ns, 50 * MS);
	assert_false(facts.preempting);
	make_active();
	ask(fsm.since);
	assert_int_equal(facts.begun_ns, fsm.since); /* since it left Initialize */
	step(VRRP_EVENT_OFFER, 500 * MS);
	ask(501 * MS);
	assert_int_equal(facts.priority, 0); /* as in adverts */
}

/* ---- the connection table ---- */

static void preempt_behind(void)
{
	struct vrrp_event lower = {.type = VRRP_EVENT_ADVERT, .heard = {.priority = 50, .interval_ns = A}};

	facts.paired = facts.peer_fresh = facts.peer_ever = true;
	facts.peer.priority = 50;
	facts.table = VRRP_TABLE_BEHIND;
	facts.peer_table = VRRP_TABLE_IN_SYNC;
	facts.sync_cap_ns = 60 * A;
	vrrp_fsm_step(&fsm, &lower, fsm.down_at - 1, &actions);
	assert_true(ask(fsm.down_at));
}

static void hear_lower(int64_t now)
{
	struct vrrp_event lower = {.type = VRRP_EVENT_ADVERT, .heard = {.priority = 50, .interval_ns = A}};

	vrrp_fsm_step(&fsm, &event, now, &actions);
	vrrp_fsm_step(&fsm, &lower, now, &actions);
}

static void the_wait_for_the_table_counts_from_its_first_hold(void **state)
{
	int64_t first = fsm.down_at;

	preempt_behind();
	assert_int_equal(event.type, VRRP_EVENT_HOLD);
	assert_true(judge.last.for_table);
	assert_int_equal(judge.waits_since, first);
	for (int64_t now = first; now < first + 60 * A; now += A) {
		hear_lower(now);
		assert_true(ask(now));
		assert_int_equal(event.type, VRRP_EVENT_HOLD);
	}
	hear_lower(first + 60 * A);
	assert_true(ask(first + 60 * A));
	assert_int_equal(event.type, VRRP_EVENT_TIMER);
	assert_int_equal(judge.waits_since, 0);
}

static void another_reason_to_hold_is_no_new_wait(void **state)
{
	int64_t first = fsm.down_at, late = first + 10 * A;

	preempt_behind();
	hear_lower(first);
	assert_true(ask(late)); /* its adverts are lost now: no wish to preempt */
	assert_int_equal(event.type, VRRP_EVENT_HOLD);
	assert_false(judge.last.for_table);
	assert_int_equal(judge.waits_since, first);
	hear_lower(late);
	assert_true(ask(late));
	assert_true(judge.last.for_table);
	assert_int_equal(judge.waits_since, first);
}

static void in_sync_it_takes_and_a_later_wait_is_another(void **state)
{
	int64_t first = fsm.down_at;

	preempt_behind();
	hear_lower(first + A);
	facts.table = VRRP_TABLE_IN_SYNC;
	assert_true(ask(first + A));
	assert_int_equal(event.type, VRRP_EVENT_TIMER);
	assert_int_equal(judge.waits_since, 0);
	facts.table = VRRP_TABLE_BEHIND;
	assert_true(ask(first + A));
	assert_int_equal(judge.waits_since, first + A);
}

static void without_a_word_of_its_balancer_a_node_is_behind_who_has_one(void **state)
{
	preempt_behind();
	facts.table = VRRP_TABLE_NONE;
	hear_lower(fsm.down_at);
	assert_true(ask(fsm.down_at));
	assert_true(judge.last.for_table);
	facts.table = VRRP_TABLE_ALONE; /* it runs, and sync is cut */
	assert_true(ask(fsm.down_at));
	assert_true(judge.last.for_table);
	facts.peer_table = VRRP_TABLE_NONE; /* neither has a balancer: there is nothing to wait for */
	assert_true(ask(fsm.down_at));
	assert_int_equal(event.type, VRRP_EVENT_TIMER);
}

/* ---- a goodbye that came by beacon ---- */

static void hear_higher(int64_t now)
{
	struct vrrp_event higher = {.type = VRRP_EVENT_ADVERT, .heard = {.priority = 200, .interval_ns = A}};

	vrrp_fsm_step(&fsm, &higher, now, &actions);
	facts.paired = facts.peer_fresh = facts.peer_ever = true;
	facts.peer.state = VRRP_ACTIVE;
	assert_false(ask(now));
}

static void who_is_active_no_more_has_said_goodbye(void **state)
{
	static const enum vrrp_state gone[] = {VRRP_BACKUP, VRRP_INITIALIZE, VRRP_HANDOVER};

	for (size_t i = 0; i < 3; i++) {
		int64_t now = (int64_t)(i + 1) * 2 * A;

		hear_higher(now);
		facts.peer.state = gone[i];
		assert_true(ask(now + 10 * MS));
		assert_int_equal(event.type, VRRP_EVENT_ADVERT);
		assert_int_equal(event.heard.priority, 0);
		vrrp_fsm_step(&fsm, &event, now + 10 * MS, &actions);
		assert_int_equal(fsm.down_at, now + 10 * MS + vrrp_fsm_skew(&fsm));
		assert_false(ask(now + 11 * MS)); /* once */
	}
}

static void no_goodbye_without_an_active_before_it(void **state)
{
	hear_higher(A);
	facts.peer_fresh = false; /* silence is none */
	facts.peer.state = VRRP_BACKUP;
	assert_false(ask(A + MS));
	facts.peer_fresh = true;
	assert_false(ask(A + 2 * MS));
	hear_higher(2 * A);
	vrrp_fsm_step(&fsm, &(struct vrrp_event){.type = VRRP_EVENT_ADVERT}, 2 * A + MS, &actions);
	facts.peer.state = VRRP_BACKUP;
	assert_false(ask(2 * A + 2 * MS)); /* it was heard on the LAN already, and not twice */
	assert_int_equal(fsm.down_at, 2 * A + MS + vrrp_fsm_skew(&fsm));
}

static void lower_adverts_are_preempting_for_a_down_interval(void **state)
{
	struct vrrp_event lower = {.type = VRRP_EVENT_ADVERT, .heard = {.priority = 50, .interval_ns = A}};

	vrrp_fsm_step(&fsm, &lower, 100 * MS, &actions);
	ask(101 * MS);
	assert_true(facts.preempting);
	ask(100 * MS + vrrp_fsm_down_interval(&fsm));
	assert_false(facts.preempting);
}

static void a_backup_is_asked_when_its_timer_ended(void **state)
{
	assert_false(ask(fsm.down_at - 1));
	assert_null(judge.last.why);
	assert_true(ask(fsm.down_at));
	assert_int_equal(event.type, VRRP_EVENT_HOLD);
	assert_true(judge.news);
	vrrp_fsm_step(&fsm, &event, fsm.down_at, &actions);
	assert_true(ask(fsm.down_at - 1)); /* it is overdue */
	assert_int_equal(event.type, VRRP_EVENT_HOLD);
	assert_false(judge.news);
	facts.peer_fresh = false;
	assert_true(ask(fsm.down_at - 1));
	assert_int_equal(event.type, VRRP_EVENT_TIMER);
}

static void an_active_that_is_worse_yields(void **state)
{
	make_active();
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_YIELD);
	facts.peer.priority = 50;
	assert_false(ask(fsm.since));
}

static void the_end_of_a_rival_is_announced(void **state)
{
	make_active();
	facts.peer.priority = 50;
	assert_false(ask(fsm.since));
	facts.peer.state = VRRP_BACKUP;
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_MOVED);
	assert_false(ask(fsm.since)); /* once */
}

static void a_rival_that_dies_is_one_too(void **state)
{
	make_active();
	facts.peer.priority = 50;
	assert_false(ask(fsm.since));
	facts.peer_fresh = false;
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_MOVED);
}

static void who_was_silent_may_have_been_one(void **state)
{
	make_active();
	facts.peer_fresh = false;
	assert_false(ask(fsm.since));
	facts.peer_fresh = true;
	facts.peer.state = VRRP_BACKUP;
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_MOVED);
	assert_false(ask(fsm.since));
}

/* It took because the peer was silent: the first word may be that it gave up. */
static void who_was_silent_at_the_takeover_too(void **state)
{
	facts.peer_fresh = false;
	assert_true(ask(fsm.down_at));
	make_active();
	facts.peer_fresh = true;
	facts.peer.state = VRRP_BACKUP;
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_MOVED);
}

static void whom_we_took_from_is_a_rival_until_it_says_otherwise(void **state)
{
	facts.peer.witness = VRRP_WITNESS_LOST;
	facts.witness = VRRP_WITNESS_REACHED;
	assert_true(ask(fsm.down_at));
	assert_int_equal(event.type, VRRP_EVENT_TIMER);
	make_active();
	facts.peer.state = VRRP_BACKUP;
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_MOVED);
}

static void a_handover_is_accepted_by_beacon(void **state)
{
	make_active();
	step(VRRP_EVENT_OFFER, fsm.since);
	facts.peer.priority = 50;
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_ADVERT);
	assert_int_equal(event.heard.priority, 50);
	assert_true(event.heard.tie > 0);
	facts.peer.priority = 0; /* it leaves as well */
	assert_false(ask(fsm.since));
}

/* ---- after it stood still ---- */

static void make_overtaken(int64_t *now)
{
	make_active();
	*now = vrrp_fsm_good_until(&fsm) + A;
	facts.peer.priority = 50;
	facts.peer_ns = A / 2;
}

static void who_took_over_meanwhile_is_heard_by_beacon(void **state)
{
	int64_t now;

	make_overtaken(&now);
	assert_true(ask(now));
	assert_int_equal(judge.last.verdict, VRRP_VERDICT_YIELD);
	assert_int_equal(event.type, VRRP_EVENT_ADVERT);
	vrrp_fsm_step(&fsm, &event, now, &actions);
	assert_int_equal(fsm.state, VRRP_BACKUP);
	assert_int_equal(fsm.cause, VRRP_CAUSE_STALLED);
}

static void what_it_said_before_our_lease_was_over_is_no_takeover(void **state)
{
	int64_t now;

	make_overtaken(&now);
	facts.peer_ns = A;
	assert_false(ask(now));
	facts.peer_ns = 0;
	assert_false(ask(vrrp_fsm_good_until(&fsm)));
	facts.peer.state = VRRP_HANDOVER; /* it gives up */
	assert_false(ask(now));
}

static void a_peer_that_is_outdone_took_nothing_over(void **state)
{
	int64_t now;

	make_overtaken(&now);
	facts.witness = VRRP_WITNESS_REACHED;
	facts.peer.witness = VRRP_WITNESS_LOST;
	assert_false(ask(now));
	assert_int_equal(judge.last.verdict, VRRP_VERDICT_STAY);
}

static void the_owner_is_not_overtaken(void **state)
{
	int64_t now;

	make_overtaken(&now);
	fsm.config.priority = 255;
	assert_false(ask(now));
}

/* The balancer may stand still for longer than the speaker: what the board says is then of the time before. */
static void after_that_the_balancer_has_to_say_so_anew(void **state)
{
	int64_t now, due;

	make_overtaken(&now);
	assert_true(ask(now));
	vrrp_fsm_step(&fsm, &event, now, &actions);
	facts.table = facts.peer_table = VRRP_TABLE_IN_SYNC;
	facts.sync_cap_ns = 60 * A;
	due = fsm.down_at;
	hear_lower(due - 1);
	facts.table_ns = due - now + 1;
	assert_true(ask(due));
	assert_int_equal(event.type, VRRP_EVENT_HOLD);
	assert_true(judge.last.for_table);
	hear_lower(due);
	facts.table_ns = due - now;
	assert_true(ask(due));
	assert_int_equal(event.type, VRRP_EVENT_TIMER);
}

static void a_backup_that_has_just_started_believes_its_balancer(void **state)
{
	preempt_behind();
	hear_lower(fsm.down_at);
	facts.table = VRRP_TABLE_IN_SYNC;
	facts.table_ns = 100 * A;
	assert_true(ask(fsm.down_at));
	assert_int_equal(event.type, VRRP_EVENT_TIMER);
}

/* Fresh only because our silence is not held against it: it may have claimed, and given up, where we were not heard. */
static void who_was_not_heard_since_a_pause_is_announced_against(void **state)
{
	make_active();
	facts.peer.state = VRRP_BACKUP;
	facts.peer_forgiven = true;
	assert_false(ask(fsm.since));
	facts.peer_forgiven = false;
	assert_true(ask(fsm.since));
	assert_int_equal(event.type, VRRP_EVENT_MOVED);
	assert_false(ask(fsm.since));
}

/* The peer would yield to it. */
static void who_listens_does_not_say_that_it_is_active(void **state)
{
	struct vrrp_event claim = {.type = VRRP_EVENT_ADVERT,
		.heard = {
			.priority = 50, .interval_ns = A, .leading = true, .peer = true, .age_ns = 100 * A}};
	int64_t now;

	make_overtaken(&now);
	assert_int_equal(vrrp_judge_says(&fsm, now), VRRP_ACTIVE);
	vrrp_fsm_step(&fsm, &claim, now, &actions);
	assert_int_equal(fsm.state, VRRP_ACTIVE);
	assert_int_equal(vrrp_judge_says(&fsm, now), VRRP_BACKUP);
	assert_int_equal(vrrp_judge_says(&fsm, now + 2 * A), VRRP_ACTIVE);
	step(VRRP_EVENT_TIMER, now + 2 * A);
	assert_int_equal(vrrp_judge_says(&fsm, now + 2 * A), VRRP_ACTIVE);
}

static void who_takes_no_part_is_not_asked(void **state)
{
	step(VRRP_EVENT_SHUTDOWN, 1);
	assert_false(ask(2));
	assert_null(judge.last.why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_state_machine_contributes, set_up),
		cmocka_unit_test_setup(lower_adverts_are_preempting_for_a_down_interval, set_up),
		cmocka_unit_test_setup(a_backup_is_asked_when_its_timer_ended, set_up),
		cmocka_unit_test_setup(an_active_that_is_worse_yields, set_up),
		cmocka_unit_test_setup(the_end_of_a_rival_is_announced, set_up),
		cmocka_unit_test_setup(a_rival_that_dies_is_one_too, set_up),
		cmocka_unit_test_setup(who_was_silent_may_have_been_one, set_up),
		cmocka_unit_test_setup(who_was_silent_at_the_takeover_too, set_up),
		cmocka_unit_test_setup(whom_we_took_from_is_a_rival_until_it_says_otherwise, set_up),
		cmocka_unit_test_setup(a_handover_is_accepted_by_beacon, set_up),
		cmocka_unit_test_setup(who_takes_no_part_is_not_asked, set_up),
		cmocka_unit_test_setup(the_wait_for_the_table_counts_from_its_first_hold, set_up),
		cmocka_unit_test_setup(another_reason_to_hold_is_no_new_wait, set_up),
		cmocka_unit_test_setup(in_sync_it_takes_and_a_later_wait_is_another, set_up),
		cmocka_unit_test_setup(without_a_word_of_its_balancer_a_node_is_behind_who_has_one, set_up),
		cmocka_unit_test_setup(who_is_active_no_more_has_said_goodbye, set_up),
		cmocka_unit_test_setup(no_goodbye_without_an_active_before_it, set_up),
		cmocka_unit_test_setup(who_took_over_meanwhile_is_heard_by_beacon, set_up),
		cmocka_unit_test_setup(what_it_said_before_our_lease_was_over_is_no_takeover, set_up),
		cmocka_unit_test_setup(a_peer_that_is_outdone_took_nothing_over, set_up),
		cmocka_unit_test_setup(the_owner_is_not_overtaken, set_up),
		cmocka_unit_test_setup(after_that_the_balancer_has_to_say_so_anew, set_up),
		cmocka_unit_test_setup(who_listens_does_not_say_that_it_is_active, set_up),
		cmocka_unit_test_setup(a_backup_that_has_just_started_believes_its_balancer, set_up),
		cmocka_unit_test_setup(who_was_not_heard_since_a_pause_is_announced_against, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
