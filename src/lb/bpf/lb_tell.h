/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling tandem-lb what changed, for the other node of a pair: writes to the ring of changes (struct lb_change, lb_abi.h)
 * while globals.tell_changes is set. Called without a bucket's lock, under which no helper may be; so what is told of a
 * flow that lives may be late, and carries its id and generation only: the reader looks at the flow itself.
 */
#ifndef TANDEM_LB_TELL_H
#define TANDEM_LB_TELL_H

#include "lb/bpf/lb_maps.h"

/* Room for a change, to be filled and submitted; NULL: the ring is full. */
static __always_inline void *lb_tell_begin(struct lb_globals *g, __u32 bytes)
{
	void *change = bpf_ringbuf_reserve(&changes, bytes, 0);

	if (!change)
		__sync_fetch_and_add(&g->changes_lost, 1);
	return change;
}

static __always_inline void lb_tell_head(
	struct lb_change *c, __u8 kind, __u32 id, __u32 generation, __u8 protocol, __u32 v6)
{
	c->kind = kind;
	c->family = v6 ? 6 : 4;
	c->protocol = protocol;
	c->reserved = 0;
	c->id = id;
	c->generation = generation;
}

/* Verified once, called from many places. */
__attribute__((noinline)) int lb_tell_flow(__u32 id, __u32 generation, __u32 protocol, __u32 v6)
{
	__u32 zero = 0;
	struct lb_globals *g = bpf_map_lookup_elem(&globals, &zero);
	struct lb_change *c = g && g->tell_changes ? lb_tell_begin(g, sizeof(*c)) : 0;

	if (!c)
		return 0;
	lb_tell_head(c, LB_CHANGE_FLOW, id, generation, (__u8)protocol, v6);
	bpf_ringbuf_submit(c, 0);
	return 0;
}

#endif
