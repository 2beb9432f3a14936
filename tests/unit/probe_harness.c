/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_harness.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct ev_loop *loop;
struct lb_prober prober;

void on_report(struct lb_probe *probe, bool ok, const char *cause)
{
	struct asked *asked = probe->data;

	asked->reports++;
	asked->ok = ok;
	snprintf(asked->cause, sizeof(asked->cause), "%s", cause);
	if (asked->reports == asked->wanted)
		ev_break(loop, EVBREAK_ALL);
}

static void on_deadline(struct ev_loop *l, ev_timer *timer, int events)
{
	ev_break(l, EVBREAK_ALL);
}

void run(double seconds)
{
	ev_timer deadline;

	ev_now_update(loop);
	ev_timer_init(&deadline, on_deadline, seconds, 0.);
	ev_timer_start(loop, &deadline);
	ev_run(loop, 0);
	ev_timer_stop(loop, &deadline);
}

void ask(struct asked *asked, const struct lb_check *check, const char *addr, uint16_t port, int wanted)
{
	struct net_addr a;

	memset(asked, 0, sizeof(*asked));
	asked->wanted = wanted;
	assert_int_equal(addr_parse(addr, &a), 0);
	lb_probe_init(&asked->probe, &prober, check, &a, port, on_report, asked);
	lb_probe_start(&asked->probe);
	run(5);
	lb_probe_stop(&asked->probe);
}

void expect_answer(const struct lb_check *check, const char *addr, uint16_t port, bool ok, const char *cause)
{
	struct asked asked;

	ask(&asked, check, addr, port, 1);
	assert_string_equal(asked.cause, cause);
	assert_int_equal(asked.ok, ok);
	assert_int_equal(asked.reports, 1);
}

const struct lb_check tcp = {.type = LB_CHECK_TCP, .interval_ms = 100, .timeout_ms = 80};
const struct lb_check ping = {.type = LB_CHECK_PING, .interval_ms = 100, .timeout_ms = 80};
void spin(double seconds)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((double)(now.tv_sec - from.tv_sec) + (double)(now.tv_nsec - from.tv_nsec) / 1e9 < seconds);
}

void write_sysctl(const char *path, const char *value)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(value, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

void use_ping_sockets(bool datagram)
{
	lb_prober_close(&prober);
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", datagram ? "0 0" : "1 0");
}

int capture_stderr(FILE **file)
{
	int old = dup(2);

	*file = tmpfile();
	assert_non_null(*file);
	dup2(fileno(*file), 2);
	return old;
}

int count_lines(FILE *file, int old_stderr, const char *with)
{
	char line[1024];
	int found = 0;

	dup2(old_stderr, 2);
	close(old_stderr);
	rewind(file);
	while (fgets(line, sizeof(line), file))
		found += strstr(line, with) != NULL;
	fclose(file);
	return found;
}

static void on_turn(struct ev_loop *l, ev_check *check, int events)
{
	if (prober.local_faults >= *(uint64_t *)check->data)
		ev_break(l, EVBREAK_ALL);
}

void run_until_faults(uint64_t count)
{
	ev_check check;

	ev_check_init(&check, on_turn);
	check.data = &count;
	ev_set_priority(&check, EV_MINPRI); /* after the callbacks of the turn */
	ev_check_start(loop, &check);
	run(10);
	ev_check_stop(loop, &check);
	assert_true(prober.local_faults >= count);
}

void expect_local_fault(const struct lb_check *check, const char *addr, uint16_t port, const char *words)
{
	struct asked asked;
	struct net_addr a;
	FILE *log;
	int old = capture_stderr(&log);

	prober.faults_told = 0;
	prober.local_faults = 0;
	addr_parse(addr, &a);
	memset(&asked, 0, sizeof(asked));
	lb_probe_init(&asked.probe, &prober, check, &a, port, on_report, &asked);
	lb_probe_start(&asked.probe);
	run_until_faults(2);
	lb_probe_stop(&asked.probe);
	assert_int_equal(count_lines(log, old, words), 1);
	assert_int_equal(asked.reports, 0);
}

/* ---- the namespace ---- */

bool harness_enter(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return true;
	printf("1..0 # SKIP needs root (network namespaces): %s\n", strerror(errno));
	return false;
}

int harness_up(void **state)
{
	static const char setup[] =
		"set -e; ip link set lo up; ip addr add fd00::8/128 dev lo nodad; ip addr add fd00::9/128 "
		"dev lo nodad\n"
		"nft -f - <<'END'\n"
		"table inet probe { chain in { type filter hook input priority 0;\n"
		"tcp dport 7002 drop\n"
		"tcp dport 7003 reject with icmp type host-unreachable\n"
		"ip daddr 127.0.0.8 icmp type echo-request drop\n"
		"ip6 daddr fd00::8 icmpv6 type echo-request drop\n"
		"ip daddr 127.0.0.9 icmp type echo-request reject with icmp type host-unreachable\n"
		"ip6 daddr fd00::9 icmpv6 type echo-request reject with icmpv6 type addr-unreachable\n"
		"}\n}\nEND\n";

	if (system(setup) != 0)
		return -1;
	loop = ev_default_loop(0);
	lb_prober_init(&prober, loop);
	return loop ? 0 : -1;
}

int harness_down(void **state)
{
	lb_prober_close(&prober);
	ev_loop_destroy(loop);
	return 0;
}
