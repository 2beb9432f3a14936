/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes addresses and macvlans away, and does nothing else: for the guard, which has no event loop and no copy of the
 * kernel's state. Every call is bounded, and so are all calls together until the next vrrp_remover_begin().
 */
#ifndef TANDEM_VRRP_NET_REMOVER_H
#define TANDEM_VRRP_NET_REMOVER_H

#include "vrrp/vrrp_model.h"

struct vrrp_remover;

/* 0 or -errno (not logged). */
int vrrp_remover_open(struct vrrp_remover **out);
void vrrp_remover_close(struct vrrp_remover *remover);

/* What follows may take 5 s together; what comes later than that fails with -ETIMEDOUT. */
void vrrp_remover_begin(struct vrrp_remover *remover);

/* From the interface of that name, which may have been made anew, and from the one with that index, which may have another
 * name now. 0 also when it is not there; -errno. */
int vrrp_remover_address(
	struct vrrp_remover *remover, const char *interface, int ifindex, const struct vrrp_address *address);

/* The link that has both that name and index and is a macvlan. 0 also when there is none such; -errno. */
int vrrp_remover_link(struct vrrp_remover *remover, const char *name, int ifindex);

#endif
