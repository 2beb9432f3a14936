/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of leases. A node serves when it has the addresses, its lease is fresh and its link is up: that is what
 * clients see, whatever its process believes or whether there is one. A advert interval, S skew.
 */
#include "sim.h"

#define SLACK_NS 2000

/* By clocks that are up to 0.1 % wrong. */
static int64_t longer(int64_t ns)
{
	return ns + ns / 400 + SLACK_NS;
}

/* Nobody is at work there who could learn anything. */
static bool stands_still(const struct sim_node *node)
{
	return node->paused || !node->running;
}

static bool serves(const struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];

	return node->holds && !node->links_down && sim_lease_is_fresh(sim, n);
}

/* ---- while it runs ---- */

void sim_lease_check_step(struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];
	int64_t now = sim_node_clock(sim, n);

	sim->covered |= 1u << SIM_LEASE_KEPT;
	if (node->leased && node->holds && !node->links_down && node->lease_until <= now &&
		node->state_since == sim->now && node->fsm.state != VRRP_INITIALIZE)
		sim_fail(sim, SIM_LEASE_KEPT, "node %d got the addresses, and has no lease", n);
	if (!node->leased && !node->inherit && node->lease_until > now + VRRP_STAMP_LINGER_NS)
		sim_fail(sim, SIM_LEASE_KEPT, "node %d gave up, and its lease lasts for %.3f ms more", n,
			(double)(node->lease_until - now) / 1e6);
	if (node->holds && !node->leased && !node->inherit)
		sim_fail(sim, SIM_LEASE_KEPT, "node %d has the addresses before the lease", n);
}

static void check_kept(struct sim *sim, int n, int64_t to)
{
	const struct sim_node *node = &sim->node[n];
	int64_t later = to - sim->now;
	/* Who stood still, and was overtaken perhaps, listens before it goes on. */
	int64_t listens = sim->schedule.is_pair ? longer(2 * sim->schedule.longest) : 0;

	if (!node->leased || !sim_node_up(node) || node->fsm.state == VRRP_INITIALIZE ||
		to - node->calm_since <= 2 * sim->schedule.wake_max + listens)
		return;
	if (node->lease_until < sim_node_clock(sim, n) + later - later / 900)
		sim_fail(sim, SIM_LEASE_KEPT, "node %d has the addresses and runs, its lease is over", n);
}

/* ---- who stands still ---- */

void sim_lease_check_transition(struct sim *sim, int n, const struct vrrp_action *action)
{
	if (action->to != VRRP_ACTIVE || action->cause != VRRP_CAUSE_SILENCE)
		return;
	for (int m = 0; m < sim->schedule.nodes; m++) {
		const struct sim_node *other = &sim->node[m];
		int64_t left = other->lease_until - sim_node_clock(sim, m), jiffy;

		if (m == n || !other->holds || !other->stamped_at ||
			sim->node[n].heard_sent[m] != other->stamped_at ||
			sim->node[n].obeyed_interval < other->stamped_interval) /* a stranger's since */
			continue;
		jiffy = sim->schedule.speaker[m].jiffy;
		sim->covered |= 1u << SIM_LEASE_SILENT;
		if (left > longer(other->stamped_interval) - other->stamped_interval ||
			(sim->plant == SIM_PLANT_LEASE_BLIND && sim_lease_is_fresh(sim, m) && left < -jiffy))
			sim_fail(sim, SIM_LEASE_SILENT,
				"node %d took over from node %d, whose lease lasts for %.3f ms more", n, m,
				(double)left / 1e6);
	}
}

/* After n took over from m, which stands still. */
static int64_t bound(const struct sim *sim, int n, int m)
{
	const struct sim_node *node = &sim->node[m];
	int64_t interval = node->stamped_interval, jiffy = sim->schedule.speaker[m].jiffy;

	if (node->fsm.state == VRRP_HANDOVER && sim->node[n].active_cause == VRRP_CAUSE_PEER_LEFT)
		return longer(sim->schedule.longest + sim_check_skew(sim, m, sim->schedule.longest)) + jiffy;
	return longer(3 * interval) + jiffy;
}

static void check_bound(struct sim *sim, int n, int m, int64_t to)
{
	const struct sim_node *owner = &sim->node[n], *still = &sim->node[m];
	int64_t since = owner->active_since > still->still_since ? owner->active_since : still->still_since;

	if (!still->still_since || !serves(sim, m) || !still->stamped_at || !sim_node_up(owner) ||
		owner->fsm.state != VRRP_ACTIVE)
		return;
	sim->covered |= 1u << SIM_LEASE_BOUND;
	if (to - since > bound(sim, n, m))
		sim_fail(sim, SIM_LEASE_BOUND,
			"node %d stands still and has served beside node %d for %.3f ms", m, n,
			(double)(to - since) / 1e6);
}

void sim_lease_check_time(struct sim *sim, int64_t to)
{
	for (int m = 0; m < sim->schedule.nodes; m++) {
		const struct sim_node *node = &sim->node[m];

		if (!node->holds)
			continue;
		check_kept(sim, m, to);
		for (int n = 0; n < sim->schedule.nodes && stands_still(node); n++)
			if (n != m)
				check_bound(sim, n, m, sim->now);
	}
}
