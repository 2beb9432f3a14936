/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run directory: it exists, one daemon of a name lives in it, and its socket files have one way of being
 * named. Owns RUNDIR/NAME.pid, an flock'ed file: the lock, not the number in it, says that the daemon lives,
 * so a kill -9 leaves nothing that has to be cleaned up by hand.
 */
#ifndef TANDEM_COMMON_CTL_RUNDIR_H
#define TANDEM_COMMON_CTL_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#define CTL_RUNDIR_DEFAULT "/run/tandem"

/* Make rundir if it is missing (0750; its parent must exist), lock RUNDIR/NAME.pid and write our pid into it.
 * Returns a descriptor (close-on-exec) that holds the lock until it is closed, or -errno with one line in
 * error: -EALREADY when another process holds it (the line names its pid). */
int ctl_lock_rundir(const char *rundir, const char *name, char *error, size_t error_size);

/* Was the pid file that *fd locks removed, as with the whole directory? Then make and lock it anew, with the number that was in
 * it. 0: it is there; 1: it was not, and *fd is the new one; -errno with one line in error: as above, *fd stays. */
int ctl_keep_rundir(int *fd, const char *rundir, const char *name, char *error, size_t error_size);

/* Remove the pid file and give the lock up; fd < 0 is fine. */
void ctl_unlock_rundir(int fd, const char *rundir, const char *name);

/* Address of RUNDIR/NAME.sock, or RUNDIR/NAME-ro.sock. 0, or -ENAMETOOLONG (a socket's path has 107 bytes).
 */
int ctl_socket_address(const char *rundir, const char *name, bool read_only, struct sockaddr_un *out);

#endif
