/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl sockets: the sockets of the daemons with what waits in them and what they dropped, and programs of this
 * machine that listen where a service has its address and port: the dataplane takes the packets of clients before
 * those see them. The kernel tells of the sockets, /proc whose they are; the daemons are only asked who they are and
 * which services they have.
 */
#include "ctl/command.h"

#include <errno.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/sock_dump.h"
#include "common/sock_view.h"
#include "ctl/each.h"
#include "ctl/view.h"

static const struct grammar grammar[] = {EACH_OPTION};

/* ---- text ---- */

static void protocol(const json_t *row, char out[VIEW_TEXT_MAX])
{
	bool local = strcmp(view_text(row, "protocol"), "unix") == 0;

	snprintf(out, VIEW_TEXT_MAX, "%s%s%s", view_text(row, "protocol"), local ? " " : "",
		local ? view_text(row, "type") : "");
}

static void waiting(const json_t *row, char out[VIEW_TEXT_MAX])
{
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX];

	if (json_object_get(row, "backlog_max"))
		snprintf(out, VIEW_TEXT_MAX, "%.16s of %.16s", view_format(row, "backlog", VIEW_EXACT, a),
			view_format(row, "backlog_max", VIEW_EXACT, b));
	else
		view_format(row, "recv_queue", VIEW_EXACT, out);
}

static enum table_style drops_style(const json_t *row)
{
	uint64_t drops;

	return view_number(row, "drops", &drops) && drops ? TABLE_WARN : TABLE_PLAIN;
}

static const struct view_column columns[] = {
	{.title = "DAEMON", .kind = VIEW_TEXT, .key = "daemon"},
	{.title = "PROTOCOL", .kind = VIEW_CUSTOM, .cell = protocol},
	{.title = "STATE", .kind = VIEW_TEXT, .key = "state"},
	{.title = "LOCAL", .kind = VIEW_TEXT, .key = "local"},
	{.title = "PEER", .kind = VIEW_TEXT, .key = "peer"},
	{.title = "WAITING", .kind = VIEW_CUSTOM_RIGHT, .cell = waiting},
	{.title = "UNSENT", .kind = VIEW_EXACT, .key = "send_queue"},
	{.title = "DROPS", .kind = VIEW_EXACT, .key = "drops", .style = drops_style},
};

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const json_t *shadowed = json_object_get(data, "shadowed"), *untold = json_object_get(data, "untold");
	const json_t *row;
	size_t i;

	view_rows(output, columns, COUNT_OF(columns), json_object_get(data, "sockets"),
		"no sockets were found");
	json_array_foreach(shadowed, i, row)
	{
		char line[512];

		snprintf(line, sizeof(line),
			"%.8s %.90s of %.64s: clients of service %.63s do not reach it, their packets are balanced",
			view_text(row, "protocol"), view_text(row, "local"), view_text(row, "owners"),
			view_text(row, "service"));
		if (i == 0)
			fputc('\n', output->file);
		table_line(TABLE_WARN, line, output->file, output->color);
	}
	json_array_foreach(untold, i, row)
	{
		char line[128];

		snprintf(line, sizeof(line), "this kernel does not tell of %.32s sockets",
			json_string_value(row));
		table_line(TABLE_FAINT, line, output->file, output->color);
	}
}

/* ---- what is there ---- */

struct search {
	const char *daemon;
	pid_t pid;
	const json_t *services; /* of tandem-lb; NULL: not looked for */
	struct sock_owners *owners;
};

static bool is_ours(const struct search *s, const struct sock_row *row)
{
	size_t count;
	const struct sock_owner *owner = sock_owners_of(s->owners, row->inode, &count);

	for (size_t i = 0; i < count; i++)
		if (owner[i].pid == s->pid)
			return true;
	return false;
}

static bool takes(const struct sock_row *row, const json_t *service)
{
	struct net_addr address;
	uint64_t port;

	return view_number(service, "port", &port) && port <= UINT16_MAX &&
	       addr_parse(view_text(service, "address"), &address) == 0 &&
	       sock_listens_at(row, sock_kind_of(view_text(service, "protocol")), &address, (uint16_t)port);
}

static const json_t *service_of(const struct search *s, const struct sock_row *row)
{
	for (size_t i = 0; i < json_array_size(s->services); i++)
		if (takes(row, json_array_get(s->services, i)))
			return json_array_get(s->services, i);
	return NULL;
}

static bool is_wanted(const struct sock_row *row, void *data)
{
	return is_ours(data, row) || service_of(data, row);
}

static void add(const struct search *s, const struct sock_row *row, json_t *answer)
{
	json_t *object = sock_view_json(row, s->owners);
	bool ours = is_ours(s, row);
	char text[SOCK_VIEW_TEXT];

	json_object_set_new(object, "local", json_string(sock_view_local(row, text)));
	json_object_set_new(object, "peer", json_string(sock_view_peer(row, text)));
	if (ours) {
		json_object_set_new(object, "daemon", json_string(s->daemon));
	} else {
		json_object_set_new(object, "owners", json_string(sock_view_owners(row, s->owners, text)));
		json_object_set(object, "service", json_object_get(service_of(s, row), "name"));
	}
	json_array_append_new(json_object_get(answer, ours ? "sockets" : "shadowed"), object);
}

static void untold(json_t *answer, const char *kind)
{
	json_t *list = json_object_get(answer, "untold");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), kind) == 0)
			return;
	json_array_append_new(list, json_string(kind));
}

static int look(const struct search *s, json_t *answer)
{
	struct sock_list list = {};
	int rc = sock_dump_enter(s->pid);

	if (rc < 0) {
		fprintf(stderr, "tandemctl: cannot look into tandem-%s (pid %d): %s%s\n", s->daemon,
			(int)s->pid, strerror(-rc), rc == -EPERM || rc == -EACCES ? "; root can" : "");
		return rc;
	}
	for (enum sock_kind kind = 0; kind < SOCK_KINDS && rc >= 0; kind++) {
		rc = sock_dump(&list, kind, SOCK_STATES_ALL, is_wanted, (void *)s);
		if (rc == -ENOENT) {
			untold(answer, sock_kind_name(kind));
			rc = 0;
		}
	}
	for (size_t i = 0; i < list.count && rc >= 0; i++)
		add(s, &list.rows[i], answer);
	sock_list_clear(&list);
	if (rc < 0)
		fprintf(stderr, "tandemctl: cannot list the sockets of tandem-%s: %s\n", s->daemon,
			strerror(-rc));
	return rc;
}

static int look_at(
	struct each *each, enum each_daemon d, const json_t *args, struct sock_owners *owners, json_t *answer)
{
	json_t *status = each_call(each, d, "status", args);
	json_t *services = d == EACH_LB ? each_call(each, d, "services", args) : NULL;
	struct search search = {.daemon = each_names[d], .services = services, .owners = owners};
	uint64_t pid;
	int rc = -EPROTO;

	if (view_number(status, "pid", &pid)) {
		search.pid = (pid_t)pid;
		rc = look(&search, answer);
	}
	json_decref(status);
	json_decref(services);
	return rc;
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	json_t *answer = json_pack("{s:[],s:[],s:[]}", "sockets", "shadowed", "untold");
	struct sock_owners owners = {};
	struct each each;
	int rc, status;

	each_open(&each, context, command, args);
	rc = sock_owners_load(&owners);
	if (rc < 0)
		fprintf(stderr, "tandemctl: cannot read whose sockets are whose in /proc: %s\n",
			strerror(-rc));
	for (enum each_daemon d = 0; d < EACH_COUNT && rc >= 0; d++)
		if (each.client[d] && look_at(&each, d, args, &owners, answer) < 0)
			each.status = EXIT_REFUSED;
	if (rc >= 0 && owners.hidden && each.status == EXIT_DONE)
		fprintf(stderr,
			"tandemctl: %zu processes of other users could not be looked into; root sees them\n",
			owners.hidden);
	status = rc < 0 ? EXIT_REFUSED : each.status;
	if (rc >= 0 && (each.client[EACH_LB] || each.client[EACH_VRRP]))
		context->output.format->reply(&context->output, command, args, answer);
	each_close(&each);
	sock_owners_clear(&owners);
	json_decref(answer);
	return status;
}

const struct subcommand cmd_sockets = {
	.name = "sockets",
	.summary = "the daemons' sockets; programs that listen where a service is",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.asks = ASKS_EACH,
	.access = CTL_READ,
	.render = render,
	.run = run,
};
