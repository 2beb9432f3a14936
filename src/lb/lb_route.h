/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device the kernel would send to an address by: one question to rtnetlink, answered at once. Owns its socket.
 */
#ifndef TANDEM_LB_ROUTE_H
#define TANDEM_LB_ROUTE_H

#include <stdint.h>

#include "common/addr.h"

struct nl_sock;

struct lb_route_asker {
	struct nl_sock *socket;
	uint32_t ifindex; /* of the answer */
};

/* 0 or -errno. */
int lb_route_open(struct lb_route_asker *asker);
void lb_route_close(struct lb_route_asker *asker);

/* The index of the device; 0 when there is no route or no answer. */
uint32_t lb_route_device(struct lb_route_asker *asker, const struct net_addr *addr);

#endif
