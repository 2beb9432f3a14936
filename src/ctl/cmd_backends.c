/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl backends [POOL]: who serves, in which state, since when and why. */
#include "ctl/command.h"

#include <string.h>

#include "common/clean_text.h"
#include "ctl/view.h"

static enum table_style state_style(const json_t *row)
{
	const char *state = view_text(row, "state");

	if (strcmp(state, "up") == 0)
		return TABLE_GOOD;
	return strcmp(state, "down") == 0 ? TABLE_BAD : TABLE_WARN;
}

static enum table_style admin_style(const json_t *row)
{
	return strcmp(view_text(row, "admin"), "enabled") == 0 ? TABLE_PLAIN : TABLE_WARN;
}

static void name(const json_t *row, char out[VIEW_TEXT_MAX])
{
	char pool[100], backend[100];

	clean_text(pool, sizeof(pool), view_text(row, "pool"));
	clean_text(backend, sizeof(backend), view_text(row, "name"));
	snprintf(out, VIEW_TEXT_MAX, "%s/%s", pool, backend);
}

/* The weight in use, and the one in the config where they differ. */
static void weight(const json_t *row, char out[VIEW_TEXT_MAX])
{
	char now[VIEW_TEXT_MAX], configured[VIEW_TEXT_MAX];

	view_format(row, "weight", VIEW_EXACT, now);
	view_format(row, "weight_configured", VIEW_EXACT, configured);
	if (strcmp(now, configured) == 0 || strcmp(configured, "-") == 0)
		snprintf(out, VIEW_TEXT_MAX, "%.20s", now);
	else
		snprintf(out, VIEW_TEXT_MAX, "%.20s (%.20s)", now, configured);
}

static void role(const json_t *row, char out[VIEW_TEXT_MAX])
{
	snprintf(out, VIEW_TEXT_MAX, json_is_true(json_object_get(row, "backup")) ? "backup" : "primary");
}

static const struct view_column columns[] = {
	{.title = "BACKEND", .kind = VIEW_CUSTOM, .cell = name},
	{.title = "ADDRESS", .kind = VIEW_CUSTOM, .cell = view_endpoint},
	{.title = "STATE", .kind = VIEW_TEXT, .key = "state", .style = state_style},
	{.title = "SINCE", .kind = VIEW_AGE, .key = "since_s"},
	{.title = "ADMIN", .kind = VIEW_TEXT, .key = "admin", .style = admin_style},
	{.title = "ROLE", .kind = VIEW_CUSTOM, .cell = role},
	{.title = "WEIGHT", .kind = VIEW_CUSTOM_RIGHT, .cell = weight},
	{.title = "ACTIVE", .kind = VIEW_COUNT, .key = "connections_active"},
	{.title = "TOTAL", .kind = VIEW_COUNT, .key = "connections_total"},
	{.title = "PKTS IN", .kind = VIEW_COUNT, .key = "packets_in"},
	{.title = "BYTES IN", .kind = VIEW_BYTES, .key = "bytes_in"},
	{.title = "PKTS OUT", .kind = VIEW_COUNT, .key = "packets_out"},
	{.title = "BYTES OUT", .kind = VIEW_BYTES, .key = "bytes_out"},
	{.title = "CHECK", .kind = VIEW_TEXT, .key = "check"},
	{.title = "CAUSE", .kind = VIEW_TEXT, .key = "cause"},
};

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TEXT, .key = "pool", .metavar = "POOL", .help = "only this pool's backends"},
};

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	view_rows(output, columns, COUNT_OF(columns), data,
		json_object_get(args, "pool") ? "this pool has no backends" : "no backends are configured");
}

const struct subcommand cmd_backends = {
	.name = "backends",
	.summary = "backends: state and its cause, weight, traffic",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_READ,
	.render = render,
};
