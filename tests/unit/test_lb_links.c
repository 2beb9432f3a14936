/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices come, go and change in a namespace of the test's own; needs root. */
#include "netns_harness.h"

#include <net/if.h>
#include <unistd.h>

#include "lb/lb_links.h"

static struct lb_bpf bpf;
static struct lb_links *links;
static char heard[8192]; /* every report, one a line */

static void on_report(void *data, const char *subject, const char *event, const char *cause)
{
	size_t used = strlen(heard);

	snprintf(heard + used, sizeof(heard) - used, "%s|%s|%s\n", subject, event, cause);
}

static bool is_heard(void *data)
{
	return strstr(heard, data) != NULL;
}

static void hear(const char *what)
{
	until(is_heard, (void *)what);
	heard[0] = '\0';
}

static const struct lb_link *link_of(unsigned ifindex)
{
	for (int i = 0; i < LB_LINKS_MAX; i++)
		if (ifindex && bpf.view.links[i].ifindex == ifindex)
			return &bpf.view.links[i];
	return NULL;
}

static uint32_t epoch(void)
{
	return bpf.view.globals->route_epoch;
}

static bool epoch_differs(void *data)
{
	return epoch() != *(uint32_t *)data;
}

static void name_interfaces(const char *a, const char *b)
{
	char names[2][16] = {};

	snprintf(names[0], sizeof(names[0]), "%s", a);
	snprintf(names[1], sizeof(names[1]), "%s", b ? b : "");
	assert_int_equal(lb_links_set_interfaces(links, (const char(*)[16])names, b ? 2 : 1), 0);
}

struct shown {
	const char *name;
	enum lb_interface_state state;
	char detail[256];
	int count;
};

static void on_interface(void *data, const char *name, enum lb_interface_state state, const char *detail)
{
	struct shown *shown = data;

	shown->count++;
	if (strcmp(name, shown->name) == 0) {
		shown->state = state;
		snprintf(shown->detail, sizeof(shown->detail), "%s", detail);
	}
}

static struct shown show(const char *name)
{
	struct shown shown = {.name = name, .state = 99};

	lb_links_each_interface(links, on_interface, &shown);
	return shown;
}

/* A device that sends nothing by itself: a change of its MTU is one message, and shows that all before was
 * read. */
static int mark_mtu = 1400;

static bool mark_is_read(void *data)
{
	const struct lb_link *link = link_of(if_nametoindex("mark0"));

	return link && link->mtu == (uint32_t)mark_mtu;
}

static void on_tick(struct ev_loop *l, ev_timer *timer, int events)
{
	*(bool *)timer->data = true;
}

static bool is_true(void *data)
{
	return *(bool *)data;
}

/* What the pace put off is done: two of its spans have passed. */
static void settle(void)
{
	bool over = false;
	ev_timer tick;

	ev_now_update(loop);
	ev_timer_init(&tick, on_tick, 0.045, 0.);
	tick.data = &over;
	ev_timer_start(loop, &tick);
	until(is_true, &over);
}

/* All that happened was read: how often the epoch has grown by it. Begin settled. */
static uint32_t growth(uint32_t before)
{
	sh("ip link set dev mark0 mtu %d", ++mark_mtu);
	until(mark_is_read, NULL);
	settle();
	return epoch() - before - 1; /* without the mark's own */
}

static uint32_t at_rest(void)
{
	growth(0);
	return epoch();
}

static void open_all(const char *pin_dir)
{
	struct lb_bpf_sizes sizes = small_sizes();

	heard[0] = '\0';
	assert_int_equal(lb_bpf_open(&bpf, &sizes, pin_dir, false), 0);
	assert_int_equal(lb_links_open(&links, loop, &bpf, on_report, NULL), 0);
}

static void close_all(void)
{
	lb_links_close(links);
	lb_bpf_close(&bpf);
	links = NULL;
}

static int setup(void **state)
{
	open_all(NULL);
	sh("ip link add mark0 type veth peer name mark1");
	at_rest();
	heard[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	if (links)
		close_all();
	return system("for d in mark0 ta0 tb0; do ip link del $d 2>/dev/null; done; ip rule del pref 77 "
		      "2>/dev/null; true");
}

static void make(const char *name)
{
	sh("ip link add %s type veth peer name %sp && ip link set %s up && ip link set %sp up", name, name,
		name, name);
}

/* ---- interfaces ---- */

static void test_waits_for_a_missing_interface(void **state)
{
	char want[64];
	unsigned first, second;

	name_interfaces("ta0", NULL);
	assert_string_equal(heard, "interface ta0|missing|no such device: waits for it\n");
	assert_int_equal(show("ta0").state, LB_INTERFACE_MISSING);
	growth(0); /* other devices' news are not told again */
	assert_string_equal(heard, "interface ta0|missing|no such device: waits for it\n");

	make("ta0");
	hear("interface ta0|attached|");
	first = if_nametoindex("ta0");
	assert_true(lb_bpf_is_attached(&bpf, (int)first));
	assert_int_equal(show("ta0").state, LB_INTERFACE_ATTACHED);

	sh("ip link del ta0");
	snprintf(want, sizeof(want), "interface ta0|missing|index %u is gone", first);
	hear(want);
	assert_null(link_of(first));

	make("ta0");
	hear("interface ta0|attached|");
	second = if_nametoindex("ta0");
	assert_int_not_equal(first, second);
	assert_true(lb_bpf_is_attached(&bpf, (int)second));
}

static void test_index_is_told(void **state)
{
	name_interfaces("ta0", NULL);
	heard[0] = '\0';
	sh("ip link add ta0 index 7001 type veth peer name ta0p");
	hear("interface ta0|down|appeared as index 7001; it is switched off");
	sh("ip link set ta0 up && ip link set ta0p up");
	hear("interface ta0|attached|link is up\n");
	sh("ip link del ta0 && ip link add ta0 index 7002 type veth peer name ta0p");
	until(is_heard, "index 7001 is gone");
	hear("interface ta0|down|appeared as index 7002; it is switched off");
	sh("ip link add tb0 index 7003 type veth peer name tb0p && ip link set tb0 up && ip link set tb0p "
	   "up");
	growth(0);
	name_interfaces("tb0", NULL);
	assert_non_null(strstr(heard, "interface tb0|attached|index 7003\n"));
}

static void test_down_and_up(void **state)
{
	make("ta0");
	name_interfaces("ta0", NULL);
	growth(0);
	heard[0] = '\0';
	sh("ip link set ta0p down");
	hear("interface ta0|down|no carrier");
	sh("ip link set ta0 down");
	growth(0);
	assert_string_equal(show("ta0").detail, "it is switched off: 'ip link set dev ta0 up'");
	assert_true(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta0")));
	sh("ip link set ta0 up && ip link set ta0p up");
	hear("interface ta0|attached|link is up");
}

static void test_unsupported(void **state)
{
	name_interfaces("lo", NULL);
	assert_non_null(strstr(heard, "interface lo|unsupported|the loopback device has no neighbours"));
	assert_int_equal(show("lo").state, LB_INTERFACE_UNSUPPORTED);
	if (system("ip tuntap add dev ta0 mode tun 2>/dev/null") != 0)
		return;
	growth(0);
	name_interfaces("ta0", NULL);
	assert_non_null(strstr(heard, "interface ta0|unsupported|no Ethernet device (type 65534)"));
}

static void test_renamed_away(void **state)
{
	make("ta0");
	name_interfaces("ta0", NULL);
	unsigned index = if_nametoindex("ta0");

	sh("ip link set ta0 down && ip link set ta0 name tb0");
	hear("interface ta0|missing|");
	assert_false(lb_bpf_is_attached(&bpf, (int)index));
}

static void test_reload_moves_the_program(void **state)
{
	make("ta0");
	make("tb0");
	growth(0);
	name_interfaces("ta0", NULL);
	name_interfaces("tb0", NULL);
	assert_true(lb_bpf_is_attached(&bpf, (int)if_nametoindex("tb0")));
	assert_false(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta0")));
	assert_non_null(strstr(heard, "interface ta0|detached|no longer named"));
	assert_int_equal(show("tb0").count, 1);
	heard[0] = '\0';
	name_interfaces("tb0", NULL);
	assert_string_equal(heard, "");
}

static void test_removed_program_comes_back(void **state)
{
	make("ta0");
	growth(0);
	name_interfaces("ta0", NULL);
	heard[0] = '\0';
	sh("tc qdisc del dev ta0 clsact");
	hear("interface ta0|detached|somebody removed the program from it\ninterface ta0|attached|");
	assert_true(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta0")));
	sh("tc filter del dev ta0 ingress prio 100");
	hear("interface ta0|attached|");
	assert_true(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta0")));
}

/* VRRP's virtual MAC: its frames come in by a macvlan on the interface, so the program goes there by itself. */
static void test_follows_a_virtual_mac(void **state)
{
	make("ta0");
	growth(0);
	name_interfaces("ta0", NULL);
	heard[0] = '\0';
	sh("ip link add ta1 link ta0 address 00:00:5e:00:01:33 type macvlan mode vepa");
	hear("interface ta1|attached|it has a virtual MAC on ta0");
	unsigned index = if_nametoindex("ta1");
	assert_true(lb_bpf_is_attached(&bpf, (int)index));
	assert_null(link_of(index)); /* no way out */
	assert_int_equal(show("ta1").count, 1);
	sh("ip link set ta1 up && ip link set ta1 down");
	growth(0);
	assert_true(lb_bpf_is_attached(&bpf, (int)index));
	assert_string_equal(heard, "");
	sh("tc filter del dev ta1 ingress prio 100");
	hear("interface ta1|attached|");
	assert_true(lb_bpf_is_attached(&bpf, (int)index));
	name_interfaces("ta0", NULL); /* a reload */
	assert_true(lb_bpf_is_attached(&bpf, (int)index));
	assert_string_equal(heard, "");

	sh("ip link add ta2 link ta0 address 00:00:5e:00:02:33 type macvlan mode private");
	hear("interface ta2|attached|");
	sh("ip link add ta3 link ta0 address 02:00:5e:00:01:34 type macvlan mode private");
	growth(0);
	assert_false(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta3")));
	assert_string_equal(heard, "");

	name_interfaces("mark0", NULL);
	assert_false(lb_bpf_is_attached(&bpf, (int)index));
	assert_false(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta2")));
	assert_non_null(strstr(heard, "interface ta1|detached|"));
	name_interfaces("ta0", NULL);
	assert_true(lb_bpf_is_attached(&bpf, (int)index));
	sh("ip link del ta0");
	hear("interface ta0|missing|");
	growth(0);
	make("ta0");
	hear("interface ta0|attached|");
}

static void test_another_dataplane_is_refused(void **state)
{
	struct lb_bpf_sizes sizes = small_sizes();
	struct lb_bpf other;

	make("ta0");
	growth(0);
	assert_int_equal(lb_bpf_open(&other, &sizes, NULL, false), 0);
	assert_int_equal(lb_bpf_attach(&other, (int)if_nametoindex("ta0"), "ta0"), 0);
	name_interfaces("ta0", NULL);
	assert_int_equal(show("ta0").state, LB_INTERFACE_REFUSED);
	assert_true(lb_bpf_is_attached(&other, (int)if_nametoindex("ta0")));
	assert_int_equal(lb_bpf_detach(&other, (int)if_nametoindex("ta0")), 0);
	name_interfaces("ta0", NULL);
	assert_true(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta0")));
	lb_bpf_close(&other);
}

static void test_forwarding_is_watched(void **state)
{
	make("ta0");
	sh("echo 1 > /proc/sys/net/ipv6/conf/ta0/forwarding");
	sh("echo 0 > /proc/sys/net/ipv4/conf/ta0/forwarding");
	growth(0);
	name_interfaces("ta0", NULL);
	assert_string_equal(
		show("ta0").detail, "IPv4 forwarding is off: 'sysctl -w net/ipv4/conf/ta0/forwarding=1'");
	assert_non_null(strstr(heard, "interface ta0|forwarding off|IPv4"));
	heard[0] = '\0';
	sh("sysctl -qw net/ipv4/conf/ta0/forwarding=1");
	hear("interface ta0|forwarding on|");
	assert_string_equal(show("ta0").detail, "");
	sh("echo 0 > /proc/sys/net/ipv6/conf/ta0/forwarding");
	hear("interface ta0|forwarding off|IPv6");
}

static void test_adopts_and_detaches_what_is_not_named(void **state)
{
	char dir[64];

	close_all();
	snprintf(dir, sizeof(dir), "/sys/fs/bpf/tandem/test-links-%d", (int)getpid());
	make("ta0");
	make("tb0");
	open_all(dir);
	name_interfaces("ta0", "tb0");
	const struct lb_link *link = link_of(if_nametoindex("ta0"));
	close_all();

	/* A run that ended when it stood on one of the two. */
	open_all(dir);
	assert_int_equal(lb_bpf_attach(&bpf, (int)if_nametoindex("ta0"), "ta0"), 0);
	assert_ptr_not_equal(link, NULL);
	close_all();

	open_all(dir);
	assert_true(bpf.adopted);
	name_interfaces("tb0", NULL);
	assert_int_equal(show("tb0").state, LB_INTERFACE_ATTACHED);
	assert_false(lb_bpf_is_attached(&bpf, (int)if_nametoindex("ta0")));
	assert_non_null(strstr(heard, "interface ta0|detached|"));

	/* What went while nobody looked has no place any more. */
	unsigned gone = if_nametoindex("ta0");
	lb_links_close(links);
	assert_non_null(link_of(gone));
	sh("ip link del ta0");
	assert_int_equal(lb_links_open(&links, loop, &bpf, on_report, NULL), 0);
	assert_null(link_of(gone));
	close_all();
	assert_int_equal(lb_bpf_remove(dir), 0);
}

/* ---- the route epoch ---- */

static void test_device_changes(void **state)
{
	make("ta0");

	uint32_t before = at_rest();
	const struct lb_link *link = link_of(if_nametoindex("ta0"));

	assert_non_null(link);
	sh("ip link set ta0 address 02:00:00:00:77:01");
	until(epoch_differs, &before);
	assert_int_equal(link->mac[5], 1);
	assert_int_equal(link->mac[4], 0x77);
	before = at_rest();
	sh("ip link set ta0 mtu 1280");
	until(epoch_differs, &before);
	assert_int_equal(link->mtu, 1280);
	before = at_rest();
	sh("ip link set ta0 promisc on && ip link set ta0 promisc off && ip link set ta0 alias nothing");
	assert_int_equal(growth(before), 0);
	sh("ip link set ta0 down");
	until(epoch_differs, &before);
}

static void test_neighbours(void **state)
{
	make("ta0");
	sh("ip addr add 10.77.0.1/24 dev ta0");

	uint32_t before = at_rest();

	sh("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev ta0 nud reachable");
	sh("ip neigh change 10.77.0.2 lladdr 02:00:00:00:00:02 dev ta0 nud stale");
	sh("ip neigh change 10.77.0.2 lladdr 02:00:00:00:00:02 dev ta0 nud delay");
	sh("ip neigh change 10.77.0.2 lladdr 02:00:00:00:00:02 dev ta0 nud permanent");
	assert_int_equal(growth(before), 0);
	sh("ip neigh change 10.77.0.2 lladdr 02:00:00:00:00:03 dev ta0 nud permanent");
	until(epoch_differs, &before);
	before = at_rest();
	sh("ip neigh del 10.77.0.2 dev ta0");
	until(epoch_differs, &before);
	before = at_rest();
	sh("ip neigh add 10.77.0.3 lladdr 02:00:00:00:00:02 dev ta0 nud reachable");
	assert_int_equal(growth(before), 0);
	before = epoch();
	sh("ip neigh change 10.77.0.3 dev ta0 nud failed");
	until(epoch_differs, &before);
}

/* The neighbours that were there before are known. */
static void test_neighbours_of_before(void **state)
{
	make("ta0");
	sh("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev ta0 nud permanent");
	lb_links_close(links);
	assert_int_equal(lb_links_open(&links, loop, &bpf, on_report, NULL), 0);

	uint32_t before = at_rest();

	sh("ip neigh change 10.77.0.2 lladdr 02:00:00:00:00:02 dev ta0 nud stale");
	assert_int_equal(growth(before), 0);
	before = epoch();
	sh("ip neigh change 10.77.0.2 lladdr 02:00:00:00:00:09 dev ta0 nud stale");
	until(epoch_differs, &before);
}

static void test_routes(void **state)
{
	static const char *const changes[] = {"addr add 10.77.0.1/24 dev ta0",
		"route add 10.78.0.0/16 via 10.77.0.2", "route change 10.78.0.0/16 via 10.77.0.3",
		"route del 10.78.0.0/16", "rule add pref 77 to 10.79.0.1 table 77", "rule del pref 77",
		"-6 route add fd00:77::/64 dev ta0", "-6 rule add pref 77 to fd00::1 table 77",
		"-6 rule del pref 77", "nexthop add id 77 via 10.77.0.9 dev ta0", "nexthop del id 77",
		"addr del 10.77.0.1/24 dev ta0"};

	make("ta0");
	sh("echo 0 > /proc/sys/net/ipv6/conf/ta0/disable_ipv6");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint32_t before = at_rest();

		sh("ip %s", changes[i]);
		until(epoch_differs, &before);
	}
}

static void test_a_burst_is_few_steps(void **state)
{
	make("ta0");

	uint32_t before = at_rest(), grown;
	double start = ev_now(loop);

	sh("for n in 0 1 2 3 4 5 6 7 8 9; do for m in 0 1 2 3 4 5 6 7 8 9; do echo route add 10.80.$n.$m dev "
	   "ta0; done; "
	   "done | ip -batch -");
	grown = growth(before);
	assert_in_range(grown, 1, 2 + (uint32_t)((ev_now(loop) - start) / 0.020));
	assert_true(grown < 50);
}

/* More messages than the socket holds while nobody reads: all is read anew. */
static void test_lost_messages(void **state)
{
	make("ta0");
	make("tb0");
	growth(0);
	name_interfaces("ta0", NULL);

	uint32_t before = at_rest();
	unsigned gone = if_nametoindex("tb0");

	sh("seq 1 30000 | awk '{ printf \"route add 10.%%d.%%d.%%d dev ta0\\n\", 90 + $1 / 65536, $1 / 256 "
	   "%% 256, $1 %% 256 }' |"
	   " ip -batch -");
	sh("ip link del ta0 && ip link del tb0");
	hear("interface ta0|missing|");
	until(epoch_differs, &before);
	growth(0);
	assert_null(link_of(gone));
	make("ta0");
	hear("interface ta0|attached|");
}

/* More devices than places: the rest wait until one is left. */
static void test_more_devices_than_places(void **state)
{
	sh("seq 1 140 | awk '{ printf \"link add m%%d type veth peer name n%%d\\n\", $1, $1 }' | ip -batch "
	   "-");
	growth(0);
	make("ta0");
	growth(0);
	unsigned late = if_nametoindex("ta0");

	assert_null(link_of(late));
	sh("seq 1 140 | awk '{ printf \"link del m%%d\\n\", $1 }' | ip -batch -");
	growth(0);
	assert_non_null(link_of(late));
	assert_int_equal(link_of(late)->ifindex, late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waits_for_a_missing_interface, setup, teardown),
		cmocka_unit_test_setup_teardown(test_index_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_down_and_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unsupported, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renamed_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_moves_the_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_program_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_follows_a_virtual_mac, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_dataplane_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forwarding_is_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adopts_and_detaches_what_is_not_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbours_of_before, setup, teardown),
		cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_burst_is_few_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_devices_than_places, setup, teardown),
	};

	if (!enter_netns()) {
		printf("1..0 # SKIP needs root (network namespaces)\n");
		return 0;
	}
	/* Silence: a device without IPv6 sends nothing by itself. */
	if (system("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 && ip link set lo up"))
		return 1;
	loop = ev_default_loop(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
