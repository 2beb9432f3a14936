/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is not as one would think:
 * - A veth's IFLA_LINK is its other end, so only kinds that stand on another device have a parent; with
 *   IFLA_LINK_NETNSID the index is one of another namespace and means nothing here.
 * - A bridge tells of its ports, and a wireless driver of its events, in link messages that have half of the
 *   attributes: these are not about the link.
 */
#include "vrrp/vrrp_net_parse.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

/* linux/if.h has them as an enum that net/if.h lacks */
#define OPERATES(state) ((state) == IF_OPER_UP || (state) == IF_OPER_UNKNOWN)

static bool has_u32(const struct nlattr *attr)
{
	return attr && nla_len(attr) >= (int)sizeof(uint32_t);
}

static bool stands_on_another(const char *kind)
{
	static const char *const kinds[] = {"vlan", "macvlan", "macvtap", "ipvlan"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

static void read_bond(struct nlattr *data, struct vrrp_net_message *out)
{
	struct nlattr *bond[IFLA_BOND_MAX + 1];

	if (nla_parse_nested(bond, IFLA_BOND_MAX, data, NULL) || !has_u32(bond[IFLA_BOND_ACTIVE_SLAVE]))
		return;
	out->link.active_slave = (int)nla_get_u32(bond[IFLA_BOND_ACTIVE_SLAVE]);
	if (out->link.active_slave < 0)
		out->link.active_slave = 0;
}

static void read_macvlan(struct nlattr *data, struct vrrp_net_message *out)
{
	struct nlattr *macvlan[IFLA_MACVLAN_MAX + 1];

	if (nla_parse_nested(macvlan, IFLA_MACVLAN_MAX, data, NULL) || !has_u32(macvlan[IFLA_MACVLAN_MODE]))
		return;
	out->vepa_mode = nla_get_u32(macvlan[IFLA_MACVLAN_MODE]) == MACVLAN_MODE_VEPA;
}

static void read_kind(struct nlattr **attr, struct vrrp_net_message *out)
{
	struct nlattr *info[IFLA_INFO_MAX + 1];
	char kind[32] = "";

	if (!attr[IFLA_LINKINFO] || nla_parse_nested(info, IFLA_INFO_MAX, attr[IFLA_LINKINFO], NULL))
		return;
	if (info[IFLA_INFO_KIND])
		nla_strlcpy(kind, info[IFLA_INFO_KIND], sizeof(kind));
	if (stands_on_another(kind) && has_u32(attr[IFLA_LINK]) && !attr[IFLA_LINK_NETNSID]) {
		int parent = (int)nla_get_u32(attr[IFLA_LINK]);

		out->link.parent = parent > 0 && parent != out->link.ifindex ? parent : 0;
	}
	out->macvlan = strcmp(kind, "macvlan") == 0;
	if (info[IFLA_INFO_DATA] && strcmp(kind, "bond") == 0)
		read_bond(info[IFLA_INFO_DATA], out);
	else if (info[IFLA_INFO_DATA] && out->macvlan)
		read_macvlan(info[IFLA_INFO_DATA], out);
}

static void parse_link(struct nlmsghdr *head, struct vrrp_net_message *out)
{
	struct nlattr *attr[IFLA_MAX + 1];
	const struct ifinfomsg *info;
	struct vrrp_link *link = &out->link;
	uint8_t state = IF_OPER_UNKNOWN;

	if (!nlmsg_valid_hdr(head, sizeof(*info)))
		return;
	info = nlmsg_data(head);
	if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0 ||
		nlmsg_parse(head, sizeof(*info), attr, IFLA_MAX, NULL) || attr[IFLA_WIRELESS] ||
		!attr[IFLA_IFNAME])
		return;
	nla_strlcpy(link->name, attr[IFLA_IFNAME], sizeof(link->name));
	if (!link->name[0])
		return;
	link->ifindex = info->ifi_index;
	out->gone = head->nlmsg_type == RTM_DELLINK;
	out->kind = VRRP_NET_LINK;
	if (out->gone)
		return;
	if (attr[IFLA_ADDRESS] && nla_len(attr[IFLA_ADDRESS]) == (int)sizeof(link->mac)) {
		memcpy(link->mac, nla_data(attr[IFLA_ADDRESS]), sizeof(link->mac));
		link->ethernet = info->ifi_type == ARPHRD_ETHER;
	}
	if (attr[IFLA_OPERSTATE] && nla_len(attr[IFLA_OPERSTATE]) >= 1)
		state = nla_get_u8(attr[IFLA_OPERSTATE]);
	link->up = info->ifi_flags & IFF_UP;
	link->carrier = (info->ifi_flags & IFF_LOWER_UP) && OPERATES(state);
	if (attr[IFLA_IFALIAS])
		nla_strlcpy(out->alias, attr[IFLA_IFALIAS], sizeof(out->alias));
	read_kind(attr, out);
}

static void parse_address(struct nlmsghdr *head, struct vrrp_net_message *out)
{
	struct nlattr *attr[IFA_MAX + 1], *own;
	const struct ifaddrmsg *info;
	uint32_t flags;
	int want;

	if (!nlmsg_valid_hdr(head, sizeof(*info)))
		return;
	info = nlmsg_data(head);
	want = info->ifa_family == AF_INET6 ? 16 : 4;
	if ((info->ifa_family != AF_INET && info->ifa_family != AF_INET6) || info->ifa_prefixlen > want * 8 ||
		(int)info->ifa_index <= 0 || nlmsg_parse(head, sizeof(*info), attr, IFA_MAX, NULL))
		return;
	own = attr[IFA_LOCAL] ? attr[IFA_LOCAL] : attr[IFA_ADDRESS];
	if (!own || nla_len(own) != want)
		return;
	flags = has_u32(attr[IFA_FLAGS]) ? nla_get_u32(attr[IFA_FLAGS]) : info->ifa_flags;
	out->kind = VRRP_NET_ADDRESS;
	out->gone = head->nlmsg_type == RTM_DELADDR;
	out->ifindex = (int)info->ifa_index;
	out->address.addr.family = info->ifa_family;
	out->address.prefix = info->ifa_prefixlen;
	memcpy(out->address.addr.bytes, nla_data(own), (size_t)want);
	out->secondary = want == 4 && (flags & IFA_F_SECONDARY);
	out->usable =
		want == 4 || (flags & IFA_F_OPTIMISTIC) || !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
	if (flags & IFA_F_DADFAILED)
		out->usable = false;
}

void vrrp_net_parse(struct nlmsghdr *head, struct vrrp_net_message *out)
{
	memset(out, 0, sizeof(*out));
	if (head->nlmsg_type == RTM_NEWLINK || head->nlmsg_type == RTM_DELLINK)
		parse_link(head, out);
	else if (head->nlmsg_type == RTM_NEWADDR || head->nlmsg_type == RTM_DELADDR)
		parse_address(head, out);
}
