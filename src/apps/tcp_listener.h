/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening TCP sockets: one for a literal address, two for "*". Hands every accepted connection,
 * non-blocking, to a callback. When the process is out of file descriptors it pauses instead of spinning on
 * the backlog.
 */
#ifndef TANDEM_APPS_TCP_LISTENER_H
#define TANDEM_APPS_TCP_LISTENER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "apps/endpoint.h"

struct tcp_listener {
	struct ev_loop *loop;
	ev_io io[2];
	ev_timer resume;
	struct endpoint at[2]; /* where it listens, the port filled in */
	int count;
	bool held;       /* by tcp_listener_hold() */
	uint64_t pauses; /* how often accepting had to pause for lack of descriptors or memory */
	void (*on_connection)(void *ctx, int fd); /* owns fd from then on */
	void *ctx;
};

/* Listen on addr ("*", IPv4 or IPv6 literal) and port (0: the kernel chooses, the same for both families).
 * Returns 0, or -1 after saying on standard error, with the program's name, what failed. */
int tcp_listener_open(struct tcp_listener *listener, struct ev_loop *loop, const char *program,
	const char *addr, uint16_t port, void (*on_connection)(void *ctx, int fd), void *ctx);

/* Accept nothing more, at once, until tcp_listener_go_on(): connections wait in the kernel's queue. Both may be
 * called from on_connection. */
void tcp_listener_hold(struct tcp_listener *listener);
void tcp_listener_go_on(struct tcp_listener *listener);

void tcp_listener_close(struct tcp_listener *listener);

#endif
