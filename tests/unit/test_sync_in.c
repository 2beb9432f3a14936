/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The receiver's half of a sync session, word by word: what it acknowledges and applies, and when. */
#include <errno.h>
#include <string.h>

#include "sync_words.h"

/* The receiver has the table whole: sequences 1 and 2. */
static void receive_bulk(void)
{
	say_hello();
	assert_int_equal(data(1, SYNC_BULK_BEGIN, true), 0);
	assert_int_equal(data(2, SYNC_BULK_END, false), 0);
	now += 5 * MS;
	expect_ack(2, 0, false);
	assert_int_equal(ack(1, 0, false), 0);
}

static void test_asks_until_the_bulk_begins(void **state)
{
	say_hello();
	assert_int_equal(ack(1, 0, false), 0);
	assert_int_equal(sync_session_deadline(s, now), now + 100 * MS);
	now += 100 * MS;
	expect_ack(0, 0, true);
	expect_nothing();
	data(1, 0, true);
	now += 5 * MS;
	expect_ack(1, 0, true);
	data(2, SYNC_BULK_BEGIN, true);
	now += 5 * MS;
	expect_ack(2, 0, false);
	assert_int_equal(seen.begins, 1);
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_BULK);
	data(3, SYNC_BULK_END, false);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_IN_SYNC);
}

static void test_acknowledges_eight_or_after_5_ms(void **state)
{
	receive_bulk();
	for (uint64_t q = 3; q < 10; q++)
		data(q, 0, true);
	expect_nothing();
	assert_int_equal(sync_session_deadline(s, now), now + 5 * MS);
	data(10, 0, true);
	expect_ack(10, 0, false);
	data(11, 0, true);
	now += 5 * MS - 1;
	expect_nothing();
	now++;
	expect_ack(11, 0, false);
}

static void test_a_gap_is_told_at_once_and_waited_for(void **state)
{
	receive_bulk();
	seen.applied_count = 0;
	data(4, 0, true);
	expect_ack(2, 2, false);
	data(6, 0, true);
	data(6, 0, true);
	expect_ack(2, 2 | 8, false);
	assert_int_equal(seen.applied_count, 0);
	data(3, 0, true);
	assert_int_equal(seen.applied_count, 2);
	data(5, 0, true);
	assert_int_equal(seen.applied_count, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(seen.applied[i], 3 + i);
	now += 5 * MS;
	expect_ack(6, 0, false);
	assert_int_equal(s->in.counters.early, 2);
	assert_int_equal(s->in.counters.duplicates, 1);
}

static void test_what_came_twice_is_told_and_not_applied(void **state)
{
	receive_bulk();
	seen.applied_count = 0;
	data(2, 0, true);
	expect_ack(2, 0, false);
	assert_int_equal(seen.applied_count, 0);
}

static void test_a_sender_that_went_on_breaks_the_stream(void **state)
{
	receive_bulk();
	data(3, SYNC_BULK_BEGIN, true);
	data(5, 0, true);
	expect_ack(3, 2, false);
	seen.applied_count = 0;
	data(4 + WINDOW, 0, true);
	assert_int_equal(seen.broken, 1);
	assert_int_equal(s->in.counters.breaks, 1);
	assert_int_equal(seen.applied_count, 1);
	assert_int_equal(seen.applied[0], 4 + WINDOW);
	data(5 + WINDOW, SYNC_BULK_END, false);
	assert_int_equal(seen.ends, 1); /* of the first bulk only */
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_BULK);
	/* It asks, but not before 10 s after the last begin. */
	now += 5 * MS;
	expect_ack(5 + WINDOW, 0, false);
	now = s->in.begun_at + 10000 * MS;
	expect_ack(5 + WINDOW, 0, true);
}

static void test_what_cannot_be_read_breaks_the_bulk(void **state)
{
	struct sync_header h = {.type = SYNC_DATA, .sequence = 2};
	uint8_t bytes[64];
	struct sync_writer w;

	say_hello();
	data(1, SYNC_BULK_BEGIN, true);
	sync_write_begin(&w, &h, bytes, sizeof(bytes));
	w.records = 1; /* and there is none */
	assert_int_equal(sync_session_input(s, bytes, sync_write_end(&w), now), -EBADMSG);
	assert_int_equal(s->in.counters.damaged, 1);
	assert_int_equal(seen.broken, 1);
	data(3, SYNC_BULK_END, true);
	assert_int_equal(seen.ends, 0);
	now += 5 * MS;
	expect_ack(3, 0, false); /* it came, such as it was */
	assert_int_equal(sync_session_input(s, bytes, 3, now), -EBADMSG);
	assert_int_equal(sync_session_input(s, bytes, 0, now), -EBADMSG);
	assert_int_equal(s->bad, 3);
}

static void test_refusals_are_counted_by_reason(void **state)
{
	say_hello();
	for (int i = 0; i < SYNC_FATES; i++) {
		seen.fate = (enum sync_fate)i;
		data((uint64_t)i + 1, 0, true);
		assert_int_equal(s->in.counters.fate[i], 1);
	}
	seen.fate = SYNC_FATES;
	data(SYNC_FATES + 1, 0, true);
	assert_int_equal(s->in.counters.fate[SYNC_INVALID], 2);
	assert_string_equal(sync_fate_name(SYNC_NO_BACKEND), "no backend");
}

static void test_the_newest_word_says_how_the_sender_is(void **state)
{
	struct sync_header h = {.type = SYNC_DATA, .config_hash = 5, .sequence = 3};
	struct sync_status status;

	receive_bulk();
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_IN_SYNC);
	h.sent_ms = (uint32_t)(now / MS) + 10;
	give(&h, 0, 0, 0); /* not in sync */
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_BEHIND);
	data(4, 0, false); /* was on its way for longer: nothing of it counts */
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_BEHIND);
	now += 11 * MS;
	h.sent_ms++;
	h.in_sync = true;
	give(&h, 0, 0, 0); /* the same again, with a new word */
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_IN_SYNC);
	sync_session_status(s, now, &status);
	assert_false(status.other_config);
	now += 1000 * MS + 1;
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_SILENT);
	h.sequence = 5;
	h.config_hash = 6;
	give(&h, 0, 0, 0); /* a clock that went back, after a silence */
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_IN_SYNC);
	sync_session_status(s, now, &status);
	assert_true(status.other_config);
}

static void test_a_new_session_begins_anew(void **state)
{
	say_hello();
	data(1, SYNC_BULK_BEGIN, true);
	sync_session_reset(s, 77, now);
	assert_int_equal(seen.broken, 0);
	sync_session_reset(s, 78, now);
	assert_int_equal(seen.broken, 1);
	expect_ack(0, 0, true);
	expect_data(1, "", false);
	sync_session_reset(s, 0, now);
	assert_int_equal(sync_session_deadline(s, now), SYNC_NEVER);
	expect_nothing();
	assert_int_equal(data(1, 0, true), 0);
	assert_int_equal(sync_in_why(&s->in, now), SYNC_WHY_SESSION);
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_SESSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_asks_until_the_bulk_begins),
		TEST(test_acknowledges_eight_or_after_5_ms),
		TEST(test_a_gap_is_told_at_once_and_waited_for),
		TEST(test_what_came_twice_is_told_and_not_applied),
		TEST(test_a_sender_that_went_on_breaks_the_stream),
		TEST(test_what_cannot_be_read_breaks_the_bulk),
		TEST(test_refusals_are_counted_by_reason),
		TEST(test_the_newest_word_says_how_the_sender_is),
		TEST(test_a_new_session_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
