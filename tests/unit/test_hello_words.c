/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the answers of hello_server say of boundaries, order and loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/hello_words.h"

static struct hello_tally tally(const char *const *lines)
{
	struct hello_tally t;

	hello_tally_init(&t);
	for (; *lines != NULL; lines++)
		hello_tally_line(&t, *lines);
	return t;
}

#define TALLY(...) tally((const char *const[]){__VA_ARGS__, NULL})

static void test_words(void **state)
{
	char text[HELLO_MESSAGE_MAX], line[HELLO_LINE_MAX], bytes[2000];

	assert_int_equal(hello_message(7, text), 8);
	assert_string_equal(text, "hello 7;");
	assert_int_equal(hello_answer(2, 3, 9, "a\nb", line), strlen("read 2: 3 of 9 bytes: a?b\n"));
	assert_string_equal(line, "read 2: 3 of 9 bytes: a?b\n");
	memset(bytes, 'x', sizeof(bytes));
	assert_true(hello_answer((size_t)-1, sizeof(bytes), (size_t)-1, bytes, line) < HELLO_LINE_MAX);
}

static void test_kept(void **state)
{
	struct hello_tally t = TALLY("read 1: 8 of 8 bytes: hello 1;", "read 2: 8 of 8 bytes: hello 2;");

	assert_int_equal(t.reads, 2);
	assert_int_equal(t.exact, 2);
	assert_int_equal(t.got, 16);
	assert_int_equal(t.lost, 0);
	assert_true(t.order && !t.strange);
}

static void test_joined(void **state)
{
	struct hello_tally t = TALLY("read 1: 16 of 16 bytes: hello 1;hello 2;");

	assert_int_equal(t.reads, 1);
	assert_int_equal(t.exact, 0);
	assert_true(t.order);
}

/* A stream with a small buffer cuts, and loses nothing; the others lose. */
static void test_cut(void **state)
{
	struct hello_tally t = TALLY(
		"read 1: 5 of 5 bytes: hello", "read 2: 5 of 5 bytes:  1;he", "read 3: 6 of 6 bytes: llo 2;");

	assert_true(t.order);
	assert_int_equal(t.exact, 0);
	assert_int_equal(t.lost, 0);
	t = TALLY("read 1: 5 of 8 bytes: hello", "read 2: 5 of 8 bytes: hello");
	assert_true(t.order);
	assert_int_equal(t.lost, 6);
}

static void test_order(void **state)
{
	struct hello_tally t = TALLY("read 1: 8 of 8 bytes: hello 2;", "read 2: 8 of 8 bytes: hello 1;");

	assert_false(t.order);
	assert_int_equal(t.exact, 2);
	assert_false(t.strange);
}

static void test_strange(void **state)
{
	static const char *const lines[] = {"", "hello", "read 1: 8 of 8 bytes: hello 1",
		"read x: 8 of 8 bytes: hello 1;", "read 1: 9 of 8 bytes: hello 1;;",
		"read 1: 0 of 18446744073709551615 bytes: ", "read 1: 8 of 8 bytes:", "read 1: 8 of 8 byt"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct hello_tally t = TALLY(lines[i]);

		assert_true(t.strange);
		assert_int_equal(t.reads, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
