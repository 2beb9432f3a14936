/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VRRP adverts: bytes <-> host-order struct (RFC 9568 section 5, RFC 3768 section 5). Pure: no socket, no clock, no
 * knowledge of instances. Judges what one packet can be judged by alone; whether the virtual router is ours, its
 * source a peer, its addresses the expected ones, is for who knows the config.
 */
#ifndef TANDEM_VRRP_PACKET_H
#define TANDEM_VRRP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define VRRP_PROTOCOL    112
#define VRRP_TTL         255
#define VRRP_COUNT_MAX   255
#define VRRP_ADVERT_MAX  (8 + 16 * VRRP_COUNT_MAX) /* bytes of the longest advert of v3 */
#define VRRP_V2_AUTH_LEN 8 /* v2 carries authentication data at its end: sent as zero */

struct vrrp_advert {
	uint8_t version; /* 2 or 3 */
	uint8_t vrid;    /* 1..255 */
	uint8_t priority;
	uint8_t count;        /* addresses, 1..255 */
	uint32_t interval_ms; /* v3: centiseconds of the packet times 10; v2: its seconds times 1000 */
	uint8_t family;       /* AF_INET or AF_INET6 */
	const uint8_t
		*addresses; /* count times 4 or 16 bytes, network order. Decoded: points into the packet */
};

/* Why a packet is discarded; every reason has a counter with the name vrrp_discard_name() gives it. The first ones are
 * found here, those from VRRP_DISCARD_VRID on by who knows the config. */
enum vrrp_discard {
	VRRP_OK,
	VRRP_DISCARD_TTL,           /* TTL or hop limit is not 255 */
	VRRP_DISCARD_LENGTH,        /* shorter than its header or its count says */
	VRRP_DISCARD_VERSION,       /* neither 2 nor 3, or 2 over IPv6 */
	VRRP_DISCARD_TYPE,          /* no advertisement */
	VRRP_DISCARD_CHECKSUM,      /* neither form fits */
	VRRP_DISCARD_COUNT,         /* no address */
	VRRP_DISCARD_INTERVAL,      /* 0 */
	VRRP_DISCARD_LINK_LOCAL,    /* IPv6: the first address is not link-local */
	VRRP_DISCARD_AUTH,          /* v2: an authentication type other than none */
	VRRP_DISCARD_VRID,          /* not configured on this interface; 0 never is, and is found here too */
	VRRP_DISCARD_OTHER_VERSION, /* another version than the instance's */
	VRRP_DISCARD_DESTINATION,   /* neither the multicast group nor, with peers, ours */
	VRRP_DISCARD_PEER,          /* with unicast peers: from somebody else */
	VRRP_DISCARD_OWN,           /* our own, come back */
	VRRP_DISCARD_REASONS,
};

/* "ttl", "length", ...; "unknown" for no reason. */
const char *vrrp_discard_name(enum vrrp_discard reason);

enum vrrp_checksum_form {
	VRRP_FORM_ONLY,    /* there is one form for this version and family */
	VRRP_FORM_LEGACY,  /* v3 over IPv4, with pseudo-header */
	VRRP_FORM_RFC9568, /* v3 over IPv4, message only */
};

/* What the IP header said. source and destination are of one family. */
struct vrrp_ip {
	struct net_addr source, destination;
	uint8_t ttl;
	int64_t age_ns; /* so long it waited to be read, at most */
};

/*
 * Judge and read one IP payload. out and form (which may be NULL) are filled when VRRP_OK is returned, and as far
 * as the header goes for everything that is found after the checksum: VRRP_DISCARD_VRID, _AUTH, _COUNT, _INTERVAL
 * and _LINK_LOCAL. Bytes after the addresses (v3) or after the authentication data (v2) are covered by the
 * checksum and otherwise ignored. When both forms fit, it is LEGACY.
 */
enum vrrp_discard vrrp_packet_decode(const uint8_t *buf, size_t len, const struct vrrp_ip *ip,
	struct vrrp_advert *out, enum vrrp_checksum_form *form);

/*
 * Write the IP payload into buf; form matters for v3 over IPv4 only (LEGACY unless RFC9568). ip: source and
 * destination, of the advert's family. Returns its length, -EINVAL when the advert cannot be put into a packet (a
 * field out of its range, an interval that is no whole number of the version's units, a first IPv6 address that is
 * not link-local), or -ENOSPC.
 */
int vrrp_packet_encode(const struct vrrp_advert *advert, const struct vrrp_ip *ip,
	enum vrrp_checksum_form form, uint8_t *buf, size_t size);

/* 224.0.0.18 or ff02::12 (RFC 9568 sections 5.1.1.2, 5.1.2.2). */
struct net_addr vrrp_packet_group(uint8_t family);

/* 00-00-5E-00-01-{VRID} or 00-00-5E-00-02-{VRID} (RFC 9568 section 7.3). */
void vrrp_packet_virtual_mac(uint8_t family, uint8_t vrid, uint8_t mac[6]);

#endif
