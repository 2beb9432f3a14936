/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places of view.links are stable while a device lives: flows remember them. A place is given to another
 * device only after the route epoch has grown past the one in which it was left, so that no flow sends by a
 * stranger.
 */
#include "lb/lb_links.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/log.h"
#include "lb/lb_interface.h"
#include "lb/lb_neigh.h"
#include "lb/lb_netlink.h"
#include "lb/lb_pace.h"

#define PACE_MS 20

/* A change of any other flag (promiscuous, multicast) moves no packet. */
#define FLAGS_THAT_MATTER (IFF_UP | IFF_RUNNING | IFF_NOARP)

struct lb_links {
	struct ev_loop *loop;
	struct lb_bpf *bpf;
	struct lb_netlink *netlink;
	struct lb_devices devices;
	struct lb_interfaces interfaces;
	struct lb_neigh *neigh;
	struct lb_pace pace;
	ev_timer pace_timer;
	uint32_t left_in[LB_LINKS_MAX]; /* the epoch in which each place was last left */
	bool listing;
	bool told_full;
};

/* ---- the route epoch ---- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint32_t epoch_of(const struct lb_links *l)
{
	return __atomic_load_n(&l->bpf->view.globals->route_epoch, __ATOMIC_RELAXED);
}

/* 0 is what a flow without a hop has. */
static void bump(struct lb_links *l)
{
	uint32_t next = epoch_of(l) + 1;

	__atomic_store_n(&l->bpf->view.globals->route_epoch, next ? next : 1, __ATOMIC_RELEASE);
}

static void arm_pace(struct lb_links *l)
{
	uint64_t now = now_ms();

	if (!l->pace.ends_ms || ev_is_active(&l->pace_timer))
		return;
	ev_now_update(l->loop);
	ev_timer_set(
		&l->pace_timer, l->pace.ends_ms > now ? (double)(l->pace.ends_ms - now) / 1000. : 0., 0.);
	ev_timer_start(l->loop, &l->pace_timer);
}

static void changed(struct lb_links *l)
{
	if (lb_pace_change(&l->pace, now_ms()))
		bump(l);
	arm_pace(l);
}

static void on_pace(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lb_links *l = timer->data;

	if (lb_pace_due(&l->pace, now_ms()))
		bump(l);
	arm_pace(l);
}

/* ---- places ---- */

/* The address and its padding are eight aligned bytes: a packet sees the old ones or the new ones. */
static void write_mac(struct lb_link *link, const uint8_t mac[6])
{
	uint64_t word = 0;

	memcpy(&word, mac, 6);
	__atomic_store_n((uint64_t *)link->mac, word, __ATOMIC_RELAXED);
}
_Static_assert(offsetof(struct lb_link, mac) == 8 && sizeof(struct lb_link) == 16, "write_mac");

static int free_place(const struct lb_links *l, uint32_t ifindex)
{
	int at = -1;

	/* A previous run may have given it one. */
	for (int i = 0; i < LB_LINKS_MAX; i++)
		if (l->bpf->view.links[i].ifindex == ifindex)
			return i;
	for (int i = 0; i < LB_LINKS_MAX && at < 0; i++)
		if (!l->bpf->view.links[i].ifindex)
			at = i;
	return at;
}

static void give_place(struct lb_links *l, struct lb_device *device)
{
	int at, err;

	/* What has a virtual MAC is where packets come in, not where they go. */
	if (device->type != ARPHRD_ETHER || device->link >= 0 || device->below)
		return;
	at = free_place(l, device->ifindex);
	if (at < 0) {
		if (!l->told_full)
			log_warn("more than %d network devices: packets to those beyond, the first of them "
				 "%s, take the kernel's "
				 "slower way",
				LB_LINKS_MAX, device->name);
		l->told_full = true;
		return;
	}
	if (l->left_in[at] && l->left_in[at] == epoch_of(l))
		bump(l);

	struct lb_link *link = &l->bpf->view.links[at];

	link->mtu = device->mtu;
	write_mac(link, device->mac);
	__atomic_store_n(&link->ifindex, device->ifindex, __ATOMIC_RELEASE);
	err = lb_bpf_set_link_key(l->bpf, device->ifindex, (uint32_t)at);
	if (err) {
		log_warn("device %s: not made known to the dataplane (%s): packets to it take the kernel's "
			 "slower way",
			device->name, strerror(-err));
		link->ifindex = 0;
		return;
	}
	device->link = at;
}

static void leave_place(struct lb_links *l, uint32_t ifindex, int at)
{
	lb_bpf_clear_link_key(l->bpf, ifindex);
	__atomic_store_n(&l->bpf->view.links[at].ifindex, 0, __ATOMIC_RELEASE);
	l->left_in[at] = epoch_of(l);
}

static void give_places(struct lb_links *l)
{
	for (size_t i = 0; i < l->devices.count; i++)
		give_place(l, &l->devices.list[i]);
}

/* What a previous run left and nobody has now. */
static void clear_places(struct lb_links *l)
{
	struct lb_link *links = l->bpf->view.links;

	for (int i = 0; i < LB_LINKS_MAX; i++) {
		const struct lb_device *device =
			links[i].ifindex ? lb_devices_find(&l->devices, links[i].ifindex) : NULL;

		if (device && device->link >= 0 && device->link != i)
			links[i].ifindex = 0;
		else if (links[i].ifindex && (!device || device->link < 0))
			leave_place(l, links[i].ifindex, i);
	}
}

/* ---- what the kernel says ---- */

static void device_gone(struct lb_links *l, struct lb_device *device)
{
	if (device->link >= 0)
		leave_place(l, device->ifindex, device->link);
	lb_devices_remove(&l->devices, device);
	changed(l);
	if (!l->listing)
		give_places(l);
}

static void device_is(struct lb_links *l, struct lb_device *old, const struct lb_device *device)
{
	bool moved = memcmp(old->mac, device->mac, sizeof(old->mac)) != 0 || old->mtu != device->mtu;

	if (moved && old->link >= 0) {
		__atomic_store_n(&l->bpf->view.links[old->link].mtu, device->mtu, __ATOMIC_RELAXED);
		write_mac(&l->bpf->view.links[old->link], device->mac);
	}
	moved = moved || old->master != device->master || ((old->flags ^ device->flags) & FLAGS_THAT_MATTER);

	int link = old->link;
	bool joined = old->joined;

	*old = *device;
	old->link = link;
	old->joined = joined;
	old->seen = true;
	if (moved)
		changed(l);
}

static void on_device(void *data, const struct lb_device *device, bool gone)
{
	struct lb_links *l = data;
	struct lb_device *old = lb_devices_find(&l->devices, device->ifindex);

	/* Deleted and made again with the same index while we did not hear. */
	if (old && !gone && old->type != device->type) {
		device_gone(l, old);
		old = NULL;
	}
	if (gone) {
		if (old)
			device_gone(l, old);
	} else if (old) {
		device_is(l, old, device);
	} else {
		old = lb_devices_add(&l->devices, device);
		if (!old) {
			log_error("device %s: out of memory", device->name);
			return;
		}
		old->seen = true;
		give_place(l, old);
		changed(l);
	}
	if (!l->listing)
		lb_interfaces_update(&l->interfaces);
}

static void on_neighbour(void *data, const struct lb_neigh_entry *entry, bool listed)
{
	struct lb_links *l = data;

	if (lb_neigh_changes(l->neigh, entry, listed))
		changed(l);
}

static void on_route(void *data)
{
	changed(data);
}

static void on_forwarding(void *data)
{
	struct lb_links *l = data;

	changed(l);
	if (!l->listing)
		lb_interfaces_update(&l->interfaces);
}

static void on_filter(void *data, uint32_t ifindex)
{
	struct lb_links *l = data;

	if (!l->listing)
		lb_interfaces_verify(&l->interfaces, ifindex);
}

static void on_lost(void *data)
{
	struct lb_links *l = data;

	log_debug("netlink: messages were lost; reads all devices and neighbours again");
	lb_neigh_begin(l->neigh);
	bump(l);
}

static void on_begin(void *data)
{
	struct lb_links *l = data;

	l->listing = true;
	lb_neigh_begin(l->neigh);
	for (size_t i = 0; i < l->devices.count; i++)
		l->devices.list[i].seen = false;
}

static void on_end(void *data)
{
	struct lb_links *l = data;

	for (size_t i = l->devices.count; i-- > 0;)
		if (!l->devices.list[i].seen)
			device_gone(l, &l->devices.list[i]);
	l->listing = false;
	lb_neigh_end(l->neigh);
	clear_places(l);
	give_places(l);
	bump(l);
	lb_interfaces_update(&l->interfaces);
	lb_interfaces_verify(&l->interfaces, 0);
}

static const struct lb_netlink_ops ops = {
	.lost = on_lost,
	.begin = on_begin,
	.end = on_end,
	.device = on_device,
	.neighbour = on_neighbour,
	.route = on_route,
	.forwarding = on_forwarding,
	.filter = on_filter,
};

/* ---- the offer ---- */

int lb_links_open(struct lb_links **out, struct ev_loop *loop, struct lb_bpf *bpf, lb_links_report_fn *report,
	void *data)
{
	struct lb_links *l = calloc(1, sizeof(*l));
	uint64_t seed = 0;
	int err = -ENOMEM;

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->bpf = bpf;
	l->pace.span_ms = PACE_MS;
	l->interfaces =
		(struct lb_interfaces){.bpf = bpf, .devices = &l->devices, .report = report, .data = data};
	ev_init(&l->pace_timer, on_pace);
	l->pace_timer.data = l;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = now_ms();
	l->neigh = lb_neigh_new(LB_NEIGH_MAX, seed);
	if (l->neigh)
		err = lb_netlink_open(&l->netlink, loop, &ops, l);
	if (err) {
		log_error("netlink: cannot read the network devices: %s", strerror(-err));
		lb_links_close(l);
		return err;
	}
	*out = l;
	return 0;
}

int lb_links_set_interfaces(struct lb_links *links, const char (*names)[16], size_t count)
{
	return lb_interfaces_set(&links->interfaces, names, count);
}

void lb_links_each_interface(struct lb_links *links,
	void (*visit)(void *data, const char *name, enum lb_interface_state state, const char *detail),
	void *data)
{
	for (size_t i = 0; i < links->interfaces.count; i++) {
		const struct lb_interface *interface = &links->interfaces.list[i];

		visit(data, interface->name, interface->state, interface->detail);
	}
}

const char *lb_interface_state_name(enum lb_interface_state state)
{
	static const char *const names[] = {
		[LB_INTERFACE_MISSING] = "missing",
		[LB_INTERFACE_UNSUPPORTED] = "unsupported",
		[LB_INTERFACE_REFUSED] = "refused",
		[LB_INTERFACE_DOWN] = "down",
		[LB_INTERFACE_ATTACHED] = "attached",
	};

	return names[state];
}

bool lb_links_is_down(struct lb_links *links, uint32_t ifindex)
{
	const struct lb_device *device = lb_devices_find(&links->devices, ifindex);

	return !device || (device->flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING);
}

void lb_links_close(struct lb_links *links)
{
	if (!links)
		return;
	lb_netlink_close(links->netlink);
	ev_timer_stop(links->loop, &links->pace_timer);
	lb_neigh_free(links->neigh);
	lb_devices_clear(&links->devices);
	free(links);
}
