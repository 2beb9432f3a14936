/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of kv_store. An idle one owns no buffer: requests are read into the server's scratch and
 * run there, replies gather in the server's out and leave in one write. Only a half request (in) and replies
 * that the client does not take yet (unsent) are kept, and both are bounded: above OUT_SOFT unsent bytes
 * nothing more is read or run for that client, all clients together have buffer_max, and who takes nothing
 * for stall_timeout_s is closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <netinet/in.h>
#include <unistd.h>

#include "apps/kv_server.h"

#define SCRATCH_SIZE 65536      /* one read */
#define OUT_SOFT     (1u << 20) /* replies gathered before they are written */
#define FLUSHES_MAX  4          /* writes for one client before the others get their turn */
#define KEEP_OUT     (4u << 20) /* the server's reply buffer shrinks back to nothing above this */
#define LINGER_S     2          /* how long a closing connection is drained */

struct buffer {
	uint8_t *data;
	size_t start, len, cap; /* the bytes are data[start .. start + len) */
};

struct kv_conn {
	ev_io readable, writable;
	struct kv_server *server;
	struct kv_conn *next, **link;
	struct buffer in, unsent;
	struct resp_parser parser;
	uint64_t progress_ms; /* when the client last took a byte of unsent, or when lingering began */
	bool closing;         /* no more requests; close when unsent has left */
	bool lingering;       /* our side is shut, what the client still sends is thrown away */
};

static void buffer_drop(struct kv_server *server, struct buffer *buffer)
{
	server->buffer_bytes -= buffer->cap;
	free(buffer->data);
	*buffer = (struct buffer){0};
}

/* Room for more bytes behind those that are there; false: the bound of all clients' buffers, or out of
 * memory. */
static bool buffer_reserve(struct kv_server *server, struct buffer *buffer, size_t more)
{
	size_t cap = buffer->cap > 0 ? buffer->cap : 1024;
	uint8_t *data;

	if (buffer->start > 0 && buffer->cap - buffer->start - buffer->len < more) {
		memmove(buffer->data, buffer->data + buffer->start, buffer->len);
		buffer->start = 0;
	}
	if (buffer->cap - buffer->start - buffer->len >= more)
		return true;
	while (cap < buffer->len + more)
		cap *= 2;
	if (server->buffer_bytes + (cap - buffer->cap) > server->buffer_max)
		return false;
	data = realloc(buffer->data, cap);
	if (data == NULL)
		return false;
	server->buffer_bytes += cap - buffer->cap;
	buffer->data = data;
	buffer->cap = cap;
	return true;
}

static bool buffer_add(struct kv_server *server, struct buffer *buffer, const uint8_t *data, size_t len)
{
	if (!buffer_reserve(server, buffer, len))
		return false;
	memcpy(buffer->data + buffer->start + buffer->len, data, len);
	buffer->len += len;
	return true;
}

static void conn_free(struct kv_conn *conn)
{
	struct kv_server *server = conn->server;

	ev_io_stop(server->loop, &conn->readable);
	ev_io_stop(server->loop, &conn->writable);
	close(conn->readable.fd);
	buffer_drop(server, &conn->in);
	buffer_drop(server, &conn->unsent);
	resp_parser_free(&conn->parser);
	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	server->clients--;
	free(conn);
	if (server->iterative)
		tcp_listener_go_on(&server->listener);
}

/* The last reply has left: end our side, and drain what the client still sends, because closing with unread
 * bytes would reset the connection and might take the reply away from the client. */
static void conn_linger(struct kv_conn *conn)
{
	ev_io_stop(conn->server->loop, &conn->writable);
	if (shutdown(conn->readable.fd, SHUT_WR) != 0) {
		conn_free(conn);
		return;
	}
	conn->lingering = true;
	conn->progress_ms = conn->server->now_ms;
	buffer_drop(conn->server, &conn->in);
	ev_io_start(conn->server->loop, &conn->readable);
}

static void conn_wait_writable(struct kv_conn *conn)
{
	if (!ev_is_active(&conn->writable))
		conn->progress_ms = conn->server->now_ms;
	ev_io_stop(conn->server->loop, &conn->readable); /* no reading until the replies are out */
	ev_io_start(conn->server->loop, &conn->writable);
}

/* Send what the server's out has gathered; whatever comes of it, out is empty afterwards, for the next client.
 * 1: all gone, 0: some is kept in unsent, -1: the connection is dead. */
static int conn_flush(struct kv_conn *conn)
{
	struct kv_server *server = conn->server;
	struct resp_out *out = &server->out;
	size_t sent = 0;
	int error = 0;

	while (sent < out->len && error == 0) {
		ssize_t n = send(conn->readable.fd, out->data + sent, out->len - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EINTR)
			error = errno;
	}
	if (error == EAGAIN && !buffer_add(server, &conn->unsent, out->data + sent, out->len - sent)) {
		server->stats.closed_memory++;
		error = ENOMEM;
	}
	out->len = 0;
	if (out->cap > KEEP_OUT)
		resp_out_free(out);
	if (error != 0 && error != EAGAIN)
		return -1;
	return conn->unsent.len == 0;
}

/* Run requests from data until it has no whole one left, or OUT_SOFT bytes of replies wait. Returns the bytes
 * used; *more: stopped before the data's end. */
static size_t run_requests(struct kv_conn *conn, uint8_t *data, size_t len, bool *more)
{
	struct kv_server *server = conn->server;
	size_t used = 0;

	*more = false;
	while (!conn->closing && used < len) {
		enum resp_status status;

		if (server->out.len >= OUT_SOFT || server->out.failed) {
			*more = true;
			break;
		}
		status = resp_parse(&conn->parser, data + used, len - used);
		if (status == RESP_MORE)
			break;
		if (status == RESP_BAD) {
			server->stats.protocol_errors++;
			resp_error(&server->out, "ERR Protocol error: %s", conn->parser.error);
			conn->closing = true;
			break;
		}
		if (conn->parser.argc > 0 &&
			!kv_command_run(server, conn->parser.args, conn->parser.argc, &server->out))
			conn->closing = true;
		used += conn->parser.pos;
		resp_next(&conn->parser);
	}
	return conn->closing ? len : used;
}

/* Run and answer what is in data (the server's scratch, or conn->in with own set); keeps the rest in
 * conn->in. The connection may be gone afterwards. */
static void conn_serve(struct kv_conn *conn, uint8_t *data, size_t len, bool own)
{
	struct kv_server *server = conn->server;
	size_t used = 0;
	bool more = true;
	int state = 1;

	server->now_ms = kv_clock_ms();
	for (int i = 0; i < FLUSHES_MAX && more && state == 1; i++) {
		used += run_requests(conn, data + used, len - used, &more);
		if (server->out.failed) { /* one reply that is over the bound, say KEYS on millions */
			server->stats.closed_memory++;
			server->out.failed = false;
			server->out.len = 0;
			conn_free(conn);
			return;
		}
		state = conn_flush(conn);
	}
	if (own) {
		conn->in.start += used;
		conn->in.len -= used;
		if (conn->in.len == 0)
			buffer_drop(server, &conn->in);
	} else if (state >= 0 && used < len && !buffer_add(server, &conn->in, data + used, len - used)) {
		server->stats.closed_memory++;
		state = -1;
	}
	if (state < 0)
		conn_free(conn);
	else if (state == 0 || more)
		conn_wait_writable(conn);
	else if (conn->closing)
		conn_linger(conn);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct kv_conn *conn = w->data;
	struct buffer *unsent = &conn->unsent;

	conn->server->now_ms = kv_clock_ms();
	if (unsent->len > 0) {
		ssize_t n = send(w->fd, unsent->data + unsent->start, unsent->len, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				conn_free(conn);
			return;
		}
		conn->progress_ms = conn->server->now_ms;
		unsent->start += (size_t)n;
		unsent->len -= (size_t)n;
		if (unsent->len > 0)
			return;
		buffer_drop(conn->server, unsent);
	}
	ev_io_stop(loop, w);
	if (conn->closing) {
		conn_linger(conn);
		return;
	}
	ev_io_start(loop, &conn->readable);
	if (conn->in.len > 0)
		conn_serve(conn, conn->in.data + conn->in.start, conn->in.len, true);
}

static void drain(struct kv_conn *conn)
{
	ssize_t n = recv(conn->readable.fd, conn->server->scratch, SCRATCH_SIZE, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_free(conn);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct kv_conn *conn = w->data;
	struct kv_server *server = conn->server;
	bool own = conn->in.len > 0;
	uint8_t *to = server->scratch;
	size_t room = SCRATCH_SIZE;
	ssize_t n;

	if (conn->lingering) {
		drain(conn);
		return;
	}
	if (own) { /* the rest of a request: behind what is there, for a long one in its full length at once
		    */
		size_t wanted = resp_wanted(&conn->parser);

		if (wanted > conn->in.len + room && conn->in.len >= wanted / 4)
			room = wanted - conn->in.len;
		if (!buffer_reserve(server, &conn->in, room)) {
			server->stats.closed_memory++;
			resp_error(&server->out, "OOM no memory left for the buffers of clients");
			conn->closing = true;
			conn_serve(conn, conn->in.data + conn->in.start, conn->in.len, true);
			return;
		}
		to = conn->in.data + conn->in.start + conn->in.len;
	}
	n = recv(w->fd, to, room, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		conn_free(conn);
		return;
	}
	if (n < 0)
		return;
	if (own) {
		conn->in.len += (size_t)n;
		conn_serve(conn, conn->in.data + conn->in.start, conn->in.len, true);
	} else {
		conn_serve(conn, to, (size_t)n, false);
	}
}

void kv_conn_open(void *ctx, int fd)
{
	static const char full[] = "-ERR max number of clients reached\r\n";
	struct kv_server *server = ctx;
	struct kv_conn *conn = NULL;
	int on = 1;

	server->stats.connections++;
	if (server->clients < server->max_clients)
		conn = calloc(1, sizeof(*conn));
	if (conn == NULL) {
		server->stats.rejected++;
		send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	conn->server = server;
	resp_parser_init(&conn->parser);
	ev_io_init(&conn->readable, on_readable, fd, EV_READ);
	ev_io_init(&conn->writable, on_writable, fd, EV_WRITE);
	conn->readable.data = conn->writable.data = conn;
	conn->next = server->conns;
	conn->link = &server->conns;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	server->conns = conn;
	server->clients++;
	if (server->iterative)
		tcp_listener_hold(&server->listener);
	ev_io_start(server->loop, &conn->readable);
}

void kv_conn_tick(struct kv_server *server)
{
	struct kv_conn *next;

	for (struct kv_conn *conn = server->conns; conn != NULL; conn = next) {
		uint64_t waited = server->now_ms - conn->progress_ms;

		next = conn->next;
		if (conn->lingering && waited >= LINGER_S * 1000) {
			conn_free(conn);
		} else if (conn->unsent.len > 0 && waited >= server->stall_timeout_s * 1000) {
			server->stats.closed_slow++;
			conn_free(conn);
		}
	}
}

void kv_conn_close_all(struct kv_server *server)
{
	while (server->conns != NULL)
		conn_free(server->conns);
}
