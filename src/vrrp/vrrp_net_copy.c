/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links sorted by ifindex (the kernel counts up, so a new one comes last), each with its addresses. */
#include "vrrp/vrrp_net_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ---- */

/* Where the link is, or would be. */
static size_t place_of(const struct vrrp_net_copy *copy, int ifindex)
{
	size_t low = 0, high = copy->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (copy->links[middle]->link.ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct vrrp_net_link *find_link(const struct vrrp_net_copy *copy, int ifindex)
{
	size_t place = place_of(copy, ifindex);

	return place < copy->count && copy->links[place]->link.ifindex == ifindex ? copy->links[place] : NULL;
}

struct vrrp_net_link *vrrp_net_copy_link(const struct vrrp_net_copy *copy, int ifindex)
{
	struct vrrp_net_link *link = find_link(copy, ifindex);

	return link && !link->removed ? link : NULL;
}

struct vrrp_net_link *vrrp_net_copy_link_named(const struct vrrp_net_copy *copy, const char *name)
{
	for (size_t i = copy->count; i-- > 0;) /* the newest first */
		if (!copy->links[i]->removed && strcmp(copy->links[i]->link.name, name) == 0)
			return copy->links[i];
	return NULL;
}

static struct vrrp_net_address *find_address(
	const struct vrrp_net_link *link, const struct vrrp_address *address)
{
	for (size_t i = link->count; i-- > 0;)
		if (link->addresses[i].address.prefix == address->prefix &&
			addr_equal(&link->addresses[i].address.addr, &address->addr))
			return &link->addresses[i];
	return NULL;
}

const struct vrrp_net_address *vrrp_net_copy_address(
	const struct vrrp_net_copy *copy, int ifindex, const struct net_addr *addr)
{
	const struct vrrp_net_link *link = vrrp_net_copy_link(copy, ifindex);
	const struct vrrp_net_address *found = NULL;

	for (size_t i = 0; link && i < link->count; i++) {
		const struct vrrp_net_address *a = &link->addresses[i];

		if (a->present && addr_equal(&a->address.addr, addr) && (!found || !found->usable))
			found = a;
	}
	return found;
}

/* ---- links ---- */

static void free_link(struct vrrp_net_link *link)
{
	free(link->addresses);
	free(link);
}

void vrrp_net_copy_clear(struct vrrp_net_copy *copy)
{
	for (size_t i = 0; i < copy->count; i++)
		free_link(copy->links[i]);
	free(copy->links);
	memset(copy, 0, sizeof(*copy));
}

/* The array with room for one more, or NULL. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	void *grown;

	if (count < *room)
		return array;
	grown = reallocarray(array, *room ? *room * 2 : 8, size);
	if (grown)
		*room = *room ? *room * 2 : 8;
	return grown;
}

static struct vrrp_net_link *insert_link(struct vrrp_net_copy *copy, int ifindex)
{
	size_t place = place_of(copy, ifindex);
	struct vrrp_net_link *link = calloc(1, sizeof(*link));
	struct vrrp_net_link **links =
		grow(copy->links, copy->count, &copy->room, sizeof(struct vrrp_net_link *));

	if (links)
		copy->links = links;
	if (!link || !links) {
		free(link);
		return NULL;
	}
	memmove(&links[place + 1], &links[place], (copy->count - place) * sizeof(struct vrrp_net_link *));
	links[place] = link;
	copy->count++;
	return link;
}

static void remove_link(struct vrrp_net_copy *copy, struct vrrp_net_link *link)
{
	size_t place = place_of(copy, link->link.ifindex);

	copy->count--;
	memmove(&copy->links[place], &copy->links[place + 1],
		(copy->count - place) * sizeof(struct vrrp_net_link *));
	free_link(link);
}

static bool same_link(const struct vrrp_link *a, const struct vrrp_link *b)
{
	return a->ethernet == b->ethernet && a->up == b->up && a->carrier == b->carrier &&
	       a->active_slave == b->active_slave && a->parent == b->parent &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static int put_link(struct vrrp_net_copy *copy, const struct vrrp_net_message *message, bool listed,
	enum vrrp_net_change *change, char old_name[VRRP_IFNAME_SIZE])
{
	struct vrrp_net_link *link = find_link(copy, message->link.ifindex);
	bool renamed;

	if (message->gone) {
		if (link) {
			*change = VRRP_NET_GONE;
			remove_link(copy, link);
		}
		return 0;
	}
	if (link && link->removed && !listed)
		return 0; /* of the time before */
	if (!link) {
		link = insert_link(copy, message->link.ifindex);
		if (!link)
			return -ENOMEM;
		*change = VRRP_NET_CHANGED;
	} else if (link->removed || link->asked || !same_link(&link->link, &message->link)) {
		*change = VRRP_NET_CHANGED;
	}
	renamed = link->link.name[0] && strcmp(link->link.name, message->link.name) != 0;
	if (renamed) {
		memcpy(old_name, link->link.name, VRRP_IFNAME_SIZE);
		*change = VRRP_NET_RENAMED;
	}
	link->link = message->link;
	link->macvlan = message->macvlan;
	link->vepa_mode = message->vepa_mode;
	memcpy(link->alias, message->alias, sizeof(link->alias));
	link->removed = link->asked = false;
	link->listed = copy->listing;
	return 0;
}

void vrrp_net_copy_link_removed(struct vrrp_net_copy *copy, int ifindex)
{
	struct vrrp_net_link *link = find_link(copy, ifindex);

	if (link)
		link->removed = true;
}

/* ---- addresses ---- */

static struct vrrp_net_address *insert_address(struct vrrp_net_link *link, const struct vrrp_address *address)
{
	struct vrrp_net_address *grown =
		grow(link->addresses, link->count, &link->room, sizeof(struct vrrp_net_address));

	if (!grown)
		return NULL;
	link->addresses = grown;
	grown[link->count] = (struct vrrp_net_address){.address = *address};
	return &grown[link->count++];
}

static void remove_address(struct vrrp_net_link *link, struct vrrp_net_address *address)
{
	size_t place = (size_t)(address - link->addresses);

	link->count--;
	memmove(address, address + 1, (link->count - place) * sizeof(*address));
}

static void take_address_out(
	struct vrrp_net_link *link, struct vrrp_net_address *address, enum vrrp_net_change *change)
{
	if (address->removals) {
		address->removals--; /* ours: who did it knows; it may be there again since */
		if (address->present || address->removals)
			return;
		*change = VRRP_NET_GONE;
	} else if (address->usable) {
		*change = VRRP_NET_GONE;
	}
	remove_address(link, address);
}

static int put_address(struct vrrp_net_copy *copy, const struct vrrp_net_message *message, bool listed,
	enum vrrp_net_change *change)
{
	struct vrrp_net_link *link = vrrp_net_copy_link(copy, message->ifindex);
	struct vrrp_net_address *address;
	bool was;

	if (!link)
		return 0; /* a link's first message comes before its addresses' */
	address = find_address(link, &message->address);
	if (message->gone) {
		if (address)
			take_address_out(link, address, change);
		return 0;
	}
	if (address && address->removals)
		return 0; /* of the time before; of a listing, too, or the removal's message had come or were lost */
	if (!address)
		address = insert_address(link, &message->address);
	if (!address)
		return -ENOMEM;
	was = address->usable;
	address->present = true;
	address->usable = message->usable;
	address->secondary = message->secondary;
	address->listed = copy->listing;
	*change = message->usable ? VRRP_NET_CHANGED : was ? VRRP_NET_GONE : VRRP_NET_SAME;
	if (listed && was && message->usable)
		*change = VRRP_NET_SAME;
	return 0;
}

int vrrp_net_copy_added(struct vrrp_net_copy *copy, int ifindex, const struct vrrp_address *address)
{
	struct vrrp_net_link *link = vrrp_net_copy_link(copy, ifindex);
	struct vrrp_net_address *a;

	if (!link)
		return 0;
	a = find_address(link, address);
	if (!a)
		a = insert_address(link, address);
	if (!a)
		return -ENOMEM;
	if (!a->present)
		a->secondary = false; /* as good as not known */
	a->present = a->usable = true;
	a->listed = copy->listing;
	return 0;
}

void vrrp_net_copy_removed(struct vrrp_net_copy *copy, int ifindex, const struct vrrp_address *address)
{
	struct vrrp_net_link *link = vrrp_net_copy_link(copy, ifindex);
	struct vrrp_net_address *a = link ? find_address(link, address) : NULL;

	if (!a && link)
		a = insert_address(link, address); /* that it came is not read yet */
	if (!a)
		return;
	a->present = a->usable = false;
	a->removals++;
}

void vrrp_net_copy_is_gone(struct vrrp_net_copy *copy, int ifindex, const struct vrrp_address *address)
{
	const struct vrrp_net_link *link = vrrp_net_copy_link(copy, ifindex);
	const struct vrrp_net_address *a = link ? find_address(link, address) : NULL;

	if (a && a->present)
		vrrp_net_copy_removed(copy, ifindex, address);
}

int vrrp_net_copy_is_there(struct vrrp_net_copy *copy, const struct vrrp_net_message *message)
{
	struct vrrp_net_link *link = vrrp_net_copy_link(copy, message->ifindex);
	int err = vrrp_net_copy_added(copy, message->ifindex, &message->address);

	if (link && !err)
		find_address(link, &message->address)->usable = message->usable;
	return err;
}

/* ---- both ---- */

int vrrp_net_copy_put(struct vrrp_net_copy *copy, const struct vrrp_net_message *message, bool listed,
	enum vrrp_net_change *change, char old_name[VRRP_IFNAME_SIZE])
{
	*change = VRRP_NET_SAME;
	if (message->kind == VRRP_NET_LINK)
		return put_link(copy, message, listed, change, old_name);
	if (message->kind == VRRP_NET_ADDRESS)
		return put_address(copy, message, listed, change);
	return 0;
}

/* What told of the removals until now was read, or is lost. */
static void forget_removals(struct vrrp_net_link *link)
{
	for (size_t i = link->count; i-- > 0;) {
		link->addresses[i].removals = 0;
		if (!link->addresses[i].present)
			remove_address(link, &link->addresses[i]);
	}
}

void vrrp_net_copy_list(struct vrrp_net_copy *copy)
{
	copy->listing++;
	for (size_t i = 0; i < copy->count; i++)
		forget_removals(copy->links[i]);
}

static bool sweep_addresses(
	struct vrrp_net_copy *copy, struct vrrp_net_link *link, struct vrrp_net_message *gone)
{
	for (size_t i = 0; i < link->count; i++) {
		struct vrrp_net_address *address = &link->addresses[i];

		if (address->listed == copy->listing || address->removals)
			continue;
		gone->kind = VRRP_NET_ADDRESS;
		gone->ifindex = link->link.ifindex;
		gone->address = address->address;
		gone->usable = address->usable;
		remove_address(link, address);
		return true;
	}
	return false;
}

bool vrrp_net_copy_sweep(struct vrrp_net_copy *copy, struct vrrp_net_message *gone)
{
	memset(gone, 0, sizeof(*gone));
	gone->gone = true;
	for (size_t i = 0; i < copy->count; i++) {
		struct vrrp_net_link *link = copy->links[i];

		if (link->listed == copy->listing) {
			if (sweep_addresses(copy, link, gone))
				return true;
			continue;
		}
		gone->kind = VRRP_NET_LINK;
		gone->link.ifindex = link->link.ifindex;
		memcpy(gone->link.name, link->link.name, VRRP_IFNAME_SIZE);
		remove_link(copy, link);
		return true;
	}
	return false;
}
