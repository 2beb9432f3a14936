/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl vrrp INSTANCE: one instance on one screen: what it is, why, what it waits for, what it sees of the others. */
#include "ctl/vrrp_row.h"

#include <string.h>

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- what it is, and why ---- */

static void show_state(struct table *table, const json_t *row)
{
	const char *active = view_text(row, "active"), *cause = view_text(row, "cause");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];
	bool ours = strcmp(view_text(row, "state"), "active") == 0;
	uint64_t age;

	view_pair(table, vrrp_row_style(row), "state", "%s", view_text(row, "state"));
	if (view_age(row, "since_ms", &age))
		view_pair(table, TABLE_PLAIN, "since", "%s, %s ago", view_time(row, "since_ms", a),
			view_time_ago(row, "since_ms", b));
	view_pair(table, TABLE_PLAIN, "cause", "%s", *cause ? cause : "-");
	view_pair(table, TABLE_PLAIN, "transitions", "%s", view_format(row, "transitions", VIEW_EXACT, a));
	view_pair(table, TABLE_PLAIN, "active node", "%s%s", *active ? active : "none known",
		*active && ours ? " (this node)" : "");
	view_pair(table, TABLE_PLAIN, "router", "virtual router %s on %s, VRRPv%s",
		view_format(row, "vrid", VIEW_EXACT, a), view_text(row, "interface"),
		view_format(row, "version", VIEW_EXACT, b));
}

static void show_addresses(struct table *table, const json_t *row)
{
	const json_t *addresses = json_object_get(row, "addresses");
	bool holds = is_true(row, "holds");

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const char *text = json_string_value(json_array_get(addresses, i));

		view_pair(table, TABLE_PLAIN, i ? "" : "addresses", "%s%s", text ? text : "-",
			holds ? " on this node" : "");
	}
}

static void say_trouble(void *data, enum table_style style, const char *text)
{
	view_pair(data, style, "trouble", "%s", text);
}

/* ---- priority ---- */

static void show_track(struct table *table, const json_t *track)
{
	const char *state = view_text(track, "state"), *detail = view_text(track, "detail");
	bool good = strcmp(state, "good") == 0;
	int adds = (int)json_integer_value(json_object_get(track, "adds"));
	bool fault = json_integer_value(json_object_get(track, "weight")) == 0;
	char effect[32];

	if (fault)
		snprintf(effect, sizeof(effect), "%s", good ? "   " : "fault");
	else
		snprintf(effect, sizeof(effect), "%+d", adds);
	view_pair(table,
		good    ? TABLE_PLAIN
		: fault ? TABLE_BAD
			: TABLE_WARN,
		"", "%5s  %s: %s%s%s", effect, view_text(track, "name"), state, *detail ? ", " : "", detail);
}

static void show_priority(struct table *table, const json_t *row)
{
	const json_t *priority = json_object_get(row, "priority");
	const json_t *tracks = json_object_get(priority, "tracks");
	char text[VIEW_TEXT_MAX];

	view_format(priority, "effective", VIEW_EXACT, text);
	view_pair(table, vrrp_row_priority_style(row), "priority", "%s", text);
	if (json_array_size(tracks) > 0)
		view_pair(table, TABLE_PLAIN, "", "%5s  in the config",
			view_format(priority, "base", VIEW_EXACT, text));
	for (size_t i = 0; i < json_array_size(tracks); i++)
		show_track(table, json_array_get(tracks, i));
	if (is_true(priority, "held"))
		view_pair(table, TABLE_WARN, "",
			"held: given up on request, takes nothing from lower priorities");
	if (is_true(priority, "forced"))
		view_pair(table, TABLE_WARN, "", "forced: taken on request, adverts say %s",
			view_format(priority, "sent", VIEW_EXACT, text));
}

/* ---- timers ---- */

static void show_timers(struct table *table, const json_t *row)
{
	const json_t *t = json_object_get(row, "timers");
	bool speaks = json_is_number(json_object_get(t, "advert_in_ms"));
	bool waits = json_is_number(json_object_get(t, "down_in_ms"));
	char n[4][VIEW_TEXT_MAX];

	view_pair(table, TABLE_PLAIN, "adverts", "every %s%s%s",
		view_format(t, "advert_interval_ms", VIEW_MS, n[0]), speaks ? ", the next in " : "",
		speaks ? view_format(t, "advert_in_ms", VIEW_MS, n[1]) : "");
	view_pair(table, TABLE_PLAIN, "down interval", "%s = 3 x %s of the active node + skew %s%s%s",
		view_format(t, "down_interval_ms", VIEW_MS, n[0]),
		view_format(t, "active_interval_ms", VIEW_MS, n[1]), view_format(t, "skew_ms", VIEW_MS, n[2]),
		waits ? "; over in " : "", waits ? view_format(t, "down_in_ms", VIEW_MS, n[3]) : "");
}

static void show_heard(struct table *table, const json_t *router)
{
	const json_t *heard = json_object_get(router, "heard");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX], c[VIEW_TEXT_MAX], name[VIEW_TEXT_MAX];
	uint64_t priority;

	snprintf(name, sizeof(name), "%.20s", view_text(router, "family"));
	view_pair(table, TABLE_PLAIN, name, "speaks from %s, %s",
		*view_text(router, "source") ? view_text(router, "source") : "no address yet",
		view_text(router, "mac"));
	if (!json_is_number(json_object_get(heard, "ago_ms"))) {
		view_pair(table, TABLE_PLAIN, "", "has heard nobody");
		return;
	}
	view_number(heard, "priority", &priority);
	view_pair(table, TABLE_PLAIN, "", "last heard %s: priority %s%s, every %s, %s ago",
		view_text(heard, "from"), view_format(heard, "priority", VIEW_EXACT, a),
		priority ? "" : " (it left)", view_format(heard, "interval_ms", VIEW_MS, b),
		view_format(heard, "ago_ms", VIEW_MS, c));
}

/* ---- the pair ---- */

static void show_verdict(struct table *table, const json_t *row)
{
	const json_t *verdict = json_object_get(row, "verdict");
	const char *name = view_text(verdict, "name"), *why = view_text(verdict, "why");
	bool calm = strcmp(name, "hold") != 0 && strcmp(name, "yield") != 0;
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];
	uint64_t holds, yields;

	if (!json_is_object(verdict) || !*name)
		return;
	view_pair(table, calm ? TABLE_PLAIN : TABLE_WARN, "verdict", "%s: %s", name, why);
	view_number(verdict, "holds", &holds);
	view_number(verdict, "yields", &yields);
	if (holds || yields)
		view_pair(table, TABLE_PLAIN, "", "until now held %s times, yielded %s times",
			view_format(verdict, "holds", VIEW_EXACT, a),
			view_format(verdict, "yields", VIEW_EXACT, b));
}

static void show_lease(struct table *table, const json_t *row)
{
	const json_t *lease = json_object_get(row, "lease"), *t = json_object_get(row, "takeover");
	const char *state = view_text(lease, "state"), *why = view_text(lease, "why");
	bool fresh = strcmp(state, "fresh") == 0;
	char n[4][VIEW_TEXT_MAX];

	if (!json_is_object(lease))
		return;
	if (strcmp(state, "none") == 0)
		view_pair(table, TABLE_PLAIN, "lease", "none, %s", why);
	else
		view_pair(table, strcmp(state, "over") == 0 ? TABLE_BAD : TABLE_PLAIN, "lease", "%s%s%s%s",
			state, fresh ? " for " : "",
			fresh ? view_format(lease, "fresh_ms", VIEW_MS, n[0]) : "",
			strcmp(state, "over") == 0 ? ": the dataplane is silent" : "");
	if (json_is_object(t))
		view_pair(table, TABLE_PLAIN, "takeover",
			"lease after %s, addresses %s, announced %s, told %s; the connection table was: %s",
			view_format(t, "lease_ms", VIEW_MS, n[0]),
			view_format(t, "addresses_ms", VIEW_MS, n[1]),
			view_format(t, "announced_ms", VIEW_MS, n[2]),
			view_format(t, "told_ms", VIEW_MS, n[3]), view_text(t, "table"));
}

static void show_witnesses(struct table *table, const json_t *row)
{
	const json_t *witnesses = json_object_get(row, "witnesses");

	for (size_t i = 0; i < json_array_size(witnesses); i++) {
		const json_t *w = json_array_get(witnesses, i);
		const char *state = view_text(w, "state");
		bool answered = json_is_number(json_object_get(w, "answered_ago_ms"));
		char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];

		view_pair(table,
			strcmp(state, "reached") == 0 ? TABLE_GOOD
			: strcmp(state, "lost") == 0  ? TABLE_BAD
						      : TABLE_WARN,
			i ? "" : "witness", "%s: %s, %s%s%s%s", view_text(w, "address"), state,
			answered ? "answered " : "never answered",
			answered ? view_format(w, "answered_ago_ms", VIEW_MS, a) : "",
			answered ? " ago, within " : "",
			answered ? view_format(w, "took_ms", VIEW_MS, b) : "");
	}
}

static void show_word(struct table *table, const json_t *row)
{
	const json_t *peer = json_object_get(row, "peer");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];
	const char *witness = view_text(peer, "witness");
	uint64_t priority;

	if (!json_is_object(peer))
		return;
	view_number(peer, "priority", &priority);
	view_pair(table, TABLE_PLAIN, "peer says", "%s, priority %s%s, its LAN is %s%s%s; %s ago",
		view_text(peer, "state"), view_format(peer, "priority", VIEW_EXACT, a),
		priority ? "" : " (it leaves)", is_true(peer, "lan_well") ? "well" : "not well",
		strcmp(witness, "none") != 0 ? ", its witness is " : "",
		strcmp(witness, "none") != 0 ? witness : "", view_format(peer, "ago_ms", VIEW_MS, b));
	if (json_is_number(json_object_get(peer, "advert_heard_ago_ms")))
		view_pair(table, TABLE_PLAIN, "", "heard our adverts %s before that",
			view_format(peer, "advert_heard_ago_ms", VIEW_MS, a));
}

static void show_mended(struct table *table, const json_t *row)
{
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];
	uint64_t n;

	if (view_number(row, "put_back", &n) && n)
		view_pair(table, TABLE_WARN, "put back", "%s: another program had removed an address",
			view_format(row, "put_back", VIEW_EXACT, a));
	if (view_number(row, "settings_put_back", &n) && n)
		view_pair(table, TABLE_WARN, "settings", "%s put back: another program had changed them",
			view_format(row, "settings_put_back", VIEW_EXACT, a));
	if (view_number(row, "add_failed", &n) && n)
		view_pair(table, TABLE_WARN, "not added", "%s: an address could not be added",
			view_format(row, "add_failed", VIEW_EXACT, a));
	if (view_number(row, "pauses", &n) && n)
		view_pair(table, TABLE_WARN, "pauses", "%s: this process stood still, for up to %s",
			view_format(row, "pauses", VIEW_EXACT, a),
			view_format(row, "longest_pause_ms", VIEW_MS, b));
}

/* ---- counters: a line each, a column for each family ---- */

#define FAMILIES 2

static void add_counts(struct table *table, const json_t *routers, const char *object, const char *key,
	const char *title, enum table_style style)
{
	char text[VIEW_TEXT_MAX];

	table_cell(table, TABLE_PLAIN, title);
	for (size_t i = 0; i < json_array_size(routers) && i < FAMILIES; i++) {
		const json_t *counters = json_object_get(json_array_get(routers, i), object);
		uint64_t n;

		view_number(counters, key, &n);
		snprintf(text, sizeof(text), "0");
		if (json_object_get(counters, key))
			view_format(counters, key, VIEW_EXACT, text);
		table_cell(table, n ? style : TABLE_FAINT, text);
	}
}

/* Every reason that any family has counted, once. */
static void add_discards(struct table *table, const json_t *routers)
{
	json_t *all = json_object();
	const char *reason;
	json_t *value;
	char title[80];

	for (size_t i = 0; i < json_array_size(routers); i++)
		json_object_update(all, json_object_get(json_array_get(routers, i), "discarded"));
	json_object_foreach(all, reason, value)
	{
		snprintf(title, sizeof(title), "discarded: %.60s", reason);
		add_counts(table, routers, "discarded", reason, title, TABLE_WARN);
	}
	if (json_object_size(all) == 0)
		add_counts(table, routers, "discarded", "none", "discarded", TABLE_FAINT);
	json_decref(all);
}

static void show_counters(const struct output *output, const json_t *routers)
{
	static const struct {
		const char *key, *title;
		enum table_style style;
	} rows[] = {
		{"sent", "adverts sent", TABLE_PLAIN},
		{"sent_priority_0", "  of priority 0", TABLE_PLAIN},
		{"send_failed", "  not sent", TABLE_WARN},
		{"announced", "announcements sent", TABLE_PLAIN},
		{"announce_failed", "  not sent", TABLE_WARN},
		{"received", "adverts received", TABLE_PLAIN},
		{"received_priority_0", "  of priority 0", TABLE_PLAIN},
		{"checksum_legacy", "  checksum: legacy", TABLE_PLAIN},
		{"checksum_rfc9568", "  checksum: rfc9568", TABLE_PLAIN},
		{"interval_mismatch", "  with another interval", TABLE_WARN},
		{"address_mismatch", "  with other addresses", TABLE_WARN},
	};
	size_t n = json_array_size(routers) < FAMILIES ? json_array_size(routers) : FAMILIES;
	struct table_column columns[1 + FAMILIES] = {{"COUNTER", TABLE_LEFT, 0}};

	for (size_t i = 0; i < n; i++)
		columns[1 + i] = (struct table_column){
			strcmp(view_text(json_array_get(routers, i), "family"), "ipv6") == 0 ? "IPV6"
											     : "IPV4",
			TABLE_RIGHT, 0};

	struct table *table = table_new(columns, 1 + n);

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		add_counts(table, routers, "counters", rows[i].key, rows[i].title, rows[i].style);
	add_discards(table, routers);
	fputc('\n', output->file);
	table_print(table, output->file, output->color);
	table_free(table);
}

void vrrp_row_show(const struct output *output, const json_t *row)
{
	const json_t *routers = json_object_get(row, "routers");
	struct table *table = table_new(view_pairs, VIEW_PAIRS);
	const char *group = view_text(row, "group");
	char heading[VIEW_TEXT_MAX];

	snprintf(heading, sizeof(heading), "%.100s%s%.100s", view_text(row, "name"),
		*group ? ", in group " : "", group);
	view_heading(output, heading);
	show_state(table, row);
	show_addresses(table, row);
	vrrp_row_trouble(row, say_trouble, table);
	show_priority(table, row);
	show_timers(table, row);
	for (size_t i = 0; i < json_array_size(routers); i++)
		show_heard(table, json_array_get(routers, i));
	show_lease(table, row);
	show_verdict(table, row);
	show_witnesses(table, row);
	show_word(table, row);
	show_mended(table, row);
	table_print(table, output->file, output->color);
	table_free(table);
	show_counters(output, routers);
}
