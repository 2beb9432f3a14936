/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounds: an event after which something has to happen between two moments, or must not happen until one. They are
 * asserted when everything else is quiet: before the event (the Backups have just heard the Active) and until the end.
 */
#include "sim.h"

#define SLACK_NS 1000

/* Durations by the clocks of nodes that are up to 0.1 % wrong. */
static int64_t longer(int64_t ns)
{
	return ns + ns / 900 + SLACK_NS;
}

static int64_t shorter(int64_t ns)
{
	return ns - ns / 900 - SLACK_NS;
}

struct quorum {
	int backups;
	int64_t down, skew; /* the shortest */
};

/* The Backups of an Active, when all of them hear it, obey it and wait for it alone. */
static bool settled(const struct sim *sim, int active, struct quorum *out)
{
	const struct sim_schedule *s = &sim->schedule;
	int64_t interval = sim->node[active].config.interval_ns;
	int64_t recent = longer(interval) + s->delay_max + 3 * s->wake_max;

	*out = (struct quorum){0, VRRP_NEVER, VRRP_NEVER};
	if (!sim_check_clean(sim, recent) || sim->node[active].fsm.old_left || sim->node[active].config_new)
		return false;
	if (sim->now - sim->node[active].calm_since < recent)
		return false; /* after a pause it may not know yet that it lost */
	if (sim->now - sim->node[active].active_since < recent || sim->now - sim->conflict_at < recent)
		return false; /* answers go out, off its pace */
	for (int n = 0; n < s->nodes; n++) {
		const struct sim_node *node = &sim->node[n];
		const struct vrrp_fsm *fsm = &node->fsm;
		int64_t skew = sim_check_skew(sim, n, interval), down = 3 * interval + skew;

		if (n == active || !node->running)
			continue;
		if (!sim_node_up(node) || node->stopped || fsm->state != VRRP_BACKUP || node->config_new ||
			node->take)
			return false;
		if (sim->now - node->calm_since < recent)
			return false; /* it may have read late what arrived long ago */
		if (fsm->left || fsm->heard_at == VRRP_NEVER || fsm->active_interval != interval ||
			sim_node_clock(sim, n) - fsm->heard_at > longer(recent) ||
			!sim_check_obeys(sim, n, active))
			return false;
		if (sim_check_priority(&sim->node[active]) < node->config.priority && node->config.preempt &&
			!fsm->held)
			return false; /* its preempt delay may end meanwhile */
		out->backups++;
		if (down < out->down)
			out->down = down;
		if (skew < out->skew)
			out->skew = skew;
	}
	return out->backups > 0 && (!s->is_pair || sim_pair_settled(sim, active, recent));
}

static void watch(struct sim *sim, int kind, enum sim_invariant invariant, int64_t low, int64_t high)
{
	sim->watch.kind = kind;
	sim->watch.invariant = invariant;
	sim->watch.low = low;
	sim->watch.high = high;
}

/* A pair waits as well until the last word of the other is too old, or goodbye was said by beacons too. */
static void watch_pair(struct sim *sim, int64_t silence)
{
	sim->watch.invariant = SIM_PAIR_FAILOVER;
	if (sim->now + silence > sim->watch.high)
		sim->watch.high = sim->now + silence;
}

static void watch_crash(struct sim *sim, int active, const struct quorum *q)
{
	const struct sim_schedule *s = &sim->schedule;
	int64_t interval = sim->node[active].config.interval_ns;

	watch(sim, WATCH_TAKEOVER, SIM_CRASH_BOUND,
		sim->now + shorter(q->down) - longer(interval) - s->delay_max - s->wake_max,
		sim->now + longer(q->down) + s->delay_max + 2 * s->wake_max);
	if (s->is_pair)
		watch_pair(sim, sim_pair_silence(sim));
}

/* A beacon may be under way that says it is Active: who was killed takes nothing back, but who leaves says it by beacons. */
static void watch_leave(struct sim *sim, int active, const struct quorum *q, bool is_killed)
{
	const struct sim_schedule *s = &sim->schedule;
	int64_t slowest = s->is_pair ? sim_pair_slowest(sim) : 0;

	/* An advert that is still under way could arrive after the goodbye. */
	if (sim->now - sim->node[active].told_at <= s->delay_max)
		return;
	watch(sim, WATCH_TAKEOVER, SIM_LEAVE_BOUND, sim->now + shorter(q->skew),
		sim->now + longer(q->skew) + s->delay_max + 3 * s->wake_max);
	if (s->is_pair && is_killed && sim->now - sim->peer[active].spoke_at <= slowest)
		watch_pair(sim, sim_pair_silence(sim));
	else if (s->is_pair)
		watch_pair(sim, longer(q->skew) + s->delay_max + slowest + 4 * s->wake_max);
}

/* The next value adverts are lost; the last that arrived is at most an interval old. */
static void watch_lost(struct sim *sim, int active, const struct quorum *q, int64_t value)
{
	const struct sim_schedule *s = &sim->schedule;
	int64_t interval = sim->node[active].config.interval_ns;
	int64_t jitter = s->delay_max - s->delay_min + 6 * s->wake_max + 4 * interval / 400 + SLACK_NS;

	if (s->is_pair)
		watch(sim, WATCH_HOLD, SIM_PAIR_HOLD, 0, sim->now + (value + 1) * interval);
	else if (value < 3 && (value == 1 || q->skew > jitter))
		watch(sim, WATCH_HOLD, SIM_LOST_ADVERTS, 0, sim->now + (value + 1) * interval);
	else if (value == 3 && interval - q->skew > jitter)
		watch(sim, WATCH_TAKEOVER, SIM_LOST_ADVERTS, sim->now,
			sim->now + longer(q->down) + s->delay_max + 3 * s->wake_max);
}

void sim_watch_cancel(struct sim *sim)
{
	sim->watch.kind = WATCH_NONE;
}

void sim_watch_fault(struct sim *sim, const struct sim_fault *fault, int active)
{
	struct quorum q;

	sim_watch_cancel(sim);
	if (active < 0 || sim->node[active].stopped || !settled(sim, active, &q))
		return;
	if (fault->kind == SIM_DROP)
		watch_lost(sim, active, &q, fault->value);
	else if (fault->node != active)
		return;
	else if (fault->kind == SIM_CRASH)
		watch_crash(sim, active, &q);
	else if (fault->kind == SIM_STOP || fault->kind == SIM_OFFER || fault->kind == SIM_DIE)
		watch_leave(sim, active, &q, fault->kind == SIM_DIE);
}

/* ---- healing ---- */

static bool wins(const struct sim *sim, int a, int b)
{
	uint8_t of_a = sim_check_priority(&sim->node[a]), of_b = sim_check_priority(&sim->node[b]);

	if (of_a != of_b)
		return of_a > of_b;
	return sim->schedule.ipv4 ? a > b : sim->schedule.speaker[a].rank > sim->schedule.speaker[b].rank;
}

void sim_watch_healed(struct sim *sim)
{
	const struct sim_schedule *s = &sim->schedule;
	int winner = -1, actives = 0;

	if (sim->net_faults || s->is_pair)
		return;
	for (int n = 0; n < s->nodes; n++) {
		const struct sim_node *node = &sim->node[n];

		if (!node->running)
			continue;
		if (!sim_node_up(node) || node->stopped || node->config_new || node->offer || node->take)
			return;
		if (node->fsm.state == VRRP_HANDOVER || node->fsm.state == VRRP_INITIALIZE)
			return;
		if (node->fsm.state != VRRP_ACTIVE)
			continue;
		actives++;
		if (winner < 0 || wins(sim, n, winner))
			winner = n;
	}
	if (actives < 2)
		return;
	watch(sim, WATCH_HEAL, SIM_HEALING, 0,
		sim->now + longer(sim->node[winner].config.interval_ns) + 2 * s->delay_max + 3 * s->wake_max +
			2 * VRRP_ANSWER_GAP_NS);
	sim->watch.winner = winner;
}

/* ---- the end of a watch ---- */

void sim_watch_transition(struct sim *sim, int n, const struct vrrp_action *action)
{
	struct sim_watch *w = &sim->watch;

	if (w->kind == WATCH_NONE || action->to != VRRP_ACTIVE)
		return;
	if (w->kind == WATCH_HOLD) {
		sim_fail(sim, w->invariant, "node %d became Active: %s", n, vrrp_cause_text(action->cause));
	} else if (w->kind == WATCH_TAKEOVER) {
		sim->covered |= 1u << w->invariant;
		if (sim->now < w->low)
			sim_fail(sim, w->invariant, "node %d became Active %.6f ms too early", n,
				(double)(w->low - sim->now) / 1e6);
	}
	sim_watch_cancel(sim);
}

static void end_of_time(struct sim *sim)
{
	struct sim_watch *w = &sim->watch;

	sim->covered |= 1u << w->invariant;
	if (w->kind == WATCH_TAKEOVER)
		sim_fail(sim, w->invariant, "nobody became Active in time");
	else if (w->kind == WATCH_HEAL && sim_check_only_active(sim) != w->winner)
		sim_fail(sim, w->invariant, "an interval after the partition not node %d alone is Active",
			w->winner);
	sim_watch_cancel(sim);
}

void sim_watch_time(struct sim *sim, int64_t to)
{
	if (sim->watch.kind != WATCH_NONE && to > sim->watch.high)
		end_of_time(sim);
}
