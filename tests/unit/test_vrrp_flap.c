/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patience: how long what was lost has to be well, and how often a link that flaps can make a node Active. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vrrp/vrrp_flap.h"

#define SECOND 1000000000LL

static void nothing_lost_costs_nothing(void **state)
{
	struct vrrp_flap flap = {};

	assert_int_equal(vrrp_flap_patience(&flap, 0), 0);
	assert_int_equal(vrrp_flap_patience(&flap, 1000 * SECOND), 0);
}

static void doubles_from_the_third_loss(void **state)
{
	static const int64_t want[] = {0, 0, 1, 2, 4, 8, 16, 30, 30, 30};
	struct vrrp_flap flap = {};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		vrrp_flap_lost(&flap, 100 * SECOND + (int64_t)i);
		assert_int_equal(vrrp_flap_patience(&flap, 101 * SECOND), want[i] * SECOND);
	}
}

static void a_quiet_minute_forgives(void **state)
{
	struct vrrp_flap flap = {};

	for (int i = 0; i < 20; i++)
		vrrp_flap_lost(&flap, 100 * SECOND);
	assert_int_equal(vrrp_flap_patience(&flap, 160 * SECOND - 1), 30 * SECOND);
	assert_int_equal(vrrp_flap_patience(&flap, 160 * SECOND), 0);
}

/* The bound of the checklist: a link that comes for 50 ms and goes for 50 ms, for ten minutes. */
static void a_flapping_link_starts_a_few_times_a_minute(void **state)
{
	struct vrrp_flap flap = {};
	int64_t now = 0, ready_at = 0;
	int starts = 0;

	for (int i = 0; i < 6000; i++, now += SECOND / 10) {
		/* up at now, down again at now + 50 ms */
		ready_at = now + vrrp_flap_patience(&flap, now);
		if (ready_at >= now + SECOND / 20)
			continue;
		starts++;
		vrrp_flap_lost(&flap, now + SECOND / 20);
	}
	assert_true(starts <= 10 * 4);
	assert_true(starts >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost_costs_nothing),
		cmocka_unit_test(doubles_from_the_third_loss),
		cmocka_unit_test(a_quiet_minute_forgives),
		cmocka_unit_test(a_flapping_link_starts_a_few_times_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
