/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One daemon of a name in a run directory, and what a killed one leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ctl_rundir.h"
#include "tmp_dir.h"

static char dir[TMP_DIR_MAX];

static int make_dir(void **state)
{
	return tmp_dir_make(dir);
}

static int remove_dir(void **state)
{
	return tmp_dir_remove(dir);
}

static void one_daemon_of_a_name_in_a_run_directory(void **state)
{
	char rundir[80], error[512], want[64], path[100];
	int ready[2], done[2], status;
	char byte;

	snprintf(rundir, sizeof(rundir), "%s/new", dir);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(done), 0);

	pid_t child = fork();

	if (child == 0) {
		close(done[1]);
		byte = ctl_lock_rundir(rundir, "lb", error, sizeof(error)) < 0 ? 'n' : 'y';
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		_exit(read(done[0], &byte, 1) < 0); /* dies with the lock: leaves the file behind */
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(ctl_lock_rundir(rundir, "lb", error, sizeof(error)), -EALREADY);
	snprintf(want, sizeof(want), "tandem-lb already runs in");
	assert_non_null(strstr(error, want));
	snprintf(want, sizeof(want), "as pid %ld:", (long)child);
	assert_non_null(strstr(error, want));

	int other = ctl_lock_rundir(rundir, "vrrp", error, sizeof(error));

	assert_true(other >= 0);
	ctl_unlock_rundir(other, rundir, "vrrp");
	close(done[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	snprintf(path, sizeof(path), "%s/lb.pid", rundir);
	assert_int_equal(access(path, F_OK), 0);

	int fd = ctl_lock_rundir(rundir, "lb", error, sizeof(error));

	assert_true(fd >= 0);
	ctl_unlock_rundir(fd, rundir, "lb");
	close(ready[0]);
	close(ready[1]);
	close(done[0]);
	assert_int_equal(rmdir(rundir), 0);
	assert_int_equal(ctl_lock_rundir("/nonexistent/tandem", "lb", error, sizeof(error)), -ENOENT);
	assert_int_equal(ctl_lock_rundir("/dev/null", "lb", error, sizeof(error)), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			one_daemon_of_a_name_in_a_run_directory, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
