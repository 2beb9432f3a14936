/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the peer: into the dataplane's table, its sticky sources, and what operators said. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "lb/lb_sync_table_inside.h"

/* ---- whose a copy is ---- */

/* Copies of a run before are the peer's table's that was spoken with then. */
int lb_sync_whose_open(struct lb_sync_table *t)
{
	const struct lb_bpf_view *v = &t->bpf->view;

	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t touched = lb_bpf_flows_touched(t->bpf, v6 ? 6 : 4);

		t->whose.stamp[v6] = calloc(t->bpf->sizes.flows, sizeof(*t->whose.stamp[v6]));
		if (!t->whose.stamp[v6])
			return -ENOMEM;
		for (uint32_t id = 0; id < touched; id++)
			if ((v6 ? v->flows6[id].head : v->flows4[id].head).flags & LB_FLOW_COPY)
				t->whose.stamp[v6][id] = 1;
	}
	t->whose.bulk = 1;
	t->whose.first = v->globals->peer_table ? 1 : 0;
	return 0;
}

/* Where the config in force has the flow's service and backend. SYNC_APPLIED, or what it does not have. */
static enum sync_fate find_places(const struct lb_sync_table *t, const struct sync_flow *flow,
	const struct lb_names_service **service, long *backend)
{
	*service =
		lb_names_service(&t->names, flow->family, flow->service, flow->service_port, flow->protocol);
	if (!*service)
		return SYNC_NO_SERVICE;
	*backend = lb_names_backend(
		&t->names, (*service)->pool, flow->family, flow->backend, flow->backend_port);
	/* Connections stay when their service is given another pool. */
	if (*backend == LB_NAMES_NONE)
		*backend = lb_names_backend(
			&t->names, LB_NAMES_ANY_POOL, flow->family, flow->backend, flow->backend_port);
	return *backend == LB_NAMES_NONE ? SYNC_NO_BACKEND : SYNC_APPLIED;
}

/* Were the peer to tell of the copy, would it be refused? */
static bool is_refused(const struct lb_sync_table *t, uint32_t id, int v6)
{
	const struct lb_bpf_view *v = &t->bpf->view;
	const struct lb_flow *f = v6 ? &v->flows6[id].head : &v->flows4[id].head;
	const struct lb_names_service *service;
	struct sync_flow flow;
	long backend;

	return lb_sync_flow_tell(f, v6, f->last_seen, v->globals->hz, SYNC_OF_PEER, &flow) &&
	       find_places(t, &flow, &service, &backend) != SYNC_APPLIED;
}

bool lb_sync_is_orphan(const struct lb_sync_table *t, uint32_t id, int v6)
{
	uint16_t stamp = t->whose.stamp[v6][id];

	return t->whose.first && stamp >= t->whose.first && stamp < t->whose.whole && !is_refused(t, id, v6);
}

void lb_sync_whose_unknown(struct lb_sync_table *t)
{
	t->whose.whole = 0;
	t->whose.is_named = false;
}

uint8_t lb_sync_hand_of_copy(const struct lb_sync_table *t, uint32_t id, int v6)
{
	return t->whose.first && t->whose.stamp[v6][id] >= t->whose.first ? SYNC_OF_PEER : SYNC_OF_OTHER;
}

static void begin(struct lb_whose *whose, uint32_t flows)
{
	if (whose->bulk == UINT16_MAX) { /* count anew; those of before are left to age */
		memset(whose->stamp[0], 0, flows * sizeof(*whose->stamp[0]));
		memset(whose->stamp[1], 0, flows * sizeof(*whose->stamp[1]));
		whose->bulk = whose->whole = 0;
		whose->first = whose->first ? 1 : 0;
	}
	whose->bulk++;
	whose->is_named = false;
	whose->its_peer = 0;
}

static void copy(void *data, enum sync_copy_event event)
{
	struct lb_sync_table *t = data;

	/* What came before belongs to what was before. */
	lb_sync_table_commit(t);
	if (event == SYNC_COPY_BEGIN) {
		begin(&t->whose, t->bpf->sizes.flows);
		t->no_room = 0;
	} else if (event == SYNC_COPY_END && t->whose.is_named) {
		t->whose.whole = t->whose.bulk;
	}
}

static enum sync_fate take_table(struct lb_sync_table *t, const struct sync_table *table)
{
	struct lb_globals *g = t->bpf->view.globals;

	t->whose.is_named = true;
	t->whose.its_peer = table->peer;
	if (g->peer_table != table->id || !t->whose.first) {
		lb_sync_table_commit(t);
		t->whose.first = t->whose.bulk;
		__atomic_store_n(&g->peer_table, table->id, __ATOMIC_RELAXED);
	}
	return SYNC_APPLIED;
}

/* ---- flows ---- */

static void stamp(struct lb_sync_table *t, const struct lb_install *i)
{
	if (i->id < t->bpf->sizes.flows)
		t->whose.stamp[i->family == 6][i->id] = i->flags & LB_INSTALL_SECOND_HAND ? 0 : t->whose.bulk;
}

static void count(struct lb_sync_table *t, const struct lb_install *i)
{
	struct lb_sync_table_counters *c = &t->counters;

	switch ((enum lb_install_op)i->op) {
	case LB_INSTALL_MADE:
		c->made++;
		stamp(t, i);
		break;
	case LB_INSTALL_UPDATED:
		c->updated++;
		stamp(t, i); /* at second hand too: the peer has it */
		break;
	case LB_INSTALL_ENDED:
		c->ended++;
		break;
	case LB_INSTALL_OURS:
		c->ours++;
		break;
	case LB_INSTALL_UNKNOWN:
		c->unknown++;
		break;
	case LB_INSTALL_FULL:
		c->full++;
		t->no_room++;
		break;
	case LB_INSTALL_CLASH:
		c->clash++;
		break;
	default:
		c->invalid++;
	}
}

void lb_sync_table_commit(struct lb_sync_table *t)
{
	uint32_t gathered = t->gathered;
	int err;

	t->gathered = 0;
	if (!gathered)
		return;
	err = lb_bpf_install(t->bpf, gathered);
	if (err)
		log_error("%u records of the peer: the dataplane did not take them: %s", gathered,
			strerror(-err));
	if (err) { /* the peer takes them for told */
		t->missed = true;
		t->whose.is_named = false;
	}
	for (uint32_t i = 0; !err && i < gathered; i++)
		count(t, &t->bpf->view.installs[i]);
}

bool lb_sync_table_missed(struct lb_sync_table *t)
{
	bool missed = t->missed;

	t->missed = false;
	return missed;
}

bool lb_sync_table_is_short(const struct lb_sync_table *t)
{
	return t->no_room > t->bpf->sizes.flows / 65536; /* one in a million finds its bucket full */
}

static void gather(struct lb_sync_table *t, const struct lb_install *i)
{
	t->bpf->view.installs[t->gathered++] = *i;
	if (t->gathered == LB_INSTALL_MAX)
		lb_sync_table_commit(t);
}

static enum sync_fate take_flow(struct lb_sync_table *t, const struct sync_flow *flow)
{
	const struct lb_names_service *s;
	enum sync_fate fate;
	struct lb_install i;
	long backend;

	/* It has it from here: what has ended here meanwhile must not begin again. */
	if (flow->hand == SYNC_OF_PEER && t->whose.its_peer == lb_sync_table_id(t))
		return SYNC_NOT_NEEDED;
	fate = find_places(t, flow, &s, &backend);
	if (fate != SYNC_APPLIED)
		return fate;
	if (lb_sync_flow_put(flow, t->jiffies, t->bpf->view.globals->hz, &i))
		return SYNC_INVALID;
	i.service = (uint16_t)s->index;
	i.backend = (uint16_t)backend;
	gather(t, &i);
	return SYNC_APPLIED;
}

/* Of a service that this config does not name any more too: its flows may still be here. */
static enum sync_fate take_end(struct lb_sync_table *t, const struct sync_flow *flow)
{
	struct lb_install i;

	if (lb_sync_flow_end(flow, &i))
		return SYNC_INVALID;
	gather(t, &i);
	return SYNC_APPLIED;
}

/* ---- sticky sources ---- */

static void mask(uint8_t *source, size_t length, unsigned prefix)
{
	for (size_t i = 0; i<length; i++, prefix = prefix> 8 ? prefix - 8 : 0)
		if (prefix < 8)
			source[i] &= (uint8_t) ~(0xff >> prefix);
}

static enum sync_fate take_sticky(struct lb_sync_table *t, const struct sync_sticky *s)
{
	bool v6 = s->family == AF_INET6;
	long pool = lb_names_pool(&t->names, s->pool), backend;
	const struct lb_pool_entry *p;
	struct lb_sticky_entry e = {};
	struct lb_sticky_key key = {};
	uint8_t source[16];
	uint32_t used;
	int there;

	if (pool == LB_NAMES_NONE)
		return SYNC_NO_POOL;
	backend = lb_names_backend(
		&t->names, (uint32_t)pool, s->backend.family, s->backend.bytes, s->backend_port);
	if (backend == LB_NAMES_NONE)
		return SYNC_NO_BACKEND;
	if (s->backend.family != s->family)
		return SYNC_INVALID;
	p = &t->bpf->view.pools[pool];
	used = lb_sync_used(s->idle_s, t->jiffies, t->bpf->view.globals->hz);
	if (t->jiffies - used > p->sticky_jiffies || !p->sticky_jiffies)
		return SYNC_NOT_NEEDED;
	memcpy(source, s->source, 16);
	mask(source, v6 ? 16 : 4, v6 ? p->sticky_prefix6 : p->sticky_prefix4);
	memcpy(key.source, source, v6 ? 16 : 4);
	key.pool = (uint32_t)pool | (v6 ? 0x80000000 : 0);
	there = lb_bpf_get_sticky(t->bpf, &key, &e);
	if (!lb_sync_sticky_merge(&e, there == 0, (uint16_t)backend, used, p->sticky_jiffies))
		return SYNC_NOT_NEEDED;
	return lb_bpf_put_sticky(t->bpf, &key, &e) ? SYNC_TABLE_FULL : SYNC_APPLIED;
}

/* ---- operators' words ---- */

static enum sync_fate take_word(struct lb_sync_table *t, const struct sync_weight *w)
{
	struct lb_live_backend *b = lb_live_find(t->live, w->pool, w->backend);

	if (!b)
		return lb_model_find_pool(&t->live->model, w->pool) < 0 ? SYNC_NO_POOL : SYNC_NO_BACKEND;
	if (w->admin > LB_ADMIN_DISABLED || w->weight < -1 || w->weight > LB_WEIGHT_MAX || !w->said_ms ||
		w->said_ms > INT64_MAX)
		return SYNC_INVALID;
	/* Before it is taken: who is told of the change must not tell it back. */
	if (w->said_ms > t->told_words[b->index])
		t->told_words[b->index] = w->said_ms;
	return lb_live_take_word(b, (enum lb_admin)w->admin, w->weight, w->said_ms) ? SYNC_APPLIED
										    : SYNC_NOT_NEEDED;
}

static enum sync_fate apply(void *data, const struct sync_record *record)
{
	struct lb_sync_table *t = data;

	if (!t->gathered)
		t->jiffies = lb_bpf_now(t->bpf);
	switch (record->kind) {
	case SYNC_FLOW:
		return take_flow(t, &record->flow);
	case SYNC_FLOW_END:
		return take_end(t, &record->flow);
	case SYNC_STICKY:
		return take_sticky(t, &record->sticky);
	case SYNC_WEIGHT:
		return take_word(t, &record->weight);
	case SYNC_TABLE:
		return take_table(t, &record->table);
	default:
		return SYNC_INVALID;
	}
}

const struct sync_target lb_sync_table_target = {apply, copy};
