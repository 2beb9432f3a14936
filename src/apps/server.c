/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every server does alike; see server.h. */
#include "apps/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

void server_open(struct server *server, const char *program, const char *name)
{
	memset(server, 0, sizeof(*server));
	signal(SIGPIPE, SIG_IGN);
	server->loop = ev_default_loop(0);
	server->program = program;
	if (name != NULL)
		snprintf(server->name, sizeof(server->name), "%s", name);
	else if (gethostname(server->name, sizeof(server->name) - 1) != 0)
		snprintf(server->name, sizeof(server->name), "%s", program);
	ev_signal_init(&server->term, on_signal, SIGTERM);
	ev_signal_init(&server->intr, on_signal, SIGINT);
	ev_signal_start(server->loop, &server->term);
	ev_signal_start(server->loop, &server->intr);
}

size_t server_raise_file_limit(size_t want)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (limit.rlim_cur >= want)
		return limit.rlim_cur;
	struct rlimit higher = {.rlim_cur = want, .rlim_max = limit.rlim_max > want ? limit.rlim_max : want};

	if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
		return want;
	limit.rlim_cur = limit.rlim_max; /* without privilege the hard limit is all there is */
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

void server_run(struct server *server, const struct endpoint *at, int count)
{
	char text[ENDPOINT_TEXT_MAX];

	printf("%s %s: listening on", server->program, server->name);
	for (int i = 0; i < count; i++)
		printf("%s %s", i > 0 ? " and" : "", endpoint_text(&at[i], text));
	printf("\n");
	fflush(stdout);
	ev_run(server->loop, 0);
}

void server_close(struct server *server)
{
	ev_signal_stop(server->loop, &server->term);
	ev_signal_stop(server->loop, &server->intr);
	ev_loop_destroy(server->loop);
}
