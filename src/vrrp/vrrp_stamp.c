/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_stamp.h"

int64_t vrrp_stamp_until(const struct vrrp_fsm *fsm, int64_t now)
{
	if (fsm->state == VRRP_ACTIVE)
		return now + 3 * fsm->config.interval_ns;
	if (fsm->state == VRRP_HANDOVER)
		return now + fsm->config.interval_ns + vrrp_fsm_skew(fsm);
	return 0;
}

bool vrrp_stamp_takes_anew(int64_t until, int64_t now, bool rival)
{
	return rival || until <= now;
}

int64_t vrrp_stamp_again_at(const struct vrrp_fsm *fsm, int64_t now)
{
	return fsm->state == VRRP_HANDOVER ? now + fsm->config.interval_ns / 4 : VRRP_NEVER;
}

int64_t vrrp_stamp_released(int64_t until, int64_t now)
{
	return until <= now ? 0 : now + VRRP_STAMP_LINGER_NS;
}
