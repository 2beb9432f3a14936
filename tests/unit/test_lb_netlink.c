/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has is told between begin and end, devices and neighbours alike; needs root. */
#include "netns_harness.h"

#include "lb/lb_netlink.h"

static int begun, ended, devices, listed, late;

static void on_begin(void *data)
{
	begun++;
}

static void on_end(void *data)
{
	ended++;
}

static void on_device(void *data, const struct lb_device *device, bool gone)
{
	devices++;
	late += ended;
}

static void on_neighbour(void *data, const struct lb_neigh_entry *entry, bool is_listed)
{
	listed += is_listed;
	late += ended;
}

static void nothing(void *data) {}

static void nothing_filtered(void *data, uint32_t ifindex) {}

static const struct lb_netlink_ops ops = {.lost = nothing,
	.begin = on_begin,
	.end = on_end,
	.device = on_device,
	.neighbour = on_neighbour,
	.route = nothing,
	.forwarding = nothing,
	.filter = nothing_filtered};

/* An end before the neighbours would make every one of them look gone. */
static void the_listing_ends_when_all_was_told(void **state)
{
	struct lb_netlink *netlink;

	sh("ip link add v0 type veth peer name v1");
	sh("ip link set v0 up && ip link set v1 up");
	for (int i = 1; i <= 50; i++)
		sh("ip neigh add 10.0.0.%d lladdr 02:00:00:00:00:%02x dev v0 nud permanent", i, i);
	assert_int_equal(lb_netlink_open(&netlink, loop, &ops, NULL), 0);
	assert_int_equal(begun, 1);
	assert_int_equal(ended, 1);
	assert_true(devices >= 3);
	assert_true(listed >= 50);
	assert_int_equal(late, 0);
	lb_netlink_close(netlink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_listing_ends_when_all_was_told)};

	if (!enter_netns()) {
		puts("1..0 # SKIP needs root (a network namespace)");
		return 0;
	}
	loop = ev_default_loop(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
