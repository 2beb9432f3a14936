/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold between the parts of a vrrp section, once each part is right by itself: names, virtual routers and
 * addresses given once; groups whose members exist, are in one group each and agree; the total of addresses.
 */
#ifndef TANDEM_VRRP_CONF_CHECK_H
#define TANDEM_VRRP_CONF_CHECK_H

#include <stdbool.h>

#include "common/conf.h"
#include "vrrp/vrrp_model.h"

/* A model and where its parts stand in the file: element i of `instances` is instance i of the model, element i of
 * `groups` its unit i. */
struct vrrp_conf_parts {
	const struct conf *conf;
	struct vrrp_model *model;
	const config_setting_t *instances, *groups; /* lists, or NULL */
	const config_setting_t **members;           /* per group, its list of names, or NULL */
	bool *sound;                                /* per instance: nothing in it was wrong */
	bool certain; /* `instances` was readable: who is not in it is not there */
};

/*
 * Check everything, and resolve each group's members: the group's unit gets its members, and an instance that is in a
 * group the group's index as its unit; the others have VRRP_CONF_ALONE. Parts that were wrong by themselves (empty name,
 * no address, vrid 0) are passed over, so no mistake is said twice. 0 also when errors were added; -ENOMEM.
 */
int vrrp_conf_check(struct vrrp_conf_parts *parts);

#define VRRP_CONF_ALONE SIZE_MAX

#endif
