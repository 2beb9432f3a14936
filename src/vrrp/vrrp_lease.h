/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps that tandem-lb pins for leases (common/lease_map.h), as tandem-vrrp uses them: a lease for each unit, the
 * addresses entered, the balancer's word about the connection table. Raw bpf() calls and a mapping: a stamp is one store
 * into memory, it neither blocks nor allocates.
 *
 * While tandem-lb has pinned nothing there is nothing to stamp, and nothing else changes. The pin is looked at every second:
 * maps that are another ones than before get what stands in the old ones, the leases first, then the addresses, so that
 * nobody is silent in between.
 */
#ifndef TANDEM_VRRP_LEASE_H
#define TANDEM_VRRP_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/lease_map.h"
#include "vrrp/vrrp_beacon.h"

struct ev_loop;
struct vrrp_lease;

/* An address, and the slot of the unit that shares it. */
struct vrrp_lease_entry {
	struct lease_addr addr;
	uint32_t slot;
};

/* Look in run_dir's pins, now and every second. 0 or -ENOMEM: no maps is no error. */
int vrrp_lease_open(struct vrrp_lease **out, struct ev_loop *loop, const char *run_dir);
/* forget: the addresses are nobody's from now on, an operator may use them. Else leases run out where nobody goes on. NULL is
 * fine. */
void vrrp_lease_close(struct vrrp_lease *lease, bool forget);

/* A slot for a unit, the one that an earlier speaker used for that address when it is free. goes_on: what that speaker
 * stamped stays. 0: all are taken. */
unsigned vrrp_lease_claim(struct vrrp_lease *lease, const struct lease_addr *first, bool goes_on);
void vrrp_lease_free(struct vrrp_lease *lease, unsigned slot);

/* The addresses of all units: those that are not in the list go, an earlier speaker's too, new ones come. 0, or the first
 * -errno (tried again every second). */
int vrrp_lease_enter(struct vrrp_lease *lease, const struct vrrp_lease_entry *list, size_t count);

/* vrrp_now()'s clock. Slot 0 is nobody's and does nothing. */
void vrrp_lease_stamp(struct vrrp_lease *lease, unsigned slot, int64_t until);
void vrrp_lease_take(struct vrrp_lease *lease, unsigned slot, int64_t taken, int64_t grace_ns);
int64_t vrrp_lease_until(const struct vrrp_lease *lease, unsigned slot);

/* How much of the peer's connection table is here, as tandem-lb says it: NONE without a fresh word. */
enum vrrp_table vrrp_lease_table(const struct vrrp_lease *lease, int64_t now);
/* The age of that word; INT64_MAX: there is none. */
int64_t vrrp_lease_table_age(const struct vrrp_lease *lease, int64_t now);

struct vrrp_lease_status {
	bool there;
	const char *error; /* "", or why not, in words */
	size_t entered;
};
void vrrp_lease_status(const struct vrrp_lease *lease, struct vrrp_lease_status *out);

/* Without a speaker: what an earlier one of this run dir entered is nobody's any more. For the guard. */
void vrrp_lease_forget(const char *run_dir);

#endif
