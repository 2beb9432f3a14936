/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hello_client: sends a burst of messages over a socket of each type and tells from hello_server's answers what the
 * type keeps of them: their boundaries, their order, all of them, and who sent them. With --gone it shows what a
 * sender learns when its reader has closed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/hello_ping.h"
#include "apps/hello_socket.h"
#include "apps/hello_words.h"

struct client {
	const struct cli_program *program;
	int type, fd;
	uint64_t count, timeout_ms;
	bool anonymous, gone;
	struct hello_name server;
	struct hello_tally tally;
	char line[HELLO_LINE_MAX]; /* of an answer that has not come whole */
	size_t len;
};

static int fail(const struct client *c, const char *what)
{
	int error = errno;
	char text[HELLO_NAME_MAX];

	fprintf(stderr, "%s: can't %s %s: %s%s\n", c->program->name, what, hello_name_text(&c->server, text),
		error == EAGAIN ? "the server does not read" : strerror(error),
		error == EPROTOTYPE                  ? " (a server of another TYPE)"
		: error == ENOENT                    ? " (no such path)"
		: error != ECONNREFUSED              ? ""
		: c->server.addr.sun_path[0] == '\0' ? " (nobody has that name)"
						     : " (the name is there, its server is gone)");
	return -error;
}

/* True when it can be read, or its other end has closed, before the deadline. */
static bool wait_until(const struct client *c, short events, int64_t deadline)
{
	struct pollfd wait = {.fd = c->fd, .events = events};
	int64_t left;

	while ((left = deadline - hello_now_ms()) > 0)
		if (poll(&wait, 1, (int)left) > 0)
			return true;
	return false;
}

static int64_t deadline_of(const struct client *c)
{
	return hello_now_ms() + (int64_t)c->timeout_ms;
}

static int open_client(struct client *c)
{
	const struct timeval timeout = {.tv_sec = (time_t)(c->timeout_ms / 1000),
		.tv_usec = (suseconds_t)(c->timeout_ms % 1000 * 1000)};
	const sa_family_t family = AF_UNIX;

	c->fd = socket(AF_UNIX, c->type | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return fail(c, "make a socket for");
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (c->type == SOCK_DGRAM) {
		/* To bind to nothing gives it an abstract name, and who answers somewhere to send to. */
		if (!c->anonymous && bind(c->fd, (const struct sockaddr *)&family, sizeof(family)) < 0)
			return fail(c, "get a name to be answered by");
		return 0;
	}
	if (connect(c->fd, (const struct sockaddr *)&c->server.addr, c->server.len) < 0)
		return fail(c, "connect to");
	return 0;
}

static ssize_t send_one(const struct client *c, const char *bytes, size_t len, int flags)
{
	bool connected = c->type != SOCK_DGRAM;

	return sendto(c->fd, bytes, len, flags | MSG_NOSIGNAL,
		connected ? NULL : (const struct sockaddr *)&c->server.addr, connected ? 0 : c->server.len);
}

/* ---- answers ---- */

static void take(struct client *c, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n' && c->len < sizeof(c->line) - 1) {
			c->line[c->len++] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
			continue;
		}
		c->line[c->len] = '\0';
		c->len = 0;
		printf("server: %s\n", c->line);
		hello_tally_line(&c->tally, c->line);
	}
}

/* What is there: how many bytes, 0 at the end, -errno (-EAGAIN: nothing now). */
static ssize_t take_some(struct client *c)
{
	char bytes[4 * HELLO_LINE_MAX];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		take(c, bytes, (size_t)n);
	return n < 0 ? -errno : n;
}

/* ---- the burst ---- */

static int burst_connected(struct client *c)
{
	int64_t deadline;
	ssize_t n;

	for (size_t i = 1; i <= c->count; i++) {
		char text[HELLO_MESSAGE_MAX];
		size_t len = hello_message(i, text);

		if (send_one(c, text, len, 0) != (ssize_t)len)
			return fail(c, "send to");
	}
	shutdown(c->fd, SHUT_WR);
	deadline = deadline_of(c);
	while (wait_until(c, POLLIN, deadline)) {
		n = take_some(c);
		if (n == 0)
			return 0;
		if (n < 0 && n != -EAGAIN) {
			errno = (int)-n;
			return fail(c, "read the answers of");
		}
	}
	errno = ETIMEDOUT;
	return fail(c, "get all answers of");
}

/* The next one: 1, 0 when the server has no room for it now, -errno. */
static int send_datagram(struct client *c, size_t number)
{
	char text[HELLO_MESSAGE_MAX];
	size_t len = hello_message(number, text);

	if (send_one(c, text, len, c->anonymous ? 0 : MSG_DONTWAIT) == (ssize_t)len)
		return 1;
	return errno == EAGAIN && !c->anonymous ? 0 : fail(c, "send to");
}

/*
 * It reads while it sends: both ends have room for few datagrams only, and would wait for each other. An answer is waited
 * for only while one is to come: a server that had no room a moment ago may have answered everything since.
 */
static int burst_datagrams(struct client *c)
{
	int64_t deadline = deadline_of(c);
	size_t sent = 0;

	while (sent < c->count || (!c->anonymous && c->tally.reads < c->count && !c->tally.strange)) {
		int rc = sent < c->count ? send_datagram(c, sent + 1) : 0;

		if (rc < 0)
			return rc;
		sent += (size_t)rc;
		while (take_some(c) > 0)
			;
		if (c->anonymous || c->tally.reads == c->count || (rc > 0 && sent < c->count))
			continue;
		/* Nothing to come: somebody else's datagrams fill its queue, and nothing tells when there is room. */
		if (c->tally.reads >= sent)
			wait_until(c, POLLIN, hello_now_ms() + 1);
		else
			wait_until(c, POLLIN, deadline);
		if (hello_now_ms() >= deadline) {
			errno = ETIMEDOUT;
			return fail(c, "get all answers of");
		}
	}
	return 0;
}

static void show_server(const struct client *c)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (c->type != SOCK_DGRAM && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		printf("server's SO_PEERCRED: pid %d, uid %d, gid %d\n", (int)who.pid, (int)who.uid,
			(int)who.gid);
}

/* The exit status: 0 when nothing is missing, 1 else. */
static int judge(const struct client *c, const char *type)
{
	const struct hello_tally *t = &c->tally;
	char text[HELLO_NAME_MAX];
	size_t bytes = 0;

	if (c->anonymous) {
		printf("%s: %zu messages sent without a name: nobody can answer\n", type, (size_t)c->count);
		return 0;
	}
	for (size_t i = 1; i <= c->count; i++)
		bytes += hello_message(i, text);
	printf("%s: boundaries %s: messages %zu, reads %zu\n", type,
		t->lost == 0 && t->exact == c->count && t->reads == c->count ? "kept"
		: t->lost > 0 && t->reads == c->count                        ? "kept, messages truncated"
									     : "not kept",
		(size_t)c->count, t->reads);
	printf("%s: order %s; %zu of %zu bytes read, %zu cut off, %zu missing\n", type,
		t->order ? "kept" : "not kept", t->got, bytes, t->lost,
		t->got + t->lost > bytes ? 0 : bytes - t->got - t->lost);
	return t->order && !t->strange && t->got + t->lost == bytes ? 0 : 1;
}

/* ---- the reader is gone ---- */

static int after_gone(struct client *c, const char *type)
{
	static const char more[] = "anybody there?";
	ssize_t n;

	if (send_one(c, HELLO_LEAVE, strlen(HELLO_LEAVE), 0) < 0)
		return fail(c, "send to");
	if (!wait_until(c, c->type == SOCK_DGRAM ? POLLIN : 0, deadline_of(c))) {
		errno = ETIMEDOUT;
		return fail(c, "see a server go at");
	}
	n = take_some(c);
	if (c->type != SOCK_DGRAM)
		printf("%s: the reader closed; recv: %s\n", type,
			n == 0             ? "end of file"
			: n == -ECONNRESET ? "ECONNRESET: it has not read what was sent"
					   : strerror((int)-n));
	n = send_one(c, more, strlen(more), 0);
	printf("%s: send: %s\n", type,
		n >= 0           ? "done; somebody took the name"
		: errno == EPIPE ? "EPIPE, and without MSG_NOSIGNAL the signal SIGPIPE, which ends a program"
		: errno == ECONNREFUSED ? "ECONNREFUSED: the name is there, its socket is not"
					: strerror(errno));
	return n < 0 ? 0 : 1;
}

static int talk(struct client *c, const char *type)
{
	int rc = open_client(c);

	if (rc == 0 && c->gone) {
		rc = after_gone(c, type);
	} else if (rc == 0) {
		show_server(c);
		hello_tally_init(&c->tally);
		rc = c->type == SOCK_DGRAM ? burst_datagrams(c) : burst_connected(c);
		if (rc == 0)
			rc = judge(c, type);
	}
	if (c->fd >= 0)
		close(c->fd);
	return rc == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct client client = {.count = 3, .timeout_ms = 2000};
	const struct cli_option options[] = {
		{"count", CLI_NUMBER, &client.count, 1, HELLO_COUNT_MAX, "N", "messages of the burst (3)"},
		{"timeout-ms", CLI_NUMBER, &client.timeout_ms, 1, 60000, "MS", "for all answers (2000)"},
		{"anonymous", CLI_FLAG, &client.anonymous, 0, 0, NULL,
			"datagram: without a name of its own, so that no answer can come"},
		{"gone", CLI_FLAG, &client.gone, 0, 0, NULL,
			"ask the server to close without reading, then send again"},
	};
	const struct cli_program program = {
		.name = "hello_client",
		.args = "TYPE WHERE",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"Sends a burst of messages and tells what became of their boundaries and order.\n"
			"TYPE is stream, datagram or seqpacket, with WHERE the path or @NAME of a hello_server,\n"
			"or raw, with WHERE a host: ICMP echo requests, which the kernel there answers.\n"
			"Exit 0: all of it came, 1: not, or nobody was there.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv);
	const char *type = argv[first], *where = argv[first + 1];

	client.program = &program;
	client.type = hello_type(&program, type);
	if (client.anonymous && (client.type != SOCK_DGRAM || client.gone))
		cli_fail(&program, "--anonymous is for a burst of datagrams");
	if (client.type == SOCK_RAW) {
		if (client.gone)
			cli_fail(&program,
				"--gone: a raw packet has no reader whose end its sender could see");
		return hello_ping(&program, where, client.count, client.timeout_ms);
	}
	client.server = hello_name_read(&program, where);
	return talk(&client, type);
}
