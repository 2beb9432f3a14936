/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One speaker as the simulator runs it: a clock of its own, a socket that keeps what arrives, a process that wakes up for
 * it and for its timer, does everything in the order in which tandem-vrrp does (link, what arrived, requests, timer), and
 * may be paused or die.
 */
#include "sim.h"

#include <string.h>
#include <sys/socket.h>

#include "sim_random.h"

#define MILLION 1000000

/* ---- clock ---- */

static int64_t offset_of(int node)
{
	return (node + 1) * INT64_C(7777777777);
}

int64_t sim_node_clock(const struct sim *sim, int node)
{
	int64_t ppm = sim->schedule.speaker[node].ppm;

	return offset_of(node) + sim->now + sim->now * ppm / MILLION;
}

/* The first moment at which the node's clock shows local or more. */
static int64_t global_time(const struct sim *sim, int node, int64_t local)
{
	int64_t ppm = sim->schedule.speaker[node].ppm, at = local - offset_of(node);

	at = at - at / MILLION * ppm - 2000000;
	at += (local - offset_of(node) - at - at * ppm / MILLION) * MILLION / (MILLION + ppm) - 2;
	while (offset_of(node) + at + at * ppm / MILLION < local)
		at++;
	return at;
}

/* ---- packets ---- */

struct net_addr sim_node_address(const struct sim *sim, int place, bool ipv6)
{
	int rank = place >= SIM_NODES_MAX ? 200 : ipv6 ? sim->schedule.speaker[place].rank : place;
	struct net_addr addr = {.family = AF_INET, .bytes = {10, 0, 0}};

	if (ipv6)
		addr = (struct net_addr){.family = AF_INET6, .bytes = {0xfe, 0x80}};
	addr.bytes[ipv6 ? 15 : 3] = (uint8_t)(rank + 120); /* across the sign of a byte */
	return addr;
}

void sim_node_packet(const struct sim *sim, int place, uint8_t priority, int64_t interval_ns, bool ipv6,
	struct sim_packet *out)
{
	static const uint8_t ipv4_address[4] = {10, 0, 0, 100};
	static const uint8_t ipv6_addresses[32] = {0xfe, 0x80, [15] = 100, [16] = 0xfd, [31] = 100};
	uint8_t version = sim->schedule.speaker[0].config.version;
	int64_t least_ms = version == 2 ? 1000 : 10;
	struct vrrp_advert advert = {.version = version,
		.vrid = SIM_VRID,
		.priority = priority,
		.count = ipv6 ? 2 : 1,
		.interval_ms = (uint32_t)(interval_ns ? interval_ns / MILLION : least_ms),
		.family = ipv6 ? AF_INET6 : AF_INET,
		.addresses = ipv6 ? ipv6_addresses : ipv4_address};
	struct vrrp_ip ip = {.source = sim_node_address(sim, place, ipv6),
		.destination = vrrp_packet_group(ipv6 ? AF_INET6 : AF_INET)};
	int len;

	memset(out, 0, sizeof(*out));
	len = vrrp_packet_encode(&advert, &ip, place % 2 ? VRRP_FORM_LEGACY : VRRP_FORM_RFC9568, out->bytes,
		sizeof(out->bytes));
	out->kind = SIM_ADVERT;
	out->from = (uint8_t)place;
	out->ttl = VRRP_TTL;
	out->ipv6 = ipv6;
	out->len = (uint8_t)(len < 0 ? 0 : len);
	if (!interval_ns) { /* the encoder makes none with 0: one unit less, and the checksum one more */
		out->bytes[5]--;
		if (++out->bytes[7] == 0)
			out->bytes[6]++;
	}
}

/* ---- what the state machine wants done ---- */

static void advertise(struct sim *sim, int n, uint8_t priority)
{
	struct sim_node *node = &sim->node[n];
	struct sim_packet packet;

	sim_check_says(sim, n, VRRP_DO_ADVERTISE, priority);
	if (!node->links_down)
		sim_lease_stamp(sim, n);
	if (priority)
		node->told_at = sim->now;
	if (node->drop > 0) {
		node->drop--;
		sim_trace(sim, n, "advert with priority %d, lost", priority);
		return;
	}
	sim_trace(sim, n, "advert with priority %d", priority);
	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		if (ipv6 ? !sim->schedule.ipv6 : !sim->schedule.ipv4)
			continue;
		sim_node_packet(sim, n, priority, node->fsm.config.interval_ns, ipv6, &packet);
		sim_net_send(sim, &packet);
	}
}

static void announce(struct sim *sim, int n)
{
	struct sim_packet packet = {.kind = SIM_ANNOUNCE, .from = (uint8_t)n};

	sim_check_says(sim, n, VRRP_DO_ANNOUNCE, 0);
	sim_trace(sim, n, "announces");
	sim_net_send(sim, &packet);
}

static void act(struct sim *sim, int n, const struct vrrp_action *action)
{
	struct sim_node *node = &sim->node[n];

	switch (action->type) {
	case VRRP_DO_ADVERTISE:
		advertise(sim, n, action->priority);
		break;
	case VRRP_DO_ACQUIRE:
		sim_lease_acquire(sim, n);
		break;
	case VRRP_DO_RELEASE:
		sim_lease_release(sim, n);
		break;
	case VRRP_DO_ANNOUNCE:
		announce(sim, n);
		break;
	case VRRP_DO_TRANSITION:
		sim_trace(sim, n, "%s > %s: %s", vrrp_state_name(action->from), vrrp_state_name(action->to),
			vrrp_cause_text(action->cause));
		sim->was_since = node->state_since;
		node->state_since = sim->now;
		if (action->to == VRRP_INITIALIZE)
			memset(node->heard_sent, 0, sizeof(node->heard_sent));
		if (action->to == VRRP_ACTIVE) {
			node->active_since = sim->now;
			node->active_cause = action->cause;
		}
		if (sim->schedule.is_pair)
			sim->peer[n].has_news = true;
		break;
	}
}

void sim_node_step(struct sim *sim, int n, const struct vrrp_event *event)
{
	struct sim_node *node = &sim->node[n];
	struct vrrp_fsm before = node->fsm;
	struct vrrp_actions actions;

	sim_plant_step(sim, node, event, sim_node_clock(sim, n), &actions);
	for (size_t i = 0; i < actions.count; i++)
		act(sim, n, &actions.list[i]);
	sim_lease_keep(sim, n);
	sim_check_step(sim, n, &before, &actions);
}

static void step_simple(struct sim *sim, int n, enum vrrp_event_type type)
{
	sim_node_step(sim, n, &(struct vrrp_event){.type = type});
}

/* ---- waking up ---- */

bool sim_node_up(const struct sim_node *node)
{
	return node->running && !node->paused && !node->links_down;
}

void sim_node_wake_soon(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];
	int64_t at = sim->now + sim_between(&sim->random, 0, sim->schedule.wake_max);

	if (node->running && !node->paused && at < node->wake_at) {
		node->wake_at = at;
		sim_at(sim, at, SIM_EV_WAKE, (uint16_t)n);
	}
}

void sim_node_receive(struct sim *sim, int n, uint16_t ref)
{
	struct sim_node *node = &sim->node[n];

	bool by_lan = sim->packet[ref].kind != SIM_BEACON || sim->schedule.pair.by_lan[sim->packet[ref].path];

	if (!node->running || (by_lan && node->links_down) || node->inbox_count == SIM_INBOX_MAX) {
		sim_net_done(sim, ref);
		return;
	}
	sim->packet[ref].came_at = sim->now;
	node->inbox[(node->inbox_head + node->inbox_count++) % SIM_INBOX_MAX] = ref;
	sim_node_wake_soon(sim, n);
}

static void read_packet(struct sim *sim, int n, const struct sim_packet *packet)
{
	struct sim_node *node = &sim->node[n];
	struct vrrp_event event = {.type = VRRP_EVENT_ADVERT};
	struct net_addr own = sim_node_address(sim, n, packet->ipv6);
	struct net_addr source = sim_node_address(sim, packet->from, packet->ipv6);
	struct vrrp_advert advert;
	struct vrrp_fsm before;
	bool obeys;

	if (sim_plant_decode(sim, node, packet, &advert, sim_node_clock(sim, n)) != VRRP_OK)
		return;
	event.heard = (struct vrrp_heard){.priority = advert.priority,
		.interval_ns = advert.interval_ms * INT64_C(1000000),
		.tie = memcmp(source.bytes, own.bytes, sizeof(own.bytes)),
		.leading = !packet->ipv6 || !sim->schedule.ipv4,
		.age_ns = sim->now - sim->node[n].emptied_at};
	event.heard.peer = event.heard.leading && sim_pair_is_peer(sim, n, packet);
	before = node->fsm;
	obeys = sim_check_must_obey(sim, n, advert.priority);
	sim_node_step(sim, n, &event);
	if (obeys && advert.priority && packet->from < SIM_NODES_MAX && node->fsm.state == VRRP_BACKUP)
		node->heard_sent[packet->from] = packet->sent_at;
	sim_check_heard(sim, n, &before, obeys, &event.heard);
}

/* Adverts first, then beacons: so does tandem-vrrp before it judges. */
static void read_all(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];
	uint16_t beacons[SIM_INBOX_MAX];
	int count = 0;

	while (node->inbox_count) {
		uint16_t ref = node->inbox[node->inbox_head];

		node->inbox_head = (node->inbox_head + 1) % SIM_INBOX_MAX;
		node->inbox_count--;
		if (sim->packet[ref].kind == SIM_BEACON) {
			beacons[count++] = ref;
			continue;
		}
		read_packet(sim, n, &sim->packet[ref]);
		sim_net_done(sim, ref);
	}
	for (int i = 0; i < count; i++) {
		sim_pair_read(sim, n, &sim->packet[beacons[i]]);
		sim_net_done(sim, beacons[i]);
	}
	node->emptied_at = sim->now;
}

static void look_at_link(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];
	bool wanted = !node->links_down && !node->stopped;

	if (node->inherit && !wanted) { /* there is nothing to go on with */
		node->inherit = false;
		sim_lease_release(sim, n);
	}
	if (node->killed) { /* what was left there is removed */
		node->killed = false;
		sim_lease_release(sim, n);
	}
	if (wanted == (node->fsm.state != VRRP_INITIALIZE))
		return;
	if (!wanted) {
		step_simple(sim, n, VRRP_EVENT_SHUTDOWN);
	} else {
		read_all(sim, n); /* what came before it began is not its business, but beacons are */
		node->config_new = false;
		node->fsm.config = node->config;
		if (sim->plant == SIM_PLANT_GUARD_FORGETS)
			node->inherit = false;
		node->leased = node->inherit;
		if (!node->inherit)
			node->lease_until = 0;
		step_simple(sim, n, node->inherit ? VRRP_EVENT_INHERIT : VRRP_EVENT_STARTUP);
		node->inherit = false;
	}
}

static void hear_requests(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];

	if (node->config_new)
		sim_node_step(
			sim, n, &(struct vrrp_event){.type = VRRP_EVENT_CONFIG, .config = &node->config});
	if (node->offer)
		step_simple(sim, n, VRRP_EVENT_OFFER);
	if (node->take)
		step_simple(sim, n, VRRP_EVENT_TAKE);
	if (node->moved)
		step_simple(sim, n, VRRP_EVENT_MOVED);
	node->config_new = node->offer = node->take = node->moved = false;
}

static void arm(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];
	int64_t deadline = vrrp_fsm_deadline(&node->fsm), pair = sim_pair_deadline(sim, n), at;

	if (pair < deadline)
		deadline = pair;
	if (sim_lease_deadline(sim, n) < deadline)
		deadline = sim_lease_deadline(sim, n);
	if (deadline == VRRP_NEVER)
		return;
	at = global_time(sim, n, deadline);
	if (at < sim->now)
		at = sim->now;
	at += sim_between(&sim->random, 0, sim->schedule.wake_max);
	if (at < node->wake_at) {
		node->wake_at = at;
		sim_at(sim, at, SIM_EV_WAKE, (uint16_t)n);
	}
}

void sim_node_wake(struct sim *sim, int n)
{
	struct sim_node *node = &sim->node[n];

	if (sim->now != node->wake_at)
		return; /* an earlier wake took its place */
	node->wake_at = VRRP_NEVER;
	if (!node->running || node->paused)
		return;
	if (node->fsm.state == VRRP_ACTIVE && node->inbox_count &&
		sim->now - node->calm_since <= sim->schedule.wake_max)
		sim->covered |= 1u << SIM_READ_FIRST;
	sim_pair_begin_wake(sim, n);
	sim_stall_note(sim, n);
	look_at_link(sim, n);
	if (sim->plant == SIM_PLANT_SPEAKS_FIRST && node->fsm.state != VRRP_INITIALIZE)
		step_simple(sim, n, VRRP_EVENT_TIMER);
	read_all(sim, n);
	hear_requests(sim, n);
	if (sim->schedule.is_pair && sim_chance(&sim->random, 50))
		sim_pair_wake(sim, n);
	if (sim->schedule.is_pair && node->fsm.state == VRRP_BACKUP &&
		sim_node_clock(sim, n) >= node->fsm.down_at)
		sim_pair_judge(sim, n);
	else if (sim_node_clock(sim, n) >= vrrp_fsm_deadline(&node->fsm))
		step_simple(sim, n, VRRP_EVENT_TIMER);
	sim_pair_wake(sim, n);
	sim_lease_keep(sim, n);
	if (sim_node_clock(sim, n) >= vrrp_fsm_deadline(&node->fsm))
		sim_fail(sim, SIM_NO_STORM, "the timer of node %d is due again at once", n);
	arm(sim, n);
}

/* ---- life and death ---- */

void sim_node_die(struct sim *sim, int n, bool power)
{
	struct sim_node *node = &sim->node[n];

	while (node->inbox_count) {
		sim_net_done(sim, node->inbox[node->inbox_head]);
		node->inbox_head = (node->inbox_head + 1) % SIM_INBOX_MAX;
		node->inbox_count--;
	}
	sim_pair_close(sim, n);
	node->inherit = !power && node->holds && !node->killed;
	if (power) {
		node->holds = node->killed = false;
		node->lease_until = 0;
		sim_table_power(sim, n);
	}
	memset(node->heard_sent, 0, sizeof(node->heard_sent));
	node->leased = false;
	node->keep_at = 0;
	node->still_since = sim->now;
	node->running = false;
	node->obeyed_at = -1;
	node->offer = node->take = node->moved = false;
	node->drop = 0;
	vrrp_fsm_init(&node->fsm, &node->config);
}

/* What the guard says for a speaker that died. */
void sim_node_goodbye(struct sim *sim, int n)
{
	advertise(sim, n, 0);
}
