/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What most subcommands do: one question, one answer. */
#include "ctl/command.h"

#include "common/clean_text.h"
#include "common/ctl_client.h"
#include "ctl/each.h"
#include "ctl/view.h"

json_t *command_fetch(const struct context *context, const struct subcommand *command, json_t *args)
{
	const char *daemon = each_names[command->asks == ASKS_VRRP ? EACH_VRRP : EACH_LB];
	struct ctl_client *client;
	json_t *data = NULL;
	char error[1024];

	if (ctl_client_open(&client, context->rundir, daemon, command->access, CTL_CLIENT_TIMEOUT_MS, error,
		    sizeof(error)) == 0)
		data = ctl_client_call(client, command->name, args, error, sizeof(error));
	ctl_client_close(client);
	if (!data)
		fprintf(stderr, "tandemctl: %s\n", error);
	return data;
}

int command_ask(const struct context *context, const struct subcommand *command, json_t *args)
{
	json_t *data;

	if (command->asks == ASKS_EACH)
		return each_show(context, command, args);
	data = command_fetch(context, command, args);
	if (!data)
		return EXIT_REFUSED;
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
