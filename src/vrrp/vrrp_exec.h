/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a program of the operator's (notify hook, tracking script): without a shell, with a fixed environment, as the user
 * the config names, in a process group of its own, without the speaker's real-time priority, signal mask or descriptors,
 * with a time limit. Never waits: the end is told from the event loop. It must be the default loop (ev_child).
 */
#ifndef TANDEM_VRRP_EXEC_H
#define TANDEM_VRRP_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#include "vrrp/vrrp_model.h"

struct ev_loop;
struct vrrp_exec;
struct vrrp_program;

/* May this file be run? The file, where it really is, and every directory and symbolic link on the way (of both paths)
 * belong to root and nobody else may write to them (root's group and sticky world-writable directories are no
 * exception). 0, or -errno with one line in error. Checked again before each start. */
int vrrp_exec_check(const char *path, char *error, size_t error_size);

/*
 * A command, copied, and the ids of who runs it. Looks the user up, which may take as long as the name service takes: to
 * be called when a config is taken, not when something is to be run. A user who does not exist is no error here: it is
 * logged, and each start says it. 0 or -ENOMEM. argv[0] NULL gives NULL.
 */
int vrrp_program_make(struct vrrp_program **out, const struct vrrp_command *command);
void vrrp_program_free(struct vrrp_program *program); /* NULL is fine; may be running */

/* status: exit status 0..255, 256 + signal, or -errno: -ETIMEDOUT, it, its whole group and its descendants were killed after timeout_ms;
 * another one: it could not be started. text: the same in one line for a person; valid during the call. */
typedef void vrrp_exec_fn(void *data, int status, const char *text);

/* Start the command's words followed by extra (NULL-terminated, may be NULL) with the environment PATH, and env
 * (NULL-terminated NAME=VALUE, may be NULL). 0 with *out, freed after fn was called or by vrrp_exec_kill(); or -errno with
 * one line in error. Pointers but data are needed during the call only. What can keep a process waiting (the file, its
 * file system, the processor) is left to the child, so such errors come by fn. */
int vrrp_exec_start(struct vrrp_exec **out, struct ev_loop *loop, const struct vrrp_program *program,
	const char *const *extra, const char *const *env, vrrp_exec_fn *fn, void *data, char *error,
	size_t error_size);
/* It was killed because its time was over, and has not ended yet. */
bool vrrp_exec_is_overdue(const struct vrrp_exec *exec);
/* Kill its group and its descendants, and forget it; fn is not called. NULL is fine. */
void vrrp_exec_kill(struct vrrp_exec *exec);

/* "exit status 3", "killed by signal 9 (Killed)", "timed out": into buf, returns buf. */
const char *vrrp_exec_status_text(int status, char *buf, size_t size);

#endif
