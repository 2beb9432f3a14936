/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP (RFC 792, RFC 5508) and ICMPv6 (RFC 4443) errors about our flows: the quoted packet is translated
 * back to what its sender knows, the error itself goes where the flow goes. Only eight bytes of the quoted
 * L4 header are certain to be there; a checksum among them is kept true, one beyond them is not missed.
 */
#ifndef TANDEM_LB_TC_ICMP_H
#define TANDEM_LB_TC_ICMP_H

#include "lb/bpf/lb_core.h"
#include "lb/bpf/lb_tc_lease.h"
#include "lb/bpf/lb_tc_parse.h"
#include "lb/bpf/lb_tc_rewrite.h"

static __always_inline int lb_icmp_is_error(struct __sk_buff *skb, const struct lb_packet *p, const int v6)
{
	__u8 type = 0;

	if (bpf_skb_load_bytes(skb, p->l4, &type, 1))
		return 0;
	if (v6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* The quoted packet, as far as its ports; 0 when it is one of TCP or UDP. */
static __always_inline int lb_icmp_quoted(
	struct __sk_buff *skb, const struct lb_packet *p, struct lb_packet *inner, const int v6)
{
	__u32 at = p->l4 + 8;
	__u32 want = at + (v6 ? 40 + 64 : 60) + 20;
	enum lb_parsed got;

	if (at > 0x200 || bpf_skb_pull_data(skb, skb->len < want ? skb->len : want))
		return -EINVAL;
	__builtin_memset(inner, 0, sizeof(*inner));
	inner->l3 = at;
	got = v6 ? lb_parse_ipv6(inner, (void *)(long)skb->data, (void *)(long)skb->data_end)
		 : lb_parse_ipv4(inner, (void *)(long)skb->data, (void *)(long)skb->data_end);
	if (v6 && got == LB_PARSE_EXTENDED)
		got = lb_tc_parse_extended(skb, inner);
	if (got != LB_PARSED || inner->fragment == LB_FRAGMENT_LATER)
		return -EINVAL;
	if (inner->t.protocol != IPPROTO_TCP && inner->t.protocol != IPPROTO_UDP)
		return -EINVAL;

	__be16 ports[2];

	if (bpf_skb_load_bytes(skb, inner->l4, ports, 4))
		return -EINVAL;
	inner->t.sport = ports[0];
	inner->t.dport = ports[1];
	return 0;
}

/* Turn the quoted packet's tuple round: that of a packet of its flow in the error's own direction. */
static __always_inline void lb_icmp_turn(struct lb_tuple *t)
{
#pragma unroll
	for (int i = 0; i < 4; i++) {
		__be32 word = t->src[i];

		t->src[i] = t->dst[i];
		t->dst[i] = word;
	}
	__be16 port = t->sport;

	t->sport = t->dport;
	t->dport = port;
}

/* Replace a 16-bit checksum inside the quoted packet; adds the change to *icmp. */
static __always_inline void lb_icmp_inner_check(
	struct __sk_buff *skb, __u32 at, __u64 diff, int zero_is_none, __u64 *icmp)
{
	__u16 old, new;

	if (bpf_skb_load_bytes(skb, at, &old, 2) || (zero_is_none && !old))
		return;
	new = lb_csum_apply(old, diff);
	if (zero_is_none && !new)
		new = 0xffff;
	bpf_skb_store_bytes(skb, at, &new, 2, 0);
	*icmp += (__u64)(__u16)~old + new;
}

/*
 * Translate the quoted packet: it went the other way, so its far end is what the flow's direction changes in
 * the outer header. Adds the change of every byte to *icmp.
 */
static __always_inline int lb_icmp_rewrite_inner(struct __sk_buff *skb, const struct lb_packet *inner,
	const struct lb_translation *t, __u32 direction, __u64 *icmp, const int v6)
{
	const __u32 bytes = v6 ? 16 : 4;
	/* To the backend: the quoted packet came from it. To the client: it went to the backend. */
	__u32 addr_at = inner->l3 + (v6 ? 8 : 12) + (direction == LB_TO_BACKEND ? 0 : bytes);
	__u32 port_at = inner->l4 + (direction == LB_TO_BACKEND ? 0 : 2);
	__u64 ports = (__u64)(__u16)~t->port_from + t->port_to;

	if (bpf_skb_store_bytes(skb, addr_at, t->to, bytes, 0) ||
		bpf_skb_store_bytes(skb, port_at, &t->port_to, 2, 0))
		return -EINVAL;
	*icmp += t->diff + ports;
	if (!v6)
		lb_icmp_inner_check(skb, inner->l3 + 10, t->diff, 0, icmp);
	if (inner->t.protocol == IPPROTO_UDP)
		lb_icmp_inner_check(skb, inner->l4 + LB_CSUM_UDP, t->diff + ports, 1, icmp);
	else
		lb_icmp_inner_check(skb, inner->l4 + LB_CSUM_TCP, t->diff + ports, 0, icmp);
	return 0;
}

static __always_inline int lb_tc_icmp_send(struct __sk_buff *skb, const struct lb_packet *p,
	const struct lb_found *found, __u64 diff, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_route route;
	int refused;

	if (!g || !found->flow)
		return 2;
	if (p->ttl <= 1) { /* no error about an error: RFC 1122 3.2.2 */
		lb_count(LB_COUNT_TTL);
		return 2;
	}
	if (bpf_l4_csum_replace(skb, p->l4 + 2, 0, lb_fold32(diff), 0))
		return 2;
	refused = lb_hop_find(skb, skb->ifindex, found->flow, found->direction, &route, g, v6);
	if (!refused) {
		/* ICMPv6's checksum covers the addresses of the outer header too. */
		struct lb_translation t;

		lb_translate(&t, found->flow, found->direction, v6);
		/* The error may come from a router on the way: its address becomes the flow's own end. */
		t.diff = lb_diff_words(0, found->direction == LB_TO_BACKEND ? p->t.dst : p->t.src, t.to, v6);
		if (v6 && bpf_l4_csum_replace(
				  skb, p->l4 + 2, 0, lb_fold32(t.diff), BPF_F_PSEUDO_HDR | g->csum_ipv6_flag))
			return 2;
		refused = lb_tc_write_l3(skb, &t, found->direction, &route, v6);
	}
	if (refused) {
		lb_count(refused);
		return 2;
	}
	lb_count(LB_COUNT_ICMP_TRANSLATED);
	return lb_tc_send(skb, &route, 0);
}

/* An ICMP packet: translated and sent on when it is an error about a flow of ours, else left to the stack. */
/* Per CPU: the quoted packet. */
LB_PERCPU(icmp_inner, struct lb_packet);

static __always_inline int lb_tc_icmp_as(struct __sk_buff *skb, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_packet *p = lb_packet();
	__u32 zero = 0;
	struct lb_packet *inner = bpf_map_lookup_elem(&icmp_inner, &zero);
	struct lb_found found;
	struct lb_translation t;
	__u64 diff = 0;

	if (!g || !p || !inner)
		goto pass;
	if (p->fragment || !lb_icmp_is_error(skb, p, v6) || lb_icmp_quoted(skb, p, inner, v6))
		goto pass;
	/* An error is for the sender of what it quotes. */
	if (!lb_same_words(p->t.dst, inner->t.src, v6))
		goto pass;
	lb_icmp_turn(&inner->t);
	found = lb_flow_find(&inner->t, g, v6);
	if (!found.flow)
		goto pass;
	if (lb_flow_is_lost(&found, lb_now(), g, skb, v6))
		return lb_tc_drop(LB_COUNT_NO_LEASE);
	lb_translate(&t, found.flow, found.direction, v6);
	if (lb_icmp_rewrite_inner(skb, inner, &t, found.direction, &diff, v6)) {
		lb_count(LB_COUNT_REWRITE);
		return 2;
	}
	return lb_tc_icmp_send(skb, p, &found, diff, v6);
pass:
	return lb_tc_pass(skb, v6);
}

static __attribute__((noinline)) int lb_tc_icmp4(struct __sk_buff *skb)
{
	return lb_tc_icmp_as(skb, 0);
}

static __attribute__((noinline)) int lb_tc_icmp6(struct __sk_buff *skb)
{
	return lb_tc_icmp_as(skb, 1);
}

#endif
