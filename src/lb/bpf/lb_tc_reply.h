/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers the dataplane gives itself: TCP RST (RFC 9293 3.10.7), ICMP and ICMPv6 errors (RFC 792, 4443).
 * The packet that caused the answer is turned into it. None is sent for a packet with IP options or
 * extension headers, nor as an answer to a later fragment, RST or error; to a first fragment, only errors.
 *
 * Checksums. The skb may be CHECKSUM_PARTIAL: then the device sums everything from the L4 header on and
 * writes the result over the field, which has to hold the pseudo-header's sum until then. A program cannot
 * read that mark, but the checksum helper leaves the field of such a packet alone when told of a payload
 * change, and that shows it.
 *
 * The entries at the end are functions of their own, and static: lb_tc_parse.h says why. None of this is on the fast
 * path.
 */
#ifndef TANDEM_LB_TC_REPLY_H
#define TANDEM_LB_TC_REPLY_H

#include "lb/bpf/lb_core.h"
#include "lb/bpf/lb_tc_parse.h"
#include "lb/bpf/lb_tc_rewrite.h"

#define LB_REPLY_TTL 64

struct lb_l4_check {
	int partial;
	__u16 field; /* the checksum field's content */
};

static __always_inline int lb_tc_is_partial(struct __sk_buff *skb, __u32 check_at)
{
	__u16 before = 0, after = 0;

	bpf_skb_load_bytes(skb, check_at, &before, 2);
	if (bpf_l4_csum_replace(skb, check_at, 0, 1, 0))
		return 0;
	bpf_skb_load_bytes(skb, check_at, &after, 2);
	if (before == after)
		return 1;
	bpf_skb_store_bytes(skb, check_at, &before, 2, 0);
	return 0;
}

static __always_inline __u64 lb_sum_bytes(const void *data, __u32 length)
{
	const __u16 *word = data;
	__u64 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < length / 2; i++)
		sum += word[i];
	return sum;
}

static __always_inline __u64 lb_sum_pseudo(
	const __be32 *src, const __be32 *dst, __u32 length, __u32 protocol, const int v6)
{
	__u64 sum = bpf_htonl(length) + (__u64)bpf_htonl(protocol);

#pragma unroll
	for (int i = 0; i < (v6 ? 4 : 1); i++)
		sum += (__u64)src[i] + dst[i];
	return sum;
}

/* Ethernet and IP header of an answer from src to dst with a payload of that length. */
static __always_inline int lb_tc_write_ip(struct __sk_buff *skb, const __be32 *src, const __be32 *dst,
	__u32 protocol, __u32 payload, const int v6)
{
	if (v6) {
		struct ipv6hdr ip = {};

		ip.version = 6;
		ip.payload_len = bpf_htons(payload);
		ip.nexthdr = protocol;
		ip.hop_limit = LB_REPLY_TTL;
		lb_copy_words(ip.saddr.in6_u.u6_addr32, src, 4);
		lb_copy_words(ip.daddr.in6_u.u6_addr32, dst, 4);
		return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0);
	}
	struct iphdr ip = {};

	ip.version = 4;
	ip.ihl = 5;
	ip.tot_len = bpf_htons(payload + sizeof(ip));
	ip.frag_off = bpf_htons(0x4000);
	ip.ttl = LB_REPLY_TTL;
	ip.protocol = protocol;
	ip.saddr = *src;
	ip.daddr = *dst;
	ip.check = ~lb_fold16(lb_sum_bytes(&ip, sizeof(ip)));
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0);
}

static __always_inline int lb_tc_swap_macs(struct __sk_buff *skb)
{
	__u8 macs[12], swapped[12];

	if (bpf_skb_load_bytes(skb, 0, macs, 12))
		return -EINVAL;
	__builtin_memcpy(swapped, macs + 6, 6);
	__builtin_memcpy(swapped + 6, macs, 6);
	return bpf_skb_store_bytes(skb, 0, swapped, 12, 0);
}

struct lb_rst {
	const __be32 *src, *dst;
	__be16 sport, dport;
	__u32 seq, ack;
	__u8 flags;
	int partial;
};

static __always_inline int lb_tc_write_rst(struct __sk_buff *skb, const struct lb_rst *r, const int v6)
{
	struct tcphdr tcp = {};
	__u64 pseudo = lb_sum_pseudo(r->src, r->dst, sizeof(tcp), IPPROTO_TCP, v6);
	__u32 l4 = ETH_HLEN + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));

	tcp.source = r->sport;
	tcp.dest = r->dport;
	tcp.seq = bpf_htonl(r->seq);
	tcp.ack_seq = bpf_htonl(r->ack);
	((__u8 *)&tcp)[12] = 5 << 4;
	((__u8 *)&tcp)[13] = r->flags;
	tcp.check =
		r->partial ? lb_fold16(pseudo) : (__u16)~lb_fold16(pseudo + lb_sum_bytes(&tcp, sizeof(tcp)));
	if (lb_tc_write_ip(skb, r->src, r->dst, IPPROTO_TCP, sizeof(tcp), v6))
		return -EINVAL;
	return bpf_skb_store_bytes(skb, l4, &tcp, sizeof(tcp), 0);
}

static __always_inline int lb_reply_possible(const struct lb_packet *p, const int v6)
{
	return p->l3_len == (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) && !p->fragment;
}

/* A first fragment may be answered with an error: who sends it learns the path MTU so. RFC 1122 3.2.2. */
static __always_inline int lb_error_possible(const struct lb_packet *p, const int v6)
{
	if (p->fragment == LB_FRAGMENT_NONE)
		return lb_reply_possible(p, v6);
	return p->fragment == LB_FRAGMENT_FIRST &&
	       p->l3_len ==
		       (v6 ? sizeof(struct ipv6hdr) + sizeof(struct lb_ipv6_fragment) : sizeof(struct iphdr));
}

/* Turn a TCP packet into a bare header of its own length; 1 partial, 0 not, negative on failure. */
static __always_inline int lb_tc_trim_tcp(struct __sk_buff *skb, const struct lb_packet *p)
{
	if (bpf_skb_change_tail(skb, p->l4 + sizeof(struct tcphdr), 0))
		return -EINVAL;
	return lb_tc_is_partial(skb, p->l4 + LB_CSUM_TCP);
}

/* RST to the packet's sender, in the packet's place. RFC 9293 3.10.7.1. */
static __always_inline int lb_tc_reply_rst(struct __sk_buff *skb, const struct lb_packet *p, const int v6)
{
	/* By the IP header: behind it Ethernet's padding may follow. A GSO packet may be too long for that field. */
	__u32 bytes = p->total > p->l3_len ? p->total - p->l3_len : skb->len - p->l4,
	      head = (__u32)p->tcp_words * 4;
	struct lb_rst r = {.src = p->t.dst, .dst = p->t.src, .sport = p->t.dport, .dport = p->t.sport};

	if (!lb_reply_possible(p, v6) || (p->tcp_flags & LB_TCP_RST) || head < sizeof(struct tcphdr) ||
		head > bytes)
		return 2;
	r.partial = lb_tc_trim_tcp(skb, p);
	if (r.partial < 0)
		return 2;
	if (p->tcp_flags & LB_TCP_ACK) {
		r.flags = LB_TCP_RST;
		r.seq = p->ack;
	} else {
		r.flags = LB_TCP_RST | LB_TCP_ACK;
		r.ack = p->seq + bytes - head + !!(p->tcp_flags & LB_TCP_SYN) + (p->tcp_flags & LB_TCP_FIN);
	}
	if (lb_tc_write_rst(skb, &r, v6) || lb_tc_swap_macs(skb))
		return 2;
	lb_count(LB_COUNT_RESET_SENT);
	return bpf_redirect(skb->ifindex, 0);
}

/* The flow's backend is gone: RST on to the other side (sequence number: the sender's own next), RST back to
 * the sender (sequence number: what it acknowledged), then the flow may go. */
static __always_inline int lb_tc_reply_rst_both(
	struct __sk_buff *skb, const struct lb_packet *p, struct lb_flow *f, __u32 direction, const int v6)
{
	struct lb_rst on = {.seq = p->seq, .flags = LB_TCP_RST};
	struct lb_link *link;
	__u8 macs[12];
	__u32 link_at = f->hop[direction].link;

	lb_count(LB_COUNT_DOOMED);
	if (!lb_reply_possible(p, v6) || !(p->tcp_flags & LB_TCP_ACK) || bpf_skb_load_bytes(skb, 0, macs, 12))
		return lb_tc_reply_rst(skb, p, v6);
	link = bpf_map_lookup_elem(&links, &link_at);
	if (link && f->hop_epoch[direction]) {
		int to_backend = direction == LB_TO_BACKEND;

		on.src = to_backend ? lb_flow_client(f, v6) : lb_flow_service(f, v6);
		on.dst = to_backend ? lb_flow_backend(f, v6) : lb_flow_client(f, v6);
		on.sport = to_backend ? f->client_port : f->service_port;
		on.dport = to_backend ? f->backend_port : f->client_port;

		__u32 out = link->ifindex;

		on.partial = lb_tc_trim_tcp(skb, p);
		if (on.partial >= 0 && !lb_tc_write_rst(skb, &on, v6) &&
			!bpf_skb_store_bytes(skb, 0, f->hop[direction].mac, 6, 0) &&
			!bpf_skb_store_bytes(skb, 6, link->mac, 6, 0) && !bpf_clone_redirect(skb, out, 0))
			lb_count(LB_COUNT_RESET_SENT);
		bpf_skb_store_bytes(skb, 0, macs, 12, 0);
	}
	return lb_tc_reply_rst(skb, p, v6);
}

/* Per CPU: the head of the packet an error is about. */
struct lb_quote {
	__u8 ip[40];
	__u8 l4[20];
	__u8 reserved[4];
};

LB_PERCPU(quote, struct lb_quote);

struct lb_icmp_head {
	__u8 type, code;
	__be16 check;
	__be32 word; /* MTU */
};

/*
 * An ICMP error about the packet to its sender, in the packet's place: its IP header and the first bytes of
 * its L4 header follow the error's head. In a partial packet the device will make the quoted L4 bytes sum to
 * the complement of what their checksum field holds now.
 */
static __always_inline int lb_tc_reply_icmp(
	struct __sk_buff *skb, const struct lb_packet *p, struct lb_icmp_head head, const int v6)
{
	const int l3 = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	const int tcp = p->t.protocol == IPPROTO_TCP;
	/* In an IPv6 fragment its header stands before the L4 header, of which eight bytes will do. */
	const int extended = v6 && p->l3_len != l3;
	__u32 quoted = extended ? 16 : tcp ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	__u32 check_at = p->l4 + (tcp ? LB_CSUM_TCP : LB_CSUM_UDP);
	__u32 zero = 0;
	struct lb_quote *q = bpf_map_lookup_elem(&quote, &zero);
	__u64 sum;
	int err;

	if (!q || !lb_error_possible(p, v6) || bpf_skb_change_tail(skb, ETH_HLEN + l3 + quoted, 0))
		return 2;

	int partial = !p->fragment && lb_tc_is_partial(skb, check_at);

	__builtin_memset(q, 0, sizeof(*q));
	if (bpf_skb_load_bytes(skb, ETH_HLEN, q->ip, l3))
		return 2;
	if (extended)
		err = bpf_skb_load_bytes(skb, ETH_HLEN + l3, q->l4, 16);
	else if (tcp)
		err = bpf_skb_load_bytes(skb, ETH_HLEN + l3, q->l4, 20);
	else
		err = bpf_skb_load_bytes(skb, ETH_HLEN + l3, q->l4, 8);
	if (err)
		return 2;
	sum = lb_sum_bytes(q->ip, sizeof(q->ip));
	if (partial)
		sum += (__u16) ~(tcp ? *(__u16 *)(q->l4 + LB_CSUM_TCP) : *(__u16 *)(q->l4 + LB_CSUM_UDP));
	else
		sum += lb_sum_bytes(q->l4, sizeof(q->l4));
	head.check = 0;
	sum += lb_sum_bytes(&head, sizeof(head));
	if (v6)
		sum += lb_sum_pseudo(p->t.dst, p->t.src, sizeof(head) + l3 + quoted, IPPROTO_ICMPV6, 1);
	head.check = ~lb_fold16(sum);
	if (bpf_skb_adjust_room(skb, l3 + sizeof(head), BPF_ADJ_ROOM_MAC, 0))
		return 2;
	if (lb_tc_write_ip(skb, p->t.dst, p->t.src, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
		    sizeof(head) + l3 + quoted, v6) ||
		bpf_skb_store_bytes(skb, ETH_HLEN + l3, &head, sizeof(head), 0) || lb_tc_swap_macs(skb))
		return 2;
	lb_count(LB_COUNT_ICMP_SENT);
	return bpf_redirect(skb->ifindex, 0);
}

static __always_inline int lb_tc_reply_too_big(
	struct __sk_buff *skb, const struct lb_packet *p, __u32 mtu, const int v6)
{
	struct lb_icmp_head head = {.word = bpf_htonl(mtu)};

	head.type = v6 ? ICMPV6_PKT_TOOBIG : ICMP_DEST_UNREACH;
	head.code = v6 ? 0 : ICMP_FRAG_NEEDED;
	return lb_tc_reply_icmp(skb, p, head, v6);
}

/* Port unreachable or time exceeded. */
static __always_inline int lb_tc_reply_error(
	struct __sk_buff *skb, const struct lb_packet *p, int ttl, const int v6)
{
	struct lb_icmp_head head = {};

	if (ttl) {
		head.type = v6 ? ICMPV6_TIME_EXCEED : ICMP_TIME_EXCEEDED;
	} else {
		head.type = v6 ? ICMPV6_DEST_UNREACH : ICMP_DEST_UNREACH;
		head.code = v6 ? ICMPV6_PORT_UNREACH : ICMP_PORT_UNREACH;
	}
	return lb_tc_reply_icmp(skb, p, head, v6);
}

enum lb_tc_answer { LB_ANSWER_RST, LB_ANSWER_UNREACHABLE, LB_ANSWER_TTL, LB_ANSWER_TOO_BIG };

static __always_inline int lb_tc_answer_as(struct __sk_buff *skb, __u32 answer, __u32 mtu, const int v6)
{
	struct lb_packet *p = lb_packet();

	if (!p || p->fragment == LB_FRAGMENT_LATER)
		return 2;
	if (answer == LB_ANSWER_RST)
		return lb_tc_reply_rst(skb, p, v6);
	if (answer == LB_ANSWER_TOO_BIG)
		return lb_tc_reply_too_big(skb, p, mtu, v6);
	return lb_tc_reply_error(skb, p, answer == LB_ANSWER_TTL, v6);
}

static __attribute__((noinline)) int lb_tc_answer4(struct __sk_buff *skb, __u32 answer, __u32 mtu)
{
	return lb_tc_answer_as(skb, answer, mtu, 0);
}

static __attribute__((noinline)) int lb_tc_answer6(struct __sk_buff *skb, __u32 answer, __u32 mtu)
{
	return lb_tc_answer_as(skb, answer, mtu, 1);
}

static __always_inline int lb_tc_reset_both_as(struct __sk_buff *skb, __u32 id, __u32 direction, const int v6)
{
	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_packet *p = lb_packet();

	if (!f || !p || p->fragment)
		return 2;
	return lb_tc_reply_rst_both(skb, p, f, direction & 1, v6);
}

static __attribute__((noinline)) int lb_tc_reset_both4(struct __sk_buff *skb, __u32 id, __u32 direction)
{
	return lb_tc_reset_both_as(skb, id, direction, 0);
}

static __attribute__((noinline)) int lb_tc_reset_both6(struct __sk_buff *skb, __u32 id, __u32 direction)
{
	return lb_tc_reset_both_as(skb, id, direction, 1);
}

#endif
