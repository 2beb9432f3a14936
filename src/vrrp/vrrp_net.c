/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The follower: one socket carries events and answers in the order in which the kernel made them. A listing is two
 * questions, links then addresses. When the kernel says that messages were lost, everything is asked for anew, after what
 * still waits in the socket (it is older) was read, and what the listing did not have is gone.
 */
#include "vrrp/vrrp_net.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/log.h"
#include "vrrp/vrrp_net_inside.h"
#include "vrrp/vrrp_timer.h"

#define BUFFER_BYTES  131072
#define RECEIVE_BYTES (4 << 20)
#define READS_A_TURN  64
#define READS_A_DRAIN 4096
#define AGAIN_S       0.05 /* between a loss and the next listing: a storm is let pass */
#define OPEN_MS       5000

/* ---- questions ---- */

static int ask(struct vrrp_net *net, uint16_t type)
{
	struct ifinfomsg link = {};
	struct ifaddrmsg address = {};
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_DUMP);
	int err;

	if (!msg)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_seq = ++net->seq ? net->seq : ++net->seq; /* 0 is "any" to libnl */
	err = type == RTM_GETLINK ? nlmsg_append(msg, &link, sizeof(link), NLMSG_ALIGNTO)
				  : nlmsg_append(msg, &address, sizeof(address), NLMSG_ALIGNTO);
	if (!err && type == RTM_GETLINK)
		err = nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (!err && nl_send_auto(net->events, msg) < 0)
		err = -EIO;
	nlmsg_free(msg);
	if (err)
		return -EIO;
	net->asked = type;
	return 0;
}

static void ask_later(struct vrrp_net *net)
{
	net->asked = 0;
	ev_timer_stop(net->loop, &net->again_timer);
	ev_timer_set(&net->again_timer, AGAIN_S, 0.);
	ev_timer_start(net->loop, &net->again_timer);
}

static void ask_all(struct vrrp_net *net)
{
	ev_timer_stop(net->loop, &net->again_timer);
	net->again = false;
	vrrp_net_copy_list(&net->copy);
	if (ask(net, RTM_GETLINK))
		ask_later(net);
}

static void listed_all(struct vrrp_net *net)
{
	struct vrrp_net_message gone;

	net->asked = 0;
	while (vrrp_net_copy_sweep(&net->copy, &gone)) {
		if (net->quiet)
			continue;
		if (gone.kind == VRRP_NET_LINK)
			net->ops->link(net->data, &gone.link, true);
		else if (gone.usable)
			net->ops->address(net->data, gone.ifindex, &gone.address, true);
	}
	if (!net->quiet)
		net->ops->resync(net->data);
}

/* The answer to a question is over. */
static void answered(struct vrrp_net *net, bool failed)
{
	if (failed || net->again) {
		ask_later(net);
	} else if (net->asked == RTM_GETLINK) {
		if (ask(net, RTM_GETADDR))
			ask_later(net);
	} else {
		listed_all(net);
	}
}

/* An answer that runs cannot be stopped: it is let run out first. */
static void lost(struct vrrp_net *net)
{
	net->again = true;
	if (!net->asked)
		ask_later(net);
}

/* ---- messages ---- */

int vrrp_net_take(struct vrrp_net *net, const struct vrrp_net_message *message, bool listed)
{
	enum vrrp_net_change change;
	struct vrrp_link old = {};
	int err = vrrp_net_copy_put(&net->copy, message, listed, &change, old.name);

	if (err || net->quiet || change == VRRP_NET_SAME)
		return err;
	if (message->kind == VRRP_NET_ADDRESS) {
		net->ops->address(net->data, message->ifindex, &message->address, change == VRRP_NET_GONE);
		return 0;
	}
	/* To who goes by names a link with another name is another link. */
	if (change == VRRP_NET_RENAMED) {
		old.ifindex = message->link.ifindex;
		net->ops->link(net->data, &old, true);
	}
	net->ops->link(net->data, &message->link, change == VRRP_NET_GONE);
	return 0;
}

static int on_message(struct nl_msg *msg, void *data)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct vrrp_net *net = data;
	struct vrrp_net_message message;
	bool listed = net->asked && head->nlmsg_seq == net->seq && (head->nlmsg_flags & NLM_F_MULTI);

	vrrp_net_parse(head, &message);
	if (vrrp_net_take(net, &message, listed))
		lost(net);
	return NL_OK;
}

static int on_done(struct nl_msg *msg, void *data)
{
	struct vrrp_net *net = data;

	if (net->asked && nlmsg_hdr(msg)->nlmsg_seq == net->seq)
		answered(net, false);
	return NL_OK;
}

static int on_refused(struct sockaddr_nl *from, struct nlmsgerr *error, void *data)
{
	struct vrrp_net *net = data;

	if (net->asked && error->msg.nlmsg_seq == net->seq)
		answered(net, true);
	return NL_SKIP;
}

/* The table changed under the listing: it may have holes. */
static int on_interrupted(struct nl_msg *msg, void *data)
{
	struct vrrp_net *net = data;

	if (nlmsg_hdr(msg)->nlmsg_seq == net->seq)
		net->again = true;
	return NL_OK;
}

/* Events and answers come as they come. */
static int on_sequence(struct nl_msg *msg, void *data)
{
	return NL_OK;
}

/* Take what is there. 0, or -errno: -EAGAIN when there is nothing. */
static int take(struct vrrp_net *net)
{
	int err;

	net->taking = true;
	err = nl_recvmsgs_default(net->events);
	net->taking = false;
	if (err >= 0)
		return 0;
	if (err == -NLE_AGAIN)
		return -EAGAIN;
	if (err == -NLE_NOMEM || err == -NLE_MSG_TRUNC || err == -NLE_MSG_OVERFLOW) { /* ENOBUFS, too long */
		lost(net);
		return 0;
	}
	return err == -NLE_INTR || err == -NLE_DUMP_INTR ? 0 : -EIO;
}

static void take_all(struct vrrp_net *net, int reads)
{
	while (reads-- > 0)
		if (take(net))
			return;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	take_all(io->data, READS_A_TURN);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct vrrp_net *net = timer->data;

	take_all(net, READS_A_DRAIN); /* older than the listing that is asked for now */
	ask_all(net);
}

void vrrp_net_drain(struct vrrp_net *net)
{
	if (net->taking)
		return; /* called from ops: the rest of what was read comes next anyway */
	take_all(net, READS_A_DRAIN);
	if (!ev_is_active(&net->again_timer))
		return;
	ask_all(net);
	take_all(net, READS_A_DRAIN);
}

/* ---- reading the copy ---- */

const struct vrrp_link *vrrp_net_link(const struct vrrp_net *net, const char *name)
{
	const struct vrrp_net_link *link = vrrp_net_copy_link_named(&net->copy, name);

	return link ? &link->link : NULL;
}

const struct vrrp_link *vrrp_net_link_at(const struct vrrp_net *net, int ifindex)
{
	const struct vrrp_net_link *link = vrrp_net_copy_link(&net->copy, ifindex);

	return link ? &link->link : NULL;
}

/* IPv4 primary, IPv4 secondary, IPv6. */
static int rank_of(const struct vrrp_net_address *address)
{
	return address->address.addr.family == AF_INET6 ? 2 : address->secondary ? 1 : 0;
}

void vrrp_net_each_address(const struct vrrp_net *net, int ifindex,
	bool (*visit)(void *data, const struct vrrp_address *address), void *data)
{
	const struct vrrp_net_link *link = vrrp_net_copy_link(&net->copy, ifindex);

	for (int rank = 0; link && rank < 3; rank++)
		for (size_t i = 0; i < link->count; i++)
			if (link->addresses[i].usable && rank_of(&link->addresses[i]) == rank &&
				!visit(data, &link->addresses[i].address))
				return;
}

bool vrrp_net_has_address(const struct vrrp_net *net, int ifindex, const struct net_addr *addr)
{
	const struct vrrp_net_address *found = vrrp_net_copy_address(&net->copy, ifindex, addr);

	return found && found->usable;
}

/* ---- open and close ---- */

static int force_buffer(struct nl_sock *socket)
{
	int bytes = RECEIVE_BYTES;

	if (setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		return nl_socket_set_buffer_size(socket, RECEIVE_BYTES, 0) ? -EIO : 0;
	return 0;
}

static int make_events(struct vrrp_net *net)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};

	net->events = nl_socket_alloc();
	if (!net->events)
		return -ENOMEM;
	nl_socket_disable_auto_ack(net->events);
	nl_socket_modify_cb(net->events, NL_CB_VALID, NL_CB_CUSTOM, on_message, net);
	nl_socket_modify_cb(net->events, NL_CB_FINISH, NL_CB_CUSTOM, on_done, net);
	nl_socket_modify_cb(net->events, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, net);
	nl_socket_modify_cb(net->events, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, net);
	nl_socket_modify_err_cb(net->events, NL_CB_CUSTOM, on_refused, net);
	if (nl_connect(net->events, NETLINK_ROUTE) || nl_socket_set_nonblocking(net->events) ||
		nl_socket_set_msg_buf_size(net->events, BUFFER_BYTES) || force_buffer(net->events))
		return -EIO;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (nl_socket_add_membership(net->events, groups[i]))
			return -EIO;
	return 0;
}

static int make_changes(struct vrrp_net *net)
{
	struct timeval patience = {.tv_usec = 100000}; /* of one read; vrrp_net_request() counts them */

	net->changes = nl_socket_alloc();
	if (!net->changes)
		return -ENOMEM;
	if (nl_connect(net->changes, NETLINK_ROUTE) || setsockopt(nl_socket_get_fd(net->changes), SOL_SOCKET,
							       SO_RCVTIMEO, &patience, sizeof(patience)))
		return -EIO;
	return 0;
}

static int first_listing(struct vrrp_net *net)
{
	struct pollfd readable = {.fd = nl_socket_get_fd(net->events), .events = POLLIN};
	int64_t deadline = vrrp_now() + INT64_C(1000000) * OPEN_MS;

	ask_all(net);
	while (net->asked || ev_is_active(&net->again_timer)) {
		if (vrrp_now() >= deadline)
			return -ETIMEDOUT;
		if (ev_is_active(&net->again_timer))
			ask_all(net);

		int err = take(net);

		if (err == -EAGAIN)
			poll(&readable, 1, OPEN_MS / 10);
		else if (err)
			return err;
	}
	return 0;
}

int vrrp_net_open(struct vrrp_net **out, struct ev_loop *loop, const struct vrrp_net_ops *ops, void *data)
{
	struct vrrp_net *net = calloc(1, sizeof(*net));
	int err;

	if (!net)
		return -ENOMEM;
	net->loop = loop;
	net->ops = ops;
	net->data = data;
	ev_init(&net->again_timer, on_again);
	net->again_timer.data = net;
	vrrp_net_groups_init(&net->groups, loop);
	ev_init(&net->readable, on_readable);
	net->readable.data = net;
	err = make_events(net);
	if (!err)
		err = make_changes(net);
	if (!err) {
		net->quiet = true;
		err = first_listing(net);
		net->quiet = false;
	}
	if (err) {
		log_error("cannot read the kernel's links and addresses (rtnetlink): %s", strerror(-err));
		vrrp_net_close(net);
		return err;
	}
	ev_io_set(&net->readable, nl_socket_get_fd(net->events), EV_READ);
	ev_io_start(loop, &net->readable);
	*out = net;
	return 0;
}

void vrrp_net_close(struct vrrp_net *net)
{
	if (!net)
		return;
	ev_timer_stop(net->loop, &net->again_timer);
	ev_io_stop(net->loop, &net->readable);
	nl_socket_free(net->events);
	nl_socket_free(net->changes);
	vrrp_net_groups_close(&net->groups);
	vrrp_net_copy_clear(&net->copy);
	free(net);
}
