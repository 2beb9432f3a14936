/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control frame, byte by byte, and the JSON in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ctl_message.h"
#include "common/ctl_wire.h"
#include "common/log.h"

static size_t frame_of(uint8_t *out, const char *body)
{
	ctl_wire_header(out, (uint32_t)strlen(body));
	memcpy(out + CTL_WIRE_HEADER, body, strlen(body));
	return CTL_WIRE_HEADER + strlen(body);
}

static void header_is_big_endian(void **state)
{
	static const uint8_t want[CTL_WIRE_HEADER] = {'T', 'D', 'C', 'T', 0, 1, 0, 0, 0x01, 0x02, 0x03, 0x04};
	uint8_t head[CTL_WIRE_HEADER];

	ctl_wire_header(head, 0x01020304);
	assert_memory_equal(head, want, sizeof(want));
}

static void every_prefix_wants_more(void **state)
{
	uint8_t buf[64];
	size_t len = frame_of(buf, "{\"command\":\"status\"}");
	struct ctl_wire_frame frame;

	for (size_t n = 0; n < len; n++) {
		assert_int_equal(ctl_wire_decode(buf, n, CTL_WIRE_REQUEST_MAX, &frame), CTL_WIRE_MORE);
		assert_null(frame.body);
		assert_int_equal(frame.frame_len, n < CTL_WIRE_HEADER ? 0 : len);
	}
	buf[len] = 'T'; /* the next frame's first byte is not this one's */
	assert_int_equal(ctl_wire_decode(buf, len + 1, CTL_WIRE_REQUEST_MAX, &frame), CTL_WIRE_DONE);
	assert_int_equal(frame.frame_len, len);
	assert_int_equal(frame.body_len, len - CTL_WIRE_HEADER);
	assert_ptr_equal(frame.body, buf + CTL_WIRE_HEADER);
}

static void what_cannot_become_a_frame_is_refused_at_once(void **state)
{
	uint8_t buf[64];
	struct ctl_wire_frame frame;

	assert_int_equal(ctl_wire_decode((const uint8_t *)"G", 1, 10, &frame), CTL_WIRE_BAD_MAGIC);
	assert_int_equal(ctl_wire_decode((const uint8_t *)"TDCX", 4, 10, &frame), CTL_WIRE_BAD_MAGIC);
	frame_of(buf, "{}");
	buf[5] = 2;
	assert_int_equal(ctl_wire_decode(buf, 5, 10, &frame), CTL_WIRE_MORE);
	assert_int_equal(ctl_wire_decode(buf, 6, 10, &frame), CTL_WIRE_BAD_VERSION);
	buf[5] = 1;
	buf[7] = 1;
	assert_int_equal(ctl_wire_decode(buf, 8, 10, &frame), CTL_WIRE_BAD_FLAGS);
}

static void the_cap_holds_to_the_byte(void **state)
{
	uint8_t head[CTL_WIRE_HEADER];
	struct ctl_wire_frame frame;

	ctl_wire_header(head, CTL_WIRE_REQUEST_MAX);
	assert_int_equal(ctl_wire_decode(head, sizeof(head), CTL_WIRE_REQUEST_MAX, &frame), CTL_WIRE_MORE);
	ctl_wire_header(head, CTL_WIRE_REQUEST_MAX + 1);
	assert_int_equal(
		ctl_wire_decode(head, sizeof(head), CTL_WIRE_REQUEST_MAX, &frame), CTL_WIRE_TOO_LONG);
	ctl_wire_header(head, UINT32_MAX);
	assert_int_equal(ctl_wire_decode(head, sizeof(head), CTL_WIRE_REPLY_MAX, &frame), CTL_WIRE_TOO_LONG);
	ctl_wire_header(head, 0);
	assert_int_equal(ctl_wire_decode(head, sizeof(head), 0, &frame), CTL_WIRE_DONE);
	assert_int_equal(frame.body_len, 0);
}

static int parse(const char *text, struct ctl_request *request, json_t **root, char error[256])
{
	return ctl_request_parse((const uint8_t *)text, strlen(text), request, root, error, 256);
}

static void requests_are_strict(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "null", "7", "{}", "{\"command\":7}",
		"{\"command\":\"a\",\"args\":[]}", "{\"command\":\"a\",\"command\":\"b\"}",
		"{\"command\":\"a\",\"x\":1}", "{\"command\":\"a\"} x", "{\"command\":\"a\\u0000b\"}",
		"{\"command\":\"\xff\"}"};
	struct ctl_request request;
	char error[256];
	json_t *root;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i], &request, &root, error), -EINVAL);
		assert_null(root);
		assert_true(strlen(error) > 10);
		assert_null(strchr(error, '\n'));
	}

	assert_int_equal(parse("{\"command\":\"flows\",\"args\":{\"limit\":5}}", &request, &root, error), 0);
	assert_string_equal(request.command, "flows");
	assert_int_equal(json_integer_value(json_object_get(request.args, "limit")), 5);
	json_decref(root);

	assert_int_equal(parse("{\"command\":\"status\"}", &request, &root, error), 0);
	assert_true(json_is_object(request.args));
	json_decref(root);
}

static void nesting_is_bounded(void **state)
{
	char *deep = malloc(CTL_WIRE_REQUEST_MAX);
	struct ctl_request request;
	char error[256];
	json_t *root;

	memset(deep, '[', CTL_WIRE_REQUEST_MAX);
	assert_int_equal(
		ctl_request_parse((uint8_t *)deep, CTL_WIRE_REQUEST_MAX, &request, &root, error, 256),
		-EINVAL);
	free(deep);
}

static void replies_have_one_of_two_shapes(void **state)
{
	static const char *const bad[] = {"{}", "[]", "{\"ok\":true}", "{\"ok\":false}",
		"{\"ok\":1,\"data\":1}", "{\"ok\":false,\"error\":7}", "x"};
	char error[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(ctl_reply_parse((const uint8_t *)bad[i], strlen(bad[i]), error, sizeof(error)));

	json_t *made[] = {ctl_reply_ok(json_array()), ctl_reply_message("%s drained", "kv1"),
		ctl_reply_error("no\x1b[1m")};

	for (size_t i = 0; i < 3; i++) {
		char *text = json_dumps(made[i], 0);
		json_t *back = ctl_reply_parse((const uint8_t *)text, strlen(text), error, sizeof(error));

		assert_true(json_equal(back, made[i]));
		free(text);
		json_decref(back);
	}
	assert_string_equal(json_string_value(json_object_get(made[2], "error")), "no?[1m");
	for (size_t i = 0; i < 3; i++)
		json_decref(made[i]);
	assert_null(ctl_reply_ok(NULL));
}

static json_t *count_call(void *ctx, const struct ctl_request *request)
{
	(*(int *)ctx)++;
	return ctl_reply_ok(json_true());
}

static const char *refusal(json_t *reply)
{
	return json_string_value(json_object_get(reply, "error"));
}

static void the_table_decides_who_may(void **state)
{
	static const struct ctl_command table[] = {{"status", CTL_READ, count_call},
		{"services", CTL_READ, count_call}, {"drain", CTL_WRITE, count_call}};
	struct ctl_request request = {.command = "drain", .args = json_object(), .read_only = true};
	int calls = 0;
	json_t *reply = ctl_dispatch(table, 3, &calls, &request);

	assert_int_equal(calls, 0);
	assert_non_null(strstr(refusal(reply), "read-only"));
	json_decref(reply);

	request.read_only = false;
	json_decref(ctl_dispatch(table, 3, &calls, &request));
	assert_int_equal(calls, 1);

	request.read_only = true;
	request.command = "status";
	json_decref(ctl_dispatch(table, 3, &calls, &request));
	assert_int_equal(calls, 2);

	request.command = "stauts";
	reply = ctl_dispatch(table, 3, &calls, &request);
	assert_string_equal(refusal(reply), "unknown command 'stauts': did you mean 'status'?");
	json_decref(reply);
	request.command = "zebra";
	reply = ctl_dispatch(table, 3, &calls, &request);
	assert_string_equal(refusal(reply), "unknown command 'zebra'");
	json_decref(reply);
	json_decref((json_t *)request.args);
}

static void arguments_are_checked(void **state)
{
	json_t *args = json_pack("{s:s,s:i,s:i}", "pool", "kv", "limit", 5, "minus", -1);
	struct ctl_request request = {.command = "flows", .args = args};
	const char *text;
	uint64_t number;
	json_t *reply = NULL;

	assert_int_equal(ctl_arg_text(&request, "pool", NULL, &text, &reply), 0);
	assert_string_equal(text, "kv");
	assert_int_equal(ctl_arg_text(&request, "none", "fallback", &text, &reply), 0);
	assert_string_equal(text, "fallback");
	assert_int_equal(ctl_arg_number(&request, "limit", 0, 5, 1, &number, &reply), 0);
	assert_int_equal(number, 5);
	assert_int_equal(ctl_arg_number(&request, "none", 0, 5, 100, &number, &reply), 0);
	assert_int_equal(number, 100);
	assert_null(reply);
	assert_int_equal(ctl_arg_number(&request, "limit", 0, 4, 1, &number, &reply), -EINVAL);
	assert_string_equal(refusal(reply), "flows: argument 'limit' must be a whole number from 0 to 4");
	json_decref(reply);
	assert_int_equal(ctl_arg_number(&request, "minus", 0, UINT64_MAX, 1, &number, &reply), -EINVAL);
	json_decref(reply);
	assert_int_equal(ctl_arg_text(&request, "limit", NULL, &text, &reply), -EINVAL);
	json_decref(reply);
	json_decref(args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_big_endian),
		cmocka_unit_test(every_prefix_wants_more),
		cmocka_unit_test(what_cannot_become_a_frame_is_refused_at_once),
		cmocka_unit_test(the_cap_holds_to_the_byte),
		cmocka_unit_test(requests_are_strict),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(replies_have_one_of_two_shapes),
		cmocka_unit_test(the_table_decides_who_may),
		cmocka_unit_test(arguments_are_checked),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
