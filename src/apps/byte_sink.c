/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * byte_sink: a TCP server in slow motion. Each call (bind, listen, accept, read ...) is made when the operator
 * says so, a line of standard input each, and the sockets' states and queues are shown after it. Between two
 * commands nothing runs but the kernel, and that is the point.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/sink_command.h"

#define CONNS_MAX 64
#define READ_MAX  (1 << 20)
#define QUOTE_MAX 80 /* characters of what was read that are shown */

struct sink_conn {
	int fd; /* -1: closed */
	char peer[ENDPOINT_TEXT_MAX];
};

struct sink {
	struct endpoint at;
	bool both_families, no_reuse;
	uint64_t wait_ms;
	int listener; /* -1: none */
	struct sink_conn conns[CONNS_MAX];
	size_t count, current; /* connections ever accepted; the index of the one in use */
	bool failed, misread;
	uint8_t data[READ_MAX];
};

static void fail(struct sink *sink, const char *step, int error)
{
	fflush(stdout);
	fprintf(stderr, "byte_sink: %s: %s\n", step, strerror(error));
	sink->failed = true;
}

static void refuse(struct sink *sink, const char *step, const char *why)
{
	fflush(stdout);
	fprintf(stderr, "byte_sink: %s: %s\n", step, why);
	sink->failed = true;
}

/* The connection in use, or NULL after saying that there is none. */
static struct sink_conn *current(struct sink *sink, const char *step)
{
	if (sink->count > 0 && sink->conns[sink->current].fd >= 0)
		return &sink->conns[sink->current];
	refuse(sink, step, "no connection is open; accept takes one, use N chooses among several");
	return NULL;
}

static int unread(int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCINQ, &bytes) == 0 ? bytes : 0;
}

/* The kernel's view of the socket; of a listening one unacked is the length of its queue, sacked the limit. */
static struct tcp_info info_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info;
}

static void show(const struct sink *sink)
{
	char text[ENDPOINT_TEXT_MAX];

	if (sink->listener < 0) {
		printf("  listener: none\n");
	} else {
		struct tcp_info info = info_of(sink->listener);
		struct endpoint bound = {.len = sizeof(bound.addr)};

		getsockname(sink->listener, (struct sockaddr *)&bound.addr, &bound.len);
		printf("  listener %s %s: ", endpoint_text(&bound, text), sink_state_name(info.tcpi_state));
		if (info.tcpi_state == TCP_LISTEN)
			printf("%u wait for accept, backlog %u\n", info.tcpi_unacked, info.tcpi_sacked);
		else
			printf("bound, not listening: who connects gets RST\n");
	}
	for (size_t i = 0; i < sink->count; i++) {
		struct tcp_info info;

		if (sink->conns[i].fd < 0)
			continue;
		info = info_of(sink->conns[i].fd);
		printf("  connection %zu%s from %s %s: %d bytes unread, %s\n", i + 1,
			i == sink->current ? "*" : "", sink->conns[i].peer, sink_state_name(info.tcpi_state),
			unread(sink->conns[i].fd), sink_state_words(info.tcpi_state));
	}
}

static void do_bind(struct sink *sink)
{
	int on = 1, only_v6 = !sink->both_families, error;

	if (sink->listener >= 0) {
		refuse(sink, "bind", "there is a socket already; stop closes it");
		return;
	}
	sink->listener = socket(sink->at.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sink->listener < 0) {
		fail(sink, "bind: no socket", errno);
		return;
	}
	if (!sink->no_reuse)
		setsockopt(sink->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sink->at.addr.ss_family == AF_INET6)
		setsockopt(sink->listener, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
	if (bind(sink->listener, (const struct sockaddr *)&sink->at.addr, sink->at.len) == 0) {
		printf("bind: done\n");
		return;
	}
	error = errno;
	close(sink->listener);
	sink->listener = -1;
	fail(sink, "bind", error);
}

static void do_listen(struct sink *sink, uint32_t backlog)
{
	if (sink->listener < 0)
		refuse(sink, "listen", "no socket yet; bind makes one");
	else if (listen(sink->listener, (int)backlog) != 0)
		fail(sink, "listen", errno);
	else
		printf("listen: from now on the kernel completes handshakes by itself\n");
}

/* Whether fd has something to take, after wait_ms at most. */
static void wait_readable(const struct sink *sink, int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	poll(&wait, 1, (int)sink->wait_ms);
}

static void do_accept(struct sink *sink)
{
	struct endpoint peer = {.len = sizeof(peer.addr)};
	struct sink_conn *conn;
	int fd;

	if (sink->listener < 0) {
		refuse(sink, "accept", "no socket yet; bind makes one");
		return;
	}
	if (sink->count == CONNS_MAX) {
		refuse(sink, "accept", "the table of connections is full; start the program again");
		return;
	}
	wait_readable(sink, sink->listener);
	fd = accept4(sink->listener, (struct sockaddr *)&peer.addr, &peer.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EAGAIN)
			printf("accept: nobody waits\n");
		else
			fail(sink, "accept", errno);
		return;
	}
	conn = &sink->conns[sink->count];
	conn->fd = fd;
	endpoint_text(&peer, conn->peer);
	sink->current = sink->count++;
	printf("accept: connection %zu from %s\n", sink->count, conn->peer);
}

static void do_read(struct sink *sink, uint32_t bytes)
{
	struct sink_conn *conn = current(sink, "read");
	char quoted[QUOTE_MAX];
	ssize_t n;

	if (conn == NULL)
		return;
	wait_readable(sink, conn->fd);
	n = recv(conn->fd, sink->data, bytes, 0);
	if (n > 0)
		printf("read: %zd bytes %s\n", n, sink_quote(sink->data, (size_t)n, quoted, sizeof(quoted)));
	else if (n == 0)
		printf("read: end of the stream, the peer has sent FIN\n");
	else if (errno == EAGAIN)
		printf("read: nothing there\n");
	else
		printf("read: %s%s\n", strerror(errno), errno == ECONNRESET ? ", the peer has sent RST" : "");
}

static void do_shutdown(struct sink *sink)
{
	struct sink_conn *conn = current(sink, "shutdown");

	if (conn == NULL)
		return;
	if (shutdown(conn->fd, SHUT_WR) != 0)
		fail(sink, "shutdown", errno);
	else
		printf("shutdown: the peer gets FIN, and what it sends can still be read\n");
}

static void do_close(struct sink *sink, bool reset)
{
	const struct linger hard = {.l_onoff = 1};
	struct sink_conn *conn = current(sink, reset ? "reset" : "close");
	unsigned state;
	int bytes;

	if (conn == NULL)
		return;
	bytes = unread(conn->fd);
	state = info_of(conn->fd).tcpi_state;
	if (reset)
		setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(conn->fd);
	conn->fd = -1;
	if (state == TCP_CLOSE)
		printf("%s: the connection had ended before\n", reset ? "reset" : "close");
	else if (reset)
		printf("reset: the peer gets RST\n");
	else if (bytes > 0)
		printf("close: %d bytes were unread, so the peer gets RST\n", bytes);
	else
		printf("close: the peer %s FIN, and gets RST when it sends more\n",
			state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 ? "has got" : "gets");
}

static void do_use(struct sink *sink, uint32_t number)
{
	if (number > sink->count || sink->conns[number - 1].fd < 0) {
		refuse(sink, "use", "there is no such connection");
		return;
	}
	sink->current = number - 1;
	printf("use: connection %u\n", number);
}

static void do_stop(struct sink *sink)
{
	if (sink->listener < 0) {
		refuse(sink, "stop", "there is no listening socket");
		return;
	}
	close(sink->listener);
	sink->listener = -1;
	printf("stop: the listening socket is closed; who waited for accept gets RST\n");
}

static void help(void)
{
	for (int i = SINK_NOTHING + 1; i < SINK_VERBS; i++)
		printf("  %-9s %s\n", sink_command_name((enum sink_verb)i),
			sink_command_help((enum sink_verb)i));
}

/* Run one command and show what it changed. False: the end. */
static bool run(struct sink *sink, const struct sink_command *command)
{
	switch (command->verb) {
	case SINK_BIND:
		do_bind(sink);
		break;
	case SINK_LISTEN:
		do_listen(sink, command->number);
		break;
	case SINK_ACCEPT:
		do_accept(sink);
		break;
	case SINK_READ:
		do_read(sink, command->number);
		break;
	case SINK_USE:
		do_use(sink, command->number);
		break;
	case SINK_SHUTDOWN:
		do_shutdown(sink);
		break;
	case SINK_CLOSE:
	case SINK_RESET:
		do_close(sink, command->verb == SINK_RESET);
		break;
	case SINK_STOP:
		do_stop(sink);
		break;
	case SINK_HELP:
		help();
		return true;
	case SINK_QUIT:
		return false;
	case SINK_SHOW:
		break;
	case SINK_NOTHING:
	case SINK_VERBS:
		return true;
	}
	show(sink);
	return true;
}

static void run_lines(struct sink *sink)
{
	bool prompt = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO), go_on = true;
	char *line = NULL;
	size_t cap = 0;

	while (go_on) {
		struct sink_command command;
		char error[160];

		if (prompt)
			printf("byte_sink> ");
		fflush(stdout);
		if (getline(&line, &cap, stdin) < 0)
			break;
		if (sink_command_parse(line, &command, error, sizeof(error)) == 0) {
			go_on = run(sink, &command);
		} else {
			fprintf(stderr, "byte_sink: %s\n", error);
			sink->misread = true;
		}
	}
	free(line);
}

int main(int argc, char **argv)
{
	static struct sink sink = {.listener = -1};
	const struct cli_option options[] = {
		{"wait-ms", CLI_NUMBER, &sink.wait_ms, 0, 3600000, "MS",
			"how long accept and read wait for something to take (0)"},
		{"no-reuse-address", CLI_FLAG, &sink.no_reuse, 0, 0, NULL,
			"bind without SO_REUSEADDR: ended connections of this port stand in the way"},
	};
	const struct cli_program program = {
		.name = "byte_sink",
		.args = "ADDR PORT",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"A TCP server that makes each call when told to by a line of standard input, and shows the\n"
			"states and queues of its sockets: bind, listen [BACKLOG], accept, read [BYTES], use N,\n"
			"shutdown, close, reset, stop, show, help, quit.\n"
			"ADDR is an IPv4 or IPv6 address, or '*' for all of both; PORT 0 lets the kernel choose.\n"
			"Exit 0: done, 1: a call failed, 2: a line was no command.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv);
	const char *addr = cli_listen_addr(&program, argv[first]);
	struct endpoint at[2];

	endpoint_listen(addr, cli_port(&program, argv[first + 1], 0), at);
	sink.at = at[0];
	sink.both_families = strcmp(addr, "*") == 0;
	signal(SIGPIPE, SIG_IGN);
	run_lines(&sink);
	for (size_t i = 0; i < sink.count; i++) {
		if (sink.conns[i].fd >= 0)
			close(sink.conns[i].fd);
	}
	if (sink.listener >= 0)
		close(sink.listener);
	return sink.misread ? 2 : sink.failed ? 1 : 0;
}
