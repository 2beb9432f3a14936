/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bugs on purpose, mostly those that others had: each bends what goes into the state machine, what comes out, or a field.
 * Nothing that ships knows of them. sim_plant_row() says which invariant has to catch which.
 */
#include "sim.h"

#include <string.h>
#include <sys/socket.h>

#define MILLISECOND INT64_C(1000000)
#define CENTISECOND INT64_C(10000000)
#define BIT(i)      (1u << (i))

static const struct sim_plant_row rows[] = {
	{SIM_PLANT_NO_REANNOUNCE, "a won conflict is not announced", BIT(SIM_CLIENTS)},
	{SIM_PLANT_NO_LAST_CLAIM, "the loser of a conflict is silent", BIT(SIM_CLIENTS)},
	{SIM_PLANT_REJECTED_REARMS, "rejected packets re-arm the advert timer", BIT(SIM_LEASE_KEPT)},
	{SIM_PLANT_SKEW_TRUNCATED, "Skew_Time in whole centiseconds",
		BIT(SIM_LEAVE_BOUND) | BIT(SIM_CRASH_BOUND)},
	{SIM_PLANT_NO_TIE_BREAK, "equal priorities both stay", BIT(SIM_HEALING) | BIT(SIM_OVERLAP)},
	{SIM_PLANT_TWO_TIE_BREAKS, "each family has its own tie-break",
		BIT(SIM_HEALING) | BIT(SIM_ONE_ACTIVE)},
	{SIM_PLANT_SPEAKS_FIRST, "after a pause it speaks before it reads", BIT(SIM_READ_FIRST)},
	{SIM_PLANT_NO_RELEASE, "a Backup keeps the addresses", BIT(SIM_HOLDING)},
	{SIM_PLANT_INTERVAL_0, "an interval of 0 is accepted", BIT(SIM_STEADY)},
	{SIM_PLANT_ANNOUNCE_FIRST, "announced before the addresses are there", BIT(SIM_ANNOUNCING)},
	{SIM_PLANT_NEVER_YIELDS, "an Active does not yield", BIT(SIM_HEALING) | BIT(SIM_OVERLAP)},
	{SIM_PLANT_DEAF_TO_0, "priority 0 is ignored", BIT(SIM_LEAVE_BOUND)},
	{SIM_PLANT_TWO_INTERVALS, "the down interval is 2A + S",
		BIT(SIM_LOST_ADVERTS) | BIT(SIM_CRASH_BOUND)},
	{SIM_PLANT_FOUR_INTERVALS, "the down interval is 4A + S",
		BIT(SIM_LOST_ADVERTS) | BIT(SIM_CRASH_BOUND)},
	{SIM_PLANT_HANDOVER_STAYS, "a handover keeps the addresses beside the new Active", BIT(SIM_OVERLAP)},
	{SIM_PLANT_OBEYS_LOWER, "a higher priority does not preempt", BIT(SIM_ONE_ACTIVE)},
	{SIM_PLANT_ALWAYS_PREEMPTS, "preempts although it must not", BIT(SIM_STEADY)},
	{SIM_PLANT_HASTY_START, "startup waits for Skew_Time only", BIT(SIM_FLAPPING)},
	{SIM_PLANT_STORM, "every claim is answered, however many", BIT(SIM_NO_STORM)},
	{SIM_PLANT_INTERVAL_UNTOLD, "a longer interval is not told", BIT(SIM_LEASE_KEPT)},
	{SIM_PLANT_GUARD_FORGETS, "a restarted speaker does not know what it holds", BIT(SIM_HOLDING)},
	{SIM_PLANT_LEFT_STAYS, "a goodbye is not forgotten when another is heard", BIT(SIM_PATIENCE)},
	{SIM_PLANT_VERDICT_IGNORED, "the verdict is not obeyed", BIT(SIM_PAIR_HOLD) | BIT(SIM_PAIR_OVERLAP)},
	{SIM_PLANT_WORDS_ETERNAL, "the peer's last word is believed for ever",
		BIT(SIM_PAIR_FAILOVER) | BIT(SIM_PAIR_NOBODY)},
	{SIM_PLANT_OLD_BOOT, "a beacon of a start that is over is believed", BIT(SIM_PAIR_MEMORY)},
	{SIM_PLANT_YIELD_KEEPS, "who yields keeps the addresses", BIT(SIM_HOLDING)},
	{SIM_PLANT_HOLD_FOREVER, "who holds is not asked again",
		BIT(SIM_PAIR_ONE) | BIT(SIM_PAIR_NOBODY) | BIT(SIM_PAIR_FAILOVER)},
	{SIM_PLANT_YIELD_IGNORED, "an Active does not yield to the verdict",
		BIT(SIM_PAIR_OVERLAP) | BIT(SIM_PAIR_ONE)},
	{SIM_PLANT_NOT_FENCED, "fenced is not obeyed", BIT(SIM_PAIR_FENCED)},
	{SIM_PLANT_BOTH_BETTER, "beacons do not carry the address", BIT(SIM_PAIR_OVERLAP)},
	{SIM_PLANT_RIVAL_FORGOTTEN, "the end of a rival is not announced", BIT(SIM_CLIENTS)},
	{SIM_PLANT_GOODBYE_UNHEARD, "a beacon is believed although a goodbye came later",
		BIT(SIM_PAIR_FAILOVER)},
	{SIM_PLANT_NOT_ACCEPTED, "a handover hears no beacon", BIT(SIM_PAIR_OVERLAP)},
	{SIM_PLANT_WITNESS_BELIEVED, "a Backup does not look at its own witness", BIT(SIM_PAIR_FLAPPING)},
	{SIM_PLANT_PATHS_ALIKE, "a slower path's older word is believed", BIT(SIM_PAIR_MEMORY)},
	{SIM_PLANT_BEACON_GOODBYE, "a goodbye that only beacons say is not heard", BIT(SIM_PAIR_FAILOVER)},
	{SIM_PLANT_GATING_IGNORED, "the connection table is not waited for", BIT(SIM_PAIR_GATED)},
	{SIM_PLANT_CAP_IGNORED, "the connection table is waited for for ever", BIT(SIM_PAIR_ONE)},
	{SIM_PLANT_WAITS_ANEW, "each question begins the wait anew", BIT(SIM_PAIR_ONE)},
	{SIM_PLANT_LEASE_UNSTAMPED, "adverts do not stamp the lease", BIT(SIM_LEASE_KEPT)},
	{SIM_PLANT_LEASE_UNRELEASED, "the lease stays with who gave up", BIT(SIM_LEASE_KEPT)},
	{SIM_PLANT_LEASE_LONG, "the lease lasts for five intervals",
		BIT(SIM_LEASE_SILENT) | BIT(SIM_LEASE_BOUND)},
	{SIM_PLANT_LEASE_BLIND, "the lease does not run out", BIT(SIM_LEASE_SILENT) | BIT(SIM_LEASE_BOUND)},
	{SIM_PLANT_LEASE_LATE, "the addresses come before the lease", BIT(SIM_LEASE_KEPT)},
	{SIM_PLANT_LEASE_OFFERED, "a handover does not stamp the lease", BIT(SIM_LEASE_KEPT)},
	{SIM_PLANT_STALL_CLAIMS, "who stood still answers the one who took over", BIT(SIM_PAIR_STALLED)},
	{SIM_PLANT_STALL_BEACONS, "who stood still does not hear by beacons who took over",
		BIT(SIM_PAIR_STALLED)},
	{SIM_PLANT_STALL_OLD_WORD, "what a balancer said before it stood still is believed",
		BIT(SIM_PAIR_STALLED)},
};

const struct sim_plant_row *sim_plant_row(enum sim_plant plant)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].plant == plant)
			return &rows[i];
	return NULL;
}

/* ---- what goes in ---- */

/* True: the state machine never gets it. */
static bool bend_heard(struct sim *sim, struct sim_node *node, struct vrrp_heard *heard)
{
	uint8_t own = sim_check_priority(node);

	switch (sim->plant) {
	case SIM_PLANT_NO_TIE_BREAK:
		heard->tie = -1;
		break;
	case SIM_PLANT_TWO_TIE_BREAKS:
		heard->leading = true;
		break;
	case SIM_PLANT_NEVER_YIELDS:
		return node->fsm.state == VRRP_ACTIVE && heard->priority >= own;
	case SIM_PLANT_STALL_CLAIMS:
		heard->peer = false;
		break;
	case SIM_PLANT_DEAF_TO_0:
		return heard->priority == 0;
	case SIM_PLANT_HANDOVER_STAYS:
		return node->fsm.state == VRRP_HANDOVER;
	case SIM_PLANT_OBEYS_LOWER:
		if (node->fsm.state == VRRP_BACKUP && heard->priority &&
			heard->priority < node->config.priority)
			heard->priority = node->config.priority;
		break;
	default:
		break;
	}
	return false;
}

static void bend_before(struct sim *sim, struct sim_node *node, struct vrrp_event *event)
{
	switch (sim->plant) {
	case SIM_PLANT_ALWAYS_PREEMPTS:
		if (node->fsm.state == VRRP_BACKUP) {
			node->fsm.config.preempt = true;
			node->fsm.preempt_at = 0;
		}
		break;
	default:
		break;
	}
}

/* ---- what comes out ---- */

static void drop_action(struct vrrp_actions *actions, enum vrrp_action_type type)
{
	size_t kept = 0;

	for (size_t i = 0; i < actions->count; i++)
		if (actions->list[i].type != type)
			actions->list[kept++] = actions->list[i];
	actions->count = kept;
}

static void announce_first(struct vrrp_actions *actions)
{
	for (size_t i = 0; i + 1 < actions->count; i++) {
		if (actions->list[i].type == VRRP_DO_ACQUIRE) {
			actions->list[i].type = VRRP_DO_ANNOUNCE;
			actions->list[i + 1].type = VRRP_DO_ACQUIRE;
			return;
		}
	}
}

static void bend_actions(struct sim *sim, struct sim_node *node, const struct vrrp_event *event,
	const struct vrrp_fsm *before, struct vrrp_actions *actions)
{
	switch (sim->plant) {
	case SIM_PLANT_NO_REANNOUNCE:
		if (before->state == VRRP_ACTIVE && node->fsm.state == VRRP_ACTIVE &&
			event->type == VRRP_EVENT_ADVERT) {
			drop_action(actions, VRRP_DO_ANNOUNCE);
			node->fsm.announce_at = before->announce_at;
			node->fsm.announce_left = before->announce_left;
			node->fsm.announced_at = before->announced_at;
		}
		break;
	case SIM_PLANT_NO_LAST_CLAIM:
		if (before->state == VRRP_ACTIVE && node->fsm.state == VRRP_BACKUP)
			drop_action(actions, VRRP_DO_ADVERTISE);
		break;
	case SIM_PLANT_YIELD_KEEPS:
		if (event->type == VRRP_EVENT_YIELD)
			drop_action(actions, VRRP_DO_RELEASE);
		break;
	case SIM_PLANT_NO_RELEASE:
		if (node->fsm.state == VRRP_BACKUP)
			drop_action(actions, VRRP_DO_RELEASE);
		break;
	case SIM_PLANT_ANNOUNCE_FIRST:
		announce_first(actions);
		break;
	case SIM_PLANT_STORM: /* at once, whenever the last was */
		if (event->type == VRRP_EVENT_ADVERT && node->fsm.advert_at < before->advert_at)
			node->fsm.advert_at = 0;
		break;
	case SIM_PLANT_INTERVAL_UNTOLD:
		if (event->type == VRRP_EVENT_CONFIG && before->state == VRRP_ACTIVE) {
			drop_action(actions, VRRP_DO_ADVERTISE);
			node->fsm.old_left = 0;
			node->fsm.advert_at =
				before->advert_at - before->config.interval_ns + node->fsm.config.interval_ns;
		}
		break;
	default:
		break;
	}
}

static void bend_timer(struct sim *sim, struct sim_node *node, const struct vrrp_fsm *before)
{
	struct vrrp_fsm *fsm = &node->fsm;

	if (fsm->state != VRRP_BACKUP || fsm->down_at == before->down_at)
		return;
	switch (sim->plant) {
	case SIM_PLANT_SKEW_TRUNCATED:
		fsm->down_at -= vrrp_fsm_skew(fsm) % CENTISECOND;
		break;
	case SIM_PLANT_TWO_INTERVALS:
		fsm->down_at -= fsm->left ? 0 : fsm->active_interval;
		break;
	case SIM_PLANT_FOUR_INTERVALS:
		fsm->down_at += fsm->left ? 0 : fsm->active_interval;
		break;
	case SIM_PLANT_LEFT_STAYS:
		if (before->left && !fsm->left) {
			fsm->left = true;
			fsm->down_at -= 3 * fsm->active_interval;
		}
		break;
	case SIM_PLANT_HASTY_START:
		if (before->state == VRRP_INITIALIZE)
			fsm->down_at -= 3 * fsm->active_interval;
		break;
	default:
		break;
	}
}

void sim_plant_step(struct sim *sim, struct sim_node *node, const struct vrrp_event *event, int64_t now,
	struct vrrp_actions *actions)
{
	struct vrrp_event bent = *event;
	struct vrrp_fsm before;

	if (sim->plant == SIM_PLANT_NONE) {
		vrrp_fsm_step(&node->fsm, event, now, actions);
		return;
	}
	actions->count = 0;
	if (event->type == VRRP_EVENT_ADVERT && bend_heard(sim, node, &bent.heard))
		return;
	bend_before(sim, node, &bent);
	before = node->fsm;
	vrrp_fsm_step(&node->fsm, &bent, now, actions);
	bend_actions(sim, node, event, &before, actions);
	bend_timer(sim, node, &before);
}

enum vrrp_discard sim_plant_decode(struct sim *sim, struct sim_node *node, const struct sim_packet *packet,
	struct vrrp_advert *out, int64_t now)
{
	struct vrrp_ip ip = {.source = sim_node_address(sim, packet->from, packet->ipv6),
		.destination = vrrp_packet_group(packet->ipv6 ? AF_INET6 : AF_INET),
		.ttl = packet->ttl};
	enum vrrp_discard reason = vrrp_packet_decode(packet->bytes, packet->len, &ip, out, NULL);

	if (reason == VRRP_OK && out->vrid != SIM_VRID)
		reason = VRRP_DISCARD_VRID;
	if (reason != VRRP_OK && sim->plant == SIM_PLANT_REJECTED_REARMS && node->fsm.state == VRRP_ACTIVE)
		node->fsm.advert_at = now + node->fsm.config.interval_ns;
	if (reason == VRRP_DISCARD_INTERVAL && sim->plant == SIM_PLANT_INTERVAL_0) {
		node->fsm.active_interval = MILLISECOND; /* in none at all the simulation would never end */
		if (node->fsm.state == VRRP_BACKUP)
			node->fsm.down_at = now + 4 * MILLISECOND;
	}
	return reason;
}
