/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_hash.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lb/lb_model.h"

/* ---- seeds ---- */

/* MurmurHash3's 64-bit finalizer: a bijection, every input bit reaches every output bit. */
static uint64_t fmix64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	x ^= x >> 33;
	return x;
}

uint64_t lb_hash_seed(const struct net_addr *addr, uint16_t port)
{
	uint8_t bytes[1 + sizeof(addr->bytes) + 2];
	size_t addr_len = addr->family == AF_INET6 ? 16 : 4;
	size_t len = 0;
	uint64_t h = 0xcbf29ce484222325ULL;

	bytes[len++] = addr->family == AF_INET6 ? 6 : 4; /* AF_INET6 is another number on another system */
	memcpy(bytes + len, addr->bytes, addr_len);
	len += addr_len;
	bytes[len++] = (uint8_t)(port >> 8);
	bytes[len++] = (uint8_t)port;
	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 0x100000001b3ULL;
	return fmix64(h);
}

/* ---- what both tables check ---- */

static int check_entries(const struct lb_hash_entry *entries, size_t n)
{
	if (n > LB_POOL_BACKENDS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		if (entries[i].weight == 0)
			return -EINVAL;
	return 0;
}

/* ---- Maglev ---- */

size_t lb_hash_maglev_size(size_t n)
{
	static const uint32_t primes[] = {251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521};
	size_t last = sizeof(primes) / sizeof(primes[0]) - 1;
	size_t i = 0;

	while (i < last && primes[i] / 100 < n)
		i++;
	return primes[i];
}

static bool is_prime(size_t x)
{
	if (x < 2 || x > INT32_MAX)
		return false;
	for (size_t d = 2; d * d <= x; d++)
		if (x % d == 0)
			return false;
	return true;
}

/* One entry's walk over the table: slots at, at + skip, ... modulo a prime size reaches every slot once. */
struct walk {
	uint64_t seed;
	uint64_t due; /* takes a turn once round * weight has come this far */
	uint32_t id, weight;
	uint32_t at, skip;
};

static bool walk_before(const struct walk *a, const struct walk *b)
{
	return a->seed != b->seed ? a->seed < b->seed : a->id < b->id;
}

/* Insertion sort: 256 at the most, usually sorted already. */
static void walks_start(struct walk *walks, const struct lb_hash_entry *entries, size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		const struct lb_hash_entry *e = &entries[i];
		struct walk w = {.seed = e->seed, .id = e->id, .weight = e->weight};
		size_t j = i;

		/* Two unrelated hashes of one seed, the paper's h1 and h2. */
		w.at = (uint32_t)(fmix64(e->seed ^ 0x9e3779b97f4a7c15ULL) % size);
		w.skip = size == 2 ? 1 : (uint32_t)(fmix64(e->seed ^ 0xd1b54a32d192ed03ULL) % (size - 1)) + 1;
		for (; j > 0 && walk_before(&w, &walks[j - 1]); j--)
			walks[j] = walks[j - 1];
		walks[j] = w;
	}
}

/* The next slot on the walk that nobody has. The caller knows that there is one. */
static uint32_t walk_claim(struct walk *w, const uint32_t *table, size_t size, uint32_t empty)
{
	uint32_t slot;

	do {
		slot = w->at;
		w->at += w->skip;
		if (w->at >= size)
			w->at -= (uint32_t)size;
	} while (table[slot] != empty);
	return slot;
}

long lb_hash_maglev(const struct lb_hash_entry *entries, size_t n, uint32_t *table, size_t size)
{
	struct walk walks[LB_POOL_BACKENDS_MAX];
	const uint32_t empty = UINT32_MAX; /* until the end the table holds indexes of walks, then ids */
	uint64_t heaviest = 0;
	size_t filled = 0;
	int err = check_entries(entries, n);

	if (err)
		return err;
	if (!is_prime(size))
		return -EINVAL;
	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (entries[i].weight > heaviest)
			heaviest = entries[i].weight;
	walks_start(walks, entries, n, size);
	memset(table, 0xff, size * sizeof(*table));

	/*
	 * The heaviest entry takes a turn every round, one of half its weight every other round, and everyone
	 * in the first: turns proportional to weight (the paper's section 3.4) and still spread over the
	 * rounds. Giving an entry all of its turns at once would let a weight of 256 fill a small table
	 * before the others had any.
	 */
	for (uint64_t round = 0; filled < size; round++) {
		for (size_t i = 0; i < n && filled < size; i++) {
			struct walk *w = &walks[i];

			if (round * w->weight < w->due)
				continue;
			w->due += heaviest;
			table[walk_claim(w, table, size, empty)] = (uint32_t)i;
			filled++;
		}
	}
	for (size_t slot = 0; slot < size; slot++)
		table[slot] = walks[table[slot]].id;
	return (long)size;
}

/* ---- smooth weighted sequence ---- */

static uint32_t weights_gcd(const struct lb_hash_entry *entries, size_t n)
{
	uint32_t g = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t a = entries[i].weight;

		while (a) {
			uint32_t rest = g % a;

			g = a;
			a = rest;
		}
	}
	return g ? g : 1;
}

size_t lb_hash_weighted_size(const struct lb_hash_entry *entries, size_t n)
{
	uint32_t gcd = weights_gcd(entries, n);
	size_t length = 0;

	for (size_t i = 0; i < n; i++)
		length += entries[i].weight / gcd;
	return length;
}

/* A binary heap of entries' indexes, the least key on top, the earlier entry among equals. */
struct heap {
	size_t count;
	struct heap_item {
		uint64_t key;
		uint32_t index;
	} items[LB_POOL_BACKENDS_MAX];
};

static bool item_before(const struct heap_item *a, const struct heap_item *b)
{
	return a->key != b->key ? a->key < b->key : a->index < b->index;
}

static void heap_push(struct heap *h, uint64_t key, uint32_t index)
{
	struct heap_item item = {key, index};
	size_t i = h->count++;

	for (; i > 0 && item_before(&item, &h->items[(i - 1) / 2]); i = (i - 1) / 2)
		h->items[i] = h->items[(i - 1) / 2];
	h->items[i] = item;
}

static uint32_t heap_pop(struct heap *h)
{
	uint32_t top = h->items[0].index;
	struct heap_item last = h->items[--h->count];
	size_t i = 0;

	for (size_t child = 1; child < h->count; child = 2 * i + 1) {
		if (child + 1 < h->count && item_before(&h->items[child + 1], &h->items[child]))
			child++;
		if (!item_before(&h->items[child], &last))
			break;
		h->items[i] = h->items[child];
		i = child;
	}
	h->items[i] = last;
	return top;
}

/*
 * Occurrence k of an entry with c of L slots may stand from floor(k L / c) and must stand before
 * ceil((k + 1) L / c). Taking, among those that may, the one that must soonest always meets every bound: it
 * is the one-processor case of Pfair scheduling (Baruah et al., "Proportionate Progress", Algorithmica 1996).
 */
long lb_hash_weighted(const struct lb_hash_entry *entries, size_t n, uint32_t *table, size_t cap)
{
	struct heap waiting = {0}, ready = {0};
	uint64_t taken[LB_POOL_BACKENDS_MAX] = {0};
	int err = check_entries(entries, n);
	uint64_t length;
	uint32_t gcd;

	if (err)
		return err;
	length = lb_hash_weighted_size(entries, n);
	gcd = weights_gcd(entries, n);
	if (length > cap)
		return -ENOSPC;
	for (uint32_t i = 0; i < n; i++)
		heap_push(&waiting, 0, i);
	for (uint64_t slot = 0; slot < length; slot++) {
		while (waiting.count && waiting.items[0].key <= slot) {
			uint32_t i = heap_pop(&waiting);
			uint64_t c = entries[i].weight / gcd;

			heap_push(&ready, ((taken[i] + 1) * length + c - 1) / c, i);
		}
		uint32_t i = heap_pop(&ready);

		table[slot] = entries[i].id;
		taken[i]++;
		heap_push(&waiting, taken[i] * length / (entries[i].weight / gcd), i);
	}
	return (long)length;
}
