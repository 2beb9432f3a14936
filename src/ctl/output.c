/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two formats: text, rendered from the reply's data by the command, and that same data as JSON. */
#include "ctl/command.h"

static void text_reply(
	const struct output *output, const struct subcommand *command, const json_t *args, const json_t *data)
{
	command->render(output, args, data);
}

static void text_update(
	const struct output *output, const struct subcommand *command, const json_t *args, const json_t *data)
{
	command->render(output, args, data);
	fflush(output->file);
}

static void json_reply(
	const struct output *output, const struct subcommand *command, const json_t *args, const json_t *data)
{
	json_dumpf(data, output->file, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	fputc('\n', output->file);
}

static void json_update(
	const struct output *output, const struct subcommand *command, const json_t *args, const json_t *data)
{
	json_dumpf(data, output->file, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	fputc('\n', output->file);
	fflush(output->file);
}

const struct output_format output_text = {.reply = text_reply, .update = text_update};
const struct output_format output_json = {.reply = json_reply, .update = json_update};
