/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ward's tables: what is written into them and believed of them. The file they stand in is vrrp_ward_file.c's, how
 * they stand there vrrp_ward_layout.h's.
 *
 * What a reader gets was copied first and checked then, so that nothing changes between the two.
 */
#include "vrrp/vrrp_ward.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "vrrp/vrrp_ward_layout.h"

static bool is_interface(const char name[VRRP_IFNAME_SIZE])
{
	return vrrp_ward_is_text(name, VRRP_IFNAME_SIZE) && !memchr(name, '/', strlen(name)) &&
	       !memchr(name, ':', strlen(name)) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void copy_text(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size - 1);

	memset(to, 0, size);
	memcpy(to, from, len);
}

static struct net_addr make_addr(uint8_t family, const uint8_t *bytes)
{
	struct net_addr addr = {.family = family};

	memcpy(addr.bytes, bytes, vrrp_ward_family_bytes(family));
	return addr;
}

/* ---- addresses ---- */

static bool read_held(const struct vrrp_ward *ward, uint32_t i, struct vrrp_held *out)
{
	struct ward_held slot;

	if (!vrrp_ward_is_valid(ward, WARD_HELD, i))
		return false;
	memcpy(&slot, vrrp_ward_slot(ward, WARD_HELD, i), sizeof(slot));
	if (!vrrp_ward_family_bytes(slot.family) || slot.ifindex <= 0 || slot.prefix < 1 ||
		slot.prefix > 8 * vrrp_ward_family_bytes(slot.family) || !is_interface(slot.interface) ||
		!vrrp_ward_is_text(slot.unit, sizeof(slot.unit)))
		return false;
	memset(out, 0, sizeof(*out));
	copy_text(out->unit, slot.unit, sizeof(out->unit));
	copy_text(out->interface, slot.interface, sizeof(out->interface));
	out->ifindex = slot.ifindex;
	out->address.addr = make_addr(slot.family, slot.bytes);
	out->address.prefix = slot.prefix;
	return true;
}

/* Is it about this address? Cheap: an answer for every slot, for every address that comes or goes. */
static bool is_about(const struct vrrp_ward *ward, uint32_t i, const struct net_addr *addr)
{
	const struct ward_held *slot = vrrp_ward_slot(ward, WARD_HELD, i);

	return slot->family == addr->family &&
	       memcmp(slot->bytes, addr->bytes, vrrp_ward_family_bytes(addr->family)) == 0 &&
	       vrrp_ward_is_valid(ward, WARD_HELD, i);
}

static int fill_held(const struct vrrp_held *held, struct ward_held *slot)
{
	size_t width = vrrp_ward_family_bytes(held->address.addr.family);

	*slot = (struct ward_held){.ifindex = held->ifindex,
		.family = held->address.addr.family,
		.prefix = held->address.prefix};
	if (!width || slot->ifindex <= 0 || slot->prefix < 1 || slot->prefix > 8 * width ||
		!is_interface(held->interface) || !vrrp_ward_is_text(held->unit, sizeof(held->unit)))
		return -EINVAL;
	memcpy(slot->bytes, held->address.addr.bytes, width);
	copy_text(slot->interface, held->interface, sizeof(slot->interface));
	copy_text(slot->unit, held->unit, sizeof(slot->unit));
	return 0;
}

int vrrp_ward_hold(struct vrrp_ward *ward, const struct vrrp_held *held)
{
	const size_t word = sizeof(_Atomic uint32_t);
	const struct net_addr *addr = &held->address.addr;
	uint32_t end = vrrp_ward_used(ward, WARD_HELD);
	struct ward_held slot;
	long mine = -1;
	int err = fill_held(held, &slot);

	if (err)
		return err;
	for (uint32_t i = 0; i < end && mine < 0; i++)
		if (is_about(ward, i, addr) && memcmp((char *)vrrp_ward_slot(ward, WARD_HELD, i) + word,
						       (char *)&slot + word, sizeof(slot) - word) == 0)
			mine = i;
	if (mine < 0)
		mine = vrrp_ward_write_slot(ward, WARD_HELD, &slot);
	if (mine < 0)
		return (int)mine;
	for (uint32_t i = 0; i < end; i++) {
		const struct ward_held *other = vrrp_ward_slot(ward, WARD_HELD, i);

		if (i != (uint32_t)mine && is_about(ward, i, addr) &&
			(other->ifindex == slot.ifindex ||
				strncmp(other->interface, slot.interface, sizeof(slot.interface)) == 0))
			vrrp_ward_set_valid(ward, WARD_HELD, i, 0);
	}
	return 0;
}

void vrrp_ward_drop(struct vrrp_ward *ward, int ifindex, const struct net_addr *addr)
{
	uint32_t end = vrrp_ward_used(ward, WARD_HELD);

	for (uint32_t i = 0; i < end; i++) {
		const struct ward_held *slot = vrrp_ward_slot(ward, WARD_HELD, i);

		if (slot->ifindex == ifindex && is_about(ward, i, addr))
			vrrp_ward_set_valid(ward, WARD_HELD, i, 0);
	}
}

bool vrrp_ward_next_held(const struct vrrp_ward *ward, size_t *cursor, struct vrrp_held *out)
{
	while (*cursor < vrrp_ward_used(ward, WARD_HELD))
		if (read_held(ward, (uint32_t)(*cursor)++, out))
			return true;
	return false;
}

/* ---- links ---- */

static bool read_link(const struct vrrp_ward *ward, uint32_t i, char name[VRRP_IFNAME_SIZE], int *ifindex)
{
	struct ward_link slot;

	if (!vrrp_ward_is_valid(ward, WARD_LINKS, i))
		return false;
	memcpy(&slot, vrrp_ward_slot(ward, WARD_LINKS, i), sizeof(slot));
	if (slot.ifindex <= 0 || !is_interface(slot.name))
		return false;
	copy_text(name, slot.name, VRRP_IFNAME_SIZE);
	*ifindex = slot.ifindex;
	return true;
}

int vrrp_ward_add_link(struct vrrp_ward *ward, const char *name, int ifindex)
{
	struct ward_link slot = {.ifindex = ifindex};
	uint32_t end = vrrp_ward_used(ward, WARD_LINKS);
	char other[VRRP_IFNAME_SIZE];
	int index;
	long mine = -1;

	if (strlen(name) >= sizeof(slot.name) || ifindex <= 0)
		return -EINVAL;
	copy_text(slot.name, name, sizeof(slot.name));
	if (!is_interface(slot.name))
		return -EINVAL;
	for (uint32_t i = 0; i < end && mine < 0; i++)
		if (read_link(ward, i, other, &index) && index == ifindex && strcmp(other, name) == 0)
			mine = i;
	if (mine < 0)
		mine = vrrp_ward_write_slot(ward, WARD_LINKS, &slot);
	if (mine < 0)
		return (int)mine;
	for (uint32_t i = 0; i < end; i++)
		if (i != (uint32_t)mine && read_link(ward, i, other, &index) &&
			(index == ifindex || strcmp(other, name) == 0))
			vrrp_ward_set_valid(ward, WARD_LINKS, i, 0);
	return 0;
}

void vrrp_ward_drop_link(struct vrrp_ward *ward, int ifindex)
{
	char name[VRRP_IFNAME_SIZE];
	int index;

	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_LINKS); i++)
		if (read_link(ward, i, name, &index) && index == ifindex)
			vrrp_ward_set_valid(ward, WARD_LINKS, i, 0);
}

bool vrrp_ward_next_link(
	const struct vrrp_ward *ward, size_t *cursor, char name[VRRP_IFNAME_SIZE], int *ifindex)
{
	while (*cursor < vrrp_ward_used(ward, WARD_LINKS))
		if (read_link(ward, (uint32_t)(*cursor)++, name, ifindex))
			return true;
	return false;
}

/* ---- what the guard has to know ---- */

void vrrp_ward_set_resume(struct vrrp_ward *ward, bool resume)
{
	atomic_store(&ward->file->header.resume, resume);
}

bool vrrp_ward_resume(const struct vrrp_ward *ward)
{
	return atomic_load(&ward->file->header.resume) == 1;
}

void vrrp_ward_set_claimed(struct vrrp_ward *ward, bool claimed)
{
	atomic_store(&ward->file->header.claimed, claimed);
}

bool vrrp_ward_claimed(const struct vrrp_ward *ward)
{
	return atomic_load(&ward->file->header.claimed) == 1;
}

/* ---- at the start ---- */

void vrrp_ward_scrub(struct vrrp_ward *ward)
{
	char name[VRRP_IFNAME_SIZE];
	struct vrrp_held held;
	int ifindex;

	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_HELD); i++)
		if (vrrp_ward_is_valid(ward, WARD_HELD, i) && !read_held(ward, i, &held))
			vrrp_ward_set_valid(ward, WARD_HELD, i, 0);
	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_LINKS); i++)
		if (vrrp_ward_is_valid(ward, WARD_LINKS, i) && !read_link(ward, i, name, &ifindex))
			vrrp_ward_set_valid(ward, WARD_LINKS, i, 0);
	vrrp_ward_scrub_farewells(ward);
	vrrp_ward_scrub_active(ward);
}
