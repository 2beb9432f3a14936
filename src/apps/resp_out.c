/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RESP2 replies: the writer; see resp.h. */
#include "apps/resp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 1024

void resp_out_init(struct resp_out *out, size_t max)
{
	*out = (struct resp_out){.max = max};
}

void resp_out_free(struct resp_out *out)
{
	free(out->data);
	*out = (struct resp_out){.max = out->max};
}

/* Room for n bytes at the end, or NULL with failed set. */
static uint8_t *room(struct resp_out *out, size_t n)
{
	size_t cap = out->cap > 0 ? out->cap : FIRST_CAP;
	uint8_t *data;

	if (out->failed || n > out->max - out->len) {
		out->failed = true;
		return NULL;
	}
	if (out->cap - out->len >= n)
		return out->data + out->len;
	while (cap - out->len < n)
		cap *= 2;
	data = realloc(out->data, cap);
	if (data == NULL) {
		out->failed = true;
		return NULL;
	}
	out->data = data;
	out->cap = cap;
	return data + out->len;
}

static void put(struct resp_out *out, const void *data, size_t len)
{
	uint8_t *to = room(out, len);

	if (to == NULL)
		return;
	memcpy(to, data, len);
	out->len += len;
}

/* "<mark>NUMBER\r\n" without snprintf: this stands in the path of every reply. */
static void put_number(struct resp_out *out, char mark, int64_t value)
{
	char text[24];
	char *at = text + sizeof(text);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	*--at = '\n';
	*--at = '\r';
	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--at = '-';
	*--at = mark;
	put(out, at, (size_t)(text + sizeof(text) - at));
}

void resp_simple(struct resp_out *out, const char *text)
{
	put(out, "+", 1);
	put(out, text, strlen(text));
	put(out, "\r\n", 2);
}

void resp_error(struct resp_out *out, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\r' || *c == '\n') /* a client's own bytes must not end the line */
			*c = ' ';
	put(out, "-", 1);
	put(out, text, strlen(text));
	put(out, "\r\n", 2);
}

void resp_integer(struct resp_out *out, int64_t value)
{
	put_number(out, ':', value);
}

void resp_bulk(struct resp_out *out, const void *data, size_t len)
{
	put_number(out, '$', (int64_t)len);
	put(out, data, len);
	put(out, "\r\n", 2);
}

void resp_bulk_text(struct resp_out *out, const char *text)
{
	resp_bulk(out, text, strlen(text));
}

void resp_null(struct resp_out *out)
{
	put(out, "$-1\r\n", 5);
}

void resp_array(struct resp_out *out, size_t count)
{
	put_number(out, '*', (int64_t)count);
}
