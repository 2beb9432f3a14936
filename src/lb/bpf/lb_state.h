/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a flow as pure functions: which state a TCP segment leads to (RFC 9293 as seen by a
 * bystander), which states count as a live connection, how long an unused flow is kept. The dataplane,
 * the aging in tandem-lb and the tests' model run this same code.
 */
#ifndef TANDEM_LB_STATE_H
#define TANDEM_LB_STATE_H

#include "lb/bpf/lb_abi.h"

#define LB_TCP_FIN 0x01
#define LB_TCP_SYN 0x02
#define LB_TCP_RST 0x04
#define LB_TCP_ACK 0x10

/* Live flows are what lc and wlc count and what drain waits for. */
static inline int lb_flow_is_live(__u8 state)
{
	return (state >= LB_FLOW_SYN && state <= LB_FLOW_FIN_BACKEND) || state >= LB_FLOW_UDP_NEW;
}

/* A half-open flow, or one that never got further, may be evicted when the budget for them is used up. */
static inline int lb_flow_is_half_open(__u8 state)
{
	return state == LB_FLOW_SYN || state == LB_FLOW_SYN_RECV || state == LB_FLOW_ABORTED ||
	       state == LB_FLOW_UDP_NEW;
}

/* The other node of a pair has a copy of such a flow. */
static inline int lb_flow_is_told(__u8 state)
{
	return (state >= LB_FLOW_ESTABLISHED && state <= LB_FLOW_FIN_BACKEND) || state == LB_FLOW_UDP;
}

/* It may have a copy of such a flow, which is over. */
static inline int lb_flow_was_told(__u8 state)
{
	return lb_flow_is_told(state) ||
	       (state >= LB_FLOW_CLOSING && state <= LB_FLOW_DOOMED && state != LB_FLOW_ABORTED);
}

/* A client's SYN on such a flow begins a new connection (RFC 9293 3.6.1, RFC 1122 4.2.2.13). */
static inline int lb_flow_is_over(__u8 state)
{
	return state >= LB_FLOW_CLOSING && state <= LB_FLOW_DOOMED;
}

static inline __u8 lb_tcp_after_fin(__u8 state, __u32 direction)
{
	__u8 first = direction == LB_TO_BACKEND ? LB_FLOW_FIN_CLIENT : LB_FLOW_FIN_BACKEND;

	if (state == LB_FLOW_ESTABLISHED)
		return first;
	if ((state == LB_FLOW_FIN_CLIENT || state == LB_FLOW_FIN_BACKEND) && state != first)
		return LB_FLOW_CLOSING;
	return state;
}

/*
 * The state after a segment with these flags. acks_backend: its acknowledgement number is the one that
 * completes the handshake, so that nobody who cannot see the SYN+ACK can make a flow established.
 */
static inline __u8 lb_tcp_next(__u8 state, __u32 direction, __u8 flags, int acks_backend)
{
	if (state == LB_FLOW_DOOMED || state == LB_FLOW_ABORTED || state == LB_FLOW_CLOSING)
		return state; /* over: only a new connection changes that */
	/* Not RST_CLIENT: a SYN, a RST and an ACK from nobody knows whom would make a flow established. */
	if ((flags & LB_TCP_RST) && (state == LB_FLOW_SYN || state == LB_FLOW_SYN_RECV))
		return LB_FLOW_ABORTED;
	if (flags & LB_TCP_RST)
		return direction == LB_TO_BACKEND ? LB_FLOW_RST_CLIENT : LB_FLOW_RST_BACKEND;
	if (flags & LB_TCP_SYN) {
		int was_reset = state == LB_FLOW_RST_CLIENT || state == LB_FLOW_RST_BACKEND;

		/* A reset connection's client began again, and the backend had none of it left. */
		if ((state == LB_FLOW_SYN || was_reset) && direction == LB_TO_CLIENT && (flags & LB_TCP_ACK))
			return LB_FLOW_SYN_RECV;
		return state;
	}
	if (state == LB_FLOW_SYN_RECV && (direction == LB_TO_CLIENT || acks_backend))
		state = LB_FLOW_ESTABLISHED;
	/* Who goes on sending did not reset: the RST was forged or out of the window. */
	if ((state == LB_FLOW_RST_CLIENT && direction == LB_TO_BACKEND) ||
		(state == LB_FLOW_RST_BACKEND && direction == LB_TO_CLIENT))
		state = LB_FLOW_ESTABLISHED;
	return flags & LB_TCP_FIN ? lb_tcp_after_fin(state, direction) : state;
}

/* Jiffies since the last use. Another CPU may have used it after this one looked at the clock: that is now. */
static inline __u32 lb_age_of(__u32 used, __u32 now)
{
	return (__s32)(now - used) < 0 ? 0 : now - used;
}

/* Jiffies after which an unused flow is removed; idle_jiffies is its service's. A copy (LB_FLOW_COPY) stays for a quarter
 * longer, lb_copy_timeout(): the node that forwards it is to end it. */
static inline __u32 lb_flow_timeout(__u8 state, __u32 idle_jiffies, const struct lb_globals *g)
{
	switch (state) {
	case LB_FLOW_ESTABLISHED:
	case LB_FLOW_UDP:
		return idle_jiffies;
	case LB_FLOW_SYN:
	case LB_FLOW_SYN_RECV:
		return g->half_open_jiffies;
	case LB_FLOW_UDP_NEW:
		return idle_jiffies < g->half_open_jiffies ? idle_jiffies : g->half_open_jiffies;
	case LB_FLOW_FIN_CLIENT:
	case LB_FLOW_FIN_BACKEND:
		return idle_jiffies < g->half_closed_jiffies ? idle_jiffies : g->half_closed_jiffies;
	case LB_FLOW_RST_CLIENT:
	case LB_FLOW_RST_BACKEND:
		return 4 * g->closing_jiffies; /* a forged one may be taken back by who goes on */
	default:
		return g->closing_jiffies;
	}
}

static inline __u32 lb_copy_timeout(__u32 timeout)
{
	return timeout + timeout / 4;
}

#endif
