/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instance of the config, and what must hold within it: its addresses, its version, its peers. Part of vrrp_conf;
 * what must hold between instances is vrrp_conf_check's.
 */
#ifndef TANDEM_VRRP_CONF_INSTANCE_H
#define TANDEM_VRRP_CONF_INSTANCE_H

#include <stddef.h>

#include "common/conf.h"
#include "vrrp/vrrp_model.h"

/*
 * Read instance no. i of the list into *out, which is overwritten and owned by the model also when errors were added.
 * priority is what it has without one of its own. 0 or -ENOMEM.
 */
int vrrp_conf_instance(const struct conf *conf, const config_setting_t *group, size_t i, uint8_t priority,
	struct vrrp_instance *out);

/* Parse "ADDRESS/PREFIX" as an instance may have it. 0, or -EINVAL. */
int vrrp_conf_address(const char *text, struct vrrp_address *out);

#endif
