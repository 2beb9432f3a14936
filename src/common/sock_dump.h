/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the kernel for the sockets of a network namespace: this process's, or that of another. Blocks until the
 * answer is whole; for programs that people wait for, not for event loops.
 */
#ifndef TANDEM_COMMON_SOCK_DUMP_H
#define TANDEM_COMMON_SOCK_DUMP_H

#include <sys/types.h>

#include "common/sock_diag.h"

struct sock_list {
	struct sock_row *rows; /* owned */
	size_t count, room;
};

/* Which rows are worth keeping; data is the caller's. */
typedef bool sock_dump_wanted(const struct sock_row *row, void *data);

/* Add the sockets of a kind that are in one of the states (bits, 1 << state) to the list; of both families where the
 * kind is of IP. wanted may be NULL: all. 0, -ENOENT: this kernel does not tell of such sockets, or -errno;
 * what came before an error stays in the list. The kernel lists in parts: a socket that begins, ends or changes its
 * state meanwhile may be missing, or be there twice. */
int sock_dump(
	struct sock_list *list, enum sock_kind kind, uint32_t states, sock_dump_wanted *wanted, void *data);

void sock_list_clear(struct sock_list *list);

/* From here on this process is in the network namespace of that one. 0 (also when it is there already), or -errno;
 * -EPERM without CAP_SYS_ADMIN. */
int sock_dump_enter(pid_t pid);

#endif
