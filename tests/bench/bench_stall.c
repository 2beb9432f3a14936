/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine does to a task that does nothing: on every CPU a thread with a higher real-time priority than any speaker
 * sleeps a millisecond at a time, until SIGTERM. How much too late it wakes is nobody's fault but the machine's (its kernel, its
 * hypervisor); a speaker cannot be more punctual than that. Prints JSON: the longest, and when each long one ended.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MS       INT64_C(1000000)
#define LONG_NS  (5 * MS)
#define KEPT     1000
#define PRIORITY 50

struct stall {
	int64_t end, length; /* ns, wall clock */
};

static struct stall kept[KEPT];
static size_t count; /* may pass KEPT */
static int64_t longest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void note(int64_t length)
{
	pthread_mutex_lock(&lock);
	if (length > longest)
		longest = length;
	if (length >= LONG_NS && count++ < KEPT)
		kept[count - 1] = (struct stall){now_ns(CLOCK_REALTIME), length};
	pthread_mutex_unlock(&lock);
}

static void *watch(void *data)
{
	struct sched_param param = {.sched_priority = PRIORITY};
	struct timespec pause = {.tv_nsec = MS};
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)(intptr_t)data, &one);
	if (sched_setaffinity(0, sizeof(one), &one) || sched_setscheduler(0, SCHED_FIFO, &param)) {
		perror("bench_stall: real-time priority on a CPU of its own");
		exit(1);
	}
	for (;;) {
		int64_t from = now_ns(CLOCK_MONOTONIC);

		nanosleep(&pause, NULL);
		note(now_ns(CLOCK_MONOTONIC) - from - MS);
	}
	return NULL;
}

int main(void)
{
	cpu_set_t all;
	sigset_t end;
	int signal;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	if (sched_getaffinity(0, sizeof(all), &all))
		return 1;
	for (intptr_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		pthread_t thread;

		if (CPU_ISSET((size_t)cpu, &all) && pthread_create(&thread, NULL, watch, (void *)cpu))
			return 1;
	}
	sigwait(&end, &signal);
	pthread_mutex_lock(&lock);
	printf("\"stall_longest_ms\": %.3f, \"stalls\": [", (double)longest / MS);
	for (size_t i = 0; i < count && i < KEPT; i++)
		printf("%s[%.3f, %.3f]", i ? ", " : "", (double)kept[i].end / MS,
			(double)kept[i].length / MS);
	printf("]\n");
	return 0;
}
