/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a pool and its usable backends to the table the in-kernel scheduler indexes (lb_abi.h, enum lb_pick):
 *   rr          each backend once; taken in turn
 *   wrr         each as often as its weight says, spread evenly; taken in turn
 *   lc, wlc     each once; the kernel compares live connections (over weights)
 *   sh, mh      Maglev, indexed by the source address, or by the whole tuple
 * Pure.
 */
#ifndef TANDEM_LB_TABLE_H
#define TANDEM_LB_TABLE_H

#include "lb/bpf/lb_abi.h"
#include "lb/lb_hash.h"
#include "lb/lb_model.h"

/* Slots the table of n entries has; configured: backends in the config, used or not (so that a Maglev table keeps
 * its size when some are away). */
size_t lb_table_size(
	enum lb_scheduler scheduler, const struct lb_hash_entry *entries, size_t n, size_t configured);

/* Most slots that pool can ever need. */
size_t lb_table_bound(const struct lb_pool *pool);

/* Fill out[0..size); size as lb_table_size() said. 0 or -errno. */
int lb_table_fill(enum lb_scheduler scheduler, const struct lb_hash_entry *entries, size_t n, uint32_t *out,
	size_t size);

enum lb_pick lb_table_pick(enum lb_scheduler scheduler);

/* The same on both nodes of a pair: from the pool's name. */
uint32_t lb_table_seed(const char *pool_name);

#endif
