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
	assert_int_equal(facts.waited_ns, 50 * MS);
	assert_int_equal(facts.begun_ns, 50 * MS);
	assert_false(facts.preempting);
	make_active();
	ask(fsm.since);
	assert_int_equal(facts.waited_ns, 0);
	assert_int_equal(facts.begun_ns, fsm.since); /* since it left Initialize */
	step(VRRP_EVENT_OFFER, 500 * MS);
	ask(501 * MS);
	assert_int_equal(facts.priority, 0); /* as in adverts */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
