/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control frames and the JSON in them. Input: one byte of mode, then bytes as they come from a client. Mode 0
 * takes them as they are; mode 1 puts a true header before them, so that the mutator gets at the JSON; mode 2
 * does so with a reply. Links ctl_wire, ctl_message, clean_text, nearest and log, with -ljansson.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/ctl_message.h"
#include "common/ctl_wire.h"
#include "common/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
	if (!true_thing)
		abort();
}

/* Everything that we print ourselves is one clean line. */
static void must_be_a_line(const char *text)
{
	for (const char *s = text; *s; s += clean_text_char(s))
		must(clean_text_char(s) > 0 && (unsigned char)*s >= 0x20 && *s != 0x7f);
}

static json_t *answer(void *ctx, const struct ctl_request *request)
{
	const char *pool;
	uint64_t limit;
	json_t *reply;

	if (ctl_arg_text(request, "pool", "none", &pool, &reply) < 0 ||
		ctl_arg_number(request, "limit", 1, 1000, 100, &limit, &reply) < 0)
		return reply;
	must(limit >= 1 && limit <= 1000);
	return ctl_reply_message("%s %s", request->command, pool);
}

static const struct ctl_command commands[] = {
	{"status", CTL_READ, answer}, {"flows", CTL_READ, answer}, {"drain", CTL_WRITE, answer}};

static void try_reply(const uint8_t *body, size_t len)
{
	char error[200] = "";
	json_t *reply = ctl_reply_parse(body, len, error, sizeof(error));

	if (!reply)
		must_be_a_line(error);
	json_decref(reply);
}

static void try_request(const uint8_t *body, size_t len)
{
	struct ctl_request request = {.read_only = true}, again = {0};
	char error[200] = "";
	json_t *root, *root_again = NULL;

	if (ctl_request_parse(body, len, &request, &root, error, sizeof(error)) < 0) {
		must(error[0] && !root);
		must_be_a_line(error);
		return;
	}

	/* What was understood is understood the same way when it is said again. */
	json_t *built = ctl_request_build(request.command, (json_t *)request.args);
	char *text = json_dumps(built, JSON_COMPACT);

	must(text && ctl_request_parse(
			     (uint8_t *)text, strlen(text), &again, &root_again, error, sizeof(error)) == 0);
	must(strcmp(again.command, request.command) == 0 && json_equal(again.args, request.args));

	json_t *reply = ctl_dispatch(commands, sizeof(commands) / sizeof(commands[0]), NULL, &request);
	const char *said = json_string_value(json_object_get(reply, "error"));

	must(reply != NULL);
	if (said)
		must_be_a_line(said);
	if (strcmp(request.command, "drain") == 0)
		must(said != NULL);
	json_decref(reply);
	json_decref(root_again);
	json_decref(built);
	json_decref(root);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_wire_frame frame, part;

	if (size < 1 || size > 1 + CTL_WIRE_REQUEST_MAX)
		return 0;
	log_open("fuzz", LOG_LEVEL_ERROR);

	uint8_t mode = data[0] % 3;
	size_t head = mode ? CTL_WIRE_HEADER : 0, len = head + size - 1;
	uint8_t *buf =
		malloc(len ? len : 1); /* its very size, so that the sanitizer sees one byte too many */

	must(buf != NULL);
	if (mode)
		ctl_wire_header(buf, (uint32_t)(size - 1));
	memcpy(buf + head, data + 1, size - 1);

	enum ctl_wire_result result = ctl_wire_decode(buf, len, CTL_WIRE_REQUEST_MAX, &frame);

	must(!mode || result == CTL_WIRE_DONE);
	/* Fewer bytes mean MORE or the same verdict, never another one. */
	for (size_t n = 0; n < len && n < 64; n++) {
		enum ctl_wire_result early = ctl_wire_decode(buf, n, CTL_WIRE_REQUEST_MAX, &part);

		must(early == CTL_WIRE_MORE || early == result);
		must(early != CTL_WIRE_DONE || part.frame_len <= n);
	}
	if (result == CTL_WIRE_DONE) {
		must(frame.frame_len <= len && frame.body == buf + CTL_WIRE_HEADER &&
			frame.body_len + CTL_WIRE_HEADER == frame.frame_len);
		if (mode == 2)
			try_reply(frame.body, frame.body_len);
		else
			try_request(frame.body, frame.body_len);
	} else {
		must(frame.body == NULL);
	}
	free(buf);
	return 0;
}
