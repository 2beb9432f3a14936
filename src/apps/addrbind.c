/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addrbind: binds a socket, shows with getsockname() what it got, and says in words why where it failed. With
 * --hold the socket lives until standard input ends or a signal comes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/bind_words.h"
#include "apps/cli.h"
#include "apps/endpoint.h"

#define WORDS_MAX 512

struct wish {
	const char *addr;
	bool udp, listen, hold, reuse_address, reuse_port, only_v6;
};

/* What the kernel documents as its defaults stands where /proc can't be read. */
static struct bind_limits read_limits(void)
{
	struct bind_limits limits = {.port_first = 32768, .port_last = 60999, .unprivileged = 1024};
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (file != NULL) {
		if (fscanf(file, "%u %u", &limits.port_first, &limits.port_last) != 2)
			limits.port_first = 32768, limits.port_last = 60999;
		fclose(file);
	}
	file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	if (file != NULL) {
		if (fscanf(file, "%u", &limits.unprivileged) != 1)
			limits.unprivileged = 1024;
		fclose(file);
	}
	return limits;
}

static struct bind_question question_of(const struct wish *wish, const struct endpoint *at)
{
	struct bind_question asked = {.transport = wish->udp ? "UDP" : "TCP", .port = endpoint_port(at)};
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)&at->addr;

	asked.addr = strcmp(wish->addr, "*") != 0     ? wish->addr
		     : at->addr.ss_family == AF_INET6 ? "::"
						      : "0.0.0.0";
	if (at->addr.ss_family == AF_INET6) {
		asked.wildcard = IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr);
		asked.link_local = IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr);
		asked.both_families = asked.wildcard && !wish->only_v6;
	} else {
		asked.wildcard =
			((const struct sockaddr_in *)&at->addr)->sin_addr.s_addr == htonl(INADDR_ANY);
	}
	return asked;
}

/* A bound socket with its address in bound, or -errno. */
static int bind_one(const struct wish *wish, const struct endpoint *at, struct endpoint *bound)
{
	int fd = socket(at->addr.ss_family, (wish->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int on = 1, only_v6 = wish->only_v6, saved;

	if (fd < 0)
		return -errno;
	bound->len = sizeof(bound->addr);
	if ((!wish->reuse_address || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0) &&
		(!wish->reuse_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
		(at->addr.ss_family != AF_INET6 ||
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6)) == 0) &&
		bind(fd, (const struct sockaddr *)&at->addr, at->len) == 0 &&
		(!wish->listen || listen(fd, SOMAXCONN) == 0) &&
		getsockname(fd, (struct sockaddr *)&bound->addr, &bound->len) == 0)
		return fd;
	saved = errno;
	close(fd);
	return -saved;
}

/* Binds and tells; the socket with its address in bound, or -1 after an error. */
static int bind_and_tell(
	const char *program, const struct wish *wish, const struct endpoint *at, struct endpoint *bound)
{
	struct bind_question asked = question_of(wish, at);
	struct bind_limits limits = read_limits();
	char words[WORDS_MAX], text[ENDPOINT_TEXT_MAX];
	int fd = bind_one(wish, at, bound);

	if (fd < 0) {
		bind_words_failure(&asked, &limits, -fd, words, sizeof(words));
		fprintf(stderr, "%s: can't bind %s %s: %s\n", program, asked.transport,
			endpoint_text(at, text), words);
		return -1;
	}
	bind_words_choice(&asked, &limits, endpoint_port(bound), words, sizeof(words));
	printf("bound %s %s%s\n%s", asked.transport, endpoint_text(bound, text),
		wish->listen ? ", listening" : "", words);
	return fd;
}

static void on_signal(int number) {}

/* Until standard input ends or a signal comes. A service is given /dev/null, which is at its end from the
 * start: then only a signal counts. */
static void hold(void)
{
	const struct sigaction end = {.sa_handler = on_signal};
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	struct stat is;
	sigset_t signals, none;
	char unused[256];

	if (fstat(STDIN_FILENO, &is) == 0 && S_ISCHR(is.st_mode) && !isatty(STDIN_FILENO))
		in.fd = -1;
	sigemptyset(&none);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* let in by ppoll() only, so that none is missed */
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	printf("holding it until standard input ends or SIGTERM\n");
	fflush(stdout);
	while (ppoll(&in, 1, NULL, &none) >= 0 && read(STDIN_FILENO, unused, sizeof(unused)) > 0)
		;
}

int main(int argc, char **argv)
{
	struct wish wish = {.udp = false};
	const struct cli_option options[] = {
		{"udp", CLI_FLAG, &wish.udp, 0, 0, NULL, "a UDP socket, not TCP"},
		{"listen", CLI_FLAG, &wish.listen, 0, 0, NULL, "TCP: listen as well"},
		{"hold", CLI_FLAG, &wish.hold, 0, 0, NULL,
			"keep the socket until standard input ends or SIGTERM comes"},
		{"reuse-address", CLI_FLAG, &wish.reuse_address, 0, 0, NULL, "set SO_REUSEADDR"},
		{"reuse-port", CLI_FLAG, &wish.reuse_port, 0, 0, NULL, "set SO_REUSEPORT"},
		{"only-v6", CLI_FLAG, &wish.only_v6, 0, 0, NULL, "set IPV6_V6ONLY: '::' does not take IPv4"},
	};
	const struct cli_program program = {
		.name = "addrbind",
		.args = "ADDR PORT",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"Binds a socket and shows what the kernel made of it, or why it refused.\n"
			"ADDR is an IPv4 or IPv6 address, or '*' for all of both (two sockets); PORT 0 lets "
			"the kernel choose.\n"
			"Exit 0: bound, 1: refused.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv), fds[2] = {-1, -1}, rc = 0, count;
	struct endpoint at[2], bound[2];

	wish.addr = cli_listen_addr(&program, argv[first]);
	if (wish.udp && wish.listen)
		cli_fail(&program, "--listen is for TCP, UDP has no connections to wait for");
	if (strcmp(wish.addr, "*") == 0)
		wish.only_v6 = true; /* else the first socket would have taken the second's port */
	count = endpoint_listen(wish.addr, cli_port(&program, argv[first + 1], 0), at);
	for (int i = 0; i < count && rc == 0; i++) {
		if (i > 0)
			endpoint_set_port(&at[i], endpoint_port(&bound[0]));
		fds[i] = bind_and_tell(program.name, &wish, &at[i], &bound[i]);
		rc = fds[i] < 0;
	}
	if (rc == 0 && wish.hold)
		hold();
	for (int i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return rc;
}
