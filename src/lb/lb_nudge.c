/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_nudge.h"

#include <string.h>

#define TTL        64
#define TCP_LENGTH (20 + 12 + 1)

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* RFC 1071, not folded; an odd last byte counts as the high one. */
static uint32_t sum(const uint8_t *bytes, size_t length, uint32_t start)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		start += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return length % 2 ? start + ((uint32_t)bytes[length - 1] << 8) : start;
}

static uint32_t complement(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return ~total & 0xffff;
}

static size_t put_ip(const struct lb_nudge *nudge, uint8_t *out)
{
	if (nudge->to.family == AF_INET6) {
		out[0] = 6 << 4;
		put16(out + 4, TCP_LENGTH);
		out[6] = 6; /* TCP */
		out[7] = TTL;
		memcpy(out + 8, nudge->from.bytes, 16);
		memcpy(out + 24, nudge->to.bytes, 16);
		return 40;
	}
	out[0] = 4 << 4 | 5;
	put16(out + 2, 20 + TCP_LENGTH);
	put16(out + 6, 0x4000); /* don't fragment */
	out[8] = TTL;
	out[9] = 6; /* TCP */
	memcpy(out + 12, nudge->from.bytes, 4);
	memcpy(out + 16, nudge->to.bytes, 4);
	put16(out + 10, complement(sum(out, 20, 0)));
	return 20;
}

size_t lb_nudge_build(const struct lb_nudge *nudge, uint8_t out[LB_NUDGE_MAX])
{
	memset(out, 0, LB_NUDGE_MAX);

	size_t ip = put_ip(nudge, out), address = nudge->to.family == AF_INET6 ? 16 : 4;
	uint8_t *tcp = out + ip;
	uint32_t pseudo = sum(nudge->from.bytes, address, sum(nudge->to.bytes, address, 6 + TCP_LENGTH));

	put16(tcp, nudge->from_port);
	put16(tcp + 2, nudge->to_port);
	put32(tcp + 4, nudge->seq);
	put32(tcp + 8, nudge->ack);
	tcp[12] = (20 + 12) / 4 << 4;
	tcp[13] = 0x10;        /* ACK */
	tcp[20] = tcp[21] = 1; /* no-operation, twice */
	tcp[22] = 8;           /* timestamps, RFC 7323 3.2 */
	tcp[23] = 10;
	put32(tcp + 24, nudge->timestamp);
	put16(tcp + 16, complement(sum(tcp, TCP_LENGTH, pseudo)));
	return ip + TCP_LENGTH;
}
