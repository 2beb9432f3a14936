/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an operator asks of a unit: give it up, or take it. */
#include <errno.h>
#include <stdio.h>

#include "vrrp/vrrp_unit_inside.h"

static void step(struct vrrp_unit *unit, enum vrrp_event_type type)
{
	struct vrrp_event event = {.type = type};

	vrrp_unit_step(unit, &event);
}

void vrrp_unit_offer(struct vrrp_unit *unit)
{
	if (unit->fsm.state == VRRP_ACTIVE && !unit->stopped)
		step(unit, VRRP_EVENT_OFFER);
}

int vrrp_unit_failover(struct vrrp_unit *unit, char *text, size_t size)
{
	if (unit->stopped) {
		snprintf(text, size, "%s: tandem-vrrp is ending", unit->name);
		return -EAGAIN;
	}
	switch (unit->fsm.state) {
	case VRRP_ACTIVE:
		step(unit, VRRP_EVENT_OFFER);
		snprintf(text, size, "%s: offered to the others; the addresses stay until one of them speaks",
			unit->name);
		return 0;
	case VRRP_BACKUP:
		step(unit, VRRP_EVENT_TAKE);
		if (unit->fsm.state == VRRP_BACKUP) {
			snprintf(text, size, "%s: the owner (priority 255) is active; stop it there",
				unit->name);
			return -EAGAIN;
		}
		snprintf(text, size, "%s: taken over", unit->name);
		return 0;
	case VRRP_HANDOVER:
		snprintf(text, size, "%s: a handover is under way; wait for its end", unit->name);
		return -EAGAIN;
	default:
		snprintf(text, size, "%s: is in state %s (%s); that has to end first", unit->name,
			vrrp_unit_state(unit), unit->cause);
		return -EAGAIN;
	}
}
