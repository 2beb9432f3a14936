/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl drain POOL/BACKEND: the gentle way out, before maintenance. */
#include "ctl/command.h"

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TARGET, .required = true, .metavar = "POOL/BACKEND", .help = "the backend"},
};

const struct subcommand cmd_drain = {
	.name = "drain",
	.summary = "no new connections to a backend, keep those it has",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_WRITE,
	.render = command_render_message,
};
