/* SPDX-License-Identifier: GPL-2.0-or-later */
/* accept = false, asked by a client: no ping, no connection, but the address is still resolved. */
#include "vrrp_netns.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vrrp/vrrp_accept.h"

static struct vrrp_accept *accept_table;
static char error[256];

static int set(const char *a, const char *b)
{
	struct net_addr refused[2];
	size_t count = 0;

	if (a)
		refused[count++] = addr_of(a);
	if (b)
		refused[count++] = addr_of(b);
	error[0] = '\0';
	return vrrp_accept_set(&accept_table, "lb-a", refused, count, error, sizeof(error));
}

static int tear_down(void **state)
{
	vrrp_accept_close(accept_table);
	accept_table = NULL;
	return 0;
}

static bool peer_pings(const char *addr)
{
	char line[128];
	bool answers;

	netns_in_peer(true);
	snprintf(line, sizeof(line), "ip neigh flush dev peer0; ping -q -c 1 -W 0.2 %s > /dev/null", addr);
	answers = system(line) == 0;
	netns_in_peer(false);
	return answers;
}

static void expect_resolved(const char *addr)
{
	netns_in_peer(true);
	sh("ip neigh show %s | grep -q lladdr", addr);
	netns_in_peer(false);
}

/* A client that knows the MAC asks the address itself whether it is still there. */
static void expect_confirmed(const char *addr)
{
	char line[128];
	bool confirmed = false;

	netns_in_peer(true);
	sh("ip neigh change %s dev peer0 nud probe", addr);
	snprintf(line, sizeof(line), "ip neigh show %s | grep -q REACHABLE", addr);
	for (int i = 0; i < 100 && !confirmed; i++) {
		confirmed = system(line) == 0;
		run_for(0.02);
	}
	netns_in_peer(false);
	assert_true(confirmed);
}

static void test_refused(void **state)
{
	assert_true(peer_pings("10.9.0.100"));
	assert_true(peer_pings("fd09::100"));
	assert_int_equal(set("10.9.0.100", "fd09::100"), 0);
	assert_false(peer_pings("10.9.0.100"));
	expect_resolved("10.9.0.100");
	assert_false(peer_pings("fd09::100"));
	expect_resolved("fd09::100");
	expect_confirmed("fd09::100");
	assert_true(peer_pings("10.9.0.1")); /* the host's own */
	assert_true(peer_pings("fd09::1"));

	assert_int_equal(set("fd09::100", NULL), 0); /* exactly these */
	assert_true(peer_pings("10.9.0.100"));
	assert_false(peer_pings("fd09::100"));
	assert_int_equal(set("10.9.0.100", "10.9.0.100"), 0); /* twice is once */
	assert_false(peer_pings("10.9.0.100"));
	assert_true(peer_pings("fd09::100"));

	assert_int_equal(set(NULL, NULL), 0);
	assert_true(peer_pings("10.9.0.100"));
	sh("! nft list tables | grep -q tandem");
	assert_int_equal(set("10.9.0.100", NULL), 0);
	assert_false(peer_pings("10.9.0.100"));
	vrrp_accept_close(accept_table);
	accept_table = NULL;
	assert_true(peer_pings("10.9.0.100"));
	sh("! nft list tables | grep -q tandem");
}

/* Somebody flushed everything; somebody else's table stays. */
static void test_others(void **state)
{
	sh("nft add table inet theirs");
	assert_int_equal(set("10.9.0.100", NULL), 0);
	sh("nft delete table inet tandem_vrrp_lb_a_$(nft list tables | sed -n 's/.*tandem_vrrp_lb_a_//p')");
	assert_true(peer_pings("10.9.0.100"));
	assert_int_equal(set("10.9.0.100", NULL), 0);
	assert_false(peer_pings("10.9.0.100"));
	sh("nft flush ruleset && nft add table inet theirs");
	assert_int_equal(set(NULL, NULL), 0); /* not there: nothing to say */
	sh("nft list tables | grep -q theirs && nft delete table inet theirs");
}

/* What a killed speaker left is gone when the next one refuses nothing, or others. */
static void test_left_behind(void **state)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(set("10.9.0.100", NULL) ? 1 : 0);

	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(peer_pings("10.9.0.100"));
	assert_int_equal(set(NULL, NULL), 0);
	assert_true(peer_pings("10.9.0.100"));
}

/* Two names, two tables, also when nft allows neither. */
static void test_names(void **state)
{
	static const char *const names[] = {"a.b", "a-b", "a_b", "", "with space; delete table inet x",
		"a-very-long-name-that-nobody-would-give-to-a-node-but-who-knows"};
	struct vrrp_accept *tables[6] = {};
	struct net_addr refused = addr_of("10.9.0.100");

	for (size_t i = 0; i < 6; i++)
		assert_int_equal(vrrp_accept_set(&tables[i], names[i], &refused, 1, error, sizeof(error)), 0);
	sh("test $(nft list tables | grep -c tandem_vrrp_) = 6");
	for (size_t i = 0; i < 6; i++)
		vrrp_accept_close(tables[i]);
	sh("! nft list tables | grep -q tandem_vrrp_");
}

static void test_many(void **state)
{
	static struct net_addr refused[4096];

	for (size_t i = 0; i < 4096; i++) {
		refused[i] = addr_of(i % 2 ? "10.46.0.0" : "fd46::");
		refused[i].bytes[2] = (uint8_t)(i >> 8);
		refused[i].bytes[3] = (uint8_t)i;
	}
	refused[4095] = addr_of("10.9.0.100");
	assert_int_equal(vrrp_accept_set(&accept_table, "lb-a", refused, 4096, error, sizeof(error)), 0);
	assert_false(peer_pings("10.9.0.100"));
}

static void test_errors(void **state)
{
	struct net_addr none = {};

	assert_int_equal(vrrp_accept_set(&accept_table, "lb-a", &none, 1, error, sizeof(error)), -EINVAL);
	assert_true(error[0] != '\0');
	assert_null(accept_table);
	vrrp_accept_close(NULL);
}

/* Without the privilege it is an error with a reason, and nothing to refuse is none. */
static void test_without_privilege(void **state)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (setresuid(65534, 65534, 65534))
			_exit(9);
		if (set("10.9.0.100", NULL) != -EPERM || !strstr(error, "CAP_NET_ADMIN"))
			_exit(1);
		_exit(set(NULL, NULL) || accept_table ? 2 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define ROW(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {ROW(test_refused), ROW(test_others), ROW(test_left_behind),
		ROW(test_names), ROW(test_many), ROW(test_errors), ROW(test_without_privilege)};

	netns_make();
	sh("ip addr add 10.9.0.100/24 dev eth0 && ip addr add fd09::100/64 dev eth0 nodad");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
