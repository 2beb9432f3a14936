/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that has a virtual MAC (RFC 9568 section 7.3): a macvlan, mode vepa (its siblings on the same link never
 * talk through it), with the settings without which Linux answers for each of its addresses on every link. Not mode
 * private: that one takes what other nodes send to groups with this very MAC, their adverts, away from the parent, and so
 * two that are Active would never hear each other.
 *
 * It is up only while it has an address: add_address() brings it up, remove_address() takes it down before the last one
 * goes. Down, nothing leaves it, and nothing that is sent to the virtual MAC is taken in: the Backup of RFC 9568 section
 * 6.4.2. (Up and without an address it would route what is sent to the virtual MAC, and tell multicast routers of its
 * groups with the Active one's MAC.) Down first, because the messages that leave the groups of IPv6 addresses would
 * be sent, some milliseconds later, with the virtual MAC that the other node has by then.
 *
 * On the macvlan:
 * - ipv4 arp_ignore 1: ARP is answered for its own addresses only, not for those of the parent.
 * - ipv4 arp_announce 2, arp_filter 0: questions name its own address as the sender; answers do not depend on a route
 *   that leads out of the parent.
 * - ipv4 rp_filter 2: packets come in here, and the route back to their source is usually the parent's: the strict
 *   filter would drop them, the ARP questions first. Loose, not off: the kernel takes the greater of this and conf/all.
 * - ipv4 proxy_arp, proxy_arp_pvlan 0, ipv6 proxy_ndp 0: when they are the default for new interfaces it would answer for
 *   every host of the parent's link.
 * - ipv4 arp_notify, ipv6 ndisc_notify 0: announcing is the speaker's.
 * - ipv6 addr_gen_mode 1 (none), autoconf 0, accept_ra 0, router_solicitations 0: no address of its own, so neither DAD
 *   nor solicitations.
 * - ipv6 keep_addr_on_down 0: down takes its IPv6 addresses away.
 * - ipv4 and ipv6 forwarding as the parent has it: what is sent to the virtual MAC is routed as if it had come to the
 *   parent, and ipv6's is the R flag of neighbour advertisements: hosts drop a router whose flag goes away.
 *
 * On the parent, while there is a macvlan of ours:
 * - ipv4 arp_ignore 1: it does not answer ARP for the macvlan's addresses with its own MAC. (Nor, any more, for addresses
 *   on other interfaces, lo included.)
 * - ipv4 arp_announce 2: answers to clients leave by the parent's route; its ARP questions for these clients would
 *   name the virtual address as the sender, with the parent's MAC, and so teach it to every client.
 * IPv6 needs nothing there: neighbour discovery answers for the addresses of the interface only.
 * Another program may set any of them anew (`sysctl --system`), of which the kernel tells nobody: vrrp_net_keep_macvlan()
 * looks (but for addr_gen_mode), and forwarding follows the parent's. What the parent's were stands in the macvlan's
 * alias, so that whoever removes the last one, after a kill -9 too, puts them back; a value that somebody changed
 * meanwhile stays.
 */
#include "vrrp/vrrp_net.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "vrrp/vrrp_net_inside.h"

#define ALIAS        "tandem-vrrp: parent's arp_ignore %d arp_announce %d"
#define ARP_IGNORE   1
#define ARP_ANNOUNCE 2

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct setting {
	const char *family, *key;
	int value;
};

static const struct setting macvlan_settings[] = {
	{"ipv4", "arp_ignore", 1},
	{"ipv4", "arp_announce", 2},
	{"ipv4", "arp_filter", 0},
	{"ipv4", "rp_filter", 2},
	{"ipv4", "proxy_arp", 0},
	{"ipv4", "proxy_arp_pvlan", 0},
	{"ipv4", "arp_notify", 0},
	{"ipv6", "proxy_ndp", 0},
	{"ipv6", "ndisc_notify", 0},
	{"ipv6", "autoconf", 0},
	{"ipv6", "accept_ra", 0},
	{"ipv6", "router_solicitations", 0},
	{"ipv6", "keep_addr_on_down", 0},
};

/* The parent's values before us. */
struct before {
	int arp_ignore, arp_announce;
};

/* ---- settings ---- */

static const struct setting parent_settings[] = {
	{"ipv4", "arp_ignore", ARP_IGNORE},
	{"ipv4", "arp_announce", ARP_ANNOUNCE},
};

/* A kernel without IPv6 has none of its sysctls. */
static int set_one(const struct setting *setting, const char *name)
{
	int err = vrrp_net_sysctl_set(setting->family, name, setting->key, setting->value);

	return err == -ENOENT && strcmp(setting->family, "ipv6") == 0 ? 0 : err;
}

static int set_all(const struct setting *settings, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		int err = set_one(&settings[i], name);

		if (err)
			return err;
	}
	return 0;
}

static void forward_like(const char *parent, const char *name)
{
	static const char *const families[] = {"ipv4", "ipv6"};
	int value;

	for (size_t i = 0; i < COUNT_OF(families); i++)
		if (!vrrp_net_sysctl_get(families[i], parent, "forwarding", &value))
			vrrp_net_sysctl_set(families[i], name, "forwarding", value);
}

static bool read_alias(const char *alias, struct before *out)
{
	return sscanf(alias, ALIAS, &out->arp_ignore, &out->arp_announce) == 2 && out->arp_ignore >= 0 &&
	       out->arp_ignore <= 8 && out->arp_announce >= 0 && out->arp_announce <= 2;
}

/* Another macvlan of ours on that parent. */
static bool find_sibling(const struct vrrp_net *net, int parent, int ifindex, struct before *out)
{
	for (size_t i = 0; i < net->copy.count; i++) {
		const struct vrrp_net_link *link = net->copy.links[i];

		if (!link->removed && link->macvlan && link->link.parent == parent &&
			link->link.ifindex != ifindex && read_alias(link->alias, out))
			return true;
	}
	return false;
}

static int read_before(const struct vrrp_net *net, const struct vrrp_link *parent, struct before *out)
{
	int err;

	if (find_sibling(net, parent->ifindex, 0, out))
		return 0;
	err = vrrp_net_sysctl_get("ipv4", parent->name, "arp_ignore", &out->arp_ignore);
	return err ? err : vrrp_net_sysctl_get("ipv4", parent->name, "arp_announce", &out->arp_announce);
}

static void put_back(const char *parent, const char *key, int ours, int before)
{
	int now;

	if (!vrrp_net_sysctl_get("ipv4", parent, key, &now) && now == ours)
		vrrp_net_sysctl_set("ipv4", parent, key, before);
}

static void restore_parent(const struct vrrp_net *net, int ifindex, const struct before *before)
{
	const struct vrrp_link *parent = vrrp_net_link_at(net, ifindex);
	struct before of_sibling;

	if (!parent || find_sibling(net, ifindex, 0, &of_sibling))
		return;
	put_back(parent->name, "arp_ignore", ARP_IGNORE, before->arp_ignore);
	put_back(parent->name, "arp_announce", ARP_ANNOUNCE, before->arp_announce);
}

/* ---- messages ---- */

static struct nl_msg *link_message(uint16_t type, uint16_t flags, const struct ifinfomsg *info)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && nlmsg_append(msg, (void *)info, sizeof(*info), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int create(struct vrrp_net *net, int parent, const char *name, const uint8_t mac[6])
{
	struct ifinfomsg info = {};
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info);
	struct nlattr *kind, *data;

	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, IFLA_IFNAME, name) || nla_put_u32(msg, IFLA_LINK, (uint32_t)parent) ||
		nla_put(msg, IFLA_ADDRESS, 6, mac) || !(kind = nla_nest_start(msg, IFLA_LINKINFO)) ||
		nla_put_string(msg, IFLA_INFO_KIND, "macvlan") ||
		!(data = nla_nest_start(msg, IFLA_INFO_DATA)) ||
		nla_put_u32(msg, IFLA_MACVLAN_MODE, MACVLAN_MODE_VEPA)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nla_nest_end(msg, data);
	nla_nest_end(msg, kind);
	return vrrp_net_request(net, msg, NULL);
}

static int set_alias(struct vrrp_net *net, int ifindex, const struct before *before)
{
	struct ifinfomsg info = {.ifi_index = ifindex};
	struct nl_msg *msg = link_message(RTM_NEWLINK, 0, &info);
	char alias[VRRP_NET_ALIAS_SIZE];

	snprintf(alias, sizeof(alias), ALIAS, before->arp_ignore, before->arp_announce);
	if (msg && nla_put(msg, IFLA_IFALIAS, (int)strlen(alias), alias)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return vrrp_net_request(net, msg, NULL);
}

/*
 * addr_gen_mode, by a message that waits for its turn: whoever reads or writes the file, with real-time priority too, tries
 * again and again in the kernel until nobody changes a link. A kernel without IPv6 knows nothing of it.
 */
static int set_no_own_address(struct vrrp_net *net, int ifindex)
{
	struct ifinfomsg info = {.ifi_index = ifindex};
	struct nl_msg *msg = link_message(RTM_NEWLINK, 0, &info);
	struct nlattr *families, *inet6;
	int err;

	if (!msg)
		return -ENOMEM;
	if (!(families = nla_nest_start(msg, IFLA_AF_SPEC)) || !(inet6 = nla_nest_start(msg, AF_INET6)) ||
		nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, families);
	err = vrrp_net_request(net, msg, NULL);
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

int vrrp_net_set_up(struct vrrp_net *net, int ifindex, bool up)
{
	struct ifinfomsg info = {.ifi_index = ifindex, .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP};
	int err = vrrp_net_request(net, link_message(RTM_NEWLINK, 0, &info), NULL);

	if (err)
		return err;
	vrrp_net_look(net, NULL, ifindex, &err);
	return err == -ENODEV ? err : 0; /* else it is done, and the event will tell the copy */
}

static int delete_link(struct vrrp_net *net, int ifindex)
{
	struct ifinfomsg info = {.ifi_index = ifindex};
	int err = vrrp_net_request(net, link_message(RTM_DELLINK, 0, &info), NULL);

	if (!err || err == -ENODEV)
		vrrp_net_copy_link_removed(&net->copy, ifindex);
	return err == -ENODEV ? 0 : err;
}

/* ---- whole ---- */

/* The macvlan that we want is there, or 0; one that is in its place goes. */
static int find_or_clear(struct vrrp_net *net, int parent, const char *name, const uint8_t mac[6], int *found)
{
	int err;
	const struct vrrp_net_link *link = vrrp_net_look(net, name, 0, &err);

	*found = 0;
	if (!link)
		return err == -ENODEV ? 0 : err;
	if (!link->macvlan)
		return -EEXIST; /* somebody else's device */
	if (link->vepa_mode && link->link.parent == parent && memcmp(link->link.mac, mac, 6) == 0) {
		*found = link->link.ifindex;
		return 0;
	}
	return vrrp_net_remove_link(net, link->link.ifindex);
}

/* Everything that makes a plain macvlan ours. */
static int finish(struct vrrp_net *net, const struct vrrp_link *parent, const struct vrrp_net_link *link)
{
	int ifindex = link->link.ifindex;
	struct before before;
	int err = set_all(macvlan_settings, COUNT_OF(macvlan_settings), link->link.name);

	forward_like(parent->name, link->link.name);
	if (!err)
		err = set_no_own_address(net, ifindex);
	if (!err && !read_alias(link->alias, &before)) {
		err = read_before(net, parent, &before);
		if (!err)
			err = set_alias(net, ifindex, &before);
	}
	if (!err)
		err = set_all(parent_settings, COUNT_OF(parent_settings), parent->name);
	if (!err)
		vrrp_net_look(net, NULL, ifindex, &err); /* with the alias */
	return err;
}

int vrrp_net_add_macvlan(
	struct vrrp_net *net, int parent, const char *name, const uint8_t mac[6], int *ifindex)
{
	const struct vrrp_net_link *link;
	int found, err;

	if (!vrrp_net_look(net, NULL, parent, &err))
		return err;
	err = find_or_clear(net, parent, name, mac, &found);
	if (!err && !found)
		err = create(net, parent, name, mac);
	if (err)
		return err;
	link = vrrp_net_look(net, name, 0, &err);
	if (!link)
		return err;
	*ifindex = link->link.ifindex;
	err = finish(net, vrrp_net_link_at(net, parent), link);
	if (err)
		vrrp_net_remove_link(net, *ifindex);
	return err;
}

/* Make those that have another value ours again. Returns how many were; which: the first, when it is "". */
static size_t keep_all(
	const struct setting *settings, size_t count, const char *name, char *which, size_t which_size)
{
	size_t back = 0;

	for (size_t i = 0; i < count; i++) {
		const struct setting *s = &settings[i];
		int now;

		if (vrrp_net_sysctl_get(s->family, name, s->key, &now) || now == s->value || set_one(s, name))
			continue;
		back++;
		if (!which[0])
			snprintf(which, which_size, "net.%s.conf.%s.%s from %d to %d", s->family, name,
				s->key, s->value, now);
	}
	return back;
}

size_t vrrp_net_keep_macvlan(const struct vrrp_net *net, int ifindex, char *which, size_t which_size)
{
	const struct vrrp_link *link = vrrp_net_link_at(net, ifindex), *parent;
	size_t back;

	which[0] = 0;
	parent = link ? vrrp_net_link_at(net, link->parent) : NULL;
	if (!parent)
		return 0; /* what is gone is made anew, with its settings */
	forward_like(parent->name, link->name);
	back = keep_all(parent_settings, COUNT_OF(parent_settings), parent->name, which, which_size);
	return back + keep_all(macvlan_settings, COUNT_OF(macvlan_settings), link->name, which, which_size);
}

int vrrp_net_remove_link(struct vrrp_net *net, int ifindex)
{
	int err, parent;
	const struct vrrp_net_link *link = vrrp_net_look(net, NULL, ifindex, &err);
	struct before before;
	bool ours;

	if (!link)
		return err == -ENODEV ? 0 : err;
	if (!link->macvlan)
		return -EPERM; /* an index of another time: never take away what we did not make */
	parent = link->link.parent;
	ours = read_alias(link->alias, &before);
	err = delete_link(net, ifindex);
	if (!err && ours)
		restore_parent(net, parent, &before);
	return err;
}
