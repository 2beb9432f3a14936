/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `peer` section as both daemons read it: what it becomes is the same to them, and every mistake in it is the same line.
 * What it must be for the vrrp section beside it is test_vrrp_conf_peer's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lb/lb_conf.h"
#include "vrrp/vrrp_conf.h"

#define LINES_MAX 3
/* The nodes are line 1. */
#define NODES2(a, b)                                                \
	"nodes = ( { name = \"a\"; peer_addresses = [ " a " ]; }, " \
	"{ name = \"b\"; peer_addresses = [ " b " ]; } );\n"
#define NODES NODES2("\"10.9.0.1\", \"fd09::1\"", "\"10.9.0.2\", \"fd09::2\"")
#define REST                                                                           \
	"dataplane = { interfaces = [ \"eth0\" ]; };\n"                                \
	"vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; " \
	"addresses = [ \"10.0.1.100/24\" ]; } ); };\n"
#define WITH(section) NODES section REST
#define PEER(keys)    WITH("peer = { key_file = \"/k\";\n" keys " };\n") /* keys are line 3 */
#define PEERED(nodes) nodes "peer = { key_file = \"/k\"; };\n" REST

struct row {
	const char *text;
	const char *lines[LINES_MAX]; /* none: the text is sound */
};

static void check_lines(const struct conf_errors *errors, const struct row *row, const char *reader)
{
	size_t lines = 0;

	while (lines < LINES_MAX && row->lines[lines])
		lines++;
	for (size_t i = 0; i < errors->shown || i < lines; i++) {
		const char *got = i < errors->shown ? errors->error[i].text : "(no more lines)";
		const char *want = i < lines ? row->lines[i] : "(no more lines)";

		if (strcmp(got, want))
			fail_msg("%s:\n%s\ngave  %s\nwants %s", reader, row->text, got, want);
	}
}

static void check_rows(const struct row *rows, size_t count, const char *node)
{
	static struct conf_errors errors;

	for (size_t i = 0; i < count; i++) {
		struct vrrp_model vrrp;
		struct lb_model lb;

		lb_conf_load_memory("t", rows[i].text, strlen(rows[i].text), node, &lb, &errors);
		check_lines(&errors, &rows[i], "tandem-lb");
		lb_model_clear(&lb);
		vrrp_conf_load_memory("t", rows[i].text, strlen(rows[i].text), node, &vrrp, &errors);
		check_lines(&errors, &rows[i], "tandem-vrrp");
		vrrp_model_clear(&vrrp);
	}
}

#define CHECK_ROWS(node, rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]), node)

static void wrong_keys(void **state)
{
	static const struct row rows[] = {
		{WITH("peer = { };\n"), {"t:2: 'key_file' is missing in peer; give a string in quotes"}},
		{WITH("peer = 1;\n"), {"t:2: 'peer' is 1 in the file; give a group { KEY = VALUE; ... }"}},
		{WITH("peer = { key_file = \"k\"; };\n"),
			{"t:2: 'key_file' is \"k\" in peer; give an absolute path"}},
		{PEER("prot = 1;"), {"t:3: unknown key 'prot' in peer; did you mean 'port'?"}},
		{PEER("port = 0;"), {"t:3: 'port' is 0 in peer; give an integer 1..65534"}},
		{PEER("port = 65535;"), {"t:3: 'port' is 65535 in peer; give an integer 1..65534"}},
		{PEER("beacon_interval_ms = 9;"),
			{"t:3: 'beacon_interval_ms' is 9 in peer; give an integer 10..10000"}},
		{PEER("beacon_timeout_ms = 60001;"),
			{"t:3: 'beacon_timeout_ms' is 60001 in peer; give an integer 20..60000"}},
		{PEER("on_isolation = \"wait\";"),
			{"t:3: 'on_isolation' is \"wait\" in peer; give one of \"take\", \"fenced\""}},
		{PEER("sync_cap_s = 3601;"), {"t:3: 'sync_cap_s' is 3601 in peer; give an integer 0..3600"}},
		{PEER("sync_cap_s = -1;\ngrace_ms = 60001;"),
			{"t:3: 'sync_cap_s' is -1 in peer; give an integer 0..3600",
				"t:4: 'grace_ms' is 60001 in peer; give an integer 0..60000"}},
		{PEER("sync_cap_s = 0; grace_ms = 0;"), {0}},
		{PEER("sync_cap_s = 3600; grace_ms = 60000;"), {0}},
	};

	CHECK_ROWS("a", rows);
}

static void wrong_nodes(void **state)
{
	static const struct row rows[] = {
		{PEERED("nodes = ( { name = \"a\"; peer_addresses = [ \"10.9.0.1\" ]; } );\n"),
			{"t:2: 'peer' is for two 'nodes', there are 1; list both, or remove it"}},
		{PEERED(NODES2("\"10.9.0.1\", \"10.9.1.1\"", "\"10.9.0.2\"")),
			{"t:2: 'peer' needs as many peer_addresses in node 'a' as in node 'b', one for each path "
			 "between them; there are 2 and 1"}},
		{PEERED(NODES2("\"10.9.0.1\", \"10.9.1.1\"", "\"10.9.0.2\", \"fd09::2\"")),
			{"t:2: peer_addresses no. 2 of node 'a' and of node 'b' are of two families; a path needs "
			 "one"}},
		{PEERED(NODES2("\"10.9.0.1\"", "\"10.9.0.1\"")),
			{"t:2: peer_addresses no. 1 of node 'a' and of node 'b' are the same; give each its own"}},
		{PEERED(NODES2("\"10.9.0.1\", \"10.9.1.1\", \"10.9.0.1\"",
			 "\"10.9.0.2\", \"10.9.1.2\", \"10.9.2.2\"")),
			{"t:2: peer_addresses no. 1 and no. 3 of node 'a' are both 10.9.0.1; give each path an "
			 "address of its own"}},
		{PEERED(NODES2("\"fd09::1\", \"10.9.1.1\", \"10.9.3.1\"",
			 "\"fd09::2\", \"10.9.1.2\", \"10.9.1.2\"")),
			{"t:2: peer_addresses no. 2 and no. 3 of node 'b' are both 10.9.1.2; give each path an "
			 "address of its own"}},
		{PEERED(NODES2("\"10.9.0.1\"", "\"127.0.0.1\"")),
			{"t:1: peer address \"127.0.0.1\" in node 'b' is every machine's own; give one that the "
			 "other node reaches"}},
		{PEERED(NODES2("\"::1\"", "\"fd09::2\"")),
			{"t:1: peer address \"::1\" in node 'a' is every machine's own; give one that the other "
			 "node reaches"}},
	};
	static const struct row without[] = {
		{PEERED(""), {"t:1: 'peer' is for two 'nodes', there are 0; list both, or remove it"}},
	};

	CHECK_ROWS("a", rows);
	CHECK_ROWS(NULL, without);
}

static struct conf_peer read_lb(const char *text, const char *node)
{
	static struct conf_errors errors;
	struct lb_model model;
	struct conf_peer peer;

	assert_int_equal(lb_conf_load_memory("t", text, strlen(text), node, &model, &errors), 0);
	assert_string_equal(model.node, node);
	assert_int_equal(conf_peer_copy(&peer, &model.peer), 0);
	lb_model_clear(&model);
	return peer;
}

static void it_becomes_the_same_for_both(void **state)
{
	static const char text[] = PEER(
		"port = 65534; beacon_interval_ms = 10; beacon_timeout_ms = 20;\nsync_cap_s = 7; grace_ms = 8;");
	static struct conf_errors errors;
	struct conf_peer lb = read_lb(text, "b");
	struct vrrp_model vrrp;

	assert_int_equal(vrrp_conf_load_memory("t", text, strlen(text), "b", &vrrp, &errors), 0);
	assert_true(lb.configured && vrrp.peer.configured);
	assert_string_equal(lb.node, "a");
	assert_string_equal(lb.key_file, "/k");
	assert_string_equal(vrrp.peer.key_file, "/k");
	assert_int_equal(lb.port, 65534);
	assert_int_equal(lb.beacon_interval_ms, 10);
	assert_int_equal(lb.beacon_timeout_ms, 20);
	assert_int_equal(lb.sync_cap_s, 7);
	assert_int_equal(vrrp.peer.sync_cap_s, 7);
	assert_int_equal(lb.grace_ms, 8);
	assert_int_equal(vrrp.peer.grace_ms, 8);
	assert_int_equal(lb.path_count, 2);
	assert_true(conf_peer_is_same_way(&lb, &vrrp.peer));
	vrrp_model_clear(&vrrp);
	conf_peer_clear(&lb);
	assert_null(lb.key_file);
	assert_false(lb.configured);
}

static void the_defaults(void **state)
{
	struct conf_peer peer = read_lb(PEER(""), "a");

	assert_int_equal(peer.port, 3780);
	assert_int_equal(peer.beacon_interval_ms, 0);
	assert_int_equal(peer.sync_cap_s, 60);
	assert_int_equal(peer.grace_ms, 3000);
	assert_false(peer.fenced);
	conf_peer_clear(&peer);
	peer = read_lb(WITH(""), "a");
	assert_false(peer.configured);
	conf_peer_clear(&peer);
}

static void another_way_is_another_way(void **state)
{
	struct conf_peer a = read_lb(PEER(""), "a"), b = a;

	assert_true(conf_peer_is_same_way(&a, &b));
	b.grace_ms = 1; /* that is no way */
	assert_true(conf_peer_is_same_way(&a, &b));
	b.port++;
	assert_false(conf_peer_is_same_way(&a, &b));
	b = a;
	b.path_count = 1;
	assert_false(conf_peer_is_same_way(&a, &b));
	b = a;
	b.remote[1] = a.local[1];
	assert_false(conf_peer_is_same_way(&a, &b));
	b = a;
	b.local[0] = a.remote[0];
	assert_false(conf_peer_is_same_way(&a, &b));
	b = a;
	snprintf(b.node, sizeof(b.node), "c");
	assert_false(conf_peer_is_same_way(&a, &b));
	conf_peer_clear(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_keys),
		cmocka_unit_test(wrong_nodes),
		cmocka_unit_test(it_becomes_the_same_for_both),
		cmocka_unit_test(the_defaults),
		cmocka_unit_test(another_way_is_another_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
