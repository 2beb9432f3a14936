/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes: sent over a socket of their own and acknowledged before the call returns. The kernel does the work and queues
 * its answer within the send, so nothing is waited for; were it not so, a second is the most a call takes.
 *
 * - IPv4: an address of a subnet that the link has already becomes a secondary one by itself, and the primary stays the
 *   source of what this host sends. IPv6: preferred_lft 0, so that it is never chosen as a source.
 * - IPv6: IFA_F_NODAD skips duplicate address detection whatever accept_dad says, and the address can be used at once.
 *   An address that is there but cannot be used (tentative, or DAD found it elsewhere while we did not have it) is made
 *   anew: the kernel keeps those flags for ever otherwise. The group of its solicitations is joined first
 *   (vrrp_net_group.c).
 */
#include "vrrp/vrrp_net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vrrp/vrrp_net_inside.h"
#include "vrrp/vrrp_timer.h"

#define PATIENCE_NS  INT64_C(1000000000)
#define ROUTE_S      5
#define ROUTE_METRIC 4096 /* not the kernel's, so they do not replace each other */
#define ANSWER_BYTES 32768
#define FOR_EVER     UINT32_C(0xffffffff) /* INFINITY_LIFE_TIME */

/* ---- one question, one answer ---- */

/* Is the answer to `seq` among these bytes? Then *err is what it says. */
static bool read_answer(void *buf, int len, uint32_t seq, struct vrrp_net_message *answer, int *err)
{
	for (struct nlmsghdr *head = buf; nlmsg_ok(head, len); head = nlmsg_next(head, &len)) {
		if (head->nlmsg_seq != seq)
			continue; /* of a call that gave up */
		if (head->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = nlmsg_data(head);

			*err = nlmsg_valid_hdr(head, sizeof(*error)) ? error->error : -EBADMSG;
			return true;
		}
		if (!answer)
			continue;
		vrrp_net_parse(head, answer);
		*err = answer->kind == VRRP_NET_NOTHING ? -EBADMSG : 0;
		return true;
	}
	return false;
}

static int wait_for_answer(struct vrrp_net *net, uint32_t seq, struct vrrp_net_message *answer)
{
	int64_t deadline = vrrp_now() + PATIENCE_NS;
	char *buf = malloc(ANSWER_BYTES);
	int err = 0;

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t len = recv(nl_socket_get_fd(net->changes), buf, ANSWER_BYTES, 0);

		if (len >= 0 && read_answer(buf, (int)len, seq, answer, &err))
			break;
		if (len < 0 && errno != EINTR && errno != EAGAIN) {
			err = -errno;
			break;
		}
		if (vrrp_now() >= deadline) {
			err = -ETIMEDOUT;
			break;
		}
	}
	free(buf);
	return err;
}

int vrrp_net_request(struct vrrp_net *net, struct nl_msg *msg, struct vrrp_net_message *answer)
{
	struct nlmsghdr *head;
	int err;

	if (!msg)
		return -ENOMEM;
	head = nlmsg_hdr(msg);
	head->nlmsg_seq = ++net->change ? net->change : ++net->change;
	head->nlmsg_flags |= answer ? NLM_F_REQUEST : NLM_F_REQUEST | NLM_F_ACK;
	err = send(nl_socket_get_fd(net->changes), head, head->nlmsg_len, MSG_DONTWAIT) < 0 ? -errno : 0;
	if (!err)
		err = wait_for_answer(net, head->nlmsg_seq, answer);
	nlmsg_free(msg);
	return err;
}

struct vrrp_net_link *vrrp_net_look(struct vrrp_net *net, const char *name, int ifindex, int *err)
{
	struct ifinfomsg info = {.ifi_index = name ? 0 : ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, 0);
	char old_name[VRRP_IFNAME_SIZE];
	struct vrrp_net_message message;
	enum vrrp_net_change change;
	struct vrrp_net_link *link;

	*err = -ENOMEM;
	if (msg && (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
			   nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) ||
			   (name && nla_put_string(msg, IFLA_IFNAME, name)))) {
		nlmsg_free(msg);
		return NULL;
	}
	*err = vrrp_net_request(net, msg, &message);
	if (!*err)
		*err = vrrp_net_copy_put(&net->copy, &message, true, &change, old_name);
	if (*err)
		return NULL;
	link = vrrp_net_copy_link(&net->copy, message.link.ifindex);
	if (!link)
		*err = -ENODEV;
	else if (change != VRRP_NET_SAME)
		link->asked = true;
	return link;
}

/* ---- addresses ---- */

struct request {
	uint16_t type, flags;
	uint32_t address_flags;    /* IFA_F_* */
	uint32_t valid, preferred; /* seconds */
};

static struct nl_msg *address_message(
	const struct request *request, int ifindex, const struct vrrp_address *address)
{
	int len = address->addr.family == AF_INET6 ? 16 : 4;
	struct ifaddrmsg info = {.ifa_family = address->addr.family,
		.ifa_prefixlen = address->prefix,
		.ifa_flags = (uint8_t)request->address_flags,
		.ifa_index = (unsigned)ifindex};
	struct ifa_cacheinfo life = {.ifa_prefered = request->preferred, .ifa_valid = request->valid};
	struct nl_msg *msg = nlmsg_alloc_simple(request->type, request->flags);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
		nla_put(msg, IFA_LOCAL, len, address->addr.bytes) ||
		nla_put(msg, IFA_ADDRESS, len, address->addr.bytes) ||
		(request->type == RTM_NEWADDR && (nla_put_u32(msg, IFA_FLAGS, request->address_flags) ||
							 nla_put(msg, IFA_CACHEINFO, sizeof(life), &life)))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static bool is_address(const struct vrrp_address *address)
{
	return (address->addr.family == AF_INET && address->prefix >= 1 && address->prefix <= 32) ||
	       (address->addr.family == AF_INET6 && address->prefix >= 1 && address->prefix <= 128);
}

static uint32_t kernel_flags(const struct vrrp_address *address, unsigned flags)
{
	return (address->addr.family == AF_INET6 ? IFA_F_NODAD : 0) |
	       (flags & VRRP_ADDRESS_NO_ROUTE ? IFA_F_NOPREFIXROUTE : 0);
}

/*
 * An IPv6 address is this host's for what comes for it when there is a local route to it. The kernel makes that route in a
 * work queue, on a busy machine tens of milliseconds after it has added the address; until then it uses the address as a
 * source and sends on what comes back, so that the answer to its own neighbour solicitation is lost, and asked for again
 * after a second. So there is another one, of ours, from the first moment on, that ends by itself.
 */
static struct nl_msg *route_message(const struct request *request, int ifindex, const struct net_addr *addr)
{
	struct rtmsg info = {.rtm_family = AF_INET6,
		.rtm_dst_len = 128,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_LOCAL};
	struct nl_msg *msg = nlmsg_alloc_simple(request->type, request->flags);

	if (msg && (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
			   nla_put(msg, RTA_DST, 16, addr->bytes) ||
			   nla_put_u32(msg, RTA_OIF, (uint32_t)ifindex) ||
			   nla_put_u32(msg, RTA_PRIORITY, ROUTE_METRIC) ||
			   (request->valid && nla_put_u32(msg, RTA_EXPIRES, request->valid)))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Were it refused, the address would be there all the same, a little later. */
static void add_route(struct vrrp_net *net, int ifindex, const struct net_addr *addr)
{
	struct request request = {
		.type = RTM_NEWROUTE, .flags = NLM_F_CREATE | NLM_F_REPLACE, .valid = ROUTE_S};

	if (addr->family == AF_INET6)
		vrrp_net_request(net, route_message(&request, ifindex, addr), NULL);
}

static void delete_route(struct vrrp_net *net, int ifindex, const struct net_addr *addr)
{
	struct request request = {.type = RTM_DELROUTE};

	if (addr->family == AF_INET6) /* mostly it has ended */
		vrrp_net_request(net, route_message(&request, ifindex, addr), NULL);
}

static int delete_address(struct vrrp_net *net, int ifindex, const struct vrrp_address *address)
{
	struct request request = {.type = RTM_DELADDR};
	int err = vrrp_net_request(net, address_message(&request, ifindex, address), NULL);

	delete_route(net, ifindex, &address->addr);
	if (!err)
		vrrp_net_copy_removed(&net->copy, ifindex, address);
	else if (err == -EADDRNOTAVAIL)
		vrrp_net_copy_is_gone(&net->copy, ifindex, address);
	return err == -EADDRNOTAVAIL || err == -ENODEV ? 0 : err;
}

static int add_once(
	struct vrrp_net *net, int ifindex, const struct vrrp_address *address, const struct request *request)
{
	int err = vrrp_net_request(net, address_message(request, ifindex, address), NULL);

	if (!err) {
		vrrp_net_copy_added(&net->copy, ifindex, address);
		add_route(net, ifindex, &address->addr);
	}
	return err;
}

/*
 * The kernel refused to add it, for it has it; the copy may not: what another program did is read later, and may be told in
 * another order. IPv4: it is that very prefix. IPv6: whatever the prefix, and it may be of no use; the kernel can be asked.
 */
static int ask_how_it_is(struct vrrp_net *net, int ifindex, const struct vrrp_address *address)
{
	struct ifaddrmsg info = {.ifa_family = AF_INET6, .ifa_index = (unsigned)ifindex};
	struct vrrp_net_message answer;
	struct nl_msg *msg;
	int err;

	if (address->addr.family == AF_INET)
		return vrrp_net_copy_added(&net->copy, ifindex, address);
	msg = nlmsg_alloc_simple(RTM_GETADDR, 0);
	if (msg && (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
			   nla_put(msg, IFA_ADDRESS, 16, address->addr.bytes))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	err = vrrp_net_request(net, msg, &answer);
	return err ? err : vrrp_net_copy_is_there(&net->copy, &answer);
}

/* 1: it is there, and good. -EADDRNOTAVAIL: it is not, any more. */
static int be_there(struct vrrp_net *net, int ifindex, const struct vrrp_address *address)
{
	int err = ask_how_it_is(net, ifindex, address);
	const struct vrrp_net_address *there = vrrp_net_copy_address(&net->copy, ifindex, &address->addr);

	if (err)
		return err;
	if (!there || there->usable)
		return 1;
	err = delete_address(net, ifindex, &there->address);
	return err ? err : -EADDRNOTAVAIL;
}

int vrrp_net_add_address(
	struct vrrp_net *net, int ifindex, const struct vrrp_address *address, unsigned flags)
{
	struct request request = {.type = RTM_NEWADDR,
		.flags = NLM_F_CREATE | NLM_F_EXCL,
		.address_flags = kernel_flags(address, flags),
		.valid = FOR_EVER,
		.preferred = address->addr.family == AF_INET6 ? 0 : FOR_EVER};
	const struct vrrp_net_link *link = vrrp_net_copy_link(&net->copy, ifindex);
	int err;

	if (!is_address(address))
		return -EINVAL;
	if (link && link->macvlan && !link->link.up) {
		err = vrrp_net_set_up(net, ifindex, true);
		if (err)
			return err;
	}
	vrrp_net_groups_join(&net->groups, ifindex, &address->addr);
	err = add_once(net, ifindex, address, &request);
	if (err == -EEXIST)
		err = be_there(net, ifindex, address);
	return err == -EADDRNOTAVAIL ? add_once(net, ifindex, address, &request) : err;
}

int vrrp_net_expire_address(struct vrrp_net *net, int ifindex, const struct vrrp_address *address,
	unsigned flags, uint32_t after_s)
{
	uint32_t valid = after_s ? after_s : FOR_EVER;
	struct request request = {.type = RTM_NEWADDR,
		.flags = NLM_F_REPLACE,
		.address_flags = kernel_flags(address, flags),
		.valid = valid,
		.preferred = address->addr.family == AF_INET6 ? 0 : valid};

	if (!is_address(address))
		return -EINVAL;
	if (!vrrp_net_has_address(net, ifindex, &address->addr))
		return -EADDRNOTAVAIL; /* the kernel would add it */
	return vrrp_net_request(net, address_message(&request, ifindex, address), NULL);
}

/* An IPv4 primary is about to go: those of its subnet that come after it shall stay. */
static void keep_secondaries(const struct vrrp_net *net, int ifindex)
{
	const struct vrrp_net_link *link = vrrp_net_copy_link(&net->copy, ifindex);

	if (link)
		vrrp_net_sysctl_set("ipv4", link->link.name, "promote_secondaries", 1);
}

/* Is it the last one of a macvlan that is up? */
static bool is_last(const struct vrrp_net_link *link, const struct vrrp_address *address)
{
	if (!link || !link->macvlan || !link->link.up)
		return false;
	for (size_t i = 0; i < link->count; i++)
		if (link->addresses[i].present &&
			!addr_equal(&link->addresses[i].address.addr, &address->addr))
			return false;
	return true;
}

int vrrp_net_remove_address(struct vrrp_net *net, int ifindex, const struct vrrp_address *address)
{
	const struct vrrp_net_address *there;

	if (!is_address(address))
		return -EINVAL;
	/* While the kernel is a member too: nothing is sent. */
	vrrp_net_groups_leave(&net->groups, ifindex, &address->addr);
	there = vrrp_net_copy_address(&net->copy, ifindex, &address->addr);
	if (address->addr.family == AF_INET && !(there && there->secondary))
		keep_secondaries(net, ifindex);
	if (is_last(vrrp_net_copy_link(&net->copy, ifindex), address))
		vrrp_net_set_up(net, ifindex, false); /* gone meanwhile: then the address is, too */
	return delete_address(net, ifindex, address);
}

/* ---- sysctls ---- */

static int open_sysctl(const char *family, const char *interface, const char *key, int flags)
{
	char path[160];
	int fd;

	if (strchr(interface, '/') || snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family,
					      interface, key) >= (int)sizeof(path))
		return -EINVAL;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int vrrp_net_sysctl_get(const char *family, const char *interface, const char *key, int *value)
{
	char text[32] = "";
	int fd = open_sysctl(family, interface, key, O_RDONLY), err = 0;

	if (fd < 0)
		return fd;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		err = -EIO;
	close(fd);
	*value = atoi(text);
	return err;
}

int vrrp_net_sysctl_set(const char *family, const char *interface, const char *key, int value)
{
	char text[32];
	int old, len, fd;
	int err = vrrp_net_sysctl_get(family, interface, key, &old);

	if (err || old == value)
		return err;
	fd = open_sysctl(family, interface, key, O_WRONLY);
	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text), "%d", value);
	err = write(fd, text, (size_t)len) < 0 ? -errno : 0;
	close(fd);
	return err;
}
