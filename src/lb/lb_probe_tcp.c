/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tcp check: connect; if asked to, send; if asked to, wait until the reply contains the expected bytes.
 * Without expect a connection is all that is asked, and that the kernel gives even when the program behind it
 * hangs.
 *
 * How it closes. A bare connect, and one that came to nothing, is reset (SO_LINGER 0): closing it the polite
 * way would leave a TIME_WAIT here for each, 60,000 of them at a thousand checks a second. Once bytes were
 * exchanged and the answer was good it is closed politely: a server that answered well should not find an
 * error in its log. Those checks do leave a TIME_WAIT, for 60 s and some 250 bytes of kernel memory each,
 * unless the server closes first.
 */
#include "lb/lb_probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lb/lb_probe_kind.h"

#define QUOTE_MAX   32  /* bytes of a text that a message shows */
#define QUOTE_ROOM  140 /* for these, four characters each, and what is around them */
#define PIECE_BYTES 16384

static void watch(struct lb_probe *probe, int events)
{
	struct ev_loop *loop = probe->prober->loop;

	ev_io_stop(loop, &probe->io);
	ev_io_set(&probe->io, probe->io.fd, events);
	ev_io_start(loop, &probe->io);
}

static char *quote_expected(const struct lb_probe *probe, char out[QUOTE_ROOM])
{
	return lb_expect_quote(probe->check->expect, probe->check->expect_len, QUOTE_MAX, out, QUOTE_ROOM);
}

static char *quote_reply(const struct lb_probe *probe, char out[QUOTE_ROOM])
{
	size_t shown = probe->expect.head_len < QUOTE_MAX ? probe->expect.head_len : QUOTE_MAX;

	lb_expect_quote(probe->expect.head, shown, shown, out, QUOTE_ROOM - 4);
	if (probe->expect.seen > shown && out[strlen(out) - 1] == '"')
		strcat(out, "...");
	return out;
}

/* On a local address with nobody listening, the kernel may pick the very port we connect to as our own, and
 * the socket then talks to itself. */
static bool connected_to_itself(const struct lb_probe *probe)
{
	struct sockaddr_storage own = {0}, peer;
	socklen_t len = sizeof(own), peer_len = addr_to_sockaddr(&probe->addr, probe->port, &peer);

	if (getsockname(probe->io.fd, (struct sockaddr *)&own, &len) != 0 || len != peer_len)
		return false;
	return memcmp(&own, &peer, len) == 0;
}

static void on_connected(struct lb_probe *probe)
{
	const struct lb_check *check = probe->check;

	if (connected_to_itself(probe)) {
		lb_probe_finish(probe, false, "connection refused");
	} else if (check->send_len) {
		probe->stage = LB_PROBE_SENDING;
		watch(probe, EV_WRITE);
	} else if (check->expect_len) {
		probe->stage = LB_PROBE_READING;
		watch(probe, EV_READ);
	} else {
		lb_probe_finish(probe, true, "connected");
	}
}

static void on_connect_done(struct lb_probe *probe)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(probe->io.fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err)
		lb_probe_finish_errno(probe, err, "connect");
	else
		on_connected(probe);
}

static void on_send_ready(struct lb_probe *probe)
{
	const struct lb_check *check = probe->check;
	ssize_t n =
		send(probe->io.fd, check->send + probe->sent, check->send_len - probe->sent, MSG_NOSIGNAL);
	char text[64];

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			lb_probe_finish(probe, false, "%s (sending)", lb_probe_errno_text(errno, text));
		return;
	}
	probe->sent += (size_t)n;
	if (probe->sent < check->send_len)
		return;
	if (!check->expect_len) {
		lb_probe_finish(probe, true, "connected and sent");
		return;
	}
	probe->stage = LB_PROBE_READING;
	watch(probe, EV_READ);
}

static void on_reply_ended(struct lb_probe *probe, const char *how)
{
	char expected[QUOTE_ROOM], reply[QUOTE_ROOM];

	quote_expected(probe, expected);
	if (probe->expect.seen)
		lb_probe_finish(probe, false, "unexpected reply %s (no %s before %s)",
			quote_reply(probe, reply), expected, how);
	else
		lb_probe_finish(probe, false, "%s without a reply (waiting for %s)", how, expected);
}

/* One piece a turn of the loop: a backend that never stops talking delays nobody else. */
static void on_reply_ready(struct lb_probe *probe)
{
	const struct lb_check *check = probe->check;
	uint8_t piece[PIECE_BYTES];
	ssize_t n = recv(probe->io.fd, piece, sizeof(piece), 0);
	char text[64], expected[QUOTE_ROOM], reply[QUOTE_ROOM];

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			on_reply_ended(probe, lb_probe_errno_text(errno, text));
		return;
	}
	if (n == 0) {
		on_reply_ended(probe, "connection closed");
		return;
	}
	switch (lb_expect_feed(&probe->expect, check->expect, check->expect_len, piece, (size_t)n)) {
	case LB_EXPECT_MORE:
		break;
	case LB_EXPECT_FOUND:
		lb_probe_finish(probe, true, "answered as expected");
		break;
	case LB_EXPECT_LIMIT:
		lb_probe_finish(probe, false, "unexpected reply %s (no %s in its first %d bytes)",
			quote_reply(probe, reply), quote_expected(probe, expected), LB_EXPECT_REPLY_MAX);
		break;
	}
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct lb_probe *probe = io->data;

	switch (probe->stage) {
	case LB_PROBE_CONNECTING:
		on_connect_done(probe);
		break;
	case LB_PROBE_SENDING:
		on_send_ready(probe);
		break;
	case LB_PROBE_READING:
		on_reply_ready(probe);
		break;
	}
}

static void tcp_init(struct lb_probe *probe)
{
	ev_init(&probe->io, on_io);
	/* After a pause of ours (a stopped process, a long reload) the answer and the time limit are due in
	 * the same turn of the loop: the answer goes first, or the backend would pay for our pause. */
	ev_set_priority(&probe->io, EV_MAXPRI);
	probe->io.data = probe;
	ev_io_set(&probe->io, -1, 0);
}

static void tcp_begin(struct lb_probe *probe)
{
	struct sockaddr_storage peer;
	socklen_t len = addr_to_sockaddr(&probe->addr, probe->port, &peer);
	int fd = socket(probe->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ev_io_set(&probe->io, fd, 0);
	if (fd < 0) {
		lb_probe_finish_errno(probe, errno, "open a socket");
		return;
	}
	probe->sent = 0;
	probe->stage = LB_PROBE_CONNECTING;
	memset(&probe->expect, 0, sizeof(probe->expect));
	if (connect(fd, (struct sockaddr *)&peer, len) == 0)
		on_connected(probe);
	else if (errno == EINPROGRESS)
		watch(probe, EV_WRITE);
	else
		lb_probe_finish_errno(probe, errno, "connect");
}

static void tcp_expire(struct lb_probe *probe, char *cause)
{
	unsigned ms = probe->check->timeout_ms;
	char expected[QUOTE_ROOM], reply[QUOTE_ROOM];

	if (probe->stage != LB_PROBE_READING)
		snprintf(cause, LB_PROBE_CAUSE_MAX, "timed out after %u ms (%s)", ms,
			probe->stage == LB_PROBE_CONNECTING ? "connecting" : "sending");
	else if (probe->expect.seen)
		snprintf(cause, LB_PROBE_CAUSE_MAX, "unexpected reply %s (no %s within %u ms)",
			quote_reply(probe, reply), quote_expected(probe, expected), ms);
	else
		snprintf(cause, LB_PROBE_CAUSE_MAX, "timed out after %u ms (waiting for %s)", ms,
			quote_expected(probe, expected));
}

static void tcp_end(struct lb_probe *probe, bool ok)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	int fd = probe->io.fd;

	ev_io_stop(probe->prober->loop, &probe->io);
	ev_io_set(&probe->io, -1, 0);
	if (fd < 0)
		return;
	if (!ok || probe->stage == LB_PROBE_CONNECTING)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

const struct lb_probe_kind lb_probe_tcp = {tcp_init, tcp_begin, tcp_expire, tcp_end};
