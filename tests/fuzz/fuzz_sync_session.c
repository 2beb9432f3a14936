/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a peer with the right key, and any other intentions, may say: a session is given a sequence of datagrams. It must
 * come back, say only what fits, keep what sync_in.h promises to the applier, and never spin.
 *
 * Each step is a byte and what it takes:
 *   0  bytes as they are: length (one byte), bytes
 *   1  DATA: distance from what is awaited (signed byte), flags (bit 0: in sync; bits 1, 2: a begin, an end), length of the
 *      rest, records as they are; their number is the next byte
 *   2  ACK: distance from what was sent (signed byte), bitmap (8 bytes), flags (bit 0: wants a bulk)
 *   3  time goes by: ms (one byte), times 16 with its high bit
 *   4  changes at the source: how many
 *   5  a new session of the channel (0: none)
 *   6  the applier wants a bulk; 7: the source does
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lb/sync_session_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MS INT64_C(1000000)

static struct {
	uint32_t waiting, walk;
	int64_t since;
	bool in_bulk;
} world;

static void promise(int kept)
{
	if (!kept)
		abort();
}

static int64_t waiting(void *data)
{
	return world.waiting ? world.since : SYNC_NEVER;
}

static bool write_flow(struct sync_writer *w)
{
	struct sync_record r = {
		.kind = SYNC_FLOW, .flow = {.family = AF_INET6, .protocol = 17, .state = SYNC_UDP}};

	return sync_write_record(w, &r) == 0;
}

static void changes(void *data, struct sync_writer *w)
{
	for (; world.waiting && write_flow(w); world.waiting--)
		;
}

static void bulk_begin(void *data)
{
	world.walk = 0;
}

static bool bulk_next(void *data, struct sync_writer *w)
{
	for (; world.walk < 200 && write_flow(w); world.walk++)
		;
	return world.walk == 200;
}

static enum sync_fate apply(void *data, const struct sync_record *record)
{
	promise(record->kind >= SYNC_FLOW && (record->kind <= SYNC_WEIGHT || record->kind == SYNC_TABLE));
	return (enum sync_fate)(record->flow.state % (SYNC_FATES + 1));
}

static void copy(void *data, enum sync_copy_event event)
{
	promise(event == SYNC_COPY_BEGIN || world.in_bulk);
	world.in_bulk = event == SYNC_COPY_BEGIN;
}

static const struct sync_source source = {waiting, changes, bulk_begin, bulk_next};
static const struct sync_target target = {apply, copy};

struct input {
	const uint8_t *at, *end;
};

static uint8_t take(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static size_t take_bytes(struct input *in, uint8_t *out)
{
	size_t len = take(in), left = (size_t)(in->end - in->at);

	if (len > left)
		len = left;
	memcpy(out, in->at, len);
	in->at += len;
	return len;
}

static void give(struct sync_session *s, const uint8_t *bytes, size_t len, int64_t now)
{
	uint8_t *exact = malloc(len ? len : 1); /* so that the sanitizer sees one byte too many */

	memcpy(exact, bytes, len);
	sync_session_input(s, exact, len, now);
	free(exact);
}

static void give_data(struct sync_session *s, struct input *in, int64_t now)
{
	static const struct sync_record begin = {.kind = SYNC_BULK_BEGIN}, end = {.kind = SYNC_BULK_END};
	struct sync_header h = {.type = SYNC_DATA, .sent_ms = (uint32_t)(now / MS)};
	uint8_t bytes[SYNC_DATAGRAM_MAX], flags;
	struct sync_writer w;

	h.sequence = s->in.next + (uint64_t)(int64_t)(int8_t)take(in);
	flags = take(in);
	h.in_sync = flags & 1;
	sync_write_begin(&w, &h, bytes, sizeof(bytes));
	if (flags & 2)
		sync_write_record(&w, &begin);
	if (flags & 4)
		sync_write_record(&w, &end);
	w.at += take_bytes(in, bytes + w.at);
	w.records = (uint16_t)(w.records + take(in));
	give(s, bytes, sync_write_end(&w), now);
}

static void give_ack(struct sync_session *s, struct input *in, int64_t now)
{
	struct sync_header h = {.type = SYNC_ACK};
	uint8_t bytes[64];
	struct sync_writer w;

	h.sequence = s->out.window.next - 1 + (uint64_t)(int64_t)(int8_t)take(in);
	for (int i = 0; i < 8; i++)
		h.missing = h.missing << 8 | take(in);
	h.want_bulk = take(in) & 1;
	sync_write_begin(&w, &h, bytes, sizeof(bytes));
	give(s, bytes, sync_write_end(&w), now);
}

static void check_window(const struct sync_window *w)
{
	uint32_t state[4] = {0};

	promise(w->next - w->una <= w->size && w->may_fly >= 1 && w->may_fly <= w->size);
	for (uint64_t q = w->una; q != w->next; q++)
		state[w->slot[q & (w->size - 1)].state]++;
	promise(state[SYNC_SLOT_FREE] == 0 && state[SYNC_SLOT_SENT] == w->flight &&
		state[SYNC_SLOT_LOST] == w->lost);
	promise(w->rto_ns >= SYNC_RTO_MIN_NS && w->rto_ns <= SYNC_RTO_MAX_NS);
}

static void listen_to(struct sync_session *s, int64_t now)
{
	struct sync_header header;
	struct sync_reader reader;
	struct sync_record record;
	struct sync_status status;
	const uint8_t *bytes;
	size_t len;

	for (int i = 0; (bytes = sync_session_next(s, now, &len)); i++) {
		promise(i < 40 && len <= SYNC_DATAGRAM_MAX); /* the burst, and an acknowledgement */
		promise(sync_read_begin(&reader, &header, bytes, len) == 0);
		while (sync_read_record(&reader, &record) > 0)
			;
		promise(sync_read_record(&reader, &record) == 0);
	}
	promise(sync_session_deadline(s, now) > now);
	check_window(&s->out.window);
	sync_session_status(s, now, &status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sync_session *s;
	struct input in = {data, data + size};
	struct sync_session_config config;
	uint8_t bytes[256], word;
	int64_t now = 1000 * MS;

	memset(&world, 0, sizeof(world));
	sync_session_defaults(&config, 1);
	config.out.window = config.in.window = take(&in) & 1 ? 16 : 64;
	config.out.burst = 16;
	promise(sync_session_open(&s, &config, &source, &target, NULL) == 0);
	sync_session_reset(s, 1, now);
	while (in.at < in.end) {
		switch (take(&in) % 8) {
		case 0:
			give(s, bytes, take_bytes(&in, bytes), now);
			break;
		case 1:
			give_data(s, &in, now);
			break;
		case 2:
			give_ack(s, &in, now);
			break;
		case 3:
			word = take(&in);
			now += (word & 127) * (word & 128 ? 16 : 1) * MS;
			break;
		case 4:
			if (!world.waiting)
				world.since = now;
			world.waiting += take(&in);
			break;
		case 5:
			sync_session_reset(s, take(&in), now);
			break;
		case 6:
			sync_session_want_bulk(s, now);
			break;
		default:
			sync_session_send_bulk(s);
		}
		listen_to(s, now);
	}
	sync_session_close(s);
	return 0;
}
