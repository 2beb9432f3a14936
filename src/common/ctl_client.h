/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The asking side of the control socket: connect, ask, wait for the answer, each with a deadline. Blocking,
 * for programs without a loop of their own at that moment (tandemctl, tandem-web). Believes nothing it is
 * sent.
 */
#ifndef TANDEM_COMMON_CTL_CLIENT_H
#define TANDEM_COMMON_CTL_CLIENT_H

#include <stddef.h>

#include "common/ctl_message.h"

struct ctl_client;

#define CTL_CLIENT_TIMEOUT_MS 10000 /* a fair default: a reload of a large config takes up to 2 s */

/* Connect to the daemon tandem-NAME in rundir. CTL_WRITE uses the full socket only; CTL_READ falls back to
 * the read-only one when the full one is not ours to open. timeout_ms holds for the connect and for each
 * call. 0, or -errno with one line in error that says how to start the daemon (-ENOENT and -ECONNREFUSED: it
 * does not run; -EACCES). */
int ctl_client_open(struct ctl_client **out, const char *rundir, const char *name, enum ctl_access access,
	int timeout_ms, char *error, size_t error_size);

/* Ask; args is borrowed and may be NULL. Returns the reply's data (a new reference), or NULL with one line in
 * error: the daemon's own refusal, or why there was no answer. After the latter every call fails: close it.
 */
json_t *ctl_client_call(
	struct ctl_client *client, const char *command, json_t *args, char *error, size_t error_size);

void ctl_client_close(struct ctl_client *client);

#endif
