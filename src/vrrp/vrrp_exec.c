/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting, watching and killing programs; see vrrp_exec.h. Which files may be run is vrrp_exec_check.c's.
 *
 * Why fork() and not vfork() or posix_spawn(), which copy no page tables: their caller sleeps until the child has called
 * execve(), and the child has to give up the real-time priority before. With every core busy that is a wait for a turn of
 * an ordinary process (measured: 3.4 ms in the median, 19 ms at p99, against 0.17 and 0.24 ms of fork() with 10 MB
 * locked), with a disk that hangs a wait for the disk; and a child that has already become the script's user could be
 * stopped by that user, and the speaker with it.
 */
#include "vrrp/vrrp_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include "common/log.h"

#define ENVIRONMENT_MAX 32
#define WHY_MAX         700 /* bytes of the line that says why a child did not become the program */
#define WHY_FD          3
#define TREE_MAX        256 /* processes that are killed beside the group */

struct vrrp_program {
	char *argv[VRRP_ARGS_MAX + 1]; /* owned */
	uint32_t timeout_ms;
	bool known; /* the ids below are somebody's */
	char user[VRRP_NAME_MAX + 1];
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned */
	int group_count;
};

struct vrrp_exec {
	struct ev_loop *loop;
	ev_child child;
	ev_timer limit;
	int why; /* read end: what the child says when it cannot become the program */
	bool timed_out;
	vrrp_exec_fn *fn;
	void *data;
};

/* ---- who ---- */

static int look_up_groups(struct vrrp_program *program)
{
	int count = 32;

	for (int attempt = 0; attempt < 8; attempt++) {
		gid_t *groups = reallocarray(program->groups, (size_t)count, sizeof(*groups));
		int room = count;

		if (!groups)
			return -ENOMEM;
		program->groups = groups;
		if (getgrouplist(program->user, program->gid, groups, &count) >= 0) {
			program->group_count = count;
			return 0;
		}
		if (count <= room)
			count = room * 2;
	}
	return -ENOMEM;
}

static int look_up_user(struct vrrp_program *program)
{
	char buf[16384];
	struct passwd row, *found;
	int rc;

	if (!program->user[0]) {
		program->known = true; /* root, with root's group: nobody has to be asked */
		return 0;
	}
	rc = getpwnam_r(program->user, &row, buf, sizeof(buf), &found);
	if (!found) {
		log_error("%s cannot be run: no user '%s'%s%s", program->argv[0], program->user,
			rc ? ": " : "", rc ? strerror(rc) : "");
		return 0;
	}
	program->uid = row.pw_uid;
	program->gid = row.pw_gid;
	program->known = true;
	return look_up_groups(program);
}

int vrrp_program_make(struct vrrp_program **out, const struct vrrp_command *command)
{
	struct vrrp_program *program;

	*out = NULL;
	if (!command->argv[0])
		return 0;
	program = calloc(1, sizeof(*program));
	if (!program)
		return -ENOMEM;
	program->timeout_ms = command->timeout_ms;
	memcpy(program->user, command->user, sizeof(program->user));
	for (size_t i = 0; i < VRRP_ARGS_MAX && command->argv[i]; i++) {
		program->argv[i] = strdup(command->argv[i]);
		if (!program->argv[i]) {
			vrrp_program_free(program);
			return -ENOMEM;
		}
	}
	if (look_up_user(program)) {
		vrrp_program_free(program);
		return -ENOMEM;
	}
	*out = program;
	return 0;
}

void vrrp_program_free(struct vrrp_program *program)
{
	if (!program)
		return;
	for (size_t i = 0; program->argv[i]; i++)
		free(program->argv[i]);
	free(program->groups);
	free(program);
}

/* ---- in the child, between fork() and execve(): nothing here allocates ---- */

static void child_fail(int rc, const char *why) __attribute__((noreturn));
static void child_fail(int rc, const char *why)
{
	char said[sizeof(rc) + WHY_MAX] = {0};

	memcpy(said, &rc, sizeof(rc));
	snprintf(said + sizeof(rc), WHY_MAX, "%s", why);
	if (write(WHY_FD, said, sizeof(rc) + strlen(said + sizeof(rc))) < 0)
		_exit(126); /* the parent does not care any more */
	_exit(127);
}

static void child_fail_errno(const char *what) __attribute__((noreturn));
static void child_fail_errno(const char *what)
{
	int rc = -errno;
	char why[WHY_MAX];

	snprintf(why, sizeof(why), "%s: %s", what, strerror(-rc));
	child_fail(rc, why);
}

/* All handlers before the mask is opened: none of the speaker's may run here. */
static void child_reset_signals(void)
{
	struct sigaction fresh = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++)
		sigaction(number, &fresh, NULL); /* fails for those that cannot be changed anyway */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_be_ordinary(void)
{
	struct sched_param ordinary = {.sched_priority = 0};
	struct rlimit time;

	/* vrrp_realtime.h is the speaker's; what a hook starts may want to be real-time, its own way. */
	if (getrlimit(RLIMIT_RTTIME, &time) == 0) {
		time.rlim_cur = time.rlim_max;
		setrlimit(RLIMIT_RTTIME, &time);
	}
	if (sched_setscheduler(0, SCHED_OTHER, &ordinary) < 0)
		child_fail_errno("cannot give up the real-time priority");
	if (getpriority(PRIO_PROCESS, 0) != 0)
		setpriority(PRIO_PROCESS, 0, 0);
	umask(022);
	if (chdir("/") < 0)
		child_fail_errno("cannot enter /");
}

static void child_keep_no_descriptors(int why)
{
	int null;

	/* Out of the way of what is opened next. */
	why = fcntl(why, F_DUPFD_CLOEXEC, 10);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (why < 0 || dup3(why, WHY_FD, O_CLOEXEC) < 0)
		_exit(126);
	if (null < 0)
		child_fail_errno("/dev/null");
	for (int fd = 0; fd < WHY_FD; fd++)
		if (fd == null ? fcntl(fd, F_SETFD, 0) < 0 : dup2(null, fd) < 0)
			child_fail_errno("/dev/null");
	if (close_range(WHY_FD + 1, ~0U, 0) < 0)
		child_fail_errno("cannot close descriptors");
}

/* When the speaker is this user already, it stays as it is: that needs no capability. */
static void child_become(const struct vrrp_program *program)
{
	const char *lacks = "the speaker lacks CAP_SETUID or CAP_SETGID: run it as root with both, or run "
			    "the program as the speaker's own user";
	char why[WHY_MAX];

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (getuid() == program->uid && geteuid() == program->uid && getgid() == program->gid &&
		getegid() == program->gid)
		return;
	if (setgroups((size_t)program->group_count, program->groups) == 0 &&
		setresgid(program->gid, program->gid, program->gid) == 0 &&
		setresuid(program->uid, program->uid, program->uid) == 0)
		return;

	int rc = -errno;

	snprintf(why, sizeof(why), "cannot become user %s: %s", program->user[0] ? program->user : "root",
		rc == -EPERM ? lacks : strerror(-rc));
	child_fail(rc, why);
}

static void child_run(const struct vrrp_program *program, char **argv, char **envp, int why_fd, pid_t speaker)
	__attribute__((noreturn));
static void child_run(const struct vrrp_program *program, char **argv, char **envp, int why_fd, pid_t speaker)
{
	char why[WHY_MAX];
	int rc;

	setpgid(0, 0);
	child_reset_signals();
	child_keep_no_descriptors(why_fd);
	child_be_ordinary();
	rc = vrrp_exec_check(argv[0], why, sizeof(why));
	if (rc)
		child_fail(rc, why);
	child_become(program);
	/* What a killed speaker ran must not go on beside what the next one runs. After the change of user, which
	 * forgets it; and the speaker may have died before. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != speaker)
		_exit(126);
	execve(argv[0], argv, envp);
	child_fail_errno(argv[0]);
}

/* ---- the speaker's side ---- */

const char *vrrp_exec_status_text(int status, char *buf, size_t size)
{
	if (status == -ETIMEDOUT)
		snprintf(buf, size, "timed out");
	else if (status < 0)
		snprintf(buf, size, "cannot be started: %s", strerror(-status));
	else if (status >= 256)
		snprintf(buf, size, "killed by signal %d (%s)", status - 256, strsignal(status - 256));
	else
		snprintf(buf, size, "exit status %d", status);
	return buf;
}

static void forget(struct vrrp_exec *exec)
{
	ev_child_stop(exec->loop, &exec->child);
	ev_timer_stop(exec->loop, &exec->limit);
	close(exec->why);
	free(exec);
}

/* What the child said before it gave up, or 0 when it became the program. */
static int read_why(const struct vrrp_exec *exec, char text[WHY_MAX])
{
	char said[sizeof(int) + WHY_MAX];
	ssize_t n = read(exec->why, said, sizeof(said) - 1);
	int rc;

	if (n < (ssize_t)sizeof(rc))
		return 0;
	said[n] = '\0';
	memcpy(&rc, said, sizeof(rc));
	snprintf(text, WHY_MAX, "%s", said + sizeof(rc));
	return rc < 0 ? rc : -EIO;
}

static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
	struct vrrp_exec *exec = w->data;
	vrrp_exec_fn *fn = exec->fn;
	void *data = exec->data;
	char text[WHY_MAX];
	int status = read_why(exec, text);

	if (status == 0) {
		if (exec->timed_out)
			status = -ETIMEDOUT;
		else
			status = WIFSIGNALED(w->rstatus) ? 256 + WTERMSIG(w->rstatus)
							 : WEXITSTATUS(w->rstatus);
		vrrp_exec_status_text(status, text, sizeof(text));
	}
	forget(exec);
	fn(data, status, text);
}

/* Add a process's children, those of its first thread, to the `count` numbers in out. Returns how many there are then. */
static size_t add_children(pid_t pid, pid_t out[TREE_MAX], size_t count)
{
	char path[64], text[4096], *end;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	for (char *at = text; count < TREE_MAX; at = end) {
		long child = strtol(at, &end, 10);

		if (child <= 0 || *end != ' ') /* the end, or it was cut there */
			break;
		out[count++] = (pid_t)child;
	}
	return count;
}

/*
 * Its group, and its descendants in other groups (timeout(1), setsid(1)): those are found while the parents live. Nothing
 * to kill when it has been reaped and on_child is about to be called: the number may be another's by then.
 */
static void kill_all(struct vrrp_exec *exec)
{
	pid_t tree[TREE_MAX] = {exec->child.pid};
	size_t count = 1;

	if (ev_is_pending(&exec->child))
		return;
	for (size_t i = 0; i < count; i++)
		count = add_children(tree[i], tree, count);
	kill(-exec->child.pid, SIGKILL);
	for (size_t i = 1; i < count; i++)
		kill(tree[i], SIGKILL);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int events)
{
	struct vrrp_exec *exec = w->data;

	exec->timed_out = !ev_is_pending(&exec->child);
	kill_all(exec);
}

bool vrrp_exec_is_overdue(const struct vrrp_exec *exec)
{
	return exec->timed_out;
}

void vrrp_exec_kill(struct vrrp_exec *exec)
{
	if (!exec)
		return;
	kill_all(exec); /* the loop reaps it, as it does all children */
	forget(exec);
}

/* Returns how many, or -E2BIG. */
static int join(char **out, size_t room, const char *const *first, const char *const *second)
{
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		for (const char *const *p = i ? second : first; p && *p; p++) {
			if (n + 1 >= room)
				return -E2BIG;
			out[n++] = (char *)*p;
		}
	out[n] = NULL;
	return (int)n;
}

/* No handler of the speaker's may run in the child: it shares the descriptor with which the loop is woken. */
static pid_t fork_child(const struct vrrp_program *program, char **argv, char **envp, int why)
{
	sigset_t all, before;
	pid_t pid, speaker = getpid();
	int err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		child_run(program, argv, envp, why, speaker);
	err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return -err;
	setpgid(pid, pid); /* both sides do, so that its group is there when either goes on */
	return pid;
}

int vrrp_exec_start(struct vrrp_exec **out, struct ev_loop *loop, const struct vrrp_program *program,
	const char *const *extra, const char *const *env, vrrp_exec_fn *fn, void *data, char *error,
	size_t error_size)
{
	static const char *const fixed[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	char *argv[2 * VRRP_ARGS_MAX + 1], *envp[ENVIRONMENT_MAX + 1];
	struct vrrp_exec *exec;
	int why[2], rc = 0;
	pid_t pid;

	*out = NULL;
	if (!program->known) {
		snprintf(error, error_size, "no user '%s'", program->user);
		return -ENOENT;
	}
	if (join(argv, 2 * VRRP_ARGS_MAX + 1, (const char *const *)program->argv, extra) < 0 ||
		join(envp, ENVIRONMENT_MAX + 1, fixed, env) < 0) {
		snprintf(error, error_size, "too many arguments");
		return -E2BIG;
	}
	exec = calloc(1, sizeof(*exec));
	if (!exec || pipe2(why, O_CLOEXEC | O_NONBLOCK) < 0) {
		rc = exec ? -errno : -ENOMEM;
		free(exec);
		snprintf(error, error_size, "cannot be started: %s", strerror(-rc));
		return rc;
	}
	pid = fork_child(program, argv, envp, why[1]);
	close(why[1]);
	if (pid < 0) {
		close(why[0]);
		free(exec);
		snprintf(error, error_size, "cannot be started: fork: %s", strerror(-pid));
		return pid;
	}
	exec->loop = loop;
	exec->why = why[0];
	exec->fn = fn;
	exec->data = data;
	exec->child.data = exec->limit.data = exec;
	ev_child_init(&exec->child, on_child, pid, 0);
	ev_child_start(loop, &exec->child);
	ev_now_update(loop);
	ev_timer_init(&exec->limit, on_limit, program->timeout_ms / 1e3, 0.);
	ev_timer_start(loop, &exec->limit);
	*out = exec;
	return 0;
}
