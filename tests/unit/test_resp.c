/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RESP2: requests whole and in every split, limits, inline commands, replies written and read back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/glob.h"
#include "apps/resp.h"
#include "apps/resp_reply.h"

static enum resp_status parse(struct resp_parser *parser, const char *text, uint8_t **copy)
{
	size_t len = strlen(text);

	*copy = malloc(len + 1);
	memcpy(*copy, text, len);
	resp_parser_init(parser);
	return resp_parse(parser, *copy, len);
}

static void expect_args(const char *text, uint32_t argc, const char *const *args)
{
	struct resp_parser parser;
	uint8_t *buf;

	assert_int_equal(parse(&parser, text, &buf), RESP_OK);
	assert_int_equal(parser.argc, argc);
	assert_int_equal(parser.pos, strlen(text));
	for (uint32_t i = 0; i < argc; i++) {
		assert_int_equal(parser.args[i].len, strlen(args[i]));
		assert_memory_equal(parser.args[i].data, args[i], strlen(args[i]));
	}
	resp_parser_free(&parser);
	free(buf);
}

static void expect_bad(const char *text, const char *error)
{
	struct resp_parser parser;
	uint8_t *buf;

	assert_int_equal(parse(&parser, text, &buf), RESP_BAD);
	assert_string_equal(parser.error, error);
	resp_parser_free(&parser);
	free(buf);
}

static void requests(void **state)
{
	expect_args("*2\r\n$3\r\nGET\r\n$1\r\na\r\n", 2, (const char *[]){"GET", "a"});
	expect_args("*1\r\n$0\r\n\r\n", 1, (const char *[]){""});
	expect_args("*6\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nf\r\n", 6,
		(const char *[]){"a", "b", "c", "d", "e", "f"});
	expect_args("*0\r\n", 0, NULL);
	expect_args("*-1\r\n", 0, NULL);
}

static void inline_requests(void **state)
{
	expect_args("PING\r\n", 1, (const char *[]){"PING"});
	expect_args("\r\n", 0, NULL);
	expect_args("  SET  a\t\"x \\\"y\\\" \\x41\\n\" '' 'it\\'s'\n", 5,
		(const char *[]){"SET", "a", "x \"y\" A\n", "", "it's"});
	expect_args("1 2 3 4 5 6 7 8 9\n", 9, (const char *[]){"1", "2", "3", "4", "5", "6", "7", "8", "9"});
	expect_bad("SET a \"b\r\n", "unbalanced quotes in request");
	expect_bad("SET a \"b\"c\r\n", "unbalanced quotes in request");
}

static void errors(void **state)
{
	expect_bad("*x\r\n", "invalid multibulk length");
	expect_bad("*131073\r\n", "invalid multibulk length");
	expect_bad("*99999999999999999999999\r\n", "invalid multibulk length");
	expect_bad("*11111111111111111111111111111111111", "invalid multibulk length");
	expect_bad("*1\r\nGET\r\n", "expected '$'");
	expect_bad("*1\r\n$-1\r\n", "invalid bulk length");
	expect_bad("*1\r\n$16777217\r\n", "invalid bulk length");
	expect_bad("*1\r\n$9223372036854775808\r\n", "invalid bulk length");
	expect_bad("*1\r\n$1\r\naXX", "no end of line after a bulk");
	expect_bad("*1\r\n$1\rx", "invalid bulk length");
}

static void long_inline(void **state)
{
	struct resp_parser parser;
	uint8_t *buf = malloc(RESP_INLINE_MAX);

	memset(buf, 'a', RESP_INLINE_MAX);
	resp_parser_init(&parser);
	assert_int_equal(resp_parse(&parser, buf, RESP_INLINE_MAX - 1), RESP_MORE);
	assert_int_equal(resp_parse(&parser, buf, RESP_INLINE_MAX), RESP_BAD);
	resp_parser_free(&parser);
	free(buf);
}

/* A request may come in any pieces, and in a buffer that moves: the outcome is the same. */
static void every_split(void **state)
{
	static const char text[] = "*3\r\n$3\r\nSET\r\n$2\r\na\n\r\n$12\r\n0123456789\r\n\r\n";
	size_t len = sizeof(text) - 1;

	for (size_t cut = 0; cut < len; cut++) {
		struct resp_parser parser;
		uint8_t *first = malloc(cut + 1), *whole = malloc(len);

		memcpy(first, text, cut);
		memcpy(whole, text, len);
		resp_parser_init(&parser);
		assert_int_equal(resp_parse(&parser, first, cut), RESP_MORE);
		free(first);
		assert_int_equal(resp_parse(&parser, whole, len), RESP_OK);
		assert_int_equal(parser.argc, 3);
		assert_int_equal(parser.pos, len);
		assert_memory_equal(parser.args[1].data, "a\n", 2);
		assert_int_equal(parser.args[2].len, 12);
		resp_parser_free(&parser);
		free(whole);
	}
}

static void pipelined(void **state)
{
	uint8_t buf[] = "PING\r\n*1\r\n$4\r\nPING\r\nECHO hi\r\n*1\r\n$4\r\nPI";
	struct resp_parser parser;
	size_t pos = 0;
	int count = 0;

	resp_parser_init(&parser);
	while (resp_parse(&parser, buf + pos, sizeof(buf) - 1 - pos) == RESP_OK) {
		pos += parser.pos;
		resp_next(&parser);
		count++;
	}
	assert_int_equal(count, 3);
	assert_int_equal(resp_wanted(&parser), 14);
	resp_parser_free(&parser);
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		bool good;
		int64_t value;
	} rows[] = {
		{"0", true, 0},
		{"-1", true, -1},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"", false, 0},
		{"-", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"01", false, 0},
		{"-0", false, 0},
		{"1a", false, 0},
		{"99999999999999999999", false, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t value = 0;

		assert_int_equal(resp_to_int((const uint8_t *)rows[i].text, strlen(rows[i].text), &value),
			rows[i].good);
		if (rows[i].good)
			assert_true(value == rows[i].value);
	}
}

static void replies(void **state)
{
	static const char want[] =
		"+OK\r\n-ERR a  b\r\n:-9223372036854775808\r\n$2\r\nhi\r\n$-1\r\n*2\r\n:1\r\n*0\r\n";
	struct resp_out out;
	size_t pos = 0;
	int count = 0;

	resp_out_init(&out, 1024);
	resp_simple(&out, "OK");
	resp_error(&out, "ERR a%sb", "\r\n");
	resp_integer(&out, INT64_MIN);
	resp_bulk_text(&out, "hi");
	resp_null(&out);
	resp_array(&out, 2);
	resp_integer(&out, 1);
	resp_array(&out, 0);
	assert_int_equal(out.len, sizeof(want) - 1);
	assert_memory_equal(out.data, want, out.len);
	while (pos < out.len) {
		long size = resp_reply_size(out.data + pos, out.len - pos);

		assert_true(size > 0);
		for (size_t cut = 0; cut < (size_t)size; cut++)
			assert_int_equal(resp_reply_size(out.data + pos, cut), 0);
		pos += (size_t)size;
		count++;
	}
	assert_int_equal(count, 6);
	resp_out_free(&out);
}

static void bounded_reply(void **state)
{
	struct resp_out out;

	resp_out_init(&out, 16);
	resp_bulk_text(&out, "0123456789abcdef");
	assert_true(out.failed);
	assert_true(out.len <= 16);
	resp_out_free(&out);
}

static void bad_replies(void **state)
{
	static const char *const texts[] = {"hello\r\n", "$x\r\n", "$-2\r\n", "$1\r\nabc", ":1\rx", "*-5\r\n",
		"*999999999999\r\n", "$99999999999\r\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(resp_reply_size((const uint8_t *)texts[i], strlen(texts[i])), -EPROTO);
}

static bool matches(const char *pattern, const char *text)
{
	return glob_match((const uint8_t *)pattern, strlen(pattern), (const uint8_t *)text, strlen(text));
}

static void globs(void **state)
{
	assert_true(matches("*", ""));
	assert_true(matches("h?llo", "hello"));
	assert_true(matches("h*o*d", "hello world"));
	assert_true(matches("[a-c]x[^0-9]", "bxz"));
	assert_true(matches("[c-a]", "b"));
	assert_true(matches("\\*", "*"));
	assert_true(matches("a[]]*", "a") == false);
	assert_true(matches("[abc", "c"));
	assert_false(matches("", "a"));
	assert_false(matches("h?llo", "hllo"));
	assert_false(matches("[^a]", "a"));
	assert_false(matches("\\*", "x"));
	assert_false(
		matches("a*b*c*d*e*f*g*h*i*j*k*l*m*n*", "abcdefghijklmaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(inline_requests),
		cmocka_unit_test(errors),
		cmocka_unit_test(long_inline),
		cmocka_unit_test(every_split),
		cmocka_unit_test(pipelined),
		cmocka_unit_test(integers),
		cmocka_unit_test(replies),
		cmocka_unit_test(bounded_reply),
		cmocka_unit_test(bad_replies),
		cmocka_unit_test(globs),
	};

	return cmocka_run_group_tests_name("resp", tests, NULL, NULL);
}
