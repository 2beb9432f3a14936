/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kv_store: a key-value server in memory that speaks RESP2, so that redis' own tools can be its clients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "apps/cli.h"
#include "apps/kv_server.h"
#include "apps/server.h"

#define SCRATCH_SIZE          65536
#define REPLY_MAX             (256u << 20) /* one reply with what was gathered before it; more closes the connection */
#define BUFFERS_MIN           (128u << 20) /* of all clients; room for some requests of the longest kind */
#define FILES_BESIDES_CLIENTS 32
#define TICK_S                0.25
#define SWEEP_SLOTS           16384 /* a tick: a table of a million slots is swept in 16 s */

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct kv_server *server = w->data;

	server->now_ms = kv_clock_ms();
	kv_table_sweep(server->table, SWEEP_SLOTS, server->now_ms);
	kv_conn_tick(server);
}

/* The parts of the server that can fail to come up without the network being asked. */
static bool make_room(struct kv_server *server)
{
	uint64_t seed[2];

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return false;
	server->table = kv_table_create(seed, server->max_memory);
	server->scratch = malloc(SCRATCH_SIZE);
	resp_out_init(&server->out, REPLY_MAX);
	server->buffer_max = server->max_memory / 4 > BUFFERS_MIN ? server->max_memory / 4 : BUFFERS_MIN;
	server->started_ms = server->now_ms = kv_clock_ms();
	return server->table != NULL && server->scratch != NULL;
}

static void fit_clients(struct kv_server *server, const char *program)
{
	size_t files = server_raise_file_limit(server->max_clients + FILES_BESIDES_CLIENTS);

	if (files >= server->max_clients + FILES_BESIDES_CLIENTS)
		return;
	server->max_clients = files > 2 * FILES_BESIDES_CLIENTS ? files - FILES_BESIDES_CLIENTS : files / 2;
	fprintf(stderr,
		"%s: the limit of open files (%zu) leaves room for %llu clients; raise 'ulimit -n' for "
		"more\n",
		program, files, (unsigned long long)server->max_clients);
}

int main(int argc, char **argv)
{
	const char *name = NULL;
	struct kv_server kv = {.max_memory = 256u << 20, .max_clients = 10000, .stall_timeout_s = 30};
	const struct cli_option options[] = {
		{"name", CLI_TEXT, &name, 0, 0, "NAME", "what WHOAMI answers (the host's name)"},
		{"max-memory", CLI_BYTES, &kv.max_memory, 65536, 1ull << 40, "BYTES",
			"memory of keys and values (256m); writes get -OOM above it"},
		{"max-clients", CLI_NUMBER, &kv.max_clients, 1, 1000000, "N", "connections at once (10000)"},
		{"stall-timeout", CLI_NUMBER, &kv.stall_timeout_s, 1, 86400, "SECONDS",
			"close a client that reads none of its replies for so long (30)"},
		{"iterative", CLI_FLAG, &kv.iterative, 0, 0, NULL,
			"serve one client at a time, to show why not: the others wait until it leaves"},
	};
	const struct cli_program program = {
		.name = "kv_store",
		.args = "ADDR PORT",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"A key-value server in memory that speaks RESP2 (redis-cli, redis-benchmark, nc).\n"
			"ADDR is an IPv4 or IPv6 address, or '*' for all of both; PORT 0 lets the kernel "
			"choose.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv);
	const char *addr = cli_listen_addr(&program, argv[first]);
	uint16_t port = cli_port(&program, argv[first + 1], 0);
	struct server server;
	int rc = 1;

	server_open(&server, program.name, name);
	kv.loop = server.loop;
	kv.name = server.name;
	if (!make_room(&kv)) {
		fprintf(stderr, "%s: out of memory at the start\n", program.name);
	} else {
		fit_clients(&kv, program.name);
		if (tcp_listener_open(&kv.listener, kv.loop, program.name, addr, port, kv_conn_open, &kv) ==
			0) {
			ev_timer_init(&kv.tick, on_tick, TICK_S, TICK_S);
			kv.tick.data = &kv;
			ev_timer_start(kv.loop, &kv.tick);
			server_run(&server, kv.listener.at, kv.listener.count);
			ev_timer_stop(kv.loop, &kv.tick);
			tcp_listener_close(&kv.listener);
			kv_conn_close_all(&kv);
			rc = 0;
		}
	}
	resp_out_free(&kv.out);
	kv_table_destroy(kv.table);
	free(kv.scratch);
	server_close(&server);
	return rc;
}
