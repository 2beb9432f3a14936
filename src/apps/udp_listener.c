/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP server sockets; see udp_listener.h. */
#include "apps/udp_listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECEIVE_BURST 64                /* datagrams taken in one turn of the loop */
#define SOCKET_BUFFER (4 * 1024 * 1024) /* asked for; the kernel cuts it to its limits */

static void read_control(struct msghdr *msg, struct udp_datagram *datagram)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&datagram->received, CMSG_DATA(c), sizeof(datagram->received));
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&datagram->local.v4, CMSG_DATA(c), sizeof(datagram->local.v4));
			datagram->local.v4.ipi_ifindex =
				0; /* routing picks the way back, the address is what counts */
			datagram->has_local = true;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&datagram->local.v6, CMSG_DATA(c), sizeof(datagram->local.v6));
			if (!IN6_IS_ADDR_LINKLOCAL(&datagram->local.v6.ipi6_addr))
				datagram->local.v6.ipi6_ifindex = 0;
			/* A reply can't come from a group address: let the kernel choose. */
			datagram->has_local = !IN6_IS_ADDR_MULTICAST(&datagram->local.v6.ipi6_addr);
		}
	}
}

static void on_receivable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct udp_listener *listener = w->data;

	for (int i = 0; i < RECEIVE_BURST; i++) {
		struct udp_datagram datagram = {.data = listener->buffer, .fd = w->fd};
		_Alignas(struct cmsghdr) uint8_t control[256];
		struct iovec iov = {.iov_base = listener->buffer, .iov_len = listener->room};
		struct msghdr msg = {.msg_name = &datagram.from.addr,
			.msg_namelen = sizeof(datagram.from.addr),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		ssize_t got = recvmsg(w->fd, &msg, MSG_TRUNC);

		if (got < 0)
			return;
		datagram.whole = (size_t)got; /* with MSG_TRUNC asked for, the length before the cut */
		datagram.len = msg.msg_flags & MSG_TRUNC ? listener->room : (size_t)got;
		datagram.from.len = msg.msg_namelen;
		read_control(&msg, &datagram);
		if (datagram.received.tv_sec == 0)
			clock_gettime(CLOCK_REALTIME, &datagram.received);
		listener->on_datagram(listener->ctx, &datagram);
	}
}

void udp_listener_limit(struct udp_listener *listener, size_t room)
{
	listener->room = room;
}

int udp_reply(const struct udp_datagram *to, const void *data, size_t len)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
	struct msghdr msg = {.msg_name = (void *)&to->from.addr,
		.msg_namelen = to->from.len,
		.msg_iov = &iov,
		.msg_iovlen = 1};

	if (to->has_local) {
		bool v6 = to->from.addr.ss_family == AF_INET6;
		size_t size = v6 ? sizeof(to->local.v6) : sizeof(to->local.v4);
		struct cmsghdr *c = (struct cmsghdr *)control;

		memset(control, 0, sizeof(control));
		c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
		c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(c), &to->local, size);
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(size);
	}
	return sendmsg(to->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int open_one(const struct endpoint *at, struct endpoint *bound)
{
	int family = at->addr.ss_family;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, size = SOCKET_BUFFER, saved;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	bound->len = sizeof(bound->addr);
	if ((family != AF_INET6 ||
		    (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0 &&
			    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0)) &&
		(family != AF_INET || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0) &&
		bind(fd, (const struct sockaddr *)&at->addr, at->len) == 0 &&
		getsockname(fd, (struct sockaddr *)&bound->addr, &bound->len) == 0)
		return fd;
	saved = errno;
	close(fd);
	return -saved;
}

int udp_listener_open(struct udp_listener *listener, struct ev_loop *loop, const char *program,
	const char *addr, uint16_t port, void (*on_datagram)(void *ctx, struct udp_datagram *datagram),
	void *ctx)
{
	struct endpoint want[2];
	char text[ENDPOINT_TEXT_MAX];
	int count = endpoint_listen(addr, port, want);

	memset(listener, 0, sizeof(*listener));
	listener->loop = loop;
	listener->on_datagram = on_datagram;
	listener->ctx = ctx;
	listener->room = UDP_DATAGRAM_MAX;
	listener->buffer = malloc(UDP_DATAGRAM_MAX);
	if (listener->buffer == NULL) {
		fprintf(stderr, "%s: out of memory\n", program);
		return -1;
	}
	if (count < 0) {
		fprintf(stderr, "%s: '%s' is not an address to listen on\n", program, addr);
		udp_listener_close(listener);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		int fd;

		if (i > 0)
			endpoint_set_port(&want[i], endpoint_port(&listener->at[0]));
		fd = open_one(&want[i], &listener->at[i]);
		if (fd < 0) {
			fprintf(stderr, "%s: can't listen on UDP %s: %s\n", program,
				endpoint_text(&want[i], text), strerror(-fd));
			udp_listener_close(listener);
			return -1;
		}
		ev_io_init(&listener->io[i], on_receivable, fd, EV_READ);
		listener->io[i].data = listener;
		ev_io_start(loop, &listener->io[i]);
		listener->count = i + 1;
	}
	return 0;
}

void udp_listener_close(struct udp_listener *listener)
{
	for (int i = 0; i < listener->count; i++) {
		ev_io_stop(listener->loop, &listener->io[i]);
		close(listener->io[i].fd);
	}
	listener->count = 0;
	free(listener->buffer);
	listener->buffer = NULL;
}
