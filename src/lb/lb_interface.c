/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_interface.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

static void report(struct lb_interfaces *set, const char *name, const char *event, const char *cause)
{
	char subject[32];

	snprintf(subject, sizeof(subject), "interface %s", name);
	set->report(set->data, subject, event, cause);
}

static void become(struct lb_interfaces *set, struct lb_interface *i, enum lb_interface_state state,
	const char *cause, const char *detail)
{
	bool news = !i->known || i->state != state;

	snprintf(i->detail, sizeof(i->detail), "%s", detail);
	i->state = state;
	i->known = true;
	if (news)
		report(set, i->name, lb_interface_state_name(state), cause);
}

/* 0 or 1, -1 when it cannot be read: then there is no such family here. */
static int forwards(const char *family, const char *name)
{
	char path[96];
	int value = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding", family, name);

	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

/* What is not as it should be on an interface that is up; "" when all is well. */
static void look_at_forwarding(const struct lb_interface *i, char *out, size_t size)
{
	bool off4 = forwards("ipv4", i->name) == 0, off6 = forwards("ipv6", i->name) == 0;

	out[0] = '\0';
	/* With slashes for dots sysctl takes any name, eth0.7 too. */
	if (off4 || off6)
		snprintf(out, size, "%s forwarding is off: 'sysctl -w%s%s%s%s%s%s'",
			off4 && off6 ? "IPv4 and IPv6"
			: off4       ? "IPv4"
				     : "IPv6",
			off4 ? " net/ipv4/conf/" : "", off4 ? i->name : "", off4 ? "/forwarding=1" : "",
			off6 ? " net/ipv6/conf/" : "", off6 ? i->name : "", off6 ? "/forwarding=1" : "");
}

/* Stands on device, or why not in detail. */
static bool attach(struct lb_interfaces *set, struct lb_interface *i, const struct lb_device *device)
{
	char detail[sizeof(i->detail)];
	int err;

	if (i->refused == device->ifindex)
		return false;
	err = lb_bpf_attach(set->bpf, (int)device->ifindex, i->name);
	if (!err) {
		i->ifindex = device->ifindex;
		i->refused = 0;
		return true;
	}
	/* The device went while we were at it: its end is on the way to us. */
	if (err == -ENODEV)
		return false;
	i->refused = device->ifindex;
	if (err == -EEXIST)
		snprintf(detail, sizeof(detail),
			"another tandem-lb's program is there: remove it, then reload");
	else
		snprintf(detail, sizeof(detail), "%s: reload to try again", strerror(-err));
	become(set, i, LB_INTERFACE_REFUSED, detail, detail);
	return false;
}

/* appeared: how the program came to stand there just now; "" when it stood there before. */
static void show_health(struct lb_interfaces *set, struct lb_interface *i, const struct lb_device *device,
	const char *appeared)
{
	char was[sizeof(i->detail)], detail[sizeof(i->detail)], cause[sizeof(i->detail) + 64];

	if ((device->flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING)) {
		if (device->flags & IFF_UP)
			snprintf(detail, sizeof(detail), "no carrier");
		else
			snprintf(detail, sizeof(detail), "it is switched off: 'ip link set dev %s up'",
				i->name);
		snprintf(cause, sizeof(cause), "%s%s%s", appeared, appeared[0] ? "; " : "", detail);
		become(set, i, LB_INTERFACE_DOWN, cause, detail);
		return;
	}
	snprintf(was, sizeof(was), "%s", i->state == LB_INTERFACE_ATTACHED ? i->detail : "");
	look_at_forwarding(i, detail, sizeof(detail));
	become(set, i, LB_INTERFACE_ATTACHED, appeared[0] ? appeared : "link is up", detail);
	if (strcmp(was, detail) != 0)
		report(set, i->name, detail[0] ? "forwarding off" : "forwarding on", detail);
}

static void update(struct lb_interfaces *set, struct lb_interface *i)
{
	const struct lb_device *device = lb_devices_named(set->devices, i->name);
	char cause[128];

	if (i->ifindex && (!device || device->ifindex != i->ifindex)) {
		/* Gone, or it has another name now. */
		if (lb_devices_find(set->devices, i->ifindex))
			lb_bpf_detach(set->bpf, (int)i->ifindex);
		snprintf(
			cause, sizeof(cause), "index %u is gone: attaches again when it is back", i->ifindex);
		i->ifindex = 0;
		become(set, i, LB_INTERFACE_MISSING, cause, cause);
	}
	if (!device) {
		i->refused = 0;
		become(set, i, LB_INTERFACE_MISSING, "no such device: waits for it",
			"no such device: waits for it");
		return;
	}
	if (device->type != ARPHRD_ETHER) {
		snprintf(cause, sizeof(cause),
			device->type == ARPHRD_LOOPBACK ? "the loopback device has no neighbours: name the "
							  "devices that packets come in by"
							: "no Ethernet device (type %u): the dataplane reads "
							  "and writes Ethernet frames",
			device->type);
		become(set, i, LB_INTERFACE_UNSUPPORTED, cause, cause);
		return;
	}
	cause[0] = '\0';
	if (!i->ifindex) {
		snprintf(cause, sizeof(cause),
			i->known && i->state == LB_INTERFACE_MISSING ? "appeared as index %u" : "index %u",
			device->ifindex);
		if (!attach(set, i, device))
			return;
	}
	show_health(set, i, device, cause);
}

/* ---- devices with a virtual MAC ---- */

static const struct lb_interface *find_below(const struct lb_interfaces *set, const struct lb_device *device)
{
	for (size_t i = 0; device->below && i < set->count; i++)
		if (set->list[i].ifindex == device->below)
			return &set->list[i];
	return NULL;
}

static void join(struct lb_interfaces *set, struct lb_device *device, const struct lb_interface *below)
{
	int err = lb_bpf_attach(set->bpf, (int)device->ifindex, device->name);
	char cause[128];

	if (err == -ENODEV)
		return;
	/* One that refuses is not asked again until a reload. */
	device->joined = true;
	if (err)
		snprintf(cause, sizeof(cause), "it has a virtual MAC on %s: %s", below->name, strerror(-err));
	else
		snprintf(cause, sizeof(cause), "it has a virtual MAC on %s", below->name);
	report(set, device->name, lb_interface_state_name(err ? LB_INTERFACE_REFUSED : LB_INTERFACE_ATTACHED),
		cause);
}

static void follow(struct lb_interfaces *set, struct lb_device *device)
{
	const struct lb_interface *below = find_below(set, device);

	if (below && !device->joined) {
		join(set, device, below);
	} else if (!below && device->joined) {
		device->joined = false;
		lb_bpf_detach(set->bpf, (int)device->ifindex);
		report(set, device->name, "detached", "the interface below it is no longer attached");
	}
}

/* Also one that refused. */
static void put_back(struct lb_interfaces *set, struct lb_device *device)
{
	if (!device->joined || lb_bpf_is_attached(set->bpf, (int)device->ifindex))
		return;
	device->joined = false;
	follow(set, device);
}

/* ---- all of them ---- */

void lb_interfaces_update(struct lb_interfaces *set)
{
	for (size_t i = 0; i < set->count; i++)
		update(set, &set->list[i]);
	for (size_t d = 0; d < set->devices->count; d++)
		follow(set, &set->devices->list[d]);
}

void lb_interfaces_verify(struct lb_interfaces *set, uint32_t ifindex)
{
	for (size_t n = 0; n < set->count; n++) {
		struct lb_interface *i = &set->list[n];

		if (!i->ifindex || (ifindex && i->ifindex != ifindex) ||
			lb_bpf_is_attached(set->bpf, (int)i->ifindex))
			continue;
		i->ifindex = 0;
		report(set, i->name, "detached", "somebody removed the program from it");
		i->known = false; /* attached again is news, too */
		update(set, i);
	}
	for (size_t d = 0; d < set->devices->count; d++)
		if (!ifindex || set->devices->list[d].ifindex == ifindex)
			put_back(set, &set->devices->list[d]);
}

static const struct lb_interface *named(const struct lb_interface *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

/* Also from devices that a previous run stood on. */
static void detach_others(struct lb_interfaces *set)
{
	for (size_t d = 0; d < set->devices->count; d++) {
		const struct lb_device *device = &set->devices->list[d];

		if (device->type != ARPHRD_ETHER || device->joined ||
			named(set->list, set->count, device->name) ||
			!lb_bpf_is_attached(set->bpf, (int)device->ifindex))
			continue;
		lb_bpf_detach(set->bpf, (int)device->ifindex);
		report(set, device->name, "detached", "no longer named in the config");
	}
}

int lb_interfaces_set(struct lb_interfaces *set, const char (*names)[16], size_t count)
{
	struct lb_interface list[LB_INTERFACES_MAX] = {};

	if (count > LB_INTERFACES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < count; i++) {
		const struct lb_interface *old = named(set->list, set->count, names[i]);

		if (old)
			list[i] = *old;
		snprintf(list[i].name, sizeof(list[i].name), "%s", names[i]);
		list[i].refused = 0;
	}
	memcpy(set->list, list, sizeof(list));
	set->count = count;
	lb_interfaces_update(set);
	for (size_t d = 0; d < set->devices->count; d++)
		put_back(set, &set->devices->list[d]);
	detach_others(set);
	return 0;
}
