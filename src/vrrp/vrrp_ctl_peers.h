/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control socket tells of the other node: the command `peers`, and a part of each row of `vrrp`
 * (docs/CONTROL.md). Part of vrrp_ctl. */
#ifndef TANDEM_VRRP_CTL_PEERS_H
#define TANDEM_VRRP_CTL_PEERS_H

#include <jansson.h>

#include "vrrp/vrrp_speaker.h"

json_t *vrrp_ctl_peers(const struct vrrp_speaker *speaker);

/* The members `verdict`, `witness`, `witnesses`, `peer` of an instance's row. */
json_t *vrrp_ctl_pair_row(
	const struct vrrp_speaker *speaker, const struct vrrp_unit *unit, const struct vrrp_inst *inst);

#endif
