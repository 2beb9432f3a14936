/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit: one state machine, its timer, what it tracks, and the instances that follow it. Decides nothing that
 * vrrp_fsm, vrrp_priority and vrrp_flap do not decide; carries out.
 */
#ifndef TANDEM_VRRP_UNIT_H
#define TANDEM_VRRP_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "vrrp/vrrp_flap.h"
#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_inst.h"
#include "vrrp/vrrp_judge.h"
#include "vrrp/vrrp_priority.h"
#include "vrrp/vrrp_timer.h"
#include "vrrp/vrrp_track.h"
#include "vrrp/vrrp_witness.h"

struct vrrp_unit;

/* What a unit asks of the speaker. */
struct vrrp_unit_ops {
	/* Read everything that has arrived, of all interfaces and of the kernel, before something is decided. */
	void (*drain)(void *data);
	/* A transition, or something else that is to be told. state: a transition, whose hook is to be run. */
	void (*tell)(
		void *data, struct vrrp_unit *unit, const char *event, const char *cause, bool transition);
	/* Something that the peer wants to know at once changed. */
	void (*speak)(void *data);
	/* What the peer says of the unit, and how the peer is to be judged; facts comes with what the unit knows. */
	void (*add_facts)(void *data, const struct vrrp_unit *unit, struct vrrp_facts *facts);
	/* Is that the peer's address, of those from which it advertises the unit? */
	bool (*is_peer)(void *data, const struct vrrp_unit *unit, const struct net_addr *source);
};

#define VRRP_UNIT_CAUSE_MAX 400

/* When what was done at the last takeover, in its order, and how much of the peer's table was here. ns, 0: not yet. */
struct vrrp_takeover {
	enum vrrp_table table;
	int64_t decided, leased, there, announced, told;
};

struct vrrp_unit {
	struct ev_loop *loop;
	const struct vrrp_shared *shared;
	const struct vrrp_unit_ops *ops;
	void *data;
	const struct vrrp_model *model; /* set anew on reload, like conf */
	const struct vrrp_unit_model *conf;
	char name[VRRP_NAME_MAX + 1];
	struct vrrp_inst *members; /* owned; conf->member_count of them */
	size_t member_count;
	struct vrrp_fsm fsm;
	struct vrrp_timer *timer;
	ev_timer recheck; /* patience is over, or addresses that could not be added are tried again */
	struct vrrp_tracks *tracks; /* owned; the group's and the members' */
	struct vrrp_priority priority;
	struct vrrp_flap flap;
	int64_t patient_until; /* not started before; 0: no */
	bool stopped;          /* by the end of the program or of the unit: not started again */
	enum {
		VRRP_START_FRESH,
		VRRP_START_INHERIT,
		VRRP_START_RESUME
	} start;                         /* how the first start is to be */
	bool blocked;                    /* not to be started now, for the reason: */
	const char *block_kind;          /* "waiting" or "fault" */
	char cause[VRRP_UNIT_CAUSE_MAX]; /* of the last transition or block, in words */
	const char *state_before;        /* the name of the state that was told last */
	uint64_t since_ms;               /* wall clock of the last transition */
	uint64_t transitions;
	struct vrrp_judge judge;
	uint64_t holds, yields; /* times that the verdict was that */
	int64_t both_since;     /* ns: this node is Active and so is the peer, as it says; 0: no */
	bool both_told;         /* for so long that it is no takeover */
	uint64_t pauses;        /* the process was late by more than half an advert interval */
	int64_t longest_pause;  /* ns */
	int64_t noted_deadline; /* the one that the last pause was noticed by */
	int64_t last_sent_at;   /* ns, VRRP_NEVER */
	unsigned slot;          /* of its lease; 0: none */
	bool leased;            /* the lease is stamped with adverts: it has the addresses */
	int64_t keep_at;        /* Handover: when the lease is stamped next */
	struct vrrp_takeover takeover;
};

/* A unit of the model; starts when it can. rundir is for tracks. 0, -ENOMEM or -errno; *out is freed by close. */
int vrrp_unit_open(struct vrrp_unit **out, struct ev_loop *loop, const struct vrrp_shared *shared,
	const struct vrrp_unit_ops *ops, void *data, const struct vrrp_model *model, size_t index,
	const char *rundir);

/* Begin: look at interfaces, start if possible. After open, once; inherited: see vrrp_unit.start. */
void vrrp_unit_begin(struct vrrp_unit *unit);

/* May the running unit go on with unit `index` of another model without leaving its state? */
bool vrrp_unit_can_become(const struct vrrp_unit *unit, const struct vrrp_model *model, size_t index);
int vrrp_unit_become(
	struct vrrp_unit *unit, const struct vrrp_model *model, size_t index, const char *rundir);

/* Leave at once: priority 0, addresses away, nothing any more until close. */
void vrrp_unit_stop(struct vrrp_unit *unit, const char *cause);
/* Stop speaking without a word, for a speaker that comes soon: addresses stay for the rest of the down interval. */
void vrrp_unit_suspend(struct vrrp_unit *unit);
void vrrp_unit_close(struct vrrp_unit *unit);

/* Links or addresses changed: look again. lost: an address may have been removed. */
void vrrp_unit_look(struct vrrp_unit *unit);

/* Put the kernel's settings of a member's virtual MAC right, when another program changed them, say so and count it. */
void vrrp_unit_keep_settings(struct vrrp_unit *unit, size_t member);

/* An advert of member i's router r that passed. */
void vrrp_unit_heard(struct vrrp_unit *unit, size_t member, const struct vrrp_heard *heard);

/* What this node says of the unit in its beacons. */
void vrrp_unit_word(const struct vrrp_unit *unit, struct vrrp_beacon_unit *out);

/* The peer spoke, or fell silent: judge again. */
void vrrp_unit_judge(struct vrrp_unit *unit);

/* The worst of its members' witnesses: NONE when nobody has one. */
enum vrrp_witness vrrp_unit_witness(const struct vrrp_unit *unit);

/* Give the unit up, or take it. 0 with a line in text; -EAGAIN when its state allows neither, with a line that says
 * why. */
int vrrp_unit_failover(struct vrrp_unit *unit, char *text, size_t size);
/* Give it up in peace if it is Active. */
void vrrp_unit_offer(struct vrrp_unit *unit);

/* "waiting", "fault", or the state machine's state. */
const char *vrrp_unit_state(const struct vrrp_unit *unit);

#endif
