/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each half of a sync session by itself, word by word: what it says to which datagram, at what time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "lb/sync_session_inside.h"

#define MS     INT64_C(1000000)
#define WINDOW 16

/* What the callbacks saw, and what they give. */
static struct {
	uint32_t applied[256], applied_count, begins, ends, broken;
	uint32_t waiting, asked, bulk_left, bulk_begins;
	int64_t since;
	enum sync_fate fate;
} seen;

static struct sync_session *s;
static int64_t now;

static int64_t waiting(void *data)
{
	return seen.waiting ? seen.since : SYNC_NEVER;
}

static struct sync_record flow(uint32_t number)
{
	struct sync_record r = {
		.kind = SYNC_FLOW, .flow = {.family = AF_INET, .protocol = 6, .state = SYNC_TCP_ESTABLISHED}};

	r.flow.backend_isn = number;
	return r;
}

static void changes(void *data, struct sync_writer *w)
{
	struct sync_record r = flow(7);

	for (seen.asked++; seen.waiting; seen.waiting--)
		if (sync_write_record(w, &r))
			return;
}

static void bulk_begin(void *data)
{
	seen.bulk_begins++;
}

static bool bulk_next(void *data, struct sync_writer *w)
{
	struct sync_record r = flow(9);

	for (; seen.bulk_left; seen.bulk_left--)
		if (sync_write_record(w, &r))
			return false;
	return true;
}

static enum sync_fate apply(void *data, const struct sync_record *record)
{
	seen.applied[seen.applied_count++ % 256] = record->flow.backend_isn;
	return seen.fate;
}

static void copy(void *data, enum sync_copy_event event)
{
	seen.begins += event == SYNC_COPY_BEGIN;
	seen.ends += event == SYNC_COPY_END;
	seen.broken += event == SYNC_COPY_BROKEN;
}

static const struct sync_source source = {waiting, changes, bulk_begin, bulk_next};
static const struct sync_target target = {apply, copy};

static int set_up(void **state)
{
	struct sync_session_config config;

	memset(&seen, 0, sizeof(seen));
	now = 1000 * MS;
	sync_session_defaults(&config, 5);
	config.out.window = config.in.window = WINDOW;
	config.out.burst = 8;
	config.out.per_ms = 4;
	assert_int_equal(sync_session_open(&s, &config, &source, &target, NULL), 0);
	sync_session_reset(s, 77, now);
	return 0;
}

static int tear_down(void **state)
{
	sync_session_close(s);
	return 0;
}

/* ---- words ---- */

static int give(const struct sync_header *header, uint32_t first, uint32_t count, enum sync_kind mark)
{
	struct sync_record r = {.kind = mark};
	uint8_t bytes[SECURE_PLAIN_MAX];
	struct sync_writer w;

	sync_write_begin(&w, header, bytes, sizeof(bytes));
	if (mark)
		assert_int_equal(sync_write_record(&w, &r), 0);
	for (uint32_t i = 0; i < count; i++) {
		r = flow(first + i);
		assert_int_equal(sync_write_record(&w, &r), 0);
	}
	return sync_session_input(s, bytes, sync_write_end(&w), now);
}

/* A datagram with this sequence, and with a record that is the same number (0: none). */
static int data(uint64_t sequence, enum sync_kind mark, bool record)
{
	struct sync_header h = {.type = SYNC_DATA,
		.config_hash = 5,
		.sequence = sequence,
		.sent_ms = (uint32_t)(now / MS),
		.in_sync = true};

	return give(&h, (uint32_t)sequence, record, mark);
}

static int ack(uint64_t sequence, uint64_t came, bool want_bulk)
{
	struct sync_header h = {
		.type = SYNC_ACK, .sequence = sequence, .missing = came, .want_bulk = want_bulk};

	return give(&h, 0, 0, 0);
}

/* The next word of the session; false: it has none. kinds: of the records, as letters. */
static bool says(struct sync_header *header, char *kinds, size_t size)
{
	struct sync_record r;
	struct sync_reader reader;
	size_t len, n = 0;
	const uint8_t *bytes = sync_session_next(s, now, &len);

	if (!bytes)
		return false;
	assert_int_equal(sync_read_begin(&reader, header, bytes, len), 0);
	while (sync_read_record(&reader, &r) > 0 && n + 1 < size)
		kinds[n++] = r.kind == SYNC_BULK_BEGIN ? 'B'
			     : r.kind == SYNC_BULK_END ? 'E'
			     : r.flow.backend_isn == 7 ? 'c'
						       : 'b';
	kinds[n] = 0;
	return true;
}

#define expect_ack(seq, bits, want)                     \
	do {                                            \
		struct sync_header h_;                  \
		char k_[64];                            \
		assert_true(says(&h_, k_, sizeof(k_))); \
		assert_int_equal(h_.type, SYNC_ACK);    \
		assert_int_equal(h_.sequence, seq);     \
		assert_int_equal(h_.missing, bits);     \
		assert_int_equal(h_.want_bulk, want);   \
	} while (0)

#define expect_data(seq, records, sync)                 \
	do {                                            \
		struct sync_header h_;                  \
		char k_[64];                            \
		assert_true(says(&h_, k_, sizeof(k_))); \
		assert_int_equal(h_.type, SYNC_DATA);   \
		assert_int_equal(h_.sequence, seq);     \
		assert_string_equal(k_, records);       \
		assert_int_equal(h_.in_sync, sync);     \
	} while (0)

static void expect_nothing(void)
{
	struct sync_header h;
	char k[64];

	assert_false(says(&h, k, sizeof(k)));
	assert_true(sync_session_deadline(s, now) > now);
}

/* What every session says first: no bulk yet, and it wants one. */
static void say_hello(void)
{
	expect_ack(0, 0, true);
	expect_data(1, "", false);
	expect_nothing();
}

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

/* ---- receiver ---- */

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

/* ---- sender ---- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
