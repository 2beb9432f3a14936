/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening on a path; see ctl_listen.h. */
#include "common/ctl_listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 64

/* 0 when nobody listens there, -EADDRINUSE when somebody does, else why it could not be found out. */
static int probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? EADDRINUSE : errno;
	close(fd);
	if (err == ECONNREFUSED || err == ENOENT)
		return 0;
	if (err == EAGAIN || err == EPROTOTYPE) /* its queue is full, or it is of another type: alive */
		return -EADDRINUSE;
	return -err;
}

static int clear_path(const struct sockaddr_un *address, char *error, size_t error_size)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		snprintf(error, error_size, "cannot look at %s: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, error_size, "%s is in the way and is not a socket: remove it", path);
		return -EEXIST;
	}

	int rc = probe(address);

	if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
		rc = -errno;
	if (rc == -EADDRINUSE)
		snprintf(error, error_size,
			"another process listens on %s: stop it, or use another directory with -r", path);
	else if (rc < 0)
		snprintf(error, error_size, "cannot replace %s: %s", path, strerror(-rc));
	return rc;
}

int ctl_listen(const struct sockaddr_un *address, mode_t mode, char *error, size_t error_size)
{
	int rc = clear_path(address, error, error_size);

	if (rc < 0)
		return rc;

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		rc = -errno;
		snprintf(error, error_size, "cannot make a Unix socket: %s", strerror(-rc));
		return rc;
	}

	/* The mode comes from the umask at bind: a chmod after it would leave a moment of another mode. */
	mode_t umask_before = umask(0777 & ~mode);
	int bound = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	rc = -errno;
	umask(umask_before);
	if (bound < 0) {
		snprintf(error, error_size, "cannot listen on %s: %s", address->sun_path, strerror(-rc));
		close(fd);
		return rc;
	}
	if (listen(fd, BACKLOG) < 0) {
		rc = -errno;
		snprintf(error, error_size, "cannot listen on %s: %s", address->sun_path, strerror(-rc));
		unlink(address->sun_path);
		close(fd);
		return rc;
	}
	return fd;
}
