/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the base priority and what was observed to the effective priority or a fault, and how it came about.
 * Pure. */
#ifndef TANDEM_VRRP_PRIORITY_H
#define TANDEM_VRRP_PRIORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_model.h"

#define VRRP_TERM_LABEL_MAX  160
#define VRRP_TERM_DETAIL_MAX 160

struct vrrp_priority_term {
	enum vrrp_track_kind kind;
	int16_t weight;
	bool known; /* there is an observation. Unknown: weight 0 keeps the unit waiting, another adds nothing */
	bool good;                       /* FILE: number is 0 */
	int32_t number;                  /* FILE only: -254..254, clamped */
	char label[VRRP_TERM_LABEL_MAX]; /* vrrp_track_label() */
	char detail
		[VRRP_TERM_DETAIL_MAX]; /* what was seen: "exit status 1", "no carrier", "0 of 3 backends are up" */
};

enum vrrp_fitness { VRRP_FIT, VRRP_WAITING, VRRP_FAULT };

struct vrrp_priority {
	uint8_t priority;          /* 1..254; 255 for an owner, whatever the weights */
	enum vrrp_fitness fitness; /* FAULT goes before WAITING */
	/* Not FIT: which term and what it saw: "interface eth1: no carrier". FIT: "". */
	char cause[VRRP_TERM_LABEL_MAX + VRRP_TERM_DETAIL_MAX + 2];
};

/* The first term that is as bad as out->fitness gives the cause. */
void vrrp_priority_compute(
	uint8_t base, const struct vrrp_priority_term *terms, size_t count, struct vrrp_priority *out);

/* What one term adds to the priority now. */
int vrrp_priority_adds(const struct vrrp_priority_term *term);

#endif
