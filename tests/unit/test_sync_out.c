/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sender's half of a sync session, word by word: what goes, what goes again, and when; lag and limits. */
#include <errno.h>
#include <string.h>

#include "sync_words.h"

static void test_changes_go_before_the_bulk(void **state)
{
	say_hello();
	seen.bulk_left = 3;
	ack(1, 0, true);
	seen.waiting = 2;
	seen.since = now;
	expect_data(2, "ccBbbbE", false);
	expect_data(3, "", true); /* at once: that was all */
	expect_nothing();
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_BULK);
	ack(2, 0, false);
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_IN_SYNC);
	assert_int_equal(s->out.counters.changes, 2);
	assert_int_equal(s->out.counters.bulk, 3);
}

static void test_a_bulk_is_begun_once_for_one_wish(void **state)
{
	say_hello();
	seen.bulk_left = 1;
	ack(1, 0, true);
	expect_data(2, "BbE", false);
	expect_data(3, "", true);
	ack(1, 0, true); /* said before it came */
	expect_nothing();
	ack(3, 0, true); /* said after */
	expect_data(4, "BE", false);
	assert_int_equal(seen.bulk_begins, 2);
	sync_session_send_bulk(s);
	expect_data(5, "BE", false);
}

static void test_a_change_waits_for_company(void **state)
{
	say_hello();
	seen.waiting = 1;
	seen.since = now;
	expect_nothing();
	assert_int_equal(sync_session_deadline(s, now), now + 1 * MS);
	now += 1 * MS;
	seen.waiting = 3;
	expect_data(2, "ccc", false);
}

static void test_a_sign_of_life_when_idle(void **state)
{
	say_hello();
	ack(1, 0, false);
	s->in.want_at = SYNC_NEVER;
	assert_int_equal(sync_session_deadline(s, now), now + 200 * MS);
	now += 200 * MS;
	expect_data(2, "", false);
	assert_int_equal(s->out.counters.keepalives, 2);
}

static void test_the_pace(void **state)
{
	say_hello(); /* one */
	ack(1, 0, true);
	seen.bulk_left = 10000;
	for (int i = 0; i < 7; i++)
		assert_non_null(sync_out_next(&s->out, now, &(size_t){0}));
	expect_nothing(); /* 8 at once */
	assert_int_equal(sync_session_deadline(s, now), now + MS / 4);
	now += MS / 4;
	assert_non_null(sync_out_next(&s->out, now, &(size_t){0}));
	expect_nothing();
}

/* Send datagrams with a change each until sequence last is out. */
static void send_up_to(uint64_t last)
{
	size_t len;

	while (s->out.window.next <= last) {
		seen.waiting = 1;
		seen.since = now - MS;
		s->out.pace_at = now - 100 * MS;
		assert_non_null(sync_session_next(s, now, &len));
	}
}

static void test_the_window(void **state)
{
	say_hello();
	ack(1, 0, true);
	seen.bulk_left = 10000;
	while (sync_out_next(&s->out, now, &(size_t){0}))
		s->out.pace_at = now - 100 * MS;
	assert_int_equal(s->out.window.next, 2 + WINDOW - WINDOW / 4); /* a quarter is for changes */
	send_up_to(1 + WINDOW);
	seen.asked = 0;
	seen.waiting = 1;
	s->out.pace_at = now - 100 * MS;
	expect_nothing();
	assert_int_equal(seen.asked, 0); /* nothing was taken that could not go */
	ack(2, 0, true);
	assert_non_null(sync_out_next(&s->out, now, &(size_t){0}));
	assert_int_equal(seen.asked, 1);
}

static void test_passed_by_three_is_lost(void **state)
{
	say_hello();
	send_up_to(6);
	now += 2 * MS;
	ack(2, 2, false); /* 4 */
	expect_nothing();
	ack(2, 2 | 4, false); /* 5 */
	expect_nothing();
	ack(2, 2 | 4, false);
	expect_nothing();
	ack(2, 2 | 4 | 8, false); /* 6 */
	expect_data(3, "c", false);
	expect_nothing();
	assert_int_equal(s->out.window.counters.repaired_early, 1);
	ack(2, 2 | 4 | 8, false);
	expect_nothing();
	ack(6, 0, false);
	assert_int_equal(s->out.window.una, 7);
	assert_int_equal(s->out.window.flight, 0);
}

static void test_timeouts(void **state)
{
	struct sync_window *w = &s->out.window;
	int64_t rto_ns;

	say_hello();
	now += 4 * MS;
	ack(1, 0, false);
	assert_int_equal(w->srtt_ns, 4 * MS);
	rto_ns = (4 + 8 + 5) * MS; /* round trip, four variances, what an acknowledgement may wait */
	assert_int_equal(w->rto_ns, rto_ns);
	send_up_to(5);
	s->in.want_at = SYNC_NEVER;
	for (int i = 0; i < 8; i++) {
		int64_t wait_ns = rto_ns << i < 1000 * MS ? rto_ns << i : 1000 * MS;

		assert_int_equal(sync_session_deadline(s, now), now + wait_ns);
		now += wait_ns - 1;
		assert_null(sync_session_next(s, now, &(size_t){0}));
		now++;
		expect_data(2, "c", false); /* one, to see */
		expect_nothing();
	}
	assert_int_equal(w->counters.silences, 8);
	now += 3 * MS;
	ack(2, 0, false);
	assert_int_equal(w->rto_ns, rto_ns); /* sent more than once: no sample */
	expect_data(3, "c", false);
	expect_data(4, "c", false);
	expect_nothing(); /* slow start: 2 */
	ack(4, 0, false);
	expect_data(5, "c", false);
}

static void test_a_timeout_while_others_are_heard_of(void **state)
{
	say_hello();
	now += 1 * MS;
	ack(1, 0, false);
	s->in.want_at = SYNC_NEVER;
	send_up_to(4);
	now += 1 * MS;
	ack(1, 2, false); /* 3; 2 and 4 are missing, and not passed by three */
	now = sync_session_deadline(s, now);
	expect_data(2, "c", false);
	expect_data(4, "c", false);
	expect_nothing();
	assert_int_equal(s->out.window.counters.silences, 0);
	assert_int_equal(s->out.window.may_fly, WINDOW);
}

static void test_a_word_of_the_peer_ends_the_wait(void **state)
{
	say_hello();
	for (int i = 0; i < 4; i++) {
		now = s->out.window.slot[1].sent_at + 1000 * MS;
		while (sync_session_next(s, now, &(size_t){0}))
			;
	}
	assert_true(s->out.window.probing);
	now += 200 * MS;
	expect_ack(0, 0, true);
	expect_nothing();
	data(1, 0, true);
	expect_data(1, "", false);
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_SILENT);
}

static void test_acknowledgements_that_cannot_be(void **state)
{
	say_hello();
	assert_int_equal(ack(2, 0, false), -EBADMSG);
	assert_int_equal(ack(UINT64_MAX, UINT64_MAX, true), -EBADMSG);
	assert_int_equal(ack(0, 1, false), -EBADMSG);
	assert_int_equal(ack(0, 2, false), -EBADMSG);
	assert_int_equal(ack(1, UINT64_C(1) << 63, false), -EBADMSG);
	assert_int_equal(s->out.window.counters.bad_acks, 5);
	assert_int_equal(s->out.window.una, 1);
	assert_int_equal(ack(1, 0, false), 0);
	assert_int_equal(ack(0, 0, false), 0); /* overtaken by the other */
}

static void test_behind(void **state)
{
	say_hello();
	ack(1, 0, true);
	expect_data(2, "BE", false);
	expect_data(3, "", true);
	ack(3, 0, false);
	seen.waiting = 1;
	seen.since = now - 250 * MS;
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_IN_SYNC);
	assert_int_equal(sync_out_lag(&s->out, now), 250 * MS);
	seen.since--;
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_BEHIND);
	expect_data(4, "c", false); /* and it says so */
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_BEHIND);
	ack(4, 0, false);
	assert_int_equal(sync_out_why(&s->out, now), SYNC_WHY_IN_SYNC);
	assert_int_equal(sync_out_lag(&s->out, now), 0);
}

static void test_lag_of_the_last_minute(void **state)
{
	static struct sync_lag lag;
	uint32_t longest, p99;

	sync_lag_init(&lag);
	sync_lag_read(&lag, now, &longest, &p99);
	assert_int_equal(longest + p99, 0);
	sync_lag_add(&lag, now, 1 * MS, 990);
	sync_lag_add(&lag, now, 80 * MS, 10);
	sync_lag_read(&lag, now, &longest, &p99);
	assert_int_equal(longest, 80000);
	assert_int_equal(p99, 1024);
	sync_lag_add(&lag, now + 30000 * MS, 80 * MS, 1);
	sync_lag_read(&lag, now + 30000 * MS, &longest, &p99);
	assert_int_equal(p99, 80000); /* the bucket ends at 81,920 */
	sync_lag_read(&lag, now + 62000 * MS, &longest, &p99);
	assert_int_equal(p99, 80000); /* the first slice is over, the second is not */
	sync_lag_read(&lag, now + 95000 * MS, &longest, &p99);
	assert_int_equal(longest, 0);
	sync_lag_add(&lag, now, -5, 1);
	sync_lag_add(&lag, now, INT64_MAX, 1);
	sync_lag_read(&lag, now, &longest, &p99);
	assert_int_equal(longest, UINT32_MAX);
}

static void test_limits(void **state)
{
	struct sync_session_config good, bad;
	struct sync_session *other;

	assert_true(sizeof(struct sync_session) < 1500000);
	sync_session_defaults(&good, 1);
#define REFUSED(field, value)                                                                       \
	do {                                                                                        \
		bad = good;                                                                         \
		bad.field = (value);                                                                \
		assert_int_equal(sync_session_open(&other, &bad, &source, &target, NULL), -EINVAL); \
	} while (0)
	REFUSED(out.window, 8);
	REFUSED(out.window, 48);
	REFUSED(out.window, 2 * SYNC_WINDOW_MAX);
	REFUSED(in.window, 0);
	REFUSED(out.per_ms, 0);
	REFUSED(out.per_ms, 1001);
	REFUSED(out.burst, 0);
	REFUSED(out.burst, SYNC_WINDOW_MAX + 1);
	REFUSED(out.batch_ns, -1);
	REFUSED(out.idle_ns, 0);
	REFUSED(out.behind_ns, 0);
	REFUSED(in.ack_every, 0);
	REFUSED(in.ack_ns, 6 * MS);
	REFUSED(in.want_ns, 0);
	REFUSED(in.silent_ns, 0);
	assert_string_equal(sync_why_name(SYNC_WHY_IN_SYNC), "in sync");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_go_before_the_bulk),
		TEST(test_a_bulk_is_begun_once_for_one_wish),
		TEST(test_a_change_waits_for_company),
		TEST(test_a_sign_of_life_when_idle),
		TEST(test_the_pace),
		TEST(test_the_window),
		TEST(test_passed_by_three_is_lost),
		TEST(test_timeouts),
		TEST(test_a_timeout_while_others_are_heard_of),
		TEST(test_a_word_of_the_peer_ends_the_wait),
		TEST(test_acknowledgements_that_cannot_be),
		TEST(test_behind),
		TEST(test_lag_of_the_last_minute),
		TEST(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
