/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests, replies and the command table of the control socket; see ctl_message.h. */
#include "common/ctl_message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/log.h"
#include "common/nearest.h"

#define LINE_MAX_BYTES 1024
#define COMMANDS_MAX   64

json_t *ctl_reply_ok(json_t *data)
{
	return data ? json_pack("{s:b,s:o}", "ok", 1, "data", data) : NULL;
}

json_t *ctl_reply_message(const char *fmt, ...)
{
	char line[LINE_MAX_BYTES], clean[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	clean_text(clean, sizeof(clean), line);
	return ctl_reply_ok(json_pack("{s:s}", "message", clean));
}

json_t *ctl_reply_error(const char *fmt, ...)
{
	char line[LINE_MAX_BYTES], clean[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	clean_text(clean, sizeof(clean), line);
	return json_pack("{s:b,s:s}", "ok", 0, "error", clean);
}

int ctl_arg_text(const struct ctl_request *request, const char *key, const char *fallback, const char **out,
	json_t **reply)
{
	const json_t *value = json_object_get(request->args, key);

	*out = fallback;
	if (!value)
		return 0;
	if (!json_is_string(value)) {
		*reply = ctl_reply_error("%s: argument '%s' must be a string", request->command, key);
		return -EINVAL;
	}
	*out = json_string_value(value);
	return 0;
}

int ctl_arg_number(const struct ctl_request *request, const char *key, uint64_t min, uint64_t max,
	uint64_t fallback, uint64_t *out, json_t **reply)
{
	const json_t *value = json_object_get(request->args, key);

	*out = fallback;
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		(uint64_t)json_integer_value(value) < min || (uint64_t)json_integer_value(value) > max) {
		*reply = ctl_reply_error("%s: argument '%s' must be a whole number from %llu to %llu",
			request->command, key, (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*out = (uint64_t)json_integer_value(value);
	return 0;
}

/* The name a client sent, short and printable enough for an error line. */
static const char *shown(const char *name, char out[48])
{
	clean_text(out, 48, name);
	return out;
}

static json_t *unknown_command(const struct ctl_command *table, size_t count, const char *name)
{
	const char *names[COMMANDS_MAX];
	char text[48];
	size_t n = 0;

	while (n < count && n < COMMANDS_MAX) {
		names[n] = table[n].name;
		n++;
	}

	const char *near = nearest_word(name, names, n);

	if (near)
		return ctl_reply_error("unknown command '%s': did you mean '%s'?", shown(name, text), near);
	return ctl_reply_error("unknown command '%s'", shown(name, text));
}

json_t *ctl_dispatch(
	const struct ctl_command *table, size_t count, void *ctx, const struct ctl_request *request)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, request->command) != 0)
			continue;
		if (table[i].access == CTL_READ)
			return table[i].handle(ctx, request);
		if (request->read_only) {
			log_warn("control: refused '%s' from uid %u (pid %d): it came over the read-only "
				 "socket",
				table[i].name, (unsigned)request->peer_uid, (int)request->peer_pid);
			return ctl_reply_error(
				"'%s' changes something and this socket is read-only: ask as root "
				"or as a user who may open the full one",
				table[i].name);
		}

		char *args = json_dumps(request->args, JSON_COMPACT | JSON_ENSURE_ASCII);

		log_info("control: '%s' %.200s from uid %u (pid %d)", table[i].name, args ? args : "",
			(unsigned)request->peer_uid, (int)request->peer_pid);
		free(args);
		return table[i].handle(ctx, request);
	}
	return unknown_command(table, count, request->command);
}

/* Jansson's complaint as one line. */
static void explain_json(char *error, size_t error_size, const char *what, const json_error_t *cause)
{
	char clean[128];

	clean_text(clean, sizeof(clean), cause->text);
	snprintf(error, error_size, "%s is not JSON: %s at byte %d", what, clean, cause->position);
}

int ctl_request_parse(const uint8_t *body, size_t len, struct ctl_request *request, json_t **root,
	char *error, size_t error_size)
{
	json_error_t cause;

	*root = json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, &cause);
	if (!*root) {
		explain_json(error, error_size, "the request", &cause);
		return -EINVAL;
	}

	if (json_is_object(*root) && !json_object_get(*root, "args"))
		json_object_set_new(*root, "args", json_object());

	const json_t *command = json_object_get(*root, "command");
	const json_t *args = json_object_get(*root, "args");

	error[0] = '\0';
	if (!json_is_string(command))
		snprintf(error, error_size, "the request must be an object with a string \"command\"");
	else if (!json_is_object(args))
		snprintf(error, error_size, "the request's \"args\" must be an object");
	else if (json_object_size(*root) != 2)
		snprintf(error, error_size, "the request has a key other than \"command\" and \"args\"");
	if (error[0]) {
		json_decref(*root);
		*root = NULL;
		return -EINVAL;
	}
	request->command = json_string_value(command);
	request->args = args;
	return 0;
}

json_t *ctl_request_build(const char *command, json_t *args)
{
	return args ? json_pack("{s:s,s:O}", "command", command, "args", args)
		    : json_pack("{s:s}", "command", command);
}

json_t *ctl_reply_parse(const uint8_t *body, size_t len, char *error, size_t error_size)
{
	json_error_t cause;
	json_t *reply = json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, &cause);

	if (!reply) {
		explain_json(error, error_size, "the reply", &cause);
		return NULL;
	}

	const json_t *ok = json_object_get(reply, "ok");

	if ((json_is_true(ok) && json_object_get(reply, "data")) ||
		(json_is_false(ok) && json_is_string(json_object_get(reply, "error"))))
		return reply;
	snprintf(error, error_size,
		"the reply is neither {\"ok\": true, \"data\"} nor {\"ok\": false, \"error\"}");
	json_decref(reply);
	return NULL;
}
