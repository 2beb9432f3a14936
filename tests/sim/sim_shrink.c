/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A failing schedule made small: faults are left out one by one, then nodes, then jitter, as long as the same invariant breaks. */
#include "sim.h"

static bool still_fails(struct sim *sim, uint64_t seed, enum sim_plant plant, const struct sim_less *less,
	enum sim_invariant invariant)
{
	struct sim_schedule schedule;

	sim_schedule_make(&schedule, seed, less);
	sim_run(sim, &schedule, plant, NULL);
	return sim->verdict.failed && sim->verdict.invariant == invariant;
}

static bool shrink_faults(struct sim *sim, uint64_t seed, enum sim_plant plant, struct sim_less *less,
	enum sim_invariant invariant)
{
	bool smaller = false;

	for (int i = 0; i < SIM_FAULTS_MAX; i++) {
		struct sim_less without = *less;

		without.faults |= 1u << i;
		if (without.faults != less->faults && still_fails(sim, seed, plant, &without, invariant)) {
			*less = without;
			smaller = true;
		}
	}
	return smaller;
}

void sim_shrink(struct sim *sim, uint64_t seed, enum sim_plant plant, struct sim_less *less)
{
	struct sim_schedule schedule;
	enum sim_invariant invariant;

	sim_schedule_make(&schedule, seed, less);
	sim_run(sim, &schedule, plant, NULL);
	if (!sim->verdict.failed)
		return;
	invariant = sim->verdict.invariant;
	while (shrink_faults(sim, seed, plant, less, invariant))
		;
	for (uint8_t nodes = 2; nodes < schedule.nodes; nodes++) {
		struct sim_less fewer = *less;

		fewer.nodes = nodes;
		if (still_fails(sim, seed, plant, &fewer, invariant)) {
			*less = fewer;
			break;
		}
	}
	if (!less->calm) {
		struct sim_less calm = *less;

		calm.calm = true;
		if (still_fails(sim, seed, plant, &calm, invariant))
			*less = calm;
	}
	while (shrink_faults(sim, seed, plant, less, invariant))
		;
}
