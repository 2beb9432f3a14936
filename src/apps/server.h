/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every server of src/apps does alike: its name, its event loop, a clean end on SIGTERM and SIGINT,
 * the limit of open files, and the one line that says it is ready.
 */
#ifndef TANDEM_APPS_SERVER_H
#define TANDEM_APPS_SERVER_H

#include <ev.h>
#include <stddef.h>

#include "apps/endpoint.h"

#define SERVER_NAME_MAX 64

struct server {
	struct ev_loop *loop;
	const char *program;
	char name[SERVER_NAME_MAX]; /* --name, else the host's name */
	ev_signal term, intr;
};

/* Fill in the server; name may be NULL. SIGPIPE is ignored from here on. Keeps the pointer program. */
void server_open(struct server *server, const char *program, const char *name);

/* Raise the limit of open files to at least want. Returns the limit that holds now. */
size_t server_raise_file_limit(size_t want);

/* "PROGRAM NAME: listening on A and B" on standard output, then run until a signal. */
void server_run(struct server *server, const struct endpoint *at, int count);

/* Free the loop. */
void server_close(struct server *server);

#endif
