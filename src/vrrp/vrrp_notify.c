/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue before the notify hook; see vrrp_notify.h. How a program is run is vrrp_exec's. */
#include "vrrp/vrrp_notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <ev.h>

#include "common/clean_text.h"
#include "common/log.h"
#include "vrrp/vrrp_exec.h"

#define RETRY_S 1. /* after the system had no process to give */

struct waiting {
	TAILQ_ENTRY(waiting) link;
	bool superseded; /* a later one of this unit waits too */
	struct vrrp_notice notice;
};

struct vrrp_notify {
	struct ev_loop *loop;
	struct vrrp_program *program; /* NULL: none */
	struct vrrp_exec *exec;       /* NULL: nothing runs */
	struct vrrp_notice running;
	TAILQ_HEAD(, waiting) queue; /* oldest first */
	ev_timer retry;
	struct vrrp_notify_counters counters;
};

static void run_next(struct vrrp_notify *notify);

static void drop(struct vrrp_notify *notify, struct waiting *w)
{
	TAILQ_REMOVE(&notify->queue, w, link);
	notify->counters.waiting--;
	free(w);
}

static void on_done(void *data, int status, const char *text)
{
	struct vrrp_notify *notify = data;
	const struct vrrp_notice *n = &notify->running;

	notify->exec = NULL;
	if (status == 0)
		notify->counters.run++;
	else if (status == -ETIMEDOUT)
		notify->counters.timed_out++;
	else
		notify->counters.failed++;
	if (status)
		log_warn("notify hook for %s %s, %s to %s: %s", n->kind, n->unit, n->from, n->to, text);
	run_next(notify);
}

static int start(struct vrrp_notify *notify, char *error, size_t error_size)
{
	const struct vrrp_notice *n = &notify->running;
	char priority[8], from[64], to[64], cause[sizeof(n->cause) + 32], time_ms[48], seq[48];
	const char *extra[] = {n->kind, n->unit, n->to, priority, NULL};
	const char *env[] = {from, to, cause, time_ms, seq, NULL};
	int len = snprintf(cause, sizeof(cause), "TANDEM_CAUSE=");

	clean_text(cause + len, sizeof(cause) - (size_t)len, n->cause);
	snprintf(priority, sizeof(priority), "%u", n->priority);
	snprintf(from, sizeof(from), "TANDEM_FROM=%s", n->from);
	snprintf(to, sizeof(to), "TANDEM_TO=%s", n->to);
	snprintf(time_ms, sizeof(time_ms), "TANDEM_TIME_MS=%" PRIu64, n->time_ms);
	snprintf(seq, sizeof(seq), "TANDEM_SEQ=%" PRIu64, n->seq);
	return vrrp_exec_start(
		&notify->exec, notify->loop, notify->program, extra, env, on_done, notify, error, error_size);
}

static void run_next(struct vrrp_notify *notify)
{
	struct waiting *w = TAILQ_FIRST(&notify->queue);
	char error[256];
	int rc;

	if (!w || !notify->program || notify->exec || ev_is_active(&notify->retry))
		return;
	notify->running = w->notice;
	rc = start(notify, error, sizeof(error));
	if (rc == -EAGAIN || rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE) {
		/* A shortage passes, and the hook should still hear of it. */
		log_warn("notify hook: %s; trying again in %.0f s", error, RETRY_S);
		ev_timer_set(&notify->retry, RETRY_S, 0.);
		ev_timer_start(notify->loop, &notify->retry);
		return;
	}
	drop(notify, w);
	if (rc) {
		notify->counters.failed++;
		log_warn("notify hook for %s %s: %s", notify->running.kind, notify->running.unit, error);
		/* Not from here: a long queue would be a deep recursion. */
		ev_timer_set(&notify->retry, 0., 0.);
		ev_timer_start(notify->loop, &notify->retry);
	}
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	run_next(w->data);
}

static bool same_unit(const struct vrrp_notice *a, const struct vrrp_notice *b)
{
	return !strcmp(a->unit, b->unit) && !strcmp(a->kind, b->kind);
}

/* The one that is the newest of its unit so far is not any more. */
static void supersede(struct vrrp_notify *notify, const struct vrrp_notice *by)
{
	struct waiting *w;

	TAILQ_FOREACH(w, &notify->queue, link)
	if (!w->superseded && same_unit(&w->notice, by)) {
		w->superseded = true;
		return;
	}
}

/* The oldest that a later one makes up for. There always is one: there is room for more than there are units. But units
 * of the config before a reload may still wait; then it is the oldest of all. */
static void make_room(struct vrrp_notify *notify)
{
	struct waiting *w;

	TAILQ_FOREACH(w, &notify->queue, link)
	if (w->superseded)
		break;
	if (!w)
		w = TAILQ_FIRST(&notify->queue);
	if (notify->counters.skipped++ == 0)
		log_warn("notify hook: %zu transitions wait for it, some are skipped from now on",
			notify->counters.waiting);
	drop(notify, w);
}

void vrrp_notify_push(struct vrrp_notify *notify, const struct vrrp_notice *notice)
{
	struct waiting *w;

	if (!notify->program)
		return;
	w = malloc(sizeof(*w));
	if (!w) {
		notify->counters.skipped++;
		log_warn("notify hook for %s %s: out of memory", notice->kind, notice->unit);
		return;
	}
	w->superseded = false;
	w->notice = *notice;
	supersede(notify, notice);
	if (notify->counters.waiting == VRRP_NOTIFY_WAITING_MAX)
		make_room(notify);
	TAILQ_INSERT_TAIL(&notify->queue, w, link);
	notify->counters.waiting++;
	run_next(notify);
}

int vrrp_notify_set(struct vrrp_notify *notify, const struct vrrp_command *command)
{
	struct vrrp_program *program;
	int rc = vrrp_program_make(&program, command);

	if (rc)
		return rc;
	vrrp_program_free(notify->program);
	notify->program = program;
	while (!program && !TAILQ_EMPTY(&notify->queue)) {
		drop(notify, TAILQ_FIRST(&notify->queue));
		notify->counters.skipped++;
	}
	return 0;
}

int vrrp_notify_open(struct vrrp_notify **out, struct ev_loop *loop, const struct vrrp_command *command)
{
	struct vrrp_notify *notify = calloc(1, sizeof(*notify));

	*out = NULL;
	if (!notify)
		return -ENOMEM;
	notify->loop = loop;
	TAILQ_INIT(&notify->queue);
	ev_timer_init(&notify->retry, on_retry, 0., 0.);
	notify->retry.data = notify;
	if (vrrp_notify_set(notify, command)) {
		vrrp_notify_close(notify);
		return -ENOMEM;
	}
	*out = notify;
	return 0;
}

void vrrp_notify_read(const struct vrrp_notify *notify, struct vrrp_notify_counters *out)
{
	*out = notify->counters;
}

bool vrrp_notify_idle(const struct vrrp_notify *notify)
{
	return !notify->exec && TAILQ_EMPTY(&notify->queue);
}

void vrrp_notify_close(struct vrrp_notify *notify)
{
	if (!notify)
		return;
	vrrp_exec_kill(notify->exec);
	ev_timer_stop(notify->loop, &notify->retry);
	while (!TAILQ_EMPTY(&notify->queue))
		drop(notify, TAILQ_FIRST(&notify->queue));
	vrrp_program_free(notify->program);
	free(notify);
}
