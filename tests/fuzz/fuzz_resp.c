/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as RESP requests, as the server reads them: whole, and in pieces into a buffer that moves, must
 * give the same requests and the same error; arguments stand inside what came; limits hold. The first byte is
 * the size of the pieces. The same bytes are then read as a client reads replies, and as a glob pattern.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/glob.h"
#include "apps/resp.h"
#include "apps/resp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(int kept)
{
	if (!kept)
		abort();
}

static uint8_t *copy_of(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	promise(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static void check_request(const struct resp_parser *parser, const uint8_t *buf, size_t len)
{
	promise(parser->pos > 0 && parser->pos <= len && parser->pos <= RESP_REQUEST_MAX);
	promise(parser->argc <= RESP_ARGS_MAX);
	for (uint32_t i = 0; i < parser->argc; i++)
		promise(parser->args[i].data >= buf && parser->args[i].len <= len &&
			parser->args[i].data + parser->args[i].len <= buf + len);
}

/* The request at data, come in pieces: each piece makes a new buffer that holds nothing more. */
static enum resp_status in_pieces(
	struct resp_parser *parser, const uint8_t *data, size_t size, size_t piece, uint8_t **last)
{
	enum resp_status status = RESP_MORE;

	for (size_t have = 0; status == RESP_MORE && have < size;) {
		have = have + piece < size ? have + piece : size;
		free(*last);
		*last = copy_of(data, have);
		status = resp_parse(parser, *last, have);
	}
	return status;
}

static void compare(const struct resp_parser *a, const struct resp_parser *b)
{
	promise(a->argc == b->argc && a->pos == b->pos);
	for (uint32_t i = 0; i < a->argc; i++)
		promise(a->args[i].len == b->args[i].len &&
			memcmp(a->args[i].data, b->args[i].data, a->args[i].len) == 0);
}

static void requests(const uint8_t *data, size_t size, size_t piece)
{
	enum resp_status status = RESP_OK;
	struct resp_parser whole, parts;

	resp_parser_init(&whole);
	resp_parser_init(&parts);
	for (size_t pos = 0; status == RESP_OK && pos < size;) {
		uint8_t *buf = copy_of(data + pos, size - pos), *last = NULL;

		status = resp_parse(&whole, buf, size - pos);
		promise(in_pieces(&parts, data + pos, size - pos, piece, &last) == status);
		promise((status == RESP_BAD) == (whole.error != NULL));
		if (status == RESP_BAD)
			promise(strcmp(whole.error, parts.error) == 0);
		if (status == RESP_OK) {
			check_request(&whole, buf, size - pos);
			compare(&whole, &parts);
			pos += whole.pos;
		}
		resp_next(&whole);
		resp_next(&parts);
		free(buf);
		free(last);
	}
	resp_parser_free(&whole);
	resp_parser_free(&parts);
}

static void replies(const uint8_t *data, size_t size)
{
	uint8_t *buf = copy_of(data, size);
	long whole = resp_reply_size(buf, size);

	promise(whole <= (long)size);
	for (size_t pos = 0; whole > 0 && pos < (size_t)whole;) {
		struct resp_value value;
		long used = resp_reply_value(buf + pos, size - pos, &value);

		promise(used > 0);
		pos += (size_t)used;
	}
	if (size > 1)
		glob_match(buf, size / 2, buf + size / 2, size - size / 2);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 4096)
		return 0;
	requests(data + 1, size - 1, data[0] % 16 + 1);
	replies(data + 1, size - 1);
	return 0;
}
