/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces the dataplane is to stand on: attaches as devices come, says what hinders. Part of
 * lb_links, which tells it of every change; states are those of lb_links.h.
 *
 * Frames to a virtual MAC of VRRP come in by a macvlan on the interface (tandem-vrrp's or another speaker's), and only
 * while this node has the MAC. To the interface itself they are another host's. So the program stands on these too,
 * without being asked to.
 */
#ifndef TANDEM_LB_INTERFACE_H
#define TANDEM_LB_INTERFACE_H

#include "lb/lb_device.h"
#include "lb/lb_links.h"
#include "lb/lb_model.h"

struct lb_interface {
	char name[16];
	enum lb_interface_state state;
	bool known;       /* the state was reported */
	uint32_t ifindex; /* of the device it is attached to; 0 = none */
	uint32_t refused; /* index of the device that refused the program: not tried again until a reload */
	char detail[192];
};

struct lb_interfaces {
	struct lb_interface list[LB_INTERFACES_MAX];
	size_t count;
	struct lb_bpf *bpf;
	struct lb_devices *devices;
	lb_links_report_fn *report;
	void *data;
};

/* Attach to the named ones, then detach from all others where this dataplane stands. -E2BIG: more than fit.
 */
int lb_interfaces_set(struct lb_interfaces *set, const char (*names)[16], size_t count);

/* Devices or their switches changed: bring every interface up to date. */
void lb_interfaces_update(struct lb_interfaces *set);

/* Somebody may have removed the program from that device (0: from any): put it back where it is gone. */
void lb_interfaces_verify(struct lb_interfaces *set, uint32_t ifindex);

#endif
