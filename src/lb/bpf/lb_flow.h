/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table: find, add, remove, change state (layout and locking: lb_abi.h). v6 is a constant at each
 * call, so that the compiler makes one program a family. No tc, no XDP, no services.
 *
 * Locking. A bucket's lock guards its slots, and the state of the flows whose forward entry is in it. No
 * helper may be called under it, so an insertion first searches without the lock and then, holding it,
 * looks whether anything was added meanwhile. A reader takes no lock: it checks the tuple in the flow.
 */
#ifndef TANDEM_LB_FLOW_H
#define TANDEM_LB_FLOW_H

#include <linux/errno.h>

#include "lb/bpf/lb_maps.h"
#include "lb/bpf/lb_packet.h"
#include "lb/bpf/lb_state.h"
#include "lb/bpf/lb_tell.h"

struct lb_found {
	struct lb_flow *flow; /* NULL: none */
	__u32 id;
	__u32 direction;
};

static __always_inline __u32 lb_words(const int v6)
{
	return v6 ? 4 : 1;
}

static __always_inline __be32 *lb_flow_client(struct lb_flow *f, const int v6)
{
	return v6 ? ((struct lb_flow6 *)f)->client : &((struct lb_flow4 *)f)->client;
}

static __always_inline __be32 *lb_flow_service(struct lb_flow *f, const int v6)
{
	return v6 ? ((struct lb_flow6 *)f)->service : &((struct lb_flow4 *)f)->service;
}

static __always_inline __be32 *lb_flow_backend(struct lb_flow *f, const int v6)
{
	return v6 ? ((struct lb_flow6 *)f)->backend : &((struct lb_flow4 *)f)->backend;
}

static __always_inline struct lb_flow *lb_flow_at(__u32 id, const int v6)
{
	return v6 ? bpf_map_lookup_elem(&flows6, &id) : bpf_map_lookup_elem(&flows4, &id);
}

static __always_inline struct lb_globals *lb_globals(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&globals, &zero);
}

static __always_inline __u32 lb_now(void)
{
	return (__u32)bpf_jiffies64();
}

/* Two rounds of multiply and fold a word pair (constants: the 64-bit golden ratio and xxHash's primes). */
static __always_inline __u64 lb_mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 32);
}

static __always_inline __u64 lb_hash_tuple(const struct lb_tuple *t, __u64 seed, const int v6)
{
	__u64 h = seed;

	if (v6) {
		h = lb_mix(h, (__u64)t->src[0] << 32 | t->src[1]);
		h = lb_mix(h, (__u64)t->src[2] << 32 | t->src[3]);
		h = lb_mix(h, (__u64)t->dst[0] << 32 | t->dst[1]);
		h = lb_mix(h, (__u64)t->dst[2] << 32 | t->dst[3]);
	} else {
		h = lb_mix(h, (__u64)t->src[0] << 32 | t->dst[0]);
	}
	h = lb_mix(h, (__u64)t->sport << 32 | (__u64)t->dport << 8 | t->protocol);
	h *= 0xc2b2ae3d27d4eb4fULL;
	return h ^ (h >> 29);
}

static __always_inline struct lb_bucket *lb_bucket_of(__u64 hash, const struct lb_globals *g, const int v6)
{
	__u32 at = (hash & 0xffffffff) * g->index_buckets[v6] >> 32;

	return v6 ? bpf_map_lookup_elem(&index6, &at) : bpf_map_lookup_elem(&index4, &at);
}

static __always_inline __u32 lb_slot_value(__u64 hash, __u32 id, __u32 direction)
{
	return (__u32)(hash >> 56) << 24 | direction << LB_FLOW_ID_BITS | (id + 1);
}

static __always_inline __u32 lb_slot_id(__u32 slot)
{
	return (slot & ((1U << LB_FLOW_ID_BITS) - 1)) - 1;
}

static __always_inline __u32 lb_slot_direction(__u32 slot)
{
	return (slot >> LB_FLOW_ID_BITS) & 1;
}

static __always_inline int lb_same_words(const __be32 *a, const __be32 *b, const int v6)
{
	if (!v6)
		return a[0] == b[0];
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/* Does the flow's tuple in that direction equal the packet's? */
static __always_inline int lb_flow_matches(
	struct lb_flow *f, const struct lb_tuple *t, __u32 direction, const int v6)
{
	if (f->protocol != t->protocol)
		return 0;
	if (direction == LB_TO_BACKEND)
		return f->client_port == t->sport && f->service_port == t->dport &&
		       lb_same_words(lb_flow_client(f, v6), t->src, v6) &&
		       lb_same_words(lb_flow_service(f, v6), t->dst, v6);
	return f->backend_port == t->sport && f->client_port == t->dport &&
	       lb_same_words(lb_flow_backend(f, v6), t->src, v6) &&
	       lb_same_words(lb_flow_client(f, v6), t->dst, v6);
}

/* The index entry whose flow has the tuple, or 0. */
static __always_inline __u32 lb_bucket_find(
	struct lb_bucket *bucket, const struct lb_tuple *t, __u64 hash, const int v6)
{
	__u32 tag = (__u32)(hash >> 56);

	for (int i = 0; i < LB_BUCKET_SLOTS; i++) {
		__u32 slot = bucket->slot[i];

		if (slot >> 24 != tag || !slot)
			continue;

		struct lb_flow *f = lb_flow_at(lb_slot_id(slot), v6);

		if (f && lb_flow_matches(f, t, lb_slot_direction(slot), v6))
			return slot;
	}
	return 0;
}

static __always_inline struct lb_found lb_flow_find(
	const struct lb_tuple *t, const struct lb_globals *g, const int v6)
{
	struct lb_found found = {};
	__u64 hash = lb_hash_tuple(t, g->hash_seed, v6);
	struct lb_bucket *bucket = lb_bucket_of(hash, g, v6);
	__u32 slot = bucket ? lb_bucket_find(bucket, t, hash, v6) : 0;

	if (!slot)
		return found;
	found.id = lb_slot_id(slot);
	found.direction = lb_slot_direction(slot);
	found.flow = lb_flow_at(found.id, v6);
	return found;
}

static __always_inline void lb_flow_tuple(
	struct lb_flow *f, __u32 direction, struct lb_tuple *t, const int v6)
{
	__builtin_memset(t, 0, sizeof(*t));
	t->protocol = f->protocol;
	if (direction == LB_TO_BACKEND) {
		lb_copy_words(t->src, lb_flow_client(f, v6), lb_words(v6));
		lb_copy_words(t->dst, lb_flow_service(f, v6), lb_words(v6));
		t->sport = f->client_port;
		t->dport = f->service_port;
	} else {
		lb_copy_words(t->src, lb_flow_backend(f, v6), lb_words(v6));
		lb_copy_words(t->dst, lb_flow_client(f, v6), lb_words(v6));
		t->sport = f->backend_port;
		t->dport = f->client_port;
	}
}

/* 0; -EEXIST: a flow has that tuple; -ENOSPC: the bucket is full; -EAGAIN: too busy. */
static __always_inline int lb_index_add(
	struct lb_bucket *bucket, const struct lb_tuple *t, __u64 hash, __u32 value, const int v6)
{
	for (int attempt = 0; attempt < 3; attempt++) {
		__u32 version = *(volatile __u32 *)&bucket->version;
		int result = -EAGAIN;

		if (lb_bucket_find(bucket, t, hash, v6))
			return -EEXIST;
		bpf_spin_lock(&bucket->lock);
		if (bucket->version == version) {
			result = -ENOSPC;
			for (int i = 0; i < LB_BUCKET_SLOTS; i++) {
				if (!bucket->slot[i]) {
					bucket->slot[i] = value;
					bucket->version++;
					result = 0;
					break;
				}
			}
		}
		bpf_spin_unlock(&bucket->lock);
		if (result != -EAGAIN)
			return result;
	}
	return -EAGAIN;
}

static __always_inline void lb_index_remove(struct lb_bucket *bucket, __u32 value)
{
	bpf_spin_lock(&bucket->lock);
	for (int i = 0; i < LB_BUCKET_SLOTS; i++) {
		if (bucket->slot[i] == value) {
			bucket->slot[i] = 0;
			break;
		}
	}
	bpf_spin_unlock(&bucket->lock);
}

static __always_inline __u32 lb_cursor_step(__u32 which, __u32 limit, const int wrap)
{
	struct lb_cursor *c = bpf_map_lookup_elem(&cursors, &which);
	__u32 at;

	if (!c || !limit)
		return 0;
	bpf_spin_lock(&c->lock);
	at = c->next;
	if (wrap)
		c->next = at + 1 < limit ? at + 1 : 0;
	else if (at < limit)
		c->next = at + 1;
	bpf_spin_unlock(&c->lock);
	return at;
}

/* Ids that were never used go first, so that a freed one rests as long as there is room. */
static __always_inline int lb_flow_alloc(const struct lb_globals *g, __u32 *id, const int v6)
{
	__u32 size = g->sizes[v6];
	__u32 fresh = lb_cursor_step(v6 ? LB_CURSOR_FLOWS6 : LB_CURSOR_FLOWS4, size, 0);

	if (fresh < size) {
		*id = fresh;
		return 0;
	}
	return v6 ? bpf_map_pop_elem(&free6, id) : bpf_map_pop_elem(&free4, id);
}

static __always_inline void lb_flow_free(__u32 id, const int v6)
{
	if (v6)
		bpf_map_push_elem(&free6, &id, 0);
	else
		bpf_map_push_elem(&free4, &id, 0);
}

/* Conditions of a removal. */
enum lb_remove_if { LB_IF_ANY, LB_IF_UNUSED, LB_IF_COPY };

static __always_inline void lb_backend_load(__u32 backend, int delta)
{
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend);

	if (b)
		__sync_fetch_and_add(&b->active, delta);
}

/* The flow is no more, and not yet another. */
static __always_inline void lb_flow_tell_end(struct lb_globals *g, struct lb_flow *f, __u32 id, const int v6)
{
	struct lb_change_end *c = g->tell_changes ? lb_tell_begin(g, sizeof(*c)) : 0;

	if (!c)
		return;
	lb_tell_head(&c->head, LB_CHANGE_END, id, f->generation, f->protocol, v6);
	c->client_port = f->client_port;
	c->service_port = f->service_port;
	c->backend_port = f->backend_port;
	c->reserved = 0;
	lb_copy_words(c->client, lb_flow_client(f, v6), lb_words(v6));
	lb_copy_words(c->service, lb_flow_service(f, v6), lb_words(v6));
	lb_copy_words(c->backend, lb_flow_backend(f, v6), lb_words(v6));
	c->reserved2 = 0;
	bpf_ringbuf_submit(c, 0);
}

/*
 * Remove the flow if it is still of this generation (and was not used since last_seen, or is a copy, when only_if
 * says so). The one who takes its state from under the forward bucket's lock does the rest. 0 or -ESTALE.
 */
static __always_inline int lb_flow_remove_inline(
	__u32 id, __u32 generation, __u32 only_if, __u32 last_seen, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_tuple t; /* one at a time: there is little stack */
	__u8 state = LB_FLOW_FREE, copy = 0;

	if (!g || !f || f->generation != generation || f->state == LB_FLOW_FREE)
		return -ESTALE;
	lb_flow_tuple(f, LB_TO_BACKEND, &t, v6);

	__u32 backend = f->backend;
	__u64 hash = lb_hash_tuple(&t, g->hash_seed, v6);
	struct lb_bucket *bucket = lb_bucket_of(hash, g, v6);
	__u32 value = lb_slot_value(hash, id, LB_TO_BACKEND);

	if (!bucket)
		return -ESTALE;
	bpf_spin_lock(&bucket->lock);
	if (f->generation == generation && (only_if != LB_IF_UNUSED || f->last_seen == last_seen) &&
		(only_if != LB_IF_COPY || (f->flags & LB_FLOW_COPY))) {
		state = f->state;
		copy = f->flags & LB_FLOW_COPY;
		f->state = LB_FLOW_FREE;
		for (int i = 0; i < LB_BUCKET_SLOTS; i++) {
			if (bucket->slot[i] == value) {
				bucket->slot[i] = 0;
				break;
			}
		}
	}
	bpf_spin_unlock(&bucket->lock);
	if (state == LB_FLOW_FREE)
		return -ESTALE;
	/* It is nobody's now, and till its id is free nobody's to write to. */
	lb_flow_tuple(f, LB_TO_CLIENT, &t, v6);
	hash = lb_hash_tuple(&t, g->hash_seed, v6);
	bucket = lb_bucket_of(hash, g, v6);
	if (bucket)
		lb_index_remove(bucket, lb_slot_value(hash, id, LB_TO_CLIENT));
	if (lb_flow_is_live(state))
		lb_backend_load(backend, -1);
	if (!copy && lb_flow_was_told(state))
		lb_flow_tell_end(g, f, id, v6);
	lb_flow_free(id, v6);
	lb_count(LB_COUNT_FLOW_END);
	return 0;
}

/* Verified once, called from many places (a global function to the verifier). */
__attribute__((noinline)) int lb_flow_remove4(__u32 id, __u32 generation, __u32 only_if, __u32 last_seen)
{
	return lb_flow_remove_inline(id, generation, only_if, last_seen, 0);
}

__attribute__((noinline)) int lb_flow_remove6(__u32 id, __u32 generation, __u32 only_if, __u32 last_seen)
{
	return lb_flow_remove_inline(id, generation, only_if, last_seen, 1);
}

static __always_inline int lb_flow_remove(__u32 v6, __u32 id, __u32 generation)
{
	return v6 ? lb_flow_remove6(id, generation, 0, 0) : lb_flow_remove4(id, generation, 0, 0);
}

/* Move the flow to the state a TCP segment leads to; counts it live or not. Returns the new state. */
static __always_inline int lb_flow_tcp_event_as(
	__u32 id, __u32 direction, __u32 flags, __u32 seq, __u32 ack, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_tuple forward;
	__u8 before, after;

	if (!g || !f)
		return LB_FLOW_FREE;
	lb_flow_tuple(f, LB_TO_BACKEND, &forward, v6);

	struct lb_bucket *bucket = lb_bucket_of(lb_hash_tuple(&forward, g->hash_seed, v6), g, v6);
	__u32 generation = f->generation;
	__u32 backend = f->backend;

	if (!bucket)
		return f->state;
	bpf_spin_lock(&bucket->lock);
	before = f->state;
	after = before;
	if (before != LB_FLOW_FREE && f->generation == generation) {
		after = lb_tcp_next(before, direction, flags, ack == f->backend_isn + 1);
		if (after == LB_FLOW_SYN_RECV && before != LB_FLOW_SYN_RECV)
			f->backend_isn = seq;
		if (after != before)
			f->state = after;
	}
	bpf_spin_unlock(&bucket->lock);
	if (lb_flow_is_live(before) != lb_flow_is_live(after))
		lb_backend_load(backend, lb_flow_is_live(after) ? 1 : -1);
	if (after != before && lb_flow_is_told(after))
		lb_tell_flow(id, generation, IPPROTO_TCP, v6);
	return after;
}

__attribute__((noinline)) int lb_flow_tcp_event4(__u32 id, __u32 direction, __u32 flags, __u32 seq, __u32 ack)
{
	return lb_flow_tcp_event_as(id, direction & 1, flags & 0xff, seq, ack, 0);
}

__attribute__((noinline)) int lb_flow_tcp_event6(__u32 id, __u32 direction, __u32 flags, __u32 seq, __u32 ack)
{
	return lb_flow_tcp_event_as(id, direction & 1, flags & 0xff, seq, ack, 1);
}

/* A second datagram or a reply was seen. */
static __always_inline int lb_flow_confirm_udp_as(__u32 id, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_tuple forward;
	int confirmed = 0;

	if (!g || !f)
		return 0;
	lb_flow_tuple(f, LB_TO_BACKEND, &forward, v6);

	struct lb_bucket *bucket = lb_bucket_of(lb_hash_tuple(&forward, g->hash_seed, v6), g, v6);
	__u32 generation = f->generation;

	if (!bucket)
		return 0;
	bpf_spin_lock(&bucket->lock);
	if (f->state == LB_FLOW_UDP_NEW && f->generation == generation) {
		f->state = LB_FLOW_UDP;
		confirmed = 1;
	}
	bpf_spin_unlock(&bucket->lock);
	if (confirmed)
		lb_tell_flow(id, generation, IPPROTO_UDP, v6);
	return 0;
}

__attribute__((noinline)) int lb_flow_confirm_udp4(__u32 id)
{
	return lb_flow_confirm_udp_as(id, 0);
}

__attribute__((noinline)) int lb_flow_confirm_udp6(__u32 id)
{
	return lb_flow_confirm_udp_as(id, 1);
}

/* The TCP flow's backend is gone: from now on its packets are answered with RST. 0 or -ESTALE. */
static __always_inline int lb_flow_doom(__u32 id, __u32 generation, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_tuple forward;
	int result = -ESTALE, was_live = 0;

	if (!g || !f || f->generation != generation || f->protocol != IPPROTO_TCP)
		return -ESTALE;
	lb_flow_tuple(f, LB_TO_BACKEND, &forward, v6);

	struct lb_bucket *bucket = lb_bucket_of(lb_hash_tuple(&forward, g->hash_seed, v6), g, v6);
	__u32 backend = f->backend;

	if (!bucket)
		return -ESTALE;
	bpf_spin_lock(&bucket->lock);
	if (f->generation == generation && lb_flow_is_live(f->state)) {
		f->state = LB_FLOW_DOOMED;
		f->flags = 0; /* a copy that this node resets is its own: the peer is told of its end */
		was_live = 1;
		result = 0;
	}
	bpf_spin_unlock(&bucket->lock);
	if (was_live)
		lb_backend_load(backend, -1);
	return result;
}

/*
 * Make the table's next half-open flow known to the ring that bounds them; the flow that stood in its
 * place, the oldest, is removed if it is still half-open.
 */
__attribute__((noinline)) int lb_half_open_enter(__u32 id, __u32 generation, __u32 v6)
{
	struct lb_globals *g = lb_globals();

	if (!g)
		return 0;

	__u32 at = lb_cursor_step(LB_CURSOR_HALF_OPEN, g->half_open_max, 1);
	__u64 *place = bpf_map_lookup_elem(&half_open, &at);

	if (!place)
		return 0;

	__u64 old = *place;

	*place = (__u64)generation << 32 | (__u64)v6 << 31 | (id + 1);
	if (!old)
		return 0;

	__u32 old_id = ((__u32)old & 0x7fffffff) - 1;
	__u32 old_v6 = (__u32)old >> 31;
	struct lb_flow *f = lb_flow_at(old_id, 0);

	if (old_v6)
		f = lb_flow_at(old_id, 1);
	if (!f || f->generation != (__u32)(old >> 32) || !lb_flow_is_half_open(f->state))
		return 0;
	if (lb_flow_remove(old_v6, old_id, old >> 32) == 0)
		lb_count(LB_COUNT_HALF_OPEN_EVICTED);
	return 0;
}

#endif
