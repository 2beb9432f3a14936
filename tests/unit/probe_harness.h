/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the probes share: a network namespace that the process makes for itself and that ends
 * with it, the loop, one question and its answer, and faults of our own. Needs root (the namespace, nft, raw
 * sockets).
 */
#ifndef TANDEM_TESTS_PROBE_HARNESS_H
#define TANDEM_TESTS_PROBE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>

#include "lb/lb_probe.h"

#define PORT_CLOSED   7001
#define PORT_DROPPED  7002
#define PORT_REJECTED 7003

extern struct ev_loop *loop;
extern struct lb_prober prober;
extern const struct lb_check tcp, ping; /* 100 ms apart, 80 ms long */

/* A probe and what it reported; the loop ends at the report that is wanted. */
struct asked {
	struct lb_probe probe;
	int reports, wanted;
	bool ok;
	char cause[512];
};

/* A network namespace of our own; false when that is not allowed, which is said in TAP. */
bool harness_enter(void);

/* The network in it and the loop: a group's setup and teardown. In it, on lo: tcp port 7002 drops, 7003 is
 * rejected by ICMP; pings to 127.0.0.8 and fd00::8 drop, to 127.0.0.9 and fd00::9 are rejected by ICMP. */
int harness_up(void **state);
int harness_down(void **state);

void on_report(struct lb_probe *probe, bool ok, const char *cause);

/* Run the loop until something breaks it, for so many seconds at the most. */
void run(double seconds);

/* Start a probe, run until it reported so often, stop it. */
void ask(struct asked *asked, const struct lb_check *check, const char *addr, uint16_t port, int wanted);
void expect_answer(const struct lb_check *check, const char *addr, uint16_t port, bool ok, const char *cause);

/* Run until so many probes could not be made, at most 10 s. */
void run_until_faults(uint64_t count);

/* A probe that must give no report, a counted fault of our own each time, and one line of log with these
 * words. */
void expect_local_fault(const struct lb_check *check, const char *addr, uint16_t port, const char *words);

/* Standard error into a file of ours; returns the old one, which count_lines() puts back. */
int capture_stderr(FILE **file);
int count_lines(FILE *file, int old_stderr, const char *with);

void write_sysctl(const char *path, const char *value);

/* Open pings anew: as ping sockets or as raw ones. */
void use_ping_sockets(bool datagram);

/* The process does nothing else for so long. */
void spin(double seconds);

#endif
