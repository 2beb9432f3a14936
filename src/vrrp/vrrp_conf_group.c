/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups: names become indexes, and members must agree in everything that the one state machine they share has once.
 * See vrrp_conf_group.h and docs/CONFIG.md.
 */
#include "vrrp/vrrp_conf_group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_names.h"
#include "common/nearest.h"
#include "vrrp/vrrp_conf_track.h"

struct raw_group {
	char name[VRRP_NAME_MAX + 1];
	const config_setting_t *members, *track;
};

static const struct conf_key group_keys[] = {
	{"name", CONF_NAME, true, CONF_AT(struct raw_group, name)},
	{"members", CONF_TEXTS, true, CONF_AT(struct raw_group, members), 1, VRRP_INSTANCES_MAX},
	{"track", CONF_GROUPS, false, CONF_AT(struct raw_group, track), 0, VRRP_TRACKS_MAX},
	{0},
};

int vrrp_conf_groups(struct vrrp_conf_parts *parts)
{
	struct vrrp_model *model = parts->model;
	int err = 0;

	for (size_t i = 0; i < conf_length(parts->groups) && !err; i++) {
		const config_setting_t *group = conf_element(parts->groups, i);
		struct vrrp_unit_model *unit = &model->units[model->unit_count++];
		char where[CONF_LABEL_MAX];
		struct raw_group raw = {0};

		conf_read(parts->conf, group, conf_label(group, "group", i, where), group_keys, &raw);
		memcpy(unit->name, raw.name, sizeof(unit->name));
		unit->is_group = true;
		parts->members[i] = raw.members;
		err = vrrp_conf_tracks(parts->conf, raw.track, where, &unit->tracks, &unit->track_count);
	}
	return err;
}

/* ---- members ---- */

/* No instance has that name. names: all instances', for the guess. */
static void member_missing(
	const struct vrrp_conf_parts *parts, size_t group, size_t i, const char *const *names)
{
	const config_setting_t *element = conf_element(parts->members[group], i);
	const char *given = config_setting_get_string(element), *near;
	char where[CONF_LABEL_MAX];

	conf_label(conf_element(parts->groups, group), "group", group, where);
	near = conf_is_full(parts->conf) ? NULL : nearest_word(given, names, parts->model->instance_count);
	if (near)
		conf_error(parts->conf, element, NULL,
			"no instance is named '%.63s' in %s; did you mean '%s'?", given, where, near);
	else
		conf_error(parts->conf, element, NULL,
			"no instance is named '%.63s' in %s; add it to 'instances' or name another", given,
			where);
}

static void member_taken(const struct vrrp_conf_parts *parts, size_t group, size_t i, size_t unit)
{
	const config_setting_t *element = conf_element(parts->members[group], i);
	const config_setting_t *other = conf_element(parts->groups, unit);
	char where[CONF_LABEL_MAX], taken[CONF_LABEL_MAX], place[CONF_PLACE_MAX];
	const char *given = config_setting_get_string(element);

	conf_label(conf_element(parts->groups, group), "group", group, where);
	if (unit == group)
		conf_error(parts->conf, element, NULL, "instance '%.63s' stands twice in %s; remove one",
			given, where);
	else
		conf_error(parts->conf, element, NULL,
			"instance '%.63s' of %s is in %s in %s already; remove it from one", given, where,
			conf_label(other, "group", unit, taken),
			conf_place(parts->conf, element, other, place));
}

/* sorted and names: all instances, by name and in the model's order. certain: who is not among them is not there. */
static int resolve_members(struct vrrp_conf_parts *parts, size_t group, const struct conf_named *sorted,
	const char *const *names, bool certain)
{
	struct vrrp_unit_model *unit = &parts->model->units[group];
	const config_setting_t *list = parts->members[group];

	if (!list)
		return 0;
	unit->members = calloc(conf_length(list), sizeof(*unit->members));
	if (!unit->members)
		return -ENOMEM;
	for (size_t i = 0; i < conf_length(list); i++) {
		const char *given = conf_element_text(list, i);
		const struct conf_named *hit =
			*given ? conf_names_find(sorted, parts->model->instance_count, given) : NULL;
		struct vrrp_instance *instance = hit ? &parts->model->instances[hit->order] : NULL;

		if (!hit && certain) {
			member_missing(parts, group, i, names);
		} else if (hit && instance->unit != VRRP_CONF_ALONE) {
			member_taken(parts, group, i, instance->unit);
		} else if (hit) {
			instance->unit = group;
			unit->members[unit->member_count++] = hit->order;
		}
	}
	return 0;
}

/* ---- agreement ---- */

struct agreed {
	const char *key, *label; /* in the instance's group; how it is called */
	uint32_t (*value)(const struct vrrp_instance *instance);
};

static uint32_t version_of(const struct vrrp_instance *i)
{
	return i->version;
}

static uint32_t priority_of(const struct vrrp_instance *i)
{
	return i->priority;
}

static uint32_t interval_of(const struct vrrp_instance *i)
{
	return i->interval_ms;
}

static uint32_t preempt_of(const struct vrrp_instance *i)
{
	return i->preempt;
}

static uint32_t preempt_delay_of(const struct vrrp_instance *i)
{
	return i->preempt_delay_ms;
}

static uint32_t announce_count_of(const struct vrrp_instance *i)
{
	return i->announce_count;
}

static uint32_t announce_interval_of(const struct vrrp_instance *i)
{
	return i->announce_interval_ms;
}

static uint32_t announce_refresh_of(const struct vrrp_instance *i)
{
	return i->announce_refresh_s;
}

static const struct agreed agreed[] = {
	{"version", "version", version_of},
	{"priority", "priority", priority_of},
	{"advert_interval_ms", "advert_interval_ms", interval_of},
	{"preempt", "preempt", preempt_of},
	{"preempt_delay_ms", "preempt_delay_ms", preempt_delay_of},
	{"announce", "count of announce", announce_count_of},
	{"announce", "interval_ms of announce", announce_interval_of},
	{"announce", "refresh_s of announce", announce_refresh_of},
};

static const char *show(const struct agreed *row, uint32_t value, char buf[16])
{
	if (row->value == preempt_of)
		return value ? "true" : "false";
	snprintf(buf, 16, "%u", value);
	return buf;
}

/* An instance that has a mistake has defaults where the author meant something else: it is not asked. */
static void check_agreement(const struct vrrp_conf_parts *parts, size_t group)
{
	const struct vrrp_model *model = parts->model;
	const struct vrrp_unit_model *unit = &model->units[group];
	const struct vrrp_instance *first = NULL;

	for (size_t m = 0; m < unit->member_count; m++) {
		size_t i = unit->members[m];
		const struct vrrp_instance *instance = &model->instances[i];
		char where[CONF_LABEL_MAX], is[16], other[16];

		if (!parts->sound[i])
			continue;
		if (!first)
			first = instance;
		conf_label(conf_element(parts->groups, group), "group", group, where);
		for (size_t k = 0; k < sizeof(agreed) / sizeof(agreed[0]); k++) {
			const struct agreed *row = &agreed[k];

			if (row->value(instance) == row->value(first))
				continue;
			conf_error(parts->conf, conf_element(parts->instances, i), row->key,
				"'%s' is %s in instance '%s' and %s in instance '%s', but both are in %s; "
				"give them the same",
				row->label, show(row, row->value(instance), is), instance->name,
				show(row, row->value(first), other), first->name, where);
		}
	}
}

int vrrp_conf_group_check(struct vrrp_conf_parts *parts)
{
	const struct vrrp_model *model = parts->model;
	size_t count = model->instance_count;
	struct conf_named *sorted = calloc(count + 1, sizeof(*sorted));
	const char **names = calloc(count + 1, sizeof(*names));
	bool certain = parts->certain;
	int err = sorted && names ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		names[i] = model->instances[i].name;
		sorted[i] = (struct conf_named){"instance", names[i], NULL, i};
		certain = certain && *names[i]; /* a nameless instance may be the one a group means */
	}
	if (!err)
		conf_names_sort(sorted, count);
	for (size_t g = 0; g < conf_length(parts->groups) && !err; g++) {
		err = resolve_members(parts, g, sorted, names, certain);
		if (!err)
			check_agreement(parts, g);
	}
	free(sorted);
	free(names);
	return err;
}

/* ---- units ---- */

int vrrp_conf_units(struct vrrp_conf_parts *parts)
{
	struct vrrp_model *model = parts->model;

	for (size_t i = 0; i < model->instance_count; i++) {
		struct vrrp_instance *instance = &model->instances[i];
		struct vrrp_unit_model *unit = &model->units[model->unit_count];

		if (instance->unit != VRRP_CONF_ALONE)
			continue;
		unit->members = malloc(sizeof(*unit->members));
		if (!unit->members)
			return -ENOMEM;
		instance->unit = model->unit_count++;
		memcpy(unit->name, instance->name, sizeof(unit->name));
		unit->members[0] = i;
		unit->member_count = 1;
	}
	return 0;
}
