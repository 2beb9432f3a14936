/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a config. It must come back with a model that keeps the promises of lb_model.h, or with an
 * empty one and an error; never both, never neither, and nothing leaked.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(int kept)
{
	if (!kept)
		abort();
}

static void check_pool(const struct lb_pool *pool)
{
	promise(pool->name[0] && pool->backend_count <= LB_POOL_BACKENDS_MAX && pool->scheduler <= LB_MH);
	promise(pool->check.timeout_ms <= pool->check.interval_ms && pool->check.rise && pool->check.fall);
	promise(pool->check.type == LB_CHECK_TCP || (!pool->check.send && !pool->check.expect));
	promise(pool->check.send_len <= LB_CHECK_TEXT_MAX && pool->check.expect_len <= LB_CHECK_TEXT_MAX);
	for (size_t i = 0; i < pool->backend_count; i++) {
		const struct lb_backend *b = &pool->backends[i];

		promise(b->name[0] && b->port && b->weight <= LB_WEIGHT_MAX && !addr_is_unusable(&b->addr));
		promise(b->addr.family == pool->backends[0].addr.family);
		promise(lb_pool_find_backend(pool, b->name) == (long)i);
	}
}

static void check_model(const struct lb_model *model)
{
	promise(model->dataplane.interface_count >= 1 &&
		model->dataplane.interface_count <= LB_INTERFACES_MAX);
	promise(model->dataplane.max_half_open <= model->dataplane.max_flows / 4);
	promise(model->service_count <= model->dataplane.max_services);
	for (size_t i = 0; i < model->pool_count; i++) {
		check_pool(&model->pools[i]);
		promise(lb_model_find_pool(model, model->pools[i].name) == (long)i);
	}
	for (size_t i = 0; i < model->service_count; i++) {
		const struct lb_service *s = &model->services[i];

		promise(s->pool < model->pool_count && s->port && s->idle_timeout_s);
		promise(s->protocol == LB_TCP || s->protocol == LB_UDP);
		promise(lb_model_find_service(model, s->name) == (long)i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf_errors errors;
	static const struct lb_model empty;
	struct lb_model model;
	int err = lb_conf_load_memory("fuzz.conf", data, size, NULL, &model, &errors);

	promise((err == 0) == (errors.count == 0));
	for (size_t i = 0; i < errors.shown; i++)
		promise(!strncmp(errors.error[i].text, "fuzz.conf:", 10) &&
			!strchr(errors.error[i].text, '\n'));
	if (err)
		promise(!memcmp(&model, &empty, sizeof(model)));
	else
		check_model(&model);
	lb_model_clear(&model);
	return 0;
}
