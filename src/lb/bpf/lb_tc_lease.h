/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What leaves the dataplane for the stack, and what is not to: a packet to an address whose lease has run out, an ARP
 * request (RFC 826) for it, a neighbour solicitation (RFC 4861) for it. The stack of a node whose speaker hangs would answer
 * all of them. Without an address in lease_addrs nothing is looked at.
 *
 * An ARP announcement (sender and target are the address: RFC 5227) asks nothing, and this node's own neighbour table
 * learns from it who has the address now.
 */
#ifndef TANDEM_LB_TC_LEASE_H
#define TANDEM_LB_TC_LEASE_H

#include "lb/bpf/lb_lease.h"
#include "lb/bpf/lb_tc_parse.h"

#define LB_TC_PASS (-1) /* TC_ACT_UNSPEC: whatever comes after us */
#define LB_TC_SHOT 2    /* TC_ACT_SHOT */

#define LB_VLAN_ID     0x0fff /* of a tag; 0 is no VLAN but a priority, and such a frame is the interface's own */
#define LB_PACKET_HOST 0      /* linux/if_packet.h */
#define LB_OTHER_HOST  3

#define LB_ND_SOLICIT 135

static __always_inline int lb_tc_drop(__u32 reason)
{
	lb_count(reason);
	return LB_TC_SHOT;
}

static __attribute__((noinline)) int lb_tc_lease_lost4(struct __sk_buff *skb)
{
	__be32 dst;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, daddr), &dst, sizeof(dst)))
		return 0;
	return lb_lease_lost(&dst, skb->ifindex, 0);
}

/* Solicitations with extension headers are not looked for: no host sends them. */
static __attribute__((noinline)) int lb_tc_lease_lost6(struct __sk_buff *skb)
{
	__be32 addr[4];
	__u8 next = 0, type = 0;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, daddr), addr, sizeof(addr)))
		return 0;
	if (lb_lease_lost(addr, skb->ifindex, 1))
		return 1;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &next, 1) ||
		next != IPPROTO_ICMPV6 ||
		bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct ipv6hdr), &type, 1) ||
		type != LB_ND_SOLICIT ||
		bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct ipv6hdr) + 8, addr, sizeof(addr)))
		return 0;
	return lb_lease_lost(addr, skb->ifindex, 1);
}

/* ARP for IPv4 over Ethernet. */
struct lb_arp {
	__be16 hardware, protocol;
	__u8 hardware_bytes, protocol_bytes;
	__be16 operation;
	__u8 sender_mac[6], sender[4], target_mac[6], target[4];
};

static __attribute__((noinline)) int lb_tc_lease_lost_arp(struct __sk_buff *skb)
{
	struct lb_arp arp;
	__be32 sender, target;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &arp, sizeof(arp)) || arp.protocol != bpf_htons(ETH_P_IP) ||
		arp.hardware_bytes != 6 || arp.protocol_bytes != 4 || arp.operation != bpf_htons(1))
		return 0;
	__builtin_memcpy(&sender, arp.sender, 4);
	__builtin_memcpy(&target, arp.target, 4);
	return sender != target && lb_lease_lost(&target, skb->ifindex, 0);
}

/* The packet is not ours. */
static __always_inline int lb_tc_pass(struct __sk_buff *skb, const int v6)
{
	if (lb_rare(lb_leases_entered()) && (v6 ? lb_tc_lease_lost6(skb) : lb_tc_lease_lost4(skb)))
		return lb_tc_drop(LB_COUNT_NO_LEASE);
	lb_count(LB_COUNT_PASSED);
	return LB_TC_PASS;
}

/* A frame in which the dataplane does not look for a flow: by its type, or since it is not for this host alone. */
static __always_inline int lb_tc_pass_frame(struct __sk_buff *skb)
{
	int lost = 0;

	if (!lb_rare(lb_leases_entered()) || skb->pkt_type == LB_OTHER_HOST ||
		(skb->vlan_present && (skb->vlan_tci & LB_VLAN_ID)))
		return LB_TC_PASS;
	if (skb->protocol == bpf_htons(ETH_P_ARP))
		lost = lb_tc_lease_lost_arp(skb);
	else if (skb->protocol == bpf_htons(ETH_P_IP))
		lost = lb_tc_lease_lost4(skb);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		lost = lb_tc_lease_lost6(skb);
	return lost ? lb_tc_drop(LB_COUNT_NO_LEASE) : LB_TC_PASS;
}

#endif
