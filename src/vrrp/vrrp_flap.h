/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patience with what comes and goes: the more often something was lost in the last minute, the longer it has to be well
 * before it is believed. The first two losses in a minute cost nothing, then 1 s, 2 s, 4 s ... 30 s. Pure; ns.
 */
#ifndef TANDEM_VRRP_FLAP_H
#define TANDEM_VRRP_FLAP_H

#include <stdint.h>

#define VRRP_FLAP_MEMORY 8

struct vrrp_flap {
	int64_t lost_at[VRRP_FLAP_MEMORY]; /* a ring, newest at (count - 1) % MEMORY */
	uint64_t count;
};

/* It was lost. */
void vrrp_flap_lost(struct vrrp_flap *flap, int64_t now);

/* How long it has to be well, seen from now; 0: believe it at once. */
int64_t vrrp_flap_patience(const struct vrrp_flap *flap, int64_t now);

#endif
