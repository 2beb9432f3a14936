/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simple_nc: standard input to a TCP connection, what comes back to standard output, and in words on standard
 * error what happens to the connection: FIN, RST and time-out are different ends. After the end of its input it
 * sends FIN and goes on reading (half-closed); after the peer's FIN it goes on writing, which only a peer that
 * is half-closed too accepts.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/nc_end.h"

#define CHUNK 65536

struct nc {
	uint64_t connect_ms, ack_ms, idle_ms;
	bool keep_open, write_only;
	int fd;
	const char *peer;
	struct nc_story story;
	bool input_ended;
	uint8_t out[CHUNK]; /* from standard input, [start, start + len) not sent yet */
	size_t start, len;
	uint64_t sent, received;
};

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *fmt, ...)
{
	va_list ap;

	fputs("simple_nc: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Say how it ended; error is an errno or 0. */
static enum nc_end finish(const struct nc *nc, enum nc_end end, int error)
{
	if (end == NC_END_OTHER)
		tell("%s: %s", nc->peer, strerror(error));
	else if (!nc->story.connected)
		tell("%s: %s", nc->peer, nc_end_words(&nc->story, end));
	else
		tell("%s: %s (%llu bytes sent, %llu received)", nc->peer, nc_end_words(&nc->story, end),
			(unsigned long long)nc->sent, (unsigned long long)nc->received);
	return end;
}

static enum nc_end finish_error(const struct nc *nc, int error)
{
	return finish(nc, nc_end_of(&nc->story, error), error);
}

/* Try every address of the host; false after telling how the last one ended. */
static bool dial(
	struct nc *nc, const char *host, uint16_t port, char text[ENDPOINT_TEXT_MAX], enum nc_end *end)
{
	struct endpoint list[ENDPOINT_MAX], local = {.len = sizeof(local.addr)};
	unsigned ack_ms = (unsigned)nc->ack_ms;
	char local_text[ENDPOINT_TEXT_MAX];
	const char *why;
	int count = endpoint_resolve(host, port, SOCK_STREAM, list, &why);

	if (count < 0) {
		tell("can't resolve '%s': %s", host, why);
		*end = NC_END_OTHER;
		return false;
	}
	nc->peer = text;
	for (int i = 0; i < count; i++) {
		endpoint_text(&list[i], text);
		nc->fd = endpoint_connect(&list[i], (int)nc->connect_ms);
		if (nc->fd >= 0) {
			nc->story.connected = true;
			setsockopt(nc->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ack_ms, sizeof(ack_ms));
			getsockname(nc->fd, (struct sockaddr *)&local.addr, &local.len);
			tell("%s: connected, from %s", text, endpoint_text(&local, local_text));
			return true;
		}
		*end = finish_error(nc, -nc->fd);
	}
	return false;
}

static void send_fin(struct nc *nc)
{
	if (nc->story.fin_sent || !nc->input_ended || nc->len > 0 || nc->keep_open)
		return;
	if (shutdown(nc->fd, SHUT_WR) == 0)
		tell("%s: FIN sent, %s", nc->peer,
			nc->story.fin_received ? "which ends the connection" : "half-closed: still reading");
	nc->story.fin_sent = true;
}

static void read_input(struct nc *nc)
{
	ssize_t n = read(STDIN_FILENO, nc->out, sizeof(nc->out));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		nc->input_ended = true;
		return;
	}
	nc->start = 0;
	nc->len = (size_t)n;
}

/* 0 or -errno. */
static int send_some(struct nc *nc)
{
	ssize_t n = send(nc->fd, nc->out + nc->start, nc->len, nc->write_only ? 0 : MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	nc->start += (size_t)n;
	nc->len -= (size_t)n;
	nc->sent += (uint64_t)n;
	return 0;
}

static bool write_all(const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* 0, -errno of the socket, or -ENOSPC when standard output takes no more. */
static int receive_some(struct nc *nc)
{
	static uint8_t in[CHUNK];
	ssize_t n = recv(nc->fd, in, sizeof(in), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		nc->story.fin_received = true;
		tell("%s: FIN received after %llu bytes%s", nc->peer, (unsigned long long)nc->received,
			nc->story.fin_sent ? "" : ", our direction is still open");
		return 0;
	}
	nc->received += (uint64_t)n;
	return write_all(in, (size_t)n) ? 0 : -ENOSPC;
}

static int64_t now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* An error that the socket has and that no call has told yet, say an RST after the FIN; 0: none. */
static int socket_error(const struct nc *nc)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(nc->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* What poll() found, to the socket and from it; 0 or -errno. */
static int move(struct nc *nc, const struct pollfd ready[2])
{
	int rc = 0;

	if (ready[0].revents & POLLIN)
		rc = receive_some(nc);
	if (rc == 0 && ready[0].revents & POLLERR)
		rc = -socket_error(nc);
	if (rc == 0 && ready[0].revents & POLLOUT && nc->len > 0)
		rc = send_some(nc);
	if (rc == 0 && ready[1].revents != 0)
		read_input(nc);
	return rc;
}

static enum nc_end talk(struct nc *nc)
{
	int64_t quiet_since_ms = now_ms();

	for (;;) {
		bool take = nc->len == 0 && !nc->input_ended;
		struct pollfd wait[2] = {
			{.fd = nc->fd,
				.events = (short)((nc->story.fin_received ? 0 : POLLIN) |
						  (nc->len > 0 ? POLLOUT : 0))},
			{.fd = take ? STDIN_FILENO : -1, .events = POLLIN},
		};
		int64_t left = nc->idle_ms > 0 ? quiet_since_ms + (int64_t)nc->idle_ms - now_ms() : -1;
		int rc;

		send_fin(nc);
		if (nc->story.fin_received && (nc->story.fin_sent || (nc->input_ended && nc->len == 0)))
			return finish(nc, NC_END_FIN, 0);
		if (nc->idle_ms > 0 && left <= 0)
			return finish(nc, NC_END_QUIET, 0);
		rc = poll(wait, 2, (int)left);
		if (rc <= 0)
			continue;
		if (wait[0].revents != 0)
			quiet_since_ms = now_ms();
		rc = move(nc, wait);
		if (rc == -ENOSPC) {
			tell("standard output takes no more");
			return NC_END_OTHER;
		}
		if (rc != 0)
			return finish_error(nc, -rc);
	}
}

/* As a program that never reads: each piece of input is one write, SIGPIPE is left to kill, and a write that
 * fails otherwise does not stop it. */
static enum nc_end write_only(struct nc *nc)
{
	enum nc_end end = NC_END_FIN;

	for (read_input(nc); !nc->input_ended; read_input(nc)) {
		while (nc->len > 0) {
			struct pollfd wait = {.fd = nc->fd, .events = POLLOUT};
			int rc;

			poll(&wait, 1, -1);
			rc = send_some(nc);
			if (rc != 0) {
				end = finish_error(nc, -rc);
				nc->len = 0;
			}
		}
	}
	tell("%s: end of input, %llu bytes written; nobody looked whether they arrived", nc->peer,
		(unsigned long long)nc->sent);
	return end;
}

int main(int argc, char **argv)
{
	static struct nc nc = {.connect_ms = 5000};
	const struct cli_option options[] = {
		{"connect-ms", CLI_NUMBER, &nc.connect_ms, 1, 3600000, "MS",
			"how long to wait for the handshake with each address (5000)"},
		{"ack-ms", CLI_NUMBER, &nc.ack_ms, 0, 3600000, "MS",
			"how long what was sent may wait for its acknowledgement (0: as the kernel does)"},
		{"idle-ms", CLI_NUMBER, &nc.idle_ms, 0, 3600000, "MS",
			"end when nothing comes for so long (0: never)"},
		{"keep-open", CLI_FLAG, &nc.keep_open, 0, 0, NULL,
			"send no FIN at the end of standard input"},
		{"write-only", CLI_FLAG, &nc.write_only, 0, 0, NULL,
			"never look at what comes back, and leave SIGPIPE deadly"},
	};
	const struct cli_program program = {
		.name = "simple_nc",
		.args = "HOST PORT",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"Standard input to a TCP connection, what comes back to standard output, and how it ended on\n"
			"standard error. At the end of the input it sends FIN and goes on reading.\n"
			"Exit 0: FIN from both sides, 1: another error, 3: RST, 4: refused (RST for the SYN),\n"
			"5: time-out, 6: unreachable (ICMP or no route), 7: nothing came within --idle-ms.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv);
	uint16_t port = cli_port(&program, argv[first + 1], 1);
	char text[ENDPOINT_TEXT_MAX];
	enum nc_end end = NC_END_OTHER;

	if (!nc.write_only)
		signal(SIGPIPE, SIG_IGN);
	if (!dial(&nc, cli_host(&program, argv[first]), port, text, &end))
		return end;
	end = nc.write_only ? write_only(&nc) : talk(&nc);
	close(nc.fd);
	return end;
}
