/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Root, or CAP_SYS_NICE. Each case is a process of its own: it spins, for a second at most. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "vrrp/vrrp_realtime.h"

#define PRIORITY 1

static int64_t cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static bool is_fifo(void)
{
	return (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
}

/* How long until it is an ordinary process, ms of processor time; -1: it stays what it is. */
static int64_t spin(void)
{
	int64_t begin = cpu_ms();

	while (cpu_ms() - begin < 3 * VRRP_REALTIME_MS)
		if (vrrp_realtime_lapsed())
			return is_fifo() ? -1 : cpu_ms() - begin;
	return -1;
}

static void in_a_process(int (*run)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(run());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* not permitted here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int who_spins(void)
{
	int64_t took;

	if (vrrp_realtime_on(PRIORITY))
		return 77;
	if (!is_fifo() || vrrp_realtime_lapsed())
		return 1;
	took = spin();
	if (took < VRRP_REALTIME_MS / 2 || took > 2 * VRRP_REALTIME_MS)
		return 2;
	/* And again, with the same limit. */
	if (vrrp_realtime_on(PRIORITY) || !is_fifo() || vrrp_realtime_lapsed())
		return 3;
	took = spin();
	return took < 0 || took > 2 * VRRP_REALTIME_MS ? 4 : 0;
}

static int who_pauses(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	if (vrrp_realtime_on(PRIORITY))
		return 77;
	for (int64_t end = cpu_ms() + 2 * VRRP_REALTIME_MS; cpu_ms() < end;) {
		for (int64_t some = cpu_ms() + VRRP_REALTIME_MS / 5; cpu_ms() < some;)
			;
		nanosleep(&pause, NULL);
	}
	return vrrp_realtime_lapsed() || !is_fifo();
}

static void test_who_does_not_pause_is_an_ordinary_process(void **state)
{
	in_a_process(who_spins);
}

static void test_who_pauses_is_not(void **state)
{
	in_a_process(who_pauses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_does_not_pause_is_an_ordinary_process),
		cmocka_unit_test(test_who_pauses_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
