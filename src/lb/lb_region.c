/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lb_regions_init(struct lb_regions *r, uint32_t size)
{
	memset(r, 0, sizeof(*r));
	r->size = size;
	return 0;
}

void lb_regions_clear(struct lb_regions *r)
{
	free(r->list);
	memset(r, 0, sizeof(*r));
}

static int insert(struct lb_regions *r, size_t at, uint32_t base, uint32_t length)
{
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 16;
		struct lb_region *list = realloc(r->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		r->list = list;
		r->room = room;
	}
	memmove(&r->list[at + 1], &r->list[at], (r->count - at) * sizeof(*r->list));
	r->list[at] = (struct lb_region){.base = base, .length = length};
	r->count++;
	return 0;
}

static void drop_rested(struct lb_regions *r, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++)
		if (!r->list[i].resting_until_ms || r->list[i].resting_until_ms > now_ms)
			r->list[kept++] = r->list[i];
	r->count = kept;
}

long lb_regions_take(struct lb_regions *r, uint32_t length, uint64_t now_ms)
{
	uint32_t free_from = 0;
	size_t at = 0;

	if (!length)
		return 0;
	drop_rested(r, now_ms);
	for (; at < r->count; at++) {
		if (r->list[at].base - free_from >= length)
			break;
		free_from = r->list[at].base + r->list[at].length;
	}
	if (at == r->count && r->size - free_from < length)
		return -ENOSPC;

	int err = insert(r, at, free_from, length);

	return err ? err : (long)free_from;
}

int lb_regions_claim(struct lb_regions *r, uint32_t base, uint32_t length)
{
	size_t at = 0;

	if (!length)
		return 0;
	if (base > r->size || length > r->size - base)
		return -ERANGE;
	while (at < r->count && r->list[at].base + r->list[at].length <= base)
		at++;
	if (at < r->count && r->list[at].base < base + length)
		return -EBUSY;
	return insert(r, at, base, length);
}

void lb_regions_give(struct lb_regions *r, uint32_t base, uint64_t now_ms)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].base == base && !r->list[i].resting_until_ms)
			r->list[i].resting_until_ms = now_ms + LB_REGION_REST_MS;
}

uint32_t lb_regions_used(const struct lb_regions *r)
{
	uint32_t used = 0;

	for (size_t i = 0; i < r->count; i++)
		used += r->list[i].length;
	return used;
}
