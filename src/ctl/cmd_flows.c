/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl flows: live connections, filtered in the daemon, so that a million of them cost one page. */
#include "ctl/command.h"

#include <inttypes.h>

#include "common/clean_text.h"
#include "ctl/view.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     200000 /* what a 64 MiB reply holds with room to spare */

static void backend(const json_t *row, char out[VIEW_TEXT_MAX])
{
	char pool[100], name[100];

	clean_text(pool, sizeof(pool), view_text(row, "pool"));
	clean_text(name, sizeof(name), view_text(row, "backend"));
	snprintf(out, VIEW_TEXT_MAX, "%s/%s", pool, name);
}

/* A copy is the peer's: this node has seen no packet of it. */
static void state(const json_t *row, char out[VIEW_TEXT_MAX])
{
	snprintf(out, VIEW_TEXT_MAX, "%s%s", view_text(row, "state"),
		json_is_true(json_object_get(row, "copy")) ? " (copy)" : "");
}

static const struct view_column columns[] = {
	{.title = "PROTO", .kind = VIEW_TEXT, .key = "protocol"},
	{.title = "CLIENT", .kind = VIEW_TEXT, .key = "client"},
	{.title = "SERVICE", .kind = VIEW_TEXT, .key = "service"},
	{.title = "SERVICE ADDRESS", .kind = VIEW_TEXT, .key = "service_address"},
	{.title = "BACKEND", .kind = VIEW_CUSTOM, .cell = backend},
	{.title = "BACKEND ADDRESS", .kind = VIEW_TEXT, .key = "backend_address"},
	{.title = "STATE", .kind = VIEW_CUSTOM, .cell = state},
	{.title = "IDLE", .kind = VIEW_AGE, .key = "idle_s"},
	{.title = "EXPIRES", .kind = VIEW_AGE, .key = "expires_s"},
};

static const struct grammar grammar[] = {
	{.long_name = "service",
		.type = GRAMMAR_TEXT,
		.key = "service",
		.metavar = "NAME",
		.help = "only this service's flows"},
	{.long_name = "backend",
		.type = GRAMMAR_TARGET,
		.metavar = "POOL/BACKEND",
		.help = "only this backend's flows"},
	{.long_name = "client",
		.type = GRAMMAR_TEXT,
		.key = "client",
		.metavar = "ADDR",
		.help = "only flows from this address"},
	{.long_name = "limit",
		.type = GRAMMAR_NUMBER,
		.key = "limit",
		.metavar = "N",
		.min = 1,
		.max = LIMIT_MAX,
		.help = "show at most N flows (default 100)"},
};

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *flows = json_object_get(data, "flows");
	uint64_t total, shown = json_array_size(flows);

	view_rows(output, columns, COUNT_OF(columns), flows, "no flows");
	if (!view_number(data, "total", &total) || total <= shown)
		return;
	fprintf(output->file, "%" PRIu64 " of %" PRIu64 " flows are shown, %" PRIu64 " more are not", shown,
		total, total - shown);
	if (shown < LIMIT_MAX)
		fprintf(output->file, ": --limit %" PRIu64 " shows %s",
			total < LIMIT_MAX ? total : (uint64_t)LIMIT_MAX,
			total <= LIMIT_MAX ? "them all" : "more");
	fputc('\n', output->file);
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	if (!json_object_get(args, "limit"))
		json_object_set_new(args, "limit", json_integer(LIMIT_DEFAULT));
	return command_ask(context, command, args);
}

const struct subcommand cmd_flows = {
	.name = "flows",
	.summary = "live connections and where they go",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_READ,
	.render = render,
	.run = run,
};
