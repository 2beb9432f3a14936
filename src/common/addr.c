/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

int addr_parse(const char *text, struct net_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, out->bytes) == 1) {
		out->family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, text, out->bytes) == 1) {
		out->family = AF_INET6;
		return 0;
	}
	memset(out, 0, sizeof(*out));
	return -EINVAL;
}

const char *addr_format(const struct net_addr *addr, char *buf)
{
	if (addr->family == AF_UNSPEC || !inet_ntop(addr->family, addr->bytes, buf, ADDR_TEXT_MAX))
		snprintf(buf, ADDR_TEXT_MAX, "none");
	return buf;
}

const char *addr_format_port(const struct net_addr *addr, uint16_t port, char *buf)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	if (addr->family == AF_INET6)
		snprintf(buf, ADDR_TEXT_MAX, "[%.45s]:%u", text, port);
	else
		snprintf(buf, ADDR_TEXT_MAX, "%.45s:%u", text, port);
	return buf;
}

bool addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

socklen_t addr_to_sockaddr(const struct net_addr *addr, uint16_t port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (addr->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, addr->bytes, 16);
		return sizeof(*in6);
	}
	struct sockaddr_in *in = (struct sockaddr_in *)out;

	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, addr->bytes, 4);
	return sizeof(*in);
}

bool addr_is_unusable(const struct net_addr *addr)
{
	static const uint8_t zero[16];
	const uint8_t *b = addr->bytes;

	if (addr->family == AF_INET)
		return b[0] == 0 || b[0] >= 224;
	if (addr->family == AF_INET6)
		return b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || memcmp(b, zero, 16) == 0;
	return true;
}

bool addr_stays_here(const struct net_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, one[16] = {[15] = 1};

	return addr->family == AF_INET ? addr->bytes[0] == 127
				       : memcmp(addr->bytes, mapped, sizeof(mapped)) == 0 ||
						 memcmp(addr->bytes, one, sizeof(one)) == 0;
}
