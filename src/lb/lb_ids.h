/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places in the dataplane's arrays (backends, services, pools): free, used, or retired. A retired one is no longer
 * in the config but flows may still point at it; it becomes free when a whole walk over the flow table, begun
 * after it was retired, has not met it. Pure.
 */
#ifndef TANDEM_LB_IDS_H
#define TANDEM_LB_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lb_ids {
	uint8_t *state;       /* owned: 0 free, 1 used, 2 retired */
	uint32_t *retired_in; /* owned: number of the walk that was under way then */
	uint8_t *met;         /* owned: met in the walk under way */
	uint32_t size, used, retired, next;
};

int lb_ids_init(struct lb_ids *ids, uint32_t size); /* 0 or -ENOMEM */
void lb_ids_clear(struct lb_ids *ids);

uint32_t lb_ids_available(const struct lb_ids *ids);

/* A free place, now used; -ENOSPC when there is none. The least recently used first. */
long lb_ids_take(struct lb_ids *ids);

/* Take that very place, for an adopted dataplane. -EBUSY, -ERANGE. */
int lb_ids_claim(struct lb_ids *ids, uint32_t id);

/* Used -> retired; walk is the number of the walk under way. */
void lb_ids_retire(struct lb_ids *ids, uint32_t id, uint32_t walk);

/* A flow points at it. */
void lb_ids_meet(struct lb_ids *ids, uint32_t id);

/* The walk of that number is over: retired places that were retired before it began and were not met become
 * free; freed (may be NULL) is told. */
void lb_ids_walked(struct lb_ids *ids, uint32_t walk, void (*freed)(void *data, uint32_t id), void *data);

#endif
