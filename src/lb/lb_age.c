/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_age.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/bpf/lb_state.h"

#define STICKY_SWEEP_S 10

static void flush_commands(struct lb_age *age)
{
	struct lb_control *c = age->live->bpf->view.control;

	uint32_t count = age->commands;

	age->commands = 0; /* what fails now is found again by the next walk */
	if (!count || lb_bpf_control(age->live->bpf, count))
		return;
	for (uint32_t i = 0; i < count; i++)
		age->expired += c[i].op == LB_CONTROL_DONE;
}

static void command(struct lb_age *age, enum lb_control_op op, const struct lb_flow *f, uint32_t id,
	uint32_t last_seen, uint32_t family)
{
	struct lb_control *c = &age->live->bpf->view.control[age->commands++];

	c->family = family;
	c->id = id;
	c->generation = f->generation;
	c->last_seen = last_seen;
	c->op = op;
	if (age->commands == LB_CONTROL_MAX)
		flush_commands(age);
}

/* What was used after `now` was read looks as if from the future: not old. */
static bool is_older(uint32_t now, uint32_t used, uint32_t timeout)
{
	return (int32_t)(now - used) > 0 && now - used > timeout;
}

static void look(struct lb_age *age, const struct lb_flow *f, uint32_t id, uint32_t now, int v6)
{
	const struct lb_bpf *bpf = age->live->bpf;
	uint8_t state = f->state;
	uint32_t last_seen = __atomic_load_n(&f->last_seen, __ATOMIC_RELAXED);

	if (state == LB_FLOW_FREE || f->service >= bpf->sizes.services)
		return;

	const struct lb_service_entry *s = &bpf->view.services[f->service];

	age->counting.flows[v6]++;
	age->counting.half_open += lb_flow_is_half_open(state);
	age->service_counting[f->service] += lb_flow_is_live(state);
	lb_ids_meet(&age->live->backend_ids, f->backend);
	lb_ids_meet(&age->live->service_ids, f->service);
	lb_ids_meet(&age->live->pool_ids, s->pool);

	uint32_t timeout = lb_flow_timeout(state, s->idle_jiffies, bpf->view.globals), kept = timeout;

	if (f->flags & LB_FLOW_COPY)
		kept += timeout / 4 + LB_COPY_SLACK_S * bpf->view.globals->hz;
	if (is_older(now, last_seen, kept))
		command(age, LB_CONTROL_EXPIRE, f, id, last_seen, v6 ? 6 : 4);
	else if (age->watch && age->watch->flow(age->watch_data, f, id, v6, now, timeout))
		command(age, LB_CONTROL_REMOVE_COPY, f, id, last_seen, v6 ? 6 : 4);
}

static void walk_family(struct lb_age *age, uint32_t now, int v6)
{
	struct lb_bpf *bpf = age->live->bpf;
	uint64_t touched = lb_bpf_flows_touched(bpf, v6 ? 6 : 4);
	uint32_t to = (uint32_t)(touched * (age->tick + 1) / LB_AGE_TICKS);

	/* From where the last slice ended: the table may have grown since, and whom a walk does not meet is gone. */
	for (uint32_t id = age->at[v6]; id < to; id++)
		look(age, v6 ? &bpf->view.flows6[id].head : &bpf->view.flows4[id].head, id, now, v6);
	age->at[v6] = to;
}

/* The fuller table decides how long closing flows may stay. */
static void set_pressure(struct lb_age *age)
{
	struct lb_globals *g = age->live->bpf->view.globals;
	uint32_t most = age->last.flows[0] > age->last.flows[1] ? age->last.flows[0] : age->last.flows[1];
	uint32_t seconds = most > age->live->bpf->sizes.flows / 4 * 3 ? LB_CLOSING_FULL_S : LB_CLOSING_S;

	if (g->closing_jiffies != seconds * g->hz)
		__atomic_store_n(&g->closing_jiffies, seconds * g->hz, __ATOMIC_RELAXED);
}

struct sticky_sweep {
	struct lb_age *age;
	uint32_t now;
};

static bool sticky_is_over(void *data, const struct lb_sticky_key *key, const struct lb_sticky_entry *e)
{
	struct sticky_sweep *s = data;
	struct lb_bpf *bpf = s->age->live->bpf;
	uint32_t pool = key->pool & 0x7fffffff;
	uint32_t timeout = pool < bpf->sizes.pools ? bpf->view.pools[pool].sticky_jiffies : 0;

	return is_older(s->now, e->home_used, timeout) &&
	       (e->stand_in == LB_NO_BACKEND || is_older(s->now, e->stand_in_used, timeout));
}

static void measure_rate(struct lb_age *age, double now)
{
	uint64_t counts[LB_COUNTER_COUNT];

	if (lb_bpf_counters(age->live->bpf, counts))
		return;
	if (age->walk_began_at > 0 && now > age->walk_began_at &&
		counts[LB_COUNT_FLOW_NEW] >= age->flows_made)
		age->flows_per_second =
			(double)(counts[LB_COUNT_FLOW_NEW] - age->flows_made) / (now - age->walk_began_at);
	age->flows_made = counts[LB_COUNT_FLOW_NEW];
	age->walk_began_at = now;
}

static void end_walk(struct lb_age *age, double now)
{
	size_t bytes = age->live->bpf->sizes.services * sizeof(uint32_t);

	age->tick = 0;
	age->at[0] = age->at[1] = 0;
	age->last = age->counting;
	memset(&age->counting, 0, sizeof(age->counting));
	memcpy(age->service_live, age->service_counting, bytes);
	memset(age->service_counting, 0, bytes);
	measure_rate(age, now);
	set_pressure(age);
	lb_live_walked(age->live);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lb_age *age = timer->data;
	uint32_t now = lb_bpf_now(age->live->bpf);
	bool swept = ev_now(loop) >= age->next_sticky_at;

	__atomic_store_n(&age->live->bpf->view.globals->control_seen, now, __ATOMIC_RELAXED);
	walk_family(age, now, 0);
	walk_family(age, now, 1);
	flush_commands(age);
	if (swept) {
		struct sticky_sweep s = {age, now};

		age->sticky = lb_bpf_sweep_sticky(age->live->bpf, sticky_is_over, &s);
		age->next_sticky_at = ev_now(loop) + STICKY_SWEEP_S;
	}
	if (age->watch)
		age->watch->tick(age->watch_data, swept);
	if (++age->tick == LB_AGE_TICKS)
		end_walk(age, ev_now(loop));
}

/* What was adopted is there from the start: who asks before the first walk has ended is not told 0. */
static void count_adopted(struct lb_age *age)
{
	struct lb_bpf *bpf = age->live->bpf;

	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t touched = lb_bpf_flows_touched(bpf, v6 ? 6 : 4);

		for (uint64_t id = 0; id < touched; id++) {
			const struct lb_flow *f =
				v6 ? &bpf->view.flows6[id].head : &bpf->view.flows4[id].head;
			uint8_t state = f->state;

			if (state == LB_FLOW_FREE || f->service >= bpf->sizes.services)
				continue;
			age->last.flows[v6]++;
			age->last.half_open += lb_flow_is_half_open(state);
			age->service_live[f->service] += lb_flow_is_live(state);
		}
	}
}

int lb_age_start(struct lb_age *age, struct lb_live *live)
{
	memset(age, 0, sizeof(*age));
	age->service_counting = calloc(live->bpf->sizes.services, sizeof(uint32_t));
	age->service_live = calloc(live->bpf->sizes.services, sizeof(uint32_t));
	if (!age->service_counting || !age->service_live) {
		lb_age_stop(age);
		return -ENOMEM;
	}
	age->live = live;
	count_adopted(age);
	ev_timer_init(&age->timer, on_tick, LB_AGE_TICK_S, LB_AGE_TICK_S);
	age->timer.data = age;
	ev_timer_start(live->loop, &age->timer);
	return 0;
}

void lb_age_stop(struct lb_age *age)
{
	if (age->live)
		ev_timer_stop(age->live->loop, &age->timer);
	free(age->service_counting);
	free(age->service_live);
	memset(age, 0, sizeof(*age));
}
