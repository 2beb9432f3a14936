/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Health probes: one struct lb_probe asks one backend, again and again, and reports each answer; it does not
 * judge (lb_verdict.h does) and knows nothing of pools. Each probe embeds its watchers and is embedded in
 * what it serves; what all probes of a process share (the loop, the ping sockets, faults of our own) is in
 * one struct lb_prober.
 *
 * When: the first probe comes after a random part of min(interval, 1 s), each later one an interval after the
 * one before began, give or take a random tenth, so that a thousand checks spread out and stay spread. A
 * probe that gets no answer ends at timeout_ms.
 *
 * A fault of our own (no descriptor, port, memory or permission left) says nothing about the backend: it is
 * not reported as a failure. It is counted in lb_prober.local_faults and logged once until it has been gone
 * for ten seconds; the next attempt is the next interval's.
 */
#ifndef TANDEM_LB_LB_PROBE_H
#define TANDEM_LB_LB_PROBE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/icmp_echo.h"
#include "lb/lb_expect.h"
#include "lb/lb_model.h"

struct lb_probe;
struct lb_probe_kind;

/*
 * One answer. cause says in words what happened ("connection refused", "connected") and is valid during the
 * call only. The probe has let go of everything by then: the callback may stop (and then free) or
 * reconfigure any probe, its own too, but must not close the prober.
 */
typedef void lb_probe_report_fn(struct lb_probe *probe, bool ok, const char *cause);

/* One socket a family for every ping of the process. */
struct lb_ping_socket {
	ev_io io;
	int fd;         /* -1 until opened */
	bool raw;       /* a raw socket (CAP_NET_RAW), not a ping socket (net.ipv4.ping_group_range) */
	uint16_t ident; /* of a raw socket; a ping socket's is the kernel's */
};

struct lb_prober {
	struct ev_loop *loop;
	struct lb_ping_socket ping[2]; /* IPv4, IPv6 */
	struct lb_probe **echoes;      /* owned: who waits for the reply with that sequence number */
	uint32_t echo_room, echo_next;
	uint64_t local_faults; /* probes that could not be made, since the start */
	uint32_t faults_told;  /* a bit for each fault that was logged and is not over */
	uint64_t faults_since; /* local_faults when the first of these was logged */
	double last_fault_at;
};

struct lb_probe {
	void *data; /* the caller's */
	struct lb_prober *prober;
	const struct lb_check
		*check; /* the caller's; valid until lb_probe_reconfigure() or lb_probe_stop() */
	const struct lb_probe_kind *kind;
	struct net_addr addr;
	uint16_t port;
	lb_probe_report_fn *report;
	bool started, asking;
	ev_timer timer;  /* the next probe's start, or this one's end */
	double next_at;  /* seconds, monotonic: when the next probe starts */
	double began_at; /* seconds, monotonic */
	double took_ms;  /* how long the last reported answer took */

	/* tcp */
	ev_io io;
	size_t sent;
	enum { LB_PROBE_CONNECTING, LB_PROBE_SENDING, LB_PROBE_READING } stage;
	struct lb_expect expect;

	/* ping */
	struct icmp_echo echo;
};

void lb_prober_init(struct lb_prober *prober, struct ev_loop *loop);

/*
 * Open the ping socket of AF_INET or AF_INET6, unless it is open: probes do it when they first need it, a
 * daemon that drops its capabilities does it before. Returns 0 or -errno; -EPERM when neither kind of socket
 * is allowed.
 */
int lb_prober_open_ping(struct lb_prober *prober, int family);

/* Close the sockets. Every probe must have been stopped. */
void lb_prober_close(struct lb_prober *prober);

/* Prepare a probe; nothing happens yet and nothing needs undoing. port is the backend's; check->port wins
 * over it. */
void lb_probe_init(struct lb_probe *probe, struct lb_prober *prober, const struct lb_check *check,
	const struct net_addr *addr, uint16_t port, lb_probe_report_fn *report, void *data);

/* Begin asking; with a check of type none, or when begun already, do nothing. */
void lb_probe_start(struct lb_probe *probe);

/* Stop asking and let go of sockets and watchers; the probe may then be freed, or started again. No report
 * comes. */
void lb_probe_stop(struct lb_probe *probe);

/*
 * Another config: must be called before the old check is freed. When what the probe sends and when is the
 * same, it goes on undisturbed; else a probe under way is dropped without a report and a started probe starts
 * anew.
 */
void lb_probe_reconfigure(
	struct lb_probe *probe, const struct lb_check *check, const struct net_addr *addr, uint16_t port);

#endif
