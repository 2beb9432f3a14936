/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SNTP packets; see sntp.h. */
#include "apps/sntp.h"

#include <errno.h>
#include <string.h>

#define PRECISION       (-20) /* a microsecond: what a system clock read through a socket is good for */
#define ROOT_DISPERSION 16    /* 1/65536 s: 0.24 ms, the server's own clock reading */
#define LEAP_UNKNOWN    3

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put64(uint8_t *p, uint64_t value)
{
	put32(p, (uint32_t)(value >> 32));
	put32(p + 4, (uint32_t)value);
}

sntp_time sntp_from_timespec(struct timespec at)
{
	uint64_t fraction = ((uint64_t)at.tv_nsec << 32) / 1000000000u;

	return ((uint64_t)at.tv_sec + SNTP_UNIX_OFFSET) << 32 | fraction;
}

int sntp_decode(const uint8_t *buf, size_t len, struct sntp_packet *out)
{
	if (len < SNTP_PACKET_LEN)
		return -EINVAL;
	out->leap = buf[0] >> 6;
	out->version = buf[0] >> 3 & 7;
	out->mode = buf[0] & 7;
	out->stratum = buf[1];
	out->poll = (int8_t)buf[2];
	out->precision = (int8_t)buf[3];
	out->root_delay = get32(buf + 4);
	out->root_dispersion = get32(buf + 8);
	out->reference_id = get32(buf + 12);
	out->reference = get64(buf + 16);
	out->originate = get64(buf + 24);
	out->receive = get64(buf + 32);
	out->transmit = get64(buf + 40);
	return 0;
}

void sntp_encode(const struct sntp_packet *packet, uint8_t out[SNTP_PACKET_LEN])
{
	out[0] = (uint8_t)(packet->leap << 6 | (packet->version & 7) << 3 | (packet->mode & 7));
	out[1] = packet->stratum;
	out[2] = (uint8_t)packet->poll;
	out[3] = (uint8_t)packet->precision;
	put32(out + 4, packet->root_delay);
	put32(out + 8, packet->root_dispersion);
	put32(out + 12, packet->reference_id);
	put64(out + 16, packet->reference);
	put64(out + 24, packet->originate);
	put64(out + 32, packet->receive);
	put64(out + 40, packet->transmit);
}

enum sntp_fault sntp_answer(const uint8_t *query, size_t len, const struct sntp_server *server,
	sntp_time received, struct sntp_packet *reply)
{
	struct sntp_packet asked;

	if (sntp_decode(query, len, &asked) != 0)
		return SNTP_SHORT;
	if (asked.mode != SNTP_MODE_CLIENT)
		return SNTP_MODE;
	if (asked.version < 1 || asked.version > 4)
		return SNTP_VERSION;
	*reply = (struct sntp_packet){
		.version = asked.version,
		.mode = SNTP_MODE_SERVER,
		.stratum = server->stratum,
		.poll = asked.poll,
		.precision = PRECISION,
		.root_dispersion = ROOT_DISPERSION,
		.reference_id = server->reference_id,
		.reference = received & ~0xffffffffull, /* the local clock is its own reference */
		.originate = asked.transmit,
		.receive = received,
		.transmit = received,
	};
	return SNTP_GOOD;
}

enum sntp_fault sntp_check_reply(const uint8_t *buf, size_t len, sntp_time sent, struct sntp_packet *reply)
{
	if (sntp_decode(buf, len, reply) != 0)
		return SNTP_SHORT;
	if (reply->mode != SNTP_MODE_SERVER)
		return SNTP_MODE;
	if (reply->version < 1 || reply->version > 4)
		return SNTP_VERSION;
	if (reply->originate != sent)
		return SNTP_ORIGINATE;
	if (reply->stratum == 0)
		return SNTP_KISS;
	if (reply->leap == LEAP_UNKNOWN || reply->transmit == 0)
		return SNTP_UNSYNCHRONIZED;
	return SNTP_GOOD;
}

/* 32.32 seconds to nanoseconds, rounding down. */
static int64_t to_ns(int64_t fixed)
{
	uint64_t fraction = (uint64_t)fixed & 0xffffffffu;

	return (fixed >> 32) * 1000000000 + (int64_t)(fraction * 1000000000 >> 32);
}

void sntp_offset(sntp_time sent, const struct sntp_packet *reply, sntp_time received, int64_t *offset_ns,
	int64_t *delay_ns)
{
	/* Differences modulo 2^64 are right across an era's end; the sums are made in nanoseconds. */
	int64_t there = to_ns((int64_t)(reply->receive - sent)),
		back = to_ns((int64_t)(reply->transmit - received));

	*offset_ns = there / 2 + back / 2;
	*delay_ns = there - back;
	if (*delay_ns < 0) /* less than the clocks' grain */
		*delay_ns = 0;
}

const char *sntp_fault_text(enum sntp_fault fault)
{
	static const char *const text[SNTP_FAULTS] = {
		[SNTP_GOOD] = "good",
		[SNTP_SHORT] = "shorter than 48 bytes",
		[SNTP_MODE] = "wrong mode",
		[SNTP_VERSION] = "unknown version",
		[SNTP_ORIGINATE] = "not the answer to this query",
		[SNTP_UNSYNCHRONIZED] = "the server's clock is not synchronized",
		[SNTP_KISS] = "the server refuses to serve (kiss of death)",
	};

	return fault < SNTP_FAULTS ? text[fault] : "unknown";
}
