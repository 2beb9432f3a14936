/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a whole: owns the event loop and the order in which things start and stop: run dir, dataplane, what is
 * known of it, the config in force, interfaces, control socket. On exit the dataplane stays: it goes on forwarding and
 * balancing until lb_daemon_remove().
 */
#ifndef TANDEM_LB_DAEMON_H
#define TANDEM_LB_DAEMON_H

#include <stdbool.h>

#include "lb/lb_model.h"

struct lb_daemon_options {
	const char *config, *node, *run_dir;
	bool test, remove, reset, verbose;
};

/* Run until SIGTERM or SIGINT; takes what it needs of *model, which is the caller's to clear. Returns the exit status;
 * whatever went wrong is logged. */
int lb_daemon_run(const struct lb_daemon_options *options, struct lb_model *model);

/* Detach and unpin the dataplane of the run dir. Returns the exit status. */
int lb_daemon_remove(const struct lb_daemon_options *options);

#endif
