/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases of addresses (common/lease_map.h): does this node still have the address? tandem-vrrp enters addresses and stamps
 * leases; here they are looked up and compared with the clock. An address that nobody entered has the lease 0, which means
 * none. Nothing here touches a packet.
 *
 * The clock is read once a jiffy for each lease: what was seen stands in the lease until the next one. A lease that was
 * not fresh is always looked at again, so that a new stamp counts at once.
 */
#ifndef TANDEM_LB_LEASE_H
#define TANDEM_LB_LEASE_H

#include "lb/bpf/lb_flow.h"

/* What the peer told at its end may still be on its way into the table. */
#define LB_GRACE_LEAST_NS 250000000ULL

static __always_inline struct lease *lb_lease_at(__u32 lease)
{
	return bpf_map_lookup_elem(&leases, &lease);
}

static __always_inline const struct lease_board *lb_lease_board(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&leases, &zero);
}

/* Is there any address with a lease? */
static __always_inline int lb_leases_entered(void)
{
	const struct lease_board *board = lb_lease_board();

	return board && board->entries;
}

static __always_inline int lb_lease_is_fresh(__u32 lease, __u32 now)
{
	struct lease *l = lb_lease_at(lease);
	__u32 fresh;

	if (!l || !l->until_ns)
		return 0;
	if (l->fresh && l->checked == now)
		return 1;
	fresh = bpf_ktime_get_ns() < l->until_ns;
	/* In this order: who reads between the two looks at the clock, too. */
	*(volatile __u32 *)&l->fresh = fresh;
	*(volatile __u32 *)&l->checked = now;
	return fresh;
}

/* fe80::/10. The same address may stand on several links. */
static __always_inline int lb_is_link_local(const __be32 *addr)
{
	return (addr[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

static __always_inline __u32 lb_lease_of_key(const struct lease_addr *key)
{
	__u32 *lease = bpf_map_lookup_elem(&lease_addrs, key);

	return lease && *lease < LEASES_MAX ? *lease : 0;
}

/* Verified once, called from many places; numbers only: lb_pick.h says why. */
__attribute__((noinline)) int lb_lease_of4(__be32 addr)
{
	struct lease_addr key = {.addr = {addr}, .family = 4};

	return lb_lease_of_key(&key);
}

__attribute__((noinline)) int lb_lease_of6(__be32 a, __be32 b, __be32 c, __be32 d, __u32 ingress)
{
	struct lease_addr key = {.addr = {a, b, c, d}, .family = 6};

	if (lb_is_link_local(key.addr))
		key.ifindex = ingress;
	return lb_lease_of_key(&key);
}

/* The lease of an address, for a packet that came in by that interface; 0: it has none. */
static __always_inline __u32 lb_lease_of(const __be32 *addr, __u32 ingress, const int v6)
{
	if (!lb_leases_entered())
		return 0;
	return v6 ? lb_lease_of6(addr[0], addr[1], addr[2], addr[3], ingress) : lb_lease_of4(addr[0]);
}

/* Has the address a lease, and that has run out? */
static __always_inline int lb_lease_lost(const __be32 *addr, __u32 ingress, const int v6)
{
	__u32 lease = lb_lease_of(addr, ingress, v6);

	return lease && !lb_lease_is_fresh(lease, lb_now());
}

/*
 * Look up the flow's lease anew: 1 when it has one that ran out. A packet of the backend's does not come in by the link on
 * which a link-local service address stands: there the lease stays what it was.
 */
static __always_inline int lb_flow_lease_lost_as(__u32 id, __u32 direction, __u32 ingress, const int v6)
{
	struct lb_flow *f = lb_flow_at(id, v6);

	if (!f)
		return 0;
	if (!lb_leases_entered())
		f->lease = 0;
	else if (direction == LB_TO_BACKEND || !v6 || !lb_is_link_local(lb_flow_service(f, v6)))
		f->lease = lb_lease_of(lb_flow_service(f, v6), ingress, v6);
	return f->lease && !lb_lease_is_fresh(f->lease, lb_now());
}

__attribute__((noinline)) int lb_flow_lease_lost4(__u32 id, __u32 direction, __u32 ingress)
{
	return lb_flow_lease_lost_as(id, direction, ingress, 0);
}

__attribute__((noinline)) int lb_flow_lease_lost6(__u32 id, __u32 direction, __u32 ingress)
{
	return lb_flow_lease_lost_as(id, direction, ingress, 1);
}

/*
 * Is it so soon after this node took the address that a connection nobody knows may still be told of by the peer? While
 * the peer's table is not here whole, or nobody is heard who could have more (that tandem-lb is well, perhaps, and cannot be
 * heard), for the time that the config gives; else for a moment.
 */
__attribute__((noinline)) int lb_lease_in_grace(__u32 lease)
{
	const struct lease_board *board = lb_lease_board();
	struct lease *l = lb_lease_at(lease);
	__u64 now = bpf_ktime_get_ns();

	if (!board || !l || !l->grace_ns || now >= l->taken_ns + l->grace_ns)
		return 0;
	return board->table != LEASE_TABLE_IN_SYNC || board->alone || now > board->said_ns + LEASE_WORD_NS ||
	       now < l->taken_ns + LB_GRACE_LEAST_NS;
}

#endif
