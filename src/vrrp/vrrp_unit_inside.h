/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of vrrp_unit share. */
#ifndef TANDEM_VRRP_UNIT_INSIDE_H
#define TANDEM_VRRP_UNIT_INSIDE_H

#include "vrrp/vrrp_unit.h"

/* Feed the state machine, carry its actions out, set the timer. */
void vrrp_unit_step(struct vrrp_unit *unit, const struct vrrp_event *event);

/* The Backup's down timer ended: true when it may become Active; else it was put off. */
bool vrrp_unit_may_take(struct vrrp_unit *unit);

/* Ping what the members' config names; again after a reload, where that changed. Logs what cannot be. */
void vrrp_unit_open_witnesses(struct vrrp_unit *unit);
void vrrp_unit_close_witnesses(struct vrrp_unit *unit);

#endif
