/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kv_store tells about itself: INFO, COMMAND and CONFIG GET, in the forms redis' clients read. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "apps/glob.h"
#include "apps/kv_server.h"

struct text {
	char data[8192];
	size_t len;
};

static void add(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->data + text->len, sizeof(text->data) - text->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		text->len += (size_t)n < sizeof(text->data) - text->len ? (size_t)n
									: sizeof(text->data) - text->len - 1;
}

uint64_t kv_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tell_server(const struct kv_server *server, struct text *text)
{
	add(text, "name:%s\r\nversion:%s\r\nprocess_id:%d\r\ntcp_port:%u\r\nuptime_in_seconds:%llu\r\n",
		server->name, TANDEM_VERSION, (int)getpid(), endpoint_port(&server->listener.at[0]),
		(unsigned long long)(server->now_ms - server->started_ms) / 1000);
}

static void tell_clients(const struct kv_server *server, struct text *text)
{
	add(text, "connected_clients:%zu\r\nmaxclients:%llu\r\nclient_buffer_bytes:%zu\r\n", server->clients,
		(unsigned long long)server->max_clients, server->buffer_bytes);
}

static void tell_memory(const struct kv_server *server, struct text *text)
{
	add(text,
		"used_memory:%zu\r\nmaxmemory:%llu\r\nmaxmemory_policy:noeviction\r\nclient_buffers_max:%"
		"zu\r\n",
		kv_table_bytes(server->table), (unsigned long long)server->max_memory, server->buffer_max);
}

static void tell_stats(const struct kv_server *server, struct text *text)
{
	const struct kv_stats *stats = &server->stats;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"total_connections_received", stats->connections},
		{"rejected_connections", stats->rejected},
		{"total_commands_processed", stats->commands},
		{"keyspace_hits", stats->hits},
		{"keyspace_misses", stats->misses},
		{"expired_keys", kv_table_expired(server->table)},
		{"protocol_errors", stats->protocol_errors},
		{"oom_errors", stats->oom_errors},
		{"closed_slow_clients", stats->closed_slow},
		{"closed_for_memory", stats->closed_memory},
		{"accept_pauses", server->listener.pauses},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		add(text, "%s:%llu\r\n", rows[i].name, (unsigned long long)rows[i].value);
}

static void tell_commands(const struct kv_server *server, struct text *text)
{
	for (size_t i = 0; i < kv_command_count(); i++)
		if (server->stats.calls[i] > 0)
			add(text, "cmdstat_%s:calls=%llu\r\n", kv_command_name(i),
				(unsigned long long)server->stats.calls[i]);
}

static void tell_replication(const struct kv_server *server, struct text *text)
{
	add(text, "role:master\r\nconnected_slaves:0\r\n");
}

static void tell_keyspace(const struct kv_server *server, struct text *text)
{
	if (kv_table_count(server->table) > 0)
		add(text, "db0:keys=%zu,expires=%zu\r\n", kv_table_count(server->table),
			kv_table_expiring(server->table));
}

void kv_info_reply(const struct kv_server *server, const char *section, struct resp_out *out)
{
	static const struct {
		const char *name;
		void (*tell)(const struct kv_server *server, struct text *text);
	} sections[] = {
		{"Server", tell_server},
		{"Clients", tell_clients},
		{"Memory", tell_memory},
		{"Stats", tell_stats},
		{"Replication", tell_replication},
		{"Commandstats", tell_commands},
		{"Keyspace", tell_keyspace},
	};
	struct text text = {.len = 0};
	bool all = section[0] == '\0' || strcasecmp(section, "all") == 0 ||
		   strcasecmp(section, "default") == 0 || strcasecmp(section, "everything") == 0;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (!all && strcasecmp(section, sections[i].name) != 0)
			continue;
		add(&text, "%s# %s\r\n", text.len > 0 ? "\r\n" : "", sections[i].name);
		sections[i].tell(server, &text);
	}
	resp_bulk(out, text.data, text.len);
}

static void describe(size_t i, struct resp_out *out)
{
	int keys = kv_command_keys(i);

	resp_array(out, 6);
	resp_bulk_text(out, kv_command_name(i));
	resp_integer(out, kv_command_arity(i));
	resp_array(out, 1);
	resp_simple(out, kv_command_writes(i) ? "write" : "readonly");
	resp_integer(out, keys != 0);
	resp_integer(out, keys);
	resp_integer(out, keys != 0);
}

void kv_info_commands(const struct resp_arg *args, uint32_t argc, struct resp_out *out)
{
	size_t count = kv_command_count();

	if (argc > 1 && kv_word_is(&args[1], "COUNT")) {
		resp_integer(out, (int64_t)count);
	} else if (argc > 1 && kv_word_is(&args[1], "DOCS")) {
		resp_array(out, 0); /* redis-cli's hints; it goes by the plain COMMAND then */
	} else if (argc > 1 && kv_word_is(&args[1], "LIST")) {
		resp_array(out, count);
		for (size_t i = 0; i < count; i++)
			resp_bulk_text(out, kv_command_name(i));
	} else if (argc > 1 && kv_word_is(&args[1], "INFO")) {
		resp_array(out, argc - 2);
		for (uint32_t a = 2; a < argc; a++) {
			size_t i = 0;

			while (i < count && !kv_word_is(&args[a], kv_command_name(i)))
				i++;
			if (i < count)
				describe(i, out);
			else
				resp_null(out);
		}
	} else if (argc > 1) {
		resp_error(out, "ERR unknown subcommand: COMMAND knows COUNT, DOCS, INFO and LIST");
	} else {
		resp_array(out, count);
		for (size_t i = 0; i < count; i++)
			describe(i, out);
	}
}

void kv_info_config(
	const struct kv_server *server, const struct resp_arg *args, uint32_t argc, struct resp_out *out)
{
	char memory[24], clients[24], stall[24];
	const struct {
		const char *name, *value;
	} rows[] = {
		{"save", ""},
		{"appendonly", "no"},
		{"maxmemory", memory},
		{"maxclients", clients},
		{"timeout", "0"},
		{"stall-timeout", stall},
		{"databases", "1"},
		{"maxmemory-policy", "noeviction"},
	};
	bool wanted[sizeof(rows) / sizeof(rows[0])] = {false};
	size_t count = 0;

	snprintf(memory, sizeof(memory), "%llu", (unsigned long long)server->max_memory);
	snprintf(clients, sizeof(clients), "%llu", (unsigned long long)server->max_clients);
	snprintf(stall, sizeof(stall), "%llu", (unsigned long long)server->stall_timeout_s);
	for (uint32_t a = 0; a < argc; a++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (!wanted[i] && glob_match(args[a].data, args[a].len, (const uint8_t *)rows[i].name,
						  strlen(rows[i].name))) {
				wanted[i] = true;
				count++;
			}
	resp_array(out, count * 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!wanted[i])
			continue;
		resp_bulk_text(out, rows[i].name);
		resp_bulk_text(out, rows[i].value);
	}
}
