/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a seed to a schedule: who takes part, what goes wrong when. Most have few faults, so that the bounds can be asserted. */
#include "sim.h"

#include <string.h>

#include "sim_random.h"

#define MS INT64_C(1000000)

static int64_t one_of(uint64_t *random, const int64_t *values, int count)
{
	return values[sim_between(random, 0, count - 1)];
}

static void make_times(struct sim_schedule *s, uint64_t *random, bool version_2)
{
	static const int64_t intervals[] = {
		10 * MS, 10 * MS, 50 * MS, 100 * MS, 100 * MS, 1000 * MS, 1000 * MS, 40950 * MS};
	static const int64_t delay_parts[] = {1000, 100, 20, 8}, wake_parts[] = {1000000, 1000, 50};

	s->interval = version_2 ? sim_between(random, 1, 3) * 1000 * MS : one_of(random, intervals, 8);
	s->longest = s->interval;
	s->delay_max = s->interval / one_of(random, delay_parts, 4);
	s->delay_min = sim_between(random, 0, s->delay_max);
	s->wake_max = s->interval / one_of(random, wake_parts, 3);
	s->duplicate_permille = sim_chance(random, 30) ? (int)sim_between(random, 1, 300) : 0;
	s->junk_every = sim_chance(random, 20) ? s->interval * sim_between(random, 10, 50) / 100 : 0;
}

static void make_priorities(struct sim_schedule *s, uint64_t *random)
{
	int kind = (int)sim_between(random, 0, 3);

	for (int i = 0; i < SIM_NODES_MAX; i++) {
		uint8_t *priority = &s->speaker[i].config.priority;

		if (kind == 0)
			*priority = 100;
		else if (kind == 1)
			*priority = (uint8_t)(50 * sim_between(random, 1, 4));
		else if (kind == 2)
			*priority = (uint8_t)sim_between(random, 2, 254);
		else
			*priority = (uint8_t)(200 - 30 * i);
	}
	if (sim_chance(random, 8))
		s->speaker[sim_between(random, 0, s->nodes - 1)].config.priority = 255;
}

static void make_speakers(struct sim_schedule *s, uint64_t *random, bool version_2)
{
	bool clocks = sim_chance(random, 50), preempt = sim_chance(random, 70);
	int64_t delay = sim_chance(random, 15) ? sim_between(random, 1, 5) * s->interval : 0;
	int64_t refresh = sim_chance(random, 20) ? sim_between(random, 2, 5) * s->interval : 0;
	uint8_t count = (uint8_t)sim_between(random, 1, 5);
	static const int64_t jiffies[] = {MS, 4 * MS, 10 * MS};

	make_priorities(s, random);
	for (int i = 0; i < SIM_NODES_MAX; i++) {
		struct sim_speaker *speaker = &s->speaker[i];

		speaker->config.version = version_2 ? 2 : 3;
		speaker->config.preempt = sim_chance(random, 10) ? !preempt : preempt;
		speaker->config.interval_ns = s->interval;
		speaker->config.preempt_delay_ns = delay;
		speaker->config.announce_count = count;
		speaker->config.announce_interval_ns = s->interval / 2;
		speaker->config.announce_refresh_ns = refresh;
		speaker->start = sim_between(random, 0, s->interval);
		speaker->ppm = clocks ? (int)sim_between(random, -1000, 1000) : 0;
		speaker->rank = (uint8_t)i;
		speaker->jiffy = jiffies[sim_between(random, 0, 2)];
	}
	for (int i = s->nodes - 1; i > 0; i--) {
		int other = (int)sim_between(random, 0, i);
		uint8_t rank = s->speaker[i].rank;

		s->speaker[i].rank = s->speaker[other].rank;
		s->speaker[other].rank = rank;
	}
}

static int64_t longer_or_shorter(const struct sim_schedule *s, uint64_t *random)
{
	static const int64_t halves[] = {1, 4, 10};
	int64_t value = s->interval * one_of(random, halves, 3) / 2 / (10 * MS) * (10 * MS);

	return value < 10 * MS ? 10 * MS : value > 40950 * MS ? 40950 * MS : value;
}

static void make_value(struct sim_schedule *s, struct sim_fault *fault, uint64_t *random)
{
	switch (fault->kind) {
	case SIM_LOSS:
		fault->value = sim_between(random, 50, 600);
		break;
	case SIM_FLAPS:
		fault->value = sim_between(random, 1, 12);
		fault->until = fault->at + fault->value * 4 * s->interval / 2;
		break;
	case SIM_CRASH:
	case SIM_KILL:
		if (sim_chance(random, 40))
			fault->until = 0;
		break;
	case SIM_PRIORITY:
		fault->value = sim_between(random, 2, 254);
		break;
	case SIM_INTERVAL:
		fault->value = longer_or_shorter(s, random);
		if (sim_chance(random, 60))
			fault->mask = 0x1f;
		if (fault->value > s->longest)
			s->longest = fault->value;
		break;
	case SIM_PREEMPT:
		fault->value = sim_between(random, 0, 1);
		break;
	case SIM_FLOOD:
		fault->until = fault->at + 20 * MS;
		break;
	case SIM_DROP:
		fault->value = sim_between(random, 1, 3);
		fault->until = fault->at + 5 * s->interval;
		break;
	default:
		break;
	}
}

static void make_fault(
	struct sim_schedule *s, struct sim_fault *fault, int64_t from, int64_t to, uint64_t *random)
{
	uint8_t all = (uint8_t)((1 << s->nodes) - 1) | 1 << SIM_CLIENT;

	do {
		fault->kind = (enum sim_fault_kind)sim_between(random, 0, SIM_PLAIN_FAULTS - 1);
	} while (fault->kind == SIM_INTERVAL && s->speaker[0].config.version == 2);
	fault->node = (uint8_t)sim_between(random, 0, s->nodes - 1);
	do {
		fault->mask = (uint8_t)sim_random(random) & all;
	} while (fault->mask == 0 || fault->mask == all);
	fault->at = sim_between(random, from, to);
	fault->until = fault->at + s->interval * sim_between(random, 20, 900) / 100;
	if (s->is_pair)
		sim_pair_make_fault(s, fault, random);
	if (fault->kind >= SIM_PRIORITY && fault->kind <= SIM_MOVED)
		fault->until = 0;
	make_value(s, fault, random);
}

static void make_faults(struct sim_schedule *s, uint64_t *random)
{
	int64_t from = 9 * s->interval + s->speaker[0].config.preempt_delay_ns;
	int count = sim_chance(random, 50) ? 1 : (int)sim_between(random, 2, SIM_FAULTS_MAX);
	int64_t to = from + s->interval * (count == 1 ? 2 : 15);

	for (int i = 0; i < count; i++)
		make_fault(s, &s->fault[i], from, to, random);
	s->fault_count = count;
}

static void take_away(struct sim_schedule *s, const struct sim_less *less)
{
	int kept = 0;

	if (less->nodes)
		s->nodes = less->nodes;
	for (int i = 0; i < s->fault_count; i++)
		if (!(less->faults & 1u << i) && s->fault[i].node < s->nodes)
			s->fault[kept++] = s->fault[i];
	s->fault_count = kept;
	if (less->calm) {
		s->delay_min = s->delay_max;
		s->wake_max = 0;
		s->duplicate_permille = 0;
		s->junk_every = 0;
		for (int i = 0; i < SIM_NODES_MAX; i++)
			s->speaker[i].ppm = 0;
	}
}

/* Three down intervals after the last fault everything is right: one until somebody is Active, one more until a higher
 * priority has preempted, one for a handover that was under way. */
static void make_end(struct sim_schedule *s)
{
	int64_t last = 9 * s->interval, down = 4 * s->longest;

	for (int i = 0; i < s->fault_count; i++) {
		if (s->fault[i].at > last)
			last = s->fault[i].at;
		if (s->fault[i].until > last)
			last = s->fault[i].until;
		if (s->fault[i].kind == SIM_FREEZE && s->fault[i].until + s->fault[i].value > last)
			last = s->fault[i].until + s->fault[i].value;
	}
	s->quiet_at = last;
	s->end_at = last + s->speaker[0].config.preempt_delay_ns + 3 * down + 2 * s->longest +
		    sim_pair_settles_within(s);
}

void sim_schedule_make(struct sim_schedule *s, uint64_t seed, const struct sim_less *less)
{
	uint64_t random = seed * 2 + 1;
	bool version_2;
	int families;

	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->nodes =
		(uint8_t)(sim_chance(&random, 70) ? sim_between(&random, 2, 3) : sim_between(&random, 4, 5));
	families = (int)sim_between(&random, 0, 9);
	s->ipv4 = families < 8;
	s->ipv6 = families >= 4;
	version_2 = families < 1;
	make_times(s, &random, version_2);
	if (seed % 2 == 0)
		sim_pair_make(s, &random);
	make_speakers(s, &random, version_2);
	make_faults(s, &random);
	if (less)
		take_away(s, less);
	make_end(s);
}

const char *sim_fault_text(
	const struct sim_schedule *s, const struct sim_fault *fault, char *buf, size_t size)
{
	static const char *const kinds[] = {"loss", "partition", "one-way partition", "link flaps", "pause",
		"power off", "speaker dies", "stop", "priority", "interval", "preempt", "offer", "take",
		"moved", "flood", "lost adverts", "speaker and guard die", "adverts filtered", "path cut",
		"lost beacons", "witness silent", "sync cut", "freeze"};
	char who[32] = "", until[48] = "", value[48] = "";

	if (fault->kind == SIM_PARTITION || fault->kind == SIM_ONEWAY || fault->kind == SIM_INTERVAL ||
		fault->kind == SIM_FILTER || fault->kind == SIM_PATH_CUT || fault->kind == SIM_WITNESS)
		snprintf(who, sizeof(who), " of {%s%s%s%s%s%s }", fault->mask & 1 ? " 0" : "",
			fault->mask & 2 ? " 1" : "", fault->mask & 4 ? " 2" : "", fault->mask & 8 ? " 3" : "",
			fault->mask & 16 ? " 4" : "", fault->mask & 32 ? " clients" : "");
	else if (fault->kind != SIM_LOSS && fault->kind != SIM_PATH_LOSS && fault->kind != SIM_FLOOD &&
		 fault->kind != SIM_DROP && fault->kind != SIM_SYNC_CUT)
		snprintf(who, sizeof(who), " of node %d", fault->node);
	if (fault->kind > SIM_PLAIN_FAULTS && !fault->until)
		snprintf(until, sizeof(until), ", for good");
	if (fault->until)
		snprintf(until, sizeof(until), ", until %.3f ms", (double)fault->until / 1e6);
	if (fault->kind == SIM_INTERVAL)
		snprintf(value, sizeof(value), ": %.0f ms", (double)fault->value / 1e6);
	else if (fault->value || fault->kind == SIM_PREEMPT || fault->kind == SIM_PATH_CUT)
		snprintf(value, sizeof(value), ": %lld", (long long)fault->value);
	snprintf(buf, size, "%s%s%s, at %.3f ms%s", kinds[fault->kind], who, value, (double)fault->at / 1e6,
		until);
	return buf;
}

void sim_schedule_print(const struct sim_schedule *s, FILE *out)
{
	char text[200];

	fprintf(out,
		"# seed %llu: %d nodes, version %d,%s%s, adverts every %.0f ms, delay %.3f..%.3f ms, wakes within %.3f ms",
		(unsigned long long)s->seed, s->nodes, s->speaker[0].config.version, s->ipv4 ? " IPv4" : "",
		s->ipv6 ? " IPv6" : "", (double)s->interval / 1e6, (double)s->delay_min / 1e6,
		(double)s->delay_max / 1e6, (double)s->wake_max / 1e6);
	fprintf(out, ", duplicates %d per mille, junk every %.3f ms\n", s->duplicate_permille,
		(double)s->junk_every / 1e6);
	if (s->is_pair)
		fprintf(out,
			"#   a pair: %d paths%s, beacons every %.0f ms, believed for %.0f ms, witness every %.0f ms, %s\n",
			s->pair.paths,
			s->pair.by_lan[0]   ? " (the LAN)"
			: s->pair.paths > 1 ? " (no. 1 the LAN)"
					    : "",
			(double)s->pair.beacon_interval / 1e6, (double)s->pair.beacon_timeout / 1e6,
			(double)s->pair.witness_interval / 1e6,
			s->pair.on_isolation == VRRP_ISOLATION_FENCED ? "fenced" : "take");
	if (s->is_pair && s->pair.balancers)
		fprintf(out,
			"#   balancers on%s%s, a table takes %.0f ms, waited for %.0f ms, silent after %.0f ms\n",
			s->pair.balancers & 1 ? " 0" : "", s->pair.balancers & 2 ? " 1" : "",
			(double)s->pair.bulk / 1e6, (double)s->pair.sync_cap / 1e6,
			(double)s->pair.sync_silence / 1e6);
	for (int i = 0; i < s->nodes; i++) {
		const struct sim_speaker *speaker = &s->speaker[i];

		fprintf(out,
			"#   node %d: priority %d, preempt %s after %.0f ms, clock %+d ppm, IPv6 rank %d, starts at %.3f ms\n",
			i, speaker->config.priority, speaker->config.preempt ? "on" : "off",
			(double)speaker->config.preempt_delay_ns / 1e6, speaker->ppm, speaker->rank,
			(double)speaker->start / 1e6);
	}
	for (int i = 0; i < s->fault_count; i++)
		fprintf(out, "#   fault: %s\n", sim_fault_text(s, &s->fault[i], text, sizeof(text)));
	fprintf(out, "#   quiet from %.3f ms, right by %.3f ms\n", (double)s->quiet_at / 1e6,
		(double)s->end_at / 1e6);
}
