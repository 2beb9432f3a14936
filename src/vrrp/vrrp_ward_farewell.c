/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ward's farewells: a slot with what is fixed, its peers and its payload in a row of blocks. Which blocks are free is
 * not written anywhere but follows from the valid slots, so that it cannot be wrong.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_ward_layout.h"

static struct net_addr make_addr(uint8_t family, const uint8_t *bytes)
{
	struct net_addr addr = {.family = family};

	memcpy(addr.bytes, bytes, vrrp_ward_family_bytes(family));
	return addr;
}

static size_t blocks_of(uint32_t peer_count, uint32_t len)
{
	return (16u * peer_count + len + WARD_BLOCK - 1) / WARD_BLOCK;
}

/* The slot's own fields, and that its blocks are in their bounds. */
static bool read_farewell_slot(const struct vrrp_ward *ward, uint32_t i, struct ward_farewell *slot)
{
	uint32_t end = vrrp_ward_used(ward, WARD_BLOCKS);

	if (!vrrp_ward_is_valid(ward, WARD_FAREWELLS, i))
		return false;
	memcpy(slot, vrrp_ward_slot(ward, WARD_FAREWELLS, i), sizeof(*slot));
	return slot->ifindex > 0 && slot->vrid && vrrp_ward_family_bytes(slot->family) &&
	       slot->peer_count <= VRRP_PEERS_MAX && slot->len >= 8 && slot->len <= VRRP_ADVERT_MAX &&
	       slot->block < end && blocks_of(slot->peer_count, slot->len) <= end - slot->block;
}

/* Nothing but a last word may leave by way of this file: an advert of that router with priority 0 (RFC 9568 section 5.2). */
static bool is_last_word(uint8_t family, uint8_t vrid, const uint8_t *payload, size_t len)
{
	return len >= 8 && len <= VRRP_ADVERT_MAX &&
	       (payload[0] == 0x31 || (payload[0] == 0x21 && family == AF_INET)) && payload[1] == vrid &&
	       payload[2] == 0;
}

static bool read_farewell(const struct vrrp_ward *ward, uint32_t i, struct vrrp_farewell *out)
{
	struct ward_farewell slot;
	const uint8_t *bytes;

	if (!read_farewell_slot(ward, i, &slot))
		return false;
	memset(out, 0, offsetof(struct vrrp_farewell, payload));
	out->ifindex = slot.ifindex;
	out->family = slot.family;
	out->vrid = slot.vrid;
	out->source = make_addr(slot.family, slot.source);
	memcpy(out->mac, slot.mac, sizeof(out->mac));
	bytes = ward->file->blocks[slot.block];
	for (; out->peer_count < slot.peer_count; out->peer_count++)
		out->peers[out->peer_count] = make_addr(slot.family, bytes + 16 * out->peer_count);
	memcpy(out->payload, bytes + 16 * slot.peer_count, slot.len);
	out->len = slot.len;
	return is_last_word(out->family, out->vrid, out->payload, out->len);
}

/* Blocks that no farewell has, in a row and with memory: the first one's number, or -ENOSPC. */
static long free_blocks(struct vrrp_ward *ward, size_t count)
{
	uint8_t taken[WARD_BLOCKS_MAX] = {};
	struct ward_farewell slot;
	size_t run = 0;

	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_FAREWELLS); i++)
		if (read_farewell_slot(ward, i, &slot))
			memset(taken + slot.block, 1, blocks_of(slot.peer_count, slot.len));
	for (uint32_t i = 0; i < WARD_BLOCKS_MAX; i++) {
		run = taken[i] ? 0 : run + 1;
		if (run == count)
			return vrrp_ward_reserve(ward, WARD_BLOCKS, i + 1) ? -ENOSPC : (long)(i + 1 - count);
	}
	return -ENOSPC;
}

static bool is_about(const struct vrrp_ward *ward, uint32_t i, int ifindex, uint8_t family, uint8_t vrid)
{
	struct ward_farewell slot;

	return read_farewell_slot(ward, i, &slot) && slot.ifindex == ifindex && slot.family == family &&
	       slot.vrid == vrid;
}

int vrrp_ward_set_farewell(struct vrrp_ward *ward, const struct vrrp_farewell *farewell)
{
	struct ward_farewell slot = {.ifindex = farewell->ifindex,
		.family = farewell->family,
		.vrid = farewell->vrid,
		.peer_count = (uint32_t)farewell->peer_count,
		.len = (uint32_t)farewell->len};
	uint8_t *bytes;
	long block, mine;

	if (slot.ifindex <= 0 || !slot.vrid || !vrrp_ward_family_bytes(slot.family) ||
		farewell->source.family != slot.family || farewell->peer_count > VRRP_PEERS_MAX ||
		!is_last_word(slot.family, slot.vrid, farewell->payload, farewell->len))
		return -EINVAL;
	for (size_t i = 0; i < farewell->peer_count; i++)
		if (farewell->peers[i].family != slot.family)
			return -EINVAL;
	block = free_blocks(ward, blocks_of(slot.peer_count, slot.len));
	if (block < 0)
		return (int)block;
	slot.block = (uint32_t)block;
	memcpy(slot.mac, farewell->mac, sizeof(slot.mac));
	memcpy(slot.source, farewell->source.bytes, vrrp_ward_family_bytes(slot.family));
	bytes = ward->file->blocks[block];
	for (size_t i = 0; i < farewell->peer_count; i++)
		memcpy(bytes + 16 * i, farewell->peers[i].bytes, 16);
	memcpy(bytes + 16 * farewell->peer_count, farewell->payload, farewell->len);
	mine = vrrp_ward_write_slot(ward, WARD_FAREWELLS, &slot);
	if (mine < 0)
		return (int)mine;
	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_FAREWELLS); i++)
		if (i != (uint32_t)mine && is_about(ward, i, slot.ifindex, slot.family, slot.vrid))
			vrrp_ward_set_valid(ward, WARD_FAREWELLS, i, 0);
	return 0;
}

void vrrp_ward_clear_farewell(struct vrrp_ward *ward, int ifindex, uint8_t family, uint8_t vrid)
{
	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_FAREWELLS); i++)
		if (is_about(ward, i, ifindex, family, vrid))
			vrrp_ward_set_valid(ward, WARD_FAREWELLS, i, 0);
}

bool vrrp_ward_next_farewell(const struct vrrp_ward *ward, size_t *cursor, struct vrrp_farewell *out)
{
	while (*cursor < vrrp_ward_used(ward, WARD_FAREWELLS))
		if (read_farewell(ward, (uint32_t)(*cursor)++, out))
			return true;
	return false;
}

void vrrp_ward_scrub_farewells(struct vrrp_ward *ward)
{
	static struct vrrp_farewell farewell;

	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_FAREWELLS); i++)
		if (vrrp_ward_is_valid(ward, WARD_FAREWELLS, i) && !read_farewell(ward, i, &farewell))
			vrrp_ward_set_valid(ward, WARD_FAREWELLS, i, 0);
}
