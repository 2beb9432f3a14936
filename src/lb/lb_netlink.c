/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One socket carries events and answers, in the order in which the kernel made them: a listing that
 * overtakes an event is newer than it. A listing is two questions, devices then neighbours.
 */
#include "lb/lb_netlink.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES  65536
#define RECEIVE_BYTES (4 << 20)
#define READS_A_TURN  64
#define AGAIN_S       0.05 /* between a loss and the next listing: a storm is let pass */
#define OPEN_MS       5000

#define NEIGH_USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

struct lb_netlink {
	struct ev_loop *loop;
	const struct lb_netlink_ops *ops;
	void *data;
	int fd;
	ev_io readable;
	ev_timer again_timer;
	uint32_t seq;   /* of the question that is being answered */
	uint16_t asked; /* RTM_GET*; 0 = none */
	bool again;     /* the listing is worthless: ask once more */
	uint8_t buffer[BUFFER_BYTES] __attribute__((aligned(8)));
};

/* ---- questions ---- */

static int ask(struct lb_netlink *n, uint16_t type)
{
	struct {
		struct nlmsghdr head;
		union {
			struct ifinfomsg link;
			struct ndmsg neigh;
		} body;
	} question = {.head = {.nlmsg_type = type,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			      .nlmsg_seq = ++n->seq}};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	question.head.nlmsg_len =
		NLMSG_LENGTH(type == RTM_GETLINK ? sizeof(question.body.link) : sizeof(question.body.neigh));
	if (sendto(n->fd, &question, question.head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) <
		0)
		return -errno;
	n->asked = type;
	return 0;
}

static void ask_later(struct lb_netlink *n)
{
	n->asked = 0;
	ev_timer_stop(n->loop, &n->again_timer);
	ev_timer_set(&n->again_timer, AGAIN_S, 0.);
	ev_timer_start(n->loop, &n->again_timer);
}

static void ask_all(struct lb_netlink *n)
{
	n->again = false;
	n->ops->begin(n->data);
	if (ask(n, RTM_GETLINK))
		ask_later(n);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	ask_all(timer->data);
}

/* The answer to a question is over. */
static void answered(struct lb_netlink *n, bool failed)
{
	if (failed || n->again)
		ask_later(n);
	else if (n->asked == RTM_GETLINK && ask(n, RTM_GETNEIGH))
		ask_later(n);
	else if (n->asked == RTM_GETNEIGH) {
		n->asked = 0;
		n->ops->end(n->data);
	}
}

/* An answer that runs cannot be stopped: it is let run out first. */
static void lost(struct lb_netlink *n)
{
	n->ops->lost(n->data);
	n->again = true;
	if (!n->asked)
		ask_later(n);
}

/* ---- messages ---- */

static const struct rtattr *next_attr(const struct rtattr **at, int *left)
{
	const struct rtattr *attr = *at;

	if (!RTA_OK(attr, *left))
		return NULL;
	*at = RTA_NEXT(attr, *left);
	return attr;
}

static uint32_t attr_u32(const struct rtattr *attr)
{
	uint32_t value = 0;

	if (RTA_PAYLOAD(attr) >= sizeof(value))
		memcpy(&value, RTA_DATA(attr), sizeof(value));
	return value;
}

static void read_device(struct lb_netlink *n, const struct nlmsghdr *head)
{
	const struct ifinfomsg *info = NLMSG_DATA(head);
	struct lb_device device = {.ifindex = (uint32_t)info->ifi_index,
		.type = info->ifi_type,
		.flags = info->ifi_flags,
		.link = -1};
	const struct rtattr *at = IFLA_RTA(info), *attr;
	int left = (int)IFLA_PAYLOAD(head);

	/* A bridge speaks of its ports in the same messages. */
	if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
		return;
	while ((attr = next_attr(&at, &left))) {
		if (attr->rta_type == IFLA_IFNAME)
			strncpy(device.name, RTA_DATA(attr),
				RTA_PAYLOAD(attr) < sizeof(device.name) ? RTA_PAYLOAD(attr)
									: sizeof(device.name) - 1);
		else if (attr->rta_type == IFLA_MTU)
			device.mtu = attr_u32(attr);
		else if (attr->rta_type == IFLA_MASTER)
			device.master = attr_u32(attr);
		else if (attr->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(attr) == sizeof(device.mac))
			memcpy(device.mac, RTA_DATA(attr), sizeof(device.mac));
	}
	n->ops->device(n->data, &device, head->nlmsg_type == RTM_DELLINK);
}

static void read_neighbour(struct lb_netlink *n, const struct nlmsghdr *head)
{
	const struct ndmsg *info = NLMSG_DATA(head);
	struct lb_neigh_entry entry = {
		.ifindex = (uint32_t)info->ndm_ifindex, .addr.family = info->ndm_family};
	const struct rtattr *at = (const void *)((const char *)info + NLMSG_ALIGN(sizeof(*info))), *attr;
	int left = (int)head->nlmsg_len - (int)NLMSG_SPACE(sizeof(*info));
	size_t want = info->ndm_family == AF_INET6 ? 16 : 4;
	bool addressed = false, mac = false;

	if ((info->ndm_family != AF_INET && info->ndm_family != AF_INET6) || (info->ndm_flags & NTF_PROXY))
		return;
	while ((attr = next_attr(&at, &left))) {
		if (attr->rta_type == NDA_DST && RTA_PAYLOAD(attr) == want) {
			memcpy(entry.addr.bytes, RTA_DATA(attr), want);
			addressed = true;
		} else if (attr->rta_type == NDA_LLADDR && RTA_PAYLOAD(attr) == sizeof(entry.mac)) {
			memcpy(entry.mac, RTA_DATA(attr), sizeof(entry.mac));
			mac = true;
		}
	}
	entry.usable = mac && head->nlmsg_type == RTM_NEWNEIGH && (info->ndm_state & NEIGH_USABLE);
	if (addressed)
		n->ops->neighbour(n->data, &entry,
			n->asked && head->nlmsg_seq == n->seq && (head->nlmsg_flags & NLM_F_MULTI));
}

static size_t body_of(uint16_t type)
{
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return sizeof(struct ifinfomsg);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return sizeof(struct ndmsg);
	case RTM_DELTFILTER:
	case RTM_DELQDISC:
		return sizeof(struct tcmsg);
	case NLMSG_ERROR:
		return sizeof(struct nlmsgerr);
	default:
		return 0;
	}
}

static void handle(struct lb_netlink *n, const struct nlmsghdr *head)
{
	if (head->nlmsg_len < NLMSG_LENGTH(body_of(head->nlmsg_type)))
		return;
	if ((head->nlmsg_flags & NLM_F_DUMP_INTR) && head->nlmsg_seq == n->seq)
		n->again = true; /* the table changed under the listing: it may have holes */
	switch (head->nlmsg_type) {
	case NLMSG_DONE:
	case NLMSG_ERROR:
		if (n->asked && head->nlmsg_seq == n->seq)
			answered(n, head->nlmsg_type == NLMSG_ERROR);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		read_device(n, head);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		read_neighbour(n, head);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		n->ops->route(n->data);
		break;
	case RTM_NEWNETCONF:
	case RTM_DELNETCONF:
		n->ops->forwarding(n->data);
		break;
	case RTM_DELTFILTER:
	case RTM_DELQDISC:
		n->ops->filter(n->data, (uint32_t)((const struct tcmsg *)NLMSG_DATA(head))->tcm_ifindex);
		break;
	}
}

/* Take one datagram. 0, or -errno: -EAGAIN when there is none. */
static int take(struct lb_netlink *n)
{
	struct sockaddr_nl from = {};
	socklen_t length = sizeof(from);
	ssize_t got = recvfrom(n->fd, n->buffer, sizeof(n->buffer), MSG_DONTWAIT | MSG_TRUNC,
		(struct sockaddr *)&from, &length);

	if (got < 0 && errno != ENOBUFS)
		return errno == EINTR ? 0 : -errno;
	if (got < 0 || (size_t)got > sizeof(n->buffer)) {
		lost(n);
		return 0;
	}
	if (from.nl_pid != 0)
		return 0;

	unsigned left = (unsigned)got;

	for (const struct nlmsghdr *head = (const void *)n->buffer; NLMSG_OK(head, left);
		head = NLMSG_NEXT(head, left))
		handle(n, head);
	return 0;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	for (int i = 0; i < READS_A_TURN; i++)
		if (take(io->data))
			return;
}

/* ---- open and close ---- */

static int make_socket(void)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
		RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_TC};
	struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE),
	    bytes = RECEIVE_BYTES;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		goto failed;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])))
			goto failed;
	return fd;
failed:
	bytes = -errno;
	close(fd);
	return bytes;
}

static int first_listing(struct lb_netlink *n)
{
	struct pollfd readable = {.fd = n->fd, .events = POLLIN};
	int tries = 0;

	ask_all(n);
	while (n->asked || ev_is_active(&n->again_timer)) {
		if (ev_is_active(&n->again_timer)) {
			ev_timer_stop(n->loop, &n->again_timer);
			if (++tries > 20)
				return -ETIMEDOUT;
			ask_all(n);
		}

		int err = take(n);

		if (err == -EAGAIN && poll(&readable, 1, OPEN_MS) == 0)
			return -ETIMEDOUT;
		if (err && err != -EAGAIN)
			return err;
	}
	return 0;
}

int lb_netlink_open(
	struct lb_netlink **out, struct ev_loop *loop, const struct lb_netlink_ops *ops, void *data)
{
	struct lb_netlink *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->loop = loop;
	n->ops = ops;
	n->data = data;
	n->fd = make_socket();
	ev_init(&n->again_timer, on_again);
	n->again_timer.data = n;
	if (n->fd < 0) {
		err = n->fd;
		free(n);
		return err;
	}
	ev_io_init(&n->readable, on_readable, n->fd, EV_READ);
	n->readable.data = n;
	ev_io_start(loop, &n->readable);
	err = first_listing(n);
	if (err) {
		lb_netlink_close(n);
		return err;
	}
	*out = n;
	return 0;
}

void lb_netlink_close(struct lb_netlink *n)
{
	if (!n)
		return;
	ev_timer_stop(n->loop, &n->again_timer);
	ev_io_stop(n->loop, &n->readable);
	close(n->fd);
	free(n);
}
