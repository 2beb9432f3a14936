/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl counters: every drop has a name and a number. Exact, because people subtract them. */
#include "ctl/command.h"

#include <string.h>

#include "ctl/each.h"
#include "ctl/view.h"

static const struct grammar grammar[] = {EACH_OPTION};

static enum table_style value_style(const json_t *row)
{
	uint64_t value;

	if (!view_number(row, "value", &value) || value == 0)
		return TABLE_FAINT;
	return strcmp(view_text(row, "kind"), "drop") == 0 ? TABLE_WARN : TABLE_PLAIN;
}

static const struct view_column columns[] = {
	{.title = "DAEMON", .kind = VIEW_TEXT, .key = "daemon"},
	{.title = "COUNTER", .kind = VIEW_TEXT, .key = "name"},
	{.title = "VALUE", .kind = VIEW_EXACT, .key = "value", .style = value_style},
	{.title = "KIND", .kind = VIEW_TEXT, .key = "kind"},
	{.title = "MEANING", .kind = VIEW_TEXT, .key = "description"},
};

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const char *first = view_text(json_array_get(data, 0), "daemon");
	/* tandem-lb's rows come first, and carry its name when others follow. */
	size_t skip = strcmp(first, each_names[EACH_LB]) == 0 ? 0 : 1;

	view_rows(output, columns + skip, COUNT_OF(columns) - skip, data, "no counters");
}

const struct subcommand cmd_counters = {
	.name = "counters",
	.summary = "drops by reason, and other things that are counted",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_EACH,
	.access = CTL_READ,
	.render = render,
};
