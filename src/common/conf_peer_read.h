/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the config's `peer` section, for both daemons alike. What must hold between it and the vrrp section is
 * vrrp_conf_peer's.
 */
#ifndef TANDEM_COMMON_CONF_PEER_READ_H
#define TANDEM_COMMON_CONF_PEER_READ_H

#include "common/conf.h"
#include "common/conf_nodes.h"
#include "common/conf_peer.h"

/* Read the section (NULL: none) into *out, which is overwritten. Its paths are the peer_addresses of this node and the
 * other, one by one. 0 also when errors were added; -ENOMEM. */
int conf_peer_read(const struct conf *conf, const config_setting_t *group, const struct conf_nodes *nodes,
	struct conf_peer *out);

#endif
