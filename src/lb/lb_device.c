/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_device.h"

#include <stdlib.h>
#include <string.h>

struct lb_device *lb_devices_find(const struct lb_devices *devices, uint32_t ifindex)
{
	for (size_t i = 0; i < devices->count; i++)
		if (devices->list[i].ifindex == ifindex)
			return &devices->list[i];
	return NULL;
}

struct lb_device *lb_devices_named(const struct lb_devices *devices, const char *name)
{
	for (size_t i = 0; i < devices->count; i++)
		if (strcmp(devices->list[i].name, name) == 0)
			return &devices->list[i];
	return NULL;
}

struct lb_device *lb_devices_add(struct lb_devices *devices, const struct lb_device *device)
{
	if (devices->count == devices->room) {
		size_t room = devices->room ? devices->room * 2 : 16;
		struct lb_device *list = realloc(devices->list, room * sizeof(*list));

		if (!list)
			return NULL;
		devices->list = list;
		devices->room = room;
	}
	devices->list[devices->count] = *device;
	return &devices->list[devices->count++];
}

void lb_devices_remove(struct lb_devices *devices, struct lb_device *device)
{
	*device = devices->list[--devices->count];
}

void lb_devices_clear(struct lb_devices *devices)
{
	free(devices->list);
	memset(devices, 0, sizeof(*devices));
}
