/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet, ARP, ICMPv6 and IP headers around what the speaker says; see vrrp_frame.h. */
#include "vrrp/vrrp_frame.h"

#include <errno.h>
#include <string.h>

#include "vrrp/vrrp_checksum.h"

#define ETHERNET_LEN   14
#define IPV4_LEN       20
#define IPV6_LEN       40
#define ARP_LEN        28
#define NEIGHBOUR_LEN  32 /* the message and its one option */
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_IPV6 0x86dd

/* Internetwork control (CS6): as the other speakers send it. */
#define TRAFFIC_CLASS 0xc0

#define ARP_REQUEST 1

#define ICMPV6          58
#define ICMPV6_NA       136
#define NA_ROUTER       0x80
#define NA_OVERRIDE     0x20
#define OPTION_TARGET   2 /* target link-layer address, one unit of eight bytes */
#define ICMPV6_CHECKSUM 2

static void put_ethernet(uint8_t *at, const uint8_t destination[6], const uint8_t source[6], uint16_t type)
{
	memcpy(at, destination, 6);
	memcpy(at + 6, source, 6);
	vrrp_put16(at + 12, type);
}

static void put_ipv4(uint8_t *at, const uint8_t *source, const uint8_t *destination, size_t payload)
{
	memset(at, 0, IPV4_LEN);
	at[0] = 4 << 4 | IPV4_LEN / 4;
	at[1] = TRAFFIC_CLASS;
	vrrp_put16(at + 2, (uint16_t)(IPV4_LEN + payload));
	vrrp_put16(at + 6, 0x4000); /* DF: what is never fragmented needs no identification (RFC 6864) */
	at[8] = VRRP_TTL;
	at[9] = VRRP_PROTOCOL;
	memcpy(at + 12, source, 4);
	memcpy(at + 16, destination, 4);
	vrrp_put16(at + 10, (uint16_t)~vrrp_fold(vrrp_sum(at, IPV4_LEN)));
}

/* Both users of it want hop limit 255: RFC 9568 section 5.1.2.3, RFC 4861 section 7.2.6. */
static void put_ipv6(uint8_t *at, uint8_t traffic_class, uint8_t next_header, const uint8_t *source,
	const uint8_t *destination, size_t payload)
{
	memset(at, 0, 4);
	at[0] = (uint8_t)(6 << 4 | traffic_class >> 4);
	at[1] = (uint8_t)(traffic_class << 4);
	vrrp_put16(at + 4, (uint16_t)payload);
	at[6] = next_header;
	at[7] = 255;
	memcpy(at + 8, source, 16);
	memcpy(at + 24, destination, 16);
}

static size_t put_arp(const struct net_addr *addr, const uint8_t mac[6], uint8_t *buf)
{
	static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t *arp = buf + ETHERNET_LEN;

	put_ethernet(buf, everybody, mac, ETHERTYPE_ARP);
	vrrp_put16(arp, 1); /* Ethernet */
	vrrp_put16(arp + 2, ETHERTYPE_IPV4);
	arp[4] = 6;
	arp[5] = 4;
	vrrp_put16(arp + 6, ARP_REQUEST);
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, addr->bytes, 4);
	memcpy(arp + 18, mac, 6); /* RFC 9568 section 6.4.2 wants the target's too; RFC 5227 leaves it open */
	memcpy(arp + 24, addr->bytes, 4);
	return ETHERNET_LEN + ARP_LEN;
}

/* RFC 4861 sections 4.4 and 4.6.1. */
static size_t put_neighbour(const struct net_addr *addr, const uint8_t mac[6], bool router, uint8_t *buf)
{
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 0x01},
			     all_nodes_mac[6] = {0x33, 0x33, [5] = 0x01};
	uint8_t *ip = buf + ETHERNET_LEN, *na = ip + IPV6_LEN;
	uint64_t pseudo = vrrp_sum(addr->bytes, 16) + vrrp_sum(all_nodes, 16) + NEIGHBOUR_LEN + ICMPV6;

	put_ethernet(buf, all_nodes_mac, mac, ETHERTYPE_IPV6);
	put_ipv6(ip, 0, ICMPV6, addr->bytes, all_nodes, NEIGHBOUR_LEN);
	memset(na, 0, NEIGHBOUR_LEN);
	na[0] = ICMPV6_NA;
	na[4] = router ? NA_ROUTER | NA_OVERRIDE : NA_OVERRIDE;
	memcpy(na + 8, addr->bytes, 16);
	na[24] = OPTION_TARGET;
	na[25] = 1;
	memcpy(na + 26, mac, 6);
	vrrp_put16(na + ICMPV6_CHECKSUM, (uint16_t)~vrrp_fold(pseudo + vrrp_sum(na, NEIGHBOUR_LEN)));
	return ETHERNET_LEN + IPV6_LEN + NEIGHBOUR_LEN;
}

size_t vrrp_frame_announce(
	const struct net_addr *addr, const uint8_t mac[6], bool router, uint8_t buf[VRRP_ANNOUNCE_MAX])
{
	if (addr->family == AF_INET6)
		return put_neighbour(addr, mac, router, buf);
	return put_arp(addr, mac, buf);
}

int vrrp_frame_advert(const uint8_t mac[6], const struct net_addr *source, const uint8_t *payload, size_t len,
	uint8_t *frame, size_t size)
{
	static const uint8_t group_mac_ipv4[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x12};
	static const uint8_t group_mac_ipv6[6] = {0x33, 0x33, 0x00, 0x00, 0x00, 0x12};
	struct net_addr group = vrrp_packet_group(source->family);
	size_t header = ETHERNET_LEN + (source->family == AF_INET6 ? IPV6_LEN : IPV4_LEN);

	if (source->family != AF_INET && source->family != AF_INET6)
		return -EINVAL;
	if (len > VRRP_ADVERT_MAX || header + len > size)
		return -ENOSPC;
	if (source->family == AF_INET6) {
		put_ethernet(frame, group_mac_ipv6, mac, ETHERTYPE_IPV6);
		put_ipv6(frame + ETHERNET_LEN, TRAFFIC_CLASS, VRRP_PROTOCOL, source->bytes, group.bytes, len);
	} else {
		put_ethernet(frame, group_mac_ipv4, mac, ETHERTYPE_IPV4);
		put_ipv4(frame + ETHERNET_LEN, source->bytes, group.bytes, len);
	}
	memcpy(frame + header, payload, len);
	return (int)(header + len);
}
