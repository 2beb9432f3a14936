/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl failover INSTANCE: an active one is handed to the others, a backup takes over. The daemon only begins it; what
 * came of it is looked for here, every 20 ms, until it is decided.
 */
#include "ctl/command.h"

#include <string.h>
#include <time.h>

#include "common/ctl_client.h"
#include "ctl/vrrp_row.h"

#define PERIOD_MS   20
#define PATIENCE_MS 5000 /* at least */

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TEXT,
		.required = true,
		.key = "instance",
		.metavar = "INSTANCE",
		.help = "an instance or a group; an instance takes its group along"},
};

struct failover {
	struct ctl_client *client;
	const char *asked; /* on the command line */
	bool gives;        /* this node had it */
	char unit[80], was[80];
	uint64_t begun_ms;       /* wall clock, which the daemon's times are in */
	struct timespec started; /* monotonic */
	json_t *rows;            /* the unit's instances, as seen last */
	char error[1024];
};

static uint64_t elapsed_ms(const struct failover *f)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec - f->started.tv_sec) * 1000 +
			  (now.tv_nsec - f->started.tv_nsec) / 1000000);
}

static uint64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The rows that the name is for; none is no error. 0, or -1 with a line in f->error. */
static int look(struct failover *f, const char *name)
{
	json_t *all = ctl_client_call(f->client, "vrrp", NULL, f->error, sizeof(f->error));

	if (!all)
		return -1;
	json_decref(f->rows);
	f->rows = json_array();
	for (size_t i = 0; i < json_array_size(all); i++)
		if (vrrp_row_is(json_array_get(all, i), name))
			json_array_append(f->rows, json_array_get(all, i));
	json_decref(all);
	return 0;
}

static const char *state_of(const struct failover *f)
{
	return view_text(json_array_get(f->rows, 0), "state");
}

/* The first address of who is active that any member knows. */
static const char *active_of(const struct failover *f)
{
	for (size_t i = 0; i < json_array_size(f->rows); i++) {
		const char *active = view_text(json_array_get(f->rows, i), "active");

		if (*active && strcmp(active, "-") != 0)
			return active;
	}
	return "";
}

/* From the request to the last transition: the daemon's time of it, or ours when the clock was set meanwhile. */
static uint64_t took_ms(const struct failover *f)
{
	uint64_t elapsed = elapsed_ms(f), since_ms;

	view_number(json_array_get(f->rows, 0), "since_ms", &since_ms);
	return since_ms >= f->begun_ms && since_ms - f->begun_ms <= elapsed ? since_ms - f->begun_ms
									    : elapsed;
}

/* How long to wait for an outcome. */
static uint64_t patience_ms(const struct failover *f)
{
	const json_t *timers = json_object_get(json_array_get(f->rows, 0), "timers");
	double down = 2 * json_number_value(json_object_get(timers, "down_interval_ms"));

	return down > PATIENCE_MS && down < 1e9 ? (uint64_t)down : PATIENCE_MS;
}

/* ---- what came of it ---- */

struct outcome {
	const char *name; /* for JSON */
	bool good;
	char text[512];
};

/* Of a pair, what the other node lacks to take over; "" when nothing is known. */
static const char *lack_of(struct failover *f, char *buf, size_t size)
{
	json_t *peer = ctl_client_call(f->client, "peers", NULL, f->error, sizeof(f->error));
	const char *table = view_text(peer, "table"), *lack = "";

	*buf = '\0';
	if (json_is_true(json_object_get(peer, "configured"))) {
		if (!json_is_true(json_object_get(peer, "fresh")))
			lack = "is not heard";
		else if (strcmp(table, "none") == 0)
			lack = "has no word of its balancer";
		else if (strcmp(table, "behind") == 0)
			lack = "has not all connections yet, or not checked its backends";
		if (*lack)
			snprintf(buf, size, ": %s %s; 'tandemctl peers' shows it", view_text(peer, "node"),
				lack);
	}
	json_decref(peer);
	return buf;
}

/* Is it decided? */
static bool judge(struct failover *f, struct outcome *o)
{
	const char *state = state_of(f), *cause = view_text(json_array_get(f->rows, 0), "cause");
	const char *active = active_of(f);
	unsigned long long ms = took_ms(f);
	char lack[256];

	if (strcmp(state, "handover") == 0)
		return false;
	if (f->gives && strcmp(state, "backup") == 0) {
		o->name = "handed_over";
		o->good = true;
		snprintf(o->text, sizeof(o->text), "handed over, %s is active after %llu ms",
			*active ? active : "another node", ms);
	} else if (f->gives && strcmp(state, "active") == 0) {
		o->name = "nobody";
		snprintf(o->text, sizeof(o->text),
			"nobody took over within the down interval, this node goes on%s",
			lack_of(f, lack, sizeof(lack)));
	} else if (!f->gives && strcmp(state, "active") == 0) {
		o->name = "taken";
		o->good = true;
		snprintf(o->text, sizeof(o->text), "this node is active after %llu ms%s%s%s", ms,
			*f->was ? " (was " : "", f->was, *f->was ? ")" : "");
	} else {
		o->name = "failed";
		snprintf(o->text, sizeof(o->text), "is %s now: %s", state, cause);
	}
	return true;
}

/* 0 with the outcome, or -1 with a line in f->error. */
static int watch(struct failover *f, struct outcome *o)
{
	struct timespec period = {.tv_nsec = PERIOD_MS * 1000000L};
	uint64_t patience = patience_ms(f);

	for (;;) {
		if (look(f, f->unit) < 0)
			return -1;
		if (json_array_size(f->rows) == 0) {
			snprintf(f->error, sizeof(f->error), "%s is no longer in the config", f->unit);
			return -1;
		}
		if (judge(f, o))
			return 0;
		if (elapsed_ms(f) > patience)
			break;
		nanosleep(&period, NULL);
	}
	o->name = "undecided";
	snprintf(o->text, sizeof(o->text), "is still handing over after %llu ms; 'tandemctl vrrp' shows it",
		(unsigned long long)elapsed_ms(f));
	return 0;
}

static int begin(struct failover *f)
{
	json_t *request, *answer;

	if (look(f, f->asked) < 0)
		return -1;
	f->gives = strcmp(state_of(f), "active") == 0;
	snprintf(f->was, sizeof(f->was), "%s", active_of(f));
	clock_gettime(CLOCK_MONOTONIC, &f->started);
	f->begun_ms = wall_ms();
	request = json_pack("{s:s}", "instance", f->asked);
	answer = ctl_client_call(f->client, "failover", request, f->error, sizeof(f->error));
	json_decref(request);
	if (!answer)
		return -1;
	snprintf(f->unit, sizeof(f->unit), "%s", view_text(answer, "unit"));
	json_decref(answer);
	return 0;
}

static int tell(const struct context *context, const struct subcommand *command, const json_t *args,
	const struct failover *f, const struct outcome *o)
{
	bool along = strcmp(f->unit, f->asked) != 0;
	char message[800];
	json_t *data;

	snprintf(message, sizeof(message), "%s%s%s%s: %s", f->unit, along ? " (with " : "",
		along ? f->asked : "", along ? ")" : "", o->text);
	data = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:O}", "message", message, "unit", f->unit,
		"outcome", o->name, "was", f->was, "active", active_of(f), "took_ms", (json_int_t)took_ms(f),
		"instances", f->rows);
	if (!data) {
		fprintf(stderr, "tandemctl: %s\n", message);
		return EXIT_REFUSED;
	}
	context->output.format->reply(&context->output, command, args, data);
	json_decref(data);
	return o->good ? EXIT_DONE : EXIT_REFUSED;
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	struct failover f = {.asked = json_string_value(json_object_get(args, "instance"))};
	struct outcome outcome = {0};
	int status = EXIT_REFUSED;

	if (ctl_client_open(&f.client, context->rundir, "vrrp", command->access, CTL_CLIENT_TIMEOUT_MS,
		    f.error, sizeof(f.error)) < 0 ||
		begin(&f) < 0 || watch(&f, &outcome) < 0)
		fprintf(stderr, "tandemctl: %s\n", f.error);
	else
		status = tell(context, command, args, &f, &outcome);
	ctl_client_close(f.client);
	json_decref(f.rows);
	return status;
}

const struct subcommand cmd_failover = {
	.name = "failover",
	.summary = "give an instance to the others, or take it here",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_VRRP,
	.access = CTL_WRITE,
	.render = command_render_message,
	.run = run,
};
