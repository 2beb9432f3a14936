/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RESP2 replies, as a client reads them; see resp_reply.h. */
#include "apps/resp_reply.h"

#include <errno.h>
#include <string.h>

#define LINE_MAX_BYTES 65536 /* a simple string or an error; servers send some dozens */

static long read_bulk(const uint8_t *buf, size_t len, size_t head, struct resp_value *out)
{
	if (out->number == -1) {
		out->type = '_';
		return (long)head;
	}
	if (out->number < 0 || out->number > RESP_REPLY_MAX)
		return -EPROTO;
	if (len - head < (size_t)out->number + 2)
		return 0;
	out->text = buf + head;
	out->len = (size_t)out->number;
	if (memcmp(out->text + out->len, "\r\n", 2) != 0)
		return -EPROTO;
	return (long)(head + out->len + 2);
}

long resp_reply_value(const uint8_t *buf, size_t len, struct resp_value *out)
{
	const uint8_t *cr;
	size_t head;

	if (len == 0)
		return 0;
	if (buf[0] == '\0' || strchr("+-:$*", buf[0]) == NULL)
		return -EPROTO;
	cr = memchr(buf, '\r', len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
	if (cr == NULL)
		return len < LINE_MAX_BYTES ? 0 : -EPROTO;
	head = (size_t)(cr - buf) + 2;
	if (len < head)
		return 0;
	if (cr[1] != '\n')
		return -EPROTO;
	*out = (struct resp_value){.type = (char)buf[0], .text = buf + 1, .len = head - 3};
	if (buf[0] == '+' || buf[0] == '-')
		return (long)head;
	if (!resp_to_int(out->text, out->len, &out->number))
		return -EPROTO;
	if (buf[0] == ':')
		return (long)head;
	if (buf[0] == '$')
		return read_bulk(buf, len, head, out);
	if (out->number == -1)
		out->type = '_';
	else if (out->number < 0 || out->number > RESP_REPLY_MAX)
		return -EPROTO;
	return (long)head;
}

long resp_reply_size(const uint8_t *buf, size_t len)
{
	size_t pos = 0;
	uint64_t pending = 1; /* a counter, not recursion: depth is the server's choice, the stack is ours */

	while (pending > 0) {
		struct resp_value value;
		long used = resp_reply_value(buf + pos, len - pos, &value);

		if (used <= 0)
			return used == 0 && len > RESP_REPLY_MAX ? -EPROTO : used;
		pos += (size_t)used;
		pending--;
		if (value.type == '*')
			pending += (uint64_t)value.number;
		if (pending > RESP_REPLY_MAX)
			return -EPROTO;
	}
	return (long)pos;
}

void resp_request(struct resp_out *out, const struct resp_arg *args, size_t count)
{
	resp_array(out, count);
	for (size_t i = 0; i < count; i++)
		resp_bulk(out, args[i].data, args[i].len);
}
