/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HOST:PORT taken apart: every form that is one, and every mistake told by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/host_port.h"

static void test_good(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} rows[] = {
		{"10.0.0.1:80", "10.0.0.1", 80},
		{"[fd00::1]:65535", "fd00::1", 65535},
		{"[fe80::1%eth0]:1", "fe80::1%eth0", 1},
		{"name.example:0", "name.example", 0},
		{"[::]:00080", "::", 80},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char host[HOST_PORT_HOST_MAX];
		uint16_t port = 7;

		assert_null(host_port_split(rows[i].text, host, &port));
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "no ':PORT'"},
		{"10.0.0.1", "no ':PORT'"},
		{":80", "no address"},
		{"10.0.0.1:", "no port after"},
		{"10.0.0.1:x", "not a number"},
		{"10.0.0.1:-1", "not a number"},
		{"10.0.0.1:80 ", "not a number"},
		{"10.0.0.1:65536", "above 65535"},
		{"10.0.0.1:4294967376", "above 65535"},
		{"fd00::1:80", "without brackets"},
		{"[]:80", "'['"},
		{"[fd00::1:80", "'['"},
		{"[fd00::1]80", "'['"},
		{"[:80", "'['"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char host[HOST_PORT_HOST_MAX];
		uint16_t port;
		const char *why = host_port_split(rows[i].text, host, &port);

		if (why == NULL || strstr(why, rows[i].why) == NULL)
			fail_msg("'%s': %s, expected ...%s...", rows[i].text, why ? why : "accepted",
				rows[i].why);
	}
}

static void test_length(void **state)
{
	char text[HOST_PORT_HOST_MAX + 8], host[HOST_PORT_HOST_MAX];
	uint16_t port;

	memset(text, 'a', sizeof(text));
	strcpy(text + HOST_PORT_HOST_MAX - 1, ":1");
	assert_null(host_port_split(text, host, &port));
	assert_int_equal(strlen(host), HOST_PORT_HOST_MAX - 1);
	memset(text, 'a', sizeof(text));
	strcpy(text + HOST_PORT_HOST_MAX, ":1");
	assert_string_equal(host_port_split(text, host, &port), "has too long a name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
