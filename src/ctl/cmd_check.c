/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl check FILE [-n NODE]: what tandem-lb -t and tandem-vrrp -t say about a config file, without a daemon and
 * without privilege. The reading is src/lb/lb_conf.c's and src/vrrp/vrrp_conf.c's.
 */
#include "ctl/command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/conf.h"
#include "common/secure_dgram.h"
#include "ctl/view.h"
#include "lb/lb_conf.h"
#include "vrrp/vrrp_conf.h"
#include "vrrp/vrrp_conf_programs.h"

/* What makes a file one for tandem-lb. */
static const char *const lb_sections[] = {"pools", "services", "dataplane"};

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
	const json_t *errors = json_object_get(data, "errors"), *warnings = json_object_get(data, "warnings");
	char file[512], node[80], n[4][VIEW_TEXT_MAX];
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
	for (size_t i = 0; i < json_array_size(warnings); i++)
		fprintf(output->file, "%s\n", json_string_value(json_array_get(warnings, i)));
	fprintf(output->file, "%s: valid%s%s: pools %s, backends %s, services %s, vrrp instances %s\n", file,
		*node ? " for node " : "", node, view_format(data, "pools", VIEW_EXACT, n[0]),
		view_format(data, "backends", VIEW_EXACT, n[1]),
		view_format(data, "services", VIEW_EXACT, n[2]),
		view_format(data, "vrrp_instances", VIEW_EXACT, n[3]));
}

/* ---- the readers' errors as one list ---- */

struct outcome {
	struct lb_model lb;
	struct vrrp_model vrrp;
	struct conf_errors of_file, of_lb, of_vrrp; /* of_file: the language */
};

/* Add to lines (at most CONF_ERRORS_MAX, in the order of the file) what `from` has and they do not: both readers look at
 * nodes and at the names of sections. Returns how many it found there already. */
static size_t merge(struct conf_errors *lines, const struct conf_errors *from)
{
	size_t twice = 0;

	for (size_t i = 0; i < from->shown; i++) {
		const struct conf_error *e = &from->error[i];
		size_t at = 0;

		while (at < lines->shown &&
			(lines->error[at].position != e->position || strcmp(lines->error[at].text, e->text)))
			at++;
		if (at < lines->shown) {
			twice++;
			continue;
		}
		for (at = lines->shown; at > 0 && lines->error[at - 1].position > e->position; at--)
			if (at < CONF_ERRORS_MAX)
				lines->error[at] = lines->error[at - 1];
		if (at < CONF_ERRORS_MAX)
			lines->error[at] = *e;
		if (lines->shown < CONF_ERRORS_MAX)
			lines->shown++;
	}
	return twice;
}

/* All of them in of_file. A mistake that neither list shows counts once for each reader that found it. */
static void merge_all(struct outcome *o)
{
	size_t count = o->of_file.count + o->of_lb.count + o->of_vrrp.count;

	conf_errors_sort(&o->of_file);
	count -= merge(&o->of_file, &o->of_lb);
	count -= merge(&o->of_file, &o->of_vrrp);
	o->of_file.count = count;
}

/* ---- the file ---- */

/* The file by every program that it has something for; a file with nothing at all is tandem-lb's to refuse. */
static void check_file(const char *file, const char *node, struct outcome *o)
{
	bool for_lb = false, for_vrrp;
	const config_setting_t *root;
	struct conf *conf;

	memset(&o->lb, 0, sizeof(o->lb));
	memset(&o->vrrp, 0, sizeof(o->vrrp));
	conf_errors_init(&o->of_file);
	conf_errors_init(&o->of_lb);
	conf_errors_init(&o->of_vrrp);
	if (conf_open(file, &conf, &o->of_file)) {
		if (!o->of_file.count)
			conf_errors_add(&o->of_file, 0, "%s: out of memory while reading the config", file);
		return;
	}
	root = conf_root(conf);
	for_vrrp = config_setting_get_member(root, "vrrp");
	for (size_t i = 0; i < COUNT_OF(lb_sections); i++)
		for_lb |= config_setting_get_member(root, lb_sections[i]) != NULL;
	if (for_lb || !for_vrrp)
		lb_conf_load(file, node, &o->lb, &o->of_lb);
	if (for_vrrp)
		vrrp_conf_load(file, node, &o->vrrp, &o->of_vrrp);
	conf_close(conf);
	merge_all(o);
}

static void add_warning(void *data, const char *line)
{
	char clean[VRRP_PROGRAM_WARNING_MAX];

	clean_text(clean, sizeof(clean), line);
	json_array_append_new(data, json_string(clean));
}

/* What no daemon refuses. */
static json_t *list_warnings(const struct outcome *o)
{
	const struct conf_peer *peer = o->lb.peer.configured ? &o->lb.peer : &o->vrrp.peer;
	char line[SECURE_WARNING_MAX];
	json_t *out = json_array();

	if (peer->configured && secure_keys_warn(peer->key_file, line, sizeof(line)))
		add_warning(out, line);
	vrrp_conf_programs_warn(&o->vrrp, add_warning, out);
	return out;
}

/* The outcome in the form that a daemon's answer has, so that --json works here too. */
static json_t *describe(const char *file, const struct outcome *o)
{
	const struct conf_errors *errors = &o->of_file;
	json_t *lines = json_array();
	size_t backends = 0;
	char line[CONF_ERROR_TEXT];

	for (size_t i = 0; i < errors->shown; i++) {
		clean_text(line, sizeof(line), errors->error[i].text);
		json_array_append_new(lines, json_string(line));
	}
	for (size_t i = 0; i < o->lb.pool_count; i++)
		backends += o->lb.pools[i].backend_count;
	return json_pack("{s:s,s:s,s:b,s:o,s:I,s:o,s:I,s:I,s:I,s:I}", "file", file, "node",
		*o->lb.node ? o->lb.node : o->vrrp.node, "valid", errors->count == 0, "errors", lines,
		"error_count", (json_int_t)errors->count, "warnings", list_warnings(o), "pools",
		(json_int_t)o->lb.pool_count, "backends", (json_int_t)backends, "services",
		(json_int_t)o->lb.service_count, "vrrp_instances", (json_int_t)o->vrrp.instance_count);
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	const char *file = json_string_value(json_object_get(args, "file"));
	struct outcome outcome;
	json_t *data;
	bool valid;

	check_file(file, json_string_value(json_object_get(args, "node")), &outcome);
	data = describe(file, &outcome);
	valid = outcome.of_file.count == 0;
	lb_model_clear(&outcome.lb);
	vrrp_model_clear(&outcome.vrrp);
	if (!data) {
		fprintf(stderr, "tandemctl: out of memory\n");
		return EXIT_REFUSED;
	}
	context->output.format->reply(&context->output, command, args, data);
	json_decref(data);
	return valid ? EXIT_DONE : EXIT_USAGE;
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
