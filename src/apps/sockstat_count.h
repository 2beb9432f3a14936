/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets counted by protocol and state, and by process. Pure: a list and its owners in, rows out. */
#ifndef TANDEM_APPS_SOCKSTAT_COUNT_H
#define TANDEM_APPS_SOCKSTAT_COUNT_H

#include "common/sock_diag.h"
#include "common/sock_owner.h"

struct sockstat_state {
	size_t sockets;
	uint64_t recv_queue, send_queue; /* bytes; 0 for listeners, whose queues are something else */
	uint64_t waiting;                /* listeners: connections that wait for accept() */
	uint64_t drops;
};

struct sockstat_counts {
	struct sockstat_state of[SOCK_KINDS][SOCK_STATES];
};

enum sockstat_whose {
	SOCKSTAT_PROCESS,
	SOCKSTAT_KERNEL, /* no inode: the kernel goes on alone (time-wait), or no one has accepted it yet */
	SOCKSTAT_UNSEEN, /* of a process that cannot be looked into */
};

struct sockstat_process {
	enum sockstat_whose whose;
	pid_t pid;
	char name[SOCK_OWNER_NAME];
	size_t sockets;
	size_t of[SOCK_KINDS][SOCK_STATES];
};

void sockstat_count(const struct sock_row *rows, size_t count, struct sockstat_counts *out);

/* Processes by pid, then what no process has. A socket that several have counts for each, one that a process has twice
 * once. *out is the caller's to free; returns how many, or -ENOMEM. */
long sockstat_by_process(const struct sock_row *rows, size_t count, const struct sock_owners *owners,
	struct sockstat_process **out);

#endif
