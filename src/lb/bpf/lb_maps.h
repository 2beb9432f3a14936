/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps of the dataplane. Sizes of 1 are set by tandem-lb before it loads the object. Arrays that the
 * control plane reads or writes directly are mmapable; those with a spin lock cannot be.
 */
#ifndef TANDEM_LB_MAPS_H
#define TANDEM_LB_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "lb/bpf/lb_abi.h"

struct lb_bucket {
	struct bpf_spin_lock lock;
	__u32 version; /* grows with each entry added: a search that saw no match can tell if it still holds */
	__u32 slot[LB_BUCKET_SLOTS];
};

struct lb_cursor {
	struct bpf_spin_lock lock;
	__u32 next;
};

#define LB_ARRAY(name, value_type, flags)         \
	struct {                                  \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(max_entries, 1);           \
		__uint(map_flags, flags);         \
		__type(key, __u32);               \
		__type(value, value_type);        \
	} name SEC(".maps")

LB_ARRAY(globals, struct lb_globals, BPF_F_MMAPABLE);
LB_ARRAY(links, struct lb_link, BPF_F_MMAPABLE);
LB_ARRAY(services, struct lb_service_entry, BPF_F_MMAPABLE);
LB_ARRAY(pools, struct lb_pool_entry, BPF_F_MMAPABLE);
LB_ARRAY(table_slots, struct lb_slot_line, BPF_F_MMAPABLE);
LB_ARRAY(backends, struct lb_backend_entry, BPF_F_MMAPABLE);
LB_ARRAY(flows4, struct lb_flow4, BPF_F_MMAPABLE);
LB_ARRAY(flows6, struct lb_flow6, BPF_F_MMAPABLE);
LB_ARRAY(control, struct lb_control, BPF_F_MMAPABLE);
LB_ARRAY(installs, struct lb_install, BPF_F_MMAPABLE);
LB_ARRAY(leases, struct lease, BPF_F_MMAPABLE);
LB_ARRAY(half_open, __u64, BPF_F_MMAPABLE); /* generation << 32 | IPv6 << 31 | id + 1; 0 = empty */
LB_ARRAY(index4, struct lb_bucket, 0);
LB_ARRAY(index6, struct lb_bucket, 0);
LB_ARRAY(pool_cursors, struct lb_cursor, 0);
LB_ARRAY(cursors, struct lb_cursor, 0); /* enum lb_cursor_id */

enum lb_cursor_id { LB_CURSOR_FLOWS4, LB_CURSOR_FLOWS6, LB_CURSOR_HALF_OPEN, LB_CURSOR_HELD, LB_CURSORS };

#define LB_QUEUE(name)                            \
	struct {                                  \
		__uint(type, BPF_MAP_TYPE_QUEUE); \
		__uint(max_entries, 1);           \
		__type(value, __u32);             \
	} name SEC(".maps")

/* What changed, for tandem-lb to read (struct lb_change). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LB_CHANGES_BYTES);
} changes SEC(".maps");

/* Addresses of tandem-vrrp, which enters them: common/lease_map.h. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LEASE_ADDRS);
	__type(key, struct lease_addr);
	__type(value, __u32); /* index into leases */
} lease_addrs SEC(".maps");

LB_QUEUE(free4); /* flow ids that were used and are free again */
LB_QUEUE(free6);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct lb_service_key);
	__type(value, __u32); /* index into services */
} service_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_LINKS_MAX);
	__type(key, __u32);   /* ifindex */
	__type(value, __u32); /* index into links */
} link_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct lb_sticky_key);
	__type(value, struct lb_sticky_entry);
} sticky SEC(".maps");

/* Sources of connections that are not established yet: a flood pushes out only its own kind. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct lb_sticky_key);
	__type(value, struct lb_sticky_entry);
} sticky_new SEC(".maps");

#define LB_PERCPU(name, value_type)                      \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, 1);                  \
		__type(key, __u32);                      \
		__type(value, value_type);               \
	} name SEC(".maps")

LB_PERCPU(counters, __u64); /* enum lb_counter */
LB_PERCPU(backend_traffic, struct lb_traffic);
LB_PERCPU(service_traffic, struct lb_traffic);

/* ---- fragments ---- */

struct lb_fragment_key {
	__be32 src[4], dst[4];
	__u32 id;
	__u8 protocol, family;
	__u8 reserved[2];
};

/* What the first fragment of a datagram taught; flow generation 0 = not ours, leave it to the stack. */
struct lb_fragment_entry {
	__u32 flow;
	__u32 generation;
	__u32 direction;
	__u32 seen; /* jiffies */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct lb_fragment_key);
	__type(value, struct lb_fragment_entry);
} fragments SEC(".maps");

/* Addresses whose later fragments may be ours although the first was not seen: services' and backends'. */
struct lb_own_addr_key {
	__be32 addr[4];
	__u32 family;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct lb_own_addr_key);
	__type(value, __u32); /* how many services and backends have it */
} own_addrs SEC(".maps");

struct lb_held {
	struct lb_fragment_key key;
	__u32 length; /* 0 = free */
	__u32 seen;
	__u8 frame[LB_HELD_BYTES];
};

LB_ARRAY(held, struct lb_held, 0);

static __always_inline void lb_count(__u32 counter)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &counter);

	if (n)
		*n += 1;
}

#endif
