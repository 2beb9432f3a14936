/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- matching: both sides sorted by identity, then walked together ---- */

struct item {
	const void *thing;
	size_t pool, at;
};

static int compare_addr(const struct net_addr *a, const struct net_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int compare_pools(const void *a, const void *b)
{
	const struct lb_pool *x = ((const struct item *)a)->thing, *y = ((const struct item *)b)->thing;

	return strcmp(x->name, y->name);
}

static int compare_backends(const void *a, const void *b)
{
	const struct lb_backend *x = ((const struct item *)a)->thing, *y = ((const struct item *)b)->thing;
	int c = strcmp(x->name, y->name);

	if (!c)
		c = compare_addr(&x->addr, &y->addr);
	return c ? c : (int)x->port - (int)y->port;
}

static int compare_services(const void *a, const void *b)
{
	const struct lb_service *x = ((const struct item *)a)->thing, *y = ((const struct item *)b)->thing;
	int c = compare_addr(&x->addr, &y->addr);

	if (!c)
		c = (int)x->port - (int)y->port;
	return c ? c : (int)x->protocol - (int)y->protocol;
}

/* ---- did a kept thing's settings change? ---- */

static bool same_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && (!a_len || memcmp(a, b, a_len) == 0);
}

static bool same_pool(const struct lb_pool *a, const struct lb_pool *b)
{
	return a->scheduler == b->scheduler && a->on_backend_down == b->on_backend_down &&
	       a->sticky.enabled == b->sticky.enabled && a->sticky.timeout_s == b->sticky.timeout_s &&
	       a->sticky.ipv4_prefix == b->sticky.ipv4_prefix &&
	       a->sticky.ipv6_prefix == b->sticky.ipv6_prefix && a->check.type == b->check.type &&
	       a->check.interval_ms == b->check.interval_ms && a->check.timeout_ms == b->check.timeout_ms &&
	       a->check.rise == b->check.rise && a->check.fall == b->check.fall &&
	       a->check.port == b->check.port &&
	       same_bytes(a->check.send, a->check.send_len, b->check.send, b->check.send_len) &&
	       same_bytes(a->check.expect, a->check.expect_len, b->check.expect, b->check.expect_len);
}

static bool same_backend(const struct lb_backend *a, const struct lb_backend *b)
{
	return a->weight == b->weight && a->backup == b->backup;
}

static bool same_service(const struct lb_model *am, const struct lb_service *a, const struct lb_model *bm,
	const struct lb_service *b)
{
	return strcmp(a->name, b->name) == 0 &&
	       strcmp(am->pools[a->pool].name, bm->pools[b->pool].name) == 0 && a->on_empty == b->on_empty &&
	       a->idle_timeout_s == b->idle_timeout_s;
}

/* ---- making the plan ---- */

struct side {
	struct item *items;
	size_t count;
};

static void add_step(
	struct lb_plan *plan, enum lb_step_kind kind, const struct item *from, const struct item *to)
{
	struct lb_step *step = &plan->steps[plan->count++];

	memset(step, 0, sizeof(*step));
	step->kind = kind;
	if (from) {
		step->from_pool = from->pool;
		step->from = from->at;
	}
	if (to) {
		step->to_pool = to->pool;
		step->to = to->at;
	}
}

/* Pair the sorted sides; a step for each pair, each new one and each old one. */
static void match(struct lb_plan *plan, const struct side *from, const struct side *to,
	int (*compare)(const void *, const void *), enum lb_step_kind keep, enum lb_step_kind add,
	enum lb_step_kind drop)
{
	size_t i = 0, j = 0;

	while (i < from->count || j < to->count) {
		int c = i == from->count ? 1 : j == to->count ? -1 : compare(&from->items[i], &to->items[j]);

		if (c == 0)
			add_step(plan, keep, &from->items[i++], &to->items[j++]);
		else if (c < 0)
			add_step(plan, drop, &from->items[i++], NULL);
		else
			add_step(plan, add, NULL, &to->items[j++]);
	}
}

static void sort_side(struct side *side, int (*compare)(const void *, const void *))
{
	if (side->count)
		qsort(side->items, side->count, sizeof(*side->items), compare);
}

static void side_pools(struct side *side, const struct lb_model *model)
{
	side->count = model->pool_count;
	for (size_t i = 0; i < model->pool_count; i++)
		side->items[i] = (struct item){&model->pools[i], 0, i};
	sort_side(side, compare_pools);
}

/* The backends of one pool; of no pool (NULL) there are none. */
static void side_backends(struct side *side, const struct lb_model *model, const size_t *pool)
{
	side->count = pool ? model->pools[*pool].backend_count : 0;
	for (size_t i = 0; i < side->count; i++)
		side->items[i] = (struct item){&model->pools[*pool].backends[i], *pool, i};
	sort_side(side, compare_backends);
}

static void side_services(struct side *side, const struct lb_model *model)
{
	side->count = model->service_count;
	for (size_t i = 0; i < model->service_count; i++)
		side->items[i] = (struct item){&model->services[i], 0, i};
	sort_side(side, compare_services);
}

static int compare_steps(const void *a, const void *b)
{
	const struct lb_step *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->to_pool != y->to_pool)
		return x->to_pool < y->to_pool ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void mark_changed(struct lb_step *s, const struct lb_model *from, const struct lb_model *to)
{
	if (s->kind == LB_STEP_POOL_KEEP)
		s->changed = !same_pool(&from->pools[s->from], &to->pools[s->to]);
	else if (s->kind == LB_STEP_BACKEND_KEEP)
		s->changed = !same_backend(
			&from->pools[s->from_pool].backends[s->from], &to->pools[s->to_pool].backends[s->to]);
	else if (s->kind == LB_STEP_SERVICE_KEEP)
		s->changed = !same_service(from, &from->services[s->from], to, &to->services[s->to]);
}

static void count_steps(struct lb_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		plan->changed += plan->steps[i].changed;
		switch (plan->steps[i].kind) {
		case LB_STEP_POOL_ADD:
			plan->pools_added++;
			break;
		case LB_STEP_BACKEND_ADD:
			plan->backends_added++;
			break;
		case LB_STEP_SERVICE_ADD:
			plan->services_added++;
			break;
		case LB_STEP_POOL_REMOVE:
			plan->pools_removed++;
			break;
		case LB_STEP_BACKEND_REMOVE:
			plan->backends_removed++;
			break;
		case LB_STEP_SERVICE_REMOVE:
			plan->services_removed++;
			break;
		default:
			break;
		}
	}
}

static size_t things(const struct lb_model *model)
{
	size_t n = model->pool_count + model->service_count;

	for (size_t i = 0; i < model->pool_count; i++)
		n += model->pools[i].backend_count;
	return n;
}

int lb_plan_make(struct lb_plan *plan, const struct lb_model *from, const struct lb_model *to)
{
	size_t room = things(from) + things(to);
	struct side a = {}, b = {};

	memset(plan, 0, sizeof(*plan));
	plan->steps = calloc(room + to->pool_count + 1, sizeof(*plan->steps));
	a.items = calloc(room + 1, sizeof(*a.items));
	b.items = calloc(room + 1, sizeof(*b.items));
	if (!plan->steps || !a.items || !b.items) {
		free(plan->steps);
		free(a.items);
		free(b.items);
		memset(plan, 0, sizeof(*plan));
		return -ENOMEM;
	}
	side_pools(&a, from);
	side_pools(&b, to);
	match(plan, &a, &b, compare_pools, LB_STEP_POOL_KEEP, LB_STEP_POOL_ADD, LB_STEP_POOL_REMOVE);

	size_t pools = plan->count;

	for (size_t i = 0; i < pools; i++) {
		const struct lb_step pool = plan->steps[i];

		side_backends(&a, from, pool.kind == LB_STEP_POOL_ADD ? NULL : &pool.from);
		side_backends(&b, to, pool.kind == LB_STEP_POOL_REMOVE ? NULL : &pool.to);
		size_t first = plan->count;

		match(plan, &a, &b, compare_backends, LB_STEP_BACKEND_KEEP, LB_STEP_BACKEND_ADD,
			LB_STEP_BACKEND_REMOVE);
		mark_changed(&plan->steps[i], from, to);

		bool dirty = pool.kind == LB_STEP_POOL_ADD || plan->steps[i].changed;

		for (size_t k = first; k < plan->count; k++) {
			mark_changed(&plan->steps[k], from, to);
			dirty |= plan->steps[k].kind != LB_STEP_BACKEND_KEEP || plan->steps[k].changed;
		}
		if (dirty && pool.kind != LB_STEP_POOL_REMOVE)
			add_step(plan, LB_STEP_TABLE, NULL, &(struct item){&to->pools[pool.to], 0, pool.to});
	}
	size_t services = plan->count;

	side_services(&a, from);
	side_services(&b, to);
	match(plan, &a, &b, compare_services, LB_STEP_SERVICE_KEEP, LB_STEP_SERVICE_ADD,
		LB_STEP_SERVICE_REMOVE);
	for (size_t k = services; k < plan->count; k++)
		mark_changed(&plan->steps[k], from, to);
	qsort(plan->steps, plan->count, sizeof(*plan->steps), compare_steps);
	count_steps(plan);
	free(a.items);
	free(b.items);
	return 0;
}

void lb_plan_clear(struct lb_plan *plan)
{
	free(plan->steps);
	memset(plan, 0, sizeof(*plan));
}
