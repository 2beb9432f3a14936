/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a scheduler and its backends to the slots the kernel indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lb/lb_table.h"

static const struct lb_hash_entry three[] = {{.id = 7, .weight = 1, .seed = 11},
	{.id = 8, .weight = 2, .seed = 22}, {.id = 9, .weight = 3, .seed = 33}};

static void each_scheduler_has_its_table(void **state)
{
	static const struct {
		enum lb_scheduler scheduler;
		size_t size;
		enum lb_pick pick;
		uint32_t shares[3]; /* slots of 7, 8, 9; 0 = not exact */
	} rows[] = {
		{LB_RR, 3, LB_PICK_NEXT, {1, 1, 1}},
		{LB_WRR, 6, LB_PICK_NEXT, {1, 2, 3}},
		{LB_LC, 3, LB_PICK_LEAST, {1, 1, 1}},
		{LB_WLC, 3, LB_PICK_LEAST, {1, 1, 1}},
		{LB_SH, 509, LB_PICK_SOURCE, {0}},
		{LB_MH, 509, LB_PICK_TUPLE, {0}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t table[600], shares[3] = {};
		size_t size = lb_table_size(rows[i].scheduler, three, 3, 3);

		assert_int_equal(size, rows[i].size);
		assert_int_equal(lb_table_pick(rows[i].scheduler), rows[i].pick);
		assert_int_equal(lb_table_fill(rows[i].scheduler, three, 3, table, size), 0);
		for (size_t k = 0; k < size; k++) {
			assert_in_range(table[k], 7, 9);
			shares[table[k] - 7]++;
		}
		for (int k = 0; k < 3; k++)
			assert_true(rows[i].shares[k] ? shares[k] == rows[i].shares[k] : shares[k] > 0);
	}
}

static void no_backend_is_no_slot(void **state)
{
	for (enum lb_scheduler s = LB_RR; s <= LB_MH; s++) {
		assert_int_equal(lb_table_size(s, three, 0, 3), 0);
		assert_int_equal(lb_table_fill(s, three, 0, NULL, 0), 0);
	}
}

static void a_maglev_table_keeps_its_size_when_some_are_away(void **state)
{
	assert_int_equal(lb_table_size(LB_MH, three, 1, 20), lb_table_size(LB_MH, three, 3, 20));
}

static void the_seed_is_the_names(void **state)
{
	assert_int_equal(lb_table_seed("kv"), lb_table_seed("kv"));
	assert_int_not_equal(lb_table_seed("kv"), lb_table_seed("vk"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scheduler_has_its_table),
		cmocka_unit_test(no_backend_is_no_slot),
		cmocka_unit_test(a_maglev_table_keeps_its_size_when_some_are_away),
		cmocka_unit_test(the_seed_is_the_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
