/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_realtime.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

static volatile sig_atomic_t lapsed;

/* Also in the middle of a system call that the kernel would start again and again. */
static void on_too_long(int signal)
{
	const struct sched_param ordinary = {};
	int error = errno;

	(void)signal;
	sched_setscheduler(0, SCHED_OTHER, &ordinary);
	lapsed = 1;
	errno = error;
}

/* Each time, for the kernel raises the limit by a second when it has told of it. */
static int limit(void)
{
	struct rlimit time;

	if (getrlimit(RLIMIT_RTTIME, &time))
		return -errno;
	time.rlim_cur = (rlim_t)VRRP_REALTIME_MS * 1000;
	if (time.rlim_cur > time.rlim_max)
		time.rlim_cur = time.rlim_max;
	return setrlimit(RLIMIT_RTTIME, &time) ? -errno : 0;
}

int vrrp_realtime_on(int priority)
{
	const struct sched_param param = {.sched_priority = priority};
	struct sigaction action = {.sa_handler = on_too_long, .sa_flags = SA_RESTART};
	sigset_t its;
	int err;

	sigemptyset(&action.sa_mask);
	sigemptyset(&its);
	sigaddset(&its, SIGXCPU);
	if (sigaction(SIGXCPU, &action, NULL) || sigprocmask(SIG_UNBLOCK, &its, NULL))
		return -errno;
	err = limit();
	if (err)
		return err;
	lapsed = 0;
	return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) ? -errno : 0;
}

bool vrrp_realtime_lapsed(void)
{
	return lapsed;
}
