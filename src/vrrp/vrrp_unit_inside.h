/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of vrrp_unit share. */
#ifndef TANDEM_VRRP_UNIT_INSIDE_H
#define TANDEM_VRRP_UNIT_INSIDE_H

#include "vrrp/vrrp_unit.h"

#define VRRP_UNIT_RETRY_S 1.0

/* vrrp_unit_run.c: feed the state machine, carry its actions out, set the timer. */
void vrrp_unit_step(struct vrrp_unit *unit, const struct vrrp_event *event);
void vrrp_unit_step_plain(struct vrrp_unit *unit, enum vrrp_event_type type);
/* Lease, from now on, then addresses; both away. */
void vrrp_unit_acquire(struct vrrp_unit *unit, int64_t now);
void vrrp_unit_release(struct vrrp_unit *unit);
/* In a handover no advert stamps the lease: when that is due. */
void vrrp_unit_keep_lease(struct vrrp_unit *unit, int64_t now);
/* Of the state machine, or of that. */
int64_t vrrp_unit_deadline(const struct vrrp_unit *unit);
void vrrp_unit_tell_state(struct vrrp_unit *unit, const char *cause);
/* Look again after that time. */
void vrrp_unit_retry_soon(struct vrrp_unit *unit, double after_s);

/* The Backup's down timer ended: true when it may become Active; else it was put off. */
bool vrrp_unit_may_take(struct vrrp_unit *unit);

/* Ping what the members' config names; again after a reload, where that changed. Logs what cannot be. */
void vrrp_unit_open_witnesses(struct vrrp_unit *unit);
void vrrp_unit_close_witnesses(struct vrrp_unit *unit);

#endif
