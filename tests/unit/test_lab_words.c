/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What addrbind and simple_nc make of an errno: the words, and the exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "apps/bind_words.h"
#include "apps/nc_end.h"

static const struct bind_limits limits = {.port_first = 1000, .port_last = 2000, .unprivileged = 100};

static void says(const struct bind_question *asked, int error, const char *want)
{
	char words[512];

	bind_words_failure(asked, &limits, error, words, sizeof(words));
	print_message("%s\n", words);
	assert_non_null(strstr(words, want));
	assert_null(strchr(words, '\n'));
}

static void why_bind_failed(void **state)
{
	struct bind_question asked = {.transport = "TCP", .addr = "10.0.3.1", .port = 80};

	says(&asked, EADDRINUSE, "in use: another TCP socket has port 80");
	says(&asked, EADDRNOTAVAIL,
		"not local: no interface of this machine (this network namespace) has the address 10.0.3.1");
	says(&asked, EACCES, "privileged port: below 100 (");
	asked.port = 100;
	says(&asked, EACCES, "not allowed");
	says(&asked, EINVAL, strerror(EINVAL));
	says(&asked, EAFNOSUPPORT, "no such family");
	says(&asked, ENOMEM, strerror(ENOMEM));
	asked.addr = "fe80::1";
	asked.link_local = true;
	says(&asked, EINVAL, "fe80::1%INTERFACE");
}

static void chosen(const struct bind_question *asked, const char *want)
{
	char words[512];

	bind_words_choice(asked, &limits, 1234, words, sizeof(words));
	assert_string_equal(words, want);
}

static void what_the_kernel_chose(void **state)
{
	struct bind_question asked = {.transport = "UDP", .addr = "127.0.0.1", .port = 80};
	static const char ephemeral[] = "ephemeral port: asked for 0, the kernel chose 1234 of 1000 to 2000 "
					"(net.ipv4.ip_local_port_range)\n";

	chosen(&asked, "");
	asked.port = 0;
	chosen(&asked, ephemeral);
	asked = (struct bind_question){.transport = "UDP", .addr = "0.0.0.0", .port = 80, .wildcard = true};
	chosen(&asked, "wildcard: every IPv4 address of this machine, those it gets later too\n");
	asked.addr = "::";
	chosen(&asked, "wildcard: every IPv6 address of this machine, those it gets later too\n");
	asked.both_families = true;
	chosen(&asked, "wildcard: every IPv6 and IPv4 address of this machine, those it gets later too\n");
}

static void ends(void **state)
{
	const struct nc_story syn = {.connected = false}, open = {.connected = true},
			      half = {.connected = true, .fin_received = true};

	assert_int_equal(nc_end_of(&syn, ECONNREFUSED), NC_END_REFUSED);
	assert_int_equal(nc_end_of(&syn, ETIMEDOUT), NC_END_TIMEOUT);
	assert_int_equal(nc_end_of(&syn, EHOSTUNREACH), NC_END_UNREACHABLE);
	assert_int_equal(nc_end_of(&syn, ENETUNREACH), NC_END_UNREACHABLE);
	assert_int_equal(nc_end_of(&open, ECONNRESET), NC_END_RESET);
	assert_int_equal(nc_end_of(&open, EPIPE), NC_END_OTHER);
	assert_int_equal(nc_end_of(&half, EPIPE), NC_END_RESET);
	assert_int_equal(nc_end_of(&open, ETIMEDOUT), NC_END_TIMEOUT);
	assert_int_equal(nc_end_of(&open, ENOMEM), NC_END_OTHER);

	assert_non_null(strstr(nc_end_words(&half, NC_END_RESET), "RST after the peer's FIN"));
	assert_non_null(strstr(nc_end_words(&open, NC_END_RESET), "RST from the peer"));
	assert_non_null(strstr(nc_end_words(&syn, NC_END_TIMEOUT), "no answer at all to the SYN"));
	assert_non_null(strstr(nc_end_words(&open, NC_END_TIMEOUT), "acknowledges"));
	assert_string_not_equal(
		nc_end_words(&syn, NC_END_UNREACHABLE), nc_end_words(&open, NC_END_UNREACHABLE));
}

/* The documented exit status is what the lab's exercises look at. */
static void statuses(void **state)
{
	assert_int_equal(NC_END_FIN, 0);
	assert_int_equal(NC_END_OTHER, 1);
	assert_int_equal(NC_END_RESET, 3);
	assert_int_equal(NC_END_REFUSED, 4);
	assert_int_equal(NC_END_TIMEOUT, 5);
	assert_int_equal(NC_END_UNREACHABLE, 6);
	assert_int_equal(NC_END_QUIET, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(why_bind_failed),
		cmocka_unit_test(what_the_kernel_chose),
		cmocka_unit_test(ends),
		cmocka_unit_test(statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
