/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_pair.h"

#include <stdio.h>
#include <string.h>

#define SECOND  INT64_C(1000000000)
#define AGAIN_S 1. /* until what could not be opened is tried again */

/* ---- what the peer asks and tells ---- */

static bool on_unit(void *data, size_t i, struct vrrp_beacon_unit *out)
{
	const struct vrrp_speaker *s = data;

	if (i >= s->unit_count)
		return false;
	vrrp_unit_word(s->units[i], out);
	return true;
}

static void on_heard(void *data)
{
	struct vrrp_speaker *s = data;

	for (size_t i = 0; i < s->unit_count; i++)
		vrrp_unit_judge(s->units[i]);
}

static void on_tell(void *data, const char *event, const char *cause)
{
	const struct vrrp_speaker *s = data;
	char subject[EVENT_SUBJECT_MAX];

	snprintf(subject, sizeof(subject), "peer %s", s->model->peer.node);
	vrrp_speaker_event(data, subject, event, cause);
}

static enum vrrp_table on_table(void *data)
{
	const struct vrrp_speaker *s = data;

	return vrrp_lease_table(s->shared.lease, vrrp_now());
}

static const struct vrrp_peer_ops ops = {
	.unit = on_unit, .table = on_table, .heard = on_heard, .tell = on_tell};

/* ---- what units ask ---- */

void vrrp_pair_add_facts(void *data, const struct vrrp_unit *unit, struct vrrp_facts *facts)
{
	const struct vrrp_speaker *s = data;

	facts->table = vrrp_lease_table(s->shared.lease, vrrp_now());
	facts->table_ns = vrrp_lease_table_age(s->shared.lease, vrrp_now());
	facts->sync_cap_ns = (int64_t)s->model->peer.sync_cap_s * SECOND;
	facts->on_isolation = s->model->peer.fenced ? VRRP_ISOLATION_FENCED : VRRP_ISOLATION_TAKE;
	facts->peer = (struct vrrp_beacon_unit){.state = VRRP_INITIALIZE};
	if (s->peer)
		vrrp_said_facts(
			vrrp_peer_said(s->peer), vrrp_beacon_hash(unit->name), &unit->fsm, vrrp_now(), facts);
}

bool vrrp_pair_is_peer(void *data, const struct vrrp_unit *unit, const struct net_addr *source)
{
	const struct vrrp_speaker *s = data;

	return s->peer &&
	       vrrp_said_is_source(vrrp_peer_said(s->peer), vrrp_beacon_hash(unit->name), source->bytes);
}

void vrrp_pair_speak(struct vrrp_speaker *s)
{
	if (s->peer)
		vrrp_peer_speak(s->peer);
}

void vrrp_pair_drain(struct vrrp_speaker *s)
{
	if (s->peer)
		vrrp_peer_drain(s->peer);
}

/* ---- config ---- */

void vrrp_pair_close(struct vrrp_speaker *s)
{
	ev_timer_stop(s->loop, &s->peer_again);
	vrrp_peer_end(s->peer);
	s->peer = NULL;
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	vrrp_pair_apply(timer->data);
}

/* What is wrong is told once, and that it is over. */
static void look_at_error(struct vrrp_speaker *s, const char *before)
{
	if (s->peer_error[0]) {
		ev_timer_init(&s->peer_again, on_again, AGAIN_S, 0.);
		s->peer_again.data = s;
		ev_timer_start(s->loop, &s->peer_again);
	}
	if (strcmp(s->peer_error, before) == 0)
		return;
	if (s->peer_error[0])
		on_tell(s, "failed", s->peer_error);
	else if (s->peer)
		on_tell(s, "mended", "the key file was read");
}

void vrrp_pair_apply(struct vrrp_speaker *s)
{
	const struct conf_peer *wanted = &s->model->peer;
	char before[sizeof(s->peer_error)];

	memcpy(before, s->peer_error, sizeof(before));
	ev_timer_stop(s->loop, &s->peer_again);
	s->peer_error[0] = 0;
	if (s->peer && (!wanted->configured || !vrrp_peer_is_as(s->peer, wanted, s->model->node)))
		vrrp_pair_close(s);
	if (s->peer)
		vrrp_peer_rekey(s->peer, s->peer_error, sizeof(s->peer_error));
	else if (wanted->configured)
		vrrp_peer_open(&s->peer, s->loop, s->shared.timers, wanted, s->model->node, &ops, s,
			s->peer_error, sizeof(s->peer_error));
	if (s->peer)
		vrrp_peer_set_config_hash(s->peer, vrrp_model_hash(s->model));
	look_at_error(s, before);
}
