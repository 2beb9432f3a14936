/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl status: one screen about the daemon, its interfaces, tables, services and backends. */
#include "ctl/command.h"

#include <stdarg.h>
#include <string.h>

#include "ctl/view.h"

static const struct table_column columns[] = {{NULL, TABLE_LEFT, 0}, {NULL, TABLE_LEFT, 0}};

static void __attribute__((format(printf, 4, 5)))
line(struct table *table, enum table_style style, const char *name, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(table, TABLE_FAINT, name);
	table_cell(table, style, text);
}

static void show_daemon(struct table *table, const json_t *data)
{
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];

	line(table, TABLE_PLAIN, "node", "%s",
		*view_text(data, "node") ? view_text(data, "node") : "(single node)");
	line(table, TABLE_PLAIN, "version", "%s", view_text(data, "version"));
	line(table, TABLE_PLAIN, "process", "pid %s, up %s", view_format(data, "pid", VIEW_EXACT, a),
		view_format(data, "uptime_s", VIEW_AGE, b));
	line(table, TABLE_PLAIN, "config", "%s, loaded %s ago", view_text(data, "config"),
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

		line(table, strcmp(state, "attached") == 0 ? TABLE_GOOD : TABLE_BAD, i ? "" : "interfaces",
			"%-*s  %s%s%s", (int)widest, view_text(interface, "name"), state,
			detail && *detail ? ": " : "", detail ? detail : "");
	}
	if (json_array_size(interfaces) == 0)
		line(table, TABLE_WARN, "interfaces", "none");
}

static void show_tables(struct table *table, const json_t *data)
{
	const json_t *flows = json_object_get(data, "flows");
	const json_t *sticky = json_object_get(data, "sticky");
	const json_t *dataplane = json_object_get(data, "dataplane");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX], c[VIEW_TEXT_MAX];

	line(table, TABLE_PLAIN, "flows", "%s IPv4, %s IPv6, of %s each",
		view_format(flows, "ipv4", VIEW_COUNT, a), view_format(flows, "ipv6", VIEW_COUNT, b),
		view_format(flows, "max", VIEW_COUNT, c));
	line(table, TABLE_PLAIN, "half-open", "%s of %s", view_format(flows, "half_open", VIEW_COUNT, a),
		view_format(flows, "half_open_max", VIEW_COUNT, b));
	line(table, TABLE_PLAIN, "sticky", "%s of %s", view_format(sticky, "entries", VIEW_COUNT, a),
		view_format(sticky, "max", VIEW_COUNT, b));
	line(table, TABLE_PLAIN, "new flows", "%s/s", view_format(data, "cps", VIEW_COUNT, a));
	line(table, TABLE_PLAIN, "dataplane", "ABI %s, %s, %s of maps",
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

	line(table, health(services, "empty"), "services", "%s: %s up, %s without a backend",
		view_format(services, "total", VIEW_EXACT, n[0]),
		view_format(services, "up", VIEW_EXACT, n[1]),
		view_format(services, "empty", VIEW_EXACT, n[2]));
	line(table, TABLE_PLAIN, "pools", "%s", view_format(data, "pools", VIEW_EXACT, n[0]));
	line(table, health(backends, "down"), "backends", "%s: %s up, %s down, %s draining, %s disabled",
		view_format(backends, "total", VIEW_EXACT, n[0]),
		view_format(backends, "up", VIEW_EXACT, n[1]),
		view_format(backends, "down", VIEW_EXACT, n[2]),
		view_format(backends, "drain", VIEW_EXACT, n[3]),
		view_format(backends, "disabled", VIEW_EXACT, n[4]));
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	struct table *table = table_new(columns, COUNT_OF(columns));

	show_daemon(table, data);
	show_interfaces(table, json_object_get(data, "interfaces"));
	show_health(table, data);
	show_tables(table, data);
	table_print(table, output->file, output->color);
	table_free(table);
}

const struct subcommand cmd_status = {
	.name = "status",
	.summary = "the daemon, its interfaces and tables at a glance",
	.access = CTL_READ,
	.render = render,
};
