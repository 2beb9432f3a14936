/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table_node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lb/lb_apply.h"
#include "lb/lb_conf.h"
#include "lb/lb_sync_flow.h"

#define MS INT64_C(1000000)

int64_t pair_now;

static void must(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "table_node: %s\n", what);
	abort();
}

static int64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- a node ---- */

static const char config[] =
	"pools = ("
	"{ name = \"web\"; backends = ( { name = \"w1\"; address = \"10.1.0.1\"; port = 8080; },"
	"  { name = \"w2\"; address = \"10.1.0.2\"; port = 8080; } ); },"
	"{ name = \"web6\"; backends = ( { name = \"w1\"; address = \"fd01::1\"; port = 8080; },"
	"  { name = \"w2\"; address = \"fd01::2\"; port = 8080; } ); },"
	"{ name = \"dns\"; backends = ( { name = \"d1\"; address = \"10.1.0.3\"; port = 5353; } ); },"
	"{ name = \"sticky\"; scheduler = \"rr\"; sticky = { timeout_s = 400; };"
	"  backends = ( { name = \"s1\"; address = \"10.1.0.4\"; port = 80; },"
	"  { name = \"s2\"; address = \"10.1.0.5\"; port = 80; } ); } );"
	"services = ("
	"{ name = \"web\"; address = \"10.0.0.100\"; port = 80; protocol = \"tcp\"; pool = \"web\"; },"
	"{ name = \"web6\"; address = \"fd00::100\"; port = 80; protocol = \"tcp\"; pool = \"web6\"; },"
	"{ name = \"dns\"; address = \"10.0.0.100\"; port = 53; protocol = \"udp\"; pool = \"dns\"; },"
	"{ name = \"sticky\"; address = \"10.0.0.101\"; port = 80; protocol = \"tcp\"; pool = \"sticky\"; } %s );"
	"dataplane = { interfaces = [ \"lo\" ]; };";

static void on_lost(void *data)
{
	struct table_node *n = data;

	n->lost++;
	if (n->session)
		sync_session_send_bulk(n->session);
}

static void on_changed(void *data, bool by_operator)
{
	struct table_node *n = data;

	if (n->table)
		lb_sync_table_refresh(n->table);
}

static void no_report(void *data, const char *subject, const char *event, const char *cause) {}

void node_apply(struct table_node *n, const char *extra)
{
	char text[4096], error[400];
	struct conf_errors errors;
	struct lb_model model;

	snprintf(text, sizeof(text), config, extra);
	if (lb_conf_load_memory("test", text, strlen(text), NULL, &model, &errors)) {
		conf_errors_write(&errors, stderr, "");
		must(false, "the config");
	}
	must(lb_apply(&n->live, &model, NULL, 0, error, sizeof(error)) == 0, "apply");
}

static void open_sync(struct table_node *n)
{
	struct sync_session_config session;

	must(lb_sync_table_open(&n->table, &n->live, &n->age, on_lost, n) == 0, "table");
	sync_session_defaults(&session, lb_sync_config_hash(&n->live.model));
	must(sync_session_open(
		     &n->session, &session, &lb_sync_table_source, &lb_sync_table_target, n->table) == 0,
		"session");
}

void node_restart(struct table_node *n)
{
	sync_session_close(n->session);
	lb_sync_table_close(n->table);
	open_sync(n);
}

void node_open(struct table_node *n, uint32_t flows, const char *extra)
{
	struct lb_bpf_sizes sizes = {.flows = flows,
		.half_open = flows / 4,
		.services = 64,
		.pools = 64,
		.backends = 64,
		.sticky = 4096,
		.table_slots = 65536};

	memset(n, 0, sizeof(*n));
	if (!pair_now)
		pair_now = clock_ns();
	n->loop = ev_loop_new(0);
	must(n->loop && lb_bpf_open(&n->bpf, &sizes, NULL, false) == 0, "dataplane");
	must(lb_live_open(&n->live, n->loop, &n->bpf) == 0, "live");
	n->live.report = no_report;
	n->live.changed = on_changed;
	n->live.data = n;
	for (int i = 0; *extra && i < 5; i++) { /* so that its numbers are others */
		lb_ids_take(&n->live.pool_ids);
		lb_ids_take(&n->live.service_ids);
		lb_ids_take(&n->live.backend_ids);
	}
	node_apply(n, extra);
	must(lb_age_start(&n->age, &n->live) == 0, "age");
	open_sync(n);
}

void node_close(struct table_node *n)
{
	sync_session_close(n->session);
	lb_sync_table_close(n->table);
	n->table = NULL;
	lb_age_stop(&n->age);
	lb_live_close(&n->live);
	lb_bpf_close(&n->bpf);
	ev_loop_destroy(n->loop);
	memset(n, 0, sizeof(*n));
}

void node_walk(struct table_node *n)
{
	n->age.next_sticky_at = 0;
	for (int i = 0; i < LB_AGE_TICKS; i++)
		ev_invoke(n->loop, &n->age.timer, EV_TIMER);
}

/* ---- its flows ---- */

static bool is_v6(int service)
{
	return service == SERVICE_WEB6;
}

static struct endpoint client_of(int service, uint32_t client)
{
	struct endpoint e = {.port = (uint16_t)(1024 + client % 60000)};
	uint32_t host = client / 60000;

	if (is_v6(service))
		address6(e.addr, 0xc, (uint16_t)(host + 1));
	else
		address4(e.addr, 10, 2, (uint8_t)(host >> 8), (uint8_t)(host + 1));
	return e;
}

static struct endpoint service_of(int service)
{
	struct endpoint e = {.port = service == SERVICE_DNS ? 53 : 80};

	if (is_v6(service))
		address6(e.addr, 0, 0x100);
	else
		address4(e.addr, 10, 0, 0, service == SERVICE_STICKY ? 101 : 100);
	return e;
}

struct lb_flow *node_flow(struct table_node *n, int service, uint32_t id)
{
	return is_v6(service) ? &n->bpf.view.flows6[id].head : &n->bpf.view.flows4[id].head;
}

static bool is_of(struct table_node *n, int service, uint32_t id, const struct endpoint *client)
{
	struct endpoint at = service_of(service);
	const struct lb_flow *f = node_flow(n, service, id);
	const void *c = is_v6(service) ? (void *)n->bpf.view.flows6[id].client
				       : (void *)&n->bpf.view.flows4[id].client;
	const void *s = is_v6(service) ? (void *)n->bpf.view.flows6[id].service
				       : (void *)&n->bpf.view.flows4[id].service;
	size_t length = is_v6(service) ? 16 : 4;

	return f->state != LB_FLOW_FREE && f->client_port == htons(client->port) &&
	       f->service_port == htons(at.port) && !memcmp(c, client->addr, length) &&
	       !memcmp(s, at.addr, length);
}

/* The one made last is the likeliest. */
long node_find(struct table_node *n, int service, uint32_t client)
{
	static uint32_t last;
	struct endpoint from = client_of(service, client);
	uint32_t touched = lb_bpf_flows_touched(&n->bpf, is_v6(service) ? 6 : 4);

	if (last < touched && is_of(n, service, last, &from))
		return last;
	for (uint32_t id = touched; id-- > 0;)
		if (is_of(n, service, id, &from)) {
			last = id;
			return id;
		}
	return -1;
}

static void send_packet(struct table_node *n, int service, const struct endpoint *from,
	const struct endpoint *to, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct packet_spec p = {.family = is_v6(service) ? 6 : 4,
		.protocol = service == SERVICE_DNS ? IPPROTO_UDP : IPPROTO_TCP,
		.tcp_flags = flags,
		.from = *from,
		.to = *to,
		.seq = seq,
		.ack = ack,
		.payload = service == SERVICE_DNS ? 20 : 0};
	struct frame in, out;
	uint32_t length = sizeof(out.bytes);

	packet_build(&p, &in);
	must(lb_bpf_test_packet(&n->bpf, in.bytes, in.length, out.bytes, &length, 1, NULL, NULL) == 0,
		"packet");
}

long node_say(struct table_node *n, int service, uint32_t client, bool to_client, uint8_t flags, uint32_t seq,
	uint32_t ack)
{
	struct endpoint from = client_of(service, client), to = service_of(service), backend = {};
	long id = to_client ? node_find(n, service, client) : 0;
	const struct lb_flow *f;

	if (id < 0)
		return -1;
	f = node_flow(n, service, (uint32_t)id);
	if (to_client) {
		memcpy(backend.addr, n->bpf.view.backends[f->backend].addr, sizeof(backend.addr));
		backend.port = ntohs(f->backend_port);
		send_packet(n, service, &backend, &from, flags, seq, ack);
		return id;
	}
	send_packet(n, service, &from, &to, flags, seq, ack);
	return 0;
}

long node_connect(struct table_node *n, int service, uint32_t client)
{
	node_say(n, service, client, false, TCP_SYN, 100, 0);
	if (node_say(n, service, client, true, TCP_SYN | TCP_ACK, 5000 + client, 101) < 0)
		return -1;
	if (service != SERVICE_DNS)
		node_say(n, service, client, false, TCP_ACK, 101, 5001 + client);
	return node_find(n, service, client);
}

void node_remove(struct table_node *n, int service, uint32_t id)
{
	n->bpf.view.control[0] = (struct lb_control){.op = LB_CONTROL_REMOVE,
		.family = is_v6(service) ? 6 : 4,
		.id = id,
		.generation = node_flow(n, service, id)->generation};
	must(lb_bpf_control(&n->bpf, 1) == 0 && n->bpf.view.control[0].op == LB_CONTROL_DONE, "remove");
}

static int compare_flows(const void *a, const void *b)
{
	const struct node_flow *x = a, *y = b;

	if (x->family != y->family || x->protocol != y->protocol)
		return x->family * 256 + x->protocol - y->family * 256 - y->protocol;
	return memcmp(&x->client_port, &y->client_port, sizeof(*x) - offsetof(struct node_flow, client_port));
}

struct node_flow *node_flows(struct table_node *n, size_t *count)
{
	uint32_t touched[2] = {lb_bpf_flows_touched(&n->bpf, 4), lb_bpf_flows_touched(&n->bpf, 6)};
	struct node_flow *list = calloc((size_t)touched[0] + touched[1] + 1, sizeof(*list));

	must(list, "memory");
	*count = 0;
	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t id = 0; id < touched[v6]; id++) {
			const struct lb_flow6 *f6 = &n->bpf.view.flows6[id];
			const struct lb_flow4 *f4 = &n->bpf.view.flows4[id];
			const struct lb_flow *f = v6 ? &f6->head : &f4->head;
			struct node_flow *to = &list[*count];

			if (!lb_sync_state_is_told(f->state))
				continue;
			*to = (struct node_flow){.family = v6 ? 6 : 4,
				.protocol = f->protocol,
				.state = f->state,
				.copy = f->flags & LB_FLOW_COPY,
				.client_port = f->client_port,
				.service_port = f->service_port,
				.backend_port = f->backend_port};
			memcpy(to->client, v6 ? f6->client : &f4->client, v6 ? 16 : 4);
			memcpy(to->service, v6 ? f6->service : &f4->service, v6 ? 16 : 4);
			memcpy(to->backend, v6 ? f6->backend : &f4->backend, v6 ? 16 : 4);
			++*count;
		}
	qsort(list, *count, sizeof(*list), compare_flows);
	return list;
}

/* ---- two of them ---- */

void pair_meet(struct table_node *n)
{
	static uint64_t session = 1;

	session++;
	for (int i = 0; i < 2; i++)
		sync_session_reset(n[i].session, session, pair_now);
}

/* All that one has to say now. */
static bool deliver(struct table_node *from, struct table_node *to)
{
	const uint8_t *bytes;
	size_t len;
	bool any = false;

	lb_sync_table_read(from->table, pair_now);
	while ((bytes = sync_session_next(from->session, pair_now, &len))) {
		sync_session_input(to->session, bytes, len, pair_now);
		any = true;
	}
	lb_sync_table_commit(to->table);
	if (lb_sync_table_missed(to->table))
		sync_session_want_bulk(to->session, pair_now);
	return any;
}

void pair_run(struct table_node *n, int64_t ms)
{
	for (; ms > 0; ms--, pair_now += MS) {
		/* Births of what the table finds by itself are of the real clock. */
		if (clock_ns() > pair_now)
			pair_now = clock_ns();
		for (int i = 0; i < 8; i++)
			if (!deliver(&n[0], &n[1]) & !deliver(&n[1], &n[0]))
				break;
	}
}

static bool is_settled(struct table_node *n)
{
	struct sync_status status;

	for (int i = 0; i < 2; i++) {
		sync_session_status(n[i].session, pair_now, &status);
		if (status.in != SYNC_WHY_IN_SYNC || status.out != SYNC_WHY_IN_SYNC || status.lag_ns)
			return false;
	}
	return true;
}

int64_t pair_settle(struct table_node *n)
{
	int64_t began = pair_now;

	pair_run(n, 10); /* what has just changed is read and waits for company */
	do
		pair_run(n, 1);
	while (!is_settled(n) && pair_now - began < 60000 * MS);
	return is_settled(n) ? (pair_now - began) / MS : -1;
}
