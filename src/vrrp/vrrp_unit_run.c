/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out what a unit's state machine decided: adverts, the lease, addresses, announcements, words. The lease comes
 * before the addresses and ends with them (vrrp_stamp says how long it lasts); at a takeover: flows, which tandem-lb has
 * committed already, lease, addresses, announcement, notify.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "vrrp/vrrp_stamp.h"
#include "vrrp/vrrp_unit_inside.h"

#define TELL_EVERY_NS INT64_C(10000000000)

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void vrrp_unit_retry_soon(struct vrrp_unit *unit, double after_s)
{
	ev_timer_stop(unit->loop, &unit->recheck);
	ev_timer_set(&unit->recheck, after_s, 0.);
	ev_timer_start(unit->loop, &unit->recheck);
}

/* ---- the lease ---- */

static void begin_grace(struct vrrp_unit *unit, int64_t now)
{
	vrrp_lease_take(unit->shared->lease, unit->slot, now, unit->shared->grace_ns);
}

/* now, here and below: what the state machine was given. */
static void stamp(struct vrrp_unit *unit, int64_t now)
{
	int64_t until = vrrp_stamp_until(&unit->fsm, now);

	if (!unit->leased || !until)
		return;
	if (vrrp_stamp_takes_anew(vrrp_lease_until(unit->shared->lease, unit->slot), now, unit->judge.rival))
		begin_grace(unit, now);
	vrrp_lease_stamp(unit->shared->lease, unit->slot, until);
}

/* Whoever had it before: a speaker that goes on for one that died takes nothing over, while its stamp lasts. */
static void take_lease(struct vrrp_unit *unit, int64_t now)
{
	bool goes_on = unit->fsm.cause == VRRP_CAUSE_RESUMED || unit->fsm.cause == VRRP_CAUSE_INHERITED ||
		       unit->fsm.state == VRRP_INITIALIZE;

	if (!unit->leased && !goes_on)
		begin_grace(unit, now);
	unit->leased = true;
	stamp(unit, now);
}

static void release_lease(struct vrrp_unit *unit)
{
	struct vrrp_lease *lease = unit->shared->lease;

	if (unit->leased)
		vrrp_lease_stamp(lease, unit->slot,
			vrrp_stamp_released(vrrp_lease_until(lease, unit->slot), vrrp_now()));
	else
		vrrp_lease_stamp(lease, unit->slot, 0);
	vrrp_lease_take(lease, unit->slot, 0, 0); /* what lingers is not held */
	unit->leased = false;
}

void vrrp_unit_keep_lease(struct vrrp_unit *unit, int64_t now)
{
	if (unit->fsm.state != VRRP_HANDOVER) {
		unit->keep_at = 0;
		return;
	}
	if (now < unit->keep_at)
		return;
	stamp(unit, now);
	unit->keep_at = vrrp_stamp_again_at(&unit->fsm, now);
}

int64_t vrrp_unit_deadline(const struct vrrp_unit *unit)
{
	int64_t at = vrrp_fsm_deadline(&unit->fsm);

	return unit->fsm.state == VRRP_HANDOVER && unit->keep_at < at ? unit->keep_at : at;
}

/* ---- actions ---- */

/* Why an advert did not leave this node: then others may well believe that it is gone. Peers that cannot be reached are
 * another matter. */
static bool is_ours(int err)
{
	return err == -ENETDOWN || err == -ENODEV || err == -ENOBUFS || err == -EAGAIN || err == -EINVAL ||
	       err == -EADDRNOTAVAIL || err == -EPERM;
}

static void tell_of(struct vrrp_unit *unit, const struct vrrp_inst *inst, const struct vrrp_router *router,
	const char *event, const char *why)
{
	char cause[VRRP_UNIT_CAUSE_MAX];
	bool named = unit->conf->is_group;

	snprintf(cause, sizeof(cause), "%s%sIPv%d, vrid %u on %s%s%s", named ? inst->conf->name : "",
		named ? ": " : "", router->family == AF_INET ? 4 : 6, inst->conf->vrid, inst->conf->interface,
		*why ? ": " : "", why);
	unit->ops->tell(unit->data, unit, event, cause, false);
}

/*
 * Others believe that this node is gone when its adverts do not leave it, and take over beside it. Told once for each change,
 * but not more often than that: what is left is told by a later advert.
 */
static void tell_sending(struct vrrp_unit *unit, const struct vrrp_inst *inst, struct vrrp_router *router)
{
	char why[VRRP_UNIT_CAUSE_MAX / 2];
	int64_t now = vrrp_now();

	if (router->send_error == router->told_error ||
		(router->told_at && now - router->told_at < TELL_EVERY_NS))
		return;
	router->told_error = router->send_error;
	router->told_at = now;
	tell_of(unit, inst, router, router->send_error ? "adverts not sent" : "adverts sent again",
		vrrp_router_send_trouble(router, why, sizeof(why)));
}

/* Clients go on sending to the node that had the addresses. With what stops the adverts too it is told of these. */
static void tell_unannounced(
	struct vrrp_unit *unit, const struct vrrp_inst *inst, struct vrrp_router *router, int err)
{
	char why[VRRP_UNIT_CAUSE_MAX / 2];
	int64_t now = vrrp_now();

	if (!err || err == router->send_error ||
		(router->unannounced_told_at && now - router->unannounced_told_at < TELL_EVERY_NS))
		return;
	router->unannounced_told_at = now;
	tell_of(unit, inst, router, "announcement not sent", vrrp_router_why_unsent(err, why, sizeof(why)));
}

/* Why one leaves is told anyway, of its last words nothing. So is a link that goes down, a moment after the first advert that
 * it does not take. */
static int say(
	struct vrrp_unit *unit, const struct vrrp_inst *inst, struct vrrp_router *router, uint8_t priority)
{
	int before = router->send_error, err = vrrp_router_advertise(router, priority);
	bool link_is_down = err == -ENETDOWN || err == -ENODEV;

	if (priority && (!link_is_down || err == before))
		tell_sending(unit, inst, router);
	return err;
}

static void advertise(struct vrrp_unit *unit, uint8_t priority, int64_t now)
{
	int64_t boottime = vrrp_boottime();
	bool left = false;

	for (size_t i = 0; i < unit->member_count; i++)
		for (size_t r = 0; r < unit->members[i].router_count; r++)
			if (unit->members[i].ifindex)
				left |= !is_ours(
					say(unit, &unit->members[i], &unit->members[i].routers[r], priority));
	unit->last_sent_at = vrrp_now();
	if (left)
		stamp(unit, now);
	/* Nobody can take over before three intervals are over, but who preempts; Skew_Time is for them to add. */
	if (priority)
		vrrp_ward_advertised(
			unit->shared->ward, unit->name, boottime, 3 * unit->fsm.config.interval_ns);
	else
		vrrp_ward_not_active(unit->shared->ward, unit->name);
}

void vrrp_unit_acquire(struct vrrp_unit *unit, int64_t now)
{
	size_t failed = 0;

	take_lease(unit, now);
	unit->takeover.leased = vrrp_now();
	for (size_t i = 0; i < unit->member_count; i++)
		failed += vrrp_inst_acquire(&unit->members[i]);
	unit->takeover.there = vrrp_now();
	if (failed)
		vrrp_unit_retry_soon(unit, VRRP_UNIT_RETRY_S);
}

void vrrp_unit_release(struct vrrp_unit *unit)
{
	release_lease(unit);
	for (size_t i = 0; i < unit->member_count; i++)
		vrrp_inst_release(&unit->members[i]);
	vrrp_ward_not_active(unit->shared->ward, unit->name);
}

static void announce(struct vrrp_unit *unit)
{
	for (size_t i = 0; i < unit->member_count; i++)
		for (size_t r = 0; r < unit->members[i].router_count; r++)
			if (unit->members[i].ifindex)
				tell_unannounced(unit, &unit->members[i], &unit->members[i].routers[r],
					vrrp_router_announce(&unit->members[i].routers[r]));
	if (unit->takeover.announced < unit->takeover.there)
		unit->takeover.announced = vrrp_now();
}

void vrrp_unit_tell_state(struct vrrp_unit *unit, const char *cause)
{
	unit->since_ms = wall_ms();
	unit->transitions++;
	if (cause != unit->cause)
		snprintf(unit->cause, sizeof(unit->cause), "%s", cause);
	unit->ops->tell(unit->data, unit, vrrp_unit_state(unit), unit->cause, true);
	unit->state_before = vrrp_unit_state(unit);
}

/* The state machine's cause, with what it cannot know: who was heard, and why the unit had to leave. */
static void explain(const struct vrrp_unit *unit, enum vrrp_cause cause, char *out, size_t size)
{
	const struct vrrp_router *last = NULL;
	char from[ADDR_TEXT_MAX];
	bool names_peer = cause == VRRP_CAUSE_HIGHER_PRIORITY || cause == VRRP_CAUSE_HIGHER_ADDRESS ||
			  cause == VRRP_CAUSE_ACCEPTED || cause == VRRP_CAUSE_PEER_LEFT ||
			  cause == VRRP_CAUSE_PREEMPTED || cause == VRRP_CAUSE_SILENCE ||
			  cause == VRRP_CAUSE_STALLED;

	for (size_t i = 0; i < unit->member_count; i++)
		last = vrrp_router_later(last, vrrp_inst_last_heard(&unit->members[i]));
	if (cause == VRRP_CAUSE_SHUTDOWN)
		snprintf(out, size, "%s", unit->cause);
	else if (names_peer && last)
		snprintf(out, size, "%s (last heard: %s, priority %u)", vrrp_cause_text(cause),
			addr_format(&last->heard_from, from), last->heard_priority);
	else
		snprintf(out, size, "%s", vrrp_cause_text(cause));
}

static void tell_transition(struct vrrp_unit *unit, const struct vrrp_action *action)
{
	char cause[VRRP_UNIT_CAUSE_MAX];

	explain(unit, action->cause, cause, sizeof(cause));
	if (action->to == VRRP_ACTIVE)
		unit->takeover.told = vrrp_now();
	vrrp_unit_tell_state(unit, cause);
}

static void run(struct vrrp_unit *unit, const struct vrrp_actions *actions, int64_t now)
{
	for (size_t i = 0; i < actions->count; i++) {
		const struct vrrp_action *a = &actions->list[i];

		switch (a->type) {
		case VRRP_DO_ADVERTISE:
			advertise(unit, a->priority, now);
			break;
		case VRRP_DO_ACQUIRE:
			vrrp_unit_acquire(unit, now);
			break;
		case VRRP_DO_RELEASE:
			vrrp_unit_release(unit);
			break;
		case VRRP_DO_ANNOUNCE:
			announce(unit);
			break;
		case VRRP_DO_TRANSITION:
			tell_transition(unit, a);
			break;
		}
	}
}

void vrrp_unit_step(struct vrrp_unit *unit, const struct vrrp_event *event)
{
	bool active = unit->fsm.state == VRRP_ACTIVE;
	struct vrrp_actions actions;
	int64_t now = vrrp_now();

	vrrp_fsm_step(&unit->fsm, event, now, &actions);
	if (!active && unit->fsm.state == VRRP_ACTIVE)
		unit->takeover = (struct vrrp_takeover){
			.decided = now, .table = vrrp_lease_table(unit->shared->lease, now)};
	/* A claim that we did not give way to: what it served comes here now. */
	if (active && unit->fsm.state == VRRP_ACTIVE && event->type == VRRP_EVENT_ADVERT &&
		event->heard.priority)
		begin_grace(unit, now);
	run(unit, &actions, now);
	vrrp_unit_keep_lease(unit, now);
	vrrp_timer_set(unit->timer, vrrp_unit_deadline(unit));
}

void vrrp_unit_step_plain(struct vrrp_unit *unit, enum vrrp_event_type type)
{
	struct vrrp_event event = {.type = type};

	vrrp_unit_step(unit, &event);
}
