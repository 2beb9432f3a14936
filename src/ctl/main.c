/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl: the command line of tandem. Joins the subcommands; each stands in its own cmd_NAME.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ctl_rundir.h"
#include "ctl/command.h"
#include "ctl/grammar.h"

static const struct subcommand *const commands[] = {
	&cmd_status,
	&cmd_services,
	&cmd_backends,
	&cmd_flows,
	&cmd_counters,
	&cmd_events,
	&cmd_drain,
	&cmd_enable,
	&cmd_disable,
	&cmd_weight,
	&cmd_vrrp,
	&cmd_peers,
	&cmd_sockets,
	&cmd_failover,
	&cmd_reload,
	&cmd_check,
	&cmd_keygen,
};

static const struct grammar globals[] = {
	{.long_name = "rundir",
		.letter = 'r',
		.type = GRAMMAR_TEXT,
		.key = "rundir",
		.metavar = "DIR",
		.help = "the daemons' run directory (default " CTL_RUNDIR_DEFAULT ")"},
	{.long_name = "json", .type = GRAMMAR_FLAG, .key = "json", .help = "print the answer as JSON"},
	{.long_name = "help", .letter = 'h', .type = GRAMMAR_FLAG, .key = "help", .help = "show this help"},
	{.long_name = "version",
		.letter = 'V',
		.type = GRAMMAR_FLAG,
		.key = "version",
		.help = "show the version"},
};

static const struct grammar_tables tables = {.globals = globals,
	.global_count = COUNT_OF(globals),
	.commands = commands,
	.command_count = COUNT_OF(commands)};

static void print_help(const struct subcommand *command)
{
	if (command) {
		printf("usage: tandemctl [-r DIR] [--json] ");
		grammar_print_usage(command, stdout);
		printf("\n\n%s\n\n", command->summary);
		grammar_print_options(command->grammar, command->grammar_count, stdout);
	} else {
		printf("usage: tandemctl [-r DIR] [--json] COMMAND ...\n\nAsk and steer tandem-lb and "
		       "tandem-vrrp while they run.\n\n");
		for (size_t i = 0; i < COUNT_OF(commands); i++)
			printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
		printf("\n'tandemctl COMMAND --help' says more. Options, anywhere on the line:\n");
	}
	grammar_print_options(globals, COUNT_OF(globals), stdout);
	if (!command)
		printf("\nExit status: 0 done, 1 refused or failed, 2 wrong usage or config.\n");
}

/* Colour is for a terminal, and only where nobody said no (https://no-color.org). */
static bool want_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static int run(const struct grammar_line *line)
{
	const char *rundir = json_string_value(json_object_get(line->globals, "rundir"));
	struct context context = {
		.rundir = rundir ? rundir : CTL_RUNDIR_DEFAULT,
		.output = {.file = stdout, .color = want_color(), .format = &output_text},
	};

	if (json_object_get(line->globals, "json"))
		context.output.format = &output_json;
	if (line->command->run)
		return line->command->run(&context, line->command, line->args);
	return command_ask(&context, line->command, line->args);
}

int main(int argc, char **argv)
{
	struct grammar_line line;
	char error[512];
	int status = EXIT_DONE;

	if (grammar_parse(&tables, argc, argv, &line, error, sizeof(error)) < 0) {
		fprintf(stderr, "tandemctl: %s; see tandemctl --help\n", error);
		status = EXIT_USAGE;
	} else if (json_object_get(line.globals, "help")) {
		print_help(line.command);
	} else if (json_object_get(line.globals, "version")) {
		printf("tandemctl %s\n", TANDEM_VERSION);
	} else if (!line.command) {
		fprintf(stderr, "tandemctl: no command was given; see tandemctl --help\n");
		status = EXIT_USAGE;
	} else {
		status = run(&line);
	}
	grammar_line_clear(&line);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE) {
		fprintf(stderr, "tandemctl: cannot write the answer: %s\n", strerror(errno));
		status = EXIT_REFUSED;
	}
	return status;
}
