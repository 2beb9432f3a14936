/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

#define LINES 20000 /* of some 60 bytes: more than a pipe or socket holds */

/* Standard error is the end of a pair that nobody reads. */
static void speak_to(const int ends[2], int *before)
{
	*before = dup(STDERR_FILENO);
	assert_true(*before >= 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
}

static void be_quiet(int before)
{
	dup2(before, STDERR_FILENO);
	close(before);
}

/* All that waits there; returns the number of lines. */
static size_t drain(int fd, char *last, size_t size)
{
	char buf[65536];
	size_t lines = 0, kept = 0;
	ssize_t n;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			lines += buf[i] == '\n';
			if (kept < size - 1)
				last[kept++] = buf[i];
		}
	last[kept] = 0;
	return lines;
}

static void nobody_reads(const int ends[2])
{
	static char text[4096];
	char want[64];
	int before;
	size_t lines;

	alarm(60); /* were it to wait, it would wait for ever */
	speak_to(ends, &before);
	for (int i = 0; i < LINES; i++)
		log_info("line %d that nobody reads, and that fills what there is", i);
	lines = drain(ends[0], text, sizeof(text));
	assert_in_range(lines, 1, LINES - 1);
	assert_non_null(strstr(text, "line 0 that"));

	log_info("somebody reads again");
	be_quiet(before);
	snprintf(want, sizeof(want), " %zu lines of the log were lost: nobody read it\n", LINES - lines);
	assert_int_equal(drain(ends[0], text, sizeof(text)), 2);
	assert_non_null(strstr(text, want));
	assert_non_null(strstr(strstr(text, want), "somebody reads again\n"));
	close(ends[0]);
	alarm(0);
}

static void a_pipe_that_nobody_reads_is_not_waited_for(void **state)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	nobody_reads(ends);
}

static void nor_is_a_journal(void **state)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	nobody_reads(ends);
}

static void a_level_above_is_not_written(void **state)
{
	char text[256];
	int ends[2], before;

	assert_int_equal(pipe(ends), 0);
	speak_to(ends, &before);
	log_debug("not this");
	log_error("but this");
	be_quiet(before);
	assert_int_equal(drain(ends[0], text, sizeof(text)), 1);
	assert_non_null(strstr(text, " error test: but this\n"));
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_that_nobody_reads_is_not_waited_for),
		cmocka_unit_test(nor_is_a_journal),
		cmocka_unit_test(a_level_above_is_not_written),
	};

	log_open("test", LOG_LEVEL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
