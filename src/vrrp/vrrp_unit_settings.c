/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that make the kernel answer with the virtual MAC only (vrrp_net_macvlan.c says which) stay so, though
 * another program sets them anew. Not said each time: it may do so again and again.
 */
#include <stdio.h>

#include "vrrp/vrrp_unit_inside.h"

void vrrp_unit_keep_settings(struct vrrp_unit *unit, size_t member)
{
	struct vrrp_inst *inst = &unit->members[member];
	bool said = inst->settings_said;
	size_t back = 0;

	if (unit->stopped)
		return;
	inst->settings_said = false;
	for (size_t r = 0; r < inst->router_count; r++) {
		char which[128], cause[sizeof(which) + 64];
		size_t n = vrrp_net_keep_macvlan(
			inst->shared->net, inst->routers[r].place, which, sizeof(which));

		back += n;
		if (!n || said || inst->settings_said)
			continue;
		inst->settings_said = true;
		snprintf(cause, sizeof(cause), "another program changed %s%s", which,
			n > 1 ? ", and more" : "");
		unit->ops->tell(unit->data, unit, "settings put back", cause, false);
	}
	inst->settings_said = back;
	inst->settings_put_back += back;
	if (back)
		vrrp_unit_step_plain(
			unit, VRRP_EVENT_MOVED); /* who asked meanwhile may have learnt another MAC */
}
