/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links and addresses of a namespace of the test's own, as the kernel tells of them and as the speaker changes them. */
#include "vrrp_netns.h"

#include <errno.h>
#include <net/if.h>
#include <sys/resource.h>
#include <time.h>

#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_net_inside.h"

static struct vrrp_net *net;
static char heard[65536]; /* every report, one a line */

static void hear_line(const char *line)
{
	size_t used = strlen(heard);

	snprintf(heard + used, sizeof(heard) - used, "%s\n", line);
}

static void on_link(void *data, const struct vrrp_link *link, bool gone)
{
	char line[128];

	if (gone)
		snprintf(line, sizeof(line), "gone %s", link->name);
	else
		snprintf(line, sizeof(line), "link %s %s %s", link->name, link->up ? "up" : "down",
			link->carrier ? "carrier" : "no-carrier");
	hear_line(line);
}

static void on_address(void *data, int ifindex, const struct vrrp_address *address, bool gone)
{
	char text[ADDR_TEXT_MAX], line[128];

	snprintf(line, sizeof(line), "%s %s/%u", gone ? "lost" : "address", addr_format(&address->addr, text),
		address->prefix);
	hear_line(line);
}

static void on_resync(void *data)
{
	hear_line("resync");
}

static const struct vrrp_net_ops ops = {.link = on_link, .address = on_address, .resync = on_resync};

static bool is_heard(void *data)
{
	return strstr(heard, data) != NULL;
}

static void hear(const char *what)
{
	if (!until_or_late(is_heard, (void *)what))
		fail_msg("not heard: %s\nheard: %s", what, heard);
	heard[0] = '\0';
}

static int index_of(const char *name)
{
	return (int)if_nametoindex(name);
}

static int open_net(void **state)
{
	heard[0] = '\0';
	return vrrp_net_open(&net, loop, &ops, NULL);
}

static int close_net(void **state)
{
	vrrp_net_close(net);
	net = NULL;
	return 0;
}

static bool collect(void *data, const struct vrrp_address *address)
{
	char text[ADDR_TEXT_MAX];

	strcat(data, addr_format(&address->addr, text));
	strcat(data, " ");
	return true;
}

static const char *addresses(const char *name)
{
	static char all[4096];

	all[0] = '\0';
	vrrp_net_each_address(net, index_of(name), collect, all);
	return all;
}

static bool eth0_is_up(void *data)
{
	const struct vrrp_link *link = vrrp_net_link(net, "eth0");

	return link && link->carrier;
}

static void test_what_is_there(void **state)
{
	const struct vrrp_link *link;
	uint8_t mac[6];

	until(eth0_is_up, NULL);
	link = vrrp_net_link(net, "eth0");
	mac_of("eth0", mac);
	assert_int_equal(link->ifindex, index_of("eth0"));
	assert_ptr_equal(vrrp_net_link_at(net, link->ifindex), link);
	assert_true(link->ethernet && link->up);
	assert_memory_equal(link->mac, mac, 6);
	assert_int_equal(link->parent, 0); /* although a veth's IFLA_LINK is its peer */
	assert_int_equal(link->active_slave, 0);
	assert_false(vrrp_net_link(net, "lo")->ethernet);
	assert_null(vrrp_net_link(net, "nowhere"));
	assert_null(vrrp_net_link_at(net, 4711));
	assert_non_null(strstr(addresses("eth0"), "10.9.0.1 "));
	assert_non_null(strstr(addresses("eth0"), "fd09::1 "));

	struct net_addr addr = addr_of("10.9.0.1"), other = addr_of("10.9.0.77");
	assert_true(vrrp_net_has_address(net, link->ifindex, &addr));
	assert_false(vrrp_net_has_address(net, link->ifindex, &other));
	assert_false(vrrp_net_has_address(net, 4711, &addr));
}

static void test_links_come_and_go(void **state)
{
	sh("ip link add a0 type veth peer name a1");
	hear("link a0 down no-carrier");
	int first = index_of("a0");
	sh("ip link set a0 up");
	hear("link a0 up no-carrier"); /* the other end is down */
	sh("ip link set a1 up");
	hear("link a0 up carrier");
	sh("ip link set a1 down");
	hear("link a0 up no-carrier");
	sh("ip link set a0 down && ip link set a0 name b0");
	hear("gone a0\nlink b0 down");
	assert_null(vrrp_net_link(net, "a0"));
	assert_int_equal(vrrp_net_link(net, "b0")->ifindex, first);
	sh("ip link set b0 name a0 && ip link del a0 && ip link add a0 type veth peer name a1");
	hear("gone a0\ngone a1\nlink a1 down no-carrier\nlink a0");
	vrrp_net_drain(net);
	assert_int_not_equal(vrrp_net_link(net, "a0")->ifindex, first);
	assert_int_equal(vrrp_net_link(net, "a0")->ifindex, index_of("a0"));
	assert_null(vrrp_net_link_at(net, first));
	sh("ip link set a0 address 02:00:00:00:00:77");
	hear("link a0");
	assert_int_equal(vrrp_net_link(net, "a0")->mac[5], 0x77);
	sh("ip link add m0 link a0 type macvlan mode vepa");
	hear("link m0");
	assert_int_equal(vrrp_net_link(net, "m0")->parent, index_of("a0"));
	sh("ip link del a0");
	hear("gone a0");
}

static void test_addresses_come_and_go(void **state)
{
	struct net_addr v6 = addr_of("fd09::33");
	int eth0 = index_of("eth0");

	sh("ip addr add 10.9.0.50/24 dev eth0 && ip addr add 10.9.7.1/24 dev eth0");
	hear("address 10.9.7.1/24");
	/* primary ones first, as the kernel has them */
	assert_non_null(strstr(addresses("eth0"), "10.9.0.1 10.9.7.1 10.9.0.50 "));
	sh("ip addr del 10.9.0.50/24 dev eth0 && ip addr del 10.9.7.1/24 dev eth0");
	hear("lost 10.9.7.1/24");
	assert_null(strstr(addresses("eth0"), "10.9.0.50"));

	/* Not while it is tentative. */
	sh("ip addr add fd09::33/64 dev eth0 && ip addr show dev eth0 | grep -q tentative");
	vrrp_net_drain(net);
	assert_false(vrrp_net_has_address(net, eth0, &v6));
	assert_null(strstr(heard, "fd09::33"));
	hear("address fd09::33/64");
	assert_true(vrrp_net_has_address(net, eth0, &v6));
	sh("ip addr del fd09::33/64 dev eth0");
	hear("lost fd09::33/64");
}

/* The peer has the address: detection fails, and ours without detection works all the same. */
static void test_failed_detection(void **state)
{
	struct vrrp_address address = address_of("fd09::44", 64);
	int eth0 = index_of("eth0");

	netns_in_peer(true);
	sh("ip addr add fd09::44/64 dev peer0 nodad");
	netns_in_peer(false);
	sh("ip addr add fd09::44/64 dev eth0");
	for (int i = 0; i < 100 && system("ip addr show dev eth0 | grep -q dadfailed"); i++)
		run_for(0.05);
	vrrp_net_drain(net);
	assert_false(vrrp_net_has_address(net, eth0, &address.addr));
	assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
	assert_true(vrrp_net_has_address(net, eth0, &address.addr));
	sh("ip addr show dev eth0 | grep fd09::44 | grep -vq -e tentative -e dadfailed");
	run_for(0.05);
	assert_true(vrrp_net_has_address(net, eth0, &address.addr));
	assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
	netns_in_peer(true);
	sh("ip addr del fd09::44/64 dev peer0");
	netns_in_peer(false);
}

static void test_add_and_remove(void **state)
{
	static const struct {
		const char *text;
		unsigned prefix;
		const char *shown;
	} rows[] = {
		{"10.9.0.100", 24, "10.9.0.100/24 scope global secondary eth0"},
		{"10.9.0.101", 32, "10.9.0.101/32 scope global eth0"},
		{"fd09::100", 64, "fd09::100/64 scope global nodad deprecated"},
		{"fe80::100", 64, "fe80::100/64 scope link nodad deprecated"},
	};
	int eth0 = index_of("eth0");

	sh("echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_dad");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp_address address = address_of(rows[i].text, rows[i].prefix);
		char line[64];

		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
		assert_true(vrrp_net_has_address(net, eth0, &address.addr));       /* at once */
		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 1); /* there already */
		sh("ip addr show dev eth0 | grep -q '%s'", rows[i].shown);
		snprintf(line, sizeof(line), "address %s/%u", rows[i].text, rows[i].prefix);
		hear(line);
		assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
		assert_false(vrrp_net_has_address(net, eth0, &address.addr));
		assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
		sh("! ip addr show dev eth0 | grep -q '%s'", rows[i].text);
		snprintf(line, sizeof(line), "lost %s/%u", rows[i].text, rows[i].prefix);
		hear(line);
	}
}

/* What comes for an IPv6 address is for this host at once, whatever else the machine does; and no more when it is removed. */
static bool is_local(const char *hex)
{
	FILE *routes = fopen("/proc/net/ipv6_route", "r");
	char line[256];
	bool found = false;

	assert_non_null(routes);
	while (fgets(line, sizeof(line), routes))
		found |= strncmp(line, hex, 32) == 0 && strncmp(line + 32, " 80 ", 4) == 0;
	fclose(routes);
	return found;
}

static void test_at_once(void **state)
{
	struct vrrp_address address = address_of("fd09::100", 64);
	int eth0 = index_of("eth0");

	for (int i = 0; i < 100; i++) {
		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
		assert_true(is_local("fd090000000000000000000000000100"));
		assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
		assert_false(is_local("fd090000000000000000000000000100"));
	}
}

/* What the virtual address is not: the source of what this host sends. */
static void test_source_stays(void **state)
{
	struct vrrp_address v4 = address_of("10.9.0.100", 24), v6 = address_of("fd09::100", 64);
	int eth0 = index_of("eth0");

	assert_int_equal(vrrp_net_add_address(net, eth0, &v4, 0), 0);
	assert_int_equal(vrrp_net_add_address(net, eth0, &v6, 0), 0);
	sh("ip route get 10.9.0.2 | grep -q 'src 10.9.0.1 ' && ip -6 route get fd09::2 | grep -q 'src fd09::1 '");
	assert_int_equal(vrrp_net_remove_address(net, eth0, &v4), 0);
	assert_int_equal(vrrp_net_remove_address(net, eth0, &v6), 0);
}

static void test_no_route(void **state)
{
	struct vrrp_address v4 = address_of("10.44.0.1", 24), v6 = address_of("fd44::1", 64);
	int eth0 = index_of("eth0");

	assert_int_equal(vrrp_net_add_address(net, eth0, &v4, VRRP_ADDRESS_NO_ROUTE), 0);
	assert_int_equal(vrrp_net_add_address(net, eth0, &v6, VRRP_ADDRESS_NO_ROUTE), 0);
	sh("! ip route | grep -q 10.44 && ! ip -6 route | grep -q '^fd44::/64'");
	assert_int_equal(vrrp_net_remove_address(net, eth0, &v4), 0);
	assert_int_equal(vrrp_net_remove_address(net, eth0, &v6), 0);
	assert_int_equal(vrrp_net_add_address(net, eth0, &v4, 0), 0);
	assert_int_equal(vrrp_net_add_address(net, eth0, &v6, 0), 0);
	sh("ip route | grep -q 10.44 && ip -6 route | grep -q '^fd44::/64'");
	assert_int_equal(vrrp_net_remove_address(net, eth0, &v4), 0);
	assert_int_equal(vrrp_net_remove_address(net, eth0, &v6), 0);
}

static void test_refusals(void **state)
{
	struct vrrp_address good = address_of("10.9.0.100", 24), bad = good, none = {};
	int eth0 = index_of("eth0");

	assert_int_equal(vrrp_net_add_address(net, 4711, &good, 0), -ENODEV);
	assert_int_equal(vrrp_net_remove_address(net, 4711, &good), 0);
	bad.prefix = 33;
	assert_int_equal(vrrp_net_add_address(net, eth0, &bad, 0), -EINVAL);
	assert_int_equal(vrrp_net_remove_address(net, eth0, &bad), -EINVAL);
	assert_int_equal(vrrp_net_add_address(net, eth0, &none, 0), -EINVAL);
	assert_int_equal(vrrp_net_expire_address(net, eth0, &good, 0, 5), -EADDRNOTAVAIL);
}

/* A removal that was taken back: its message, which comes later, does not say that the address is gone. */
static void test_own_changes_come_back(void **state)
{
	struct vrrp_address address = address_of("10.9.0.100", 24);
	int eth0 = index_of("eth0");

	for (int i = 0; i < 3; i++) {
		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
		assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
	}
	assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
	run_for(0.05);
	assert_true(vrrp_net_has_address(net, eth0, &address.addr));
	assert_null(strstr(heard, "lost"));
	/* and somebody else's is heard of */
	sh("ip addr del 10.9.0.100/24 dev eth0");
	hear("lost 10.9.0.100/24");
	assert_false(vrrp_net_has_address(net, eth0, &address.addr));
}

static void test_expire(void **state)
{
	struct vrrp_address v4 = address_of("10.9.0.100", 24), v6 = address_of("fd09::100", 64);
	int eth0 = index_of("eth0");

	assert_int_equal(vrrp_net_add_address(net, eth0, &v4, 0), 0);
	assert_int_equal(vrrp_net_add_address(net, eth0, &v6, 0), 0);
	assert_int_equal(vrrp_net_expire_address(net, eth0, &v4, 0, 500), 0);
	assert_int_equal(vrrp_net_expire_address(net, eth0, &v6, 0, 500), 0);
	sh("ip addr show dev eth0 | grep -A1 10.9.0.100/ | grep -qE 'valid_lft (500|499)sec'");
	sh("ip addr show dev eth0 | grep -A1 fd09::100/ | grep -qE 'valid_lft (500|499)sec preferred_lft 0sec'");
	assert_int_equal(vrrp_net_expire_address(net, eth0, &v4, 0, 0), 0);
	assert_int_equal(vrrp_net_expire_address(net, eth0, &v6, 0, 0), 0);
	sh("ip addr show dev eth0 | grep -A1 10.9.0.100/ | grep -q 'valid_lft forever'");
	sh("ip addr show dev eth0 | grep -A1 fd09::100/ | grep -q 'valid_lft forever preferred_lft 0sec'");
	assert_int_equal(vrrp_net_expire_address(net, eth0, &v4, 0, 1), 0);
	heard[0] = '\0';
	hear("lost 10.9.0.100/24");
	assert_int_equal(vrrp_net_remove_address(net, eth0, &v6), 0);
}

/* The virtual address was first in its subnet: those after it stay when it goes. */
static void test_secondaries_stay(void **state)
{
	struct vrrp_address first = address_of("10.45.0.1", 24);
	int eth0 = index_of("eth0");

	sh("echo 0 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries");
	assert_int_equal(vrrp_net_add_address(net, eth0, &first, 0), 0);
	sh("ip addr add 10.45.0.2/24 dev eth0");
	assert_int_equal(vrrp_net_remove_address(net, eth0, &first), 0);
	sh("ip addr show dev eth0 | grep -q 10.45.0.2/24");
	sh("ip addr del 10.45.0.2/24 dev eth0");
}

static void test_thousand(void **state)
{
	int eth0 = index_of("eth0"), count = 0;
	const char *at;

	for (int i = 0; i < 1000; i++) {
		struct vrrp_address address = address_of("10.46.0.0", 16);

		address.addr.bytes[2] = (uint8_t)(1 + i / 250);
		address.addr.bytes[3] = (uint8_t)(1 + i % 250);
		assert_int_equal(vrrp_net_add_address(net, eth0, &address, 0), 0);
	}
	hear("address 10.46.4.250/16");
	close_net(NULL);
	assert_int_equal(open_net(NULL), 0);
	static char all[32768];
	vrrp_net_each_address(net, eth0, collect, all);
	for (at = all; (at = strstr(at, "10.46.")); at++)
		count++;
	assert_int_equal(count, 1000);
	for (int i = 0; i < 1000; i++) {
		struct vrrp_address address = address_of("10.46.0.0", 16);

		address.addr.bytes[2] = (uint8_t)(1 + i / 250);
		address.addr.bytes[3] = (uint8_t)(1 + i % 250);
		assert_int_equal(vrrp_net_remove_address(net, eth0, &address), 0);
	}
	sh("! ip addr show dev eth0 | grep -q 10.46");
	hear("lost 10.46.4.250/16");
}

/* More happens than the socket holds: all is read anew, what went meanwhile is gone. */
static void test_lost_messages(void **state)
{
	struct net_addr kept = addr_of("10.47.0.2"), gone = addr_of("10.47.0.1");
	int bytes = 2048, eth0 = index_of("eth0");

	sh("ip addr add 10.47.0.1/32 dev eth0");
	hear("address 10.47.0.1/32");
	assert_int_equal(
		setsockopt(nl_socket_get_fd(net->events), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
	for (int i = 0; i < 30; i++)
		sh("ip link set eth0 txqueuelen %d", 500 + i);
	sh("ip addr del 10.47.0.1/32 dev eth0 && ip addr add 10.47.0.2/32 dev eth0");
	bytes = 1 << 20;
	setsockopt(nl_socket_get_fd(net->events), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	until(is_heard, "resync");
	assert_non_null(strstr(heard, "lost 10.47.0.1/32"));
	assert_non_null(strstr(heard, "address 10.47.0.2/32"));
	assert_true(vrrp_net_has_address(net, eth0, &kept));
	assert_false(vrrp_net_has_address(net, eth0, &gone));
	sh("ip addr del 10.47.0.2/32 dev eth0");
	hear("lost 10.47.0.2/32");
}

/* After a pause, without the loop. */
static void test_drain(void **state)
{
	struct net_addr addr = addr_of("10.48.0.1");

	sh("ip addr add 10.48.0.1/32 dev eth0");
	assert_false(vrrp_net_has_address(net, index_of("eth0"), &addr));
	vrrp_net_drain(net);
	assert_true(vrrp_net_has_address(net, index_of("eth0"), &addr));
	assert_non_null(strstr(heard, "address 10.48.0.1/32"));
	sh("ip addr del 10.48.0.1/32 dev eth0");
	vrrp_net_drain(net);
	assert_false(vrrp_net_has_address(net, index_of("eth0"), &addr));
}

/* An answer that never comes costs a second, no more; the next call is well. */
static void test_no_answer(void **state)
{
	struct vrrp_net_message answer;
	struct nl_msg *msg = nlmsg_alloc_simple(NLMSG_NOOP, 0);
	struct vrrp_address address = address_of("10.9.0.100", 24);
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(vrrp_net_request(net, msg, &answer), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec <= 2);
	assert_int_equal(vrrp_net_add_address(net, index_of("eth0"), &address, 0), 0);
	assert_int_equal(vrrp_net_remove_address(net, index_of("eth0"), &address), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_net, close_net)

int main(void)
{
	const struct CMUnitTest tests[] = {ROW(test_what_is_there), ROW(test_links_come_and_go),
		ROW(test_addresses_come_and_go), ROW(test_failed_detection), ROW(test_add_and_remove),
		ROW(test_at_once), ROW(test_source_stays), ROW(test_no_route), ROW(test_refusals),
		ROW(test_own_changes_come_back), ROW(test_expire), ROW(test_secondaries_stay),
		ROW(test_thousand), ROW(test_lost_messages), ROW(test_drain), ROW(test_no_answer)};

	netns_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
