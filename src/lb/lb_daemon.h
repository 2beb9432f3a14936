/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a whole: owns the event loop and the order in which things start and stop: run dir, dataplane, what is
 * known of it, the config in force, interfaces, control socket. On exit the dataplane stays: it goes on forwarding and
 * balancing until lb_daemon_remove().
 */
#ifndef TANDEM_LB_DAEMON_H
#define TANDEM_LB_DAEMON_H

#include <stdbool.h>

#include "common/daemon_options.h"
#include "lb/lb_model.h"

/*
 * Run until SIGTERM or SIGINT; reset: begin with an empty dataplane. Takes what it needs of *model, which is the caller's
 * to clear; the options are borrowed. Returns the exit status; whatever went wrong is logged.
 */
int lb_daemon_run(const struct daemon_options *options, bool reset, struct lb_model *model);

/* Detach and unpin the dataplane of the run dir. Returns the exit status. */
int lb_daemon_remove(const char *run_dir);

#endif
