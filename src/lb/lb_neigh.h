/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was last known about each neighbour, to tell the messages that make a cached next hop wrong from the
 * many that only say that a neighbour was confirmed once more. Pure: no netlink, no clock.
 *
 * Bounded to LB_NEIGH_MAX neighbours. Beyond that it forgets nobody, it takes in no more; whoever it does
 * not know is then in doubt, and doubt counts as a change: hops are learnt again more often than needed,
 * never too late. The same holds between lb_neigh_begin and lb_neigh_end, while the kernel's table is being
 * read.
 */
#ifndef TANDEM_LB_NEIGH_H
#define TANDEM_LB_NEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define LB_NEIGH_MAX 65536

struct lb_neigh_entry {
	uint32_t ifindex;
	struct net_addr addr;
	bool usable; /* the kernel sends to mac; false: deleted, failed, being resolved */
	uint8_t mac[6];
};

struct lb_neigh;

/* max: neighbours it can hold, 1..LB_NEIGH_MAX; seed: random, so that nobody chooses who collides. NULL: no
 * memory. */
struct lb_neigh *lb_neigh_new(uint32_t max, uint64_t seed);
void lb_neigh_free(struct lb_neigh *neigh);

/* Forget all: the kernel's table is about to be read anew. */
void lb_neigh_begin(struct lb_neigh *neigh);
/* It was read to its end: from now on who is not known is new. */
void lb_neigh_end(struct lb_neigh *neigh);

/*
 * Take in what the kernel says of a neighbour; listed: it is an answer to reading the table, not an event.
 * True when a hop that was learnt before this may be wrong now.
 */
bool lb_neigh_changes(struct lb_neigh *neigh, const struct lb_neigh_entry *entry, bool listed);

/* How many neighbours are known. */
uint32_t lb_neigh_count(const struct lb_neigh *neigh);

#endif
