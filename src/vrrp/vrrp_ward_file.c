/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ward's file: found or begun anew, mapped, given memory as it is needed. What stands in it is vrrp_ward.c's.
 *
 * The file is sparse. Memory comes by posix_fallocate() just before a slot is used for the first time, because a hole that
 * is touched when the file system is full ends the process (SIGBUS).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_ward_layout.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define NETNS_PATH   "/proc/self/ns/net"

int vrrp_ward_allocate(int fd, size_t offset, size_t len)
{
	int err;

	do
		err = posix_fallocate(fd, (off_t)offset, (off_t)len);
	while (err == EINTR);
	return err ? -ENOSPC : 0;
}

/* What a file of now begins with, but for its tables. */
static int make_header(struct ward_header *header, char *error, size_t error_size)
{
	int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, header->boot_id, sizeof(header->boot_id) - 1);
	struct stat st;

	if (fd >= 0)
		close(fd);
	if (got < 36) {
		snprintf(error, error_size, "cannot read %s: mount /proc", BOOT_ID_PATH);
		return -ENOENT;
	}
	header->boot_id[36] = '\0';
	memset(header->boot_id + 36, 0, sizeof(header->boot_id) - 36);
	if (stat(NETNS_PATH, &st) < 0) {
		snprintf(error, error_size, "cannot look at %s: mount /proc", NETNS_PATH);
		return -ENOENT;
	}
	header->netns = st.st_ino;
	memcpy(header->magic, WARD_MAGIC, sizeof(header->magic));
	header->version = WARD_VERSION;
	header->size = sizeof(struct ward_file);
	return 0;
}

static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_uid == 0 || st->st_uid == geteuid()) && st->st_nlink == 1 &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int open_file(const char *path, char *error, size_t error_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	int err = errno;
	struct stat st;

	if (fd < 0) {
		snprintf(error, error_size, "cannot open %s: %s%s", path, strerror(err),
			err == ELOOP ? " (it is a symbolic link: remove it)" : "");
		return -err;
	}
	if (fstat(fd, &st) < 0 || !is_ours(&st)) {
		close(fd);
		snprintf(error, error_size,
			"%s is not a file of ours (a regular one, root's, that nobody else may write to): remove it",
			path);
		return -EPERM;
	}
	fchmod(fd, 0600); /* made by an older umask, or opened for reading by somebody */
	return fd;
}

/* Does the file in fd say what a file of now says, with tables that stay in their bounds? */
static bool is_current(int fd, const struct ward_header *want)
{
	struct ward_header found;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size != (off_t)sizeof(struct ward_file) ||
		pread(fd, &found, sizeof(found), 0) != (ssize_t)sizeof(found))
		return false;
	if (memcmp(found.magic, want->magic, sizeof(found.magic)) || found.version != want->version ||
		found.size != want->size || found.netns != want->netns ||
		memcmp(found.boot_id, want->boot_id, sizeof(found.boot_id)))
		return false;
	for (size_t i = 0; i < WARD_TABLES; i++)
		if (found.used[i] > ward_places[i].max)
			return false;
	return true;
}

/* Empty and of the right length; the header has memory. */
static int begin_anew(int fd)
{
	if (ftruncate(fd, 0) < 0 || ftruncate(fd, sizeof(struct ward_file)) < 0)
		return -errno;
	return 0;
}

static int map_file(struct vrrp_ward *ward, const struct ward_header *want, bool anew)
{
	struct ward_header *header;
	int err = vrrp_ward_allocate(ward->fd, 0, sizeof(*header));

	if (err)
		return err;
	ward->file = mmap(NULL, sizeof(*ward->file), PROT_READ | PROT_WRITE, MAP_SHARED, ward->fd, 0);
	if (ward->file == MAP_FAILED) {
		err = -errno;
		ward->file = NULL;
		return err;
	}
	header = &ward->file->header;
	for (size_t i = 0; i < WARD_TABLES && !anew; i++)
		if (header->used[i] && (err = vrrp_ward_allocate(ward->fd, ward_places[i].offset,
						header->used[i] * ward_places[i].stride)))
			return err;
	if (!anew)
		return 0;
	memcpy(header->boot_id, want->boot_id, sizeof(header->boot_id));
	header->netns = want->netns;
	header->version = want->version;
	header->size = want->size;
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(header->magic, want->magic, sizeof(header->magic));
	return 0;
}

int vrrp_ward_open(struct vrrp_ward **out, const char *rundir, char *error, size_t error_size)
{
	struct vrrp_ward *ward = calloc(1, sizeof(*ward));
	struct ward_header want = {};
	bool anew;
	int err;

	if (!ward || asprintf(&ward->path, "%s/" WARD_FILE, rundir) < 0) {
		free(ward);
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	ward->fd = -1;
	err = make_header(&want, error, error_size);
	if (!err && (ward->fd = open_file(ward->path, error, error_size)) < 0)
		err = ward->fd;
	if (err)
		goto fail;
	anew = !is_current(ward->fd, &want);
	err = anew ? begin_anew(ward->fd) : 0;
	if (!err)
		err = map_file(ward, &want, anew);
	if (err) {
		snprintf(error, error_size, "cannot map %s: %s", ward->path, strerror(-err));
		goto fail;
	}
	vrrp_ward_scrub(ward);
	*out = ward;
	return 0;
fail:
	vrrp_ward_close(ward, false);
	return err;
}

void vrrp_ward_close(struct vrrp_ward *ward, bool remove)
{
	if (!ward)
		return;
	if (remove)
		unlink(ward->path);
	if (ward->file)
		munmap(ward->file, sizeof(*ward->file));
	if (ward->fd >= 0)
		close(ward->fd);
	free(ward->path);
	free(ward);
}
