/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks across the parts of a config. Duplicates are found by sorting: 20,000 backends are checked in
 * milliseconds. See lb_conf_check.h.
 */
#include "lb/lb_conf_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_names.h"
#include "common/nearest.h"

/* ---- names ---- */

static const config_setting_t *backend_group(const struct lb_conf_parts *parts, size_t pool, size_t backend)
{
	const config_setting_t *list =
		config_setting_get_member(conf_element(parts->pools, pool), "backends");

	return conf_element(list, backend);
}

static int check_all_names(struct lb_conf_parts *parts)
{
	struct lb_model *model = parts->model;
	size_t most = model->pool_count > model->service_count ? model->pool_count : model->service_count;
	struct conf_named *named;

	if (most < LB_POOL_BACKENDS_MAX)
		most = LB_POOL_BACKENDS_MAX;
	named = calloc(most, sizeof(*named));
	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < model->pool_count; i++) {
		const struct lb_pool *pool = &model->pools[i];
		char where[LB_NAME_MAX + 32], label[CONF_LABEL_MAX];

		for (size_t j = 0; j < pool->backend_count; j++)
			named[j] = (struct conf_named){
				"backend", pool->backends[j].name, backend_group(parts, i, j), j};
		snprintf(where, sizeof(where), " in %.80s",
			conf_label(conf_element(parts->pools, i), "pool", i, label));
		conf_names_once(parts->conf, named, pool->backend_count, where);
	}
	for (size_t i = 0; i < model->pool_count; i++)
		named[i] =
			(struct conf_named){"pool", model->pools[i].name, conf_element(parts->pools, i), i};
	conf_names_once(parts->conf, named, model->pool_count, "");
	for (size_t i = 0; i < model->service_count; i++)
		named[i] = (struct conf_named){
			"service", model->services[i].name, conf_element(parts->services, i), i};
	conf_names_once(parts->conf, named, model->service_count, "");
	free(named);
	return 0;
}

/* ---- each service's pool ---- */

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

/* The family of a pool's first backend that has one. */
static uint8_t pool_family(const struct lb_pool *pool)
{
	for (size_t i = 0; i < pool->backend_count; i++)
		if (pool->backends[i].addr.family != AF_UNSPEC)
			return pool->backends[i].addr.family;
	return AF_UNSPEC;
}

/* names: all pools' names, as in the model, for the guess. */
static void pool_missing(
	const struct lb_conf_parts *parts, size_t i, const char *given, const char *const *names)
{
	const config_setting_t *group = conf_element(parts->services, i);
	char where[CONF_LABEL_MAX];
	const char *near;

	conf_label(group, "service", i, where);
	near = conf_is_full(parts->conf) ? NULL : nearest_word(given, names, parts->model->pool_count);
	if (near)
		conf_error(parts->conf, group, "pool", "no pool is named '%.63s' in %s; did you mean '%s'?",
			given, where, near);
	else
		conf_error(parts->conf, group, "pool",
			"no pool is named '%.63s' in %s; add it to 'pools' or name "
			"another",
			given, where);
}

static int check_service_pools(struct lb_conf_parts *parts)
{
	struct lb_model *model = parts->model;
	struct conf_named *sorted = calloc(model->pool_count + 1, sizeof(*sorted));
	const char **names = calloc(model->pool_count + 1, sizeof(*names));
	bool certain = !config_setting_get_member(conf_root(parts->conf), "pools") || parts->pools;

	if (!sorted || !names) {
		free(sorted);
		free(names);
		return -ENOMEM;
	}
	for (size_t i = 0; i < model->pool_count; i++) {
		names[i] = model->pools[i].name;
		sorted[i] = (struct conf_named){"pool", names[i], NULL, i};
		certain = certain && *names[i]; /* a nameless pool may be the one a service means */
	}
	conf_names_sort(sorted, model->pool_count);
	for (size_t i = 0; i < model->service_count; i++) {
		const char *given = parts->service_pools[i];
		const struct conf_named *hit;

		if (!given)
			continue;
		hit = conf_names_find(sorted, model->pool_count, given);
		if (hit)
			model->services[i].pool = hit->order;
		else
			parts->service_pools[i] = NULL;
		if (!hit && certain)
			pool_missing(parts, i, given, names);
	}
	free(sorted);
	free(names);
	return 0;
}

/* ---- families ---- */

static void check_families(const struct lb_conf_parts *parts)
{
	const struct lb_model *model = parts->model;
	char where[CONF_LABEL_MAX];

	for (size_t i = 0; i < model->pool_count; i++) {
		const struct lb_pool *pool = &model->pools[i];
		uint8_t family = pool_family(pool);

		for (size_t j = 0; j < pool->backend_count; j++) {
			const config_setting_t *group = backend_group(parts, i, j);
			uint8_t own = pool->backends[j].addr.family;

			if (own == AF_UNSPEC || own == family)
				continue;
			conf_error(parts->conf, group, "address",
				"%s has an %s address in pool '%s', whose first "
				"backend has an %s one; make a pool for each family",
				conf_label(group, "backend", j, where), family_name(own), pool->name,
				family_name(family));
		}
	}
	for (size_t i = 0; i < model->service_count; i++) {
		const struct lb_service *service = &model->services[i];
		const config_setting_t *group = conf_element(parts->services, i);
		uint8_t family;

		if (!parts->service_pools[i] || service->addr.family == AF_UNSPEC)
			continue;
		family = pool_family(&model->pools[service->pool]);
		if (family != AF_UNSPEC && family != service->addr.family)
			conf_error(parts->conf, group, "address",
				"%s has an %s address, its pool '%s' %s backends; "
				"name a pool of its family",
				conf_label(group, "service", i, where), family_name(service->addr.family),
				parts->service_pools[i], family_name(family));
	}
}

/* ---- endpoints ---- */

struct endpoint {
	struct net_addr addr;
	uint16_t port;
	uint32_t scope; /* pool index, or protocol: the same endpoint may stand once in each */
	uint32_t pool, index;
};

static int compare_place(const struct endpoint *x, const struct endpoint *y)
{
	int order = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return order ? order : x->port - y->port;
}

static int compare_scope(const struct endpoint *x, const struct endpoint *y)
{
	int order = compare_place(x, y);

	return order ? order : (x->scope > y->scope) - (x->scope < y->scope);
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;
	int order = compare_scope(x, y);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Within one pool, or one protocol's services, an endpoint stands once. */
static void check_backends_once(
	const struct lb_conf_parts *parts, const struct endpoint *sorted, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct endpoint *e = &sorted[i], *before = &sorted[i - 1];
		char where[CONF_LABEL_MAX], place[CONF_PLACE_MAX], text[ADDR_TEXT_MAX];
		const config_setting_t *group;

		if (compare_scope(e, before))
			continue;
		group = backend_group(parts, e->pool, e->index);
		conf_error(parts->conf, group, "address",
			"%s stands twice in pool '%s', as %s and in %s; remove one",
			addr_format_port(&e->addr, e->port, text), parts->model->pools[e->pool].name,
			conf_label(group, "backend", e->index, where),
			conf_place(parts->conf, group, backend_group(parts, before->pool, before->index),
				place));
	}
}

static void check_services_once(
	const struct lb_conf_parts *parts, const struct endpoint *sorted, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct endpoint *e = &sorted[i], *before = &sorted[i - 1];
		const config_setting_t *group, *other;
		char where[CONF_LABEL_MAX], first[CONF_LABEL_MAX], place[CONF_PLACE_MAX], text[ADDR_TEXT_MAX];

		if (compare_scope(e, before))
			continue;
		group = conf_element(parts->services, e->index);
		other = conf_element(parts->services, before->index);
		conf_error(parts->conf, group, "address", "%s %s of %s is taken by %s in %s; change one",
			addr_format_port(&e->addr, e->port, text), lb_protocol_name(e->scope),
			conf_label(group, "service", e->index, where),
			conf_label(other, "service", before->index, first),
			conf_place(parts->conf, group, other, place));
	}
}

/* A backend at a service's own address and port would be sent its packets in a circle. Both arrays are
 * sorted. */
static void check_no_circle(const struct lb_conf_parts *parts, const struct endpoint *services,
	size_t service_count, const struct endpoint *backends, size_t backend_count)
{
	size_t s = 0;

	for (size_t b = 0; b < backend_count; b++) {
		char where[CONF_LABEL_MAX], service[CONF_LABEL_MAX], place[CONF_PLACE_MAX],
			text[ADDR_TEXT_MAX];
		const config_setting_t *group, *other;

		while (s < service_count && compare_place(&services[s], &backends[b]) < 0)
			s++;
		if (s == service_count)
			return;
		if (compare_place(&services[s], &backends[b]))
			continue;
		group = backend_group(parts, backends[b].pool, backends[b].index);
		other = conf_element(parts->services, services[s].index);
		conf_error(parts->conf, group, "address",
			"%s of %s in pool '%s' is the address of %s in %s; "
			"give the backend's own",
			addr_format_port(&backends[b].addr, backends[b].port, text),
			conf_label(group, "backend", backends[b].index, where),
			parts->model->pools[backends[b].pool].name,
			conf_label(other, "service", services[s].index, service),
			conf_place(parts->conf, group, other, place));
	}
}

static size_t total_backends(const struct lb_model *model)
{
	size_t total = 0;

	for (size_t i = 0; i < model->pool_count; i++)
		total += model->pools[i].backend_count;
	return total;
}

static int check_endpoints(const struct lb_conf_parts *parts)
{
	const struct lb_model *model = parts->model;
	struct endpoint *backends = calloc(total_backends(model) + 1, sizeof(*backends));
	struct endpoint *services = calloc(model->service_count + 1, sizeof(*services));
	size_t backend_count = 0, service_count = 0;

	if (!backends || !services) {
		free(backends);
		free(services);
		return -ENOMEM;
	}
	for (size_t i = 0; i < model->pool_count; i++)
		for (size_t j = 0; j < model->pools[i].backend_count; j++) {
			const struct lb_backend *b = &model->pools[i].backends[j];

			if (b->addr.family != AF_UNSPEC && b->port)
				backends[backend_count++] = (struct endpoint){
					b->addr, b->port, (uint32_t)i, (uint32_t)i, (uint32_t)j};
		}
	for (size_t i = 0; i < model->service_count; i++) {
		const struct lb_service *s = &model->services[i];

		if (s->addr.family != AF_UNSPEC && s->port && s->protocol)
			services[service_count++] =
				(struct endpoint){s->addr, s->port, s->protocol, 0, (uint32_t)i};
	}
	qsort(backends, backend_count, sizeof(*backends), compare_endpoints);
	qsort(services, service_count, sizeof(*services), compare_endpoints);
	check_backends_once(parts, backends, backend_count);
	check_services_once(parts, services, service_count);
	check_no_circle(parts, services, service_count, backends, backend_count);
	free(backends);
	free(services);
	return 0;
}

/* ---- totals ---- */

static void check_totals(const struct lb_conf_parts *parts)
{
	const struct lb_dataplane *limit = &parts->model->dataplane;
	size_t backends = total_backends(parts->model), services = parts->model->service_count;

	if (services > limit->max_services)
		conf_error(parts->conf, conf_root(parts->conf), "services",
			"%zu services are more than max_services = %u; "
			"raise it in dataplane (up to %u) or remove some",
			services, limit->max_services, LB_SERVICES_MAX);
	if (backends > limit->max_backends)
		conf_error(parts->conf, conf_root(parts->conf), "pools",
			"%zu backends in all pools are more than "
			"max_backends = %u; raise it in dataplane (up to %u) or remove some",
			backends, limit->max_backends, LB_BACKENDS_MAX);
}

int lb_conf_check(struct lb_conf_parts *parts)
{
	int err = check_all_names(parts);

	if (!err)
		err = check_service_pools(parts);
	if (err)
		return err;
	check_families(parts);
	if (parts->limited)
		check_totals(parts);
	return check_endpoints(parts);
}
