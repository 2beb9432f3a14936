/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in a config, and where they stand: which are given twice, and which part a name means. By sorting: thousands
 * of names cost milliseconds. Knows no section.
 */
#ifndef TANDEM_COMMON_CONF_NAMES_H
#define TANDEM_COMMON_CONF_NAMES_H

#include <stddef.h>

#include "common/conf.h"

/* A name in the file; all is borrowed. */
struct conf_named {
	const char *what;              /* "pool": what is called so, for errors */
	const char *name;              /* "" = invalid, said elsewhere */
	const config_setting_t *group; /* the group with the key 'name' */
	size_t order; /* the caller's index; of equal names the least one counts as the first */
};

/* Order by name, then by order. */
void conf_names_sort(struct conf_named *named, size_t count);

/* The first entry of a sorted array with that name; NULL when there is none. */
const struct conf_named *conf_names_find(const struct conf_named *sorted, size_t count, const char *name);

/* Say each name that was given before; where is " in pool 'kv'" or "". Sorts the array. */
void conf_names_once(const struct conf *conf, struct conf_named *named, size_t count, const char *where);

#endif
