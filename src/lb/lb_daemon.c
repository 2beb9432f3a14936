/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_daemon.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/bpf_pins.h"
#include "common/ctl_rundir.h"
#include "common/ctl_server.h"
#include "common/log.h"
#include "common/log_conf.h"
#include "lb/lb_apply.h"
#include "lb/lb_conf.h"
#include "lb/lb_ctl.h"
#include "lb/lb_reset.h"
#include "lb/lb_store.h"
#include "lb/lb_sync.h"
#include "lb/lb_table.h"

#define EVENTS_KEPT  1000
#define AGAIN_S      1.   /* until connection sync that could not begin is tried again */
#define SAVE_DELAY_S 0.05 /* changes of health and config are saved together, after the answer is given */

struct daemon {
	const struct daemon_options *options;
	int lock; /* of the run directory */
	bool begin_empty;
	struct ev_loop *loop;
	struct lb_bpf bpf;
	struct lb_live live;
	struct lb_age age;
	struct lb_links *links;
	struct lb_reset *reset;
	struct lb_sync *sync; /* NULL: no peer is configured, or sync_error says why not */
	char sync_error[300];
	struct lb_ctl ctl;
	struct ctl_server *server;
	struct event_log *events;
	ev_signal on_hup, on_term, on_int;
	ev_timer save, peer_again;
};

/* ---- events ---- */

static void on_event(void *data, const char *subject, const char *event, const char *cause)
{
	struct daemon *d = data;

	event_log_add(d->events, lb_live_wall_ms(), subject, event, cause);
	log_info("%s: %s: %s", subject, event, cause);
}

static void save_now(struct daemon *d)
{
	int err;

	ev_timer_stop(d->loop, &d->save);
	err = lb_store_save(&d->live, d->options->run_dir);
	if (err)
		log_warn("cannot save the state to %s: %s; a restart will check all backends anew",
			d->options->run_dir, strerror(-err));
}

static void on_save(struct ev_loop *loop, ev_timer *timer, int events)
{
	save_now(timer->data);
}

static void on_changed(void *data, bool by_operator)
{
	struct daemon *d = data;

	if (by_operator && d->sync)
		lb_sync_refresh(d->sync);
	if (by_operator)
		save_now(d);
	else if (!ev_is_active(&d->save)) {
		ev_timer_set(&d->save, SAVE_DELAY_S, 0.);
		ev_timer_start(d->loop, &d->save);
	}
}

static void on_went_down(void *data, uint16_t backend)
{
	struct daemon *d = data;

	if (d->reset)
		lb_reset_backend(d->reset, backend);
}

static bool on_device_is_down(void *data, uint32_t ifindex)
{
	struct daemon *d = data;

	return d->links && lb_links_is_down(d->links, ifindex);
}

/* ---- the pair ---- */

static void follow_peer(struct daemon *d);

static void on_peer_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	follow_peer(timer->data);
}

/* What is wrong is told once, and that it is over. */
static void look_at_sync_error(struct daemon *d, const char *before)
{
	const struct conf_peer *peer = &d->live.model.peer;
	char subject[sizeof(peer->node) + 8];

	if (d->sync_error[0]) {
		ev_timer_init(&d->peer_again, on_peer_again, AGAIN_S, 0.);
		d->peer_again.data = d;
		ev_timer_start(d->loop, &d->peer_again);
	}
	if (strcmp(d->sync_error, before) == 0)
		return;
	snprintf(subject, sizeof(subject), "peer %s", peer->node);
	if (d->sync_error[0])
		on_event(d, subject, "failed", d->sync_error);
	else if (d->sync)
		on_event(d, subject, "mended", "the key file was read");
}

/* Connection sync as the config in force wants it. Where it cannot be, the rest goes on, and it is tried again. */
static void follow_peer(struct daemon *d)
{
	const struct conf_peer *peer = &d->live.model.peer;
	const char *node = d->live.model.node;
	char before[sizeof(d->sync_error)];
	int err = 0;

	memcpy(before, d->sync_error, sizeof(before));
	ev_timer_stop(d->loop, &d->peer_again);
	d->sync_error[0] = 0;
	if (d->sync)
		err = peer->configured
			      ? lb_sync_reload(d->sync, peer, node, d->sync_error, sizeof(d->sync_error))
			      : -ENOTUNIQ;
	if (err == -ENOTUNIQ) {
		lb_sync_close(d->sync);
		d->sync = NULL;
	}
	if (d->sync)
		lb_sync_refresh(d->sync);
	else if (peer->configured)
		lb_sync_open(&d->sync, d->loop, &d->live, &d->age, peer, node, on_event, d, d->sync_error,
			sizeof(d->sync_error));
	d->ctl.sync = d->sync;
	look_at_sync_error(d, before);
}

/* ---- reload ---- */

static bool sizes_differ(const struct lb_bpf_sizes *is, const struct lb_dataplane *wanted)
{
	return is->flows != wanted->max_flows || is->half_open != wanted->max_half_open ||
	       is->services != wanted->max_services || is->backends != wanted->max_backends ||
	       is->sticky != wanted->max_sticky;
}

static int reload(void *data, char *text, size_t size)
{
	struct daemon *d = data;
	struct conf_errors errors;
	struct lb_model model;
	char summary[300];
	int err = lb_conf_load(d->options->config, d->options->node, &model, &errors);

	if (err) {
		log_conf_errors(&errors);
		snprintf(text, size, "%.1000s%s",
			errors.shown ? errors.error[0].text : "the config cannot be loaded",
			errors.count > 1
				? " (and more; 'tandemctl check' shows all); the running config stays"
				: "; the running config stays");
		on_event(d, "config", "refused", text);
		return err;
	}
	err = lb_apply(&d->live, &model, summary, sizeof(summary), text, size);
	if (err) {
		on_event(d, "config", "refused", text);
		lb_model_clear(&model);
		return err;
	}
	const struct lb_dataplane *dp = &d->live.model.dataplane;

	if (d->links)
		lb_links_set_interfaces(d->links, dp->interfaces, dp->interface_count);
	follow_peer(d);
	d->ctl.loaded_ms = lb_live_steady_ms();
	snprintf(text, size, "%s: %s%s%s%s", d->options->config, summary,
		sizes_differ(&d->bpf.sizes, dp)
			? "; the dataplane keeps the sizes it was made with until a start with --reset"
			: "",
		d->sync_error[0] ? "; trouble with the peer: " : "", d->sync_error);
	on_event(d, "config", "loaded", text);
	return 0;
}

static void on_sighup(struct ev_loop *loop, ev_signal *signal, int events)
{
	char text[1200];

	reload(signal->data, text, sizeof(text));
}

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

/* ---- start ---- */

static struct lb_bpf_sizes sizes_for(const struct lb_model *model)
{
	const struct lb_dataplane *dp = &model->dataplane;
	struct lb_bpf_sizes sizes = {.flows = dp->max_flows,
		.half_open = dp->max_half_open,
		.services = dp->max_services,
		.pools = dp->max_services,
		.backends = dp->max_backends,
		.sticky = dp->max_sticky};
	size_t slots = 0;

	for (size_t i = 0; i < model->pool_count; i++)
		slots += lb_table_bound(&model->pools[i]);
	/* Twice what the config can need, to have the old and the new side by side, and as much again to grow. */
	sizes.table_slots = (uint32_t)(slots * 4 > (1 << 18) ? slots * 4 : 1 << 18);
	return sizes;
}

static void adopt(struct daemon *d)
{
	char error[400];
	int err = lb_store_load(&d->live, d->options->run_dir, error, sizeof(error));

	if (err && err != -ENOENT)
		log_warn("%s; its flows go on, backends are checked anew", error);
	else if (err)
		log_warn(
			"the pinned dataplane has no state file in %s; its flows go on, backends are checked anew",
			d->options->run_dir);
	lb_store_assume_all(&d->live);
}

static void watch_signals(struct daemon *d)
{
	ev_signal_init(&d->on_hup, on_sighup, SIGHUP);
	ev_signal_init(&d->on_term, on_stop, SIGTERM);
	ev_signal_init(&d->on_int, on_stop, SIGINT);
	d->on_hup.data = d;
	ev_signal_start(d->loop, &d->on_hup);
	ev_signal_start(d->loop, &d->on_term);
	ev_signal_start(d->loop, &d->on_int);
	signal(SIGPIPE, SIG_IGN);
}

static int start_live(struct daemon *d, struct lb_model *model)
{
	char error[400], summary[300];
	int err = lb_live_open(&d->live, d->loop, &d->bpf);

	if (err) {
		log_error("out of memory");
		return err;
	}
	d->live.data = d;
	if (d->bpf.adopted)
		adopt(d);
	/* lb_store_load may have begun anew. */
	d->live.report = on_event;
	d->live.changed = on_changed;
	d->live.went_down = on_went_down;
	d->live.device_is_down = on_device_is_down;
	d->live.data = d;
	if (sizes_differ(&d->bpf.sizes, &model->dataplane))
		log_warn(
			"the adopted dataplane keeps the sizes it was made with; --reset makes a new one and drops its flows");
	err = lb_apply(&d->live, model, summary, sizeof(summary), error, sizeof(error));
	if (err) {
		log_error("%s: %s", d->options->config, error);
		return err;
	}
	if (d->bpf.adopted)
		lb_apply_purge(&d->live);
	on_event(d, "config", d->bpf.adopted ? "adopted" : "loaded", summary);
	save_now(d);
	return 0;
}

/* The run directory was emptied. */
static void on_restored(void *ctx)
{
	save_now(((struct lb_ctl *)ctx)->data);
}

static int start(struct daemon *d, struct lb_model *model)
{
	struct ctl_server_options server = {.rundir = d->options->run_dir,
		.name = "lb",
		.lock = &d->lock,
		.restored = on_restored,
		.handle = lb_ctl_handle,
		.ctx = &d->ctl};
	struct lb_bpf_sizes sizes = sizes_for(model);
	char pins[256], error[300];
	int err;

	bpf_pin_dir(d->options->run_dir, pins, sizeof(pins));
	err = lb_bpf_open(&d->bpf, &sizes, pins, d->begin_empty);
	if (err)
		return err;
	d->save.data = d;
	ev_init(&d->save, on_save);
	d->save.data = d;
	if (lb_reset_open(&d->reset, d->loop, &d->bpf))
		return -ENOMEM;
	err = start_live(d, model);
	if (!err)
		err = lb_links_open(&d->links, d->loop, &d->bpf, on_event, d);
	if (!err)
		err = lb_links_set_interfaces(d->links, d->live.model.dataplane.interfaces,
			d->live.model.dataplane.interface_count);
	if (!err)
		lb_bpf_prune(&d->bpf);
	if (!err)
		err = lb_age_start(&d->age, &d->live);
	if (err)
		return err;
	d->ctl = (struct lb_ctl){.live = &d->live,
		.age = &d->age,
		.links = d->links,
		.events = d->events,
		.config = d->options->config,
		.started_ms = lb_live_steady_ms(),
		.loaded_ms = lb_live_steady_ms(),
		.sync_error = d->sync_error,
		.reload = reload,
		.data = d};
	follow_peer(d);
	err = ctl_server_open(&d->server, d->loop, &server, error, sizeof(error));
	if (err)
		log_error("%s", error);
	return err;
}

static void stop(struct daemon *d)
{
	ctl_server_close(d->server);
	lb_sync_close(d->sync);
	d->sync = NULL;
	lb_age_stop(&d->age);
	lb_links_close(d->links);
	if (ev_is_active(&d->save))
		save_now(d);
	if (d->live.bpf)
		lb_live_close(&d->live);
	lb_reset_close(d->reset);
	lb_bpf_close(&d->bpf);
}

int lb_daemon_run(const struct daemon_options *options, bool reset, struct lb_model *model)
{
	static struct daemon instance;
	struct daemon *d = &instance;
	char error[300];
	int err;

	d->options = options;
	d->begin_empty = reset;
	d->lock = ctl_lock_rundir(d->options->run_dir, "lb", error, sizeof(error));
	if (d->lock < 0) {
		log_error("%s", error);
		return 1;
	}
	d->loop = ev_default_loop(0);
	d->events = event_log_new(EVENTS_KEPT);
	watch_signals(d);
	err = d->events ? start(d, model) : -ENOMEM;
	if (!err) {
		log_info("ready: %zu services, %zu pools, control socket in %s", d->live.model.service_count,
			d->live.model.pool_count, d->options->run_dir);
		ev_run(d->loop, 0);
		log_info("stopping; the dataplane goes on ('tandem-lb --remove -r %s' takes it away)",
			d->options->run_dir);
	}
	stop(d);
	event_log_free(d->events);
	ev_loop_destroy(d->loop);
	ctl_unlock_rundir(d->lock, d->options->run_dir, "lb");
	return err ? 1 : 0;
}

int lb_daemon_remove(const char *run_dir)
{
	char pins[256], error[300];
	int lock = ctl_lock_rundir(run_dir, "lb", error, sizeof(error));

	if (lock < 0) {
		log_error("%s", error);
		return 1;
	}
	bpf_pin_dir(run_dir, pins, sizeof(pins));

	int err = lb_bpf_remove(pins);
	char state[300];

	snprintf(state, sizeof(state), "%s/lb.state", run_dir);
	unlink(state);
	ctl_unlock_rundir(lock, run_dir, "lb");
	if (err)
		log_error("no dataplane of run dir %s is pinned at %s", run_dir, pins);
	else
		log_info("the dataplane of run dir %s is gone", run_dir);
	return err ? 1 : 0;
}
