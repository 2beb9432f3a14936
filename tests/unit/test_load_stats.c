/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What load_client reports: percentiles, gaps, servers, a JSON object whose strings are escaped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "apps/load_stats.h"

static struct load_stats stats;

static int fresh(void **state)
{
	memset(&stats, 0, sizeof(stats));
	return 0;
}

static void percentiles(void **state)
{
	assert_int_equal(load_stats_latency(&stats, 500), 0);
	for (uint64_t us = 1; us <= 100000; us++)
		load_stats_answer(&stats, 0, us, us);
	for (unsigned permille = 1; permille <= 1000; permille++) {
		uint64_t want = permille * 100, got = load_stats_latency(&stats, permille);

		assert_true(got >= want && got <= want + want / 32 + 1);
	}
	load_stats_answer(&stats, 0, 100001, UINT64_MAX);
	assert_true(stats.max_latency_us == UINT64_MAX);
}

static void gaps(void **state)
{
	load_stats_answer(&stats, 0, 1000, 1);
	load_stats_answer(&stats, 0, 1500, 1);
	load_stats_answer(&stats, 0, 9500, 1);
	load_stats_answer(&stats, 0, 9600, 1);
	assert_int_equal(stats.gap_us, 8000);
	assert_int_equal(stats.gap_start_us, 1500);
	load_stats_gap(&stats, 20000); /* an outage that lasts to the end */
	assert_int_equal(stats.gap_us, 10400);
}

static void servers(void **state)
{
	char name[16];

	assert_int_equal(load_stats_server(&stats, "kv1", 3), 0);
	assert_int_equal(load_stats_server(&stats, "kv10", 4), 1);
	assert_int_equal(load_stats_server(&stats, "kv10", 3), 0);
	for (int i = 0; i < 2 * LOAD_SERVERS_MAX; i++) {
		int len = snprintf(name, sizeof(name), "s%d", i);

		assert_true(load_stats_server(&stats, name, (size_t)len) < LOAD_SERVERS_MAX);
	}
}

static void causes(void **state)
{
	assert_int_equal(load_cause_of(ECONNREFUSED), LOAD_REFUSED);
	assert_int_equal(load_cause_of(ECONNRESET), LOAD_RESET);
	assert_int_equal(load_cause_of(EPIPE), LOAD_RESET);
	assert_int_equal(load_cause_of(ETIMEDOUT), LOAD_TIMEOUT);
	assert_int_equal(load_cause_of(EHOSTUNREACH), LOAD_OTHER);
}

static void report(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	json_t *root, *server;

	stats.requests = 3;
	load_stats_answer(&stats, load_stats_server(&stats, "a\"\\\n\xff", 5), 2000, 10);
	load_stats_fail(&stats, LOAD_RESET);
	stats.failed_requests = 1;
	load_stats_report(&stats, "kv", 5000, to);
	fclose(to);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "in_flight")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "failures"), "reset")), 1);
	server = json_array_get(json_object_get(root, "servers"), 0);
	assert_string_equal(json_string_value(json_object_get(server, "name")), "a\"\\\n\u00ff");
	assert_true(json_real_value(json_object_get(server, "first_answer_ms")) == 2.0);
	assert_true(json_real_value(json_object_get(root, "recent_gap_ms")) == 2.0);
	json_decref(root);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(percentiles, fresh),
		cmocka_unit_test_setup(gaps, fresh),
		cmocka_unit_test_setup(servers, fresh),
		cmocka_unit_test_setup(causes, fresh),
		cmocka_unit_test_setup(report, fresh),
	};

	return cmocka_run_group_tests_name("load_stats", tests, NULL, NULL);
}
