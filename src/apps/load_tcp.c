/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load_client over TCP: WHOAMI to a RESP2 server on a connection that is kept (kv, hold) or made for it
 * (kv-connect), and checked random payloads to an echo server. A kept connection that is suddenly answered by
 * another server counts as corrupt: a balancer must never do that.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "apps/load_run.h"
#include "apps/resp_reply.h"

static const char request_whoami[] = "*1\r\n$6\r\nWHOAMI\r\n";
/* The server closes first, so that the client's port is free again at once. */
static const char request_last[] = "*1\r\n$6\r\nWHOAMI\r\n*1\r\n$4\r\nQUIT\r\n";

static void on_io(struct ev_loop *loop, ev_io *w, int revents);

static void watch(struct load_lane *lane, int events)
{
	if (lane->io.events == events && ev_is_active(&lane->io))
		return;
	ev_io_stop(lane->run->loop, &lane->io);
	ev_io_set(&lane->io, lane->io.fd, events);
	ev_io_start(lane->run->loop, &lane->io);
}

static void push(struct load_lane *lane)
{
	while (lane->out_sent < lane->out_len) {
		ssize_t n = send(lane->io.fd, lane->out + lane->out_sent, lane->out_len - lane->out_sent,
			MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			load_lane_failed(lane, load_cause_of(errno));
			return;
		}
		if (n < 0)
			break;
		lane->out_sent += (size_t)n;
	}
	watch(lane, lane->out_sent < lane->out_len ? EV_READ | EV_WRITE : EV_READ);
}

static void fill_request(struct load_lane *lane)
{
	const char *text = lane->run->mode == LOAD_KV_CONNECT ? request_last : request_whoami;

	lane->in_len = lane->out_sent = 0;
	if (lane->run->mode != LOAD_ECHO) {
		lane->out_len = strlen(text);
		memcpy(lane->out, text, lane->out_len);
		return;
	}
	lane->out_len = lane->run->payload_len;
	for (size_t i = 0; i < lane->out_len; i += 8) {
		uint64_t word = load_run_random(lane->run);

		memcpy(lane->out + i, &word, lane->out_len - i < 8 ? lane->out_len - i : 8);
	}
}

void load_tcp_send(struct load_lane *lane)
{
	if (!load_lane_begin(lane))
		return;
	lane->state = LANE_WAITING;
	fill_request(lane);
	push(lane);
}

static void connected(struct load_lane *lane)
{
	int on = 1;

	setsockopt(lane->io.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	lane->run->stats.opened++;
	lane->run->stats.open_now++;
	lane->endpoints_tried = 0;
	if (!lane->run->keep_alive) { /* the request began with the connecting */
		lane->state = LANE_WAITING;
		fill_request(lane);
		push(lane);
		return;
	}
	lane->state = LANE_READY;
	watch(lane, EV_READ);
	load_lane_idle(lane);
}

/* The connection could not be made: the host's next address is tried, when all have been it is a failure. */
static void not_connected(struct load_lane *lane, int error)
{
	struct load_run *run = lane->run;

	lane->endpoint = (lane->endpoint + 1) % run->to_count;
	if (++lane->endpoints_tried >= run->to_count) {
		lane->endpoints_tried = 0;
		load_lane_failed(lane, load_cause_of(error));
		return;
	}
	load_lane_close(lane);
	load_tcp_connect(lane);
}

void load_tcp_connect(struct load_lane *lane)
{
	struct load_run *run = lane->run;
	const struct endpoint *to = &run->to[lane->endpoint];
	int fd;

	if (!run->keep_alive && lane->endpoints_tried == 0 && !load_lane_begin(lane))
		return;
	fd = load_lane_socket(lane, SOCK_STREAM);
	if (fd < 0) {
		lane->endpoints_tried = 0;
		load_lane_failed(lane, load_cause_of(-fd));
		return;
	}
	ev_io_init(&lane->io, on_io, fd, EV_WRITE);
	lane->state = LANE_CONNECTING;
	load_lane_arm_deadline(lane);
	if (connect(fd, (const struct sockaddr *)&to->addr, to->len) != 0 && errno != EINPROGRESS)
		not_connected(lane, errno);
	else
		ev_io_start(run->loop, &lane->io);
}

/* 1: answered, 0: not whole yet, -1: failed (the lane is closed). */
static int check_kv(struct load_lane *lane)
{
	struct load_run *run = lane->run;
	struct resp_value value;
	long used = resp_reply_value(lane->in, lane->in_len, &value), server;

	if (used == 0 && lane->in_len < run->buffer_len)
		return 0;
	if (used > 0 && value.type == '-') { /* say, too many clients */
		load_lane_failed(lane, LOAD_OTHER);
		return -1;
	}
	if (used <= 0 || value.type != '$') {
		load_lane_failed(lane, LOAD_CORRUPT);
		return -1;
	}
	server = (long)load_stats_server(&run->stats, (const char *)value.text, value.len);
	if (lane->server >= 0 && lane->server != server) {
		load_lane_failed(lane, LOAD_CORRUPT);
		return -1;
	}
	load_lane_answered(lane, server);
	return 1;
}

static int check_echo(struct load_lane *lane)
{
	char text[ENDPOINT_TEXT_MAX];

	if (lane->in_len > lane->out_sent || memcmp(lane->in, lane->out, lane->in_len) != 0) {
		load_lane_failed(lane, LOAD_CORRUPT);
		return -1;
	}
	if (lane->in_len < lane->out_len)
		return 0;
	endpoint_text(&lane->run->to[lane->endpoint], text);
	load_lane_answered(lane, lane->server >= 0
					 ? lane->server
					 : (long)load_stats_server(&lane->run->stats, text, strlen(text)));
	return 1;
}

static void on_closing(struct load_lane *lane)
{
	ssize_t n = recv(lane->io.fd, lane->in, lane->run->buffer_len, 0);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return; /* the reply to QUIT */
	if (n < 0) {
		load_lane_failed(lane, load_cause_of(errno));
		return;
	}
	load_lane_close(lane);
	load_lane_idle(lane);
}

static void on_readable(struct load_lane *lane)
{
	struct load_run *run = lane->run;
	uint8_t spare[16];
	bool waiting = lane->state == LANE_WAITING && lane->in_len < run->buffer_len;
	ssize_t n = waiting ? recv(lane->io.fd, lane->in + lane->in_len, run->buffer_len - lane->in_len, 0)
			    : recv(lane->io.fd, spare, sizeof(spare), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		load_lane_failed(lane, n == 0 ? LOAD_CLOSED : load_cause_of(errno));
		return;
	}
	if (!waiting) { /* nobody asked for this */
		load_lane_failed(lane, LOAD_CORRUPT);
		return;
	}
	lane->in_len += (size_t)n;
	if ((run->mode == LOAD_ECHO ? check_echo(lane) : check_kv(lane)) != 1)
		return;
	if (run->mode == LOAD_KV_CONNECT)
		lane->state = LANE_CLOSING;
	else
		load_lane_idle(lane);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct load_lane *lane = w->data;
	int error = 0;
	socklen_t len = sizeof(error);

	if (lane->state == LANE_CONNECTING) {
		if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
			error = errno;
		if (error != 0)
			not_connected(lane, error);
		else
			connected(lane);
		return;
	}
	if (lane->state == LANE_CLOSING) {
		on_closing(lane);
		return;
	}
	if (revents & EV_READ)
		on_readable(lane);
	if ((revents & EV_WRITE) && lane->state == LANE_WAITING)
		push(lane);
}
