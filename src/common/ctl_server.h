/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's side of the control socket: listens on RUNDIR/NAME.sock and RUNDIR/NAME-ro.sock inside the
 * caller's libev loop, takes one request after another from each client and gives it to a handler. What the
 * commands mean is the handler's (see ctl_dispatch).
 *
 * Who may do what: the run directory is 0750, so only root and its group come near the sockets at all.
 * NAME.sock is 0660 (root and the daemon's group may change things), NAME-ro.sock is 0666: whoever may enter
 * the directory may look. Give the directory to a wider group to let it look and no more.
 *
 * Somebody may remove the run directory or what is in it: that is looked for each second, logged once, and put right as far
 * as the lock and the sockets go.
 *
 * No client can hurt the daemon: requests are capped at 64 KiB and must be whole within request_timeout_s,
 * replies must be taken within reply_timeout_s, nothing more is read from a client that has not taken its
 * reply, each socket has its own bound on clients, and what waits to be taken is capped over all of them.
 */
#ifndef TANDEM_COMMON_CTL_SERVER_H
#define TANDEM_COMMON_CTL_SERVER_H

#include <stddef.h>

#include "common/ctl_message.h"

struct ev_loop;
struct ctl_server;

struct ctl_server_options {
	const char *rundir; /* exists (ctl_lock_rundir() made it); outlives the server, as name does */
	const char *name;   /* "lb": the sockets are lb.sock and lb-ro.sock */
	int *lock; /* what ctl_lock_rundir() gave; changed when it has to be made anew. NULL: not looked at */
	void (*restored)(
		void *ctx); /* the directory was removed and is there again, empty; NULL: does not matter */
	ctl_handler handle;
	void *ctx;
	/* 0 means the default */
	unsigned max_clients;     /* per socket, default 32 */
	double request_timeout_s; /* from a request's first byte to its last, default 5 */
	double reply_timeout_s;   /* for the client to take a whole reply, default 30 */
	double idle_timeout_s;    /* between requests, default 60 */
	size_t max_queued;        /* bytes of replies waiting over all clients, default 128 MiB */
};

/* Listen. A socket file that nobody listens on is replaced; one that somebody does is -EADDRINUSE. On failure
 * returns -errno with one line in error, and nothing is left behind. */
int ctl_server_open(struct ctl_server **out, struct ev_loop *loop, const struct ctl_server_options *options,
	char *error, size_t error_size);

/* Drop every client, remove the socket files if they are still ours, free. NULL is fine. */
void ctl_server_close(struct ctl_server *server);

/* Clients connected now, on both sockets. */
unsigned ctl_server_clients(const struct ctl_server *server);

#endif
