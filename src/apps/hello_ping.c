/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP echo by hand; see hello_ping.h. */
#include "apps/hello_ping.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/hello_socket.h"
#include "apps/hello_words.h"
#include "common/icmp_echo.h"

#define ICMP6_REPLY 129 /* RFC 4443 */

struct ping {
	int fd, family;
	uint16_t ident;
	uint8_t cookie[ICMP_ECHO_COOKIE];
	bool seen[HELLO_COUNT_MAX + 1]; /* by sequence, 1.. */
	unsigned answered, twice, others, last;
	bool order;
};

static int send_all(struct ping *p, const struct endpoint *to, unsigned count)
{
	struct icmp_echo echo = {.ident = p->ident};
	uint8_t packet[ICMP_ECHO_LEN];

	memcpy(echo.cookie, p->cookie, sizeof(p->cookie));
	for (unsigned i = 1; i <= count; i++) {
		echo.sequence = (uint16_t)i;
		icmp_echo_build(p->family, &echo, packet);
		if (sendto(p->fd, packet, sizeof(packet), 0, (const struct sockaddr *)&to->addr, to->len) < 0)
			return -errno;
	}
	return 0;
}

static void receive(struct ping *p, unsigned count)
{
	struct endpoint from = {.len = sizeof(from.addr)};
	uint8_t packet[2048];
	ssize_t n = recvfrom(p->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from.addr, &from.len);
	char text[HELLO_NAME_MAX];
	struct icmp_echo echo;

	if (n < 0)
		return;
	/* A raw socket gets a copy of every such packet of the machine, whoever asked for it. */
	if (!icmp_echo_parse(p->family, ICMP_ECHO_REPLY, p->family == AF_INET, packet, (size_t)n, &echo) ||
		echo.ident != p->ident || memcmp(echo.cookie, p->cookie, sizeof(p->cookie)) != 0 ||
		echo.sequence == 0 || echo.sequence > count) {
		p->others++;
		return;
	}
	printf("reply %u from %s: %zd bytes, %d of them the IP header\n", echo.sequence,
		hello_address_text(&from, text), n, p->family == AF_INET ? (packet[0] & 0xf) * 4 : 0);
	if (p->seen[echo.sequence])
		p->twice++;
	else
		p->answered++;
	p->seen[echo.sequence] = true;
	p->order &= echo.sequence > p->last;
	p->last = echo.sequence;
}

static void receive_all(struct ping *p, unsigned count, uint64_t timeout_ms)
{
	int64_t deadline = hello_now_ms() + (int64_t)timeout_ms, left;

	while (p->answered < count && (left = deadline - hello_now_ms()) > 0) {
		struct pollfd wait = {.fd = p->fd, .events = POLLIN};

		if (poll(&wait, 1, (int)left) > 0)
			receive(p, count);
	}
}

int hello_ping(const struct cli_program *program, const char *host, uint64_t count, uint64_t timeout_ms)
{
	struct ping p = {.order = true};
	struct endpoint list[ENDPOINT_MAX];
	char text[HELLO_NAME_MAX];
	const char *why;
	int rc;

	if (endpoint_resolve(cli_host(program, host), 0, SOCK_DGRAM, list, &why) < 0) {
		fprintf(stderr, "%s: can't resolve '%s': %s\n", program->name, host, why);
		return 1;
	}
	p.family = list[0].addr.ss_family;
	p.fd = hello_raw_open(p.family, ICMP6_REPLY);
	if (p.fd < 0) {
		fprintf(stderr, "%s: can't make a raw socket: %s%s\n", program->name, strerror(-p.fd),
			p.fd == -EPERM ? " (it takes CAP_NET_RAW)" : "");
		return 1;
	}
	rc = getrandom(&p.ident, sizeof(p.ident), 0) < 0 || getrandom(p.cookie, sizeof(p.cookie), 0) < 0
		     ? -errno
		     : 0;
	if (rc == 0)
		rc = send_all(&p, &list[0], (unsigned)count);
	if (rc < 0) {
		fprintf(stderr, "%s: can't send to %s: %s\n", program->name,
			hello_address_text(&list[0], text), strerror(-rc));
		close(p.fd);
		return 1;
	}
	receive_all(&p, (unsigned)count, timeout_ms);
	close(p.fd);
	printf("raw %s: %u sent, %u answered, %u twice; order %s; %u packets of others came along\n",
		hello_address_text(&list[0], text), (unsigned)count, p.answered, p.twice,
		p.order ? "kept" : "not kept", p.others);
	if (p.answered == 0)
		printf("no reader, no sign: nobody says that a raw packet was not read\n");
	return p.answered == count ? 0 : 1;
}
