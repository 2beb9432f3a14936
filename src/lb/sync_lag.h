/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long it took until what happened here was acknowledged there: the longest and the 99th percentile of the last
 * minute. A histogram, four buckets an octave from 128 us to 2 minutes, in twelve slices of 5 s. Pure; times are ns of
 * any steady clock.
 */
#ifndef TANDEM_LB_SYNC_LAG_H
#define TANDEM_LB_SYNC_LAG_H

#include <stdint.h>

#define SYNC_LAG_SLICES   12
#define SYNC_LAG_SLICE_NS INT64_C(5000000000)
#define SYNC_LAG_BUCKETS  81

struct sync_lag_slice {
	int64_t number; /* of the 5 s since the clock's 0 */
	int64_t longest_ns;
	uint32_t count[SYNC_LAG_BUCKETS];
};

struct sync_lag {
	struct sync_lag_slice slice[SYNC_LAG_SLICES];
};

void sync_lag_init(struct sync_lag *lag);

/* weight: how many changes took that long. */
void sync_lag_add(struct sync_lag *lag, int64_t now_ns, int64_t took_ns, uint32_t weight);

/* Of the last minute, in us, 0 when there was nothing. The percentile is its bucket's upper end, at most the longest. */
void sync_lag_read(const struct sync_lag *lag, int64_t now_ns, uint32_t *longest_us, uint32_t *p99_us);

#endif
