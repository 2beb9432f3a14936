/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "lb/lb_sync_table_inside.h"

#define STALE_NS INT64_C(60000000000) /* what waits for longer has nobody to be told to */

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Births never run backwards, whichever clock is read later. */
static int64_t birth(struct lb_sync_table *t, int64_t now)
{
	if (now > t->now)
		t->now = now;
	return t->now;
}

/* ---- what was lost ---- */

void lb_sync_note(struct lb_sync_table *t, int result)
{
	if (result != -EOVERFLOW)
		return;
	t->counters.changes_lost++;
	t->must_tell_lost = true;
}

void lb_sync_tell_lost(struct lb_sync_table *t)
{
	uint32_t lost = __atomic_load_n(&t->bpf->view.globals->changes_lost, __ATOMIC_RELAXED);

	if (lost != t->ring_lost) {
		t->ring_lost = lost;
		t->counters.changes_lost += t->is_telling;
		t->must_tell_lost |= t->is_telling;
	}
	if (!t->must_tell_lost)
		return;
	t->must_tell_lost = false;
	t->lost(t->data);
}

/* ---- the ring ---- */

static void on_change(void *data, const struct lb_change *change)
{
	struct lb_sync_table *t = data;
	const struct lb_change_end *e = (const struct lb_change_end *)change;
	struct sync_change_end end;

	if (!t->is_telling)
		return;
	if (change->kind == LB_CHANGE_FLOW) {
		lb_sync_note(t, sync_changes_put(&t->changes,
					change->family == 6 ? SYNC_CHANGE_FLOW6 : SYNC_CHANGE_FLOW4,
					change->id, change->generation, t->now));
		return;
	}
	if (change->kind != LB_CHANGE_END)
		return;
	memcpy(end.client, e->client, 16);
	memcpy(end.service, e->service, 16);
	memcpy(end.backend, e->backend, 16);
	end.client_port = e->client_port;
	end.service_port = e->service_port;
	end.backend_port = e->backend_port;
	end.family = change->family;
	end.protocol = change->protocol;
	lb_sync_note(t, sync_changes_put_end(&t->changes, &end, t->now));
}

int lb_sync_table_fd(const struct lb_sync_table *t)
{
	return lb_bpf_changes_fd(t->bpf);
}

/* No session for long: a bulk will begin the next, and nothing need be kept till then. */
static void drop_stale(struct lb_sync_table *t)
{
	const struct sync_change *oldest = sync_changes_first(&t->changes);

	if (!oldest || t->now - oldest->born < STALE_NS)
		return;
	sync_changes_forget(&t->changes);
	t->is_telling = false;
	t->must_tell_lost = true; /* should the session be there after all */
}

int lb_sync_table_read(struct lb_sync_table *t, int64_t now)
{
	int count;

	birth(t, now);
	drop_stale(t);
	count = lb_bpf_changes_read(t->bpf);
	lb_sync_tell_lost(t);
	return count;
}

/* ---- what the aging shows ---- */

/* The walk that is under way has not come to it yet. */
static bool is_ahead(const struct lb_walk *walk, uint32_t id, int v6)
{
	enum lb_walk_phase phase = v6 ? LB_WALK_FLOWS6 : LB_WALK_FLOWS4;

	return walk->phase < phase || (walk->phase == phase && id >= walk->at);
}

static bool watch_flow(
	void *data, const struct lb_flow *f, uint32_t id, int v6, uint32_t now, uint32_t timeout)
{
	struct lb_sync_table *t = data;

	if (f->flags & LB_FLOW_COPY) {
		/* Who has the address goes on with what it was told: the peer may have ended it for reasons of its own. */
		if (!lb_sync_is_orphan(t, id, v6) || lb_bpf_has_lease(t->bpf, id, v6 ? 6 : 4))
			return false;
		t->counters.dropped++;
		return true;
	}
	/* Used for a quarter of the timeout since it was told: the peer's copy would soon look old. */
	if (t->is_telling && !is_ahead(&t->walk, id, v6) && lb_sync_state_is_told(f->state) &&
		(int32_t)(f->last_seen - t->told[v6][id]) > (int32_t)(timeout / 4))
		lb_sync_note(t, sync_changes_put(&t->changes, v6 ? SYNC_CHANGE_FLOW6 : SYNC_CHANGE_FLOW4, id,
					f->generation, t->now));
	return false;
}

struct sticky_turn {
	struct lb_sync_table *t;
	uint32_t now;
};

#define STICKY_TURN_S 10 /* between two sweeps of lb_age */

/* Each source in use is told again once in a quarter of its timeout; which sweep is its own is decided by its address. */
static bool tell_sticky(void *data, const struct lb_sticky_key *key, const struct lb_sticky_entry *e)
{
	const struct sticky_turn *turn = data;
	struct lb_sync_table *t = turn->t;
	uint32_t pool = key->pool & 0x7fffffff, hz = t->bpf->view.globals->hz, turns, mix = 0;
	bool at_home = e->stand_in == LB_NO_BACKEND || (int32_t)(e->home_used - e->stand_in_used) >= 0;
	uint32_t used = at_home ? e->home_used : e->stand_in_used;

	if (pool >= t->bpf->sizes.pools)
		return false;
	turns = t->bpf->view.pools[pool].sticky_jiffies / hz / 4 / STICKY_TURN_S;
	turns = turns ? turns : 1;
	for (int i = 0; i < 4; i++)
		mix = (mix ^ key->source[i]) * 0x9e3779b1u;
	if ((mix >> 8) % turns != t->sweeps % turns ||
		(int32_t)(turn->now - used) > (int32_t)((turns + 1) * STICKY_TURN_S * hz))
		return false;

	struct sync_change_sticky s = {.pool = pool,
		.used = used,
		.backend = at_home ? e->home : e->stand_in,
		.family = key->pool >> 31 ? 6 : 4};

	memcpy(s.source, key->source, 16);
	lb_sync_note(t, sync_changes_put_sticky(&t->changes, &s, t->now));
	return false;
}

static void watch_tick(void *data, bool swept)
{
	struct lb_sync_table *t = data;

	birth(t, clock_ns());
	drop_stale(t);
	if (swept && t->is_telling) {
		struct sticky_turn turn = {t, lb_bpf_now(t->bpf)};

		t->sweeps++;
		lb_bpf_each_sticky(t->bpf, tell_sticky, &turn);
	}
	lb_sync_tell_lost(t);
}

static const struct lb_age_watch watch = {watch_flow, watch_tick};

/* ---- the config and the operator's words ---- */

struct lb_live_backend *lb_sync_backend(struct lb_sync_table *t, uint32_t index)
{
	const struct lb_names_backend *named = lb_names_backend_at(&t->names, index);
	struct lb_live *live = t->live;

	for (size_t i = 0; named && i < live->model.pool_count; i++)
		for (size_t k = 0;
			live->pools[i].index == named->pool && k < live->model.pools[i].backend_count; k++)
			if (live->pools[i].backends[k]->index == index)
				return live->pools[i].backends[k];
	return NULL;
}

static int rebuild_names(struct lb_sync_table *t, struct lb_names *names)
{
	const struct lb_live *live = t->live;
	struct lb_names_sizes sizes = {.services = live->model.service_count,
		.pools = live->model.pool_count,
		.pool_indexes = t->bpf->sizes.pools,
		.backend_indexes = t->bpf->sizes.backends};

	for (size_t i = 0; i < live->model.pool_count; i++)
		sizes.backends += live->model.pools[i].backend_count;
	if (lb_names_open(names, &sizes))
		return -ENOMEM;
	for (size_t i = 0; i < live->model.pool_count; i++) {
		const struct lb_live_pool *pool = &live->pools[i];

		lb_names_add_pool(names, pool->conf->name, pool->index);
		for (size_t k = 0; k < pool->conf->backend_count; k++) {
			struct lb_names_backend b = {.addr = pool->conf->backends[k].addr,
				.port = pool->conf->backends[k].port,
				.index = pool->backends[k]->index,
				.pool = pool->index};

			lb_names_add_backend(names, &b);
		}
	}
	for (size_t i = 0; i < live->model.service_count; i++) {
		const struct lb_service *conf = live->services[i].conf;
		struct lb_names_service s = {.addr = conf->addr,
			.port = conf->port,
			.protocol = (uint8_t)conf->protocol,
			.index = live->services[i].index,
			.pool = live->pools[conf->pool].index};

		lb_names_add_service(names, &s);
	}
	return 0;
}

static void tell_words(struct lb_sync_table *t, bool all)
{
	for (size_t i = 0; i < t->live->model.pool_count; i++) {
		const struct lb_live_pool *pool = &t->live->pools[i];

		for (size_t k = 0; k < pool->conf->backend_count; k++) {
			const struct lb_live_backend *b = pool->backends[k];

			if (t->is_telling && b->said_ms && (all || b->said_ms != t->told_words[b->index]))
				lb_sync_note(t, sync_changes_put(&t->changes, SYNC_CHANGE_WEIGHT, b->index, 1,
							t->now));
			t->told_words[b->index] = b->said_ms;
		}
	}
}

bool lb_sync_table_refresh(struct lb_sync_table *t)
{
	struct lb_names fresh;
	bool is_other = t->applied != t->live->applied;

	birth(t, clock_ns());
	if (is_other) {
		lb_sync_table_commit(t); /* gathered under the old one */
		if (rebuild_names(t, &fresh)) {
			log_error(
				"no memory for the names of %zu services: the peer's flows are judged by the config of before",
				t->live->model.service_count);
			return false;
		}
		lb_names_close(&t->names);
		t->names = fresh;
		t->applied = t->live->applied;
		lb_sync_whose_unknown(t); /* what was refused so far may be named from now on */
	}
	tell_words(t, false);
	return is_other;
}

void lb_sync_table_forget(struct lb_sync_table *t)
{
	sync_changes_forget(&t->changes);
	birth(t, clock_ns());
	tell_words(t, true);
}

uint32_t lb_sync_config_hash(const struct lb_model *model)
{
	return lb_names_hash(model);
}

/* ---- life ---- */

static int allocate(struct lb_sync_table *t)
{
	const struct lb_bpf_sizes *sizes = &t->bpf->sizes;
	const uint32_t numbers[SYNC_CHANGE_TABLES] = {sizes->flows, sizes->flows, sizes->backends};
	int err = sync_changes_open(&t->changes, SYNC_CHANGES_MAX, numbers);

	if (err)
		return err;
	t->told[0] = calloc(sizes->flows, sizeof(*t->told[0]));
	t->told[1] = calloc(sizes->flows, sizeof(*t->told[1]));
	t->told_words = calloc(sizes->backends, sizeof(*t->told_words));
	if (!t->told[0] || !t->told[1] || !t->told_words)
		return -ENOMEM;
	return lb_sync_whose_open(t);
}

int lb_sync_table_open(struct lb_sync_table **out, struct lb_live *live, struct lb_age *age,
	void (*lost)(void *data), void *data)
{
	struct lb_sync_table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->live = live;
	t->bpf = live->bpf;
	t->lost = lost;
	t->data = data;
	t->applied = live->applied - 1;
	t->now = clock_ns();
	t->walk.phase = LB_WALK_DONE;
	err = allocate(t);
	if (!err) {
		lb_sync_table_refresh(t);
		t->ring_lost = t->bpf->view.globals->changes_lost;
		err = lb_bpf_changes_open(t->bpf, on_change, t);
	}
	if (err) {
		lb_sync_table_close(t);
		return err;
	}
	t->age = age;
	age->watch_data = t;
	age->watch = &watch;
	*out = t;
	return 0;
}

void lb_sync_table_close(struct lb_sync_table *t)
{
	if (!t)
		return;
	if (t->age)
		t->age->watch = NULL;
	if (t->age)
		lb_sync_table_commit(t);
	lb_bpf_changes_close(t->bpf);
	sync_changes_close(&t->changes);
	lb_names_close(&t->names);
	for (int v6 = 0; v6 < 2; v6++) {
		free(t->told[v6]);
		free(t->whose.stamp[v6]);
	}
	free(t->told_words);
	free(t->walk.sticky);
	free(t);
}

void lb_sync_table_counters(const struct lb_sync_table *t, struct lb_sync_table_counters *out)
{
	*out = t->counters;
	out->waiting = t->changes.count;
}
