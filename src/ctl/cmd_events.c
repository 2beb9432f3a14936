/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl events [--follow] [--since SEQ]: what happened and why. Following asks again every half second
 * with the number of the last event seen, and goes on when tandem-lb is restarted: another pid counts from 1.
 */
#include "ctl/command.h"

#include <inttypes.h>
#include <time.h>

#include "common/ctl_client.h"
#include "ctl/view.h"

#define FOLLOW_PERIOD_MS 500

static const struct table_column columns[] = {{NULL, TABLE_RIGHT, 5}, {NULL, TABLE_LEFT, 23},
	{NULL, TABLE_LEFT, 24}, {NULL, TABLE_LEFT, 8}, {NULL, TABLE_LEFT, 0}};

static const struct grammar grammar[] = {
	{.long_name = "follow",
		.letter = 'f',
		.type = GRAMMAR_FLAG,
		.key = "follow",
		.help = "go on and show events as they happen"},
	{.long_name = "since",
		.type = GRAMMAR_NUMBER,
		.key = "since",
		.metavar = "SEQ",
		.max = INT64_MAX,
		.help = "only events after number SEQ"},
};

/* Local time with milliseconds, as in "2026-01-31 12:00:00.123". */
static void format_time(const json_t *event, char out[VIEW_TEXT_MAX])
{
	uint64_t time_ms;
	struct tm tm;

	snprintf(out, VIEW_TEXT_MAX, "-");
	if (!view_number(event, "time_ms", &time_ms))
		return;

	time_t seconds = (time_t)(time_ms / 1000);

	if (!localtime_r(&seconds, &tm))
		return;

	size_t n = strftime(out, VIEW_TEXT_MAX - 8, "%Y-%m-%d %H:%M:%S", &tm);

	snprintf(out + n, VIEW_TEXT_MAX - n, ".%03u", (unsigned)(time_ms % 1000));
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *events = json_object_get(data, "events");
	uint64_t since, first;
	char text[VIEW_TEXT_MAX];

	if (json_array_size(events) == 0) {
		fprintf(output->file,
			json_object_get(args, "since") ? "no events since then\n" : "no events yet\n");
		return;
	}
	if (view_number(args, "since", &since) && since > 0 &&
		view_number(json_array_get(events, 0), "seq", &first) && first > since + 1)
		fprintf(output->file, "(events %" PRIu64 " to %" PRIu64 " are not kept any more)\n",
			since + 1, first - 1);

	struct table *table = table_new(columns, COUNT_OF(columns));

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);

		table_cell(table, TABLE_FAINT, view_format(event, "seq", VIEW_EXACT, text));
		format_time(event, text);
		table_cell(table, TABLE_PLAIN, text);
		table_cell(table, TABLE_PLAIN, view_text(event, "subject"));
		table_cell(table, TABLE_PLAIN, view_text(event, "event"));
		table_cell(table, TABLE_PLAIN, view_text(event, "cause"));
	}
	table_print(table, output->file, output->color);
	table_free(table);
}

struct follower {
	const struct context *context;
	const struct subcommand *command;
	json_t *args;
	struct ctl_client *client;
	uint64_t pid; /* whose numbers args.since counts in; 0 before the first connection */
	char error[1024];
};

/* Connect, and forget the number when the daemon is another one. */
static int follow_connect(struct follower *f)
{
	uint64_t pid;
	int rc = ctl_client_open(&f->client, f->context->rundir, "lb", CTL_READ, CTL_CLIENT_TIMEOUT_MS,
		f->error, sizeof(f->error));

	if (rc < 0)
		return rc;

	json_t *status = ctl_client_call(f->client, "status", NULL, f->error, sizeof(f->error));

	if (!status) {
		ctl_client_close(f->client);
		f->client = NULL;
		return -1;
	}
	view_number(status, "pid", &pid);
	json_decref(status);
	if (f->pid && pid != f->pid)
		json_object_set_new(f->args, "since", json_integer(0));
	f->pid = pid;
	return 0;
}

/* Ask once and show what is new. */
static int follow_step(struct follower *f)
{
	uint64_t last;

	if (!f->client && follow_connect(f) < 0)
		return -1;

	json_t *data = ctl_client_call(f->client, f->command->name, f->args, f->error, sizeof(f->error));

	if (!data) {
		ctl_client_close(f->client);
		f->client = NULL;
		return -1;
	}
	if (json_array_size(json_object_get(data, "events")) > 0)
		f->context->output.format->update(&f->context->output, f->command, f->args, data);
	if (view_number(data, "last_seq", &last))
		json_object_set_new(f->args, "since", json_integer((json_int_t)last));
	json_decref(data);
	return 0;
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	struct follower f = {.context = context, .command = command, .args = args};
	struct timespec period = {.tv_nsec = FOLLOW_PERIOD_MS * 1000000L};
	bool told = false;

	if (!json_object_get(args, "follow"))
		return command_ask(context, command, args);
	json_object_del(args, "follow");
	while (!ferror(context->output.file)) {
		if (follow_step(&f) == 0) {
			told = false;
		} else if (f.pid == 0) {
			fprintf(stderr, "tandemctl: %s\n", f.error);
			break;
		} else if (!told) {
			fprintf(stderr, "tandemctl: %s; waiting for it\n", f.error);
			told = true;
		}
		nanosleep(&period, NULL);
	}
	if (f.client)
		ctl_client_close(f.client);
	return EXIT_REFUSED;
}

const struct subcommand cmd_events = {
	.name = "events",
	.summary = "what happened, when and why",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_READ,
	.render = render,
	.run = run,
};
