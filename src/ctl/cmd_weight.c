/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl weight POOL/BACKEND N: a weight of its own until the next change; the config file stays. */
#include "ctl/command.h"

#include "lb/lb_model.h"

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TARGET, .required = true, .metavar = "POOL/BACKEND", .help = "the backend"},
	{.type = GRAMMAR_NUMBER,
		.required = true,
		.key = "weight",
		.metavar = "N",
		.max = LB_WEIGHT_MAX,
		.help = "0 to 256; 0 lets it drain"},
};

const struct subcommand cmd_weight = {
	.name = "weight",
	.summary = "give a backend another weight while the daemon runs",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_WRITE,
	.render = command_render_message,
};
