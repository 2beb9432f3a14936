/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When to ask, how an answer is handed on, and which faults are our own. How to ask is lb_probe_tcp.c's and
 * lb_probe_ping.c's. */
#include "lb/lb_probe.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "lb/lb_probe_kind.h"

#define FIRST_DELAY_MAX_S 1.0
#define JITTER            0.1  /* of the interval, to both sides */
#define FAULT_OVER_S      10.0 /* without one for so long, a fault is over */

/* Not ev_now(): that is the wall clock, which may jump. */
static double monotonic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double random_fraction(void)
{
	return arc4random() / 4294967296.0;
}

/* ---- faults of our own ---- */

static const struct {
	int err;
	const char *remedy;
} local_faults[] = {
	{EMFILE, "raise LimitNOFILE= (ulimit -n)"},
	{ENFILE, "raise the sysctl fs.file-max"},
	{ENOBUFS, "the kernel is short of memory for sockets"},
	{ENOMEM, "the machine is out of memory"},
	{EADDRNOTAVAIL, "give an interface an address of this family, or widen net.ipv4.ip_local_port_range"},
	{EAGAIN, "widen net.ipv4.ip_local_port_range"},
	{EAFNOSUPPORT, "enable IPv6 in the kernel"},
	{EPERM, "a ping check needs CAP_NET_RAW, or our group within net.ipv4.ping_group_range; or the local "
		"firewall forbids it"},
	{EACCES, "a local security policy forbids it"},
};
#define LOCAL_FAULTS (sizeof(local_faults) / sizeof(local_faults[0]))

static size_t find_local_fault(int err)
{
	size_t i = 0;

	while (i < LOCAL_FAULTS && local_faults[i].err != err)
		i++;
	return i;
}

static void tell_local_fault(struct lb_probe *probe, size_t fault, const char *doing)
{
	struct lb_prober *prober = probe->prober;
	char where[ADDR_TEXT_MAX], text[64];

	prober->last_fault_at = monotonic_now();
	if (!prober->faults_told)
		prober->faults_since = prober->local_faults;
	prober->local_faults++;
	if (prober->faults_told & 1U << fault)
		return;
	prober->faults_told |= 1U << fault;
	log_warn("health checks: cannot %s for %s: %s; backends keep their state meanwhile; %s", doing,
		addr_format(&probe->addr, where), lb_probe_errno_text(local_faults[fault].err, text),
		local_faults[fault].remedy);
}

static void forget_local_faults(struct lb_prober *prober, double now)
{
	if (!prober->faults_told || now - prober->last_fault_at < FAULT_OVER_S)
		return;
	log_info("health checks: all are made again; %llu could not be",
		(unsigned long long)(prober->local_faults - prober->faults_since));
	prober->faults_told = 0;
}

/* ---- one probe ---- */

const char *lb_probe_errno_text(int err, char buf[64])
{
	const char *text = strerrordesc_np(err);

	if (text)
		snprintf(buf, 64, "%c%s", tolower((unsigned char)text[0]), text + 1);
	else
		snprintf(buf, 64, "error %d", err);
	return buf;
}

static void arm(struct lb_probe *probe, double after_s)
{
	struct ev_loop *loop = probe->prober->loop;

	ev_timer_stop(loop, &probe->timer);
	ev_timer_set(&probe->timer, after_s > 0 ? after_s : 0., 0.);
	ev_timer_start(loop, &probe->timer);
}

static void begin(struct lb_probe *probe)
{
	double interval_s = probe->check->interval_ms / 1e3;

	/* The loop's now is as old as the callbacks before this one took; the time limit starts now. */
	ev_now_update(probe->prober->loop);
	probe->began_at = monotonic_now();
	probe->next_at = probe->began_at + interval_s * (1 - JITTER + 2 * JITTER * random_fraction());
	probe->asking = true;
	arm(probe, probe->check->timeout_ms / 1e3);
	probe->kind->begin(probe);
}

/* Let go and wait for the next turn. */
static double end(struct lb_probe *probe, bool ok)
{
	double now = monotonic_now();

	probe->kind->end(probe, ok);
	probe->asking = false;
	arm(probe, probe->next_at - now);
	return now;
}

void lb_probe_finish(struct lb_probe *probe, bool ok, const char *fmt, ...)
{
	char cause[LB_PROBE_CAUSE_MAX];
	va_list args;
	double now;

	va_start(args, fmt);
	vsnprintf(cause, sizeof(cause), fmt, args);
	va_end(args);
	now = end(probe, ok);
	probe->took_ms = (now - probe->began_at) * 1e3;
	forget_local_faults(probe->prober, now);
	probe->report(probe, ok, cause);
}

void lb_probe_finish_errno(struct lb_probe *probe, int err, const char *doing)
{
	size_t fault = find_local_fault(err);
	char text[64];

	if (fault == LOCAL_FAULTS) {
		lb_probe_finish(probe, false, "%s", lb_probe_errno_text(err, text));
		return;
	}
	tell_local_fault(probe, fault, doing);
	end(probe, false);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lb_probe *probe = timer->data;
	char cause[LB_PROBE_CAUSE_MAX];

	if (!probe->asking) {
		begin(probe);
		return;
	}
	probe->kind->expire(probe, cause);
	lb_probe_finish(probe, false, "%s", cause);
}

/* ---- what the caller does ---- */

static const struct lb_probe_kind *kind_of(const struct lb_check *check)
{
	switch (check->type) {
	case LB_CHECK_TCP:
		return &lb_probe_tcp;
	case LB_CHECK_PING:
		return &lb_probe_ping;
	default:
		return NULL;
	}
}

static void aim(
	struct lb_probe *probe, const struct lb_check *check, const struct net_addr *addr, uint16_t port)
{
	probe->check = check;
	probe->kind = kind_of(check);
	probe->addr = *addr;
	probe->port = check->port ? check->port : port;
	if (probe->kind)
		probe->kind->init(probe);
}

void lb_probe_init(struct lb_probe *probe, struct lb_prober *prober, const struct lb_check *check,
	const struct net_addr *addr, uint16_t port, lb_probe_report_fn *report, void *data)
{
	memset(probe, 0, sizeof(*probe));
	probe->prober = prober;
	probe->report = report;
	probe->data = data;
	ev_timer_init(&probe->timer, on_timer, 0., 0.);
	probe->timer.data = probe;
	aim(probe, check, addr, port);
}

void lb_probe_start(struct lb_probe *probe)
{
	double interval_s = probe->check->interval_ms / 1e3;

	if (probe->started)
		return;
	probe->started = true;
	if (!probe->kind)
		return;
	ev_now_update(probe->prober->loop);
	arm(probe, (interval_s < FIRST_DELAY_MAX_S ? interval_s : FIRST_DELAY_MAX_S) * random_fraction());
}

void lb_probe_stop(struct lb_probe *probe)
{
	ev_timer_stop(probe->prober->loop, &probe->timer);
	if (probe->asking)
		probe->kind->end(probe, false);
	probe->asking = false;
	probe->started = false;
}

static bool bytes_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static bool same_questions(const struct lb_check *a, const struct lb_check *b)
{
	return a->type == b->type && a->interval_ms == b->interval_ms && a->timeout_ms == b->timeout_ms &&
	       bytes_equal(a->send, a->send_len, b->send, b->send_len) &&
	       bytes_equal(a->expect, a->expect_len, b->expect, b->expect_len);
}

void lb_probe_reconfigure(
	struct lb_probe *probe, const struct lb_check *check, const struct net_addr *addr, uint16_t port)
{
	bool started = probe->started;

	if (same_questions(probe->check, check) && addr_equal(&probe->addr, addr) &&
		probe->port == (check->port ? check->port : port)) {
		probe->check = check;
		return;
	}
	lb_probe_stop(probe);
	aim(probe, check, addr, port);
	if (started)
		lb_probe_start(probe);
}
