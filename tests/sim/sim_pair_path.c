/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The paths of beacons and the witness, as the network lets them: one path may be the clients' LAN, where the witness is. */
#include "sim.h"

#include "sim_random.h"

bool sim_pair_path_works(const struct sim *sim, int path, int from)
{
	if (sim->path_cut[path] >> from & 1)
		return false;
	return !sim->schedule.pair.by_lan[path] || sim_net_reaches(sim, from, 1 - from);
}

static bool is_lost(struct sim *sim, int permille)
{
	return permille && sim_between(&sim->random, 0, 999) < permille;
}

static void carry(struct sim *sim, const struct sim_packet *packet, int path)
{
	const struct sim_schedule *s = &sim->schedule;
	uint16_t ref;

	if (is_lost(sim, s->pair.by_lan[path] ? sim->loss_permille : sim->path_loss_permille) ||
		!sim->free_count)
		return;
	ref = sim->free_packet[--sim->free_count];
	sim->packet[ref] = *packet;
	sim->packet[ref].path = (uint8_t)path;
	sim->packet[ref].to = !packet->from;
	sim_at(sim, sim->now + sim_between(&sim->random, 0, s->pair.delay_max[path]), SIM_EV_PACKET, ref);
}

void sim_pair_send(struct sim *sim, const struct sim_packet *packet)
{
	for (int path = 0; path < sim->schedule.pair.paths; path++) {
		if (!sim_pair_path_works(sim, path, packet->from))
			continue;
		carry(sim, packet, path);
		if (is_lost(sim, sim->schedule.duplicate_permille))
			carry(sim, packet, path);
	}
}

bool sim_pair_witness_there(const struct sim *sim, int n)
{
	return !(sim->no_witness >> n & 1) && sim_net_reaches(sim, n, SIM_CLIENT) &&
	       sim_net_reaches(sim, SIM_CLIENT, n);
}

bool sim_pair_witness_answers(struct sim *sim, int n)
{
	return sim_pair_witness_there(sim, n) && !is_lost(sim, sim->loss_permille);
}
