/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct ev_loop *loop;

static int ours, peer;

static int open_own(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

void netns_in_peer(bool in_peer)
{
	if (setns(in_peer ? peer : ours, CLONE_NEWNET))
		fail_msg("setns: %s", strerror(errno));
}

void netns_give(const char *interface)
{
	sh("ip link set %s netns /proc/%d/fd/%d", interface, getpid(), peer);
}

void netns_make(void)
{
	if (unshare(CLONE_NEWNET)) {
		printf("1..0 # SKIP no network namespace: %s (root is needed)\n", strerror(errno));
		exit(0);
	}
	peer = open_own();
	if (unshare(CLONE_NEWNET)) {
		printf("1..0 # SKIP no network namespace: %s\n", strerror(errno));
		exit(0);
	}
	ours = open_own();
	loop = ev_default_loop(0);
	sh("ip link set lo up && ip link add eth0 type veth peer name peer0");
	netns_give("peer0");
	sh("ip link set eth0 up && ip addr add 10.9.0.1/24 dev eth0 && ip addr add fd09::1/64 dev eth0 nodad");
	netns_in_peer(true);
	sh("ip link set lo up && ip link set peer0 up && ip addr add 10.9.0.2/24 dev peer0 && "
	   "ip addr add fd09::2/64 dev peer0 nodad");
	netns_in_peer(false);
}

void sh(const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (system(line) != 0) {
		fprintf(stderr, "failed: %s\n", line);
		abort();
	}
}

static void on_deadline(struct ev_loop *l, ev_timer *timer, int events)
{
	*(bool *)timer->data = true;
}

static bool run(bool (*done)(void *data), void *data, double seconds)
{
	bool late = false;
	ev_timer deadline;

	ev_now_update(loop);
	ev_timer_init(&deadline, on_deadline, seconds, 0.);
	deadline.data = &late;
	ev_timer_start(loop, &deadline);
	while (!done(data) && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &deadline);
	return !late;
}

void until(bool (*done)(void *data), void *data)
{
	assert_true(run(done, data, 20.));
}

bool until_or_late(bool (*done)(void *data), void *data)
{
	return run(done, data, 20.);
}

static bool never(void *data)
{
	return false;
}

void run_for(double seconds)
{
	run(never, NULL, seconds);
}

struct net_addr addr_of(const char *text)
{
	struct net_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

struct vrrp_address address_of(const char *text, unsigned prefix)
{
	return (struct vrrp_address){.addr = addr_of(text), .prefix = (uint8_t)prefix};
}

int sniffer(const char *interface)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

void send_frame(int fd, const void *frame, size_t len)
{
	assert_int_equal(send(fd, frame, len, 0), len);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

size_t next_frame(int fd, int timeout_ms, bool (*fits)(const uint8_t *frame, size_t len, const void *data),
	const void *data, uint8_t *buf, size_t size)
{
	int64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		ssize_t len = recv(fd, buf, size, 0);
		int64_t left = deadline - now_ms();

		if (len > 0 && fits(buf, (size_t)len, data))
			return (size_t)len;
		if (len <= 0 && (left <= 0 || poll(&readable, 1, (int)left) == 0))
			return 0;
	}
}

void mac_of(const char *interface, uint8_t mac[6])
{
	struct ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
	close(fd);
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
}
