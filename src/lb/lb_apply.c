/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_table.h"

/* The new arrays while they are filled. */
struct fresh {
	struct lb_live_pool *pools;
	struct lb_live_service *services;
	struct lb_live_backend **spare; /* for the ones that are added */
	size_t spare_count;
};

/* ---- what can fail ---- */

static int refuse_size(
	char *error, size_t size, const char *what, size_t wanted, uint32_t room, const char *key)
{
	snprintf(error, size,
		"%zu new %s, room for %u in the dataplane (some may be held by flows of removed ones); raise "
		"dataplane.%s and restart with --reset, or wait until old flows have ended",
		wanted, what, room, key);
	return -ENOSPC;
}

/* Slots that the tables to be built need when every backend is usable. */
static size_t slots_needed(const struct lb_plan *plan, const struct lb_model *wanted)
{
	struct lb_hash_entry entries[LB_POOL_BACKENDS_MAX];
	size_t need = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].kind != LB_STEP_TABLE)
			continue;
		const struct lb_pool *pool = &wanted->pools[plan->steps[i].to];
		size_t n = 0;

		for (size_t k = 0; k < pool->backend_count; k++) {
			if (!pool->backends[k].weight)
				continue;
			entries[n].weight = pool->backends[k].weight;
			n++;
		}
		need += lb_table_size(pool->scheduler, entries, n, pool->backend_count);
	}
	return need;
}

static int check_room(const struct lb_live *live, const struct lb_plan *plan, const struct lb_model *wanted,
	char *error, size_t size)
{
	size_t slots = slots_needed(plan, wanted),
	       room = live->regions.size - lb_regions_used(&live->regions);

	if (plan->services_added > lb_ids_available(&live->service_ids))
		return refuse_size(error, size, "services", plan->services_added,
			lb_ids_available(&live->service_ids), "max_services");
	if (plan->pools_added > lb_ids_available(&live->pool_ids))
		return refuse_size(error, size, "pools", plan->pools_added, lb_ids_available(&live->pool_ids),
			"max_services");
	if (plan->backends_added > lb_ids_available(&live->backend_ids))
		return refuse_size(error, size, "backends", plan->backends_added,
			lb_ids_available(&live->backend_ids), "max_backends");
	if (slots > room)
		return refuse_size(
			error, size, "scheduler table slots", slots, (uint32_t)room, "max_backends");
	return 0;
}

static void free_fresh(struct fresh *f, size_t pools)
{
	for (size_t i = 0; f->spare && i < f->spare_count; i++)
		free(f->spare[i]);
	for (size_t i = 0; f->pools && i < pools; i++)
		free(f->pools[i].backends);
	free(f->pools);
	free(f->services);
	free(f->spare);
}

static int allocate(struct fresh *f, const struct lb_plan *plan, const struct lb_model *wanted)
{
	memset(f, 0, sizeof(*f));
	f->pools = calloc(wanted->pool_count + 1, sizeof(*f->pools));
	f->services = calloc(wanted->service_count + 1, sizeof(*f->services));
	f->spare = calloc(plan->backends_added + 1, sizeof(*f->spare));
	if (!f->pools || !f->services || !f->spare)
		return -ENOMEM;
	for (size_t i = 0; i < wanted->pool_count; i++) {
		f->pools[i].conf = &wanted->pools[i];
		f->pools[i].backends =
			calloc(wanted->pools[i].backend_count + 1, sizeof(*f->pools[i].backends));
		if (!f->pools[i].backends)
			return -ENOMEM;
	}
	for (; f->spare_count < plan->backends_added; f->spare_count++) {
		f->spare[f->spare_count] = calloc(1, sizeof(**f->spare));
		if (!f->spare[f->spare_count])
			return -ENOMEM;
	}
	return 0;
}

/* ---- steps ---- */

static void write_pool(struct lb_live *live, const struct lb_live_pool *pool)
{
	struct lb_pool_entry *e = &live->bpf->view.pools[pool->index];
	const struct lb_pool *conf = pool->conf;
	uint32_t hz = live->bpf->view.globals->hz;

	e->pick = lb_table_pick(conf->scheduler);
	e->hash_seed = lb_table_seed(conf->name);
	e->sticky_prefix4 = conf->sticky.ipv4_prefix;
	e->sticky_prefix6 = conf->sticky.ipv6_prefix;
	e->sticky_jiffies = conf->sticky.enabled ? conf->sticky.timeout_s * hz : 0;
}

static void add_pool(struct lb_live *live, struct lb_live_pool *pool)
{
	long id = lb_ids_take(&live->pool_ids);

	pool->index = (uint32_t)id;
	memset(&live->bpf->view.pools[pool->index], 0, sizeof(struct lb_pool_entry));
	write_pool(live, pool);
}

static void add_backend(struct lb_live *live, struct lb_live_pool *pool, size_t at, struct lb_live_backend *b)
{
	struct lb_backend_entry *e;
	uint16_t epoch;

	b->live = live;
	b->pool = pool;
	b->conf = &pool->conf->backends[at];
	b->index = (uint16_t)lb_ids_take(&live->backend_ids);
	b->weight_override = -1;
	b->since_ms = lb_live_wall_ms();
	snprintf(b->cause, sizeof(b->cause), "%s",
		pool->conf->check.type == LB_CHECK_NONE ? "not checked" : "waiting for the first check");
	pool->backends[at] = b;
	e = &live->bpf->view.backends[b->index];
	epoch = e->epoch;
	memset(e, 0, sizeof(*e));
	memcpy(e->addr, b->conf->addr.bytes, sizeof(e->addr));
	e->port = __builtin_bswap16(b->conf->port);
	e->family = b->conf->addr.family == AF_INET6 ? 6 : 4;
	e->epoch = epoch;
	e->weight = b->conf->weight;
	e->pool = pool->index;
	lb_bpf_clear_backend_traffic(live->bpf, b->index);
	lb_probe_init(&b->probe, &live->prober, &pool->conf->check, &b->conf->addr, b->conf->port,
		lb_live_on_report, b);
	lb_probe_start(&b->probe);
}

static void keep_backend(struct lb_live_backend *b, struct lb_live_pool *pool, size_t at)
{
	const struct lb_backend *conf = &pool->conf->backends[at];

	/* Who edits the weight in the file means it: it wins over what was set at run time. */
	if (conf->weight != b->conf->weight && b->weight_override >= 0) {
		b->weight_override = -1;
		b->said_ms++;
	}
	if (b->pool->conf->check.type == LB_CHECK_NONE && pool->conf->check.type != LB_CHECK_NONE)
		b->verdict = (struct lb_verdict){.state = LB_VERDICT_UP};
	b->pool = pool;
	b->conf = conf;
	pool->backends[at] = b;
	lb_probe_reconfigure(&b->probe, &pool->conf->check, &conf->addr, conf->port);
	lb_probe_start(&b->probe);
}

static void remove_backend(struct lb_live *live, struct lb_live_backend *b)
{
	char subject[2 * LB_NAME_MAX + 16];

	snprintf(subject, sizeof(subject), "backend %s/%s", b->pool->conf->name, b->conf->name);
	__atomic_store_n(&live->bpf->view.backends[b->index].flags, 0, __ATOMIC_RELEASE);
	lb_live_leave(b, LB_DOWN_KEEP);
	lb_ids_retire(&live->backend_ids, b->index, live->walk);
	live->report(live->data, subject, "removed", "no longer in the config; its connections go on");
	lb_live_free_backend(b);
}

static void remove_pool(struct lb_live *live, struct lb_live_pool *pool)
{
	struct lb_pool_entry *e = &live->bpf->view.pools[pool->index];

	if ((uint32_t)e->table)
		lb_regions_give(&live->regions, pool->table_base, lb_live_steady_ms());
	__atomic_store_n(&e->table, 0, __ATOMIC_RELEASE);
	lb_ids_retire(&live->pool_ids, pool->index, live->walk);
}

static void write_service(struct lb_live *live, struct fresh *f, size_t at, const struct lb_model *wanted)
{
	const struct lb_service *conf = &wanted->services[at];
	struct lb_service_entry *e = &live->bpf->view.services[f->services[at].index];

	e->idle_jiffies = conf->idle_timeout_s * live->bpf->view.globals->hz;
	e->on_empty = conf->on_empty == LB_EMPTY_DROP ? LB_ON_EMPTY_DROP : LB_ON_EMPTY_REJECT;
	e->protocol = (uint8_t)conf->protocol;
	__atomic_store_n(&e->pool, f->pools[conf->pool].index, __ATOMIC_RELEASE);
	f->services[at].conf = conf;
}

static void set_key(struct lb_live *live, const struct lb_service *conf, uint32_t index)
{
	char subject[LB_NAME_MAX + 16];
	int err = lb_bpf_set_service_key(live->bpf, &conf->addr, conf->port, (uint8_t)conf->protocol, index);

	if (!err)
		return;
	snprintf(subject, sizeof(subject), "service %s", conf->name);
	live->report(live->data, subject, "not served", strerror(-err));
}

static void carry_out(
	struct lb_live *live, const struct lb_plan *plan, struct fresh *f, const struct lb_model *wanted)
{
	size_t spare = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct lb_step *s = &plan->steps[i];

		switch (s->kind) {
		case LB_STEP_POOL_KEEP:
			f->pools[s->to].index = live->pools[s->from].index;
			f->pools[s->to].table_base = live->pools[s->from].table_base;
			write_pool(live, &f->pools[s->to]);
			break;
		case LB_STEP_POOL_ADD:
			add_pool(live, &f->pools[s->to]);
			break;
		case LB_STEP_BACKEND_KEEP:
			keep_backend(
				live->pools[s->from_pool].backends[s->from], &f->pools[s->to_pool], s->to);
			live->pools[s->from_pool].backends[s->from] = NULL;
			break;
		case LB_STEP_BACKEND_ADD:
			add_backend(live, &f->pools[s->to_pool], s->to, f->spare[spare]);
			f->spare[spare++] = NULL;
			break;
		case LB_STEP_TABLE:
			lb_live_rebuild(live, &f->pools[s->to]);
			break;
		case LB_STEP_SERVICE_KEEP:
			f->services[s->to].index = live->services[s->from].index;
			write_service(live, f, s->to, wanted);
			break;
		case LB_STEP_SERVICE_ADD:
			f->services[s->to].index = (uint32_t)lb_ids_take(&live->service_ids);
			lb_bpf_clear_service_traffic(live->bpf, f->services[s->to].index);
			write_service(live, f, s->to, wanted);
			set_key(live, &wanted->services[s->to], f->services[s->to].index);
			break;
		case LB_STEP_SERVICE_REMOVE: {
			const struct lb_service *old = &live->model.services[s->from];

			lb_bpf_clear_service_key(live->bpf, &old->addr, old->port, (uint8_t)old->protocol);
			lb_ids_retire(&live->service_ids, live->services[s->from].index, live->walk);
			break;
		}
		case LB_STEP_BACKEND_REMOVE:
			remove_backend(live, live->pools[s->from_pool].backends[s->from]);
			live->pools[s->from_pool].backends[s->from] = NULL;
			break;
		case LB_STEP_POOL_REMOVE:
			remove_pool(live, &live->pools[s->from]);
			break;
		}
	}
}

/* ---- addresses of services and backends ---- */

static int compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct net_addr));
}

static struct net_addr *own_addrs(const struct lb_model *model, size_t *count)
{
	size_t room = model->service_count, n = 0;
	struct net_addr *list;

	for (size_t i = 0; i < model->pool_count; i++)
		room += model->pools[i].backend_count;
	list = calloc(room + 1, sizeof(*list));
	if (!list)
		return NULL;
	for (size_t i = 0; i < model->service_count; i++)
		list[n++] = model->services[i].addr;
	for (size_t i = 0; i < model->pool_count; i++)
		for (size_t k = 0; k < model->pools[i].backend_count; k++)
			list[n++] = model->pools[i].backends[k].addr;
	qsort(list, n, sizeof(*list), compare_addrs);
	*count = 0;
	for (size_t i = 0; i < n; i++)
		if (!i || compare_addrs(&list[i], &list[i - 1]))
			list[(*count)++] = list[i];
	return list;
}

static void update_own_addrs(struct lb_live *live, const struct lb_model *from, const struct lb_model *to)
{
	size_t olds = 0, news = 0, i = 0, j = 0;
	struct net_addr *old = own_addrs(from, &olds), *new = own_addrs(to, &news);

	while (old && new && (i < olds || j < news)) {
		int c = i == olds ? 1 : j == news ? -1 : compare_addrs(&old[i], &new[j]);

		if (c < 0) {
			lb_bpf_clear_own_addr(live->bpf, &old[i++]);
		} else if (c > 0) {
			lb_bpf_set_own_addr(live->bpf, &new[j++]);
		} else {
			i++;
			j++;
		}
	}
	free(old);
	free(new);
}

/* ---- the whole ---- */

static void summarise(const struct lb_plan *plan, char *summary, size_t size)
{
	if (!summary)
		return;
	snprintf(summary, size, "services +%zu -%zu, pools +%zu -%zu, backends +%zu -%zu, changed %zu",
		plan->services_added, plan->services_removed, plan->pools_added, plan->pools_removed,
		plan->backends_added, plan->backends_removed, plan->changed);
}

int lb_apply(struct lb_live *live, struct lb_model *wanted, char *summary, size_t summary_size, char *error,
	size_t error_size)
{
	struct lb_model old = live->model;
	struct lb_plan plan;
	struct fresh f = {};
	int err = lb_plan_make(&plan, &live->model, wanted);

	if (!err) {
		err = check_room(live, &plan, wanted, error, error_size);
		if (err) {
			lb_plan_clear(&plan);
			return err;
		}
		err = allocate(&f, &plan, wanted);
	}
	if (err) {
		free_fresh(&f, wanted->pool_count);
		lb_plan_clear(&plan);
		snprintf(error, error_size, "out of memory; nothing was changed");
		return err;
	}
	carry_out(live, &plan, &f, wanted);
	if (plan.services_added || plan.services_removed || plan.backends_added || plan.backends_removed)
		update_own_addrs(live, &old, wanted);
	for (size_t i = 0; i < old.pool_count; i++)
		free(live->pools[i].backends);
	free(live->pools);
	free(live->services);
	free(f.spare);
	live->pools = f.pools;
	live->services = f.services;
	live->model = *wanted;
	memset(wanted, 0, sizeof(*wanted));
	lb_model_clear(&old);
	live->applied++;
	summarise(&plan, summary, summary_size);
	lb_plan_clear(&plan);
	live->changed(live->data, false);
	return 0;
}

struct purge {
	struct lb_live *live;
	struct {
		struct net_addr addr;
		uint16_t port;
		uint8_t protocol;
	} gone[256];
	size_t count;
};

static void look_for_stranger(
	void *data, const struct net_addr *addr, uint16_t port, uint8_t protocol, uint32_t service)
{
	struct purge *p = data;

	for (size_t i = 0; i < p->live->model.service_count; i++) {
		const struct lb_service *s = &p->live->model.services[i];

		if (s->port == port && (uint8_t)s->protocol == protocol && addr_equal(&s->addr, addr))
			return;
	}
	if (p->count < sizeof(p->gone) / sizeof(p->gone[0])) {
		p->gone[p->count].addr = *addr;
		p->gone[p->count].port = port;
		p->gone[p->count++].protocol = protocol;
	}
}

int lb_apply_purge(struct lb_live *live)
{
	struct purge p;
	int purged = 0;

	do {
		memset(&p, 0, sizeof(p));
		p.live = live;
		lb_bpf_each_service_key(live->bpf, look_for_stranger, &p);
		for (size_t i = 0; i < p.count; i++)
			purged += !lb_bpf_clear_service_key(
				live->bpf, &p.gone[i].addr, p.gone[i].port, p.gone[i].protocol);
	} while (p.count == sizeof(p.gone) / sizeof(p.gone[0]));
	return purged;
}
