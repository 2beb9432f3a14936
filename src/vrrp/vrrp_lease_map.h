/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two maps themselves: opened by their pins, mapped, read and changed by bpf(2) without a library. */
#ifndef TANDEM_VRRP_LEASE_MAP_H
#define TANDEM_VRRP_LEASE_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/lease_map.h"

struct lease_maps {
	struct lease *leases; /* LEASES_MAX of them; NULL: not open */
	int addrs;            /* fd */
	ino_t inode;          /* of the pin of leases */
	dev_t device;
};

/* 0, -ENOENT: nothing is pinned, -EPROTO: pinned by another version, or -errno. maps is left closed then. */
int lease_maps_open(struct lease_maps *maps, const char *pin_dir);
void lease_maps_close(struct lease_maps *maps);
/* Is what is pinned there what is open? */
bool lease_maps_are_current(const struct lease_maps *maps, const char *pin_dir);

int lease_maps_put(const struct lease_maps *maps, const struct lease_addr *addr, uint32_t slot);
int lease_maps_delete(const struct lease_maps *maps, const struct lease_addr *addr);
/* 0 or -ENOENT. */
int lease_maps_find(const struct lease_maps *maps, const struct lease_addr *addr, uint32_t *slot);
/* The key after `after`; NULL: the first. False: there is none. */
bool lease_maps_next(const struct lease_maps *maps, const struct lease_addr *after, struct lease_addr *out);

static inline struct lease_board *lease_maps_board(const struct lease_maps *maps)
{
	return (struct lease_board *)maps->leases;
}

#endif
