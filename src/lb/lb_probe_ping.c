/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ping check, ICMP (RFC 792) and ICMPv6 (RFC 4443) echo. All probes of a family share one socket: a
 * "ping" socket where net.ipv4.ping_group_range lets us have one, else a raw socket, which takes CAP_NET_RAW.
 *
 * Each request has a sequence number that nobody else waits for and eight random bytes. A reply, or the
 * request that an ICMP error quotes, counts only if it comes back with both, from the address that was asked,
 * while the probe still waits: what is late, doubled or forged finds nobody. Errors come by the socket's
 * error queue (IP_RECVERR) and end the probe at once. A router that quotes fewer than our 16 bytes is not
 * believed; the time limit then tells.
 */
#include "lb/lb_probe.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lb/lb_probe_kind.h"

#define ECHO_ROOM_MIN 64
#define ECHO_ROOM_MAX 65536     /* a sequence number has 16 bits */
#define RECEIVE_TURN  256       /* messages read in one turn of the loop */
#define RECEIVE_BYTES (1 << 20) /* a thousand replies that come while we pause */

static struct lb_ping_socket *socket_of(struct lb_prober *prober, int family)
{
	return &prober->ping[family == AF_INET6];
}

/* ---- who waits for which sequence number ---- */

/* Take the next free number, so that one is not used again soon. 0, or -ENOMEM when there is none. */
static int echo_enter(struct lb_probe *probe)
{
	struct lb_prober *prober = probe->prober;
	uint32_t room = prober->echo_room;

	for (uint32_t tried = 0; tried < room; tried++) {
		uint32_t at = (prober->echo_next + tried) % room;

		if (prober->echoes[at])
			continue;
		prober->echoes[at] = probe;
		prober->echo_next = at + 1;
		probe->echo.sequence = (uint16_t)at;
		return 0;
	}
	if (room == ECHO_ROOM_MAX)
		return -ENOMEM;
	uint32_t wider = room ? room * 2 : ECHO_ROOM_MIN;
	struct lb_probe **echoes = realloc(prober->echoes, wider * sizeof(*echoes));

	if (!echoes)
		return -ENOMEM;
	memset(echoes + room, 0, (wider - room) * sizeof(*echoes));
	prober->echoes = echoes;
	prober->echo_room = wider;
	prober->echo_next = room + 1;
	echoes[room] = probe;
	probe->echo.sequence = (uint16_t)room;
	return 0;
}

static void echo_leave(struct lb_probe *probe)
{
	struct lb_prober *prober = probe->prober;

	if (probe->echo.sequence < prober->echo_room && prober->echoes[probe->echo.sequence] == probe)
		prober->echoes[probe->echo.sequence] = NULL;
}

/* The probe that waits for this message to or from that address, or NULL. */
static struct lb_probe *echo_find(
	struct lb_prober *prober, const struct icmp_echo *echo, const struct sockaddr_storage *peer)
{
	struct lb_probe *probe = echo->sequence < prober->echo_room ? prober->echoes[echo->sequence] : NULL;
	const uint8_t *bytes = peer->ss_family == AF_INET6
				       ? (const uint8_t *)&((const struct sockaddr_in6 *)peer)->sin6_addr
				       : (const uint8_t *)&((const struct sockaddr_in *)peer)->sin_addr;

	if (!probe || probe->addr.family != peer->ss_family ||
		memcmp(probe->echo.cookie, echo->cookie, ICMP_ECHO_COOKIE) ||
		memcmp(probe->addr.bytes, bytes, peer->ss_family == AF_INET6 ? 16 : 4))
		return NULL;
	return probe;
}

/* ---- what comes in ---- */

/* One message from the error queue: an ICMP error that quotes our request. False when it is empty. */
static bool receive_error(struct lb_prober *prober, int family)
{
	struct sockaddr_storage peer = {0};
	uint8_t buf[128], control[512];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(socket_of(prober, family)->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	struct sock_extended_err ee = {0};
	struct lb_probe *probe;
	struct icmp_echo echo;
	char text[64];

	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			memcpy(&ee, CMSG_DATA(c), sizeof(ee));
	if (ee.ee_origin != SO_EE_ORIGIN_ICMP && ee.ee_origin != SO_EE_ORIGIN_ICMP6)
		return true;
	if (ee.ee_errno == 0 || ee.ee_errno == EMSGSIZE)
		return true;
	if (!icmp_echo_parse(family, ICMP_ECHO_REQUEST, false, buf, (size_t)n, &echo))
		return true;
	probe = echo_find(prober, &echo, &peer);
	if (probe)
		lb_probe_finish(probe, false, "%s (by ICMP)", lb_probe_errno_text((int)ee.ee_errno, text));
	return true;
}

/* One message; false when there is none. An error the socket was told of is reported here once: go on. */
static bool receive_reply(struct lb_prober *prober, int family)
{
	struct lb_ping_socket *ping = socket_of(prober, family);
	struct sockaddr_storage peer = {0};
	socklen_t peer_len = sizeof(peer);
	uint8_t buf[128]; /* 60 bytes of IPv4 header at the most, 16 of ours; the kernel cuts the rest off */
	ssize_t n = recvfrom(ping->fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&peer, &peer_len);
	struct lb_probe *probe;
	struct icmp_echo echo;

	if (n < 0)
		return errno != EAGAIN;
	if (!icmp_echo_parse(family, ICMP_ECHO_REPLY, ping->raw && family == AF_INET, buf, (size_t)n, &echo))
		return true;
	if (ping->raw && echo.ident != ping->ident)
		return true;
	probe = echo_find(prober, &echo, &peer);
	if (probe)
		lb_probe_finish(probe, true, "echo reply");
	return true;
}

static void on_ping_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct lb_prober *prober = io->data;
	int family = io == &prober->ping[1].io ? AF_INET6 : AF_INET;

	for (int i = 0; i < RECEIVE_TURN && receive_error(prober, family); i++)
		;
	for (int i = 0; i < RECEIVE_TURN && receive_reply(prober, family); i++)
		;
}

/* ---- the sockets ---- */

/* A raw socket gets every echo reply of the machine: keep those of others out of our buffer. */
static int filter_raw(int fd, int family, uint16_t ident)
{
	struct sock_filter code4[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* the length of the IPv4 header */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ident, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter code6[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ident, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program =
		family == AF_INET6 ? (struct sock_fprog){4, code6} : (struct sock_fprog){5, code4};
	struct icmp_filter only4 = {~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter only6;

	ICMP6_FILTER_SETBLOCKALL(&only6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only6);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
		return -errno;
	if (family == AF_INET6)
		return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only6, sizeof(only6)) ? -errno : 0;
	return setsockopt(fd, SOL_RAW, ICMP_FILTER, &only4, sizeof(only4)) ? -errno : 0;
}

static int set_options(int fd, int family)
{
	int on = 1, bytes = RECEIVE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) ? -errno : 0;
	return setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) ? -errno : 0;
}

int lb_prober_open_ping(struct lb_prober *prober, int family)
{
	struct lb_ping_socket *ping = socket_of(prober, family);
	int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC, err;

	if (ping->fd >= 0)
		return 0;
	ping->raw = false;
	ping->fd = socket(family, SOCK_DGRAM | flags, protocol);
	if (ping->fd < 0 && (errno == EACCES || errno == EPERM || errno == EPROTONOSUPPORT)) {
		ping->raw = true;
		ping->ident = (uint16_t)arc4random();
		ping->fd = socket(family, SOCK_RAW | flags, protocol);
	}
	if (ping->fd < 0)
		return -errno;
	err = set_options(ping->fd, family);
	if (!err && ping->raw)
		err = filter_raw(ping->fd, family, ping->ident);
	if (err) {
		close(ping->fd);
		ping->fd = -1;
		return err;
	}
	ev_io_set(&ping->io, ping->fd, EV_READ);
	ev_io_start(prober->loop, &ping->io);
	return 0;
}

void lb_prober_init(struct lb_prober *prober, struct ev_loop *loop)
{
	memset(prober, 0, sizeof(*prober));
	prober->loop = loop;
	for (int i = 0; i < 2; i++) {
		struct lb_ping_socket *ping = &prober->ping[i];

		ping->fd = -1;
		ev_init(&ping->io, on_ping_io);
		ev_set_priority(&ping->io, EV_MAXPRI); /* before the time limits: see lb_probe_tcp.c */
		ping->io.data = prober;
	}
}

void lb_prober_close(struct lb_prober *prober)
{
	for (int i = 0; i < 2; i++) {
		struct lb_ping_socket *ping = &prober->ping[i];

		if (ping->fd < 0)
			continue;
		ev_io_stop(prober->loop, &ping->io);
		close(ping->fd);
		ping->fd = -1;
	}
	free(prober->echoes);
	prober->echoes = NULL;
	prober->echo_room = 0;
}

/* ---- one probe ---- */

static void ping_init(struct lb_probe *probe)
{
	memset(&probe->echo, 0, sizeof(probe->echo));
}

/* Send; an error that an earlier request left on the shared socket comes with this call, not with the next. */
static int send_request(struct lb_probe *probe, int fd, const uint8_t request[ICMP_ECHO_LEN])
{
	struct sockaddr_storage peer;
	socklen_t len = addr_to_sockaddr(&probe->addr, 0, &peer);

	for (int try = 0; try < 2; try++)
		if (sendto(fd, request, ICMP_ECHO_LEN, MSG_DONTWAIT, (struct sockaddr *)&peer, len) ==
			ICMP_ECHO_LEN)
			return 0;
	return errno == EAGAIN ? -ENOBUFS : -errno;
}

static void ping_begin(struct lb_probe *probe)
{
	struct lb_ping_socket *ping = socket_of(probe->prober, probe->addr.family);
	uint8_t request[ICMP_ECHO_LEN];
	int err = lb_prober_open_ping(probe->prober, probe->addr.family);

	if (err) {
		lb_probe_finish_errno(probe, -err, "open a ping socket");
		return;
	}
	err = echo_enter(probe);
	if (!err) {
		probe->echo.ident = ping->ident;
		arc4random_buf(probe->echo.cookie, ICMP_ECHO_COOKIE);
		icmp_echo_build(probe->addr.family, &probe->echo, request);
		err = send_request(probe, ping->fd, request);
	}
	if (err)
		lb_probe_finish_errno(probe, -err, "send a ping");
}

static void ping_expire(struct lb_probe *probe, char *cause)
{
	snprintf(
		cause, LB_PROBE_CAUSE_MAX, "timed out after %u ms (no echo reply)", probe->check->timeout_ms);
}

static void ping_end(struct lb_probe *probe, bool ok)
{
	echo_leave(probe);
}

const struct lb_probe_kind lb_probe_ping = {ping_init, ping_begin, ping_expire, ping_end};
