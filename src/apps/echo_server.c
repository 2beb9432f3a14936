/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * echo_server: sends back what it gets, over TCP and UDP (RFC 862). A TCP connection whose peer does not read
 * is not read either; a half-closed one gets the rest of its echo before it is closed.
 *
 * With --buffer it shows what a small buffer does: of a longer datagram the kernel throws the rest away, which
 * only MSG_TRUNC tells, while a stream just takes more reads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/server.h"
#include "apps/tcp_listener.h"
#include "apps/udp_listener.h"

#define SCRATCH_SIZE          65536
#define FILES_BESIDES_CLIENTS 32
#define CUTS_TOLD             1000 /* cut datagrams that get a line of their own: anybody can send them */

struct echo;

struct echo_conn {
	ev_io readable, writable;
	struct echo *echo;
	struct echo_conn *next, **link;
	uint8_t *unsent; /* owned; NULL while all has been echoed */
	size_t start, len;
};

struct echo {
	struct ev_loop *loop;
	struct tcp_listener tcp;
	struct udp_listener udp;
	struct echo_conn *conns;
	uint64_t clients, max_clients, refused;
	uint64_t datagrams, unsendable, looped, cut;
	uint64_t buffer; /* bytes for one read */
	bool truncate;   /* echo what is left of a cut datagram */
	uint8_t scratch[SCRATCH_SIZE];
};

static void conn_free(struct echo_conn *conn)
{
	ev_io_stop(conn->echo->loop, &conn->readable);
	ev_io_stop(conn->echo->loop, &conn->writable);
	close(conn->readable.fd);
	free(conn->unsent);
	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	conn->echo->clients--;
	free(conn);
}

static bool is_fatal(ssize_t n)
{
	return n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct echo_conn *conn = w->data;
	ssize_t n = send(w->fd, conn->unsent + conn->start, conn->len, MSG_NOSIGNAL);

	if (is_fatal(n)) {
		conn_free(conn);
		return;
	}
	if (n < 0)
		return;
	conn->start += (size_t)n;
	conn->len -= (size_t)n;
	if (conn->len > 0)
		return;
	free(conn->unsent);
	conn->unsent = NULL;
	ev_io_stop(loop, w);
	ev_io_start(loop, &conn->readable);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct echo_conn *conn = w->data;
	uint8_t *data = conn->echo->scratch;
	ssize_t got = recv(w->fd, data, conn->echo->buffer, 0), sent;

	if (got == 0 || is_fatal(got)) {
		conn_free(conn); /* at the end of the stream all has been echoed: we do not read otherwise */
		return;
	}
	if (got < 0)
		return;
	sent = send(w->fd, data, (size_t)got, MSG_NOSIGNAL);
	if (is_fatal(sent)) {
		conn_free(conn);
		return;
	}
	if (sent < 0)
		sent = 0;
	if (sent == got)
		return;
	conn->start = 0;
	conn->len = (size_t)(got - sent);
	conn->unsent = malloc(conn->len);
	if (conn->unsent == NULL) {
		conn_free(conn);
		return;
	}
	memcpy(conn->unsent, data + sent, conn->len);
	ev_io_stop(loop, w);
	ev_io_start(loop, &conn->writable);
}

static void on_connection(void *ctx, int fd)
{
	struct echo *echo = ctx;
	struct echo_conn *conn = echo->clients < echo->max_clients ? calloc(1, sizeof(*conn)) : NULL;

	if (conn == NULL) {
		echo->refused++;
		close(fd);
		return;
	}
	conn->echo = echo;
	ev_io_init(&conn->readable, on_readable, fd, EV_READ);
	ev_io_init(&conn->writable, on_writable, fd, EV_WRITE);
	conn->readable.data = conn->writable.data = conn;
	conn->next = echo->conns;
	conn->link = &echo->conns;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	echo->conns = conn;
	echo->clients++;
	ev_io_start(echo->loop, &conn->readable);
}

static void tell_cut(struct echo *echo, const struct udp_datagram *datagram)
{
	char text[ENDPOINT_TEXT_MAX];

	if (++echo->cut > CUTS_TOLD)
		return;
	printf("cut: %zu bytes from %s, %zu fit into the buffer, %zu are gone (MSG_TRUNC); %s\n",
		datagram->whole, endpoint_text(&datagram->from, text), datagram->len,
		datagram->whole - datagram->len, echo->truncate ? "what fitted is echoed" : "not echoed");
	fflush(stdout);
}

static void on_datagram(void *ctx, struct udp_datagram *datagram)
{
	struct echo *echo = ctx;
	uint16_t port = endpoint_port(&datagram->from);

	/* A forged source could make two echo servers (or this one alone) answer each other for ever. */
	if (port == 0 || port == endpoint_port(&echo->udp.at[0])) {
		echo->looped++;
		return;
	}
	if (datagram->whole > datagram->len) {
		tell_cut(echo, datagram);
		if (!echo->truncate)
			return;
	}
	if (udp_reply(datagram, datagram->data, datagram->len) == 0)
		echo->datagrams++;
	else
		echo->unsendable++;
}

int main(int argc, char **argv)
{
	static struct echo echo = {.max_clients = 10000, .buffer = SCRATCH_SIZE};
	const char *name = NULL;
	const struct cli_option options[] = {
		{"name", CLI_TEXT, &name, 0, 0, "NAME",
			"the server's name in its messages (the host's name)"},
		{"max-clients", CLI_NUMBER, &echo.max_clients, 1, 1000000, "N",
			"TCP connections at once (10000)"},
		{"buffer", CLI_BYTES, &echo.buffer, 1, SCRATCH_SIZE, "BYTES",
			"what one read takes (64k); a longer datagram is cut, told and not echoed"},
		{"truncate", CLI_FLAG, &echo.truncate, 0, 0, NULL,
			"echo what is left of a cut datagram, as if nobody had looked"},
	};
	const struct cli_program program = {
		.name = "echo_server",
		.args = "ADDR PORT",
		.args_min = 2,
		.args_max = 2,
		.summary = "Sends back what it gets, over TCP and UDP (RFC 862).\n"
			   "ADDR is an IPv4 or IPv6 address, or '*' for all of both; PORT 0 lets the kernel "
			   "choose.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv), rc = 1;
	const char *addr = cli_listen_addr(&program, argv[first]);
	uint16_t port = cli_port(&program, argv[first + 1], 0);
	struct server server;

	server_open(&server, program.name, name);
	server_raise_file_limit(echo.max_clients + FILES_BESIDES_CLIENTS);
	echo.loop = server.loop;
	if (tcp_listener_open(&echo.tcp, echo.loop, program.name, addr, port, on_connection, &echo) == 0) {
		port = endpoint_port(&echo.tcp.at[0]);
		if (udp_listener_open(&echo.udp, echo.loop, program.name, addr, port, on_datagram, &echo) ==
			0) {
			udp_listener_limit(&echo.udp, echo.buffer);
			server_run(&server, echo.tcp.at, echo.tcp.count);
			udp_listener_close(&echo.udp);
			rc = 0;
		}
		tcp_listener_close(&echo.tcp);
	}
	while (echo.conns != NULL)
		conn_free(echo.conns);
	if (rc == 0)
		fprintf(stderr,
			"%s %s: %llu datagrams echoed, %llu could not be sent, %llu would have looped, "
			"%llu cut, %llu connections refused\n",
			program.name, server.name, (unsigned long long)echo.datagrams,
			(unsigned long long)echo.unsendable, (unsigned long long)echo.looped,
			(unsigned long long)echo.cut, (unsigned long long)echo.refused);
	server_close(&server);
	return rc;
}
