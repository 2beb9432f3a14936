/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl peers: the other node of the pair: whether connections are the same there and here (tandem-lb), what its beacons
 * say (tandem-vrrp), and what is heard of it by each path.
 */
#include "ctl/command.h"

#include <string.h>

#include "ctl/each.h"
#include "ctl/view.h"

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- the peer ---- */

static void show_name(struct table *table, const json_t *data)
{
	const char *says = json_string_value(json_object_get(data, "says_node"));
	const char *node = view_text(data, "node");

	if (!is_true(data, "heard"))
		view_pair(table, TABLE_BAD, "peer", "%s, never heard", node);
	else if (!is_true(data, "fresh"))
		view_pair(table, TABLE_BAD, "peer", "%s, silent on every path", node);
	else
		view_pair(table, TABLE_GOOD, "peer", "%s, heard", node);
	if (is_true(data, "heard") && says && strcmp(says, node) != 0)
		view_pair(table, TABLE_WARN, "",
			"calls itself %s; start it with -n %s, or name it so in 'nodes'", says, node);
}

/* What both daemons say; what: what is to be the same in the config. */
static void show_common(struct table *table, const json_t *data, const char *what)
{
	const char *error = view_text(data, "error"), *boot = view_text(data, "boot");
	const json_t *same = json_object_get(data, "same_config");

	show_name(table, data);
	if (*error && strcmp(error, "-") != 0)
		view_pair(table, TABLE_BAD, "trouble", "%s", error);
	if (json_is_true(same))
		view_pair(table, TABLE_PLAIN, "config", "the same config");
	else if (json_is_false(same))
		view_pair(table, TABLE_WARN, "config", "another config: %s differ; give both nodes the same",
			what);
	if (*boot && strcmp(boot, "-") != 0)
		view_pair(table, TABLE_PLAIN, "boot", "%s", boot);
}

static void show_beacons(struct table *table, const json_t *data)
{
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX], c[VIEW_TEXT_MAX];

	show_common(table, data, "instances, groups, virtual routers, intervals or addresses");
	view_pair(table, TABLE_PLAIN, "beacons", "every %s, silent after %s, UDP port %s",
		view_format(data, "beacon_interval_ms", VIEW_MS, a),
		view_format(data, "beacon_timeout_ms", VIEW_MS, b), view_format(data, "port", VIEW_EXACT, c));
	view_pair(table, TABLE_PLAIN, "alone", "%s",
		strcmp(view_text(data, "on_isolation"), "fenced") == 0
			? "fenced: takes, and keeps, only with a witness in reach"
			: "takes: silence on every path means that the peer is dead");
}

/* ---- connections ---- */

static void show_direction(struct table *table, const char *name, const char *state)
{
	view_pair(table, strcmp(state, "in sync") == 0 ? TABLE_GOOD : TABLE_WARN, name, "%s", state);
}

/* The members of an object of numbers that are not in `but`, as "12 no service, 3 table full"; "" without any. */
static void list_numbers(const json_t *object, const char *but, char *out, size_t size)
{
	size_t len = 0;
	const char *name;
	json_t *any;

	*out = 0;
	json_object_foreach((json_t *)object, name, any)
	{
		char n[VIEW_TEXT_MAX];
		uint64_t value;

		if (strcmp(name, but) == 0 || !view_number(object, name, &value) || !value || len >= size)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s %s", len ? ", " : "",
			view_format(object, name, VIEW_COUNT, n), name);
	}
}

static void show_records(struct table *table, const json_t *sync)
{
	const json_t *sent = json_object_get(sync, "sent"), *received = json_object_get(sync, "received");
	const json_t *records = json_object_get(sync, "records"), *copies = json_object_get(sync, "copies");
	char n[4][VIEW_TEXT_MAX], rest[400];

	view_pair(table, TABLE_PLAIN, "told", "%s changes, %s records in %s whole tables; %s datagrams again",
		view_format(sent, "changes", VIEW_COUNT, n[0]), view_format(sent, "bulk", VIEW_COUNT, n[1]),
		view_format(sent, "bulks", VIEW_COUNT, n[2]),
		view_format(sent, "repaired_late", VIEW_COUNT, n[3]));
	view_pair(table, TABLE_PLAIN, "heard", "%s records taken, %s whole tables",
		view_format(records, "applied", VIEW_COUNT, n[0]),
		view_format(received, "bulks", VIEW_COUNT, n[1]));
	list_numbers(records, "applied", rest, sizeof(rest));
	if (*rest)
		view_pair(table, TABLE_PLAIN, "not taken", "%s", rest);
	list_numbers(copies, "waiting", rest, sizeof(rest));
	if (*rest)
		view_pair(table, TABLE_PLAIN, "copies", "%s", rest);
}

static void show_connections(struct table *table, const json_t *data)
{
	const json_t *sync = json_object_get(data, "sync");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX], c[VIEW_TEXT_MAX];
	double lag = json_number_value(json_object_get(sync, "lag_ms"));

	show_common(table, data, "pools, backends or services");
	if (!sync)
		return;
	show_direction(table, "from peer", view_text(sync, "in"));
	show_direction(table, "to peer", view_text(sync, "out"));
	if (!json_is_number(json_object_get(sync, "lag_longest_ms")))
		view_pair(table, TABLE_PLAIN, "lag", "%s; nothing was told in the last minute",
			lag > 0 ? view_format(sync, "lag_ms", VIEW_MS, a) : "nothing waits");
	else
		view_pair(table, TABLE_PLAIN, "lag", "%s; in the last minute %s at most, 99 %% within %s",
			lag > 0 ? view_format(sync, "lag_ms", VIEW_MS, a) : "nothing waits",
			view_format(sync, "lag_longest_ms", VIEW_MS, b),
			view_format(sync, "lag_p99_ms", VIEW_MS, c));
	show_records(table, sync);
}

/* ---- its paths ---- */

static void state(const json_t *row, char out[VIEW_TEXT_MAX])
{
	snprintf(out, VIEW_TEXT_MAX, "%s",
		is_true(row, "up") ? is_true(row, "stuck") ? "stuck" : "up"
		: json_is_number(json_object_get(row, "heard_ago_ms")) ? "silent"
		: is_true(row, "session")                              ? "no word"
								       : "never heard");
}

static enum table_style state_style(const json_t *row)
{
	return is_true(row, "up") && !is_true(row, "stuck") ? TABLE_GOOD : TABLE_BAD;
}

static void session(const json_t *row, char out[VIEW_TEXT_MAX])
{
	snprintf(out, VIEW_TEXT_MAX, "%s", is_true(row, "session") ? "yes" : "no");
}

static void carries(const json_t *row, char out[VIEW_TEXT_MAX])
{
	snprintf(out, VIEW_TEXT_MAX, "%s", is_true(row, "carries") ? "yes" : "no");
}

/* tandem-vrrp counts beacons, tandem-lb datagrams. */
static void count(const json_t *row, const char *beacons, const char *datagrams, char out[VIEW_TEXT_MAX])
{
	const json_t *counters = json_object_get(row, "counters");

	view_format(counters, json_object_get(counters, beacons) ? beacons : datagrams, VIEW_COUNT, out);
}

static void sent(const json_t *row, char out[VIEW_TEXT_MAX])
{
	count(row, "beacons_sent", "datagrams_sent", out);
}

static void received(const json_t *row, char out[VIEW_TEXT_MAX])
{
	count(row, "beacons_received", "datagrams_received", out);
}

#define PATH_COLUMNS                                                                          \
	{.title = "PATH", .kind = VIEW_EXACT, .key = "path"},                                 \
		{.title = "LOCAL", .kind = VIEW_TEXT, .key = "local"},                        \
		{.title = "REMOTE", .kind = VIEW_TEXT, .key = "remote"},                      \
		{.title = "STATE", .kind = VIEW_CUSTOM, .cell = state, .style = state_style}, \
		{.title = "HEARD AGO", .kind = VIEW_MS, .key = "heard_ago_ms"},               \
		{.title = "PEER HEARD US", .kind = VIEW_MS, .key = "peer_heard_ago_ms"},      \
	{                                                                                     \
		.title = "SESSION", .kind = VIEW_CUSTOM, .cell = session                      \
	}
#define COUNT_COLUMNS                                                            \
	{.title = "SENT", .kind = VIEW_CUSTOM_RIGHT, .cell = sent},              \
	{                                                                        \
		.title = "RECEIVED", .kind = VIEW_CUSTOM_RIGHT, .cell = received \
	}

static const struct view_column beacon_columns[] = {PATH_COLUMNS, COUNT_COLUMNS};
/* Beacons go by every path, connections by one. */
static const struct view_column sync_columns[] = {
	PATH_COLUMNS, {.title = "CARRIES", .kind = VIEW_CUSTOM, .cell = carries}, COUNT_COLUMNS};

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
		{"malformed", "of another version of tandem"},
		{"bad", "their records cannot be read here; give both nodes the same release"},
		{"unknown", "of a kind that only a later version of tandem knows"},
		{"outdated", "of a start of the peer, or of ours, that was over already"},
		{"strangers", "from another address than the path's"},
	};

	for (size_t i = 0; i < COUNT_OF(meanings); i++)
		if (strcmp(meanings[i].reason, reason) == 0)
			return meanings[i].text;
	return "a reason of another release";
}

/* where: what the line begins with. */
static bool complain(const struct output *output, const char *where, const char *reason,
	const json_t *counters, bool first)
{
	char line[512], n[VIEW_TEXT_MAX];
	uint64_t value;

	if (!view_number(counters, reason, &value) || !value)
		return first;
	if (first)
		fputc('\n', output->file);
	snprintf(line, sizeof(line), "%.32s: refused %.24s as %.32s: %s", where,
		view_format(counters, reason, VIEW_EXACT, n), reason, meaning(reason));
	table_line(TABLE_WARN, line, output->file, output->color);
	return false;
}

static bool complain_of_path(const struct output *output, const json_t *row, bool first)
{
	json_t *counters = json_object_get(row, "counters"), *refused = json_object_get(row, "refused"), *any;
	const char *reason, *error = view_text(row, "send_error");
	char line[512], path[VIEW_TEXT_MAX], where[32];

	snprintf(where, sizeof(where), "path %.8s", view_format(row, "path", VIEW_EXACT, path));
	if (*error && strcmp(error, "-") != 0) {
		if (first)
			fputc('\n', output->file);
		first = false;
		snprintf(line, sizeof(line), "%s: cannot %s: %.200s", where,
			json_is_false(json_object_get(row, "listens")) ? "listen" : "send", error);
		table_line(TABLE_BAD, line, output->file, output->color);
	}
	json_object_foreach(refused, reason, any) first = complain(output, where, reason, refused, first);
	first = complain(output, where, "malformed", counters, first);
	first = complain(output, where, "outdated", counters, first);
	return complain(output, where, "strangers", counters, first);
}

/* By each path, and what came by any of them in a good envelope. */
static void show_refusals(const struct output *output, const json_t *data)
{
	const json_t *paths = json_object_get(data, "paths");
	const json_t *received = json_object_get(json_object_get(data, "sync"), "received");
	bool first = true;

	for (size_t i = 0; i < json_array_size(paths); i++)
		first = complain_of_path(output, json_array_get(paths, i), first);
	first = complain(output, "datagrams", "bad", received, first);
	complain(output, "records", "unknown", received, first);
}

/* ---- the whole ---- */

static void show_daemon(const struct output *output, enum each_daemon daemon, const json_t *data)
{
	const json_t *paths = json_object_get(data, "paths");
	struct table *table;

	if (!is_true(data, "configured")) {
		table_line(TABLE_PLAIN,
			daemon == EACH_LB ? "no 'peer' is configured: connections are this node's alone"
					  : "no 'peer' is configured: plain VRRP",
			output->file, output->color);
		return;
	}
	table = table_new(view_pairs, VIEW_PAIRS);
	if (daemon == EACH_LB)
		show_connections(table, data);
	else
		show_beacons(table, data);
	table_print(table, output->file, output->color);
	table_free(table);
	if (json_array_size(paths)) {
		fputc('\n', output->file);
		if (daemon == EACH_LB)
			view_rows(output, sync_columns, COUNT_OF(sync_columns), paths, "");
		else
			view_rows(output, beacon_columns, COUNT_OF(beacon_columns), paths, "");
	}
	show_refusals(output, data);
}

/* A daemon that does not run is a faint line; one that was not asked, or did not answer, is nothing. */
static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *of[EACH_COUNT] = {
		json_object_get(data, "configured") ? data : NULL, json_object_get(data, "vrrp")};
	bool first = true;
	char name[32], text[128];

	for (enum each_daemon d = 0; d < EACH_COUNT; d++) {
		if (!of[d] && !each_is_absent(args, d))
			continue;
		if (!first)
			fputc('\n', output->file);
		first = false;
		snprintf(name, sizeof(name), "tandem-%s", each_names[d]);
		snprintf(text, sizeof(text), "%s is not running; 'systemctl start %s' starts it", name, name);
		if (!of[d]) {
			table_line(TABLE_FAINT, text, output->file, output->color);
			continue;
		}
		view_heading(output, name);
		show_daemon(output, d, of[d]);
	}
}

static const struct grammar grammar[] = {EACH_OPTION};

const struct subcommand cmd_peers = {
	.name = "peers",
	.summary = "the other node of the pair: its connections here, ours there, and the paths to it",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_EACH,
	.access = CTL_READ,
	.render = render,
};
