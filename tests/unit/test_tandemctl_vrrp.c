/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl and tandem-vrrp: its own commands, and those that ask both daemons, with both, one or none of them there. */
#include "tandemctl_harness.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

/* ---- tandem-lb: answers from files ---- */

static json_t *lb(void *ctx, const struct ctl_request *request)
{
	char file[64];

	snprintf(file, sizeof(file), "%s%s", request->command,
		strcmp(request->command, "peers") == 0 && getenv("PEERS") ? getenv("PEERS") : "");
	if (strcmp(request->command, "reload") == 0)
		return getenv("LB_REFUSES") ? ctl_reply_error("tandem.conf:3: no") : echo(ctx, request);
	return from_file(file);
}

/* ---- tandem-vrrp: the same, and a failover that takes a few questions ---- */

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Files have ages, for an age can be compared; 0 is never. */
static void date(json_t *row)
{
	json_int_t age = json_integer_value(json_object_get(row, "since_ms"));

	if (age)
		json_object_set_new(row, "since_ms", json_integer(wall_ms() - age));
}

static const char *moving; /* who was asked to fail over */
static int questions;      /* since then */

static void move(json_t *row, const char *state, const char *active, const char *cause)
{
	json_object_set_new(row, "state", json_string(state));
	json_object_set_new(row, "active", json_string(active));
	json_object_set_new(row, "cause", json_string(cause));
	json_object_set_new(row, "since_ms", json_integer(wall_ms()));
}

/* What becomes of the instance `moving` at the n-th question. */
static void go_on(json_t *row, int n)
{
	const char *outcome = getenv("OUTCOME");

	if (strcmp(outcome, "taken") == 0)
		move(row, "active", "10.0.3.11", "requested");
	else if (n < 3)
		move(row, "handover", "10.0.1.11", "asked to give up");
	else if (strcmp(outcome, "accepted") == 0)
		move(row, "backup", "10.0.1.12", "somebody else is active");
	else if (strcmp(outcome, "nobody") == 0)
		move(row, "active", "10.0.1.11", "nobody took over");
	else if (strcmp(outcome, "gone") == 0)
		json_object_set_new(row, "name", json_string("another"));
	else
		move(row, "fault", "", "interface bond0: no carrier");
	if (strcmp(outcome, "gone") == 0 && n >= 3)
		json_object_set_new(row, "group", json_string(""));
}

static json_t *vrrp_rows(void)
{
	json_t *reply = from_file("vrrp"), *rows = json_object_get(reply, "data");

	questions++;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		date(row);
		if (moving && (strcmp(json_string_value(json_object_get(row, "name")), moving) == 0 ||
				      strcmp(json_string_value(json_object_get(row, "group")), moving) == 0))
			go_on(row, questions);
	}
	return reply;
}

static json_t *failover(const struct ctl_request *request)
{
	const char *name = json_string_value(json_object_get(request->args, "instance"));

	if (strcmp(name, "lab") == 0)
		return ctl_reply_error("lab: a handover is under way; wait for its end");
	moving = strcmp(name, "dmz") == 0 ? "dmz" : "edge";
	questions = 0;
	return ctl_reply_ok(
		json_pack("{s:s, s:s, s:s}", "message", "begun", "unit", moving, "state", "handover"));
}

static json_t *vrrp(void *ctx, const struct ctl_request *request)
{
	char file[64];

	if (strcmp(request->command, "vrrp") == 0)
		return vrrp_rows();
	if (strcmp(request->command, "failover") == 0)
		return failover(request);
	if (strcmp(request->command, "reload") == 0)
		return getenv("VRRP_REFUSES") ? ctl_reply_error("tandem.conf:9: no") : echo(ctx, request);
	if (strcmp(request->command, "events") == 0 && json_object_get(request->args, "since"))
		return ctl_reply_ok(json_pack("{s:i, s:[{s:i, s:I, s:s, s:s, s:s}]}", "last_seq", 9, "events",
			"seq", 9, "time_ms", (json_int_t)1767225700000, "subject", "config", "event", "since",
			"cause", "asked"));
	snprintf(file, sizeof(file), "vrrp-%s%s", request->command,
		strcmp(request->command, "peers") == 0 && getenv("PEERS") ? getenv("PEERS") : "");
	return from_file(file);
}

/* ---- what is printed ---- */

/* What differs from run to run: "after 41 ms", and dates of now. */
static void calm(char *out)
{
	static const char date_like[] = "dddd-dd-dd dd:dd:dd.ddd";

	for (char *at = out; (at = strstr(at, "after ")); at++) {
		size_t digits = strspn(at + 6, "0123456789");

		if (digits && strncmp(at + 6 + digits, " ms", 3) == 0 &&
			strncmp(at + 6 + digits, " ms of", 6) != 0) {
			at[6] = 'N';
			memmove(at + 7, at + 6 + digits, strlen(at + 6 + digits) + 1);
		}
	}
	for (char *at = out; (at = strstr(at, "\nsince ")); at++) {
		char *digit = at + strcspn(at, "0123456789");

		for (size_t i = 0; i < sizeof(date_like) - 1 && digit[i]; i++)
			digit[i] = date_like[i];
	}
}

static const struct golden with_both[] = {
	{"both-status", 0, {"status"}},
	{"both-status-json", 0, {"status", "--json"}},
	{"both-status-lb", 0, {"status", "--daemon", "lb"}},
	{"both-status-vrrp", 0, {"status", "--daemon=vrrp"}},
	{"both-counters", 0, {"counters"}},
	{"both-counters-json", 0, {"counters", "--json"}},
	{"both-counters-vrrp", 0, {"counters", "--daemon", "vrrp"}},
	{"both-events", 0, {"events"}},
	{"both-events-json", 0, {"events", "--json"}},
	{"both-events-since", 2, {"events", "--since", "1"}},
	{"both-events-since-vrrp", 0, {"events", "--since", "4", "--daemon", "vrrp"}},
	{"both-reload", 0, {"reload"}},
	{"both-reload-json", 0, {"reload", "--json"}},
	{"both-reload-vrrp", 0, {"reload", "--daemon", "vrrp"}},
	{"both-peers", 0, {"peers"}},
	{"both-peers-json", 0, {"peers", "--json"}},
	{"both-peers-lb", 0, {"peers", "--daemon", "lb"}},
	{"bad-daemon", 2, {"status", "--daemon", "web"}},
};

static const struct golden with_vrrp[] = {
	{"vrrp", 0, {"vrrp"}},
	{"vrrp-front", 0, {"vrrp", "front"}},
	{"vrrp-group", 0, {"vrrp", "edge"}},
	{"vrrp-dmz", 0, {"vrrp", "dmz"}},
	{"vrrp-lab", 0, {"vrrp", "lab"}},
	{"vrrp-guest", 0, {"vrrp", "guest"}},
	{"vrrp-typo", 1, {"vrrp", "frnot"}},
	{"vrrp-unlike", 1, {"vrrp", "zebra\x1b[2J"}},
	{"vrrp-only-status", 0, {"status"}},
	{"vrrp-only-status-json", 0, {"status", "--json"}},
	{"vrrp-only-counters", 0, {"counters"}},
	{"vrrp-only-events", 0, {"events"}},
	{"vrrp-only-events-since", 0, {"events", "--since", "8"}},
	{"vrrp-only-reload", 0, {"reload"}},
	{"vrrp-only-services", 1, {"services"}},
	{"vrrp-only-lb", 1, {"status", "--daemon", "lb"}},
	{"failover-refused", 1, {"failover", "lab"}},
	{"failover-nobody-named", 2, {"failover"}},
	{"help-vrrp", 0, {"vrrp", "--help"}},
	{"help-failover", 0, {"failover", "--help"}},
	{"peers", 0, {"peers"}},
	{"peers-json", 0, {"peers", "--json"}},
};

static const struct golden with_none[] = {
	{"none-status", 1, {"status"}},
	{"none-counters", 1, {"counters"}},
	{"none-events", 1, {"events", "-f"}},
	{"none-reload", 1, {"reload"}},
	{"none-vrrp", 1, {"vrrp"}},
	{"none-failover", 1, {"failover", "front"}},
	{"none-peers", 1, {"peers"}},
};

static void both_daemons_have_their_place(void **state)
{
	start_daemon("lb", lb);
	start_daemon("vrrp", vrrp);
	run_golden(with_both, COUNT_OF(with_both), NULL);
}

static void the_addresses_owner_is_shown(void **state)
{
	start_daemon("vrrp", vrrp);
	run_golden(with_vrrp, COUNT_OF(with_vrrp), calm);
}

static void who_does_not_run_is_named(void **state)
{
	run_golden(with_none, COUNT_OF(with_none), NULL);
}

static void the_pair_is_shown_in_every_condition(void **state)
{
	static const struct {
		const char *data;
		struct golden golden;
	} runs[] = {
		{"-trouble", {"peers-trouble", 0, {"peers"}}},
		{"-never", {"peers-never", 0, {"peers"}}},
		{"-none", {"peers-none", 0, {"peers"}}},
	};

	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		setenv("PEERS", runs[i].data, 1);
		start_daemon("lb", lb);
		start_daemon("vrrp", vrrp);
		unsetenv("PEERS");
		run_golden(&runs[i].golden, 1, NULL);
		stop_daemon("lb");
		stop_daemon("vrrp");
	}
}

static void a_refusal_names_the_daemon_and_stops_nobody_else(void **state)
{
	static const struct golden vrrp_refuses[] = {{"reload-vrrp-refuses", 1, {"reload"}}};
	static const struct golden lb_refuses[] = {{"reload-lb-refuses", 1, {"reload"}}};

	setenv("VRRP_REFUSES", "1", 1);
	start_daemon("lb", lb);
	start_daemon("vrrp", vrrp);
	unsetenv("VRRP_REFUSES");
	run_golden(vrrp_refuses, 1, NULL);
	stop_daemon("lb");
	stop_daemon("vrrp");
	setenv("LB_REFUSES", "1", 1);
	start_daemon("lb", lb);
	start_daemon("vrrp", vrrp);
	unsetenv("LB_REFUSES");
	run_golden(lb_refuses, 1, NULL);
}

static void a_failover_tells_what_came_of_it(void **state)
{
	static const struct {
		const char *outcome;
		struct golden golden;
		const char *peers;
	} runs[] = {
		{"accepted", {"failover-accepted", 0, {"failover", "edge"}}, "-none"},
		{"accepted", {"failover-member", 0, {"failover", "front"}}, "-none"},
		{"nobody", {"failover-nobody", 1, {"failover", "edge"}}, "-none"},
		{"nobody", {"failover-nobody-table", 1, {"failover", "edge"}}, ""},
		{"nobody", {"failover-nobody-heard", 1, {"failover", "edge"}}, "-trouble"},
		{"nobody", {"failover-nobody-behind", 1, {"failover", "edge"}}, "-behind"},
		{"fault", {"failover-fault", 1, {"failover", "edge"}}, "-none"},
		{"gone", {"failover-gone", 1, {"failover", "edge"}}, "-none"},
		{"taken", {"failover-taken", 0, {"failover", "dmz"}}, "-none"},
	};

	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		setenv("OUTCOME", runs[i].outcome, 1);
		setenv("PEERS", runs[i].peers, 1);
		start_daemon("vrrp", vrrp);
		unsetenv("PEERS");
		run_golden(&runs[i].golden, 1, calm);
		stop_daemon("vrrp");
	}
}

static void a_failovers_json_has_the_final_state(void **state)
{
	static const char *const words[] = {"failover", "edge", "--json", NULL};
	static char out[OUT_MAX];
	json_t *data, *rows;

	setenv("OUTCOME", "accepted", 1);
	start_daemon("vrrp", vrrp);
	assert_int_equal(run_words(words, out), 0);
	data = json_loads(out, 0, NULL);
	rows = json_object_get(data, "instances");
	assert_string_equal(json_string_value(json_object_get(data, "outcome")), "handed_over");
	assert_string_equal(json_string_value(json_object_get(data, "was")), "10.0.1.11");
	assert_string_equal(json_string_value(json_object_get(data, "active")), "10.0.1.12");
	assert_true(json_is_integer(json_object_get(data, "took_ms")));
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1), "state")), "backup");
	json_decref(data);
}

static void vrrps_json_is_the_answer_itself(void **state)
{
	static const char *const words[] = {"vrrp", "--json", NULL}, *const one[] = {
									     "--json", "vrrp", "dmz", NULL};
	static char out[OUT_MAX];
	json_t *got, *want = json_load_file(GOLDEN "vrrp.data.json", 0, NULL);

	start_daemon("vrrp", vrrp);
	assert_int_equal(run_words(words, out), 0);
	got = json_loads(out, 0, NULL);
	assert_int_equal(json_array_size(got), json_array_size(want));
	for (size_t i = 0; i < json_array_size(want); i++) {
		json_object_del(json_array_get(got, i), "since_ms");
		json_object_del(json_array_get(want, i), "since_ms");
	}
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);

	assert_int_equal(run_words(one, out), 0);
	got = json_loads(out, 0, NULL);
	assert_int_equal(json_array_size(got), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(got, 0), "name")), "dmz");
	json_decref(got);
}

/* Following with one daemon there shows the other as soon as it is, in a column for the daemon. */
static void following_takes_in_who_comes_later(void **state)
{
	static const char *const words[] = {"events", "-f", NULL};
	static char out[OUT_MAX];
	int fds[2], status;

	start_daemon("lb", lb);
	assert_int_equal(pipe(fds), 0);

	pid_t pid = spawn(words, fds[1]);

	close(fds[1]);
	out[0] = '\0';
	collect(fds[0], "    4  2026", out);
	start_daemon("vrrp", vrrp);
	collect(fds[0], "vrrp      9  2026", out);
	stop_daemon("vrrp");
	collect(fds[0], "waiting for it", out);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fds[0]);
	assert_non_null(strstr(out, "tandemctl: tandem-vrrp "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_daemons_have_their_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_addresses_owner_is_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_does_not_run_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_pair_is_shown_in_every_condition, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_refusal_names_the_daemon_and_stops_nobody_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failover_tells_what_came_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failovers_json_has_the_final_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(vrrps_json_is_the_answer_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(following_takes_in_who_comes_later, set_up, tear_down),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
