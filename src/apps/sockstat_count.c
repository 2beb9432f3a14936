/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets counted; see sockstat_count.h. */
#include "apps/sockstat_count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sockstat_count(const struct sock_row *rows, size_t count, struct sockstat_counts *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		const struct sock_row *row = &rows[i];
		struct sockstat_state *state = &out->of[row->kind][row->state];

		state->sockets++;
		state->drops += row->drops;
		if (row->state == SOCK_STATE_LISTEN) {
			state->waiting += row->recv_queue;
		} else {
			state->recv_queue += row->recv_queue;
			state->send_queue += row->send_queue;
		}
	}
}

/* A process has a socket. */
struct has {
	enum sockstat_whose whose;
	const struct sock_owner *owner; /* NULL unless it is a process */
	const struct sock_row *row;
};

static int by_process(const void *a, const void *b)
{
	const struct has *x = a, *y = b;

	if (x->whose != y->whose)
		return x->whose < y->whose ? -1 : 1;
	if (x->whose == SOCKSTAT_PROCESS && x->owner->pid != y->owner->pid)
		return x->owner->pid < y->owner->pid ? -1 : 1;
	return 0;
}

static size_t list(const struct sock_row *row, const struct sock_owners *owners, struct has *out)
{
	size_t owned, n = 0;
	const struct sock_owner *owner = sock_owners_of(owners, row->inode, &owned);

	for (size_t i = 0; i < owned; i++)
		if (i == 0 || owner[i].pid != owner[i - 1].pid)
			out[n++] = (struct has){SOCKSTAT_PROCESS, &owner[i], row};
	if (n == 0)
		out[n++] = (struct has){row->inode ? SOCKSTAT_UNSEEN : SOCKSTAT_KERNEL, NULL, row};
	return n;
}

static size_t most(const struct sock_row *rows, size_t count, const struct sock_owners *owners)
{
	size_t sum = 0, owned;

	for (size_t i = 0; i < count; i++) {
		sock_owners_of(owners, rows[i].inode, &owned);
		sum += owned ? owned : 1;
	}
	return sum;
}

long sockstat_by_process(const struct sock_row *rows, size_t count, const struct sock_owners *owners,
	struct sockstat_process **out)
{
	size_t room = most(rows, count, owners), n = 0, processes = 0;
	struct has *all = calloc(room + 1, sizeof(*all));

	*out = NULL;
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		n += list(&rows[i], owners, all + n);
	qsort(all, n, sizeof(*all), by_process);
	for (size_t i = 0; i < n; i++)
		processes += i == 0 || by_process(&all[i - 1], &all[i]) != 0;
	*out = calloc(processes + 1, sizeof(**out));
	if (!*out) {
		free(all);
		return -ENOMEM;
	}
	for (size_t i = 0, at = 0; i < n; i++) {
		struct sockstat_process *process;

		at += i > 0 && by_process(&all[i - 1], &all[i]) != 0;
		process = &(*out)[at];
		process->whose = all[i].whose;
		if (all[i].owner) {
			process->pid = all[i].owner->pid;
			memcpy(process->name, all[i].owner->name, sizeof(process->name));
		}
		process->sockets++;
		process->of[all[i].row->kind][all[i].row->state]++;
	}
	free(all);
	return (long)processes;
}
