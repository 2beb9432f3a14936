/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rtnetlink socket: reads the kernel's devices and neighbours once, then tells every change, and reads
 * all again when the kernel says that messages were lost. Turns bytes into structs; judges nothing.
 */
#ifndef TANDEM_LB_NETLINK_H
#define TANDEM_LB_NETLINK_H

#include <ev.h>

#include "lb/lb_device.h"
#include "lb/lb_neigh.h"

/* Called from within lb_netlink_open and from the loop; none may close the lb_netlink. */
struct lb_netlink_ops {
	void (*lost)(void *data);  /* changes were missed; all is listed again soon */
	void (*begin)(void *data); /* what follows lists all devices and neighbours, mixed with changes */
	void (*end)(void *data);
	void (*device)(void *data, const struct lb_device *device, bool gone);
	void (*neighbour)(void *data, const struct lb_neigh_entry *entry, bool listed);
	void (*route)(void *data);      /* an address, route, rule or next hop came, changed or went */
	void (*forwarding)(void *data); /* a forwarding switch was turned */
	void (*filter)(void *data, uint32_t ifindex); /* a tc filter or qdisc was removed from that device */
};

struct lb_netlink;

/* Returns after the first listing (-ETIMEDOUT after 5 s). ops, data and loop must outlive it. 0 or -errno. */
int lb_netlink_open(
	struct lb_netlink **out, struct ev_loop *loop, const struct lb_netlink_ops *ops, void *data);
void lb_netlink_close(struct lb_netlink *netlink);

#endif
