/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, read by the tables that also make its help: global options anywhere, one subcommand, its
 * options and arguments. Prints nothing, runs nothing.
 */
#ifndef TANDEM_CTL_GRAMMAR_H
#define TANDEM_CTL_GRAMMAR_H

#include <stddef.h>
#include <stdio.h>

#include "ctl/command.h"

struct grammar_tables {
	const struct grammar *globals; /* options only */
	size_t global_count;
	const struct subcommand *const *commands;
	size_t command_count;
};

struct grammar_line {
	const struct subcommand *command; /* NULL: none was named */
	json_t *globals;                  /* objects, owned: grammar_line_clear */
	json_t *args;
};

/* Read argv[1..]. 0, or -EINVAL with one line in error, that names the nearest word on a typo; also then line
 * holds what was read so far and must be cleared. Missing arguments are no error when --help was given. */
int grammar_parse(const struct grammar_tables *tables, int argc, char **argv, struct grammar_line *line,
	char *error, size_t error_size);
void grammar_line_clear(struct grammar_line *line);

/* "drain [OPTIONS] POOL/BACKEND", without a line break. */
void grammar_print_usage(const struct subcommand *command, FILE *file);

/* A line for each option and argument, with its help. */
void grammar_print_options(const struct grammar *rows, size_t count, FILE *file);

#endif
