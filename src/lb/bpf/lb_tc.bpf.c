/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tc entry of the dataplane, on the ingress of each configured interface, and the control program
 * that tandem-lb runs to remove flows. What is not ours is left to the next classifier and the stack.
 */
#include "lb/bpf/lb_core.h"
#include "lb/bpf/lb_install.h"
#include "lb/bpf/lb_tc_lease.h"
#include "lb/bpf/lb_tc_parse.h"
#include "lb/bpf/lb_tc_rewrite.h"
#include "lb/bpf/lb_tc_reply.h"
#include "lb/bpf/lb_tc_icmp.h"
#include "lb/bpf/lb_tc_fragment.h"

static __always_inline __u32 lb_edge_ingress(void *ctx)
{
	return ((struct __sk_buff *)ctx)->ifindex;
}

/* Drop, and tell the sender why. */
static __always_inline int lb_tc_answer(
	struct __sk_buff *skb, __u32 reason, enum lb_tc_answer answer, __u32 mtu, const int v6)
{
	lb_count(reason);
	return v6 ? lb_tc_answer6(skb, answer, mtu) : lb_tc_answer4(skb, answer, mtu);
}

/* The packet belongs to found.flow: send it on, translated. */
static __always_inline int lb_tc_forward(struct __sk_buff *skb, struct lb_packet *p, struct lb_decision *d,
	const struct lb_globals *g, const int v6)
{
	struct lb_flow *f = d->found.flow;
	struct lb_route route;
	int refused;

	if (lb_rare(p->ttl <= 1))
		return lb_tc_answer(skb, LB_COUNT_TTL, LB_ANSWER_TTL, 0, v6);
	refused = lb_hop_find(skb, skb->ifindex, f, d->found.direction, &route, g, v6);
	if (lb_rare(refused))
		return lb_tc_drop(refused);
	if (lb_rare(lb_tc_too_big(skb, p, route.link)))
		return lb_tc_answer(skb, LB_COUNT_TOO_BIG, LB_ANSWER_TOO_BIG, route.link->mtu, v6);
	lb_account(&d->found, skb->len);
	refused = lb_tc_rewrite(skb, p, f, d->found.direction, &route, g, v6);
	if (lb_rare(refused))
		return lb_tc_drop(refused);
	lb_count(LB_COUNT_FORWARDED);
	return lb_tc_send(skb, &route, d->touched);
}

/* True when fragments waited for this first one: all have been put back on the ingress. */
static __always_inline int lb_tc_fragment_first(
	struct __sk_buff *skb, const struct lb_decision *d, const int v6)
{
	__u32 ours = d->action == LB_FORWARD && d->found.flow;

	if (!ours && d->action != LB_PASS)
		return 0;
	return v6 ? lb_tc_fragment_first6(skb, ours, d->found.id, d->found.direction)
		  : lb_tc_fragment_first4(skb, ours, d->found.id, d->found.direction);
}

static __always_inline int lb_tc_handle(struct __sk_buff *skb, const int v6)
{
	struct lb_packet *p = lb_packet();
	struct lb_decision d;
	struct lb_globals *g = lb_globals();

	if (lb_rare(!g || !p))
		return LB_TC_PASS;
	/* Too short to judge, lengths that contradict each other, or no protocol of ours: the stack knows what to do with it. */
	if (lb_tc_parse(skb, p, v6) != LB_PARSED || !lb_tc_lengths_agree(skb, p, v6))
		return lb_tc_pass(skb, v6);
	if (lb_rare(p->fragment == LB_FRAGMENT_LATER))
		return v6 ? lb_tc_fragment_later6(skb) : lb_tc_fragment_later4(skb);
	if (lb_rare(p->t.protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)))
		return v6 ? lb_tc_icmp6(skb) : lb_tc_icmp4(skb);
	if (p->t.protocol != IPPROTO_TCP && p->t.protocol != IPPROTO_UDP)
		return lb_tc_pass(skb, v6);
	lb_decide(&d, p, g, skb, v6);
	if (lb_rare(p->fragment == LB_FRAGMENT_FIRST) && lb_tc_fragment_first(skb, &d, v6))
		return LB_TC_SHOT; /* replayed together with the fragments that waited for it */
	if (!lb_rare(d.action != LB_FORWARD || !d.found.flow))
		return lb_tc_forward(skb, p, &d, g, v6);
	if (d.action == LB_PASS)
		return lb_tc_pass(skb, v6);
	if (d.action == LB_RESET && d.found.flow)
		return v6 ? lb_tc_reset_both6(skb, d.found.id, d.found.direction)
			  : lb_tc_reset_both4(skb, d.found.id, d.found.direction);
	if (d.action == LB_REFUSE)
		return lb_tc_answer(skb, d.reason,
			p->t.protocol == IPPROTO_TCP ? LB_ANSWER_RST : LB_ANSWER_UNREACHABLE, 0, v6);
	return lb_tc_drop(d.reason);
}

SEC("tc")
int lb_ingress(struct __sk_buff *skb)
{
	/* A tag that is not ours, a frame for another host (a flooding switch): not for this node. */
	if (skb->vlan_present || skb->pkt_type != LB_PACKET_HOST)
		return lb_tc_pass_frame(skb);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return lb_tc_handle(skb, 0);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return lb_tc_handle(skb, 1);
	return lb_tc_pass_frame(skb);
}

/* ---- control ---- */

/* Carry out the command in that place: how many flows it changed, -1 at the end of the list. */
__attribute__((noinline)) int lb_control_one(__u32 at)
{
	struct lb_control *c = bpf_map_lookup_elem(&control, &at);
	int removed;

	if (!c || c->op < LB_CONTROL_EXPIRE || c->op > LB_CONTROL_REMOVE_COPY)
		return -1;

	__u32 id = c->id, generation = c->generation, last_seen = c->last_seen;
	__u32 only_if = c->op == LB_CONTROL_EXPIRE        ? LB_IF_UNUSED
			: c->op == LB_CONTROL_REMOVE_COPY ? LB_IF_COPY
							  : LB_IF_ANY;

	if (c->op == LB_CONTROL_DOOM)
		removed = c->family == 6 ? lb_flow_doom(id, generation, 1) : lb_flow_doom(id, generation, 0);
	else if (c->family == 6)
		removed = lb_flow_remove6(id, generation, only_if, last_seen);
	else
		removed = lb_flow_remove4(id, generation, only_if, last_seen);
	c->op = removed == 0 ? LB_CONTROL_DONE : LB_CONTROL_STALE;
	return removed == 0;
}

static __always_inline int lb_control_install(void)
{
	__u32 done = 0;

	for (__u32 at = 0; at < LB_INSTALL_MAX; at++) {
		int changed = lb_install_one(at);

		if (changed < 0)
			break;
		done += changed;
	}
	return done;
}

/* Mark 0: carry out the commands of the control map up to the first LB_CONTROL_NONE; answers how many took effect. 1: what
 * the clock of the flows shows. 2: does this kernel know BPF_F_IPV6? 3: carry out the peer's records (lb_install.h); answers
 * how many changed the table. */
SEC("tc")
int lb_control_run(struct __sk_buff *skb)
{
	__u32 done = 0;

	if (skb->mark == 1)
		return (int)lb_now();
	if (skb->mark == 2) /* BPF_F_IPV6 is 1 << 7 */
		return bpf_l4_csum_replace(skb, 14, 0, 0, BPF_F_PSEUDO_HDR | (1ULL << 7)) == 0;
	if (skb->mark == 3)
		return lb_control_install();
	for (__u32 at = 0; at < LB_CONTROL_MAX; at++) {
		int changed = lb_control_one(at);

		if (changed < 0)
			break;
		done += changed;
	}
	return done;
}

char _license[] SEC("license") = "GPL";
