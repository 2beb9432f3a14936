/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments (RFC 791, RFC 8200 4.5). The first carries the ports: its flow is remembered for the datagram's
 * id, and later ones follow it. One that comes before its first is held (a copy in a map) if one of its
 * addresses is ours. When the first arrives, all are put back on the interface's ingress, the first at the
 * head, and take the ordinary way. What was held and never asked for is overwritten by the next.
 */
#ifndef TANDEM_LB_TC_FRAGMENT_H
#define TANDEM_LB_TC_FRAGMENT_H

#include "lb/bpf/lb_core.h"
#include "lb/bpf/lb_tc_lease.h"
#include "lb/bpf/lb_tc_parse.h"
#include "lb/bpf/lb_tc_rewrite.h"

#define LB_FRAGMENT_SECONDS 30 /* net.ipv4.ipfrag_time */

/* Per CPU: a held fragment on its way in or out. */
LB_PERCPU(held_scratch, struct lb_held);

static __always_inline void lb_fragment_key(
	struct lb_fragment_key *key, const struct lb_packet *p, const int v6)
{
	__builtin_memset(key, 0, sizeof(*key));
	lb_copy_words(key->src, p->t.src, 4);
	lb_copy_words(key->dst, p->t.dst, 4);
	key->id = p->fragment_id;
	/* The type of an IPv6 datagram's later fragments is the first's next header: not ours to compare. */
	key->protocol = v6 ? 0 : p->t.protocol;
	key->family = v6 ? 6 : 4;
}

static __always_inline int lb_own_addr(const __be32 *addr, const int v6)
{
	struct lb_own_addr_key key = {.family = v6 ? 6 : 4};

	lb_copy_words(key.addr, addr, 4);
	return bpf_map_lookup_elem(&own_addrs, &key) != 0;
}

/* Keep a copy of the fragment until its first comes. */
static __attribute__((noinline)) int lb_fragment_hold(
	struct __sk_buff *skb, const struct lb_fragment_key *key)
{
	__u32 zero = 0, at = lb_cursor_step(LB_CURSOR_HELD, LB_HELD_MAX, 1), length = skb->len;
	struct lb_held *h = bpf_map_lookup_elem(&held_scratch, &zero);

	if (!h || length > LB_HELD_BYTES || length < ETH_HLEN) {
		lb_count(LB_COUNT_FRAGMENT_LOST);
		return 2;
	}
	h->key = *key;
	h->length = length;
	h->seen = lb_now();
	if (bpf_skb_load_bytes(skb, 0, h->frame, (length - 1 & (LB_HELD_BYTES - 1)) + 1) ||
		bpf_map_update_elem(&held, &at, h, 0)) {
		lb_count(LB_COUNT_FRAGMENT_LOST);
		return 2;
	}
	lb_count(LB_COUNT_FRAGMENT_HELD);
	return 2;
}

/* Is the fragment held at that place of the datagram whose key stands in held_scratch? What does not match is not put
 * back, and what is put back is free: or the first fragment would come round for ever. */
__attribute__((noinline)) int lb_fragment_waits(__u32 at)
{
	__u32 zero = 0;
	struct lb_globals *g = lb_globals();
	struct lb_held *want = bpf_map_lookup_elem(&held_scratch, &zero);
	struct lb_held *h = bpf_map_lookup_elem(&held, &at);

	if (!g || !want || !h || !h->length || lb_now() - h->seen > LB_FRAGMENT_SECONDS * g->hz)
		return 0;
	for (int i = 0; i < 4; i++)
		if (h->key.src[i] != want->key.src[i] || h->key.dst[i] != want->key.dst[i])
			return 0;
	return h->key.id == want->key.id && h->key.protocol == want->key.protocol &&
	       h->key.family == want->key.family;
}

/* Put the held fragment on the interface's ingress in the skb's shape, if it is of this datagram. */
static __attribute__((noinline)) int lb_fragment_release(struct __sk_buff *skb, __u32 at)
{
	struct lb_held *h = bpf_map_lookup_elem(&held, &at);

	if (!h || !lb_fragment_waits(at))
		return 0;

	__u32 length = (h->length - 1 & (LB_HELD_BYTES - 1)) + 1;

	h->length = 0;
	if (bpf_skb_change_tail(skb, length, 0) || bpf_skb_store_bytes(skb, 0, h->frame, length, 0))
		return 0;
	bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
	return 1;
}

/*
 * Remember the first fragment's flow. 1 when others were waiting for it: all were put back on the ingress,
 * this one first, and the skb is used up.
 */
static __always_inline int lb_tc_fragment_first_as(
	struct __sk_buff *skb, __u32 ours, __u32 id, __u32 direction, const int v6)
{
	struct lb_fragment_key key;
	struct lb_fragment_entry entry = {.seen = lb_now()};
	struct lb_packet *p = lb_packet();
	struct lb_flow *f = lb_flow_at(id, v6);
	__u32 zero = 0, waiting = 0;

	if (!p)
		return 0;
	lb_fragment_key(&key, p, v6);
	if (ours && f) {
		entry.flow = id;
		entry.generation = f->generation;
		entry.direction = direction & 1;
		lb_count(LB_COUNT_FRAGMENT_FIRST);
	} else if (!lb_own_addr(p->t.dst, v6) && !lb_own_addr(p->t.src, v6)) {
		return 0;
	}
	bpf_map_update_elem(&fragments, &key, &entry, 0);

	struct lb_held *want = bpf_map_lookup_elem(&held_scratch, &zero);

	if (!want)
		return 0;
	want->key = key;
	for (__u32 at = 0; at < LB_HELD_MAX && !waiting; at++)
		waiting = lb_fragment_waits(at);
	if (!waiting || bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS))
		return 0;
	for (__u32 at = 0; at < LB_HELD_MAX; at++)
		lb_fragment_release(skb, at);
	return 1;
}

static __attribute__((noinline)) int lb_tc_fragment_first4(
	struct __sk_buff *skb, __u32 ours, __u32 id, __u32 direction)
{
	return lb_tc_fragment_first_as(skb, ours, id, direction, 0);
}

static __attribute__((noinline)) int lb_tc_fragment_first6(
	struct __sk_buff *skb, __u32 ours, __u32 id, __u32 direction)
{
	return lb_tc_fragment_first_as(skb, ours, id, direction, 1);
}

static __always_inline int lb_fragment_forward(struct __sk_buff *skb, const struct lb_packet *p,
	const struct lb_fragment_entry *e, const struct lb_globals *g, const int v6)
{
	struct lb_flow *f = lb_flow_at(e->flow, v6);
	struct lb_route route;
	struct lb_translation t;
	int refused;

	if (!f || f->generation != e->generation || f->state == LB_FLOW_FREE) {
		lb_count(LB_COUNT_FRAGMENT_LOST);
		return 2;
	}

	const struct lb_found found = {.flow = f, .id = e->flow, .direction = e->direction};

	if (lb_flow_is_lost(&found, lb_now(), g, skb, v6))
		return lb_tc_drop(LB_COUNT_NO_LEASE);
	if (p->ttl <= 1) { /* an error is for the first fragment only: RFC 1122 3.2.2 */
		lb_count(LB_COUNT_TTL);
		return 2;
	}
	refused = lb_hop_find(skb, skb->ifindex, f, e->direction, &route, g, v6);
	if (!refused) {
		lb_translate(&t, f, e->direction, v6);
		refused = lb_tc_write_l3(skb, &t, e->direction, &route, v6);
	}
	if (refused) {
		lb_count(refused);
		return 2;
	}
	lb_count(LB_COUNT_FRAGMENT_LATER);
	return lb_tc_send(skb, &route, 0);
}

static __always_inline int lb_tc_fragment_later_as(struct __sk_buff *skb, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_packet *p = lb_packet();
	struct lb_fragment_key key;
	struct lb_fragment_entry *e;

	if (!g || !p)
		goto pass;
	/* Of another protocol: no first one of ours will come. Behind an IPv6 extension any may stand. */
	if (p->t.protocol != IPPROTO_TCP && p->t.protocol != IPPROTO_UDP &&
		!(v6 && lb_ipv6_is_extension(p->t.protocol)))
		goto pass;
	lb_fragment_key(&key, p, v6);
	e = bpf_map_lookup_elem(&fragments, &key);
	if (e && lb_now() - e->seen <= LB_FRAGMENT_SECONDS * g->hz) {
		if (!e->generation)
			goto pass;
		return lb_fragment_forward(skb, p, e, g, v6);
	}
	if (!lb_own_addr(p->t.dst, v6) && !lb_own_addr(p->t.src, v6))
		goto pass;
	return lb_fragment_hold(skb, &key);
pass:
	return lb_tc_pass(skb, v6);
}

static __attribute__((noinline)) int lb_tc_fragment_later4(struct __sk_buff *skb)
{
	return lb_tc_fragment_later_as(skb, 0);
}

static __attribute__((noinline)) int lb_tc_fragment_later6(struct __sk_buff *skb)
{
	return lb_tc_fragment_later_as(skb, 1);
}

#endif
