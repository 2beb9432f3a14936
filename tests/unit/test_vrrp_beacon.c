/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Beacons there and back, the smallest and the largest; cut at every length; each field out of its range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/secure_dgram.h"
#include "vrrp/vrrp_beacon.h"
#include "vrrp/vrrp_fsm.h"

static struct vrrp_beacon beacon_of(size_t name, uint8_t paths, uint8_t units)
{
	struct vrrp_beacon b = {.boot = UINT64_C(0x0102030405060708),
		.sequence = UINT64_MAX,
		.config_hash = 0xdeadbeef,
		.path_count = paths,
		.table = VRRP_TABLE_IN_SYNC,
		.part = 1,
		.parts = 3,
		.unit_count = units};

	memset(b.node, 'n', name);
	for (uint32_t i = 0; i < paths; i++)
		b.path_heard_ms[i] = i ? 1000 * i : UINT32_MAX;
	for (uint8_t i = 0; i < units; i++) {
		struct vrrp_beacon_unit *unit = &b.units[i];

		unit->name_hash = UINT64_C(0x8000000000000001) * i;
		unit->state = i % 4;
		unit->priority = (uint8_t)(255 - i);
		unit->lan_well = i % 3 == 0;
		unit->witness = i / 4 % 4;
		memset(unit->source, 0xf0 + i % 16, sizeof(unit->source));
		unit->heard_ms = UINT32_MAX - i;
	}
	return b;
}

static void assert_same(const struct vrrp_beacon *a, const struct vrrp_beacon *b)
{
	assert_string_equal(a->node, b->node);
	assert_true(a->boot == b->boot && a->sequence == b->sequence && a->config_hash == b->config_hash);
	assert_true(a->path_count == b->path_count && a->table == b->table && a->unit_count == b->unit_count);
	assert_true(a->part == b->part && a->parts == b->parts);
	assert_memory_equal(a->path_heard_ms, b->path_heard_ms, sizeof(a->path_heard_ms));
	for (size_t i = 0; i < a->unit_count; i++) {
		const struct vrrp_beacon_unit *x = &a->units[i], *y = &b->units[i];

		assert_true(
			x->name_hash == y->name_hash && x->state == y->state && x->priority == y->priority);
		assert_true(
			x->lan_well == y->lan_well && x->witness == y->witness && x->heard_ms == y->heard_ms);
		assert_memory_equal(x->source, y->source, sizeof(x->source));
	}
}

static size_t encode(const struct vrrp_beacon *b, uint8_t buf[SECURE_PLAIN_MAX])
{
	int len = vrrp_beacon_encode(b, buf, SECURE_PLAIN_MAX);

	assert_true(len > 0);
	return (size_t)len;
}

static void there_and_back(void **state)
{
	static const struct {
		size_t name;
		uint8_t paths, units;
	} sizes[] = {{1, 0, 0}, {4, 3, 2}, {VRRP_NAME_MAX, VRRP_PATHS_MAX, VRRP_BEACON_UNITS}};
	uint8_t buf[SECURE_PLAIN_MAX];
	struct vrrp_beacon got;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vrrp_beacon b = beacon_of(sizes[i].name, sizes[i].paths, sizes[i].units);
		size_t len = encode(&b, buf);

		assert_int_equal(len, 28 + sizes[i].name + 4u * sizes[i].paths + 30u * sizes[i].units);
		assert_int_equal(vrrp_beacon_decode(buf, len, &got), 0);
		assert_same(&b, &got);
		/* A later version's bytes behind the end. */
		memset(buf + len, 0xff, sizeof(buf) - len);
		assert_int_equal(vrrp_beacon_decode(buf, sizeof(buf), &got), 0);
		assert_same(&b, &got);
		assert_int_equal(vrrp_beacon_encode(&b, buf, len - 1), -ENOSPC);
		assert_int_equal(vrrp_beacon_encode(&b, buf, len), len);
	}
}

static void cut_at_every_length(void **state)
{
	struct vrrp_beacon b = beacon_of(VRRP_NAME_MAX, VRRP_PATHS_MAX, VRRP_BEACON_UNITS), got;
	uint8_t buf[SECURE_PLAIN_MAX];
	size_t len = encode(&b, buf);

	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, buf, cut);
		assert_int_equal(vrrp_beacon_decode(exact, cut, &got), -EBADMSG);
		free(exact);
	}
}

/* The bytes are a promise to the other version of us that runs on the other node. */
static void the_bytes_of_version_1(void **state)
{
	static const uint8_t wanted[] = {1, 30, 2, 1, 3, 1, 1, 2, 'n', 'n', 1, 2, 3, 4, 5, 6, 7, 8, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0xad, 0xbe, 0xef, 0xff, 0xff, 0xff, 0xff, 0,
		0, 0, 0, 0, 0, 0, 0, 4 | 2 << 3 | 2, 255, 0xff, 0xff, 0xff, 0xff, 0xf0, 0xf0, 0xf0, 0xf0,
		0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0};
	struct vrrp_beacon b = beacon_of(2, 1, 1);
	uint8_t buf[SECURE_PLAIN_MAX];

	b.units[0].state = VRRP_ACTIVE;
	b.units[0].witness = VRRP_WITNESS_REACHED;
	assert_int_equal(encode(&b, buf), sizeof(wanted));
	assert_memory_equal(buf, wanted, sizeof(wanted));
}

static void a_unit_of_a_later_version_is_longer(void **state)
{
	struct vrrp_beacon b = beacon_of(2, 0, 2), got;
	uint8_t buf[SECURE_PLAIN_MAX], longer[SECURE_PLAIN_MAX] = {0};
	size_t len = encode(&b, buf), head = len - 60;

	memcpy(longer, buf, head + 30);
	memcpy(longer + head + 37, buf + head + 30, 30);
	longer[1] = 37;
	assert_int_equal(vrrp_beacon_decode(longer, len + 14, &got), 0);
	assert_same(&b, &got);
	assert_int_equal(vrrp_beacon_decode(longer, len + 13, &got), -EBADMSG);
	longer[1] = 29;
	assert_int_equal(vrrp_beacon_decode(longer, len + 14, &got), -EBADMSG);
}

static void what_is_out_of_range_is_not_sent(void **state)
{
	uint8_t buf[SECURE_PLAIN_MAX];
	struct vrrp_beacon b;

#define REFUSED(change) \
	b = beacon_of(2, 1, 1), change, assert_int_equal(vrrp_beacon_encode(&b, buf, sizeof(buf)), -EINVAL)
	REFUSED(b.node[0] = '\0');
	REFUSED(memset(b.node, 'n', sizeof(b.node)));
	REFUSED(b.node[1] = ' ');
	REFUSED(b.node[1] = '\x7f');
	REFUSED(b.node[1] = '\n');
	REFUSED(b.path_count = VRRP_PATHS_MAX + 1);
	REFUSED(b.table = VRRP_TABLE_ALONE + 1);
	REFUSED(b.part = b.parts);
	REFUSED(b.parts = 0);
	REFUSED(b.unit_count = VRRP_BEACON_UNITS + 1);
	REFUSED(b.units[0].state = VRRP_HANDOVER + 1);
	REFUSED(b.units[0].witness = VRRP_WITNESS_LOST + 1);
}

static void what_is_out_of_range_is_not_taken(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {{0, 0}, {0, 2}, {2, VRRP_TABLE_ALONE + 1}, {3, 3}, {4, 1}, {4, 0},
		{5, VRRP_PATHS_MAX + 1}, {6, VRRP_BEACON_UNITS + 1}, {7, 0}, {7, 64}, {7, 255}, {8, 0},
		{9, 0}, {8, ' '}, {8, 0x1b}, {9, 0x80}};
	uint8_t buf[SECURE_PLAIN_MAX] = {0}, bad[SECURE_PLAIN_MAX];
	struct vrrp_beacon b = beacon_of(2, 1, 1), got;

	encode(&b, buf);
	assert_int_equal(vrrp_beacon_decode(buf, sizeof(buf), &got), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(bad, buf, sizeof(bad));
		bad[rows[i].at] = rows[i].value;
		assert_int_equal(vrrp_beacon_decode(bad, sizeof(bad), &got), -EBADMSG);
	}
}

/* http://www.isthe.com/chongo/tech/comp/fnv/, test vectors of FNV-1a 64. */
static void the_hash_is_fnv_1a(void **state)
{
	assert_true(vrrp_beacon_hash("") == UINT64_C(0xcbf29ce484222325));
	assert_true(vrrp_beacon_hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(vrrp_beacon_hash("foobar") == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(cut_at_every_length),
		cmocka_unit_test(the_bytes_of_version_1),
		cmocka_unit_test(a_unit_of_a_later_version_is_longer),
		cmocka_unit_test(what_is_out_of_range_is_not_sent),
		cmocka_unit_test(what_is_out_of_range_is_not_taken),
		cmocka_unit_test(the_hash_is_fnv_1a),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
