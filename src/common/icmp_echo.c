/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/icmp_echo.h"

#include <string.h>

#include "common/addr.h" /* AF_INET */

static uint8_t type_of(int family, enum icmp_echo_kind kind)
{
	if (family == AF_INET6)
		return kind == ICMP_ECHO_REQUEST ? 128 : 129;
	return kind == ICMP_ECHO_REQUEST ? 8 : 0;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* RFC 1071 over an even number of bytes. */
static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += get16(bytes + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

void icmp_echo_build(int family, const struct icmp_echo *echo, uint8_t out[ICMP_ECHO_LEN])
{
	memset(out, 0, ICMP_ECHO_LEN);
	out[0] = type_of(family, ICMP_ECHO_REQUEST);
	put16(out + 4, echo->ident);
	put16(out + 6, echo->sequence);
	memcpy(out + 8, echo->cookie, ICMP_ECHO_COOKIE);
	if (family == AF_INET)
		put16(out + 2, checksum(out, ICMP_ECHO_LEN));
}

bool icmp_echo_parse(int family, enum icmp_echo_kind kind, bool ip_header, const uint8_t *buf, size_t len,
	struct icmp_echo *out)
{
	size_t skip = 0;

	if (ip_header) {
		if (len < 20 || buf[0] >> 4 != 4)
			return false;
		skip = (size_t)(buf[0] & 0xf) * 4;
		if (skip < 20)
			return false;
	}
	if (len < skip + ICMP_ECHO_LEN || buf[skip] != type_of(family, kind) || buf[skip + 1] != 0)
		return false;
	out->ident = get16(buf + skip + 4);
	out->sequence = get16(buf + skip + 6);
	memcpy(out->cookie, buf + skip + 8, ICMP_ECHO_COOKIE);
	return true;
}
