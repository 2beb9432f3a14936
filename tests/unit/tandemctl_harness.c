/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Daemons that a test makes up, and tandemctl's whole program to ask them; see tandemctl_harness.h. */
#include "tandemctl_harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include "common/ctl_server.h"
#include "tmp_dir.h"

#undef COUNT_OF
int tandemctl_main(int argc, char **argv);
#define main tandemctl_main
#include "../../src/ctl/main.c"
#undef main

#define DEADLINE 20000 /* ms */

static char dir[TMP_DIR_MAX];

/* ---- daemons ---- */

json_t *from_file(const char *command)
{
	char path[128];
	json_error_t error;

	snprintf(path, sizeof(path), GOLDEN "%s.data.json", command);

	json_t *data = json_load_file(path, 0, &error);

	return data ? ctl_reply_ok(data) : ctl_reply_error("%s: %s", path, error.text);
}

json_t *echo(void *ctx, const struct ctl_request *request)
{
	char *args = json_dumps(request->args, JSON_SORT_KEYS);
	json_t *reply = ctl_reply_message("%s %s", request->command, args);

	free(args);
	return reply;
}

static struct {
	const char *name;
	pid_t pid;
} daemons[4];

static void on_term(struct ev_loop *loop, ev_signal *w, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void run_daemon(const char *name, ctl_handler handle, int ready)
{
	struct ctl_server_options options = {.rundir = dir, .name = name, .handle = handle};
	struct ev_loop *loop = ev_default_loop(0);
	struct ctl_server *server;
	ev_signal term;
	char error[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ev_signal_init(&term, on_term, SIGTERM);
	ev_signal_start(loop, &term);
	if (ctl_server_open(&server, loop, &options, error, sizeof(error)) < 0)
		_exit(1);
	(void)!write(ready, "y", 1);
	ev_run(loop, 0);
	ctl_server_close(server);
	_exit(0);
}

void start_daemon(const char *name, ctl_handler handle)
{
	size_t place = 0;
	int ready[2];
	char byte;

	while (place < COUNT_OF(daemons) && daemons[place].pid)
		place++;
	assert_true(place < COUNT_OF(daemons));
	assert_int_equal(pipe(ready), 0);
	daemons[place].name = name;
	daemons[place].pid = fork();
	if (daemons[place].pid == 0)
		run_daemon(name, handle, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

void stop_daemon(const char *name)
{
	int status;

	for (size_t i = 0; i < COUNT_OF(daemons); i++) {
		pid_t pid = daemons[i].pid;

		if (!pid || strcmp(daemons[i].name, name) != 0)
			continue;
		daemons[i].pid = 0;
		kill(pid, SIGTERM);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

int set_up(void **state)
{
	setenv("TZ", "UTC", 1);
	assert_int_equal(tmp_dir_make(dir), 0);
	return 0;
}

int tear_down(void **state)
{
	for (size_t i = 0; i < COUNT_OF(daemons); i++)
		if (daemons[i].pid)
			stop_daemon(daemons[i].name);
	return tmp_dir_remove(dir); /* complains of a socket file that is left */
}

/* ---- tandemctl ---- */

pid_t spawn(const char *const *words, int fd)
{
	char *argv[16] = {"tandemctl", "-r", dir};
	int argc = 3;
	pid_t pid;

	while (words[argc - 3] && argc < 15) {
		argv[argc] = (char *)words[argc - 3];
		argc++;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		setvbuf(stdout, NULL, _IOLBF, 0);
		exit(tandemctl_main(argc, argv));
	}
	assert_true(pid > 0);
	return pid;
}

void collect(int fd, const char *until, char out[OUT_MAX])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = strlen(out);
	char *at;

	while (len < OUT_MAX - 1 && poll(&p, 1, DEADLINE) == 1) {
		ssize_t n = read(fd, out + len, OUT_MAX - 1 - len);

		if (n <= 0) {
			until = NULL;
			break;
		}
		len += (size_t)n;
		out[len] = '\0';
		if (until && strstr(out, until))
			break;
	}
	if (until && !strstr(out, until))
		fail_msg("'%s' did not come within the deadline; this did:\n%s", until, out);
	while ((at = strstr(out, dir))) {
		memcpy(at, "RUNDIR", 6);
		memmove(at + 6, at + strlen(dir), strlen(at + strlen(dir)) + 1);
	}
}

int run_words(const char *const *words, char out[OUT_MAX])
{
	int fds[2], status;

	assert_int_equal(pipe(fds), 0);

	pid_t pid = spawn(words, fds[1]);

	close(fds[1]);
	out[0] = '\0';
	collect(fds[0], NULL, out);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void compare(const char *name, const char *got)
{
	const char *mode = getenv("TANDEM_GOLDEN");
	static char want[OUT_MAX];
	char path[128];

	snprintf(path, sizeof(path), GOLDEN "%s.out", name);

	FILE *file = fopen(path, mode && strcmp(mode, "update") == 0 ? "w" : "r");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	if (mode && strcmp(mode, "update") == 0) {
		fputs(got, file);
		fclose(file);
		return;
	}
	want[fread(want, 1, sizeof(want) - 1, file)] = '\0';
	fclose(file);
	if (strcmp(got, want) != 0)
		fail_msg("%s differs; got:\n%s", path, got);
}

void run_golden(const struct golden *cases, size_t count, void (*change)(char *out))
{
	static char out[OUT_MAX];

	for (size_t i = 0; i < count; i++) {
		int status = run_words(cases[i].words, out);

		if (change)
			change(out);
		compare(cases[i].name, out);
		if (status != cases[i].status)
			fail_msg("%s: exit status %d, not %d", cases[i].name, status, cases[i].status);
	}
}
