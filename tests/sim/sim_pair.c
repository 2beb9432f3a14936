/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's part in a pair, as tandem-vrrp plays it: a beacon every interval and at every transition, by every path; what the
 * peer said; a witness that is pinged; and the questions to the verdict, whose answers go to the state machine.
 */
#include "sim.h"

#include <string.h>

#include "sim_random.h"

#define UNIT     "front"
#define PAUSE_NS INT64_C(250000000) /* as in vrrp_peer.c */
#define RISE     2
#define FALL     3

/* ---- life ---- */

static void open_peer(struct sim *sim, int n)
{
	const struct sim_pair_setup *pair = &sim->schedule.pair;
	struct sim_peer *peer = &sim->peer[n];
	int64_t now = sim_node_clock(sim, n);

	vrrp_said_init(&peer->said, (size_t)pair->paths, pair->beacon_timeout, now);
	memset(&peer->judge, 0, sizeof(peer->judge));
	peer->open = true;
	peer->requested = false;
	peer->boot++;
	peer->sequence = 0;
	peer->newest_boot = peer->newest_sequence = peer->heard_boots = 0;
	peer->refused_since = VRRP_NEVER;
	peer->was_fresh = peer->waits = false;
	peer->beacon_at = now;
	peer->ask_at = pair->witness_interval ? now : VRRP_NEVER;
	peer->witness = pair->witness_interval ? VRRP_WITNESS_UNKNOWN : VRRP_WITNESS_NONE;
	peer->good = peer->bad = 0;
	peer->opened_at = peer->changed_at = sim->now;
	peer->heard_at = -VRRP_NEVER / 2;
	peer->overtaken_at = 0;
	peer->stepped_at = -1;
}

void sim_pair_close(struct sim *sim, int n)
{
	if (sim->schedule.is_pair)
		sim->peer[n].open = false;
}

static void forget_beacons(struct sim *sim, struct sim_node *node)
{
	int count = node->inbox_count;

	for (int i = 0; i < count; i++) {
		uint16_t ref = node->inbox[node->inbox_head];

		node->inbox_head = (node->inbox_head + 1) % SIM_INBOX_MAX;
		if (sim->packet[ref].kind == SIM_BEACON) {
			node->inbox_count--;
			sim_net_done(sim, ref);
		} else {
			node->inbox[(node->inbox_head + node->inbox_count - 1) % SIM_INBOX_MAX] = ref;
		}
	}
}

void sim_pair_begin_wake(struct sim *sim, int n)
{
	struct sim_peer *peer;
	int64_t now = sim_node_clock(sim, n), late;

	if (!sim->schedule.is_pair)
		return;
	peer = &sim->peer[n];
	late = now - peer->beacon_at;
	if (!peer->open && !sim->node[n].stopped)
		open_peer(sim, n);
	/* As vrrp_peer does after a pause. */
	else if (peer->open && late > PAUSE_NS) {
		forget_beacons(sim, &sim->node[n]);
		peer->beacon_at = now;
		vrrp_said_forgive(&peer->said, late, now);
	}
}

/* ---- what it says ---- */

bool sim_pair_is_peer(const struct sim *sim, int n, const struct sim_packet *packet)
{
	struct net_addr source = sim_node_address(sim, packet->from, packet->ipv6);

	return sim->schedule.is_pair && sim->peer[n].open &&
	       vrrp_said_is_source(&sim->peer[n].said, vrrp_beacon_hash(UNIT), source.bytes);
}

static void source_of(const struct sim *sim, int n, uint8_t out[16])
{
	struct net_addr addr = sim_node_address(sim, n, !sim->schedule.ipv4);

	memcpy(out, addr.bytes, 16);
}

static void speak(struct sim *sim, int n)
{
	struct sim_peer *peer = &sim->peer[n];
	const struct sim_node *node = &sim->node[n];
	struct sim_packet packet = {.kind = SIM_BEACON, .from = (uint8_t)n};
	struct vrrp_beacon beacon;
	struct vrrp_facts facts;
	int len;

	memset(&beacon, 0, offsetof(struct vrrp_beacon, units) + sizeof(beacon.units[0]));
	vrrp_judge_facts(&node->fsm, sim_node_clock(sim, n), &facts);
	beacon.boot = peer->boot;
	beacon.sequence = ++peer->sequence;
	beacon.node[0] = (char)('a' + n);
	beacon.parts = beacon.unit_count = 1;
	beacon.table = (uint8_t)sim->table[n].word;
	beacon.path_count = (uint8_t)sim->schedule.pair.paths;
	beacon.units[0] = (struct vrrp_beacon_unit){.name_hash = vrrp_beacon_hash(UNIT),
		.state = (uint8_t)vrrp_judge_says(&node->fsm, sim_node_clock(sim, n)),
		.priority = facts.priority,
		.lan_well = !node->links_down,
		.witness = (uint8_t)peer->witness,
		.heard_ms = UINT32_MAX};
	source_of(sim, n, beacon.units[0].source);
	if (beacon.units[0].state == VRRP_ACTIVE)
		sim_stall_check_says(sim, n);
	len = vrrp_beacon_encode(&beacon, packet.bytes, sizeof(packet.bytes));
	if (len < 0) {
		sim_fail(sim, SIM_PAIR_MEMORY, "node %d cannot make a beacon: %d", n, len);
		return;
	}
	packet.len = (uint8_t)len;
	peer->has_news = false;
	peer->spoke_at = sim->now;
	sim_pair_send(sim, &packet);
}

/* ---- what it hears ---- */

void sim_pair_read(struct sim *sim, int n, const struct sim_packet *packet)
{
	struct sim_peer *peer = &sim->peer[n];
	struct vrrp_beacon beacon;
	enum vrrp_said_what what;
	bool restarted, fresh;
	int64_t now = sim_node_clock(sim, n);
	int err;

	if (!peer->open)
		return;
	err = vrrp_beacon_decode(packet->bytes, packet->len, &beacon);
	if (err) {
		sim_fail(sim, SIM_PAIR_MEMORY, "node %d cannot read a beacon: %d", n, err);
		return;
	}
	sim_trace(sim, n, "read beacon %llu by %d", (unsigned long long)beacon.sequence, packet->path);
	sim_pair_plant_said(sim, n);
	what = vrrp_said_beacon(&peer->said, packet->path, &beacon, now, &restarted);
	if (what == VRRP_SAID_OUTDATED) {
		sim_pair_check_refused(sim, n, beacon.boot);
		return;
	}
	peer->heard_at = sim->now;
	sim_pair_check_word(sim, n);
	fresh = vrrp_said_is_fresh(&peer->said, now);
	if (fresh != peer->was_fresh || what == VRRP_SAID_NEWS) {
		peer->was_fresh = fresh;
		sim_pair_judge(sim, n);
	}
}

/* ---- its witness: as vrrp_witness.c ---- */

static void note_answer(struct sim *sim, int n, bool answered)
{
	struct sim_peer *peer = &sim->peer[n];
	enum vrrp_witness before = peer->witness;

	peer->good = answered ? (peer->good < 255 ? peer->good + 1 : 255) : 0;
	peer->bad = answered ? 0 : (peer->bad < 255 ? peer->bad + 1 : 255);
	if (answered && (peer->good >= RISE || before == VRRP_WITNESS_UNKNOWN))
		peer->witness = VRRP_WITNESS_REACHED;
	else if (peer->bad >= FALL)
		peer->witness = VRRP_WITNESS_LOST;
	if (peer->witness == before)
		return;
	peer->changed_at = sim->now;
	sim_watch_cancel(sim);
	sim_trace(sim, n, "witness %s", peer->witness == VRRP_WITNESS_LOST ? "lost" : "reached");
	sim_pair_judge(sim, n);
}

static void ask_witness(struct sim *sim, int n, int64_t now)
{
	struct sim_peer *peer = &sim->peer[n];

	if (peer->waits)
		note_answer(sim, n, false);
	peer->waits = !sim_pair_witness_answers(sim, n);
	peer->ask_at = now + sim->schedule.pair.witness_interval;
	if (!peer->waits)
		note_answer(sim, n, true);
}

/* ---- what follows ---- */

void sim_pair_judge(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];
	struct sim_peer *peer = &sim->peer[n];
	int64_t now = sim_node_clock(sim, n);
	struct vrrp_facts facts = {.lan_well = !node->links_down,
		.witness = peer->witness,
		.table = sim->table[n].word,
		.table_ns = sim->now - sim->table[n].said_at,
		.sync_cap_ns = sim->schedule.pair.sync_cap,
		.on_isolation = sim->schedule.pair.on_isolation};
	struct vrrp_fsm before = node->fsm;
	struct vrrp_event event;

	vrrp_judge_facts(&node->fsm, now, &facts);
	source_of(sim, n, facts.source);
	vrrp_said_facts(&peer->said, vrrp_beacon_hash(UNIT), &node->fsm, now, &facts);
	if (!sim_pair_plant_judge(sim, n, &facts, now, &event))
		return;
	if (peer->judge.news || event.type == VRRP_EVENT_YIELD)
		sim_trace(sim, n, "verdict %s: %s", vrrp_verdict_name(peer->judge.last.verdict),
			peer->judge.last.why);
	if (peer->judge.last.for_table)
		sim->covered |= 1u << SIM_PAIR_GATED;
	sim_node_step(sim, n, &event);
	if (before.state == VRRP_BACKUP && event.type == VRRP_EVENT_ADVERT)
		sim_check_heard(sim, n, &before, true, &event.heard);
}

static void note_changes(struct sim *sim, int n)
{
	const struct sim_node *node = &sim->node[n];
	struct sim_peer *peer = &sim->peer[n];
	uint8_t priority = sim_check_priority(node);
	bool well = !node->links_down;

	if (priority == peer->was_priority && well == peer->was_well)
		return;
	peer->was_priority = priority;
	peer->was_well = well;
	peer->changed_at = sim->now;
	sim_watch_cancel(sim);
}

void sim_pair_wake(struct sim *sim, int n)
{
	const struct sim_pair_setup *pair = &sim->schedule.pair;
	struct sim_peer *peer;
	int64_t now = sim_node_clock(sim, n);
	bool fresh;

	if (!sim->schedule.is_pair || !sim->peer[n].open)
		return;
	peer = &sim->peer[n];
	if (now >= peer->ask_at)
		ask_witness(sim, n, now);
	fresh = vrrp_said_is_fresh(&peer->said, now);
	if (fresh != peer->was_fresh) {
		peer->was_fresh = fresh;
		sim_trace(sim, n, fresh ? "peer is heard" : "peer is silent");
		sim_pair_judge(sim, n);
	}
	note_changes(sim, n);
	if (now >= peer->beacon_at) {
		peer->beacon_at = peer->beacon_at + pair->beacon_interval > now
					  ? peer->beacon_at + pair->beacon_interval
					  : now + pair->beacon_interval;
		peer->has_news = true;
		if (sim->node[n].fsm.state != VRRP_BACKUP || sim->node[n].fsm.overdue)
			sim_pair_judge(sim, n);
	}
	if (peer->has_news)
		speak(sim, n);
	if (sim->node[n].stopped)
		peer->open = false;
}

int64_t sim_pair_deadline(const struct sim *sim, int n)
{
	const struct sim_peer *peer;
	int64_t at;

	if (!sim->schedule.is_pair || !sim->peer[n].open)
		return VRRP_NEVER;
	peer = &sim->peer[n];
	at = vrrp_said_deadline(&peer->said, sim_node_clock(sim, n));
	if (peer->ask_at < at)
		at = peer->ask_at;
	return peer->beacon_at < at ? peer->beacon_at : at;
}
