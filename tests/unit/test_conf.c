/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The config reader with a table of its own: types and where they go, files and includes, line numbers,
 * numbers in all spellings, the bounds that keep bad input from costing time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/conf.h"
#include "common/conf_text.h"

enum colour { RED = 1, GREEN = 7 };

struct thing {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	bool flag;
	enum colour colour;
	char name[8];
	const char *text;
	struct net_addr addr;
	const config_setting_t *group, *groups, *texts;
};

static const struct conf_choice colours[] = {{"red", RED}, {"green", GREEN}, {0}};

static const struct conf_key keys[] = {
	{"u8", CONF_INT, false, CONF_AT(struct thing, u8), 0, 255, 3},
	{"u16", CONF_INT, false, CONF_AT(struct thing, u16), 1, 65535, 4},
	{"u32", CONF_INT, false, CONF_AT(struct thing, u32), 0, UINT32_MAX, 5},
	{"u64", CONF_INT, false, CONF_AT(struct thing, u64), 0, INT64_MAX, 6},
	{"flag", CONF_BOOL, false, CONF_AT(struct thing, flag), 0, 0, 1},
	{"colour", CONF_CHOICE, false, CONF_AT(struct thing, colour), 0, 0, GREEN, colours},
	{"name", CONF_NAME, false, CONF_AT(struct thing, name)},
	{"text", CONF_TEXT, false, CONF_AT(struct thing, text)},
	{"addr", CONF_ADDRESS, false, CONF_AT(struct thing, addr)},
	{"group", CONF_GROUP, false, CONF_AT(struct thing, group)},
	{"groups", CONF_GROUPS, false, CONF_AT(struct thing, groups), 0, 2},
	{"texts", CONF_TEXTS, false, CONF_AT(struct thing, texts), 0, 2},
	{0},
};

static struct conf_errors errors;

/* Read text; conf is the caller's to close (NULL after an error in the text itself). */
static struct conf *read_thing(const char *text, struct thing *thing)
{
	struct conf *conf;

	conf_errors_init(&errors);
	memset(thing, 0xa5, sizeof(*thing)); /* what the reader leaves out shows */
	if (!conf_open_memory("t", text, strlen(text), &conf, &errors))
		conf_read(conf, conf_root(conf), "the test", keys, thing);
	conf_errors_sort(&errors);
	return conf;
}

static void values_go_where_the_table_says(void **state)
{
	struct thing t;
	struct conf *conf = read_thing(
		"u8 = 255; u16 : 0xFfFf u32 = 4294967295, u64 = 0x7fffffffffffffffL;\n"
		"flag = FALSE; colour = \"red\"; name = \"a.b_c-9\"; text = \"x\" /* and */ \"y\";\n"
		"addr = \"fd00::1\"; group = { }; groups = ( {}, {} ); texts = [ \"p\", \"q\" ];",
		&t);

	assert_int_equal(errors.count, 0);
	assert_int_equal(t.u8, 255);
	assert_int_equal(t.u16, 65535);
	assert_int_equal(t.u32, UINT32_MAX);
	assert_true(t.u64 == INT64_MAX);
	assert_false(t.flag);
	assert_int_equal(t.colour, RED);
	assert_string_equal(t.name, "a.b_c-9");
	assert_string_equal(t.text, "xy");
	assert_int_equal(t.addr.family, AF_INET6);
	assert_non_null(t.group);
	assert_int_equal(conf_length(t.groups), 2);
	assert_int_equal(conf_length(t.texts), 2);
	assert_string_equal(conf_element_text(t.texts, 1), "q");
	conf_close(conf);
}

static void absent_and_wrong_keys_leave_defaults(void **state)
{
	static const char *const texts[] = {"",
		"u8 = 256; u16 = 0; u32 = -1; u64 = \"1\"; flag = 1; colour = \"blue\"; "
		"name = \"eightlen\"; text = 1; addr = \"224.0.0.1\"; group = (); "
		"groups = ( {}, {}, {} ); texts = ( \"a\", 1 );"};

	for (size_t i = 0; i < 2; i++) {
		struct thing t;
		struct conf *conf = read_thing(texts[i], &t);

		assert_int_equal(errors.count, i ? 12 : 0);
		assert_int_equal(t.u8, 3);
		assert_int_equal(t.u16, 4);
		assert_int_equal(t.u32, 5);
		assert_int_equal(t.u64, 6);
		assert_true(t.flag);
		assert_int_equal(t.colour, GREEN);
		assert_string_equal(t.name, "");
		assert_null(t.text);
		assert_int_equal(t.addr.family, AF_UNSPEC);
		assert_null(t.group);
		assert_null(t.groups);
		assert_null(t.texts);
		conf_close(conf);
	}
}

static void integers_never_wrap(void **state)
{
	static const char *const wrong[] = {"u8 = 256;", "u8 = 4294967296;", "u8 = 4294967299L;",
		"u8 = 0x100000001;", "u8 = 0xFFFFFFFFFFFFFFFF;", "u8 = 18446744073709551617;", "u8 = 1.0;",
		"u8 = 1e2;", "u8 = true;", "u8 = -1;", "u8 = 1x;", "u8 = 0x;", "u8 = 1LLL;", "u8 = --1;",
		"u8 = .;", "u8 = 1e;", "u8 = 1e999;"};
	static const char *const right[] = {
		"u8 = 7;", "u8 = 07;", "u8 = +7;", "u8 = 0x7;", "u8 = 0X07L;", "u8 = 7LL;"};
	struct thing t;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		conf_close(read_thing(wrong[i], &t));
		if (errors.count != 1)
			fail_msg("'%s' gave %zu errors", wrong[i], errors.count);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		conf_close(read_thing(right[i], &t));
		if (errors.count || t.u8 != 7)
			fail_msg("'%s' gave %u", right[i], t.u8);
	}
}

static void escapes_reach_the_schema_whole(void **state)
{
	struct thing t;
	struct conf *conf = read_thing("text = \"\\x00\\x41\\r\\0\\\\r\\q\\\"\\a\";", &t);

	assert_int_equal(errors.count, 0);
	assert_string_equal(t.text, "\\0A\r\\0\\r\\q\"\\a");
	conf_close(conf);
}

static void errors_stand_in_order_and_are_bounded(void **state)
{
	char text[4096] = "";
	struct thing t;
	FILE *out;
	char *shown;
	size_t len;

	for (int i = 0; i < 30; i++)
		sprintf(text + strlen(text), "unknown%d = 1;\n", i);
	strcat(text, "u8 = 300;\n");
	conf_close(read_thing(text, &t));
	assert_int_equal(errors.count, 31);
	assert_int_equal(errors.shown, CONF_ERRORS_MAX);
	assert_ptr_equal(strstr(errors.error[19].text, "t:20: "), errors.error[19].text);
	out = open_memstream(&shown, &len);
	conf_errors_write(&errors, out, "x ");
	fclose(out);
	assert_non_null(strstr(shown, "x 11 more errors are not shown; correct these first\n"));
	free(shown);

	/* The table's order is not the file's. */
	conf_close(read_thing("u16 = 0;\nu8 = 300;\nzz = 1;\n", &t));
	assert_int_equal(errors.count, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(errors.error[i].text[2], '1' + i);
}

static void bad_bytes_do_not_reach_the_terminal(void **state)
{
	struct thing t;

	conf_close(read_thing("colour = \"\\x1b[31m\\xff\";", &t));
	assert_string_equal(errors.error[0].text,
		"t:1: 'colour' is \"?[31m?\" in the test; give one of \"red\", \"green\"");
}

/* Open bytes as a config: the first error, or "" */
static const char *open_bytes(const void *buf, size_t len)
{
	struct conf *conf;

	conf_errors_init(&errors);
	conf_open_memory("t", buf, len, &conf, &errors);
	conf_close(conf);
	return errors.shown ? errors.error[0].text : "";
}

static void cost_is_bounded(void **state)
{
	size_t len = CONF_SIZE_MAX + 1;
	char *big = malloc(len), *at = big;

	memset(big, '\n', len);
	assert_string_equal(
		open_bytes(big, len), "t: the config has more than 16777216 bytes; make it smaller");
	assert_string_equal(open_bytes(big, len - 1), "");
	assert_string_equal(open_bytes("a\n\0b", 4), "t:2: a NUL byte stands here; a config is plain text");
	memcpy(big, "a = ", 4);
	memset(big + 4, '(', 100);
	assert_string_equal(open_bytes(big, 104), "t:1: brackets go deeper than 32 levels; remove some");
	for (int i = 0; i < 65; i++)
		at += sprintf(at, "k%d = 1;\n", i);
	assert_string_equal(
		open_bytes(big, (size_t)(at - big)), "t:65: more than 64 keys in one group; remove some");
	at = big + sprintf(big, "a = [ 1");
	for (int i = 0; i < 65536; i++)
		at += sprintf(at, ",\n1");
	assert_string_equal(open_bytes(big, (size_t)(at - big)),
		"t:65536: more than 65536 values in one list; remove some");
	memset(big, '1', 100);
	memcpy(big, "a = ", 4);
	assert_string_equal(open_bytes(big, 100), "t:1: a number of more than 64 characters");
	free(big);
}

/* ---- files ---- */

static char dir[] = "/tmp/tandem-test-conf-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"main", "part", "sub/inner", "fifo", "loop", "cut", "link"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	rmdir(in_dir("sub"));
	return rmdir(dir);
}

/* Open a file of the directory: the first error without the directory's name in front, or "". */
static const char *open_file(const char *name)
{
	struct conf *conf;

	conf_errors_init(&errors);
	conf_open(in_dir(name), &conf, &errors);
	conf_close(conf);
	return errors.shown ? errors.error[0].text + strlen(dir) + 1 : "";
}

static void what_is_no_config_file_is_refused(void **state)
{
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(symlink("link", in_dir("link")), 0);
	assert_string_equal(open_file("none"),
		"none: cannot read the config: No such file or directory; name another "
		"one with -c FILE");
	assert_string_equal(open_file("."),
		".: cannot read the config: it is a directory; name another one with "
		"-c FILE");
	assert_string_equal(open_file("fifo"),
		"fifo: cannot read the config: it is not a regular file; name another "
		"one with -c FILE");
	assert_string_equal(open_file("link"),
		"link: cannot read the config: Too many levels of symbolic links; name "
		"another one with -c FILE");
}

static void an_include_keeps_files_and_lines_apart(void **state)
{
	struct conf *conf;
	struct thing t;
	static const char *const wants[] = {"main:1: 'u16' is 0", "part:3: 'u8' is 256",
		"main:3: 'u32' is -1", "sub/inner:2: 'text' is 3", "main:5: 'flag' is 1"};

	assert_int_equal(mkdir(in_dir("sub"), 0700), 0);
	write_file("main", "u16 = 0;\n  @include \"part\"\nu32 = -1;\n@include \"sub/inner\"\nflag = 1;\n");
	write_file("part", "# a comment\n\nu8 = 256;\n");
	write_file("sub/inner", "@include \"../cut\"\ntext = 3;\n"); /* seen from sub/ */
	write_file("cut", "name = \"ok\";");
	conf_errors_init(&errors);
	assert_int_equal(conf_open(in_dir("main"), &conf, &errors), 0);
	conf_read(conf, conf_root(conf), "the test", keys, &t);
	conf_errors_sort(&errors);
	assert_int_equal(errors.count, 5);
	for (size_t i = 0; i < 5; i++)
		if (strncmp(errors.error[i].text + strlen(dir) + 1, wants[i], strlen(wants[i])))
			fail_msg("gave %s, wants %s", errors.error[i].text, wants[i]);
	assert_string_equal(t.name, "ok");
	conf_close(conf);
}

static void bad_includes_are_refused(void **state)
{
	const char *got;

	write_file("loop", "\n@include \"loop\"\n");
	assert_string_equal(open_file("loop"),
		"loop:2: @include \"loop\" goes deeper than 8 levels; does a file include itself?");
	write_file("main", "@include \"/\"\n");
	assert_string_equal(open_file("main"), "main:1: cannot read '/' for @include: it is a directory; "
					       "correct the name or remove the line");
	write_file("main", "a = 1;\n@include \"none\"\n");
	got = open_file("main");
	assert_ptr_equal(strstr(got, "main:2: cannot read '"), got);
	assert_non_null(strstr(got, "/none' for @include: No such file or directory; correct the name"));
	write_file("main", "a = (\n@include \"part\"\n");
	write_file("part", "{ b = 1;\n");
	assert_string_equal(
		open_file("main"), "part:1: the '{' that begins here is not closed; close it with '}'");
	write_file("main", "@include part\n");
	assert_string_equal(
		open_file("main"), "main:1: @include without a file name; write @include \"FILE\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_go_where_the_table_says),
		cmocka_unit_test(absent_and_wrong_keys_leave_defaults),
		cmocka_unit_test(integers_never_wrap),
		cmocka_unit_test(escapes_reach_the_schema_whole),
		cmocka_unit_test(errors_stand_in_order_and_are_bounded),
		cmocka_unit_test(bad_bytes_do_not_reach_the_terminal),
		cmocka_unit_test(cost_is_bounded),
		cmocka_unit_test(what_is_no_config_file_is_refused),
		cmocka_unit_test(an_include_keeps_files_and_lines_apart),
		cmocka_unit_test(bad_includes_are_refused),
	};

	return cmocka_run_group_tests_name("conf", tests, make_dir, remove_dir);
}
