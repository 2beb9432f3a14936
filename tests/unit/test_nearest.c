/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/nearest.h"

static void distances(void **state)
{
	char longword[100];

	assert_int_equal(nearest_distance("", ""), 0);
	assert_int_equal(nearest_distance("abc", ""), 3);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("status", "status"), 0);
	assert_int_equal(nearest_distance("stauts", "status"), 1);
	assert_int_equal(nearest_distance("ca", "abc"), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	assert_int_equal(nearest_distance("DRAIN", "drain"), 0);
	memset(longword, 'a', sizeof(longword) - 1);
	longword[sizeof(longword) - 1] = '\0';
	assert_int_equal(nearest_distance(longword, longword), 64);
	longword[63] = '\0';
	assert_int_equal(nearest_distance(longword, ""), 63);
}

static void words(void **state)
{
	static const char *const known[] = {"status", "services", "backends", "flows", "drain"};

	assert_string_equal(nearest_word("stats", known, 5), "status");
	assert_string_equal(nearest_word("backend", known, 5), "backends");
	assert_string_equal(nearest_word("flow", known, 5), "flows");
	assert_string_equal(nearest_word("Status", known, 5), "status");
	assert_null(nearest_word("zebra", known, 5));
	assert_null(nearest_word("", known, 5));
	assert_null(nearest_word("x", known, 5));
	assert_null(nearest_word("status", known, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(distances), cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
