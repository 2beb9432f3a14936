/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guard removes, and what it must not, in a network namespace of the test's own (root). */
#include "vrrp_netns.h"

#include <net/if.h>

#include "vrrp/vrrp_net_remover.h"

#define HERE "eth0"

/* Is it there? */
static bool shows(const char *addr)
{
	char line[128];

	snprintf(line, sizeof(line), "ip -o addr show dev " HERE " | grep -q ' %s/'", addr);
	return system(line) == 0;
}

static void addresses_of_both_families_go(void **state)
{
	struct vrrp_address four = address_of("10.8.0.100", 24), six = address_of("fd08::100", 64);
	struct vrrp_remover *remover;

	assert_int_equal(vrrp_remover_open(&remover), 0);
	sh("ip addr add 10.8.0.100/24 dev " HERE " && ip addr add fd08::100/64 dev " HERE " nodad");
	assert_true(shows("10.8.0.100") && shows("fd08::100"));
	/* By its index when the name means nothing, by its name when the index does. */
	assert_int_equal(vrrp_remover_address(remover, "tnd-none", (int)if_nametoindex(HERE), &four), 0);
	assert_int_equal(vrrp_remover_address(remover, HERE, 9999, &six), 0);
	assert_false(shows("10.8.0.100") || shows("fd08::100"));
	assert_true(shows("10.9.0.1") && shows("fd09::1"));
	vrrp_remover_close(remover);
}

/* The operator's own address, in the same subnet and younger than ours, stays when ours goes. */
static void secondaries_stay(void **state)
{
	struct vrrp_remover *remover;
	struct vrrp_address address = {.prefix = 24};

	assert_int_equal(vrrp_remover_open(&remover), 0);
	addr_parse("10.8.0.100", &address.addr);
	sh("ip addr add 10.8.0.100/24 dev " HERE " && ip addr add 10.8.0.7/24 dev " HERE);
	assert_int_equal(vrrp_remover_address(remover, HERE, (int)if_nametoindex(HERE), &address), 0);
	sh("ip -o addr show dev " HERE " | grep -q 10.8.0.7/ && ! ip -o addr show dev " HERE
	   " | grep -q 10.8.0.100/");
	sh("test $(cat /proc/sys/net/ipv4/conf/" HERE "/promote_secondaries) = 0");
	assert_int_equal(vrrp_remover_address(remover, HERE, (int)if_nametoindex(HERE), &address), 0);
	assert_int_equal(vrrp_remover_address(remover, "tnd-none", 9999, &address), 0);
	sh("ip addr del 10.8.0.7/24 dev " HERE);
	vrrp_remover_close(remover);
}

/* Only what is a macvlan, under that name and index. */
static void links_are_removed_with_care(void **state)
{
	struct vrrp_remover *remover;
	int index;

	if (system("ip link add link " HERE " name tnd-m1 type macvlan mode private 2>/dev/null") != 0)
		skip();
	assert_int_equal(vrrp_remover_open(&remover), 0);
	index = (int)if_nametoindex("tnd-m1");
	assert_int_equal(vrrp_remover_link(remover, "tnd-m1", index + 1), 0);
	assert_int_equal(vrrp_remover_link(remover, "tnd-m0", index), 0);
	assert_int_equal(vrrp_remover_link(remover, HERE, (int)if_nametoindex(HERE)), 0);
	assert_true(if_nametoindex("tnd-m1") && if_nametoindex(HERE));
	assert_int_equal(vrrp_remover_link(remover, "tnd-m1", index), 0);
	assert_int_equal(if_nametoindex("tnd-m1"), 0);
	vrrp_remover_close(remover);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_both_families_go),
		cmocka_unit_test(secondaries_stay),
		cmocka_unit_test(links_are_removed_with_care),
	};

	netns_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
