/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a config, for both daemons. Each reader must come back with a model that keeps the promises of lb_model.h
 * or vrrp_model.h, or with an empty one and an error; never both, never neither, and nothing leaked.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_conf.h"
#include "vrrp/vrrp_conf.h"

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

static void check_track(const struct vrrp_track *t)
{
	promise(t->weight >= -253 && t->weight <= 253);
	switch (t->kind) {
	case VRRP_TRACK_INTERFACE:
		promise(t->interface[0]);
		break;
	case VRRP_TRACK_SCRIPT:
		promise(t->script.argv[0] && t->script.argv[0][0] == '/' && !t->script.argv[VRRP_ARGS_MAX]);
		promise(t->script.timeout_ms >= 10 && t->script.timeout_ms <= t->interval_ms);
		promise(t->rise && t->fall);
		break;
	case VRRP_TRACK_FILE:
		promise(t->file && t->file[0] == '/');
		break;
	case VRRP_TRACK_POOL:
		promise(t->pool[0] && t->min_backends && t->interval_ms >= 100);
	}
}

static void check_instance(const struct vrrp_instance *v)
{
	size_t count = v->ipv4_count + v->ipv6_count;

	promise(v->name[0] && v->interface[0] && v->vrid && v->priority && count);
	promise(v->version == 3 || (v->version == 2 && !v->ipv6_count));
	promise(v->interval_ms % (v->version == 2 ? 1000 : 10) == 0 && v->interval_ms >= 10);
	promise(v->interval_ms <= (v->version == 2 ? 255000 : 40950));
	promise(v->ipv4_count <= VRRP_ADDRESSES_MAX && v->ipv6_count <= 77);
	for (size_t i = 0; i < count; i++) {
		promise(v->addresses[i].addr.family == (i < v->ipv4_count ? AF_INET : AF_INET6));
		promise(v->addresses[i].prefix && v->addresses[i].prefix <= (i < v->ipv4_count ? 32 : 128));
	}
	promise(v->peer_count <= VRRP_PEERS_MAX && v->announce_count && v->announce_interval_ms);
	for (size_t i = 0; i < v->peer_count; i++)
		promise(v->peers[i].family == AF_INET ? v->ipv4_count : v->ipv6_count);
	for (size_t i = 0; i < v->track_count; i++)
		check_track(&v->tracks[i]);
}

/* Every instance is in exactly one unit, and the members of one agree. */
static void check_vrrp(const struct vrrp_model *model)
{
	size_t members = 0;

	promise(model->instance_count <= VRRP_INSTANCES_MAX);
	for (size_t i = 0; i < model->instance_count; i++) {
		check_instance(&model->instances[i]);
		promise(vrrp_model_find_instance(model, model->instances[i].name) == (long)i);
	}
	for (size_t i = 0; i < model->unit_count; i++) {
		const struct vrrp_unit_model *unit = &model->units[i];

		promise(unit->member_count && vrrp_model_find_unit(model, unit->name) == (long)i);
		members += unit->member_count;
		for (size_t m = 0; m < unit->member_count; m++) {
			const struct vrrp_instance *v = &model->instances[unit->members[m]];
			const struct vrrp_instance *first = &model->instances[unit->members[0]];

			promise(v->unit == i && v->priority == first->priority &&
				v->version == first->version && v->interval_ms == first->interval_ms);
		}
		for (size_t t = 0; t < unit->track_count; t++)
			check_track(&unit->tracks[t]);
	}
	promise(members == model->instance_count);
}

static void check_errors(const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->shown; i++)
		promise(!strncmp(errors->error[i].text, "fuzz.conf:", 10) &&
			!strchr(errors->error[i].text, '\n'));
}

static void read_vrrp(const uint8_t *data, size_t size, struct conf_errors *errors)
{
	static const struct vrrp_model empty;
	struct vrrp_model model;
	int err = vrrp_conf_load_memory("fuzz.conf", data, size, NULL, &model, errors);

	promise((err == 0 || err == -ENODATA) == (errors->count == 0));
	check_errors(errors);
	if (err)
		promise(!memcmp(&model, &empty, sizeof(model)));
	else
		check_vrrp(&model);
	vrrp_model_clear(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf_errors errors;
	static const struct lb_model empty;
	struct lb_model model;
	int err = lb_conf_load_memory("fuzz.conf", data, size, NULL, &model, &errors);

	promise((err == 0) == (errors.count == 0));
	check_errors(&errors);
	if (err)
		promise(!memcmp(&model, &empty, sizeof(model)));
	else
		check_model(&model);
	lb_model_clear(&model);
	read_vrrp(data, size, &errors);
	return 0;
}
