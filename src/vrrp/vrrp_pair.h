/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other node in the speaker: joins vrrp_peer, which hears it, to the units, which are judged by what it says. Part of
 * vrrp_speaker. */
#ifndef TANDEM_VRRP_PAIR_H
#define TANDEM_VRRP_PAIR_H

#include "vrrp/vrrp_speaker.h"

/* Open the peer of the config in force, go on with the one that is open when it is the same (its keys are read anew), close
 * it when there is none any more. What cannot be opened is told as an event and in status, and tried again each second: until
 * then the speaker goes on as plain VRRP, or with the keys that it has. */
void vrrp_pair_apply(struct vrrp_speaker *speaker);
/* With a last word of every unit. */
void vrrp_pair_close(struct vrrp_speaker *speaker);

/* For vrrp_unit_ops. */
/* Is it what the peer says it advertises the unit from? */
bool vrrp_pair_is_peer(void *speaker, const struct vrrp_unit *unit, const struct net_addr *source);
void vrrp_pair_add_facts(void *speaker, const struct vrrp_unit *unit, struct vrrp_facts *facts);

/* Something that beacons say changed: say it soon. */
void vrrp_pair_speak(struct vrrp_speaker *speaker);
/* Read what the peer said. */
void vrrp_pair_drain(struct vrrp_speaker *speaker);

#endif
