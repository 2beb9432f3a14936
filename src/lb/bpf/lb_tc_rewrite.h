/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translating a packet that tc holds: addresses, ports, checksums (RFC 1624), TTL, MAC addresses. The L4
 * checksum goes through the kernel's helper, which alone knows whether the skb's is complete, partial
 * (a pseudo-header sum that the device finishes) or verified; everything else is written directly.
 */
#ifndef TANDEM_LB_TC_REWRITE_H
#define TANDEM_LB_TC_REWRITE_H

#include "lb/bpf/lb_hop.h"

#define LB_CSUM_TCP 16
#define LB_CSUM_UDP 6

/* Ones' complement sum of new words less old ones, folded to 32 bits (a __wsum). */
static __always_inline __u64 lb_diff_words(__u64 sum, const __be32 *from, const __be32 *to, const int v6)
{
#pragma unroll
	for (int i = 0; i < (v6 ? 4 : 1); i++)
		sum += (__u64)(__u32)~from[i] + to[i];
	return sum;
}

static __always_inline __u32 lb_fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (__u32)((sum & 0xffffffff) + (sum >> 32));
}

static __always_inline __u16 lb_fold16(__u64 sum)
{
	sum = lb_fold32(sum);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* RFC 1624, equation 3. */
static __always_inline __u16 lb_csum_apply(__u16 check, __u64 diff)
{
	return ~lb_fold16((__u64)(__u16)~check + diff);
}

/* What changes in a packet of a flow in one direction. */
struct lb_translation {
	__be32 *from, *to; /* the address that changes */
	__be16 port_from, port_to;
	__u64 diff; /* of the addresses */
};

static __always_inline void lb_translate(
	struct lb_translation *t, struct lb_flow *f, __u32 direction, const int v6)
{
	if (direction == LB_TO_BACKEND) {
		t->from = lb_flow_service(f, v6);
		t->to = lb_flow_backend(f, v6);
		t->port_from = f->service_port;
		t->port_to = f->backend_port;
	} else {
		t->from = lb_flow_backend(f, v6);
		t->to = lb_flow_service(f, v6);
		t->port_from = f->backend_port;
		t->port_to = f->service_port;
	}
	t->diff = lb_diff_words(0, t->from, t->to, v6);
}

static __always_inline int lb_tc_l4_checksum(struct __sk_buff *skb, const struct lb_packet *p,
	const struct lb_translation *t, const struct lb_globals *g, const int v6)
{
	int udp = p->t.protocol == IPPROTO_UDP;
	__u32 at = p->l4 + (udp ? LB_CSUM_UDP : LB_CSUM_TCP);
	__u64 flags = udp ? BPF_F_MARK_MANGLED_0 : 0;
	__u64 pseudo = BPF_F_PSEUDO_HDR | (v6 ? g->csum_ipv6_flag : 0);
	__u32 diff = lb_fold32(t->diff);

	if (bpf_l4_csum_replace(skb, at, 0, diff, flags | pseudo))
		return -EINVAL;
	if (t->port_from == t->port_to)
		return 0;
	return bpf_l4_csum_replace(skb, at, t->port_from, t->port_to, flags | 2) ? -EINVAL : 0;
}

static __always_inline void lb_write_ipv4(struct iphdr *ip, const struct lb_translation *t, __u32 direction)
{
	/* The TTL is the high byte of its 16-bit word: one less. */
	__u64 diff = t->diff + (__u16)~bpf_htons(0x0100);

	if (direction == LB_TO_BACKEND)
		ip->daddr = *t->to;
	else
		ip->saddr = *t->to;
	ip->ttl--;
	ip->check = lb_csum_apply(ip->check, diff);
}

static __always_inline void lb_write_ipv6(struct ipv6hdr *ip, const struct lb_translation *t, __u32 direction)
{
	struct in6_addr *addr = direction == LB_TO_BACKEND ? &ip->daddr : &ip->saddr;

#pragma unroll
	for (int i = 0; i < 4; i++)
		addr->in6_u.u6_addr32[i] = t->to[i];
	ip->hop_limit--;
}

/* The IP header, and the MACs when the route has them. 0, or the counter of the reason. */
static __always_inline int lb_tc_write_l3(struct __sk_buff *skb, const struct lb_translation *t,
	__u32 direction, const struct lb_route *route, const int v6)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	__u32 l3_bytes = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	if (data + sizeof(*eth) + l3_bytes > end)
		return LB_COUNT_REWRITE;
	if (v6)
		lb_write_ipv6(data + sizeof(*eth), t, direction);
	else
		lb_write_ipv4(data + sizeof(*eth), t, direction);
	if (route->link) {
		__builtin_memcpy(eth->h_dest, route->mac, 6);
		__builtin_memcpy(eth->h_source, route->link->mac, 6);
	}
	return 0;
}

/* A whole packet of the flow: L4 checksum, ports, IP header, MACs. 0, or the counter of the reason. */
static __always_inline int lb_tc_rewrite(struct __sk_buff *skb, const struct lb_packet *p, struct lb_flow *f,
	__u32 direction, const struct lb_route *route, const struct lb_globals *g, const int v6)
{
	struct lb_translation t;

	lb_translate(&t, f, direction, v6);
	if (lb_tc_l4_checksum(skb, p, &t, g, v6))
		return LB_COUNT_REWRITE;
	if (t.port_from != t.port_to) {
		void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
		__be16 *ports = lb_header(data, p->l4);

		if ((void *)(ports + 2) > end)
			return LB_COUNT_REWRITE;
		ports[direction == LB_TO_BACKEND ? 1 : 0] = t.port_to;
	}
	return lb_tc_write_l3(skb, &t, direction, route, v6);
}

/* Larger than the link takes? A GSO packet counts by its segments. */
static __always_inline int lb_tc_too_big(
	const struct __sk_buff *skb, const struct lb_packet *p, const struct lb_link *link)
{
	__u32 length = skb->len - ETH_HLEN;

	if (!link || length <= link->mtu)
		return 0;
	if (!skb->gso_size)
		return 1;

	__u32 l4 = p->t.protocol == IPPROTO_TCP ? (__u32)p->tcp_words * 4 : sizeof(struct udphdr);

	return p->l3_len + l4 + skb->gso_size > link->mtu;
}

static __always_inline int lb_tc_send(struct __sk_buff *skb, const struct lb_route *route, int confirm)
{
	if (route->link && !confirm)
		return bpf_redirect(route->ifindex, 0);
	lb_count(LB_COUNT_NEIGH_RESOLVE);
	return bpf_redirect_neigh(route->ifindex, NULL, 0, 0);
}

#endif
