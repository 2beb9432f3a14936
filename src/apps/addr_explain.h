/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the text of an IPv4 or IPv6 address the way getaddrinfo() does with AI_NUMERICHOST, and can say in
 * words how it was read, or why it is none. Pure: no name is resolved and no interface looked up, a zone
 * ("%eth0") is only cut off. Forms: inet_pton(3), inet_aton(3), RFC 4291 section 2.2, RFC 4007 section 11.
 */
#ifndef TANDEM_APPS_ADDR_EXPLAIN_H
#define TANDEM_APPS_ADDR_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#define ADDR_EXPLAIN_WORDS 320
#define ADDR_ZONE_MAX      64

struct addr_explained {
	int family;                     /* 4 or 6 */
	uint8_t bytes[16];              /* in network byte order; IPv4 takes the first four */
	bool strict;                    /* inet_pton() takes it too: no short, octal or hexadecimal IPv4 */
	char zone[ADDR_ZONE_MAX];       /* what stood behind '%'; empty without */
	char words[ADDR_EXPLAIN_WORDS]; /* how the text is read, or why it is no address */
};

/* 0, or -EINVAL when the text is no address; then only words is filled in. */
int addr_explain(const char *text, struct addr_explained *out);

/* What such an address is for ("private, RFC 1918"), a static text. */
const char *addr_explain_use(const struct addr_explained *addr);

#endif
