/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding, naming and freeing in a model, and the escapes of its checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_escape.h"
#include "lb/lb_model.h"

static void a_model_is_searched_and_cleared(void **state)
{
	static const struct lb_model empty;
	struct lb_model m = {0};

	lb_model_clear(&m); /* an empty one is fine */
	m.pools = calloc(2, sizeof(*m.pools));
	m.services = calloc(2, sizeof(*m.services));
	m.pool_count = m.service_count = 2;
	strcpy(m.pools[0].name, "a");
	strcpy(m.pools[1].name, "b");
	strcpy(m.services[1].name, "s");
	m.pools[1].backends = calloc(1, sizeof(struct lb_backend));
	m.pools[1].backend_count = 1;
	strcpy(m.pools[1].backends[0].name, "x");
	m.pools[0].check.send = malloc(1);
	m.pools[1].check.expect = malloc(1);
	assert_int_equal(lb_model_find_pool(&m, "b"), 1);
	assert_int_equal(lb_model_find_pool(&m, "c"), -1);
	assert_int_equal(lb_model_find_service(&m, "s"), 1);
	assert_int_equal(lb_model_find_service(&m, "a"), -1);
	assert_int_equal(lb_pool_find_backend(&m.pools[1], "x"), 0);
	assert_int_equal(lb_pool_find_backend(&m.pools[0], "x"), -1);
	lb_model_clear(&m);
	assert_memory_equal(&m, &empty, sizeof(m));
	lb_model_clear(&m); /* twice does no harm */
}

static void names_are_the_config_s(void **state)
{
	static const char *const schedulers[] = {"rr", "wrr", "lc", "wlc", "sh", "mh"};

	for (int i = LB_RR; i <= LB_MH; i++)
		assert_string_equal(lb_scheduler_name((enum lb_scheduler)i), schedulers[i]);
	assert_string_equal(lb_check_type_name(LB_CHECK_NONE), "none");
	assert_string_equal(lb_check_type_name(LB_CHECK_TCP), "tcp");
	assert_string_equal(lb_check_type_name(LB_CHECK_PING), "ping");
	assert_string_equal(lb_protocol_name(LB_TCP), "tcp");
	assert_string_equal(lb_protocol_name(LB_UDP), "udp");
}

static void escapes_become_bytes(void **state)
{
	static const struct {
		const char *text;
		long len;
		const char *bytes;
		size_t bad; /* where, when len is -EINVAL */
	} rows[] = {
		{"", 0, "", 0},
		{"PING\r\n", 6, "PING\r\n", 0},
		{"PING\\r\\n", 6, "PING\r\n", 0},
		{"\\t\\\\\\0x", 4, "\t\\\0x", 0},
		{"\\x00\\xfF\\x410", 4,
			"\0\xff"
			"A0",
			0},
		{"ab\\q", -EINVAL, NULL, 2},
		{"\\x4", -EINVAL, NULL, 0},
		{"a\\xg0", -EINVAL, NULL, 1},
		{"end\\", -EINVAL, NULL, 3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *out = malloc(strlen(rows[i].text) + 1);
		const char *bad = NULL;

		assert_int_equal(lb_unescape(rows[i].text, out, &bad), rows[i].len);
		if (rows[i].len < 0)
			assert_ptr_equal(bad, rows[i].text + rows[i].bad);
		else
			assert_memory_equal(out, rows[i].bytes, (size_t)rows[i].len);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_is_searched_and_cleared),
		cmocka_unit_test(names_are_the_config_s),
		cmocka_unit_test(escapes_become_bytes),
	};

	return cmocka_run_group_tests_name("lb_model", tests, NULL, NULL);
}
