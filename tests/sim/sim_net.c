/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time and the network: a heap of events, packets under way, who reaches whom, and whom the clients believe. */
#include "sim.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "sim_random.h"

#define MS INT64_C(1000000)

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_at(struct sim *sim, int64_t at, enum sim_event_type type, uint16_t ref)
{
	struct sim_event event = {at, sim->order++, (uint16_t)type, ref};
	int i = sim->heap_count;

	if (i == SIM_EVENTS_MAX) {
		sim_fail(sim, SIM_NO_STORM, "more than %d events at a time", SIM_EVENTS_MAX);
		return;
	}
	sim->heap_count++;
	while (i > 0 && before(&event, &sim->heap[(i - 1) / 2])) {
		sim->heap[i] = sim->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	sim->heap[i] = event;
}

bool sim_net_next(struct sim *sim, struct sim_event *event)
{
	struct sim_event last;
	int i = 0;

	if (!sim->heap_count)
		return false;
	*event = sim->heap[0];
	last = sim->heap[--sim->heap_count];
	for (;;) {
		int child = 2 * i + 1;

		if (child >= sim->heap_count)
			break;
		if (child + 1 < sim->heap_count && before(&sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (!before(&sim->heap[child], &last))
			break;
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	sim->heap[i] = last;
	return true;
}

void sim_net_init(struct sim *sim)
{
	sim->heap_count = 0;
	sim->order = 0;
	for (int i = 0; i < SIM_PACKETS_MAX; i++)
		sim->free_packet[i] = (uint16_t)i;
	sim->free_count = SIM_PACKETS_MAX;
	sim->client = -1;
	if (sim->schedule.junk_every)
		sim_at(sim, sim->schedule.junk_every, SIM_EV_STRANGER, false);
}

bool sim_net_reaches(const struct sim *sim, int from, int to)
{
	if (sim->cut[from] & 1 << to)
		return false;
	if (from < SIM_NODES_MAX && sim->node[from].links_down)
		return false;
	return to >= SIM_NODES_MAX || !sim->node[to].links_down;
}

static void carry(struct sim *sim, const struct sim_packet *packet, int to)
{
	uint16_t ref;

	if (sim->loss_permille && sim_between(&sim->random, 0, 999) < sim->loss_permille)
		return;
	if (!sim->free_count)
		return;
	ref = sim->free_packet[--sim->free_count];
	sim->packet[ref] = *packet;
	sim->packet[ref].to = (uint8_t)to;
	sim->packet[ref].sent_at = sim->now;
	sim_at(sim, sim->now + sim_between(&sim->random, sim->schedule.delay_min, sim->schedule.delay_max),
		SIM_EV_PACKET, ref);
}

static void send_to(struct sim *sim, const struct sim_packet *packet, int to)
{
	if (to == packet->from || !sim_net_reaches(sim, packet->from, to))
		return;
	carry(sim, packet, to);
	if (sim->schedule.duplicate_permille &&
		sim_between(&sim->random, 0, 999) < sim->schedule.duplicate_permille)
		carry(sim, packet, to);
}

void sim_net_send(struct sim *sim, const struct sim_packet *packet)
{
	if (packet->kind == SIM_ANNOUNCE) {
		send_to(sim, packet, SIM_CLIENT);
		return;
	}
	for (int to = 0; to < sim->schedule.nodes; to++)
		if (!(packet->kind == SIM_ADVERT && sim->filter >> packet->from & 1))
			send_to(sim, packet, to);
}

void sim_net_done(struct sim *sim, uint16_t ref)
{
	sim->free_packet[sim->free_count++] = ref;
}

void sim_net_arrive(struct sim *sim, uint16_t ref)
{
	const struct sim_packet *packet = &sim->packet[ref];

	if (packet->to == SIM_CLIENT) {
		if (sim->client != packet->from)
			sim_trace(sim, -1, "clients believe node %d", packet->from);
		sim->client = packet->from;
		sim_net_done(sim, ref);
	} else {
		sim_node_receive(sim, packet->to, ref);
	}
}

/* One packet that every speaker has to discard. */
static void send_junk(struct sim *sim, bool ipv6)
{
	struct sim_packet packet;

	sim_node_packet(sim, SIM_STRANGER, 254, sim->schedule.interval, ipv6, &packet);
	switch (sim_between(&sim->random, 0, 5)) {
	case 0:
		packet.ttl = 254;
		break;
	case 1:
		packet.bytes[6] ^= 0x55;
		break;
	case 2:
		packet.len = (uint8_t)sim_between(&sim->random, 0, packet.len - 1);
		break;
	case 3: /* another virtual router, with the checksum it must have */
		packet.bytes[1]++;
		packet.bytes[7]--;
		break;
	case 4:
		packet.bytes[0] = 0x41;
		break;
	default: /* interval 0; the checksum is as before, or it would not be looked at */
		sim_node_packet(sim, SIM_STRANGER, 254, 0, ipv6, &packet);
		break;
	}
	sim_net_send(sim, &packet);
}

void sim_net_stranger(struct sim *sim, bool flood)
{
	const struct sim_schedule *s = &sim->schedule;
	struct sim_packet packet;

	if (flood && !sim->flood)
		return;
	if (flood) {
		sim_node_packet(sim, SIM_STRANGER, 1, s->interval, !s->ipv4, &packet);
		sim_net_send(sim, &packet);
	} else {
		send_junk(sim, !s->ipv4 || (s->ipv6 && sim_chance(&sim->random, 50)));
	}
	sim_at(sim, sim->now + (flood ? 3 * MS / 10 : s->junk_every), SIM_EV_STRANGER, flood);
}

void sim_trace(struct sim *sim, int node, const char *format, ...)
{
	va_list args;

	if (!sim->trace)
		return;
	fprintf(sim->trace, "%14.6f ms  ", (double)sim->now / 1e6);
	if (node >= 0)
		fprintf(sim->trace, "node %d  ", node);
	else
		fprintf(sim->trace, "        ");
	va_start(args, format);
	vfprintf(sim->trace, format, args);
	va_end(args);
	fputc('\n', sim->trace);
}
