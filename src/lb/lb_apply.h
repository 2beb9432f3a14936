/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a config in force: carries out lb_plan's steps on the live state and the dataplane. What can fail comes
 * first; after that every step succeeds, and at no moment does a service point at a pool without its table, or a
 * table at a backend that is not written.
 */
#ifndef TANDEM_LB_APPLY_H
#define TANDEM_LB_APPLY_H

#include "lb/lb_live.h"

/*
 * Make the wanted model the one in force. 0: *wanted was taken over and is empty now, summary (may be NULL) says
 * what was done. -errno: nothing has changed, *wanted is still the caller's, error has one line.
 */
int lb_apply(struct lb_live *live, struct lb_model *wanted, char *summary, size_t summary_size, char *error,
	size_t error_size);

/* Remove service keys that the config does not have: left by a run whose state was lost. Returns how many. */
int lb_apply_purge(struct lb_live *live);

#endif
