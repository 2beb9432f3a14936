/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets out. Three sockets for everything, none of which receives: a packet socket of protocol 0, and raw sockets of
 * IPPROTO_RAW, which take whole IP headers: that is how the source, TTL and TOS are exactly as given, whatever
 * addresses the interface has at that moment. The interface is named for each packet, so one socket serves all.
 * TOS 0xc0 (internetwork control) and SO_PRIORITY 6, the kernel's word for the same in its queues.
 */
#include "vrrp/vrrp_sock.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PRIORITY      6
#define BUFFER_BYTES  (1 << 20) /* a takeover of hundreds of addresses announces them in one go */
#define TRAFFIC_CLASS 0xc0
#define ETHER_BYTES   14

struct vrrp_tx {
	int frames, ipv4, ipv6; /* -1: none; without IPv6 in the kernel that one stays so */
};

static int open_socket(int family, int protocol)
{
	int priority = PRIORITY, bytes = BUFFER_BYTES;
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority)) ||
		(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) &&
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int vrrp_tx_open(struct vrrp_tx **out)
{
	struct vrrp_tx *tx = calloc(1, sizeof(*tx));
	int err = 0;

	if (!tx)
		return -ENOMEM;
	tx->frames = open_socket(AF_PACKET, 0);
	tx->ipv4 = open_socket(AF_INET, IPPROTO_RAW);
	tx->ipv6 = open_socket(AF_INET6, IPPROTO_RAW);
	if (tx->frames < 0)
		err = tx->frames;
	else if (tx->ipv4 < 0)
		err = tx->ipv4;
	else if (tx->ipv6 < 0 && tx->ipv6 != -EAFNOSUPPORT)
		err = tx->ipv6;
	if (err) {
		vrrp_tx_close(tx);
		return err;
	}
	*out = tx;
	return 0;
}

void vrrp_tx_close(struct vrrp_tx *tx)
{
	if (!tx)
		return;
	if (tx->frames >= 0)
		close(tx->frames);
	if (tx->ipv4 >= 0)
		close(tx->ipv4);
	if (tx->ipv6 >= 0)
		close(tx->ipv6);
	free(tx);
}

int vrrp_tx_frame(struct vrrp_tx *tx, int ifindex, const uint8_t *frame, size_t len)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6};

	if (len < ETHER_BYTES)
		return -EINVAL;
	memcpy(&to.sll_protocol, frame + 12, sizeof(to.sll_protocol));
	memcpy(to.sll_addr, frame, 6);
	if (sendto(tx->frames, frame, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		return errno == ENXIO ? -ENODEV : -errno;
	return 0;
}

/* Send head and payload by that interface. */
static int send_by(int fd, const struct net_addr *destination, int level, int type, const void *info,
	size_t info_size, int ifindex, struct iovec *parts)
{
	struct sockaddr_storage to;
	uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] __attribute__((aligned(8))) = {};
	struct msghdr msg = {.msg_name = &to,
		.msg_namelen = addr_to_sockaddr(destination, 0, &to),
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(info_size)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(info_size);
	memcpy(CMSG_DATA(c), info, info_size);
	if (to.ss_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)&to)->sin6_addr))
		((struct sockaddr_in6 *)&to)->sin6_scope_id = (uint32_t)ifindex;
	return sendmsg(fd, &msg, MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* The kernel fills in the header's checksum, and no address of ours has to be on the interface. */
static int send_ipv4(struct vrrp_tx *tx, int ifindex, const struct net_addr *source,
	const struct net_addr *destination, const uint8_t *payload, size_t len)
{
	struct iphdr head = {.version = 4,
		.ihl = sizeof(head) / 4,
		.tos = TRAFFIC_CLASS,
		.tot_len = htons((uint16_t)(sizeof(head) + len)),
		.frag_off = htons(IP_DF),
		.ttl = VRRP_TTL,
		.protocol = VRRP_PROTOCOL};
	struct in_pktinfo info = {.ipi_ifindex = ifindex};
	struct iovec parts[2] = {{&head, sizeof(head)}, {(void *)payload, len}};

	memcpy(&head.saddr, source->bytes, 4);
	memcpy(&head.daddr, destination->bytes, 4);
	return send_by(tx->ipv4, destination, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info), ifindex, parts);
}

static int send_ipv6(struct vrrp_tx *tx, int ifindex, const struct net_addr *source,
	const struct net_addr *destination, const uint8_t *payload, size_t len)
{
	struct ip6_hdr head = {.ip6_flow = htonl(6u << 28 | TRAFFIC_CLASS << 20),
		.ip6_plen = htons((uint16_t)len),
		.ip6_nxt = VRRP_PROTOCOL,
		.ip6_hlim = VRRP_TTL};
	struct in6_pktinfo info = {.ipi6_ifindex = (unsigned)ifindex};
	struct iovec parts[2] = {{&head, sizeof(head)}, {(void *)payload, len}};

	if (tx->ipv6 < 0)
		return -EAFNOSUPPORT;
	memcpy(&head.ip6_src, source->bytes, 16);
	memcpy(&head.ip6_dst, destination->bytes, 16);
	return send_by(
		tx->ipv6, destination, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info), ifindex, parts);
}

int vrrp_tx_unicast(struct vrrp_tx *tx, int ifindex, const struct net_addr *source,
	const struct net_addr *destination, const uint8_t *payload, size_t len)
{
	if (len > VRRP_ADVERT_MAX + VRRP_V2_AUTH_LEN || source->family != destination->family || ifindex <= 0)
		return -EINVAL;
	if (source->family == AF_INET)
		return send_ipv4(tx, ifindex, source, destination, payload, len);
	if (source->family == AF_INET6)
		return send_ipv6(tx, ifindex, source, destination, payload, len);
	return -EINVAL;
}
