/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a unit looks at: interfaces (of a made-up kernel), scripts, files. Pools are test_vrrp_track_pool's. Root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include "common/log.h"
#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_track_kind.h"
#include "vrrp_place.h"

/* ---- a kernel of ours ---- */

static struct vrrp_link eth1 = {.name = "eth1", .ifindex = 3, .up = true, .carrier = true};
static bool eth1_there;

const struct vrrp_link *vrrp_net_link(const struct vrrp_net *net, const char *name)
{
	return eth1_there && !strcmp(name, eth1.name) ? &eth1 : NULL;
}

/* ---- a set of one track, and what it says ---- */

static struct vrrp_tracks *tracks;
static int changes;

static void on_change(void *data)
{
	assert_ptr_equal(data, &changes);
	changes++;
}

static const struct vrrp_priority_term *term(void)
{
	size_t count;
	const struct vrrp_priority_term *terms = vrrp_tracks_terms(tracks, &count);

	assert_int_equal(count, 1);
	return terms;
}

static void open_track(const struct vrrp_track *track)
{
	struct vrrp_tracks_env env = {.loop = ev_default_loop(0), .rundir = place};

	changes = 0;
	assert_int_equal(vrrp_tracks_open(&tracks, &env, track, 1, on_change, &changes), 0);
	assert_int_equal(changes, 0);
}

static bool says(bool good, const char *detail)
{
	return term()->known && term()->good == good && !strcmp(term()->detail, detail);
}

static int make_place(void **state)
{
	return place_make();
}

static int drop_place(void **state)
{
	vrrp_tracks_close(tracks);
	tracks = NULL;
	return place_remove();
}

/* ---- interfaces ---- */

static void test_an_interface(void **state)
{
	struct vrrp_track track = {.kind = VRRP_TRACK_INTERFACE, .weight = -20, .interface = "eth1"};

	eth1_there = false;
	open_track(&track);
	assert_true(says(false, "no such interface")); /* at once */
	assert_string_equal(term()->label, "interface eth1");
	assert_int_equal(term()->weight, -20);

	eth1_there = true;
	vrrp_tracks_links(tracks);
	assert_true(says(true, "up"));
	assert_int_equal(changes, 1);
	vrrp_tracks_links(tracks); /* another link changed */
	assert_int_equal(changes, 1);
	eth1.carrier = false;
	vrrp_tracks_links(tracks);
	assert_true(says(false, "no carrier"));
	eth1.up = false;
	vrrp_tracks_links(tracks);
	assert_true(says(false, "down"));
	eth1.up = eth1.carrier = true;
	vrrp_tracks_links(tracks);
	assert_true(says(true, "up"));
	assert_int_equal(changes, 4);
}

/* ---- scripts ---- */

static struct vrrp_track script_of(uint32_t interval_ms, uint32_t timeout_ms, uint8_t rise, uint8_t fall)
{
	static char path[256];
	struct vrrp_track track = {
		.kind = VRRP_TRACK_SCRIPT, .interval_ms = interval_ms, .rise = rise, .fall = fall};

	strcpy(path, place_path("script"));
	track.script.argv[0] = path;
	track.script.argv[1] = place;
	track.script.timeout_ms = timeout_ms;
	return track;
}

/* So many runs may end; the next one waits, however slow the test is to look. */
static void let_end(unsigned runs)
{
	place_write("gate.new", 0644, "%u", runs);
	assert_int_equal(rename(place_path("gate.new"), place_path("gate")), 0);
}

/* Each run writes a line, and does what the file `plan` says for it: the first letter is for the first run, g for good, b
 * for bad; the last one goes on for ever. */
static void write_script(const char *plan)
{
	let_end(1000000);
	place_write("plan", 0644, "%s", plan);
	place_write("script", 0755,
		"#!/bin/sh\ncd $1; echo x >>runs; n=$(wc -l <runs); p=$(cat plan)\n"
		"while [ $n -gt $(cat gate) ]; do sleep 0.02; done\n"
		"[ $n -le ${#p} ] || n=${#p}\n[ $(echo $p | cut -c$n) = g ]\n");
}

static size_t runs(void)
{
	return strlen(place_read("runs")) / 2;
}

static void test_a_script_is_unknown_then_good_then_bad(void **state)
{
	struct vrrp_track track = script_of(300, 5000, 1, 1);

	write_script("gb");
	let_end(1);
	open_track(&track);
	assert_false(term()->known);
	assert_true(PLACE_UNTIL(term()->known));
	assert_true(says(true, "exit status 0"));
	assert_true(PLACE_UNTIL(runs() == 2));
	assert_true(says(true, "exit status 0"));
	let_end(1000000);
	assert_true(PLACE_UNTIL(!term()->good));
	assert_true(says(false, "exit status 1"));
	assert_int_equal(changes, 2);
	assert_true(PLACE_UNTIL(runs() >= 4)); /* the same again is no news */
	assert_int_equal(changes, 2);
}

/* A reload is no reason to know less. */
static void test_a_reload_inherits_what_was_seen(void **state)
{
	struct vrrp_tracks_env env = {.loop = ev_default_loop(0), .rundir = place};
	struct vrrp_track list[2] = {script_of(60000, 5000, 1, 1), script_of(200, 5000, 1, 1)};
	const struct vrrp_priority_term *terms;
	struct vrrp_tracks *next;
	size_t count;

	write_script("bg");
	open_track(&list[1]);
	assert_true(PLACE_UNTIL(term()->known));
	assert_true(says(false, "exit status 1"));
	list[1].weight = 20;
	assert_int_equal(vrrp_tracks_open(&next, &env, list, 2, on_change, &changes), 0);
	vrrp_tracks_inherit(next, tracks);
	vrrp_tracks_close(tracks);
	tracks = next;
	terms = vrrp_tracks_terms(tracks, &count);
	assert_int_equal(count, 2);
	assert_true(terms[0].known && !terms[0].good && !strcmp(terms[0].detail, "exit status 1"));
	assert_int_equal(terms[0].weight, 0);
	assert_false(terms[1].known); /* the second of that program is new */
	assert_int_equal(terms[1].weight, 20);
	assert_true(PLACE_UNTIL(terms[1].known));
}

static void test_rise_and_fall(void **state)
{
	struct vrrp_track track = script_of(100, 5000, 2, 3);

	write_script("gbggbbgbbbgg");
	let_end(3);
	open_track(&track);
	assert_true(PLACE_UNTIL(runs() == 4));
	assert_false(term()->known); /* g, b, g: neither twice */
	let_end(4);
	assert_true(PLACE_UNTIL(term()->known));
	assert_true(term()->good);
	let_end(5);
	assert_true(PLACE_UNTIL(strstr(term()->detail, "1 of 3")));
	assert_true(says(true, "exit status 1, 1 of 3 in a row"));
	let_end(9);
	assert_true(PLACE_UNTIL(runs() == 10));
	assert_true(says(true, "exit status 1, 2 of 3 in a row"));
	let_end(10);
	assert_true(PLACE_UNTIL(!term()->good));
	let_end(11);
	assert_true(PLACE_UNTIL(runs() == 12));
	assert_false(term()->good);
	let_end(12);
	assert_true(PLACE_UNTIL(term()->good));
	assert_true(says(true, "exit status 0"));
}

static void test_a_hung_script_fails_and_never_two_run_at_once(void **state)
{
	struct vrrp_track track = script_of(150, 150, 1, 1);

	place_write("script", 0755,
		"#!/bin/sh\ncd $1; echo x >>runs; if [ -e pid ] && kill -0 $(cat pid); then echo x >>two; fi; echo $$ >pid; exec sleep 60\n");
	open_track(&track);
	assert_true(PLACE_UNTIL(term()->known));
	assert_false(term()->good);
	assert_true(PLACE_UNTIL(says(false, "timed out")));
	assert_true(PLACE_UNTIL(runs() >= 4));
	assert_string_equal(place_read("two"), "");
}

static void test_a_slow_script_is_not_started_twice(void **state)
{
	struct vrrp_track track = script_of(100, 5000, 1, 1);

	place_write("script", 0755,
		"#!/bin/sh\ncd $1; mkdir lock || echo x >>two; echo x >>runs; sleep 0.35; rmdir lock\n");
	open_track(&track);
	assert_true(PLACE_UNTIL(runs() >= 3));
	assert_string_equal(place_read("two"), "");
}

static void test_a_script_that_may_not_be_run_is_bad(void **state)
{
	struct vrrp_track track = script_of(100, 1000, 1, 1);

	write_script("g");
	chmod(place_path("script"), 0777);
	open_track(&track);
	assert_true(PLACE_UNTIL(term()->known));
	assert_false(term()->good);
	assert_non_null(strstr(term()->detail, "script"));
	chmod(place_path("script"), 0755);
	assert_true(PLACE_UNTIL(term()->good));

	vrrp_tracks_close(tracks);
	strcpy(track.script.user, "nosuchuser-x");
	open_track(&track);
	assert_true(PLACE_UNTIL(term()->known));
	assert_true(says(false, "no user 'nosuchuser-x'"));
}

static void test_a_script_ends_with_its_track(void **state)
{
	struct vrrp_track track = script_of(1000, 1000, 1, 1);
	int fd = place_fifo("alive");

	place_write("script", 0755, "#!/bin/sh\nexec 9>%s\necho a >&9\nexec sleep 60 9>&9\n",
		place_path("alive"));
	open_track(&track);
	assert_true(PLACE_UNTIL(place_hear(fd) > 0));
	vrrp_tracks_close(tracks);
	tracks = NULL;
	assert_true(PLACE_UNTIL(place_hear(fd) == 0));
	close(fd);
}

static void test_scripts_do_not_begin_at_once(void **state)
{
	double least = 1., most = 0.;

	for (int i = 0; i < 1000; i++) {
		double phase = vrrp_track_phase(3600000, .5);

		assert_true(phase >= 0. && phase < .5);
		assert_true(vrrp_track_phase(100, .5) < .1);
		least = phase < least ? phase : least;
		most = phase > most ? phase : most;
	}
	assert_true(least < .05 && most > .45);
}

/* ---- files ---- */

static void number_is(const char *text, bool ok, int32_t expected)
{
	int32_t number = 999;

	/* Its very size, so that the sanitizer sees one byte too many. */
	char *copy = malloc(strlen(text) + 1);

	memcpy(copy, text, strlen(text));
	if (vrrp_track_file_number(copy, strlen(text), &number) != ok || (ok && number != expected))
		fail_msg("'%s' gives %d", text, number);
	free(copy);
}

static void test_what_a_file_says(void **state)
{
	int32_t number;

	number_is("0", true, 0);
	number_is("-0\n", true, 0);
	number_is(" \t+12 \r\n", true, 12);
	number_is("-254", true, -254);
	number_is("255", true, 254);
	number_is("-99999999999999999999999999", true, -254);
	number_is("4294967297", true, 254);
	number_is("000000000000000000000007", true, 7);
	number_is("", false, 0);
	number_is("\n", false, 0);
	number_is("-", false, 0);
	number_is("--1", false, 0);
	number_is("- 1", false, 0);
	number_is("1 2", false, 0);
	number_is("1.5", false, 0);
	number_is("0x10", false, 0);
	number_is("ten", false, 0);
	assert_false(vrrp_track_file_number("1\0", 2, &number));
}

static struct vrrp_track file_of(const char *name)
{
	static char path[256];

	strcpy(path, place_path(name));
	return (struct vrrp_track){.kind = VRRP_TRACK_FILE, .weight = 1, .file = path};
}

static bool number_told(int32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	return term()->number == number && says(number == 0, text);
}

static void test_a_file_is_followed(void **state)
{
	struct vrrp_track track = file_of("f");

	place_write("f", 0644, "10\n");
	open_track(&track);
	assert_true(number_told(10)); /* at once */
	memset(track.file, 'x', 4);   /* it was copied */

	place_write("f", 0644, "20\n");
	assert_true(PLACE_UNTIL(number_told(20)));
	place_write("f", 0644, "21"); /* the same size, the same second */
	assert_true(PLACE_UNTIL(number_told(21)));
	/* Emptied and written: not a moment of 0. */
	assert_int_equal(changes, 2);

	place_write("g", 0644, "0");
	assert_int_equal(rename(place_path("g"), place_path("f")), 0);
	assert_true(PLACE_UNTIL(number_told(0)));
	place_write("f", 0644, "-999"); /* the new one is watched */
	assert_true(PLACE_UNTIL(number_told(-254)));
	assert_int_equal(changes, 4);

	assert_int_equal(unlink(place_path("f")), 0);
	assert_true(PLACE_UNTIL(says(true, "no such file, counts as 0")));
	assert_int_equal(term()->number, 0);
	place_write("f", 0644, "7");
	assert_true(PLACE_UNTIL(number_told(7)));
	place_write("f", 0644, "seven");
	assert_true(PLACE_UNTIL(says(true, "not a number, counts as 0")));
	place_write("f", 0644, "%0100d", 5);
	assert_true(PLACE_UNTIL(says(true, "longer than 64 bytes, counts as 0")));
	place_write("f", 0644, "%s", "");
	assert_true(PLACE_UNTIL(says(true, "empty, counts as 0")));
}

/* A shell empties a file before it writes: that is seen, and is no number, but not believed at once. */
static void test_a_moment_without_a_number_is_no_change(void **state)
{
	struct vrrp_track track = file_of("f");
	double end;

	place_write("f", 0644, "10");
	open_track(&track);
	for (int i = 11; i < 16; i++) {
		for (end = place_now() + .03; place_now() < end;)
			place_turn(); /* it rests after each change */
		assert_int_equal(truncate(place_path("f"), 0), 0);
		place_turn();
		place_write("f", 0644, "%d", i);
		assert_true(PLACE_UNTIL(number_told(i)));
		assert_int_equal(changes, i - 10);
	}
	assert_int_equal(truncate(place_path("f"), 0), 0);
	assert_true(PLACE_UNTIL(says(true, "empty, counts as 0")));
}

/* Told by inotify: sooner than the second in which it is looked at anyway, for most of many. */
static void test_a_change_is_told_at_once(void **state)
{
	struct vrrp_track track = file_of("f");
	int soon = 0;

	place_write("f", 0644, "1");
	open_track(&track);
	for (int i = 2; i < 22; i++) {
		double before = place_now();

		if (i % 2) {
			place_write("g", 0644, "%d", i);
			rename(place_path("g"), place_path("f"));
		} else {
			place_write("f", 0644, "%d", i);
		}
		assert_true(PLACE_UNTIL(number_told(i)));
		soon += place_now() - before < .2;
	}
	assert_true(soon >= 15);
}

static void test_a_file_may_come_later_with_its_directory(void **state)
{
	struct vrrp_track track = file_of("dir/sub/f");

	open_track(&track);
	assert_true(says(true, "no such file, counts as 0"));
	assert_int_equal(mkdir(place_path("dir"), 0755), 0);
	assert_int_equal(mkdir(place_path("dir/sub"), 0755), 0);
	place_write("dir/sub/f", 0644, "3");
	assert_true(PLACE_UNTIL(number_told(3)));
	assert_int_equal(rename(place_path("dir"), place_path("away")), 0);
	assert_true(PLACE_UNTIL(says(true, "no such file, counts as 0")));
	assert_int_equal(rename(place_path("away"), place_path("dir")), 0);
	assert_true(PLACE_UNTIL(number_told(3)));
}

static void test_behind_a_link(void **state)
{
	struct vrrp_track track = file_of("link");

	place_write("one", 0644, "1");
	place_write("two", 0644, "2");
	assert_int_equal(symlink("one", place_path("link")), 0);
	open_track(&track);
	assert_true(number_told(1));
	place_write("one", 0644, "5");
	assert_true(PLACE_UNTIL(number_told(5)));
	assert_int_equal(symlink("two", place_path("new")), 0);
	assert_int_equal(rename(place_path("new"), place_path("link")), 0);
	assert_true(PLACE_UNTIL(number_told(2)));
}

static void test_what_is_no_file_is_not_touched(void **state)
{
	struct vrrp_track track = file_of("fifo");
	char device[] = "/dev/zero", root[] = "/";
	char event[256];
	int opened = inotify_init1(IN_NONBLOCK);

	assert_int_equal(mkfifo(place_path("fifo"), 0600), 0);
	assert_true(inotify_add_watch(opened, place_path("fifo"), IN_OPEN) >= 0);
	open_track(&track);
	assert_true(says(true, "not a regular file, counts as 0"));
	assert_int_equal(read(opened, event, sizeof(event)), -1); /* nobody opened it */
	close(opened);
	vrrp_tracks_close(tracks);
	track.file = device;
	open_track(&track);
	assert_true(says(true, "not a regular file, counts as 0"));
	vrrp_tracks_close(tracks);
	track.file = root;
	open_track(&track);
	assert_true(says(true, "not a regular file, counts as 0"));
}

/* A file that is written all the time does not keep the loop from its other work. */
static void test_a_restless_file(void **state)
{
	struct vrrp_track track = file_of("f");
	pid_t pid;

	place_write("f", 0644, "1");
	open_track(&track);
	pid = fork();
	if (pid == 0) {
		int fd = open(place_path("f"), O_WRONLY);

		for (;;)
			if (pwrite(fd, "2", 1, 0) < 0)
				_exit(1);
	}

	bool told = PLACE_UNTIL(number_told(2));
	unsigned before = ev_iteration(ev_default_loop(0));
	double end = place_now() + .5;

	while (place_now() < end)
		ev_run(ev_default_loop(0), EVRUN_ONCE);

	unsigned turns = ev_iteration(ev_default_loop(0)) - before;

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(told);
	assert_true(turns < 200);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_an_interface),
		ROW(test_a_script_is_unknown_then_good_then_bad),
		ROW(test_a_reload_inherits_what_was_seen),
		ROW(test_rise_and_fall),
		ROW(test_a_hung_script_fails_and_never_two_run_at_once),
		ROW(test_a_slow_script_is_not_started_twice),
		ROW(test_a_script_that_may_not_be_run_is_bad),
		ROW(test_a_script_ends_with_its_track),
		cmocka_unit_test(test_scripts_do_not_begin_at_once),
		cmocka_unit_test(test_what_a_file_says),
		ROW(test_a_file_is_followed),
		ROW(test_a_moment_without_a_number_is_no_change),
		ROW(test_a_change_is_told_at_once),
		ROW(test_a_file_may_come_later_with_its_directory),
		ROW(test_behind_a_link),
		ROW(test_what_is_no_file_is_not_touched),
		ROW(test_a_restless_file),
	};

	if (!place_is_possible())
		return 0;
	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
