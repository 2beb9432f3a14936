/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table with linear probing, at most half full; removal moves followers up, so that there are no
 * tombstones. */
#include "lb/lb_neigh.h"

#include <stdlib.h>
#include <string.h>

struct place {
	uint32_t ifindex; /* 0 = empty */
	struct net_addr addr;
	uint8_t mac[6];
};

struct lb_neigh {
	uint64_t seed;
	uint32_t max, count, mask;
	bool complete; /* who is not here was never seen with a MAC */
	struct place *places;
};

struct lb_neigh *lb_neigh_new(uint32_t max, uint64_t seed)
{
	struct lb_neigh *neigh = calloc(1, sizeof(*neigh));
	uint32_t places = 2;

	if (!neigh)
		return NULL;
	while (places < max * 2)
		places *= 2;
	neigh->seed = seed;
	neigh->max = max;
	neigh->mask = places - 1;
	neigh->places = calloc(places, sizeof(*neigh->places));
	if (!neigh->places) {
		free(neigh);
		return NULL;
	}
	return neigh;
}

void lb_neigh_free(struct lb_neigh *neigh)
{
	if (neigh)
		free(neigh->places);
	free(neigh);
}

void lb_neigh_begin(struct lb_neigh *neigh)
{
	if (neigh->count)
		memset(neigh->places, 0, ((size_t)neigh->mask + 1) * sizeof(*neigh->places));
	neigh->count = 0;
	neigh->complete = false;
}

void lb_neigh_end(struct lb_neigh *neigh)
{
	neigh->complete = neigh->count < neigh->max;
}

uint32_t lb_neigh_count(const struct lb_neigh *neigh)
{
	return neigh->count;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static uint32_t home_of(const struct lb_neigh *neigh, uint32_t ifindex, const struct net_addr *addr)
{
	uint64_t words[2];

	memcpy(words, addr->bytes, sizeof(words));
	return (uint32_t)(mix(mix(mix(neigh->seed, ifindex), words[0]), words[1]) >> 32) & neigh->mask;
}

/* Where it stands, or the empty place where it would. */
static uint32_t find(const struct lb_neigh *neigh, uint32_t ifindex, const struct net_addr *addr)
{
	uint32_t at = home_of(neigh, ifindex, addr);

	while (neigh->places[at].ifindex &&
		(neigh->places[at].ifindex != ifindex || !addr_equal(&neigh->places[at].addr, addr)))
		at = (at + 1) & neigh->mask;
	return at;
}

static void take_out(struct lb_neigh *neigh, uint32_t hole)
{
	uint32_t mask = neigh->mask;

	for (uint32_t at = (hole + 1) & mask; neigh->places[at].ifindex; at = (at + 1) & mask) {
		uint32_t home = home_of(neigh, neigh->places[at].ifindex, &neigh->places[at].addr);

		/* It may move into the hole unless that is before its home. */
		if (((at - home) & mask) >= ((at - hole) & mask)) {
			neigh->places[hole] = neigh->places[at];
			hole = at;
		}
	}
	memset(&neigh->places[hole], 0, sizeof(neigh->places[hole]));
	neigh->count--;
}

/* Nobody sends a flow's packets to such a neighbour; the kernel lists them for each group it joins. */
static bool is_group(const struct net_addr *addr)
{
	return addr->family == AF_INET6 ? addr->bytes[0] == 0xff : addr->bytes[0] >= 224;
}

bool lb_neigh_changes(struct lb_neigh *neigh, const struct lb_neigh_entry *entry, bool listed)
{
	bool doubt = !listed && !neigh->complete;

	if (!entry->ifindex || is_group(&entry->addr))
		return false;

	uint32_t at = find(neigh, entry->ifindex, &entry->addr);
	struct place *place = &neigh->places[at];

	if (!entry->usable) {
		if (!place->ifindex)
			return doubt;
		take_out(neigh, at);
		return true;
	}
	if (place->ifindex) {
		bool same = memcmp(place->mac, entry->mac, sizeof(place->mac)) == 0;

		memcpy(place->mac, entry->mac, sizeof(place->mac));
		return !same;
	}
	if (neigh->count == neigh->max) {
		neigh->complete = false;
		return !listed;
	}
	place->ifindex = entry->ifindex;
	place->addr = entry->addr;
	memcpy(place->mac, entry->mac, sizeof(place->mac));
	neigh->count++;
	return doubt;
}
