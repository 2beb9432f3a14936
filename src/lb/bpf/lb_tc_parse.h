/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsing what tc holds: the part of the headers that is not in the linear data is pulled in, and IPv6
 * extension headers are walked in a function of its own.
 *
 * Here and in what tc adds on top, a function that is not inlined and takes the packet is static, and called from few
 * places: only a kernel with BTF lets a global one have the packet, and the verifier looks at a static one once a call.
 */
#ifndef TANDEM_LB_TC_PARSE_H
#define TANDEM_LB_TC_PARSE_H

#include "lb/bpf/lb_maps.h"
#include "lb/bpf/lb_packet.h"

LB_PERCPU(ipv6_walk, struct lb_ipv6_walk);

/* Walk from the header of type next at that offset; the result stands in ipv6_walk. RFC 8200 section 4. */
static __attribute__((noinline)) int lb_tc_ipv6_walk(struct __sk_buff *skb, __u32 at, __u32 next)
{
	__u32 zero = 0;
	struct lb_ipv6_walk *w = bpf_map_lookup_elem(&ipv6_walk, &zero);

	if (!w)
		return 0;
	__builtin_memset(w, 0, sizeof(*w));
	for (int i = 0; i < LB_IPV6_EXT_MAX && lb_ipv6_is_extension(next); i++) {
		struct lb_ipv6_fragment ext;

		if (bpf_skb_load_bytes(skb, at, &ext, sizeof(ext)))
			return 0;
		if (next == IPPROTO_FRAGMENT) {
			__u16 offset = bpf_ntohs(ext.offset);

			if (offset & 0xfff9) { /* an atomic fragment (RFC 6946) is whole */
				w->fragment_id = ext.id;
				w->fragment = offset & 0xfff8 ? LB_FRAGMENT_LATER : LB_FRAGMENT_FIRST;
			}
			at += 8;
		} else {
			at += 8 + ((__u32)ext.reserved << 3);
		}
		next = ext.nexthdr;
		if (w->fragment == LB_FRAGMENT_LATER)
			break;
	}
	/* The later fragments' next header is the first's, which may be an extension (one of them is 0): any will do there. */
	if (w->fragment == LB_FRAGMENT_LATER || next == IPPROTO_TCP || next == IPPROTO_UDP ||
		next == IPPROTO_ICMPV6) {
		w->protocol = next;
		w->at = at;
	}
	return 0;
}

static __always_inline enum lb_parsed lb_tc_parse_extended(struct __sk_buff *skb, struct lb_packet *p)
{
	__u32 zero = 0;
	struct lb_ipv6_walk *w = bpf_map_lookup_elem(&ipv6_walk, &zero);

	lb_tc_ipv6_walk(skb, p->l4, p->t.protocol);
	return w ? lb_parse_walked(p, w) : LB_PARSE_OTHER;
}

/* The packet at the frame's network header. Pulls the headers into the linear data where needed. */
static __always_inline enum lb_parsed lb_tc_parse(struct __sk_buff *skb, struct lb_packet *p, const int v6)
{
	__u32 want = ETH_HLEN + (v6 ? 40 : 60) + 20;
	enum lb_parsed got = lb_parse(p, (void *)(long)skb->data, (void *)(long)skb->data_end, ETH_HLEN, v6);

	if (got == LB_PARSE_SHORT && !bpf_skb_pull_data(skb, skb->len < want ? skb->len : want))
		got = lb_parse(p, (void *)(long)skb->data, (void *)(long)skb->data_end, ETH_HLEN, v6);
	if (!v6 || got != LB_PARSE_EXTENDED)
		return got;
	got = lb_tc_parse_extended(skb, p);
	if (got != LB_PARSED || p->fragment == LB_FRAGMENT_LATER)
		return got;
	want = p->l4 + sizeof(struct tcphdr);
	if (bpf_skb_pull_data(skb, skb->len < want ? skb->len : want))
		return LB_PARSE_SHORT;
	return lb_parse_l4(p, (void *)(long)skb->data, (void *)(long)skb->data_end);
}

/*
 * Is what the IP header says of the packet's length true, and are the headers within it? Behind it Ethernet's padding
 * may follow. A GSO packet may be too long for the field, which is 0 then.
 */
static __always_inline int lb_tc_lengths_agree(
	const struct __sk_buff *skb, const struct lb_packet *p, const int v6)
{
	__u32 least = p->l3_len;

	if (p->fragment != LB_FRAGMENT_LATER)
		least += p->t.protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : 8;
	if (p->total >= least && p->total + ETH_HLEN <= skb->len)
		return 1;
	return skb->gso_size && p->total == (v6 ? sizeof(struct ipv6hdr) : 0);
}

/* Per CPU: the packet in hand. The functions off the fast path find it here, parsed. */
LB_PERCPU(packet, struct lb_packet);

static __always_inline struct lb_packet *lb_packet(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&packet, &zero);
}

#endif
