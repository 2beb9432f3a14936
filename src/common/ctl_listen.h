/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listening Unix stream socket on a path: the mode it shall have, and what is done about a file in the way.
 */
#ifndef TANDEM_COMMON_CTL_LISTEN_H
#define TANDEM_COMMON_CTL_LISTEN_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

/* Bind and listen, non-blocking and close-on-exec, with exactly that mode whatever the umask. A socket file
 * on which nobody listens is replaced. Returns the descriptor, or -errno with one line in error: -EADDRINUSE
 * when somebody listens there, -EEXIST when the file is no socket (it is not touched). */
int ctl_listen(const struct sockaddr_un *address, mode_t mode, char *error, size_t error_size);

#endif
