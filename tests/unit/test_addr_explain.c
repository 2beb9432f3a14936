/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses explained: every form, every reason of a refusal, and agreement with getaddrinfo(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>

#include "apps/addr_explain.h"

/* 4 or 6, or 0 for no address, as getaddrinfo() reads the text; the bytes into out. */
static int library_reads(const char *text, uint8_t out[16])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found = NULL;
	int family;

	memset(out, 0, 16);
	if (getaddrinfo(text, NULL, &hints, &found) != 0)
		return 0;
	family = found->ai_family == AF_INET ? 4 : 6;
	if (family == 4)
		memcpy(out, &((struct sockaddr_in *)found->ai_addr)->sin_addr, 4);
	else
		memcpy(out, &((struct sockaddr_in6 *)found->ai_addr)->sin6_addr, 16);
	freeaddrinfo(found);
	return family;
}

static void good_forms(void **state)
{
	static const struct {
		const char *text, *words;
		bool strict;
	} cases[] = {
		{"192.168.1.100", "dotted quad", true},
		{"0.0.0.0", "dotted quad", true},
		{"10.1", "the last of two numbers fills three bytes", false},
		{"10.1.258", "the last of three numbers fills two bytes", false},
		{"3232235876", "the one number is all 32 bits", false},
		{"4294967295", "all 32 bits", false},
		{"0", "all 32 bits", false},
		{"0x7f.1", "'0x7f' is hexadecimal: 127", false},
		{"0X7F.0.0.1", "'0X7F' is hexadecimal: 127", false},
		{"012.0.0.1", "'012' is octal, for its 0 in front: 10", false},
		{"00.0.0.0", "octal", false},
		{"1.2.3.00000000000000000000004", "octal", false},
		{"::", "'::' stands for 8 of zeros", true},
		{"::1", "'::' stands for 7 of zeros", true},
		{"fd00::1", "'::' stands for 6 of zeros", true},
		{"1:2:3:4:5:6:7:8", "eight groups of 16 bits", true},
		{"1:2:3:4:5:6:7::", "'::' stands for 1 of zeros", true},
		{"64:ff9b::10.0.0.1", "the last 32 bits as a dotted quad", true},
		{"::ffff:10.0.0.1", "IPv4-mapped", true},
		{"::FFFF:a00:1", "IPv4-mapped", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr_explained addr;
		uint8_t want[16];

		print_message("%s\n", cases[i].text);
		assert_int_equal(addr_explain(cases[i].text, &addr), 0);
		assert_non_null(strstr(addr.words, cases[i].words));
		assert_int_equal(addr.strict, cases[i].strict);
		assert_string_equal(addr.zone, "");
		assert_int_equal(addr.family, library_reads(cases[i].text, want));
		assert_memory_equal(addr.bytes, want, 16);
	}
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "it is empty"},
		{"256.0.0.1", "256 does not fit into 1 byte (0 to 255)"},
		{"abrakadabra", "looks like a name"},
		{"1.2.3.4.5", "more than four numbers"},
		{"1..2", "a number is missing"},
		{".1", "a number is missing"},
		{"1.", "a number is missing"},
		{"1.16777216", "does not fit into 3 bytes (0 to 16777215)"},
		{"1.2.65536", "does not fit into 2 bytes (0 to 65535)"},
		{"4294967296", "does not fit into 4 bytes (0 to 4294967295)"},
		{"99999999999999999999999999", "does not fit into 4 bytes"},
		{"08.0.0.1", "octal, where there is no digit 8"},
		{"0x", "has no digit behind it"},
		{"0xg", "is no hexadecimal number"},
		{"1.2.3.4 ", "white space"},
		{" 1.2.3.4", "white space"},
		{"1.2.3.4 x", "white space"},
		{"10.0.0.0/8", "a network, not an address"},
		{"-1", "looks like a name"},
		{"1.2.3.4%lo", "belongs to IPv6 addresses only"},
		{"%", "belongs to IPv6 addresses only"},
		{"fe80::1%", "behind '%' an interface is missing"},
		{"1::2::3", "once only"},
		{":1::2", "begins with a single ':'"},
		{":", "begins with a single ':'"},
		{"1::2:", "ends with a single ':'"},
		{"1:2:3", "3 groups of 16 bits, eight are wanted"},
		{"1:2:3:4:5:6:7:8:9", "9 groups of 16 bits, at most eight"},
		{"1:2:3:4:5:6:7:8::", "8 groups of 16 bits beside '::', at most seven"},
		{"::12345", "more than four hexadecimal digits"},
		{"::g", "'g' is no hexadecimal group"},
		{"[::1]", "brackets"},
		{"fd00::/8", "a network, not an address"},
		{"::1.2.3", "'1.2.3' at its end is no dotted quad"},
		{"::1.2.3.4:5", "is no hexadecimal group"},
		{"192.168.1.100:80", "behind ':' stands a port"},
		{"1.2.3.4:5:6", "is no hexadecimal group"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr_explained addr;
		uint8_t unused[16];

		print_message("'%s'\n", cases[i].text);
		assert_int_equal(addr_explain(cases[i].text, &addr), -EINVAL);
		print_message("  %s\n", addr.words);
		assert_non_null(strstr(addr.words, cases[i].words));
		if (cases[i].text[0] != '\0') /* the empty text would be the local host */
			assert_int_equal(library_reads(cases[i].text, unused), 0);
	}
}

static void zones(void **state)
{
	struct addr_explained addr;
	char endless[200] = "fe80::1%";

	assert_int_equal(addr_explain("fe80::1%eth0", &addr), 0);
	assert_string_equal(addr.zone, "eth0");
	assert_non_null(strstr(addr.words, "zone"));
	assert_false(addr.strict);
	memset(endless + strlen(endless), 'x', sizeof(endless) - strlen(endless) - 1);
	assert_int_equal(addr_explain(endless, &addr), -EINVAL);
	memset(endless, '1', sizeof(endless) - 1);
	memcpy(endless + 150, "::%1", 4);
	assert_int_equal(addr_explain(endless, &addr), -EINVAL);
}

static void uses(void **state)
{
	static const struct {
		const char *text, *use;
	} cases[] = {
		{"0.0.0.0", "the wildcard (INADDR_ANY)"},
		{"0.0.0.1", "this network"},
		{"10.255.255.255", "private"},
		{"11.0.0.0", "global unicast"},
		{"100.127.0.1", "between a provider"},
		{"127.9.9.9", "loopback"},
		{"169.254.1.1", "link-local"},
		{"172.31.255.255", "private"},
		{"172.15.255.255", "global unicast"},
		{"172.32.0.0", "global unicast"},
		{"100.63.255.255", "global unicast"},
		{"198.17.255.255", "global unicast"},
		{"223.255.255.255", "global unicast"},
		{"192.168.0.1", "private"},
		{"192.0.2.1", "for documents"},
		{"198.19.0.1", "for benchmarks"},
		{"203.0.113.9", "for documents"},
		{"239.1.1.1", "multicast"},
		{"240.0.0.1", "reserved"},
		{"255.255.255.255", "broadcast"},
		{"::", "the wildcard (in6addr_any)"},
		{"::1", "loopback"},
		{"::2", "IPv4-compatible"},
		{"::ffff:10.0.0.1", "private"},
		{"fe80::1", "link-local"},
		{"febf::1", "link-local"},
		{"fec0::1", "global unicast"},
		{"fd12::1", "unique local"},
		{"ff02::1", "multicast"},
		{"2001:db8::1", "for documents"},
		{"2001:db9::1", "global unicast"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr_explained addr;

		print_message("%s\n", cases[i].text);
		assert_int_equal(addr_explain(cases[i].text, &addr), 0);
		assert_int_equal(strncmp(addr_explain_use(&addr), cases[i].use, strlen(cases[i].use)), 0);
	}
}

/* Texts made of what addresses are made of: an address for us is one for the library, with the same bytes. */
static void agrees_with_the_library(void **state)
{
	static const char *const pieces[] = {".", ":", "::", "0", "1", "9", "255", "256", "0x", "0xff", "07",
		"08", "f", "ffff", "10000", "g"};
	uint32_t random = 1;
	unsigned good = 0;

	for (int i = 0; i < 100000; i++) {
		char text[64] = "";
		struct addr_explained addr;
		uint8_t want[16];
		int count, family;

		random = random * 1664525 + 1013904223;
		count = 1 + (int)(random >> 24) % 9;
		for (int n = 0; n < count; n++) {
			random = random * 1664525 + 1013904223;
			strcat(text, pieces[(random >> 24) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		family = library_reads(text, want);
		good += family != 0;
		if (addr_explain(text, &addr) != (family != 0 ? 0 : -EINVAL) ||
			(family != 0 && (addr.family != family || memcmp(addr.bytes, want, 16) != 0)))
			fail_msg("'%s': the library says %d, we say '%s'", text, family, addr.words);
		assert_true(addr.words[0] != '\0');
	}
	assert_true(good > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_forms),
		cmocka_unit_test(refusals),
		cmocka_unit_test(zones),
		cmocka_unit_test(uses),
		cmocka_unit_test(agrees_with_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
