/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The groups of solicited nodes, as /proc/net/igmp6 counts their members: this process before the address is there, the
 * kernel some time after. That a client is answered at once is test_vrrp_macvlan's.
 */
#include "vrrp_netns.h"

#include <errno.h>
#include <net/if.h>
#include <sys/resource.h>

#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_net_inside.h"

#define MANY 4096 /* VRRP_ADDRESSES_TOTAL */

static struct vrrp_net *net;
static int eth0;

static void on_link(void *data, const struct vrrp_link *link, bool gone) {}

static void on_address(void *data, int ifindex, const struct vrrp_address *address, bool gone) {}

static void on_resync(void *data) {}

static const struct vrrp_net_ops ops = {.link = on_link, .address = on_address, .resync = on_resync};

static bool eth0_is_up(void *data)
{
	const struct vrrp_link *link = vrrp_net_link(net, "eth0");

	return link && link->carrier;
}

static int open_net(void **state)
{
	int err = vrrp_net_open(&net, loop, &ops, NULL);

	if (err)
		return err;
	until(eth0_is_up, NULL);
	eth0 = (int)if_nametoindex("eth0");
	return 0;
}

static int close_net(void **state)
{
	vrrp_net_close(net);
	return 0;
}

/* How many members on eth0 do the groups have whose last bytes begin so (0xff and what is given of 24 bits, in hex)? */
static int members(const char *ending)
{
	FILE *file = fopen("/proc/net/igmp6", "r");
	char line[256], name[IF_NAMESIZE], group[33], wanted[33];
	int users, all = 0;

	assert_non_null(file);
	snprintf(wanted, sizeof(wanted), "ff0200000000000000000001ff%s", ending);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d %15s %32s %d", name, group, &users) == 3 && strcmp(name, "eth0") == 0 &&
			strncmp(group, wanted, strlen(wanted)) == 0)
			all += users;
	fclose(file);
	return all;
}

/* Within 20 s; the kernel tells nobody when that changes. */
static void until_members(const char *ending, int count)
{
	for (int i = 0; i < 2000 && members(ending) != count; i++)
		run_for(0.01);
	assert_int_equal(members(ending), count);
}

static void test_held_until_the_kernel_is_a_member(void **state)
{
	struct vrrp_address address = address_of("fd09::aa:100", 64), other = address_of("fd0a::aa:100", 64);

	assert_int_equal(members("aa0100"), 0);
	assert_int_equal(vrrp_net_groups_join(&net->groups, eth0, &address.addr), 0);
	assert_int_equal(members("aa0100"), 1); /* the moment before the address is there */
	assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
	until_members("aa0100", 2); /* the kernel too */
	until_members("aa0100", 1); /* it is enough */
	assert_int_equal(net->groups.opened, 0);

	assert_int_equal(vrrp_net_add_address(net, eth0, &other, 0), 0);
	assert_int_equal(net->groups.error, 0);
	assert_int_equal(net->groups.opened, 1);
	until_members("aa0100", 3);
	/* Of the one that stays, only the kernel is left. */
	assert_int_equal(vrrp_net_remove_address(net, eth0, &other), 0);
	until_members("aa0100", 1);
	assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
	until_members("aa0100", 0);
}

/* Removed at once: it is not held for the time that is left. */
static void test_left_with_the_address(void **state)
{
	struct vrrp_address address = address_of("fd09::aa:200", 64);
	struct vrrp_address ipv4 = address_of("10.9.170.2", 24);

	assert_int_equal(vrrp_net_add_address(net, eth0, &ipv4, 0), 0);
	assert_int_equal(net->groups.opened, 0);
	assert_int_equal(vrrp_net_remove_address(net, eth0, &ipv4), 0);
	for (int round = 0; round < 20; round++) {
		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
		assert_in_range(members("aa0200"), 1, 2);
		assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
		until_members("aa0200", 0);
		assert_int_equal(net->groups.opened, 1); /* it was not the end of the time */
	}
}

static void join_many(unsigned salt, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct net_addr addr = addr_of("fd09::");

		addr.bytes[13] = (uint8_t)salt;
		addr.bytes[14] = (uint8_t)(i >> 8);
		addr.bytes[15] = (uint8_t)i;
		assert_int_equal(vrrp_net_groups_join(&net->groups, eth0, &addr), 0);
	}
}

/* Another program removes the address in the moment in which the kernel is no member yet, and it leaves nonetheless. */
static void test_removed_by_another(void **state)
{
	struct vrrp_address address = address_of("fd09::aa:400", 64);
	struct vrrp_net *other;

	assert_int_equal(vrrp_net_open(&other, loop, &ops, NULL), 0);
	for (int round = 0; round < 50; round++) {
		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
		assert_int_equal(vrrp_net_remove_address(other, eth0, &address), 0);
		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
		until_members("aa0400", 2);
		vrrp_net_groups_close(&net->groups); /* as after a while */
		assert_int_equal(members("aa0400"), 1);
		assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
		until_members("aa0400", 0);
	}
	vrrp_net_close(other);
}

/* A socket's share as Linux 6.1 has it, or as it is where a namespace has none of its own. */
static void set_share(void)
{
	sh("! test -e /proc/sys/net/core/optmem_max || echo 20480 > /proc/sys/net/core/optmem_max");
}

/* More than one socket may have. */
static void test_many(void **state)
{
	set_share();
	join_many(0xab, MANY);
	assert_int_equal(members("ab"), MANY);
	assert_in_range(net->groups.opened, 2, VRRP_NET_GROUP_SOCKETS);
	until_members("ab", 0);
	assert_int_equal(net->groups.opened, 0);
}

/* Far more, faster than the memberships end: those of the first are given up, the descriptors stay bounded. */
static void test_a_ring(void **state)
{
	struct net_addr last = addr_of("fd09::f00f");

	set_share();
	for (unsigned salt = 1; net->groups.opened <= VRRP_NET_GROUP_SOCKETS; salt++)
		join_many(salt, 256);
	assert_int_equal(members("010000"), 0);
	assert_int_equal(vrrp_net_groups_join(&net->groups, eth0, &last), 0);
	assert_int_equal(members("00f00f"), 1);
	vrrp_net_groups_close(&net->groups);
	assert_int_equal(members("00f00f"), 0);
}

/* It is logged, and the address is there nonetheless. */
static void test_no_descriptor(void **state)
{
	struct vrrp_address address = address_of("fd09::aa:300", 64);
	struct rlimit full, none;

	getrlimit(RLIMIT_NOFILE, &full);
	none = full;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
	assert_int_equal(net->groups.error, -EMFILE);
	setrlimit(RLIMIT_NOFILE, &full);
	until_members("aa0300", 1);
	assert_int_equal(vrrp_net_groups_join(&net->groups, eth0, &address.addr), 0);
	assert_int_equal(members("aa0300"), 2);
	assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
	until_members("aa0300", 0);
	assert_int_equal(vrrp_net_groups_join(&net->groups, 4711, &address.addr), -ENODEV);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_net, close_net)

int main(void)
{
	const struct CMUnitTest tests[] = {ROW(test_held_until_the_kernel_is_a_member),
		ROW(test_left_with_the_address), ROW(test_removed_by_another), ROW(test_many),
		ROW(test_a_ring), ROW(test_no_descriptor)};

	netns_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
