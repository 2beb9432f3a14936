/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a subcommand is: a row of grammar, the daemon it asks, and a way to show the answer. Each stands in a file of
 * its own, cmd_NAME.c, and main.c joins them in a table.
 */
#ifndef TANDEM_CTL_COMMAND_H
#define TANDEM_CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "common/ctl_message.h"

enum exit_status { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

enum grammar_type {
	GRAMMAR_TEXT,   /* becomes a string */
	GRAMMAR_NUMBER, /* min..max, becomes an integer */
	GRAMMAR_FLAG,   /* no value, becomes true */
	GRAMMAR_TARGET, /* POOL/BACKEND, becomes two strings "pool" and "backend" */
	GRAMMAR_CHOICE, /* one of the words of metavar, "a|b"; becomes a string */
};

/* One option, or (long_name NULL) one argument by its place. */
struct grammar {
	const char *long_name; /* "limit" for --limit */
	char letter;           /* 'f' for -f; 0 for none; may stand without a long name */
	enum grammar_type type;
	bool required;       /* for arguments by place */
	const char *key;     /* member of the request's args */
	const char *metavar; /* "N" */
	const char *help;
	uint64_t min, max;
};

struct output;
struct subcommand;

/* How replies are printed: one table of functions per format, so that no command knows which one it is. */
struct output_format {
	/* A whole answer. */
	void (*reply)(const struct output *output, const struct subcommand *command, const json_t *args,
		const json_t *data);
	/* One of many answers in a row (events --follow). */
	void (*update)(const struct output *output, const struct subcommand *command, const json_t *args,
		const json_t *data);
};

struct output {
	FILE *file;
	bool color;
	const struct output_format *format;
};

extern const struct output_format output_text, output_json;

/* Whom a subcommand asks. */
enum asks {
	ASKS_LB,
	ASKS_VRRP,
	ASKS_EACH, /* every daemon that runs; has EACH_OPTION in its grammar (each.h) */
};

struct context {
	const char *rundir;
	struct output output;
};

struct subcommand {
	const char *name;
	const char *summary;
	const struct grammar *grammar;
	size_t grammar_count;
	enum asks asks;
	enum ctl_access access;
	/* Text from the daemon's data. args: the command line's, and what a run() adds for it. */
	void (*render)(const struct output *output, const json_t *args, const json_t *data);
	/* NULL: ask, then show the answer. Returns an exit status. */
	int (*run)(const struct context *context, const struct subcommand *command, json_t *args);
};

/* Ask and show the answer; the exit status. */
int command_ask(const struct context *context, const struct subcommand *command, json_t *args);

/* Ask the one daemon that the command is for: its data (a new reference), or NULL, and why was said. */
json_t *command_fetch(const struct context *context, const struct subcommand *command, json_t *args);

/* Print {"message": ...}: the render of every command that changes something. */
void command_render_message(const struct output *output, const json_t *args, const json_t *data);

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

extern const struct subcommand cmd_status, cmd_services, cmd_backends, cmd_flows, cmd_counters, cmd_events,
	cmd_drain, cmd_enable, cmd_disable, cmd_weight, cmd_vrrp, cmd_peers, cmd_failover, cmd_reload,
	cmd_check, cmd_keygen, cmd_sockets;

#endif
