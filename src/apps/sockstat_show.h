/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sockstat found, as tables or as one JSON object, on standard output. */
#ifndef TANDEM_APPS_SOCKSTAT_SHOW_H
#define TANDEM_APPS_SOCKSTAT_SHOW_H

#include "common/sock_dump.h"
#include "common/sock_owner.h"

struct sockstat_found {
	const struct sock_list *list;
	const struct sock_owners *owners;
	uint32_t untold; /* kinds that this kernel does not tell of, 1 << kind */
};

/* Counts by state, listeners with their backlog, counts by process. 0 or -ENOMEM. */
int sockstat_show_summary(const struct sockstat_found *found);

/* A line for each socket. */
void sockstat_show_list(const struct sockstat_found *found);

/* All of it. 0 or -ENOMEM. */
int sockstat_show_json(const struct sockstat_found *found);

#endif
