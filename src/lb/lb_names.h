/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the records of a peer name, and the places that have these names in this node's dataplane: (address, port,
 * protocol) of a service, name of a pool, (pool, address, port) of a backend. Built anew from the config in force
 * whenever that has changed. Pure.
 */
#ifndef TANDEM_LB_NAMES_H
#define TANDEM_LB_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "lb/lb_model.h"

#define LB_NAMES_NONE     (-1L)
#define LB_NAMES_ANY_POOL UINT32_MAX

struct lb_names_service {
	struct net_addr addr;
	uint16_t port;
	uint8_t protocol;
	uint32_t index, pool; /* in the dataplane */
};

struct lb_names_pool {
	char name[LB_NAME_MAX + 1];
	uint32_t index;
};

struct lb_names_backend {
	struct net_addr addr;
	uint16_t port;
	uint16_t index;
	uint32_t pool; /* in the dataplane */
};

/* Open addressing, at most half full; an element is a place in its list plus one. */
struct lb_names_table {
	uint32_t *slots; /* owned */
	uint32_t mask;
};

struct lb_names {
	struct lb_names_service *services; /* owned; as are these: */
	struct lb_names_pool *pools;
	struct lb_names_backend *backends;
	uint32_t *pool_at;    /* by index in the dataplane: place in pools plus one; 0: none */
	uint32_t *backend_at; /* likewise */
	size_t service_count, pool_count, backend_count;
	size_t pool_indexes, backend_indexes;
	struct lb_names_table by_service, by_pool, by_backend;
};

/* Room for that many of each; indexes: how many the dataplane has. 0 or -ENOMEM (nothing is left to close). All zero is an
 * empty one. */
struct lb_names_sizes {
	size_t services, pools, backends, pool_indexes, backend_indexes;
};
int lb_names_open(struct lb_names *n, const struct lb_names_sizes *sizes);
void lb_names_close(struct lb_names *n);

/* No more than there is room for, indexes within the dataplane's. Of two with the same name the first counts. */
void lb_names_add_service(struct lb_names *n, const struct lb_names_service *service);
void lb_names_add_pool(struct lb_names *n, const char *name, uint32_t index);
void lb_names_add_backend(struct lb_names *n, const struct lb_names_backend *backend);

/* bytes: 4 or 16 of them, as family (AF_INET, AF_INET6) says. NULL, or LB_NAMES_NONE: none has that name. */
const struct lb_names_service *lb_names_service(
	const struct lb_names *n, uint8_t family, const uint8_t *bytes, uint16_t port, uint8_t protocol);
long lb_names_pool(const struct lb_names *n, const char *name);
/* pool: LB_NAMES_ANY_POOL for the first with that address and port, whichever pool it is in. */
long lb_names_backend(
	const struct lb_names *n, uint32_t pool, uint8_t family, const uint8_t *bytes, uint16_t port);

/* Back: by index in the dataplane. */
const struct lb_names_pool *lb_names_pool_at(const struct lb_names *n, uint32_t index);
const struct lb_names_backend *lb_names_backend_at(const struct lb_names *n, uint32_t index);

/* A number over what both nodes of a pair must have alike: pools, backends, services by name and address, whatever
 * their order. Between machines of the same byte order. */
uint32_t lb_names_hash(const struct lb_model *model);

#endif
