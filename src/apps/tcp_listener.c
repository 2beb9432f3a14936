/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening TCP sockets; see tcp_listener.h. */
#include "apps/tcp_listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ACCEPT_BURST \
	64 /* connections taken in one turn of the loop, so that those already served are not starved */
#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */
#define PAUSE_S 0.1

static void stop_accepting(struct tcp_listener *listener)
{
	for (int i = 0; i < listener->count; i++)
		ev_io_stop(listener->loop, &listener->io[i]);
}

static void pause_accepting(struct tcp_listener *listener)
{
	listener->pauses++;
	stop_accepting(listener);
	ev_timer_set(&listener->resume, PAUSE_S, 0.);
	ev_timer_start(listener->loop, &listener->resume);
}

static void on_resume(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct tcp_listener *listener = w->data;

	for (int i = 0; i < listener->count && !listener->held; i++)
		ev_io_start(loop, &listener->io[i]);
}

void tcp_listener_hold(struct tcp_listener *listener)
{
	listener->held = true;
	stop_accepting(listener);
}

void tcp_listener_go_on(struct tcp_listener *listener)
{
	listener->held = false;
	if (ev_is_active(&listener->resume)) /* it pauses for lack of descriptors, and goes on by itself */
		return;
	for (int i = 0; i < listener->count; i++)
		ev_io_start(listener->loop, &listener->io[i]);
}

static void on_acceptable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct tcp_listener *listener = w->data;

	for (int i = 0; i < ACCEPT_BURST && !listener->held; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			listener->on_connection(listener->ctx, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(listener);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static int open_one(const struct endpoint *at, struct endpoint *bound)
{
	int fd = socket(at->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, saved;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	bound->len = sizeof(bound->addr);
	if (bind(fd, (const struct sockaddr *)&at->addr, at->len) == 0 && listen(fd, BACKLOG) == 0 &&
		getsockname(fd, (struct sockaddr *)&bound->addr, &bound->len) == 0)
		return fd;
	saved = errno;
	close(fd);
	return -saved;
}

int tcp_listener_open(struct tcp_listener *listener, struct ev_loop *loop, const char *program,
	const char *addr, uint16_t port, void (*on_connection)(void *ctx, int fd), void *ctx)
{
	struct endpoint want[2];
	char text[ENDPOINT_TEXT_MAX];
	int count = endpoint_listen(addr, port, want);

	memset(listener, 0, sizeof(*listener));
	listener->loop = loop;
	listener->on_connection = on_connection;
	listener->ctx = ctx;
	ev_init(&listener->resume, on_resume);
	listener->resume.data = listener;
	if (count < 0) {
		fprintf(stderr, "%s: '%s' is not an address to listen on\n", program, addr);
		tcp_listener_close(listener);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		int fd;

		if (i > 0)
			endpoint_set_port(&want[i], endpoint_port(&listener->at[0]));
		fd = open_one(&want[i], &listener->at[i]);
		if (fd < 0) {
			fprintf(stderr, "%s: can't listen on TCP %s: %s\n", program,
				endpoint_text(&want[i], text), strerror(-fd));
			tcp_listener_close(listener);
			return -1;
		}
		ev_io_init(&listener->io[i], on_acceptable, fd, EV_READ);
		listener->io[i].data = listener;
		ev_io_start(loop, &listener->io[i]);
		listener->count = i + 1;
	}
	return 0;
}

void tcp_listener_close(struct tcp_listener *listener)
{
	ev_timer_stop(listener->loop, &listener->resume);
	for (int i = 0; i < listener->count; i++) {
		ev_io_stop(listener->loop, &listener->io[i]);
		close(listener->io[i].fd);
	}
	listener->count = 0;
}
