/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_inst.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "vrrp/vrrp_inst_inside.h"
#include "vrrp/vrrp_timer.h"

#define STACK_MAX 8 /* devices on devices */
/* After a macvlan failed; less than VRRP_UNIT_RETRY_S, when it is looked at again. */
#define AGAIN_NS INT64_C(900000000)

void vrrp_inst_init(struct vrrp_inst *inst, const struct vrrp_shared *shared,
	const struct vrrp_instance *conf, const char *unit)
{
	inst->shared = shared;
	inst->conf = conf;
	inst->unit = unit;
	snprintf(inst->waiting, sizeof(inst->waiting), "not looked at yet");
	for (int i = 0; i < 2; i++) {
		if ((i == 0 ? conf->ipv4_count : conf->ipv6_count) == 0)
			continue;
		inst->routers[inst->router_count++] =
			(struct vrrp_router){.family = i == 0 ? AF_INET : AF_INET6,
				.conf = conf,
				.tx = shared->tx,
				.heard_at = VRRP_NEVER};
	}
}

/* ---- the interface ---- */

struct source_search {
	const struct vrrp_inst *inst;
	uint8_t family;
	struct net_addr found;
};

static bool is_ours(const struct vrrp_inst *inst, const struct net_addr *addr)
{
	const struct vrrp_instance *c = inst->conf;

	/* The owner's addresses are the interface's own (RFC 9568 section 1.7). */
	if (c->priority == VRRP_PRIORITY_OWNER)
		return false;
	for (size_t i = 0; i < c->ipv4_count + c->ipv6_count; i++)
		if (addr_equal(&c->addresses[i].addr, addr))
			return true;
	return false;
}

/* IPv4: the first that is not virtual, which is the primary one. IPv6: the link-local one. */
static bool is_source(void *data, const struct vrrp_address *address)
{
	struct source_search *s = data;
	const uint8_t *b = address->addr.bytes;

	if (address->addr.family != s->family || is_ours(s->inst, &address->addr))
		return true;
	if (s->family == AF_INET6 && !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80))
		return true;
	s->found = address->addr;
	return false;
}

/* Once one was there it stays in use when it goes: silence would be worse. */
static void look_for_source(struct vrrp_inst *inst, struct vrrp_router *router)
{
	const struct net_addr *given =
		router->family == AF_INET ? &inst->conf->source_ipv4 : &inst->conf->source_ipv6;
	struct source_search search = {.inst = inst, .family = router->family};

	if (given->family != AF_UNSPEC) {
		if (router->source.family != AF_UNSPEC ||
			vrrp_net_has_address(inst->shared->net, inst->ifindex, given))
			router->source = *given;
		return;
	}
	vrrp_net_each_address(inst->shared->net, inst->ifindex, is_source, &search);
	if (search.found.family != AF_UNSPEC)
		router->source = search.found;
}

static bool wait_for(struct vrrp_inst *inst, const char *what)
{
	inst->ready = false;
	snprintf(inst->waiting, sizeof(inst->waiting), "%s %s", inst->conf->interface, what);
	return false;
}

/* vr4-INDEX-VRID, at most 15 characters for indexes up to seven digits: an interface has one virtual MAC a family and vrid. */
static int make_macvlan(struct vrrp_inst *inst, struct vrrp_router *router)
{
	const struct vrrp_link *link = vrrp_net_link_at(inst->shared->net, router->place);
	char name[64];
	int err;

	vrrp_packet_virtual_mac(router->family, inst->conf->vrid, router->mac);
	if (link && memcmp(link->mac, router->mac, sizeof(link->mac)) == 0)
		return 0; /* else it is to be made, or another program deleted it or gave it another MAC */
	/* One that fails half made makes events, and these would be the reason to try at once. */
	if (inst->macvlan_error && vrrp_now() - inst->macvlan_failed_at < AGAIN_NS)
		return inst->macvlan_error;
	snprintf(name, sizeof(name), "vr%d-%d-%u", router->family == AF_INET ? 4 : 6, inst->ifindex,
		inst->conf->vrid);
	name[VRRP_IFNAME_SIZE - 1] = 0;
	err = vrrp_net_add_macvlan(inst->shared->net, inst->ifindex, name, router->mac, &router->place);
	if (!err)
		vrrp_ward_add_link(inst->shared->ward, name, router->place);
	inst->macvlan_error = err;
	inst->macvlan_failed_at = vrrp_now();
	return err;
}

bool vrrp_inst_wants_a_look(const struct vrrp_inst *inst)
{
	return !inst->ready && inst->macvlan_error;
}

/* The switches have to learn that the bond's MAC is behind another port now, be it the bond's own or a VLAN's on it. */
static bool has_another_path(struct vrrp_inst *inst, const struct vrrp_link *link)
{
	int slave = 0, before = inst->active_slave;

	for (int depth = 0; link && !slave && depth < STACK_MAX; depth++) {
		slave = link->active_slave;
		link = link->parent ? vrrp_net_link_at(inst->shared->net, link->parent) : NULL;
	}
	if (!slave)
		return false;
	inst->active_slave = slave;
	return before && slave != before;
}

static bool look_at_routers(struct vrrp_inst *inst, const struct vrrp_link *link, bool *moved)
{
	for (size_t i = 0; i < inst->router_count; i++) {
		struct vrrp_router *router = &inst->routers[i];

		router->ifindex = inst->ifindex;
		look_for_source(inst, router);
		if (inst->conf->virtual_mac) {
			int err = make_macvlan(inst, router);

			if (err) {
				char what[96];

				snprintf(what, sizeof(what), "takes no macvlan for its virtual MAC: %s",
					strerror(-err));
				return wait_for(inst, what);
			}
		} else {
			*moved |= router->place && memcmp(router->mac, link->mac, 6) != 0;
			memcpy(router->mac, link->mac, 6);
			router->place = inst->ifindex;
		}
		if (router->source.family == AF_UNSPEC)
			return wait_for(inst, router->family == AF_INET
						      ? "has no IPv4 address yet"
						      : "has no link-local IPv6 address yet");
		if (router->hear_error) {
			char what[96];

			snprintf(what, sizeof(what), "cannot be listened to for adverts of IPv%d: %s",
				router->family == AF_INET ? 4 : 6, strerror(-router->hear_error));
			return wait_for(inst, what);
		}
	}
	return true;
}

/* An owner's addresses may be the interface's own (RFC 9568 section 1.7): those are not ours to remove. */
static bool is_interfaces_own(const struct vrrp_inst *inst, int place, const struct net_addr *addr)
{
	struct vrrp_held held;
	size_t cursor = 0;

	if (inst->conf->priority != VRRP_PRIORITY_OWNER ||
		!vrrp_net_has_address(inst->shared->net, place, addr))
		return false;
	while (vrrp_ward_next_held(inst->shared->ward, &cursor, &held))
		if (held.ifindex == place && addr_equal(&held.address.addr, addr))
			return false;
	return true;
}

/* Addresses of a run before this one are there although we are not Active. */
static void clean_up(struct vrrp_inst *inst)
{
	if (inst->taken_over)
		return;
	inst->taken_over = true;
	for (size_t r = 0; r < inst->router_count; r++) {
		struct vrrp_router *router = &inst->routers[r];
		size_t count;
		const struct vrrp_address *list = vrrp_router_addresses(router, &count);
		const int places[2] = {router->place, router->place == inst->ifindex ? 0 : inst->ifindex};

		for (size_t i = 0; i < count; i++)
			for (int p = 0; p < 2; p++) {
				char text[ADDR_TEXT_MAX];

				if (!places[p] ||
					!vrrp_net_has_address(inst->shared->net, places[p], &list[i].addr) ||
					is_interfaces_own(inst, places[p], &list[i].addr))
					continue;
				vrrp_net_remove_address(inst->shared->net, places[p], &list[i]);
				vrrp_ward_drop(inst->shared->ward, places[p], &list[i].addr);
				log_warn("%s: %s was on %s already, and is removed until this node is Active",
					inst->conf->name, addr_format(&list[i].addr, text),
					inst->conf->interface);
			}
	}
}

/* Added by another program since: not ours to remove, but both nodes answer for it now, and nobody else will say so. */
static void look_for_strays(struct vrrp_inst *inst)
{
	char text[ADDR_TEXT_MAX];
	bool found = false;

	for (size_t r = 0; r < inst->router_count && !inst->holds; r++) {
		size_t count;
		const struct vrrp_address *list = vrrp_router_addresses(&inst->routers[r], &count);

		for (size_t i = 0; i < count && !found; i++) {
			found = vrrp_net_has_address(inst->shared->net, inst->ifindex, &list[i].addr) &&
				!is_interfaces_own(inst, inst->ifindex, &list[i].addr);
			if (found && !inst->stray)
				log_warn(
					"%s: another program added %s to %s, though this node is not Active: two answer for it; remove it there",
					inst->conf->name, addr_format(&list[i].addr, text),
					inst->conf->interface);
		}
	}
	inst->stray = found;
}

/* ---- addresses ---- */

struct subnet_search {
	const struct vrrp_address *address;
	bool found;
};

static bool is_its_subnet(void *data, const struct vrrp_address *own)
{
	struct subnet_search *s = data;
	const struct net_addr *a = &s->address->addr, *b = &own->addr;
	unsigned whole = own->prefix / 8, rest = own->prefix % 8;

	s->found = a->family == b->family && own->prefix <= s->address->prefix &&
		   memcmp(a->bytes, b->bytes, whole) == 0 &&
		   (rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0);
	return !s->found;
}

/* With a virtual MAC the address is usually beside those of the interface, in the same subnet: their route is enough, and
 * what this host sends has the interface's MAC. Without one there it needs its own. */
static unsigned flags_for(const struct vrrp_inst *inst, const struct vrrp_address *address)
{
	struct subnet_search search = {.address = address};

	if (inst->conf->virtual_mac)
		vrrp_net_each_address(inst->shared->net, inst->ifindex, is_its_subnet, &search);
	return search.found ? VRRP_ADDRESS_NO_ROUTE : 0;
}

int vrrp_inst_add(
	struct vrrp_inst *inst, const struct vrrp_router *router, const struct vrrp_address *address)
{
	struct vrrp_held held = {.ifindex = router->place, .address = *address};
	const struct vrrp_link *link = vrrp_net_link_at(inst->shared->net, router->place);
	char text[ADDR_TEXT_MAX];
	int err;

	if (is_interfaces_own(inst, router->place, &address->addr))
		return 0;
	snprintf(held.unit, sizeof(held.unit), "%s", inst->unit);
	snprintf(held.interface, sizeof(held.interface), "%s", link ? link->name : inst->conf->interface);
	/* The ward is for the day of a crash; the address is for now. */
	err = vrrp_ward_hold(inst->shared->ward, &held);
	if (err && !inst->unguarded)
		log_error(
			"%s: cannot note %s in the run directory: %s; were tandem-vrrp killed, it might stay",
			inst->conf->name, addr_format(&address->addr, text), strerror(-err));
	inst->unguarded = err;
	err = vrrp_net_add_address(inst->shared->net, router->place, address, flags_for(inst, address));
	if (err >= 0)
		return err;
	inst->add_failed++;
	snprintf(inst->add_error, sizeof(inst->add_error), "cannot add %s to %s: %s",
		addr_format(&address->addr, text), held.interface, strerror(-err));
	if (err != inst->add_errno) /* not each address of many, nor each second */
		log_error("%s: %s", inst->conf->name, inst->add_error);
	inst->add_errno = err;
	return err;
}

static void take_away(
	struct vrrp_inst *inst, const struct vrrp_router *router, const struct vrrp_address *address)
{
	char text[ADDR_TEXT_MAX];
	int err;

	if (is_interfaces_own(inst, router->place, &address->addr))
		return;
	err = router->place ? vrrp_net_remove_address(inst->shared->net, router->place, address) : 0;

	if (err && err != -ENODEV) {
		/* It stays in the ward: who comes after us tries again. */
		log_error("%s: cannot remove %s from %s: %s", inst->conf->name,
			addr_format(&address->addr, text), inst->conf->interface, strerror(-err));
		return;
	}
	vrrp_ward_drop(inst->shared->ward, router->place, &address->addr);
}

static void set_farewells(struct vrrp_inst *inst)
{
	static struct vrrp_farewell farewell;

	for (size_t r = 0; r < inst->router_count; r++)
		if (vrrp_router_farewell(&inst->routers[r], &farewell) == 0)
			vrrp_ward_set_farewell(inst->shared->ward, &farewell);
}

void vrrp_inst_all_are_there(struct vrrp_inst *inst)
{
	inst->add_error[0] = 0;
	inst->add_errno = 0;
}

size_t vrrp_inst_acquire(struct vrrp_inst *inst)
{
	size_t count, failed = 0;

	inst->holds = true;
	vrrp_inst_all_are_there(inst);
	set_farewells(inst);
	for (size_t r = 0; r < inst->router_count; r++) {
		const struct vrrp_address *list = vrrp_router_addresses(&inst->routers[r], &count);

		for (size_t i = 0; i < count; i++)
			failed += vrrp_inst_add(inst, &inst->routers[r], &list[i]) < 0;
	}
	return failed;
}

static void take_all_away(struct vrrp_inst *inst)
{
	size_t count;

	for (size_t r = 0; r < inst->router_count; r++) {
		const struct vrrp_router *router = &inst->routers[r];
		const struct vrrp_address *list = vrrp_router_addresses(router, &count);

		vrrp_ward_clear_farewell(
			inst->shared->ward, router->ifindex, router->family, inst->conf->vrid);
		for (size_t i = 0; i < count; i++)
			take_away(inst, router, &list[i]);
	}
}

void vrrp_inst_release(struct vrrp_inst *inst)
{
	inst->holds = false;
	take_all_away(inst);
}

/* ---- the interface comes, goes, changes ---- */

/* Deleted, or it has another name now: then the addresses are still there, and not ours to use. */
static void interface_is_gone(struct vrrp_inst *inst)
{
	if (inst->ifindex && inst->holds)
		take_all_away(inst);
	inst->ifindex = inst->active_slave = inst->macvlan_error = 0;
	for (size_t i = 0; i < inst->router_count; i++) {
		struct vrrp_router *router = &inst->routers[i];

		if (inst->conf->virtual_mac && router->place) {
			vrrp_net_remove_link(inst->shared->net, router->place);
			vrrp_ward_drop_link(inst->shared->ward, router->place);
		}
		router->ifindex = router->place = 0;
		router->source.family = AF_UNSPEC;
	}
}

bool vrrp_inst_look(struct vrrp_inst *inst, bool keep)
{
	const struct vrrp_link *link = vrrp_net_link(inst->shared->net, inst->conf->interface);
	bool moved = false;

	if (!link || (inst->ifindex && inst->ifindex != link->ifindex)) {
		interface_is_gone(inst);
		inst->taken_over = false;
	}
	if (!link)
		return wait_for(inst, "is missing");
	inst->ifindex = link->ifindex;
	if (!link->ethernet)
		return wait_for(inst, "is no Ethernet interface");
	if (!link->up)
		return wait_for(inst, "is down");
	if (!link->carrier)
		return wait_for(inst, "has no carrier");
	moved = has_another_path(inst, link);
	if (!look_at_routers(inst, link, &moved))
		return moved;
	if (keep)
		inst->taken_over = true;
	clean_up(inst);
	if (!keep)
		look_for_strays(inst);
	inst->ready = true;
	inst->waiting[0] = 0;
	if (inst->holds)
		set_farewells(inst);
	return moved;
}

/* ---- a successor ---- */

void vrrp_inst_leave(struct vrrp_inst *inst, uint32_t expire_s)
{
	size_t count;

	for (size_t r = 0; r < inst->router_count; r++) {
		const struct vrrp_address *list = vrrp_router_addresses(&inst->routers[r], &count);

		for (size_t i = 0; i < count; i++)
			if (!is_interfaces_own(inst, inst->routers[r].place, &list[i].addr))
				vrrp_net_expire_address(inst->shared->net, inst->routers[r].place, &list[i],
					flags_for(inst, &list[i]), expire_s);
	}
}

/* ---- reload ---- */

static bool lists(const struct vrrp_instance *c, const struct vrrp_address *address)
{
	for (size_t i = 0; i < c->ipv4_count + c->ipv6_count; i++)
		if (addr_equal(&c->addresses[i].addr, &address->addr) &&
			c->addresses[i].prefix == address->prefix)
			return true;
	return false;
}

bool vrrp_inst_reconfigure(struct vrrp_inst *inst, const struct vrrp_instance *conf)
{
	const struct vrrp_instance *old = inst->conf;
	bool came = false;
	size_t count;

	for (size_t r = 0; r < inst->router_count; r++) {
		struct vrrp_router *router = &inst->routers[r];
		const struct vrrp_address *list = vrrp_router_addresses(router, &count);

		for (size_t i = 0; i < count && inst->holds; i++)
			if (!lists(conf, &list[i]))
				take_away(inst, router, &list[i]);
	}
	inst->conf = conf;
	for (size_t r = 0; r < inst->router_count; r++)
		inst->routers[r].conf = conf;
	for (size_t i = 0; i < conf->ipv4_count + conf->ipv6_count; i++)
		came |= !lists(old, &conf->addresses[i]);
	if (inst->holds)
		vrrp_inst_acquire(inst);
	else if (came)
		inst->taken_over = false;
	return came && inst->holds;
}

void vrrp_inst_each_address(const struct vrrp_inst *inst,
	void (*visit)(void *data, int place, const struct net_addr *address), void *data)
{
	size_t count;

	for (size_t r = 0; r < inst->router_count; r++) {
		const struct vrrp_router *router = &inst->routers[r];
		const struct vrrp_address *list = vrrp_router_addresses(router, &count);

		for (size_t i = 0; i < count; i++)
			if (!is_interfaces_own(inst, router->place, &list[i].addr))
				visit(data, router->place, &list[i].addr);
	}
}

const struct vrrp_router *vrrp_inst_last_heard(const struct vrrp_inst *inst)
{
	const struct vrrp_router *last = NULL;

	for (size_t r = 0; r < inst->router_count; r++)
		last = vrrp_router_later(last, &inst->routers[r]);
	return last;
}

void vrrp_inst_clear(struct vrrp_inst *inst)
{
	for (size_t r = 0; r < inst->router_count; r++) {
		struct vrrp_router *router = &inst->routers[r];

		if (!inst->conf->virtual_mac || !router->place)
			continue;
		if (vrrp_net_remove_link(inst->shared->net, router->place) == 0)
			vrrp_ward_drop_link(inst->shared->ward, router->place);
		router->place = 0;
	}
}
