/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which backend takes a new flow: the service of a packet, the backend its source is bound to, the pool's
 * scheduler; and the creation of the flow. Runs once a flow; a packet of a known flow never comes here.
 */
#ifndef TANDEM_LB_PICK_H
#define TANDEM_LB_PICK_H

#include "lb/bpf/lb_lease.h"

#define LB_PICK_ATTEMPTS 4  /* backends tried when the translated tuple of one is in use */
#define LB_PICK_WALK     64 /* table slots looked at for one that was not tried */

/*
 * The functions with a 4 or 6 at their end are global functions to the verifier: it looks at each once, for any
 * argument, instead of once for each way that leads to it. They take numbers only; what they work on stands here.
 */
struct lb_creation {
	struct lb_tuple forward;
	__u32 id;
	__u32 lease;                   /* of the service's address */
	__u32 tried[LB_PICK_ATTEMPTS]; /* backends, by attempt */
};

LB_PERCPU(creation, struct lb_creation);

static __always_inline struct lb_creation *lb_creation(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&creation, &zero);
}

static __always_inline long lb_service_find(const struct lb_tuple *t, const int v6)
{
	struct lb_service_key key = {};

	lb_copy_words(key.addr, t->dst, lb_words(v6));
	key.port = t->dport;
	key.protocol = t->protocol;
	key.family = v6 ? 6 : 4;

	__u32 *at = bpf_map_lookup_elem(&service_keys, &key);

	return at ? (long)*at : -1;
}

static __always_inline int lb_backend_serves(__u32 backend, __u32 pool)
{
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend);

	return b && (b->flags & LB_BACKEND_SERVING) && b->pool == pool;
}

/* ---- sticky sources ---- */

static __always_inline void lb_sticky_key(struct lb_sticky_key *key, const __be32 *source, __u32 pool_at,
	const struct lb_pool_entry *pool, const int v6)
{
	__u32 bits = v6 ? pool->sticky_prefix6 : pool->sticky_prefix4;

	__builtin_memset(key, 0, sizeof(*key));
	key->pool = pool_at | (v6 ? 0x80000000 : 0);
#pragma unroll
	for (int i = 0; i < (v6 ? 4 : 1); i++) {
		if (bits >= 32)
			key->source[i] = source[i];
		else if (bits)
			key->source[i] = source[i] & bpf_htonl(~0U << (32 - bits));
		bits = bits > 32 ? bits - 32 : 0;
	}
}

/* The backend in the entry that may be used now, or LB_NO_BACKEND. */
static __always_inline __u32 lb_sticky_usable(
	const struct lb_sticky_entry *e, __u32 pool_at, __u32 timeout, __u32 now)
{
	if (lb_age_of(e->home_used, now) <= timeout && lb_backend_serves(e->home, pool_at))
		return e->home;
	/* The home's claim may have run out meanwhile: who stood in goes on, and is the home from then on. */
	if (e->stand_in != LB_NO_BACKEND && lb_age_of(e->stand_in_used, now) <= timeout &&
		lb_backend_serves(e->stand_in, pool_at))
		return e->stand_in;
	return LB_NO_BACKEND;
}

static __always_inline __u32 lb_sticky_find(
	const __be32 *source, __u32 pool_at, const struct lb_pool_entry *pool, __u32 now, const int v6)
{
	struct lb_sticky_key key;
	struct lb_sticky_entry *e;

	lb_sticky_key(&key, source, pool_at, pool, v6);
	e = bpf_map_lookup_elem(&sticky, &key);
	if (!e)
		e = bpf_map_lookup_elem(&sticky_new, &key);
	return e ? lb_sticky_usable(e, pool_at, pool->sticky_jiffies, now) : LB_NO_BACKEND;
}

/* The source uses this backend. A home that is away keeps its claim until its own timeout. */
static __always_inline void lb_sticky_use(struct lb_sticky_entry *e, __u32 backend, __u32 timeout, __u32 now)
{
	if (e->home == backend || lb_age_of(e->home_used, now) > timeout) {
		e->home = backend;
		e->home_used = now;
	} else {
		e->stand_in = backend;
		e->stand_in_used = now;
	}
}

static __always_inline void lb_sticky_note(const __be32 *source, __u32 pool_at,
	const struct lb_pool_entry *pool, __u32 backend, int confirmed, __u32 now, const int v6)
{
	struct lb_sticky_key key;
	struct lb_sticky_entry *e;

	lb_sticky_key(&key, source, pool_at, pool, v6);
	e = bpf_map_lookup_elem(&sticky, &key);
	if (!e && !confirmed)
		e = bpf_map_lookup_elem(&sticky_new, &key);
	if (e) {
		lb_sticky_use(e, backend, pool->sticky_jiffies, now);
		return;
	}

	struct lb_sticky_entry fresh = {
		.home = backend, .stand_in = LB_NO_BACKEND, .home_used = now, .stand_in_used = now};

	if (!confirmed)
		bpf_map_update_elem(&sticky_new, &key, &fresh, BPF_ANY);
	else if (bpf_map_update_elem(&sticky, &key, &fresh, BPF_NOEXIST))
		lb_count(LB_COUNT_STICKY_FULL);
}

/* A flow was established, or used again a second after its last use. */
static __always_inline int lb_sticky_refresh_as(__u32 id, const int v6)
{
	struct lb_flow *f = lb_flow_at(id, v6);

	if (!f)
		return 0;

	__u32 service_at = f->service;
	struct lb_service_entry *s = bpf_map_lookup_elem(&services, &service_at);

	if (!s)
		return 0;

	__u32 pool_at = s->pool;
	struct lb_pool_entry *pool = bpf_map_lookup_elem(&pools, &pool_at);

	if (pool && pool->sticky_jiffies)
		lb_sticky_note(lb_flow_client(f, v6), pool_at, pool, f->backend, 1, lb_now(), v6);
	return 0;
}

__attribute__((noinline)) int lb_sticky_refresh4(__u32 id)
{
	return lb_sticky_refresh_as(id, 0);
}

__attribute__((noinline)) int lb_sticky_refresh6(__u32 id)
{
	return lb_sticky_refresh_as(id, 1);
}

static __always_inline void lb_sticky_refresh(__u32 id, const int v6)
{
	if (v6)
		lb_sticky_refresh6(id);
	else
		lb_sticky_refresh4(id);
}

/* ---- schedulers ---- */

/* The table at base is a ring of that length; at is less than twice as much. */
static __always_inline __u32 lb_slot_backend(__u32 base, __u32 length, __u32 at)
{
	__u32 place = base + (at >= length ? at - length : at);
	__u32 line_at = place / LB_SLOTS_A_LINE;
	struct lb_slot_line *line = bpf_map_lookup_elem(&table_slots, &line_at);

	return line ? line->backend[place % LB_SLOTS_A_LINE] : LB_NO_BACKEND;
}

static __always_inline __u32 lb_pool_turn(__u32 pool_at, __u32 length)
{
	struct lb_cursor *c = bpf_map_lookup_elem(&pool_cursors, &pool_at);
	__u32 turn;

	if (!c)
		return 0;
	bpf_spin_lock(&c->lock);
	turn = c->next < length ? c->next : 0;
	c->next = turn + 1;
	bpf_spin_unlock(&c->lock);
	return turn;
}

/*
 * The one that has the lesser (live flows + 1) / weight, of a backend and the one at that place of the ring; the first
 * when they are equal. A backend that does not serve never wins. It is a function, and the place a place of the ring,
 * so that the verifier has one way through the loop around it, not two to the power of its turns.
 */
__attribute__((noinline)) int lb_lesser(__u32 first, __u32 base, __u32 length, __u32 at)
{
	__u32 second = lb_slot_backend(base, length, at);
	struct lb_backend_entry *a = bpf_map_lookup_elem(&backends, &first);
	struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &second);

	if (!b || !(b->flags & LB_BACKEND_SERVING))
		return first;
	if (!a || !(a->flags & LB_BACKEND_SERVING))
		return second;
	return ((__u64)b->active + 1) * a->weight < ((__u64)a->active + 1) * b->weight ? second : first;
}

/* The least loaded; equals take turns. */
static __always_inline __u32 lb_pick_least(__u32 base, __u32 length, __u32 turn)
{
	__u32 best = LB_NO_BACKEND;

	for (__u32 i = 0; i < LB_POOL_SCAN_MAX; i++) {
		if (i >= length)
			break;
		best = lb_lesser(best, base, length, turn + i);
	}
	return best;
}

static __always_inline __u32 lb_pick_hash(const struct lb_tuple *t, __u32 seed, int ports, const int v6)
{
	__u64 h = lb_mix(seed, t->src[0]);

	if (v6) {
		h = lb_mix(h, (__u64)t->src[1] << 32 | t->src[2]);
		h = lb_mix(h, t->src[3]);
	}
	if (ports)
		h = lb_mix(h, (__u64)t->sport << 32 | (__u64)t->dport << 8 | t->protocol);
	h *= 0xc2b2ae3d27d4eb4fULL;
	return (__u32)(h >> 32);
}

/* The backend at that place of the ring, if it was not tried before that attempt. */
__attribute__((noinline)) int lb_slot_untried(__u32 base, __u32 length, __u32 at, __u32 attempt)
{
	struct lb_creation *c = lb_creation();
	__u32 backend = lb_slot_backend(base, length, at);

	for (__u32 i = 0; c && i < LB_PICK_ATTEMPTS && i < attempt; i++)
		if (c->tried[i] == backend)
			return LB_NO_BACKEND;
	return backend;
}

/* The next backend in the table that was not tried. */
static __always_inline __u32 lb_pick_other(__u32 base, __u32 length, __u32 turn, __u32 attempt)
{
	for (__u32 i = 0; i < LB_PICK_WALK && i < length; i++) {
		__u32 backend = lb_slot_untried(base, length, turn + i, attempt);

		if (backend != LB_NO_BACKEND)
			return backend;
	}
	return LB_NO_BACKEND;
}

/* attempt 0 is the scheduler's choice; later ones walk on in the table. */
static __always_inline __u32 lb_pick(const struct lb_creation *c, __u32 pool_at,
	const struct lb_pool_entry *pool, __u32 attempt, const int v6)
{
	__u64 table = *(volatile __u64 *)&pool->table;
	__u32 base = table >> 32, length = (__u32)table;

	if (!length)
		return LB_NO_BACKEND;
	if (attempt)
		return lb_pick_other(base, length, lb_pool_turn(pool_at, length), attempt);
	if (pool->pick == LB_PICK_NEXT)
		return lb_slot_backend(base, length, lb_pool_turn(pool_at, length));
	if (pool->pick == LB_PICK_LEAST)
		return lb_pick_least(base, length, lb_pool_turn(pool_at, length));
	return lb_slot_backend(base, length,
		lb_pick_hash(&c->forward, pool->hash_seed, pool->pick == LB_PICK_TUPLE, v6) % length);
}

static __always_inline __u32 lb_pick_creation(__u32 pool_at, __u32 attempt, const int v6)
{
	struct lb_creation *c = lb_creation();
	struct lb_pool_entry *pool = bpf_map_lookup_elem(&pools, &pool_at);

	return c && pool ? lb_pick(c, pool_at, pool, attempt, v6) : LB_NO_BACKEND;
}

__attribute__((noinline)) int lb_pick4(__u32 pool_at, __u32 attempt)
{
	return lb_pick_creation(pool_at, attempt, 0);
}

__attribute__((noinline)) int lb_pick6(__u32 pool_at, __u32 attempt)
{
	return lb_pick_creation(pool_at, attempt, 1);
}

/* ---- a new flow ---- */

static __always_inline void lb_flow_fill(struct lb_flow *f, const struct lb_creation *c,
	const struct lb_backend_entry *b, __u32 service, __u32 backend, __u32 now, const int v6)
{
	f->last_seen = now;
	f->client_port = c->forward.sport;
	f->service_port = c->forward.dport;
	f->backend_port = b->port;
	f->protocol = c->forward.protocol;
	f->service = service;
	f->backend = backend;
	f->backend_epoch = b->epoch;
	f->lease = (__u8)c->lease;
	f->flags = 0;
	f->backend_isn = 0;
	f->hop_epoch[0] = 0;
	f->hop_epoch[1] = 0;
	if (v6) {
		lb_copy_words(lb_flow_client(f, v6), c->forward.src, 4);
		lb_copy_words(lb_flow_service(f, v6), c->forward.dst, 4);
		lb_copy_words(lb_flow_backend(f, v6), b->addr, 4);
	} else {
		*lb_flow_client(f, v6) = c->forward.src[0];
		*lb_flow_service(f, v6) = c->forward.dst[0];
		*lb_flow_backend(f, v6) = b->addr[0];
	}
	f->state = c->forward.protocol == IPPROTO_TCP ? LB_FLOW_SYN : LB_FLOW_UDP_NEW;
}

/* A flow that is past its time in the full bucket or table makes room: remove one of this bucket. */
static __always_inline int lb_reclaim(
	struct lb_bucket *bucket, const struct lb_globals *g, __u32 now, const int v6)
{
	for (int i = 0; i < LB_BUCKET_SLOTS; i++) {
		__u32 id = (bucket->slot[i] & ((1U << LB_FLOW_ID_BITS) - 1)) - 1;
		struct lb_flow *f = lb_flow_at(id, v6);

		if (!f || f->state == LB_FLOW_FREE)
			continue;

		__u32 service_at = f->service;
		struct lb_service_entry *s = bpf_map_lookup_elem(&services, &service_at);
		__u32 generation = f->generation, last_seen = f->last_seen;

		if (!s)
			continue;

		__u32 timeout = lb_flow_timeout(f->state, s->idle_jiffies, g);

		if (lb_age_of(last_seen, now) <=
			(f->flags & LB_FLOW_COPY ? lb_copy_timeout(timeout) : timeout))
			continue;
		if ((v6 ? lb_flow_remove6(id, generation, LB_IF_UNUSED, last_seen)
			: lb_flow_remove4(id, generation, LB_IF_UNUSED, last_seen)) == 0) {
			lb_count(LB_COUNT_RECLAIMED);
			return 0;
		}
	}
	return -ENOSPC;
}

/* An id for a new flow with that forward tuple. 0 or -ENOSPC. */
static __always_inline int lb_flow_room(
	const struct lb_tuple *forward, const struct lb_globals *g, __u32 *id, const int v6)
{
	if (!lb_flow_alloc(g, id, v6))
		return 0;

	__u64 hash = lb_hash_tuple(forward, g->hash_seed, v6);
	struct lb_bucket *bucket = lb_bucket_of(hash, g, v6);

	if (!bucket || lb_reclaim(bucket, g, lb_now(), v6) || lb_flow_alloc(g, id, v6))
		return -ENOSPC;
	return 0;
}

/* Enter the new flow for one direction. 0 or as lb_index_add(). */
static __always_inline int lb_index_enter(__u32 id, __u32 direction, const int v6)
{
	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_globals *g = lb_globals();
	struct lb_tuple t;

	if (!f || !g)
		return -EAGAIN;
	lb_flow_tuple(f, direction, &t, v6);

	__u64 hash = lb_hash_tuple(&t, g->hash_seed, v6);
	struct lb_bucket *bucket = lb_bucket_of(hash, g, v6);

	return bucket ? lb_index_add(bucket, &t, hash, lb_slot_value(hash, id, direction), v6) : -EAGAIN;
}

__attribute__((noinline)) int lb_index_enter4(__u32 id, __u32 direction)
{
	return lb_index_enter(id, direction & 1, 0);
}

__attribute__((noinline)) int lb_index_enter6(__u32 id, __u32 direction)
{
	return lb_index_enter(id, direction & 1, 1);
}

/* The flow that holds the new flow's translated tuple goes if it is over, or, when from_copies says so, a copy: as with a
 * client's SYN on a closing flow, the new connection is the tuple's owner (RFC 9293 3.6.1). 0 when the tuple is free now. */
static __always_inline int lb_tuple_claim(__u32 id, __u32 from_copies, const int v6)
{
	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_globals *g = lb_globals();
	struct lb_tuple t;

	if (!f || !g)
		return -EAGAIN;
	lb_flow_tuple(f, LB_TO_CLIENT, &t, v6);

	struct lb_found holder = lb_flow_find(&t, g, v6);

	if (!holder.flow || !(lb_flow_is_over(holder.flow->state) ||
				    (from_copies && (holder.flow->flags & LB_FLOW_COPY))))
		return -EEXIST;
	return lb_flow_remove(v6, holder.id, holder.flow->generation);
}

__attribute__((noinline)) int lb_tuple_claim4(__u32 id, __u32 from_copies)
{
	return lb_tuple_claim(id, from_copies, 0);
}

__attribute__((noinline)) int lb_tuple_claim6(__u32 id, __u32 from_copies)
{
	return lb_tuple_claim(id, from_copies, 1);
}

/* Enter both, reverse first. 0, or -EEXIST -ENOSPC -EAGAIN for the reverse one, and the same numbers less 1000
 * for the forward one; nothing is left behind on failure. */
static __always_inline int lb_flow_index(__u32 id, const struct lb_globals *g, const int v6)
{
	int err = v6 ? lb_index_enter6(id, LB_TO_CLIENT) : lb_index_enter4(id, LB_TO_CLIENT);

	if (err)
		return err;
	err = v6 ? lb_index_enter6(id, LB_TO_BACKEND) : lb_index_enter4(id, LB_TO_BACKEND);
	if (!err)
		return 0;

	struct lb_flow *f = lb_flow_at(id, v6);
	struct lb_tuple reverse;

	if (!f)
		return err - 1000;
	lb_flow_tuple(f, LB_TO_CLIENT, &reverse, v6);

	__u64 hash = lb_hash_tuple(&reverse, g->hash_seed, v6);
	struct lb_bucket *bucket = lb_bucket_of(hash, g, v6);

	if (bucket)
		lb_index_remove(bucket, lb_slot_value(hash, id, LB_TO_CLIENT));
	return err - 1000;
}

/* Make the flow in `creation` for the service (an index). 0, or the counter of the reason it was refused for. */
static __always_inline int lb_create(
	struct lb_creation *c, __u32 service_at, const struct lb_globals *g, const int v6)
{
	__u32 now = lb_now(), id = 0;
	struct lb_service_entry *s = bpf_map_lookup_elem(&services, &service_at);
	__u32 pool_at = s ? s->pool : 0;
	struct lb_pool_entry *pool = bpf_map_lookup_elem(&pools, &pool_at);
	int reason = LB_COUNT_NO_BACKEND;

	if (!s || !pool)
		return reason;
	if (lb_flow_room(&c->forward, g, &id, v6))
		return LB_COUNT_TABLE_FULL;

	struct lb_flow *f = lb_flow_at(id, v6);

	if (!f)
		return LB_COUNT_TABLE_FULL;
	f->generation++;
	c->id = id;

	__u32 bound =
		pool->sticky_jiffies ? lb_sticky_find(c->forward.src, pool_at, pool, now, v6) : LB_NO_BACKEND;

	for (__u32 attempt = 0; attempt < LB_PICK_ATTEMPTS; attempt++) {
		__u32 backend = !attempt && bound != LB_NO_BACKEND
					? bound
					: (v6 ? lb_pick6(pool_at, attempt) : lb_pick4(pool_at, attempt));
		struct lb_backend_entry *b = bpf_map_lookup_elem(&backends, &backend);

		c->tried[attempt] = backend;
		if (!b || !(b->flags & LB_BACKEND_SERVING))
			continue;
		lb_flow_fill(f, c, b, service_at, backend, now, v6);

		int err = lb_flow_index(id, g, v6);

		if (err == -EEXIST && !(v6 ? lb_tuple_claim6(id, 0) : lb_tuple_claim4(id, 0)))
			err = lb_flow_index(id, g, v6);
		if (err == 0) {
			lb_backend_load(backend, 1);
			if (pool->sticky_jiffies)
				lb_sticky_note(c->forward.src, pool_at, pool, backend, 0, now, v6);
			lb_count(LB_COUNT_FLOW_NEW);
			return 0;
		}
		if (err <= -1000 || err == -EAGAIN) {
			reason = err == -ENOSPC - 1000 ? LB_COUNT_BUCKET_FULL : LB_COUNT_RACE;
			break;
		}
		lb_count(LB_COUNT_TUPLE_COLLISION);
		reason = err == -ENOSPC ? LB_COUNT_BUCKET_FULL : LB_COUNT_COLLISION;
	}
	f->state = LB_FLOW_FREE;
	lb_flow_free(id, v6);
	return reason;
}

static __always_inline int lb_create_scratch(__u32 service, const int v6)
{
	struct lb_creation *c = lb_creation();
	struct lb_globals *g = lb_globals();

	return c && g ? lb_create(c, service, g, v6) : LB_COUNT_NO_BACKEND;
}

__attribute__((noinline)) int lb_create4(__u32 service)
{
	return lb_create_scratch(service, 0);
}

__attribute__((noinline)) int lb_create6(__u32 service)
{
	return lb_create_scratch(service, 1);
}

/* A flow for the packet's tuple, under that lease. 0 and *out, or the counter of the reason it was refused for. */
static __always_inline int lb_flow_new(
	const struct lb_tuple *t, __u32 service, __u32 lease, struct lb_found *out, const int v6)
{
	struct lb_creation *c = lb_creation();

	if (!c)
		return LB_COUNT_NO_BACKEND;
	c->forward = *t;
	c->lease = lease;

	int reason = v6 ? lb_create6(service) : lb_create4(service);

	if (reason)
		return reason;
	out->id = c->id;
	out->direction = LB_TO_BACKEND;
	out->flow = lb_flow_at(c->id, v6);
	if (!out->flow)
		return LB_COUNT_RACE;
	lb_half_open_enter(c->id, out->flow->generation, v6);
	return 0;
}

#endif
