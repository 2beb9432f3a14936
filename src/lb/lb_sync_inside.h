/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lb_sync.c and lb_sync_status.c share; nobody else. */
#ifndef TANDEM_LB_LB_SYNC_INSIDE_H
#define TANDEM_LB_LB_SYNC_INSIDE_H

#include "lb/lb_sync.h"
#include "lb/lb_sync_board.h"
#include "lb/lb_sync_link.h"
#include "lb/lb_sync_table.h"

struct lb_sync {
	struct ev_loop *loop;
	struct lb_live *live;
	struct lb_sync_table *table;
	struct lb_sync_link *link;
	char subject[CONF_PEER_NAME_MAX + 8];
	lb_sync_report_fn *report;
	void *data;
	ev_timer stale;                   /* refresh as soon as the session is done */
	bool told, in_sync, other_config; /* what was reported */
	int64_t missed_at;                /* the peer's table was wanted again, for records were lost here */
	int64_t full_at;                  /* likewise, for there was no room */
	int64_t differs_since;            /* it is not as reported; 0: it is */
};

/* The link's status, and what the table knows: whether it had room for all. */
void lb_sync_look(const struct lb_sync *s, int64_t now, struct lb_sync_link_status *out);

#endif
