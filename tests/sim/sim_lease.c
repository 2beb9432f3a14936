/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lease as each node's kernel has it: stamped by the process when it advertises, by what ships (vrrp_stamp.c), compared
 * with the clock by the dataplane once a jiffy. It goes on when the process stands still or dies, and goes with the power.
 */
#include "sim.h"

void sim_lease_stamp(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];
	int64_t until = vrrp_stamp_until(&node->fsm, sim_node_clock(sim, n));

	if (!node->leased || !until || sim->plant == SIM_PLANT_LEASE_UNSTAMPED)
		return;
	if (sim->plant == SIM_PLANT_LEASE_LONG)
		until += 2 * node->fsm.config.interval_ns;
	node->stamped_at = sim->now;
	node->stamped_interval = node->fsm.config.interval_ns;
	node->lease_until = until;
}

void sim_lease_acquire(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];

	if (sim->plant == SIM_PLANT_LEASE_LATE) {
		node->holds = true;
		sim_lease_check_step(sim, n);
	}
	node->leased = true;
	sim_lease_stamp(sim, n);
	node->holds = true;
	if (sim->plant != SIM_PLANT_LEASE_UNSTAMPED)
		sim_lease_check_step(sim, n);
}

void sim_lease_release(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];

	node->holds = false;
	node->leased = false;
	if (sim->plant != SIM_PLANT_LEASE_UNRELEASED)
		node->lease_until = vrrp_stamp_released(node->lease_until, sim_node_clock(sim, n));
}

void sim_lease_keep(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];
	int64_t now = sim_node_clock(sim, n);

	if (node->fsm.state != VRRP_HANDOVER) {
		node->keep_at = 0;
		return;
	}
	if (now < node->keep_at)
		return;
	if (sim->plant != SIM_PLANT_LEASE_OFFERED)
		sim_lease_stamp(sim, n);
	node->keep_at = vrrp_stamp_again_at(&node->fsm, now);
}

int64_t sim_lease_deadline(const struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];

	return node->fsm.state == VRRP_HANDOVER ? node->keep_at : VRRP_NEVER;
}

bool sim_lease_is_fresh(const struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];
	int64_t jiffy = sim->schedule.speaker[n].jiffy;

	if (sim->plant == SIM_PLANT_LEASE_BLIND && node->lease_until)
		return true;
	/* What was seen at the beginning of a jiffy is believed until its end. */
	return sim_node_clock(sim, n) < (node->lease_until + jiffy - 1) / jiffy * jiffy;
}
