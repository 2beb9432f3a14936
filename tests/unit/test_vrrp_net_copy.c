/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The copy is told of a change of ours before the kernel's messages of the time before have been read: in which orders these
 * may come, and what they must not undo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vrrp/vrrp_net_copy.h"

#define ETH0 2

static struct vrrp_net_copy copy;
static struct vrrp_address ours;

static enum vrrp_net_change put(struct vrrp_net_message message, bool listed)
{
	char old_name[VRRP_IFNAME_SIZE];
	enum vrrp_net_change change;

	assert_int_equal(vrrp_net_copy_put(&copy, &message, listed, &change, old_name), 0);
	return change;
}

static struct vrrp_net_message link_message(void)
{
	return (struct vrrp_net_message){
		.kind = VRRP_NET_LINK, .link = {.name = "eth0", .ifindex = ETH0, .up = true}};
}

static struct vrrp_net_message address_message(bool gone)
{
	return (struct vrrp_net_message){
		.kind = VRRP_NET_ADDRESS, .gone = gone, .ifindex = ETH0, .address = ours, .usable = true};
}

/* The kernel tells of it, or lists it. */
static enum vrrp_net_change came(void)
{
	return put(address_message(false), false);
}

static enum vrrp_net_change listed(void)
{
	return put(address_message(false), true);
}

static enum vrrp_net_change went(void)
{
	return put(address_message(true), false);
}

static void add(void)
{
	assert_int_equal(vrrp_net_copy_added(&copy, ETH0, &ours), 0);
}

static void take_away(void)
{
	vrrp_net_copy_removed(&copy, ETH0, &ours);
}

static bool is_there(void)
{
	const struct vrrp_net_address *a = vrrp_net_copy_address(&copy, ETH0, &ours.addr);

	return a && a->usable;
}

static bool is_swept(void)
{
	struct vrrp_net_message gone;
	bool swept = false;

	while (vrrp_net_copy_sweep(&copy, &gone))
		swept = true;
	return swept;
}

static int begin(void **state)
{
	ours = (struct vrrp_address){.addr = {.family = AF_INET6, .bytes = {0xfd, [15] = 1}}, .prefix = 64};
	put(link_message(), false);
	return 0;
}

static int end(void **state)
{
	vrrp_net_copy_clear(&copy);
	return 0;
}

/* Added, removed, added, and all is read late. With IPv6 the kernel may tell of the first adding before the removal, after
 * nothing else, or never: it does so in a work queue. */
static void test_read_late(void **state)
{
	add();
	take_away();
	assert_false(is_there());
	add();
	assert_true(is_there());
	assert_int_equal(came(), VRRP_NET_SAME); /* of the first */
	assert_int_equal(went(), VRRP_NET_SAME);
	assert_true(is_there());
	assert_int_equal(came(), VRRP_NET_CHANGED);
	assert_int_equal(went(), VRRP_NET_GONE); /* and this one is somebody else's */
	assert_false(is_there());
}

/* Nobody had read yet that it is there when we removed it, and it is there again. */
static void test_removed_unseen(void **state)
{
	take_away();
	assert_int_equal(came(), VRRP_NET_SAME);
	assert_false(is_there());
	add();
	assert_int_equal(went(), VRRP_NET_SAME);
	assert_true(is_there());
}

/* Another program removed it, which is not read yet, and so did we: the kernel said that there was none. */
static void test_gone_already(void **state)
{
	came();
	vrrp_net_copy_is_gone(&copy, ETH0, &ours);
	assert_false(is_there());
	vrrp_net_copy_is_gone(&copy, ETH0, &ours); /* is known */
	add();
	assert_int_equal(went(), VRRP_NET_SAME);
	assert_true(is_there());
	assert_int_equal(went(), VRRP_NET_GONE);
}

/* A part of a listing that was written before our removal is read after it. */
static void test_listed_before(void **state)
{
	came();
	vrrp_net_copy_list(&copy);
	put(link_message(), true);
	take_away();
	add();
	assert_int_equal(listed(), VRRP_NET_SAME);
	assert_int_equal(went(), VRRP_NET_SAME);
	assert_true(is_there());
	assert_false(is_swept());
	assert_true(is_there());
}

/* The same, and the listing has ended when it is added again. */
static void test_listed_before_and_swept(void **state)
{
	came();
	vrrp_net_copy_list(&copy);
	put(link_message(), true);
	take_away();
	assert_int_equal(listed(), VRRP_NET_SAME);
	assert_false(is_there());
	assert_false(is_swept());
	add();
	assert_int_equal(went(), VRRP_NET_SAME);
	assert_true(is_there());
}

/* What told of our removal was lost, which is why it is listed: it swallows nothing any more. */
static void test_lost(void **state)
{
	came();
	take_away();
	vrrp_net_copy_list(&copy);
	put(link_message(), true);
	assert_int_equal(listed(), VRRP_NET_CHANGED); /* somebody added it */
	assert_false(is_swept());
	assert_true(is_there());
	assert_int_equal(went(), VRRP_NET_GONE);

	add();
	take_away();
	add();
	vrrp_net_copy_list(&copy);
	put(link_message(), true);
	assert_int_equal(listed(), VRRP_NET_SAME);
	assert_int_equal(went(), VRRP_NET_GONE);
}

/* Asked for, it is as the kernel said: its prefix may be another one, or it may fail; the messages on their way are
 * reckoned with as before. */
static void test_asked(void **state)
{
	struct vrrp_net_message answer = address_message(false);

	add();
	take_away();
	assert_int_equal(vrrp_net_copy_is_there(&copy, &answer), 0);
	assert_true(is_there());
	assert_int_equal(went(), VRRP_NET_SAME);
	assert_true(is_there());
	answer.usable = false;
	assert_int_equal(vrrp_net_copy_is_there(&copy, &answer), 0);
	assert_false(is_there());
	assert_int_equal(came(), VRRP_NET_CHANGED);
	assert_int_equal(went(), VRRP_NET_GONE);
	answer.ifindex = 4711;
	assert_int_equal(vrrp_net_copy_is_there(&copy, &answer), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {ROW(test_read_late), ROW(test_removed_unseen),
		ROW(test_gone_already), ROW(test_listed_before), ROW(test_listed_before_and_swept),
		ROW(test_lost), ROW(test_asked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
