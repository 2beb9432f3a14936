/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl events [--follow] [--since SEQ] [--daemon NAME]: what happened and why, in the order of time. Following asks
 * again every half second with the number of the last event seen, and goes on when a daemon is restarted: another pid
 * counts from 1. A daemon that begins to run meanwhile is followed too.
 */
#include "ctl/command.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ctl/each.h"
#include "ctl/view.h"

#define FOLLOW_PERIOD_MS 500

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
		.help = "only events after number SEQ of one daemon"},
	EACH_OPTION,
};

/* ---- one list of two ---- */

static uint64_t time_of(const json_t *event)
{
	uint64_t time_ms;

	view_number(event, "time_ms", &time_ms);
	return time_ms;
}

/* By time; each daemon's own order stays, also when the clock was set back. */
static json_t *merge(const json_t *a, const json_t *b)
{
	json_t *out = json_array();
	size_t i = 0, k = 0;

	while (i < json_array_size(a) || k < json_array_size(b)) {
		const json_t *from_a = json_array_get(a, i), *from_b = json_array_get(b, k);
		bool first = from_a && (!from_b || time_of(from_a) <= time_of(from_b));

		json_array_append(out, (json_t *)(first ? from_a : from_b));
		i += first;
		k += !first;
	}
	return out;
}

/* As each_join(), with one list of events; takes the references. */
static json_t *join(json_t *data[EACH_COUNT])
{
	json_t *lb = data[EACH_LB], *vrrp = data[EACH_VRRP], *all, *events;

	if (!vrrp)
		return lb;
	each_mark(json_object_get(lb, "events"), EACH_LB);
	each_mark(json_object_get(vrrp, "events"), EACH_VRRP);
	events = merge(json_object_get(lb, "events"), json_object_get(vrrp, "events"));
	json_object_del(vrrp, "events");
	all = each_join(data);
	json_object_set_new(all, "events", events);
	return all;
}

/* ---- text ---- */

static bool is_of(const json_t *event, enum each_daemon daemon)
{
	const char *name = json_string_value(json_object_get(event, "daemon"));

	return strcmp(name ? name : each_names[EACH_LB], each_names[daemon]) == 0;
}

/* What was asked for and is gone. args.since: an object, by daemon. */
static void show_gap(
	const struct output *output, const json_t *args, const json_t *events, enum each_daemon daemon)
{
	uint64_t since, first = 0;

	if (!view_number(json_object_get(args, "since"), each_names[daemon], &since) || since == 0)
		return;
	for (size_t i = 0; i < json_array_size(events) && !first; i++)
		if (is_of(json_array_get(events, i), daemon))
			view_number(json_array_get(events, i), "seq", &first);
	if (first > since + 1)
		fprintf(output->file, "(events %" PRIu64 " to %" PRIu64 " are not kept any more)\n",
			since + 1, first - 1);
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	static const struct table_column columns[] = {{NULL, TABLE_LEFT, 4}, {NULL, TABLE_RIGHT, 5},
		{NULL, TABLE_LEFT, 23}, {NULL, TABLE_LEFT, 24}, {NULL, TABLE_LEFT, 8}, {NULL, TABLE_LEFT, 0}};
	const json_t *events = json_object_get(data, "events");
	bool both = json_object_get(data, "vrrp") && json_object_get(data, "last_seq");
	char text[VIEW_TEXT_MAX];

	if (json_array_size(events) == 0) {
		fprintf(output->file,
			json_object_get(args, "since") ? "no events since then\n" : "no events yet\n");
		return;
	}
	for (enum each_daemon d = 0; d < EACH_COUNT; d++)
		show_gap(output, args, events, d);

	struct table *table = table_new(columns + !both, COUNT_OF(columns) - !both);

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);

		if (both)
			table_cell(table, TABLE_FAINT, view_text(event, "daemon"));
		table_cell(table, TABLE_FAINT, view_format(event, "seq", VIEW_EXACT, text));
		table_cell(table, TABLE_PLAIN, view_time(event, "time_ms", text));
		table_cell(table, TABLE_PLAIN, view_text(event, "subject"));
		table_cell(table, TABLE_PLAIN, view_text(event, "event"));
		table_cell(table, TABLE_PLAIN, view_text(event, "cause"));
	}
	table_print(table, output->file, output->color);
	table_free(table);
}

/* ---- follow ---- */

struct source {
	uint64_t pid;   /* whose numbers `since` counts in; 0: not known yet */
	uint64_t since; /* the last event seen */
	bool seen;      /* it ran when we began, or later: its end is worth a word */
	bool told;      /* that it is gone */
};

struct follower {
	const struct context *context;
	const struct subcommand *command;
	json_t *args;
	struct ctl_client *client[EACH_COUNT];
	struct source source[EACH_COUNT];
	char error[1024];
};

static json_t *follow_call(struct follower *f, enum each_daemon d, const char *command, json_t *request)
{
	json_t *data = ctl_client_call(f->client[d], command, request, f->error, sizeof(f->error));

	if (!data) {
		ctl_client_close(f->client[d]);
		f->client[d] = NULL;
	}
	json_decref(request);
	return data;
}

/* Connect, if that is due, and forget the number when the daemon is another one. */
static int follow_connect(struct follower *f, enum each_daemon d)
{
	struct source *s = &f->source[d];
	json_t *status;
	uint64_t pid;

	if (f->client[d] && s->pid)
		return 0;
	if (!f->client[d] && ctl_client_open(&f->client[d], f->context->rundir, each_names[d], CTL_READ,
				     CTL_CLIENT_TIMEOUT_MS, f->error, sizeof(f->error)) < 0)
		return -1;
	status = follow_call(f, d, "status", json_object());
	if (!status)
		return -1;
	view_number(status, "pid", &pid);
	json_decref(status);
	if (s->pid && pid != s->pid)
		s->since = 0;
	s->pid = pid;
	s->seen = true;
	return 0;
}

/* What is new; NULL when it does not answer, which is said once. */
static json_t *follow_ask(struct follower *f, enum each_daemon d)
{
	struct source *s = &f->source[d];
	json_t *data = NULL;

	if (follow_connect(f, d) == 0)
		data = follow_call(f, d, f->command->name, json_pack("{s:I}", "since", (json_int_t)s->since));
	if (!data && s->seen && !s->told)
		fprintf(stderr, "tandemctl: %s; waiting for it\n", f->error);
	s->told = !data;
	return data;
}

/* Ask each once and show what is new. */
static void follow_step(struct follower *f)
{
	json_t *data[EACH_COUNT] = {NULL}, *since = json_object(), *all;

	for (enum each_daemon d = 0; d < EACH_COUNT; d++) {
		struct source *s = &f->source[d];

		if (!each_is_chosen(f->args, d))
			continue;
		data[d] = follow_ask(f, d);
		json_object_set_new(since, each_names[d], json_integer((json_int_t)s->since));
		/* One that was there keeps its place in what is shown. */
		if (!data[d] && s->seen)
			data[d] = json_pack("{s:I, s:[]}", "last_seq", (json_int_t)s->since, "events");
		if (data[d])
			view_number(data[d], "last_seq", &s->since);
	}
	all = join(data);
	json_object_set_new(f->args, "since", since);
	if (json_array_size(json_object_get(all, "events")) > 0)
		f->context->output.format->update(&f->context->output, f->command, f->args, all);
	json_decref(all);
}

static int follow(const struct context *context, const struct subcommand *command, json_t *args,
	struct each *each, uint64_t since)
{
	struct follower f = {.context = context, .command = command, .args = args};
	struct timespec period = {.tv_nsec = FOLLOW_PERIOD_MS * 1000000L};

	for (enum each_daemon d = 0; d < EACH_COUNT; d++) {
		f.client[d] = each->client[d];
		f.source[d].seen = each->client[d];
		f.source[d].since = each->client[d] ? since : 0;
		each->client[d] = NULL;
	}
	while (!ferror(context->output.file)) {
		follow_step(&f);
		nanosleep(&period, NULL);
	}
	for (enum each_daemon d = 0; d < EACH_COUNT; d++)
		ctl_client_close(f.client[d]);
	return EXIT_REFUSED;
}

/* ---- once ---- */

static void show(const struct context *context, const struct subcommand *command, json_t *args,
	struct each *each, uint64_t since)
{
	json_t *data[EACH_COUNT], *all, *request = json_object(), *by_daemon = json_object();

	if (json_object_get(args, "since"))
		json_object_set_new(request, "since", json_integer((json_int_t)since));
	for (enum each_daemon d = 0; d < EACH_COUNT; d++) {
		data[d] = each_call(each, d, command->name, request);
		if (data[d])
			json_object_set_new(by_daemon, each_names[d], json_integer((json_int_t)since));
	}
	json_decref(request);
	if (json_object_get(args, "since"))
		json_object_set(args, "since", by_daemon);
	json_decref(by_daemon);
	all = join(data);
	if (all)
		context->output.format->reply(&context->output, command, args, all);
	json_decref(all);
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	struct each each;
	unsigned n = each_open(&each, context, command, args);
	uint64_t since;

	view_number(args, "since", &since);
	if (n > 1 && json_object_get(args, "since")) {
		fprintf(stderr,
			"tandemctl: events: tandem-lb and tandem-vrrp both run and count events of their "
			"own: say whose number --since is with --daemon lb or --daemon vrrp\n");
		each.status = EXIT_USAGE;
	} else if (n > 0 && json_object_get(args, "follow")) {
		each.status = follow(context, command, args, &each, since);
	} else if (n > 0) {
		show(context, command, args, &each, since);
	}
	each_close(&each);
	return each.status;
}

const struct subcommand cmd_events = {
	.name = "events",
	.summary = "what happened, when and why",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_EACH,
	.access = CTL_READ,
	.render = render,
	.run = run,
};
