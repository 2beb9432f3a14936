/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of the guard: start a speaker, wait, and what follows from how it ended. Signals are blocked and read one by one
 * (sigtimedwait), so no code runs inside another. What is done to the network is vrrp_guard_clean.c's.
 */
#include "vrrp/vrrp_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "vrrp/vrrp_guard_clean.h"
#include "vrrp/vrrp_realtime.h"
#include "vrrp/vrrp_timer.h"

#define SECOND    INT64_C(1000000000)
#define CLAIM_NS  (1 * SECOND)
#define STOP_NS   (10 * SECOND) /* systemd waits longer: tandem-vrrp.service */
#define LIVED_NS  (5 * SECOND)
#define EARLY_NS  (10 * SECOND)
#define EARLY     3 /* deaths */
#define DELAY_MAX 30
#define GUARD_OOM "-1000"
#define SPEAK_OOM "-900" /* before the machine gives up its guard, and after everything else */
#define NEVER     INT64_MAX

struct guard {
	struct vrrp_ward *ward;
	vrrp_speak_fn *speak;
	void *data;
	struct vrrp_guard_tools tools;
	sigset_t wanted, before;
	struct sigaction pipe_before, child_before;
	pid_t self, child; /* child 0: none now */
	int64_t started_at;
	int64_t look_at;         /* has it claimed? */
	int64_t start_at;        /* the next one, after a delay */
	int64_t kill_at;         /* it was asked to end */
	int64_t death_at[EARLY]; /* of the last early deaths, in turn */
	unsigned early;          /* in a row */
	unsigned delay_s;        /* 0: it may be started at once */
	bool restarted;          /* the child is not the first */
	bool stopping, done;
	int status;
};

/* ---- the speaker's beginning ---- */

static void set_oom_score(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, score, strlen(score)) < 0)
		log_debug("guard: oom_score_adj %s: %s", score, strerror(errno));
	close(fd);
}

static void become_speaker(struct guard *g, bool restarted)
{
	sigset_t blocked = g->before;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != g->self) /* the guard died before that */
		_exit(1);
	setpgid(0, 0); /* what a terminal sends to the guard's group comes from the guard, once */
	set_oom_score(SPEAK_OOM);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	vrrp_guard_tools_close(&g->tools);
	exit(g->speak(g->data, g->ward, restarted));
}

/* 0 or -errno. */
static int start(struct guard *g, bool restarted)
{
	pid_t pid;

	fflush(NULL); /* what is in a buffer would be written twice */
	vrrp_ward_set_claimed(g->ward, false);
	g->restarted = restarted;
	g->start_at = NEVER;
	g->started_at = vrrp_now();
	pid = fork();
	if (pid == 0)
		become_speaker(g, restarted);
	if (pid < 0)
		return -errno;
	g->child = pid;
	g->look_at = g->started_at + CLAIM_NS;
	return 0;
}

/* ---- what was done, in words ---- */

static void say_what(const char *what, struct vrrp_guard_done done)
{
	if (done.failed)
		log_error("guard: %s: %zu done, %zu failed: %s", what, done.done, done.failed,
			strerror(-done.error));
	else if (done.done)
		log_warn("guard: %s: %zu", what, done.done);
}

/* Nobody will look after what is left: all of it goes. */
static void clear_away(struct guard *g)
{
	struct vrrp_guard_done said = vrrp_guard_say_farewell(&g->tools, g->ward, true);
	struct vrrp_guard_done removed = vrrp_guard_remove(g->ward, true);

	say_what("farewells sent", said);
	say_what("addresses and links removed", removed);
}

/* ---- the speaker's end ---- */

/* How long to wait before the next one, in seconds. */
static unsigned next_delay(struct guard *g, int64_t now)
{
	if (now - g->started_at >= LIVED_NS) {
		g->early = 0;
		g->delay_s = 0;
		return 0;
	}
	g->death_at[g->early++ % EARLY] = now;
	if (g->delay_s || (g->early >= EARLY && now - g->death_at[g->early % EARLY] <= EARLY_NS))
		g->delay_s = g->delay_s ? 2 * g->delay_s : 1;
	if (g->delay_s > DELAY_MAX)
		g->delay_s = DELAY_MAX;
	return g->delay_s;
}

static void try_again(struct guard *g, unsigned delay_s)
{
	int err = delay_s ? 0 : start(g, true);

	if (err) {
		log_error("guard: cannot start a speaker: %s", strerror(-err));
		clear_away(g);
		delay_s = next_delay(g, vrrp_now());
		delay_s = delay_s ? delay_s : 1;
	}
	if (delay_s)
		g->start_at = vrrp_now() + delay_s * SECOND;
}

static void on_death(struct guard *g, int signal)
{
	int64_t now = vrrp_now();
	double lived_s = (double)(now - g->started_at) / SECOND;
	unsigned delay_s = next_delay(g, now);
	struct vrrp_guard_done said = {};
	long pid = g->child;

	g->child = 0;
	if (g->stopping) {
		clear_away(g);
		g->done = true;
		g->status = signal == SIGTERM || signal == SIGINT ? 0 : 1;
		log_warn("guard: the speaker (pid %ld) ended by signal %d", pid, signal);
		return;
	}
	/* First what cannot wait, then what is to be said about it. */
	if (delay_s)
		clear_away(g);
	else if (!vrrp_ward_resume(g->ward))
		said = vrrp_guard_say_farewell(&g->tools, g->ward, true);
	try_again(g, delay_s);
	if (delay_s)
		log_error(
			"guard: the speaker (pid %ld) died of signal %d after %.3f s; the next one starts in %u s",
			pid, signal, lived_s, delay_s);
	else
		log_error(
			"guard: the speaker (pid %ld) died of signal %d after %.3f s; the next one is pid %ld",
			pid, signal, lived_s, (long)g->child);
	say_what("farewells sent", said);
}

/* It was to go on where another died: that the config is being edited just then must not cost the node its place. */
static void on_refusal(struct guard *g, int status)
{
	unsigned delay_s = next_delay(g, vrrp_now());

	delay_s = delay_s ? delay_s : 1;
	clear_away(g);
	try_again(g, delay_s);
	log_error(
		"guard: the speaker ended with status %d, in place of one that died; the next one starts in %u s",
		status, delay_s);
}

static void on_exit_status(struct guard *g, int status)
{
	g->child = 0;
	if (status && g->restarted && !g->stopping) {
		on_refusal(g, status);
		return;
	}
	g->done = true;
	g->status = status;
	if ((status == 0 && vrrp_ward_resume(g->ward)) || !vrrp_guard_is_needed(g->ward))
		return;
	log_warn("guard: the speaker ended with status %d and left something behind", status);
	clear_away(g);
}

static void reap(struct guard *g)
{
	int status;

	if (!g->child || waitpid(g->child, &status, WNOHANG) != g->child)
		return;
	g->look_at = NEVER;
	g->kill_at = NEVER;
	if (WIFEXITED(status))
		on_exit_status(g, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		on_death(g, WTERMSIG(status));
}

/* ---- what happens meanwhile ---- */

/* The speaker knows what the config says about real time; as it is now, so is the guard, and just before it. */
static void follow(struct guard *g)
{
	struct sched_param param;
	int policy = sched_getscheduler(g->child), err;

	if (policy < 0 || (policy & ~SCHED_RESET_ON_FORK) != SCHED_FIFO || sched_getparam(g->child, &param))
		return;
	if (param.sched_priority < sched_get_priority_max(SCHED_FIFO))
		param.sched_priority++;
	err = vrrp_realtime_on(param.sched_priority);
	if (err)
		log_debug("guard: no real-time priority: %s", strerror(-err));
	/* What it has, not what it gets: without CAP_IPC_LOCK that would be refused when it is needed. */
	if (mlockall(MCL_CURRENT | MCL_ONFAULT))
		log_debug("guard: memory is not locked: %s", strerror(errno));
}

static void look(struct guard *g)
{
	struct vrrp_guard_done said = {}, removed = {};

	g->look_at = NEVER;
	follow(g);
	if (vrrp_ward_claimed(g->ward) || !vrrp_guard_is_needed(g->ward))
		return;
	if (vrrp_ward_resume(g->ward)) /* not said yet, and nobody went on */
		said = vrrp_guard_say_farewell(&g->tools, g->ward, false);
	removed = vrrp_guard_remove(g->ward, false);
	log_error("guard: the speaker (pid %ld) did not look after what is held within a second",
		(long)g->child);
	say_what("farewells sent", said);
	say_what("addresses removed", removed);
}

static void on_signal(struct guard *g, int signal)
{
	if (signal == SIGCHLD)
		return;
	if (signal == SIGHUP && !g->child) {
		g->start_at = vrrp_now(); /* the config may be better now */
		return;
	}
	if (g->child)
		kill(g->child, signal);
	if (signal == SIGHUP)
		return;
	if (!g->child) {
		g->done = true;
	} else if (!g->stopping) {
		g->kill_at = vrrp_now() + STOP_NS;
	}
	g->stopping = true;
}

static void on_time(struct guard *g)
{
	int64_t now = vrrp_now();

	if (g->child && now >= g->look_at)
		look(g);
	if (g->child && now >= g->kill_at) {
		g->kill_at = NEVER;
		log_error("guard: the speaker (pid %ld) did not end within %d s; it is killed",
			(long)g->child, (int)(STOP_NS / SECOND));
		kill(g->child, SIGKILL);
	}
	if (!g->child && !g->done && now >= g->start_at)
		try_again(g, 0);
}

/* The next signal of those we look at, 0 when it is time for something else. */
static int wait_for_signal(struct guard *g)
{
	int64_t until = g->look_at < g->kill_at ? g->look_at : g->kill_at, left;
	struct timespec ts;
	int signal;

	if (g->start_at < until)
		until = g->start_at;
	left = until - vrrp_now();
	left = left < 0 ? 0 : left;
	ts = (struct timespec){.tv_sec = left / SECOND, .tv_nsec = left % SECOND};
	signal = until == NEVER ? sigwaitinfo(&g->wanted, NULL) : sigtimedwait(&g->wanted, NULL, &ts);
	return signal < 0 ? 0 : signal;
}

/* ---- the whole ---- */

static void prepare(struct guard *g)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, fresh = {.sa_handler = SIG_DFL};
	static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&all, faults[i]);
	sigemptyset(&g->wanted);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&g->wanted, wanted[i]);
	sigprocmask(SIG_SETMASK, &all, &g->before);
	sigaction(SIGPIPE, &ignore, &g->pipe_before);
	sigaction(
		SIGCHLD, &fresh, &g->child_before); /* were it ignored, no child would be left to wait for */
	set_oom_score(GUARD_OOM);
	vrrp_guard_tools_open(&g->tools);
}

/* What came too late to be passed on must not end the program once the mask is open. */
static void forget_signals(void)
{
	static const struct timespec now;
	sigset_t all;

	sigfillset(&all);
	for (int i = 0; i < 256 && sigtimedwait(&all, NULL, &now) > 0; i++)
		;
}

int vrrp_guard_run(struct vrrp_ward *ward, vrrp_speak_fn *speak, void *data)
{
	struct guard g = {.ward = ward,
		.speak = speak,
		.data = data,
		.self = getpid(),
		.look_at = NEVER,
		.start_at = NEVER,
		.kill_at = NEVER,
		.status = 0};
	int err;

	prepare(&g);
	err = start(&g, false);
	if (err) {
		log_error("guard: cannot start a speaker: %s", strerror(-err));
		clear_away(&g);
		g.done = true;
		g.status = 1;
	}
	while (!g.done) {
		int signal = wait_for_signal(&g);

		/* Whatever woke us: a speaker that is gone comes first. */
		reap(&g);
		if (signal && !g.done)
			on_signal(&g, signal);
		if (!g.done)
			on_time(&g);
	}
	vrrp_guard_tools_close(&g.tools);
	forget_signals();
	sigaction(SIGPIPE, &g.pipe_before, NULL);
	sigaction(SIGCHLD, &g.child_before, NULL);
	sigprocmask(SIG_SETMASK, &g.before, NULL);
	return g.status;
}
