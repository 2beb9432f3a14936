/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records for the peer: what waits in the queue, and the walk over the whole table. A flow is looked at when its record is
 * written, so that the record says what is, not what was when it changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_sync_table_inside.h"

#define STEP_LOOKS 16384 /* flows that one step of the walk looks at */

uint64_t lb_sync_table_id(const struct lb_sync_table *t)
{
	uint64_t id = (t->bpf->view.globals->hash_seed ^ 0xa0761d6478bd642fULL) * 0xe7037ed1a0b428dbULL;

	id ^= id >> 32;
	return id ? id : 1;
}

/* ---- one record; 0: written, or there is nothing to tell; -ENOSPC ---- */

static int write_record(struct sync_writer *w, const struct sync_record *r)
{
	/* -EINVAL: a value that no record can have; there is nothing to tell. */
	return sync_write_record(w, r) == -ENOSPC ? -ENOSPC : 0;
}

/* The flow as it is; false: none of that generation (0: whichever), or it is just being exchanged. */
static bool look(
	const struct lb_sync_table *t, uint32_t id, int v6, uint32_t generation, struct lb_flow6 *out)
{
	const struct lb_bpf_view *v = &t->bpf->view;
	const struct lb_flow *f = v6 ? &v->flows6[id].head : &v->flows4[id].head;
	uint32_t before = __atomic_load_n(&f->generation, __ATOMIC_ACQUIRE);

	if (generation && generation != before)
		return false;
	memcpy(out, f, v6 ? sizeof(struct lb_flow6) : sizeof(struct lb_flow4));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&f->generation, __ATOMIC_RELAXED) == before;
}

/* generation 0: whichever, copies too; else what has become a copy since is the peer's to tell. */
static int tell_flow(struct lb_sync_table *t, struct sync_writer *w, uint32_t id, int v6, uint32_t generation,
	uint32_t now)
{
	struct sync_record r = {.kind = SYNC_FLOW};
	uint8_t hand = SYNC_FIRST_HAND;
	struct lb_flow6 flow;
	int err;

	if (!look(t, id, v6, generation, &flow))
		return 0;
	if (flow.head.flags & LB_FLOW_COPY)
		hand = lb_sync_hand_of_copy(t, id, v6);
	if ((generation && hand != SYNC_FIRST_HAND) ||
		!lb_sync_flow_tell(&flow.head, v6, now, t->bpf->view.globals->hz, hand, &r.flow))
		return 0;
	err = write_record(w, &r);
	if (!err)
		t->told[v6][id] = now;
	return err;
}

static int tell_end(struct sync_writer *w, const struct sync_change_end *end)
{
	struct sync_record r = {.kind = SYNC_FLOW_END};

	lb_sync_flow_tell_end(end, &r.flow);
	return write_record(w, &r);
}

/* source: masked. */
static int tell_sticky(struct lb_sync_table *t, struct sync_writer *w, uint32_t pool, bool v6,
	const void *source, uint16_t backend, uint32_t idle_s)
{
	const struct lb_names_pool *p = lb_names_pool_at(&t->names, pool);
	const struct lb_names_backend *b = lb_names_backend_at(&t->names, backend);
	struct sync_record r = {.kind = SYNC_STICKY};

	if (!p || !b || b->pool != pool)
		return 0;
	memcpy(r.sticky.pool, p->name, sizeof(r.sticky.pool));
	r.sticky.family = v6 ? AF_INET6 : AF_INET;
	memcpy(r.sticky.source, source, v6 ? 16 : 4);
	r.sticky.backend = b->addr;
	r.sticky.backend_port = b->port;
	r.sticky.idle_s = idle_s;
	return write_record(w, &r);
}

static int tell_word(struct lb_sync_table *t, struct sync_writer *w, uint32_t index)
{
	const struct lb_live_backend *b = lb_sync_backend(t, index);
	struct sync_record r = {.kind = SYNC_WEIGHT};

	if (!b || !b->said_ms)
		return 0;
	memcpy(r.weight.pool, b->pool->conf->name, sizeof(r.weight.pool));
	memcpy(r.weight.backend, b->conf->name, sizeof(r.weight.backend));
	r.weight.weight = b->weight_override;
	r.weight.admin = (uint8_t)b->admin;
	r.weight.said_ms = b->said_ms;
	return write_record(w, &r);
}

/* ---- changes ---- */

static int64_t waiting(void *data)
{
	const struct lb_sync_table *t = data;
	const struct sync_change *c = sync_changes_first(&t->changes);

	return c ? c->born : SYNC_NEVER;
}

static int tell_change(
	struct lb_sync_table *t, struct sync_writer *w, const struct sync_change *c, uint32_t now)
{
	switch ((enum sync_change_kind)c->kind) {
	case SYNC_CHANGE_FLOW4:
		return tell_flow(t, w, c->id, 0, c->generation, now);
	case SYNC_CHANGE_FLOW6:
		return tell_flow(t, w, c->id, 1, c->generation, now);
	case SYNC_CHANGE_END:
		return tell_end(w, &c->end);
	case SYNC_CHANGE_STICKY:
		return tell_sticky(t, w, c->sticky.pool, c->sticky.family == 6, c->sticky.source,
			c->sticky.backend,
			lb_sync_idle_s(c->sticky.used, now, t->bpf->view.globals->hz, true));
	case SYNC_CHANGE_WEIGHT:
		return tell_word(t, w, c->id);
	}
	return 0;
}

static void changes(void *data, struct sync_writer *w)
{
	struct lb_sync_table *t = data;
	uint32_t now = lb_bpf_now(t->bpf);

	for (const struct sync_change *c; (c = sync_changes_first(&t->changes));
		sync_changes_drop(&t->changes))
		if (tell_change(t, w, c, now))
			return;
}

/* ---- the walk ---- */

static void bulk_begin(void *data)
{
	struct lb_sync_table *t = data;

	/* The walk tells all that lives, and by its silence what has ended. */
	t->is_telling = true;
	lb_sync_table_forget(t);
	t->walk.phase = LB_WALK_TABLE;
	t->walk.at = t->walk.sticky_count = 0;
}

static int walk_table(struct lb_sync_table *t, struct sync_writer *w)
{
	struct sync_record r = {
		.kind = SYNC_TABLE, .table = {lb_sync_table_id(t), t->bpf->view.globals->peer_table}};
	int err = write_record(w, &r);

	if (!err)
		t->walk.phase = LB_WALK_FLOWS4;
	return err;
}

static int walk_flows(struct lb_sync_table *t, struct sync_writer *w, int v6, uint32_t now)
{
	uint32_t end = lb_bpf_flows_touched(t->bpf, v6 ? 6 : 4);
	uint32_t stop = end - t->walk.at > STEP_LOOKS && end > t->walk.at ? t->walk.at + STEP_LOOKS : end;

	for (; t->walk.at < stop; t->walk.at++)
		if (tell_flow(t, w, t->walk.at, v6, 0, now))
			return -ENOSPC;
	if (t->walk.at >= end) {
		t->walk.at = 0;
		t->walk.phase++;
	}
	return 0;
}

static bool note_sticky(void *data, const struct lb_sticky_key *key, const struct lb_sticky_entry *e)
{
	struct lb_walk *walk = data;

	if (walk->sticky_count == walk->sticky_room) {
		uint32_t room = walk->sticky_room ? 2 * walk->sticky_room : 1024;
		void *grown = reallocarray(walk->sticky, room, sizeof(*walk->sticky));

		if (!grown)
			return false; /* those that are in memory will be told */
		walk->sticky = grown;
		walk->sticky_room = room;
	}
	walk->sticky[walk->sticky_count++] = (struct lb_walk_sticky){*key, *e};
	return false;
}

/* Home before stand-in: so the peer sees which is which. */
static int tell_both(
	struct lb_sync_table *t, struct sync_writer *w, const struct lb_walk_sticky *s, uint32_t now)
{
	uint32_t pool = s->key.pool & 0x7fffffff, hz = t->bpf->view.globals->hz;
	bool v6 = s->key.pool >> 31;
	int err = tell_sticky(t, w, pool, v6, s->key.source, s->entry.home,
		lb_sync_idle_s(s->entry.home_used, now, hz, true));

	if (!err && s->entry.stand_in != LB_NO_BACKEND)
		err = tell_sticky(t, w, pool, v6, s->key.source, s->entry.stand_in,
			lb_sync_idle_s(s->entry.stand_in_used, now, hz, true));
	return err;
}

static int walk_sticky(struct lb_sync_table *t, struct sync_writer *w, uint32_t now)
{
	struct lb_walk *walk = &t->walk;

	if (!walk->at && !walk->sticky_count)
		lb_bpf_each_sticky(t->bpf, note_sticky, walk);
	for (; walk->at < walk->sticky_count; walk->at++)
		if (tell_both(t, w, &walk->sticky[walk->at], now))
			return -ENOSPC;
	free(walk->sticky);
	walk->sticky = NULL;
	walk->sticky_count = walk->sticky_room = 0;
	walk->phase = LB_WALK_DONE;
	return 0;
}

static bool bulk_next(void *data, struct sync_writer *w)
{
	struct lb_sync_table *t = data;
	uint32_t now = lb_bpf_now(t->bpf);
	int err = 0;

	if (t->walk.phase == LB_WALK_TABLE)
		err = walk_table(t, w);
	else if (t->walk.phase == LB_WALK_FLOWS4 || t->walk.phase == LB_WALK_FLOWS6)
		err = walk_flows(t, w, t->walk.phase == LB_WALK_FLOWS6, now);
	else if (t->walk.phase == LB_WALK_STICKY)
		err = walk_sticky(t, w, now);
	return !err && t->walk.phase == LB_WALK_DONE;
}

const struct sync_source lb_sync_table_source = {waiting, changes, bulk_begin, bulk_next};
