/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Link messages that this machine's kernel may not make (bonds, VLANs), built by hand, and what the copy does with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "vrrp/vrrp_net_copy.h"

struct what {
	const char *name, *kind;
	int ifindex, slave, parent;
	unsigned flags;
	uint8_t state, family;
	bool other_namespace, wireless, deleted;
};

static struct vrrp_net_message parse(const struct what *w)
{
	struct ifinfomsg info = {.ifi_family = w->family,
		.ifi_type = ARPHRD_ETHER,
		.ifi_index = w->ifindex,
		.ifi_flags = w->flags};
	struct nl_msg *msg = nlmsg_alloc_simple(w->deleted ? RTM_DELLINK : RTM_NEWLINK, 0);
	struct nlattr *outer, *inner;
	struct vrrp_net_message out;

	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, w->name);
	if (!w->wireless) {
		nla_put(msg, IFLA_ADDRESS, 6, "\2\0\0\0\0\1");
		nla_put_u8(msg, IFLA_OPERSTATE, w->state);
	} else {
		nla_put(msg, IFLA_WIRELESS, 4, "\0\0\0\0");
	}
	if (w->parent)
		nla_put_u32(msg, IFLA_LINK, (uint32_t)w->parent);
	if (w->other_namespace)
		nla_put_u32(msg, IFLA_LINK_NETNSID, 0);
	outer = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, w->kind ? w->kind : "dummy");
	inner = nla_nest_start(msg, IFLA_INFO_DATA);
	if (w->slave)
		nla_put_u32(msg, IFLA_BOND_ACTIVE_SLAVE, (uint32_t)w->slave);
	else
		nla_put_u8(msg, 1, 1);
	nla_nest_end(msg, inner);
	nla_nest_end(msg, outer);
	vrrp_net_parse(nlmsg_hdr(msg), &out);
	nlmsg_free(msg);
	return out;
}

#define RUNS (IFF_UP | IFF_LOWER_UP)

static void test_bond(void **state)
{
	struct vrrp_net_message m = parse(&(struct what){.name = "bond0",
		.kind = "bond",
		.ifindex = 7,
		.slave = 3,
		.flags = RUNS,
		.state = IF_OPER_UP});

	assert_int_equal(m.kind, VRRP_NET_LINK);
	assert_string_equal(m.link.name, "bond0");
	assert_int_equal(m.link.active_slave, 3);
	assert_true(m.link.up && m.link.carrier && m.link.ethernet);
	m = parse(&(struct what){.name = "bond0", .kind = "bond", .ifindex = 7, .flags = RUNS});
	assert_int_equal(m.link.active_slave, 0);
	m = parse(&(struct what){.name = "x", .kind = "other", .ifindex = 7, .slave = 3});
	assert_int_equal(m.link.active_slave, 0); /* the same number means another thing in another kind */
}

static void test_parent(void **state)
{
	assert_int_equal(
		parse(&(struct what){.name = "v5", .kind = "vlan", .ifindex = 7, .parent = 3}).link.parent,
		3);
	assert_int_equal(
		parse(&(struct what){.name = "v5", .kind = "macvlan", .ifindex = 7, .parent = 3}).link.parent,
		3);
	assert_int_equal(
		parse(&(struct what){.name = "v5", .kind = "veth", .ifindex = 7, .parent = 3}).link.parent,
		0);
	assert_int_equal(
		parse(&(struct what){.name = "v5", .kind = "vlan", .ifindex = 7, .parent = 7}).link.parent,
		0);
	assert_int_equal(parse(&(struct what){.name = "v5",
				       .kind = "vlan",
				       .ifindex = 7,
				       .parent = 3,
				       .other_namespace = true})
				 .link.parent,
		0);
}

static void test_carrier(void **state)
{
	static const struct {
		unsigned flags;
		uint8_t state;
		bool carrier;
	} rows[] = {{RUNS, IF_OPER_UP, true}, {RUNS, IF_OPER_UNKNOWN, true}, {RUNS, IF_OPER_DORMANT, false},
		{RUNS, IF_OPER_LOWERLAYERDOWN, false}, {RUNS, IF_OPER_DOWN, false},
		{IFF_UP, IF_OPER_UP, false}, {IFF_UP, IF_OPER_UNKNOWN, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(parse(&(struct what){.name = "e",
					       .ifindex = 1,
					       .flags = rows[i].flags,
					       .state = rows[i].state})
					 .link.carrier,
			rows[i].carrier);
}

static void test_not_about_the_link(void **state)
{
	assert_int_equal(
		parse(&(struct what){.name = "p", .ifindex = 7, .family = 7}).kind, VRRP_NET_NOTHING);
	assert_int_equal(
		parse(&(struct what){.name = "w", .ifindex = 7, .wireless = true}).kind, VRRP_NET_NOTHING);
	assert_int_equal(parse(&(struct what){.name = "z", .ifindex = 0}).kind, VRRP_NET_NOTHING);
	assert_int_equal(parse(&(struct what){.name = "n", .ifindex = -1}).kind, VRRP_NET_NOTHING);
	assert_int_equal(parse(&(struct what){.name = "", .ifindex = 1}).kind, VRRP_NET_NOTHING);
}

/* Another active slave is a change, the same message again is none, and the bond is gone by its index. */
static void test_copy_of_bond(void **state)
{
	struct what bond = {.name = "bond0",
		.kind = "bond",
		.ifindex = 7,
		.slave = 3,
		.flags = RUNS,
		.state = IF_OPER_UP};
	struct vrrp_net_copy copy = {};
	struct vrrp_net_message m = parse(&bond);
	enum vrrp_net_change change;
	char old[VRRP_IFNAME_SIZE];

	assert_int_equal(vrrp_net_copy_put(&copy, &m, false, &change, old), 0);
	assert_int_equal(change, VRRP_NET_CHANGED);
	vrrp_net_copy_put(&copy, &m, false, &change, old);
	assert_int_equal(change, VRRP_NET_SAME);
	bond.slave = 4;
	m = parse(&bond);
	vrrp_net_copy_put(&copy, &m, false, &change, old);
	assert_int_equal(change, VRRP_NET_CHANGED);
	assert_int_equal(vrrp_net_copy_link_named(&copy, "bond0")->link.active_slave, 4);
	bond.name = "bond1";
	m = parse(&bond);
	vrrp_net_copy_put(&copy, &m, false, &change, old);
	assert_int_equal(change, VRRP_NET_RENAMED);
	assert_string_equal(old, "bond0");
	bond.deleted = true;
	m = parse(&bond);
	vrrp_net_copy_put(&copy, &m, false, &change, old);
	assert_int_equal(change, VRRP_NET_GONE);
	assert_null(vrrp_net_copy_link(&copy, 7));
	vrrp_net_copy_clear(&copy);
}

/* A listing takes away what it did not have, and of what is told while it runs nothing. */
static void test_listing(void **state)
{
	struct vrrp_net_copy copy = {};
	struct vrrp_net_message a = parse(&(struct what){.name = "a", .ifindex = 1}),
				b = parse(&(struct what){.name = "b", .ifindex = 2}),
				c = parse(&(struct what){.name = "c", .ifindex = 3}), gone;
	enum vrrp_net_change change;
	char old[VRRP_IFNAME_SIZE];

	vrrp_net_copy_put(&copy, &b, false, &change, old);
	vrrp_net_copy_put(&copy, &a, false, &change, old);
	vrrp_net_copy_list(&copy);
	vrrp_net_copy_put(&copy, &a, true, &change, old);
	assert_int_equal(change, VRRP_NET_SAME);
	vrrp_net_copy_put(&copy, &c, false, &change, old);
	assert_true(vrrp_net_copy_sweep(&copy, &gone));
	assert_string_equal(gone.link.name, "b");
	assert_false(vrrp_net_copy_sweep(&copy, &gone));
	assert_int_equal(copy.count, 2);
	vrrp_net_copy_clear(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bond), cmocka_unit_test(test_parent),
		cmocka_unit_test(test_carrier), cmocka_unit_test(test_not_about_the_link),
		cmocka_unit_test(test_copy_of_bond), cmocka_unit_test(test_listing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
