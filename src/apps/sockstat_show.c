/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sockstat prints; see sockstat_show.h. */
#include "apps/sockstat_show.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/sockstat_count.h"
#include "common/clean_text.h"
#include "common/sock_view.h"
#include "common/table.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void cell(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void cell(struct table *table, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(table, TABLE_PLAIN, text);
}

static void finish(struct table *table)
{
	table_print(table, stdout, false);
	table_free(table);
}

static const char *kind_text(const struct sock_row *row, char out[32])
{
	if (row->kind == SOCK_KIND_UNIX)
		snprintf(out, 32, "unix %s", sock_type_name(row->type));
	else
		snprintf(out, 32, "%s", sock_kind_name(row->kind));
	return out;
}

static void show_notes(const struct sockstat_found *found)
{
	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++)
		if (found->untold & 1u << kind)
			printf("\nthis kernel does not tell of %s sockets\n", sock_kind_name(kind));
	if (found->owners->hidden)
		printf("\n%zu processes of other users could not be looked into: root sees whose sockets these are\n",
			found->owners->hidden);
}

/* ---- summary ---- */

static void show_states(const struct sockstat_found *found)
{
	static const struct table_column columns[] = {{"PROTOCOL", TABLE_LEFT, 0}, {"STATE", TABLE_LEFT, 0},
		{"SOCKETS", TABLE_RIGHT, 0}, {"RECV-Q", TABLE_RIGHT, 0}, {"SEND-Q", TABLE_RIGHT, 0},
		{"TO ACCEPT", TABLE_RIGHT, 0}, {"DROPS", TABLE_RIGHT, 0}};
	struct table *table = table_new(columns, COUNT_OF(columns));
	struct sockstat_counts counts;

	sockstat_count(found->list->rows, found->list->count, &counts);
	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++) {
		for (int i = SOCK_STATE_ESTABLISHED; i < SOCK_STATES; i++) {
			const struct sockstat_state *state = &counts.of[kind][i];

			if (state->sockets == 0)
				continue;
			cell(table, "%s", sock_kind_name(kind));
			cell(table, "%s", sock_state_name(kind, i));
			cell(table, "%zu", state->sockets);
			if (i == SOCK_STATE_LISTEN) {
				cell(table, "-");
				cell(table, "-");
				cell(table, "%" PRIu64, state->waiting);
			} else {
				cell(table, "%" PRIu64, state->recv_queue);
				cell(table, "%" PRIu64, state->send_queue);
				cell(table, "-");
			}
			cell(table, "%" PRIu64, state->drops);
		}
	}
	finish(table);
}

static void show_listeners(const struct sockstat_found *found)
{
	static const struct table_column columns[] = {{"LISTENER", TABLE_LEFT, 0}, {"", TABLE_LEFT, 0},
		{"TO ACCEPT", TABLE_RIGHT, 0}, {"BACKLOG", TABLE_RIGHT, 0}, {"DROPS", TABLE_RIGHT, 0},
		{"PROCESS", TABLE_LEFT, 0}};
	struct table *table = NULL;
	char text[SOCK_VIEW_TEXT], kind[32];

	for (size_t i = 0; i < found->list->count; i++) {
		const struct sock_row *row = &found->list->rows[i];

		if (row->state != SOCK_STATE_LISTEN)
			continue;
		if (table == NULL)
			table = table_new(columns, COUNT_OF(columns));
		cell(table, "%s", kind_text(row, kind));
		cell(table, "%s", sock_view_local(row, text));
		cell(table, "%u", row->recv_queue);
		cell(table, "%u", row->send_queue);
		cell(table, "%u", row->drops);
		cell(table, "%s", sock_view_owners(row, found->owners, text));
	}
	if (table == NULL)
		return;
	printf("\n");
	finish(table);
}

static const char *process_name(const struct sockstat_process *process, char out[64])
{
	char name[SOCK_OWNER_NAME + 4];

	if (process->whose == SOCKSTAT_KERNEL)
		return "(the kernel alone)";
	if (process->whose == SOCKSTAT_UNSEEN)
		return "(not seen)";
	clean_text(name, sizeof(name), process->name);
	snprintf(out, 64, "%s(%d)", name, (int)process->pid);
	return out;
}

static void what_cell(struct table *table, const struct sockstat_process *process)
{
	char text[512] = "";
	size_t len = 0;

	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++)
		for (int i = SOCK_STATE_ESTABLISHED; i < SOCK_STATES; i++)
			if (process->of[kind][i] && len < sizeof(text))
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s %zu",
					len ? ", " : "", sock_kind_name(kind), sock_state_name(kind, i),
					process->of[kind][i]);
	cell(table, "%s", text);
}

static int show_processes(const struct sockstat_found *found)
{
	static const struct table_column columns[] = {
		{"PROCESS", TABLE_LEFT, 0}, {"SOCKETS", TABLE_RIGHT, 0}, {"WHICH", TABLE_LEFT, 0}};
	struct table *table = table_new(columns, COUNT_OF(columns));
	struct sockstat_process *processes;
	long count = sockstat_by_process(found->list->rows, found->list->count, found->owners, &processes);
	char text[64];

	for (long i = 0; i < count; i++) {
		cell(table, "%s", process_name(&processes[i], text));
		cell(table, "%zu", processes[i].sockets);
		what_cell(table, &processes[i]);
	}
	printf("\n");
	finish(table);
	free(processes);
	return count < 0 ? (int)count : 0;
}

int sockstat_show_summary(const struct sockstat_found *found)
{
	int rc = 0;

	if (found->list->count == 0) {
		printf("no such sockets\n");
	} else {
		show_states(found);
		show_listeners(found);
		rc = show_processes(found);
	}
	show_notes(found);
	return rc;
}

/* ---- one by one ---- */

void sockstat_show_list(const struct sockstat_found *found)
{
	static const struct table_column columns[] = {{"PROTOCOL", TABLE_LEFT, 0}, {"STATE", TABLE_LEFT, 0},
		{"RECV-Q", TABLE_RIGHT, 0}, {"SEND-Q", TABLE_RIGHT, 0}, {"LOCAL", TABLE_LEFT, 0},
		{"PEER", TABLE_LEFT, 0}, {"DROPS", TABLE_RIGHT, 0}, {"PROCESS", TABLE_LEFT, 0}};
	struct table *table = table_new(columns, COUNT_OF(columns));
	char text[SOCK_VIEW_TEXT], kind[32];

	for (size_t i = 0; i < found->list->count; i++) {
		const struct sock_row *row = &found->list->rows[i];

		cell(table, "%s", kind_text(row, kind));
		cell(table, "%s", sock_state_name(row->kind, row->state));
		cell(table, "%u", row->recv_queue);
		cell(table, "%u", row->send_queue);
		cell(table, "%s", sock_view_local(row, text));
		cell(table, "%s", sock_view_peer(row, text));
		cell(table, "%u", row->drops);
		cell(table, "%s", sock_view_owners(row, found->owners, text));
	}
	if (found->list->count)
		table_print(table, stdout, false);
	else
		printf("no such sockets\n");
	table_free(table);
	show_notes(found);
}

/* ---- JSON ---- */

static json_t *states_json(const struct sockstat_found *found)
{
	struct sockstat_counts counts;
	json_t *list = json_array();

	sockstat_count(found->list->rows, found->list->count, &counts);
	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++) {
		for (int i = SOCK_STATE_ESTABLISHED; i < SOCK_STATES; i++) {
			const struct sockstat_state *state = &counts.of[kind][i];

			if (state->sockets)
				json_array_append_new(
					list, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "protocol",
						      sock_kind_name(kind), "state", sock_state_name(kind, i),
						      "sockets", (json_int_t)state->sockets, "recv_queue",
						      (json_int_t)state->recv_queue, "send_queue",
						      (json_int_t)state->send_queue, "to_accept",
						      (json_int_t)state->waiting, "drops",
						      (json_int_t)state->drops));
		}
	}
	return list;
}

static json_t *process_json(const struct sockstat_process *process)
{
	static const char *const whose[] = {"process", "kernel", "unseen"};
	json_t *row = json_pack("{s:s,s:I,s:{}}", "whose", whose[process->whose], "sockets",
		(json_int_t)process->sockets, "states");
	json_t *states = json_object_get(row, "states");
	char name[SOCK_OWNER_NAME + 4];

	if (process->whose == SOCKSTAT_PROCESS) {
		clean_text(name, sizeof(name), process->name);
		json_object_set_new(row, "name", json_string(name));
		json_object_set_new(row, "pid", json_integer(process->pid));
	}
	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++) {
		json_t *of = json_object();

		for (int i = SOCK_STATE_ESTABLISHED; i < SOCK_STATES; i++)
			if (process->of[kind][i])
				json_object_set_new(of, sock_state_name(kind, i),
					json_integer((json_int_t)process->of[kind][i]));
		if (json_object_size(of))
			json_object_set(states, sock_kind_name(kind), of);
		json_decref(of);
	}
	return row;
}

int sockstat_show_json(const struct sockstat_found *found)
{
	struct sockstat_process *processes;
	long count = sockstat_by_process(found->list->rows, found->list->count, found->owners, &processes);
	json_t *by_process = json_array(), *sockets = json_array(), *untold = json_array(), *all;

	for (long i = 0; i < count; i++)
		json_array_append_new(by_process, process_json(&processes[i]));
	free(processes);
	for (size_t i = 0; i < found->list->count; i++)
		json_array_append_new(sockets, sock_view_json(&found->list->rows[i], found->owners));
	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++)
		if (found->untold & 1u << kind)
			json_array_append_new(untold, json_string(sock_kind_name(kind)));
	all = json_pack("{s:o,s:o,s:o,s:o,s:I}", "states", states_json(found), "processes", by_process,
		"sockets", sockets, "untold", untold, "hidden_processes", (json_int_t)found->owners->hidden);
	if (!all || count < 0) {
		json_decref(all);
		return -ENOMEM;
	}
	json_dumpf(all, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(all);
	return 0;
}
