/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the address owner and the dataplane say to each other without a word: two BPF maps, pinned by tandem-lb in
 * bpf_pin_dir() under their names here. tandem-vrrp enters the addresses that it shares, and stamps its lease of them with
 * each advert it sends; the dataplane answers for an address and forwards to it only while the lease is fresh. So a speaker
 * that hangs, is stopped or was killed loses its addresses in the kernel, before its peer takes them. An address that nobody
 * entered has no lease and is not touched.
 *
 * The other way tandem-lb says how much of the peer's connection table it holds: a board in the first element.
 *
 * Times are CLOCK_MONOTONIC ns. Every field is written by one side only, with one aligned store. Included by the
 * dataplane too: kernel types only.
 */
#ifndef TANDEM_COMMON_LEASE_MAP_H
#define TANDEM_COMMON_LEASE_MAP_H

#include <linux/types.h>

#define LEASE_MAP      "leases"      /* array of struct lease, mmapable; element 0 is a struct lease_board */
#define LEASE_ADDR_MAP "lease_addrs" /* hash, struct lease_addr -> __u32: index into leases */
#define LEASES_MAX     256           /* of these one is the board */
#define LEASE_ADDRS    8192

/* A whole cache line, for the dataplane looks at it with each packet of a flow. */
struct lease {
	__u64 until_ns; /* tandem-vrrp: fresh before this; 0: this node does not have the addresses */
	__u64 taken_ns; /* tandem-vrrp: when it took the addresses; 0: it released them, what is fresh only lingers */
	__u64 grace_ns; /* tandem-vrrp: for so long after that a connection nobody knows is not reset; 0: no such time */
	__u32 checked; /* dataplane: jiffies of its last look at the clock */
	__u32 fresh;   /* dataplane: what it saw then */
	__u64 reserved[4];
};
_Static_assert(sizeof(struct lease) == 64, "a cache line");

/* enum vrrp_table has the same numbers, and one for alone. */
enum lease_table { LEASE_TABLE_NONE, LEASE_TABLE_BEHIND, LEASE_TABLE_IN_SYNC };

struct lease_board {
	__u32 table;      /* tandem-lb: enum lease_table: how much of the peer's table is here */
	__u32 entries;    /* tandem-vrrp: addresses in lease_addrs; 0: nothing is to be looked up */
	__u64 said_ns;    /* tandem-lb: when; a word older than LEASE_WORD_NS is none */
	__u64 peer_holds; /* tandem-lb: 1: the peer holds all of ours, but what is younger than 20 ms */
	__u64 alone; /* tandem-lb: 1: in sync, for nobody is heard who could have more; beacons may know better */
	__u64 reserved[4];
};
_Static_assert(sizeof(struct lease_board) == sizeof(struct lease), "an element of the same array");

#define LEASE_WORD_NS 2000000000ULL

/* ifindex: that of the device it stands on for link-local addresses, else 0. */
struct lease_addr {
	__be32 addr[4]; /* IPv4 in the first */
	__u32 family;   /* 4 or 6 */
	__u32 ifindex;
};

#endif
