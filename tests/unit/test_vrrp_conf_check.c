/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mistakes between the parts of a vrrp section: what stands twice, groups that do not fit, more than there may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vrrp_conf_harness.h"

/* ---- between instances ---- */

static void test_once(void **state)
{
#define AT(name, interface, vrid, addresses)                                                              \
	"{ name = \"" name "\"; interface = \"" interface "\"; vrid = " vrid "; addresses = [ " addresses \
	" ]; }"
	static const struct row rows[] = {
		{SECTION(AT("a", "eth0", "1", "\"10.0.0.1/24\"") ",\n" AT(
			 "a", "eth0", "2", "\"10.0.0.2/24\"")),
			{"t:3: instance name 'a' stands twice among instances and groups, first in line 2; "
			 "choose another"}},
		{PAIR("", "", "{ name = \"a\"; members = [ \"b\" ]; }"),
			{"t:5: group name 'a' stands twice among instances and groups, first in line 2; choose "
			 "another"}},
		/* The same number on another interface, or for the other family, is another virtual router. */
		{SECTION(AT("a", "eth0", "1", "\"10.0.0.1/24\"") ",\n" AT(
			 "b", "eth1", "1", "\"10.0.0.2/24\"") ",\n" AT("c", "eth0", "1", "\"fd00::1/64\"")),
			{0}},
		{SECTION(AT("a", "eth0", "1", "\"10.0.0.1/24\"") ",\n" AT(
			 "b", "eth0", "1", "\"10.0.0.2/24\"")),
			{"t:3: vrid 1 of instance 'b' is taken for IPv4 on 'eth0' by instance 'a' in line 2; "
			 "choose another"}},
		{SECTION(AT("a", "eth0", "1", "\"10.0.0.1/24\"") ",\n" AT(
			 "b", "eth0", "1", "\"fd00::1/64\"") ",\n" AT("c", "eth0", "1", "\"fd00::2/64\"")),
			{"t:4: vrid 1 of instance 'c' is taken for IPv6 on 'eth0' by instance 'b' in line 3; "
			 "choose another"}},
		{SECTION(AT("a", "eth0", "1", "\"10.0.0.1/24\",\n\"10.0.0.1/32\"")),
			{"t:3: address 10.0.0.1 stands twice in instance 'a', first in line 2; remove one"}},
		{SECTION(AT("a", "eth0", "1", "\"fd00::1/64\"") ",\n" AT(
			 "b", "eth1", "2", "\"fd00::2/64\",\n\"fd00:0::1/64\"")),
			{"t:4: address fd00::1 of instance 'b' is taken by instance 'a' in line 2; remove one"}},
		/* Link-local addresses are each link's own. */
		{SECTION(AT("a", "eth0", "1", "\"fe80::1/64\"") ",\n" AT("b", "eth1", "1", "\"fe80::1/64\"")),
			{0}},
		{SECTION(AT("a", "eth0", "1", "\"fe80::1/64\"") ",\n" AT("b", "eth0", "2", "\"fe80::1/64\"")),
			{"t:3: address fe80::1 of instance 'b' is taken by instance 'a' in line 2; remove one"}},
	};

	CHECK_ROWS(rows);
}

static void test_groups(void **state)
{
#define BUT(what, x, y)                                                                                 \
	"'" what "' is " y " in instance 'b' and " x " in instance 'a', but both are in group 'edge'; " \
	"give them the same"
	static const struct row rows[] = {
		{PAIR("", "", EDGE), {0}},
		{PAIR("", "", "{ name = \"edge\"; members = [ \"a\" ]; }"), {0}},
		{PAIR("", "", "{ }"),
			{"t:5: 'name' is missing in group no. 1; " A_NAME,
				"t:5: 'members' is missing in group no. 1; give an array of strings [ \"...\", "
				"\"...\" ]"}},
		{PAIR("", "", "{ name = \"edge\"; members = [ ]; priority = 1; }"),
			{"t:5: unknown key 'priority' in group 'edge'; the keys here are name, members, track",
				"t:5: 'members' in group 'edge' has 0 elements; give 1..512 of them"}},
		{PAIR("", "", "{ name = \"edge\"; members = [ \"a\",\n\"\" ]; }"),
			{"t:6: no instance is named '' in group 'edge'; add it to 'instances' or name another"}},
		{"vrrp = { instances = ( { name = \"front\"; interface = \"e\"; vrid = 1; " V4 "} );\n"
		 "groups = ( { name = \"edge\"; members = [ \"frnt\" ]; } ); };",
			{"t:2: no instance is named 'frnt' in group 'edge'; did you mean 'front'?"}},
		{PAIR("", "", "{ name = \"edge\"; members = [ \"a\", \"b\",\n\"a\" ]; }"),
			{"t:6: instance 'a' stands twice in group 'edge'; remove one"}},
		{PAIR("", "", EDGE ",\n{ name = \"g\"; members = [ \"b\" ]; }"),
			{"t:6: instance 'b' of group 'g' is in group 'edge' in line 5 already; remove it from "
			 "one"}},
		{PAIR("", "\npriority = 101;", EDGE), {"t:4: " BUT("priority", "100", "101")}},
		{PAIR("advert_interval_ms = 100;", "", EDGE),
			{"t:3: " BUT("advert_interval_ms", "100", "1000")}},
		{PAIR("preempt_delay_ms = 7;", "preempt = false;", EDGE),
			{"t:3: " BUT("preempt", "true", "false"), "t:3: " BUT("preempt_delay_ms", "7", "0")}},
		{PAIR("version = 2;", "", EDGE), {"t:3: " BUT("version", "2", "3")}},
		{PAIR("", "\nannounce = { count = 1; interval_ms = 10; refresh_s = 1; };", EDGE),
			{"t:4: " BUT("count of announce", "5", "1"),
				"t:4: " BUT("interval_ms of announce", "500", "10"),
				"t:4: " BUT("refresh_s of announce", "60", "1")}},
		/* What has a mistake of its own is not asked whether it agrees. */
		{PAIR("priority = 7;", "priority = 0;", EDGE),
			{"t:3: 'priority' is 0 in instance 'b'; give an integer 1..255"}},
	};
	struct vrrp_model model;

	CHECK_ROWS(rows);
	model = good(
		PAIR("", "", "{ name = \"edge\"; members = [ \"b\" ]; track = ( { interface = \"x\"; } ); }"),
		NULL);
	assert_int_equal(model.unit_count, 2);
	assert_string_equal(model.units[0].name, "edge");
	assert_true(model.units[0].is_group);
	assert_int_equal(model.units[0].member_count, 1);
	assert_int_equal(model.units[0].members[0], 1);
	assert_int_equal(model.units[0].track_count, 1);
	assert_string_equal(model.units[1].name, "a");
	assert_false(model.units[1].is_group);
	assert_int_equal(model.units[1].members[0], 0);
	assert_int_equal(model.instances[0].unit, 1);
	assert_int_equal(model.instances[1].unit, 0);
	vrrp_model_clear(&model);
}

/* ---- size ---- */

/* `instances` of `addresses` each, each in a group of its own. The caller frees it. */
static char *big_text(unsigned instances, unsigned addresses, size_t *len)
{
	char *text;
	FILE *f = open_memstream(&text, len);

	fputs("vrrp = {\ninstances = (", f);
	for (unsigned i = 0; i < instances; i++) {
		fprintf(f, "%s\n{ name = \"i%u\"; interface = \"e%u\"; vrid = %u; addresses = [",
			i ? "," : "", i, i / 255, i % 255 + 1);
		for (unsigned a = 0; a < addresses; a++)
			fprintf(f, "%s\"10.%u.%u.%u/8\"", a ? ", " : "", i / 250, i % 250 + 1, a + 1);
		fputs("]; }", f);
	}
	fputs(");\ngroups = (", f);
	for (unsigned i = 0; i < instances; i++)
		fprintf(f, "%s\n{ name = \"g%u\"; members = [ \"i%u\" ]; }", i ? "," : "", i, i);
	fputs("); };\n", f);
	fclose(f);
	return text;
}

static double processor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_size(void **state)
{
	static struct conf_errors errors;
	struct vrrp_model model;
	double begun;
	size_t len;
	char *text;

	text = big_text(VRRP_INSTANCES_MAX, 8, &len);
	begun = processor_seconds();
	assert_int_equal(vrrp_conf_load_memory("t", text, len, NULL, &model, &errors), 0);
	assert_true(processor_seconds() - begun < 2.0);
	assert_int_equal(model.instance_count, VRRP_INSTANCES_MAX);
	assert_int_equal(model.unit_count, VRRP_INSTANCES_MAX);
	assert_int_equal(model.instances[VRRP_INSTANCES_MAX - 1].unit, VRRP_INSTANCES_MAX - 1);
	vrrp_model_clear(&model);
	free(text);

	text = big_text(VRRP_INSTANCES_MAX, 9, &len);
	assert_int_equal(vrrp_conf_load_memory("t", text, len, NULL, &model, &errors), -EINVAL);
	assert_string_equal(
		errors.error[0].text, "t:2: 4608 addresses in all instances; remove some, 4096 are the most");
	free(text);

	text = big_text(VRRP_INSTANCES_MAX + 1, 1, &len);
	assert_int_equal(vrrp_conf_load_memory("t", text, len, NULL, &model, &errors), -EINVAL);
	assert_string_equal(
		errors.error[0].text, "t:2: 'instances' in vrrp has 513 elements; give 0..512 of them");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests_name("vrrp_conf_check", tests, NULL, NULL);
}
