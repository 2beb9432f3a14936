/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of the operator's: which files may be run, and what a program finds when it runs. Root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/log.h"
#include "vrrp/vrrp_exec.h"
#include "vrrp_place.h"

#define NOBODY 65534

static char error[256];

/* ---- the other side: this very program, run by the code under test as `copy report FILE ...` ---- */

extern char **environ;

static void report_signals(FILE *out)
{
	sigset_t mask;
	int blocked = 0, handled = 0;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int n = 1; n <= SIGRTMAX; n++) {
		struct sigaction action;

		blocked += sigismember(&mask, n) == 1;
		/* The sanitizers have their handlers of these. */
		if (n != SIGSEGV && n != SIGBUS && n != SIGFPE && sigaction(n, NULL, &action) == 0)
			handled += action.sa_handler != SIG_DFL;
	}
	fprintf(out, "blocked %d handled %d\n", blocked, handled);
}

static void report_descriptors(FILE *out)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		char path[300], target[64] = "";
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || fd == dirfd(dir) || fd == fileno(out))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0)
			fprintf(out, "fd %d %s\n", fd, target);
	}
	closedir(dir);
}

static int report(int argc, char **argv)
{
	FILE *out = fopen(argv[2], "w");
	gid_t groups[64];
	char cwd[256];
	struct rlimit time = {};
	int n = getgroups(64, groups), death = 0;
	uid_t r, e, s;
	mode_t mask = umask(0);

	if (!out)
		return 99;
	getresuid(&r, &e, &s);
	prctl(PR_GET_PDEATHSIG, &death);
	for (int i = 0; i < argc; i++)
		fprintf(out, "arg [%s]\n", argv[i]);
	for (char **env = environ; *env; env++)
		fprintf(out, "env [%s]\n", *env);
	fprintf(out, "uid %d %d %d gid %d groups", r, e, s, getgid());
	for (int i = 0; i < n; i++)
		fprintf(out, " %d", groups[i]);
	fprintf(out, "\nleader %d policy %d nice %d umask %o cwd %s death %d\n", getpgrp() == getpid(),
		sched_getscheduler(0), getpriority(PRIO_PROCESS, 0), mask, getcwd(cwd, sizeof(cwd)), death);
	getrlimit(RLIMIT_RTTIME, &time);
	fprintf(out, "real time %s\n", time.rlim_cur == time.rlim_max ? "as long as it may" : "cut short");
	report_signals(out);
	report_descriptors(out);
	return fclose(out) ? 98 : 3;
}

/* ---- running ---- */

static struct {
	int calls, status;
	char text[800];
} done;

static void on_done(void *data, int status, const char *text)
{
	assert_ptr_equal(data, &done);
	done.calls++;
	done.status = status;
	snprintf(done.text, sizeof(done.text), "%s", text);
}

static struct vrrp_program *program_of(
	const char *user, uint32_t timeout_ms, const char *path, const char *arg)
{
	struct vrrp_command command = {.argv = {(char *)path, (char *)arg}, .timeout_ms = timeout_ms};
	struct vrrp_program *program;

	strcpy(command.user, user);
	assert_int_equal(vrrp_program_make(&program, &command), 0);
	return program;
}

static struct vrrp_exec *start(
	const struct vrrp_program *program, const char *const *extra, const char *const *env)
{
	struct vrrp_exec *exec;

	memset(&done, 0, sizeof(done));
	if (vrrp_exec_start(
		    &exec, ev_default_loop(0), program, extra, env, on_done, &done, error, sizeof(error)))
		fail_msg("%s", error);
	return exec;
}

/* Start, and wait for the end. */
static void run(const char *user, uint32_t timeout_ms, const char *path, const char *arg)
{
	struct vrrp_program *program = program_of(user, timeout_ms, path, arg);

	start(program, NULL, NULL);
	vrrp_program_free(program);
	assert_true(PLACE_UNTIL(done.calls));
	assert_int_equal(done.calls, 1);
	assert_null(strchr(done.text, '\n'));
}

static int make_place(void **state)
{
	return place_make();
}

static int drop_place(void **state)
{
	return place_remove();
}

static void copy_myself(const char *name)
{
	char command[400];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s && chmod 755 %s", getpid(), place_path(name),
		place_path(name));
	assert_int_equal(system(command), 0);
}

/* ---- which files ---- */

static void allowed(const char *path)
{
	if (vrrp_exec_check(path, error, sizeof(error)))
		fail_msg("%s", error);
}

static void refused(const char *path, int rc, const char *culprit)
{
	strcpy(error, "");
	assert_int_equal(vrrp_exec_check(path, error, sizeof(error)), rc);
	if (!strstr(error, culprit))
		fail_msg("'%s' does not name '%s'", error, culprit);
	assert_null(strchr(error, '\n'));
}

static void test_a_file_of_roots_is_allowed(void **state)
{
	place_write("good", 0755, "#!/bin/sh\n");
	assert_int_equal(mkdir(place_path("dir"), 0755), 0);
	assert_int_equal(symlink("../good", place_path("dir/relative")), 0);
	assert_int_equal(symlink(place_path("dir"), place_path("absolute")), 0);
	allowed(place_path("good"));
	allowed(place_path("dir/relative"));
	allowed(place_path("absolute/relative"));
	allowed(place_path("dir/..//./good"));
	allowed("/../../bin/sh");
}

static void test_what_is_no_program_is_refused(void **state)
{
	char deep[PATH_MAX + 10];

	place_write("data", 0644, "x");
	assert_int_equal(mkfifo(place_path("fifo"), 0700), 0);
	assert_int_equal(symlink("loop", place_path("loop")), 0);
	refused("good", -EINVAL, "absolute");
	refused("", -EINVAL, "absolute");
	refused(place_path("missing"), -ENOENT, "missing");
	refused(place_path("data"), -EACCES, "not executable");
	refused(place_path("fifo"), -EACCES, "no file that can be run");
	refused(place_path("data/x"), -ENOTDIR, "data is no directory");
	refused(place, -EISDIR, "directory");
	refused("/", -EISDIR, "directory");
	refused(place_path("loop"), -ELOOP, "links");
	memset(deep, '/', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	refused(deep, -ENAMETOOLONG, "too long");
}

static void test_others_may_write_nothing_on_the_way(void **state)
{
	place_write("file", 0775, "x");
	refused(place_path("file"), -EACCES, "file may be written");
	chmod(place_path("file"), 0757);
	refused(place_path("file"), -EACCES, "file may be written");
	chmod(place_path("file"), 0755);
	allowed(place_path("file"));

	assert_int_equal(mkdir(place_path("dir"), 0755), 0);
	place_write("dir/file", 0755, "x");
	allowed(place_path("dir/file"));
	chmod(place_path("dir"), 01777); /* sticky is no excuse */
	refused(place_path("dir/file"), -EACCES, "dir may be written");
	chmod(place_path("dir"), 0775);
	refused(place_path("dir/file"), -EACCES, "dir may be written");
	/* The way to where a link leads counts as well, and the directory the link is in. */
	assert_int_equal(symlink("dir/file", place_path("link")), 0);
	refused(place_path("link"), -EACCES, "dir may be written");
	assert_int_equal(symlink("../file", place_path("dir/out")), 0);
	refused(place_path("dir/out"), -EACCES, "dir may be written");
	refused(place_path("dir/../file"), -EACCES, "dir may be written");
}

static void test_all_of_it_belongs_to_root(void **state)
{
	place_write("file", 0755, "x");
	assert_int_equal(symlink("file", place_path("link")), 0);
	assert_int_equal(lchown(place_path("link"), NOBODY, 0), 0);
	refused(place_path("link"), -EACCES, "link belongs to user 65534");
	assert_int_equal(chown(place_path("file"), NOBODY, 0), 0);
	refused(place_path("file"), -EACCES, "file belongs to user 65534");
	assert_int_equal(mkdir(place_path("dir"), 0755), 0);
	place_write("dir/x", 0755, "x");
	assert_int_equal(chown(place_path("dir"), NOBODY, 0), 0);
	refused(place_path("dir/x"), -EACCES, "dir belongs to user 65534");
}

static void test_a_file_is_checked_when_it_is_run(void **state)
{
	place_write("bad", 0777, "#!/bin/sh\ntouch %s\n", place_path("ran"));
	run("", 5000, place_path("bad"), NULL);
	assert_int_equal(done.status, -EACCES);
	assert_non_null(strstr(done.text, "may be written by others"));
	assert_int_equal(access(place_path("ran"), F_OK), -1);
	run("", 5000, place_path("gone"), NULL);
	assert_int_equal(done.status, -ENOENT);
	place_write("noise", 0755, "no program at all\n");
	run("", 5000, place_path("noise"), NULL);
	assert_int_equal(done.status, -ENOEXEC);
}

/* ---- what it finds ---- */

static void says(const char *line)
{
	char whole[600];

	snprintf(whole, sizeof(whole), "%s\n", line);
	if (!strstr(place_read("report"), whole))
		fail_msg("no line '%s' in\n%s", line, place_read("report"));
}

static int count_of(const char *word)
{
	int n = 0;

	for (const char *s = place_read("report"); (s = strstr(s, word)); s++)
		n++;
	return n;
}

static void on_usr1(int number) {}

static void test_it_finds_its_arguments_and_nothing_of_the_speakers(void **state)
{
	const char *extra[] = {"a b", "$HOME;*", "", NULL},
		   *env[] = {"TANDEM_CAUSE=x = 'y'", "TANDEM_SEQ=1", NULL};
	struct sched_param fifo = {.sched_priority = 5}, other = {.sched_priority = 0};
	struct vrrp_program *program;
	char line[400];
	sigset_t usr2;
	mode_t before = umask(077);
	int fd = open("/", O_RDONLY); /* inherited, if nobody closes it */

	copy_myself("copy");
	program = program_of("", 10000, place_path("copy"), "report");
	extra[0] = place_path("report");
	setenv("LD_PRELOAD_OF_TEST", "1", 1);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_BLOCK, &usr2, NULL);
	signal(SIGUSR1, on_usr1);
	signal(SIGPIPE, SIG_IGN);
	bool real_time = sched_setscheduler(0, SCHED_FIFO, &fifo) == 0;
	struct rlimit time, speakers;

	assert_int_equal(getrlimit(RLIMIT_RTTIME, &time), 0);
	speakers = (struct rlimit){.rlim_cur = 500000, .rlim_max = time.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_RTTIME, &speakers), 0);

	start(program, extra, env);
	assert_true(PLACE_UNTIL(done.calls));
	if (real_time)
		sched_setscheduler(0, SCHED_OTHER, &other);
	setrlimit(RLIMIT_RTTIME, &time);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &usr2, NULL);
	umask(before);
	close(fd);
	vrrp_program_free(program);

	assert_int_equal(done.status, 3);
	assert_string_equal(done.text, "exit status 3");
	snprintf(line, sizeof(line),
		"arg [%s]\narg [report]\narg [%s]\narg [$HOME;*]\narg []\nenv [PATH=", place_path("copy"),
		place_path("report"));
	assert_int_equal(strncmp(place_read("report"), line, strlen(line)), 0);
	says("env [TANDEM_CAUSE=x = 'y']\nenv [TANDEM_SEQ=1]");
	assert_int_equal(count_of("env ["), 3);
	assert_int_equal(count_of("arg ["), 5);
	says("leader 1 policy 0 nice 0 umask 22 cwd / death 9");
	says("real time as long as it may");
	says("blocked 0 handled 0");
	says("fd 0 /dev/null");
	says("fd 1 /dev/null");
	says("fd 2 /dev/null");
	assert_int_equal(count_of("fd "), 3);
	assert_int_equal(count_of("uid 0 0 0 gid 0"), 1);
}

static void test_it_runs_without_standard_descriptors(void **state)
{
	int saved[3];

	place_write("ok", 0755, "#!/bin/sh\nread x; echo a && echo b >&2\n");
	for (int fd = 0; fd < 3; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 20);
		close(fd);
	}
	struct vrrp_program *program = program_of("", 5000, place_path("ok"), NULL);

	start(program, NULL, NULL);
	bool ended = PLACE_UNTIL(done.calls);

	for (int fd = 0; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
	vrrp_program_free(program);
	assert_true(ended);
	assert_int_equal(done.status, 0);
}

static void test_it_runs_as_its_user(void **state)
{
	const char *extra[2] = {NULL};
	struct vrrp_program *program;
	gid_t groups[] = {0, 4};

	copy_myself("copy");
	assert_int_equal(mkdir(place_path("theirs"), 0755), 0);
	assert_int_equal(chown(place_path("theirs"), NOBODY, NOBODY), 0);
	extra[0] = place_path("theirs/report");
	setgroups(2, groups);
	program = program_of("nobody", 10000, place_path("copy"), "report");
	start(program, extra, NULL);
	vrrp_program_free(program);
	assert_true(PLACE_UNTIL(done.calls));
	setgroups(1, groups);
	assert_int_equal(done.status, 3);
	assert_non_null(
		strstr(place_read("theirs/report"), "uid 65534 65534 65534 gid 65534 groups 65534\n"));
	assert_non_null(strstr(place_read("theirs/report"), " death 9\n"));
}

static void test_an_unknown_user_is_an_error(void **state)
{
	struct vrrp_program *program = program_of("nosuchuser-x", 1000, "/bin/true", NULL);
	struct vrrp_exec *exec;

	assert_int_equal(vrrp_exec_start(&exec, ev_default_loop(0), program, NULL, NULL, on_done, &done,
				 error, sizeof(error)),
		-ENOENT);
	assert_null(exec);
	assert_string_equal(error, "no user 'nosuchuser-x'");
	vrrp_program_free(program);
}

static void test_a_missing_capability_is_named(void **state)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct all[2], less[2];

	place_write("ok", 0755, "#!/bin/sh\n");
	assert_int_equal(syscall(SYS_capget, &head, all), 0);
	memcpy(less, all, sizeof(all));
	less[0].effective &= ~(1u << CAP_SETUID);
	assert_int_equal(syscall(SYS_capset, &head, less), 0);
	struct vrrp_program *program = program_of("nobody", 5000, place_path("ok"), NULL);

	start(program, NULL, NULL);
	vrrp_program_free(program);
	bool ended = PLACE_UNTIL(done.calls);

	assert_int_equal(syscall(SYS_capset, &head, all), 0);
	assert_true(ended);
	assert_int_equal(done.status, -EPERM);
	assert_non_null(strstr(done.text, "cannot become user nobody: the speaker lacks CAP_SETUID"));
}

/* ---- how it ends ---- */

static void test_how_it_ended_is_told(void **state)
{
	place_write("killed", 0755, "#!/bin/sh\nkill -TERM $$\n");
	run("", 5000, place_path("killed"), NULL);
	assert_int_equal(done.status, 256 + SIGTERM);
	assert_string_equal(done.text, "killed by signal 15 (Terminated)");
	place_write("ok", 0755, "#!/bin/sh\nexit 0\n");
	run("", 5000, place_path("ok"), NULL);
	assert_int_equal(done.status, 0);
}

/* A shell and what it started, some in sessions of their own, hold a FIFO. Returns its reading end, when all have begun. */
static int start_group(struct vrrp_exec **exec, uint32_t timeout_ms)
{
	struct vrrp_program *program;
	int fd = place_fifo("alive"), heard = 0;
	ssize_t n;

	place_write("group", 0755,
		"#!/bin/sh\ntrap '' TERM INT HUP\nexec 9>%s\n(trap '' TERM; echo a >&9; sleep 60) &\n"
		"setsid sh -c 'echo c >&9; setsid sh -c \"echo d >&9; sleep 60\" & sleep 60' &\necho b "
		">&9\nsleep 60\nexit 0\n",
		place_path("alive"));
	program = program_of("", timeout_ms, place_path("group"), NULL);
	*exec = start(program, NULL, NULL);
	vrrp_program_free(program); /* its strings were needed for the start only */
	assert_true(PLACE_UNTIL((n = place_hear(fd), heard += n > 0 ? (int)n : 0) >= 8));
	return fd;
}

static void test_a_timeout_kills_the_whole_group(void **state)
{
	struct vrrp_exec *exec;
	int fd = start_group(&exec, 3000); /* both have begun long before */

	assert_int_equal(done.calls, 0);
	assert_true(PLACE_UNTIL(done.calls));
	assert_int_equal(done.status, -ETIMEDOUT);
	assert_string_equal(done.text, "timed out");
	assert_true(PLACE_UNTIL(place_hear(fd) == 0));
	close(fd);
}

static void test_a_kill_kills_the_whole_group_and_says_nothing(void **state)
{
	struct vrrp_exec *exec;
	int fd = start_group(&exec, 60000);

	vrrp_exec_kill(exec);
	assert_true(PLACE_UNTIL(place_hear(fd) == 0));
	place_turn();
	assert_int_equal(done.calls, 0);
	vrrp_exec_kill(NULL);
	close(fd);
}

/* Another speaker, which is killed: what it ran may not go on beside what the next one runs. */
static void test_it_ends_with_the_speaker(void **state)
{
	int fd = place_fifo("alive");
	ssize_t n = 0;
	pid_t pid;

	place_write(
		"hold", 0755, "#!/bin/sh\nexec 9>%s\necho a >&9\nexec sleep 60 9>&9\n", place_path("alive"));
	pid = fork();
	if (pid == 0) {
		struct vrrp_program *program = program_of("", 60000, place_path("hold"), NULL);

		ev_loop_fork(ev_default_loop(0));
		start(program, NULL, NULL);
		PLACE_UNTIL(done.calls);
		_exit(0);
	}
	assert_true(PLACE_UNTIL((n = place_hear(fd)) > 0));
	kill(pid, SIGKILL);
	assert_true(PLACE_UNTIL(place_hear(fd) == 0));
	waitpid(pid, NULL, 0);
	close(fd);
}

static void test_a_status_in_words(void **state)
{
	char buf[64];

	assert_string_equal(vrrp_exec_status_text(0, buf, sizeof(buf)), "exit status 0");
	assert_string_equal(vrrp_exec_status_text(255, buf, sizeof(buf)), "exit status 255");
	assert_string_equal(vrrp_exec_status_text(256 + 9, buf, sizeof(buf)), "killed by signal 9 (Killed)");
	assert_string_equal(vrrp_exec_status_text(-ETIMEDOUT, buf, sizeof(buf)), "timed out");
	assert_string_equal(vrrp_exec_status_text(-EAGAIN, buf, sizeof(buf)),
		"cannot be started: Resource temporarily unavailable");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		ROW(test_a_file_of_roots_is_allowed),
		ROW(test_what_is_no_program_is_refused),
		ROW(test_others_may_write_nothing_on_the_way),
		ROW(test_all_of_it_belongs_to_root),
		ROW(test_a_file_is_checked_when_it_is_run),
		ROW(test_it_finds_its_arguments_and_nothing_of_the_speakers),
		ROW(test_it_runs_without_standard_descriptors),
		ROW(test_it_runs_as_its_user),
		ROW(test_an_unknown_user_is_an_error),
		ROW(test_a_missing_capability_is_named),
		ROW(test_how_it_ended_is_told),
		ROW(test_a_timeout_kills_the_whole_group),
		ROW(test_a_kill_kills_the_whole_group_and_says_nothing),
		ROW(test_it_ends_with_the_speaker),
		cmocka_unit_test(test_a_status_in_words),
	};

	if (argc > 2 && !strcmp(argv[1], "report"))
		return report(argc, argv);
	if (!place_is_possible())
		return 0;
	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
