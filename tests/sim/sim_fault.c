/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong, done to net and nodes. Faults overlap; what several of them want is counted. */
#include "sim.h"

#include <string.h>

#include "sim_random.h"

static bool is_net(enum sim_fault_kind kind)
{
	return kind == SIM_LOSS || kind == SIM_PARTITION || kind == SIM_ONEWAY || kind == SIM_DROP ||
	       kind == SIM_FLOOD || kind == SIM_FILTER;
}

/* Those of a pair. */
static void compute_paths(struct sim *sim)
{
	sim->filter = sim->no_witness = 0;
	sim->path_loss_permille = 0;
	sim->sync_cut = false;
	memset(sim->path_cut, 0, sizeof(sim->path_cut));
	for (int f = 0; f < sim->schedule.fault_count; f++) {
		const struct sim_fault *fault = &sim->schedule.fault[f];

		if (!(sim->on & 1u << f))
			continue;
		if (fault->kind == SIM_FILTER)
			sim->filter |= fault->mask;
		else if (fault->kind == SIM_WITNESS)
			sim->no_witness |= fault->mask;
		else if (fault->kind == SIM_SYNC_CUT)
			sim->sync_cut = true;
		else if (fault->kind == SIM_PATH_CUT)
			sim->path_cut[fault->value] |= fault->mask;
		else if (fault->kind == SIM_PATH_LOSS && fault->value > sim->path_loss_permille)
			sim->path_loss_permille = (int)fault->value;
	}
}

static void compute_cuts(struct sim *sim)
{
	compute_paths(sim);
	for (int i = 0; i < SIM_PLACES; i++)
		sim->cut[i] = 0;
	sim->loss_permille = 0;
	for (int f = 0; f < sim->schedule.fault_count; f++) {
		const struct sim_fault *fault = &sim->schedule.fault[f];

		if (!(sim->on & 1u << f))
			continue;
		if (fault->kind == SIM_LOSS && fault->value > sim->loss_permille)
			sim->loss_permille = (int)fault->value;
		if (fault->kind != SIM_PARTITION && fault->kind != SIM_ONEWAY)
			continue;
		for (int i = 0; i < SIM_PLACES; i++) {
			if (fault->mask & 1 << i)
				sim->cut[i] |= (uint8_t)~fault->mask;
			else if (fault->kind == SIM_PARTITION)
				sim->cut[i] |= fault->mask;
		}
	}
}

static void start_again(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];

	node->running = true;
	node->dead = false;
	node->calm_since = sim->now;
	node->wake_at = VRRP_NEVER;
	sim_node_wake_soon(sim, n);
}

static void die(struct sim *sim, const struct sim_fault *fault)
{
	struct sim_node *node = &sim->node[fault->node];
	bool held;

	if (!node->running)
		return;
	held = node->holds;
	sim_trace(sim, fault->node,
		fault->kind == SIM_DIE    ? "speaker dies"
		: fault->kind == SIM_KILL ? "speaker and guard die"
					  : "power off");
	sim_node_die(sim, fault->node, fault->kind == SIM_CRASH);
	if (fault->kind == SIM_KILL) {
		node->inherit = false;
		node->killed = node->holds;
	}
	node->dead = true;
	if (fault->kind == SIM_DIE && held)
		sim_node_goodbye(sim, fault->node);
}

static void flap(struct sim *sim, const struct sim_fault *fault, int index)
{
	struct sim_node *node = &sim->node[fault->node];
	int64_t half = (fault->until - fault->at) / (2 * fault->value);

	/* The second and later edges come as more begins of the same fault. */
	if (sim->now < fault->at + (2 * fault->value - 1) * half)
		sim_at(sim, sim->now + half, SIM_EV_FAULT, (uint16_t)index);
	if ((sim->now - fault->at) / half % 2 == 0) {
		node->links_down++;
		sim->flaps++;
		sim_trace(sim, fault->node, "link down");
	} else {
		node->links_down--;
		sim_trace(sim, fault->node, "link up");
	}
	node->calm_since = sim->now;
	sim_node_wake_soon(sim, fault->node);
}

static void change_configs(struct sim *sim, const struct sim_fault *fault)
{
	for (int n = 0; n < sim->schedule.nodes; n++) {
		struct sim_node *node = &sim->node[n];
		bool changes = fault->kind == SIM_INTERVAL ? fault->mask >> n & 1 : n == fault->node;

		if (!changes)
			continue;
		if (fault->kind == SIM_INTERVAL)
			node->config.interval_ns = fault->value;
		else if (fault->kind == SIM_PRIORITY && node->config.priority != 255)
			node->config.priority = (uint8_t)fault->value;
		else if (fault->kind == SIM_PREEMPT)
			node->config.preempt = fault->value;
		node->config_new = true;
		sim_node_wake_soon(sim, n);
	}
}

/* Its priority 0 does not arrive. */
static void lose_goodbye(struct sim_node *node, const struct sim_fault *fault)
{
	if (fault->value && node->fsm.state == VRRP_ACTIVE)
		node->drop = 1;
}

static void ask(struct sim *sim, const struct sim_fault *fault, int target)
{
	struct sim_node *node = &sim->node[fault->kind == SIM_OFFER && target >= 0 ? target : fault->node];

	if (fault->kind == SIM_OFFER) {
		node->offer = true;
		lose_goodbye(node, fault);
	} else if (fault->kind == SIM_TAKE)
		node->take = true;
	else
		node->moved = true;
	sim_node_wake_soon(sim, (int)(node - sim->node));
}

static void begin(struct sim *sim, const struct sim_fault *fault, int index, int target)
{
	struct sim_node *node = &sim->node[fault->node];

	switch (fault->kind) {
	case SIM_LOSS:
	case SIM_PARTITION:
	case SIM_ONEWAY:
	case SIM_FILTER:
	case SIM_PATH_CUT:
	case SIM_PATH_LOSS:
	case SIM_WITNESS:
	case SIM_SYNC_CUT:
		compute_cuts(sim);
		break;
	case SIM_FLAPS:
		flap(sim, fault, index);
		break;
	case SIM_FREEZE:
		sim->table[fault->node].frozen++;
		/* fall through */
	case SIM_PAUSE:
		if (!node->paused++)
			node->still_since = sim->now;
		break;
	case SIM_CRASH:
	case SIM_DIE:
	case SIM_KILL:
		die(sim, fault);
		break;
	case SIM_STOP:
		node->stopped++;
		lose_goodbye(node, fault);
		sim_node_wake_soon(sim, fault->node);
		break;
	case SIM_PRIORITY:
	case SIM_INTERVAL:
	case SIM_PREEMPT:
		change_configs(sim, fault);
		break;
	case SIM_FLOOD:
		if (!sim->flood++)
			sim_at(sim, sim->now, SIM_EV_STRANGER, true);
		break;
	case SIM_DROP:
		if (target >= 0)
			sim->node[target].drop = (int)fault->value;
		break;
	default:
		ask(sim, fault, target);
		break;
	}
}

/* Crash and stop strike the Active in two of three cases: that is where they hurt. */
static void aim(struct sim *sim, struct sim_fault *fault, int active)
{
	if ((fault->kind == SIM_CRASH || fault->kind == SIM_DIE || fault->kind == SIM_KILL ||
		    fault->kind == SIM_STOP || fault->kind == SIM_PAUSE || fault->kind == SIM_OFFER ||
		    fault->kind == SIM_FREEZE) &&
		active >= 0 && fault->at % 3)
		fault->node = (uint8_t)active;
}

void sim_fault_begin(struct sim *sim, int index)
{
	struct sim_fault *fault = &sim->schedule.fault[index];
	int active = sim_check_only_active(sim);
	char text[200];

	if (!(sim->on & 1u << index)) {
		aim(sim, fault, active);
		sim_trace(sim, -1, "%s", sim_fault_text(&sim->schedule, fault, text, sizeof(text)));
		sim_watch_fault(sim, fault, active);
		if (is_net(fault->kind))
			sim->net_faults++;
	} else {
		sim_watch_cancel(sim);
	}
	sim->sees.edges++;
	sim->on |= 1u << index;
	sim->fault_at = sim->now;
	if (fault->kind == SIM_INTERVAL)
		sim->interval_at = sim->now;
	else
		sim->shaken_at = sim->now;
	begin(sim, fault, index, active);
}

void sim_fault_end(struct sim *sim, int index)
{
	const struct sim_fault *fault = &sim->schedule.fault[index];
	struct sim_node *node = &sim->node[fault->node];

	sim->on &= ~(1u << index);
	sim->sees.edges++;
	sim_watch_cancel(sim);
	sim->fault_at = sim->now;
	sim->shaken_at = sim->now;
	if (is_net(fault->kind)) {
		sim->net_faults--;
		sim->clean_since = sim->now + sim->schedule.delay_max;
	}
	switch (fault->kind) {
	case SIM_FREEZE:
		sim_table_thaw(sim, fault->node, fault->value);
		/* fall through */
	case SIM_PAUSE:
		node->paused--;
		node->calm_since = sim->now;
		sim_node_wake_soon(sim, fault->node);
		break;
	case SIM_CRASH:
	case SIM_DIE:
	case SIM_KILL:
		if (node->dead)
			start_again(sim, fault->node);
		break;
	case SIM_STOP:
		node->stopped--;
		node->calm_since = sim->now;
		sim_node_wake_soon(sim, fault->node);
		break;
	case SIM_FLOOD:
		sim->flood--;
		break;
	case SIM_DROP:
		for (int n = 0; n < sim->schedule.nodes; n++)
			sim->node[n].drop = 0;
		break;
	default:
		compute_cuts(sim);
		break;
	}
	if (fault->kind == SIM_PARTITION || fault->kind == SIM_ONEWAY) {
		sim_trace(sim, -1, "partition ends");
		sim_watch_healed(sim);
	}
}
