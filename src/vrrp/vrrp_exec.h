/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a program of the operator's (notify hook, tracking script): without a shell, with a fixed environment, as the user
 * the config names, in a process group of its own, without the speaker's real-time priority, signal mask or descriptors,
 * with a time limit. Never waits: the end is told from the event loop. It must be the default loop (ev_child).
 */
#ifndef TANDEM_VRRP_EXEC_H
#define TANDEM_VRRP_EXEC_H

#include <stddef.h>

#include "vrrp/vrrp_model.h"

struct ev_loop;
struct vrrp_exec;

/* May this file be run? The file, where it really is, and every directory on the way (of both paths) belong to root and
 * nobody else may write to them (sticky world-writable directories are no exception). 0, or -errno with one line in
 * error. Checked again before each start. */
int vrrp_exec_check(const char *path, char *error, size_t error_size);

/* status: exit status 0..255, 256 + signal, or -errno (-ETIMEDOUT: killed after timeout_ms, its whole group). */
typedef void vrrp_exec_fn(void *data, int status);

/* Start command->argv followed by extra (NULL-terminated, may be NULL) with the environment PATH, and env (NULL-terminated
 * NAME=VALUE, may be NULL). 0 with *out, freed after fn was called or by vrrp_exec_kill(); or -errno with one line in
 * error. Strings are needed during the call only. */
int vrrp_exec_start(struct vrrp_exec **out, struct ev_loop *loop, const struct vrrp_command *command,
	const char *const *extra, const char *const *env, vrrp_exec_fn *fn, void *data, char *error,
	size_t error_size);
/* Kill its group and forget it; fn is not called. NULL is fine. */
void vrrp_exec_kill(struct vrrp_exec *exec);

/* "exit status 3", "killed by signal 9", "timed out": into buf, returns buf. */
const char *vrrp_exec_status_text(int status, char *buf, size_t size);

#endif
