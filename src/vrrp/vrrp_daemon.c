/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_daemon.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "common/ctl_rundir.h"
#include "common/ctl_server.h"
#include "common/log.h"
#include "common/log_conf.h"
#include "vrrp/vrrp_conf.h"
#include "vrrp/vrrp_ctl.h"
#include "vrrp/vrrp_guard.h"
#include "vrrp/vrrp_realtime.h"
#include "vrrp/vrrp_speaker.h"

#define EVENTS_KEPT   1000
#define FIFO_PRIORITY 10
#define RELAPSE_S     1.
#define MS            1000000LL
#define LEAVE_MAX_NS \
	(2000 * MS) /* the end waits at most that long for somebody to take over, and for the notify hook */

/* What outlives a speaker. */
struct begun {
	const struct daemon_options *options;
	int lock; /* of the run directory */
};

struct daemon {
	const struct daemon_options *options;
	int *lock;
	struct ev_loop *loop;
	struct vrrp_speaker speaker;
	struct vrrp_ctl ctl;
	struct ctl_server *server;
	struct event_log *events;
	ev_signal on_hup, on_term, on_int;
	ev_timer relapse;     /* looks whether real time has lapsed */
	ev_timer leave;       /* looks whether all is handed over */
	int64_t leave_before; /* ns */
	bool leaving;
	bool ended; /* the units have stopped; only the hook is waited for */
	char realtime[160];
};

/* ---- config ---- */

static int load(const struct daemon_options *o, struct vrrp_model *model, struct conf_errors *errors)
{
	int err = vrrp_conf_load(o->config, o->node, model, errors);

	if (err == -ENODATA)
		log_error("%s: has no vrrp section; 'vrrp = { instances = ( ... ); };' would do", o->config);
	return err;
}

static int reload(void *data, char *text, size_t size)
{
	struct daemon *d = data;
	struct conf_errors errors;
	struct vrrp_model model;
	int err;

	if (d->leaving || d->ended) {
		snprintf(text, size, "tandem-vrrp is ending; the config is not looked at");
		vrrp_speaker_event(&d->speaker, "config", "refused", text);
		return -ESHUTDOWN;
	}
	err = load(d->options, &model, &errors);
	if (err) {
		log_conf_errors(&errors);
		snprintf(text, size, "%.1000s%s",
			err == -ENODATA ? "the config has no vrrp section"
			: errors.shown  ? errors.error[0].text
					: "the config cannot be loaded",
			errors.count > 1
				? " (and more; 'tandemctl check' shows all); the running config stays"
				: "; the running config stays");
		vrrp_speaker_event(&d->speaker, "config", "refused", text);
		return err;
	}
	err = vrrp_speaker_apply(&d->speaker, &model, false);
	if (err) {
		snprintf(text, size, "%s; the running config stays", strerror(-err));
		vrrp_speaker_event(&d->speaker, "config", "refused", text);
		vrrp_model_clear(&model);
		return err;
	}
	d->ctl.loaded_at = vrrp_now();
	snprintf(text, size, "%s: %zu instances in %zu units%s%s", d->options->config,
		d->speaker.model->instance_count, d->speaker.model->unit_count,
		d->speaker.peer_error[0] ? "; trouble with the peer: " : "", d->speaker.peer_error);
	vrrp_speaker_event(&d->speaker, "config", "loaded", text);
	return 0;
}

static void on_sighup(struct ev_loop *loop, ev_signal *signal, int events)
{
	char text[1200];

	reload(signal->data, text, sizeof(text));
}

/* ---- the end ---- */

/* Longest time that a peer may take after priority 0: Skew_Time is at most one advert interval. */
static int64_t longest_skew(const struct vrrp_speaker *s)
{
	int64_t longest = 0;

	for (size_t i = 0; i < s->unit_count; i++)
		if (s->units[i]->fsm.config.interval_ns > longest)
			longest = s->units[i]->fsm.config.interval_ns;
	longest += longest / 8 + 20 * MS;
	return longest < LEAVE_MAX_NS ? longest : LEAVE_MAX_NS;
}

static void on_leave(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *d = timer->data;

	if (vrrp_now() < d->leave_before && vrrp_speaker_handing_over(&d->speaker))
		return;
	ev_break(loop, EVBREAK_ALL);
}

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct daemon *d = signal->data;

	if (d->leaving || d->speaker.model->resume) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	d->leaving = true;
	d->leave_before = vrrp_now() + longest_skew(&d->speaker);
	vrrp_speaker_offer(&d->speaker);
	ev_timer_set(&d->leave, 0., 0.005);
	ev_timer_start(loop, &d->leave);
}

static void on_hooks(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *d = timer->data;

	if (vrrp_now() >= d->leave_before || vrrp_notify_idle(d->speaker.notify))
		ev_break(loop, EVBREAK_ALL);
}

/* The hook hears of the last transitions too. */
static void finish_hooks(struct daemon *d)
{
	d->ended = true;
	d->leave_before = vrrp_now() + LEAVE_MAX_NS;
	ev_timer_stop(d->loop, &d->leave);
	ev_set_cb(&d->leave, on_hooks);
	ev_timer_set(&d->leave, 0., 0.005);
	ev_timer_start(d->loop, &d->leave);
	if (!vrrp_notify_idle(d->speaker.notify))
		ev_run(d->loop, 0);
	ev_timer_stop(d->loop, &d->leave);
}

/* ---- the beginning ---- */

static void go_realtime(struct daemon *d, bool wanted)
{
	int err;

	if (!wanted) {
		snprintf(d->realtime, sizeof(d->realtime), "off: the config says so");
		return;
	}
	err = -vrrp_realtime_on(FIFO_PRIORITY);
	/* On fault: the ward's empty slots need no memory. */
	if (!err && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		err = errno;
	if (err)
		snprintf(d->realtime, sizeof(d->realtime), "off: %s (needs CAP_SYS_NICE and CAP_IPC_LOCK)",
			strerror(err));
	else
		snprintf(d->realtime, sizeof(d->realtime), "on");
	if (err)
		log_warn("no real-time scheduling: %s; timers may be late on a busy machine", d->realtime);
	else
		ev_timer_start(d->loop, &d->relapse);
}

/* What took so long is over, or lets others run in between. */
static void on_relapse(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct daemon *d = timer->data;
	int err;

	if (!vrrp_realtime_lapsed())
		return;
	err = -vrrp_realtime_on(FIFO_PRIORITY);
	if (!err) {
		log_warn("ran for %d ms without a pause, so others got the processor; real-time again",
			VRRP_REALTIME_MS);
		return;
	}
	ev_timer_stop(loop, timer);
	snprintf(d->realtime, sizeof(d->realtime), "off: it ran for too long, and then: %s", strerror(err));
	log_warn("no real-time scheduling: %s; timers may be late on a busy machine", d->realtime);
}

static void watch_signals(struct daemon *d)
{
	sigset_t none;

	ev_signal_init(&d->on_hup, on_sighup, SIGHUP);
	ev_signal_init(&d->on_term, on_stop, SIGTERM);
	ev_signal_init(&d->on_int, on_stop, SIGINT);
	d->on_hup.data = d->on_term.data = d->on_int.data = d;
	ev_signal_start(d->loop, &d->on_hup);
	ev_signal_start(d->loop, &d->on_term);
	ev_signal_start(d->loop, &d->on_int);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int start(struct daemon *d, struct vrrp_ward *ward, struct vrrp_model *model, bool restarted)
{
	struct ctl_server_options server = {.rundir = d->options->run_dir,
		.name = "vrrp",
		.lock = d->lock,
		.handle = vrrp_ctl_handle,
		.ctx = &d->ctl};
	char error[300];
	int err = vrrp_speaker_open(&d->speaker, d->loop, ward, d->options->run_dir, d->events);

	if (err)
		return err;
	go_realtime(d, model->realtime);
	err = vrrp_speaker_apply(&d->speaker, model, restarted);
	if (err) {
		log_error("%s", strerror(-err));
		return err;
	}
	vrrp_ward_set_claimed(ward, true);
	d->ctl = (struct vrrp_ctl){.speaker = &d->speaker,
		.config = d->options->config,
		.started_at = vrrp_now(),
		.loaded_at = vrrp_now(),
		.realtime = d->realtime,
		.reload = reload,
		.data = d};
	err = ctl_server_open(&d->server, d->loop, &server, error, sizeof(error));
	if (err)
		log_error("%s", error);
	return err;
}

static int speak(void *data, struct vrrp_ward *ward, bool restarted)
{
	static struct daemon instance;
	struct daemon *d = &instance;
	struct begun *begun = data;
	struct conf_errors errors;
	struct vrrp_model model;
	int err;

	d->options = begun->options;
	d->lock = &begun->lock;
	err = load(d->options, &model, &errors);
	if (err) {
		log_conf_errors(&errors);
		return 2;
	}
	d->loop = ev_default_loop(0);
	d->events = event_log_new(EVENTS_KEPT);
	ev_init(&d->leave, on_leave);
	d->leave.data = d;
	ev_timer_init(&d->relapse, on_relapse, RELAPSE_S, RELAPSE_S);
	d->relapse.data = d;
	watch_signals(d);
	err = d->events ? start(d, ward, &model, restarted) : -ENOMEM;
	if (!err) {
		log_info("ready: %zu instances, control socket in %s", d->speaker.model->instance_count,
			d->options->run_dir);
		ev_run(d->loop, 0);
		log_info("stopping%s", !d->leaving && d->speaker.model->resume
					       ? "; a start within the down time goes on"
					       : "");
		vrrp_speaker_stop(&d->speaker, !d->leaving && d->speaker.model->resume);
		finish_hooks(d);
	}
	ctl_server_close(d->server);
	vrrp_model_clear(&model);
	vrrp_speaker_close(&d->speaker);
	event_log_free(d->events);
	ev_loop_destroy(d->loop);
	return err ? 1 : 0;
}

int vrrp_daemon_run(const struct daemon_options *options)
{
	struct begun begun = {.options = options};
	const char *run_dir = options->run_dir;
	struct vrrp_ward *ward;
	char error[300];
	size_t held = 0;
	int status;
	struct vrrp_held any;
	bool nothing_held;

	begun.lock = ctl_lock_rundir(run_dir, "vrrp", error, sizeof(error));
	if (begun.lock < 0 || vrrp_ward_open(&ward, run_dir, error, sizeof(error))) {
		log_error("%s", error);
		ctl_unlock_rundir(begun.lock, run_dir, "vrrp");
		return 1;
	}
	status = vrrp_guard_run(ward, speak, &begun);
	nothing_held = !vrrp_ward_next_held(ward, &held, &any);
	/* The speaker may have died: what it entered is nobody's now. */
	if (nothing_held)
		vrrp_lease_forget(run_dir);
	vrrp_ward_close(ward, nothing_held);
	ctl_unlock_rundir(begun.lock, run_dir, "vrrp");
	return status;
}
