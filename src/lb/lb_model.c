/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owning, finding and naming what stands in an lb_model. Pure; see lb_model.h.
 */
#include "lb/lb_model.h"

#include <stdlib.h>
#include <string.h>

void lb_model_clear(struct lb_model *model)
{
	for (size_t i = 0; i < model->pool_count; i++) {
		free(model->pools[i].backends);
		free(model->pools[i].check.send);
		free(model->pools[i].check.expect);
	}
	free(model->pools);
	free(model->services);
	conf_peer_clear(&model->peer);
	memset(model, 0, sizeof(*model));
}

long lb_model_find_pool(const struct lb_model *model, const char *name)
{
	for (size_t i = 0; i < model->pool_count; i++)
		if (!strcmp(model->pools[i].name, name))
			return (long)i;
	return -1;
}

long lb_model_find_service(const struct lb_model *model, const char *name)
{
	for (size_t i = 0; i < model->service_count; i++)
		if (!strcmp(model->services[i].name, name))
			return (long)i;
	return -1;
}

long lb_pool_find_backend(const struct lb_pool *pool, const char *name)
{
	for (size_t i = 0; i < pool->backend_count; i++)
		if (!strcmp(pool->backends[i].name, name))
			return (long)i;
	return -1;
}

const char *lb_scheduler_name(enum lb_scheduler scheduler)
{
	switch (scheduler) {
	case LB_RR:
		return "rr";
	case LB_WRR:
		return "wrr";
	case LB_LC:
		return "lc";
	case LB_WLC:
		return "wlc";
	case LB_SH:
		return "sh";
	case LB_MH:
		return "mh";
	}
	return "?";
}

const char *lb_check_type_name(enum lb_check_type type)
{
	switch (type) {
	case LB_CHECK_NONE:
		return "none";
	case LB_CHECK_TCP:
		return "tcp";
	case LB_CHECK_PING:
		return "ping";
	}
	return "?";
}

const char *lb_protocol_name(enum lb_protocol protocol)
{
	switch (protocol) {
	case LB_TCP:
		return "tcp";
	case LB_UDP:
		return "udp";
	}
	return "?";
}
