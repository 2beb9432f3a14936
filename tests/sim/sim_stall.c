/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of a node of a pair that stood still while the other took over. It was Active, and so long ago that its
 * lease is over was its last advert; when it wakes up there is, not read yet, an advert of the other one or a beacon that
 * says Active, from after the end of that lease, and no older than two intervals. While that one goes on and is heard it says
 * nothing as Active until it was Backup, and preempts, beside a peer that has been Active all the time, only with a table that its balancer
 * has called in sync since then, or when the cap is over.
 */
#include <string.h>

#include "sim.h"

static bool is_claim(const struct sim *sim, int n, const struct sim_packet *packet)
{
	const struct sim_node *node = &sim->node[n];
	int64_t over_at = node->told_at + 3 * sim->schedule.interval;

	over_at += (over_at - node->told_at) / 400 + 2000; /* clocks are up to 0.1 % wrong */
	return packet->from == 1 - n && packet->came_at > over_at &&
	       sim->now - packet->came_at < 2 * sim->schedule.interval;
}

/* The peer's address is known by its beacons. */
static bool is_advert(const struct sim *sim, int n, const struct sim_packet *packet)
{
	struct vrrp_advert advert;
	struct vrrp_ip ip = {.source = sim_node_address(sim, packet->from, packet->ipv6),
		.destination = vrrp_packet_group(packet->ipv6 ? AF_INET6 : AF_INET),
		.ttl = packet->ttl};

	return packet->kind == SIM_ADVERT && packet->ipv6 == !sim->schedule.ipv4 &&
	       sim->peer[n].said.word_count > 0 &&
	       vrrp_packet_decode(packet->bytes, packet->len, &ip, &advert, NULL) == VRRP_OK &&
	       advert.priority;
}

/* Does it say that the peer is Active, and is that one not outdone? */
static bool says_active(const struct sim *sim, int n, const struct vrrp_beacon *beacon)
{
	const struct vrrp_beacon_unit *unit = &beacon->units[0];

	return unit->state == VRRP_ACTIVE && unit->lan_well && !sim->node[n].links_down &&
	       !(unit->witness == VRRP_WITNESS_LOST && sim->peer[n].witness == VRRP_WITNESS_REACHED);
}

/* The newest beacon counts, whenever it came: the peer may have given up again. */
static bool can_know(const struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];
	const struct vrrp_said *said = &sim->peer[n].said;
	uint64_t newest = said->sequence;
	bool by_advert = false, by_beacon = false;

	for (int i = 0; i < node->inbox_count; i++) {
		const struct sim_packet *packet =
			&sim->packet[node->inbox[(node->inbox_head + i) % SIM_INBOX_MAX]];
		struct vrrp_beacon beacon;

		by_advert |= is_advert(sim, n, packet) && is_claim(sim, n, packet);
		if (packet->kind != SIM_BEACON || vrrp_beacon_decode(packet->bytes, packet->len, &beacon) ||
			beacon.boot != said->boot || beacon.sequence <= newest)
			continue;
		newest = beacon.sequence;
		by_beacon = says_active(sim, n, &beacon) && is_claim(sim, n, packet);
	}
	return by_advert || by_beacon;
}

void sim_stall_note(struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];

	if (!sim->schedule.is_pair || !sim->peer[n].open || node->fsm.state != VRRP_ACTIVE ||
		node->config.priority == 255 || !can_know(sim, n))
		return;
	sim->covered |= 1u << SIM_PAIR_STALLED;
	sim->peer[n].overtaken_at = sim->now;
	sim_trace(sim, n, "wakes up, its lease over, and could know that the other took over");
}

/* The other one was Active from then on, and its adverts came. */
static bool goes_on(const struct sim *sim, int n, int64_t since)
{
	const struct sim_node *other = &sim->node[1 - n];

	return sim_node_up(other) && other->fsm.state == VRRP_ACTIVE && other->active_since < since &&
	       other->calm_since < since && sim->fault_at < since && !sim->net_faults &&
	       sim_net_reaches(sim, 1 - n, n);
}

void sim_stall_check_says(struct sim *sim, int n)
{
	if (!sim->schedule.is_pair || !sim->peer[n].overtaken_at || sim->node[n].fsm.state != VRRP_ACTIVE)
		return;
	if (goes_on(sim, n, sim->peer[n].overtaken_at))
		sim_fail(sim, SIM_PAIR_STALLED,
			"node %d stood still past its lease, and speaks as Active after node %d took over", n,
			1 - n);
	sim->peer[n].overtaken_at = 0;
}

/* By what it read lately it is the one that preempts, and nothing that it believes excuses it from waiting. */
static bool has_to_wait(const struct sim *sim, int n, const struct vrrp_fsm *before)
{
	const struct vrrp_said *said = &sim->peer[n].said;
	const struct vrrp_beacon_unit *word = &said->words[0].unit;
	int64_t now = sim_node_clock(sim, n);

	if (before->lower_at == VRRP_NEVER || now - before->lower_at >= vrrp_fsm_down_interval(before) ||
		sim->schedule.pair.balancers != 3 || said->table == VRRP_TABLE_NONE ||
		sim->node[n].links_down)
		return false;
	if (!vrrp_said_is_fresh(said, now))
		return true;
	return word->state == VRRP_ACTIVE && word->lan_well &&
	       !(word->witness == VRRP_WITNESS_LOST && sim->peer[n].witness == VRRP_WITNESS_REACHED);
}

static void check_return(struct sim *sim, int n, const struct vrrp_fsm *before)
{
	const struct sim_node *node = &sim->node[n], *other = &sim->node[1 - n];
	const struct sim_peer *peer = &sim->peer[n];
	const struct sim_table *table = &sim->table[n];
	int64_t cap = sim->schedule.pair.sync_cap - sim->schedule.pair.sync_cap / 900;

	if (node->fsm.cause != VRRP_CAUSE_PREEMPTED || !sim_node_up(other) ||
		other->fsm.state != VRRP_ACTIVE || other->active_since > peer->stepped_at ||
		!has_to_wait(sim, n, before) || sim->now - peer->stepped_at >= cap)
		return;
	if (table->word != VRRP_TABLE_IN_SYNC || table->said_at < peer->stepped_at)
		sim_fail(sim, SIM_PAIR_STALLED,
			"node %d took back from node %d %.3f ms after it had stood still, its table is %s", n,
			1 - n, (double)(sim->now - peer->stepped_at) / 1e6,
			table->word == VRRP_TABLE_IN_SYNC ? "that of before" : "not in sync");
}

void sim_stall_check_step(struct sim *sim, int n, const struct vrrp_fsm *before)
{
	struct sim_peer *peer;
	enum vrrp_state state = sim->node[n].fsm.state;

	if (!sim->schedule.is_pair)
		return;
	peer = &sim->peer[n];
	if (peer->overtaken_at && state != VRRP_ACTIVE) {
		peer->overtaken_at = 0;
		peer->stepped_at = state == VRRP_BACKUP ? sim->now : -1;
	}
	if (peer->stepped_at < 0 || state == VRRP_BACKUP)
		return;
	if (before->state == VRRP_BACKUP && state == VRRP_ACTIVE)
		check_return(sim, n, before);
	peer->stepped_at = -1;
}
