/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RESP2, the client's side: reads replies and writes a request. Pure; see resp.h for the server's side.
 */
#ifndef TANDEM_APPS_RESP_REPLY_H
#define TANDEM_APPS_RESP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "apps/resp.h"

#define RESP_REPLY_MAX (128u << 20) /* bytes of a whole reply; more is a broken server */

struct resp_value {
	char type;           /* '+' simple, '-' error, ':' integer, '$' bulk, '*' array, '_' null */
	int64_t number;      /* ':' its value; '*' how many values follow */
	const uint8_t *text; /* '+', '-' and '$': into the caller's buffer */
	size_t len;
};

/* One value (an array's head only: its elements follow as values of their own). Returns the bytes it took,
 * 0 when it is not whole yet, -EPROTO when this is no reply. */
long resp_reply_value(const uint8_t *buf, size_t len, struct resp_value *out);

/* The length of one whole reply, elements included; 0 when it is not whole yet, -EPROTO. */
long resp_reply_size(const uint8_t *buf, size_t len);

/* Write a request. */
void resp_request(struct resp_out *out, const struct resp_arg *args, size_t count);

#endif
