/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold for a pair at every moment. What is asserted comes from what happened to the network and the nodes, not
 * from what they believe. Bi is the beacon interval, T the time for which one is believed, d the delay, e the wait to run.
 */
#include "sim.h"

#define SLACK_NS 2000

/* By a clock that is up to 0.1 % wrong. */
static int64_t longer(int64_t ns)
{
	return ns + ns / 900 + SLACK_NS;
}

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t sim_pair_slowest(const struct sim *sim)
{
	int64_t d = sim->schedule.delay_max;

	for (int i = 0; i < sim->schedule.pair.paths; i++)
		d = latest(d, sim->schedule.pair.delay_max[i]);
	return d;
}

/* So long it takes at most until what one says is known to the other: it is said every Bi. */
static int64_t until_known(const struct sim *sim)
{
	return longer(sim->schedule.pair.beacon_interval) + sim_pair_slowest(sim) +
	       3 * sim->schedule.wake_max;
}

int64_t sim_pair_silence(const struct sim *sim)
{
	return longer(sim->schedule.pair.beacon_timeout) + sim_pair_slowest(sim) + 3 * sim->schedule.wake_max;
}

/* Whose lease is over listens before it goes on, and serves nobody. */
static bool owns(const struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];

	return sim_node_up(node) && node->holds && sim_lease_is_fresh(sim, n) &&
	       (node->fsm.state == VRRP_ACTIVE || node->fsm.state == VRRP_HANDOVER);
}

static bool outdoes(const struct sim *sim, int x, int y)
{
	if (sim->node[x].links_down)
		return false;
	return sim->node[y].links_down ||
	       (sim->peer[x].witness == VRRP_WITNESS_REACHED && sim->peer[y].witness == VRRP_WITNESS_LOST);
}

bool sim_pair_outdoes(const struct sim *sim, int x, int y)
{
	return outdoes(sim, x, y);
}

void sim_pair_check_init(struct sim *sim)
{
	for (int n = 0; n < 2; n++) {
		sim->sees.works_since[n] = sim->sees.clients_since[n] = sim->sees.able_since[n] = -1;
		for (int i = 0; i < SIM_PATHS_MAX; i++)
			sim->sees.path_since[i][n] = -1;
	}
	sim->sees.both_since = sim->sees.nobody_since = sim->sees.released_at = -1;
}

/* ---- since when ---- */

static void note(int64_t *since, bool is_so, int64_t now)
{
	*since = !is_so ? -1 : *since < 0 ? now : *since;
}

static void note_network(struct sim *sim)
{
	const struct sim_pair_setup *pair = &sim->schedule.pair;

	for (int n = 0; n < 2; n++) {
		int64_t first = -1;

		for (int i = 0; i < pair->paths; i++) {
			int64_t *since = &sim->sees.path_since[i][n];
			int loss = pair->by_lan[i] ? sim->loss_permille : sim->path_loss_permille;

			note(since, !loss && sim_pair_path_works(sim, i, n), sim->now);
			if (*since >= 0 && (first < 0 || *since < first))
				first = *since;
		}
		sim->sees.works_since[n] = first;
		note(&sim->sees.clients_since[n], sim_net_reaches(sim, n, SIM_CLIENT) && !sim->loss_permille,
			sim->now);
	}
}

static void note_owners(struct sim *sim)
{
	bool a = owns(sim, 0), b = owns(sim, 1);
	bool one_speaks = sim->node[0].fsm.state == VRRP_ACTIVE || sim->node[1].fsm.state == VRRP_ACTIVE;

	note(&sim->sees.both_since, a && b && one_speaks, sim->now);
	note(&sim->sees.nobody_since, !a && !b, sim->now);
	for (int n = 0; n < 2; n++)
		note(&sim->sees.able_since[n],
			sim_node_up(&sim->node[n]) && !sim->node[n].stopped && sim->peer[n].open &&
				(sim->schedule.pair.on_isolation == VRRP_ISOLATION_TAKE ||
					sim->peer[n].witness == VRRP_WITNESS_REACHED),
			sim->now);
}

/* ---- at every moment ---- */

/* Both have been themselves, and what one knows of the other but its state has been the same. */
static int64_t same_since(const struct sim *sim)
{
	int64_t since = 0;

	for (int n = 0; n < 2; n++) {
		since = latest(since, latest(sim->node[n].calm_since, sim->peer[n].changed_at));
		since = latest(since, sim->peer[n].opened_at);
	}
	return since;
}

static void check_overlap(struct sim *sim, int64_t to)
{
	int64_t since = latest(sim->sees.both_since, same_since(sim));

	if (sim->sees.both_since < 0 || sim->sees.works_since[0] < 0 || sim->sees.works_since[1] < 0)
		return;
	sim->covered |= 1u << SIM_PAIR_OVERLAP;
	since = latest(since, latest(sim->sees.works_since[0], sim->sees.works_since[1]));
	if (to - since > until_known(sim) + sim_pair_slowest(sim) + 2 * sim->schedule.wake_max)
		sim_fail(sim, SIM_PAIR_OVERLAP, "for %.3f ms both have had the addresses",
			(double)(to - since) / 1e6);
}

static void check_nobody(struct sim *sim, int64_t to)
{
	const struct sim_schedule *s = &sim->schedule;

	if (sim->sees.nobody_since < 0)
		return;
	for (int n = 0; n < 2; n++) {
		int64_t since = latest(sim->sees.nobody_since, sim->sees.able_since[n]), bound;

		if (sim->sees.able_since[n] < 0)
			continue;
		since = latest(since, latest(sim->fault_at, same_since(sim)));
		bound = since + 8 * s->longest + s->longest / 100 + sim_pair_silence(sim) + until_known(sim);
		bound = latest(bound, same_since(sim) + longer(VRRP_FIRST_WORD_NS) + 5 * s->longest +
					      sim_pair_silence(sim));
		if (to - since > 4 * s->interval)
			sim->covered |= 1u << SIM_PAIR_NOBODY;
		if (to > bound)
			sim_fail(sim, SIM_PAIR_NOBODY,
				"for %.3f ms nobody has the addresses, and node %d could",
				(double)(to - since) / 1e6, n);
	}
}

/* Since when a fenced node has been alone, without a witness, long enough to know it; VRRP_NEVER. */
static int64_t abandoned_since(const struct sim *sim, int n)
{
	const struct sim_peer *peer = &sim->peer[n];
	int64_t since;

	if (sim->schedule.pair.on_isolation != VRRP_ISOLATION_FENCED || peer->witness != VRRP_WITNESS_LOST ||
		!sim_node_up(&sim->node[n]) || !peer->open)
		return VRRP_NEVER;
	since = latest(peer->heard_at, sim->node[n].calm_since) + longer(sim->schedule.pair.beacon_timeout);
	since = latest(since, sim->node[n].active_since + longer(sim->schedule.pair.beacon_interval));
	return latest(since, latest(peer->changed_at, peer->opened_at)) + 3 * sim->schedule.wake_max;
}

static void check_fenced(struct sim *sim, int64_t to)
{
	for (int n = 0; n < 2; n++) {
		int64_t since = abandoned_since(sim, n);

		if (since == VRRP_NEVER || to <= since)
			continue;
		sim->covered |= 1u << SIM_PAIR_FENCED;
		if (owns(sim, n) && !sim->peer[n].requested)
			sim_fail(sim, SIM_PAIR_FENCED,
				"node %d is fenced, alone and without a witness, and has the addresses", n);
	}
}

void sim_pair_check_time(struct sim *sim, int64_t to)
{
	if (!sim->schedule.is_pair)
		return;
	note_network(sim);
	sim_table_time(sim);
	note_owners(sim);
	check_overlap(sim, to);
	check_nobody(sim, to);
	check_fenced(sim, to);
}

/* ---- with events ---- */

/* Has n had every chance to know that the other is Active, and not worse? */
static bool knows_active(const struct sim *sim, int n)
{
	const struct sim_node *other = &sim->node[1 - n];
	int64_t since = latest(same_since(sim), latest(other->active_since, sim->sees.works_since[1 - n]));

	if (!sim_node_up(other) || other->fsm.state != VRRP_ACTIVE || sim->sees.works_since[1 - n] < 0 ||
		other->config_new || other->stopped || outdoes(sim, n, 1 - n))
		return false;
	/* Who stood still listens first, and does not say so. */
	since = latest(since, other->calm_since + longer(2 * sim->schedule.longest));
	return sim->now - since >= until_known(sim);
}

/* Addresses that the other serves are not taken from it before its connections are here, or the cap is over. */
static void check_gated(struct sim *sim, int n, const struct vrrp_action *action)
{
	const struct sim_node *other = &sim->node[1 - n];
	int64_t since = latest(same_since(sim), latest(other->state_since, sim->sees.works_since[1 - n]));
	bool takes = action->cause == VRRP_CAUSE_PREEMPTED ||
		     (action->cause == VRRP_CAUSE_PEER_LEFT && other->fsm.state == VRRP_HANDOVER);

	if (action->from != VRRP_BACKUP || action->to != VRRP_ACTIVE || !takes || !sim_node_up(other) ||
		(other->fsm.state != VRRP_ACTIVE && other->fsm.state != VRRP_HANDOVER) ||
		!sim_table_is_behind(sim, n) || sim->sees.works_since[1 - n] < 0 || outdoes(sim, n, 1 - n) ||
		sim->now - since < until_known(sim))
		return;
	if (sim->now - sim->was_since < sim->schedule.pair.sync_cap - sim->schedule.pair.sync_cap / 900)
		sim_fail(sim, SIM_PAIR_GATED,
			"node %d took over from node %d %.3f ms after it became Backup, without its connections",
			n, 1 - n, (double)(sim->now - sim->was_since) / 1e6);
}

void sim_pair_check_transition(struct sim *sim, int n, const struct vrrp_action *action)
{
	if (!sim->schedule.is_pair)
		return;
	if (action->cause == VRRP_CAUSE_REQUESTED)
		sim->peer[n].requested = true;
	else if (action->to == VRRP_BACKUP || action->to == VRRP_INITIALIZE)
		sim->peer[n].requested = false;
	if (action->from == VRRP_ACTIVE || action->from == VRRP_HANDOVER)
		sim->sees.released_at = sim->now;
	check_gated(sim, n, action);
	if (action->to == VRRP_ACTIVE && action->cause == VRRP_CAUSE_SILENCE && knows_active(sim, n))
		sim_fail(sim, SIM_PAIR_HOLD, "node %d became Active beside node %d, which says that it is", n,
			1 - n);
}

/* Of two starts the one that was heard last counts, but for what was believed before. */
void sim_pair_check_word(struct sim *sim, int n)
{
	struct sim_peer *peer = &sim->peer[n];
	const struct vrrp_said *said = &peer->said;
	uint64_t bit = UINT64_C(1) << (said->boot & 63);
	bool same = said->boot == peer->newest_boot;

	sim->covered |= 1u << SIM_PAIR_MEMORY;
	if (said->boot < peer->newest_boot && peer->heard_boots & bit)
		sim_fail(sim, SIM_PAIR_MEMORY, "node %d believes a start that is over", n);
	if (same && said->sequence < peer->newest_sequence)
		sim_fail(sim, SIM_PAIR_MEMORY, "node %d believes an older word than it did", n);
	if (said->boot == sim->peer[1 - n].boot && sim->node[n].fsm.overdue && knows_active(sim, n))
		sim->covered |= 1u << SIM_PAIR_HOLD;
	peer->heard_boots |= bit;
	peer->refused_since = VRRP_NEVER;
	if (!same || said->sequence > peer->newest_sequence)
		peer->newest_sequence = said->sequence;
	peer->newest_boot = said->boot;
}

void sim_pair_check_refused(struct sim *sim, int n, uint64_t boot)
{
	struct sim_peer *peer = &sim->peer[n];

	if (boot != sim->peer[1 - n].boot)
		return;
	if (peer->refused_since == VRRP_NEVER)
		peer->refused_since = sim->now;
	if (sim->now - peer->refused_since > sim_pair_silence(sim) + until_known(sim))
		sim_fail(sim, SIM_PAIR_MEMORY, "node %d refuses the peer that lives", n);
}

/* Both know each other and are alike in health, so that priority alone decides. */
bool sim_pair_settled(const struct sim *sim, int active, int64_t recent)
{
	const struct sim_peer *peer = &sim->peer[1 - active];

	for (int n = 0; n < 2; n++)
		if (sim->sees.works_since[n] < 0 || sim->now - sim->sees.works_since[n] < recent ||
			!sim->peer[n].open || sim->node[n].offer || sim->node[n].take)
			return false;
	if (sim_table_is_behind(sim, 1 - active) || sim_table_is_frozen(sim, 1 - active))
		return false;
	if (sim->now - same_since(sim) < recent || sim->now - same_since(sim) < until_known(sim) ||
		peer->witness != sim->peer[active].witness)
		return false;
	return sim->schedule.pair.on_isolation == VRRP_ISOLATION_TAKE ||
	       peer->witness == VRRP_WITNESS_REACHED;
}
