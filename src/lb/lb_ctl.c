/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_ctl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/ctl_events.h"
#include "lb/bpf/lb_state.h"

/* ---- status ---- */

static json_t *count_services(const struct lb_live *live)
{
	int up = 0, total = (int)live->model.service_count;

	for (size_t i = 0; i < live->model.service_count; i++)
		up += lb_live_serving(&live->pools[live->model.services[i].pool]) > 0;
	return json_pack("{s:i, s:i, s:i}", "total", total, "up", up, "empty", total - up);
}

static json_t *count_backends(const struct lb_live *live)
{
	int total = 0, up = 0, down = 0, drain = 0, disabled = 0;

	for (size_t i = 0; i < live->model.pool_count; i++) {
		for (size_t k = 0; k < live->model.pools[i].backend_count; k++) {
			const struct lb_live_backend *b = live->pools[i].backends[k];

			total++;
			disabled += b->admin == LB_ADMIN_DISABLED;
			drain += b->admin != LB_ADMIN_DISABLED && lb_live_weight(b) == 0;
			up += lb_live_is_up(b);
			down += b->admin != LB_ADMIN_DISABLED && !lb_live_is_up(b);
		}
	}
	return json_pack("{s:i, s:i, s:i, s:i, s:i}", "total", total, "up", up, "down", down, "drain", drain,
		"disabled", disabled);
}

static void add_interface(void *data, const char *name, enum lb_interface_state state, const char *detail)
{
	json_array_append_new(data, json_pack("{s:s, s:s, s:s}", "name", name, "state",
					    lb_interface_state_name(state), "detail", detail));
}

static json_t *on_status(void *ctx, const struct ctl_request *request)
{
	struct lb_ctl *ctl = ctx;
	struct lb_live *live = ctl->live;
	const struct lb_age_count *n = &ctl->age->last;
	uint64_t now = lb_live_steady_ms(), uptime = now - ctl->started_ms;
	uint64_t counts[LB_COUNTER_COUNT] = {};
	json_t *interfaces = json_array();

	lb_links_each_interface(ctl->links, add_interface, interfaces);
	lb_bpf_counters(live->bpf, counts);
	return ctl_reply_ok(json_pack(
		"{s:s, s:s, s:i, s:I, s:s, s:I, s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:{s:I, s:I}, s:i, s:o, s:o, s:f, "
		"s:{s:i, s:b, s:I}}",
		"node", live->model.node, "version", TANDEM_VERSION, "pid", (int)getpid(), "uptime_s",
		(json_int_t)(uptime / 1000), "config", ctl->config, "config_loaded_s",
		(json_int_t)((now - ctl->loaded_ms) / 1000), "interfaces", interfaces, "flows", "ipv4",
		(json_int_t)n->flows[0], "ipv6", (json_int_t)n->flows[1], "max",
		(json_int_t)live->bpf->sizes.flows, "half_open", (json_int_t)n->half_open, "half_open_max",
		(json_int_t)live->bpf->sizes.half_open, "sticky", "entries", (json_int_t)ctl->age->sticky,
		"max", (json_int_t)live->bpf->sizes.sticky, "pools", (int)live->model.pool_count, "services",
		count_services(live), "backends", count_backends(live), "cps", ctl->age->flows_per_second,
		"dataplane", "abi", LB_ABI_VERSION, "adopted", live->bpf->adopted, "memory_bytes",
		(json_int_t)lb_bpf_memory(live->bpf, NULL)));
}

/* ---- services, backends ---- */

static int add_traffic(json_t *row, const struct lb_traffic *t)
{
	json_object_set_new(row, "connections_total", json_integer((json_int_t)t->connections));
	json_object_set_new(row, "packets_in", json_integer((json_int_t)t->packets[LB_TO_BACKEND]));
	json_object_set_new(row, "bytes_in", json_integer((json_int_t)t->bytes[LB_TO_BACKEND]));
	json_object_set_new(row, "packets_out", json_integer((json_int_t)t->packets[LB_TO_CLIENT]));
	return json_object_set_new(row, "bytes_out", json_integer((json_int_t)t->bytes[LB_TO_CLIENT]));
}

static json_int_t active_in(const struct lb_live *live, const struct lb_live_backend *b)
{
	return (json_int_t)__atomic_load_n(&live->bpf->view.backends[b->index].active, __ATOMIC_RELAXED);
}

/* Backups and drained ones too, when they are well. */
static int count_up(const struct lb_live_pool *pool)
{
	int up = 0;

	for (size_t i = 0; i < pool->conf->backend_count; i++)
		up += lb_live_is_up(pool->backends[i]);
	return up;
}

static json_t *on_services(void *ctx, const struct ctl_request *request)
{
	struct lb_ctl *ctl = ctx;
	struct lb_live *live = ctl->live;
	json_t *rows = json_array();

	for (size_t i = 0; i < live->model.service_count; i++) {
		const struct lb_service *s = &live->model.services[i];
		const struct lb_live_pool *pool = &live->pools[s->pool];
		size_t serving = lb_live_serving(pool);
		char addr[ADDR_TEXT_MAX];
		struct lb_traffic t;

		json_t *row = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:I}", "name",
			s->name, "address", addr_format(&s->addr, addr), "port", (int)s->port, "protocol",
			lb_protocol_name(s->protocol), "pool", pool->conf->name, "scheduler",
			lb_scheduler_name(pool->conf->scheduler), "state", serving ? "up" : "empty",
			"backends_up", count_up(pool), "backends_total", (int)pool->conf->backend_count,
			"on_empty", s->on_empty == LB_EMPTY_DROP ? "drop" : "reject", "connections_active",
			(json_int_t)ctl->age->service_live[live->services[i].index]);

		lb_bpf_service_traffic(live->bpf, live->services[i].index, &t);
		add_traffic(row, &t);
		json_array_append_new(rows, row);
	}
	return ctl_reply_ok(rows);
}

static json_t *backend_row(struct lb_live *live, const struct lb_live_backend *b, uint64_t now_ms)
{
	int weight = b->weight_override >= 0 ? b->weight_override : b->conf->weight;
	char addr[ADDR_TEXT_MAX];
	struct lb_traffic t;
	json_t *row = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:s, s:s, s:I, s:s, s:s, s:I}", "pool",
		b->pool->conf->name, "name", b->conf->name, "address", addr_format(&b->conf->addr, addr),
		"port", (int)b->conf->port, "weight", weight, "weight_configured", (int)b->conf->weight,
		"backup", b->conf->backup, "state", lb_live_state_name(b), "admin", lb_admin_name(b->admin),
		"since_s", (json_int_t)(now_ms > b->since_ms ? (now_ms - b->since_ms) / 1000 : 0), "cause",
		b->cause, "check", lb_check_type_name(b->pool->conf->check.type), "connections_active",
		active_in(live, b));

	lb_bpf_backend_traffic(live->bpf, b->index, &t);
	add_traffic(row, &t);
	return row;
}

static json_t *on_backends(void *ctx, const struct ctl_request *request)
{
	struct lb_live *live = ((struct lb_ctl *)ctx)->live;
	uint64_t now_ms = lb_live_wall_ms();
	const char *pool;
	json_t *reply, *rows;

	if (ctl_arg_text(request, "pool", NULL, &pool, &reply))
		return reply;
	if (pool && lb_model_find_pool(&live->model, pool) < 0)
		return ctl_reply_error("no pool '%s'; 'tandemctl backends' shows all", pool);
	rows = json_array();
	for (size_t i = 0; i < live->model.pool_count; i++) {
		if (pool && strcmp(pool, live->model.pools[i].name))
			continue;
		for (size_t k = 0; k < live->model.pools[i].backend_count; k++)
			json_array_append_new(rows, backend_row(live, live->pools[i].backends[k], now_ms));
	}
	return ctl_reply_ok(rows);
}

/* ---- flows ---- */

struct flow_filter {
	long service, backend;  /* places in the dataplane; -1 = any */
	struct net_addr client; /* AF_UNSPEC = any */
	uint64_t limit, total;
	uint32_t now;
	json_t *rows;
	const struct lb_live_backend **backend_at; /* owned, by place */
	const char **service_at;
};

static const char *const flow_states[LB_FLOW_STATES] = {"free", "syn", "syn-recv", "established",
	"fin-client", "fin-backend", "closing", "reset-client", "reset-backend", "aborted", "doomed",
	"udp-new", "udp"};

static struct net_addr flow_addr(const void *bytes, bool v6)
{
	struct net_addr addr = {.family = v6 ? AF_INET6 : AF_INET};

	memcpy(addr.bytes, bytes, v6 ? 16 : 4);
	return addr;
}

/* Whose each place in the dataplane is now, so that a row costs no search. */
static bool name_places(const struct lb_live *live, struct flow_filter *want)
{
	want->backend_at = calloc(live->bpf->sizes.backends, sizeof(*want->backend_at));
	want->service_at = calloc(live->bpf->sizes.services, sizeof(*want->service_at));
	if (!want->backend_at || !want->service_at)
		return false;
	for (size_t i = 0; i < live->model.pool_count; i++)
		for (size_t k = 0; k < live->model.pools[i].backend_count; k++)
			want->backend_at[live->pools[i].backends[k]->index] = live->pools[i].backends[k];
	for (size_t i = 0; i < live->model.service_count; i++)
		want->service_at[live->services[i].index] = live->model.services[i].name;
	return true;
}

static void flow_row(struct lb_live *live, struct flow_filter *want, const struct lb_flow *f, bool v6)
{
	const struct lb_flow4 *f4 = (const void *)f;
	const struct lb_flow6 *f6 = (const void *)f;
	struct net_addr client = flow_addr(v6 ? (const void *)f6->client : &f4->client, v6);
	struct net_addr service = flow_addr(v6 ? (const void *)f6->service : &f4->service, v6);
	struct net_addr backend = flow_addr(v6 ? (const void *)f6->backend : &f4->backend, v6);
	char c[ADDR_TEXT_MAX], s[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
	const struct lb_globals *g = live->bpf->view.globals;
	const struct lb_live_backend *lb;
	uint32_t idle, timeout;

	if (want->client.family != AF_UNSPEC && !addr_equal(&want->client, &client))
		return;
	if (want->total++ >= want->limit)
		return;
	lb = f->backend < live->bpf->sizes.backends ? want->backend_at[f->backend] : NULL;
	idle = (int32_t)(want->now - f->last_seen) > 0 ? want->now - f->last_seen : 0;
	timeout = lb_flow_timeout(f->state, live->bpf->view.services[f->service].idle_jiffies, g);
	if (f->flags & LB_FLOW_COPY)
		timeout += timeout / 4 + LB_COPY_SLACK_S * g->hz;
	json_array_append_new(want->rows,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I}", "protocol",
			f->protocol == 6 ? "tcp" : "udp", "client",
			addr_format_port(&client, ntohs(f->client_port), c), "service_address",
			addr_format_port(&service, ntohs(f->service_port), s), "service",
			want->service_at[f->service] ? want->service_at[f->service] : "(removed)",
			"backend_address", addr_format_port(&backend, ntohs(f->backend_port), b), "pool",
			lb ? lb->pool->conf->name : "(removed)", "backend", lb ? lb->conf->name : "(removed)",
			"state", f->state < LB_FLOW_STATES ? flow_states[f->state] : "?", "copy",
			!!(f->flags & LB_FLOW_COPY), "idle_s", (json_int_t)(idle / g->hz), "expires_s",
			(json_int_t)(timeout > idle ? (timeout - idle) / g->hz : 0)));
}

static void walk_flows(struct lb_live *live, struct flow_filter *want, bool v6)
{
	const struct lb_bpf_view *view = &live->bpf->view;
	uint32_t touched = lb_bpf_flows_touched(live->bpf, v6 ? 6 : 4);

	for (uint32_t id = 0; id < touched; id++) {
		const struct lb_flow *f = v6 ? &view->flows6[id].head : &view->flows4[id].head;

		if (f->state == LB_FLOW_FREE || f->service >= live->bpf->sizes.services)
			continue;
		if ((want->service >= 0 && f->service != want->service) ||
			(want->backend >= 0 && f->backend != want->backend))
			continue;
		flow_row(live, want, f, v6);
	}
}

static json_t *on_flows(void *ctx, const struct ctl_request *request)
{
	struct lb_live *live = ((struct lb_ctl *)ctx)->live;
	struct flow_filter want = {.service = -1, .backend = -1};
	const char *service, *pool, *backend, *client;
	json_t *reply;

	if (ctl_arg_text(request, "service", NULL, &service, &reply) ||
		ctl_arg_text(request, "pool", NULL, &pool, &reply) ||
		ctl_arg_text(request, "backend", NULL, &backend, &reply) ||
		ctl_arg_text(request, "client", NULL, &client, &reply) ||
		ctl_arg_number(request, "limit", 0, 100000, 100, &want.limit, &reply))
		return reply;
	if (service) {
		long at = lb_model_find_service(&live->model, service);

		if (at < 0)
			return ctl_reply_error("no service '%s'; 'tandemctl services' shows all", service);
		want.service = live->services[at].index;
	}
	if (pool && backend) {
		struct lb_live_backend *b = lb_live_find(live, pool, backend);

		if (!b)
			return ctl_reply_error(
				"no backend '%s/%s'; 'tandemctl backends' shows all", pool, backend);
		want.backend = b->index;
	}
	if (client && addr_parse(client, &want.client))
		return ctl_reply_error("'%s' is no IPv4 or IPv6 address", client);
	if (name_places(live, &want)) {
		want.now = lb_bpf_now(live->bpf);
		want.rows = json_array();
		walk_flows(live, &want, false);
		walk_flows(live, &want, true);
		reply = ctl_reply_ok(
			json_pack("{s:I, s:o}", "total", (json_int_t)want.total, "flows", want.rows));
	} else {
		reply = ctl_reply_error("out of memory");
	}
	free(want.backend_at);
	free(want.service_at);
	return reply;
}

/* ---- counters, events ---- */

static json_t *on_counters(void *ctx, const struct ctl_request *request)
{
	static const struct {
		const char *name, *kind, *text;
	} rows[] = {
#define LB_COUNTER_ROW(id, kind, name, text) {name, #kind, text},
		LB_COUNTERS(LB_COUNTER_ROW)
#undef LB_COUNTER_ROW
	};
	struct lb_live *live = ((struct lb_ctl *)ctx)->live;
	uint64_t counts[LB_COUNTER_COUNT];
	json_t *out;

	if (lb_bpf_counters(live->bpf, counts))
		return ctl_reply_error("the dataplane's counters cannot be read");
	out = json_array();
	for (size_t i = 0; i < LB_COUNTER_COUNT; i++)
		json_array_append_new(out,
			json_pack("{s:s, s:I, s:s, s:s}", "name", rows[i].name, "value",
				(json_int_t)counts[i], "kind", rows[i].kind, "description", rows[i].text));
	return ctl_reply_ok(out);
}

static json_t *on_events(void *ctx, const struct ctl_request *request)
{
	return ctl_events_reply(((struct lb_ctl *)ctx)->events, request);
}

static json_t *on_peers(void *ctx, const struct ctl_request *request)
{
	struct lb_ctl *ctl = ctx;

	return ctl_reply_ok(lb_sync_status(ctl->sync, &ctl->live->model.peer, ctl->sync_error));
}

/* ---- what changes something ---- */

static struct lb_live_backend *named_backend(
	struct lb_ctl *ctl, const struct ctl_request *request, json_t **reply)
{
	const char *pool, *backend;
	struct lb_live_backend *b;

	if (ctl_arg_text(request, "pool", "", &pool, reply) ||
		ctl_arg_text(request, "backend", "", &backend, reply))
		return NULL;
	b = lb_live_find(ctl->live, pool, backend);
	if (!b)
		*reply = ctl_reply_error("no backend '%s/%s'; 'tandemctl backends' shows all", pool, backend);
	return b;
}

static json_t *set_admin(void *ctx, const struct ctl_request *request, enum lb_admin admin, const char *means)
{
	json_t *reply = NULL;
	struct lb_live_backend *b = named_backend(ctx, request, &reply);

	if (!b)
		return reply;
	lb_live_set_admin(b, admin);
	return ctl_reply_message("%s/%s is %s: %s (%lld live connections)", b->pool->conf->name,
		b->conf->name, lb_admin_name(admin), means, (long long)active_in(b->live, b));
}

static json_t *on_drain(void *ctx, const struct ctl_request *request)
{
	return set_admin(ctx, request, LB_ADMIN_DRAIN, "no new connections, the present ones go on");
}

static json_t *on_enable(void *ctx, const struct ctl_request *request)
{
	return set_admin(ctx, request, LB_ADMIN_ENABLED, "takes new connections when its check allows it");
}

static json_t *on_disable(void *ctx, const struct ctl_request *request)
{
	return set_admin(ctx, request, LB_ADMIN_DISABLED,
		"no new connections, the present ones as on_backend_down says");
}

static json_t *on_weight(void *ctx, const struct ctl_request *request)
{
	json_t *reply = NULL;
	struct lb_live_backend *b = named_backend(ctx, request, &reply);
	uint64_t weight;

	if (!b || ctl_arg_number(request, "weight", 0, LB_WEIGHT_MAX, 1, &weight, &reply))
		return reply;
	lb_live_set_weight(b, (int)weight);
	return ctl_reply_message("%s/%s has weight %llu until the config names another (configured: %u)",
		b->pool->conf->name, b->conf->name, (unsigned long long)weight, b->conf->weight);
}

static json_t *on_reload(void *ctx, const struct ctl_request *request)
{
	struct lb_ctl *ctl = ctx;
	char text[1200];

	return ctl->reload(ctl->data, text, sizeof(text)) ? ctl_reply_error("%s", text)
							  : ctl_reply_message("%s", text);
}

json_t *lb_ctl_handle(void *ctx, const struct ctl_request *request)
{
	static const struct ctl_command commands[] = {
		{"status", CTL_READ, on_status},
		{"services", CTL_READ, on_services},
		{"backends", CTL_READ, on_backends},
		{"flows", CTL_READ, on_flows},
		{"counters", CTL_READ, on_counters},
		{"events", CTL_READ, on_events},
		{"peers", CTL_READ, on_peers},
		{"drain", CTL_WRITE, on_drain},
		{"enable", CTL_WRITE, on_enable},
		{"disable", CTL_WRITE, on_disable},
		{"weight", CTL_WRITE, on_weight},
		{"reload", CTL_WRITE, on_reload},
	};

	return ctl_dispatch(commands, sizeof(commands) / sizeof(commands[0]), ctx, request);
}
