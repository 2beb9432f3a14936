/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FREE, USED, RETIRED };

int lb_ids_init(struct lb_ids *ids, uint32_t size)
{
	memset(ids, 0, sizeof(*ids));
	ids->state = calloc(size, 1);
	ids->met = calloc(size, 1);
	ids->retired_in = calloc(size, sizeof(*ids->retired_in));
	if (!ids->state || !ids->met || !ids->retired_in) {
		lb_ids_clear(ids);
		return -ENOMEM;
	}
	ids->size = size;
	return 0;
}

void lb_ids_clear(struct lb_ids *ids)
{
	free(ids->state);
	free(ids->met);
	free(ids->retired_in);
	memset(ids, 0, sizeof(*ids));
}

uint32_t lb_ids_available(const struct lb_ids *ids)
{
	return ids->size - ids->used - ids->retired;
}

long lb_ids_take(struct lb_ids *ids)
{
	for (uint32_t i = 0; i < ids->size; i++) {
		uint32_t id = (ids->next + i) % ids->size;

		if (ids->state[id] == FREE) {
			ids->state[id] = USED;
			ids->used++;
			ids->next = id + 1;
			return id;
		}
	}
	return -ENOSPC;
}

int lb_ids_claim(struct lb_ids *ids, uint32_t id)
{
	if (id >= ids->size)
		return -ERANGE;
	if (ids->state[id] != FREE)
		return -EBUSY;
	ids->state[id] = USED;
	ids->used++;
	return 0;
}

void lb_ids_retire(struct lb_ids *ids, uint32_t id, uint32_t walk)
{
	if (id >= ids->size || ids->state[id] != USED)
		return;
	ids->state[id] = RETIRED;
	ids->retired_in[id] = walk;
	ids->used--;
	ids->retired++;
}

void lb_ids_meet(struct lb_ids *ids, uint32_t id)
{
	if (id < ids->size)
		ids->met[id] = 1;
}

void lb_ids_walked(struct lb_ids *ids, uint32_t walk, void (*freed)(void *data, uint32_t id), void *data)
{
	for (uint32_t id = 0; ids->retired && id < ids->size; id++) {
		if (ids->state[id] != RETIRED || ids->met[id] || ids->retired_in[id] >= walk)
			continue;
		ids->state[id] = FREE;
		ids->retired--;
		if (freed)
			freed(data, id);
	}
	memset(ids->met, 0, ids->size);
}
