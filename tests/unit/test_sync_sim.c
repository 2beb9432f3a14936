/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two sync sessions through thousands of schedules of loss, reordering, duplicates, partitions, pauses and restarts: see
 * sync_pair.h for what must hold at every moment; afterwards they must converge and calm down. Then the same with bugs
 * planted: each must be found. SYNC_SCHEDULES (how many) and SYNC_SEED (the first) bend it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sync_pair.h"

#define FLOWS 300

static int64_t from_environment(const char *name, int64_t usual)
{
	const char *value = getenv(name);

	return value ? atoll(value) : usual;
}

/* What goes wrong for a while, and is mended. */
static void do_fault(struct pair *p, int64_t until)
{
	int node = (int)pair_between(p, 0, 1);

	switch (pair_between(p, 0, 8)) {
	case 0:
		p->loss_permille[0] = p->loss_permille[1] = (int)pair_between(p, 1, 300);
		break;
	case 1:
		p->is_cut[0] = p->is_cut[1] = true;
		break;
	case 2:
		p->is_cut[node] = true;
		break;
	case 3:
		p->jitter_ns = pair_between(p, 0, 20 * PAIR_MS);
		break;
	case 4:
		p->double_permille = (int)pair_between(p, 1, 500);
		break;
	case 5:
		pair_restart(p, node, pair_between(p, 0, 1));
		break;
	case 6:
		p->node[node].is_paused = true;
		break;
	case 7:
		sync_session_send_bulk(p->node[node].session);
		pair_wake(p, node);
		break;
	default:
		sync_session_want_bulk(p->node[node].session, p->now);
		pair_wake(p, node);
	}
	pair_run(p, until);
}

static void mend(struct pair *p)
{
	p->loss_permille[0] = p->loss_permille[1] = p->double_permille = 0;
	p->is_cut[0] = p->is_cut[1] = false;
	p->jitter_ns = pair_between(p, 0, 2 * PAIR_MS);
	for (int i = 0; i < 2; i++)
		if (p->node[i].is_paused) {
			p->node[i].is_paused = false;
			pair_wake(p, i);
		}
}

/* Nothing is changing and nothing is wrong: signs of life and what acknowledges them, nothing else. */
static void calm_down(struct pair *p)
{
	uint64_t before[2];

	for (int i = 0; i < 2; i++) {
		p->change_every_ns[i] = 0;
		before[i] = p->node[i].sent;
	}
	pair_run(p, p->now + PAIR_SECOND);
	for (int i = 0; i < 2; i++)
		before[i] = p->node[i].sent;
	if (!p->broken)
		p->broken = pair_differs(p);
	pair_run(p, p->now + PAIR_SECOND);
	for (int i = 0; i < 2; i++)
		if (!p->broken && p->node[i].sent - before[i] > 12)
			p->broken = "much is said about nothing";
}

/* What was broken; NULL: nothing. */
static const char *run_schedule(uint64_t seed, enum pair_plant plant)
{
	static const uint32_t windows[] = {16, 64, 512};
	struct sync_session_config config;
	const char *broken;
	struct pair *p;
	int faults;

	sync_session_defaults(&config, 1);
	config.out.window = config.in.window = windows[seed % 3];
	config.out.burst = seed % 2 ? 4 : 16;
	config.out.per_ms = seed % 5 ? 20 : 1;
	p = pair_new(seed * 1000003, FLOWS, &config);
	p->plant = plant;
	for (int i = 0; i < 2; i++)
		p->change_every_ns[i] =
			seed % 7 == (unsigned)i ? 0 : pair_between(p, PAIR_MS / 4, 20 * PAIR_MS);
	p->delay_ns = pair_between(p, PAIR_MS / 20, 3 * PAIR_MS);
	faults = (int)pair_between(p, 1, 6);
	for (int i = 0; i < faults && !p->broken; i++) {
		pair_run(p, p->now + pair_between(p, 0, 300 * PAIR_MS));
		do_fault(p,
			p->now + pair_between(p, 1, pair_between(p, 0, 3) ? 200 * PAIR_MS : 2 * PAIR_SECOND));
		if (pair_between(p, 0, 2))
			mend(p);
	}
	mend(p);
	pair_run(p, p->now + 3 * PAIR_SECOND / 2);
	calm_down(p);
	broken = p->broken;
	pair_free(p);
	return broken;
}

static void test_schedules(void **state)
{
	int64_t first = from_environment("SYNC_SEED", 1), count = from_environment("SYNC_SCHEDULES", 2000);

	for (int64_t seed = first; seed < first + count; seed++) {
		const char *broken = run_schedule((uint64_t)seed, PLANT_NONE);

		if (broken)
			fail_msg("SYNC_SEED=%lld SYNC_SCHEDULES=1: %s", (long long)seed, broken);
	}
}

static void test_planted_bugs_are_found(void **state)
{
	for (int plant = PLANT_NONE + 1; plant < PLANTS; plant++) {
		const char *broken = NULL;
		uint64_t seed = 0;

		while (!broken && seed < 300)
			broken = run_schedule(++seed, (enum pair_plant)plant);
		if (!broken)
			fail_msg("nobody finds planted bug %d", plant);
		printf("# bug %d: schedule %d: %s\n", plant, (int)seed, broken);
	}
}

/* How long a table of 200,000 flows takes with that loss, while 2,000 changes a second come; and their lag. */
static int64_t bulk_takes_ns(int loss_permille, uint32_t *lag_p99_us)
{
	struct sync_session_config config;
	struct sync_status status;
	struct pair *p;
	int64_t began;

	sync_session_defaults(&config, 1);
	p = pair_new(7, 200000, &config);
	p->loss_permille[0] = p->loss_permille[1] = loss_permille;
	p->jitter_ns = PAIR_MS / 10;
	for (uint32_t i = 0; i < p->flow_count; i++)
		p->node[0].flows[i].mine = (uint32_t)++p->node[0].changed;
	pair_run(p, p->now + 50 * PAIR_MS);
	began = p->now - 30 * PAIR_MS; /* hello */
	p->change_every_ns[0] = PAIR_MS / 2;
	while (!p->broken && !p->node[1].session->in.is_whole && p->now < began + 60 * PAIR_SECOND)
		pair_run(p, p->now + PAIR_MS);
	assert_null(p->broken);
	assert_true(p->node[1].session->in.is_whole);
	began = p->now - began;
	sync_session_status(p->node[0].session, p->now, &status);
	*lag_p99_us = status.lag_p99_us;
	printf("# loss %d permille: 200,000 flows in %d ms, %d datagrams, %d of them repairs (%d early), lag p99 %d us\n",
		loss_permille, (int)(began / PAIR_MS), (int)p->node[0].sent,
		(int)(status.window.repaired_early + status.window.repaired_late),
		(int)status.window.repaired_early, (int)status.lag_p99_us);
	calm_down(p);
	p->loss_permille[0] = p->loss_permille[1] = 0;
	pair_free(p);
	return began;
}

static void test_throughput_under_loss(void **state)
{
	uint32_t lag_us;

	assert_true(bulk_takes_ns(0, &lag_us) < 400 * PAIR_MS);
	assert_true(lag_us < 10000);
	assert_true(bulk_takes_ns(10, &lag_us) < 600 * PAIR_MS);
	assert_true(lag_us < 20000);
	assert_true(bulk_takes_ns(100, &lag_us) < 2 * PAIR_SECOND);
	assert_true(lag_us < 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_planted_bugs_are_found),
		cmocka_unit_test(test_throughput_under_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
