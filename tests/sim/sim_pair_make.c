/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a seed to a pair: its paths, timeouts and witness, and what goes wrong with them. */
#include "sim.h"

#include "sim_random.h"

#define MS INT64_C(1000000)

void sim_pair_make(struct sim_schedule *s, uint64_t *random)
{
	static const int halves[] = {1, 2, 2, 4};
	struct sim_pair_setup *pair = &s->pair;
	bool slow = sim_chance(random, 20);
	int64_t least, slowest = slow ? s->interval * 3 / 2 : s->delay_max;

	s->is_pair = true;
	if (s->wake_max > 100 * MS) /* or each wake would be a pause, after which beacons are not believed */
		s->wake_max = 100 * MS;
	s->nodes = 2;
	pair->paths = (int)sim_between(random, 1, SIM_PATHS_MAX);
	for (int i = 0; i < pair->paths; i++) {
		pair->by_lan[i] = i == 1;
		pair->delay_max[i] = s->delay_max;
	}
	if (pair->paths == 1)
		pair->by_lan[0] = sim_chance(random, 20);
	if (slow) /* one that queues */
		pair->delay_max[sim_between(random, 0, pair->paths - 1)] = slowest;
	pair->beacon_interval = s->interval * halves[sim_between(random, 0, 3)] / 2;
	if (pair->beacon_interval < 10 * MS)
		pair->beacon_interval = 10 * MS;
	pair->beacon_timeout = pair->beacon_interval * sim_between(random, 2, 4);
	least = pair->beacon_interval * 101 / 100 + slowest + 4 * s->wake_max; /* a late one is no silence */
	if (pair->beacon_timeout < least)
		pair->beacon_timeout = least;
	if (sim_chance(random, 75))
		pair->witness_interval = s->interval * sim_between(random, 1, 4) / 2;
	if (sim_chance(random, 70)) {
		pair->balancers = sim_chance(random, 85) ? 3 : (uint8_t)sim_between(random, 1, 2);
		pair->bulk = s->interval * sim_between(random, 0, 12) / 2;
		pair->sync_silence = s->interval * sim_between(random, 2, 5);
		pair->sync_cap = s->interval * sim_between(random, 0, 15);
	}
	/* A config without a witness cannot be fenced. */
	pair->on_isolation = pair->witness_interval && sim_chance(random, 40) ? VRRP_ISOLATION_FENCED
									      : VRRP_ISOLATION_TAKE;
}

static bool can_stay(enum sim_fault_kind kind)
{
	return kind == SIM_PARTITION || kind == SIM_ONEWAY || kind == SIM_FILTER || kind == SIM_PATH_CUT ||
	       kind == SIM_WITNESS || kind == SIM_SYNC_CUT;
}

void sim_pair_make_fault(struct sim_schedule *s, struct sim_fault *fault, uint64_t *random)
{
	static const enum sim_fault_kind kinds[] = {SIM_LOSS, SIM_PARTITION, SIM_PARTITION, SIM_ONEWAY,
		SIM_ONEWAY, SIM_FLAPS, SIM_PAUSE, SIM_PAUSE, SIM_CRASH, SIM_CRASH, SIM_DIE, SIM_DIE, SIM_STOP,
		SIM_PRIORITY, SIM_PREEMPT, SIM_OFFER, SIM_TAKE, SIM_MOVED, SIM_DROP, SIM_DROP, SIM_FILTER,
		SIM_FILTER, SIM_PATH_CUT, SIM_PATH_CUT, SIM_PATH_CUT, SIM_PATH_LOSS, SIM_WITNESS, SIM_WITNESS,
		SIM_SYNC_CUT, SIM_SYNC_CUT, SIM_KILL, SIM_KILL, SIM_FREEZE, SIM_FREEZE, SIM_FREEZE};

	fault->kind = kinds[sim_between(random, 0, sizeof(kinds) / sizeof(kinds[0]) - 1)];
	if (fault->kind >= SIM_FILTER)
		fault->mask = (uint8_t)sim_between(random, 1, 3);
	if (fault->kind == SIM_PATH_CUT)
		fault->value = sim_between(random, 0, s->pair.paths - 1);
	else if (fault->kind == SIM_PATH_LOSS)
		fault->value = sim_between(random, 50, 600);
	else if (fault->kind == SIM_FREEZE)
		fault->value = sim_chance(random, 50) ? s->interval * sim_between(random, 0, 12) / 2 : 0;
	else if (fault->kind == SIM_STOP || fault->kind == SIM_OFFER)
		fault->value = sim_chance(random, 30); /* its priority 0 is lost */
	if (can_stay(fault->kind) && sim_chance(random, 25))
		fault->until = 0;
}

/* A dead peer falls silent, a beginner waits for a first word, a witness is believed. */
int64_t sim_pair_settles_within(const struct sim_schedule *s)
{
	if (!s->is_pair)
		return 0;
	return s->pair.sync_cap + s->pair.bulk + 3 * s->pair.sync_silence + 2 * s->pair.beacon_timeout +
	       4 * s->pair.beacon_interval + 8 * s->pair.witness_interval + 3 * VRRP_FIRST_WORD_NS / 2 +
	       4 * s->longest;
}
