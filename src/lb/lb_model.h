/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator asked for: pools, services and the dataplane, as the config file says it. Pure data
 * with value semantics; no runtime state (health, connection counts) stands here. lb_conf fills it,
 * lb_plan compares two of them.
 */
#ifndef TANDEM_LB_MODEL_H
#define TANDEM_LB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/conf_peer.h"

#define LB_NAME_MAX          63    /* characters in a name, NUL not counted */
#define LB_POOL_BACKENDS_MAX 256   /* backends in one pool */
#define LB_POOLS_MAX         16384 /* pools */
#define LB_SERVICES_MAX      16384 /* highest max_services */
#define LB_BACKENDS_MAX      65535 /* highest max_backends */
#define LB_WEIGHT_MAX        256   /* highest weight of a backend */
#define LB_INTERFACES_MAX    16    /* interfaces the dataplane attaches to */
#define LB_CHECK_TEXT_MAX    1024  /* bytes of a check's send or expect */

enum lb_scheduler { LB_RR, LB_WRR, LB_LC, LB_WLC, LB_SH, LB_MH };
enum lb_check_type { LB_CHECK_NONE, LB_CHECK_TCP, LB_CHECK_PING };
enum lb_protocol { LB_TCP = 6, LB_UDP = 17 };        /* IP protocol numbers */
enum lb_on_empty { LB_EMPTY_REJECT, LB_EMPTY_DROP }; /* a service without a usable backend */
enum lb_on_down { LB_DOWN_KEEP, LB_DOWN_RESET };     /* TCP flows of a backend that went down */

struct lb_check {
	enum lb_check_type type; /* none without a check group; required in one */
	uint32_t interval_ms;    /* 100..3600000, default 1000 */
	uint32_t timeout_ms;     /* 10..60000, at most interval_ms; default 500 or interval_ms if shorter */
	uint8_t rise, fall;      /* 1..100, default 2 and 3 */
	uint16_t port;           /* tcp only: 0 = the backend's */
	uint8_t *send;           /* tcp only, after escapes; NULL = none; owned */
	size_t send_len;
	uint8_t *expect; /* tcp only: bytes the reply must contain; NULL = none; owned */
	size_t expect_len;
};

struct lb_sticky {
	bool enabled;
	uint32_t timeout_s;  /* 1..604800, default 1800; refreshed by use */
	uint8_t ipv4_prefix; /* 1..32, default 32 */
	uint8_t ipv6_prefix; /* 1..128, default 128 */
};

struct lb_backend {
	char name[LB_NAME_MAX + 1]; /* unique in its pool */
	struct net_addr addr;
	uint16_t port;   /* 1..65535 */
	uint16_t weight; /* 0..256, default 1; 0 = drain */
	bool backup;     /* serves only when no primary is up */
};

struct lb_pool {
	char name[LB_NAME_MAX + 1];
	enum lb_scheduler scheduler;     /* default wlc */
	enum lb_on_down on_backend_down; /* default reset */
	struct lb_sticky sticky;
	struct lb_check check;
	struct lb_backend *backends; /* owned; all of one family; may be empty */
	size_t backend_count;        /* 0..256 */
};

struct lb_service {
	char name[LB_NAME_MAX + 1];
	struct net_addr addr;
	uint16_t port;
	enum lb_protocol protocol;
	size_t pool;               /* index into lb_model.pools; its backends have the service's family */
	enum lb_on_empty on_empty; /* default reject */
	/* tcp: established, default 7440 (RFC 5382 REQ-5); udp: default 120 (RFC 4787 REQ-5) */
	uint32_t idle_timeout_s;
};

struct lb_dataplane {
	char interfaces[LB_INTERFACES_MAX][16]; /* IFNAMSIZ */
	size_t interface_count;                 /* 1..16 */
	uint32_t max_flows;                     /* per family, 1024..8388606, default 1048576 */
	uint32_t max_half_open; /* both families together, 64..max_flows / 4, default max_flows / 16 */
	uint32_t max_services;  /* 16..16384, default 4096 */
	uint32_t max_backends;  /* over all pools, 16..65535, default 4096 */
	uint32_t max_sticky;    /* 16..4194304, default 65536 */
};

struct lb_model {
	char node[LB_NAME_MAX + 1]; /* this node's name; "" for a single node */
	struct lb_pool *pools;      /* owned */
	size_t pool_count;
	struct lb_service *services; /* owned */
	size_t service_count;
	struct lb_dataplane dataplane;
	struct conf_peer peer; /* whom connections are synchronised with */
};

/* Free what the model owns and zero it; the struct itself is the caller's. */
void lb_model_clear(struct lb_model *model);

/* Index of the pool, the service, or the backend in a pool with that name; -1 when there is none. */
long lb_model_find_pool(const struct lb_model *model, const char *name);
long lb_model_find_service(const struct lb_model *model, const char *name);
long lb_pool_find_backend(const struct lb_pool *pool, const char *name);

const char *lb_scheduler_name(enum lb_scheduler scheduler);
const char *lb_check_type_name(enum lb_check_type type);
const char *lb_protocol_name(enum lb_protocol protocol);

#endif
