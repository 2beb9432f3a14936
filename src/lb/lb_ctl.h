/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of lb.sock: what tandemctl asks and says, answered from the live state and the dataplane. */
#ifndef TANDEM_LB_CTL_H
#define TANDEM_LB_CTL_H

#include "common/ctl_message.h"
#include "common/event_log.h"
#include "lb/lb_age.h"
#include "lb/lb_links.h"
#include "lb/lb_live.h"
#include "lb/lb_sync.h"

struct lb_ctl {
	struct lb_live *live;
	struct lb_age *age;
	struct lb_links *links;
	struct event_log *events;
	const struct lb_sync *sync; /* NULL: none, because of sync_error ("": none is configured) */
	const char *sync_error;
	const char *config;             /* path */
	uint64_t started_ms, loaded_ms; /* steady clock */
	/* Load the config again. 0 and what was done, or -errno and one line. */
	int (*reload)(void *data, char *text, size_t size);
	void *data;
};

/* A ctl_handler; ctx is the struct lb_ctl. */
json_t *lb_ctl_handle(void *ctx, const struct ctl_request *request);

#endif
