/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets counted: by state with what listeners mean by their queues, by process with shared and lost ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/sockstat_count.h"

#define T SOCK_KIND_TCP
#define U SOCK_KIND_UDP

static const struct sock_row rows[] = {
	{.kind = T, .state = SOCK_STATE_LISTEN, .inode = 10, .recv_queue = 3, .send_queue = 128, .drops = 1},
	{.kind = T, .state = SOCK_STATE_LISTEN, .inode = 11, .recv_queue = 2, .send_queue = 128},
	{.kind = T, .state = SOCK_STATE_ESTABLISHED, .inode = 12, .recv_queue = 100, .send_queue = 5},
	{.kind = T, .state = SOCK_STATE_ESTABLISHED, .inode = 13, .recv_queue = UINT32_MAX, .send_queue = 5},
	{.kind = T, .state = SOCK_STATE_TIME_WAIT},
	{.kind = T, .state = SOCK_STATE_TIME_WAIT},
	{.kind = U, .state = SOCK_STATE_CLOSE, .inode = 14, .drops = 7},
};

#define COUNT (sizeof(rows) / sizeof(rows[0]))

static void test_states(void **state)
{
	struct sockstat_counts counts;

	sockstat_count(rows, COUNT, &counts);
	assert_int_equal(counts.of[T][SOCK_STATE_LISTEN].sockets, 2);
	assert_int_equal(counts.of[T][SOCK_STATE_LISTEN].waiting, 5);
	assert_int_equal(counts.of[T][SOCK_STATE_LISTEN].recv_queue, 0);
	assert_int_equal(counts.of[T][SOCK_STATE_LISTEN].send_queue, 0);
	assert_int_equal(counts.of[T][SOCK_STATE_LISTEN].drops, 1);
	assert_int_equal(counts.of[T][SOCK_STATE_ESTABLISHED].recv_queue, 100ull + UINT32_MAX);
	assert_int_equal(counts.of[T][SOCK_STATE_ESTABLISHED].send_queue, 10);
	assert_int_equal(counts.of[T][SOCK_STATE_TIME_WAIT].sockets, 2);
	assert_int_equal(counts.of[U][SOCK_STATE_CLOSE].drops, 7);
	assert_int_equal(counts.of[U][SOCK_STATE_LISTEN].sockets, 0);
}

static void test_processes(void **state)
{
	/* 12 is twice in one process and once in another; 13 is nobody's that is seen. */
	struct sock_owner has[] = {{10, 500, 3, "server"}, {11, 500, 4, "server"}, {12, 90, 7, "child"},
		{12, 500, 5, "server"}, {12, 500, 6, "server"}, {14, 90, 3, "child"}, {99, 7, 3, "other"}};
	const struct sock_owners owners = {.rows = has, .count = sizeof(has) / sizeof(has[0])};
	struct sockstat_process *p;

	assert_int_equal(sockstat_by_process(rows, COUNT, &owners, &p), 4);
	assert_int_equal(p[0].whose, SOCKSTAT_PROCESS);
	assert_int_equal(p[0].pid, 90);
	assert_string_equal(p[0].name, "child");
	assert_int_equal(p[0].sockets, 2);
	assert_int_equal(p[0].of[U][SOCK_STATE_CLOSE], 1);
	assert_int_equal(p[1].pid, 500);
	assert_int_equal(p[1].sockets, 3);
	assert_int_equal(p[1].of[T][SOCK_STATE_LISTEN], 2);
	assert_int_equal(p[1].of[T][SOCK_STATE_ESTABLISHED], 1);
	assert_int_equal(p[2].whose, SOCKSTAT_KERNEL);
	assert_int_equal(p[2].of[T][SOCK_STATE_TIME_WAIT], 2);
	assert_int_equal(p[3].whose, SOCKSTAT_UNSEEN);
	assert_int_equal(p[3].sockets, 1);
	free(p);
}

static void test_none(void **state)
{
	const struct sock_owners owners = {};
	struct sockstat_process *p;

	assert_int_equal(sockstat_by_process(rows, 0, &owners, &p), 0);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
