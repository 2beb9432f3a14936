/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `peer` section beside the vrrp section, and an instance's `witness`: what they become, and every mistake in them. What is
 * wrong with the section by itself is test_conf_peer's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "vrrp_conf_harness.h"

#define NODES2(a, b)                                                \
	"nodes = ( { name = \"a\"; peer_addresses = [ " a " ]; }, " \
	"{ name = \"b\"; peer_addresses = [ " b " ]; } );\n"
#define NODES         NODES2("\"10.9.0.1\", \"fd09::1\"", "\"10.9.0.2\", \"fd09::2\"")
#define PEER(keys)    NODES "peer = { key_file = \"/k\";\n" keys " };\n" ONE(HEAD V4) /* keys are line 3 */
#define WITNESS(keys) WITH("witness = { " keys " };")                                 /* keys are line 3 */

#define CHECK_ROWS_AS(node, rows) check_rows_as(node, rows, sizeof(rows) / sizeof(rows[0]))

static const char *path_of(const struct conf_peer *peer, size_t i)
{
	static char text[2 * ADDR_TEXT_MAX + 8];
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	snprintf(text, sizeof(text), "%s > %s", addr_format(&peer->local[i], local),
		addr_format(&peer->remote[i], remote));
	return text;
}

static void the_defaults(void **state)
{
	struct vrrp_model model = good(PEER(""), "a");
	const struct conf_peer *peer = &model.peer;

	assert_true(peer->configured);
	assert_string_equal(peer->node, "b");
	assert_string_equal(peer->key_file, "/k");
	assert_int_equal(peer->port, 3780);
	assert_int_equal(peer->beacon_interval_ms, 100);
	assert_int_equal(peer->beacon_timeout_ms, 300);
	assert_false(peer->fenced);
	assert_int_equal(peer->path_count, 2);
	assert_string_equal(path_of(peer, 0), "10.9.0.1 > 10.9.0.2");
	assert_string_equal(path_of(peer, 1), "fd09::1 > fd09::2");
	vrrp_model_clear(&model);
}

static void the_other_node_sees_it_from_the_other_end(void **state)
{
	struct vrrp_model model = good(PEER(""), "b");

	assert_string_equal(model.peer.node, "a");
	assert_string_equal(path_of(&model.peer, 0), "10.9.0.2 > 10.9.0.1");
	assert_string_equal(path_of(&model.peer, 1), "fd09::2 > fd09::1");
	vrrp_model_clear(&model);
}

static void every_key(void **state)
{
	struct vrrp_model model = good(NODES
		"peer = { key_file = \"/etc/k\"; port = 65534; beacon_interval_ms = 10;\n"
		"beacon_timeout_ms = 20; on_isolation = \"fenced\"; };\n" ONE(HEAD V4
			"witness = { addresses = [ \"10.0.0.1\", \"fd00::1\" ]; interval_ms = 60000; rise = 100; "
			"fall = 2; };"),
		"a");
	const struct vrrp_witness_model *witness = &model.instances[0].witness;
	char text[ADDR_TEXT_MAX];

	assert_string_equal(model.peer.key_file, "/etc/k");
	assert_int_equal(model.peer.port, 65534);
	assert_int_equal(model.peer.beacon_interval_ms, 10);
	assert_int_equal(model.peer.beacon_timeout_ms, 20);
	assert_true(model.peer.fenced);
	assert_int_equal(witness->count, 2);
	assert_string_equal(addr_format(&witness->addresses[1], text), "fd00::1");
	assert_int_equal(witness->interval_ms, 60000);
	assert_int_equal(witness->rise, 100);
	assert_int_equal(witness->fall, 2);
	vrrp_model_clear(&model);
}

/* The last beacon of a node that died must not hold back who takes over at the end of the down interval. */
static void beacons_follow_the_most_frequent_adverts(void **state)
{
	static const struct {
		const char *adverts;
		uint32_t interval_ms, timeout_ms;
	} rows[] = {{"", 100, 300}, {"advert_interval_ms = 200;", 100, 300},
		{"advert_interval_ms = 100;", 50, 150}, {"advert_interval_ms = 30;", 15, 45},
		{"advert_interval_ms = 10;", 10, 30}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1024];
		struct vrrp_model model;

		snprintf(text, sizeof(text),
			NODES
			"peer = { key_file = \"/k\"; };\nvrrp = { instances = ( { name = \"front\"; "
			"interface = \"eth0\"; vrid = 51; %s addresses = [ \"10.0.1.100/24\" ]; } ); };\n",
			rows[i].adverts);
		model = good(text, "a");
		assert_int_equal(model.peer.beacon_interval_ms, rows[i].interval_ms);
		assert_int_equal(model.peer.beacon_timeout_ms, rows[i].timeout_ms);
		vrrp_model_clear(&model);
	}
}

static void the_timeout_follows_the_interval(void **state)
{
	struct vrrp_model model = good(PEER("beacon_interval_ms = 500;"), "a");

	assert_int_equal(model.peer.beacon_timeout_ms, 1500);
	vrrp_model_clear(&model);
}

static void wrong_times(void **state)
{
	static const struct row rows[] = {
		{PEER("beacon_timeout_ms = 199;"),
			{"t:3: 'beacon_timeout_ms' is 199 in peer; give at least twice 'beacon_interval_ms', 200: "
			 "one beacon may be lost"}},
		{PEER("beacon_timeout_ms = 200;"), {0}},
	};

	CHECK_ROWS_AS("a", rows);
}

static void who_is_fenced_needs_a_witness(void **state)
{
	static const struct row rows[] = {
		{PEER("on_isolation = \"fenced\";"),
			{"t:3: 'on_isolation' is \"fenced\" in peer, but instance 'a' has no 'witness' to ask when "
			 "the peer is silent, and would never take over from a dead node; give it one"}},
		{NODES "peer = { key_file = \"/k\";\non_isolation = \"fenced\"; };\n" PAIR("", "", EDGE),
			{"t:3: 'on_isolation' is \"fenced\" in peer, but group 'edge' has no 'witness' to ask when "
			 "the peer is silent, and would never take over from a dead node; give it one"}},
		/* One member's is the group's. */
		{NODES "peer = { key_file = \"/k\"; on_isolation = \"fenced\"; };\n" PAIR(
			 "", "witness = { addresses = [ \"10.0.1.1\" ]; };", EDGE),
			{0}},
	};

	CHECK_ROWS_AS("a", rows);
}

static void a_peer_address_stays_with_its_node(void **state)
{
	static const struct row rows[] = {
		{NODES2("\"10.9.0.1\"", "\"10.0.0.100\"") "peer = { key_file = \"/k\"; };\n" ONE(HEAD V4),
			{"t:2: peer address 10.0.0.100 is one that instance 'a' moves from node to node; give one "
			 "that stays with its node"}},
		{NODES2("\"10.0.0.100\"", "\"10.9.0.2\"") "peer = { key_file = \"/k\"; };\n" ONE(HEAD V4),
			{"t:2: peer address 10.0.0.100 is one that instance 'a' moves from node to node; give one "
			 "that stays with its node"}},
	};

	CHECK_ROWS_AS("a", rows);
}

static void wrong_witnesses(void **state)
{
	static const struct row rows[] = {
		{WITH("witness = 1;"),
			{"t:3: 'witness' is 1 in instance 'a'; give a group { KEY = VALUE; ... }"}},
		{WITNESS(""),
			{"t:3: 'addresses' is missing in witness of instance 'a'; give an array of strings [ "
			 "\"...\", \"...\" ]"}},
		{WITNESS("addresses = [ ];"),
			{"t:3: 'addresses' in witness of instance 'a' has 0 elements; give 1..8 of them"}},
		{WITNESS("addresses = [ \"10.0.0.1\" ]; interval_ms = 9; rise = 0; fall = 101;"),
			{"t:3: 'interval_ms' is 9 in witness of instance 'a'; give an integer 10..60000",
				"t:3: 'rise' is 0 in witness of instance 'a'; give an integer 1..100",
				"t:3: 'fall' is 101 in witness of instance 'a'; give an integer 2..100"}},
		{WITNESS("addresses = [ \"gateway\",\n\"224.0.0.1\",\n\"10.0.0.1/24\" ];"),
			{"t:3: witness \"gateway\" of instance 'a'; give a unicast IPv4 or IPv6 address on its link",
				"t:4: witness \"224.0.0.1\" of instance 'a'; give a unicast IPv4 or IPv6 address "
				"on its link",
				"t:5: witness \"10.0.0.1/24\" of instance 'a'; give a unicast IPv4 or IPv6 address "
				"on its link"}},
		{WITNESS("addresses = [ \"10.0.0.1\",\n\"10.0.0.100\",\n\"10.0.0.1\" ];"),
			{"t:4: witness 10.0.0.100 of instance 'a' is an address that it shares; give one that "
			 "always answers, as a gateway's",
				"t:5: witness 10.0.0.1 stands twice in instance 'a'; remove one"}},
	};

	CHECK_ROWS(rows);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults),
		cmocka_unit_test(the_other_node_sees_it_from_the_other_end),
		cmocka_unit_test(every_key),
		cmocka_unit_test(beacons_follow_the_most_frequent_adverts),
		cmocka_unit_test(the_timeout_follows_the_interval),
		cmocka_unit_test(wrong_times),
		cmocka_unit_test(who_is_fenced_needs_a_witness),
		cmocka_unit_test(a_peer_address_stays_with_its_node),
		cmocka_unit_test(wrong_witnesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
