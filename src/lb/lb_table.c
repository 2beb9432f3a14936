/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_table.h"

#include <errno.h>

size_t lb_table_size(
	enum lb_scheduler scheduler, const struct lb_hash_entry *entries, size_t n, size_t configured)
{
	if (!n)
		return 0;
	switch (scheduler) {
	case LB_WRR:
		return lb_hash_weighted_size(entries, n);
	case LB_SH:
	case LB_MH:
		return lb_hash_maglev_size(configured);
	default:
		return n;
	}
}

size_t lb_table_bound(const struct lb_pool *pool)
{
	switch (pool->scheduler) {
	case LB_WRR:
		return pool->backend_count * 16 +
		       LB_WEIGHT_MAX; /* weights are mostly small; a full table says so */
	case LB_SH:
	case LB_MH:
		return lb_hash_maglev_size(pool->backend_count);
	default:
		return pool->backend_count;
	}
}

int lb_table_fill(enum lb_scheduler scheduler, const struct lb_hash_entry *entries, size_t n, uint32_t *out,
	size_t size)
{
	long filled = 0;

	if (!n)
		return 0;
	switch (scheduler) {
	case LB_WRR:
		filled = lb_hash_weighted(entries, n, out, size);
		break;
	case LB_SH:
	case LB_MH:
		filled = lb_hash_maglev(entries, n, out, size);
		break;
	default:
		for (size_t i = 0; i < n; i++)
			out[i] = entries[i].id;
	}
	return filled < 0 ? (int)filled : 0;
}

enum lb_pick lb_table_pick(enum lb_scheduler scheduler)
{
	switch (scheduler) {
	case LB_LC:
	case LB_WLC:
		return LB_PICK_LEAST;
	case LB_SH:
		return LB_PICK_SOURCE;
	case LB_MH:
		return LB_PICK_TUPLE;
	default:
		return LB_PICK_NEXT;
	}
}

uint32_t lb_table_seed(const char *pool_name)
{
	uint32_t hash = 0x811c9dc5; /* FNV-1a */

	for (; *pool_name; pool_name++)
		hash = (hash ^ (uint8_t)*pool_name) * 0x01000193;
	return hash;
}
