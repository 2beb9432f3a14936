/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold between the parts of a config, once each part is right by itself: names and endpoints given
 * once, references that lead somewhere, one family in a pool, totals within the dataplane's limits.
 */
#ifndef TANDEM_LB_CONF_CHECK_H
#define TANDEM_LB_CONF_CHECK_H

#include "common/conf.h"
#include "lb/lb_model.h"

/* A model and where its parts stand in the file: element i of a list is entry i of the model. */
struct lb_conf_parts {
	const struct conf *conf;
	struct lb_model *model;
	const config_setting_t *pools;    /* list, or NULL */
	const config_setting_t *services; /* list, or NULL */
	bool limited;                     /* the dataplane's limits are as the author gave them */
	const char **service_pools;       /* per service, the pool's name as given, or NULL */
};

/*
 * Check everything and resolve each service's pool. Parts that were wrong by themselves (empty name, no
 * address, port 0) are passed over, so no mistake is said twice. 0 also when errors were added; -ENOMEM.
 */
int lb_conf_check(struct lb_conf_parts *parts);

#endif
