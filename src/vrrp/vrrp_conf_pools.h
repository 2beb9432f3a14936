/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pools that tracks name: a misspelled one would be a fault for ever, and, as both nodes have the same file, on both.
 * What a pool is else is tandem-lb's (src/lb/lb_conf.c).
 */
#ifndef TANDEM_VRRP_CONF_POOLS_H
#define TANDEM_VRRP_CONF_POOLS_H

#include "common/conf.h"

/* Say each that the file's pools do not have. A file without them (tandem-lb has another one), or with names that are not
 * certain, is not judged. */
void vrrp_conf_pools(const struct conf *conf);

#endif
