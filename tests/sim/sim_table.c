/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of the other's connection table each node of a pair has, as tandem-lb writes it on the board: behind until the
 * whole has come, and again when it was interrupted; what a silent peer left is all there is, as far
 * as connection sync can tell. tandem-lb goes on while the
 * speaker stands still, or freezes with it and goes on later than it: then the board says what was said last, until that is
 * too old. Its table goes with the power.
 */
#include "common/lease_map.h"
#include "sim.h"

void sim_table_init(struct sim *sim)
{
	for (int n = 0; n < 2; n++)
		sim->table[n] = (struct sim_table){.works_since = -1, .heard_at = -1};
}

void sim_table_power(struct sim *sim, int n)
{
	if (n < 2)
		sim->table[n] = (struct sim_table){.born = VRRP_NEVER, .works_since = -1, .heard_at = -1};
}

static bool has_power(const struct sim *sim, int n)
{
	return sim->node[n].running || sim->table[n].born != VRRP_NEVER;
}

bool sim_table_is_frozen(const struct sim *sim, int n)
{
	return sim->table[n].frozen || sim->now < sim->table[n].thaws_at;
}

/* In both directions, for all is acknowledged. */
static bool sync_works(const struct sim *sim)
{
	if (sim->sync_cut || sim->schedule.pair.balancers != 3 || !has_power(sim, 0) || !has_power(sim, 1) ||
		sim_table_is_frozen(sim, 0) || sim_table_is_frozen(sim, 1))
		return false;
	for (int i = 0; i < sim->schedule.pair.paths; i++)
		if (sim_pair_path_works(sim, i, 0) && sim_pair_path_works(sim, i, 1))
			return true;
	return false;
}

static enum vrrp_table word_of(const struct sim *sim, int n)
{
	const struct sim_pair_setup *pair = &sim->schedule.pair;
	const struct sim_table *t = &sim->table[n];

	if (!(pair->balancers >> n & 1))
		return VRRP_TABLE_NONE;
	if (sim_table_is_frozen(sim, n))
		return sim->now - t->said_at > (int64_t)LEASE_WORD_NS ? VRRP_TABLE_NONE : t->word;
	if (t->works_since >= 0 && sim->now - t->works_since >= pair->bulk)
		return VRRP_TABLE_IN_SYNC;
	if (t->heard_at >= 0 && sim->now - t->heard_at < pair->sync_silence)
		return VRRP_TABLE_BEHIND;
	return t->ever || sim->now - t->born >= 2 * pair->sync_silence ? VRRP_TABLE_ALONE : VRRP_TABLE_BEHIND;
}

void sim_table_time(struct sim *sim)
{
	bool works;

	if (!sim->schedule.pair.balancers)
		return;
	for (int n = 0; n < 2; n++)
		if (sim->table[n].born == VRRP_NEVER && sim->node[n].running)
			sim->table[n].born = sim->now;
	works = sync_works(sim);
	for (int n = 0; n < 2; n++) {
		struct sim_table *t = &sim->table[n];
		enum vrrp_table before = t->word;

		if (!works)
			t->works_since = -1;
		else if (t->works_since < 0)
			t->works_since = sim->now;
		if (works)
			t->heard_at = sim->now;
		t->word = word_of(sim, n);
		if (!sim_table_is_frozen(sim, n))
			t->said_at = sim->now;
		if (t->word == before)
			continue;
		t->ever |= t->word == VRRP_TABLE_IN_SYNC && works;
		sim->peer[n].changed_at = sim->now;
		sim_watch_cancel(sim);
	}
}

void sim_table_thaw(struct sim *sim, int n, int64_t after)
{
	struct sim_table *t = &sim->table[n];

	t->frozen--;
	if (sim->now + after > t->thaws_at)
		t->thaws_at = sim->now + after;
}

bool sim_table_is_behind(const struct sim *sim, int n)
{
	enum vrrp_table ours = sim->table[n].word, theirs = sim->table[1 - n].word;

	return ours == VRRP_TABLE_BEHIND || (ours != VRRP_TABLE_IN_SYNC && theirs != VRRP_TABLE_NONE);
}
