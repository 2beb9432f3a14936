/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's frame; see ctl_wire.h. The only file that knows its byte order. */
#include "common/ctl_wire.h"

#include <string.h>

static const uint8_t magic[4] = {'T', 'D', 'C', 'T'};

static void put_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)get_u16(p) << 16 | get_u16(p + 2);
}

void ctl_wire_header(uint8_t out[CTL_WIRE_HEADER], uint32_t body_len)
{
	memcpy(out, magic, sizeof(magic));
	put_u16(out + 4, CTL_WIRE_VERSION);
	put_u16(out + 6, 0);
	put_u16(out + 8, (uint16_t)(body_len >> 16));
	put_u16(out + 10, (uint16_t)body_len);
}

enum ctl_wire_result ctl_wire_decode(
	const uint8_t *buf, size_t len, size_t body_max, struct ctl_wire_frame *out)
{
	memset(out, 0, sizeof(*out));
	if (len == 0)
		return CTL_WIRE_MORE;
	if (memcmp(buf, magic, len < sizeof(magic) ? len : sizeof(magic)) != 0)
		return CTL_WIRE_BAD_MAGIC;
	if (len >= 6 && get_u16(buf + 4) != CTL_WIRE_VERSION)
		return CTL_WIRE_BAD_VERSION;
	if (len >= 8 && get_u16(buf + 6) != 0)
		return CTL_WIRE_BAD_FLAGS;
	if (len < CTL_WIRE_HEADER)
		return CTL_WIRE_MORE;

	uint32_t body_len = get_u32(buf + 8);

	if (body_len > body_max)
		return CTL_WIRE_TOO_LONG;
	out->frame_len = CTL_WIRE_HEADER + (size_t)body_len;
	if (len < out->frame_len)
		return CTL_WIRE_MORE;
	out->body = buf + CTL_WIRE_HEADER;
	out->body_len = body_len;
	return CTL_WIRE_DONE;
}

const char *ctl_wire_explain(enum ctl_wire_result result)
{
	switch (result) {
	case CTL_WIRE_DONE:
		return "a whole frame";
	case CTL_WIRE_MORE:
		return "a frame that is cut short";
	case CTL_WIRE_BAD_MAGIC:
		return "these bytes are not a control frame (it begins with \"TDCT\")";
	case CTL_WIRE_BAD_VERSION:
		return "another version of the control protocol (this side speaks 1): the programs are of "
		       "different releases";
	case CTL_WIRE_BAD_FLAGS:
		return "a flag that version 1 of the control protocol does not know";
	case CTL_WIRE_TOO_LONG:
		return "a body longer than the cap (64 KiB for a request, 64 MiB for a reply)";
	}
	return "unknown";
}
