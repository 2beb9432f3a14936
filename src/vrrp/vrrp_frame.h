/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Ethernet frames the speaker sends. Pure.
 *
 * - Who has an address now: gratuitous ARP request (RFC 5227, RFC 9568 sections 6.4.2 and 8.1.2: broadcast, sender IP =
 *   target IP = the address, sender MAC = target MAC), unsolicited neighbour advertisement (RFC 4861 section 7.2.6, RFC
 *   9568 section 8.2.2: R as given, S=0, O=1, target link-layer option, to ff02::1).
 * - Multicast adverts, so that the source MAC may be the virtual one (RFC 9568 section 7.3).
 */
#ifndef TANDEM_VRRP_FRAME_H
#define TANDEM_VRRP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "vrrp/vrrp_packet.h"

#define VRRP_ANNOUNCE_MAX 128 /* bytes, more than the longest announcement */
#define VRRP_FRAME_MAX    (14 + 40 + VRRP_ADVERT_MAX)

/* Write the announcement of addr, which mac has, into buf; router: the R flag (IPv6). Returns its length: 42 for IPv4 (the
 * driver pads), 86 for IPv6. The neighbour advertisement's IP source is the address itself, hop limit 255. */
size_t vrrp_frame_announce(
	const struct net_addr *addr, const uint8_t mac[6], bool router, uint8_t buf[VRRP_ANNOUNCE_MAX]);

/*
 * Write the frame of a multicast advert: destination MAC of the group, source MAC as given, IPv4 header (TTL 255, TOS
 * 0xc0, DF) or IPv6 header (hop limit 255, traffic class 0xc0), payload. Returns its length; -ENOSPC when it is longer
 * than size, or the payload than VRRP_ADVERT_MAX; -EINVAL for a source of no family. It is not fragmented: vrrp_conf
 * bounds the addresses of an instance by the smallest MTU.
 */
int vrrp_frame_advert(const uint8_t mac[6], const struct net_addr *source, const uint8_t *payload, size_t len,
	uint8_t *frame, size_t size);

#endif
