/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IPv4 or IPv6 address as a value. Owns nothing, does no I/O; the bytes are in network order because
 * an address is a string of bytes, not a number.
 */
#ifndef TANDEM_COMMON_ADDR_H
#define TANDEM_COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct net_addr {
	uint8_t family;    /* AF_INET, AF_INET6, or AF_UNSPEC for none */
	uint8_t bytes[16]; /* IPv4 uses the first four, the rest are zero */
};

#define ADDR_TEXT_MAX 64 /* room for "[IPv6]:port" and its NUL */

/* Parse a literal address (no names, no prefix, no zone). 0, or -EINVAL. */
int addr_parse(const char *text, struct net_addr *out);

/* Write the literal into buf (at least ADDR_TEXT_MAX bytes); returns buf. */
const char *addr_format(const struct net_addr *addr, char *buf);

/* Write "1.2.3.4:80" or "[fd00::1]:80" into buf (at least ADDR_TEXT_MAX bytes); returns buf. */
const char *addr_format_port(const struct net_addr *addr, uint16_t port, char *buf);

bool addr_equal(const struct net_addr *a, const struct net_addr *b);

/* Fill a sockaddr for the address and host-order port; returns its length. */
socklen_t addr_to_sockaddr(const struct net_addr *addr, uint16_t port, struct sockaddr_storage *out);

/* True for the wildcard, multicast, the limited broadcast and link-local IPv6: nothing a service or a
 * backend can have. */
bool addr_is_unusable(const struct net_addr *addr);

/* 127.0.0.0/8, ::1, and IPv4 written as IPv6: no frame carries these. */
bool addr_stays_here(const struct net_addr *addr);

#endif
