/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance in the kernel: its interface (or what it waits for), its macvlans, its addresses, its one or two virtual
 * routers. Does what its unit says; has no state but whether it holds the addresses.
 */
#ifndef TANDEM_VRRP_INST_H
#define TANDEM_VRRP_INST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_lease.h"
#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_router.h"
#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_witness.h"

/* What instances share; the speaker owns it all. */
struct vrrp_shared {
	struct vrrp_net *net;
	struct vrrp_tx *tx;
	struct vrrp_ward *ward;
	struct vrrp_timers *timers;
	struct vrrp_lease *lease;
	int64_t grace_ns; /* of leases that are taken from now on; 0: without a peer */
};

#define VRRP_WAITING_MAX 160

struct vrrp_inst {
	const struct vrrp_shared *shared;
	const struct vrrp_instance *conf; /* the model's, set anew on reload */
	const char *unit;                 /* its unit's name, for the ward */
	struct vrrp_router routers[2];
	size_t router_count;
	int ifindex;      /* 0: no such interface now */
	int active_slave; /* of the bond that it is or stands on, the last that was seen, else 0 */
	bool ready;       /* can speak; else: */
	char waiting[VRRP_WAITING_MAX];          /* for what */
	int macvlan_error;                       /* -errno: one could not be made; */
	int64_t macvlan_failed_at;               /* ns, then */
	struct vrrp_witnesses *witnesses;        /* the unit's to open and close; NULL: none */
	struct vrrp_witness_model witness_model; /* with which they were opened */
	bool holds;                              /* the addresses are to be there */
	bool taken_over;            /* what an earlier speaker left on the interface was looked after */
	uint64_t put_back;          /* addresses that somebody else had removed */
	uint64_t settings_put_back; /* of a virtual MAC, that somebody else had changed */
	bool settings_said;         /* some were at the last look: that was logged */
	uint64_t add_failed;
	char add_error[VRRP_WAITING_MAX]; /* the last failure to add one, "" once all are there */
	int add_errno;                    /* of the failure that was logged last */
	bool stray;      /* another program added one while they are not ours: that was logged */
	bool unguarded;  /* the ward had no room for one: that was logged */
	unsigned rounds; /* of putting back, since: */
	int64_t rounds_since;
	int64_t said_since; /* the rounds of which the log has said so */
	unsigned unsaid;    /* addresses put back since then */
};

/* Fill a zeroed one; touches nothing outside. */
void vrrp_inst_init(struct vrrp_inst *inst, const struct vrrp_shared *shared,
	const struct vrrp_instance *conf, const char *unit);

/* Look at the interface anew: ready or waiting, source addresses, MACs, macvlans. keep: do not clean up what an earlier
 * speaker left, it goes on being used. True when a MAC or the active slave changed (announce again). */
bool vrrp_inst_look(struct vrrp_inst *inst, bool keep);

/* What it waits for comes without an event: look again in a second. */
bool vrrp_inst_wants_a_look(const struct vrrp_inst *inst);

/* Put the addresses there; also what was removed meanwhile. Returns how many could not be (counted, text in add_error). */
size_t vrrp_inst_acquire(struct vrrp_inst *inst);

/* Take them away. */
void vrrp_inst_release(struct vrrp_inst *inst);

/* Somebody took an address away although we hold it: put it back. Returns how many were. *again is set, else left, when
 * one is still missing (it cannot be added, or is removed again and again): try in a second. *said is set when the
 * log says so: once a second. */
size_t vrrp_inst_put_back(struct vrrp_inst *inst, bool *again, bool *said);

/* None of its addresses is there, for the kernel refused to add them (add_error). */
bool vrrp_inst_is_empty(const struct vrrp_inst *inst);

/* Leave them, for that long, to a speaker that comes soon (0: for ever again). */
void vrrp_inst_leave(struct vrrp_inst *inst, uint32_t expire_s);

/* Another config for the same interface, vrid, version, families and MAC: addresses that are no longer wanted go, new
 * ones come when it holds. True when one came. */
bool vrrp_inst_reconfigure(struct vrrp_inst *inst, const struct vrrp_instance *conf);

/* Its addresses, as far as they are not the interface's own, and the device each stands on (0: none now). */
void vrrp_inst_each_address(const struct vrrp_inst *inst,
	void (*visit)(void *data, int place, const struct net_addr *address), void *data);

/* The virtual router by which the last news came, see vrrp_router_later(); NULL: none. */
const struct vrrp_router *vrrp_inst_last_heard(const struct vrrp_inst *inst);

/* The macvlans go, when there are any. */
void vrrp_inst_clear(struct vrrp_inst *inst);

#endif
