/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expect matcher against memmem() over random pieces, its limit, and the quoting of hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lb/lb_expect.h"
#include "lb/lb_model.h"

/* Feed the text in pieces of `piece` bytes. */
static enum lb_expect_result feed_pieces(const char *pattern, const char *text, size_t piece)
{
	struct lb_expect e = {0};
	enum lb_expect_result result = LB_EXPECT_MORE;
	size_t len = strlen(text);

	for (size_t at = 0; at < len && result == LB_EXPECT_MORE; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		result = lb_expect_feed(
			&e, (const uint8_t *)pattern, strlen(pattern), (const uint8_t *)text + at, n);
	}
	return result;
}

static void found_in_pieces_of_every_size(void **state)
{
	static const struct {
		const char *pattern, *text;
		enum lb_expect_result result;
	} rows[] = {
		{"PONG", "+PONG\r\n", LB_EXPECT_FOUND},
		{"PONG", "+PON", LB_EXPECT_MORE},
		{"PONG", "PPOPONPONG", LB_EXPECT_FOUND},
		{"aab", "aaaaaab", LB_EXPECT_FOUND},
		{"abababc", "abababababc", LB_EXPECT_FOUND},
		{"aabaaab", "aabaabaaab", LB_EXPECT_FOUND},
		{"PONG", "-ERR unknown command", LB_EXPECT_MORE},
		{"x", "x", LB_EXPECT_FOUND},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (size_t piece = 1; piece <= strlen(rows[r].text); piece++)
			assert_int_equal(feed_pieces(rows[r].pattern, rows[r].text, piece), rows[r].result);
}

static void agrees_with_memmem(void **state)
{
	srandom(9);
	for (int round = 0; round < 20000; round++) {
		uint8_t pattern[12], text[200];
		size_t plen = 1 + (size_t)random() % sizeof(pattern), tlen = (size_t)random() % sizeof(text),
		       at = 0;
		unsigned letters = 1 + (unsigned)random() % 3;
		struct lb_expect e = {0};
		enum lb_expect_result result = LB_EXPECT_MORE;

		for (size_t i = 0; i < plen; i++)
			pattern[i] = (uint8_t)(random() % letters);
		for (size_t i = 0; i < tlen; i++)
			text[i] = (uint8_t)(random() % letters);
		while (at < tlen && result == LB_EXPECT_MORE) {
			size_t n = 1 + (size_t)random() % (tlen - at);

			result = lb_expect_feed(&e, pattern, plen, text + at, n);
			at += n;
		}
		assert_int_equal(result == LB_EXPECT_FOUND, memmem(text, tlen, pattern, plen) != NULL);
		if (result == LB_EXPECT_MORE) {
			assert_int_equal(e.seen, tlen);
			assert_int_equal(e.head_len, tlen < LB_EXPECT_HEAD_MAX ? tlen : LB_EXPECT_HEAD_MAX);
		}
		assert_memory_equal(e.head, text, e.head_len);
	}
}

static void endless_data_ends_at_the_limit(void **state)
{
	static uint8_t noise[10000];
	uint8_t pattern[2] = {0, 1};
	struct lb_expect e = {0};
	int pieces = 0;

	while (lb_expect_feed(&e, pattern, 2, noise, sizeof(noise)) == LB_EXPECT_MORE)
		pieces++;
	assert_int_equal(pieces, LB_EXPECT_REPLY_MAX / sizeof(noise));
	assert_int_equal(e.seen, LB_EXPECT_REPLY_MAX);

	/* The pattern's last byte is the last that counts, or one behind it. */
	for (size_t tail = 0; tail < 2; tail++) {
		memset(&e, 0, sizeof(e));
		e.seen = LB_EXPECT_REPLY_MAX - 10;
		noise[9 + tail] = 1;
		assert_int_equal(
			lb_expect_feed(&e, pattern, 2, noise, 20), tail ? LB_EXPECT_LIMIT : LB_EXPECT_FOUND);
		noise[9 + tail] = 0;
	}
}

static void longest_and_odd_patterns(void **state)
{
	static uint8_t pattern[LB_CHECK_TEXT_MAX + 1], text[3 * LB_CHECK_TEXT_MAX];
	struct lb_expect e = {0};

	memset(pattern, 'a', sizeof(pattern));
	memset(text, 'a', sizeof(text));
	pattern[LB_CHECK_TEXT_MAX - 1] = 'b';
	text[sizeof(text) - 1] = 'b';
	assert_int_equal(lb_expect_feed(&e, pattern, LB_CHECK_TEXT_MAX, text, sizeof(text)), LB_EXPECT_FOUND);
	memset(&e, 0, sizeof(e));
	assert_int_equal(
		lb_expect_feed(&e, pattern, LB_CHECK_TEXT_MAX + 1, text, sizeof(text)), LB_EXPECT_LIMIT);
	assert_int_equal(lb_expect_feed(&e, pattern, 0, text, 0), LB_EXPECT_FOUND);
}

static void quotes_are_printable_and_bounded(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, max, size;
		const char *quoted;
	} rows[] = {
		{"-ERR\r\n", 6, 48, 64, "\"-ERR\\r\\n\""},
		{"", 0, 48, 64, "\"\""},
		{"a\0\x1b[31m\xff", 8, 48, 64, "\"a\\x00\\x1b[31m\\xff\""},
		{"say \"hi\\\"", 9, 48, 64, "\"say \\\"hi\\\\\\\"\""},
		{"abcdef", 6, 3, 64, "\"abc\"..."},
		{"abcdef", 6, 48, 10, "\"abcd\"..."},
		{"abc\xff", 4, 48, 10, "\"abc\"..."},
		{"x", 1, 48, 8, "\"x\""},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		char out[64];

		memset(out, '#', sizeof(out));
		lb_expect_quote((const uint8_t *)rows[r].bytes, rows[r].len, rows[r].max, out, rows[r].size);
		assert_string_equal(out, rows[r].quoted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_in_pieces_of_every_size),
		cmocka_unit_test(agrees_with_memmem),
		cmocka_unit_test(endless_data_ends_at_the_limit),
		cmocka_unit_test(longest_and_odd_patterns),
		cmocka_unit_test(quotes_are_printable_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
