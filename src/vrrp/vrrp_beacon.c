/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beacon; see vrrp_beacon.h. What is on the wire, big endian:
 *
 *   version 1 | bytes in a unit 1 | table 1 | part 1 | parts 1 | paths 1 | units 1 | length of node 1, node | boot 8
 *   sequence 8 | config hash 4 | for each path: heard 4
 *   for each unit: hash of the name 8 | state, lan, witness 1 | priority 1 | heard 4 | source 16
 *
 * A later version of the same number may make a unit longer, and may append to the whole.
 */
#include "vrrp/vrrp_beacon.h"

#include <errno.h>
#include <string.h>

#include "common/secure_dgram.h"
#include "common/wire.h"
#include "vrrp/vrrp_fsm.h"

#define VERSION    1
#define UNIT_BYTES (8 + 1 + 1 + 4 + 16)
#define BYTES_MAX  (8 + VRRP_NAME_MAX + 8 + 8 + 4 + 4 * VRRP_PATHS_MAX + UNIT_BYTES * VRRP_BEACON_UNITS)

/* In a unit's second field: the state in bits 0..1, lan_well in bit 2, the witness in bits 3..4; the rest is ignored. */
#define LAN_BIT       4
#define WITNESS_SHIFT 3

_Static_assert(BYTES_MAX <= SECURE_PLAIN_MAX, "the largest beacon fits a datagram");
_Static_assert(VRRP_HANDOVER == 3 && VRRP_WITNESS_LOST == 3, "two bits hold them");

static bool unit_is_fit(const struct vrrp_beacon_unit *unit)
{
	return unit->state <= VRRP_HANDOVER && unit->witness <= VRRP_WITNESS_LOST;
}

static bool head_is_fit(const struct vrrp_beacon *b)
{
	return b->path_count <= VRRP_PATHS_MAX && b->table <= VRRP_TABLE_ALONE && b->part < b->parts &&
	       b->unit_count <= VRRP_BEACON_UNITS;
}

int vrrp_beacon_encode(const struct vrrp_beacon *beacon, uint8_t *buf, size_t size)
{
	struct wire_out w = {.buf = buf, .size = size};

	if (!head_is_fit(beacon) || !wire_name_is_fit(beacon->node, sizeof(beacon->node)))
		return -EINVAL;
	wire_put_number(&w, VERSION, 1);
	wire_put_number(&w, UNIT_BYTES, 1);
	wire_put_number(&w, beacon->table, 1);
	wire_put_number(&w, beacon->part, 1);
	wire_put_number(&w, beacon->parts, 1);
	wire_put_number(&w, beacon->path_count, 1);
	wire_put_number(&w, beacon->unit_count, 1);
	wire_put_name(&w, beacon->node);
	wire_put_number(&w, beacon->boot, 8);
	wire_put_number(&w, beacon->sequence, 8);
	wire_put_number(&w, beacon->config_hash, 4);
	for (size_t i = 0; i < beacon->path_count; i++)
		wire_put_number(&w, beacon->path_heard_ms[i], 4);
	for (size_t i = 0; i < beacon->unit_count; i++) {
		const struct vrrp_beacon_unit *unit = &beacon->units[i];

		if (!unit_is_fit(unit))
			return -EINVAL;
		wire_put_number(&w, unit->name_hash, 8);
		wire_put_number(
			&w, unit->state | (unit->lan_well ? LAN_BIT : 0) | unit->witness << WITNESS_SHIFT, 1);
		wire_put_number(&w, unit->priority, 1);
		wire_put_number(&w, unit->heard_ms, 4);
		wire_put(&w, unit->source, sizeof(unit->source));
	}
	return w.full ? -ENOSPC : (int)w.at;
}

static void read_unit(struct wire_in *r, size_t bytes, struct vrrp_beacon_unit *unit)
{
	uint8_t flags, later;

	unit->name_hash = wire_get_number(r, 8);
	flags = (uint8_t)wire_get_number(r, 1);
	unit->state = flags & 3;
	unit->lan_well = flags & LAN_BIT;
	unit->witness = flags >> WITNESS_SHIFT & 3;
	unit->priority = (uint8_t)wire_get_number(r, 1);
	unit->heard_ms = (uint32_t)wire_get_number(r, 4);
	wire_get(r, unit->source, sizeof(unit->source));
	for (size_t i = UNIT_BYTES; i < bytes; i++)
		wire_get(r, &later, 1);
}

int vrrp_beacon_decode(const uint8_t *buf, size_t len, struct vrrp_beacon *out)
{
	struct wire_in r = {.buf = buf, .len = len};
	size_t unit_bytes;

	memset(out, 0, sizeof(*out));
	if (wire_get_number(&r, 1) != VERSION)
		return -EBADMSG;
	unit_bytes = (size_t)wire_get_number(&r, 1);
	out->table = (uint8_t)wire_get_number(&r, 1);
	out->part = (uint8_t)wire_get_number(&r, 1);
	out->parts = (uint8_t)wire_get_number(&r, 1);
	out->path_count = (uint8_t)wire_get_number(&r, 1);
	out->unit_count = (uint8_t)wire_get_number(&r, 1);
	wire_get_name(&r, out->node, sizeof(out->node));
	if (r.bad || !head_is_fit(out) || unit_bytes < UNIT_BYTES)
		return -EBADMSG;
	out->boot = wire_get_number(&r, 8);
	out->sequence = wire_get_number(&r, 8);
	out->config_hash = (uint32_t)wire_get_number(&r, 4);
	for (size_t i = 0; i < out->path_count; i++)
		out->path_heard_ms[i] = (uint32_t)wire_get_number(&r, 4);
	for (size_t i = 0; i < out->unit_count; i++)
		read_unit(&r, unit_bytes, &out->units[i]);
	return r.bad ? -EBADMSG : 0;
}

uint64_t vrrp_beacon_hash(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		hash = (hash ^ *c) * UINT64_C(0x100000001b3);
	return hash;
}
