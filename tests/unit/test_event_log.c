/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/event_log.h"

static size_t count_after(const struct event_log *log, uint64_t since, uint64_t *first)
{
	size_t n = 0;

	*first = 0;
	for (const struct event_record *e = event_log_after(log, since); e;
		e = event_log_after(log, e->seq)) {
		if (n == 0)
			*first = e->seq;
		assert_int_equal(e->seq, *first + n);
		assert_int_equal(e->time_ms, e->seq * 10);
		n++;
	}
	return n;
}

static void the_last_ones_are_kept(void **state)
{
	struct event_log *log = event_log_new(4);
	uint64_t first;

	assert_int_equal(event_log_last(log), 0);
	assert_null(event_log_after(log, 0));
	for (uint64_t i = 1; i <= 10; i++) {
		assert_int_equal(event_log_add(log, i * 10, "backend kv/kv1", "down", "connect: refused"), i);
		assert_int_equal(event_log_last(log), i);
		assert_int_equal(count_after(log, 0, &first), i < 4 ? i : 4);
		assert_int_equal(first, i < 4 ? 1 : i - 3);
	}
	assert_int_equal(count_after(log, 2, &first), 4); /* gone already: the oldest that is kept */
	assert_int_equal(count_after(log, 6, &first), 4);
	assert_int_equal(count_after(log, 7, &first), 3);
	assert_int_equal(first, 8);
	assert_int_equal(count_after(log, 9, &first), 1);
	assert_int_equal(count_after(log, 10, &first), 0);
	assert_int_equal(count_after(log, UINT64_MAX, &first), 0);
	event_log_free(log);
}

static void one_is_enough_and_none_is_not(void **state)
{
	struct event_log *log = event_log_new(1);

	event_log_add(log, 1, "a", "b", NULL);
	event_log_add(log, 2, "c", "d", "e");
	assert_int_equal(event_log_after(log, 0)->seq, 2);
	assert_string_equal(event_log_after(log, 0)->subject, "c");
	event_log_free(log);
	assert_null(event_log_new(0));
	assert_null(event_log_new(SIZE_MAX / 8));
}

static void strings_are_bounded_and_clean(void **state)
{
	struct event_log *log = event_log_new(2);
	char cause[1000];

	memset(cause, 'x', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	event_log_add(log, 1, "s\x1b[31m\xff", "e\n", cause);

	const struct event_record *e = event_log_after(log, 0);

	assert_string_equal(e->subject, "s?[31m?");
	assert_string_equal(e->event, "e?");
	assert_int_equal(strlen(e->cause), EVENT_CAUSE_MAX - 1);
	assert_string_equal(e->cause + EVENT_CAUSE_MAX - 5, "x...");
	event_log_free(log);
}

static void text_is_cut_at_a_character(void **state)
{
	static const struct {
		size_t size;
		const char *in, *out;
	} rows[] = {
		{8, "1234567", "1234567"},
		{8, "12345678", "1234..."},
		{8,
			"123\xc3\xa9"
			"45",
			"123\xc3\xa9"
			"45"},
		{8,
			"123\xc3\xa9"
			"456",
			"123..."},
		{4, "abcd", "..."},
		{4, "abc", "abc"},
		{8, NULL, ""},
		{16,
			"\xc2\x9b"
			"1m\x7f",
			"?1m?"},
		{16, "\xed\xa0\x80", "???"},
		{16, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{16, "\xc0\xaf\xe2\x82", "????"},
		{16, "\xf4\x90\x80\x80", "????"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[16];

		assert_int_equal(clean_text(out, rows[i].size, rows[i].in), strlen(rows[i].out));
		assert_string_equal(out, rows[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_ones_are_kept),
		cmocka_unit_test(one_is_enough_and_none_is_not),
		cmocka_unit_test(strings_are_bounded_and_clean),
		cmocka_unit_test(text_is_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
