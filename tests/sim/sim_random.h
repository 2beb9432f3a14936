/* SPDX-License-Identifier: GPL-2.0-or-later */
/* splitmix64: one word of state, so a seed is a schedule. */
#ifndef TANDEM_SIM_RANDOM_H
#define TANDEM_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t sim_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* low..high, both included. */
static inline int64_t sim_between(uint64_t *state, int64_t low, int64_t high)
{
	return high <= low ? low : low + (int64_t)(sim_random(state) % (uint64_t)(high - low + 1));
}

static inline bool sim_chance(uint64_t *state, int percent)
{
	return sim_between(state, 0, 99) < percent;
}

#endif
