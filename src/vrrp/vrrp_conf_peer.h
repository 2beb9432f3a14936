/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold between the config's `peer` section (common/conf_peer) and the speaker's, and an instance's `witness`. Part of
 * vrrp_conf. */
#ifndef TANDEM_VRRP_CONF_PEER_H
#define TANDEM_VRRP_CONF_PEER_H

#include "common/conf.h"
#include "vrrp/vrrp_model.h"

/* With a model in which nothing was wrong: the times that were not given, by its advert intervals; and does the section
 * agree with its units? A fenced one needs witnesses. 0 also when errors were added. */
int vrrp_conf_peer_check(const struct conf *conf, const config_setting_t *group, struct vrrp_model *model);

/* Read a witness group (NULL: none) of `of` ("instance 'front'") into the instance, whose addresses were read. */
void vrrp_conf_witness(const struct conf *conf, const config_setting_t *group, const char *of,
	struct vrrp_instance *instance);

#endif
