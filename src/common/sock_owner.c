/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of processes, read from /proc; see sock_owner.h. */
#include "common/sock_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A whole decimal number in 0..max, or -1. */
static long long number_of(const char *text, const char *end, long long max)
{
	long long value = 0;

	if (text == end)
		return -1;
	for (; text != end; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
		if (value > max)
			return -1;
	}
	return value;
}

/* "socket:[12345]" to 12345; 0 for a file that is no socket. */
static uint32_t inode_of(const char *link)
{
	const char *begin = link + strlen("socket:["), *end = strchr(link, ']');
	long long inode;

	if (strncmp(link, "socket:[", strlen("socket:[")) != 0 || end == NULL || end[1] != '\0')
		return 0;
	inode = number_of(begin, end, UINT32_MAX);
	return inode < 0 ? 0 : (uint32_t)inode;
}

static int add(struct sock_owners *owners, const struct sock_owner *owner)
{
	if (owners->count == owners->room) {
		size_t room = owners->room ? owners->room * 2 : 256;
		struct sock_owner *rows = reallocarray(owners->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		owners->rows = rows;
		owners->room = room;
	}
	owners->rows[owners->count++] = *owner;
	return 0;
}

static void read_name(int process, char name[SOCK_OWNER_NAME])
{
	int fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, name, SOCK_OWNER_NAME - 1);

	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

/* A process may end while it is looked into: what is not there is passed over. */
static int look_into(struct sock_owners *owners, int process, pid_t pid)
{
	int at = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = at < 0 ? NULL : fdopendir(at);
	struct sock_owner owner = {.pid = pid};
	const struct dirent *entry;

	if (dir == NULL) {
		if (errno == EACCES || errno == EPERM)
			owners->hidden++;
		if (at >= 0)
			close(at);
		return 0;
	}
	while (!rc && (entry = readdir(dir)) != NULL) {
		char link[64];
		long long fd = number_of(entry->d_name, entry->d_name + strlen(entry->d_name), INT_MAX);
		ssize_t n = fd < 0 ? -1 : readlinkat(at, entry->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		owner.inode = inode_of(link);
		owner.fd = (int)fd;
		if (owner.inode == 0)
			continue;
		if (owner.name[0] == '\0')
			read_name(process, owner.name);
		rc = add(owners, &owner);
	}
	closedir(dir);
	return rc;
}

static int by_inode(const void *a, const void *b)
{
	const struct sock_owner *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

int sock_owners_load(struct sock_owners *owners)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int rc = 0;

	sock_owners_clear(owners);
	if (proc == NULL)
		return -errno;
	while (!rc && (entry = readdir(proc)) != NULL) {
		long long pid = number_of(entry->d_name, entry->d_name + strlen(entry->d_name), INT_MAX);
		int process =
			pid <= 0 ? -1
				 : openat(dirfd(proc), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (process < 0)
			continue;
		rc = look_into(owners, process, (pid_t)pid);
		close(process);
	}
	closedir(proc);
	if (owners->count > 0)
		qsort(owners->rows, owners->count, sizeof(*owners->rows), by_inode);
	return rc;
}

const struct sock_owner *sock_owners_of(const struct sock_owners *owners, uint32_t inode, size_t *count)
{
	size_t low = 0, high = owners->count;

	while (low < high) { /* the first that is not smaller */
		size_t middle = low + (high - low) / 2;

		if (owners->rows[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	high = low;
	while (high < owners->count && owners->rows[high].inode == inode)
		high++;
	*count = high - low;
	return *count ? &owners->rows[low] : NULL;
}

void sock_owners_clear(struct sock_owners *owners)
{
	free(owners->rows);
	*owners = (struct sock_owners){};
}
