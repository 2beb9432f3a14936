/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that are to be there and are not, for another program removed them or the kernel refused them. What another
 * program does is heard of in the event loop, maybe after a change of ours, so that one may look missing that is there:
 * adding it tells, and then nothing was put back and nothing is said.
 */
#include <stdio.h>

#include "common/log.h"
#include "vrrp/vrrp_inst.h"
#include "vrrp/vrrp_inst_inside.h"
#include "vrrp/vrrp_timer.h"

#define ROUNDS_MAX 5 /* of putting addresses back, in: */
#define ROUNDS_NS  INT64_C(1000000000)

/* Another program may remove them as fast as they come: then it is not worth the log and the announcements. */
static bool is_too_often(struct vrrp_inst *inst)
{
	int64_t now = vrrp_now();

	if (!inst->rounds || now - inst->rounds_since >= ROUNDS_NS) {
		inst->rounds = 0;
		inst->rounds_since = now;
	}
	return ++inst->rounds > ROUNDS_MAX;
}

/* On a macvlan that is down it is there for nobody. */
static bool is_served(
	const struct vrrp_inst *inst, const struct vrrp_router *router, const struct vrrp_address *address)
{
	const struct vrrp_link *link = vrrp_net_link_at(inst->shared->net, router->place);

	return (!inst->conf->virtual_mac || !link || link->up) &&
	       vrrp_net_has_address(inst->shared->net, router->place, &address->addr);
}

static bool is_one_missing(const struct vrrp_inst *inst)
{
	size_t count;

	for (size_t r = 0; r < inst->router_count; r++) {
		const struct vrrp_router *router = &inst->routers[r];
		const struct vrrp_address *list = vrrp_router_addresses(router, &count);

		for (size_t i = 0; i < count && router->place; i++)
			if (!is_served(inst, router, &list[i]))
				return true;
	}
	return false;
}

/* The first of each second, which is true then: another program may do it as fast as it is undone, and to many at once. */
static bool say_put_back(struct vrrp_inst *inst, const struct vrrp_address *address, bool was_down)
{
	char text[ADDR_TEXT_MAX], more[64] = "";

	inst->put_back++;
	if (inst->said_since == inst->rounds_since) {
		inst->unsaid++;
		return false;
	}
	if (inst->unsaid)
		snprintf(more, sizeof(more), " (%u more since the last such line)", inst->unsaid);
	inst->unsaid = 0;
	inst->said_since = inst->rounds_since;
	log_warn(was_down ? "%s: the macvlan of %s on %s was set down by another program; up again%s"
			  : "%s: %s was removed from %s by another program; put back%s",
		inst->conf->name, addr_format(&address->addr, text), inst->conf->interface, more);
	return true;
}

size_t vrrp_inst_put_back(struct vrrp_inst *inst, bool *again, bool *said)
{
	size_t count, back = 0;
	bool failed = false;

	if (!inst->holds)
		return 0;
	if (!is_one_missing(inst)) {
		vrrp_inst_all_are_there(inst);
		return 0;
	}
	if (is_too_often(inst)) {
		*again = true;
		return 0;
	}
	for (size_t r = 0; r < inst->router_count; r++) {
		const struct vrrp_router *router = &inst->routers[r];
		const struct vrrp_address *list = vrrp_router_addresses(router, &count);

		for (size_t i = 0; i < count && router->place; i++) {
			bool is_down = vrrp_net_has_address(inst->shared->net, router->place, &list[i].addr);
			int err;

			if (is_served(inst, router, &list[i]))
				continue;
			err = vrrp_inst_add(inst, router, &list[i]);
			failed |= err < 0;
			/* It looked missing, for another program's doings are heard of later, and is not? */
			if (err < 0 || (err > 0 && !is_down))
				continue;
			back++;
			*said |= say_put_back(inst, &list[i], is_down);
		}
	}
	*again |= failed;
	if (!failed)
		vrrp_inst_all_are_there(inst);
	return back;
}

bool vrrp_inst_is_empty(const struct vrrp_inst *inst)
{
	size_t count;

	if (!inst->holds || !inst->add_error[0])
		return false;
	for (size_t r = 0; r < inst->router_count; r++) {
		const struct vrrp_router *router = &inst->routers[r];
		const struct vrrp_address *list = vrrp_router_addresses(router, &count);

		for (size_t i = 0; i < count; i++)
			if (router->place &&
				vrrp_net_has_address(inst->shared->net, router->place, &list[i].addr))
				return false;
	}
	return true;
}
