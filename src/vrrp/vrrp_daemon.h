/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The speaker as a process: event loop, signals, real-time scheduling, control socket, and how it begins and ends.
 * Runs in the child of the guard.
 */
#ifndef TANDEM_VRRP_DAEMON_H
#define TANDEM_VRRP_DAEMON_H

#include "common/daemon_options.h"

/* Lock the run dir and run guard and speaker until SIGTERM or SIGINT. Returns the exit status; what went wrong is
 * logged. */
int vrrp_daemon_run(const struct daemon_options *options);

#endif
