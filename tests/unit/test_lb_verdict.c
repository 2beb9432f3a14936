/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rise and fall as a table: reports in, states and changes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lb/lb_verdict.h"

/* reports: + success, - failure. states after each: c checking, u up, d down; a capital letter where it
 * changed. */
static const struct {
	const char *what;
	uint8_t rise, fall;
	const char *reports, *states;
} rows[] = {
	{"the first success serves at once", 5, 3, "+", "U"},
	{"the first failure is down at once", 2, 100, "-", "D"},
	{"fall failures in a row", 2, 3, "+---", "UuuD"},
	{"a success in between starts the fall again", 2, 3, "+--+--+---", "UuuuuuuuuD"},
	{"rise successes in a row", 2, 3, "-++", "DdU"},
	{"a failure in between starts the rise again", 3, 3, "-++-++-+++", "DddddddddU"},
	{"after a change the count starts at nothing", 2, 2, "+--+-++--", "UuDdddUuD"},
	{"one is at once", 1, 1, "+-+-", "UDUD"},
	{"zero counts as one", 0, 0, "+-+-", "UDUD"},
	{"the state does not change twice", 2, 2, "+++----", "UuuuDdd"},
};

static void table_of_reports(void **state)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct lb_verdict v = {0};
		char states[32] = "";

		for (size_t i = 0; rows[r].reports[i]; i++) {
			enum lb_verdict_change change =
				lb_verdict_report(&v, rows[r].reports[i] == '+', rows[r].rise, rows[r].fall);

			if (change == LB_VERDICT_SAME)
				states[i] = "cud"[v.state];
			else
				states[i] = change == LB_VERDICT_CAME_UP ? 'U' : 'D';
			assert_true(change != LB_VERDICT_CAME_UP || v.state == LB_VERDICT_UP);
			assert_true(change != LB_VERDICT_WENT_DOWN || v.state == LB_VERDICT_DOWN);
		}
		if (strcmp(states, rows[r].states))
			fail_msg("%s: %s gave %s, not %s", rows[r].what, rows[r].reports, states,
				rows[r].states);
	}
}

static void a_changed_bound_keeps_state_and_count(void **state)
{
	struct lb_verdict v = {0};

	lb_verdict_report(&v, true, 2, 5);
	for (int i = 0; i < 3; i++)
		assert_int_equal(lb_verdict_report(&v, false, 2, 5), LB_VERDICT_SAME);
	/* fall goes from 5 to 2: the state stands until the next report, which is the fourth failure. */
	assert_int_equal(v.state, LB_VERDICT_UP);
	assert_int_equal(lb_verdict_report(&v, false, 2, 2), LB_VERDICT_WENT_DOWN);
	/* rise goes from 2 to 3 on the way up. */
	assert_int_equal(lb_verdict_report(&v, true, 2, 2), LB_VERDICT_SAME);
	assert_int_equal(lb_verdict_report(&v, true, 3, 2), LB_VERDICT_SAME);
	assert_int_equal(lb_verdict_report(&v, true, 3, 2), LB_VERDICT_CAME_UP);
}

static void the_count_does_not_wrap(void **state)
{
	struct lb_verdict v = {.state = LB_VERDICT_UP, .streak = 250};

	for (int i = 0; i < 4; i++)
		assert_int_equal(lb_verdict_report(&v, false, 1, 255), LB_VERDICT_SAME);
	assert_int_equal(lb_verdict_report(&v, false, 1, 255), LB_VERDICT_WENT_DOWN);
}

static void names(void **state)
{
	assert_string_equal(lb_verdict_state_name(LB_VERDICT_CHECKING), "checking");
	assert_string_equal(lb_verdict_state_name(LB_VERDICT_UP), "up");
	assert_string_equal(lb_verdict_state_name(LB_VERDICT_DOWN), "down");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_reports),
		cmocka_unit_test(a_changed_bound_keeps_state_and_count),
		cmocka_unit_test(the_count_does_not_wrap),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
