/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

static size_t length_of(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static uint64_t hash_place(uint8_t family, const uint8_t *bytes, uint16_t port, uint64_t what)
{
	uint64_t h = mix(what, (uint64_t)port << 8 | family), word;
	uint32_t half;

	if (family == AF_INET6) {
		memcpy(&word, bytes, 8);
		h = mix(h, word);
		memcpy(&word, bytes + 8, 8);
		h = mix(h, word);
	} else {
		memcpy(&half, bytes, 4);
		h = mix(h, half);
	}
	return mix(h, 0xc2b2ae3d27d4eb4fULL);
}

static uint64_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ULL;
	return mix(h, 1);
}

static int open_table(struct lb_names_table *t, size_t room)
{
	uint32_t size = 8;

	while (size < 2 * room)
		size *= 2;
	t->slots = calloc(size, sizeof(*t->slots));
	t->mask = size - 1;
	return t->slots ? 0 : -ENOMEM;
}

static void enter(struct lb_names_table *t, uint64_t hash, uint32_t value)
{
	uint32_t i = (uint32_t)(hash >> 32) & t->mask;

	while (t->slots[i])
		i = (i + 1) & t->mask;
	t->slots[i] = value;
}

/* ---- life ---- */

int lb_names_open(struct lb_names *n, const struct lb_names_sizes *sizes)
{
	memset(n, 0, sizeof(*n));
	n->services = calloc(sizes->services + 1, sizeof(*n->services));
	n->pools = calloc(sizes->pools + 1, sizeof(*n->pools));
	n->backends = calloc(sizes->backends + 1, sizeof(*n->backends));
	n->pool_at = calloc(sizes->pool_indexes + 1, sizeof(*n->pool_at));
	n->backend_at = calloc(sizes->backend_indexes + 1, sizeof(*n->backend_at));
	n->pool_indexes = sizes->pool_indexes;
	n->backend_indexes = sizes->backend_indexes;
	if (!n->services || !n->pools || !n->backends || !n->pool_at || !n->backend_at ||
		open_table(&n->by_service, sizes->services) || open_table(&n->by_pool, sizes->pools) ||
		open_table(&n->by_backend, 2 * sizes->backends)) {
		lb_names_close(n);
		return -ENOMEM;
	}
	return 0;
}

void lb_names_close(struct lb_names *n)
{
	free(n->services);
	free(n->pools);
	free(n->backends);
	free(n->pool_at);
	free(n->backend_at);
	free(n->by_service.slots);
	free(n->by_pool.slots);
	free(n->by_backend.slots);
	memset(n, 0, sizeof(*n));
}

/* ---- filling ---- */

void lb_names_add_service(struct lb_names *n, const struct lb_names_service *s)
{
	if (lb_names_service(n, s->addr.family, s->addr.bytes, s->port, s->protocol))
		return;
	n->services[n->service_count++] = *s;
	enter(&n->by_service, hash_place(s->addr.family, s->addr.bytes, s->port, s->protocol),
		(uint32_t)n->service_count);
}

void lb_names_add_pool(struct lb_names *n, const char *name, uint32_t index)
{
	struct lb_names_pool *p = &n->pools[n->pool_count];

	if (index >= n->pool_indexes || lb_names_pool(n, name) != LB_NAMES_NONE)
		return;
	memset(p, 0, sizeof(*p));
	strncpy(p->name, name, LB_NAME_MAX);
	p->index = index;
	n->pool_at[index] = (uint32_t)++n->pool_count;
	enter(&n->by_pool, hash_name(p->name), (uint32_t)n->pool_count);
}

void lb_names_add_backend(struct lb_names *n, const struct lb_names_backend *b)
{
	bool is_first;

	if (b->index >= n->backend_indexes ||
		lb_names_backend(n, b->pool, b->addr.family, b->addr.bytes, b->port) != LB_NAMES_NONE)
		return;
	is_first = lb_names_backend(n, LB_NAMES_ANY_POOL, b->addr.family, b->addr.bytes, b->port) ==
		   LB_NAMES_NONE;
	n->backends[n->backend_count++] = *b;
	n->backend_at[b->index] = (uint32_t)n->backend_count;
	enter(&n->by_backend, hash_place(b->addr.family, b->addr.bytes, b->port, b->pool),
		(uint32_t)n->backend_count);
	if (is_first)
		enter(&n->by_backend, hash_place(b->addr.family, b->addr.bytes, b->port, LB_NAMES_ANY_POOL),
			(uint32_t)n->backend_count);
}

/* ---- looking up ---- */

const struct lb_names_service *lb_names_service(
	const struct lb_names *n, uint8_t family, const uint8_t *bytes, uint16_t port, uint8_t protocol)
{
	const struct lb_names_table *t = &n->by_service;

	if (!t->slots)
		return NULL;
	for (uint32_t i = (uint32_t)(hash_place(family, bytes, port, protocol) >> 32) & t->mask; t->slots[i];
		i = (i + 1) & t->mask) {
		const struct lb_names_service *s = &n->services[t->slots[i] - 1];

		if (s->port == port && s->protocol == protocol && s->addr.family == family &&
			!memcmp(s->addr.bytes, bytes, length_of(family)))
			return s;
	}
	return NULL;
}

long lb_names_pool(const struct lb_names *n, const char *name)
{
	const struct lb_names_table *t = &n->by_pool;

	if (!t->slots)
		return LB_NAMES_NONE;
	for (uint32_t i = (uint32_t)(hash_name(name) >> 32) & t->mask; t->slots[i]; i = (i + 1) & t->mask)
		if (!strcmp(n->pools[t->slots[i] - 1].name, name))
			return (long)n->pools[t->slots[i] - 1].index;
	return LB_NAMES_NONE;
}

long lb_names_backend(
	const struct lb_names *n, uint32_t pool, uint8_t family, const uint8_t *bytes, uint16_t port)
{
	const struct lb_names_table *t = &n->by_backend;

	if (!t->slots)
		return LB_NAMES_NONE;
	for (uint32_t i = (uint32_t)(hash_place(family, bytes, port, pool) >> 32) & t->mask; t->slots[i];
		i = (i + 1) & t->mask) {
		const struct lb_names_backend *b = &n->backends[t->slots[i] - 1];

		if (b->port == port && (b->pool == pool || pool == LB_NAMES_ANY_POOL) &&
			b->addr.family == family && !memcmp(b->addr.bytes, bytes, length_of(family)))
			return b->index;
	}
	return LB_NAMES_NONE;
}

const struct lb_names_pool *lb_names_pool_at(const struct lb_names *n, uint32_t index)
{
	return index < n->pool_indexes && n->pool_at[index] ? &n->pools[n->pool_at[index] - 1] : NULL;
}

const struct lb_names_backend *lb_names_backend_at(const struct lb_names *n, uint32_t index)
{
	return index < n->backend_indexes && n->backend_at[index] ? &n->backends[n->backend_at[index] - 1]
								  : NULL;
}

/* ---- is the other node's config like ours? ---- */

/* A sum, so that the order in the file does not matter. */
uint32_t lb_names_hash(const struct lb_model *model)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < model->pool_count; i++) {
		const struct lb_pool *p = &model->pools[i];
		uint64_t name = hash_name(p->name);

		sum += mix(name, p->sticky.enabled);
		for (size_t k = 0; k < p->backend_count; k++) {
			const struct lb_backend *b = &p->backends[k];

			sum += mix(
				hash_place(b->addr.family, b->addr.bytes, b->port, name), hash_name(b->name));
		}
	}
	for (size_t i = 0; i < model->service_count; i++) {
		const struct lb_service *s = &model->services[i];

		sum += mix(hash_place(s->addr.family, s->addr.bytes, s->port, s->protocol),
			hash_name(model->pools[s->pool].name));
	}
	return (uint32_t)(sum ^ sum >> 32);
}
