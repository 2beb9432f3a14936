/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks across the parts of a vrrp section: what stands once. Duplicates are found by sorting. The groups' own checks
 * are vrrp_conf_group's. See vrrp_conf_check.h.
 */
#include "vrrp/vrrp_conf_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_names.h"
#include "vrrp/vrrp_conf_group.h"
#include "vrrp/vrrp_conf_instance.h"

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

/* ---- names ---- */

/* Of instances and groups together: `tandemctl failover NAME` means one thing. */
static int check_names(const struct vrrp_conf_parts *parts)
{
	const struct vrrp_model *model = parts->model;
	size_t groups = conf_length(parts->groups), count = 0;
	struct conf_named *named = calloc(model->instance_count + groups + 1, sizeof(*named));

	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < model->instance_count; i++, count++)
		named[count] = (struct conf_named){
			"instance", model->instances[i].name, conf_element(parts->instances, i), count};
	for (size_t i = 0; i < groups; i++, count++)
		named[count] = (struct conf_named){
			"group", model->units[i].name, conf_element(parts->groups, i), count};
	conf_names_once(parts->conf, named, count, " among instances and groups");
	free(named);
	return 0;
}

/* ---- virtual routers ---- */

struct router {
	const char *interface;
	uint8_t vrid, family;
	size_t instance;
};

static int compare_routers(const void *a, const void *b)
{
	const struct router *x = a, *y = b;
	int order = strcmp(x->interface, y->interface);

	if (!order)
		order = x->vrid - y->vrid;
	if (!order)
		order = x->family - y->family;
	return order ? order : (x->instance > y->instance) - (x->instance < y->instance);
}

static bool same_router(const struct router *x, const struct router *y)
{
	return x->vrid == y->vrid && x->family == y->family && !strcmp(x->interface, y->interface);
}

static void router_taken(
	const struct vrrp_conf_parts *parts, const struct router *router, const struct router *first)
{
	const config_setting_t *group = conf_element(parts->instances, router->instance);
	const config_setting_t *other = conf_element(parts->instances, first->instance);
	char where[CONF_LABEL_MAX], taken[CONF_LABEL_MAX], place[CONF_PLACE_MAX];

	conf_error(parts->conf, group, "vrid",
		"vrid %u of %s is taken for %s on '%s' by %s in %s; choose another", router->vrid,
		conf_label(group, "instance", router->instance, where), family_name(router->family),
		router->interface, conf_label(other, "instance", first->instance, taken),
		conf_place(parts->conf, group, other, place));
}

static int check_routers(const struct vrrp_conf_parts *parts)
{
	const struct vrrp_model *model = parts->model;
	struct router *routers = calloc(2 * model->instance_count + 1, sizeof(*routers));
	size_t count = 0, first = 0;

	if (!routers)
		return -ENOMEM;
	for (size_t i = 0; i < model->instance_count; i++) {
		const struct vrrp_instance *instance = &model->instances[i];

		if (!*instance->interface || !instance->vrid)
			continue;
		if (instance->ipv4_count)
			routers[count++] = (struct router){instance->interface, instance->vrid, AF_INET, i};
		if (instance->ipv6_count)
			routers[count++] = (struct router){instance->interface, instance->vrid, AF_INET6, i};
	}
	qsort(routers, count, sizeof(*routers), compare_routers);
	for (size_t i = 1; i < count; i++)
		if (same_router(&routers[i], &routers[first]))
			router_taken(parts, &routers[i], &routers[first]);
		else
			first = i;
	free(routers);
	return 0;
}

/* ---- addresses ---- */

struct place {
	struct net_addr addr;
	const char *link;       /* link-local addresses are the link's own: the interface; of others "" */
	size_t instance, order; /* order: in the instance's list */
	const config_setting_t *element;
};

static int compare_addresses(const struct place *x, const struct place *y)
{
	int order = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return order ? order : strcmp(x->link, y->link);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = compare_addresses(x, y);

	if (!order)
		order = (x->instance > y->instance) - (x->instance < y->instance);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void address_taken(
	const struct vrrp_conf_parts *parts, const struct place *place, const struct place *first)
{
	const config_setting_t *group = conf_element(parts->instances, place->instance);
	const config_setting_t *other = conf_element(parts->instances, first->instance);
	char where[CONF_LABEL_MAX], taken[CONF_LABEL_MAX], line[CONF_PLACE_MAX], text[ADDR_TEXT_MAX];

	conf_label(group, "instance", place->instance, where);
	conf_place(parts->conf, place->element, first->element, line);
	addr_format(&place->addr, text);
	if (place->instance == first->instance)
		conf_error(parts->conf, place->element, NULL,
			"address %s stands twice in %s, first in %s; remove one", text, where, line);
	else
		conf_error(parts->conf, place->element, NULL,
			"address %s of %s is taken by %s in %s; remove one", text, where,
			conf_label(other, "instance", first->instance, taken), line);
}

/* The good addresses of one instance as they stand in the file, into out. Returns how many. */
static size_t place_addresses(const struct vrrp_conf_parts *parts, size_t i, struct place *out)
{
	const struct vrrp_instance *instance = &parts->model->instances[i];
	const config_setting_t *list =
		config_setting_get_member(conf_element(parts->instances, i), "addresses");
	size_t count = 0, most = instance->ipv4_count + instance->ipv6_count;

	for (size_t j = 0; count < most && j < conf_length(list); j++) {
		struct vrrp_address address = {0};
		bool link_local;

		if (vrrp_conf_address(conf_element_text(list, j), &address))
			continue;
		link_local = addr_is_unusable(&address.addr); /* the only ones of these that are good here */
		out[count++] = (struct place){
			address.addr, link_local ? instance->interface : "", i, j, conf_element(list, j)};
	}
	return count;
}

static int check_addresses(const struct vrrp_conf_parts *parts)
{
	const struct vrrp_model *model = parts->model;
	size_t total = 0, count = 0, first = 0;
	struct place *places;

	for (size_t i = 0; i < model->instance_count; i++)
		total += model->instances[i].ipv4_count + model->instances[i].ipv6_count;
	if (total > VRRP_ADDRESSES_TOTAL)
		conf_error(parts->conf, parts->instances, NULL,
			"%zu addresses in all instances; remove some, %d are the most", total,
			VRRP_ADDRESSES_TOTAL);
	places = calloc(total + 1, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < model->instance_count; i++)
		count += place_addresses(parts, i, &places[count]);
	qsort(places, count, sizeof(*places), compare_places);
	for (size_t i = 1; i < count; i++)
		if (!compare_addresses(&places[i], &places[first]))
			address_taken(parts, &places[i], &places[first]);
		else
			first = i;
	free(places);
	return 0;
}

int vrrp_conf_check(struct vrrp_conf_parts *parts)
{
	int err = check_names(parts);

	if (!err)
		err = check_routers(parts);
	if (!err)
		err = check_addresses(parts);
	return err ? err : vrrp_conf_group_check(parts);
}
