/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "vrrp/vrrp_unit_inside.h"

#define MS       1000000LL
#define NS_PER_S 1e9

const char *vrrp_unit_state(const struct vrrp_unit *unit)
{
	return unit->fsm.state == VRRP_INITIALIZE && unit->blocked ? unit->block_kind
								   : vrrp_state_name(unit->fsm.state);
}

/* ---- timers ---- */

/* This process stood still, when a deadline is long over: once for each, whatever notices it. */
static void note_pause(struct vrrp_unit *unit)
{
	int64_t deadline = vrrp_fsm_deadline(&unit->fsm), late;

	if (deadline == VRRP_NEVER || deadline == unit->noted_deadline)
		return;
	late = vrrp_now() - deadline;
	if (late <= unit->fsm.config.interval_ns / 2)
		return;
	unit->noted_deadline = deadline;
	unit->pauses++;
	if (late > unit->longest_pause)
		unit->longest_pause = late;
	log_warn("%s: this process stood still for %lld ms; reading what came meanwhile", unit->name,
		(long long)(late / MS));
}

/*
 * After a pause (SIGSTOP, swap, a debugger) much may have arrived: it is read before anything is said, for a timer that
 * is long over is not news, but the advert in the buffer is.
 */
static void on_timer(void *data)
{
	struct vrrp_unit *unit = data;
	int64_t now;

	note_pause(unit);
	unit->ops->drain(unit->data);
	if (unit->fsm.state == VRRP_BACKUP && vrrp_now() >= unit->fsm.down_at && !vrrp_unit_may_take(unit))
		return;
	now = vrrp_now();
	if (now >= vrrp_fsm_deadline(&unit->fsm)) {
		vrrp_unit_step_plain(unit, VRRP_EVENT_TIMER);
		return;
	}
	vrrp_unit_keep_lease(unit, now);
	vrrp_timer_set(unit->timer, vrrp_unit_deadline(unit));
}

static void on_recheck(struct ev_loop *loop, ev_timer *timer, int events)
{
	vrrp_unit_look(timer->data);
}

/* ---- fit or not ---- */

static void fill_config(const struct vrrp_unit *unit, struct vrrp_fsm_config *out)
{
	const struct vrrp_instance *c = unit->members[0].conf;

	*out = (struct vrrp_fsm_config){.priority = unit->priority.priority,
		.version = c->version,
		.preempt = c->preempt,
		.interval_ns = (int64_t)c->interval_ms * MS,
		.preempt_delay_ns = (int64_t)c->preempt_delay_ms * MS,
		.announce_count = c->announce_count,
		.announce_interval_ns = (int64_t)c->announce_interval_ms * MS,
		.announce_refresh_ns = (int64_t)c->announce_refresh_s * 1000 * MS};
}

static bool same_config(const struct vrrp_fsm_config *a, const struct vrrp_fsm_config *b)
{
	return a->priority == b->priority && a->version == b->version && a->preempt == b->preempt &&
	       a->interval_ns == b->interval_ns && a->preempt_delay_ns == b->preempt_delay_ns &&
	       a->announce_count == b->announce_count && a->announce_interval_ns == b->announce_interval_ns &&
	       a->announce_refresh_ns == b->announce_refresh_ns;
}

static void reckon_priority(struct vrrp_unit *unit)
{
	size_t count = 0;
	const struct vrrp_priority_term *terms =
		unit->tracks ? vrrp_tracks_terms(unit->tracks, &count) : NULL;

	vrrp_priority_compute(unit->members[0].conf->priority, terms, count, &unit->priority);
}

/* "" when nothing is in the way. */
static const char *find_block(struct vrrp_unit *unit, char *cause, size_t size)
{
	cause[0] = 0;
	if (unit->priority.fitness == VRRP_FAULT) {
		snprintf(cause, size, "%s", unit->priority.cause);
		return "fault";
	}
	for (size_t i = 0; i < unit->member_count; i++)
		if (!unit->members[i].ready) {
			snprintf(cause, size, "%s%s%s",
				unit->conf->is_group ? unit->members[i].conf->name : "",
				unit->conf->is_group ? ": " : "", unit->members[i].waiting);
			return "waiting";
		}
	/* What runs does not stop because a reload asks something that nobody has answered yet. */
	if (unit->priority.fitness == VRRP_WAITING && unit->fsm.state == VRRP_INITIALIZE) {
		snprintf(cause, size, "%s", unit->priority.cause);
		return "waiting";
	}
	return NULL;
}

static void block(struct vrrp_unit *unit, const char *kind, const char *cause)
{
	bool same = unit->blocked && unit->block_kind == kind && strcmp(unit->cause, cause) == 0;

	unit->patient_until = 0;
	if (unit->start != VRRP_START_FRESH) {
		/* What was left to us cannot be used now. */
		unit->start = VRRP_START_FRESH;
		vrrp_unit_release(unit);
	}
	if (same)
		return;
	if (!unit->blocked && unit->fsm.state != VRRP_INITIALIZE)
		vrrp_flap_lost(&unit->flap, vrrp_now());
	unit->blocked = true;
	unit->block_kind = kind;
	snprintf(unit->cause, sizeof(unit->cause), "%s", cause);
	if (unit->fsm.state != VRRP_INITIALIZE)
		vrrp_unit_step_plain(unit, VRRP_EVENT_SHUTDOWN);
	else
		vrrp_unit_tell_state(unit, unit->cause);
}

/* True when it may start now; else a timer will ask again. */
static bool is_patience_over(struct vrrp_unit *unit)
{
	int64_t now = vrrp_now();

	if (!unit->patient_until)
		unit->patient_until = now + vrrp_flap_patience(&unit->flap, now);
	if (now >= unit->patient_until)
		return true;
	vrrp_unit_retry_soon(unit, (double)(unit->patient_until - now) / NS_PER_S + 0.001);
	return false;
}

static void start(struct vrrp_unit *unit)
{
	static const enum vrrp_event_type events[] = {[VRRP_START_FRESH] = VRRP_EVENT_STARTUP,
		[VRRP_START_INHERIT] = VRRP_EVENT_INHERIT,
		[VRRP_START_RESUME] = VRRP_EVENT_RESUME};
	enum vrrp_event_type event = events[unit->start];

	/* What is there becomes ours to take away. */
	if (unit->start == VRRP_START_INHERIT)
		vrrp_unit_acquire(unit, vrrp_now());
	/* The kernel shall not end it any more. */
	for (size_t i = 0; i < unit->member_count && unit->start == VRRP_START_RESUME; i++)
		vrrp_inst_leave(&unit->members[i], 0);
	unit->start = VRRP_START_FRESH;
	unit->blocked = false;
	unit->patient_until = 0;
	vrrp_unit_step_plain(unit, event);
}

static void look_and_start(struct vrrp_unit *unit)
{
	char cause[VRRP_UNIT_CAUSE_MAX];
	const char *kind;

	if (unit->stopped)
		return;
	reckon_priority(unit);
	kind = find_block(unit, cause, sizeof(cause));
	if (kind) {
		block(unit, kind, cause);
		return;
	}
	if (unit->fsm.config.priority != unit->priority.priority || unit->fsm.state == VRRP_INITIALIZE) {
		struct vrrp_fsm_config config;
		struct vrrp_event event = {.type = VRRP_EVENT_CONFIG, .config = &config};

		fill_config(unit, &config);
		vrrp_unit_step(unit, &event);
	}
	if (unit->fsm.state == VRRP_INITIALIZE && is_patience_over(unit))
		start(unit);
}

/* Active without an address is a black hole that the others obey: better to leave, and to try again with patience. */
static void leave_if_empty(struct vrrp_unit *unit)
{
	for (size_t i = 0; i < unit->member_count; i++)
		if (vrrp_inst_is_empty(&unit->members[i])) {
			char cause[VRRP_WAITING_MAX];

			snprintf(cause, sizeof(cause), "%s", unit->members[i].add_error);
			block(unit, "fault", cause);
			vrrp_unit_retry_soon(unit, VRRP_UNIT_RETRY_S);
			return;
		}
}

void vrrp_unit_look(struct vrrp_unit *unit)
{
	bool moved = false, again = false, said = false;
	size_t back = 0;

	if (unit->stopped)
		return;
	for (size_t i = 0; i < unit->member_count; i++)
		moved |= vrrp_inst_look(&unit->members[i], unit->start != VRRP_START_FRESH);
	for (size_t i = 0; i < unit->member_count; i++)
		if (vrrp_inst_wants_a_look(&unit->members[i]) && !ev_is_active(&unit->recheck))
			vrrp_unit_retry_soon(unit, VRRP_UNIT_RETRY_S);
	if (unit->tracks)
		vrrp_tracks_links(unit->tracks);
	look_and_start(unit);
	if (unit->fsm.state == VRRP_ACTIVE || unit->fsm.state == VRRP_HANDOVER) {
		for (size_t i = 0; i < unit->member_count; i++)
			back += vrrp_inst_put_back(&unit->members[i], &again, &said);
		if (again && !ev_is_active(&unit->recheck))
			vrrp_unit_retry_soon(unit, VRRP_UNIT_RETRY_S);
		if (said)
			unit->ops->tell(unit->data, unit, "address put back",
				"another program had removed it; see the log", false);
		leave_if_empty(unit);
	}
	if (moved || back)
		vrrp_unit_step_plain(unit, VRRP_EVENT_MOVED);
}

static void on_tracks(void *data)
{
	struct vrrp_unit *unit = data;
	uint8_t before = unit->priority.priority;
	char cause[96];

	look_and_start(unit);
	if (unit->priority.priority == before || unit->blocked)
		return;
	snprintf(cause, sizeof(cause), "effective priority %u, was %u", unit->priority.priority, before);
	unit->ops->tell(unit->data, unit, "priority", cause, false);
}

void vrrp_unit_heard(struct vrrp_unit *unit, size_t member, const struct vrrp_heard *heard)
{
	struct vrrp_event event = {.type = VRRP_EVENT_ADVERT, .heard = *heard};

	if (unit->stopped)
		return;
	note_pause(unit);
	/* One comparison decides for the whole unit: that of its first virtual router. */
	event.heard.leading = heard->leading && member == 0;
	event.heard.peer = event.heard.leading &&
			   unit->ops->is_peer(unit->data, unit, &unit->members[0].routers[0].heard_from);
	vrrp_unit_step(unit, &event);
}

/* ---- life ---- */

static int open_tracks(struct vrrp_unit *unit, const char *rundir)
{
	struct vrrp_tracks_env env = {.loop = unit->loop, .net = unit->shared->net, .rundir = rundir};
	struct vrrp_tracks *before = unit->tracks;
	size_t most = unit->conf->track_count, n = 0;
	struct vrrp_track *list;
	int err;

	for (size_t m = 0; m < unit->member_count; m++)
		most += unit->members[m].conf->track_count;
	list = calloc(most + 1, sizeof(*list));
	if (!list)
		return -ENOMEM; /* what was tracked goes on */
	for (size_t i = 0; unit->conf->is_group && i < unit->conf->track_count; i++)
		list[n++] = unit->conf->tracks[i];
	for (size_t m = 0; m < unit->member_count; m++)
		for (size_t i = 0; i < unit->members[m].conf->track_count; i++)
			list[n++] = unit->members[m].conf->tracks[i];
	err = n ? vrrp_tracks_open(&unit->tracks, &env, list, n, on_tracks, unit) : 0;
	if (err || !n)
		unit->tracks = NULL;
	else if (before)
		vrrp_tracks_inherit(unit->tracks, before);
	vrrp_tracks_close(before);
	free(list);
	return err;
}

int vrrp_unit_open(struct vrrp_unit **out, struct ev_loop *loop, const struct vrrp_shared *shared,
	const struct vrrp_unit_ops *ops, void *data, const struct vrrp_model *model, size_t index,
	const char *rundir)
{
	const struct vrrp_unit_model *conf = &model->units[index];
	struct vrrp_unit *unit = calloc(1, sizeof(*unit));
	struct vrrp_fsm_config config;
	int err;

	*out = unit;
	if (!unit)
		return -ENOMEM;
	unit->loop = loop;
	unit->shared = shared;
	unit->ops = ops;
	unit->data = data;
	unit->model = model;
	unit->conf = conf;
	unit->last_sent_at = VRRP_NEVER;
	unit->state_before = vrrp_state_name(VRRP_INITIALIZE);
	snprintf(unit->name, sizeof(unit->name), "%s", conf->name);
	ev_init(&unit->recheck, on_recheck);
	unit->recheck.data = unit;
	unit->members = calloc(conf->member_count, sizeof(*unit->members));
	if (!unit->members)
		return -ENOMEM;
	unit->member_count = conf->member_count;
	for (size_t i = 0; i < conf->member_count; i++)
		vrrp_inst_init(&unit->members[i], shared, &model->instances[conf->members[i]], unit->name);
	err = vrrp_timer_open(&unit->timer, shared->timers, on_timer, unit);
	if (!err)
		err = open_tracks(unit, rundir);
	if (!err)
		vrrp_unit_open_witnesses(unit);
	reckon_priority(unit);
	fill_config(unit, &config);
	vrrp_fsm_init(&unit->fsm, &config);
	return err;
}

void vrrp_unit_begin(struct vrrp_unit *unit)
{
	vrrp_unit_look(unit);
}

bool vrrp_unit_can_become(const struct vrrp_unit *unit, const struct vrrp_model *model, size_t index)
{
	const struct vrrp_unit_model *conf = &model->units[index];

	if (strcmp(unit->name, conf->name) != 0 || unit->member_count != conf->member_count)
		return false;
	for (size_t i = 0; i < unit->member_count; i++) {
		const struct vrrp_instance *a = unit->members[i].conf,
					   *b = &model->instances[conf->members[i]];

		if (strcmp(a->name, b->name) != 0 || strcmp(a->interface, b->interface) != 0 ||
			a->vrid != b->vrid || a->version != b->version || a->virtual_mac != b->virtual_mac ||
			!a->ipv4_count != !b->ipv4_count || !a->ipv6_count != !b->ipv6_count ||
			(a->priority == VRRP_PRIORITY_OWNER) != (b->priority == VRRP_PRIORITY_OWNER))
			return false;
	}
	return true;
}

static bool same_tracks(
	const struct vrrp_track *a, size_t a_count, const struct vrrp_track *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!vrrp_track_equal(&a[i], &b[i]))
			return false;
	return true;
}

int vrrp_unit_become(struct vrrp_unit *unit, const struct vrrp_model *model, size_t index, const char *rundir)
{
	const struct vrrp_unit_model *conf = &model->units[index];
	bool same = same_tracks(unit->conf->tracks, unit->conf->track_count, conf->tracks, conf->track_count);
	struct vrrp_fsm_config config;
	struct vrrp_event event = {.type = VRRP_EVENT_CONFIG, .config = &config};
	bool came = false;
	int err = 0;

	for (size_t i = 0; i < unit->member_count; i++) {
		const struct vrrp_instance *a = unit->members[i].conf,
					   *b = &model->instances[conf->members[i]];

		same &= same_tracks(a->tracks, a->track_count, b->tracks, b->track_count);
		came |= vrrp_inst_reconfigure(&unit->members[i], b);
	}
	unit->model = model;
	unit->conf = conf;
	if (!same)
		err = open_tracks(unit, rundir);
	vrrp_unit_open_witnesses(unit);
	reckon_priority(unit);
	fill_config(unit, &config);
	if (!same_config(&config, &unit->fsm.config))
		vrrp_unit_step(unit, &event);
	vrrp_unit_look(unit);
	if (came)
		vrrp_unit_step_plain(unit, VRRP_EVENT_MOVED);
	return err;
}

static void end(struct vrrp_unit *unit)
{
	unit->stopped = true;
	ev_timer_stop(unit->loop, &unit->recheck);
	vrrp_tracks_close(unit->tracks);
	vrrp_unit_close_witnesses(unit);
	unit->tracks = NULL;
}

void vrrp_unit_stop(struct vrrp_unit *unit, const char *cause)
{
	if (!unit->stopped && unit->fsm.state != VRRP_INITIALIZE) {
		snprintf(unit->cause, sizeof(unit->cause), "%s", cause);
		vrrp_unit_step_plain(unit, VRRP_EVENT_SHUTDOWN);
	}
	end(unit);
	for (size_t i = 0; i < unit->member_count; i++)
		vrrp_inst_clear(&unit->members[i]);
}

void vrrp_unit_suspend(struct vrrp_unit *unit)
{
	/* Whole seconds is what the kernel counts in; the peers' down interval is never shorter than three adverts. */
	uint32_t expire_s = (uint32_t)((3 * unit->fsm.config.interval_ns + 999 * MS) / (1000 * MS));

	vrrp_timer_set(unit->timer, VRRP_TIMER_OFF);
	if (unit->fsm.state != VRRP_ACTIVE) {
		vrrp_unit_stop(unit, "suspended");
		return;
	}
	for (size_t i = 0; i < unit->member_count; i++)
		vrrp_inst_leave(&unit->members[i], expire_s);
	end(unit);
}

void vrrp_unit_close(struct vrrp_unit *unit)
{
	if (!unit)
		return;
	ev_timer_stop(unit->loop, &unit->recheck);
	vrrp_tracks_close(unit->tracks);
	vrrp_unit_close_witnesses(unit);
	vrrp_timer_close(unit->timer);
	free(unit->members);
	free(unit);
}
