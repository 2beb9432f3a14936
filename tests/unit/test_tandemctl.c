/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl against a tandem-lb that answers from files: every command of it, what it prints and what it sends. */
#include "tandemctl_harness.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"

/* ---- the daemon ---- */

static json_t *answer(void *ctx, const struct ctl_request *request)
{
	if (json_object_get(request->args, "client")) {
		char *args = json_dumps(request->args, JSON_SORT_KEYS);
		json_t *reply = ctl_reply_error("refused: %s", args);

		free(args);
		return reply;
	}
	if (json_object_get(request->args, "pool") && strcmp(request->command, "backends") == 0)
		return ctl_reply_ok(json_array());
	return from_file(request->command);
}

/* Two events at first, then one more at each question up to number 6; *ctx is this daemon's pid. */
static json_t *answer_events(void *ctx, const struct ctl_request *request)
{
	uint64_t since;
	json_t *reply;

	if (ctl_arg_number(request, "since", 0, INT64_MAX, 0, &since, &reply) < 0)
		return reply;
	if (since < 4)
		return from_file("events");
	if (since >= 6)
		return ctl_reply_ok(json_pack("{s:I,s:[]}", "last_seq", (json_int_t)since, "events"));
	since++;
	return ctl_reply_ok(json_pack("{s:I,s:[{s:I,s:I,s:s,s:s,s:s}]}", "last_seq", (json_int_t)since,
		"events", "seq", (json_int_t)since, "time_ms", (json_int_t)1767225601004, "subject", "x",
		"event", "y", "cause", "z"));
}

static json_t *answer_status(void *ctx, const struct ctl_request *request)
{
	json_t *reply = from_file("status");

	/* --follow tells one daemon from the next by this; the golden file has a fixed one. */
	if (getenv("REAL_PID"))
		json_object_set_new(json_object_get(reply, "data"), "pid", json_integer(getpid()));
	return reply;
}

static const struct ctl_command rows[] = {
	{"status", CTL_READ, answer_status},
	{"services", CTL_READ, answer},
	{"backends", CTL_READ, answer},
	{"flows", CTL_READ, answer},
	{"counters", CTL_READ, answer},
	{"events", CTL_READ, answer_events},
	{"drain", CTL_WRITE, echo},
	{"enable", CTL_WRITE, echo},
	{"disable", CTL_WRITE, echo},
	{"weight", CTL_WRITE, echo},
	{"reload", CTL_WRITE, echo},
};

static json_t *handle(void *ctx, const struct ctl_request *request)
{
	return ctl_dispatch(rows, COUNT_OF(rows), ctx, request);
}

static int set_up_lb(void **state)
{
	set_up(state);
	start_daemon("lb", handle);
	return 0;
}

static const struct golden cases[] = {
	{"status", 0, {"status"}},
	{"services", 0, {"services"}},
	{"backends", 0, {"backends"}},
	{"backends-pool", 0, {"backends", "empty"}},
	{"flows", 0, {"flows"}},
	{"flows-args", 1,
		{"flows", "--service", "kv", "--backend=kv/kv1", "--client", "192.0.2.7", "--limit=5"}},
	{"flows-default-limit", 1, {"flows", "--client=::1"}},
	{"counters", 0, {"counters"}},
	{"events", 0, {"events"}},
	{"events-since", 0, {"events", "--since", "1"}},
	{"events-none", 0, {"events", "--since", "9"}},
	{"drain", 0, {"drain", "kv/kv1"}},
	{"enable", 0, {"enable", "kv/kv1"}},
	{"disable", 0, {"disable", "kv/kv1"}},
	{"weight", 0, {"weight", "kv/kv1", "256"}},
	{"reload", 0, {"reload"}},
	{"check", 0, {"check", GOLDEN "valid.conf", "-n", "lb-b"}},
	{"check-pair", 0, {"check", GOLDEN "pair.conf", "-nlb-a"}},
	{"check-vrrp-only", 0, {"check", GOLDEN "vrrp-only.conf"}},
	{"check-wrong", 2, {"check", GOLDEN "wrong.conf", "-nlb-a"}},
	{"status-json", 0, {"status", "--json"}},
	{"services-json", 0, {"--json", "services"}},
	{"backends-json", 0, {"backends", "--json"}},
	{"flows-json", 0, {"flows", "--json"}},
	{"counters-json", 0, {"counters", "--json"}},
	{"events-json", 0, {"events", "--json"}},
	{"drain-json", 0, {"drain", "--json", "kv/kv1"}},
	{"check-json", 0, {"check", "--json", GOLDEN "valid.conf", "-nlb-b"}},
	{"help", 0, {"--help"}},
	{"help-flows", 0, {"flows", "-h"}},
	{"help-drain", 0, {"drain", "--help"}},
	{"not-running", 1, {"-r", "/nonexistent", "status"}},
	{"no-command", 2, {NULL}},
	{"typo", 2, {"bakcends"}},
	{"typo-option", 2, {"flows", "--servce", "kv"}},
	{"unlike-anything", 2, {"zebra\x1b"}},
	{"no-backend", 2, {"drain", "kv"}},
	{"no-argument", 2, {"drain"}},
	{"bad-weight", 2, {"weight", "kv/kv1", "257"}},
	{"no-number", 2, {"flows", "--limit", "9x"}},
	{"not-utf8", 2, {"flows", "--client", "\xff"}},
	{"too-many", 2, {"reload", "now"}},
	{"no-value", 2, {"events", "--since"}},
	{"flag-value", 2, {"events", "--follow=1"}},
};

static void every_command_prints_what_it_did(void **state)
{
	run_golden(cases, COUNT_OF(cases), NULL);
}

/* --json is the data itself: what comes out parses to the very file that the daemon answered from. */
static void json_is_the_answer_itself(void **state)
{
	static const char *const names[] = {"status", "services", "backends", "flows", "counters", "events"};
	static char out[OUT_MAX];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *words[] = {names[i], "--json", NULL};
		char path[128];

		assert_int_equal(run_words(words, out), 0);
		snprintf(path, sizeof(path), GOLDEN "%s.data.json", names[i]);

		json_t *got = json_loads(out, 0, NULL), *want = json_load_file(path, 0, NULL);

		assert_non_null(got);
		assert_true(json_equal(got, want));
		json_decref(got);
		json_decref(want);
	}
}

static void colour_only_where_it_is_wanted(void **state)
{
	static const char *const words[] = {"services", NULL};
	static char out[OUT_MAX];

	for (int refuse = 0; refuse < 2; refuse++) {
		int master, slave, status;

		assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
		setenv("TERM", "xterm", 1);
		setenv("NO_COLOR", refuse ? "1" : "", 1);

		pid_t pid = spawn(words, slave);

		close(slave);
		out[0] = '\0';
		collect(master, NULL, out);
		close(master);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_non_null(strstr(out, "time6"));
		assert_int_equal(strstr(out, "\033[32mup\033[0m") != NULL, !refuse);
		assert_int_equal(strchr(out, '\033') != NULL, !refuse);
	}
	unsetenv("NO_COLOR");
}

static void following_goes_on_over_a_restart(void **state)
{
	static const char *const words[] = {"events", "-f", NULL};
	static char before[OUT_MAX], after[OUT_MAX];
	char *notice;
	int fds[2], status;

	stop_daemon("lb");
	setenv("REAL_PID", "1", 1);
	start_daemon("lb", handle);
	assert_int_equal(pipe(fds), 0);

	pid_t pid = spawn(words, fds[1]);

	close(fds[1]);
	before[0] = after[0] = '\0';
	collect(fds[0], "\n    6  ", before);
	stop_daemon("lb");
	collect(fds[0], "waiting for it\n", before);
	start_daemon("lb", handle);
	collect(fds[0], "SIGHUP\n    5  ", after);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fds[0]);
	unsetenv("REAL_PID");

	/* The connection may end between two questions or within one, and the line about it says which. */
	notice = strstr(before, "tandemctl: tandem-lb ");
	assert_non_null(notice);
	*notice = '\0';
	compare("events-follow", before);
	/* The new daemon's events from its first one on, without a word about a gap. */
	*strstr(after, "    5  ") = '\0';
	compare("events-follow-again", after);
}

static void a_broken_config_names_the_place(void **state)
{
	static const char *const words[] = {"check", GOLDEN "broken.conf", NULL};
	static const char *const words_json[] = {"check", "--json", GOLDEN "broken.conf", NULL};
	static char out[OUT_MAX];

	assert_int_equal(run_words(words, out), 2);
	assert_ptr_equal(strstr(out, GOLDEN "broken.conf:1: "), out);
	assert_non_null(strstr(out, "scheduler"));
	assert_non_null(strstr(out, "\n" GOLDEN "broken.conf: not valid\n"));

	assert_int_equal(run_words(words_json, out), 2);

	json_t *data = json_loads(out, 0, NULL);

	assert_true(json_is_false(json_object_get(data, "valid")));
	assert_int_equal(json_integer_value(json_object_get(data, "error_count")), 2);
	assert_int_equal(json_array_size(json_object_get(data, "errors")), 2);
	json_decref(data);
}

/* A disk that is full must not look like success. */
static void an_answer_that_cannot_be_written_is_a_failure(void **state)
{
	static const char *const words[] = {"status", NULL};
	int full = open("/dev/full", O_WRONLY), status;
	pid_t pid = spawn(words, full);

	close(full);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_command_prints_what_it_did, set_up_lb, tear_down),
		cmocka_unit_test_setup_teardown(json_is_the_answer_itself, set_up_lb, tear_down),
		cmocka_unit_test_setup_teardown(colour_only_where_it_is_wanted, set_up_lb, tear_down),
		cmocka_unit_test_setup_teardown(following_goes_on_over_a_restart, set_up_lb, tear_down),
		cmocka_unit_test_setup_teardown(a_broken_config_names_the_place, set_up_lb, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_that_cannot_be_written_is_a_failure, set_up_lb, tear_down),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
