/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP and ICMPv6 echo messages (RFC 792, RFC 4443) as checks send them: 8 bytes of header and 8 bytes
 * of a random cookie. The cookie, not the guessable identifier and sequence, is what tells our answer from a
 * stranger's. Pure: bytes in, bytes out.
 */
#ifndef TANDEM_COMMON_ICMP_ECHO_H
#define TANDEM_COMMON_ICMP_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_ECHO_COOKIE 8
#define ICMP_ECHO_LEN    16

enum icmp_echo_kind { ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY };

struct icmp_echo {
	uint16_t ident, sequence; /* host order */
	uint8_t cookie[ICMP_ECHO_COOKIE];
};

/* Write the request for AF_INET (with its checksum) or AF_INET6 (the kernel adds the checksum). */
void icmp_echo_build(int family, const struct icmp_echo *echo, uint8_t out[ICMP_ECHO_LEN]);

/*
 * Read a message of that kind; ip_header says that an IPv4 header stands before it, as raw IPv4 sockets
 * deliver it. False when it is another message or too short. Longer than ours is fine: the rest is not looked
 * at. Checksums are the kernel's business: it has verified a reply, and a quoted request was cut.
 */
bool icmp_echo_parse(int family, enum icmp_echo_kind kind, bool ip_header, const uint8_t *buf, size_t len,
	struct icmp_echo *out);

#endif
