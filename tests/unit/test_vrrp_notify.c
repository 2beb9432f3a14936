/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notify hook: order, one at a time, nothing waits for it, and what goes when too many wait. Root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>

#include "common/log.h"
#include "vrrp/vrrp_notify.h"
#include "vrrp_place.h"

static struct vrrp_notify *notify;

static struct vrrp_command command_of(const char *path, const char *arg, uint32_t timeout_ms)
{
	return (struct vrrp_command){.argv = {(char *)path, (char *)arg}, .timeout_ms = timeout_ms};
}

static void open_hook(const char *name, uint32_t timeout_ms)
{
	struct vrrp_command command = command_of(place_path(name), "fixed", timeout_ms);

	assert_int_equal(vrrp_notify_open(&notify, ev_default_loop(0), &command), 0);
	assert_true(vrrp_notify_idle(notify));
}

static void push(const char *unit, const char *to, uint64_t seq)
{
	struct vrrp_notice notice = {
		.kind = "instance", .from = "backup", .to = to, .priority = 200, .seq = seq};

	notice.time_ms = 1700000000123;
	snprintf(notice.unit, sizeof(notice.unit), "%s", unit);
	strcpy(notice.cause, "no advert\nfor the down interval");
	vrrp_notify_push(notify, &notice);
}

static struct vrrp_notify_counters counters(void)
{
	struct vrrp_notify_counters c;

	vrrp_notify_read(notify, &c);
	return c;
}

static int make_place(void **state)
{
	return place_make();
}

static int drop_place(void **state)
{
	vrrp_notify_close(notify);
	notify = NULL;
	return place_remove();
}

/* Says when it begins and when it ends, so that two at a time show. $5: priority; fixed is $1. */
static void write_hook(const char *between)
{
	place_write("hook", 0755,
		"#!/bin/sh\necho \"begin $3 $TANDEM_SEQ\" >>%s/log\n%s\necho \"end $3 $TANDEM_SEQ\" >>%s/log\n",
		place, between, place);
}

static void test_the_hook_is_told_everything(void **state)
{
	place_write("hook", 0755, "#!/bin/sh\n(echo \"$*\"; env | grep ^TANDEM_ | sort) >%s/log\n", place);
	open_hook("hook", 10000);
	push("front", "active", 7);
	assert_false(vrrp_notify_idle(notify));
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_string_equal(place_read("log"), "fixed instance front active 200\n"
					       "TANDEM_CAUSE=no advert?for the down interval\n"
					       "TANDEM_FROM=backup\n"
					       "TANDEM_SEQ=7\n"
					       "TANDEM_TIME_MS=1700000000123\n"
					       "TANDEM_TO=active\n");
	assert_int_equal(counters().run, 1);
}

static void test_one_at_a_time_in_order(void **state)
{
	char expected[4096] = "";

	/* The first is the slowest: in parallel it would be the last to end. */
	write_hook("[ $TANDEM_SEQ != 1 ] || sleep 0.3");
	open_hook("hook", 10000);
	for (int i = 1; i <= 8; i++) {
		char unit[16];

		snprintf(unit, sizeof(unit), "u%d", i % 3);
		push(unit, "active", (uint64_t)i);
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
			"begin %s %d\nend %s %d\n", unit, i, unit, i);
	}
	assert_int_equal(counters().waiting, 7);
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_string_equal(place_read("log"), expected);
	assert_int_equal(counters().run, 8);
	assert_int_equal(counters().skipped, 0);
}

static void test_a_hung_hook_is_killed_and_the_next_one_runs(void **state)
{
	write_hook("[ $TANDEM_SEQ != 1 ] || sleep 60");
	open_hook("hook", 1500);
	push("a", "active", 1);
	push("a", "backup", 2);

	double before = place_now();

	for (int i = 0; i < 10; i++)
		place_turn(); /* at most 5 ms each: the hook does not keep the loop */
	assert_true(place_now() - before < 1.2);
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_string_equal(place_read("log"), "begin a 1\nbegin a 2\nend a 2\n");
	assert_int_equal(counters().timed_out, 1);
	assert_int_equal(counters().run, 1);
	assert_int_equal(counters().failed, 0);
}

static void test_a_failed_hook_is_counted_and_the_next_one_runs(void **state)
{
	write_hook("[ $TANDEM_SEQ != 1 ] || exit 1");
	open_hook("hook", 5000);
	push("a", "active", 1);
	push("a", "backup", 2);
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_string_equal(place_read("log"), "begin a 1\nbegin a 2\nend a 2\n");
	assert_int_equal(counters().failed, 1);
	assert_int_equal(counters().run, 1);
}

static void test_a_hook_that_may_not_be_run_is_counted(void **state)
{
	struct vrrp_command command = {.timeout_ms = 1000, .user = "nosuchuser-x"};

	place_write("hook", 0777, "#!/bin/sh\n");
	open_hook("hook", 5000);
	push("a", "active", 1);
	push("a", "backup", 2);
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_int_equal(counters().failed, 2);
	command.argv[0] = "/bin/true";
	assert_int_equal(vrrp_notify_set(notify, &command), 0);
	for (uint64_t i = 3; i < 8; i++)
		push("a", "backup", i);
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_int_equal(counters().failed, 7);
}

static void test_too_many_are_bounded_and_the_newest_of_each_unit_stays(void **state)
{
	uint64_t seq = 0;
	const char *log;
	int last = 0;

	/* The first one holds the others up until there is a file. */
	place_write("hook", 0755,
		"#!/bin/sh\nwhile [ $TANDEM_SEQ = 1 -a ! -e %s/go ]; do sleep 0.01; done\n"
		"echo \"$3 $TANDEM_SEQ\" >>%s/log\n",
		place, place);
	open_hook("hook", 60000);
	push("first", "active", ++seq);
	push("quiet", "active", ++seq); /* one only, and the oldest that waits */
	for (int i = 0; i < VRRP_NOTIFY_WAITING_MAX + 500; i++)
		push(i % 2 ? "odd" : "even", "active", ++seq);
	push("even", "backup", ++seq);
	assert_int_equal(counters().waiting, VRRP_NOTIFY_WAITING_MAX);
	assert_int_equal(counters().skipped, 502);

	/* Far more units than a config can have: the bound still holds. */
	for (int i = 0; i < VRRP_NOTIFY_WAITING_MAX - 20; i++) {
		char unit[16];

		snprintf(unit, sizeof(unit), "x%d", i);
		push(unit, "active", ++seq);
	}
	assert_int_equal(counters().waiting, VRRP_NOTIFY_WAITING_MAX);

	/* Run the last few only: what was there before goes with its hook. */
	place_write("go", 0644, "x");
	assert_true(PLACE_UNTIL(strstr(place_read("log"), "quiet 2\n")));
	assert_true(PLACE_UNTIL(counters().run > 30));
	log = place_read("log");
	assert_int_equal(strncmp(log, "first 1\nquiet 2\n", 16), 0);
	assert_non_null(strstr(log, "even 1527\n")); /* the newest of each of the two */
	assert_non_null(strstr(log, "odd 1526\n"));
	for (const char *line = log; *line; line = strchr(line, '\n') + 1) {
		int now = atoi(strchr(line, ' '));

		assert_true(now > last);
		last = now;
		if (!strchr(line, '\n'))
			break;
	}
}

static void test_without_a_hook_nothing_waits(void **state)
{
	struct vrrp_command none = {.timeout_ms = 1000};

	assert_int_equal(vrrp_notify_open(&notify, ev_default_loop(0), &none), 0);
	push("a", "active", 1);
	assert_true(vrrp_notify_idle(notify));
	assert_int_equal(counters().skipped, 0);
}

static void test_another_hook_takes_over_what_waits(void **state)
{
	struct vrrp_command command, none = {.timeout_ms = 1000};
	char path[256];

	write_hook("while [ ! -e go ] && [ $TANDEM_SEQ = 1 ]; do cd ${0%/*}; sleep 0.01; done");
	place_write("other", 0755, "#!/bin/sh\necho \"other $2 $TANDEM_SEQ\" >>%s/log\n", place);
	open_hook("hook", 10000);
	push("a", "active", 1);
	push("a", "backup", 2);
	snprintf(path, sizeof(path), "%s", place_path("other"));
	command = command_of(path, NULL, 10000);
	assert_int_equal(vrrp_notify_set(notify, &command), 0);
	memset(path, 'x', sizeof(path)); /* it was copied */
	place_write("go", 0644, "x");
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_string_equal(place_read("log"), "begin a 1\nend a 1\nother a 2\n");

	push("a", "active", 3);
	push("a", "backup", 4);
	assert_int_equal(vrrp_notify_set(notify, &none), 0);
	assert_int_equal(counters().skipped, 1);
	assert_true(PLACE_UNTIL(vrrp_notify_idle(notify)));
	assert_int_equal(counters().run, 3);
}

static void test_the_end_kills_what_runs(void **state)
{
	int fd = place_fifo("alive");

	place_write(
		"hook", 0755, "#!/bin/sh\nexec 9>%s\necho a >&9\nexec sleep 60 9>&9\n", place_path("alive"));
	open_hook("hook", 60000);
	push("a", "active", 1);
	push("a", "backup", 2);
	assert_true(PLACE_UNTIL(place_hear(fd) > 0));
	vrrp_notify_close(notify);
	notify = NULL;
	assert_true(PLACE_UNTIL(place_hear(fd) == 0));
	close(fd);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_the_hook_is_told_everything),
		ROW(test_one_at_a_time_in_order),
		ROW(test_a_hung_hook_is_killed_and_the_next_one_runs),
		ROW(test_a_failed_hook_is_counted_and_the_next_one_runs),
		ROW(test_a_hook_that_may_not_be_run_is_counted),
		ROW(test_too_many_are_bounded_and_the_newest_of_each_unit_stays),
		ROW(test_without_a_hook_nothing_waits),
		ROW(test_another_hook_takes_over_what_waits),
		ROW(test_the_end_kills_what_runs),
	};

	if (!place_is_possible())
		return 0;
	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
