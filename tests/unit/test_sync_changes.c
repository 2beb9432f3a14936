/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of changes against a list that anybody can see to be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/sync_changes.h"

#define SIZE 64

static const uint32_t numbers[SYNC_CHANGE_TABLES] = {16, 16, 4};
static struct sync_changes q;
static struct sync_change list[SIZE];
static uint32_t count;
static uint64_t seed = 1;

static uint32_t below(uint32_t limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % limit;
}

static int open_queue(void **state)
{
	count = 0;
	return sync_changes_open(&q, SIZE, numbers);
}

static int close_queue(void **state)
{
	sync_changes_close(&q);
	return 0;
}

/* The newest change of that thing that waits: does it have the generation? */
static bool waits(uint8_t kind, uint32_t id, uint32_t generation)
{
	for (uint32_t i = count; i-- > 0;)
		if (list[i].kind == kind && list[i].id == id)
			return list[i].generation == generation;
	return false;
}

static int model_put(uint8_t kind, uint32_t id, uint32_t generation, int64_t born)
{
	if (kind < SYNC_CHANGE_TABLES && waits(kind, id, generation))
		return 0;
	if (count == SIZE) {
		count = 0;
		return -EOVERFLOW;
	}
	list[count++] = (struct sync_change){.kind = kind, .id = id, .generation = generation, .born = born};
	return 0;
}

static void assert_same_first(void)
{
	const struct sync_change *c = sync_changes_first(&q);

	assert_int_equal(q.count, count);
	assert_true((c != NULL) == (count > 0));
	if (!c)
		return;
	assert_true(c->kind == list[0].kind && c->born == list[0].born);
	if (c->kind < SYNC_CHANGE_TABLES)
		assert_true(c->id == list[0].id && c->generation == list[0].generation);
	else if (c->kind == SYNC_CHANGE_END)
		assert_int_equal(c->end.client_port, list[0].id);
	else
		assert_int_equal(c->sticky.pool, list[0].id);
}

static void put(uint8_t kind, uint32_t id, uint32_t generation, int64_t born)
{
	struct sync_change_end end = {.client_port = (uint16_t)id};
	struct sync_change_sticky sticky = {.pool = id};
	int expected = model_put(kind, id, generation, born);

	if (kind == SYNC_CHANGE_END)
		assert_int_equal(sync_changes_put_end(&q, &end, born), expected);
	else if (kind == SYNC_CHANGE_STICKY)
		assert_int_equal(sync_changes_put_sticky(&q, &sticky, born), expected);
	else
		assert_int_equal(
			sync_changes_put(&q, (enum sync_change_kind)kind, id, generation, born), expected);
}

static void drop(void)
{
	sync_changes_drop(&q);
	if (count)
		memmove(list, list + 1, --count * sizeof(list[0]));
}

/* Now more is put, now more is taken, so that it is empty, full and all between. */
static void as_a_list_would(void **state)
{
	uint32_t generation[SYNC_CHANGE_STICKY + 1][1000] = {};
	uint64_t overflows;

	for (int64_t i = 0; i < 400000; i++) {
		uint32_t puts = i / 1000 % 3 ? 3 : 1;
		uint8_t kind = (uint8_t)below(SYNC_CHANGE_STICKY + 1);
		uint32_t id = below(kind < SYNC_CHANGE_TABLES ? numbers[kind] : 1000);

		if (below(4) < puts)
			put(kind, id, generation[kind][id] += !generation[kind][id] || !below(3), i);
		else
			drop();
		if (!below(5000)) {
			sync_changes_forget(&q);
			count = 0;
		}
		assert_same_first();
	}
	overflows = q.overflows;
	assert_true(overflows > 10);
}

static void what_waits_is_not_entered_twice(void **state)
{
	struct sync_change_end end = {.client_port = 9};

	for (int i = 0; i < 100; i++)
		assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW4, 3, 7, i), 0);
	assert_int_equal(q.count, 1);
	assert_int_equal(sync_changes_first(&q)->born, 0);
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW6, 3, 7, 100), 0);
	assert_int_equal(q.count, 2);
	/* It ended, and its number is another's: three changes, in order. */
	assert_int_equal(sync_changes_put_end(&q, &end, 101), 0);
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW4, 3, 8, 102), 0);
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW4, 3, 8, 103), 0);
	assert_int_equal(q.count, 4);
	sync_changes_drop(&q); /* generation 7; 8 still waits */
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW4, 3, 8, 104), 0);
	assert_int_equal(q.count, 3);
	sync_changes_drop(&q);
	assert_int_equal(sync_changes_first(&q)->kind, SYNC_CHANGE_END);
	sync_changes_drop(&q);
	sync_changes_drop(&q);
	assert_null(sync_changes_first(&q));
	sync_changes_drop(&q); /* of nothing */
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW4, 3, 8, 105), 0);
	assert_int_equal(q.count, 1);
}

static void out_of_range(void **state)
{
	struct sync_changes other;

	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW4, 16, 1, 0), -ERANGE);
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_WEIGHT, 4, 1, 0), -ERANGE);
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_END, 0, 1, 0), -ERANGE);
	assert_int_equal(
		sync_changes_put(&q, SYNC_CHANGE_FLOW4, 15, 0, 0), 0); /* a generation that wrapped */
	assert_int_equal(sync_changes_put(&q, SYNC_CHANGE_FLOW4, 15, 0, 0), 0);
	assert_int_equal(q.count, 1);
	assert_int_equal(sync_changes_open(&other, 0, numbers), -EINVAL);
	assert_int_equal(sync_changes_open(&other, SYNC_CHANGES_MAX + 1, numbers), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_queue, close_queue)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_a_list_would),
		TEST(what_waits_is_not_entered_twice),
		TEST(out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
