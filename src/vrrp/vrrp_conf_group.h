/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups of a vrrp section: read, resolved, made units. Part of vrrp_conf. */
#ifndef TANDEM_VRRP_CONF_GROUP_H
#define TANDEM_VRRP_CONF_GROUP_H

#include "vrrp/vrrp_conf_check.h"

/* Read the groups into the first units of the model, which has room for every group and instance; members as they stand
 * go to parts->members. 0 or -ENOMEM. */
int vrrp_conf_groups(struct vrrp_conf_parts *parts);

/* vrrp_conf_check()'s part about groups. */
int vrrp_conf_group_check(struct vrrp_conf_parts *parts);

/* After a check without errors: a unit for each instance that is in no group, after those of the groups. 0 or -ENOMEM. */
int vrrp_conf_units(struct vrrp_conf_parts *parts);

#endif
