/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RESP2, the protocol redis-cli and redis-benchmark speak (redis.io/docs/reference/protocol-spec), the
 * server's side: a resumable parser of requests, inline commands included, and a writer of replies into a
 * bounded buffer. No I/O. The client's side (reading replies) is resp_reply.[ch].
 */
#ifndef TANDEM_APPS_RESP_H
#define TANDEM_APPS_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESP_ARGS_MAX    131072      /* arguments of one request, its name included */
#define RESP_BULK_MAX    (16u << 20) /* bytes of one argument */
#define RESP_REQUEST_MAX (32u << 20) /* bytes of one request on the wire */
#define RESP_INLINE_MAX  65536       /* bytes of an inline command */
#define RESP_ARGS_FEW    4           /* arguments that need no allocation */

enum resp_status {
	RESP_OK,   /* one whole request */
	RESP_MORE, /* not whole yet */
	RESP_BAD,  /* protocol error, parser->error says which: the connection can't go on */
};

struct resp_arg {
	union {
		const uint8_t *data; /* after RESP_OK: into the caller's buffer */
		size_t offset;       /* before */
	};
	size_t len;
};

struct resp_parser {
	struct resp_arg *args; /* few, or owned */
	uint32_t argc;         /* may be 0 (empty line): nothing to do, no reply */
	uint32_t want, cap;
	size_t pos;   /* bytes read; after RESP_OK the request's length */
	int64_t bulk; /* length of the argument that is being read, -1 before its header */
	uint8_t state;
	const char *error; /* static text */
	struct resp_arg few[RESP_ARGS_FEW];
};

/* The struct must not be moved afterwards (args may point into it). */
void resp_parser_init(struct resp_parser *parser);
void resp_parser_free(struct resp_parser *parser);

/* Read on in buf, which starts at the request's first byte and holds len bytes; buf may have moved and grown
 * since the last call, its bytes may not have changed. Quoted inline arguments are unquoted in place. After
 * RESP_OK the arguments are valid until resp_next() or until the buffer changes. */
enum resp_status resp_parse(struct resp_parser *parser, uint8_t *buf, size_t len);

/* Forget the request, be ready for the next one. */
void resp_next(struct resp_parser *parser);

/* The bytes the current request needs in all, as far as is known (0: not known). At most RESP_REQUEST_MAX. */
size_t resp_wanted(const struct resp_parser *parser);

/* Split a line into words as an inline command is (spaces, '..' and ".." with \n \r \t \xHH escapes), in
 * place. Returns their number, at most max, or -1: unbalanced quotes, or more than max. */
long resp_split(uint8_t *line, size_t len, struct resp_arg *words, size_t max);

/* A decimal integer and nothing else (no sign +, no blanks, no leading zeros). */
bool resp_to_int(const uint8_t *text, size_t len, int64_t *out);

/* Replies. A writer that can't grow (above max, or out of memory) sets failed and stays so. */
struct resp_out {
	uint8_t *data; /* owned */
	size_t len, cap, max;
	bool failed;
};

void resp_out_init(struct resp_out *out, size_t max);
void resp_out_free(struct resp_out *out);
void resp_simple(struct resp_out *out, const char *text);
void resp_error(struct resp_out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void resp_integer(struct resp_out *out, int64_t value);
void resp_bulk(struct resp_out *out, const void *data, size_t len);
void resp_bulk_text(struct resp_out *out, const char *text);
void resp_null(struct resp_out *out);
void resp_array(struct resp_out *out, size_t count);

#endif
