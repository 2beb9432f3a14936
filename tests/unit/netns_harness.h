/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network namespace of the test's own, with a small dataplane in it and an event loop: for tests of what
 * drives the kernel. The namespace and all in it goes with the process.
 */
#ifndef TANDEM_TESTS_NETNS_HARNESS_H
#define TANDEM_TESTS_NETNS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include "lb/lb_bpf.h"

extern struct ev_loop *loop;

/* Enter a new namespace; false: no privilege, the tests are to be skipped. */
bool enter_netns(void);

/* Run a shell command line that must succeed. */
void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Run the loop until done(data) is true; fails the test after 20 s. */
void until(bool (*done)(void *data), void *data);

/* Sizes for tests. */
struct lb_bpf_sizes small_sizes(void);

#endif
