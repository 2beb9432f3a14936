/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ward's Active units. Written for every advert: no system call, and a look at one slot only, whose place is remembered
 * by the hash of the unit's name. Of a slot's two copies one counts; the other is written, then made the one that counts.
 */
#include <string.h>

#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_ward_layout.h"

/* FNV-1a. */
static uint16_t *hint_for(struct vrrp_ward *ward, const char *unit)
{
	uint32_t hash = 2166136261u;

	for (; *unit; unit++)
		hash = (hash ^ (uint8_t)*unit) * 16777619u;
	return &ward->hint[(hash ^ hash >> 16) % WARD_HINTS];
}

static bool is_unit(const struct vrrp_ward *ward, uint32_t i, const char *unit)
{
	const struct ward_active *slot = vrrp_ward_slot(ward, WARD_ACTIVE, i);

	return vrrp_ward_is_valid(ward, WARD_ACTIVE, i) && strncmp(slot->unit, unit, sizeof(slot->unit)) == 0;
}

static long find(const struct vrrp_ward *ward, const char *unit)
{
	uint32_t end = vrrp_ward_used(ward, WARD_ACTIVE);

	for (uint32_t i = 0; i < end; i++)
		if (is_unit(ward, i, unit))
			return i;
	return -1;
}

/* Into the copy that does not count. */
static void write_copy(struct vrrp_ward *ward, uint32_t i, int64_t boottime_ns, int64_t safe_ns)
{
	struct ward_active *slot = vrrp_ward_slot(ward, WARD_ACTIVE, i);
	int other = atomic_load_explicit(&slot->valid, memory_order_relaxed) == WARD_SECOND ? 0 : 1;

	slot->copy[other].boottime_ns = boottime_ns;
	slot->copy[other].safe_ns = safe_ns;
	vrrp_ward_set_valid(ward, WARD_ACTIVE, i, other ? WARD_SECOND : WARD_VALID);
}

void vrrp_ward_advertised(struct vrrp_ward *ward, const char *unit, int64_t boottime_ns, int64_t safe_ns)
{
	struct ward_active slot = {.copy[0] = {boottime_ns, safe_ns}};
	uint16_t *hint = hint_for(ward, unit);
	long i = *hint;

	if (*hint >= vrrp_ward_used(ward, WARD_ACTIVE) || !is_unit(ward, *hint, unit))
		i = find(ward, unit);
	if (i >= 0) {
		write_copy(ward, (uint32_t)i, boottime_ns, safe_ns);
	} else if (vrrp_ward_is_text(unit, sizeof(slot.unit))) {
		memcpy(slot.unit, unit, strlen(unit));
		i = vrrp_ward_write_slot(ward, WARD_ACTIVE, &slot);
	}
	*hint = i < 0 ? 0 : (uint16_t)i;
}

void vrrp_ward_not_active(struct vrrp_ward *ward, const char *unit)
{
	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_ACTIVE); i++)
		if (is_unit(ward, i, unit))
			vrrp_ward_set_valid(ward, WARD_ACTIVE, i, 0);
}

static bool read_active(const struct vrrp_ward *ward, uint32_t i, int64_t *boottime_ns, int64_t *safe_ns)
{
	struct ward_active slot;

	memcpy(&slot, vrrp_ward_slot(ward, WARD_ACTIVE, i), sizeof(slot));

	int which = slot.valid == WARD_SECOND;

	*boottime_ns = slot.copy[which].boottime_ns;
	*safe_ns = slot.copy[which].safe_ns;
	return (slot.valid == WARD_VALID || slot.valid == WARD_SECOND) && *boottime_ns >= 0 &&
	       *safe_ns >= 0 && vrrp_ward_is_text(slot.unit, sizeof(slot.unit));
}

bool vrrp_ward_was_active(
	const struct vrrp_ward *ward, const char *unit, int64_t *advertised_boottime_ns, int64_t *safe_ns)
{
	long i = find(ward, unit);

	return i >= 0 && read_active(ward, (uint32_t)i, advertised_boottime_ns, safe_ns);
}

void vrrp_ward_unsafe(struct vrrp_ward *ward)
{
	int64_t boottime_ns, safe_ns;

	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_ACTIVE); i++)
		if (read_active(ward, i, &boottime_ns, &safe_ns))
			write_copy(ward, i, boottime_ns, 0);
}

void vrrp_ward_scrub_active(struct vrrp_ward *ward)
{
	int64_t boottime_ns, safe_ns;

	for (uint32_t i = 0; i < vrrp_ward_used(ward, WARD_ACTIVE); i++)
		if (vrrp_ward_is_valid(ward, WARD_ACTIVE, i) && !read_active(ward, i, &boottime_ns, &safe_ns))
			vrrp_ward_set_valid(ward, WARD_ACTIVE, i, 0);
}
