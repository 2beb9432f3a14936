/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client sees of a failover: an ICMP echo request every millisecond, and the longest time between two answers by
 * the kernel's own clock. Says "answers" when twenty came. On SIGTERM it goes on until answers flow again (ten probes long
 * none is missing, five seconds at most), then prints JSON. Never below a millisecond: that is how often it asks.
 * Usage: bench_ping ADDRESS (IPv4); needs CAP_NET_RAW.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MS          INT64_C(1000000)
#define FLOWING     10
#define PATIENCE_NS (5000 * MS)

struct ping {
	int fd, timer;
	uint32_t address; /* network order */
	uint16_t id, seq;
	unsigned long sent, answered;
	unsigned in_a_row;     /* answers, none more than 2 ms after the one before */
	int64_t last, longest; /* ns: when the last answer came; the longest silence */
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	stopped = 1;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench_ping: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void open_all(struct ping *p)
{
	struct itimerspec every = {.it_value.tv_nsec = MS, .it_interval.tv_nsec = MS};
	struct sched_param param = {.sched_priority = 5};
	int on = 1;

	p->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->fd < 0 || setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) || p->timer < 0 ||
		timerfd_settime(p->timer, 0, &every, NULL))
		fail("socket or timer");
	p->id = (uint16_t)getpid();
	sched_setscheduler(0, SCHED_FIFO, &param);
}

static void ask(struct ping *p)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = p->address};
	struct icmphdr icmp = {.type = ICMP_ECHO, .un.echo = {htons(p->id), htons(++p->seq)}};
	uint32_t sum = (uint32_t)ICMP_ECHO << 8;

	sum += p->id + (uint32_t)p->seq;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	icmp.checksum = htons((uint16_t)~sum);
	if (sendto(p->fd, &icmp, sizeof(icmp), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(icmp))
		p->sent++;
}

static void note(struct ping *p, int64_t at)
{
	int64_t gap = p->last ? at - p->last : 0;

	if (gap > p->longest)
		p->longest = gap;
	p->in_a_row = gap > 2 * MS ? 0 : p->in_a_row + 1;
	p->last = at;
	if (++p->answered == 20) {
		printf("answers\n");
		fflush(stdout);
	}
}

static void read_answers(struct ping *p)
{
	for (;;) {
		uint8_t packet[128], control[128] __attribute__((aligned(8)));
		struct iovec bytes = {packet, sizeof(packet)};
		struct msghdr head = {NULL, 0, &bytes, 1, control, sizeof(control), 0};
		ssize_t len = recvmsg(p->fd, &head, MSG_DONTWAIT);
		struct iphdr ip;
		struct icmphdr icmp;

		if (len < 0)
			return;
		if ((size_t)len < sizeof(ip) + sizeof(icmp))
			continue;
		memcpy(&ip, packet, sizeof(ip));
		memcpy(&icmp, packet + sizeof(ip), sizeof(icmp));
		if (ip.saddr != p->address || icmp.type != ICMP_ECHOREPLY || ntohs(icmp.un.echo.id) != p->id)
			continue;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&head); c; c = CMSG_NXTHDR(&head, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
				struct timespec t;

				memcpy(&t, CMSG_DATA(c), sizeof(t));
				note(p, (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec);
			}
	}
}

int main(int argc, char **argv)
{
	struct ping p = {};
	struct sigaction stop = {.sa_handler = on_stop};
	int64_t until = INT64_MAX, end;
	uint64_t expired;

	if (argc != 2 || inet_pton(AF_INET, argv[1], &p.address) != 1) {
		fprintf(stderr, "usage: bench_ping ADDRESS\n");
		return 2;
	}
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	open_all(&p);
	while (!stopped || (p.in_a_row < FLOWING && now_ns(CLOCK_MONOTONIC) < until)) {
		struct pollfd fds[] = {{.fd = p.timer, .events = POLLIN}, {.fd = p.fd, .events = POLLIN}};

		if (stopped && until == INT64_MAX) {
			until = now_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
			p.in_a_row = 0;
		}
		poll(fds, 2, 100);
		if (read(p.timer, &expired, sizeof(expired)) == (ssize_t)sizeof(expired))
			ask(&p);
		read_answers(&p);
	}
	end = now_ns(CLOCK_REALTIME);
	if (p.last && p.in_a_row < FLOWING && end - p.last > p.longest)
		p.longest = end - p.last;
	printf("\"gap_ms\": %.3f, \"sent\": %lu, \"answered\": %lu\n", (double)p.longest / MS, p.sent,
		p.answered);
	return p.answered ? 0 : 1;
}
