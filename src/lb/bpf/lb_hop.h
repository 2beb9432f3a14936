/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The next hop of a flow's packets: learnt from the kernel's FIB once, kept in the flow, learnt again when
 * tandem-lb has seen a route, neighbour or link change (globals.route_epoch). bpf_fib_lookup exists for tc
 * and XDP alike; ctx is passed through.
 */
#ifndef TANDEM_LB_HOP_H
#define TANDEM_LB_HOP_H

#include "lb/bpf/lb_flow.h"

#define LB_AF_INET  2
#define LB_AF_INET6 10

struct lb_route {
	struct lb_link *link; /* NULL: let the kernel resolve the neighbour on ifindex */
	__u8 mac[6];
	__u32 ifindex;
};

/* 0, or the counter of the reason why there is no way. */
static __always_inline int lb_hop_learn_inline(
	void *ctx, __u32 ingress, struct lb_flow *f, __u32 direction, struct lb_route *route, const int v6)
{
	struct bpf_fib_lookup fib = {};
	struct lb_globals *g = lb_globals();
	__u32 epoch = g ? g->route_epoch : 0;

	fib.family = v6 ? LB_AF_INET6 : LB_AF_INET;
	fib.l4_protocol = f->protocol;
	fib.ifindex = ingress;

	__be32 *src = direction == LB_TO_BACKEND ? lb_flow_client(f, v6) : lb_flow_service(f, v6);
	__be32 *dst = direction == LB_TO_BACKEND ? lb_flow_backend(f, v6) : lb_flow_client(f, v6);

	if (v6) {
		lb_copy_words(fib.ipv6_src, src, 4);
		lb_copy_words(fib.ipv6_dst, dst, 4);
	} else {
		fib.ipv4_src = *src;
		fib.ipv4_dst = *dst;
	}
	lb_count(LB_COUNT_HOP_LEARNT);

	long result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);

	if (result == BPF_FIB_LKUP_RET_NO_NEIGH) {
		route->ifindex = fib.ifindex;
		return 0;
	}
	if (result == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return LB_COUNT_FORWARDING_OFF;
	/* tc compares the packet with the device's MTU by itself. The way is known even so; who is too big is told later. */
	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return LB_COUNT_NO_ROUTE;
	route->ifindex = fib.ifindex;
	/* Before Linux 6.3 the lookup also succeeds with a neighbour that is being asked for. */
	if (!(fib.dmac[0] | fib.dmac[1] | fib.dmac[2] | fib.dmac[3] | fib.dmac[4] | fib.dmac[5]))
		return 0;

	__u32 *at = bpf_map_lookup_elem(&link_keys, &route->ifindex);

	if (!at)
		return 0;

	__u32 link_at = *at;

	route->link = bpf_map_lookup_elem(&links, &link_at);
	if (!route->link)
		return 0;
	__builtin_memcpy(route->mac, fib.dmac, 6);
	direction &= 1;
	__builtin_memcpy(f->hop[direction].mac, fib.dmac, 6);
	f->hop[direction].link = link_at;
	f->hop_epoch[direction] = epoch;
	return 0;
}

static __attribute__((noinline)) int lb_hop_learn4(
	void *ctx, __u32 ingress, struct lb_flow *f, __u32 direction, struct lb_route *route)
{
	return lb_hop_learn_inline(ctx, ingress, f, direction, route, 0);
}

static __attribute__((noinline)) int lb_hop_learn6(
	void *ctx, __u32 ingress, struct lb_flow *f, __u32 direction, struct lb_route *route)
{
	return lb_hop_learn_inline(ctx, ingress, f, direction, route, 1);
}

static __always_inline int lb_hop_find(void *ctx, __u32 ingress, struct lb_flow *f, __u32 direction,
	struct lb_route *route, const struct lb_globals *g, const int v6)
{
	__builtin_memset(route, 0, sizeof(*route));
	direction &= 1;
	if (!lb_rare(f->hop_epoch[direction] != g->route_epoch)) {
		__u32 link_at = f->hop[direction].link;

		route->link = bpf_map_lookup_elem(&links, &link_at);
		if (route->link) {
			route->ifindex = route->link->ifindex;
			__builtin_memcpy(route->mac, f->hop[direction].mac, 6);
			return 0;
		}
	}
	return v6 ? lb_hop_learn6(ctx, ingress, f, direction, route)
		  : lb_hop_learn4(ctx, ingress, f, direction, route);
}

#endif
