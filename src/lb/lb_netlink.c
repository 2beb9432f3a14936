/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One socket carries events and answers, in the order in which the kernel made them: a listing that
 * overtakes an event is newer than it. A listing is two questions, devices then neighbours.
 */
#include "lb/lb_netlink.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
	struct nl_sock *socket;
	ev_io readable;
	ev_timer again_timer;
	uint32_t seq;   /* of the question that is being answered */
	uint16_t asked; /* RTM_GET*; 0 = none */
	bool again;     /* the listing is worthless: ask once more */
};

/* ---- questions ---- */

static int ask(struct lb_netlink *n, uint16_t type)
{
	struct ifinfomsg link = {};
	struct ndmsg neigh = {};
	struct nl_msg *question = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_DUMP);
	int err;

	if (!question)
		return -ENOMEM;
	nlmsg_hdr(question)->nlmsg_seq = ++n->seq ? n->seq : ++n->seq; /* 0 is "any" to libnl */
	err = type == RTM_GETLINK ? nlmsg_append(question, &link, sizeof(link), NLMSG_ALIGNTO)
				  : nlmsg_append(question, &neigh, sizeof(neigh), NLMSG_ALIGNTO);
	if (!err && nl_send_auto(n->socket, question) < 0)
		err = -EIO;
	nlmsg_free(question);
	if (err)
		return -EIO;
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
	if (failed || n->again) {
		ask_later(n);
	} else if (n->asked == RTM_GETLINK) {
		if (ask(n, RTM_GETNEIGH))
			ask_later(n);
	} else if (n->asked == RTM_GETNEIGH) {
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

/*
 * A macvlan with one of VRRP's MACs (RFC 9568 section 7.3): whose below is it? What stands on another namespace's device
 * is not ours.
 */
static uint32_t read_below(struct nlattr **attr, const uint8_t mac[6])
{
	static const uint8_t ipv4[5] = {0x00, 0x00, 0x5e, 0x00, 0x01},
			     ipv6[5] = {0x00, 0x00, 0x5e, 0x00, 0x02};
	struct nlattr *info[IFLA_INFO_MAX + 1];

	if (!attr[IFLA_LINKINFO] || !attr[IFLA_LINK] || attr[IFLA_LINK_NETNSID] ||
		nla_len(attr[IFLA_LINK]) < (int)sizeof(uint32_t) ||
		nla_parse_nested(info, IFLA_INFO_MAX, attr[IFLA_LINKINFO], NULL) || !info[IFLA_INFO_KIND] ||
		nla_strcmp(info[IFLA_INFO_KIND], "macvlan") != 0 ||
		(memcmp(mac, ipv4, sizeof(ipv4)) != 0 && memcmp(mac, ipv6, sizeof(ipv6)) != 0))
		return 0;
	return nla_get_u32(attr[IFLA_LINK]);
}

static void read_device(struct lb_netlink *n, struct nlmsghdr *head)
{
	const struct ifinfomsg *info = nlmsg_data(head);
	struct lb_device device = {.ifindex = (uint32_t)info->ifi_index,
		.type = info->ifi_type,
		.flags = info->ifi_flags,
		.link = -1};
	struct nlattr *attr[IFLA_MAX + 1];

	/* A bridge speaks of its ports in the same messages. */
	if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0 ||
		nlmsg_parse(head, sizeof(*info), attr, IFLA_MAX, NULL))
		return;
	if (attr[IFLA_IFNAME])
		nla_strlcpy(device.name, attr[IFLA_IFNAME], sizeof(device.name));
	if (attr[IFLA_MTU] && nla_len(attr[IFLA_MTU]) >= (int)sizeof(uint32_t))
		device.mtu = nla_get_u32(attr[IFLA_MTU]);
	if (attr[IFLA_MASTER] && nla_len(attr[IFLA_MASTER]) >= (int)sizeof(uint32_t))
		device.master = nla_get_u32(attr[IFLA_MASTER]);
	if (attr[IFLA_ADDRESS] && nla_len(attr[IFLA_ADDRESS]) == sizeof(device.mac))
		memcpy(device.mac, nla_data(attr[IFLA_ADDRESS]), sizeof(device.mac));
	device.below = read_below(attr, device.mac);
	n->ops->device(n->data, &device, head->nlmsg_type == RTM_DELLINK);
}

static void read_neighbour(struct lb_netlink *n, struct nlmsghdr *head)
{
	const struct ndmsg *info = nlmsg_data(head);
	struct lb_neigh_entry entry = {
		.ifindex = (uint32_t)info->ndm_ifindex, .addr.family = info->ndm_family};
	struct nlattr *attr[NDA_MAX + 1];
	int want = info->ndm_family == AF_INET6 ? 16 : 4;
	bool mac;

	if ((info->ndm_family != AF_INET && info->ndm_family != AF_INET6) || (info->ndm_flags & NTF_PROXY) ||
		nlmsg_parse(head, sizeof(*info), attr, NDA_MAX, NULL) || !attr[NDA_DST] ||
		nla_len(attr[NDA_DST]) != want)
		return;
	memcpy(entry.addr.bytes, nla_data(attr[NDA_DST]), (size_t)want);
	mac = attr[NDA_LLADDR] && nla_len(attr[NDA_LLADDR]) == sizeof(entry.mac);
	if (mac)
		memcpy(entry.mac, nla_data(attr[NDA_LLADDR]), sizeof(entry.mac));
	entry.usable = mac && head->nlmsg_type == RTM_NEWNEIGH && (info->ndm_state & NEIGH_USABLE);
	n->ops->neighbour(
		n->data, &entry, n->asked && head->nlmsg_seq == n->seq && (head->nlmsg_flags & NLM_F_MULTI));
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
	default:
		return 0;
	}
}

static int on_message(struct nl_msg *msg, void *data)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct lb_netlink *n = data;

	if (!nlmsg_valid_hdr(head, (int)body_of(head->nlmsg_type)))
		return NL_SKIP;
	switch (head->nlmsg_type) {
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
		n->ops->filter(n->data, (uint32_t)((const struct tcmsg *)nlmsg_data(head))->tcm_ifindex);
		break;
	}
	return NL_OK;
}

static int on_done(struct nl_msg *msg, void *data)
{
	struct lb_netlink *n = data;

	if (n->asked && nlmsg_hdr(msg)->nlmsg_seq == n->seq)
		answered(n, false);
	return NL_OK;
}

static int on_refused(struct sockaddr_nl *from, struct nlmsgerr *error, void *data)
{
	struct lb_netlink *n = data;

	if (n->asked && error->msg.nlmsg_seq == n->seq)
		answered(n, true);
	return NL_SKIP;
}

/* The table changed under the listing: it may have holes. */
static int on_interrupted(struct nl_msg *msg, void *data)
{
	struct lb_netlink *n = data;

	if (nlmsg_hdr(msg)->nlmsg_seq == n->seq)
		n->again = true;
	return NL_OK;
}

/* Events and answers come as they come. */
static int on_sequence(struct nl_msg *msg, void *data)
{
	return NL_OK;
}

/* Take what is there. 0, or -errno: -EAGAIN when there is nothing. */
static int take(struct lb_netlink *n)
{
	int err = nl_recvmsgs_default(n->socket);

	if (err >= 0)
		return 0;
	if (err == -NLE_AGAIN)
		return -EAGAIN;
	if (err == -NLE_NOMEM || err == -NLE_MSG_TRUNC ||
		err == -NLE_MSG_OVERFLOW) { /* ENOBUFS, or too long */
		lost(n);
		return 0;
	}
	return err == -NLE_INTR || err == -NLE_DUMP_INTR ? 0 : -EIO;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	for (int i = 0; i < READS_A_TURN; i++)
		if (take(io->data))
			return;
}

/* ---- open and close ---- */

static int make_socket(struct lb_netlink *n)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
		RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_TC};
	int bytes = RECEIVE_BYTES;

	n->socket = nl_socket_alloc();
	if (!n->socket)
		return -ENOMEM;
	nl_socket_disable_auto_ack(n->socket);
	nl_socket_modify_cb(n->socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, n);
	nl_socket_modify_cb(n->socket, NL_CB_FINISH, NL_CB_CUSTOM, on_done, n);
	nl_socket_modify_cb(n->socket, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, n);
	nl_socket_modify_cb(n->socket, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, n);
	nl_socket_modify_err_cb(n->socket, NL_CB_CUSTOM, on_refused, n);
	if (nl_connect(n->socket, NETLINK_ROUTE) || nl_socket_set_nonblocking(n->socket) ||
		nl_socket_set_msg_buf_size(n->socket, BUFFER_BYTES))
		return -EIO;
	if (setsockopt(nl_socket_get_fd(n->socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		nl_socket_set_buffer_size(n->socket, RECEIVE_BYTES, 0);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (nl_socket_add_membership(n->socket, groups[i]))
			return -EIO;
	return 0;
}

static int first_listing(struct lb_netlink *n)
{
	struct pollfd readable = {.fd = nl_socket_get_fd(n->socket), .events = POLLIN};
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
	ev_init(&n->again_timer, on_again);
	n->again_timer.data = n;
	ev_init(&n->readable, on_readable);
	n->readable.data = n;
	err = make_socket(n);
	if (!err) {
		ev_io_set(&n->readable, nl_socket_get_fd(n->socket), EV_READ);
		ev_io_start(loop, &n->readable);
		err = first_listing(n);
	}
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
	nl_socket_free(n->socket);
	free(n);
}
