/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl vrrp [INSTANCE]: who has the addresses and why, a row for each instance; or everything about one. */
#include "ctl/command.h"

#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/nearest.h"
#include "ctl/vrrp_row.h"

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TEXT,
		.key = "instance",
		.metavar = "INSTANCE",
		.help = "all about this one, or about a group's members"},
};

/* ---- the table ---- */

static void since(const json_t *row, char out[VIEW_TEXT_MAX])
{
	view_time_ago(row, "since_ms", out);
}

static void active(const json_t *row, char out[VIEW_TEXT_MAX])
{
	const char *address = view_text(row, "active");

	snprintf(out, VIEW_TEXT_MAX, "%.100s", *address ? address : "-");
}

static void addresses(const json_t *row, char out[VIEW_TEXT_MAX])
{
	const json_t *list = json_object_get(row, "addresses");
	const char *first = json_string_value(json_array_get(list, 0));

	if (!first)
		first = "-";
	if (json_array_size(list) > 1)
		snprintf(out, VIEW_TEXT_MAX, "%.100s +%zu", first, json_array_size(list) - 1);
	else
		snprintf(out, VIEW_TEXT_MAX, "%.100s", first);
}

static const struct view_column columns[] = {
	{.title = "INSTANCE", .kind = VIEW_TEXT, .key = "name"},
	{.title = "GROUP", .kind = VIEW_TEXT, .key = "group"},
	{.title = "INTERFACE", .kind = VIEW_TEXT, .key = "interface"},
	{.title = "VRID", .kind = VIEW_EXACT, .key = "vrid"},
	{.title = "STATE", .kind = VIEW_TEXT, .key = "state", .style = vrrp_row_style},
	{.title = "SINCE", .kind = VIEW_CUSTOM_RIGHT, .cell = since},
	{.title = "PRIORITY",
		.kind = VIEW_CUSTOM_RIGHT,
		.cell = vrrp_row_priority,
		.style = vrrp_row_priority_style},
	{.title = "ACTIVE NODE", .kind = VIEW_CUSTOM, .cell = active},
	{.title = "ADDRESSES", .kind = VIEW_CUSTOM, .cell = addresses},
	{.title = "CAUSE", .kind = VIEW_TEXT, .key = "cause"},
};
#define GROUP 1 /* column of names that are mostly empty */

struct complaint {
	const struct output *output;
	const char *name;
	bool any;
};

/* Below the table, for it has no place in a row. */
static void complain(void *data, enum table_style style, const char *text)
{
	struct complaint *c = data;
	char line[512];

	snprintf(line, sizeof(line), "%.64s: %s", c->name, text);
	if (!c->any)
		fputc('\n', c->output->file);
	c->any = true;
	table_line(style, line, c->output->file, c->output->color);
}

static void show_all(const struct output *output, const json_t *rows)
{
	struct complaint complaint = {.output = output};
	struct view_column shown[COUNT_OF(columns)];
	bool grouped = false;
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(rows); i++)
		grouped |= strcmp(view_text(json_array_get(rows, i), "group"), "") != 0;
	for (size_t c = 0; c < COUNT_OF(columns); c++)
		if (c != GROUP || grouped)
			shown[n++] = columns[c];
	view_rows(output, shown, n, rows, "no instances are configured");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		complaint.name = view_text(json_array_get(rows, i), "name");
		vrrp_row_trouble(json_array_get(rows, i), complain, &complaint);
	}
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	if (!json_object_get(args, "instance")) {
		show_all(output, data);
		return;
	}
	for (size_t i = 0; i < json_array_size(data); i++) {
		if (i)
			fputc('\n', output->file);
		vrrp_row_show(output, json_array_get(data, i));
	}
}

/* ---- one of them ---- */

static void say_unknown(const json_t *rows, const char *name)
{
	size_t n = 0, room = 2 * json_array_size(rows) + 1;
	const char **names = calloc(room, sizeof(*names)), *near;
	char wanted[80], meant[80];

	for (size_t i = 0; names && i < json_array_size(rows); i++) {
		names[n++] = view_text(json_array_get(rows, i), "name");
		names[n++] = view_text(json_array_get(rows, i), "group");
	}
	clean_text(wanted, sizeof(wanted), name);
	near = nearest_word(name, names, n);
	clean_text(meant, sizeof(meant), near);
	if (near)
		fprintf(stderr, "tandemctl: no instance or group is named '%s': did you mean '%s'?\n", wanted,
			meant);
	else
		fprintf(stderr, "tandemctl: no instance or group is named '%s'; 'tandemctl vrrp' shows all\n",
			wanted);
	free(names);
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	const char *name = json_string_value(json_object_get(args, "instance"));
	json_t *all = command_fetch(context, command, NULL), *rows = json_array();
	int status = EXIT_REFUSED;

	for (size_t i = 0; i < json_array_size(all); i++)
		if (!name || vrrp_row_is(json_array_get(all, i), name))
			json_array_append(rows, json_array_get(all, i));
	if (all && name && json_array_size(rows) == 0) {
		say_unknown(all, name);
	} else if (all) {
		context->output.format->reply(&context->output, command, args, rows);
		status = EXIT_DONE;
	}
	json_decref(rows);
	json_decref(all);
	return status;
}

const struct subcommand cmd_vrrp = {
	.name = "vrrp",
	.summary = "who has the addresses, and why",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_VRRP,
	.access = CTL_READ,
	.render = render,
	.run = run,
};
