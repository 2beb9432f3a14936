/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/daemon_options.h"

static struct daemon_options options;
static bool one, two;

static int read_line(char **argv)
{
	const struct daemon_flag flags[] = {{"one", &one}, {"two", &two}};
	int argc = 0;

	while (argv[argc])
		argc++;
	one = two = false;
	optind = 0; /* getopt_long() begins anew */
	return daemon_options_read("tandem-test", "usage\n", flags, 2, argc, argv, &options);
}

#define READ(...) read_line((char *[]){"tandem-test", ##__VA_ARGS__, NULL})

static void test_defaults(void **state)
{
	assert_int_equal(READ(), 0);
	assert_string_equal(options.config, DAEMON_CONFIG_DEFAULT);
	assert_string_equal(options.run_dir, CTL_RUNDIR_DEFAULT);
	assert_null(options.node);
	assert_false(options.test || options.verbose || one || two);
}

static void test_every_option(void **state)
{
	assert_int_equal(READ("-c", "file", "-n", "b", "-r", "dir", "-tv", "--two"), 0);
	assert_string_equal(options.config, "file");
	assert_string_equal(options.node, "b");
	assert_string_equal(options.run_dir, "dir");
	assert_true(options.test && options.verbose && two);
	assert_false(one);
}

static void test_refused(void **state)
{
	assert_int_equal(READ("-x"), -EINVAL);
	assert_int_equal(READ("-c"), -EINVAL);
	assert_int_equal(READ("--three"), -EINVAL);
	assert_int_equal(READ("--one=1"), -EINVAL);
	assert_int_equal(READ("-t", "file"), -EINVAL);
	assert_int_equal(READ(""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
