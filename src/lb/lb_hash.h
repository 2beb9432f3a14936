/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables that the in-kernel scheduler indexes, computed from weights and seeds alone.
 *
 * mh and sh index the same kind of table, a weighted Maglev (Eisenbud et al., "Maglev: A Fast and Reliable
 * Software Network Load Balancer", NSDI 2016, section 3.4): they differ in the key the dataplane hashes (the
 * connection, or the source address alone), not in the table. wrr walks lb_hash_weighted()'s sequence.
 *
 * Pure: no I/O, no allocation, no clock. Owns nothing; entries and tables are the caller's.
 */
#ifndef TANDEM_LB_LB_HASH_H
#define TANDEM_LB_LB_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct lb_hash_entry {
	uint32_t id;     /* what is written into the table */
	uint32_t weight; /* above 0: a drained backend is not an entry */
	uint64_t seed;   /* lb_hash_seed() of the backend */
};

/*
 * FNV-1a (64 bit) over the IP version, the address and the port, finished with MurmurHash3's fmix64, so that
 * neighbouring addresses get unrelated seeds. The same on every machine: both nodes of a pair build the same
 * table. Not keyed: backends are the operator's own, no stranger chooses them.
 */
uint64_t lb_hash_seed(const struct net_addr *addr, uint16_t port);

/*
 * The prime table size for a pool of n backends: the first of 251, 509, 1021, 2039, 4093, 8191, 16381, 32749
 * and 65521 that is at least 100 n (the paper's bound for shares within 1 %), or the last of them. Ask with
 * the number of backends in the configuration, not of those that are up: another size moves nearly every
 * slot.
 */
size_t lb_hash_maglev_size(size_t n);

/*
 * Fill table[size] with the ids of n entries, each in proportion to its weight and, as long as n <= size, at
 * least once. The result depends on seeds and weights only, not on the order of entries or (but for two equal
 * seeds, which distinct backends have with a probability of 2^-64 a pair) on ids.
 * Returns size, or 0 with the table untouched when n is 0; -EINVAL when size is not a prime below 2^31 or a
 * weight is 0; -E2BIG when n is above LB_POOL_BACKENDS_MAX.
 */
long lb_hash_maglev(const struct lb_hash_entry *entries, size_t n, uint32_t *table, size_t size);

/* Length of the sequence that lb_hash_weighted() writes: the sum of the weights over their greatest common
 * divisor. 0 when n is 0. */
size_t lb_hash_weighted_size(const struct lb_hash_entry *entries, size_t n);

/*
 * Write a sequence in which each id stands weight / gcd times, evenly: with L the length, the kth occurrence
 * (from 0) of an id with c slots lies in [floor(k L / c), ceil((k + 1) L / c)), so two occurrences, also
 * around the end, are at most ceil(2 L / c) apart, and any prefix holds an id within one of its exact share.
 * Among equals the order of entries decides: equal weights give plain round robin in that order. Returns the
 * length, 0 when n is 0; -ENOSPC when it is above cap, -EINVAL when a weight is 0, -E2BIG when n is above
 * LB_POOL_BACKENDS_MAX.
 */
long lb_hash_weighted(const struct lb_hash_entry *entries, size_t n, uint32_t *table, size_t cap);

#endif
