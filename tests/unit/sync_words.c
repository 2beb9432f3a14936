/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sync_words.h"

#include <string.h>

#include <netinet/in.h>

struct sync_seen seen;
struct sync_session *s;
int64_t now;

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

const struct sync_source source = {waiting, changes, bulk_begin, bulk_next};
const struct sync_target target = {apply, copy};

int set_up(void **state)
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

int tear_down(void **state)
{
	sync_session_close(s);
	return 0;
}

/* ---- words ---- */

int give(const struct sync_header *header, uint32_t first, uint32_t count, enum sync_kind mark)
{
	struct sync_record r = {.kind = mark};
	uint8_t bytes[SYNC_DATAGRAM_MAX];
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

int data(uint64_t sequence, enum sync_kind mark, bool record)
{
	struct sync_header h = {.type = SYNC_DATA,
		.config_hash = 5,
		.sequence = sequence,
		.sent_ms = (uint32_t)(now / MS),
		.in_sync = true};

	return give(&h, (uint32_t)sequence, record, mark);
}

int ack(uint64_t sequence, uint64_t came, bool want_bulk)
{
	struct sync_header h = {
		.type = SYNC_ACK, .sequence = sequence, .missing = came, .want_bulk = want_bulk};

	return give(&h, 0, 0, 0);
}

bool says(struct sync_header *header, char *kinds, size_t size)
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

void expect_nothing(void)
{
	struct sync_header h;
	char k[64];

	assert_false(says(&h, k, sizeof(k)));
	assert_true(sync_session_deadline(s, now) > now);
}

void say_hello(void)
{
	expect_ack(0, 0, true);
	expect_data(1, "", false);
	expect_nothing();
}
