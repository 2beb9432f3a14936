/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl peers: the other node of the pair, and what is heard of it by each path. */
#include "ctl/command.h"

#include <string.h>

#include "ctl/view.h"

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- the peer ---- */

static void show_name(struct table *table, const json_t *data)
{
	const char *says = view_text(data, "says_node"), *node = view_text(data, "node");

	if (!is_true(data, "heard"))
		view_pair(table, TABLE_BAD, "peer", "%s, never heard", node);
	else if (!is_true(data, "fresh"))
		view_pair(table, TABLE_BAD, "peer", "%s, silent on every path", node);
	else
		view_pair(table, TABLE_GOOD, "peer", "%s, heard", node);
	if (is_true(data, "heard") && strcmp(says, node) != 0)
		view_pair(table, TABLE_WARN, "",
			"calls itself %s; start it with -n %s, or name it so in 'nodes'", says, node);
}

static void show_peer(const struct output *output, const json_t *data)
{
	struct table *table = table_new(view_pairs, VIEW_PAIRS);
	const char *error = view_text(data, "error"), *boot = view_text(data, "boot");
	const char *ours = view_text(data, "our_table"), *theirs = view_text(data, "table");
	const json_t *same = json_object_get(data, "same_config");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX], c[VIEW_TEXT_MAX];

	show_name(table, data);
	if (*error && strcmp(error, "-") != 0)
		view_pair(table, TABLE_BAD, "trouble", "%s", error);
	if (json_is_true(same))
		view_pair(table, TABLE_PLAIN, "config", "the same config");
	else if (json_is_false(same))
		view_pair(table, TABLE_WARN, "config",
			"another config: instances, groups, virtual routers, intervals or addresses differ; give both nodes the same");
	if (json_object_get(data, "our_table") && (strcmp(ours, "none") != 0 || strcmp(theirs, "none") != 0))
		view_pair(table, TABLE_PLAIN, "tables", "connections of the peer here: %s; of ours there: %s",
			ours, theirs);
	if (*boot && strcmp(boot, "-") != 0)
		view_pair(table, TABLE_PLAIN, "boot", "%s", boot);
	view_pair(table, TABLE_PLAIN, "beacons", "every %s, silent after %s, UDP port %s",
		view_format(data, "beacon_interval_ms", VIEW_MS, a),
		view_format(data, "beacon_timeout_ms", VIEW_MS, b), view_format(data, "port", VIEW_EXACT, c));
	view_pair(table, TABLE_PLAIN, "alone", "%s",
		strcmp(view_text(data, "on_isolation"), "fenced") == 0
			? "fenced: takes, and keeps, only with a witness in reach"
			: "takes: silence on every path means that the peer is dead");
	table_print(table, output->file, output->color);
	table_free(table);
}

/* ---- its paths ---- */

static void state(const json_t *row, char out[VIEW_TEXT_MAX])
{
	snprintf(out, VIEW_TEXT_MAX, "%s",
		is_true(row, "up")                                     ? "up"
		: json_is_number(json_object_get(row, "heard_ago_ms")) ? "silent"
		: is_true(row, "session")                              ? "no beacon"
								       : "never heard");
}

static enum table_style state_style(const json_t *row)
{
	return is_true(row, "up") ? TABLE_GOOD : TABLE_BAD;
}

static void session(const json_t *row, char out[VIEW_TEXT_MAX])
{
	snprintf(out, VIEW_TEXT_MAX, "%s", is_true(row, "session") ? "yes" : "no");
}

static void count(const json_t *row, const char *key, char out[VIEW_TEXT_MAX])
{
	view_format(json_object_get(row, "counters"), key, VIEW_COUNT, out);
}

static void sent(const json_t *row, char out[VIEW_TEXT_MAX])
{
	count(row, "beacons_sent", out);
}

static void received(const json_t *row, char out[VIEW_TEXT_MAX])
{
	count(row, "beacons_received", out);
}

static const struct view_column columns[] = {
	{.title = "PATH", .kind = VIEW_EXACT, .key = "path"},
	{.title = "LOCAL", .kind = VIEW_TEXT, .key = "local"},
	{.title = "REMOTE", .kind = VIEW_TEXT, .key = "remote"},
	{.title = "STATE", .kind = VIEW_CUSTOM, .cell = state, .style = state_style},
	{.title = "HEARD AGO", .kind = VIEW_MS, .key = "heard_ago_ms"},
	{.title = "PEER HEARD US", .kind = VIEW_MS, .key = "peer_heard_ago_ms"},
	{.title = "SESSION", .kind = VIEW_CUSTOM, .cell = session},
	{.title = "SENT", .kind = VIEW_CUSTOM_RIGHT, .cell = sent},
	{.title = "RECEIVED", .kind = VIEW_CUSTOM_RIGHT, .cell = received},
};

/* ---- what is not well, below the table ---- */

static const char *meaning(const char *reason)
{
	static const struct {
		const char *reason, *text;
	} meanings[] = {
		{"short", "no datagram of the pair's"},
		{"version", "another version of the format; give both nodes the same release"},
		{"key", "made with a key that is not in key_file here; give both nodes the same file"},
		{"tag", "forged or damaged"},
		{"stale", "of a session that is over, or not begun"},
		{"replay", "seen before, or too old"},
		{"own", "our own, or of a node with our name"},
		{"malformed", "a beacon of another version"},
		{"outdated", "of a start of the peer that was over already"},
	};

	for (size_t i = 0; i < COUNT_OF(meanings); i++)
		if (strcmp(meanings[i].reason, reason) == 0)
			return meanings[i].text;
	return "a reason of another release";
}

static bool complain(const struct output *output, const json_t *row, const char *reason,
	const json_t *counters, bool first)
{
	char line[512], path[VIEW_TEXT_MAX], n[VIEW_TEXT_MAX];
	uint64_t value;

	if (!view_number(counters, reason, &value) || !value)
		return first;
	if (first)
		fputc('\n', output->file);
	snprintf(line, sizeof(line), "path %.8s: refused %.24s as %.32s: %s",
		view_format(row, "path", VIEW_EXACT, path), view_format(counters, reason, VIEW_EXACT, n),
		reason, meaning(reason));
	table_line(TABLE_WARN, line, output->file, output->color);
	return false;
}

static void show_refusals(const struct output *output, const json_t *paths)
{
	bool first = true;

	for (size_t i = 0; i < json_array_size(paths); i++) {
		const json_t *row = json_array_get(paths, i), *counters = json_object_get(row, "counters");
		json_t *refused = json_object_get(row, "refused"), *any;
		const char *reason, *error = view_text(row, "send_error");
		char line[512], path[VIEW_TEXT_MAX];

		if (*error && strcmp(error, "-") != 0) {
			if (first)
				fputc('\n', output->file);
			first = false;
			snprintf(line, sizeof(line), "path %.8s: cannot send: %.200s",
				view_format(row, "path", VIEW_EXACT, path), error);
			table_line(TABLE_BAD, line, output->file, output->color);
		}
		json_object_foreach(refused, reason, any) first =
			complain(output, row, reason, refused, first);
		first = complain(output, row, "malformed", counters, first);
		first = complain(output, row, "outdated", counters, first);
	}
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *paths = json_object_get(data, "paths");

	if (!is_true(data, "configured")) {
		table_line(TABLE_PLAIN, "no 'peer' is configured: plain VRRP", output->file, output->color);
		return;
	}
	show_peer(output, data);
	if (json_array_size(paths)) {
		fputc('\n', output->file);
		view_rows(output, columns, COUNT_OF(columns), paths, "");
	}
	show_refusals(output, paths);
}

const struct subcommand cmd_peers = {
	.name = "peers",
	.summary = "the other node of the pair, and the paths to it",
	.asks = ASKS_VRRP,
	.access = CTL_READ,
	.render = render,
};
