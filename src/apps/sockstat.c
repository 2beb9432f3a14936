/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockstat: the sockets of this network namespace by state and by process, with their queues, as the kernel tells
 * them over netlink (sock_diag) and /proc/PID/fd says whose they are. It changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/sockstat_show.h"

struct sockstat {
	const struct cli_program *program;
	struct cli_list protocols, states, processes;
	uint64_t port; /* 0: any */
	bool list, json;
	uint32_t kinds, asked_states; /* bits */
	struct sock_owners owners;
};

static const uint32_t default_kinds =
	1u << SOCK_KIND_TCP | 1u << SOCK_KIND_UDP | 1u << SOCK_KIND_RAW | 1u << SOCK_KIND_MPTCP;

/* ---- what is wanted ---- */

static void read_filters(struct sockstat *s)
{
	for (size_t i = 0; i < s->protocols.count; i++) {
		const char *name = s->protocols.items[i];
		enum sock_kind kind = sock_kind_of(name);

		if (strcmp(name, "all") == 0)
			s->kinds = (1u << SOCK_KINDS) - 1;
		else if (kind == SOCK_KINDS)
			cli_fail(s->program,
				"--protocol: '%s' is none of tcp, udp, raw, mptcp, unix, packet and all",
				name);
		else
			s->kinds |= 1u << kind;
	}
	for (size_t i = 0; i < s->states.count; i++) {
		uint32_t states = sock_states_of(s->states.items[i]);

		if (states == 0)
			cli_fail(s->program,
				"--state: '%s' is none of established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, "
				"time-wait, close, unconnected, close-wait, last-ack, listen, closing, connected, "
				"synchronized and all",
				s->states.items[i]);
		s->asked_states |= states;
	}
	for (size_t i = 0; i < s->processes.count; i++) {
		if (s->processes.items[i][0] == '\0')
			cli_fail(s->program, "--process: '' is neither a name nor a pid");
	}
	if (s->asked_states == 0)
		s->asked_states = SOCK_STATES_ALL;
}

static bool is_process(const struct sock_owner *owner, const char *name_or_pid)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)owner->pid);
	/* The kernel keeps 15 characters of a name. */
	return strcmp(pid, name_or_pid) == 0 || strncmp(owner->name, name_or_pid, SOCK_OWNER_NAME - 1) == 0;
}

static bool is_of_processes(const struct sockstat *s, uint32_t inode)
{
	size_t count;
	const struct sock_owner *owner = sock_owners_of(&s->owners, inode, &count);

	for (size_t i = 0; i < count; i++)
		for (size_t n = 0; n < s->processes.count; n++)
			if (is_process(&owner[i], s->processes.items[n]))
				return true;
	return false;
}

static bool is_wanted(const struct sock_row *row, void *data)
{
	const struct sockstat *s = data;

	if (!(s->asked_states & 1u << row->state)) /* AF_PACKET answers whatever state is asked for */
		return false;
	if (s->port && row->local_port != s->port && row->peer_port != s->port)
		return false;
	return s->processes.count == 0 || is_of_processes(s, row->inode);
}

/* ---- what is there ---- */

static int by_place(const void *a, const void *b)
{
	const struct sock_row *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if ((x->state == SOCK_STATE_LISTEN) != (y->state == SOCK_STATE_LISTEN))
		return x->state == SOCK_STATE_LISTEN ? -1 : 1;
	if (x->local_port != y->local_port)
		return x->local_port < y->local_port ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return (x->peer_port > y->peer_port) - (x->peer_port < y->peer_port);
}

/* Fill the list; the exit status. A kind that the kernel does not know is a note, but where it was asked for. */
static int look(struct sockstat *s, struct sock_list *list, uint32_t *untold)
{
	uint32_t kinds = s->kinds ? s->kinds : default_kinds;
	int rc = sock_owners_load(&s->owners), status = 0;

	if (rc < 0) {
		fprintf(stderr, "%s: can't read whose sockets these are in /proc: %s\n", s->program->name,
			strerror(-rc));
		return 1;
	}
	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++) {
		if (!(kinds & 1u << kind))
			continue;
		rc = sock_dump(list, kind, s->asked_states, is_wanted, s);
		if (rc == -ENOENT) {
			*untold |= 1u << kind;
			status = s->kinds == 1u << kind ? 1 : status;
		} else if (rc < 0) {
			fprintf(stderr, "%s: can't list %s sockets: %s\n", s->program->name,
				sock_kind_name(kind), strerror(-rc));
			status = 1;
		}
	}
	if (list->count > 0)
		qsort(list->rows, list->count, sizeof(*list->rows), by_place);
	return status;
}

static int show(const struct sockstat *s, const struct sockstat_found *found)
{
	int rc = 0;

	if (s->json)
		rc = sockstat_show_json(found);
	else if (s->list)
		sockstat_show_list(found);
	else
		rc = sockstat_show_summary(found);
	if (rc < 0 || fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "%s: can't write the answer: %s\n", s->program->name,
			strerror(rc < 0 ? -rc : errno));
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockstat s = {};
	struct sock_list list = {};
	struct sockstat_found found = {.list = &list, .owners = &s.owners};
	int status;
	const struct cli_option options[] = {
		{"protocol", CLI_LIST, &s.protocols, 0, 0, "NAME",
			"tcp, udp, raw, mptcp, unix, packet or all; may be repeated (tcp, udp, raw, mptcp)"},
		{"state", CLI_LIST, &s.states, 0, 0, "NAME",
			"listen, established, time-wait, ..., connected; may be repeated (all)"},
		{"port", CLI_NUMBER, &s.port, 1, 65535, "N", "only with this port, at either end"},
		{"process", CLI_LIST, &s.processes, 0, 0, "NAME|PID", "only of these; may be repeated"},
		{"list", CLI_FLAG, &s.list, 0, 0, NULL, "a line for each socket instead of counts"},
		{"json", CLI_FLAG, &s.json, 0, 0, NULL, "everything as JSON"},
	};
	const struct cli_program program = {
		.name = "sockstat",
		.args = "",
		.summary =
			"Sockets of this network namespace: how many by state and by process, and each listener's\n"
			"connections that wait for accept() (TO ACCEPT) beside how many may (BACKLOG).\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};

	cli_parse(&program, argc, argv);
	s.program = &program;
	read_filters(&s);
	status = look(&s, &list, &found.untold);
	if (show(&s, &found) != 0)
		status = 1;
	sock_list_clear(&list);
	sock_owners_clear(&s.owners);
	return status;
}
