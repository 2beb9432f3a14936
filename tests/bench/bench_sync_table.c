/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What connection sync costs with real dataplanes at both ends: from the ring of changes of one to the flow table of the
 * other, but for the cipher (bench_sync) and the sockets. Prints JSON, one object a line. Root.
 * bench_sync_table [flows of the bulk] [seconds of changes]
 *
 *   changes   a steady 50,000 changes a second (connections that come and go), a batch each ms: us a change on each side, the
 *             share of a core
 *   bulk      the whole table while 2,000 changes a second come: seconds at the pace of the defaults, and of this machine's
 *             time on each side; bytes a flow
 */
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table_node.h"

#define RATE 50000

static struct table_node n[2];

static void must(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "bench_sync_table: %s\n", what);
	exit(1);
}

static void forget_costs(void)
{
	for (int i = 0; i < 2; i++)
		n[i].spent_ns = 0, n[i].bytes = n[i].datagrams = 0;
}

static void open_pair(uint32_t flows)
{
	for (int i = 0; i < 2; i++)
		node_open(&n[i], flows, "");
	pair_meet(n);
	must(pair_settle(n) >= 0, "they do not find each other");
}

static void close_pair(void)
{
	for (int i = 0; i < 2; i++)
		node_close(&n[i]);
}

/* Connections that come and the oldest that go: two changes each. */
static uint32_t ring[65536], newest, oldest;

static void come_and_go(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		long id = node_connect(&n[0], SERVICE_WEB, newest);

		must(id >= 0, "no connection");
		ring[newest++ % 65536] = (uint32_t)id;
	}
	while (newest - oldest > 20000)
		node_remove(&n[0], SERVICE_WEB, ring[oldest++ % 65536]);
}

static void bench_changes(uint32_t seconds)
{
	uint64_t changes;
	uint32_t began;

	open_pair(1 << 20);
	newest = oldest = 0;
	come_and_go(20000);
	must(pair_settle(n) >= 0, "no settling");
	forget_costs();
	began = newest;
	for (uint32_t ms = 0; ms < seconds * 1000; ms++) {
		come_and_go(RATE / 2000);
		pair_run(n, 1);
	}
	must(pair_settle(n) >= 0, "no settling");
	changes = 2 * (uint64_t)(newest - began);
	printf("{\"what\": \"table changes\", \"changes\": %lu, \"sender_us\": %.3f, \"receiver_us\": %.3f, "
	       "\"sender_core\": %.3f, \"receiver_core\": %.3f, \"bytes\": %.1f, \"datagrams_a_ms\": %.2f}\n",
		changes, (double)n[0].spent_ns / 1e3 / (double)changes,
		(double)n[1].spent_ns / 1e3 / (double)changes,
		(double)n[0].spent_ns / (double)changes * RATE / 1e9,
		(double)n[1].spent_ns / (double)changes * RATE / 1e9, (double)n[0].bytes / (double)changes,
		(double)n[0].datagrams / (seconds * 1000.));
	close_pair();
}

/* As if a million clients had connected: put in as records of a peer, and then made ours. One in a million finds its bucket
 * of the index full. How many there are. */
static uint32_t fill(struct table_node *node, uint32_t flows)
{
	struct lb_bpf_view *v = &node->bpf.view;
	const struct lb_backend *b = &node->live.model.pools[0].backends[0];
	uint32_t now = lb_bpf_now(&node->bpf), made = 0;

	for (uint32_t at = 0; at < flows;) {
		uint32_t count = 0;

		for (; count < LB_INSTALL_MAX && at < flows; count++, at++) {
			v->installs[count] = (struct lb_install){.op = LB_INSTALL_PUT,
				.family = 4,
				.protocol = 6,
				.state = LB_FLOW_ESTABLISHED,
				.client_port = htons((uint16_t)(1024 + at % 60000)),
				.service_port = htons(80),
				.backend_port = htons(b->port),
				.service = (uint16_t)node->live.services[0].index,
				.backend = node->live.pools[0].backends[0]->index,
				.last_seen = now,
				.client = {htonl(0x0a400001 + at / 60000)},
				.service_addr = {htonl(0x0a000064)}};
			memcpy(v->installs[count].backend_addr, b->addr.bytes, 4);
		}
		must(lb_bpf_install(&node->bpf, count) == 0, "filling");
		for (uint32_t i = 0; i < count; i++) {
			if (v->installs[i].op != LB_INSTALL_MADE)
				continue;
			made++;
			v->flows4[v->installs[i].id].head.flags = 0;
		}
	}
	return made;
}

static void bench_bulk(uint32_t flows)
{
	struct lb_sync_table_counters c;
	struct timespec began, ended;
	int64_t started;

	open_pair(flows + flows / 4);
	newest = oldest = 0;
	flows = fill(&n[0], flows);
	pair_meet(n);
	forget_costs();
	started = pair_now;
	clock_gettime(CLOCK_MONOTONIC, &began);
	do {
		come_and_go(1);
		pair_run(n, 1);
		lb_sync_table_counters(n[1].table, &c);
	} while (c.made + c.full < flows + newest && pair_now - started < INT64_C(60000000000));
	clock_gettime(CLOCK_MONOTONIC, &ended);
	must(c.made + c.full >= flows, "the bulk did not come whole");
	printf("{\"what\": \"table bulk\", \"flows\": %u, \"seconds\": %.2f, \"wall_s\": %.2f, \"sender_s\": %.2f, "
	       "\"receiver_s\": %.2f, \"sender_us\": %.3f, \"receiver_us\": %.3f, \"bytes_a_flow\": %.1f}\n",
		flows, (double)(pair_now - started) / 1e9,
		(double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
		(double)n[0].spent_ns / 1e9, (double)n[1].spent_ns / 1e9,
		(double)n[0].spent_ns / 1e3 / (double)c.made, (double)n[1].spent_ns / 1e3 / (double)c.made,
		(double)n[0].bytes / (double)c.made);
	close_pair();
}

int main(int argc, char **argv)
{
	uint32_t flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	uint32_t seconds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 4;

	must(unshare(CLONE_NEWNET) == 0, "no network namespace (run as root)");
	must(system("ip link set lo up") == 0, "ip");
	if (seconds)
		bench_changes(seconds);
	if (flows)
		bench_bulk(flows);
	return 0;
}
