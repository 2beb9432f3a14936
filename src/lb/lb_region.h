/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stretches of the slot array in which the pools' scheduler tables lie: first fit over a sorted list. A table is
 * never changed in place: the new one is written elsewhere, the pool is pointed at it, and the old stretch rests
 * until no reader can be in it any more. Pure; time is the caller's, in milliseconds.
 */
#ifndef TANDEM_LB_REGION_H
#define TANDEM_LB_REGION_H

#include <stddef.h>
#include <stdint.h>

#define LB_REGION_REST_MS 100 /* a program run takes microseconds */

struct lb_region {
	uint32_t base, length;
	uint64_t resting_until_ms; /* 0: in use */
};

struct lb_regions {
	struct lb_region *list; /* owned, sorted by base */
	size_t count, room;
	uint32_t size; /* slots in all */
};

int lb_regions_init(struct lb_regions *r, uint32_t size);
void lb_regions_clear(struct lb_regions *r);

/* The base of a free stretch, -ENOSPC or -ENOMEM. length 0 is base 0 and takes nothing. */
long lb_regions_take(struct lb_regions *r, uint32_t length, uint64_t now_ms);

/* Take that very stretch (an adopted dataplane's). -EBUSY when it overlaps another. */
int lb_regions_claim(struct lb_regions *r, uint32_t base, uint32_t length);

/* Give the stretch at base back after its rest. */
void lb_regions_give(struct lb_regions *r, uint32_t base, uint64_t now_ms);

/* Slots in use or resting. */
uint32_t lb_regions_used(const struct lb_regions *r);

#endif
