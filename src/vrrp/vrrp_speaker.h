/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The speaker: all units of a config, the sockets they hear by, and the way from one config to the next. Joins what
 * arrives (packets, links, addresses) to who it is for, and what happened to the event log and the notify hook.
 */
#ifndef TANDEM_VRRP_SPEAKER_H
#define TANDEM_VRRP_SPEAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "common/event_log.h"
#include "vrrp/vrrp_accept.h"
#include "vrrp/vrrp_notify.h"
#include "vrrp/vrrp_peer.h"
#include "vrrp/vrrp_unit.h"

/* An interface and a family that adverts may come by. */
struct vrrp_port {
	struct vrrp_speaker *speaker;
	struct vrrp_port *next;
	char interface[VRRP_IFNAME_SIZE];
	int ifindex; /* of the socket; 0: none open */
	uint8_t family;
	struct vrrp_rx *rx;
	bool wanted;       /* by an instance of the present config */
	uint64_t received; /* packets of protocol 112 */
	uint64_t discarded
		[VRRP_DISCARD_REASONS]; /* by what the packet alone says, or for a vrid that nobody has */
	int64_t logged_at;              /* the last discard that was logged */
	uint64_t unlogged;
	int open_error; /* the one that was logged, 0: none */
	int64_t differs_logged_at, conflict_logged_at;
	struct {
		struct vrrp_unit *unit; /* NULL: nobody's */
		uint16_t member;
		uint8_t router;
	} of[256]; /* by vrid */
};

struct vrrp_speaker {
	struct ev_loop *loop;
	struct vrrp_shared shared;
	const char *rundir;
	struct vrrp_model *model; /* owned; the one in force */
	struct vrrp_unit **units; /* owned; as many as the model has */
	size_t unit_count;
	struct vrrp_port *ports; /* owned list */
	struct vrrp_accept *accept;
	char accept_error[200]; /* "": accept = false is enforced, or nobody wants it */
	struct vrrp_notify *notify;
	struct vrrp_peer *peer; /* NULL: plain VRRP */
	char peer_error[200];   /* "": as configured */
	ev_timer peer_again;    /* what peer_error says is tried again */
	struct event_log *events;
	ev_timer look;        /* links or addresses changed: the units look, once for a burst */
	ev_timer reopen;      /* a port could not be opened */
	ev_timer settings;    /* of the virtual MACs, one instance after the other, each once a second */
	size_t settings_turn; /* which of these is next, of: */
	size_t virtual_macs;
	bool draining;
	bool suspended;     /* it ends, and the next one goes on: leases run out if none comes */
	int64_t drained_at; /* ns: all that had arrived by then was read */
};

/* Open net, tx and notify; the rest comes with the first config. ward is the caller's. 0 or -errno (logged). */
int vrrp_speaker_open(struct vrrp_speaker *speaker, struct ev_loop *loop, struct vrrp_ward *ward,
	const char *rundir, struct event_log *events);

/* Put a config in force: units that are gone leave, those that stay change in place without a transition, new ones begin.
 * The model is taken over (left empty) on 0; nothing has changed on -ENOMEM. restarted: a guard started us, see
 * vrrp_guard.h. */
int vrrp_speaker_apply(struct vrrp_speaker *speaker, struct vrrp_model *model, bool restarted);

/* How many units have not finished handing over (Handover)? */
size_t vrrp_speaker_handing_over(const struct vrrp_speaker *speaker);
/* Offer all that is Active. */
void vrrp_speaker_offer(struct vrrp_speaker *speaker);
/* End: every unit leaves now, or (suspend) stops speaking and leaves its addresses for the rest of the down interval. */
void vrrp_speaker_stop(struct vrrp_speaker *speaker, bool suspend);
void vrrp_speaker_close(struct vrrp_speaker *speaker);

/* The unit with that name, or of the instance with that name; NULL. */
struct vrrp_unit *vrrp_speaker_find(const struct vrrp_speaker *speaker, const char *name);

/* Add to the event log and the log. */
void vrrp_speaker_event(
	struct vrrp_speaker *speaker, const char *subject, const char *event, const char *cause);

#endif
