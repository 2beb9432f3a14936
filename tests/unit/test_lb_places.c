/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places in the dataplane's arrays (lb_ids) and stretches of the slot array (lb_region). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_ids.h"
#include "lb/lb_region.h"

static void a_place_is_given_once(void **state)
{
	struct lb_ids ids;
	long got[4];

	assert_int_equal(lb_ids_init(&ids, 4), 0);
	for (int i = 0; i < 4; i++) {
		got[i] = lb_ids_take(&ids);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(got[i], got[k]);
	}
	assert_int_equal(lb_ids_take(&ids), -ENOSPC);
	assert_int_equal(lb_ids_available(&ids), 0);
	assert_int_equal(lb_ids_claim(&ids, 2), -EBUSY);
	assert_int_equal(lb_ids_claim(&ids, 4), -ERANGE);
	lb_ids_clear(&ids);
}

static uint32_t freed_ids[8], freed_count;

static void note_freed(void *data, uint32_t id)
{
	freed_ids[freed_count++] = id;
}

static void a_retired_place_waits_for_a_whole_walk_without_it(void **state)
{
	struct lb_ids ids;

	freed_count = 0;
	assert_int_equal(lb_ids_init(&ids, 2), 0);
	assert_int_equal(lb_ids_claim(&ids, 0), 0);
	assert_int_equal(lb_ids_claim(&ids, 1), 0);
	lb_ids_retire(&ids, 1, 5); /* in the middle of walk 5: that one proves nothing */
	lb_ids_walked(&ids, 5, note_freed, NULL);
	assert_int_equal(freed_count, 0);
	lb_ids_meet(&ids, 1); /* a flow still points at it */
	lb_ids_walked(&ids, 6, note_freed, NULL);
	assert_int_equal(freed_count, 0);
	assert_int_equal(lb_ids_take(&ids), -ENOSPC);
	lb_ids_walked(&ids, 7, note_freed, NULL);
	assert_int_equal(freed_count, 1);
	assert_int_equal(freed_ids[0], 1);
	assert_int_equal(lb_ids_take(&ids), 1);
	lb_ids_clear(&ids);
}

static void stretches_never_overlap(void **state)
{
	enum { SIZE = 1000 };
	struct {
		long base;
		uint32_t length;
	} held[40];
	struct lb_regions r;
	uint8_t used[SIZE];
	size_t count = 0;
	uint64_t now = 0;

	srand(7);
	assert_int_equal(lb_regions_init(&r, SIZE), 0);
	for (int round = 0; round < 20000; round++) {
		now += 13;
		if (count < 40 && rand() % 2) {
			uint32_t length = 1 + (uint32_t)rand() % 60;
			long base = lb_regions_take(&r, length, now);

			if (base == -ENOSPC)
				continue;
			assert_true(base >= 0 && base + length <= SIZE);
			held[count].base = base;
			held[count++].length = length;
		} else if (count) {
			size_t at = (size_t)rand() % count;

			lb_regions_give(&r, (uint32_t)held[at].base, now);
			held[at] = held[--count];
		}
		memset(used, 0, sizeof(used));
		for (size_t i = 0; i < count; i++)
			for (uint32_t k = 0; k < held[i].length; k++)
				assert_int_equal(used[(uint32_t)held[i].base + k]++, 0);
	}
	lb_regions_clear(&r);
}

static void what_was_given_back_rests(void **state)
{
	struct lb_regions r;

	assert_int_equal(lb_regions_init(&r, 10), 0);
	assert_int_equal(lb_regions_take(&r, 10, 0), 0);
	lb_regions_give(&r, 0, 0);
	assert_int_equal(lb_regions_take(&r, 1, LB_REGION_REST_MS - 1), -ENOSPC);
	assert_int_equal(lb_regions_take(&r, 10, LB_REGION_REST_MS), 0);
	lb_regions_clear(&r);
}

static void a_claim_of_taken_slots_is_refused(void **state)
{
	struct lb_regions r;

	assert_int_equal(lb_regions_init(&r, 10), 0);
	assert_int_equal(lb_regions_claim(&r, 2, 4), 0);
	assert_int_equal(lb_regions_claim(&r, 5, 1), -EBUSY);
	assert_int_equal(lb_regions_claim(&r, 0, 3), -EBUSY);
	assert_int_equal(lb_regions_claim(&r, 6, 5), -ERANGE);
	assert_int_equal(lb_regions_claim(&r, 6, 4), 0);
	assert_int_equal(lb_regions_take(&r, 2, 0), 0);
	assert_int_equal(lb_regions_take(&r, 1, 0), -ENOSPC);
	assert_int_equal(lb_regions_used(&r), 10);
	lb_regions_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_is_given_once),
		cmocka_unit_test(a_retired_place_waits_for_a_whole_walk_without_it),
		cmocka_unit_test(stretches_never_overlap),
		cmocka_unit_test(what_was_given_back_rests),
		cmocka_unit_test(a_claim_of_taken_slots_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
