/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The config in force, and what became of it: each pool's, backend's and service's place in the dataplane, the
 * backends' health, what the operator has set at run time. The one who writes the dataplane's tables of pools,
 * backends and services. Three things come in: a wanted model (lb_apply), a probe's report, an operator's
 * word; each ends in the same few moves: build the pool's table, flip it, let the old one rest.
 */
#ifndef TANDEM_LB_LIVE_H
#define TANDEM_LB_LIVE_H

#include <ev.h>

#include "lb/lb_bpf.h"
#include "lb/lb_ids.h"
#include "lb/lb_model.h"
#include "lb/lb_plan.h"
#include "lb/lb_probe.h"
#include "lb/lb_region.h"
#include "lb/lb_route.h"
#include "lb/lb_verdict.h"

enum lb_admin { LB_ADMIN_ENABLED, LB_ADMIN_DRAIN, LB_ADMIN_DISABLED };

struct lb_live;
struct lb_live_pool;

struct lb_live_backend {
	struct lb_live *live;
	struct lb_live_pool *pool;
	const struct lb_backend *conf; /* in live->model */
	uint16_t index;                /* in the dataplane's backends */
	bool serving;                  /* in its pool's table */
	enum lb_admin admin;
	int weight_override; /* set at run time; -1 = none */
	uint64_t said_ms;    /* wall clock: when an operator set admin or weight, on either node; 0: never */
	struct lb_verdict verdict;
	uint64_t since_ms; /* wall clock: of the last change of state */
	char cause[160];
	uint32_t device, device_epoch; /* the device it was last reached through; the route epoch then */
	uint64_t
		excused_until_ms; /* steady: failures until then are put down to our own link; 0 = none are */
	struct lb_probe probe;
};

struct lb_live_pool {
	const struct lb_pool *conf;
	uint32_t index; /* in the dataplane's pools */
	uint32_t table_base;
	struct lb_live_backend **backends; /* owned, as conf->backends; each is owned too */
};

struct lb_live_service {
	const struct lb_service *conf;
	uint32_t index;
};

/* Something happened that people want to know; all three are texts, valid during the call. */
typedef void lb_live_report_fn(void *data, const char *subject, const char *event, const char *cause);

struct lb_live {
	struct ev_loop *loop;
	struct lb_bpf *bpf;
	struct lb_model model;            /* owned */
	struct lb_live_pool *pools;       /* owned, as model.pools */
	struct lb_live_service *services; /* owned, as model.services */
	struct lb_ids pool_ids, backend_ids, service_ids;
	struct lb_regions regions;
	struct lb_prober prober;
	struct lb_route_asker router;
	uint32_t walk;    /* of the flow table that is under way (lb_age) */
	uint32_t applied; /* grows with each config that is put in force (lb_apply) */
	lb_live_report_fn *report;
	void (*went_down)(void *data, uint16_t backend); /* its TCP flows are to be reset */
	bool (*device_is_down)(void *data, uint32_t ifindex);
	void (*changed)(void *data, bool by_operator); /* what a restart should find again has changed */
	void *data;
	uint32_t *scratch; /* owned: a table on its way */
	size_t scratch_size;
};

/* Callbacks may be set after this. 0 or -ENOMEM. */
int lb_live_open(struct lb_live *live, struct ev_loop *loop, struct lb_bpf *bpf);

/* Stops the probes and frees; leaves the dataplane as it is. */
void lb_live_close(struct lb_live *live);

/* NULL when there is none. */
struct lb_live_backend *lb_live_find(struct lb_live *live, const char *pool, const char *backend);

/* The operator's words. A weight of -1 takes the override back. */
void lb_live_set_admin(struct lb_live_backend *backend, enum lb_admin admin);
void lb_live_set_weight(struct lb_live_backend *backend, int weight);
/* What the operator of the pair's other node said at that time: counts when it is the later word. False: it is not. */
bool lb_live_take_word(struct lb_live_backend *backend, enum lb_admin admin, int weight, uint64_t said_ms);

int lb_live_weight(const struct lb_live_backend *backend); /* the one that counts: 0..LB_WEIGHT_MAX */
bool lb_live_is_up(const struct lb_live_backend *backend); /* healthy and not disabled */
const char *lb_live_state_name(const struct lb_live_backend *backend);
const char *lb_admin_name(enum lb_admin admin);

/* Is there no backend that may be used once its first check has been answered? */
bool lb_live_is_checked(const struct lb_live *live);

/* Backends that are in the pool's table. */
size_t lb_live_serving(const struct lb_live_pool *pool);

/* What each backend's probe reports to. */
void lb_live_on_report(struct lb_probe *probe, bool ok, const char *cause);

/* The backend takes no more flows: its UDP flows look for another one with their next datagram, its TCP flows go on
 * or are reset. */
void lb_live_leave(struct lb_live_backend *backend, enum lb_on_down what);

/* Milliseconds of the wall clock and of the steady one. */
uint64_t lb_live_wall_ms(void);
uint64_t lb_live_steady_ms(void);

void lb_live_free_backend(struct lb_live_backend *backend);

/* Build and flip the pool's table from the state of its backends. */
void lb_live_rebuild(struct lb_live *live, struct lb_live_pool *pool);

/* A walk over the flow table is over: lb_age has called lb_ids_meet() for each place a flow points at. */
void lb_live_walked(struct lb_live *live);

#endif
