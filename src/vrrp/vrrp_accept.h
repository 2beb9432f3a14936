/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accept = false (RFC 9568 section 6.4.3, Accept_Mode): packets to a virtual address do not reach this host, although the
 * kernel has the address and answers ARP and ND for it. A table of nftables' own (libnftables) with one set of addresses
 * for each family, dropped on input but for neighbour discovery. Services of tandem-lb are redirected before that hook
 * and work either way. The owner (priority 255) always accepts.
 */
#ifndef TANDEM_VRRP_ACCEPT_H
#define TANDEM_VRRP_ACCEPT_H

#include <stddef.h>

#include "common/addr.h"

struct vrrp_accept; /* NULL until the first address is to be refused: then nftables is not even opened */

/* From now on exactly these are refused (in one transaction). name tells this speaker's table from another's in the
 * same namespace. count 0 removes the table. 0, or -errno with one line in error. */
int vrrp_accept_set(struct vrrp_accept **accept, const char *name, const struct net_addr *refused,
	size_t count, char *error, size_t error_size);
/* Remove the table and free. NULL is fine. */
void vrrp_accept_close(struct vrrp_accept *accept);

#endif
