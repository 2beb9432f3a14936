/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl enable POOL/BACKEND: the way back from drain and disable; its health still decides. */
#include "ctl/command.h"

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TARGET, .required = true, .metavar = "POOL/BACKEND", .help = "the backend"},
};

const struct subcommand cmd_enable = {
	.name = "enable",
	.summary = "take a drained or disabled backend back",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_WRITE,
	.render = command_render_message,
};
