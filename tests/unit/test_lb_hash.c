/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of the scheduler tables: shares, spread, disruption, independence of order, limits, speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lb/lb_hash.h"
#include "lb/lb_model.h"

#define MAX   LB_POOL_BACKENDS_MAX
#define SLOTS 65536

static uint32_t table[SLOTS], other[SLOTS];
static struct lb_hash_entry entries[MAX + 1];

/* n backends 10.9.x.y:80, ids from 1000 on. */
static void make_entries(size_t n, uint32_t weight)
{
	for (size_t i = 0; i < n; i++) {
		struct net_addr a = {.family = AF_INET, .bytes = {10, 9, (uint8_t)(i >> 8), (uint8_t)i}};

		entries[i] = (struct lb_hash_entry){
			.id = 1000 + (uint32_t)i, .weight = weight, .seed = lb_hash_seed(&a, 80)};
	}
}

static void count(const uint32_t *slots, size_t size, uint32_t *counts, size_t n)
{
	memset(counts, 0, n * sizeof(*counts));
	for (size_t s = 0; s < size; s++) {
		assert_in_range(slots[s], 1000, 1000 + n - 1);
		counts[slots[s] - 1000]++;
	}
}

static uint64_t total_weight(size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += entries[i].weight;
	return total;
}

static double elapsed_ms(struct timespec from)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)(now.tv_sec - from.tv_sec) * 1e3 + (double)(now.tv_nsec - from.tv_nsec) / 1e6;
}

/* The seed is part of what two nodes, maybe of two versions, must agree on: these values never change. */
static void seeds_are_fixed_and_tell_backends_apart(void **state)
{
	static const struct {
		const char *addr;
		uint16_t port;
		uint64_t seed;
	} rows[] = {
		{"10.0.2.11", 6379, 0xed3d490757c53742ULL},
		{"10.0.2.12", 6379, 0x060f34d776f10a09ULL},
		{"10.0.2.11", 6380, 0xdd6145d305aeb656ULL},
		{"fd00::1", 80, 0xc9e39d7ef2765ceaULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr a;

		assert_int_equal(addr_parse(rows[i].addr, &a), 0);
		assert_true(lb_hash_seed(&a, rows[i].port) == rows[i].seed);
		a.bytes[a.family == AF_INET ? 3 : 15] ^= 0x80;
		assert_true(lb_hash_seed(&a, rows[i].port) != rows[i].seed);
	}
}

static void maglev_sizes(void **state)
{
	assert_int_equal(lb_hash_maglev_size(0), 251);
	assert_int_equal(lb_hash_maglev_size(2), 251);
	assert_int_equal(lb_hash_maglev_size(3), 509);
	assert_int_equal(lb_hash_maglev_size(256), 32749);
	assert_int_equal(lb_hash_maglev_size(655), 65521);
	assert_int_equal(lb_hash_maglev_size(100000), 65521);
}

static void maglev_refuses_what_would_not_end(void **state)
{
	make_entries(MAX + 1, 1);
	memset(table, 0x5a, sizeof(table));
	assert_int_equal(lb_hash_maglev(entries, 0, table, 251), 0);
	assert_int_equal(table[0], 0x5a5a5a5a);
	assert_int_equal(lb_hash_maglev(entries, 2, table, 0), -EINVAL);
	assert_int_equal(lb_hash_maglev(entries, 2, table, 1), -EINVAL);
	assert_int_equal(lb_hash_maglev(entries, 2, table, 256), -EINVAL);
	assert_int_equal(lb_hash_maglev(entries, 2, table, 65521ULL * 65521), -EINVAL);
	assert_int_equal(lb_hash_maglev(entries, MAX + 1, table, 251), -E2BIG);
	assert_int_equal(table[0], 0x5a5a5a5a);
	entries[1].weight = 0;
	assert_int_equal(lb_hash_maglev(entries, 2, table, 251), -EINVAL);
	make_entries(3, 1);
	assert_int_equal(
		lb_hash_maglev(entries, 3, table, 2), 2); /* more entries than slots: full, no hang */
	assert_int_equal(lb_hash_maglev(entries, 1, table, 251), 251);
	for (size_t s = 0; s < 251; s++)
		assert_int_equal(table[s], 1000);
}

static void maglev_equal_shares_within_one_percent(void **state)
{
	uint32_t counts[MAX];

	for (size_t n = 1; n <= MAX; n = n < 16 ? n + 1 : n * 2) {
		size_t size = lb_hash_maglev_size(n);

		make_entries(n, 7);
		assert_int_equal(lb_hash_maglev(entries, n, table, size), size);
		count(table, size, counts, n);
		for (size_t i = 0; i < n; i++)
			assert_in_range(counts[i], size / n, size / n + 1);
	}
}

/* Weighted: within 2 % of the share and two slots; never nothing. */
static void maglev_weighted_shares(void **state)
{
	uint32_t counts[MAX];

	srandom(11);
	for (int round = 0; round < 60; round++) {
		size_t n = 1 + (size_t)random() % MAX;
		size_t size = lb_hash_maglev_size(n);

		make_entries(n, 1);
		for (size_t i = 0; i < n; i++)
			entries[i].weight = 1 + (uint32_t)random() % LB_WEIGHT_MAX;
		assert_int_equal(lb_hash_maglev(entries, n, table, size), size);
		count(table, size, counts, n);
		for (size_t i = 0; i < n; i++) {
			double share = (double)size * entries[i].weight / (double)total_weight(n);

			assert_true(counts[i] >= 1);
			assert_true(counts[i] >= share * 0.98 - 2 && counts[i] <= share * 1.02 + 2);
		}
	}
}

static void maglev_weight_one_beside_256(void **state)
{
	uint32_t counts[MAX];

	make_entries(2, 1);
	entries[0].weight = 256;
	lb_hash_maglev(entries, 2, table, 251);
	count(table, 251, counts, 2);
	assert_int_equal(counts[1], 1);

	make_entries(MAX, 1);
	entries[7].weight = 256;
	lb_hash_maglev(entries, MAX, table, 32749);
	count(table, 32749, counts, MAX);
	assert_in_range(counts[7], 32749 * 0.495, 32749 * 0.51);
	for (size_t i = 0; i < MAX; i++)
		assert_in_range(counts[i], 63, i == 7 ? 32749 : 66);
}

/* Remove each in turn: its slots go, and few of the others move. */
static void maglev_removal_moves_little_else(void **state)
{
	static const size_t sizes[] = {2, 4, 10, 50, 256};

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		size_t n = sizes[k], size = lb_hash_maglev_size(n), moved = 0, trials = n < 20 ? n : 20;

		for (size_t gone = 0; gone < trials; gone++) {
			make_entries(n, 3);
			lb_hash_maglev(entries, n, table, size);
			memmove(&entries[gone], &entries[gone + 1], (n - gone - 1) * sizeof(entries[0]));
			lb_hash_maglev(entries, n - 1, other, size);
			for (size_t s = 0; s < size; s++) {
				assert_true(other[s] != 1000 + gone);
				moved += table[s] != 1000 + gone && table[s] != other[s];
			}
		}
		assert_true((double)moved / (double)(size * trials) <= 1.0 / (double)n + 0.04);
	}
}

static void maglev_ignores_order_and_numbering(void **state)
{
	struct lb_hash_entry kept[100];

	make_entries(100, 1);
	for (size_t i = 0; i < 100; i++)
		entries[i].weight = 1 + (uint32_t)i % 5;
	lb_hash_maglev(entries, 100, table, 16381);
	memcpy(kept, entries, sizeof(kept));
	srandom(5);
	for (size_t i = 99; i > 0; i--) {
		size_t j = (size_t)random() % (i + 1);
		struct lb_hash_entry e = entries[i];

		entries[i] = entries[j];
		entries[j] = e;
	}
	lb_hash_maglev(entries, 100, other, 16381);
	assert_memory_equal(table, other, 16381 * sizeof(table[0]));

	/* The other node numbers its backends the other way round. */
	for (size_t i = 0; i < 100; i++)
		entries[i].id = 99 - (entries[i].id - 1000);
	lb_hash_maglev(entries, 100, other, 16381);
	for (size_t s = 0; s < 16381; s++)
		assert_int_equal(99 - (table[s] - 1000), other[s]);
}

/* Every occurrence in its window, the exact count, and a bounded distance also around the end. */
static void assert_spread(size_t n)
{
	uint64_t length = (uint64_t)lb_hash_weighted(entries, n, table, SLOTS), total = total_weight(n);
	uint64_t taken[MAX] = {0}, last[MAX], first[MAX];

	assert_int_equal(length, lb_hash_weighted_size(entries, n));
	for (uint64_t s = 0; s < length; s++) {
		size_t i = table[s] - 1000;

		assert_in_range(i, 0, n - 1);
		uint64_t c = entries[i].weight * length / total, k = taken[i]++;

		assert_in_range(s, k * length / c, ((k + 1) * length + c - 1) / c - 1);
		if (k == 0)
			first[i] = s;
		else
			assert_true(s - last[i] <= (2 * length + c - 1) / c);
		last[i] = s;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t c = taken[i];

		assert_true(c * total == entries[i].weight * length);
		assert_true(length - last[i] + first[i] <= (2 * length + c - 1) / c);
	}
}

static void weighted_is_exact_and_even(void **state)
{
	srandom(3);
	for (int round = 0; round < 200; round++) {
		size_t n = 1 + (size_t)random() % (round < 150 ? 8 : MAX);
		uint32_t step = 1 + (uint32_t)random() % 4, top = (uint32_t[]){1, 3, 64}[random() % 3];

		make_entries(n, 1);
		for (size_t i = 0; i < n; i++)
			entries[i].weight = step * (1 + (uint32_t)random() % top);
		assert_spread(n);
	}
	make_entries(MAX, 1);
	for (size_t i = 0; i < MAX; i++)
		entries[i].weight = i % 2 ? 1 : 256; /* 128 x 257 slots */
	assert_spread(MAX);
}

static void weighted_small_sequences(void **state)
{
	static const struct {
		size_t n;
		uint32_t weights[4];
		const char *sequence;
	} rows[] = {
		{1, {9}, "a"},
		{3, {5, 5, 5}, "abc"},
		{2, {2, 1}, "aab"},
		{3, {4, 1, 1}, "aabaac"}, /* not aabcaa, which hands a four in a row around the end */
		{4, {3, 1, 1, 1}, "abacad"},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		char text[16] = "";
		long length;

		make_entries(rows[r].n, 1);
		for (size_t i = 0; i < rows[r].n; i++)
			entries[i].weight = rows[r].weights[i];
		length = lb_hash_weighted(entries, rows[r].n, table, sizeof(text) - 1);
		for (long s = 0; s < length; s++)
			text[s] = (char)('a' + (table[s] - 1000));
		assert_string_equal(text, rows[r].sequence);
	}
}

static void weighted_limits(void **state)
{
	make_entries(MAX + 1, 256);
	assert_int_equal(lb_hash_weighted(entries, 0, table, 0), 0);
	assert_int_equal(lb_hash_weighted_size(entries, 0), 0);
	assert_int_equal(lb_hash_weighted_size(entries, MAX), MAX); /* 256 times 1, not 65,536 slots */
	assert_int_equal(lb_hash_weighted(entries, MAX, table, MAX - 1), -ENOSPC);
	assert_int_equal(lb_hash_weighted(entries, MAX + 1, table, SLOTS), -E2BIG);
	entries[0].weight = 255;
	assert_int_equal(lb_hash_weighted_size(entries, MAX), SLOTS - 1);
	assert_int_equal(lb_hash_weighted(entries, MAX, table, SLOTS), SLOTS - 1);
	entries[0].weight = 0;
	assert_int_equal(lb_hash_weighted(entries, 2, table, SLOTS), -EINVAL);
}

/* The bounds leave room for the sanitizers and a busy machine; the printed times are what to look at. */
static void tables_are_built_fast(void **state)
{
	struct timespec from;
	double equal, skewed, weighted;

	make_entries(MAX, 1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	lb_hash_maglev(entries, MAX, table, 65521);
	equal = elapsed_ms(from);
	entries[0].weight = 256;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	lb_hash_maglev(entries, MAX, table, 65521);
	skewed = elapsed_ms(from);
	make_entries(MAX, 256);
	entries[0].weight = 255;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	lb_hash_weighted(entries, MAX, table, SLOTS);
	weighted = elapsed_ms(from);
	print_message("maglev 256 x 65521: equal %.1f ms, one of weight 256 %.1f ms; weighted 65,535 slots: "
		      "%.1f ms\n",
		equal, skewed, weighted);
	assert_true(equal < 200 && skewed < 400 && weighted < 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_are_fixed_and_tell_backends_apart),
		cmocka_unit_test(maglev_sizes),
		cmocka_unit_test(maglev_refuses_what_would_not_end),
		cmocka_unit_test(maglev_equal_shares_within_one_percent),
		cmocka_unit_test(maglev_weighted_shares),
		cmocka_unit_test(maglev_weight_one_beside_256),
		cmocka_unit_test(maglev_removal_moves_little_else),
		cmocka_unit_test(maglev_ignores_order_and_numbering),
		cmocka_unit_test(weighted_is_exact_and_even),
		cmocka_unit_test(weighted_small_sequences),
		cmocka_unit_test(weighted_limits),
		cmocka_unit_test(tables_are_built_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
