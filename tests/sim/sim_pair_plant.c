/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bugs on purpose around the verdict: what is believed of the peer, what is asked, what is made of the answer. */
#include "sim.h"

#include <string.h>

void sim_pair_plant_said(struct sim *sim, int n)
{
	struct vrrp_said *said = &sim->peer[n].said;

	switch (sim->plant) {
	case SIM_PLANT_OLD_BOOT:
		memset(said->past_boots, 0, sizeof(said->past_boots));
		break;
	case SIM_PLANT_PATHS_ALIKE:
		said->sequence = 0;
		for (size_t i = 0; i < said->word_count; i++)
			said->words[i].sequence = 0;
		break;
	case SIM_PLANT_WORDS_ETERNAL:
		said->timeout_ns = VRRP_NEVER / 4;
		break;
	default:
		break;
	}
}

static void bend_facts(struct sim *sim, int n, struct vrrp_facts *facts)
{
	switch (sim->plant) {
	case SIM_PLANT_NOT_FENCED:
		facts->on_isolation = VRRP_ISOLATION_TAKE;
		break;
	case SIM_PLANT_BOTH_BETTER:
		memset(facts->peer.source, 0, sizeof(facts->peer.source));
		break;
	case SIM_PLANT_GOODBYE_UNHEARD:
		vrrp_said_unit(&sim->peer[n].said, facts->peer.name_hash, sim->peer[n].said.path[0].heard_at,
			&facts->peer, &(int64_t){0});
		break;
	case SIM_PLANT_NOT_ACCEPTED:
		if (facts->state == VRRP_HANDOVER)
			facts->peer_fresh = false;
		break;
	case SIM_PLANT_GATING_IGNORED:
		facts->table = facts->peer_table = VRRP_TABLE_NONE;
		break;
	case SIM_PLANT_CAP_IGNORED:
		facts->sync_cap_ns = VRRP_NEVER;
		break;
	case SIM_PLANT_WAITS_ANEW:
		if (sim->peer[n].judge.waits_since)
			sim->peer[n].judge.waits_since = sim_node_clock(sim, n);
		break;
	case SIM_PLANT_STALL_BEACONS:
		facts->over_ns = 0;
		break;
	case SIM_PLANT_STALL_OLD_WORD:
		facts->table_ns = 0;
		break;
	case SIM_PLANT_BEACON_GOODBYE:
		sim->peer[n].judge.peer_active = false;
		break;
	case SIM_PLANT_WITNESS_BELIEVED:
		if (facts->state == VRRP_BACKUP)
			facts->witness = VRRP_WITNESS_REACHED;
		break;
	default:
		break;
	}
}

bool sim_pair_plant_judge(
	struct sim *sim, int n, struct vrrp_facts *facts, int64_t now, struct vrrp_event *event)
{
	struct sim_node *node = &sim->node[n];
	struct vrrp_judge *judge = &sim->peer[n].judge;
	bool follows;

	bend_facts(sim, n, facts);
	follows = vrrp_judge(judge, &node->fsm, facts, now, event);
	if (!follows)
		return false;
	switch (sim->plant) {
	case SIM_PLANT_VERDICT_IGNORED:
		if (event->type == VRRP_EVENT_HOLD)
			event->type = VRRP_EVENT_TIMER;
		return event->type != VRRP_EVENT_YIELD;
	case SIM_PLANT_YIELD_IGNORED:
		return event->type != VRRP_EVENT_YIELD;
	case SIM_PLANT_RIVAL_FORGOTTEN:
		return event->type != VRRP_EVENT_MOVED;
	case SIM_PLANT_HOLD_FOREVER:
		if (node->fsm.overdue) {
			node->fsm.down_at = VRRP_NEVER;
			return false;
		}
		return true;
	default:
		return true;
	}
}
