/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose file is it that root is about to run; see vrrp_exec_check(). Walks the path as the kernel does, one component at
 * a time by descriptor, follows links itself and judges whatever it passes. Nobody but root can change a path that has
 * passed, so there is no race between this and the execve() that follows. Allocates nothing: it runs between fork()
 * and execve() too.
 */
#include "vrrp/vrrp_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's MAXSYMLINKS */

struct walk {
	const char *path;    /* as the config has it */
	char at[PATH_MAX];   /* where we are, without links and dots; "" is the root directory */
	char rest[PATH_MAX]; /* what is left to walk */
	int dir;             /* open directory: at */
	int links;
	char *error;
	size_t error_size;
};

static int refuse(struct walk *walk, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct walk *walk, int rc, const char *fmt, ...)
{
	int n = snprintf(walk->error, walk->error_size, "%.200s: ", walk->path);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < walk->error_size)
		vsnprintf(walk->error + n, walk->error_size - (size_t)n, fmt, ap);
	va_end(ap);
	return rc;
}

/* An access list that lets others write shows in the group's bits, so those may not be set for any group. A link's own
 * bits mean nothing. */
static int judge(struct walk *walk, const char *name, const struct stat *st)
{
	const char *slash = name[0] == '/' ? "" : "/";

	if (st->st_uid != 0)
		return refuse(walk, -EACCES, "%.300s%s%s belongs to user %u, not to root: chown root it",
			walk->at, slash, name, (unsigned)st->st_uid);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)))
		return refuse(walk, -EACCES, "%.300s%s%s may be written by others than root: chmod go-w it",
			walk->at, slash, name);
	return 0;
}

static int go_to_root(struct walk *walk)
{
	struct stat st;
	int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return refuse(walk, -errno, "/: %s", strerror(errno));
	if (walk->dir >= 0)
		close(walk->dir);
	walk->dir = dir;
	walk->at[0] = '\0';
	if (fstat(dir, &st) < 0)
		return refuse(walk, -errno, "/: %s", strerror(errno));
	return judge(walk, "/", &st);
}

static int go_into(struct walk *walk, const char *name)
{
	int dir = openat(walk->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	size_t len = strlen(walk->at);

	if (dir < 0)
		return refuse(walk, -errno, "%.300s/%s: %s", walk->at, name, strerror(errno));
	close(walk->dir);
	walk->dir = dir;
	if (!strcmp(name, "..")) {
		char *slash = strrchr(walk->at, '/');

		if (slash)
			*slash = '\0';
		return 0; /* passed and judged on the way down */
	}
	if (len + 1 + strlen(name) >= sizeof(walk->at))
		return refuse(walk, -ENAMETOOLONG, "the path is too long");
	snprintf(walk->at + len, sizeof(walk->at) - len, "/%s", name);
	return 0;
}

/* Put what a link says before what is left. */
static int follow(struct walk *walk, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(walk->dir, name, target, sizeof(target) - 1);
	size_t left = strlen(walk->rest);

	if (n < 0)
		return refuse(walk, -errno, "%.300s/%s: %s", walk->at, name, strerror(errno));
	if (++walk->links > LINKS_MAX)
		return refuse(walk, -ELOOP, "too many symbolic links");
	if ((size_t)n + 1 + left >= sizeof(walk->rest))
		return refuse(walk, -ENAMETOOLONG, "the path is too long");
	memmove(walk->rest + n + 1, walk->rest, left + 1);
	memcpy(walk->rest, target, (size_t)n);
	walk->rest[n] = '/';
	return n > 0 && target[0] == '/' ? go_to_root(walk) : 0;
}

/* Cut the next component off rest: true with it in name, false when there is none. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 2], bool *last)
{
	const char *begin = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(begin, "/");
	const char *after = begin + len;

	*last = after[strspn(after, "/")] == '\0';
	snprintf(name, NAME_MAX + 2, "%.*s", (int)(len <= NAME_MAX ? len : NAME_MAX + 1), begin);
	memmove(walk->rest, after, strlen(after) + 1);
	return len > 0;
}

static int judge_file(struct walk *walk, const char *name, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return refuse(
			walk, S_ISDIR(st->st_mode) ? -EISDIR : -EACCES, "it is no file that can be run");
	if (!(st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return refuse(walk, -EACCES, "%.300s/%s is not executable: chmod +x it", walk->at, name);
	return 0;
}

static int walk_on(struct walk *walk)
{
	char name[NAME_MAX + 2];
	bool last;
	struct stat st;
	int rc = go_to_root(walk);

	while (rc == 0 && next_name(walk, name, &last)) {
		if (!strcmp(name, "."))
			continue;
		if (fstatat(walk->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return refuse(walk, -errno, "%.300s/%s: %s", walk->at, name, strerror(errno));
		rc = judge(walk, name, &st);
		if (rc)
			return rc;
		if (S_ISLNK(st.st_mode))
			rc = follow(walk, name);
		else if (S_ISDIR(st.st_mode))
			rc = go_into(walk, name);
		else if (last)
			return judge_file(walk, name, &st);
		else
			return refuse(walk, -ENOTDIR, "%.300s/%s is no directory", walk->at, name);
	}
	return rc ? rc : refuse(walk, -EISDIR, "it is a directory");
}

int vrrp_exec_check(const char *path, char *error, size_t error_size)
{
	struct walk walk = {.path = path, .dir = -1, .error = error, .error_size = error_size};
	int rc;

	if (path[0] != '/')
		return refuse(&walk, -EINVAL, "not an absolute path");
	if (strlen(path) >= sizeof(walk.rest))
		return refuse(&walk, -ENAMETOOLONG, "the path is too long");
	strcpy(walk.rest, path);
	rc = walk_on(&walk);
	if (walk.dir >= 0)
		close(walk.dir);
	return rc;
}
