/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl as a whole against daemons that a test makes up: each runs in a child, with the real control server in front
 * of the test's handler. What is printed is compared with tests/unit/golden/ctl/NAME.out; TANDEM_GOLDEN=update writes
 * those files anew; read the difference then. The program's main() is included, so that all of it runs under the
 * sanitizers, each time in a child.
 */
#ifndef TANDEM_TESTS_TANDEMCTL_HARNESS_H
#define TANDEM_TESTS_TANDEMCTL_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>

#include "common/ctl_message.h"

#define GOLDEN          "tests/unit/golden/ctl/"
#define OUT_MAX         65536
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A run directory of the test's own, without daemons; tear_down stops those that run, and complains of what is left. */
int set_up(void **state);
int tear_down(void **state);

/* The daemon tandem-NAME in that directory. Stopping one that does not run is fine. */
void start_daemon(const char *name, ctl_handler handle);
void stop_daemon(const char *name);

/* Answers for handlers: GOLDEN NAME.data.json, and the request as it came. */
json_t *from_file(const char *name);
json_t *echo(void *ctx, const struct ctl_request *request);

/* Start tandemctl with these words (up to NULL) after -r; its output and errors go to fd. */
pid_t spawn(const char *const *words, int fd);
/* Append what comes from fd until it ends or shows `until` (NULL: its end), with the run directory's name as RUNDIR. */
void collect(int fd, const char *until, char out[OUT_MAX]);
/* Both; the exit status. */
int run_words(const char *const *words, char out[OUT_MAX]);

void compare(const char *name, const char *got);

struct golden {
	const char *name;
	int status;
	const char *words[10];
};

/* Run each, and compare what it prints and its exit status; change (may be NULL) sees the output before. */
void run_golden(const struct golden *cases, size_t count, void (*change)(char *out));

#endif
