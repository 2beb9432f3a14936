/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that stand twice, and names that are looked up. See conf_names.h. */
#include "common/conf_names.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	const struct conf_named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

void conf_names_sort(struct conf_named *named, size_t count)
{
	qsort(named, count, sizeof(*named), compare_names);
}

const struct conf_named *conf_names_find(const struct conf_named *sorted, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(sorted[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && !strcmp(sorted[low].name, name) ? &sorted[low] : NULL;
}

void conf_names_once(const struct conf *conf, struct conf_named *named, size_t count, const char *where)
{
	size_t first = 0;

	conf_names_sort(named, count);
	for (size_t i = 1; i < count; i++) {
		char place[CONF_PLACE_MAX];

		if (strcmp(named[i].name, named[first].name))
			first = i;
		else if (*named[i].name)
			conf_error(conf, named[i].group, "name",
				"%s name '%s' stands twice%s, first in %s; "
				"choose another",
				named[i].what, named[i].name, where,
				conf_place(conf, named[i].group, named[first].group, place));
	}
}
