/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sim [--schedules N] [--first SEED] [--jobs N] [--progress]   many schedules: one line of TAP an invariant
 * sim --plants [--within N] [--plant N]                        bugs on purpose, or one: one line of TAP a bug
 * sim --seed N [--trace] [--without MASK] [--nodes N] [--calm] [--plant N]   one schedule again
 */
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	uint64_t schedules, first, seed, within;
	int jobs;
	bool one, trace, plants, progress;
	enum sim_plant plant;
	struct sim_less less;
};

static void print_replay(uint64_t seed, enum sim_plant plant, const struct sim_less *less)
{
	printf("# replay: build/test/sim --seed %llu", (unsigned long long)seed);
	if (less->faults)
		printf(" --without 0x%x", less->faults);
	if (less->nodes)
		printf(" --nodes %d", less->nodes);
	if (less->calm)
		printf(" --calm");
	if (plant)
		printf(" --plant %d", plant);
	printf(" --trace\n");
}

/* One schedule; the exit status says whether everything held. */
static int run_one(struct sim *sim, const struct options *options)
{
	struct sim_schedule schedule;

	sim_schedule_make(&schedule, options->seed, &options->less);
	sim_schedule_print(&schedule, stdout);
	sim_run(sim, &schedule, options->plant, options->trace ? stdout : NULL);
	if (sim->verdict.failed)
		printf("BROKEN %s at %.6f ms: %s\n", sim_invariant_name(sim->verdict.invariant),
			(double)sim->verdict.at / 1e6, sim->verdict.why);
	else
		printf("every invariant held for %.3f ms, %u events\n", (double)sim->now / 1e6, sim->order);
	return sim->verdict.failed;
}

static void show_failure(struct sim *sim, uint64_t seed)
{
	struct sim_less less = {0};
	struct sim_schedule schedule;

	sim_shrink(sim, seed, SIM_PLANT_NONE, &less);
	sim_schedule_make(&schedule, seed, &less);
	sim_schedule_print(&schedule, stdout);
	sim_run(sim, &schedule, SIM_PLANT_NONE, NULL);
	printf("# at %.6f ms: %s\n", (double)sim->verdict.at / 1e6, sim->verdict.why);
	print_replay(seed, SIM_PLANT_NONE, &less);
}

static int run_many(struct sim *sim, const struct options *options)
{
	struct sim_totals totals = {0};
	int err = sim_fork(options->first, options->schedules, options->jobs, options->progress, &totals);
	bool bad = err < 0;

	printf("1..%d\n", SIM_INVARIANTS);
	if (err < 0)
		printf("Bail out! a simulating process failed: %s\n", strerror(-err));
	for (int i = 0; i < SIM_INVARIANTS; i++) {
		bool ok = !totals.first_failed[i] && totals.covered[i] > 0;

		printf("%sok %d - %s: %s (%llu of %llu schedules)\n", ok ? "" : "not ", i + 1,
			sim_invariant_name(i), sim_invariant_text(i), (unsigned long long)totals.covered[i],
			(unsigned long long)totals.schedules);
		if (!totals.covered[i])
			printf("# no schedule put it to the test\n");
		if (totals.first_failed[i])
			show_failure(sim, totals.first_failed[i] - 1);
		bad |= !ok;
	}
	printf("# %llu schedules, %llu failed, %llu events\n", (unsigned long long)totals.schedules,
		(unsigned long long)totals.failed, (unsigned long long)totals.events);
	return bad;
}

/* How many schedules it takes until the bug breaks that invariant; 0: not within. */
static uint64_t caught_after(
	struct sim *sim, enum sim_plant plant, int invariant, const struct options *options)
{
	struct sim_schedule schedule;

	for (uint64_t i = 0; i < options->within; i++) {
		sim_schedule_make(&schedule, options->first + i, NULL);
		sim_run(sim, &schedule, plant, NULL);
		if (sim->verdict.failed && (int)sim->verdict.invariant == invariant)
			return i + 1;
	}
	return 0;
}

static bool prove(struct sim *sim, const struct sim_plant_row *row, int invariant, int number,
	const struct options *options)
{
	uint64_t after = caught_after(sim, row->plant, invariant, options);
	struct sim_less less = {0};

	printf("%sok %d - \"%s\" is caught by %s within %llu schedules (%llu)\n", after ? "" : "not ", number,
		row->name, sim_invariant_name(invariant), (unsigned long long)options->within,
		(unsigned long long)after);
	if (after) {
		sim_shrink(sim, options->first + after - 1, row->plant, &less);
		print_replay(options->first + after - 1, row->plant, &less);
	}
	return after != 0;
}

static int run_plants(struct sim *sim, const struct options *options)
{
	uint32_t proven = 0;
	int number = 0;
	bool bad = false;

	for (int plant = SIM_PLANT_NONE + 1; plant < SIM_PLANTS; plant++) {
		const struct sim_plant_row *row = sim_plant_row(plant);

		for (int i = 0; i < SIM_INVARIANTS; i++) {
			if (options->plant && (int)options->plant != plant)
				continue;
			if (!(row->caught_by >> i & 1))
				continue;
			if (prove(sim, row, i, ++number, options))
				proven |= 1u << i;
			else
				bad = true;
		}
	}
	for (int i = 0; i < SIM_INVARIANTS && !options->plant; i++) {
		bool ok = proven >> i & 1;

		printf("%sok %d - %s has caught a bug\n", ok ? "" : "not ", ++number, sim_invariant_name(i));
		bad |= !ok;
	}
	printf("1..%d\n", number);
	return bad;
}

static int usage(void)
{
	fprintf(stderr, "usage: sim [--schedules N] [--first SEED] [--jobs N] [--progress]\n"
			"       sim --plants [--within N] [--first SEED] [--plant N]\n"
			"       sim --seed N [--trace] [--without MASK] [--nodes N] [--calm] [--plant N]\n");
	return 2;
}

static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"schedules", 1, NULL, 's'}, {"first", 1, NULL, 'f'},
		{"jobs", 1, NULL, 'j'}, {"seed", 1, NULL, 'S'}, {"within", 1, NULL, 'w'},
		{"without", 1, NULL, 'W'}, {"nodes", 1, NULL, 'n'}, {"plant", 1, NULL, 'p'},
		{"trace", 0, NULL, 't'}, {"plants", 0, NULL, 'P'}, {"progress", 0, NULL, 'r'},
		{"calm", 0, NULL, 'c'}, {NULL, 0, NULL, 0}};
	int letter;

	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		char *end = "";
		uint64_t value = optarg ? strtoull(optarg, &end, 0) : 0;

		if (letter == '?' || *end)
			return false;
		switch (letter) {
		case 's':
			o->schedules = value;
			break;
		case 'f':
			o->first = value;
			break;
		case 'j':
			o->jobs = (int)value;
			break;
		case 'S':
			o->one = true;
			o->seed = value;
			break;
		case 'w':
			o->within = value;
			break;
		case 'W':
			o->less.faults = (uint32_t)value;
			break;
		case 'n':
			o->less.nodes = (uint8_t)value;
			break;
		case 'p':
			o->plant = (enum sim_plant)value;
			break;
		case 't':
			o->trace = true;
			break;
		case 'P':
			o->plants = true;
			break;
		case 'r':
			o->progress = true;
			break;
		default:
			o->less.calm = true;
			break;
		}
	}
	return optind == argc && o->jobs > 0 && o->jobs <= 256 && o->plant < SIM_PLANTS && o->schedules > 0 &&
	       (!o->less.nodes || (o->less.nodes >= 2 && o->less.nodes <= SIM_NODES_MAX));
}

int main(int argc, char **argv)
{
	struct options options = {
		.schedules = 100000, .first = 1, .within = 5000, .jobs = (int)sysconf(_SC_NPROCESSORS_ONLN)};
	struct sim *sim;
	int status;

	if (!read_options(argc, argv, &options))
		return usage();
	sim = malloc(sizeof(*sim));
	if (!sim) {
		fprintf(stderr, "sim: out of memory\n");
		return 1;
	}
	if (options.one)
		status = run_one(sim, &options);
	else if (options.plants)
		status = run_plants(sim, &options);
	else
		status = run_many(sim, &options);
	free(sim);
	return status;
}
