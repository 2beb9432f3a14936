/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_net_remover.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vrrp/vrrp_timer.h"

#define MS           INT64_C(1000000)
#define ONE_NS       (1000 * MS)
#define ALL_NS       (5000 * MS)
#define ANSWER_BYTES 32768

struct vrrp_remover {
	int fd;
	uint32_t seq;
	int64_t give_up_at;
	uint8_t answer[ANSWER_BYTES];
};

int vrrp_remover_open(struct vrrp_remover **out)
{
	struct vrrp_remover *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->fd < 0) {
		int err = -errno;

		free(r);
		return err;
	}
	vrrp_remover_begin(r);
	*out = r;
	return 0;
}

void vrrp_remover_close(struct vrrp_remover *r)
{
	if (!r)
		return;
	close(r->fd);
	free(r);
}

void vrrp_remover_begin(struct vrrp_remover *r)
{
	r->give_up_at = vrrp_now() + ALL_NS;
}

/* ---- question and answer ---- */

/* The kernel's word on our question among these bytes: NULL when they are about an earlier one. */
static struct nlmsghdr *find_answer(struct vrrp_remover *r, int len)
{
	for (struct nlmsghdr *head = (struct nlmsghdr *)r->answer; nlmsg_ok(head, len);
		head = nlmsg_next(head, &len))
		if (head->nlmsg_seq == r->seq)
			return head;
	return NULL;
}

/* Frees msg. 0 or -errno; *answer, if wanted, is good until the next question. */
static int ask(struct vrrp_remover *r, struct nl_msg *msg, struct nlmsghdr **answer)
{
	int64_t until = vrrp_now() + ONE_NS;
	struct pollfd readable = {.fd = r->fd, .events = POLLIN};
	struct nlmsghdr *head = nlmsg_hdr(msg), *found = NULL;
	ssize_t len = 0;
	int err = 0;

	head->nlmsg_seq = ++r->seq ? r->seq : ++r->seq;
	head->nlmsg_flags = NLM_F_REQUEST | (answer ? 0 : NLM_F_ACK);
	if (until > r->give_up_at)
		until = r->give_up_at;
	if (vrrp_now() >= until)
		err = -ETIMEDOUT;
	else if (send(r->fd, head, head->nlmsg_len, MSG_DONTWAIT) < 0)
		err = -errno;
	nlmsg_free(msg);
	while (!err && !found) {
		int64_t left = until - vrrp_now();

		if (left <= 0 || poll(&readable, 1, (int)(left / MS) + 1) == 0) {
			err = -ETIMEDOUT;
			continue;
		}
		len = recv(r->fd, r->answer, sizeof(r->answer), MSG_DONTWAIT);
		if (len >= 0)
			found = find_answer(r, (int)len);
		else if (errno != EINTR && errno != EAGAIN)
			err = -errno;
	}
	if (!err && found->nlmsg_type == NLMSG_ERROR)
		err = nlmsg_valid_hdr(found, sizeof(struct nlmsgerr))
			      ? ((struct nlmsgerr *)nlmsg_data(found))->error
			      : -EBADMSG;
	if (answer)
		*answer = found;
	return err;
}

/* ---- addresses ---- */

static int open_promote(const char *interface, int flags)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/promote_secondaries", interface);
	return open(path, flags | O_CLOEXEC);
}

/* With a primary the kernel removes its secondaries, which may be the operator's, unless this is 1. What it was before. */
static char set_promote(const char *interface, char value)
{
	int fd = open_promote(interface, O_RDWR);
	char before = value;

	if (fd < 0)
		return before;
	if (read(fd, &before, 1) == 1 && before != value && pwrite(fd, &value, 1, 0) != 1)
		before = value;
	close(fd);
	return before;
}

static int delete_address(struct vrrp_remover *r, unsigned ifindex, const struct vrrp_address *address)
{
	int len = address->addr.family == AF_INET6 ? 16 : 4, err;
	struct ifaddrmsg info = {
		.ifa_family = address->addr.family, .ifa_prefixlen = address->prefix, .ifa_index = ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_DELADDR, 0);

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
		nla_put(msg, IFA_LOCAL, len, address->addr.bytes) ||
		nla_put(msg, IFA_ADDRESS, len, address->addr.bytes)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = ask(r, msg, NULL);
	return err == -EADDRNOTAVAIL || err == -ENODEV ? 0 : err;
}

static int remove_at(struct vrrp_remover *r, unsigned ifindex, const struct vrrp_address *address)
{
	char name[IF_NAMESIZE] = "", before;
	int err;

	if (address->addr.family != AF_INET || !if_indextoname(ifindex, name))
		return delete_address(r, ifindex, address);
	before = set_promote(name, '1');
	err = delete_address(r, ifindex, address);
	if (before != '1')
		set_promote(name, before);
	return err;
}

int vrrp_remover_address(
	struct vrrp_remover *r, const char *interface, int ifindex, const struct vrrp_address *address)
{
	unsigned named = if_nametoindex(interface);
	int err = named ? remove_at(r, named, address) : 0, other = 0;

	if (named != (unsigned)ifindex)
		other = remove_at(r, (unsigned)ifindex, address);
	return err ? err : other;
}

/* ---- links ---- */

static int is_macvlan(struct vrrp_remover *r, unsigned ifindex)
{
	struct ifinfomsg info = {.ifi_index = (int)ifindex};
	struct nlattr *attr[IFLA_MAX + 1], *inside[IFLA_INFO_MAX + 1];
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, 0);
	struct nlmsghdr *answer;
	int err;

	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = ask(r, msg, &answer);
	if (err)
		return err;
	if (answer->nlmsg_type != RTM_NEWLINK || nlmsg_parse(answer, sizeof(info), attr, IFLA_MAX, NULL) ||
		!attr[IFLA_LINKINFO] || nla_parse_nested(inside, IFLA_INFO_MAX, attr[IFLA_LINKINFO], NULL) ||
		!inside[IFLA_INFO_KIND])
		return 0;
	return nla_strcmp(inside[IFLA_INFO_KIND], "macvlan") == 0;
}

int vrrp_remover_link(struct vrrp_remover *r, const char *name, int ifindex)
{
	struct ifinfomsg info = {.ifi_index = ifindex};
	struct nl_msg *msg;
	int err;

	if (if_nametoindex(name) != (unsigned)ifindex)
		return 0;
	err = is_macvlan(r, (unsigned)ifindex);
	if (err <= 0)
		return err == -ENODEV ? 0 : err;
	msg = nlmsg_alloc_simple(RTM_DELLINK, 0);
	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = ask(r, msg, NULL);
	return err == -ENODEV ? 0 : err;
}
