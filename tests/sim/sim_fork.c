/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many schedules on all cores: a process for each, which takes every jobs-th seed and leaves its totals in shared memory. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRESS_EVERY 100000

static void count_one(struct sim_totals *totals, const struct sim *sim, uint64_t seed)
{
	totals->schedules++;
	totals->events += sim->order;
	for (int i = 0; i < SIM_INVARIANTS; i++)
		totals->covered[i] += sim->covered >> i & 1;
	if (!sim->verdict.failed)
		return;
	totals->failed++;
	if (!totals->first_failed[sim->verdict.invariant])
		totals->first_failed[sim->verdict.invariant] = seed + 1;
}

static int run_some(
	uint64_t first, uint64_t count, int job, int jobs, bool progress, struct sim_totals *totals)
{
	struct sim *sim = malloc(sizeof(*sim));
	struct sim_schedule schedule;

	if (!sim)
		return 1;
	for (uint64_t i = (uint64_t)job; i < count; i += (uint64_t)jobs) {
		sim_schedule_make(&schedule, first + i, NULL);
		sim_run(sim, &schedule, SIM_PLANT_NONE, NULL);
		count_one(totals, sim, first + i);
		if (progress && job == 0 && i / PROGRESS_EVERY != (i + (uint64_t)jobs) / PROGRESS_EVERY)
			fprintf(stderr, "# %llu of %llu\n", (unsigned long long)(i + (uint64_t)jobs),
				(unsigned long long)count);
	}
	free(sim);
	return 0;
}

static void add(struct sim_totals *sum, const struct sim_totals *part)
{
	sum->schedules += part->schedules;
	sum->failed += part->failed;
	sum->events += part->events;
	for (int i = 0; i < SIM_INVARIANTS; i++) {
		sum->covered[i] += part->covered[i];
		if (part->first_failed[i] &&
			(!sum->first_failed[i] || part->first_failed[i] < sum->first_failed[i]))
			sum->first_failed[i] = part->first_failed[i];
	}
}

int sim_fork(uint64_t first, uint64_t count, int jobs, bool progress, struct sim_totals *totals)
{
	size_t size = (size_t)jobs * sizeof(struct sim_totals);
	struct sim_totals *parts =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int started = 0, err = 0, status;

	if (parts == MAP_FAILED)
		return -errno;
	fflush(stdout);
	for (; started < jobs; started++) {
		pid_t pid = fork();

		if (pid < 0) {
			err = -errno;
			break;
		}
		if (pid == 0)
			_exit(run_some(first, count, started, jobs, progress, &parts[started]));
	}
	for (int i = 0; i < started; i++)
		if (wait(&status) < 0 || status != 0)
			err = err ? err : -ECHILD;
	for (int i = 0; i < jobs; i++)
		add(totals, &parts[i]);
	munmap(parts, size);
	return err;
}
