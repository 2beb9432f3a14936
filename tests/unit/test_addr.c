/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/addr.h"

static void literals_round_trip(void **state)
{
	static const char *const texts[] = {
		"10.0.1.100", "255.255.255.254", "fd00:1::100", "::1", "2001:db8::1"};
	char buf[ADDR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct net_addr a;

		assert_int_equal(addr_parse(texts[i], &a), 0);
		assert_string_equal(addr_format(&a, buf), texts[i]);
	}
}

static void what_is_not_a_literal_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "256.0.0.1", "abrakadabra", "10.0.0.0/8", "fe80::1%eth0", "1.2.3", "::g"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct net_addr a;

		assert_int_equal(addr_parse(texts[i], &a), -EINVAL);
		assert_int_equal(a.family, AF_UNSPEC);
	}
}

static void port_is_set_apart_from_ipv6(void **state)
{
	struct net_addr a;
	char buf[ADDR_TEXT_MAX];

	addr_parse("fd00::1", &a);
	assert_string_equal(addr_format_port(&a, 80, buf), "[fd00::1]:80");
	addr_parse("10.0.0.1", &a);
	assert_string_equal(addr_format_port(&a, 65535, buf), "10.0.0.1:65535");
}

static void unusable_addresses(void **state)
{
	static const struct {
		const char *text;
		bool unusable;
	} rows[] = {{"0.0.0.0", true}, {"224.0.0.18", true}, {"255.255.255.255", true}, {"10.0.0.1", false},
		{"::", true}, {"ff02::12", true}, {"fe80::1", true}, {"fd00::1", false}, {"::1", false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr a;

		addr_parse(rows[i].text, &a);
		assert_int_equal(addr_is_unusable(&a), rows[i].unusable);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_round_trip),
		cmocka_unit_test(what_is_not_a_literal_is_refused),
		cmocka_unit_test(port_is_set_apart_from_ipv6),
		cmocka_unit_test(unusable_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
