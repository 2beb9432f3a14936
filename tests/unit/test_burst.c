/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The books of a burst: order, losses, duplicates, answers to other tries, and strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/burst.h"

#define COUNT  10
#define COOKIE 0xc0ffee01

static struct burst_query queries[COUNT];

static struct burst sent_once(void)
{
	struct burst burst;

	memset(queries, 0xff, sizeof(queries)); /* burst_init() has to clear them */
	burst_init(&burst, queries, COUNT, COOKIE);
	for (unsigned n = 1; n <= COUNT; n++)
		burst_sent(&burst, n, 0);
	return burst;
}

static enum burst_reply reply(struct burst *burst, unsigned number, unsigned try_index)
{
	unsigned told = 0;
	enum burst_reply got = burst_received(burst, burst_stamp(burst, number, try_index), &told);

	if (got != BURST_FOREIGN)
		assert_int_equal(told, number);
	return got;
}

static void in_order(void **state)
{
	struct burst burst = sent_once();
	char lost[64];

	for (unsigned n = 1; n <= COUNT; n++) {
		assert_false(burst_answered(&burst, n));
		assert_int_equal(reply(&burst, n, 0), BURST_FIRST);
		assert_true(burst_answered(&burst, n));
	}
	assert_int_equal(burst_answers(&burst), COUNT);
	assert_int_equal(burst.sent, COUNT);
	burst_lost_text(&burst, lost, sizeof(lost));
	assert_string_equal(lost, "");
}

static void overtaken(void **state)
{
	struct burst burst = sent_once();

	assert_int_equal(reply(&burst, 3, 0), BURST_FIRST);
	assert_int_equal(reply(&burst, 1, 0), BURST_OVERTAKEN);
	assert_int_equal(reply(&burst, 4, 0), BURST_FIRST);
	assert_int_equal(reply(&burst, 2, 0), BURST_OVERTAKEN);
	assert_int_equal(burst_answers(&burst), 4);
	assert_int_equal(burst.replies[BURST_OVERTAKEN], 2);
}

static void doubled(void **state)
{
	struct burst burst = sent_once();

	assert_int_equal(reply(&burst, 2, 0), BURST_FIRST);
	assert_int_equal(reply(&burst, 2, 0), BURST_DUPLICATE);
	assert_int_equal(reply(&burst, 2, 0), BURST_DUPLICATE);
	assert_int_equal(burst_answers(&burst), 1);
	assert_int_equal(burst.replies[BURST_DUPLICATE], 2);
}

static void tried_again(void **state)
{
	struct burst burst = sent_once();

	assert_int_equal(reply(&burst, 5, 1), BURST_FOREIGN); /* not asked yet */
	burst_sent(&burst, 5, 1);
	burst_sent(&burst, 6, BURST_TRIES_MAX - 1);
	assert_int_equal(burst.sent, COUNT + 2);
	assert_int_equal(reply(&burst, 5, 1), BURST_FIRST);
	assert_int_equal(reply(&burst, 5, 0), BURST_SPARE); /* the first try was slow, not lost */
	assert_int_equal(reply(&burst, 5, 0), BURST_DUPLICATE);
	assert_int_equal(reply(&burst, 6, BURST_TRIES_MAX - 1), BURST_FIRST);
	assert_int_equal(burst_answers(&burst), 2);
}

static void strangers(void **state)
{
	struct burst burst = sent_once();
	unsigned number = 77;
	static const uint64_t foreign[] = {0, 1, 0xc0ffee0000000001, 0xc0ffee0100000000,
		0xc0ffee0100000000 | (COUNT + 1), 0xc0ffee0100200001, 0xc0ffee01ffff0001, UINT64_MAX};

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_int_equal(burst_received(&burst, foreign[i], &number), BURST_FOREIGN);
	assert_int_equal(number, 77);
	assert_int_equal(burst.replies[BURST_FOREIGN], sizeof(foreign) / sizeof(foreign[0]));
	assert_int_equal(burst_answers(&burst), 0);
}

static void lost(void **state)
{
	struct burst burst = sent_once();
	char text[64];

	burst_lost_text(&burst, text, sizeof(text));
	assert_string_equal(text, "1-10");
	reply(&burst, 1, 0);
	reply(&burst, 3, 0);
	reply(&burst, 4, 0);
	reply(&burst, 8, 0);
	burst_lost_text(&burst, text, sizeof(text));
	assert_string_equal(text, "2 5-7 9-10");
	burst_lost_text(&burst, text, 9);
	assert_string_equal(text, "2 ...");
	burst_lost_text(&burst, text, 10);
	assert_string_equal(text, "2 5-7 ...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(overtaken),
		cmocka_unit_test(doubled),
		cmocka_unit_test(tried_again),
		cmocka_unit_test(strangers),
		cmocka_unit_test(lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
