/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl reload: what SIGHUP does, in each daemon that runs, with the outcome told to who asked. */
#include "ctl/command.h"

#include "common/clean_text.h"
#include "ctl/each.h"
#include "ctl/view.h"

static const struct grammar grammar[] = {EACH_OPTION};

static void show(const struct output *output, const char *who, const json_t *data)
{
	char line[1024];

	clean_text(line, sizeof(line), view_text(data, "message"));
	fprintf(output->file, "%s%s\n", who, line);
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *vrrp = json_object_get(data, each_names[EACH_VRRP]);
	bool both = !each_is_absent(args, EACH_VRRP) && each_is_chosen(args, EACH_VRRP);

	if (json_object_get(data, "message"))
		show(output, both ? "tandem-lb: " : "", data);
	if (vrrp)
		show(output, "tandem-vrrp: ", vrrp);
}

const struct subcommand cmd_reload = {
	.name = "reload",
	.summary = "read the config file again; a bad one changes nothing",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_EACH,
	.access = CTL_WRITE,
	.render = render,
};
