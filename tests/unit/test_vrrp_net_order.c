/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the speaker and another program do to the same addresses, on two links, while the kernel's messages are read late: what
 * the speaker holds to be there must be what is there. The kernel tells of a new IPv6 address from a work queue, some
 * time after it has acknowledged it, or never when it is gone by then.
 */
#include "vrrp_netns.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>

#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_net_inside.h"

#define LINKS     2
#define ADDRESSES 2
#define TURNS     6000

static struct vrrp_net *net, *other; /* ours, another program's */
static int links[LINKS];
static struct vrrp_address addresses[ADDRESSES];
static unsigned lost; /* reports of one that is gone */

static void on_link(void *data, const struct vrrp_link *link, bool gone) {}

static void on_address(void *data, int ifindex, const struct vrrp_address *address, bool gone)
{
	lost += gone && data;
}

static void on_resync(void *data) {}

static const struct vrrp_net_ops ops = {.link = on_link, .address = on_address, .resync = on_resync};

static int begin(void **state)
{
	links[0] = (int)if_nametoindex("eth0");
	links[1] = (int)if_nametoindex("second0");
	addresses[0] = address_of("fd09::100", 64);
	addresses[1] = address_of("10.9.0.100", 24);
	assert_int_equal(vrrp_net_open(&net, loop, &ops, &lost), 0);
	assert_int_equal(vrrp_net_open(&other, loop, &ops, NULL), 0);
	lost = 0;
	return 0;
}

static int end(void **state)
{
	for (int l = 0; l < LINKS; l++)
		for (int a = 0; a < ADDRESSES; a++)
			vrrp_net_remove_address(net, links[l], &addresses[a]);
	vrrp_net_close(net);
	vrrp_net_close(other);
	return 0;
}

static bool has(int link, const struct vrrp_address *address)
{
	return vrrp_net_has_address(net, links[link], &address->addr);
}

/* ---- with chance ---- */

static uint32_t chance = 1;

static unsigned pick(unsigned below)
{
	chance = chance * 1664525 + 1013904223;
	return (chance >> 16) % below;
}

static bool there[LINKS][ADDRESSES]; /* what the kernel has acknowledged */

static bool agrees(void *data)
{
	for (int l = 0; l < LINKS; l++)
		for (int a = 0; a < ADDRESSES; a++)
			if (has(l, &addresses[a]) != there[l][a])
				return false;
	return true;
}

static void read_late(void)
{
	unsigned what = pick(12);

	if (what < 3)
		vrrp_net_drain(net);
	else if (what == 3)
		poll(NULL, 0, 1); /* the work queue is let run */
}

/* What we add and remove is so at once, and stays so whatever is read of it later. */
static void change(struct vrrp_net *who, int l, int a)
{
	bool is_added = pick(2);
	int err = is_added ? vrrp_net_add_address(who, links[l], &addresses[a], 0)
			   : vrrp_net_remove_address(who, links[l], &addresses[a]);

	assert_int_equal(err, is_added && there[l][a] ? 1 : 0);
	there[l][a] = is_added;
	assert_true(who == other || has(l, &addresses[a]) == is_added);
}

static void change_ours(unsigned turns)
{
	memset(there, 0, sizeof(there));
	for (unsigned turn = 0; turn < turns; turn++) {
		change(net, (int)pick(LINKS), (int)pick(ADDRESSES));
		read_late();
		assert_true(agrees(NULL));
	}
	run_for(0.1);
	assert_true(agrees(NULL));
}

static void test_ours_alone(void **state)
{
	change_ours(TURNS);
}

/* The same, and much of what the kernel tells is lost, so that it is asked to list all, again and again. */
static void test_ours_with_losses(void **state)
{
	int bytes = 1;

	assert_int_equal(
		setsockopt(nl_socket_get_fd(net->events), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
	change_ours(TURNS);
	assert_true(net->copy.listing > 10);
}

/*
 * Another program adds and removes the same ones. What it did may make one of ours look missing for a moment, when it did it
 * before ours and it is read after it; who then puts it back hears that it is there, and finds it there.
 */
static void test_ours_and_others(void **state)
{
	memset(there, 0, sizeof(there));
	for (int turn = 0; turn < TURNS; turn++) {
		int l = (int)pick(LINKS), a = (int)pick(ADDRESSES);

		change(pick(2) ? net : other, l, a);
		read_late();
		if (pick(3) == 0)
			vrrp_net_drain(other);
		if (there[l][a] && !has(l, &addresses[a])) {
			assert_int_equal(vrrp_net_add_address(net, links[l], &addresses[a], 0), 1);
			assert_true(has(l, &addresses[a]));
		}
		if (turn % 100 == 0)
			until(agrees, NULL);
	}
	until(agrees, NULL);
}

/* ---- one by one ---- */

static bool collect(void *data, const struct vrrp_address *address)
{
	char text[ADDR_TEXT_MAX];
	size_t used = strlen(data);

	snprintf((char *)data + used, 512 - used, "%s/%u ", addr_format(&address->addr, text),
		address->prefix);
	return true;
}

/* It is there, of another program, which is not read yet: at once it is known, as the kernel has it. */
static void test_there_already(void **state)
{
	static const struct {
		const char *command, *shown;
		int which;
	} rows[] = {
		{"10.9.0.100/24", " 10.9.0.100/24 ", 1}, {"fd09::100/64 nodad", " fd09::100/64 ", 0},
		{"fd09::100/128 nodad", " fd09::100/128 ",
			0},                            /* the kernel has it once, whatever the prefix */
		{"fd09::100/64", " fd09::100/64 ", 0}, /* of no use yet: made anew */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vrrp_address *address = &addresses[rows[i].which];
		char all[512] = " ";

		sh("ip addr add %s dev eth0", rows[i].command);
		assert_false(has(0, address));
		assert_int_equal(vrrp_net_add_address(net, links[0], address, 0),
			strstr(rows[i].command, "64") && !strstr(rows[i].command, "nodad") ? 0 : 1);
		assert_true(has(0, address));
		vrrp_net_each_address(net, links[0], collect, all);
		assert_non_null(strstr(all, rows[i].shown));
		run_for(0.05);
		assert_true(has(0, address));
		lost = 0;
		sh("ip addr del %s dev eth0", strtok(strdupa(rows[i].command), " "));
		vrrp_net_drain(net);
		assert_false(has(0, address));
		assert_int_equal(lost, 1);
	}
}

/* Another program removed it, which is not read yet; we give it up and take it again. */
static void test_gone_already(void **state)
{
	for (int a = 0; a < ADDRESSES; a++) {
		assert_int_equal(vrrp_net_add_address(net, links[0], &addresses[a], 0), 0);
		run_for(0.05);
		assert_int_equal(vrrp_net_remove_address(other, links[0], &addresses[a]), 0);
		assert_int_equal(vrrp_net_remove_address(net, links[0], &addresses[a]), 0);
		assert_int_equal(vrrp_net_add_address(net, links[0], &addresses[a], 0), 0);
		lost = 0;
		vrrp_net_drain(net);
		assert_true(has(0, &addresses[a]));
		assert_int_equal(lost, 0);
	}
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {ROW(test_there_already), ROW(test_gone_already),
		ROW(test_ours_alone), ROW(test_ours_with_losses), ROW(test_ours_and_others)};

	netns_make();
	sh("ip link add second0 type veth peer name second1 && ip link set second0 up && ip link set second1 up");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
