/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_flap.h"

#define SECOND  1000000000LL
#define WINDOW  (60 * SECOND)
#define FREE    2
#define LONGEST (30 * SECOND)

void vrrp_flap_lost(struct vrrp_flap *flap, int64_t now)
{
	flap->lost_at[flap->count++ % VRRP_FLAP_MEMORY] = now;
}

int64_t vrrp_flap_patience(const struct vrrp_flap *flap, int64_t now)
{
	uint64_t kept = flap->count < VRRP_FLAP_MEMORY ? flap->count : VRRP_FLAP_MEMORY;
	int64_t patience = SECOND;
	int recent = 0;

	for (uint64_t i = 0; i < kept; i++)
		recent += now - flap->lost_at[i] < WINDOW;
	if (recent <= FREE)
		return 0;
	while (--recent > FREE && patience < LONGEST)
		patience *= 2;
	return patience < LONGEST ? patience : LONGEST;
}
