/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl disable POOL/BACKEND: out of service now, whatever its health check says. */
#include "ctl/command.h"

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TARGET, .required = true, .metavar = "POOL/BACKEND", .help = "the backend"},
};

const struct subcommand cmd_disable = {
	.name = "disable",
	.summary = "take a backend out at once",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_WRITE,
	.render = command_render_message,
};
