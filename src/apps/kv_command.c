/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of kv_store: a table of names, and one function for each. Replies and error texts are those
 * that redis' clients know (redis.io/commands). */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "apps/glob.h"
#include "apps/kv_server.h"

#define NAME_MAX_LEN 16

struct call {
	struct kv_server *server;
	const struct resp_arg *args;
	uint32_t argc;
	struct resp_out *out;
};

struct command {
	const char *name;               /* lower case; the table is sorted by it */
	bool (*run)(struct call *call); /* false: close the connection after the reply */
	int arity;                      /* arguments with the name; negative: at least */
	bool writes;
	int keys;
};

bool kv_word_is(const struct resp_arg *arg, const char *word)
{
	return arg->len == strlen(word) && strncasecmp((const char *)arg->data, word, arg->len) == 0;
}

static struct kv_text text_of(const struct call *call, uint32_t i)
{
	return (struct kv_text){call->args[i].data, call->args[i].len};
}

static bool fail(struct call *call, const char *text)
{
	resp_error(call->out, "%s", text);
	return true;
}

static bool fail_memory(struct call *call)
{
	call->server->stats.oom_errors++;
	return fail(call, "OOM command not allowed when used memory > 'maxmemory'.");
}

static bool count_hit(struct call *call, bool hit)
{
	if (hit)
		call->server->stats.hits++;
	else
		call->server->stats.misses++;
	return hit;
}

static bool run_ping(struct call *call)
{
	if (call->argc > 2)
		return fail(call, "ERR wrong number of arguments for 'ping' command");
	if (call->argc == 2)
		resp_bulk(call->out, call->args[1].data, call->args[1].len);
	else
		resp_simple(call->out, "PONG");
	return true;
}

static bool run_echo(struct call *call)
{
	resp_bulk(call->out, call->args[1].data, call->args[1].len);
	return true;
}

static bool run_quit(struct call *call)
{
	resp_simple(call->out, "OK");
	return false;
}

static bool run_whoami(struct call *call)
{
	resp_bulk_text(call->out, call->server->name);
	return true;
}

static bool run_get(struct call *call)
{
	struct kv_text value;

	if (count_hit(
		    call, kv_table_get(call->server->table, text_of(call, 1), call->server->now_ms, &value)))
		resp_bulk(call->out, value.data, value.len);
	else
		resp_null(call->out);
	return true;
}

/* "N seconds (or ms) from now" as a point of time; false: out of range. */
static bool later(const struct kv_server *server, int64_t amount, int64_t unit_ms, uint64_t *at_ms)
{
	int64_t ms;

	if (__builtin_mul_overflow(amount, unit_ms, &ms) ||
		__builtin_add_overflow(ms, (int64_t)server->now_ms, &ms))
		return false;
	*at_ms = ms > 0 ? (uint64_t)ms : 1; /* 0 would be "never" */
	return true;
}

static bool run_set(struct call *call)
{
	struct kv_server *server = call->server;
	uint64_t at = KV_NEVER;
	bool only_new = false, only_old = false;
	struct kv_text old;

	for (uint32_t i = 3; i < call->argc; i++) {
		bool seconds = kv_word_is(&call->args[i], "EX"), ms = kv_word_is(&call->args[i], "PX");
		int64_t amount;

		if ((seconds || ms) && at == KV_NEVER && i + 1 < call->argc) {
			i++;
			if (!resp_to_int(call->args[i].data, call->args[i].len, &amount))
				return fail(call, "ERR value is not an integer or out of range");
			if (amount <= 0 || !later(server, amount, seconds ? 1000 : 1, &at))
				return fail(call, "ERR invalid expire time in 'set' command");
		} else if (kv_word_is(&call->args[i], "NX") && !only_old) {
			only_new = true;
		} else if (kv_word_is(&call->args[i], "XX") && !only_new) {
			only_old = true;
		} else {
			return fail(call, "ERR syntax error");
		}
	}
	if ((only_new || only_old) &&
		kv_table_get(server->table, text_of(call, 1), server->now_ms, &old) != only_old) {
		resp_null(call->out);
		return true;
	}
	if (kv_table_set(server->table, text_of(call, 1), text_of(call, 2), at, server->now_ms) != 0)
		return fail_memory(call);
	resp_simple(call->out, "OK");
	return true;
}

static bool run_del(struct call *call)
{
	int64_t count = 0;

	for (uint32_t i = 1; i < call->argc; i++)
		count += kv_table_delete(call->server->table, text_of(call, i), call->server->now_ms);
	resp_integer(call->out, count);
	return true;
}

static bool run_exists(struct call *call)
{
	int64_t count = 0;
	struct kv_text value;

	for (uint32_t i = 1; i < call->argc; i++)
		count += count_hit(call,
			kv_table_get(call->server->table, text_of(call, i), call->server->now_ms, &value));
	resp_integer(call->out, count);
	return true;
}

static bool add(struct call *call, int64_t delta)
{
	int64_t sum = 0;
	int rc = kv_table_add(call->server->table, text_of(call, 1), delta, call->server->now_ms, &sum);

	if (rc == -EINVAL)
		return fail(call, "ERR value is not an integer or out of range");
	if (rc == -ERANGE)
		return fail(call, "ERR increment or decrement would overflow");
	if (rc != 0)
		return fail_memory(call);
	resp_integer(call->out, sum);
	return true;
}

static bool run_incr(struct call *call)
{
	return add(call, 1);
}

static bool run_decr(struct call *call)
{
	return add(call, -1);
}

static bool run_incrby(struct call *call)
{
	int64_t delta;

	if (!resp_to_int(call->args[2].data, call->args[2].len, &delta))
		return fail(call, "ERR value is not an integer or out of range");
	return add(call, delta);
}

static bool run_append(struct call *call)
{
	size_t len = 0;
	int rc = kv_table_append(call->server->table, text_of(call, 1), text_of(call, 2), RESP_BULK_MAX,
		call->server->now_ms, &len);

	if (rc == -E2BIG)
		return fail(call, "ERR string exceeds maximum allowed size");
	if (rc != 0)
		return fail_memory(call);
	resp_integer(call->out, (int64_t)len);
	return true;
}

static bool run_strlen(struct call *call)
{
	struct kv_text value = {0};

	count_hit(call, kv_table_get(call->server->table, text_of(call, 1), call->server->now_ms, &value));
	resp_integer(call->out, (int64_t)value.len);
	return true;
}

static bool run_expire(struct call *call)
{
	struct kv_server *server = call->server;
	int64_t seconds;
	uint64_t at;
	bool had;

	if (!resp_to_int(call->args[2].data, call->args[2].len, &seconds))
		return fail(call, "ERR value is not an integer or out of range");
	if (!later(server, seconds, 1000, &at))
		return fail(call, "ERR invalid expire time in 'expire' command");
	if (seconds <= 0)
		resp_integer(call->out, kv_table_delete(server->table, text_of(call, 1), server->now_ms));
	else
		resp_integer(call->out,
			kv_table_expire(server->table, text_of(call, 1), at, server->now_ms, &had));
	return true;
}

static bool run_ttl(struct call *call)
{
	int64_t ms = kv_table_ttl(call->server->table, text_of(call, 1), call->server->now_ms);

	resp_integer(call->out, ms < 0 ? ms : (ms + 500) / 1000);
	return true;
}

static bool run_persist(struct call *call)
{
	bool had = false;

	kv_table_expire(call->server->table, text_of(call, 1), KV_NEVER, call->server->now_ms, &had);
	resp_integer(call->out, had);
	return true;
}

struct keys_walk {
	const struct resp_arg *pattern;
	struct resp_out *out; /* NULL while counting */
	size_t count;
};

static void visit_key(void *ctx, struct kv_text key)
{
	struct keys_walk *walk = ctx;

	if (!glob_match(walk->pattern->data, walk->pattern->len, key.data, key.len))
		return;
	walk->count++;
	if (walk->out != NULL)
		resp_bulk(walk->out, key.data, key.len);
}

static bool run_keys(struct call *call)
{
	struct keys_walk walk = {.pattern = &call->args[1]};

	kv_table_walk(call->server->table, call->server->now_ms, visit_key, &walk);
	resp_array(call->out, walk.count); /* the length stands before the elements */
	walk.out = call->out;
	kv_table_walk(call->server->table, call->server->now_ms, visit_key, &walk);
	return true;
}

static bool run_dbsize(struct call *call)
{
	resp_integer(call->out, (int64_t)kv_table_count(call->server->table));
	return true;
}

static bool run_flushall(struct call *call)
{
	if (call->argc > 2 || (call->argc == 2 && !kv_word_is(&call->args[1], "SYNC") &&
				      !kv_word_is(&call->args[1], "ASYNC")))
		return fail(call, "ERR syntax error");
	kv_table_clear(call->server->table);
	resp_simple(call->out, "OK");
	return true;
}

static bool run_info(struct call *call)
{
	char section[NAME_MAX_LEN + 1] = "";

	if (call->argc > 1) {
		size_t len = call->args[1].len < NAME_MAX_LEN ? call->args[1].len : NAME_MAX_LEN;

		memcpy(section, call->args[1].data, len);
	}
	kv_info_reply(call->server, section, call->out);
	return true;
}

static bool run_command(struct call *call)
{
	kv_info_commands(call->args, call->argc, call->out);
	return true;
}

static bool run_config(struct call *call)
{
	if (!kv_word_is(&call->args[1], "GET"))
		return fail(call,
			"ERR unknown subcommand: only CONFIG GET is there, the options are set at the start");
	if (call->argc < 3)
		return fail(call, "ERR wrong number of arguments for 'config|get' command");
	kv_info_config(call->server, call->args + 2, call->argc - 2, call->out);
	return true;
}

static const struct command commands[] = {
	{"append", run_append, 3, true, 1},
	{"command", run_command, -1, false, 0},
	{"config", run_config, -2, false, 0},
	{"dbsize", run_dbsize, 1, false, 0},
	{"decr", run_decr, 2, true, 1},
	{"del", run_del, -2, true, -1},
	{"echo", run_echo, 2, false, 0},
	{"exists", run_exists, -2, false, -1},
	{"expire", run_expire, 3, true, 1},
	{"flushall", run_flushall, -1, true, 0},
	{"get", run_get, 2, false, 1},
	{"incr", run_incr, 2, true, 1},
	{"incrby", run_incrby, 3, true, 1},
	{"info", run_info, -1, false, 0},
	{"keys", run_keys, 2, false, 0},
	{"persist", run_persist, 2, true, 1},
	{"ping", run_ping, -1, false, 0},
	{"quit", run_quit, -1, false, 0},
	{"set", run_set, -3, true, 1},
	{"strlen", run_strlen, 2, false, 1},
	{"ttl", run_ttl, 2, false, 1},
	{"whoami", run_whoami, 1, false, 0},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
_Static_assert(COMMANDS <= KV_COMMANDS_MAX, "kv_stats.calls has a counter for every command");

size_t kv_command_count(void)
{
	return COMMANDS;
}

const char *kv_command_name(size_t index)
{
	return commands[index].name;
}

int kv_command_arity(size_t index)
{
	return commands[index].arity;
}

bool kv_command_writes(size_t index)
{
	return commands[index].writes;
}

int kv_command_keys(size_t index)
{
	return commands[index].keys;
}

static const struct command *find_command(const struct resp_arg *arg)
{
	char name[NAME_MAX_LEN];
	size_t low = 0, high = COMMANDS;

	if (arg->len >= sizeof(name))
		return NULL;
	for (size_t i = 0; i < arg->len; i++)
		name[i] =
			(char)(arg->data[i] >= 'A' && arg->data[i] <= 'Z' ? arg->data[i] | 32 : arg->data[i]);
	name[arg->len] = '\0';
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, commands[middle].name);

		if (order == 0)
			return strlen(name) == arg->len ? &commands[middle] : NULL;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool kv_command_run(
	struct kv_server *server, const struct resp_arg *args, uint32_t argc, struct resp_out *out)
{
	struct call call = {.server = server, .args = args, .argc = argc, .out = out};
	const struct command *command = find_command(&args[0]);

	server->stats.commands++;
	if (command == NULL) {
		resp_error(out, "ERR unknown command '%.*s'", args[0].len < 64 ? (int)args[0].len : 64,
			(const char *)args[0].data);
		return true;
	}
	if (command->arity > 0 ? argc != (uint32_t)command->arity : argc < (uint32_t)-command->arity) {
		resp_error(out, "ERR wrong number of arguments for '%s' command", command->name);
		return true;
	}
	server->stats.calls[command - commands]++;
	return command->run(&call);
}
