/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a socket is: /proc/PID/fd names the sockets that a process has open, by inode. Without privilege only the
 * processes of the same user can be looked into; how many could not is told. A picture of one moment.
 */
#ifndef TANDEM_COMMON_SOCK_OWNER_H
#define TANDEM_COMMON_SOCK_OWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SOCK_OWNER_NAME 16 /* TASK_COMM_LEN */

struct sock_owner {
	uint32_t inode;
	pid_t pid;
	int fd;
	char name[SOCK_OWNER_NAME]; /* the program's, of any bytes */
};

struct sock_owners {
	struct sock_owner *rows; /* owned; by inode, then pid, then fd */
	size_t count, room;
	size_t hidden; /* processes that could not be looked into */
};

/* 0 or -errno (-ENOMEM, or /proc cannot be read). What is in there before is forgotten. */
int sock_owners_load(struct sock_owners *owners);

/* The first owner of a socket, and how many there are: more than one after a fork(). NULL and 0 for none, as for inode 0. */
const struct sock_owner *sock_owners_of(const struct sock_owners *owners, uint32_t inode, size_t *count);

void sock_owners_clear(struct sock_owners *owners);

#endif
