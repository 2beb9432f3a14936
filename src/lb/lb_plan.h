/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the config that is in force to the one that is wanted: which pools, backends and services are kept, come
 * and go, in an order in which the dataplane never points at something that is not there yet or any more. Pure:
 * two models in, a list of steps out; lb_live carries them out.
 *
 * What is the same: a pool by its name, a backend by its pool, name, address and port, a service by its address,
 * port and protocol (so that a renamed service keeps its flows).
 */
#ifndef TANDEM_LB_PLAN_H
#define TANDEM_LB_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lb/lb_model.h"

enum lb_step_kind {
	/* in this order: */
	LB_STEP_POOL_KEEP,      /* from, to: pools */
	LB_STEP_POOL_ADD,       /* to */
	LB_STEP_BACKEND_KEEP,   /* from_pool/from, to_pool/to */
	LB_STEP_BACKEND_ADD,    /* to_pool/to */
	LB_STEP_TABLE,          /* to: a pool of which anything changed: build its scheduler table anew */
	LB_STEP_SERVICE_KEEP,   /* from, to: services */
	LB_STEP_SERVICE_ADD,    /* to */
	LB_STEP_SERVICE_REMOVE, /* from */
	LB_STEP_BACKEND_REMOVE, /* from_pool/from */
	LB_STEP_POOL_REMOVE,    /* from */
};

struct lb_step {
	enum lb_step_kind kind;
	size_t from_pool, from; /* indexes into the old model */
	size_t to_pool, to;     /* indexes into the new model */
	bool changed;           /* a kept one's settings differ */
};

struct lb_plan {
	struct lb_step *steps; /* owned */
	size_t count;
	size_t pools_added, backends_added, services_added;
	size_t pools_removed, backends_removed, services_removed;
	size_t changed; /* kept ones whose settings differ */
};

/* 0 or -ENOMEM (then nothing is owned). Time: O(n log n) in backends and services. */
int lb_plan_make(struct lb_plan *plan, const struct lb_model *from, const struct lb_model *to);
void lb_plan_clear(struct lb_plan *plan);

#endif
