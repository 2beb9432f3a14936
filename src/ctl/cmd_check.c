/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl check FILE [-n NODE]: what tandem-lb -t says about a config file, without a daemon and without
 * privilege. The reading is src/lb/lb_conf.c's; only the telling stands here.
 */
#include "ctl/command.h"

#include <inttypes.h>

#include "common/clean_text.h"
#include "ctl/view.h"
#include "lb/lb_conf.h"

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TEXT, .required = true, .key = "file", .metavar = "FILE", .help = "the config file"},
	{.letter = 'n',
		.type = GRAMMAR_TEXT,
		.key = "node",
		.metavar = "NODE",
		.help = "check it as this node (default: the hostname)"},
};

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *errors = json_object_get(data, "errors");
	char file[512], node[80], n[3][VIEW_TEXT_MAX];
	uint64_t count;

	for (size_t i = 0; i < json_array_size(errors); i++)
		fprintf(output->file, "%s\n", json_string_value(json_array_get(errors, i)));
	if (view_number(data, "error_count", &count) && count > json_array_size(errors))
		fprintf(output->file, "and %" PRIu64 " more\n", count - json_array_size(errors));
	clean_text(file, sizeof(file), view_text(data, "file"));
	clean_text(node, sizeof(node), view_text(data, "node"));
	if (!json_is_true(json_object_get(data, "valid"))) {
		fprintf(output->file, "%s: not valid\n", file);
		return;
	}
	fprintf(output->file, "%s: valid%s%s: pools %s, backends %s, services %s\n", file,
		*node ? " for node " : "", node, view_format(data, "pools", VIEW_EXACT, n[0]),
		view_format(data, "backends", VIEW_EXACT, n[1]),
		view_format(data, "services", VIEW_EXACT, n[2]));
}

/* The outcome in the form that a daemon's answer has, so that --json works here too. */
static json_t *describe(const char *file, const struct lb_model *model, const struct conf_errors *errors)
{
	json_t *lines = json_array();
	size_t backends = 0;
	char line[CONF_ERROR_TEXT];

	for (size_t i = 0; i < errors->shown; i++) {
		clean_text(line, sizeof(line), errors->error[i].text);
		json_array_append_new(lines, json_string(line));
	}
	for (size_t i = 0; i < model->pool_count; i++)
		backends += model->pools[i].backend_count;
	return json_pack("{s:s,s:s,s:b,s:o,s:I,s:I,s:I,s:I}", "file", file, "node", model->node, "valid",
		errors->count == 0, "errors", lines, "error_count", (json_int_t)errors->count, "pools",
		(json_int_t)model->pool_count, "backends", (json_int_t)backends, "services",
		(json_int_t)model->service_count);
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	const char *file = json_string_value(json_object_get(args, "file"));
	struct conf_errors errors;
	struct lb_model model;
	int rc = lb_conf_load(file, json_string_value(json_object_get(args, "node")), &model, &errors);
	json_t *data = describe(file, &model, &errors);

	lb_model_clear(&model);
	if (!data) {
		fprintf(stderr, "tandemctl: out of memory\n");
		return EXIT_REFUSED;
	}
	context->output.format->reply(&context->output, command, args, data);
	json_decref(data);
	return rc < 0 ? EXIT_USAGE : EXIT_DONE;
}

const struct subcommand cmd_check = {
	.name = "check",
	.summary = "check a config file; needs no daemon",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_READ,
	.render = render,
	.run = run,
};
