/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The groups to which who looks for an IPv6 address sends its solicitations (RFC 4291 section 2.7.1), which RFC 9568
 * section 6.4 has a node join when it becomes Active. The kernel joins the group of each address by itself, but in a work
 * queue, some milliseconds after it has added the address (addrconf_dad_work()), without DAD too: a client that solicits in
 * between is not heard, and asks again after a second. So they are joined here before the address is added, by sockets that
 * are there for nothing else, and held until the kernel's own membership is certain. Nobody is answered by that: the kernel
 * answers for addresses that it has.
 *
 * How many groups a socket may have is bounded (net.core.optmem_max: 365 with the 20 KB of Linux 6.1), so there is a ring of
 * them: who is full is followed by another one, and the oldest gives way.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "vrrp/vrrp_net_inside.h"

#define HOLD_S 5.

static void on_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	vrrp_net_groups_close(timer->data);
}

void vrrp_net_groups_init(struct vrrp_net_groups *groups, struct ev_loop *loop)
{
	*groups = (struct vrrp_net_groups){.loop = loop};
	ev_timer_init(&groups->over, on_over, 0., HOLD_S);
	groups->over.data = groups;
}

static unsigned count_open(const struct vrrp_net_groups *groups)
{
	return groups->opened < VRRP_NET_GROUP_SOCKETS ? groups->opened : VRRP_NET_GROUP_SOCKETS;
}

void vrrp_net_groups_close(struct vrrp_net_groups *groups)
{
	ev_timer_stop(groups->loop, &groups->over);
	for (unsigned i = 0; i < count_open(groups); i++)
		close(groups->sockets[i]);
	groups->opened = 0;
}

/* ff02::1:ffXX:XXXX, its last bytes those of the address. */
static struct ipv6_mreq request_for(int ifindex, const struct net_addr *addr)
{
	struct ipv6_mreq request = {.ipv6mr_interface = (unsigned)ifindex};
	uint8_t *group = request.ipv6mr_multiaddr.s6_addr;

	group[0] = 0xff;
	group[1] = 0x02;
	group[11] = 0x01;
	group[12] = 0xff;
	memcpy(group + 13, addr->bytes + 13, 3);
	return request;
}

static int open_another(struct vrrp_net_groups *groups)
{
	unsigned place = groups->opened % VRRP_NET_GROUP_SOCKETS;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (groups->opened >= VRRP_NET_GROUP_SOCKETS)
		close(groups->sockets[place]);
	groups->sockets[place] = fd;
	groups->opened++;
	groups->empty = true;
	return 0;
}

static int set_member(int fd, int option, const struct ipv6_mreq *request)
{
	return setsockopt(fd, IPPROTO_IPV6, option, request, sizeof(*request)) ? -errno : 0;
}

/*
 * A membership of before is given up first. It may be that of another address with the same last bytes, and it may be an
 * empty word: who removes an address before the kernel has joined its group makes the kernel leave it all the same, on our
 * account, and at the end it would leave on its own.
 */
static int join_by_newest(struct vrrp_net_groups *groups, const struct ipv6_mreq *request)
{
	unsigned newest = (groups->opened - 1) % VRRP_NET_GROUP_SOCKETS;
	int err;

	for (unsigned i = 0; i < count_open(groups); i++)
		if (i != newest)
			set_member(groups->sockets[i], IPV6_DROP_MEMBERSHIP, request);
	err = set_member(groups->sockets[newest], IPV6_ADD_MEMBERSHIP, request);
	if (err == -EADDRINUSE) {
		set_member(groups->sockets[newest], IPV6_DROP_MEMBERSHIP, request);
		err = set_member(groups->sockets[newest], IPV6_ADD_MEMBERSHIP, request);
	}
	groups->empty &= err != 0;
	return err;
}

static int join(struct vrrp_net_groups *groups, const struct ipv6_mreq *request)
{
	int err = groups->opened ? 0 : open_another(groups);

	if (!err)
		err = join_by_newest(groups, request);
	if (err != -ENOMEM || groups->empty)
		return err;
	err = open_another(groups);
	return err ? err : join_by_newest(groups, request);
}

int vrrp_net_groups_join(struct vrrp_net_groups *groups, int ifindex, const struct net_addr *addr)
{
	struct ipv6_mreq request = request_for(ifindex, addr);
	char text[ADDR_TEXT_MAX];
	int err;

	if (addr->family != AF_INET6)
		return 0;
	err = join(groups, &request);
	if (err && err != groups->error)
		log_warn(
			"cannot join the solicited-node group of %s: %s; a client that asks for it right now may have to ask again",
			addr_format(addr, text), strerror(-err));
	groups->error = err;
	ev_timer_again(groups->loop, &groups->over);
	return err;
}

void vrrp_net_groups_leave(struct vrrp_net_groups *groups, int ifindex, const struct net_addr *addr)
{
	struct ipv6_mreq request = request_for(ifindex, addr);

	for (unsigned i = 0; addr->family == AF_INET6 && i < count_open(groups); i++)
		set_member(groups->sockets[i], IPV6_DROP_MEMBERSHIP, &request);
}
