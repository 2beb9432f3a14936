/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the dataplane in the kernel and tandem-lb share: the layout of every map, the names of states and
 * reasons, the limits. Both sides include this file and no other from each other. Fixed widths, explicit
 * padding; addresses and ports are in network order, everything else in host order. A change of any
 * layout here is a change of LB_ABI_VERSION: maps of another version are never adopted.
 *
 * The flow table. A flow is one element of an array (flows4, flows6); "flow id" is its index. Two entries
 * in a bucketed index (index4, index6) lead to it: one for packets of the client, one for packets of the
 * backend, each found by the hash of the packet's own tuple. An index entry is 32 bits: 8 bits of hash,
 * the direction, and the id, so a lookup touches one bucket (a cache line) and one flow (a cache line).
 * The two entries are made reverse first and removed under the forward bucket's lock, by the one CPU that
 * wins it; nothing but the dataplane's own programs ever changes index or flows.
 */
#ifndef TANDEM_LB_ABI_H
#define TANDEM_LB_ABI_H

#include <linux/types.h>

#include "common/lease_map.h"

#define LB_ABI_VERSION 2

#define LB_FLOW_ID_BITS  23                            /* index entry: hash 8 | direction 1 | id + 1 */
#define LB_FLOWS_MAX     ((1U << LB_FLOW_ID_BITS) - 2) /* most flows of a family */
#define LB_BUCKET_SLOTS  14
#define LB_LINKS_MAX     256        /* network devices the dataplane can send through */
#define LB_CONTROL_MAX   4096       /* commands in one run of the control program */
#define LB_INSTALL_MAX   256        /* records of the peer in one run of it */
#define LB_CHANGES_BYTES (4U << 20) /* of the ring of changes */
#define LB_POOL_SCAN_MAX 256        /* backends of a pool that lc and wlc compare */
#define LB_HELD_MAX      256        /* early fragments held, all datagrams together */
#define LB_HELD_BYTES    2048       /* longest early fragment that is held */

enum lb_flow_state {
	LB_FLOW_FREE,
	LB_FLOW_SYN,      /* client's SYN went to the backend */
	LB_FLOW_SYN_RECV, /* backend's SYN+ACK went to the client */
	LB_FLOW_ESTABLISHED,
	LB_FLOW_FIN_CLIENT,  /* the client's FIN was seen */
	LB_FLOW_FIN_BACKEND, /* the backend's FIN was seen */
	LB_FLOW_CLOSING,     /* both FINs were seen */
	LB_FLOW_RST_CLIENT,  /* reset by the client */
	LB_FLOW_RST_BACKEND, /* reset by the backend */
	LB_FLOW_ABORTED, /* reset by either before it was established: still within the half-open budget */
	LB_FLOW_DOOMED,  /* its backend is gone: the next packet is answered with RST to both sides */
	LB_FLOW_UDP_NEW, /* one datagram seen */
	LB_FLOW_UDP,     /* a second datagram or a reply seen */
	LB_FLOW_STATES
};

/*
 * Flags of a flow. A copy was told by the peer and has seen no packet here: it is the peer's to end, and ages a little
 * later than the peer's own would. The first packet makes it ours (and that is a change).
 */
#define LB_FLOW_COPY 1

enum lb_direction { LB_TO_BACKEND = 0, LB_TO_CLIENT = 1 };

/* Where packets of one direction go: learnt from the kernel's FIB and neighbour table. */
struct lb_hop {
	__u8 mac[6];
	__u16 link; /* index into links */
};

struct lb_flow {
	__u32 generation; /* of this array element: grows with each new flow that uses it */
	__u32 last_seen;  /* jiffies, up to one second late */
	__be16 client_port;
	__be16 service_port;
	__be16 backend_port;
	__u8 protocol;
	__u8 state;    /* enum lb_flow_state */
	__u16 service; /* index into services */
	__u16 backend; /* index into backends */
	__u16 backend_epoch;
	__u8 lease; /* index into leases; 0: the service's address has none. Looked up anew once a second */
	__u8 flags; /* LB_FLOW_COPY */
	__u32 backend_isn;  /* TCP sequence number of the backend's SYN+ACK */
	__u32 hop_epoch[2]; /* by enum lb_direction: globals.route_epoch when the hop was learnt; 0 = never */
	struct lb_hop hop[2];
};

struct lb_flow4 {
	struct lb_flow head;
	__be32 client, service, backend; /* addresses */
};

struct lb_flow6 {
	struct lb_flow head;
	__be32 client[4], service[4], backend[4];
	__u32 reserved;
};

_Static_assert(sizeof(struct lb_flow) == 52, "flow head");
_Static_assert(sizeof(struct lb_flow4) == 64, "an IPv4 flow is one cache line");
_Static_assert(sizeof(struct lb_flow6) == 104, "IPv6 flow");

struct lb_service_key {
	__be32 addr[4]; /* IPv4 in the first */
	__be16 port;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
};

enum lb_on_empty_code { LB_ON_EMPTY_REJECT, LB_ON_EMPTY_DROP };

struct lb_service_entry {
	__u32 pool;         /* index into pools */
	__u32 idle_jiffies; /* TCP: established; UDP: any */
	__u8 on_empty;
	__u8 protocol;
	__u8 reserved[6];
};

enum lb_pick { LB_PICK_NEXT, LB_PICK_LEAST, LB_PICK_SOURCE, LB_PICK_TUPLE };

struct lb_pool_entry {
	__u64 table;          /* first slot << 32 | length: written whole, so that a reader sees old or new */
	__u32 pick;           /* enum lb_pick */
	__u32 sticky_jiffies; /* 0 = not sticky */
	__u8 sticky_prefix4, sticky_prefix6;
	__u8 reserved[6];
	__u32 hash_seed; /* the same on both nodes of a pair */
	__u32 reserved2;
};

#define LB_BACKEND_SERVING 1 /* may take new flows */

struct lb_backend_entry {
	__be32 addr[4];
	__be16 port;
	__u16 epoch; /* grows when the backend goes down or is removed; a UDP flow of an older one is dead */
	__u32 flags;
	__u32 weight; /* 1.. for wlc */
	__u32 pool;
	__u8 family;
	__u8 reserved[27];
	__u32 active __attribute__((aligned(64))); /* live flows (not closing); its own cache line */
	__u32 reserved2[15];
};
_Static_assert(sizeof(struct lb_backend_entry) == 128, "config line and load line");

/* Per CPU, one for each backend and one for each service. */
struct lb_traffic {
	__u64 connections;
	__u64 packets[2], bytes[2]; /* by enum lb_direction */
};

struct lb_link {
	__u32 ifindex;
	__u32 mtu;
	__u8 mac[6];
	__u16 reserved;
};

struct lb_sticky_key {
	__be32 source[4]; /* masked */
	__u32 pool;
};

/* A source's backend, and the one it uses while that is away. Jiffies of the last use. */
struct lb_sticky_entry {
	__u16 home, stand_in; /* indexes into backends; LB_NO_BACKEND = none */
	__u32 home_used, stand_in_used;
};

#define LB_NO_BACKEND 0xffff

/* Backends by table slot. An element of an array map is never less than eight bytes: four slots in each. */
#define LB_SLOTS_A_LINE 4

struct lb_slot_line {
	__u16 backend[LB_SLOTS_A_LINE];
};
_Static_assert(sizeof(struct lb_slot_line) == 8, "without a gap: user space sees one array of slots");

struct lb_globals {
	__u32 abi;
	__u32 hz;
	__u64 hash_seed;   /* of the flow index; random */
	__u32 route_epoch; /* grows when a route, neighbour or link changed: hops are learnt again */
	__u32 sizes[2];    /* flows of a family: IPv4, IPv6 */
	__u32 index_buckets[2];
	__u32 half_open_max;
	__u32 half_open_jiffies; /* how long an unused flow of each kind is kept */
	__u32 half_closed_jiffies;
	__u32 closing_jiffies;
	__u32 csum_ipv6_flag; /* BPF_F_IPV6 where the kernel knows it, else 0 */
	__u32 control_seen;   /* jiffies: tandem-lb was alive; without it hops are learnt again each second */
	__u32 tell_changes;   /* set by tandem-lb while it reads the ring of changes */
	__u32 changes_lost;   /* grows: the ring was full */
	__u32 reserved;
	__u64 peer_table; /* tandem-lb: number of the peer's flow table that the copies here are from; 0: none yet */
};

enum lb_control_op {
	LB_CONTROL_NONE,
	LB_CONTROL_EXPIRE,      /* remove the flow if it was not used since last_seen */
	LB_CONTROL_REMOVE,      /* remove the flow */
	LB_CONTROL_DOOM,        /* TCP: answer its next packet with RST to both sides */
	LB_CONTROL_REMOVE_COPY, /* remove the flow if it is a copy */
	LB_CONTROL_DONE,        /* result: carried out */
	LB_CONTROL_STALE,       /* result: no longer that flow, or used again */
};

struct lb_control {
	__u32 op;
	__u32 family; /* 4 or 6 */
	__u32 id;
	__u32 generation;
	__u32 last_seen;
	__u32 reserved;
};

/* ---- with the other node of a pair ---- */

/*
 * What changed, in the ring of changes, while globals.tell_changes is set: a flow reached ESTABLISHED, FIN_* or UDP or is
 * no copy any more, or a flow that is no copy and had come that far was removed. Of a flow that lives only the id is told:
 * the reader looks at it when it can tell the peer. In order for each flow. What does not fit is counted in
 * globals.changes_lost.
 */
enum lb_change_kind { LB_CHANGE_FLOW = 1, LB_CHANGE_END };

struct lb_change {
	__u8 kind;
	__u8 family; /* 4 or 6 */
	__u8 protocol;
	__u8 reserved;
	__u32 id;
	__u32 generation;
};

struct lb_change_end { /* kind END: the flow is no more, so it is told whole */
	struct lb_change head;
	__be16 client_port, service_port, backend_port;
	__u16 reserved;
	__be32 client[4], service[4], backend[4]; /* IPv4 in the first */
	__u32 reserved2;
};
_Static_assert(sizeof(struct lb_change) == 12 && sizeof(struct lb_change_end) == 72, "told whole");

/* A record of the peer, by the control program (mark 3) put into the table or taken from it. */
enum lb_install_op {
	LB_INSTALL_NONE, /* the end of the list */
	LB_INSTALL_PUT,  /* make this flow a copy, or bring the copy up to date */
	LB_INSTALL_END,  /* remove the copy */
	/* results */
	LB_INSTALL_MADE,
	LB_INSTALL_UPDATED,
	LB_INSTALL_ENDED,
	LB_INSTALL_OURS,    /* there is such a flow that is no copy and was used here since: it stays */
	LB_INSTALL_UNKNOWN, /* END of what is not here */
	LB_INSTALL_FULL,    /* no room in the table or the bucket */
	LB_INSTALL_CLASH,   /* the translated tuple is another live flow's, which is ours */
	LB_INSTALL_INVALID,
};

/* The peer itself has it only from its own peer, most likely from here: what is ours stays ours, used or not. */
#define LB_INSTALL_SECOND_HAND 1

struct lb_install {
	__u32 op; /* enum lb_install_op: in, and out */
	__u8 family, protocol, state;
	__u8 flags; /* LB_INSTALL_SECOND_HAND */
	__be16 client_port, service_port, backend_port;
	__u16 service, backend; /* indexes here */
	__u16 reserved2;
	__u32 last_seen; /* jiffies here */
	__u32 backend_isn;
	__u32 id; /* out, with MADE, UPDATED and OURS: the flow's */
	__be32 client[4], service_addr[4], backend_addr[4];
};
_Static_assert(sizeof(struct lb_install) == 80, "without a gap");

/* Why a packet was dropped, and what else is worth counting: name and description for people. */
/* clang-format off */
#define LB_COUNTERS(X)                                                                                        \
	X(PASSED, event, "passed", "packets that are not ours, left to the stack")                            \
	X(FORWARDED, event, "forwarded", "packets rewritten and sent on")                                     \
	X(FLOW_NEW, event, "flow_new", "flows created")                                                       \
	X(FLOW_END, event, "flow_end", "flows removed")                                                       \
	X(HALF_OPEN_EVICTED, event, "half_open_evicted", "oldest half-open flow removed to make room for a new one") \
	X(RECLAIMED, event, "reclaimed", "expired flow removed early because the table was full")            \
	X(TUPLE_COLLISION, event, "tuple_collision", "backend passed over: its translated tuple was in use")  \
	X(UDP_REPICKED, event, "udp_repicked", "UDP flow moved off a backend that went away")                 \
	X(REOPENED, event, "reopened", "new SYN on a closing flow: a new connection")                         \
	X(STICKY_FULL, event, "sticky_full", "source not remembered: the sticky table is full")               \
	X(HOP_LEARNT, event, "hop_learnt", "FIB lookups for a flow's next hop")                               \
	X(NEIGH_RESOLVE, event, "neigh_resolve", "packets sent through the kernel's neighbour resolution")    \
	X(RESET_SENT, event, "reset_sent", "TCP RST sent")                                                    \
	X(ICMP_SENT, event, "icmp_sent", "ICMP errors sent")                                                  \
	X(ICMP_TRANSLATED, event, "icmp_translated", "ICMP errors translated and sent on")                    \
	X(FRAGMENT_FIRST, event, "fragment_first", "first fragments forwarded")                               \
	X(FRAGMENT_LATER, event, "fragment_later", "later fragments forwarded")                               \
	X(FRAGMENT_HELD, event, "fragment_held", "early fragments held until the first one came")             \
	X(COPY_TAKEN, event, "copy_taken", "flows of the peer that went on here")                             \
	X(NO_LEASE, drop, "no_lease", "for an address whose lease has run out")                               \
	X(GRACE, drop, "grace", "TCP packet of an unknown connection soon after a takeover: not reset yet")   \
	X(NO_BACKEND, drop, "no_backend", "no usable backend")                                                \
	X(TABLE_FULL, drop, "table_full", "new flow refused: the flow table is full")                         \
	X(BUCKET_FULL, drop, "bucket_full", "new flow refused: its index bucket is full")                     \
	X(COLLISION, drop, "collision", "new flow refused: every backend tried has its tuple in use")         \
	X(RACE, drop, "race", "two packets of a new flow at once: one dropped")                               \
	X(NO_FLOW, drop, "no_flow", "TCP packet of an unknown connection")                                    \
	X(DOOMED, drop, "doomed", "packet of a connection whose backend went away")                           \
	X(NO_ROUTE, drop, "no_route", "no route to the next hop")                                             \
	X(FORWARDING_OFF, drop, "forwarding_off", "IP forwarding is off on the interface the packet came in by") \
	X(TTL, drop, "ttl", "TTL or hop limit used up")                                                       \
	X(TOO_BIG, drop, "too_big", "larger than the next hop's MTU")                                         \
	X(FRAGMENT_LOST, drop, "fragment_lost", "early fragment that could not be held")                      \
	X(REWRITE, drop, "rewrite", "kernel refused to change the packet")

enum lb_counter {
#define LB_COUNTER_ENUM(id, kind, name, text) LB_COUNT_##id,
	LB_COUNTERS(LB_COUNTER_ENUM)
#undef LB_COUNTER_ENUM
	LB_COUNTER_COUNT
};
/* clang-format on */

#endif
