/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RESP2 requests: the parser; see resp.h. The writer of replies is resp_out.c. */
#include "apps/resp.h"

#include <stdlib.h>
#include <string.h>

enum { START, INLINE, ARGS };

#define NUMBER_LINE_MAX 32 /* "$123\r\n": longer can't be a length */

void resp_parser_init(struct resp_parser *parser)
{
	memset(parser, 0, sizeof(*parser));
	parser->args = parser->few;
	parser->cap = RESP_ARGS_FEW;
	parser->bulk = -1;
}

void resp_next(struct resp_parser *parser)
{
	parser->argc = 0;
	parser->want = 0;
	parser->pos = 0;
	parser->bulk = -1;
	parser->state = START;
	parser->error = NULL;
	if (parser->cap > 1024) { /* don't let one long request hold memory for the connection's life */
		free(parser->args);
		parser->args = parser->few;
		parser->cap = RESP_ARGS_FEW;
	}
}

void resp_parser_free(struct resp_parser *parser)
{
	if (parser->args != parser->few)
		free(parser->args);
	parser->args = parser->few;
}

static enum resp_status bad(struct resp_parser *parser, const char *error)
{
	parser->error = error;
	return RESP_BAD;
}

static bool grow_args(struct resp_parser *parser, uint32_t need)
{
	uint32_t cap = parser->cap;
	struct resp_arg *args;

	if (need <= cap)
		return true;
	while (cap < need)
		cap *= 2;
	args = realloc(parser->args == parser->few ? NULL : parser->args, cap * sizeof(*args));
	if (args == NULL)
		return false;
	if (parser->args == parser->few)
		memcpy(args, parser->few, sizeof(parser->few));
	parser->args = args;
	parser->cap = cap;
	return true;
}

bool resp_to_int(const uint8_t *text, size_t len, int64_t *out)
{
	bool negative = len > 0 && text[0] == '-';
	size_t i = negative;
	uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;

	if (i == len || (text[i] == '0' && (len > i + 1 || negative)))
		return false;
	for (; i < len; i++) {
		unsigned digit = text[i] - '0';

		if (digit > 9 || value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = (int64_t)(negative ? 0 - value : value);
	return true;
}

/* A line "<mark>NUMBER\r\n" at parser->pos. */
static enum resp_status read_number(
	struct resp_parser *parser, const uint8_t *buf, size_t len, uint8_t mark, int64_t *out)
{
	const uint8_t *line = buf + parser->pos, *cr;
	size_t have = len - parser->pos;

	if (have == 0)
		return RESP_MORE;
	if (line[0] != mark)
		return RESP_BAD;
	cr = memchr(line, '\r', have < NUMBER_LINE_MAX ? have : NUMBER_LINE_MAX);
	if (cr == NULL)
		return have < NUMBER_LINE_MAX ? RESP_MORE : RESP_BAD;
	if ((size_t)(cr - line) + 1 >= have)
		return RESP_MORE;
	if (cr[1] != '\n' || !resp_to_int(line + 1, (size_t)(cr - line) - 1, out))
		return RESP_BAD;
	parser->pos += (size_t)(cr - line) + 2;
	return RESP_OK;
}

static int hex(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* One escape at line[*i] (behind the backslash); moves *i behind it. */
static uint8_t unescape(const uint8_t *line, size_t len, size_t *i)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	uint8_t c = line[(*i)++];
	const char *at = memchr(from, c, sizeof(from) - 1);

	if (c == 'x' && *i + 1 < len && hex(line[*i]) >= 0 && hex(line[*i + 1]) >= 0) {
		c = (uint8_t)(hex(line[*i]) * 16 + hex(line[*i + 1]));
		*i += 2;
		return c;
	}
	return at != NULL ? (uint8_t)to[at - from] : c;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

/* One word at line[*i], written in place from there on (it never gets longer). False: unbalanced quotes. */
static bool split_word(uint8_t *line, size_t len, size_t *i, struct resp_arg *word)
{
	uint8_t *out = line + *i;
	uint8_t quote = 0;

	word->data = out;
	while (*i < len) {
		uint8_t c = line[(*i)++];

		if (quote == 0 && is_blank(c))
			break;
		if (quote == 0 && (c == '"' || c == '\'') && out == word->data) {
			quote = c;
		} else if (quote != 0 && c == quote) {
			word->len = (size_t)(out - word->data);
			return *i == len || is_blank(line[*i]); /* a closing quote must end the word */
		} else if (quote == '"' && c == '\\' && *i < len) {
			*out++ = unescape(line, len, i);
		} else if (quote == '\'' && c == '\\' && *i < len && line[*i] == '\'') {
			*out++ = line[(*i)++];
		} else {
			*out++ = c;
		}
	}
	word->len = (size_t)(out - word->data);
	return quote == 0;
}

long resp_split(uint8_t *line, size_t len, struct resp_arg *words, size_t max)
{
	size_t count = 0, i = 0;

	for (;;) {
		while (i < len && is_blank(line[i]))
			i++;
		if (i == len)
			return (long)count;
		if (count == max || !split_word(line, len, &i, &words[count++]))
			return -1;
	}
}

static enum resp_status parse_inline(struct resp_parser *parser, uint8_t *buf, size_t len)
{
	size_t scan = len < RESP_INLINE_MAX ? len : RESP_INLINE_MAX;
	uint8_t *end = parser->pos < scan ? memchr(buf + parser->pos, '\n', scan - parser->pos) : NULL;
	size_t i = 0, line_len;

	if (end == NULL) {
		parser->pos = scan;
		return scan < RESP_INLINE_MAX ? RESP_MORE : bad(parser, "too big inline request");
	}
	line_len = (size_t)(end - buf);
	for (;;) {
		while (i < line_len && is_blank(buf[i]))
			i++;
		if (i == line_len)
			break;
		if (!grow_args(parser, parser->argc + 1))
			return bad(parser, "out of memory for the arguments");
		if (!split_word(buf, line_len, &i, &parser->args[parser->argc++]))
			return bad(parser, "unbalanced quotes in request");
	}
	parser->pos = line_len + 1;
	return RESP_OK;
}

static enum resp_status parse_count(struct resp_parser *parser, const uint8_t *buf, size_t len)
{
	int64_t count;
	enum resp_status status = read_number(parser, buf, len, '*', &count);

	if (status == RESP_MORE)
		return status;
	if (status == RESP_BAD || count > RESP_ARGS_MAX)
		return bad(parser, "invalid multibulk length");
	parser->want = count > 0 ? (uint32_t)count : 0;
	parser->state = ARGS;
	return RESP_OK;
}

static enum resp_status parse_bulk(struct resp_parser *parser, const uint8_t *buf, size_t len)
{
	if (parser->bulk < 0) {
		int64_t bulk = -1;
		enum resp_status status = read_number(parser, buf, len, '$', &bulk);

		if (status == RESP_MORE)
			return status;
		if (status == RESP_BAD)
			return bad(parser, buf[parser->pos] == '$' ? "invalid bulk length" : "expected '$'");
		if (bulk < 0 || bulk > RESP_BULK_MAX)
			return bad(parser, "invalid bulk length");
		if (parser->pos + (size_t)bulk + 2 > RESP_REQUEST_MAX)
			return bad(parser, "request too big");
		parser->bulk = bulk;
	}
	if (len - parser->pos < (size_t)parser->bulk + 2)
		return RESP_MORE;
	if (memcmp(buf + parser->pos + parser->bulk, "\r\n", 2) != 0)
		return bad(parser, "no end of line after a bulk");
	if (!grow_args(parser, parser->argc + 1))
		return bad(parser, "out of memory for the arguments");
	parser->args[parser->argc++] = (struct resp_arg){.offset = parser->pos, .len = (size_t)parser->bulk};
	parser->pos += (size_t)parser->bulk + 2;
	parser->bulk = -1;
	return RESP_OK;
}

enum resp_status resp_parse(struct resp_parser *parser, uint8_t *buf, size_t len)
{
	enum resp_status status;

	if (parser->state == START && len > 0)
		parser->state = buf[0] == '*' ? START : INLINE;
	if (len == 0)
		return RESP_MORE;
	if (parser->state == INLINE)
		return parse_inline(parser, buf, len);
	if (parser->state == START) {
		status = parse_count(parser, buf, len);
		if (status != RESP_OK)
			return status;
	}
	while (parser->argc < parser->want) {
		status = parse_bulk(parser, buf, len);
		if (status != RESP_OK)
			return status;
	}
	for (uint32_t i = 0; i < parser->argc; i++)
		parser->args[i].data = buf + parser->args[i].offset;
	return RESP_OK;
}

size_t resp_wanted(const struct resp_parser *parser)
{
	return parser->bulk >= 0 ? parser->pos + (size_t)parser->bulk + 2 : 0;
}
