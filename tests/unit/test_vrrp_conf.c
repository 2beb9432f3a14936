/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vrrp sections and the exact lines they must yield: the file, the section, notify and tracks; and good ones, with the
 * model they must become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vrrp_conf_harness.h"
#include "vrrp/vrrp_conf_programs.h"

/* ---- the file ---- */

static void test_no_section(void **state)
{
	static const char *const texts[] = {
		"", "dataplane = { interfaces = [ \"eth0\" ]; };", "nodes = ( { name = \"lb-a\"; } );"};
	static const struct vrrp_model empty;
	static struct conf_errors errors;
	struct vrrp_model model;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(vrrp_conf_load_memory("t", texts[i], strlen(texts[i]),
					 i == 2 ? "lb-a" : NULL, &model, &errors),
			-ENODATA);
		assert_int_equal(errors.count, 0);
		assert_memory_equal(&model, &empty, sizeof(model));
	}
	assert_int_equal(vrrp_conf_load("/nowhere/t", NULL, &model, &errors), -EINVAL);
	assert_int_equal(errors.count, 1);
}

static void test_sections(void **state)
{
	static const struct row rows[] = {
		{"vrrp = { instances = (); };", {0}},
		/* The balancer's sections are the balancer's. */
		{"pools = 1; services = (1); dataplane = { colour = 1; };\nvrrp = { instances = (); };", {0}},
		{"vrrp = { };",
			{"t:1: 'instances' is missing in vrrp; give a list of groups ( { ... }, { ... } )"}},
		{"\nvrrp = 1;", {"t:2: 'vrrp' is 1 in the file; give a group { KEY = VALUE; ... }"}},
		{"web = 1;\n", {"t:1: section 'web' is not supported by this version; remove it"}},
		{"colour = 1;",
			{"t:1: unknown key 'colour' in the file; the keys here are nodes, pools, services, "
			 "dataplane, vrrp, peer"}},
		{"vrrp = { instances = ();\nrealtme = true; };",
			{"t:2: unknown key 'realtme' in vrrp; did you mean 'realtime'?"}},
		{"vrrp = { instances = ();\nresume = 1; };",
			{"t:2: 'resume' is 1 in vrrp; give true or false"}},
		{"vrrp = {\ninstances = [ \"a\" ]; };",
			{"t:2: 'instances' is an array [ ] in vrrp; give a list of groups ( { ... }, { ... } )"}},
		{"vrrp = { instances = (); groups = (\n{ name = \"g\"; members = [ \"a\" ]; } ); };",
			{"t:2: no instance is named 'a' in group 'g'; add it to 'instances' or name another"}},
		/* Which instances there are is not known: nothing is said about the group. */
		{"vrrp = { instances = 1; groups = (\n{ name = \"g\"; members = [ \"a\" ]; } ); };",
			{"t:1: 'instances' is 1 in vrrp; give a list of groups ( { ... }, { ... } )"}},
	};

	CHECK_ROWS(rows);
}

static void test_nodes(void **state)
{
	static const char text[] = "nodes = ( { name = \"lb-a\"; priority = 200; }, { name = \"lb-b\"; } );\n"
				   "vrrp = { instances = (\n{ " HEAD V4 "},\n"
				   "{ name = \"b\"; interface = \"eth0\"; vrid = 2; priority = 7;"
				   " addresses = [ \"10.0.0.101/24\" ]; } ); };";
	static struct conf_errors errors;
	struct vrrp_model model = good(text, "lb-a");

	assert_string_equal(model.node, "lb-a");
	assert_int_equal(model.instances[0].priority, 200);
	assert_int_equal(model.instances[1].priority, 7);
	vrrp_model_clear(&model);
	model = good(text, "lb-b");
	assert_string_equal(model.node, "lb-b");
	assert_int_equal(model.instances[0].priority, 100);
	vrrp_model_clear(&model);
	assert_int_equal(vrrp_conf_load_memory("t", text, strlen(text), "lb-c", &model, &errors), -EINVAL);
	assert_string_equal(errors.error[0].text,
		"t:1: no node is named 'lb-c'; add it to 'nodes', or choose with -n one of lb-a, lb-b");
}

static void test_notify(void **state)
{
#define NOTIFY(keys) "vrrp = { instances = (); notify = {\n" keys "\n}; };"
	static const struct row rows[] = {
		{NOTIFY("command = [ \"/usr/lib/x\", \"\", \"a b\" ]; user = \"_x\"; timeout_ms = 60000;"),
			{0}},
		{NOTIFY("user = \"x\";"),
			{"t:1: 'command' is missing in notify of vrrp; give an array of strings [ \"...\", "
			 "\"...\" ]"}},
		{NOTIFY("command = \"/usr/lib/x\";"),
			{"t:2: 'command' is \"/usr/lib/x\" in notify of vrrp; give an array of strings [ "
			 "\"...\", \"...\" ]"}},
		{NOTIFY("command = [ ];"),
			{"t:2: 'command' in notify of vrrp has 0 elements; give 1..16 of them"}},
		{NOTIFY("command = [ \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", \"10\", "
			"\"11\", \"12\", \"13\", \"14\", \"15\", \"16\", \"17\" ];"),
			{"t:2: 'command' in notify of vrrp has 17 elements; give 1..16 of them"}},
		{NOTIFY("command = [ \"x.sh\" ];"),
			{"t:2: 'command' in notify of vrrp begins with \"x.sh\"; give the program's absolute "
			 "path, as \"/usr/local/lib/tandem/command\""}},
		{NOTIFY("command = [ \"/usr/lib/\" ];"),
			{"t:2: 'command' in notify of vrrp begins with \"/usr/lib/\"; give the program's absolute "
			 "path, as \"/usr/local/lib/tandem/command\""}},
		{NOTIFY("command = [ \"/x\" ]; user = \"a b\";\ntimeout_ms = 9;"),
			{"t:2: 'user' is \"a b\" in notify of vrrp; give a login name",
				"t:3: 'timeout_ms' is 9 in notify of vrrp; give an integer 10..60000"}},
		{NOTIFY("command = [ \"/x\" ]; user = \"-r\";"),
			{"t:2: 'user' is \"-r\" in notify of vrrp; give a login name"}},
	};
	char text[6000], word[5000];
	static struct conf_errors errors;
	struct vrrp_model model;

	CHECK_ROWS(rows);
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	snprintf(text, sizeof(text), NOTIFY("command = [ \"/x\", \"%s\" ];"), word);
	assert_int_equal(vrrp_conf_load_memory("t", text, strlen(text), NULL, &model, &errors), -EINVAL);
	assert_string_equal(errors.error[0].text,
		"t:2: word 2 of 'command' in notify of vrrp has 4999 bytes; give at most 4095");
}

/* ---- tracks ---- */

static void test_tracks(void **state)
{
#define T1 "track no. 1 of instance 'a'"
	static const struct row rows[] = {
		{TRACK("interface = \"eth1\"; weight = -253;"), {0}},
		{TRACK("script = [ \"/usr/lib/x\" ]; interval_ms = 100; timeout_ms = 100; rise = 100; fall = 100; "
		       "user = \"nobody\"; weight = 253;"),
			{0}},
		{TRACK("pool = \"kv\"; min_backends = 256; interval_ms = 3600000; weight = 10;"), {0}},
		{TRACK("weight = 1;"),
			{"t:3: " T1 " tracks nothing; give one of interface, script, file or pool"}},
		{TRACK("interface = \"eth1\";\nfile = \"/run/x\";"),
			{"t:4: 'file' stands beside 'interface' in " T1 "; make a track for each"}},
		{TRACK("interface = \"a:b\"; weight = 254;"),
			{"t:3: 'interface' is \"a:b\" in " T1 "; " AN_INTERFACE,
				"t:3: 'weight' is 254 in " T1 "; give an integer -253..253"}},
		{TRACK("interface = \"eth1\";\nrise = 1;\ninterval_ms = 1000;\nmin_backends = 1;"),
			{"t:4: 'rise' in " T1 " is for tracks of a script only; remove it",
				"t:5: 'interval_ms' in " T1
				" is for tracks of a script or pool only; remove it",
				"t:6: 'min_backends' in " T1 " is for tracks of a pool only; remove it"}},
		{TRACK("pool = \"kv\";\nuser = \"x\";\nfall = 1;\ntimeout_ms = 10;"),
			{"t:4: 'user' in " T1 " is for tracks of a script only; remove it",
				"t:5: 'fall' in " T1 " is for tracks of a script only; remove it",
				"t:6: 'timeout_ms' in " T1 " is for tracks of a script only; remove it"}},
		/* The pools are the balancer's, but they are in this file. */
		{TRACK("pool = \"kv\";") "\npools = ( { name = \"kv\"; }, { name = \"web\"; } );", {0}},
		{TRACK("pool = \"vk\";") "\npools = ( { name = \"kv\"; }, { name = \"web\"; } );",
			{"t:3: no pool is named 'vk' in " T1 "; did you mean 'kv'?"}},
		{TRACK("pool = \"mail\";") "\npools = ();",
			{"t:3: no pool is named 'mail' in " T1 "; add it to 'pools' or name another"}},
		{TRACK("pool = \"mail\";") "\npools = ( { name = 1; } );", {0}},
		{TRACK("pool = \"k v\"; min_backends = 0;"),
			{"t:3: 'pool' is \"k v\" in " T1 "; " A_NAME,
				"t:3: 'min_backends' is 0 in " T1 "; give an integer 1..256"}},
		{TRACK("file = \"run/x\";"), {"t:3: 'file' is \"run/x\" in " T1 "; give an absolute path"}},
		{TRACK("file = \"\";"), {"t:3: 'file' is \"\" in " T1 "; give an absolute path"}},
		{TRACK("script = [ \"x\" ];"),
			{"t:3: 'script' in " T1 " begins with \"x\"; give the program's absolute path, as "
			 "\"/usr/local/lib/tandem/script\""}},
		{TRACK("script = \"/x\";"),
			{"t:3: 'script' is \"/x\" in " T1 "; give an array of strings [ \"...\", \"...\" ]"}},
		{TRACK("script = [ \"/x\" ];\nrise = 0; fall = 101; interval_ms = 99; "),
			{"t:4: 'interval_ms' is 99 in " T1 "; give an integer 100..3600000",
				"t:4: 'rise' is 0 in " T1 "; give an integer 1..100",
				"t:4: 'fall' is 101 in " T1 "; give an integer 1..100"}},
		{TRACK("script = [ \"/x\" ]; interval_ms = 500;\ntimeout_ms = 501;"),
			{"t:4: 'timeout_ms' is 501 in " T1
			 ", longer than its interval_ms 500; give 10..500"}},
		{TRACK("interfce = \"eth1\";"),
			{"t:3: unknown key 'interfce' in " T1 "; did you mean 'interface'?",
				"t:3: " T1 " tracks nothing; give one of interface, script, file or pool"}},
		{"vrrp = { instances = (\n{ " HEAD V4
		 "} ); groups = ( { name = \"g\"; members = [ \"a\" ]; track = (\n"
		 "{ interface = \"x\"; },\n{ file = \"x\"; } ); } ); };",
			{"t:4: 'file' is \"x\" in track no. 2 of group 'g'; give an absolute path"}},
	};
	struct vrrp_model model;

	CHECK_ROWS(rows);
	/* A time limit that is not given is the interval, as far as a time limit goes. */
	model = good(TRACK("script = [ \"/x\" ]; interval_ms = 3600000;"), NULL);
	assert_int_equal(model.instances[0].tracks[0].script.timeout_ms, 60000);
	vrrp_model_clear(&model);
}

/* ---- what can be run ---- */

static void collect(void *data, const char *line)
{
	char *lines = data;

	assert_true(strlen(lines) + strlen(line) + 2 < 2048);
	strcat(strcat(lines, line), "\n");
}

static void expect_warnings(const char *text, const char *expected)
{
	struct vrrp_model model = good(text, NULL);
	char lines[2048] = "";

	vrrp_conf_programs_warn(&model, collect, lines);
	vrrp_model_clear(&model);
	assert_string_equal(lines, expected);
}

static void test_programs(void **state)
{
	expect_warnings(PAIR("track = ( { script = [ \"/bin/true\" ]; user = \"root\"; } );", "", EDGE), "");
	expect_warnings(PAIR("track = ( { script = [ \"/no/x\" ]; }, { script = [ \"/no/x\", \"y\" ]; } );",
				"track = ( { file = \"/no\"; }, { script = [ \"/etc/passwd\" ]; } );",
				"{ name = \"edge\"; members = [ \"a\", \"b\" ]; "
				"track = ( { script = [ \"/bin/true\" ]; user = \"no-such\"; } ); }"),
		"warning: script of instance 'a': /no/x: /no: No such file or directory; until then it counts as bad\n"
		"warning: script of instance 'b': /etc/passwd: /etc/passwd is not executable: chmod +x it; "
		"until then it counts as bad\n"
		"warning: script of group 'edge': /bin/true: no user 'no-such'; until then it counts as bad\n");
	expect_warnings(
		"vrrp = { notify = { command = [ \"/no/x\" ]; user = \"no-such\"; };\ninstances = ( { " HEAD
			V4 " } ); };",
		"warning: notify of vrrp: /no/x: /no: No such file or directory; until then nobody is told of transitions\n"
		"warning: notify of vrrp: /no/x: no user 'no-such'; until then nobody is told of transitions\n");
}

/* ---- what a good one becomes ---- */

static void test_defaults(void **state)
{
	struct vrrp_model model =
		good(ONE(HEAD BOTH "track = ( { interface = \"x\"; }, { script = [ \"/x\" ]; }, "
				   "{ file = \"/x\"; }, { pool = \"p\"; } );"),
			NULL);
	const struct vrrp_instance *a = model.instances;

	assert_string_equal(model.node, "");
	assert_true(model.realtime);
	assert_false(model.resume);
	assert_null(model.notify.argv[0]);
	assert_int_equal(model.instance_count, 1);
	assert_int_equal(a->version, 3);
	assert_int_equal(a->priority, 100);
	assert_int_equal(a->interval_ms, 1000);
	assert_true(a->preempt);
	assert_int_equal(a->preempt_delay_ms, 0);
	assert_true(a->accept);
	assert_false(a->virtual_mac);
	assert_int_equal(a->checksum, VRRP_CHECKSUM_LEGACY);
	assert_int_equal(a->peer_count, 0);
	assert_int_equal(a->source_ipv4.family, AF_UNSPEC);
	assert_int_equal(a->source_ipv6.family, AF_UNSPEC);
	assert_int_equal(a->announce_count, 5);
	assert_int_equal(a->announce_interval_ms, 500);
	assert_int_equal(a->announce_refresh_s, 60);
	assert_int_equal(a->witness.count, 0);
	assert_false(model.peer.configured);
	assert_int_equal(a->track_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(a->tracks[i].kind, i);
		assert_int_equal(a->tracks[i].weight, 0);
	}
	assert_int_equal(a->tracks[1].interval_ms, 1000);
	assert_int_equal(a->tracks[1].script.timeout_ms, 1000);
	assert_int_equal(a->tracks[1].rise, 1);
	assert_int_equal(a->tracks[1].fall, 1);
	assert_string_equal(a->tracks[1].script.user, "");
	assert_int_equal(a->tracks[3].interval_ms, 1000);
	assert_int_equal(a->tracks[3].min_backends, 1);
	assert_int_equal(model.unit_count, 1);
	assert_string_equal(model.units[0].name, "a");
	assert_int_equal(a->unit, 0);
	vrrp_model_clear(&model);
}

static void test_everything(void **state)
{
	static const char text[] =
		"vrrp = { realtime = false; resume = true;\n"
		"  notify = { command = [ \"/usr/lib/n\", \"x\" ]; user = \"daemon\"; timeout_ms = 500; };\n"
		"  instances = ( { name = \"front\"; interface = \"bond0.7\"; vrid = 255; version = 3; priority = 254;\n"
		"    advert_interval_ms = 20; addresses = [ \"fe80::7/64\", \"10.0.0.100/24\", \"fd00::100/64\" ];\n"
		"    preempt = false; preempt_delay_ms = 3600000; accept = false; virtual_mac = true;\n"
		"    checksum = \"rfc9568\"; peers = [ \"10.0.0.2\", \"fe80::2\" ];\n"
		"    source_ipv4 = \"10.0.0.1\"; source_ipv6 = \"fe80::1\";\n"
		"    announce = { count = 60; interval_ms = 60000; refresh_s = 86400; };\n"
		"    track = ( { interface = \"eth1\"; weight = -50; },\n"
		"      { script = [ \"/usr/lib/x\", \"arg\" ]; interval_ms = 2000; timeout_ms = 300; rise = 2;\n"
		"        fall = 3; user = \"nobody\"; weight = 7; },\n"
		"      { file = \"/run/x\"; weight = 2; },\n"
		"      { pool = \"kv\"; min_backends = 2; interval_ms = 250; } ); } );\n"
		"  groups = ( { name = \"edge\"; members = [ \"front\" ]; track = ( { file = \"/run/y\"; } ); } ); };\n";
	struct vrrp_model model = good(text, NULL);
	const struct vrrp_instance *front = model.instances;
	const struct vrrp_track *t = front->tracks;
	char addr[ADDR_TEXT_MAX];

	assert_false(model.realtime);
	assert_true(model.resume);
	assert_string_equal(model.notify.argv[0], "/usr/lib/n");
	assert_string_equal(model.notify.argv[1], "x");
	assert_null(model.notify.argv[2]);
	assert_string_equal(model.notify.user, "daemon");
	assert_int_equal(model.notify.timeout_ms, 500);
	assert_string_equal(front->interface, "bond0.7");
	assert_int_equal(front->vrid, 255);
	assert_int_equal(front->priority, 254);
	assert_int_equal(front->interval_ms, 20);
	assert_int_equal(front->ipv4_count, 1);
	assert_int_equal(front->ipv6_count, 2);
	assert_string_equal(addr_format(&front->addresses[1].addr, addr), "fe80::7");
	assert_false(front->preempt);
	assert_int_equal(front->preempt_delay_ms, 3600000);
	assert_false(front->accept);
	assert_true(front->virtual_mac);
	assert_int_equal(front->checksum, VRRP_CHECKSUM_RFC9568);
	assert_int_equal(front->peer_count, 2);
	assert_string_equal(addr_format(&front->peers[1], addr), "fe80::2");
	assert_string_equal(addr_format(&front->source_ipv4, addr), "10.0.0.1");
	assert_string_equal(addr_format(&front->source_ipv6, addr), "fe80::1");
	assert_int_equal(front->announce_count, 60);
	assert_int_equal(front->announce_interval_ms, 60000);
	assert_int_equal(front->announce_refresh_s, 86400);
	assert_int_equal(front->track_count, 4);
	assert_string_equal(t[0].interface, "eth1");
	assert_int_equal(t[0].weight, -50);
	assert_string_equal(t[1].script.argv[1], "arg");
	assert_null(t[1].script.argv[2]);
	assert_string_equal(t[1].script.user, "nobody");
	assert_int_equal(t[1].script.timeout_ms, 300);
	assert_int_equal(t[1].interval_ms, 2000);
	assert_int_equal(t[1].rise, 2);
	assert_int_equal(t[1].fall, 3);
	assert_int_equal(t[1].weight, 7);
	assert_string_equal(t[2].file, "/run/x");
	assert_string_equal(t[3].pool, "kv");
	assert_int_equal(t[3].min_backends, 2);
	assert_int_equal(t[3].interval_ms, 250);
	assert_string_equal(model.units[0].tracks[0].file, "/run/y");
	vrrp_model_clear(&model);
}

/* The example that is shipped is sound, and becomes what it says. */
static void test_example(void **state)
{
	static struct conf_errors errors;
	struct vrrp_model model;

	if (vrrp_conf_load("etc/tandem.conf.example", "lb-a", &model, &errors))
		fail_msg("%s", errors.shown ? errors.error[0].text : "no vrrp section");
	assert_string_equal(model.node, "lb-a");
	assert_int_equal(model.unit_count, 1);
	assert_string_equal(model.units[0].name, "edge");
	assert_int_equal(model.units[0].member_count, 2);
	assert_int_equal(model.units[0].tracks[0].kind, VRRP_TRACK_POOL);
	assert_int_equal(model.instances[1].priority, 200);
	assert_int_equal(model.instances[1].ipv6_count, 1);
	vrrp_model_clear(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_section),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_tracks),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests_name("vrrp_conf", tests, NULL, NULL);
}
