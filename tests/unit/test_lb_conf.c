/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Config texts and the exact lines they must yield: every kind of mistake, with its line number; and good
 * ones, with the model they must become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lb/lb_conf.h"

#define LINES_MAX 4

/* The dataplane goes last, so that the lines before it count from 1. */
#define DP "dataplane = { interfaces = [ \"eth0\" ]; };\n"
/* One sound pool, lines 1..3, and the head and tail around one service, which is line 5. */
#define POOL                                                         \
	"pools = ( { name = \"kv\"; backends = (\n"                  \
	"  { name = \"b1\"; address = \"10.0.2.1\"; port = 80; },\n" \
	"  { name = \"b2\"; address = \"10.0.2.2\"; port = 80; } ); } );\n"
#define A_NAME                                                    \
	"give a name of 1..63 letters, digits, '.', '_' or '-', " \
	"in quotes, that begins with a letter or digit"
#define IN_POOL(keys)      "pools = ( { name = \"kv\";\n" keys "\nbackends = (); } );\n" DP
#define IN_CHECK(keys)     IN_POOL("check = { " keys " };")
#define IN_BACKENDS(list)  "pools = ( { name = \"kv\"; backends = (\n" list "\n); } );\n" DP
#define IN_SERVICES(list)  POOL "services = (\n" list "\n);\n" DP
#define SERVICE            "name = \"web\"; address = \"10.0.1.1\"; port = 80; protocol = \"tcp\"; pool = \"kv\";"
#define IN_DATAPLANE(keys) "dataplane = {\n" keys "\n};\n"

struct row {
	const char *text;
	const char *lines[LINES_MAX]; /* none: the text is sound */
};

static void check_rows(const struct row *rows, size_t count)
{
	static struct conf_errors errors;
	static const struct lb_model empty;

	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct lb_model model;
		size_t lines = 0;
		int err;

		while (lines < LINES_MAX && row->lines[lines])
			lines++;
		err = lb_conf_load_memory("t.conf", row->text, strlen(row->text), NULL, &model, &errors);
		for (size_t j = 0; j < errors.shown || j < lines; j++) {
			const char *got = j < errors.shown ? errors.error[j].text : "(no more lines)";
			const char *want = j < lines ? row->lines[j] : "(no more lines)";

			if (strcmp(got, want))
				fail_msg("row %zu:\n%s\ngave  %s\nwants %s", i, row->text, got, want);
		}
		assert_int_equal(errors.count, lines);
		assert_int_equal(err, lines ? -22 : 0);
		if (err)
			assert_memory_equal(&model, &empty, sizeof(model));
		lb_model_clear(&model);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void test_sections(void **state)
{
	static const struct row rows[] = {
		{DP, {0}},
		{"", {"t.conf: 'dataplane' is missing in the file; give a group { KEY = VALUE; ... }"}},
		/* tandem-vrrp reads it; what is in it is nothing to the balancer. */
		{"vrrp = { colour = 1; };\n" DP, {0}},
		{"vrrp = 1;\n" DP, {0}},
		{"\nweb = 1;\n" DP, {"t.conf:2: section 'web' is not supported by this version; remove it"}},
		{DP "servces = ();",
			{"t.conf:2: unknown key 'servces' in the file; did you mean 'services'?"}},
		{DP "colour = 1;", {"t.conf:2: unknown key 'colour' in the file; the keys here are nodes, "
				    "pools, services, dataplane, vrrp, peer"}},
		{"pools = { };\n" DP, {"t.conf:1: 'pools' is a group { } in the file; give a list of groups "
				       "( { ... }, { ... } )"}},
		{"services = (\n1,\n\"x\");\n" DP, {"t.conf:2: element 1 of 'services' in the file is 1; "
						    "give a group { KEY = VALUE; ... }",
							   "t.conf:3: element 2 of 'services' in the file is "
							   "\"x\"; give a group { KEY = VALUE; ... }"}},
		{"dataplane = 5;\n",
			{"t.conf:1: 'dataplane' is 5 in the file; give a group { KEY = VALUE; ... }"}},
	};

	CHECK_ROWS(rows);
}

static void test_syntax(void **state)
{
	static const struct row rows[] = {
		{"a = 1;\nb 2;\n", {"t.conf:2: '2' where '=' should follow the key 'b'"}},
		{"a = ;\n", {"t.conf:1: ';' where a value should stand"}},
		{"a = yes;\n",
			{"t.conf:1: 'yes' where a value should stand; a text goes in quotes, yes and no "
			 "are true and false"}},
		{"a = 10.0.0.1;\n",
			{"t.conf:1: '10.0.0.1' is not a number; an address or a name goes in quotes"}},
		{"a = \"x;\nb = 1;\n",
			{"t.conf:1: the string that begins here does not end on its line; close it "
			 "with \" (a line break in it is written \\n)"}},
		{"a = 1;\n/* open\n\n",
			{"t.conf:2: the comment that begins here does not end; close it with */"}},
		{"a = (\n{ b = 1;\n);\n",
			{"t.conf:3: ')' where the '{' of line 2 is still open; close that with '}' first"}},
		{"a = (\n{ b = 1; }\n",
			{"t.conf:1: the '(' that begins here is not closed; close it with ')'"}},
		{"a = 1;\n};\n", {"t.conf:2: '}' closes nothing; remove it"}},
		{"a = [ 1,\n];\n", {"t.conf:2: ',' before ']'; remove the ','"}},
		{"a = [ \"x\"\n\"y\" ];\n", {"t.conf:2: \"y\" where ',' or ']' should stand"}},
		{"a = ( { } { } );\n", {"t.conf:1: '{' where ',' or ')' should stand"}},
		{"a = [ {} ];\n", {"t.conf:1: '{' in an array [ ]; a list of groups goes in ( )"}},
		{"a = 1;;\n", {"t.conf:1: ';' where a key should stand; write KEY = VALUE;"}},
		{"a = 1 = 2;\n", {"t.conf:1: '=' where ';' should end the value before it"}},
		{"a = 1;\nb = 2;\n\na = 3;\n",
			{"t.conf:4: key 'a' stands twice in one group, first in line 1; remove one"}},
		{"a = [ 1,\n\"x\" ];\n",
			{"t.conf:2: mismatched element type in array; an array [ ] holds values of "
			 "one type"}},
		{"a = $;\n", {"t.conf:1: '$' has no meaning here; remove it"}},
		{"\xef\xbb\xbf" DP, {"t.conf:1: byte 0xef has no meaning here; remove it"}},
		{"a = \"\x01\";\n", {"t.conf:1: a control character stands in a string; write it as \\xHH"}},
		{"@include \"other.conf\"\n",
			{"t.conf:1: @include \"other.conf\" is possible in a file only"}},
		{"@incl \"x\"\n", {"t.conf:1: '@' begins nothing but @include \"FILE\""}},
	};

	CHECK_ROWS(rows);
}

static void test_pools(void **state)
{
	static const struct row rows[] = {
		{IN_POOL("scheduler = \"mh\"; on_backend_down = \"keep\"; sticky = { };"), {0}},
		{IN_POOL("\nshceduler = \"rr\";"),
			{"t.conf:3: unknown key 'shceduler' in pool 'kv'; did you mean 'scheduler'?"}},
		{IN_POOL("scheduler = \"wcl\";"), {"t.conf:2: 'scheduler' is \"wcl\" in pool 'kv'; did you "
						   "mean \"wlc\"? give one of \"rr\", "
						   "\"wrr\", \"lc\", \"wlc\", \"sh\", \"mh\""}},
		{IN_POOL("scheduler = 3;"),
			{"t.conf:2: 'scheduler' is 3 in pool 'kv'; give one of \"rr\", \"wrr\", "
			 "\"lc\", \"wlc\", \"sh\", \"mh\""}},
		{IN_POOL("on_backend_down = \"ignore\";"), {"t.conf:2: 'on_backend_down' is \"ignore\" in "
							    "pool 'kv'; give one of \"keep\", \"reset\""}},
		{IN_POOL("sticky = true;"),
			{"t.conf:2: 'sticky' is true in pool 'kv'; give a group { KEY = VALUE; ... }"}},
		{IN_POOL("sticky = {\ntimeout_s = 0;\nipv4_prefix = 33; ipv6_prefix = 0; };"),
			{"t.conf:3: 'timeout_s' is 0 in sticky of pool 'kv'; give an integer 1..604800",
				"t.conf:4: 'ipv4_prefix' is 33 in sticky of pool 'kv'; give an integer 1..32",
				"t.conf:4: 'ipv6_prefix' is 0 in sticky of pool 'kv'; give an integer "
				"1..128"}},
		{"pools = (\n{ backends = (); },\n{ name = \"b\"; } );\n" DP,
			{"t.conf:2: 'name' is missing in pool no. 1; " A_NAME,
				"t.conf:3: 'backends' is missing in pool 'b'; give a list of groups ( { ... "
				"}, { ... } )"}},
		{"pools = (\n{ name = \"a/b\"; backends = (); },\n{ name = \"-a\"; backends = (); },\n"
		 "{ name = \"\\x1b[m\"; backends = (); } );\n" DP,
			{"t.conf:2: 'name' is \"a/b\" in pool 'a/b'; " A_NAME,
				"t.conf:3: 'name' is \"-a\" in pool '-a'; " A_NAME,
				"t.conf:4: 'name' is \"?[m\" in pool '?[m'; " A_NAME}},
		{"pools = (\n{ name = \"a\"; backends = (); },\n{ name = \"b\"; backends = (); },\n"
		 "{ name = \"a\"; backends = (); } );\n" DP,
			{"t.conf:4: pool name 'a' stands twice, first in line 2; choose another"}},
	};

	CHECK_ROWS(rows);
}

static void test_checks(void **state)
{
	static const struct row rows[] = {
		{IN_CHECK("type = \"none\";"), {0}},
		{IN_CHECK("type = \"tcp\"; send = \"PING\\r\\n\"; expect = \"\\\\x2bPONG\";"), {0}},
		{IN_CHECK("type = \"tcp\"; interval_ms = 100;"), {0}}, /* the default timeout follows */
		{IN_CHECK("rise = 2;"),
			{"t.conf:2: 'type' is missing in check of pool 'kv'; give one of \"none\", "
			 "\"tcp\", \"ping\""}},
		{IN_CHECK("type = \"script\";"),
			{"t.conf:2: 'type' is \"script\" in check of pool 'kv'; give one of "
			 "\"none\", \"tcp\", \"ping\""}},
		{IN_CHECK("type = \"tcp\"; interval_ms = 99;"), {"t.conf:2: 'interval_ms' is 99 in check of "
								 "pool 'kv'; give an integer 100..3600000"}},
		{IN_CHECK("type = \"tcp\"; interval_ms = 1.5;"),
			{"t.conf:2: 'interval_ms' is the fraction 1.5 in check of pool 'kv'; give an integer "
			 "100..3600000"}},
		{IN_CHECK("type = \"tcp\"; interval_ms = 200;\ntimeout_ms = 201;"),
			{"t.conf:3: 'timeout_ms' is 201 in check of pool 'kv', longer than its interval_ms "
			 "200; "
			 "give 10..200"}},
		{IN_CHECK("type = \"tcp\"; rise = 0; fall = 101; port = 0;"),
			{"t.conf:2: 'rise' is 0 in check of pool 'kv'; give an integer 1..100",
				"t.conf:2: 'fall' is 101 in check of pool 'kv'; give an integer 1..100",
				"t.conf:2: 'port' is 0 in check of pool 'kv'; give an integer 1..65535"}},
		{IN_CHECK("type = \"ping\"; send = \"x\";"),
			{"t.conf:2: 'send' in check of pool 'kv' is for type \"tcp\" only; remove it"}},
		{IN_CHECK("type = \"none\"; expect = \"x\"; port = 5;"),
			{"t.conf:2: 'port' in check of pool 'kv' is for type \"tcp\" only; remove it",
				"t.conf:2: 'expect' in check of pool 'kv' is for type \"tcp\" only; remove "
				"it"}},
		{IN_CHECK("type = \"tcp\"; send = \"a\\qb\";"),
			{"t.conf:2: 'send' in check of pool 'kv' has the escape '\\q', which is none; give "
			 "\\r \\n \\t "
			 "\\0 \\\\ or \\xHH"}},
		{IN_CHECK("type = \"tcp\"; expect = \"\\\\x4\";"),
			{"t.conf:2: 'expect' in check of pool 'kv' has the escape '\\x', which is none; give "
			 "\\r \\n "
			 "\\t \\0 \\\\ or \\xHH"}},
		{IN_CHECK("type = \"tcp\"; send = \"\";"),
			{"t.conf:2: 'send' in check of pool 'kv' has 0 bytes; give 1..1024, or remove it"}},
		{IN_CHECK("type = \"tcp\"; send = 5;"),
			{"t.conf:2: 'send' is 5 in check of pool 'kv'; give a string in quotes"}},
	};

	CHECK_ROWS(rows);
}

static void test_backends(void **state)
{
	static const struct row rows[] = {
		{IN_BACKENDS(
			 "{ name = \"a\"; address = \"10.0.0.1\"; port = 0x50; weight = 0; backup = true; }"),
			{0}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = 80L; weight = 256; }"), {0}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = \"80\"; }"),
			{"t.conf:2: 'port' is \"80\" in backend 'a' of pool 'kv'; give an integer 1..65535"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\";\nport = 65536; weight = 257; }"),
			{"t.conf:3: 'port' is 65536 in backend 'a' of pool 'kv'; give an integer 1..65535",
				"t.conf:3: 'weight' is 257 in backend 'a' of pool 'kv'; give an integer "
				"0..256"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = -1; weight = 4294967297; }"),
			{"t.conf:2: 'port' is -1 in backend 'a' of pool 'kv'; give an integer 1..65535",
				"t.conf:2: 'weight' is 4294967297 in backend 'a' of pool 'kv'; give an "
				"integer 0..256"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = 0x100000050; }"),
			{"t.conf:2: 'port' is 4294967376 in backend 'a' of pool 'kv'; give an integer "
			 "1..65535"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = 99999999999999999999; }"),
			{"t.conf:2: the number 99999999999999999999 is too large for any key; docs/CONFIG.md "
			 "has the "
			 "ranges"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = 1; backup = \"yes\"; }"),
			{"t.conf:2: 'backup' is \"yes\" in backend 'a' of pool 'kv'; give true or false"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"kv.example\"; port = 1; }"),
			{"t.conf:2: 'address' is \"kv.example\" in backend 'a' of pool 'kv'; give an IPv4 or "
			 "IPv6 "
			 "address in quotes"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"0.0.0.0\"; port = 1; },\n"
			     "{ name = \"b\"; address = \"fe80::1\"; port = 1; }"),
			{"t.conf:2: 'address' is 0.0.0.0 in backend 'a' of pool 'kv', which no host can "
			 "have; give a "
			 "unicast address",
				"t.conf:3: 'address' is fe80::1 in backend 'b' of pool 'kv', which no host "
				"can have; "
				"give a unicast address"}},
		{IN_BACKENDS("{ },\n1"), {"t.conf:3: element 2 of 'backends' in pool 'kv' is 1; give a group "
					  "{ KEY = VALUE; ... }"}},
		{IN_BACKENDS("{ name = \"a\"; }"), {"t.conf:2: 'address' is missing in backend 'a' of pool "
						    "'kv'; give an IPv4 or IPv6 address in "
						    "quotes",
							   "t.conf:2: 'port' is missing in backend 'a' of "
							   "pool 'kv'; give an integer 1..65535"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = 1; },\n"
			     "{ name = \"a\"; address = \"10.0.0.2\"; port = 1; }"),
			{"t.conf:3: backend name 'a' stands twice in pool 'kv', first in line 2; choose "
			 "another"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; port = 1; },\n"
			     "{ name = \"b\"; address = \"10.0.0.1\"; port = 2; },\n"
			     "{ name = \"c\"; address = \"10.0.0.1\"; port = 1; }"),
			{"t.conf:4: 10.0.0.1:1 stands twice in pool 'kv', as backend 'c' and in line 2; "
			 "remove one"}},
		{IN_BACKENDS("{ name = \"a\"; address = \"fd00::1\"; port = 1; },\n"
			     "{ name = \"b\"; port = 2;\naddress = \"10.0.0.1\"; }"),
			{"t.conf:4: backend 'b' has an IPv4 address in pool 'kv', whose first backend has an "
			 "IPv6 one; "
			 "make a pool for each family"}},
	};

	CHECK_ROWS(rows);
}

static void test_services(void **state)
{
	static const struct row rows[] = {
		{IN_SERVICES("{ " SERVICE " on_empty = \"drop\"; idle_timeout_s = 864000; }"), {0}},
		{IN_SERVICES("{ " SERVICE "\nidle_timeout_s = 864001; }"),
			{"t.conf:6: 'idle_timeout_s' is 864001 in service 'web'; give an integer 1..864000"}},
		{IN_SERVICES("{ " SERVICE " on_empty = \"rejct\"; }"),
			{"t.conf:5: 'on_empty' is \"rejct\" in service 'web'; did you mean \"reject\"? give "
			 "one of "
			 "\"reject\", \"drop\""}},
		{IN_SERVICES("{ name = \"web\"; address = \"10.0.1.1\"; port = 80; protocol = \"sctp\"; pool "
			     "= \"kv\"; }"),
			{"t.conf:5: 'protocol' is \"sctp\" in service 'web'; did you mean \"tcp\"? give one "
			 "of "
			 "\"tcp\", \"udp\""}},
		{IN_SERVICES("{ name = \"web\"; address = \"10.0.1.1\"; port = 80; protocol = \"tcp\";\npool "
			     "= \"vk\"; }"),
			{"t.conf:6: no pool is named 'vk' in service 'web'; did you mean 'kv'?"}},
		{IN_SERVICES("{ name = \"web\"; address = \"10.0.1.1\"; port = 80; protocol = \"tcp\"; pool "
			     "= \"mail\"; }"),
			{"t.conf:5: no pool is named 'mail' in service 'web'; add it to 'pools' or name "
			 "another"}},
		{IN_SERVICES("{ name = \"web\"; port = 80; protocol = \"tcp\"; pool = \"kv\";\naddress = "
			     "\"fd00::1\"; }"),
			{"t.conf:6: service 'web' has an IPv6 address, its pool 'kv' IPv4 backends; name a "
			 "pool of its "
			 "family"}},
		{IN_SERVICES("{ " SERVICE
			     " },\n{ name = \"web\"; address = \"10.0.1.1\"; port = 81; protocol = \"tcp\"; "
			     "pool = \"kv\"; }"),
			{"t.conf:6: service name 'web' stands twice, first in line 5; choose another"}},
		{IN_SERVICES("{ " SERVICE
			     " },\n{ name = \"w2\"; address = \"10.0.1.1\"; port = 80; protocol = \"udp\"; "
			     "pool = \"kv\"; }"),
			{0}},
		{IN_SERVICES("{ " SERVICE
			     " },\n{ name = \"w2\"; address = \"10.0.1.1\"; port = 80; protocol = \"tcp\"; "
			     "pool = \"kv\"; }"),
			{"t.conf:6: 10.0.1.1:80 tcp of service 'w2' is taken by service 'web' in line 5; "
			 "change one"}},
		{IN_SERVICES("{ name = \"web\"; address = \"10.0.2.2\"; port = 80; protocol = \"tcp\"; pool "
			     "= \"kv\"; }"),
			{"t.conf:3: 10.0.2.2:80 of backend 'b2' in pool 'kv' is the address of service 'web' "
			 "in line 5; "
			 "give the backend's own"}},
		{IN_SERVICES("{ name = \"web\"; }"),
			{"t.conf:5: 'address' is missing in service 'web'; give an IPv4 or IPv6 address in "
			 "quotes",
				"t.conf:5: 'port' is missing in service 'web'; give an integer 1..65535",
				"t.conf:5: 'protocol' is missing in service 'web'; give one of \"tcp\", "
				"\"udp\"",
				"t.conf:5: 'pool' is missing in service 'web'; give a string in quotes"}},
		/* A pool whose own name is wrong may be the one that is meant: nothing is said about the
		   service. */
		{"pools = (\n{ name = \"k v\"; backends = (); } );\nservices = ( { " SERVICE " } );\n" DP,
			{"t.conf:2: 'name' is \"k v\" in pool 'k v'; " A_NAME}},
	};

	CHECK_ROWS(rows);
}

static void test_dataplane(void **state)
{
	static const struct row rows[] = {
		{IN_DATAPLANE(
			 "interfaces = [ \"eth0\", \"bond0.100\" ]; max_flows = 1024; max_half_open = 256;"),
			{0}},
		{IN_DATAPLANE("max_flows = 1024;"), {"t.conf:1: 'interfaces' is missing in dataplane; give "
						     "an array of strings [ \"...\", \"...\" ]"}},
		{IN_DATAPLANE("interfaces = [ ];"),
			{"t.conf:2: 'interfaces' in dataplane has 0 elements; give 1..16 of them"}},
		{IN_DATAPLANE("interfaces = \"eth0\";"), {"t.conf:2: 'interfaces' is \"eth0\" in dataplane; "
							  "give an array of strings [ \"...\", \"...\" "
							  "]"}},
		{IN_DATAPLANE("interfaces = [ 1 ];"),
			{"t.conf:2: element 1 of 'interfaces' in dataplane is 1; give a string in quotes"}},
		{IN_DATAPLANE("interfaces = [\n\"eth0\",\n\"eth1\",\n\"eth0\"\n];"),
			{"t.conf:5: interface 'eth0' stands twice in dataplane; remove one"}},
		{IN_DATAPLANE("interfaces = [\n\"sixteen-letters-\"\n, \"a/b\"\n, \"\" ];"),
			{"t.conf:3: interface \"sixteen-letters-\" in dataplane; give a name of 1..15 "
			 "characters "
			 "without blanks, '/' and ':'",
				"t.conf:4: interface \"a/b\" in dataplane; give a name of 1..15 characters "
				"without "
				"blanks, '/' and ':'",
				"t.conf:5: interface \"\" in dataplane; give a name of 1..15 characters "
				"without "
				"blanks, '/' and ':'"}},
		{IN_DATAPLANE(
			 "interfaces = [ \"e\" ]; max_flows = 1023; max_services = 16385; max_backends = 15; "
			 "max_sticky = 4194305;"),
			{"t.conf:2: 'max_flows' is 1023 in dataplane; give an integer 1024..8388606",
				"t.conf:2: 'max_services' is 16385 in dataplane; give an integer 16..16384",
				"t.conf:2: 'max_backends' is 15 in dataplane; give an integer 16..65535",
				"t.conf:2: 'max_sticky' is 4194305 in dataplane; give an integer "
				"16..4194304"}},
		{IN_DATAPLANE("interfaces = [ \"e\" ]; max_flows = 1024;\nmax_half_open = 257;"),
			{"t.conf:3: 'max_half_open' is 257 in dataplane, more than a quarter of max_flows; "
			 "give "
			 "64..256"}},
	};

	CHECK_ROWS(rows);
}

static void test_nodes(void **state)
{
	static const char text[] =
		"nodes = (\n{ name = \"lb-a\"; priority = 200; peer_addresses = [ \"10.0.9.1\" ]; },\n"
		"{ name = \"lb-b\"; } );\n" DP;
	static const struct row rows[] = {
		{"nodes = (\n{ name = \"\"; priority = 0;\npeer_addresses = [ \"x\", \"::\" ]; } );\n" DP,
			{"t.conf:2: 'name' is \"\" in node no. 1; " A_NAME,
				"t.conf:2: 'priority' is 0 in node no. 1; give an integer 1..255",
				"t.conf:3: peer address \"x\" in node no. 1; give a unicast IPv4 or IPv6 "
				"address",
				"t.conf:3: peer address \"::\" in node no. 1; give a unicast IPv4 or IPv6 "
				"address"}},
		{"nodes = ();\n" DP, {"t.conf:1: 'nodes' in the file has 0 elements; give 1..16 of them"}},
	};
	static struct conf_errors errors;
	struct lb_model model;
	char host[256] = "", line[512], named[512];

	CHECK_ROWS(rows);
	assert_int_equal(lb_conf_load_memory("t", text, strlen(text), "lb-b", &model, &errors), 0);
	assert_string_equal(model.node, "lb-b");
	lb_model_clear(&model);
	assert_int_equal(lb_conf_load_memory("t", text, strlen(text), "lb-c", &model, &errors), -22);
	assert_string_equal(errors.error[0].text,
		"t:1: no node is named 'lb-c'; add it to 'nodes', or choose with -n one of lb-a, lb-b");
	assert_int_equal(lb_conf_load_memory("t", DP, strlen(DP), "lb-c", &model, &errors), -22);
	assert_string_equal(errors.error[0].text,
		"t: node 'lb-c' was asked for, but the file has no 'nodes'; add them or start without -n");
	assert_int_equal(lb_conf_load_memory("t", DP, strlen(DP), NULL, &model, &errors), 0);
	assert_string_equal(model.node, "");
	lb_model_clear(&model);

	/* Without -n the hostname chooses, with or without its domain. */
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_int_equal(lb_conf_load_memory("t", text, strlen(text), NULL, &model, &errors), -22);
	host[strcspn(host, ".")] = '\0';
	snprintf(line, sizeof(line),
		"t:1: no node is named '%.63s' (the hostname); add it to 'nodes', or choose "
		"with -n one of lb-a, lb-b",
		host);
	assert_string_equal(errors.error[0].text, line);
	snprintf(named, sizeof(named), "nodes = ( { name = \"%.63s\"; } );\n" DP, host);
	assert_int_equal(lb_conf_load_memory("t", named, strlen(named), NULL, &model, &errors), 0);
	assert_string_equal(model.node, host);
	lb_model_clear(&model);
}

static void test_defaults(void **state)
{
	static const char text[] = "pools = ( { name = \"p\"; backends = ( { name = \"b\"; address = "
				   "\"fd00::1\"; port = 9; } ); } );\n"
				   "services = ( { name = \"t\"; address = \"fd00::2\"; port = 1; protocol = "
				   "\"tcp\"; pool = \"p\"; },\n"
				   "{ name = \"u\"; address = \"fd00::2\"; port = 1; protocol = \"udp\"; "
				   "pool = \"p\"; } );\n" DP;
	static struct conf_errors errors;
	struct lb_model m;

	assert_int_equal(lb_conf_load_memory("t", text, strlen(text), NULL, &m, &errors), 0);
	assert_int_equal(m.pools[0].scheduler, LB_WLC);
	assert_int_equal(m.pools[0].on_backend_down, LB_DOWN_RESET);
	assert_false(m.pools[0].sticky.enabled);
	assert_int_equal(m.pools[0].sticky.timeout_s, 1800);
	assert_int_equal(m.pools[0].sticky.ipv4_prefix, 32);
	assert_int_equal(m.pools[0].sticky.ipv6_prefix, 128);
	assert_int_equal(m.pools[0].check.type, LB_CHECK_NONE);
	assert_int_equal(m.pools[0].check.interval_ms, 1000);
	assert_int_equal(m.pools[0].check.timeout_ms, 500);
	assert_int_equal(m.pools[0].check.rise, 2);
	assert_int_equal(m.pools[0].check.fall, 3);
	assert_int_equal(m.pools[0].backends[0].weight, 1);
	assert_false(m.pools[0].backends[0].backup);
	assert_int_equal(m.services[0].on_empty, LB_EMPTY_REJECT);
	assert_int_equal(m.services[0].idle_timeout_s, 7440);
	assert_int_equal(m.services[1].idle_timeout_s, 120);
	assert_int_equal(m.dataplane.max_flows, 1048576);
	assert_int_equal(m.dataplane.max_half_open, 65536);
	assert_int_equal(m.dataplane.max_services, 4096);
	assert_int_equal(m.dataplane.max_backends, 4096);
	assert_int_equal(m.dataplane.max_sticky, 65536);
	lb_model_clear(&m);
}

/* The example that is shipped is sound, and becomes what it says. */
static void test_example(void **state)
{
	static struct conf_errors errors;
	struct lb_model m;
	long kv, echo;

	if (lb_conf_load("etc/tandem.conf.example", "lb-a", &m, &errors))
		fail_msg("%s", errors.error[0].text);
	kv = lb_model_find_pool(&m, "kv");
	echo = lb_model_find_pool(&m, "echo");
	assert_true(kv >= 0 && echo >= 0 && lb_model_find_pool(&m, "time") >= 0);
	assert_true(m.pools[kv].sticky.enabled);
	assert_int_equal(m.pools[kv].sticky.ipv4_prefix, 24);
	assert_int_equal(m.pools[kv].check.type, LB_CHECK_TCP);
	assert_int_equal(m.pools[kv].check.send_len, 6);
	assert_memory_equal(m.pools[kv].check.send, "PING\r\n", 6);
	assert_memory_equal(m.pools[kv].check.expect, "+PONG", 5);
	assert_int_equal(m.pools[kv].backends[1].weight, 2);
	assert_true(m.pools[kv].backends[2].backup);
	assert_int_equal(m.pools[echo].on_backend_down, LB_DOWN_KEEP);
	assert_int_equal(m.services[lb_model_find_service(&m, "echo-udp")].pool, echo);
	assert_int_equal(m.services[lb_model_find_service(&m, "echo-udp")].protocol, LB_UDP);
	assert_int_equal(m.services[lb_model_find_service(&m, "kv6")].addr.family, AF_INET6);
	assert_int_equal(m.dataplane.interface_count, 2);
	assert_string_equal(m.dataplane.interfaces[1], "eth1");
	lb_model_clear(&m);
}

/* ---- size ---- */

/* A text of `pools` pools with 20 backends and a service each. The caller frees it. */
static char *big_text(size_t pools, unsigned max_backends, size_t *len)
{
	char *text;
	FILE *f = open_memstream(&text, len);

	fputs("pools = (\n", f);
	for (size_t p = 0; p < pools; p++) {
		fprintf(f, "%s{ name = \"pool%zu\"; backends = (\n", p ? ",\n" : "", p);
		for (unsigned b = 0; b < 20; b++)
			fprintf(f, "%s{ name = \"b%u\"; address = \"10.%zu.%zu.%u\"; port = 80; }",
				b ? ",\n" : "", b, p / 250, p % 250, b + 1);
		fputs("); }", f);
	}
	fputs(");\nservices = (\n", f);
	for (size_t p = 0; p < pools; p++)
		fprintf(f,
			"%s{ name = \"s%zu\"; address = \"192.168.%zu.%zu\"; port = 80; protocol = \"tcp\"; "
			"pool = \"pool%zu\"; }",
			p ? ",\n" : "", p, p / 250, p % 250 + 1, p);
	fprintf(f,
		");\ndataplane = { interfaces = [ \"eth0\" ]; max_backends = %u; max_services = 1000; };\n",
		max_backends);
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
	struct lb_model model;
	double begun;
	size_t len;
	char *text;

	text = big_text(1000, 20000, &len);
	begun = processor_seconds();
	assert_int_equal(lb_conf_load_memory("t", text, len, NULL, &model, &errors), 0);
	/* 0.12 s without sanitizers; anything quadratic over 20,000 backends takes far longer than this. */
	assert_true(processor_seconds() - begun < 2.0);
	assert_int_equal(model.services[999].pool, 999);
	lb_model_clear(&model);
	free(text);

	text = big_text(1000, 19999, &len);
	assert_int_equal(lb_conf_load_memory("t", text, len, NULL, &model, &errors), -22);
	assert_string_equal(errors.error[0].text,
		"t:1: 20000 backends in all pools are more than max_backends = "
		"19999; raise it in dataplane (up to 65535) or remove some");
	free(text);

	text = big_text(1001, 30000, &len);
	assert_int_equal(lb_conf_load_memory("t", text, len, NULL, &model, &errors), -22);
	assert_int_equal(errors.count, 1);
	assert_non_null(
		strstr(errors.error[0].text, ": 1001 services are more than max_services = 1000; raise it "
					     "in dataplane (up to 16384) or remove some"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_pools),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_backends),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_dataplane),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests_name("lb_conf", tests, NULL, NULL);
}
