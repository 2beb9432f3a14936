/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends of a pair that mean well: what they hear of each other, when it stops, and with which keys. */
#include "peer_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNITS 101

/* ---- what goes well ---- */

static void they_hear_each_other_by_every_path(void **state)
{
	struct vrrp_peer_status status;
	struct vrrp_peer_path path;

	begin_both();
	run_for(.3);
	vrrp_peer_status(a.peer, &status);
	assert_string_equal(status.node, "b");
	assert_string_equal(status.says_node, "b");
	assert_int_not_equal(status.boot, 0);
	assert_int_equal(status.paths, 2);
	for (size_t i = 0; i < 2; i++) {
		vrrp_peer_path(a.peer, i, &path);
		assert_true(path.up && path.session);
		assert_true(path.beacons_sent >= 1 && path.beacons_received >= 1);
		assert_in_range(path.heard_us_ms, 0, TIMEOUT);
		assert_int_equal(path.send_error, 0);
		assert_int_equal(path.malformed + path.outdated, 0);
	}
	assert_string_equal(a.told, "path up; peer heard; path up; ");
	assert_true(a.heard > 0);
}

static bool a_hears_active(void *data)
{
	struct vrrp_beacon_unit unit;

	return word(&a, 0, &unit) == VRRP_SAID_NAMES_IT && unit.state == VRRP_ACTIVE;
}

static void what_changes_is_said_at_once(void **state)
{
	int64_t from;

	b.units = 1;
	begin_slow();
	b.state = VRRP_ACTIVE;
	from = vrrp_now();
	vrrp_peer_speak(b.peer);
	until(a_hears_active, NULL);
	assert_in_range(vrrp_now() - from, 0, 1000 * MS);
}

/* One beacon for all that changes until the loop runs. */
static void many_changes_are_one_beacon(void **state)
{
	struct vrrp_peer_path before, after;

	begin_slow();
	run_for(.02);
	vrrp_peer_path(b.peer, 0, &before);
	for (int i = 0; i < 50; i++)
		vrrp_peer_speak(b.peer);
	run_for(.05);
	vrrp_peer_path(b.peer, 0, &after);
	assert_int_equal(after.beacons_sent - before.beacons_sent, 1);
}

static bool a_hears_initialize(void *data)
{
	struct vrrp_beacon_unit unit;

	return word(&a, 0, &unit) == VRRP_SAID_NAMES_IT && unit.state == VRRP_INITIALIZE;
}

static void who_ends_says_so(void **state)
{
	int64_t from;

	b.units = 1;
	begin_slow();
	b.state = VRRP_INITIALIZE;
	from = vrrp_now();
	vrrp_peer_end(b.peer);
	b.peer = NULL;
	until(a_hears_initialize, NULL);
	assert_in_range(vrrp_now() - from, 0, 1000 * MS);
}

static bool a_heard_all(void *data)
{
	struct vrrp_beacon_unit unit;

	for (size_t i = 0; i < UNITS; i++)
		if (word(&a, i, &unit) != VRRP_SAID_NAMES_IT)
			return false;
	return true;
}

static void a_hundred_units_come_in_parts(void **state)
{
	struct vrrp_beacon_unit unit;

	b.units = UNITS;
	b.state = VRRP_ACTIVE;
	begin_both();
	until(a_heard_all, NULL);
	for (size_t i = 0; i < UNITS; i++) {
		assert_int_equal(word(&a, i, &unit), VRRP_SAID_NAMES_IT);
		assert_int_equal(unit.priority, i + 1);
		assert_int_equal(unit.state, VRRP_ACTIVE);
	}
	assert_int_equal(word(&a, UNITS, &unit), VRRP_SAID_DOES_NOT);
	/* One that is taken out of its config is not remembered. */
	b.units = 1;
	run_for(1.25 * TIMEOUT / 1000);
	assert_int_equal(word(&a, 0, &unit), VRRP_SAID_NAMES_IT);
	assert_int_equal(word(&a, 1, &unit), VRRP_SAID_DOES_NOT);
}

static bool configs_are_compared(void *same)
{
	struct vrrp_peer_status status;

	vrrp_peer_status(a.peer, &status);
	return status.boot && status.same_config == *(bool *)same;
}

static void another_config_is_noticed(void **state)
{
	bool same = false;

	begin_both();
	vrrp_peer_set_config_hash(a.peer, 1);
	vrrp_peer_set_config_hash(b.peer, 2);
	until(configs_are_compared, &same);
	run_for(.1);
	assert_true(configs_are_compared(&same));
	vrrp_peer_set_config_hash(b.peer, 1);
	same = true;
	until(configs_are_compared, &same);
}

/* ---- silence ---- */

static void cut(const char *daddr)
{
	sh("nft 'add table inet cut; add chain inet cut i { type filter hook input priority 0; }; "
	   "add rule inet cut i %s udp dport %d drop'",
		daddr, PORT);
}

static void a_path_that_is_cut_is_silent_and_comes_back(void **state)
{
	int64_t from, done;

	begin_both();
	a.told[0] = 0;
	from = vrrp_now();
	cut("ip daddr 127.0.0.2");
	done = vrrp_now();
	until(a_was_told, "path silent");
	assert_in_range(a.told_at, from + (TIMEOUT - INTERVAL - 5) * MS, done + (TIMEOUT + 500) * MS);
	assert_false(is_up(&a, 0));
	assert_true(is_up(&a, 1) && is_fresh(&a) && is_fresh(&b));
	run_for(.1);
	assert_string_equal(a.told, "path silent; ");
	sh("nft flush ruleset");
	until(a_was_told, "path up");
	assert_string_equal(a.told, "path silent; path up; ");
}

static void all_that_are_cut_are_a_silent_peer(void **state)
{
	uint64_t sequence;
	int64_t from, done;

	begin_both();
	a.told[0] = 0;
	from = vrrp_now();
	cut("ip daddr 127.0.0.2");
	cut("ip6 daddr fd0a::1");
	done = vrrp_now();
	until(a_was_told, "peer silent");
	assert_in_range(a.told_at, from + (TIMEOUT - INTERVAL - 5) * MS, done + (TIMEOUT + 500) * MS);
	assert_false(is_fresh(&a));
	assert_true(a.heard > a.heard_when_told); /* silence is to be judged, too */
	/* The other direction goes on: b hears a. */
	run_for(.2);
	assert_true(is_fresh(&b));
	sequence = vrrp_peer_said(a.peer)->sequence;
	run_for(.2);
	assert_true(vrrp_peer_said(a.peer)->sequence == sequence);
	sh("nft flush ruleset");
	until(a_was_told, "peer heard");
	until(all_up, NULL);
	assert_null(strstr(a.told, "restarted"));
}

static void an_address_that_goes_and_comes_back(void **state)
{
	begin_both();
	a.told[0] = 0;
	sh("ip addr del fd0a::1/128 dev lo");
	until(a_was_told, "path silent");
	assert_true(is_fresh(&a));
	sh("ip addr add fd0a::1/128 dev lo nodad");
	until(a_was_told, "path up");
}

/* Both stand still, as this process does: nothing waits, and nobody is silent for that. */
static void a_pause_of_ours_is_not_the_peers_silence(void **state)
{
	struct timespec pause = {.tv_nsec = 400 * MS};

	begin_both();
	a.told[0] = b.told[0] = 0;
	nanosleep(&pause, NULL);
	run_for(.15);
	assert_string_equal(a.told, "");
	assert_string_equal(b.told, "");
	assert_true(is_fresh(&a) && is_fresh(&b));
}

static void a_peer_that_restarts_is_another(void **state)
{
	struct vrrp_peer_status before, after;
	struct vrrp_beacon_unit unit;

	b.units = 2;
	begin_both();
	vrrp_peer_status(a.peer, &before);
	for (int i = 0; i < 3; i++) {
		a.told[0] = 0;
		stop(&b);
		b.units = 1;
		begin(&b, INTERVAL);
		until(a_was_told, "peer restarted");
		until(all_up, NULL);
		vrrp_peer_status(a.peer, &after);
		assert_true(after.boot != before.boot);
		assert_int_not_equal(word(&a, 1, &unit), VRRP_SAID_NAMES_IT);
		before = after;
	}
}

/* ---- keys ---- */

static void another_key_is_never_heard(void **state)
{
	write_keys(b_keys, "2");
	begin(&a, INTERVAL);
	begin(&b, INTERVAL);
	run_for(.5);
	assert_false(is_fresh(&a) || is_fresh(&b));
	for (size_t i = 0; i < 2; i++) {
		assert_true(verdicts(&a, i, SECURE_KEY) > 0);
		assert_true(verdicts(&b, i, SECURE_KEY) > 0);
	}
	assert_string_equal(a.told, "");
	assert_true(vrrp_peer_said(a.peer)->boot == 0);
	write_keys(b_keys, "1");
	assert_int_equal(vrrp_peer_rekey(b.peer, (char[256]){}, 256), 0);
	until(all_up, NULL);
}

static void rekey(struct end *end, const char *numbers)
{
	char error[256] = "";

	write_keys(end->reversed ? b_keys : a_keys, numbers);
	if (vrrp_peer_rekey(end->peer, error, sizeof(error)))
		fail_msg("%s", error);
	run_for(1.25 * TIMEOUT / 1000);
}

static void keys_are_rotated_without_silence(void **state)
{
	begin_both();
	a.told[0] = b.told[0] = 0;
	rekey(&a, "12");
	rekey(&b, "12");
	rekey(&b, "21");
	rekey(&a, "21");
	rekey(&a, "2");
	rekey(&b, "2");
	assert_string_equal(a.told, "");
	assert_string_equal(b.told, "");
	assert_true(all_up(NULL));
}

static void a_bad_key_file_leaves_the_keys(void **state)
{
	char error[256] = "";

	begin_both();
	write_keys(a_keys, "x");
	assert_true(vrrp_peer_rekey(a.peer, error, sizeof(error)) < 0);
	assert_non_null(strstr(error, a_keys));
	a.told[0] = 0;
	run_for(1.25 * TIMEOUT / 1000);
	assert_string_equal(a.told, "");
}

static void what_cannot_be_opened_is_said(void **state)
{
	struct conf_peer model = model_of(&a, 2, INTERVAL);
	struct vrrp_peer *none;
	char error[256] = "", nowhere[] = "/nowhere/key";

	model.key_file = nowhere;
	assert_int_equal(
		vrrp_peer_open(&none, loop, timers, &model, "a", &peer_ops, &a, error, sizeof(error)),
		-ENOENT);
	assert_non_null(strstr(error, "/nowhere/key"));
	assert_null(none);
}

static bool is_second_up(void *data)
{
	return is_up(&a, 1) && is_up(&b, 1);
}

/* The other paths do without it; it is there when its port is free. */
static void a_path_that_cannot_listen_costs_no_other(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int taken = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct vrrp_peer_path path;

	at.sin_addr.s_addr = inet_addr("127.0.0.2");
	assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof(at)), 0);
	begin(&a, INTERVAL);
	assert_string_equal(a.told, "failed; ");
	begin(&b, INTERVAL);
	until(is_second_up, NULL);
	run_for(.3);
	vrrp_peer_path(a.peer, 0, &path);
	assert_false(path.listens || path.up || path.beacons_sent);
	assert_int_equal(path.send_error, EADDRINUSE);
	close(taken);
	until(all_up, NULL);
	vrrp_peer_path(a.peer, 0, &path);
	assert_true(path.listens && path.send_error == 0);
}

static bool a_counts_strangers(void *data)
{
	struct vrrp_peer_path path;

	vrrp_peer_path(a.peer, 0, &path);
	return path.strangers == 3;
}

static void strangers_are_counted(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int stranger = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	begin_both();
	to.sin_addr.s_addr = inet_addr("127.0.0.2");
	for (int i = 0; i < 3; i++)
		assert_int_equal(sendto(stranger, "TDSD", 4, 0, (struct sockaddr *)&to, sizeof(to)), 4);
	until(a_counts_strangers, NULL);
	close(stranger);
}

static void what_makes_another_peer(void **state)
{
	struct conf_peer model = model_of(&a, 2, INTERVAL), other = model;
	char file[] = "/another";

	begin(&a, INTERVAL);
	assert_true(vrrp_peer_is_as(a.peer, &model, "a"));
	assert_false(vrrp_peer_is_as(a.peer, &model, "c"));
#define DIFFERS(change)                                             \
	do {                                                        \
		other = model;                                      \
		change;                                             \
		assert_false(vrrp_peer_is_as(a.peer, &other, "a")); \
	} while (0)
	DIFFERS(other.node[0] = 'x');
	DIFFERS(other.key_file = file);
	DIFFERS(other.port++);
	DIFFERS(other.beacon_interval_ms++);
	DIFFERS(other.beacon_timeout_ms++);
	DIFFERS(other.path_count--);
	DIFFERS(other.local[1] = addr_of("fd0a::9"));
	DIFFERS(other.remote[0] = addr_of("127.0.0.9"));
	other = model;
	other.fenced = true; /* not the channel's */
	assert_true(vrrp_peer_is_as(a.peer, &other, "a"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(they_hear_each_other_by_every_path, stop_both),
		cmocka_unit_test_teardown(what_changes_is_said_at_once, stop_both),
		cmocka_unit_test_teardown(many_changes_are_one_beacon, stop_both),
		cmocka_unit_test_teardown(who_ends_says_so, stop_both),
		cmocka_unit_test_teardown(a_hundred_units_come_in_parts, stop_both),
		cmocka_unit_test_teardown(another_config_is_noticed, stop_both),
		cmocka_unit_test_teardown(a_path_that_is_cut_is_silent_and_comes_back, stop_both),
		cmocka_unit_test_teardown(all_that_are_cut_are_a_silent_peer, stop_both),
		cmocka_unit_test_teardown(an_address_that_goes_and_comes_back, stop_both),
		cmocka_unit_test_teardown(a_pause_of_ours_is_not_the_peers_silence, stop_both),
		cmocka_unit_test_teardown(a_peer_that_restarts_is_another, stop_both),
		cmocka_unit_test_teardown(another_key_is_never_heard, stop_both),
		cmocka_unit_test_teardown(keys_are_rotated_without_silence, stop_both),
		cmocka_unit_test_teardown(a_bad_key_file_leaves_the_keys, stop_both),
		cmocka_unit_test_teardown(what_cannot_be_opened_is_said, stop_both),
		cmocka_unit_test_teardown(a_path_that_cannot_listen_costs_no_other, stop_both),
		cmocka_unit_test_teardown(strangers_are_counted, stop_both),
		cmocka_unit_test_teardown(what_makes_another_peer, stop_both),
	};

	netns_make();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
