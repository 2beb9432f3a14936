/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_lease_join.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#define MS 1000000LL

static bool is_link_local(const struct net_addr *addr)
{
	return addr->family == AF_INET6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

static struct lease_addr make(const struct net_addr *addr, int ifindex)
{
	struct lease_addr out = {.family = addr->family == AF_INET ? 4 : 6, .ifindex = (uint32_t)ifindex};

	memcpy(out.addr, addr->bytes, addr->family == AF_INET ? 4 : 16);
	return out;
}

/* ---- slots ---- */

/* One that an earlier speaker of the same config has entered. The leader's first, but a link-local one only when there is
 * no other: it goes with the device, which may be a new one. */
static struct lease_addr known_by(const struct vrrp_speaker *s, const struct vrrp_unit *unit)
{
	const struct vrrp_instance *conf = unit->members[0].conf;
	const struct vrrp_link *link = vrrp_net_link(s->shared.net, conf->interface);

	for (size_t i = 0; i < conf->ipv4_count + conf->ipv6_count; i++)
		if (!is_link_local(&conf->addresses[i].addr))
			return make(&conf->addresses[i].addr, 0);
	return make(&conf->addresses[0].addr, link ? link->ifindex : 0);
}

void vrrp_lease_join_units(struct vrrp_speaker *s)
{
	s->shared.grace_ns = s->model->peer.configured ? (int64_t)s->model->peer.grace_ms * MS : 0;
	for (size_t i = 0; i < s->unit_count; i++) {
		struct vrrp_unit *unit = s->units[i];
		struct lease_addr first;

		if (unit->slot)
			continue;
		first = known_by(s, unit);
		unit->slot = vrrp_lease_claim(s->shared.lease, &first, unit->start != VRRP_START_FRESH);
		if (!unit->slot)
			log_warn(
				"%s: has no lease: there are more than %d units", unit->name, LEASES_MAX - 1);
	}
}

/* ---- addresses ---- */

struct gathering {
	struct vrrp_lease_entry *list;
	size_t count, room;
	const struct vrrp_inst *inst;
	uint32_t slot;
};

static void add(struct gathering *g, const struct net_addr *addr, int ifindex)
{
	if (g->count < g->room)
		g->list[g->count++] = (struct vrrp_lease_entry){.addr = make(addr, ifindex), .slot = g->slot};
}

/* The dataplane asks where the packet came in: what is for a macvlan is seen on its parent, too. */
static void on_address(void *data, int place, const struct net_addr *addr)
{
	struct gathering *g = data;

	if (!is_link_local(addr)) {
		add(g, addr, 0);
		return;
	}
	if (place)
		add(g, addr, place);
	if (g->inst->ifindex && g->inst->ifindex != place)
		add(g, addr, g->inst->ifindex);
}

void vrrp_lease_join_addresses(struct vrrp_speaker *s)
{
	struct gathering g = {.list = calloc(LEASE_ADDRS, sizeof(*g.list)), .room = LEASE_ADDRS};

	if (!g.list)
		return; /* what is entered stays, and the next change asks again */
	for (size_t i = 0; i < s->unit_count; i++)
		for (size_t m = 0; s->units[i]->slot && m < s->units[i]->member_count; m++) {
			g.inst = &s->units[i]->members[m];
			g.slot = s->units[i]->slot;
			vrrp_inst_each_address(g.inst, on_address, &g);
		}
	vrrp_lease_enter(s->shared.lease, g.list, g.count);
	free(g.list);
}
