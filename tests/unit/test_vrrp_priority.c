/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tracked things do to the priority, and what they say when they are the fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "vrrp/vrrp_priority.h"

static struct vrrp_priority_term term(enum vrrp_track_kind kind, int weight, bool known, bool good)
{
	return (struct vrrp_priority_term){
		.kind = kind,
		.weight = (int16_t)weight,
		.known = known,
		.good = good,
		.label = "interface eth1",
		.detail = "no carrier",
	};
}

static struct vrrp_priority_term file(int weight, int number)
{
	struct vrrp_priority_term t = term(VRRP_TRACK_FILE, weight, true, number == 0);

	t.number = number;
	return t;
}

static int adds(struct vrrp_priority_term t)
{
	return vrrp_priority_adds(&t);
}

static void what_a_term_adds(void **state)
{
	static const enum vrrp_track_kind kinds[] = {
		VRRP_TRACK_INTERFACE, VRRP_TRACK_SCRIPT, VRRP_TRACK_POOL};

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(adds(term(kinds[i], 20, true, true)), 20);
		assert_int_equal(adds(term(kinds[i], 20, true, false)), 0);
		assert_int_equal(adds(term(kinds[i], -30, true, true)), 0);
		assert_int_equal(adds(term(kinds[i], -30, true, false)), -30);
		assert_int_equal(adds(term(kinds[i], 0, true, true)), 0);
		assert_int_equal(adds(term(kinds[i], 0, true, false)), 0);
		assert_int_equal(adds(term(kinds[i], 20, false, true)), 0);
		assert_int_equal(adds(term(kinds[i], -30, false, false)), 0);
	}
}

static void what_a_file_adds(void **state)
{
	struct vrrp_priority_term unknown = file(2, 7);

	assert_int_equal(adds(file(2, 7)), 14);
	assert_int_equal(adds(file(2, -7)), -14);
	assert_int_equal(adds(file(-3, 7)), -21);
	assert_int_equal(adds(file(-3, 0)), 0);
	assert_int_equal(adds(file(0, 254)), 0);
	assert_int_equal(adds(file(253, 254)), 253 * 254);
	assert_int_equal(adds(file(-253, 254)), -253 * 254);
	unknown.known = false;
	assert_int_equal(adds(unknown), 0);
}

static struct vrrp_priority compute(uint8_t base, const struct vrrp_priority_term *terms, size_t count)
{
	struct vrrp_priority got;

	memset(&got, 0xa5, sizeof(got));
	vrrp_priority_compute(base, terms, count, &got);
	return got;
}

static void without_terms_it_is_the_base(void **state)
{
	for (int base = 1; base <= 255; base++) {
		struct vrrp_priority got = compute((uint8_t)base, NULL, 0);

		assert_int_equal(got.priority, base);
		assert_int_equal(got.fitness, VRRP_FIT);
		assert_string_equal(got.cause, "");
	}
}

static void terms_add_up(void **state)
{
	struct vrrp_priority_term terms[] = {
		term(VRRP_TRACK_INTERFACE, -50, true, false),
		term(VRRP_TRACK_SCRIPT, 20, true, true),
		file(-2, 4),
		term(VRRP_TRACK_POOL, 100, false, false),
	};

	assert_int_equal(compute(100, terms, 4).priority, 62);
	assert_int_equal(compute(100, terms, 4).fitness, VRRP_FIT);
	assert_int_equal(compute(100, terms, 1).priority, 50);
}

static void it_stays_between_1_and_254(void **state)
{
	struct vrrp_priority_term up = file(253, 254), down = file(-253, 254), one = file(1, 1);
	struct vrrp_priority_term many[16];

	assert_int_equal(compute(100, &up, 1).priority, 254);
	assert_int_equal(compute(254, &one, 1).priority, 254);
	assert_int_equal(compute(253, &one, 1).priority, 254);
	assert_int_equal(compute(100, &down, 1).priority, 1);
	one = file(-1, 1);
	assert_int_equal(compute(1, &one, 1).priority, 1);
	assert_int_equal(compute(2, &one, 1).priority, 1);
	assert_int_equal(compute(3, &one, 1).priority, 2);
	for (size_t i = 0; i < 16; i++)
		many[i] = i < 8 ? up : down; /* the sum is clamped, not its parts */
	assert_int_equal(compute(100, many, 16).priority, 100);
}

static void the_owner_stays_255(void **state)
{
	struct vrrp_priority_term down = file(-253, 254), bad = term(VRRP_TRACK_INTERFACE, 0, true, false);

	assert_int_equal(compute(255, &down, 1).priority, 255);
	assert_int_equal(compute(255, &bad, 1).priority, 255);
	assert_int_equal(compute(255, &bad, 1).fitness, VRRP_FAULT);
}

static void weight_0_is_fault_or_waits(void **state)
{
	struct vrrp_priority_term good = term(VRRP_TRACK_SCRIPT, 0, true, true);
	struct vrrp_priority_term bad = term(VRRP_TRACK_INTERFACE, 0, true, false);
	struct vrrp_priority_term unknown = term(VRRP_TRACK_POOL, 0, false, false);
	struct vrrp_priority_term number = file(0, 3);

	assert_int_equal(compute(100, &good, 1).fitness, VRRP_FIT);
	assert_int_equal(compute(100, &bad, 1).fitness, VRRP_FAULT);
	assert_int_equal(compute(100, &bad, 1).priority, 100);
	assert_int_equal(compute(100, &unknown, 1).fitness, VRRP_WAITING);
	assert_int_equal(compute(100, &number, 1).fitness, VRRP_FAULT);
	number = file(0, 0);
	assert_int_equal(compute(100, &number, 1).fitness, VRRP_FIT);
	bad.weight = 1; /* with a weight it only costs */
	assert_int_equal(compute(100, &bad, 1).fitness, VRRP_FIT);
	unknown.weight = -1;
	assert_int_equal(compute(100, &unknown, 1).fitness, VRRP_FIT);
}

static void the_cause_is_the_worst_of_the_first(void **state)
{
	struct vrrp_priority_term terms[4] = {
		term(VRRP_TRACK_SCRIPT, 0, true, true),
		term(VRRP_TRACK_POOL, 0, false, false),
		term(VRRP_TRACK_INTERFACE, 0, true, false),
		term(VRRP_TRACK_FILE, 0, true, false),
	};
	struct vrrp_priority got;

	strcpy(terms[1].label, "pool kv");
	strcpy(terms[1].detail, "");
	strcpy(terms[3].label, "file /run/x");
	got = compute(100, terms, 1);
	assert_string_equal(got.cause, "");
	got = compute(100, terms, 2);
	assert_int_equal(got.fitness, VRRP_WAITING);
	assert_string_equal(got.cause, "pool kv: not known yet");
	got = compute(100, terms, 4);
	assert_int_equal(got.fitness, VRRP_FAULT);
	assert_string_equal(got.cause, "interface eth1: no carrier");
}

static void the_longest_cause_is_whole(void **state)
{
	struct vrrp_priority_term bad = term(VRRP_TRACK_SCRIPT, 0, true, false);
	struct vrrp_priority got;

	memset(bad.label, 'l', sizeof(bad.label) - 1);
	bad.label[sizeof(bad.label) - 1] = '\0';
	memset(bad.detail, 'd', sizeof(bad.detail) - 1);
	bad.detail[sizeof(bad.detail) - 1] = '\0';
	got = compute(100, &bad, 1);
	assert_int_equal(strlen(got.cause), strlen(bad.label) + 2 + strlen(bad.detail));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_term_adds),
		cmocka_unit_test(what_a_file_adds),
		cmocka_unit_test(without_terms_it_is_the_base),
		cmocka_unit_test(terms_add_up),
		cmocka_unit_test(it_stays_between_1_and_254),
		cmocka_unit_test(the_owner_stays_255),
		cmocka_unit_test(weight_0_is_fault_or_waits),
		cmocka_unit_test(the_cause_is_the_worst_of_the_first),
		cmocka_unit_test(the_longest_cause_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
