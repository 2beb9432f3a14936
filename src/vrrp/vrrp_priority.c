/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weights and faults; see vrrp_priority.h, and struct vrrp_track for what a weight means. */
#include "vrrp/vrrp_priority.h"

#include <stdio.h>

int vrrp_priority_adds(const struct vrrp_priority_term *term)
{
	if (!term->known)
		return 0;
	if (term->kind == VRRP_TRACK_FILE)
		return term->number * term->weight;
	return term->good == (term->weight > 0) ? term->weight : 0;
}

static enum vrrp_fitness fitness_of(const struct vrrp_priority_term *term)
{
	if (term->weight != 0)
		return VRRP_FIT;
	if (!term->known)
		return VRRP_WAITING;
	return term->good ? VRRP_FIT : VRRP_FAULT;
}

/* The first term that is as bad as it gets. */
static void judge(const struct vrrp_priority_term *terms, size_t count, struct vrrp_priority *out)
{
	const struct vrrp_priority_term *why = NULL;

	out->fitness = VRRP_FIT;
	for (size_t i = 0; i < count; i++) {
		enum vrrp_fitness fitness = fitness_of(&terms[i]);

		if (fitness > out->fitness) {
			out->fitness = fitness;
			why = &terms[i];
		}
	}
	out->cause[0] = '\0';
	if (!why)
		return;
	snprintf(out->cause, sizeof(out->cause), "%s: %s", why->label,
		why->detail[0] ? why->detail : "not known yet");
}

void vrrp_priority_compute(
	uint8_t base, const struct vrrp_priority_term *terms, size_t count, struct vrrp_priority *out)
{
	int64_t priority = base;

	judge(terms, count, out);
	for (size_t i = 0; i < count; i++)
		priority += vrrp_priority_adds(&terms[i]);
	if (base == VRRP_PRIORITY_OWNER)
		priority = VRRP_PRIORITY_OWNER;
	else if (priority < 1)
		priority = 1; /* 0 says "I am leaving" */
	else if (priority >= VRRP_PRIORITY_OWNER)
		priority = VRRP_PRIORITY_OWNER - 1;
	out->priority = (uint8_t)priority;
}
