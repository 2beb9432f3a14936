/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the peer said last: newer words win over slower paths, an ended start is not believed, words and paths have an age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "vrrp/vrrp_said.h"

#define TIMEOUT 300
#define NAME    7

static struct vrrp_said said;

static struct vrrp_beacon beacon_of(uint64_t boot, uint64_t sequence, enum vrrp_state state)
{
	return (struct vrrp_beacon){.node = "b",
		.boot = boot,
		.sequence = sequence,
		.parts = 1,
		.path_count = 1,
		.path_heard_ms = {12},
		.unit_count = 1,
		.units = {{.name_hash = NAME, .state = (uint8_t)state, .priority = 100, .lan_well = true}}};
}

static enum vrrp_said_what take(
	size_t path, uint64_t boot, uint64_t sequence, enum vrrp_state state, int64_t now)
{
	struct vrrp_beacon beacon = beacon_of(boot, sequence, state);
	bool restarted;

	return vrrp_said_beacon(&said, path, &beacon, now, &restarted);
}

static struct vrrp_facts facts_at(int64_t now, const struct vrrp_fsm *fsm)
{
	struct vrrp_facts facts = {.begun_ns = 1000};

	vrrp_said_facts(&said, NAME, fsm, now, &facts);
	return facts;
}

static int set_up(void **state)
{
	vrrp_said_init(&said, 2, TIMEOUT, 0);
	return 0;
}

static void nothing_was_said(void **state)
{
	struct vrrp_fsm fsm = {0};
	struct vrrp_facts facts = facts_at(50, &fsm);

	assert_true(facts.paired);
	assert_false(facts.peer_fresh);
	assert_false(facts.peer_ever);
	assert_int_equal(facts.peer.state, VRRP_INITIALIZE);
	assert_int_equal(facts.begun_ns, 50); /* so long we listen */
	assert_int_equal(vrrp_said_deadline(&said, 50), VRRP_NEVER);
}

static void the_newer_word_counts_whichever_path_is_quicker(void **state)
{
	struct vrrp_fsm fsm = {0};

	assert_int_equal(take(0, 1, 2, VRRP_BACKUP, 10), VRRP_SAID_NEWS);
	assert_int_equal(take(1, 1, 1, VRRP_ACTIVE, 11), VRRP_SAID_NOTHING);
	assert_int_equal(facts_at(12, &fsm).peer.state, VRRP_BACKUP);
	assert_int_equal(take(1, 1, 2, VRRP_BACKUP, 13), VRRP_SAID_NOTHING);
	assert_true(vrrp_said_path_is_fresh(&said, 1, 13 + TIMEOUT - 1));
	assert_false(vrrp_said_path_is_fresh(&said, 1, 13 + TIMEOUT));
	assert_int_equal(vrrp_said_deadline(&said, 14), 10 + TIMEOUT);
}

static void parts_come_in_any_order(void **state)
{
	struct vrrp_beacon first = beacon_of(1, 5, VRRP_ACTIVE), second = beacon_of(1, 6, VRRP_BACKUP);
	struct vrrp_fsm fsm = {0};
	bool restarted;

	first.parts = second.parts = 2;
	second.part = 1;
	second.units[0].name_hash = NAME + 1;
	vrrp_said_beacon(&said, 0, &second, 10, &restarted);
	assert_false(facts_at(10, &fsm).peer_ever); /* its word of this unit may still come */
	assert_int_equal(vrrp_said_beacon(&said, 1, &first, 20, &restarted), VRRP_SAID_NEWS);
	assert_int_equal(facts_at(20, &fsm).peer.state, VRRP_ACTIVE);
}

static void a_start_that_is_over_says_nothing(void **state)
{
	struct vrrp_beacon anew = beacon_of(2, 1, VRRP_BACKUP);
	struct vrrp_fsm fsm = {0};
	bool restarted;

	take(0, 1, 9, VRRP_ACTIVE, 10);
	assert_int_equal(vrrp_said_beacon(&said, 0, &anew, 20, &restarted), VRRP_SAID_NEWS);
	assert_true(restarted);
	assert_int_equal(take(1, 1, 10, VRRP_ACTIVE, 30), VRRP_SAID_OUTDATED);
	assert_int_equal(facts_at(30, &fsm).peer.state, VRRP_BACKUP);
	assert_false(vrrp_said_path_is_fresh(&said, 1, 30));
	assert_int_equal(take(0, 0, 10, VRRP_ACTIVE, 30), VRRP_SAID_OUTDATED);
}

/* The first word of the old start came after the first word of the new one: it looks as if it were the newer. */
static void the_start_that_lives_is_found_again(void **state)
{
	struct vrrp_fsm fsm = {0};

	take(0, 2, 1, VRRP_BACKUP, 10);
	assert_int_equal(take(1, 1, 9, VRRP_ACTIVE, 20), VRRP_SAID_NEWS);
	assert_int_equal(take(0, 2, 2, VRRP_BACKUP, 30), VRRP_SAID_OUTDATED);
	assert_int_equal(take(1, 1, 10, VRRP_ACTIVE, 35), VRRP_SAID_NEWS);
	assert_int_equal(take(0, 2, 3, VRRP_BACKUP, 40), VRRP_SAID_OUTDATED);
	assert_int_equal(take(0, 2, 4, VRRP_BACKUP, 40 + TIMEOUT / 2), VRRP_SAID_OUTDATED);
	assert_int_equal(take(0, 2, 4, VRRP_BACKUP, 40 + TIMEOUT - 1), VRRP_SAID_OUTDATED);
	assert_int_equal(take(0, 2, 5, VRRP_BACKUP, 40 + TIMEOUT), VRRP_SAID_NEWS);
	assert_int_equal(facts_at(40 + TIMEOUT, &fsm).peer.state, VRRP_BACKUP);
	assert_int_equal(take(0, 2, 6, VRRP_BACKUP, 40 + TIMEOUT), VRRP_SAID_NEWS);
	assert_int_equal(take(1, 1, 11, VRRP_ACTIVE, 40 + TIMEOUT), VRRP_SAID_OUTDATED);
}

/* After a pause of ours all that waited is read at once: that is no time in which a start goes on speaking. */
static void what_waited_says_nothing_of_which_start_lives(void **state)
{
	take(0, 1, 1, VRRP_ACTIVE, 10);
	take(0, 2, 1, VRRP_BACKUP, 20);
	assert_int_equal(take(1, 1, 2, VRRP_ACTIVE, 30), VRRP_SAID_OUTDATED);
	assert_int_equal(take(1, 1, 2, VRRP_ACTIVE, 30 + TIMEOUT), VRRP_SAID_OUTDATED);
	vrrp_said_forgive(&said, 10000, 10030);
	assert_int_equal(take(1, 1, 3, VRRP_ACTIVE, 10030), VRRP_SAID_OUTDATED);
	assert_int_equal(take(0, 2, 2, VRRP_BACKUP, 10030), VRRP_SAID_NEWS);
}

/* A unit that the peer names no more, while it goes on speaking of others. */
static void a_word_has_an_age(void **state)
{
	struct vrrp_beacon other = beacon_of(1, 2, VRRP_BACKUP);
	struct vrrp_fsm fsm = {0};
	bool restarted;

	other.units[0].name_hash = NAME + 1;
	take(0, 1, 1, VRRP_ACTIVE, 10);
	vrrp_said_beacon(&said, 0, &other, 10 + TIMEOUT, &restarted);
	assert_true(facts_at(10 + TIMEOUT, &fsm).peer_fresh);
	assert_int_equal(facts_at(10 + TIMEOUT - 1, &fsm).peer.state, VRRP_ACTIVE);
	assert_int_equal(facts_at(10 + TIMEOUT, &fsm).peer.state, VRRP_INITIALIZE);
}

static void a_goodbye_that_is_newer_counts(void **state)
{
	struct vrrp_fsm fsm = {.left = true, .heard_at = 20};

	take(0, 1, 1, VRRP_ACTIVE, 10);
	assert_int_equal(facts_at(25, &fsm).peer.priority, 0);
	take(0, 1, 2, VRRP_ACTIVE, 21);
	assert_int_equal(facts_at(25, &fsm).peer.priority, 100);
}

static void a_pause_of_ours_is_forgiven_and_nothing_is_heard_in_the_future(void **state)
{
	struct vrrp_fsm fsm = {0};

	take(0, 1, 1, VRRP_ACTIVE, 10);
	take(1, 1, 2, VRRP_ACTIVE, 10020); /* read before the pause was noticed */
	vrrp_said_forgive(&said, 10000, 10020);
	assert_int_equal(said.path[0].heard_at, 10010);
	assert_int_equal(said.path[1].heard_at, 10020);
	assert_true(facts_at(10020 + TIMEOUT - 1, &fsm).peer_fresh);
	assert_false(facts_at(10020 + TIMEOUT, &fsm).peer_fresh);
	assert_int_equal(facts_at(10020 + TIMEOUT, &fsm).peer.state, VRRP_INITIALIZE);
}

static void it_says_when_it_heard_us(void **state)
{
	take(0, 1, 1, VRRP_ACTIVE, 10);
	take(1, 1, 1, VRRP_ACTIVE, 10);
	assert_int_equal(said.path[0].heard_us_ms, 12);
	assert_int_equal(said.path[1].heard_us_ms, UINT32_MAX);
}

static void the_peer_is_known_by_the_address_it_says(void **state)
{
	const uint8_t here[16] = {10, 0, 0, 2}, other[16] = {10, 0, 0, 3};
	struct vrrp_beacon beacon = beacon_of(1, 1, VRRP_BACKUP);
	bool restarted;

	assert_false(vrrp_said_is_source(&said, NAME, here));
	memcpy(beacon.units[0].source, here, 16);
	vrrp_said_beacon(&said, 0, &beacon, 10, &restarted);
	assert_true(vrrp_said_is_source(&said, NAME, here)); /* however old it is */
	assert_false(vrrp_said_is_source(&said, NAME, other));
	assert_false(vrrp_said_is_source(&said, NAME + 1, here));
}

/* Two paths of different speed: the word gets old before the slower one does. */
static void silence_is_not_that_a_unit_is_named_no_more(void **state)
{
	struct vrrp_fsm fsm = {0};

	take(0, 1, 1, VRRP_ACTIVE, 100);
	take(1, 1, 1, VRRP_ACTIVE, 110);
	assert_true(vrrp_said_is_fresh(&said, 105 + TIMEOUT));
	assert_false(facts_at(105 + TIMEOUT, &fsm).peer_fresh);
	assert_true(facts_at(105 + TIMEOUT, &fsm).peer_ever);
}

static void a_forgiven_word_is_told_from_a_new_one(void **state)
{
	struct vrrp_fsm fsm = {0};

	take(0, 1, 1, VRRP_BACKUP, 100);
	assert_false(facts_at(150, &fsm).peer_forgiven);
	assert_int_equal(facts_at(150, &fsm).peer_ns, 50);
	vrrp_said_forgive(&said, 1000, 1200);
	assert_true(facts_at(1210, &fsm).peer_fresh);
	assert_true(facts_at(1210, &fsm).peer_forgiven);
	take(0, 1, 2, VRRP_BACKUP, 1220);
	assert_false(facts_at(1230, &fsm).peer_forgiven);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_was_said, set_up),
		cmocka_unit_test_setup(the_newer_word_counts_whichever_path_is_quicker, set_up),
		cmocka_unit_test_setup(parts_come_in_any_order, set_up),
		cmocka_unit_test_setup(a_start_that_is_over_says_nothing, set_up),
		cmocka_unit_test_setup(the_start_that_lives_is_found_again, set_up),
		cmocka_unit_test_setup(what_waited_says_nothing_of_which_start_lives, set_up),
		cmocka_unit_test_setup(a_word_has_an_age, set_up),
		cmocka_unit_test_setup(a_goodbye_that_is_newer_counts, set_up),
		cmocka_unit_test_setup(
			a_pause_of_ours_is_forgiven_and_nothing_is_heard_in_the_future, set_up),
		cmocka_unit_test_setup(it_says_when_it_heard_us, set_up),
		cmocka_unit_test_setup(the_peer_is_known_by_the_address_it_says, set_up),
		cmocka_unit_test_setup(silence_is_not_that_a_unit_is_named_no_more, set_up),
		cmocka_unit_test_setup(a_forgiven_word_is_told_from_a_new_one, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
