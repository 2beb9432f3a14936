/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_pair.h"

#include <stdio.h>
#include <string.h>

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

static const struct vrrp_peer_ops ops = {.unit = on_unit, .heard = on_heard, .tell = on_tell};

/* ---- what units ask ---- */

void vrrp_pair_add_facts(void *data, const struct vrrp_unit *unit, struct vrrp_facts *facts)
{
	const struct vrrp_speaker *s = data;
	struct vrrp_peer_status status;
	enum vrrp_peer_says says;
	int64_t heard_at, listened;

	facts->paired = s->peer != NULL;
	facts->on_isolation = s->model->peer.fenced ? VRRP_ISOLATION_FENCED : VRRP_ISOLATION_TAKE;
	facts->peer = (struct vrrp_beacon_unit){.state = VRRP_INITIALIZE};
	if (!s->peer)
		return;
	vrrp_peer_status(s->peer, &status);
	facts->peer_table = status.table;
	facts->peer_fresh = vrrp_peer_is_fresh(s->peer);
	facts->peer_ever = vrrp_peer_was_heard(s->peer);
	says = vrrp_peer_word(s->peer, unit->name, &facts->peer, &heard_at);
	if (says == VRRP_PEER_NOT_YET)
		facts->peer_fresh = facts->peer_ever = false;
	/* Adverts of priority 0 that are newer than the word: it leaves, or was killed and its guard says so. */
	if (says == VRRP_PEER_NAMES_IT && unit->fsm.left && heard_at <= unit->fsm.heard_at)
		facts->peer.priority = 0;
	/* Who was not listening has not waited. */
	listened = vrrp_now() - vrrp_peer_opened_at(s->peer);
	if (!facts->peer_ever && listened < facts->waited_ns)
		facts->waited_ns = listened;
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
	vrrp_peer_end(s->peer);
	s->peer = NULL;
}

void vrrp_pair_apply(struct vrrp_speaker *s)
{
	const struct vrrp_peer_model *wanted = &s->model->peer;
	int err = 0;

	s->peer_error[0] = 0;
	if (s->peer && (!wanted->configured || !vrrp_peer_is_as(s->peer, wanted, s->model->node)))
		vrrp_pair_close(s);
	if (s->peer)
		err = vrrp_peer_rekey(s->peer, s->peer_error, sizeof(s->peer_error));
	else if (wanted->configured)
		err = vrrp_peer_open(&s->peer, s->loop, s->shared.timers, wanted, s->model->node, &ops, s,
			s->peer_error, sizeof(s->peer_error));
	if (s->peer)
		vrrp_peer_set_config_hash(s->peer, vrrp_model_hash(s->model));
	if (err)
		on_tell(s, "failed", s->peer_error);
}
