/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run directory and its lock; see ctl_rundir.h. */
#include "common/ctl_rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNDIR_MODE 0750

static int pid_path(const char *rundir, const char *name, char *out, size_t size)
{
	int n = snprintf(out, size, "%s/%s.pid", rundir, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int make_rundir(const char *rundir, char *error, size_t error_size)
{
	struct stat st;

	if (mkdir(rundir, RUNDIR_MODE) == 0 && chmod(rundir, RUNDIR_MODE) == 0)
		return 0; /* the mode is ours, not the umask's */
	if (errno == EEXIST) {
		if (stat(rundir, &st) == 0 && S_ISDIR(st.st_mode))
			return 0;
		snprintf(error, error_size, "run directory %s is not a directory: name another with -r",
			rundir);
		return -ENOTDIR;
	}

	int err = errno;

	snprintf(error, error_size, "cannot make the run directory %s: %s%s", rundir, strerror(err),
		err == ENOENT ? " (its parent must exist)" : "");
	return -err;
}

/* The number in a pid file that another process has locked; 0 when it cannot be read. */
static long read_pid(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

static int write_pid(int fd, long pid)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", pid);

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return errno ? -errno : -EIO;
	return 0;
}

static bool is_at(const char *path, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

/* Open and lock the file that is at path once we have the lock: its last holder may have removed the one that
 * we opened. Returns the descriptor, or -errno; on -EALREADY *holder is the pid in the file. */
static int open_locked(const char *path, long *holder)
{
	int fd, err;

	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			err = errno == EWOULDBLOCK ? EALREADY : errno;
			*holder = read_pid(fd);
			close(fd);
			return -err;
		}
		if (is_at(path, fd))
			return fd;
		close(fd);
	}
}

int ctl_lock_rundir(const char *rundir, const char *name, char *error, size_t error_size)
{
	char path[4096];
	long holder = 0;
	int rc = make_rundir(rundir, error, error_size);

	if (rc < 0)
		return rc;
	rc = pid_path(rundir, name, path, sizeof(path));
	if (rc < 0) {
		snprintf(error, error_size, "the run directory's name is too long");
		return rc;
	}

	int fd = open_locked(path, &holder);

	if (fd == -EALREADY && holder > 0)
		snprintf(error, error_size,
			"tandem-%s already runs in %s as pid %ld: stop it, or give this one another "
			"directory with -r",
			name, rundir, holder);
	else if (fd == -EALREADY)
		snprintf(error, error_size,
			"tandem-%s already runs in %s: stop it, or give this one another directory with -r",
			name, rundir);
	else if (fd < 0)
		snprintf(error, error_size, "cannot lock %s: %s", path, strerror(-fd));
	if (fd < 0)
		return fd;
	rc = write_pid(fd, getpid());
	if (rc < 0) {
		snprintf(error, error_size, "cannot write %s: %s", path, strerror(-rc));
		ctl_unlock_rundir(fd, rundir, name);
		return rc;
	}
	return fd;
}

int ctl_keep_rundir(int *fd, const char *rundir, const char *name, char *error, size_t error_size)
{
	char path[4096];
	int rc = pid_path(rundir, name, path, sizeof(path)), again;
	long pid;

	if (rc < 0 || is_at(path, *fd))
		return 0; /* too long: then there is no lock */
	again = ctl_lock_rundir(rundir, name, error, error_size);
	if (again < 0)
		return again;
	pid = read_pid(*fd);
	if (pid > 0)
		write_pid(again, pid);
	close(*fd);
	*fd = again;
	return 1;
}

void ctl_unlock_rundir(int fd, const char *rundir, const char *name)
{
	char path[4096];

	if (fd < 0)
		return;
	if (pid_path(rundir, name, path, sizeof(path)) == 0)
		unlink(path);
	close(fd);
}

int ctl_socket_address(const char *rundir, const char *name, bool read_only, struct sockaddr_un *out)
{
	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;

	int n = snprintf(
		out->sun_path, sizeof(out->sun_path), "%s/%s%s.sock", rundir, name, read_only ? "-ro" : "");

	return n < 0 || (size_t)n >= sizeof(out->sun_path) ? -ENAMETOOLONG : 0;
}
