/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of kv_store share: the server with its keyspace and counters. kv_conn.c moves bytes,
 * kv_command.c runs commands on the keyspace, kv_info.c tells about the server; none of them knows how the
 * others do it.
 */
#ifndef TANDEM_APPS_KV_SERVER_H
#define TANDEM_APPS_KV_SERVER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/kv_table.h"
#include "apps/resp.h"
#include "apps/tcp_listener.h"

#define KV_COMMANDS_MAX 32

struct kv_conn;

struct kv_stats {
	uint64_t connections, rejected, commands, hits, misses;
	uint64_t protocol_errors; /* closed for bytes that are no request */
	uint64_t oom_errors;      /* commands refused for lack of keyspace memory */
	uint64_t closed_slow;     /* closed because they did not read their replies */
	uint64_t closed_memory;   /* closed because client buffers had reached their bound */
	uint64_t calls[KV_COMMANDS_MAX];
};

struct kv_server {
	struct ev_loop *loop;
	const char *name;
	struct tcp_listener listener;
	struct kv_table *table;
	uint64_t started_ms, now_ms; /* monotonic; now is set before every batch of commands */
	uint64_t max_memory;         /* keyspace, bytes */
	uint64_t max_clients, stall_timeout_s;
	bool iterative; /* one client at a time: the next is accepted when this one has left */

	struct kv_conn *conns; /* list of all */
	size_t clients;
	size_t buffer_bytes, buffer_max; /* of all clients' half requests and unread replies */
	ev_timer tick;
	uint8_t *scratch;    /* one read, for whichever client is being served */
	struct resp_out out; /* the replies to it */
	struct kv_stats stats;
};

/* kv_conn.c: take over an accepted connection; the callback of the listener. */
void kv_conn_open(void *server, int fd);
void kv_conn_close_all(struct kv_server *server);
/* Once a second: close clients that don't read or don't go. */
void kv_conn_tick(struct kv_server *server);

/* kv_command.c: run one request (argc > 0), write the reply. False: the client wants the connection closed.
 */
bool kv_command_run(
	struct kv_server *server, const struct resp_arg *args, uint32_t argc, struct resp_out *out);
size_t kv_command_count(void);
const char *kv_command_name(size_t index); /* lower case */
int kv_command_arity(size_t index);        /* as COMMAND tells: negative is a minimum */
bool kv_command_writes(size_t index);
int kv_command_keys(size_t index); /* 0: none, 1: the first argument, -1: all of them */

/* kv_info.c */
void kv_info_reply(const struct kv_server *server, const char *section, struct resp_out *out);
void kv_info_commands(const struct resp_arg *args, uint32_t argc, struct resp_out *out);
void kv_info_config(
	const struct kv_server *server, const struct resp_arg *args, uint32_t argc, struct resp_out *out);

uint64_t kv_clock_ms(void);

/* Whether the argument is the word, in whatever case. */
bool kv_word_is(const struct resp_arg *arg, const char *word);

#endif
