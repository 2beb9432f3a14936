/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_speaker.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/clean_text.h"
#include "common/log.h"
#include "vrrp/vrrp_lease_join.h"
#include "vrrp/vrrp_pair.h"
#include "vrrp/vrrp_port.h"

#define REOPEN_S   1.
#define SETTINGS_S 1.

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void vrrp_speaker_event(
	struct vrrp_speaker *speaker, const char *subject, const char *event, const char *cause)
{
	event_log_add(speaker->events, wall_ms(), subject, event, cause);
	log_info("%s: %s: %s", subject, event, cause);
}

/* ---- what units ask ---- */

/*
 * Timers that are due together read once for all, but never on something older than this: were the process to stand still
 * between reading and speaking, it would read again.
 */
#define DRAIN_HOLDS_NS 1000000LL

static void on_drain(void *data)
{
	struct vrrp_speaker *s = data;
	int64_t now = vrrp_now();

	if (s->draining || now - s->drained_at < DRAIN_HOLDS_NS)
		return;
	s->draining = true;
	s->drained_at = now;
	vrrp_net_drain(s->shared.net);
	for (struct vrrp_port *port = s->ports; port; port = port->next)
		if (port->rx)
			vrrp_rx_drain(port->rx);
	vrrp_pair_drain(s);
	s->draining = false;
}

static void on_tell(void *data, struct vrrp_unit *unit, const char *event, const char *cause, bool transition)
{
	struct vrrp_speaker *s = data;
	char subject[EVENT_SUBJECT_MAX];
	struct vrrp_notice notice = {.kind = unit->conf->is_group ? "group" : "instance",
		.from = unit->state_before,
		.to = event,
		.priority = unit->priority.priority};

	snprintf(subject, sizeof(subject), "%s %s", notice.kind, unit->name);
	notice.time_ms = wall_ms();
	notice.seq = event_log_add(s->events, notice.time_ms, subject, event, cause);
	if (!transition) {
		log_info("%s: %s: %s", subject, event, cause);
		return;
	}
	log_info("%s: %s -> %s: %s", subject, notice.from, event, cause);
	snprintf(notice.unit, sizeof(notice.unit), "%s", unit->name);
	clean_text(notice.cause, sizeof(notice.cause), cause);
	vrrp_notify_push(s->notify, &notice);
	vrrp_pair_speak(s);
}

static void on_speak(void *data)
{
	vrrp_pair_speak(data);
}

static const struct vrrp_unit_ops unit_ops = {.drain = on_drain,
	.tell = on_tell,
	.speak = on_speak,
	.add_facts = vrrp_pair_add_facts,
	.is_peer = vrrp_pair_is_peer};

/* ---- what the kernel says ---- */

/*
 * One look for a burst of changes, from the loop's next round: the copy of the kernel's state is whole then, and nobody
 * is called from within a change of his own.
 */
static void look_soon(struct vrrp_speaker *s)
{
	if (!ev_is_active(&s->look)) {
		ev_timer_set(&s->look, 0., 0.);
		ev_timer_start(s->loop, &s->look);
	}
}

/* A port that could not be opened is tried again; its units wait until then, see vrrp_inst.c. */
static void follow_links(struct vrrp_speaker *s)
{
	ev_timer_stop(s->loop, &s->reopen);
	if (vrrp_port_follow_links(s) == 0)
		return;
	ev_timer_set(&s->reopen, REOPEN_S, 0.);
	ev_timer_start(s->loop, &s->reopen);
}

static void on_reopen(struct ev_loop *loop, ev_timer *timer, int events)
{
	look_soon(timer->data); /* which follows the links */
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct vrrp_speaker *s = timer->data;

	vrrp_net_drain(s->shared.net);
	ev_timer_stop(loop, timer);
	follow_links(s);
	for (size_t i = 0; i < s->unit_count; i++)
		vrrp_unit_look(s->units[i]);
	vrrp_lease_join_addresses(s);
}

/* One instance at a time: to look at hundreds at once would hold an advert up. */
static void on_settings(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct vrrp_speaker *s = timer->data;
	size_t place = 0;

	s->settings_turn = (s->settings_turn + 1) % s->virtual_macs;
	for (size_t i = 0; i < s->unit_count; i++)
		for (size_t m = 0; m < s->units[i]->member_count; m++)
			if (s->units[i]->members[m].conf->virtual_mac && place++ == s->settings_turn)
				vrrp_unit_keep_settings(s->units[i], m);
}

static void follow_settings(struct vrrp_speaker *s)
{
	s->virtual_macs = 0;
	for (size_t i = 0; i < s->model->instance_count; i++)
		s->virtual_macs += s->model->instances[i].virtual_mac;
	s->settings.repeat = s->virtual_macs ? SETTINGS_S / (double)s->virtual_macs : 0.;
	ev_timer_again(s->loop, &s->settings); /* 0: stop */
}

static void on_link(void *data, const struct vrrp_link *link, bool gone)
{
	look_soon(data);
}

static void on_address(void *data, int ifindex, const struct vrrp_address *address, bool gone)
{
	look_soon(data);
}

static void on_resync(void *data)
{
	look_soon(data);
}

static const struct vrrp_net_ops net_ops = {.link = on_link, .address = on_address, .resync = on_resync};

/* ---- from config to config ---- */

/* Addresses and macvlans that the ward still names and no unit of this config will look after. */
static void remove_leftovers(struct vrrp_speaker *s)
{
	struct vrrp_held held;
	size_t cursor = 0;

	while (vrrp_ward_next_held(s->shared.ward, &cursor, &held)) {
		const struct vrrp_unit *unit = vrrp_speaker_find(s, held.unit);
		const struct vrrp_link *link = vrrp_net_link(s->shared.net, held.interface);
		char text[ADDR_TEXT_MAX];

		if (unit && (unit->start != VRRP_START_FRESH || unit->fsm.state != VRRP_INITIALIZE))
			continue;
		if (link && vrrp_net_has_address(s->shared.net, link->ifindex, &held.address.addr)) {
			log_warn("%s was left on %s by an earlier run; removed",
				addr_format(&held.address.addr, text), held.interface);
			vrrp_net_remove_address(s->shared.net, link->ifindex, &held.address);
		}
		vrrp_ward_drop(s->shared.ward, held.ifindex, &held.address.addr);
	}
}

/* Macvlans of an earlier run: a unit that goes on takes its own over by name; the rest goes. */
static void remove_stale_links(struct vrrp_speaker *s)
{
	char name[VRRP_IFNAME_SIZE];
	size_t cursor = 0;
	int ifindex;

	while (vrrp_ward_next_link(s->shared.ward, &cursor, name, &ifindex)) {
		const struct vrrp_link *link = vrrp_net_link(s->shared.net, name);
		bool used = false;

		for (size_t u = 0; u < s->unit_count; u++)
			for (size_t m = 0; m < s->units[u]->member_count; m++)
				for (size_t r = 0; r < s->units[u]->members[m].router_count; r++)
					used |= s->units[u]->members[m].routers[r].place == ifindex;
		if (used)
			continue;
		if (link && link->ifindex == ifindex)
			vrrp_net_remove_link(s->shared.net, ifindex);
		vrrp_ward_drop_link(s->shared.ward, ifindex);
	}
}

/* How a unit of the first config begins: as what an earlier speaker left it. */
static void decide_start(struct vrrp_speaker *s, struct vrrp_unit *unit, bool restarted)
{
	int64_t last, safe;

	if (!vrrp_ward_was_active(s->shared.ward, unit->name, &last, &safe))
		unit->start = VRRP_START_FRESH;
	else if (s->model->resume && vrrp_boottime() < last + safe)
		unit->start = VRRP_START_RESUME;
	else if (restarted && !s->model->resume)
		unit->start = VRRP_START_INHERIT;
	/* Else it stands there until the unit has released: this speaker may die as soon as the one before. */
	if (unit->start == VRRP_START_FRESH)
		vrrp_ward_not_active(s->shared.ward, unit->name);
}

static void refuse_packets(struct vrrp_speaker *s)
{
	struct net_addr *list = calloc(VRRP_ADDRESSES_TOTAL, sizeof(*list));
	char *name = s->model->node[0] ? s->model->node : "node";
	size_t n = 0;

	if (!list)
		return;
	for (size_t i = 0; i < s->model->instance_count; i++) {
		const struct vrrp_instance *c = &s->model->instances[i];

		for (size_t k = 0; k < c->ipv4_count + c->ipv6_count && n < VRRP_ADDRESSES_TOTAL; k++)
			if (!c->accept && c->priority != VRRP_PRIORITY_OWNER)
				list[n++] = c->addresses[k].addr;
	}
	s->accept_error[0] = 0;
	/* Nothing to refuse is said too: the speaker before may have been killed with a table. */
	if (vrrp_accept_set(&s->accept, name, list, n, s->accept_error, sizeof(s->accept_error)))
		vrrp_speaker_event(s, "accept", "failed", s->accept_error);
	free(list);
}

/* Running units that can go on as units of the new model: wants[i] is the old unit for new unit i. */
static void match(const struct vrrp_speaker *s, const struct vrrp_model *model, struct vrrp_unit **wants)
{
	for (size_t i = 0; i < model->unit_count; i++)
		for (size_t k = 0; k < s->unit_count; k++)
			if (vrrp_unit_can_become(s->units[k], model, i))
				wants[i] = s->units[k];
}

static bool is_wanted(struct vrrp_unit *const *wants, size_t count, const struct vrrp_unit *unit)
{
	for (size_t i = 0; i < count; i++)
		if (wants[i] == unit)
			return true;
	return false;
}

/* Fill the holes of `units` with new ones. All or none. */
static int open_new(struct vrrp_speaker *s, const struct vrrp_model *model, struct vrrp_unit **units)
{
	int err = 0;

	for (size_t i = 0; i < model->unit_count && !err; i++) {
		if (is_wanted(s->units, s->unit_count, units[i]) && units[i])
			continue;
		err = vrrp_unit_open(&units[i], s->loop, &s->shared, &unit_ops, s, model, i, s->rundir);
	}
	if (!err)
		return 0;
	for (size_t i = 0; i < model->unit_count; i++)
		if (units[i] && !is_wanted(s->units, s->unit_count, units[i]))
			vrrp_unit_close(units[i]);
	return err;
}

static void say_became(struct vrrp_speaker *s, const struct vrrp_unit *unit, int err)
{
	char cause[160];

	if (!err)
		return;
	snprintf(cause, sizeof(cause), "what it tracks cannot be looked at: %s; it goes on without",
		strerror(-err));
	vrrp_speaker_event(s, unit->name, "failed", cause);
}

int vrrp_speaker_apply(struct vrrp_speaker *s, struct vrrp_model *model, bool restarted)
{
	struct vrrp_model *next = malloc(sizeof(*next)), *old = s->model;
	struct vrrp_unit **units = calloc(model->unit_count + 1, sizeof(*units)), **before = s->units;
	size_t before_count = s->unit_count;
	int err = next && units ? 0 : -ENOMEM;

	if (!err) {
		*next = *model;
		match(s, next, units);
		err = open_new(s, next, units);
	}
	if (err) {
		free(next);
		free(units);
		return err;
	}
	memset(model, 0, sizeof(*model));
	for (size_t i = 0; i < before_count; i++)
		if (!is_wanted(units, next->unit_count, before[i]))
			vrrp_unit_stop(before[i], "is no longer in the config");
	if (vrrp_notify_set(s->notify, &next->notify))
		vrrp_speaker_event(s, "notify", "failed", "out of memory; the hook stays the one of before");
	vrrp_ward_set_resume(s->shared.ward, next->resume);
	s->model = next;
	s->units = units;
	s->unit_count = next->unit_count;
	vrrp_port_assign(s);
	for (size_t i = 0; i < s->unit_count; i++)
		if (is_wanted(before, before_count, units[i]))
			say_became(s, units[i], vrrp_unit_become(units[i], next, i, s->rundir));
		else if (!old)
			decide_start(s, units[i], restarted);
	vrrp_lease_join_units(s);
	vrrp_pair_apply(s);
	refuse_packets(s);
	remove_leftovers(s);
	follow_links(s);
	for (size_t i = 0; i < s->unit_count; i++)
		if (!is_wanted(before, before_count, units[i]))
			vrrp_unit_begin(units[i]);
	remove_stale_links(s);
	vrrp_lease_join_addresses(s);
	follow_settings(s);
	for (size_t i = 0; i < before_count; i++)
		if (!is_wanted(units, s->unit_count, before[i])) {
			vrrp_lease_free(s->shared.lease, before[i]->slot);
			vrrp_unit_close(before[i]);
		}
	free(before);
	if (old)
		vrrp_model_clear(old);
	free(old);
	return 0;
}

/* ---- life ---- */

/* Without it a node would take the addresses over, and have none of them. */
static bool may_add_addresses(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &head, data))
		return true; /* nobody knows */
	return data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

int vrrp_speaker_open(struct vrrp_speaker *s, struct ev_loop *loop, struct vrrp_ward *ward,
	const char *rundir, struct event_log *events)
{
	static const struct vrrp_command nothing;
	int err;

	*s = (struct vrrp_speaker){.loop = loop, .shared.ward = ward, .rundir = rundir, .events = events};
	ev_init(&s->look, on_look);
	ev_init(&s->reopen, on_reopen);
	ev_init(&s->settings, on_settings);
	s->look.data = s->reopen.data = s->settings.data = s;
	if (!may_add_addresses()) {
		log_error("cannot add addresses: tandem-vrrp needs CAP_NET_ADMIN");
		return -EPERM;
	}
	err = vrrp_tx_open(&s->shared.tx);
	if (err) {
		log_error("cannot open a packet socket: %s; tandem-vrrp needs CAP_NET_RAW", strerror(-err));
		return err;
	}
	err = vrrp_net_open(&s->shared.net, loop, &net_ops, s);
	if (!err)
		err = vrrp_timers_open(&s->shared.timers, loop);
	if (!err)
		err = vrrp_lease_open(&s->shared.lease, loop, rundir);
	if (!err)
		err = vrrp_notify_open(&s->notify, loop, &nothing);
	return err;
}

size_t vrrp_speaker_handing_over(const struct vrrp_speaker *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->unit_count; i++)
		n += s->units[i]->fsm.state == VRRP_HANDOVER;
	return n;
}

void vrrp_speaker_offer(struct vrrp_speaker *s)
{
	for (size_t i = 0; i < s->unit_count; i++)
		vrrp_unit_offer(s->units[i]);
}

void vrrp_speaker_stop(struct vrrp_speaker *s, bool suspend)
{
	s->suspended = suspend;
	for (size_t i = 0; i < s->unit_count; i++)
		if (suspend)
			vrrp_unit_suspend(s->units[i]);
		else
			vrrp_unit_stop(s->units[i], "tandem-vrrp ends");
	vrrp_pair_close(s);
}

void vrrp_speaker_close(struct vrrp_speaker *s)
{
	ev_timer_stop(s->loop, &s->look);
	ev_timer_stop(s->loop, &s->reopen);
	ev_timer_stop(s->loop, &s->settings);
	vrrp_pair_close(s);
	for (size_t i = 0; i < s->unit_count; i++)
		vrrp_unit_close(s->units[i]);
	free(s->units);
	vrrp_lease_close(s->shared.lease, !s->suspended);
	vrrp_timers_close(s->shared.timers);
	vrrp_port_close_all(s);
	vrrp_accept_close(s->accept);
	vrrp_notify_close(s->notify);
	if (s->shared.net)
		vrrp_net_close(s->shared.net);
	if (s->shared.tx)
		vrrp_tx_close(s->shared.tx);
	if (s->model)
		vrrp_model_clear(s->model);
	free(s->model);
}

struct vrrp_unit *vrrp_speaker_find(const struct vrrp_speaker *s, const char *name)
{
	for (size_t i = 0; i < s->unit_count; i++) {
		if (strcmp(s->units[i]->name, name) == 0)
			return s->units[i];
		for (size_t m = 0; m < s->units[i]->member_count; m++)
			if (strcmp(s->units[i]->members[m].conf->name, name) == 0)
				return s->units[i];
	}
	return NULL;
}
