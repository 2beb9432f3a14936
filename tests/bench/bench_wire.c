/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adverts (IPv4) and gratuitous ARP as they pass one port of a switch, with the kernel's own times. Knows no speaker: who is
 * who is told by the source address. Owns nothing but the state of the port that `loss` closes; the caller opens it again.
 *
 *   bench_wire steady PORT ACTIVE OTHER VRIDS TIMEOUT_MS
 *       returns when on that many VRIDs two adverts of ACTIVE came in a row, none of OTHER between
 *   bench_wire loss PORT ACTIVE OTHER TIMEOUT_MS PORT_OF_ACTIVE
 *       closes ACTIVE's port right after an advert (a bridge's port state: carrier stays, nobody notices), then waits for
 *       the other one's first advert and gratuitous ARP; prints JSON
 *   bench_wire count PORT ACTIVE OTHER
 *       until SIGTERM: how many adverts, how often and when OTHER took over, the longest pause of ACTIVE; prints JSON
 *
 * PORT is the one that OTHER is behind: of ACTIVE only what the switch let through is seen there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS           INT64_C(1000000)
#define BUFFER_BYTES (8 << 20)
#define ARP_WAIT_MS  1000 /* after the first advert; then there is none */
#define KEPT         100  /* times of takeovers */
#define VRRP_IPPROTO 112

struct seen {
	int64_t at;    /* ns, wall clock */
	bool advert;   /* else a gratuitous ARP */
	uint32_t from; /* advert: source address, network order */
	uint8_t vrid;
	bool outgoing; /* towards the node behind the port */
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	stopped = 1;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench_wire: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static int open_capture(const char *port)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(port)};
	struct sched_param param = {.sched_priority = 5};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1, bytes = BUFFER_BYTES;

	if (!at.sll_ifindex || fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)))
		fail(port);
	sched_setscheduler(0, SCHED_FIFO, &param); /* a busy machine must not lose what is counted */
	return fd;
}

/* Is the frame one of ours? */
static bool dissect(const uint8_t *frame, size_t len, struct seen *seen)
{
	static const uint8_t ipv4[] = {0x08, 0x00}, arp[] = {0x08, 0x06};
	size_t head;

	if (len >= 42 && memcmp(frame + 12, arp, 2) == 0) {
		seen->advert = false;
		return memcmp(frame + 28, frame + 38, 4) == 0;
	}
	if (len < 14 + 20 + 8 || memcmp(frame + 12, ipv4, 2) != 0 || frame[23] != VRRP_IPPROTO)
		return false;
	head = (size_t)(frame[14] & 15) * 4;
	if (len < 14 + head + 8)
		return false;
	seen->advert = true;
	memcpy(&seen->from, frame + 26, 4);
	seen->vrid = frame[14 + head + 1];
	return true;
}

/* The next advert or gratuitous ARP; false at the deadline (monotonic) or when stopped. */
static bool next(int fd, int64_t deadline, struct seen *seen)
{
	for (;;) {
		uint8_t frame[256], control[128] __attribute__((aligned(8)));
		struct sockaddr_ll from;
		struct iovec bytes = {frame, sizeof(frame)};
		struct msghdr head = {&from, sizeof(from), &bytes, 1, control, sizeof(control), 0};
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - now_ns(CLOCK_MONOTONIC);
		struct timespec t;
		ssize_t len;

		if (stopped || left <= 0)
			return false;
		if (poll(&readable, 1, left / MS > 1000 ? 1000 : (int)(left / MS) + 1) <= 0)
			continue;
		len = recvmsg(fd, &head, MSG_DONTWAIT);
		if (len < 0 || !dissect(frame, (size_t)len, seen))
			continue;
		seen->at = 0;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&head); c; c = CMSG_NXTHDR(&head, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
				memcpy(&t, CMSG_DATA(c), sizeof(t));
				seen->at = (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
			}
		seen->outgoing = from.sll_pkttype == PACKET_OUTGOING;
		return true;
	}
}

static int wait_steady(int fd, uint32_t active, uint32_t other, int vrids, int64_t deadline)
{
	int in_a_row[256] = {}, steady = 0;
	struct seen seen;

	while (steady < vrids && next(fd, deadline, &seen)) {
		int *n = &in_a_row[seen.vrid];

		if (!seen.advert)
			continue;
		if (seen.from == active && ++*n == 2)
			steady++;
		if (seen.from == other) {
			steady -= *n >= 2;
			*n = 0;
		}
	}
	if (steady >= vrids)
		return 0;
	fprintf(stderr, "bench_wire: %d of %d virtual routers are steady\n", steady, vrids);
	return 1;
}

/* As `bridge link set dev PORT state 0`, within microseconds. */
static void close_port(struct nl_sock *netlink, const char *port)
{
	struct ifinfomsg link = {.ifi_family = AF_BRIDGE, .ifi_index = (int)if_nametoindex(port)};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
	struct nlattr *nest;
	int err;

	if (!msg || nlmsg_append(msg, &link, sizeof(link), NLMSG_ALIGNTO))
		fail("netlink");
	nest = nla_nest_start(msg, IFLA_PROTINFO | NLA_F_NESTED);
	if (!nest || nla_put_u8(msg, IFLA_BRPORT_STATE, BR_STATE_DISABLED))
		fail("netlink");
	nla_nest_end(msg, nest);
	err = nl_send_sync(netlink, msg);
	if (err) {
		fprintf(stderr, "bench_wire: %s: %s\n", port, nl_geterror(err));
		exit(1);
	}
}

static int measure_loss(int fd, uint32_t active, uint32_t other, int64_t deadline, const char *port)
{
	int64_t last = 0, first = 0, arp = 0;
	struct nl_sock *netlink = nl_socket_alloc();
	struct seen seen;

	if (!netlink || nl_connect(netlink, NETLINK_ROUTE))
		fail("netlink");
	while (!last && next(fd, deadline, &seen))
		if (seen.advert && seen.from == active)
			last = seen.at;
	if (last)
		close_port(netlink, port);
	while (last && !(first && arp) && next(fd, deadline, &seen)) {
		if (seen.advert && seen.from == active && !first)
			last = seen.at;
		if (seen.advert && seen.from == other && !first) {
			first = seen.at;
			deadline = now_ns(CLOCK_MONOTONIC) + ARP_WAIT_MS * MS;
		}
		if (!seen.advert && !seen.outgoing && !arp)
			arp = seen.at;
	}
	nl_socket_free(netlink);
	if (!first) {
		fprintf(stderr, "bench_wire: %s\n", last ? "nobody took over" : "there is no active node");
		return 1;
	}
	printf("\"takeover_ms\": %.4f, \"arp_ms\": ", (double)(first - last) / MS);
	if (arp)
		printf("%.4f\n", (double)(arp - first) / MS);
	else
		printf("null\n");
	return 0;
}

static int count(int fd, uint32_t active, uint32_t other)
{
	unsigned long of_active = 0, of_other = 0, takeovers = 0;
	int64_t last = 0, longest = 0;
	bool other_speaks = false;
	int64_t times[KEPT];
	struct seen seen;

	while (next(fd, INT64_MAX, &seen)) {
		if (!seen.advert)
			continue;
		if (seen.from == active) {
			if (last && seen.at - last > longest)
				longest = seen.at - last;
			last = seen.at;
			of_active++;
			other_speaks = false;
		} else if (seen.from == other) {
			of_other++;
			if (!other_speaks && takeovers++ < KEPT)
				times[takeovers - 1] = seen.at;
			other_speaks = true;
		}
	}
	printf("\"adverts\": %lu, \"adverts_other\": %lu, \"takeovers\": %lu, \"longest_pause_ms\": %.3f, \"takeovers_at\": [",
		of_active, of_other, takeovers, (double)longest / MS);
	for (size_t i = 0; i < takeovers && i < KEPT; i++)
		printf("%s%.3f", i ? ", " : "", (double)times[i] / MS);
	printf("]\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	struct sigaction stop = {.sa_handler = on_stop};
	int fields = strcmp(mode, "steady") == 0 || strcmp(mode, "loss") == 0 ? 7
		     : strcmp(mode, "count") == 0                             ? 5
									      : 0;
	uint32_t active, other;
	int fd;

	if (argc != fields || inet_pton(AF_INET, argv[3], &active) != 1 ||
		inet_pton(AF_INET, argv[4], &other) != 1) {
		fprintf(stderr, "usage: bench_wire steady PORT ACTIVE OTHER VRIDS TIMEOUT_MS\n"
				"       bench_wire loss PORT ACTIVE OTHER TIMEOUT_MS PORT_OF_ACTIVE\n"
				"       bench_wire count PORT ACTIVE OTHER\n");
		return 2;
	}
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	fd = open_capture(argv[2]);
	if (fields == 5)
		return count(fd, active, other);
	if (strcmp(mode, "steady") == 0)
		return wait_steady(
			fd, active, other, atoi(argv[5]), now_ns(CLOCK_MONOTONIC) + atol(argv[6]) * MS);
	return measure_loss(fd, active, other, now_ns(CLOCK_MONOTONIC) + atol(argv[5]) * MS, argv[6]);
}
