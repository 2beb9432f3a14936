/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of the other node of a pair, put into the flow table: a flow that it forwards is a copy here (LB_FLOW_COPY), and
 * its end removes the copy. Carried out by the control program, for what stands in the map `installs`. Whoever used the
 * connection later is right about it: a flow of this node's own that was used since stays, and the record is answered OURS.
 *
 * A copy is never younger than a second, so that the first packet that comes for it here takes the branch of the packets
 * that come once a second (lb_core.h), where it is made ours.
 */
#ifndef TANDEM_LB_INSTALL_H
#define TANDEM_LB_INSTALL_H

#include "lb/bpf/lb_pick.h"

static __always_inline struct lb_install *lb_install_at(__u32 at)
{
	return bpf_map_lookup_elem(&installs, &at);
}

/* Is a later than b, on the clock of jiffies? */
static __always_inline int lb_is_later(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline void lb_install_forward(
	const struct lb_install *r, struct lb_tuple *forward, const int v6)
{
	__builtin_memset(forward, 0, sizeof(*forward));
	forward->protocol = r->protocol;
	lb_copy_words(forward->src, r->client, lb_words(v6));
	lb_copy_words(forward->dst, r->service_addr, lb_words(v6));
	forward->sport = r->client_port;
	forward->dport = r->service_port;
}

static __always_inline int lb_install_same_backend(
	const struct lb_install *r, struct lb_flow *f, const int v6)
{
	return f->backend_port == r->backend_port &&
	       lb_same_words(lb_flow_backend(f, v6), r->backend_addr, v6);
}

/* Does the record name a flow that there may be, of a service and a backend that are here? */
static __always_inline int lb_install_is_valid(const struct lb_install *r, const int v6)
{
	__u32 service_at = r->service, backend_at = r->backend;
	struct lb_service_entry *s = bpf_map_lookup_elem(&services, &service_at);
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend_at);

	if (!s || !b || s->protocol != r->protocol || !lb_flow_is_told(r->state) ||
		(r->protocol == IPPROTO_UDP) != (r->state == LB_FLOW_UDP))
		return 0;
	return b->family == (v6 ? 6 : 4) && b->port == r->backend_port &&
	       lb_same_words(b->addr, r->backend_addr, v6);
}

/* When the flow was used last by what the record says: not in the future. */
static __always_inline __u32 lb_install_used(const struct lb_install *r, __u32 now)
{
	return lb_is_later(r->last_seen, now) ? now : r->last_seen;
}

static __always_inline __u32 lb_install_last_seen(__u32 used, __u32 now, const struct lb_globals *g)
{
	return lb_is_later(used, now - g->hz) ? now - g->hz : used;
}

/* ---- a flow that is there ---- */

/* The lease of the flow's address: that may have been entered since the flow was told of. */
static __always_inline __u32 lb_install_lease(
	const struct lb_install *r, const struct lb_flow *f, const int v6)
{
	__u32 lease = f->lease;

	return lease ? lease : lb_lease_of(r->service_addr, 0, v6);
}

/*
 * The connection is in the table, to the same backend: a copy is brought up to date; what is ours becomes a copy when the
 * peer used it later, unless keep says so. A backend that serves here too is the flow's whatever happened to it before.
 * MADE: it has gone meanwhile.
 */
static __always_inline __u32 lb_install_update(const struct lb_install *r, __u32 id, __u32 generation,
	struct lb_bucket *bucket, int keep, const struct lb_globals *g, const int v6)
{
	struct lb_flow *f = lb_flow_at(id, v6);
	__u32 now = lb_now(), used = lb_install_used(r, now), isn = r->backend_isn;
	__u32 result = LB_INSTALL_MADE, last_seen = lb_install_last_seen(used, now, g);
	__u8 state = r->state, before = LB_FLOW_FREE;

	if (!f)
		return LB_INSTALL_MADE;

	__u32 backend = f->backend;
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend);
	__u16 serves = b && (b->flags & LB_BACKEND_SERVING), epoch = b ? b->epoch : 0;

	bpf_spin_lock(&bucket->lock);
	if (f->generation == generation && f->state != LB_FLOW_FREE) {
		result = LB_INSTALL_OURS;
		if ((f->flags & LB_FLOW_COPY) || (!keep && !lb_is_later(f->last_seen, used))) {
			result = LB_INSTALL_UPDATED;
			before = f->state;
			f->state = state;
			f->last_seen = last_seen;
			f->backend_isn = isn;
			f->flags |= LB_FLOW_COPY;
			if (serves)
				f->backend_epoch = epoch;
		}
	}
	bpf_spin_unlock(&bucket->lock);
	if (result == LB_INSTALL_UPDATED && !lb_flow_is_live(before))
		lb_backend_load(backend, 1);
	return result;
}

/* ---- a new copy ---- */

static __always_inline void lb_install_fill(
	struct lb_flow *f, const struct lb_install *r, const struct lb_globals *g, const int v6)
{
	__u32 backend_at = r->backend, now = lb_now();
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend_at);

	f->last_seen = lb_install_last_seen(lb_install_used(r, now), now, g);
	f->client_port = r->client_port;
	f->service_port = r->service_port;
	f->backend_port = r->backend_port;
	f->protocol = r->protocol;
	f->service = r->service;
	f->backend = r->backend;
	f->backend_epoch = b ? b->epoch : 0;
	f->lease = lb_lease_of(r->service_addr, 0, v6);
	f->flags = LB_FLOW_COPY;
	f->backend_isn = r->backend_isn;
	f->hop_epoch[0] = 0;
	f->hop_epoch[1] = 0;
	if (v6) {
		lb_copy_words(lb_flow_client(f, v6), r->client, 4);
		lb_copy_words(lb_flow_service(f, v6), r->service_addr, 4);
		lb_copy_words(lb_flow_backend(f, v6), r->backend_addr, 4);
	} else {
		*lb_flow_client(f, v6) = r->client[0];
		*lb_flow_service(f, v6) = r->service_addr[0];
		*lb_flow_backend(f, v6) = r->backend_addr[0];
	}
	f->state = r->state;
}

static __always_inline __u32 lb_install_make(
	struct lb_install *r, const struct lb_tuple *forward, const struct lb_globals *g, const int v6)
{
	__u32 id = 0;
	int err;

	if (lb_flow_room(forward, g, &id, v6))
		return LB_INSTALL_FULL;

	struct lb_flow *f = lb_flow_at(id, v6);

	if (!f)
		return LB_INSTALL_FULL;
	f->generation++;
	lb_install_fill(f, r, g, v6);
	err = lb_flow_index(id, g, v6);
	if (err == -EEXIST && !(v6 ? lb_tuple_claim6(id, 1) : lb_tuple_claim4(id, 1)))
		err = lb_flow_index(id, g, v6);
	if (err) {
		f->state = LB_FLOW_FREE;
		lb_flow_free(id, v6);
		if (err == -EEXIST)
			return LB_INSTALL_CLASH;
		return err == -EEXIST - 1000 ? LB_INSTALL_OURS : LB_INSTALL_FULL; /* a packet was faster */
	}
	lb_backend_load(r->backend, 1);
	lb_count(LB_COUNT_FLOW_NEW);
	r->id = id;
	return LB_INSTALL_MADE;
}

/* ---- sticky sources ---- */

/* The source used the backend then. What is known of a later time is not unlearnt. */
static __always_inline void lb_sticky_heard(
	struct lb_sticky_entry *e, __u32 backend, __u32 timeout, __u32 used)
{
	if (lb_is_later(used, e->home_used))
		lb_sticky_use(e, backend, timeout, used);
}

static __always_inline int lb_install_sticky(const struct lb_install *r, const int v6)
{
	__u32 service_at = r->service, used = lb_install_used(r, lb_now());
	struct lb_service_entry *s = bpf_map_lookup_elem(&services, &service_at);
	__u32 pool_at = s ? s->pool : 0;
	struct lb_pool_entry *pool = bpf_map_lookup_elem(&pools, &pool_at);
	struct lb_sticky_key key;
	struct lb_sticky_entry *e;

	if (!s || !pool || !pool->sticky_jiffies)
		return 0;
	lb_sticky_key(&key, r->client, pool_at, pool, v6);
	e = bpf_map_lookup_elem(&sticky, &key);
	if (e)
		lb_sticky_heard(e, r->backend, pool->sticky_jiffies, used);
	else
		lb_sticky_note(r->client, pool_at, pool, r->backend, 1, used, v6);
	return 0;
}

__attribute__((noinline)) int lb_install_sticky4(__u32 at)
{
	struct lb_install *r = lb_install_at(at);

	return r ? lb_install_sticky(r, 0) : 0;
}

__attribute__((noinline)) int lb_install_sticky6(__u32 at)
{
	struct lb_install *r = lb_install_at(at);

	return r ? lb_install_sticky(r, 1) : 0;
}

/* ---- the operations: each returns the result ---- */

static __always_inline __u32 lb_install_put(struct lb_install *r, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_tuple forward;

	if (!g || !lb_install_is_valid(r, v6))
		return LB_INSTALL_INVALID;
	lb_install_forward(r, &forward, v6);

	__u64 hash = lb_hash_tuple(&forward, g->hash_seed, v6);
	struct lb_bucket *bucket = lb_bucket_of(hash, g, v6);
	__u32 slot = bucket ? lb_bucket_find(bucket, &forward, hash, v6) : 0;
	struct lb_flow *f = slot ? lb_flow_at(lb_slot_id(slot), v6) : 0;

	if (!bucket)
		return LB_INSTALL_INVALID;
	if (f) {
		__u32 id = lb_slot_id(slot), generation = f->generation;
		__u32 ours = !(f->flags & LB_FLOW_COPY), result = LB_INSTALL_MADE;
		int keep = r->flags & LB_INSTALL_SECOND_HAND;

		if (lb_slot_direction(slot) != LB_TO_BACKEND)
			return LB_INSTALL_CLASH;
		r->id = id;
		if (lb_install_same_backend(r, f, v6))
			result = lb_install_update(r, id, generation, bucket, keep, g, v6);
		else if (ours && (keep || lb_is_later(f->last_seen, lb_install_used(r, lb_now()))))
			result = LB_INSTALL_OURS;
		else
			lb_flow_remove(v6, id, generation);
		if (result != LB_INSTALL_MADE)
			return result;
	}
	return lb_install_make(r, &forward, g, v6);
}

static __always_inline __u32 lb_install_end(struct lb_install *r, const int v6)
{
	struct lb_globals *g = lb_globals();
	struct lb_tuple forward;
	struct lb_found found;

	if (!g)
		return LB_INSTALL_INVALID;
	lb_install_forward(r, &forward, v6);
	found = lb_flow_find(&forward, g, v6);
	if (!found.flow || found.direction != LB_TO_BACKEND || !lb_install_same_backend(r, found.flow, v6))
		return LB_INSTALL_UNKNOWN;

	__u32 generation = found.flow->generation, lease = lb_install_lease(r, found.flow, v6);

	struct lease *l = lb_lease_at(lease);

	r->id = found.id;
	/* The addresses are here now: what the peer ends, it ends for reasons of its own (it lost its backends, say). A lease
	 * that was released and is fresh for a moment yet is none of that kind. */
	if (lease && l && l->taken_ns && lb_lease_is_fresh(lease, lb_now()))
		return LB_INSTALL_OURS;
	if ((v6 ? lb_flow_remove6(found.id, generation, LB_IF_COPY, 0)
		: lb_flow_remove4(found.id, generation, LB_IF_COPY, 0)) == 0)
		return LB_INSTALL_ENDED;
	return LB_INSTALL_OURS;
}

__attribute__((noinline)) int lb_install_put4(__u32 at)
{
	struct lb_install *r = lb_install_at(at);

	return r ? lb_install_put(r, 0) : LB_INSTALL_INVALID;
}

__attribute__((noinline)) int lb_install_put6(__u32 at)
{
	struct lb_install *r = lb_install_at(at);

	return r ? lb_install_put(r, 1) : LB_INSTALL_INVALID;
}

__attribute__((noinline)) int lb_install_end4(__u32 at)
{
	struct lb_install *r = lb_install_at(at);

	return r ? lb_install_end(r, 0) : LB_INSTALL_INVALID;
}

__attribute__((noinline)) int lb_install_end6(__u32 at)
{
	struct lb_install *r = lb_install_at(at);

	return r ? lb_install_end(r, 1) : LB_INSTALL_INVALID;
}

/* Carry out the record in that place: 1 when it changed the table, 0 when not, -1 at the end of the list. */
__attribute__((noinline)) int lb_install_one(__u32 at)
{
	struct lb_install *r = lb_install_at(at);
	__u32 result = LB_INSTALL_INVALID;

	if (!r || (r->op != LB_INSTALL_PUT && r->op != LB_INSTALL_END))
		return -1;
	if (r->family != 4 && r->family != 6)
		result = LB_INSTALL_INVALID;
	else if (r->op == LB_INSTALL_PUT)
		result = r->family == 6 ? lb_install_put6(at) : lb_install_put4(at);
	else
		result = r->family == 6 ? lb_install_end6(at) : lb_install_end4(at);
	if (result == LB_INSTALL_MADE || result == LB_INSTALL_UPDATED) {
		if (r->family == 6)
			lb_install_sticky6(at);
		else
			lb_install_sticky4(at);
	}
	r->op = result;
	return result == LB_INSTALL_MADE || result == LB_INSTALL_UPDATED || result == LB_INSTALL_ENDED;
}

#endif
