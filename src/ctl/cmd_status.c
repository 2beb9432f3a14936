/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl status: one screen about the daemons: a section for each, what it serves and with what. */
#include "ctl/command.h"

#include <string.h>

#include "ctl/each.h"
#include "ctl/view.h"

static void show_daemon(struct table *table, const json_t *data)
{
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];

	view_pair(table, TABLE_PLAIN, "node", "%s",
		*view_text(data, "node") ? view_text(data, "node") : "(single node)");
	view_pair(table, TABLE_PLAIN, "version", "%s", view_text(data, "version"));
	view_pair(table, TABLE_PLAIN, "process", "pid %s, up %s", view_format(data, "pid", VIEW_EXACT, a),
		view_format(data, "uptime_s", VIEW_AGE, b));
	view_pair(table, TABLE_PLAIN, "config", "%s, loaded %s ago", view_text(data, "config"),
		view_format(data, "config_loaded_s", VIEW_AGE, a));
}

static void show_interfaces(struct table *table, const json_t *interfaces)
{
	size_t widest = 0;

	for (size_t i = 0; i < json_array_size(interfaces); i++) {
		size_t len = strlen(view_text(json_array_get(interfaces, i), "name"));

		widest = len > widest && len < 32 ? len : widest;
	}
	for (size_t i = 0; i < json_array_size(interfaces); i++) {
		const json_t *interface = json_array_get(interfaces, i);
		const char *state = view_text(interface, "state");
		const char *detail = json_string_value(json_object_get(interface, "detail"));

		view_pair(table, strcmp(state, "attached") == 0 ? TABLE_GOOD : TABLE_BAD,
			i ? "" : "interfaces", "%-*s  %s%s%s", (int)widest, view_text(interface, "name"),
			state, detail && *detail ? ": " : "", detail ? detail : "");
	}
	if (json_array_size(interfaces) == 0)
		view_pair(table, TABLE_WARN, "interfaces", "none");
}

static void show_tables(struct table *table, const json_t *data)
{
	const json_t *flows = json_object_get(data, "flows");
	const json_t *sticky = json_object_get(data, "sticky");
	const json_t *dataplane = json_object_get(data, "dataplane");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX], c[VIEW_TEXT_MAX];

	view_pair(table, TABLE_PLAIN, "flows", "%s IPv4, %s IPv6, of %s each",
		view_format(flows, "ipv4", VIEW_COUNT, a), view_format(flows, "ipv6", VIEW_COUNT, b),
		view_format(flows, "max", VIEW_COUNT, c));
	view_pair(table, TABLE_PLAIN, "half-open", "%s of %s", view_format(flows, "half_open", VIEW_COUNT, a),
		view_format(flows, "half_open_max", VIEW_COUNT, b));
	view_pair(table, TABLE_PLAIN, "sticky", "%s of %s", view_format(sticky, "entries", VIEW_COUNT, a),
		view_format(sticky, "max", VIEW_COUNT, b));
	view_pair(table, TABLE_PLAIN, "new flows", "%s/s", view_format(data, "cps", VIEW_COUNT, a));
	view_pair(table, TABLE_PLAIN, "dataplane", "ABI %s, %s, %s of maps",
		view_format(dataplane, "abi", VIEW_EXACT, a),
		json_is_true(json_object_get(dataplane, "adopted")) ? "adopted from the run before"
								    : "new in this run",
		view_format(dataplane, "memory_bytes", VIEW_BYTES, b));
}

/* Yellow or red as soon as one of the objects is not well. */
static enum table_style health(const json_t *object, const char *bad_key)
{
	uint64_t bad, up;

	if (!view_number(object, bad_key, &bad) || bad == 0)
		return TABLE_GOOD;
	return view_number(object, "up", &up) && up == 0 ? TABLE_BAD : TABLE_WARN;
}

static void show_health(struct table *table, const json_t *data)
{
	const json_t *services = json_object_get(data, "services");
	const json_t *backends = json_object_get(data, "backends");
	char n[5][VIEW_TEXT_MAX];

	view_pair(table, health(services, "empty"), "services", "%s: %s up, %s without a backend",
		view_format(services, "total", VIEW_EXACT, n[0]),
		view_format(services, "up", VIEW_EXACT, n[1]),
		view_format(services, "empty", VIEW_EXACT, n[2]));
	view_pair(table, TABLE_PLAIN, "pools", "%s", view_format(data, "pools", VIEW_EXACT, n[0]));
	view_pair(table, health(backends, "down"), "backends", "%s: %s up, %s down, %s draining, %s disabled",
		view_format(backends, "total", VIEW_EXACT, n[0]),
		view_format(backends, "up", VIEW_EXACT, n[1]),
		view_format(backends, "down", VIEW_EXACT, n[2]),
		view_format(backends, "drain", VIEW_EXACT, n[3]),
		view_format(backends, "disabled", VIEW_EXACT, n[4]));
}

static void show_lb(const struct output *output, const json_t *data)
{
	struct table *table = table_new(view_pairs, VIEW_PAIRS);

	show_daemon(table, data);
	show_interfaces(table, json_object_get(data, "interfaces"));
	show_health(table, data);
	show_tables(table, data);
	table_print(table, output->file, output->color);
	table_free(table);
}

static enum table_style unit_style(const json_t *units)
{
	uint64_t total, other;

	if (!view_number(units, "other", &other) || other == 0)
		return TABLE_GOOD;
	return view_number(units, "total", &total) && other == total ? TABLE_BAD : TABLE_WARN;
}

static void show_vrrp(const struct output *output, const json_t *data)
{
	struct table *table = table_new(view_pairs, VIEW_PAIRS);
	const json_t *units = json_object_get(data, "units"), *notify = json_object_get(data, "notify");
	const char *realtime = view_text(data, "realtime");
	const char *accept = json_string_value(json_object_get(data, "accept_error"));
	const char *peer = json_string_value(json_object_get(data, "peer_error"));
	uint64_t failed, timed_out;
	char n[5][VIEW_TEXT_MAX];

	show_daemon(table, data);
	view_pair(table, strcmp(realtime, "on") == 0 ? TABLE_GOOD : TABLE_WARN, "real time", "%s", realtime);
	if (accept && *accept)
		view_pair(table, TABLE_BAD, "accept", "false is not enforced: %s", accept);
	if (peer && *peer)
		view_pair(table, TABLE_BAD, "peer", "%s", peer);
	view_pair(table, unit_style(units), "units", "%s: %s active, %s backup, %s neither",
		view_format(units, "total", VIEW_EXACT, n[0]), view_format(units, "active", VIEW_EXACT, n[1]),
		view_format(units, "backup", VIEW_EXACT, n[2]),
		view_format(units, "other", VIEW_EXACT, n[3]));
	view_number(notify, "failed", &failed);
	view_number(notify, "timed_out", &timed_out);
	view_pair(table, failed || timed_out ? TABLE_WARN : TABLE_PLAIN, "notify",
		"%s run, %s failed, %s timed out, %s skipped, %s waiting",
		view_format(notify, "run", VIEW_COUNT, n[0]), view_format(notify, "failed", VIEW_COUNT, n[1]),
		view_format(notify, "timed_out", VIEW_COUNT, n[2]),
		view_format(notify, "skipped", VIEW_COUNT, n[3]),
		view_format(notify, "waiting", VIEW_COUNT, n[4]));
	table_print(table, output->file, output->color);
	table_free(table);
}

/* A section with a heading; a daemon that does not run is one faint line, one that was not asked or did not answer (which
 * was said) is nothing. True when something was printed. */
static bool show_section(const struct output *output, const json_t *args, enum each_daemon daemon,
	const json_t *data, bool separate)
{
	char name[32], text[128];

	snprintf(name, sizeof(name), "tandem-%s", each_names[daemon]);
	if (!data && !each_is_absent(args, daemon))
		return false;
	if (separate)
		fputc('\n', output->file);
	if (!data) {
		snprintf(text, sizeof(text), "%s is not running; 'systemctl start %s' starts it", name, name);
		table_line(TABLE_FAINT, text, output->file, output->color);
		return true;
	}
	view_heading(output, name);
	if (daemon == EACH_LB)
		show_lb(output, data);
	else
		show_vrrp(output, data);
	return true;
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *lb = json_object_get(data, "pid") ? data : NULL;
	bool printed = show_section(output, args, EACH_LB, lb, false);

	show_section(output, args, EACH_VRRP, json_object_get(data, "vrrp"), printed);
}

static const struct grammar grammar[] = {EACH_OPTION};

const struct subcommand cmd_status = {
	.name = "status",
	.summary = "the daemons, their interfaces and tables at a glance",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_EACH,
	.access = CTL_READ,
	.render = render,
};
