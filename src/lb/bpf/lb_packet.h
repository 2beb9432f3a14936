/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to struct lb_packet: Ethernet, IPv4 (RFC 791) or IPv6 with extension headers (RFC 8200), and the
 * part of TCP, UDP, ICMP that the dataplane needs. Knows nothing of tc or XDP: it takes data and data_end.
 */
#ifndef TANDEM_LB_PACKET_H
#define TANDEM_LB_PACKET_H

#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lb/bpf/lb_abi.h"

/* linux/icmp.h pulls in the C library, which a BPF target does not have. RFC 792. */
#define ICMP_DEST_UNREACH  3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_PORT_UNREACH  3
#define ICMP_FRAG_NEEDED   4

#define LB_IPV6_EXT_MAX 6 /* extension headers walked before the packet is left to the stack */

/* What the compiler is to keep out of the way of an ordinary packet of a known flow. */
static __always_inline int lb_rare(int condition)
{
	return __builtin_expect(condition, 0);
}

enum lb_fragment_kind { LB_FRAGMENT_NONE, LB_FRAGMENT_FIRST, LB_FRAGMENT_LATER };

enum lb_parsed {
	LB_PARSED,         /* src .. ack are filled as far as the protocol has them */
	LB_PARSE_SHORT,    /* headers lie beyond data_end: pull and try again, else malformed */
	LB_PARSE_OTHER,    /* nothing the dataplane handles */
	LB_PARSE_EXTENDED, /* IPv6 with extension headers: the edge walks them, then lb_parse_walked() */
};

/* What lies behind IPv6 extension headers; at is 0 when it is not one of ours, or there are too many. */
struct lb_ipv6_walk {
	__u32 protocol;
	__u32 at;       /* offset of its header from the frame's start */
	__u32 fragment; /* enum lb_fragment_kind */
	__u32 fragment_id;
};

#define LB_L4_FURTHEST 0x3f0 /* an L4 header beyond this offset is left to the stack */

/* The tuple of a packet as it is on the wire; an IPv4 address stands in the first word, the rest is zero. */
struct lb_tuple {
	__be32 src[4], dst[4];
	__be16 sport, dport;
	__u32 protocol; /* TCP, UDP, ICMP, ICMPv6 */
};

struct lb_packet {
	struct lb_tuple t;
	__u8 tcp_flags;
	__u8 ttl;
	__u8 fragment;  /* enum lb_fragment_kind */
	__u8 tcp_words; /* TCP header length in 32-bit words */
	__u8 reserved;
	__u16 l3, l4; /* offsets from the frame's start */
	__u16 l3_len; /* IP header with options or extension headers */
	__u32 fragment_id;
	__u32 seq, ack; /* TCP, host order */
	__u32 total;    /* bytes of the IP packet, from its own header (0 for a GSO IPv6 jumbo) */
};

struct lb_ipv6_fragment {
	__u8 nexthdr, reserved;
	__be16 offset;
	__be32 id;
};

static __always_inline void lb_copy_words(__be32 *to, const __be32 *from, int words)
{
#pragma unroll
	for (int i = 0; i < 4; i++)
		to[i] = i < words ? from[i] : 0;
}

/*
 * The IP or L4 header at that offset. Each begins a multiple of four behind the Ethernet header: the mask tells the
 * verifier so, which wants it where the processor has to read aligned, and what LB_L4_FURTHEST promises.
 */
static __always_inline void *lb_header(void *data, __u32 at)
{
	return data + ETH_HLEN + ((at - ETH_HLEN) & 0x3fc);
}

static __always_inline enum lb_parsed lb_parse_l4(struct lb_packet *p, void *data, void *end)
{
	void *l4 = lb_header(data, p->l4);

	if (p->t.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > end)
			return LB_PARSE_SHORT;
		p->t.sport = tcp->source;
		p->t.dport = tcp->dest;
		p->tcp_flags = ((__u8 *)tcp)[13];
		p->tcp_words = tcp->doff;
		p->seq = bpf_ntohl(tcp->seq);
		p->ack = bpf_ntohl(tcp->ack_seq);
		return LB_PARSED;
	}
	if (p->t.protocol == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > end)
			return LB_PARSE_SHORT;
		p->t.sport = udp->source;
		p->t.dport = udp->dest;
		return LB_PARSED;
	}
	if (l4 + 8 > end) /* ICMP and ICMPv6 errors have an eight byte head */
		return LB_PARSE_SHORT;
	return LB_PARSED;
}

static __always_inline enum lb_parsed lb_parse_ipv4(struct lb_packet *p, void *data, void *end)
{
	struct iphdr *ip = lb_header(data, p->l3);

	if ((void *)(ip + 1) > end)
		return LB_PARSE_SHORT;
	if (ip->version != 4 || ip->ihl < 5)
		return LB_PARSE_OTHER;
	p->t.protocol = ip->protocol;
	if (p->t.protocol != IPPROTO_TCP && p->t.protocol != IPPROTO_UDP && p->t.protocol != IPPROTO_ICMP)
		return LB_PARSE_OTHER;
	p->t.src[0] = ip->saddr;
	p->t.dst[0] = ip->daddr;
	p->ttl = ip->ttl;
	p->total = bpf_ntohs(ip->tot_len);
	p->l3_len = ip->ihl * 4;
	p->l4 = p->l3 + p->l3_len;

	__u16 offset = bpf_ntohs(ip->frag_off);

	if (offset & 0x3fff) { /* more fragments, or not the first */
		p->fragment_id = ip->id;
		p->fragment = offset & 0x1fff ? LB_FRAGMENT_LATER : LB_FRAGMENT_FIRST;
	}
	return LB_PARSED;
}

static __always_inline int lb_ipv6_is_extension(__u32 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_FRAGMENT;
}

static __always_inline enum lb_parsed lb_parse_ipv6(struct lb_packet *p, void *data, void *end)
{
	struct ipv6hdr *ip = lb_header(data, p->l3);

	if ((void *)(ip + 1) > end)
		return LB_PARSE_SHORT;
	if (ip->version != 6)
		return LB_PARSE_OTHER;
	lb_copy_words(p->t.src, ip->saddr.in6_u.u6_addr32, 4);
	lb_copy_words(p->t.dst, ip->daddr.in6_u.u6_addr32, 4);
	p->ttl = ip->hop_limit;
	p->total = sizeof(*ip) + bpf_ntohs(ip->payload_len);

	p->t.protocol = ip->nexthdr;
	p->l4 = p->l3 + sizeof(*ip);
	p->l3_len = sizeof(*ip);
	if (p->t.protocol == IPPROTO_TCP || p->t.protocol == IPPROTO_UDP || p->t.protocol == IPPROTO_ICMPV6)
		return LB_PARSED;
	if (lb_ipv6_is_extension(p->t.protocol))
		return LB_PARSE_EXTENDED;
	return LB_PARSE_OTHER;
}

/* Parse the IP packet at offset l3 of the frame. */
static __always_inline enum lb_parsed lb_parse(
	struct lb_packet *p, void *data, void *end, __u32 l3, const int v6)
{
	__builtin_memset(p, 0, sizeof(*p));
	p->l3 = l3;

	enum lb_parsed got = v6 ? lb_parse_ipv6(p, data, end) : lb_parse_ipv4(p, data, end);

	if (got != LB_PARSED || p->fragment == LB_FRAGMENT_LATER)
		return got;
	return lb_parse_l4(p, data, end);
}

/* Go on behind the extension headers that the edge has walked. */
static __always_inline enum lb_parsed lb_parse_walked(struct lb_packet *p, const struct lb_ipv6_walk *w)
{
	__u32 at = w->at;

	if (!at || at > LB_L4_FURTHEST)
		return LB_PARSE_OTHER;
	p->t.protocol = w->protocol;
	p->fragment = w->fragment;
	p->fragment_id = w->fragment_id;
	p->l3_len = at - p->l3;
	p->l4 = at;
	return LB_PARSED;
}

#endif
