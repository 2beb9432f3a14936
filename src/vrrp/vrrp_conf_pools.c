/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_conf_pools.h"

#include <stdlib.h>

#include "common/conf_names.h"
#include "common/nearest.h"
#include "vrrp/vrrp_model.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Pools by name, sorted; NULL when their names are not certain, or no memory is left. */
static struct conf_named *pool_names(const config_setting_t *pools, size_t *count)
{
	struct conf_named *named;

	*count = conf_length(pools);
	named = calloc(*count + 1, sizeof(*named));
	for (size_t i = 0; named && i < *count; i++) {
		const config_setting_t *group = conf_element(pools, i);
		const char *name = NULL;

		config_setting_lookup_string(group, "name", &name);
		if (!name || !conf_name_is_valid(name, VRRP_NAME_MAX)) {
			free(named);
			return NULL;
		}
		named[i] = (struct conf_named){"pool", name, group, i};
	}
	if (named)
		conf_names_sort(named, *count);
	return named;
}

static void pool_missing(const struct conf *conf, const config_setting_t *track, const char *where,
	const char *given, const struct conf_named *pools, size_t count)
{
	const char **names = conf_is_full(conf) ? NULL : calloc(count + 1, sizeof(*names));
	const char *near = NULL;

	for (size_t i = 0; names && i < count; i++)
		names[i] = pools[i].name;
	if (names)
		near = nearest_word(given, names, count);
	if (near)
		conf_error(conf, track, "pool", "no pool is named '%.63s' in %s; did you mean '%s'?", given,
			where, near);
	else
		conf_error(conf, track, "pool",
			"no pool is named '%.63s' in %s; add it to 'pools' or name another", given, where);
	free(names);
}

/* owner: an instance or a group; what shape it has is its reader's to say. */
static void check_tracks(const struct conf *conf, const config_setting_t *owner, const char *where,
	const struct conf_named *pools, size_t count)
{
	const config_setting_t *list = config_setting_get_member(owner, "track");

	for (size_t i = 0; i < conf_length(list); i++) {
		const config_setting_t *track = conf_element(list, i);
		char label[2 * CONF_LABEL_MAX];
		const char *pool = NULL;

		if (!config_setting_is_group(track))
			continue;
		config_setting_lookup_string(track, "pool", &pool);
		snprintf(label, sizeof(label), "track no. %zu of %s", i + 1, where);
		if (pool && conf_name_is_valid(pool, VRRP_NAME_MAX) && !conf_names_find(pools, count, pool))
			pool_missing(conf, track, label, pool, pools, count);
	}
}

void vrrp_conf_pools(const struct conf *conf)
{
	static const char *const lists[][2] = {{"instances", "instance"}, {"groups", "group"}};
	const config_setting_t *pools = config_setting_get_member(conf_root(conf), "pools");
	const config_setting_t *vrrp = config_setting_get_member(conf_root(conf), "vrrp");
	struct conf_named *named;
	size_t count;

	if (!pools || !config_setting_is_list(pools) || !vrrp || !config_setting_is_group(vrrp))
		return;
	named = pool_names(pools, &count);
	for (size_t k = 0; named && k < COUNT_OF(lists); k++) {
		const config_setting_t *list = config_setting_get_member(vrrp, lists[k][0]);

		for (size_t i = 0; i < conf_length(list); i++) {
			const config_setting_t *owner = conf_element(list, i);
			char where[CONF_LABEL_MAX];

			if (config_setting_is_group(owner))
				check_tracks(
					conf, owner, conf_label(owner, lists[k][1], i, where), named, count);
		}
	}
	free(named);
}
