/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be with a pair when nothing has gone wrong for a while: much may be cut for good. */
#include "sim.h"

static bool owns(const struct sim *sim, int n)
{
	return sim_node_up(&sim->node[n]) && sim->node[n].holds && sim->node[n].fsm.state == VRRP_ACTIVE;
}

/* Beacons, adverts: what of that node reaches the other? */
static bool is_heard(const struct sim *sim, int from)
{
	for (int i = 0; i < sim->schedule.pair.paths; i++)
		if (sim_pair_path_works(sim, i, from))
			return true;
	return false;
}

static bool adverts_pass(const struct sim *sim, int from)
{
	return sim_net_reaches(sim, from, 1 - from) && !(sim->filter >> from & 1);
}

static bool has_witness(const struct sim *sim, int n)
{
	return sim->schedule.pair.witness_interval && sim_pair_witness_there(sim, n);
}

/* Nobody is there to ask: it owns them unless it is fenced. */
static void check_alone(struct sim *sim, int n)
{
	bool may = sim->schedule.pair.on_isolation == VRRP_ISOLATION_TAKE || has_witness(sim, n);

	if (sim->peer[n].requested)
		return;
	sim->covered |= 1u << SIM_PAIR_ONE;
	if (owns(sim, n) != may)
		sim_fail(sim, SIM_PAIR_ONE, "node %d is alone, %s own the addresses, and does%s", n,
			may ? "has to" : "must not", may ? " not" : "");
}

static void check_both(struct sim *sim)
{
	int owner = owns(sim, 0) ? 0 : 1, other = 1 - owner;

	sim->covered |= 1u << SIM_PAIR_ONE;
	if (owns(sim, 0) == owns(sim, 1))
		sim_fail(sim, SIM_PAIR_ONE, "%s the addresses", owns(sim, 0) ? "both own" : "nobody owns");
	else if (sim->node[other].fsm.state != VRRP_BACKUP || sim->node[other].holds)
		sim_fail(sim, SIM_PAIR_ONE, "node %d is still %s", other,
			vrrp_state_name(sim->node[other].fsm.state));
	else if (has_witness(sim, other) && sim->schedule.pair.witness_interval && !has_witness(sim, owner))
		sim_fail(sim, SIM_PAIR_ONE, "node %d owns the addresses, only node %d reaches its witness",
			owner, other);
	else if (has_witness(sim, other) == has_witness(sim, owner) && adverts_pass(sim, owner) &&
		 !sim_check_obeys(sim, other, owner))
		sim_fail(sim, SIM_PAIR_ONE, "node %d is Active, node %d should have preempted it", owner,
			other);
}

static void check_owners(struct sim *sim)
{
	bool up[2] = {sim_node_up(&sim->node[0]), sim_node_up(&sim->node[1])};
	bool heard[2] = {is_heard(sim, 0), is_heard(sim, 1)};

	if (sim->loss_permille || sim->path_loss_permille)
		return;
	if (up[0] && up[1] && heard[0] && heard[1])
		check_both(sim);
	else if (up[0] != up[1])
		check_alone(sim, up[1]);
	else if (up[0] && !heard[0] && !heard[1] && !adverts_pass(sim, 0) && !adverts_pass(sim, 1))
		for (int n = 0; n < 2; n++)
			check_alone(sim, n);
}

/* Who gave the addresses up last did it in reach of the clients, and of whom has them now. */
static void check_clients(struct sim *sim)
{
	int owner = sim_check_only_active(sim);
	int64_t since = sim->sees.released_at, claimed;

	if (owner < 0 || since < 0 || owns(sim, 1 - owner))
		return;
	/* Of a claim that lasted less than a beacon's way the other may never hear. */
	claimed = sim->node[1 - owner].active_since > sim->node[1 - owner].calm_since
			  ? sim->node[1 - owner].active_since
			  : sim->node[1 - owner].calm_since;
	if (since - claimed <= sim_pair_slowest(sim) + 2 * sim->schedule.wake_max)
		return;
	for (int n = 0; n < 2; n++)
		if (sim->sees.works_since[n] < 0 || sim->sees.works_since[n] > since ||
			sim->node[n].calm_since > since || sim->peer[n].opened_at > since)
			return;
	if (sim->sees.clients_since[owner] < 0 || sim->sees.clients_since[owner] > since)
		return;
	sim->covered |= 1u << SIM_CLIENTS;
	if (sim->client != owner)
		sim_fail(sim, SIM_CLIENTS, "node %d is Active, the clients believe node %d", owner,
			sim->client);
}

/* Whatever changes, changes the owner at most once, and back. */
static void check_flapping(struct sim *sim)
{
	const struct sim_schedule *s = &sim->schedule;

	for (int i = 0; i < s->fault_count; i++)
		if (s->fault[i].kind == SIM_LOSS || s->fault[i].kind == SIM_PATH_LOSS)
			return;
	sim->covered |= 1u << SIM_PAIR_FLAPPING;
	if (sim->transitions > 8 + 6 * sim->sees.edges)
		sim_fail(sim, SIM_PAIR_FLAPPING, "%d transitions for %d changes", sim->transitions,
			sim->sees.edges);
}

void sim_pair_check_end(struct sim *sim)
{
	check_owners(sim);
	check_clients(sim);
	check_flapping(sim);
}
