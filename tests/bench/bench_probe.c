/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What health checks cost: N backends checked every second for S seconds, in a network namespace of its own,
 * against a listener in another process. Prints the checker's share of a core; over loopback that holds the
 * kernel's work for both ends of each connection. Usage: bench_probe [tcp|expect|ping] [N] [S]; needs root.
 */
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "lb/lb_probe.h"

#define PORT 7000

static unsigned long good, bad;
static double slowest_ms;

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Accept, say PONG, close; ends with its parent. */
static void serve(int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		send(fd, "+PONG\r\n", 7, MSG_NOSIGNAL);
		close(fd);
	}
}

static int listen_everywhere(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 1024) != 0)
		return -1;
	return fd;
}

static void on_report(struct lb_probe *probe, bool ok, const char *cause)
{
	if (ok)
		good++;
	else if (bad++ == 0)
		fprintf(stderr, "bench_probe: first failure: %s\n", cause);
	if (probe->took_ms > slowest_ms)
		slowest_ms = probe->took_ms;
}

static void on_end(struct ev_loop *loop, ev_timer *timer, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void run(struct ev_loop *loop, double duration)
{
	ev_timer timer;

	ev_timer_init(&timer, on_end, duration, 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
}

static void measure(const char *what, const struct lb_check *check, unsigned count, double duration)
{
	struct ev_loop *loop = ev_default_loop(0);
	struct lb_probe *probes = calloc(count, sizeof(*probes));
	struct lb_prober prober;
	struct rusage from, to;
	double wall, cpu, user;

	if (!probes || !loop)
		exit(1);
	lb_prober_init(&prober, loop);
	for (unsigned i = 0; i < count; i++) {
		struct net_addr addr = {AF_INET, {127, 1, (uint8_t)(i >> 8), (uint8_t)i}};

		lb_probe_init(&probes[i], &prober, check, &addr, PORT, on_report, NULL);
		lb_probe_start(&probes[i]);
	}
	run(loop, 1.2);
	good = bad = 0;
	slowest_ms = 0;
	getrusage(RUSAGE_SELF, &from);
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	run(loop, duration);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = seconds(CLOCK_MONOTONIC) - wall;
	getrusage(RUSAGE_SELF, &to);
	user = (double)(to.ru_utime.tv_sec - from.ru_utime.tv_sec) +
	       (double)(to.ru_utime.tv_usec - from.ru_utime.tv_usec) / 1e6;
	printf("%s: %u backends, %.0f checks/s, %lu failed, slowest %.1f ms: %.1f %% of a core "
	       "(%.1f us a check, %.0f %% of it in user space), %zu bytes a probe\n",
		what, count, (double)(good + bad) / wall, bad, slowest_ms, cpu / wall * 100,
		cpu / (double)(good + bad) * 1e6, user / cpu * 100, sizeof(*probes));
	for (unsigned i = 0; i < count; i++)
		lb_probe_stop(&probes[i]);
	lb_prober_close(&prober);
	free(probes);
	ev_loop_destroy(loop);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "tcp";
	long count = argc > 2 ? atol(argv[2]) : 1000;
	double duration = argc > 3 ? atof(argv[3]) : 10;
	struct lb_check check = {.type = strcmp(what, "ping") ? LB_CHECK_TCP : LB_CHECK_PING,
		.interval_ms = 1000,
		.timeout_ms = 500};
	int listener;
	pid_t child;

	if (count < 1 || count > 65536 || !(duration > 0 && duration <= 600) ||
		(strcmp(what, "tcp") && strcmp(what, "expect") && strcmp(what, "ping"))) {
		fprintf(stderr, "usage: bench_probe [tcp|expect|ping] [1..65536 backends] [seconds]\n");
		return 2;
	}
	if (strcmp(what, "expect") == 0) {
		check.expect = (uint8_t *)"PONG";
		check.expect_len = 4;
	}
	log_open("bench_probe", LOG_LEVEL_INFO);
	if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up") != 0) {
		perror("bench_probe: a network namespace (run as root)");
		return 1;
	}
	listener = listen_everywhere();
	if (listener < 0) {
		perror("bench_probe: listen");
		return 1;
	}
	child = fork();
	if (child < 0) {
		perror("bench_probe: fork");
		return 1;
	}
	if (child == 0)
		serve(listener);
	close(listener);
	measure(what, &check, (unsigned)count, duration);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return bad ? 1 : 0;
}
