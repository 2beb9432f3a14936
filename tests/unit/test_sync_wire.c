/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow records there and back, each at its largest; cut at every length; kinds and fields of a later version; lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/secure_dgram.h"
#include "lb/sync_wire.h"

#define DATA_HEADER 22

static struct sync_record flow_of(uint8_t family, uint8_t state)
{
	struct sync_record r = {.kind = SYNC_FLOW};
	size_t each = family == AF_INET ? 4 : 16;

	r.flow = (struct sync_flow){.family = family,
		.protocol = state == SYNC_UDP ? 17 : 6,
		.state = state,
		.client_port = 65535,
		.service_port = 443,
		.backend_port = 0x8001,
		.idle_s = 0xfffffffe,
		.backend_isn = 0x80000001};
	memset(r.flow.client, 0xc1, each);
	memset(r.flow.service, 0x5e, each);
	memset(r.flow.backend, 0xba, each);
	return r;
}

static struct sync_record end_of(uint8_t family)
{
	struct sync_record r = flow_of(family, SYNC_TCP_ESTABLISHED);

	r.kind = SYNC_FLOW_END;
	r.flow.state = 0;
	r.flow.idle_s = 0;
	return r;
}

static struct sync_record sticky_of(size_t name, uint8_t family, uint8_t backend)
{
	struct sync_record r = {.kind = SYNC_STICKY};

	memset(r.sticky.pool, 'p', name);
	r.sticky.family = family;
	memset(r.sticky.source, 0x50, family == AF_INET ? 4 : 16);
	r.sticky.backend.family = backend;
	memset(r.sticky.backend.bytes, 0xba, backend == AF_INET ? 4 : 16);
	r.sticky.backend_port = 65535;
	r.sticky.idle_s = 0xffffffff;
	return r;
}

static struct sync_record weight_of(size_t name, int32_t weight, uint8_t admin)
{
	struct sync_record r = {.kind = SYNC_WEIGHT};

	memset(r.weight.pool, 'p', name);
	memset(r.weight.backend, 'b', name);
	r.weight.weight = weight;
	r.weight.admin = admin;
	r.weight.said_ms = UINT64_C(0x8000019000000001);
	return r;
}

/* One of each, and each at its largest. */
static size_t all_records(struct sync_record out[20])
{
	size_t n = 0;

	out[n++] = (struct sync_record){.kind = SYNC_BULK_BEGIN};
	for (uint8_t state = SYNC_TCP_ESTABLISHED; state <= SYNC_UDP; state++) {
		out[n++] = flow_of(AF_INET, state);
		out[n++] = flow_of(AF_INET6, state);
		out[n - 1].flow.hand = state % 3;
	}
	out[n++] = end_of(AF_INET);
	out[n++] = end_of(AF_INET6);
	out[n++] = sticky_of(1, AF_INET, AF_INET6);
	out[n++] = sticky_of(63, AF_INET6, AF_INET6);
	out[n++] = weight_of(1, -1, 0);
	out[n++] = weight_of(63, 256, 2);
	out[n++] = (struct sync_record){
		.kind = SYNC_TABLE, .table = {UINT64_C(0xfedcba9876543210), UINT64_C(0x8000000000000001)}};
	out[n++] = (struct sync_record){.kind = SYNC_BULK_END};
	return n;
}

static struct sync_header data_header(void)
{
	return (struct sync_header){.type = SYNC_DATA,
		.config_hash = 0xc0ffee01,
		.sequence = UINT64_C(0x8000000000000001),
		.sent_ms = 0xfedcba98,
		.in_sync = true};
}

static size_t write_all(uint8_t buf[SYNC_DATAGRAM_MAX], const struct sync_record *records, size_t count)
{
	struct sync_header header = data_header();
	struct sync_writer w;

	sync_write_begin(&w, &header, buf, SYNC_DATAGRAM_MAX);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sync_write_record(&w, &records[i]), 0);
	assert_false(w.full);
	return sync_write_end(&w);
}

/* The fields, not the gaps between them. */
static void assert_same(const struct sync_record *a, const struct sync_record *b)
{
	uint8_t x[300], y[300];
	struct sync_header header = data_header();
	struct sync_writer v, w;
	size_t len;

	memset(x, 0, sizeof(x));
	memset(y, 0, sizeof(y));
	assert_int_equal(a->kind, b->kind);
	sync_write_begin(&v, &header, x, sizeof(x));
	sync_write_begin(&w, &header, y, sizeof(y));
	assert_int_equal(sync_write_record(&v, a), 0);
	assert_int_equal(sync_write_record(&w, b), 0);
	len = sync_write_end(&v);
	assert_int_equal(sync_write_end(&w), len);
	assert_memory_equal(x, y, len);
}

static void assert_same_flow(const struct sync_flow *a, const struct sync_flow *b)
{
	assert_true(a->family == b->family && a->protocol == b->protocol && a->state == b->state);
	assert_true(a->client_port == b->client_port && a->service_port == b->service_port);
	assert_true(a->backend_port == b->backend_port);
	assert_true(a->idle_s == b->idle_s && a->backend_isn == b->backend_isn && a->hand == b->hand);
	assert_memory_equal(a->client, b->client, 16);
	assert_memory_equal(a->service, b->service, 16);
	assert_memory_equal(a->backend, b->backend, 16);
}

static void assert_same_record(const struct sync_record *a, const struct sync_record *b)
{
	assert_same(a, b);
	if (a->kind == SYNC_FLOW || a->kind == SYNC_FLOW_END)
		assert_same_flow(&a->flow, &b->flow);
	if (a->kind == SYNC_STICKY) {
		assert_string_equal(a->sticky.pool, b->sticky.pool);
		assert_int_equal(a->sticky.family, b->sticky.family);
		assert_memory_equal(a->sticky.source, b->sticky.source, 16);
		assert_true(addr_equal(&a->sticky.backend, &b->sticky.backend));
		assert_int_equal(a->sticky.backend_port, b->sticky.backend_port);
		assert_int_equal(a->sticky.idle_s, b->sticky.idle_s);
	}
	if (a->kind == SYNC_TABLE)
		assert_true(a->table.id == b->table.id && a->table.peer == b->table.peer);
	if (a->kind == SYNC_WEIGHT) {
		assert_string_equal(a->weight.pool, b->weight.pool);
		assert_string_equal(a->weight.backend, b->weight.backend);
		assert_true(a->weight.weight == b->weight.weight && a->weight.admin == b->weight.admin);
		assert_true(a->weight.said_ms == b->weight.said_ms);
	}
}

static void there_and_back(void **state)
{
	uint8_t buf[SYNC_DATAGRAM_MAX];
	struct sync_record records[20], got;
	size_t count = all_records(records), len = write_all(buf, records, count);
	struct sync_header header, sent = data_header();
	struct sync_reader r;

	assert_int_equal(sync_read_begin(&r, &header, buf, len), 0);
	assert_true(header.type == SYNC_DATA && header.config_hash == sent.config_hash);
	assert_true(header.sequence == sent.sequence && header.sent_ms == sent.sent_ms);
	assert_true(header.in_sync && !header.want_bulk && header.records == count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(sync_read_record(&r, &got), 1);
		assert_same_record(&records[i], &got);
	}
	assert_int_equal(sync_read_record(&r, &got), 0);
	assert_int_equal(sync_read_record(&r, &got), 0);
	assert_int_equal(r.unknown, 0);
}

static void an_acknowledgement(void **state)
{
	struct sync_header header = {.type = SYNC_ACK,
				   .sequence = 77,
				   .missing = UINT64_C(0x8000000000000005),
				   .sent_ms = 9,
				   .want_bulk = true},
			   got;
	struct sync_record none = {.kind = SYNC_BULK_END};
	uint8_t buf[SYNC_DATAGRAM_MAX];
	struct sync_writer w;
	struct sync_reader r;
	size_t len;

	sync_write_begin(&w, &header, buf, sizeof(buf));
	assert_int_equal(sync_write_record(&w, &none), -EINVAL);
	len = sync_write_end(&w);
	assert_int_equal(sync_read_begin(&r, &got, buf, len), 0);
	assert_true(got.type == SYNC_ACK && got.sequence == 77 && got.missing == header.missing &&
		    got.sent_ms == 9);
	assert_true(got.want_bulk && !got.in_sync && got.records == 0);
	assert_int_equal(sync_read_record(&r, &none), 0);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(sync_read_begin(&r, &got, buf, cut), -EBADMSG);
}

/* Cut anywhere: the records before the cut are given whole, then it is said that the rest is worthless. */
static void cut_at_every_length(void **state)
{
	uint8_t buf[SYNC_DATAGRAM_MAX];
	struct sync_record records[20], got;
	size_t count = all_records(records), len = write_all(buf, records, count);

	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);
		struct sync_header header;
		struct sync_reader r;
		size_t given = 0;
		int rc;

		memcpy(exact, buf, cut);
		rc = sync_read_begin(&r, &header, exact, cut);
		assert_int_equal(rc, cut < DATA_HEADER ? -EBADMSG : 0);
		while (rc == 0 && sync_read_record(&r, &got) == 1)
			assert_same_record(&records[given++], &got);
		if (rc == 0) {
			assert_true(given < count);
			assert_int_equal(sync_read_record(&r, &got), -EBADMSG);
			assert_int_equal(sync_read_record(&r, &got), -EBADMSG);
		}
		free(exact);
	}
}

static void a_datagram_takes_what_fits(void **state)
{
	struct sync_header header = data_header();
	uint8_t buf[SYNC_DATAGRAM_MAX];
	struct sync_record flow = flow_of(AF_INET, SYNC_TCP_ESTABLISHED);
	struct sync_record bad = flow_of(AF_INET, SYNC_UDP), got;
	struct sync_writer w;
	struct sync_reader r;
	size_t n = 0, len;

	bad.flow.protocol = 1;
	sync_write_begin(&w, &header, buf, sizeof(buf));
	assert_int_equal(sync_write_record(&w, &bad), -EINVAL);
	while (sync_write_record(&w, &flow) == 0)
		n++;
	assert_int_equal(n, 43);
	assert_true(w.full);
	assert_int_equal(sync_write_record(&w, &flow), -ENOSPC);
	len = sync_write_end(&w);
	assert_int_equal(len, DATA_HEADER + 43 * 31);
	assert_int_equal(sync_read_begin(&r, &header, buf, len), 0);
	while (n--)
		assert_int_equal(sync_read_record(&r, &got), 1);
	assert_int_equal(sync_read_record(&r, &got), 0);
	/* To the byte. */
	for (size_t size = DATA_HEADER; size <= DATA_HEADER + 31; size++) {
		sync_write_begin(&w, &header, buf, size);
		assert_int_equal(sync_write_record(&w, &flow), size == DATA_HEADER + 31 ? 0 : -ENOSPC);
		assert_int_equal(sync_write_end(&w), size == DATA_HEADER + 31 ? size : DATA_HEADER);
	}
	/* No room for the header even. */
	for (size_t size = 0; size < DATA_HEADER; size++) {
		sync_write_begin(&w, &header, buf, size);
		assert_true(w.full);
		assert_int_equal(sync_write_record(&w, &flow), -ENOSPC);
		assert_int_equal(sync_write_end(&w), 0);
	}
}

static void what_a_later_version_says_is_skipped(void **state)
{
	struct sync_record records[2] = {flow_of(AF_INET, SYNC_UDP), weight_of(3, 7, 1)}, got;
	uint8_t buf[SYNC_DATAGRAM_MAX], later[SYNC_DATAGRAM_MAX] = {0};
	size_t len = write_all(buf, records, 2), at = DATA_HEADER, flow = 31;
	struct sync_header header;
	struct sync_reader r;

	memcpy(later, buf, at);
	later[at++] = 200; /* an unknown kind of five bytes, then one of none */
	later[at++] = 5;
	at += 5;
	later[at++] = 0;
	later[at++] = 0;
	memcpy(later + at, buf + DATA_HEADER, flow); /* a flow with nine bytes more */
	later[at + 1] = (uint8_t)(later[at + 1] + 9);
	at += flow + 9;
	memcpy(later + at, buf + DATA_HEADER + flow, len - DATA_HEADER - flow);
	at += len - DATA_HEADER - flow;
	later[at++] = 8; /* an unknown one is the last */
	later[at++] = 0;
	later[21] = 5;
	assert_int_equal(sync_read_begin(&r, &header, later, at + 6), 0); /* and bytes after the end */
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(sync_read_record(&r, &got), 1);
		assert_same_record(&records[i], &got);
	}
	assert_int_equal(sync_read_record(&r, &got), 0);
	assert_int_equal(r.unknown, 3);
	later[0] = 2;
	assert_int_equal(sync_read_begin(&r, &header, later, at), -EBADMSG);
	later[0] = 1;
	later[1] = 3;
	assert_int_equal(sync_read_begin(&r, &header, later, at), -EBADMSG);
}

static void what_is_out_of_range_is_not_sent(void **state)
{
	struct sync_header header = data_header();
	uint8_t buf[SYNC_DATAGRAM_MAX];
	struct sync_writer w;
	struct sync_record r;

	sync_write_begin(&w, &header, buf, sizeof(buf));
#define REFUSED(record, change) r = record, change, assert_int_equal(sync_write_record(&w, &r), -EINVAL)
	REFUSED(flow_of(AF_INET, 1), r.kind = (enum sync_kind)0);
	REFUSED(flow_of(AF_INET, 1), r.kind = (enum sync_kind)8);
	REFUSED(flow_of(AF_INET, 1), r.flow.family = AF_UNIX);
	REFUSED(flow_of(AF_INET, 1), r.flow.protocol = 17);
	REFUSED(flow_of(AF_INET, 1), r.flow.state = 0);
	REFUSED(flow_of(AF_INET, 1), r.flow.hand = 3);
	REFUSED(flow_of(AF_INET, SYNC_UDP), r.flow.protocol = 6);
	REFUSED(flow_of(AF_INET, SYNC_UDP), r.flow.state = 5);
	REFUSED(end_of(AF_INET), r.flow.protocol = 47);
	REFUSED(sticky_of(1, AF_INET, AF_INET), r.sticky.pool[0] = '\0');
	REFUSED(sticky_of(63, AF_INET, AF_INET), r.sticky.pool[63] = 'p');
	REFUSED(sticky_of(4, AF_INET, AF_INET), r.sticky.pool[2] = '\n');
	REFUSED(sticky_of(1, AF_INET, AF_INET), r.sticky.family = 0);
	REFUSED(sticky_of(1, AF_INET, AF_INET), r.sticky.backend.family = 0);
	REFUSED(weight_of(3, 7, 0), r.weight.backend[1] = '\xc3');
	REFUSED(weight_of(3, 7, 0), r.weight.pool[0] = '\0');
	REFUSED(weight_of(3, 7, 0), r.weight.weight = -2);
	REFUSED(weight_of(3, 7, 0), r.weight.weight = 257);
	REFUSED(weight_of(3, 7, 0), r.weight.admin = 3);
	assert_int_equal(w.records, 0);
	assert_false(w.full);
}

static void what_is_out_of_range_is_not_taken(void **state)
{
	static const struct {
		size_t record, at; /* from its kind */
		uint8_t value;
	} rows[] = {{0, 2, 5}, {0, 3, 17}, {0, 3, 47}, {0, 4, 0}, {0, 4, 4}, {1, 2, 0}, {1, 2, 64},
		{1, 2, 255}, {1, 4, '\t'}, {1, 6, 9}, {1, 11, 0}, {2, 1, 3}, {2, 2, 0}, {2, 10, 2},
		{2, 12, 3}};
	struct sync_record records[3] = {
		flow_of(AF_INET, 1), sticky_of(3, AF_INET, AF_INET), weight_of(3, 256, 2)};
	uint8_t buf[SYNC_DATAGRAM_MAX];
	struct sync_record got;
	struct sync_header header;
	struct sync_reader r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = write_all(buf, &records[rows[i].record], 1);

		assert_int_equal(sync_read_begin(&r, &header, buf, len), 0);
		assert_int_equal(sync_read_record(&r, &got), 1);
		assert_int_not_equal(buf[DATA_HEADER + rows[i].at], rows[i].value);
		buf[DATA_HEADER + rows[i].at] = rows[i].value;
		assert_int_equal(sync_read_begin(&r, &header, buf, len), 0);
		assert_int_equal(sync_read_record(&r, &got), -EBADMSG);
	}
}

/* The bytes are a promise to the other version of us that runs on the other node. */
static void the_bytes_of_version_1(void **state)
{
	static const uint8_t wanted[] = {1, 1, 2, 0, 0xc0, 0xff, 0xee, 1, 0x80, 0, 0, 0, 0, 0, 0, 1, 0xfe,
		0xdc, 0xba, 0x98, 0, 3, 1, 29, 4, 6, 2, 0xff, 0xff, 0x01, 0xbb, 0x80, 0x01, 0xc1, 0xc1, 0xc1,
		0xc1, 0x5e, 0x5e, 0x5e, 0x5e, 0xba, 0xba, 0xba, 0xba, 0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 1,
		3, 18, 1, 'p', 4, 0x50, 0x50, 0x50, 0x50, 4, 0xba, 0xba, 0xba, 0xba, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 4, 15, 1, 'p', 1, 'b', 0xff, 0xff, 1, 0x80, 0, 0x01, 0x90, 0, 0, 0, 1};
	struct sync_record records[3] = {
		flow_of(AF_INET, 2), sticky_of(1, AF_INET, AF_INET), weight_of(1, -1, 1)};
	uint8_t buf[SYNC_DATAGRAM_MAX];

	assert_int_equal(write_all(buf, records, 3), sizeof(wanted));
	assert_memory_equal(buf, wanted, sizeof(wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(an_acknowledgement),
		cmocka_unit_test(cut_at_every_length),
		cmocka_unit_test(a_datagram_takes_what_fits),
		cmocka_unit_test(what_a_later_version_says_is_skipped),
		cmocka_unit_test(what_is_out_of_range_is_not_sent),
		cmocka_unit_test(what_is_out_of_range_is_not_taken),
		cmocka_unit_test(the_bytes_of_version_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
