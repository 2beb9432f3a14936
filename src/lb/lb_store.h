/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a restarted tandem-lb needs to know of the dataplane it adopts and cannot read there: which place belongs to
 * which name, health, what the operator set. One JSON file in the run dir, replaced as a whole.
 */
#ifndef TANDEM_LB_STORE_H
#define TANDEM_LB_STORE_H

#include "lb/lb_live.h"

#define LB_STORE_VERSION 1

/* Write RUNDIR/lb.state. 0 or -errno; the file of before stays on failure. */
int lb_store_save(const struct lb_live *live, const char *run_dir);

/*
 * Fill an empty live state from the file: the config of before as far as lb_apply needs it to tell what is kept.
 * 0; -ENOENT when there is no file; -EINVAL when it is not one of ours, with one line in error, and then live is
 * as it was.
 */
int lb_store_load(struct lb_live *live, const char *run_dir, char *error, size_t error_size);

/* No place that the dataplane may still use and the live state does not know is given away before a walk over the
 * flows: all of them without a file, else what changed between the last save and a kill. */
void lb_store_assume_all(struct lb_live *live);

#endif
