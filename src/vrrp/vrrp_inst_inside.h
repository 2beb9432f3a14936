/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the vrrp_inst*.c files share. */
#ifndef TANDEM_VRRP_INST_INSIDE_H
#define TANDEM_VRRP_INST_INSIDE_H

#include "vrrp/vrrp_inst.h"

/* Put one address there. 0, or 1 when it was there already; else -errno, which is counted, kept and logged. */
int vrrp_inst_add(
	struct vrrp_inst *inst, const struct vrrp_router *router, const struct vrrp_address *address);

/* No failure to add one stands any more. */
void vrrp_inst_all_are_there(struct vrrp_inst *inst);

#endif
