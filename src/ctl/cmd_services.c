/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl services: what clients connect to, and how it is served. */
#include "ctl/command.h"

#include <string.h>

#include "ctl/view.h"

static enum table_style state_style(const json_t *row)
{
	return strcmp(view_text(row, "state"), "up") == 0 ? TABLE_GOOD : TABLE_BAD;
}

static void backends(const json_t *row, char out[VIEW_TEXT_MAX])
{
	char up[VIEW_TEXT_MAX], total[VIEW_TEXT_MAX];

	snprintf(out, VIEW_TEXT_MAX, "%.20s/%.20s", view_format(row, "backends_up", VIEW_EXACT, up),
		view_format(row, "backends_total", VIEW_EXACT, total));
}

static const struct view_column columns[] = {
	{.title = "SERVICE", .kind = VIEW_TEXT, .key = "name"},
	{.title = "ADDRESS", .kind = VIEW_CUSTOM, .cell = view_endpoint},
	{.title = "PROTO", .kind = VIEW_TEXT, .key = "protocol"},
	{.title = "POOL", .kind = VIEW_TEXT, .key = "pool"},
	{.title = "SCHED", .kind = VIEW_TEXT, .key = "scheduler"},
	{.title = "STATE", .kind = VIEW_TEXT, .key = "state", .style = state_style},
	{.title = "UP", .kind = VIEW_CUSTOM_RIGHT, .cell = backends},
	{.title = "ON EMPTY", .kind = VIEW_TEXT, .key = "on_empty"},
	{.title = "ACTIVE", .kind = VIEW_COUNT, .key = "connections_active"},
	{.title = "TOTAL", .kind = VIEW_COUNT, .key = "connections_total"},
	{.title = "PKTS IN", .kind = VIEW_COUNT, .key = "packets_in"},
	{.title = "BYTES IN", .kind = VIEW_BYTES, .key = "bytes_in"},
	{.title = "PKTS OUT", .kind = VIEW_COUNT, .key = "packets_out"},
	{.title = "BYTES OUT", .kind = VIEW_BYTES, .key = "bytes_out"},
};

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	view_rows(output, columns, COUNT_OF(columns), data, "no services are configured");
}

const struct subcommand cmd_services = {
	.name = "services",
	.summary = "service addresses, their pools and their traffic",
	.access = CTL_READ,
	.render = render,
};
