/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of the small programs: one table per program gives the options, --help and the
 * error messages, so that they can't drift apart. A wrong argument is one line on standard error and exit 2.
 */
#ifndef TANDEM_APPS_CLI_H
#define TANDEM_APPS_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_LIST_MAX 64 /* how often a CLI_LIST option may be repeated */

enum cli_kind {
	CLI_FLAG,   /* value is a bool * */
	CLI_TEXT,   /* value is a const char ** (points into argv) */
	CLI_NUMBER, /* value is a uint64_t *, checked against min..max */
	CLI_BYTES,  /* the same, with an optional suffix k, m or g (powers of 1024) */
	CLI_LIST,   /* value is a struct cli_list *, the option may be repeated */
};

struct cli_list {
	const char *items[CLI_LIST_MAX]; /* point into argv */
	size_t count;
};

struct cli_option {
	const char *name; /* without the dashes */
	enum cli_kind kind;
	void *value;
	uint64_t min, max;
	const char *arg; /* the argument's name in --help; NULL for a flag */
	const char *help;
};

struct cli_program {
	const char *name;
	const char *args;    /* "ADDR PORT", as --help shows it */
	const char *summary; /* one or more lines of --help, each ending in a newline */
	const struct cli_option *options;
	size_t option_count;
	int args_min,
		args_max;   /* how many arguments must stand beside the options; args_max < 0: any number */
	bool options_first; /* options end at the first argument: what follows belongs to a command */
};

/* Read the options; returns the index of the first argument that is none. Answers --help and --version
 * itself (exit 0) and ends the program with exit 2 on a mistake. Reorders argv as getopt_long does. */
int cli_parse(const struct cli_program *program, int argc, char **argv);

/* The port number in text (min..65535, host order), or exit 2. */
uint16_t cli_port(const struct cli_program *program, const char *text, uint16_t min);

/* The text of an address to listen on (IPv4, IPv6, "*"), or exit 2. */
const char *cli_listen_addr(const struct cli_program *program, const char *text);

/* The host that a client is to talk to, a name or an address, or exit 2 when it is empty. */
const char *cli_host(const struct cli_program *program, const char *text);

/* "NAME: text; see NAME --help" on standard error, then exit 2. */
void cli_fail(const struct cli_program *program, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#endif
