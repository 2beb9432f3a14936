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
#define LB_COPY_SLACK_S   10 /* a copy is kept for its timeout, a quarter of it and this */
#define LB_CLOSING_S      15 /* closing flows are kept that long, */
#define LB_CLOSING_FULL_S 2  /* and that long when the table is more than three quarters full */

struct lb_age_count {
	uint32_t flows[2]; /* IPv4, IPv6 */
	uint32_t half_open;
};

/* Who else looks at each flow while it is here (lb_sync_table). */
struct lb_age_watch {
	/* A flow in use, as often as there are walks. now: jiffies. timeout: of its state. True: it is a copy that is to go. */
	bool (*flow)(
		void *data, const struct lb_flow *f, uint32_t id, int v6, uint32_t now, uint32_t timeout);
	/* A tick's flows have been shown; swept: and so have the sticky sources been looked at. */
	void (*tick)(void *data, bool swept);
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
	const struct lb_age_watch *watch; /* NULL: nobody */
	void *watch_data;
	uint64_t flows_made; /* counter at the last walk's end */
	double flows_per_second, walk_began_at, next_sticky_at;
};

/* 0 or -ENOMEM. */
int lb_age_start(struct lb_age *age, struct lb_live *live);
void lb_age_stop(struct lb_age *age);

#endif
