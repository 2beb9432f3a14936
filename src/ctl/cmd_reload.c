/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl reload: what SIGHUP does, with the outcome told to who asked. */
#include "ctl/command.h"

const struct subcommand cmd_reload = {
	.name = "reload",
	.summary = "read the config file again; a bad one changes nothing",
	.access = CTL_WRITE,
	.render = command_render_message,
};
