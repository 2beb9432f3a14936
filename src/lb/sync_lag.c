/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/sync_lag.h"

#include <string.h>

#define FIRST_BITS 7 /* the first octave begins at 128 us */

void sync_lag_init(struct sync_lag *lag)
{
	memset(lag, 0, sizeof(*lag));
	for (int i = 0; i < SYNC_LAG_SLICES; i++)
		lag->slice[i].number = -1;
}

/* Bucket 0 is below 128 us; then four to each octave. */
static unsigned bucket_of(int64_t took_ns)
{
	uint64_t us = (uint64_t)(took_ns > 0 ? took_ns / 1000 : 0);
	unsigned bits, bucket;

	if (us < 1 << FIRST_BITS)
		return 0;
	bits = 63 - (unsigned)__builtin_clzll(us);
	bucket = 1 + (bits - FIRST_BITS) * 4 + ((us >> (bits - 2)) & 3);
	return bucket < SYNC_LAG_BUCKETS ? bucket : SYNC_LAG_BUCKETS - 1;
}

static uint64_t bucket_end_us(unsigned bucket)
{
	if (bucket == 0)
		return 1 << FIRST_BITS;
	return (UINT64_C(4) + (bucket - 1) % 4 + 1) << (FIRST_BITS - 2 + (bucket - 1) / 4);
}

void sync_lag_add(struct sync_lag *lag, int64_t now_ns, int64_t took_ns, uint32_t weight)
{
	int64_t number = now_ns / SYNC_LAG_SLICE_NS;
	struct sync_lag_slice *slice = &lag->slice[number % SYNC_LAG_SLICES];

	if (slice->number != number) {
		memset(slice, 0, sizeof(*slice));
		slice->number = number;
	}
	slice->count[bucket_of(took_ns)] += weight;
	if (took_ns > slice->longest_ns)
		slice->longest_ns = took_ns;
}

static uint32_t clamp_us(uint64_t us)
{
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void sync_lag_read(const struct sync_lag *lag, int64_t now_ns, uint32_t *longest_us, uint32_t *p99_us)
{
	int64_t number = now_ns / SYNC_LAG_SLICE_NS, longest_ns = 0;
	uint64_t count[SYNC_LAG_BUCKETS] = {0}, all = 0, seen = 0;

	for (int i = 0; i < SYNC_LAG_SLICES; i++) {
		const struct sync_lag_slice *slice = &lag->slice[i];

		if (slice->number < 0 || slice->number <= number - SYNC_LAG_SLICES || slice->number > number)
			continue;
		if (slice->longest_ns > longest_ns)
			longest_ns = slice->longest_ns;
		for (int b = 0; b < SYNC_LAG_BUCKETS; b++) {
			count[b] += slice->count[b];
			all += slice->count[b];
		}
	}
	*longest_us = clamp_us((uint64_t)longest_ns / 1000);
	*p99_us = 0;
	for (unsigned b = 0; b < SYNC_LAG_BUCKETS && all; b++) {
		seen += count[b];
		if (seen * 100 >= all * 99) {
			*p99_us = clamp_us(bucket_end_us(b));
			break;
		}
	}
	if (*p99_us > *longest_us)
		*p99_us = *longest_us;
}
