/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Aging: walks the flow tables in slices, removes what was not used for its time, and notes which places flows
 * point at. Also walks the sticky sources. The walk reads the mapped tables; the removal is the dataplane's own
 * (LB_CONTROL_EXPIRE), which looks again.
 */
#ifndef TANDEM_LB_AGE_H
#define TANDEM_LB_AGE_H

#include <ev.h>

#include "lb/lb_live.h"

#define LB_AGE_TICK_S     0.05
#define LB_AGE_TICKS      40 /* slices of one walk: two seconds */
#define LB_CLOSING_S      15 /* closing flows are kept that long, */
#define LB_CLOSING_FULL_S 2  /* and that long when the table is more than three quarters full */

struct lb_age_count {
	uint32_t flows[2]; /* IPv4, IPv6 */
	uint32_t half_open;
};

struct lb_age {
	struct lb_live *live;
	ev_timer timer;
	uint32_t tick;                             /* of the walk under way */
	uint32_t at[2];                            /* the first flow of its next slice: IPv4, IPv6 */
	uint32_t commands;                         /* filled in view.control */
	struct lb_age_count counting, last;        /* the walk under way; the last whole one */
	uint32_t *service_counting, *service_live; /* owned: live flows of each service, likewise */
	long sticky;                               /* entries at the last sweep */
	uint64_t expired;
	uint64_t flows_made; /* counter at the last walk's end */
	double flows_per_second, walk_began_at, next_sticky_at;
};

/* 0 or -ENOMEM. */
int lb_age_start(struct lb_age *age, struct lb_live *live);
void lb_age_stop(struct lb_age *age);

#endif
