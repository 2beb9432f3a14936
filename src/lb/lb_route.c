/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

static int on_route(struct nl_msg *msg, void *data)
{
	struct lb_route_asker *asker = data;
	struct nlattr *attr[RTA_MAX + 1];

	if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWROUTE &&
		!nlmsg_parse(nlmsg_hdr(msg), sizeof(struct rtmsg), attr, RTA_MAX, NULL) && attr[RTA_OIF] &&
		nla_len(attr[RTA_OIF]) >= (int)sizeof(uint32_t))
		asker->ifindex = nla_get_u32(attr[RTA_OIF]);
	return NL_OK;
}

int lb_route_open(struct lb_route_asker *asker)
{
	memset(asker, 0, sizeof(*asker));
	asker->socket = nl_socket_alloc();
	if (!asker->socket)
		return -ENOMEM;
	nl_socket_modify_cb(asker->socket, NL_CB_VALID, NL_CB_CUSTOM, on_route, asker);
	if (!nl_connect(asker->socket, NETLINK_ROUTE))
		return 0;
	lb_route_close(asker);
	return -EIO;
}

void lb_route_close(struct lb_route_asker *asker)
{
	nl_socket_free(asker->socket);
	memset(asker, 0, sizeof(*asker));
}

uint32_t lb_route_device(struct lb_route_asker *asker, const struct net_addr *addr)
{
	int bytes = addr->family == AF_INET6 ? 16 : 4;
	struct rtmsg route = {.rtm_family = addr->family, .rtm_dst_len = (unsigned char)(bytes * 8)};
	struct nl_msg *question = asker->socket ? nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST) : NULL;

	asker->ifindex = 0;
	if (!question)
		return 0;
	if (!nlmsg_append(question, &route, sizeof(route), NLMSG_ALIGNTO) &&
		!nla_put(question, RTA_DST, bytes, addr->bytes) && nl_send_auto(asker->socket, question) >= 0)
		nl_wait_for_ack(asker->socket); /* the answer comes before it; an error instead of it */
	nlmsg_free(question);
	return asker->ifindex;
}
