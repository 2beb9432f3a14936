/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lb/lb_table.h"

#define LINK_SETTLES_MS 3000 /* carrier, switch ports, neighbours */

uint64_t lb_live_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t lb_live_steady_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void no_report(void *data, const char *subject, const char *event, const char *cause) {}

static void no_down(void *data, uint16_t backend) {}

static bool no_device_down(void *data, uint32_t ifindex)
{
	return false;
}

static void no_change(void *data, bool by_operator) {}

/* ---- life ---- */

int lb_live_open(struct lb_live *live, struct ev_loop *loop, struct lb_bpf *bpf)
{
	memset(live, 0, sizeof(*live));
	live->loop = loop;
	live->bpf = bpf;
	live->walk = 1;
	live->report = no_report;
	live->went_down = no_down;
	live->changed = no_change;
	live->device_is_down = no_device_down;
	lb_prober_init(&live->prober, loop);
	if (lb_ids_init(&live->pool_ids, bpf->sizes.pools) ||
		lb_ids_init(&live->backend_ids, bpf->sizes.backends) ||
		lb_ids_init(&live->service_ids, bpf->sizes.services) ||
		lb_regions_init(&live->regions, bpf->sizes.table_slots) || lb_route_open(&live->router)) {
		lb_live_close(live);
		return -ENOMEM;
	}
	return 0;
}

void lb_live_free_backend(struct lb_live_backend *b)
{
	if (!b)
		return;
	if (b->probe.check)
		lb_probe_stop(&b->probe);
	free(b);
}

static void free_objects(struct lb_model *model, struct lb_live_pool *pools, struct lb_live_service *services)
{
	for (size_t i = 0; pools && i < model->pool_count; i++) {
		for (size_t k = 0; pools[i].backends && k < model->pools[i].backend_count; k++)
			lb_live_free_backend(pools[i].backends[k]);
		free(pools[i].backends);
	}
	free(pools);
	free(services);
}

void lb_live_close(struct lb_live *live)
{
	free_objects(&live->model, live->pools, live->services);
	lb_model_clear(&live->model);
	lb_prober_close(&live->prober);
	lb_route_close(&live->router);
	lb_ids_clear(&live->pool_ids);
	lb_ids_clear(&live->backend_ids);
	lb_ids_clear(&live->service_ids);
	lb_regions_clear(&live->regions);
	free(live->scratch);
	memset(live, 0, sizeof(*live));
}

/* ---- state of a backend ---- */

int lb_live_weight(const struct lb_live_backend *b)
{
	if (b->admin != LB_ADMIN_ENABLED)
		return 0;
	return b->weight_override >= 0 ? b->weight_override : b->conf->weight;
}

static bool is_checked(const struct lb_live_backend *b)
{
	return b->pool->conf->check.type != LB_CHECK_NONE;
}

bool lb_live_is_up(const struct lb_live_backend *b)
{
	return b->admin != LB_ADMIN_DISABLED && (!is_checked(b) || b->verdict.state == LB_VERDICT_UP);
}

const char *lb_live_state_name(const struct lb_live_backend *b)
{
	return is_checked(b) ? lb_verdict_state_name(b->verdict.state) : "up";
}

const char *lb_admin_name(enum lb_admin admin)
{
	static const char *const names[] = {"enabled", "drain", "disabled"};

	return names[admin];
}

static bool is_usable(const struct lb_live_backend *b)
{
	return lb_live_is_up(b) && lb_live_weight(b) > 0;
}

size_t lb_live_serving(const struct lb_live_pool *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->conf->backend_count; i++)
		n += pool->backends[i]->serving;
	return n;
}

/* ---- tables ---- */

static bool is_undecided(const struct lb_live_backend *b)
{
	return b->admin != LB_ADMIN_DISABLED && is_checked(b) && b->verdict.state == LB_VERDICT_CHECKING &&
	       lb_live_weight(b) > 0;
}

bool lb_live_is_checked(const struct lb_live *live)
{
	for (size_t i = 0; i < live->model.pool_count; i++)
		for (size_t k = 0; k < live->model.pools[i].backend_count; k++)
			if (is_undecided(live->pools[i].backends[k]))
				return false;
	return true;
}

static size_t collect_those(struct lb_live_pool *pool, struct lb_hash_entry *entries,
	bool (*wanted)(const struct lb_live_backend *), bool backups)
{
	bool weighted = pool->conf->scheduler != LB_RR && pool->conf->scheduler != LB_LC;
	size_t n = 0;

	for (size_t i = 0; i < pool->conf->backend_count; i++) {
		struct lb_live_backend *b = pool->backends[i];

		if (b->conf->backup != backups || !wanted(b))
			continue;
		entries[n].id = b->index;
		entries[n].weight = weighted ? (uint32_t)lb_live_weight(b) : 1;
		entries[n].seed = lb_hash_seed(&b->conf->addr, b->conf->port);
		n++;
	}
	return n;
}

/* The usable primaries, or when there is none the usable backups. Where nobody is known to be well, the ones that wait
 * for their first check: a reload that puts other backends in a pool's place would refuse connections until then. */
static size_t collect(struct lb_live_pool *pool, struct lb_hash_entry *entries)
{
	size_t n = collect_those(pool, entries, is_usable, false);

	if (!n)
		n = collect_those(pool, entries, is_usable, true);
	return n ? n : collect_those(pool, entries, is_undecided, false);
}

static void set_serving(struct lb_live *live, struct lb_live_backend *b, bool serving, uint32_t weight)
{
	struct lb_backend_entry *e = &live->bpf->view.backends[b->index];

	b->serving = serving;
	if (serving)
		e->weight = weight;
	__atomic_store_n(&e->flags, serving ? LB_BACKEND_SERVING : 0, __ATOMIC_RELEASE);
}

static uint32_t *scratch(struct lb_live *live, size_t slots)
{
	if (slots > live->scratch_size) {
		uint32_t *p = realloc(live->scratch, slots * sizeof(*p));

		if (!p)
			return NULL;
		live->scratch = p;
		live->scratch_size = slots;
	}
	return live->scratch;
}

/* Write the table where there is room (its own old place in need: every entry there is valid all the time). */
static int write_table(
	struct lb_live *live, struct lb_live_pool *pool, const struct lb_hash_entry *entries, size_t n)
{
	size_t size = lb_table_size(pool->conf->scheduler, entries, n, pool->conf->backend_count);
	uint32_t *table = scratch(live, size ? size : 1);
	struct lb_pool_entry *e = &live->bpf->view.pools[pool->index];
	uint32_t old_length = (uint32_t)e->table;
	long base = lb_regions_take(&live->regions, (uint32_t)size, lb_live_steady_ms());

	if (!table || lb_table_fill(pool->conf->scheduler, entries, n, table, size))
		return -ENOMEM;
	if (base < 0 && size <= old_length)
		base = pool->table_base;
	else if (base < 0)
		return (int)base;
	for (size_t i = 0; i < size; i++)
		__atomic_store_n(
			&live->bpf->view.table_slots[(size_t)base + i], (uint16_t)table[i], __ATOMIC_RELAXED);
	__atomic_store_n(&e->table, (uint64_t)base << 32 | size, __ATOMIC_RELEASE);
	/* An empty table takes no place, though it is said to begin at 0. */
	if (old_length && (!size || (uint32_t)base != pool->table_base))
		lb_regions_give(&live->regions, pool->table_base, lb_live_steady_ms());
	pool->table_base = (uint32_t)base;
	return 0;
}

void lb_live_rebuild(struct lb_live *live, struct lb_live_pool *pool)
{
	struct lb_hash_entry entries[LB_POOL_BACKENDS_MAX];
	size_t n = collect(pool, entries);
	char subject[100];

	/* Those that come are made to serve before the table names them, those that go cease after. */
	for (size_t i = 0; i < pool->conf->backend_count; i++)
		for (size_t k = 0; k < n; k++)
			if (entries[k].id == pool->backends[i]->index)
				set_serving(live, pool->backends[i], true, entries[k].weight);

	int err = write_table(live, pool, entries, n);

	if (err) {
		snprintf(subject, sizeof(subject), "pool %s", pool->conf->name);
		live->report(live->data, subject, "table full",
			"no room for its scheduler table; the old one stays, without those that went");
	}
	for (size_t i = 0; i < pool->conf->backend_count; i++) {
		bool named = false;

		for (size_t k = 0; k < n && !named; k++)
			named = entries[k].id == pool->backends[i]->index;
		if (!named && pool->backends[i]->serving)
			set_serving(live, pool->backends[i], false, 0);
	}
}

/* ---- a backend comes up, goes down ---- */

static void tell(struct lb_live_backend *b, const char *event, const char *cause)
{
	char subject[2 * LB_NAME_MAX + 16];

	b->since_ms = lb_live_wall_ms();
	snprintf(b->cause, sizeof(b->cause), "%s", cause);
	snprintf(subject, sizeof(subject), "backend %s/%s", b->pool->conf->name, b->conf->name);
	b->live->report(b->live->data, subject, event, cause);
	b->live->changed(b->live->data, false);
}

/* Its UDP flows look for another backend with their next datagram; its TCP flows as the pool says. */
void lb_live_leave(struct lb_live_backend *b, enum lb_on_down what)
{
	struct lb_live *live = b->live;
	struct lb_backend_entry *e = &live->bpf->view.backends[b->index];

	__atomic_store_n(&e->epoch, (uint16_t)(e->epoch + 1), __ATOMIC_RELEASE);
	if (what == LB_DOWN_RESET)
		live->went_down(live->data, b->index);
}

/* Through which device is it reached? Asked again when a route changed since. */
static void note_device(struct lb_live_backend *b)
{
	uint32_t epoch = b->live->bpf->view.globals->route_epoch;

	if (b->device && b->device_epoch == epoch)
		return;

	uint32_t device = lb_route_device(&b->live->router, &b->conf->addr);

	if (device) /* no route: the link is gone just now, and it is that link's */
		b->device = device;
	b->device_epoch = epoch;
}

static void report_judging(struct lb_live_backend *b, const char *event, const char *cause)
{
	char subject[2 * LB_NAME_MAX + 16];

	snprintf(subject, sizeof(subject), "backend %s/%s", b->pool->conf->name, b->conf->name);
	b->live->report(b->live->data, subject, event, cause);
}

/* A failure while our own link to the backend is down, or came back a moment ago, says nothing about the backend: its
 * connections would be reset for a cable that was out. */
static bool is_our_link(struct lb_live_backend *b)
{
	uint64_t now = lb_live_steady_ms();

	if (b->verdict.state != LB_VERDICT_UP)
		return false;
	if (!b->device)
		note_device(b);
	if (!b->device || !b->live->device_is_down(b->live->data, b->device))
		return now < b->excused_until_ms;
	if (!b->excused_until_ms)
		report_judging(b, "not judged", "the link towards it is down");
	b->excused_until_ms = now + LINK_SETTLES_MS;
	return true;
}

void lb_live_on_report(struct lb_probe *probe, bool ok, const char *cause)
{
	struct lb_live_backend *b = probe->data;

	if (ok) {
		note_device(b);
		if (b->excused_until_ms)
			report_judging(b, "judged again", "it answered");
		b->excused_until_ms = 0;
	} else if (is_our_link(b)) {
		return;
	}

	const struct lb_check *check = &b->pool->conf->check;
	enum lb_verdict_change change = lb_verdict_report(&b->verdict, ok, check->rise, check->fall);

	if (change == LB_VERDICT_SAME)
		return;
	tell(b, change == LB_VERDICT_CAME_UP ? "up" : "down", cause);
	lb_live_rebuild(b->live, b->pool);
	if (change == LB_VERDICT_WENT_DOWN)
		lb_live_leave(b, b->pool->conf->on_backend_down);
	if (!lb_live_serving(b->pool)) {
		char subject[LB_NAME_MAX + 16];

		snprintf(subject, sizeof(subject), "pool %s", b->pool->conf->name);
		b->live->report(b->live->data, subject, "empty", "no usable backend is left");
	}
}

/* Later than any word before it, whatever the two nodes' clocks say. */
static uint64_t later_word(const struct lb_live_backend *b)
{
	uint64_t now = lb_live_wall_ms();

	return now > b->said_ms ? now : b->said_ms + 1;
}

void lb_live_set_admin(struct lb_live_backend *b, enum lb_admin admin)
{
	bool leaves = admin == LB_ADMIN_DISABLED && b->admin != LB_ADMIN_DISABLED;

	if (b->admin == admin && !(admin == LB_ADMIN_ENABLED && b->weight_override == 0))
		return;
	b->said_ms = later_word(b);
	b->admin = admin;
	if (admin == LB_ADMIN_ENABLED && b->weight_override == 0)
		b->weight_override = -1;
	tell(b, lb_admin_name(admin), "by the operator");
	lb_live_rebuild(b->live, b->pool);
	b->live->changed(b->live->data, true);
	if (leaves)
		lb_live_leave(b, b->pool->conf->on_backend_down);
}

void lb_live_set_weight(struct lb_live_backend *b, int weight)
{
	char cause[64];

	b->said_ms = later_word(b);
	b->weight_override = weight;
	snprintf(cause, sizeof(cause), "by the operator, now %d", lb_live_weight(b));
	tell(b, "weight", cause);
	lb_live_rebuild(b->live, b->pool);
	b->live->changed(b->live->data, true);
}

/* Both nodes may have been told something in the same millisecond: the greater word counts on both. */
static bool is_later_word(const struct lb_live_backend *b, enum lb_admin admin, int weight, uint64_t said_ms)
{
	if (said_ms != b->said_ms)
		return said_ms > b->said_ms;
	return admin != b->admin ? admin > b->admin : weight > b->weight_override;
}

bool lb_live_take_word(struct lb_live_backend *b, enum lb_admin admin, int weight, uint64_t said_ms)
{
	bool leaves = admin == LB_ADMIN_DISABLED && b->admin != LB_ADMIN_DISABLED;
	bool differs = admin != b->admin || weight != b->weight_override;
	char cause[64];

	if (!is_later_word(b, admin, weight, said_ms))
		return false;
	b->said_ms = said_ms;
	if (!differs)
		return true;
	b->weight_override = weight;
	snprintf(cause, sizeof(cause), "by the operator of the other node, weight %d",
		weight >= 0 ? weight : b->conf->weight);
	b->admin = admin;
	tell(b, lb_admin_name(admin), cause);
	lb_live_rebuild(b->live, b->pool);
	/* Nobody waits for an answer, and many words may come at once: they are saved together. */
	b->live->changed(b->live->data, false);
	if (leaves)
		lb_live_leave(b, b->pool->conf->on_backend_down);
	return true;
}

struct lb_live_backend *lb_live_find(struct lb_live *live, const char *pool, const char *backend)
{
	long at = lb_model_find_pool(&live->model, pool);
	long b = at < 0 ? -1 : lb_pool_find_backend(&live->model.pools[at], backend);

	return b < 0 ? NULL : live->pools[at].backends[b];
}

/* ---- walks over the flow table ---- */

static void forget_service(void *data, uint32_t id)
{
	struct lb_live *live = data;

	memset(&live->bpf->view.services[id], 0, sizeof(struct lb_service_entry));
	lb_bpf_clear_service_traffic(live->bpf, id);
}

static void forget_backend(void *data, uint32_t id)
{
	struct lb_live *live = data;
	struct lb_backend_entry *e = &live->bpf->view.backends[id];
	uint16_t epoch = e->epoch;

	memset(e, 0, sizeof(*e));
	e->epoch = (uint16_t)(epoch + 1);
	lb_bpf_clear_backend_traffic(live->bpf, id);
}

void lb_live_walked(struct lb_live *live)
{
	lb_ids_walked(&live->service_ids, live->walk, forget_service, live);
	lb_ids_walked(&live->backend_ids, live->walk, forget_backend, live);
	lb_ids_walked(&live->pool_ids, live->walk, NULL, NULL);
	live->walk++;
}
