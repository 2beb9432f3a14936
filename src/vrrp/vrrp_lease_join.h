/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins the speaker's units to their leases: who has which slot, which addresses are entered. */
#ifndef TANDEM_VRRP_LEASE_JOIN_H
#define TANDEM_VRRP_LEASE_JOIN_H

#include "vrrp/vrrp_speaker.h"

/* A slot for each unit that has none; after decide_start, for what goes on keeps what was stamped. */
void vrrp_lease_join_units(struct vrrp_speaker *speaker);
/* Enter what all units share now: after a config, and when devices changed. */
void vrrp_lease_join_addresses(struct vrrp_speaker *speaker);

#endif
