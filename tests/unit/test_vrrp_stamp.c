/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a stamp lasts, in each state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vrrp/vrrp_stamp.h"

#define MS 1000000LL
#define A  (100 * MS)

static struct vrrp_fsm fsm;

static int begin(void **state)
{
	static const struct vrrp_fsm_config config = {
		.priority = 100, .version = 3, .interval_ns = A, .announce_count = 1};

	vrrp_fsm_init(&fsm, &config);
	return 0;
}

static void step(enum vrrp_event_type type, int64_t now)
{
	struct vrrp_actions actions;

	vrrp_fsm_step(&fsm, &(struct vrrp_event){.type = type}, now, &actions);
}

static void who_has_no_addresses_has_no_lease(void **state)
{
	assert_int_equal(vrrp_stamp_until(&fsm, 5), 0);
	step(VRRP_EVENT_STARTUP, 0);
	assert_int_equal(fsm.state, VRRP_BACKUP);
	assert_int_equal(vrrp_stamp_until(&fsm, 5), 0);
	assert_int_equal(vrrp_stamp_again_at(&fsm, 5), VRRP_NEVER);
}

/* The other's timer begins when the advert arrives, never earlier, and takes Skew_Time more. */
static void an_active_is_silent_before_another_speaks(void **state)
{
	for (int priority = 1; priority <= 254; priority++) {
		struct vrrp_fsm other = fsm;

		other.config.priority = (uint8_t)priority;
		step(VRRP_EVENT_RESUME, 0);
		assert_true(vrrp_stamp_until(&fsm, 7) < 7 + vrrp_fsm_down_interval(&other));
		assert_int_equal(vrrp_stamp_until(&fsm, 7), 7 + 3 * A);
	}
	assert_int_equal(vrrp_stamp_again_at(&fsm, 7), VRRP_NEVER);
}

static void a_handover_is_stamped_more_often_than_it_lasts(void **state)
{
	int64_t until;

	step(VRRP_EVENT_RESUME, 0);
	step(VRRP_EVENT_OFFER, A);
	assert_int_equal(fsm.state, VRRP_HANDOVER);
	until = vrrp_stamp_until(&fsm, A);
	assert_int_equal(until, 2 * A + vrrp_fsm_skew(&fsm));
	assert_true(vrrp_stamp_again_at(&fsm, A) <= A + (until - A) / 3);
}

static void what_is_released_lingers_if_it_was_fresh(void **state)
{
	assert_int_equal(vrrp_stamp_released(10 * A, 5 * A), 5 * A + VRRP_STAMP_LINGER_NS);
	assert_int_equal(vrrp_stamp_released(5 * A + 3, 5 * A), 5 * A + VRRP_STAMP_LINGER_NS);
	assert_int_equal(vrrp_stamp_released(5 * A, 5 * A), 0);
	assert_int_equal(vrrp_stamp_released(0, 5 * A), 0);
}

/* Others had the addresses meanwhile, and connections that nobody knows here. */
static void who_was_silent_or_had_a_rival_takes_anew(void **state)
{
	assert_false(vrrp_stamp_takes_anew(5 * A, 5 * A - 1, false));
	assert_true(vrrp_stamp_takes_anew(5 * A, 5 * A, false));
	assert_true(vrrp_stamp_takes_anew(0, 5 * A, false));
	assert_true(vrrp_stamp_takes_anew(5 * A, 4 * A, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_has_no_addresses_has_no_lease, begin),
		cmocka_unit_test_setup(an_active_is_silent_before_another_speaks, begin),
		cmocka_unit_test_setup(a_handover_is_stamped_more_often_than_it_lasts, begin),
		cmocka_unit_test_setup(what_is_released_lingers_if_it_was_fresh, begin),
		cmocka_unit_test_setup(who_was_silent_or_had_a_rival_takes_anew, begin),
	};

	return cmocka_run_group_tests_name("vrrp_stamp", tests, NULL, NULL);
}
