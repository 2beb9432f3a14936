/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hello_server: shows what a socket of each type hands to its reader. One client at a time, on purpose: a stream is
 * read when the client has finished, so that all it sent is there and what a read gets is no matter of luck. For
 * raw sockets it only shows what passes: the kernel answers an ICMP echo request by itself.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/hello_socket.h"
#include "apps/hello_words.h"
#include "common/icmp_echo.h"

#define PATIENCE_MS   5000 /* with a client that neither finishes nor goes */
#define ICMP6_REQUEST 128  /* RFC 4443 */
#define PACKET_MAX    65536

struct hello {
	const struct cli_program *program;
	int type;
	int stop; /* a signalfd: readable when it is time to end */
	uint64_t buffer_size;
	char *buffer; /* owned; of that size */
	struct hello_name name;
};

/* Wait until one of the events is there: 1; 0 after PATIENCE_MS (forever: never); -1 when it is time to end. */
static int wait_for(const struct hello *h, int fd, short events, bool forever)
{
	struct pollfd set[] = {{.fd = fd, .events = events}, {.fd = h->stop, .events = POLLIN}};
	int64_t deadline = hello_now_ms() + PATIENCE_MS, left = PATIENCE_MS;

	while (forever || left > 0) {
		int rc = poll(set, 2, forever ? -1 : (int)left);

		if (set[1].revents)
			return -1;
		if (rc > 0 && set[0].revents)
			return 1;
		left = deadline - hello_now_ms();
	}
	return 0;
}

static int fail(const struct hello *h, const char *what, int error)
{
	char text[HELLO_NAME_MAX];

	fprintf(stderr, "%s: %s %s: %s\n", h->program->name, what, hello_name_text(&h->name, text),
		strerror(error));
	return 1;
}

/* ---- stream and seqpacket ---- */

static void show_client(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	struct hello_name from = {};
	char text[HELLO_NAME_MAX];

	from.len = sizeof(from.addr);
	if (getpeername(fd, (struct sockaddr *)&from.addr, &from.len) < 0)
		from.len = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		who = (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	printf("client: %s; SO_PEERCRED: pid %d, uid %d, gid %d\n", hello_name_text(&from, text),
		(int)who.pid, (int)who.uid, (int)who.gid);
}

static void read_all(struct hello *h, int fd)
{
	char answer[HELLO_LINE_MAX];
	size_t reads = 0;

	for (;;) {
		/* MSG_TRUNC: what a message was long, not what of it had room. A stream has no messages. */
		ssize_t n = recv(fd, h->buffer, h->buffer_size,
			MSG_DONTWAIT | (h->type == SOCK_SEQPACKET ? MSG_TRUNC : 0));
		size_t got = n > 0 && (size_t)n > h->buffer_size ? h->buffer_size : (size_t)n, len;

		if (n <= 0) {
			printf("%s\n", n == 0 ? "end: the client has finished" : strerror(errno));
			return;
		}
		len = hello_answer(++reads, got, (size_t)n, h->buffer, answer);
		fputs(answer, stdout);
		if (send(fd, answer, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len) {
			printf("the client does not read: %s\n", strerror(errno));
			return;
		}
	}
}

/* Returns false when it is time to end. */
static bool serve(struct hello *h, int fd)
{
	char begin[sizeof(HELLO_LEAVE)] = "";
	int rc = wait_for(h, fd, POLLIN | POLLRDHUP, false);

	show_client(fd);
	if (rc > 0 && recv(fd, begin, sizeof(begin) - 1, MSG_PEEK | MSG_DONTWAIT) > 0 &&
		strcmp(begin, HELLO_LEAVE) == 0) {
		printf("asked to leave: closing without reading that\n");
		return true;
	}
	if (rc > 0)
		rc = wait_for(h, fd, POLLRDHUP, false);
	if (rc == 0)
		printf("the client did not finish within %d s: reading what is there\n", PATIENCE_MS / 1000);
	if (rc >= 0)
		read_all(h, fd);
	return rc >= 0;
}

static int serve_connections(struct hello *h, int listener)
{
	while (wait_for(h, listener, POLLIN, true) > 0) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		bool go_on = true;

		if (fd >= 0) {
			go_on = serve(h, fd);
			close(fd);
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return fail(h, "can't accept on", errno);
		}
		fflush(stdout);
		if (!go_on)
			break;
	}
	return 0;
}

/* ---- datagram ---- */

static void show_sender(const struct hello_name *from, struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct ucred who = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	char text[HELLO_NAME_MAX];

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
		memcpy(&who, CMSG_DATA(c), sizeof(who));
	printf("from %s; SCM_CREDENTIALS: pid %d, uid %d, gid %d\n", hello_name_text(from, text),
		(int)who.pid, (int)who.uid, (int)who.gid);
}

/* The socket is closed, the name stays: whoever sends there now is refused. */
static void leave(int *fd, const struct hello_name *client)
{
	static const char gone[] = "gone\n";
	int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	printf("asked to leave: closing; a datagram socket that is gone leaves no sign but its name\n");
	close(*fd);
	*fd = -1;
	if (other >= 0) {
		sendto(other, gone, strlen(gone), MSG_NOSIGNAL | MSG_DONTWAIT,
			(const struct sockaddr *)&client->addr, client->len);
		close(other);
	}
}

static int serve_datagrams(struct hello *h, int *fd)
{
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	const int on = 1;
	size_t reads = 0;

	if (setsockopt(*fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
		setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return fail(h, "can't set up", errno);
	while (*fd >= 0 && wait_for(h, *fd, POLLIN, true) > 0) {
		union {
			char bytes[CMSG_SPACE(sizeof(struct ucred))];
			struct cmsghdr align;
		} control;
		struct hello_name from = {};
		struct iovec iov = {.iov_base = h->buffer, .iov_len = h->buffer_size};
		struct msghdr msg = {.msg_name = &from.addr,
			.msg_namelen = sizeof(from.addr),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(*fd, &msg, MSG_TRUNC | MSG_DONTWAIT);
		size_t got = n > 0 && (size_t)n > h->buffer_size ? h->buffer_size : (size_t)n, len;
		char answer[HELLO_LINE_MAX];

		if (n < 0)
			continue;
		from.len = msg.msg_namelen;
		show_sender(&from, &msg);
		len = hello_answer(++reads, got, (size_t)n, h->buffer, answer);
		fputs(answer, stdout);
		if (from.len <= sizeof(sa_family_t))
			printf("no answer: the sender has no name\n");
		else if ((size_t)n == strlen(HELLO_LEAVE) && memcmp(h->buffer, HELLO_LEAVE, got) == 0)
			leave(fd, &from);
		else if (sendto(*fd, answer, len, MSG_NOSIGNAL, (const struct sockaddr *)&from.addr,
				 from.len) < 0)
			printf("no answer: %s\n", strerror(errno));
		fflush(stdout);
	}
	return 0;
}

/* ---- AF_UNIX: the name ---- */

/* Bind; a path whose server is dead is taken over, one whose server lives is not. 0 or an errno. */
static int bind_name(const struct hello *h, int fd)
{
	const struct sockaddr *addr = (const struct sockaddr *)&h->name.addr;
	int other, refused;

	if (bind(fd, addr, h->name.len) == 0)
		return 0;
	if (errno != EADDRINUSE || h->name.addr.sun_path[0] == '\0')
		return errno;
	other = socket(AF_UNIX, h->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	refused = other >= 0 && connect(other, addr, h->name.len) < 0 && errno == ECONNREFUSED;
	if (other >= 0)
		close(other);
	if (!refused)
		return EADDRINUSE;
	printf("the name was left behind by a server that is gone: taken over\n");
	unlink(h->name.addr.sun_path);
	return bind(fd, addr, h->name.len) < 0 ? errno : 0;
}

static int serve_unix(struct hello *h, const char *type)
{
	int fd = socket(AF_UNIX, h->type | SOCK_CLOEXEC, 0), rc;
	char text[HELLO_NAME_MAX];

	if (fd < 0)
		return fail(h, "can't make a socket for", errno);
	rc = bind_name(h, fd);
	if (rc != 0) {
		close(fd);
		return fail(h, "can't bind", rc);
	}
	if (h->type != SOCK_DGRAM && listen(fd, 8) < 0)
		rc = fail(h, "can't listen on", errno);
	printf("%s %s: listening on %s\n", h->program->name, type, hello_name_text(&h->name, text));
	fflush(stdout);
	if (rc == 0)
		rc = h->type == SOCK_DGRAM ? serve_datagrams(h, &fd) : serve_connections(h, fd);
	if (fd < 0) /* left: the name stays, as after a crash */
		return rc;
	close(fd);
	if (h->name.addr.sun_path[0] != '\0')
		unlink(h->name.addr.sun_path);
	return rc;
}

/* ---- raw ---- */

static void show_packet(int fd, int family)
{
	static uint8_t packet[PACKET_MAX];
	struct endpoint from = {.len = sizeof(from.addr)};
	ssize_t n =
		recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from.addr, &from.len);
	char text[HELLO_NAME_MAX];
	struct icmp_echo echo;

	if (n < 0)
		return;
	hello_address_text(&from, text);
	if (!icmp_echo_parse(family, ICMP_ECHO_REQUEST, family == AF_INET, packet, (size_t)n, &echo))
		printf("from %s: %zd bytes, another message than an echo request of hello_client\n", text, n);
	else
		printf("from %s: %zd bytes, %d of them the IP header: echo request %u; the kernel answers, this is a copy\n",
			text, n, family == AF_INET ? (packet[0] & 0xf) * 4 : 0, echo.sequence);
	fflush(stdout);
}

static int serve_raw(struct hello *h, const char *where)
{
	const char *addr = cli_listen_addr(h->program, where);
	struct endpoint at[2];
	int fds[2] = {-1, -1}, count = endpoint_listen(addr, 0, at), rc = 0;

	for (int i = 0; rc == 0 && i < count; i++) {
		fds[i] = hello_raw_open(at[i].addr.ss_family, ICMP6_REQUEST);
		if (fds[i] < 0 || bind(fds[i], (const struct sockaddr *)&at[i].addr, at[i].len) < 0)
			rc = fds[i] < 0 ? -fds[i] : errno;
	}
	if (rc != 0)
		fprintf(stderr, "%s: can't hear ICMP on %s: %s%s\n", h->program->name, where, strerror(rc),
			rc == EPERM ? " (raw sockets take CAP_NET_RAW)" : "");
	else
		printf("%s raw: listening on %s\n", h->program->name, where);
	fflush(stdout);
	while (rc == 0) {
		struct pollfd set[] = {{.fd = h->stop, .events = POLLIN}, {.fd = fds[0], .events = POLLIN},
			{.fd = fds[1], .events = POLLIN}};

		if (poll(set, 3, -1) < 0 || set[0].revents)
			break;
		for (int i = 0; i < count; i++)
			if (set[i + 1].revents)
				show_packet(fds[i], at[i].addr.ss_family);
	}
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return rc != 0;
}

int main(int argc, char **argv)
{
	struct hello hello = {.buffer_size = HELLO_SHOWN_MAX};
	const struct cli_option options[] = {
		{"buffer", CLI_NUMBER, &hello.buffer_size, 1, HELLO_SHOWN_MAX, "BYTES",
			"room for one read: a stream is cut by it, a message truncated (1024)"},
	};
	const struct cli_program program = {
		.name = "hello_server",
		.args = "TYPE WHERE",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"Shows what a socket hands to its reader: message boundaries, order, who sent it.\n"
			"TYPE is stream, datagram or seqpacket, with WHERE a path or @NAME (AF_UNIX),\n"
			"or raw, with WHERE an address or '*': the ICMP echo requests that come there.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv), rc;
	sigset_t signals;

	hello.program = &program;
	hello.type = hello_type(&program, argv[first]);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	hello.stop = signalfd(-1, &signals, SFD_CLOEXEC);
	hello.buffer = malloc(hello.buffer_size);
	if (hello.stop < 0 || hello.buffer == NULL) {
		fprintf(stderr, "%s: can't begin: %s\n", program.name, strerror(errno));
		return 1;
	}
	if (hello.type == SOCK_RAW) {
		rc = serve_raw(&hello, argv[first + 1]);
	} else {
		hello.name = hello_name_read(&program, argv[first + 1]);
		rc = serve_unix(&hello, argv[first]);
	}
	free(hello.buffer);
	close(hello.stop);
	return rc;
}
