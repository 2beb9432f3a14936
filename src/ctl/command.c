/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What most subcommands do: one question, one answer. */
#include "ctl/command.h"

#include "common/clean_text.h"
#include "common/ctl_client.h"
#include "ctl/view.h"

int command_ask(const struct context *context, const struct subcommand *command, json_t *args)
{
	struct ctl_client *client;
	char error[1024];

	if (ctl_client_open(&client, context->rundir, "lb", command->access, CTL_CLIENT_TIMEOUT_MS, error,
		    sizeof(error)) < 0) {
		fprintf(stderr, "tandemctl: %s\n", error);
		return EXIT_REFUSED;
	}

	json_t *data = ctl_client_call(client, command->name, args, error, sizeof(error));

	ctl_client_close(client);
	if (!data) {
		fprintf(stderr, "tandemctl: %s\n", error);
		return EXIT_REFUSED;
	}
	context->output.format->reply(&context->output, command, args, data);
	json_decref(data);
	return EXIT_DONE;
}

void command_render_message(const struct output *output, const json_t *args, const json_t *data)
{
	char line[1024];

	clean_text(line, sizeof(line), view_text(data, "message"));
	fprintf(output->file, "%s\n", line);
}
