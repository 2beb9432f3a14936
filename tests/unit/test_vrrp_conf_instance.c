/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instance and the exact lines it must yield: every kind of mistake in it, with its line number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vrrp_conf_harness.h"

/* ---- instances ---- */

static void test_instance_keys(void **state)
{
	static const struct row rows[] = {
		{ONE(""), {"t:2: 'name' is missing in instance no. 1; " A_NAME,
				  "t:2: 'interface' is missing in instance no. 1; " AN_INTERFACE,
				  "t:2: 'vrid' is missing in instance no. 1; give an integer 1..255",
				  "t:2: 'addresses' is missing in instance no. 1; give an array of strings [ "
				  "\"...\", \"...\" ]"}},
		{WITH("colour = 1;"),
			{"t:3: unknown key 'colour' in instance 'a'; the keys here are name, interface, "
			 "vrid, version, priority, advert_interval_ms, addresses, preempt, "
			 "preempt_delay_ms, accept, virtual_mac, checksum, peers, source_ipv4, "
			 "source_ipv6, announce, track, witness"}},
		{WITH("prority = 1;"),
			{"t:3: unknown key 'prority' in instance 'a'; did you mean 'priority'?"}},
		{ONE("name = \"a b\"; interface = \"a b\"; vrid = 256; priority = 0; " V4),
			{"t:2: 'name' is \"a b\" in instance 'a b'; " A_NAME,
				"t:2: 'interface' is \"a b\" in instance 'a b'; " AN_INTERFACE,
				"t:2: 'vrid' is 256 in instance 'a b'; give an integer 1..255",
				"t:2: 'priority' is 0 in instance 'a b'; give an integer 1..255"}},
		{ONE("name = \"a\"; interface = \"sixteen-letters-\"; vrid = 1; " V4),
			{"t:2: 'interface' is \"sixteen-letters-\" in instance 'a'; " AN_INTERFACE}},
		{ONE("name = \"a\"; interface = \"a/b\"; vrid = 1; " V4),
			{"t:2: 'interface' is \"a/b\" in instance 'a'; " AN_INTERFACE}},
		{WITH("priority = 256; preempt = 1; preempt_delay_ms = 3600001;\naccept = \"no\";"),
			{"t:3: 'priority' is 256 in instance 'a'; give an integer 1..255",
				"t:3: 'preempt' is 1 in instance 'a'; give true or false",
				"t:3: 'preempt_delay_ms' is 3600001 in instance 'a'; give an integer 0..3600000",
				"t:4: 'accept' is \"no\" in instance 'a'; give true or false"}},
		{WITH("priority = 255; preempt = false; virtual_mac = true; accept = false;"), {0}},
		{WITH("virtual_mac = 1; version = 4;\nchecksum = \"rfc5798\";"),
			{"t:3: 'version' is 4 in instance 'a'; give an integer 2..3",
				"t:3: 'virtual_mac' is 1 in instance 'a'; give true or false",
				"t:4: 'checksum' is \"rfc5798\" in instance 'a'; did you mean \"rfc9568\"? give "
				"one of \"legacy\", \"rfc9568\""}},
		{WITH("announce = { count = 0; interval_ms = 9; refresh_s = 86401;\nevery = 1; };"),
			{"t:3: 'count' is 0 in announce of instance 'a'; give an integer 1..60",
				"t:3: 'interval_ms' is 9 in announce of instance 'a'; give an integer 10..60000",
				"t:3: 'refresh_s' is 86401 in announce of instance 'a'; give an integer 0..86400",
				"t:4: unknown key 'every' in announce of instance 'a'; the keys here are count, "
				"interval_ms, refresh_s"}},
	};

	CHECK_ROWS(rows);
}

static void test_version(void **state)
{
	static const struct row rows[] = {
		{WITH("advert_interval_ms = 10;"), {0}},
		{WITH("advert_interval_ms = 40950;"), {0}},
		{WITH("advert_interval_ms = 9;"),
			{"t:3: 'advert_interval_ms' is 9 in instance 'a'; give an integer 10..40950"}},
		{WITH("advert_interval_ms = 40960;"),
			{"t:3: 'advert_interval_ms' is 40960 in instance 'a'; give an integer 10..40950"}},
		{WITH("advert_interval_ms = 105;"),
			{"t:3: 'advert_interval_ms' is 105 in instance 'a', but version 3 counts in steps of 10; "
			 "give 100 or 110"}},
		{WITH("version = 2; advert_interval_ms = 255000;"), {0}},
		{WITH("version = 2; advert_interval_ms = 100;"),
			{"t:3: 'advert_interval_ms' is 100 in instance 'a'; give an integer 1000..255000"}},
		{WITH("version = 2; advert_interval_ms = 1500;"),
			{"t:3: 'advert_interval_ms' is 1500 in instance 'a', but version 2 counts in steps of "
			 "1000; give 1000 or 2000"}},
		{ONE(HEAD BOTH "\nversion = 2;"),
			{"t:3: 'version' is 2 in instance 'a', which has IPv6 addresses; give 3, or an instance "
			 "of its own to the IPv6 addresses"}},
		{WITH("version = 2; checksum = \"legacy\";"),
			{"t:3: 'checksum' in instance 'a' is for version 3 over IPv4 only; remove it"}},
		{ONE(HEAD V6 "\nchecksum = \"legacy\";"),
			{"t:3: 'checksum' in instance 'a' is for version 3 over IPv4 only; remove it"}},
		{ONE(HEAD BOTH "checksum = \"rfc9568\";"), {0}},
	};

	CHECK_ROWS(rows);
}

static void test_addresses(void **state)
{
#define AN_ADDRESS                                                                \
	" in instance 'a'; give an IPv4 or IPv6 address with its prefix length, " \
	"as \"10.0.1.100/24\" or \"fd00:1::100/64\""
#define NOT_HOST   " in instance 'a', which no host can have; give a unicast address"
#define NOT_NET(x) " in instance 'a' is the network's " x "; give a host's, or a prefix length that fits"
	static const struct row rows[] = {
		{ADDRESSES(
			 "\"10.0.0.1/24\", \"10.0.0.2/31\", \"10.0.0.4/31\", \"10.0.1.0/32\", \"10.1.0.255/23\""),
			{0}},
		{ADDRESSES("\"fe80::1/64\", \"fd00::/127\", \"fd00::1/128\", \"2001:db8::ffff/112\""), {0}},
		{ADDRESSES(""), {"t:2: 'addresses' in instance 'a' has 0 elements; give 1..332 of them"}},
		{ADDRESSES("1"),
			{"t:3: element 1 of 'addresses' in instance 'a' is 1; give a string in quotes"}},
		{ADDRESSES("\"10.0.0.1\",\n\"fd00::1\""),
			{"t:3: address \"10.0.0.1\" in instance 'a' has no prefix length; \"10.0.0.1/24\" would do",
				"t:4: address \"fd00::1\" in instance 'a' has no prefix length; \"fd00::1/64\" "
				"would do"}},
		{ADDRESSES("\"\",\n\"10.0.0/24\",\n\"/24\",\n\"host/24\""),
			{"t:3: address \"\"" AN_ADDRESS, "t:4: address \"10.0.0/24\"" AN_ADDRESS,
				"t:5: address \"/24\"" AN_ADDRESS, "t:6: address \"host/24\"" AN_ADDRESS}},
		{ADDRESSES("\"10.0.0.1/\",\n\"10.0.0.1/0\",\n\"10.0.0.1/33\",\n\"fd00::1/129\""),
			{"t:3: address \"10.0.0.1/\" in instance 'a'; give a prefix length of 1..32",
				"t:4: address \"10.0.0.1/0\" in instance 'a'; give a prefix length of 1..32",
				"t:5: address \"10.0.0.1/33\" in instance 'a'; give a prefix length of 1..32",
				"t:6: address \"fd00::1/129\" in instance 'a'; give a prefix length of 1..128"}},
		{ADDRESSES("\"10.0.0.1/024\",\n\"10.0.0.1/+24\",\n\"10.0.0.1/24 \",\n"
			   "\"10.0.0.1/99999999999999999999\""),
			{"t:3: address \"10.0.0.1/024\" in instance 'a'; give a prefix length of 1..32",
				"t:4: address \"10.0.0.1/+24\" in instance 'a'; give a prefix length of 1..32",
				"t:5: address \"10.0.0.1/24 \" in instance 'a'; give a prefix length of 1..32",
				"t:6: address \"10.0.0.1/99999999999999999999\" in instance 'a'; give a prefix "
				"length of 1..32"}},
		{ADDRESSES("\"0.0.0.0/8\",\n\"224.0.0.18/24\",\n\"ff02::12/64\",\n\"::/64\""),
			{"t:3: address \"0.0.0.0/8\"" NOT_HOST, "t:4: address \"224.0.0.18/24\"" NOT_HOST,
				"t:5: address \"ff02::12/64\"" NOT_HOST, "t:6: address \"::/64\"" NOT_HOST}},
		{ADDRESSES("\"127.0.0.1/8\",\n\"::1/128\",\n\"::ffff:10.0.0.1/128\""),
			{"t:3: address \"127.0.0.1/8\"" NOT_HOST, "t:4: address \"::1/128\"" NOT_HOST,
				"t:5: address \"::ffff:10.0.0.1/128\"" NOT_HOST}},
		{ADDRESSES("\"10.0.0.0/24\",\n\"10.0.0.255/24\",\n\"10.0.1.255/23\",\n\"fd00:0:0:1::/64\""),
			{"t:3: address \"10.0.0.0/24\"" NOT_NET("own"),
				"t:4: address \"10.0.0.255/24\"" NOT_NET("broadcast address"),
				"t:5: address \"10.0.1.255/23\"" NOT_NET("broadcast address"),
				"t:6: address \"fd00:0:0:1::/64\"" NOT_NET("own")}},
		/* A wrong one among them: the families are not known, so nothing is said about version and peers. */
		{ONE(HEAD
			 "checksum = \"legacy\"; peers = [ \"10.0.0.2\" ]; addresses = [ \"fd00::1/64\",\n\"x\" ];"),
			{"t:3: address \"x\"" AN_ADDRESS}},
	};
	struct vrrp_model model;

	CHECK_ROWS(rows);
	model = good(
		ONE(HEAD
			"addresses = [ \"fd00::1/64\", \"10.0.0.1/24\", \"fe80::1/64\", \"10.1.0.255/22\" ];"),
		NULL);
	assert_int_equal(model.instances[0].ipv4_count, 2);
	assert_int_equal(model.instances[0].ipv6_count, 2);
	for (size_t i = 0; i < 4; i++) {
		static const char *const texts[] = {"10.0.0.1", "10.1.0.255", "fd00::1", "fe80::1"};
		static const uint8_t prefixes[] = {24, 22, 64, 64};
		char text[ADDR_TEXT_MAX];

		assert_string_equal(addr_format(&model.instances[0].addresses[i].addr, text), texts[i]);
		assert_int_equal(model.instances[0].addresses[i].prefix, prefixes[i]);
	}
	vrrp_model_clear(&model);
}

/* Addresses of one family, in as many as an advert has room for, and one more. */
static void test_address_counts(void **state)
{
	static const struct {
		const char *format, *link_local;
		unsigned count;
		const char *line;
	} rows[] = {
		{"10.0.%u.%u/16", NULL, 255, NULL},
		{"10.0.%u.%u/16", NULL, 256,
			"t:2: 256 IPv4 addresses in instance 'a', of which an advert counts 255; "
			"make two instances and a group of them"},
		{"fd00::%u:%u/64", NULL, 76, NULL},
		{"fd00::%u:%u/64", NULL, 77,
			"t:2: 78 IPv6 addresses in instance 'a', the link-local one included; an advert of 1280 "
			"bytes has room for 77; make two instances and a group of them"},
		{"fd00::%u:%u/64", "fe80::1/64", 76, NULL},
		{"fd00::%u:%u/64", "fe80::1/64", 77,
			"t:2: 78 IPv6 addresses in instance 'a', the link-local one included; an advert of 1280 "
			"bytes has room for 77; make two instances and a group of them"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct conf_errors errors;
		struct vrrp_model model;
		char *text;
		size_t len;
		FILE *f = open_memstream(&text, &len);
		int err;

		fputs("vrrp = { instances = (\n{ " HEAD "\naddresses = [", f);
		for (unsigned n = 0; n < rows[i].count; n++) {
			fputs(n ? ", \"" : "\"", f);
			fprintf(f, rows[i].format, n / 200, n % 200 + 1);
			fputs("\"", f);
		}
		if (rows[i].link_local)
			fprintf(f, ", \"%s\"", rows[i].link_local);
		fputs("]; } ); };\n", f);
		fclose(f);
		err = vrrp_conf_load_memory("t", text, len, NULL, &model, &errors);
		free(text);
		assert_int_equal(err, rows[i].line ? -EINVAL : 0);
		assert_int_equal(errors.count, rows[i].line != NULL);
		if (rows[i].line)
			assert_string_equal(errors.error[0].text + 3, rows[i].line + 3);
		vrrp_model_clear(&model);
	}
}

static void test_peers(void **state)
{
	static const struct row rows[] = {
		{WITH("peers = [ ];"), {0}},
		{ONE(HEAD BOTH
			 "peers = [ \"10.0.0.2\", \"fe80::2\", \"10.0.0.3\" ]; source_ipv4 = \"10.0.0.1\"; "
			 "source_ipv6 = \"fd00::1\";"),
			{0}},
		{WITH("peers = [ \"x\",\n\"224.0.0.18\",\n\"10.0.0.2/24\" ];"),
			{"t:3: peer \"x\" in instance 'a'; give a unicast IPv4 or IPv6 address",
				"t:4: peer \"224.0.0.18\" in instance 'a'; give a unicast IPv4 or IPv6 address",
				"t:5: peer \"10.0.0.2/24\" in instance 'a'; give a unicast IPv4 or IPv6 address"}},
		{WITH("peers = [ \"10.0.0.2\",\n\"10.0.0.2\" ];"),
			{"t:4: peer 10.0.0.2 stands twice in instance 'a'; remove one"}},
		{WITH("peers = [ \"10.0.0.2\",\n\"fd00::2\" ];"),
			{"t:4: peer fd00::2 in instance 'a', which has no IPv6 addresses; remove it, or add an "
			 "address of its family"}},
		{WITH("peers = [ \"10.0.0.100\" ];"),
			{"t:3: peer 10.0.0.100 in instance 'a' is an address that it shares; give the peer's own"}},
		{ONE(HEAD BOTH "\npeers = [ \"10.0.0.2\" ];"),
			{"t:3: no peer in instance 'a' is an IPv6 one, but it has IPv6 addresses; add one, or "
			 "give these an instance of their own"}},
		{WITH("source_ipv4 = \"fd00::1\";\nsource_ipv6 = \"10.0.0.1\";"),
			{"t:3: 'source_ipv4' is \"fd00::1\" in instance 'a'; give a unicast IPv4 address",
				"t:4: 'source_ipv6' is \"10.0.0.1\" in instance 'a'; give a unicast IPv6 "
				"address"}},
		{WITH("source_ipv6 = \"fe80::1\";"),
			{"t:3: 'source_ipv6' in instance 'a', which has no IPv6 addresses; remove it"}},
		{ONE(HEAD V6 "\nsource_ipv6 = \"fd00::1\";"),
			{"t:3: 'source_ipv6' is fd00::1 in instance 'a'; give a link-local address (fe80::...): "
			 "multicast adverts have no other"}},
		{ONE(HEAD V6 "\nsource_ipv6 = \"fe80::1\";"), {0}},
		{WITH("source_ipv4 = \"10.0.0.100\";"),
			{"t:3: 'source_ipv4' is 10.0.0.100 in instance 'a', an address that it shares; give the "
			 "interface's own"}},
		{WITH("source_ipv4 = \"10.0.0.100\"; priority = 255;"), {0}},
		{WITH("peers = [ \"10.0.0.2\", \"10.0.0.3\", \"10.0.0.4\", \"10.0.0.5\", \"10.0.0.6\", "
		      "\"10.0.0.7\", \"10.0.0.8\", \"10.0.0.9\", \"10.0.0.10\", \"10.0.0.11\", \"10.0.0.12\", "
		      "\"10.0.0.13\", \"10.0.0.14\", \"10.0.0.15\", \"10.0.0.16\", \"10.0.0.17\", "
		      "\"10.0.0.18\" ];"),
			{"t:3: 'peers' in instance 'a' has 17 elements; give 0..16 of them"}},
	};

	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instance_keys),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_counts),
		cmocka_unit_test(test_peers),
	};

	return cmocka_run_group_tests_name("vrrp_conf_instance", tests, NULL, NULL);
}
