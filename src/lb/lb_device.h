/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network devices of the namespace as last heard of, by index and by name. Plain data; no I/O. */
#ifndef TANDEM_LB_DEVICE_H
#define TANDEM_LB_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lb_device {
	uint32_t ifindex;
	char name[16];
	uint32_t type;   /* ARPHRD_* */
	uint32_t flags;  /* IFF_* */
	uint32_t mtu;    /* bytes of IP */
	uint32_t master; /* ifindex of the bridge, bond or VRF it belongs to; 0 = none */
	uint32_t
		below; /* of a macvlan with a virtual MAC of VRRP: ifindex of the device it stands on; else 0 */
	uint8_t mac[6]; /* zero when its address has another length */
	int link;       /* its place in view.links, -1 = none; kept by lb_links */
	bool joined;    /* goes with the interface below it; kept by lb_interface */
	bool seen;      /* listed since the kernel's table was last asked for; kept by lb_links */
};

struct lb_devices {
	struct lb_device *list;
	size_t count, room;
};

/* NULL when there is none. Valid until the next add or remove. */
struct lb_device *lb_devices_find(const struct lb_devices *devices, uint32_t ifindex);
struct lb_device *lb_devices_named(const struct lb_devices *devices, const char *name);

/* A copy in the table; NULL: no memory. */
struct lb_device *lb_devices_add(struct lb_devices *devices, const struct lb_device *device);

/* The last one takes its place. */
void lb_devices_remove(struct lb_devices *devices, struct lb_device *device);

void lb_devices_clear(struct lb_devices *devices);

#endif
