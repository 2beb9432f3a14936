/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision about a packet, the same for tc and XDP: whose flow it is, what state that leads to, what is
 * to be done with it. Nothing here touches the packet.
 *
 *   hit:  tuple -> flow -> lease -> (UDP: is the backend still there?) -> state -> last use
 *   miss: tuple -> service -> lease -> (TCP: only a SYN) -> backend -> flow
 */
#ifndef TANDEM_LB_CORE_H
#define TANDEM_LB_CORE_H

#include "lb/bpf/lb_pick.h"

enum lb_action {
	LB_PASS,    /* not ours: to the stack, byte-identical */
	LB_FORWARD, /* rewrite for found.direction and send on */
	LB_DROP,    /* reason says why */
	LB_REFUSE,  /* the same, and the sender is told: RST or port unreachable */
	LB_RESET,   /* the backend is gone: RST to both sides */
};

struct lb_decision {
	enum lb_action action;
	__u32 reason;  /* enum lb_counter, for LB_DROP and LB_REFUSE */
	__u32 touched; /* first packet of its flow in this second: let the kernel confirm the neighbour */
	struct lb_found found;
};

/* The edge's: index of the interface that the packet came in by. ctx is its own. */
static __always_inline __u32 lb_edge_ingress(void *ctx);

static __always_inline void lb_decide_refused(
	struct lb_decision *d, const struct lb_service_entry *s, __u32 reason)
{
	d->reason = reason;
	d->action = LB_DROP;
	if (reason == LB_COUNT_NO_BACKEND && s->on_empty == LB_ON_EMPTY_REJECT)
		d->action = LB_REFUSE;
}

static __always_inline void lb_count_connection(const struct lb_flow *f)
{
	__u32 service_at = f->service, backend_at = f->backend;
	struct lb_traffic *traffic = bpf_map_lookup_elem(&service_traffic, &service_at);

	if (traffic)
		traffic->connections++;
	traffic = bpf_map_lookup_elem(&backend_traffic, &backend_at);
	if (traffic)
		traffic->connections++;
}

/* A TCP packet that begins nothing, and no flow has it. */
static __always_inline void lb_decide_unknown(
	struct lb_decision *d, const struct lb_packet *p, const struct lb_service_entry *s, __u32 lease)
{
	d->reason = LB_COUNT_NO_FLOW;
	d->action = p->tcp_flags & LB_TCP_RST || s->on_empty != LB_ON_EMPTY_REJECT ? LB_DROP : LB_REFUSE;
	if (lease && lb_lease_in_grace(lease)) {
		d->reason = LB_COUNT_GRACE;
		d->action = LB_DROP;
	}
}

/* No flow has the tuple. */
static __always_inline void lb_decide_new(
	struct lb_decision *d, const struct lb_packet *p, void *ctx, const int v6)
{
	long at = lb_service_find(&p->t, v6);

	if (at < 0) {
		d->action = LB_PASS;
		return;
	}

	__u32 service_at = at;
	struct lb_service_entry *s = bpf_map_lookup_elem(&services, &service_at);

	if (!s) {
		d->action = LB_PASS;
		return;
	}

	__u32 lease = lb_lease_of(p->t.dst, lb_edge_ingress(ctx), v6);

	if (lease && !lb_lease_is_fresh(lease, lb_now())) {
		d->action = LB_DROP;
		d->reason = LB_COUNT_NO_LEASE;
		return;
	}
	if (p->t.protocol == IPPROTO_TCP &&
		(p->tcp_flags & (LB_TCP_SYN | LB_TCP_ACK | LB_TCP_RST)) != LB_TCP_SYN) {
		lb_decide_unknown(d, p, s, lease);
		return;
	}

	int refused = lb_flow_new(&p->t, service_at, lease, &d->found, v6);

	if (refused) {
		lb_decide_refused(d, s, refused);
		return;
	}

	lb_count_connection(d->found.flow);
	d->action = LB_FORWARD;
}

/* The flow is over, or its backend is gone: the packet begins a new one. */
static __always_inline void lb_decide_again(
	struct lb_decision *d, const struct lb_packet *p, __u32 counter, void *ctx, const int v6)
{
	lb_count(counter);
	lb_flow_remove(v6, d->found.id, d->found.flow->generation);
	d->found.flow = 0;
	lb_decide_new(d, p, ctx, v6);
}

/*
 * Does a client's SYN on this flow begin a new one? When it is over, yes; but a reset may be forged, so a flow that
 * was reset keeps its backend while that serves: if the connection lives there, its answer tells the client so, and
 * if not, it begins there. A first SYN whose backend went away meanwhile looks for another.
 */
static __always_inline int lb_flow_begins_anew(const struct lb_flow *f)
{
	__u32 backend_at = f->backend;
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend_at);
	int away = !b || b->epoch != f->backend_epoch;

	if (f->state == LB_FLOW_SYN)
		return away;
	if (f->state == LB_FLOW_RST_CLIENT || f->state == LB_FLOW_RST_BACKEND)
		return away || !(b->flags & LB_BACKEND_SERVING);
	return lb_flow_is_over(f->state);
}

/* A TCP segment that may change the state of its flow. */
static __always_inline void lb_decide_tcp(
	struct lb_decision *d, const struct lb_packet *p, void *ctx, const int v6)
{
	struct lb_flow *f = d->found.flow;
	__u8 before = f->state, after;

	if (d->found.direction == LB_TO_BACKEND &&
		(p->tcp_flags & (LB_TCP_SYN | LB_TCP_ACK | LB_TCP_RST)) == LB_TCP_SYN &&
		lb_flow_begins_anew(f)) {
		lb_decide_again(d, p, LB_COUNT_REOPENED, ctx, v6);
		return;
	}
	if (before == LB_FLOW_DOOMED) {
		d->action = p->tcp_flags & LB_TCP_RST ? LB_DROP : LB_RESET;
		d->reason = LB_COUNT_DOOMED;
		return;
	}
	after = v6 ? lb_flow_tcp_event6(d->found.id, d->found.direction, p->tcp_flags, p->seq, p->ack)
		   : lb_flow_tcp_event4(d->found.id, d->found.direction, p->tcp_flags, p->seq, p->ack);
	if (after == LB_FLOW_ESTABLISHED && before != after)
		lb_sticky_refresh(d->found.id, v6);
	if (after == LB_FLOW_SYN_RECV && lb_flow_is_over(before)) { /* it had been reset, and begins anew */
		lb_count(LB_COUNT_REOPENED);
		lb_count_connection(f);
	}
}

static __always_inline void lb_decide_udp(
	struct lb_decision *d, const struct lb_packet *p, void *ctx, const int v6)
{
	struct lb_flow *f = d->found.flow;
	__u32 backend_at = f->backend;
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend_at);

	if (d->found.direction == LB_TO_BACKEND && b && b->epoch != f->backend_epoch) {
		lb_decide_again(d, p, LB_COUNT_UDP_REPICKED, ctx, v6);
		return;
	}
	if (f->state == LB_FLOW_UDP_NEW) {
		if (v6)
			lb_flow_confirm_udp6(d->found.id);
		else
			lb_flow_confirm_udp4(d->found.id);
		lb_sticky_refresh(d->found.id, v6);
	}
}

/* Does this node not have the flow's address any more? Looked up when it was not fresh, and once a second. */
static __always_inline int lb_flow_is_lost(
	const struct lb_found *found, __u32 now, const struct lb_globals *g, void *ctx, const int v6)
{
	const struct lb_flow *f = found->flow;

	if (!lb_rare(now - f->last_seen >= g->hz || (f->lease && !lb_lease_is_fresh(f->lease, now))))
		return 0;
	return v6 ? lb_flow_lease_lost6(found->id, found->direction, lb_edge_ingress(ctx))
		  : lb_flow_lease_lost4(found->id, found->direction, lb_edge_ingress(ctx));
}

/* The first packet in this second. */
static __always_inline void lb_flow_touch(
	const struct lb_found *found, __u8 protocol, __u32 now, const struct lb_globals *g, const int v6)
{
	struct lb_flow *f = found->flow;

	f->last_seen = now;
	if (now - g->control_seen > 2 * g->hz) { /* nobody tells of routes and neighbours that change */
		f->hop_epoch[0] = 0;
		f->hop_epoch[1] = 0;
	}
	if (f->flags & LB_FLOW_COPY) { /* the peer forwarded it till now */
		f->flags = 0;
		lb_count(LB_COUNT_COPY_TAKEN);
		lb_tell_flow(found->id, f->generation, protocol, v6);
	}
	lb_sticky_refresh(found->id, v6);
}

/* p has ports: it is TCP or UDP and no later fragment. */
static __always_inline void lb_decide(
	struct lb_decision *d, const struct lb_packet *p, const struct lb_globals *g, void *ctx, const int v6)
{
	__builtin_memset(d, 0, sizeof(*d));
	d->found = lb_flow_find(&p->t, g, v6);
	if (lb_rare(!d->found.flow)) {
		lb_decide_new(d, p, ctx, v6);
		return;
	}

	struct lb_flow *f = d->found.flow;
	__u32 now = lb_now();

	if (lb_rare(lb_flow_is_lost(&d->found, now, g, ctx, v6))) {
		d->action = LB_DROP;
		d->reason = LB_COUNT_NO_LEASE;
		return;
	}
	d->action = LB_FORWARD;
	if (p->t.protocol == IPPROTO_UDP)
		lb_decide_udp(d, p, ctx, v6);
	else if (lb_rare(f->state != LB_FLOW_ESTABLISHED ||
			 (p->tcp_flags & (LB_TCP_SYN | LB_TCP_FIN | LB_TCP_RST))))
		lb_decide_tcp(d, p, ctx, v6);
	if (d->action != LB_FORWARD || !d->found.flow)
		return;

	/* Not the `now` of before: what was made meanwhile would look as if from the future. */
	now = lb_now();
	f = d->found.flow;
	if (lb_rare(now - f->last_seen >= g->hz)) {
		d->touched = 1;
		lb_flow_touch(&d->found, p->t.protocol, now, g, v6);
	}
}

static __always_inline void lb_account(const struct lb_found *found, __u32 bytes)
{
	__u32 backend_at = found->flow->backend;
	__u32 service_at = found->flow->service;
	struct lb_traffic *t = bpf_map_lookup_elem(&backend_traffic, &backend_at);
	__u32 direction = found->direction & 1;

	if (t) {
		t->packets[direction]++;
		t->bytes[direction] += bytes;
	}
	t = bpf_map_lookup_elem(&service_traffic, &service_at);
	if (t) {
		t->packets[direction]++;
		t->bytes[direction] += bytes;
	}
}

#endif
