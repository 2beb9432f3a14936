/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adverts in. What the two families' raw sockets give differs: IPv4 with its header, options included; IPv6 the payload,
 * and source, destination and hop limit beside it. The kernel verifies no checksum of either (for IPv6 it would, were
 * IPV6_CHECKSUM on), so that wrong ones can be counted.
 *
 * A socket gets what came in by its interface, and of multicast only its group (IP_MULTICAST_ALL is off: else another
 * program's memberships would count). Between its making and its binding a socket hears every interface; that is read and
 * thrown away by the interface's index.
 */
#include "vrrp/vrrp_sock.h"

#include <errno.h>
#include <ev.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vrrp/vrrp_timer.h"

#ifndef IPV6_MULTICAST_ALL /* Linux 4.20 */
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef SO_BINDTOIFINDEX /* Linux 5.0 */
#define SO_BINDTOIFINDEX 62
#endif

#define BUFFER_BYTES  (1 << 20)
#define BATCH         8    /* packets with one system call */
#define TURN_PACKETS  256  /* of one turn of the event loop: a flood gets its share, not all of it */
#define DRAIN_PACKETS 8192 /* more than the buffer holds, however small they are */
/* The longest advert after the longest IPv4 header. A longer packet is cut, and its checksum is wrong then. */
#define PACKET_BYTES  (60 + VRRP_ADVERT_MAX + VRRP_V2_AUTH_LEN)
#define CONTROL_BYTES 256

struct vrrp_rx {
	struct ev_loop *loop;
	ev_io readable;
	vrrp_rx_fn *fn;
	void *data;
	int fd, ifindex;
	uint8_t family;
	int64_t emptied_at; /* when nothing waited any more: what is read later came later */
	uint32_t lost_seen; /* the kernel's counter, 32 bits */
	uint64_t lost;
};

/* Room for one packet and what comes with it. */
struct slot {
	struct sockaddr_in6 from;
	struct iovec bytes;
	uint8_t packet[PACKET_BYTES];
	uint8_t control[CONTROL_BYTES] __attribute__((aligned(8)));
};

/* What stands beside a packet. */
struct beside {
	int ifindex, ttl; /* -1: not said */
	struct in6_addr destination;
};

static struct beside read_control(struct vrrp_rx *rx, struct msghdr *head)
{
	struct beside beside = {.ifindex = -1, .ttl = -1};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t lost;

			memcpy(&lost, CMSG_DATA(c), sizeof(lost));
			rx->lost += (uint32_t)(lost - rx->lost_seen);
			rx->lost_seen = lost;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			beside.ifindex = info.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			beside.ifindex = (int)info.ipi6_ifindex;
			beside.destination = info.ipi6_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&beside.ttl, CMSG_DATA(c), sizeof(beside.ttl));
		}
	}
	return beside;
}

static void take_ipv4(struct vrrp_rx *rx, const uint8_t *packet, size_t len)
{
	struct vrrp_ip ip = {.source.family = AF_INET,
		.destination.family = AF_INET,
		.age_ns = vrrp_now() - rx->emptied_at};
	struct iphdr head;
	size_t head_len, total;

	if (len < sizeof(head))
		return;
	memcpy(&head, packet, sizeof(head));
	head_len = (size_t)head.ihl * 4;
	total = ntohs(head.tot_len);
	if (total < len)
		len = total;
	if (head.version != 4 || head_len < sizeof(head) || head_len > len)
		return;
	memcpy(ip.source.bytes, &head.saddr, 4);
	memcpy(ip.destination.bytes, &head.daddr, 4);
	ip.ttl = head.ttl;
	rx->fn(rx->data, packet + head_len, len - head_len, &ip);
}

static void take_ipv6(struct vrrp_rx *rx, const struct slot *slot, size_t len, const struct beside *beside)
{
	struct vrrp_ip ip = {.source.family = AF_INET6,
		.destination.family = AF_INET6,
		.age_ns = vrrp_now() - rx->emptied_at};

	if (beside->ttl < 0 || beside->ttl > 255)
		return;
	memcpy(ip.source.bytes, &slot->from.sin6_addr, 16);
	memcpy(ip.destination.bytes, &beside->destination, 16);
	ip.ttl = (uint8_t)beside->ttl;
	rx->fn(rx->data, slot->packet, len, &ip);
}

/* One batch: how many packets it had, 0 when there is none. */
static int take_batch(struct vrrp_rx *rx)
{
	struct mmsghdr heads[BATCH] = {};
	struct slot slots[BATCH];
	int count;

	for (int i = 0; i < BATCH; i++) {
		slots[i].bytes = (struct iovec){.iov_base = slots[i].packet, .iov_len = PACKET_BYTES};
		heads[i].msg_hdr = (struct msghdr){.msg_name = &slots[i].from,
			.msg_namelen = sizeof(slots[i].from),
			.msg_iov = &slots[i].bytes,
			.msg_iovlen = 1,
			.msg_control = slots[i].control,
			.msg_controllen = CONTROL_BYTES};
	}
	count = recvmmsg(rx->fd, heads, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		struct beside beside = read_control(rx, &heads[i].msg_hdr);

		if (beside.ifindex != rx->ifindex)
			continue;
		if (rx->family == AF_INET)
			take_ipv4(rx, slots[i].packet, heads[i].msg_len);
		else
			take_ipv6(rx, &slots[i], heads[i].msg_len, &beside);
	}
	return count < 0 ? 0 : count;
}

static void take(struct vrrp_rx *rx, int packets)
{
	int64_t looked_at;
	int count;

	do {
		looked_at = vrrp_now();
		count = take_batch(rx);
		packets -= count;
	} while (count == BATCH && packets > 0);
	if (count < BATCH)
		rx->emptied_at = looked_at;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	take(io->data, TURN_PACKETS);
}

void vrrp_rx_drain(struct vrrp_rx *rx)
{
	take(rx, DRAIN_PACKETS);
}

uint64_t vrrp_rx_lost(const struct vrrp_rx *rx)
{
	return rx->lost;
}

/* ---- open and close ---- */

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int set_common(int fd, int ifindex)
{
	int err = set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, ifindex);

	if (!err && set(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES))
		err = set(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	return err ? err : set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
}

static int join_ipv4(int fd, int ifindex)
{
	struct net_addr group = vrrp_packet_group(AF_INET);
	struct ip_mreqn request = {.imr_ifindex = ifindex};
	int err = set(fd, IPPROTO_IP, IP_PKTINFO, 1);

	if (!err)
		err = set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (err)
		return err;
	memcpy(&request.imr_multiaddr, group.bytes, 4);
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) ? -errno : 0;
}

static int join_ipv6(int fd, int ifindex)
{
	struct net_addr group = vrrp_packet_group(AF_INET6);
	struct ipv6_mreq request = {.ipv6mr_interface = (unsigned)ifindex};
	int err = set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);

	if (!err)
		err = set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	if (!err)
		err = set(fd, IPPROTO_IPV6, IPV6_CHECKSUM, -1);
	if (!err)
		err = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	if (err)
		return err;
	memcpy(&request.ipv6mr_multiaddr, group.bytes, 16);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request)) ? -errno : 0;
}

/* Has the interface been made anew, or renamed, since the caller looked? */
static int check_interface(const char *interface, int ifindex)
{
	char name[IF_NAMESIZE];

	return if_indextoname((unsigned)ifindex, name) && strcmp(name, interface) == 0 ? 0 : -ENODEV;
}

int vrrp_rx_open(struct vrrp_rx **out, struct ev_loop *loop, const char *interface, int ifindex,
	uint8_t family, vrrp_rx_fn *fn, void *data)
{
	struct vrrp_rx *rx = calloc(1, sizeof(*rx));
	int err;

	if (!rx)
		return -ENOMEM;
	*rx = (struct vrrp_rx){.loop = loop, .fn = fn, .data = data, .ifindex = ifindex, .family = family};
	ev_init(&rx->readable, on_readable);
	rx->readable.data = rx;
	rx->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, VRRP_PROTOCOL);
	err = rx->fd < 0 ? -errno : set_common(rx->fd, ifindex);
	if (!err)
		err = check_interface(interface, ifindex);
	if (!err)
		err = family == AF_INET ? join_ipv4(rx->fd, ifindex) : join_ipv6(rx->fd, ifindex);
	if (err) {
		vrrp_rx_close(rx);
		return err;
	}
	ev_io_set(&rx->readable, rx->fd, EV_READ);
	ev_io_start(loop, &rx->readable);
	*out = rx;
	return 0;
}

void vrrp_rx_close(struct vrrp_rx *rx)
{
	if (!rx)
		return;
	ev_io_stop(rx->loop, &rx->readable);
	if (rx->fd >= 0)
		close(rx->fd);
	free(rx);
}
