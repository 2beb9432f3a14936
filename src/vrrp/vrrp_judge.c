/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From facts to the next event of the state machine; see vrrp_judge.h. */
#include "vrrp/vrrp_judge.h"

#include <string.h>

/* Adverts do come, of lower priorities: the down timer ended because we preempt. */
static bool is_preempting(const struct vrrp_fsm *fsm, int64_t now)
{
	return fsm->lower_at != VRRP_NEVER && now - fsm->lower_at < vrrp_fsm_down_interval(fsm);
}

void vrrp_judge_facts(const struct vrrp_fsm *fsm, int64_t now, struct vrrp_facts *facts)
{
	facts->state = fsm->state;
	/* 0 while it leaves, as in adverts. */
	facts->priority = fsm->state == VRRP_HANDOVER ? 0 : vrrp_fsm_priority(fsm);
	facts->preempting = is_preempting(fsm, now);
	facts->begun_ns = now - fsm->begun_at;
	facts->over_ns = 0;
	if (fsm->state == VRRP_ACTIVE && fsm->config.priority != 255 && now > vrrp_fsm_good_until(fsm))
		facts->over_ns = now - vrrp_fsm_good_until(fsm);
}

/* What the balancer said before this node gave the addresses up is of a table that the peer has gone on from: it may have
 * stood still as well, and for longer. */
static bool is_word_outdated(const struct vrrp_fsm *fsm, const struct vrrp_facts *facts, int64_t now)
{
	return fsm->state == VRRP_BACKUP && fsm->cause != VRRP_CAUSE_STARTUP &&
	       facts->table != VRRP_TABLE_NONE && facts->table_ns > now - fsm->since;
}

enum vrrp_state vrrp_judge_says(const struct vrrp_fsm *fsm, int64_t now)
{
	bool listens = fsm->state == VRRP_ACTIVE && now >= vrrp_fsm_good_until(fsm) && now < fsm->advert_at;

	return listens ? VRRP_BACKUP : fsm->state;
}

static void ask(
	struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts, int64_t now)
{
	struct vrrp_judgement before = judge->last;
	struct vrrp_facts asked = *facts;

	if (is_word_outdated(fsm, facts, now))
		asked.table = VRRP_TABLE_BEHIND;
	asked.waited_ns = judge->waits_since ? now - judge->waits_since : 0;
	judge->last = vrrp_verdict(&asked);
	/* Another reason to hold meanwhile does not make it wait anew. */
	if (judge->last.verdict != VRRP_VERDICT_HOLD || asked.table == VRRP_TABLE_IN_SYNC)
		judge->waits_since = 0;
	else if (judge->last.for_table && !judge->waits_since)
		judge->waits_since = now;
	judge->news = judge->last.verdict != before.verdict || judge->last.why != before.why;
}

static bool peer_has_it(const struct vrrp_facts *facts)
{
	return facts->peer_fresh && (facts->peer.state == VRRP_ACTIVE || facts->peer.state == VRRP_HANDOVER);
}

/* Its beacons said Active, and say now that it has left, or offers: was the goodbye on the LAN lost? A peer that gave way to
 * us, or to a third one whose adverts go on, says the same; then somebody's adverts set the timer right before it ends. */
static bool has_said_goodbye(
	const struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts)
{
	return judge->peer_active && facts->peer_fresh && facts->peer.state != VRRP_ACTIVE && !fsm->left &&
	       !fsm->overdue;
}

static bool judge_backup(struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts,
	int64_t now, struct vrrp_event *event)
{
	judge->rival = judge->unheard = false;
	if (!fsm->overdue && now < fsm->down_at) {
		judge->waits_since = 0;
		if (!has_said_goodbye(judge, fsm, facts))
			return false;
		event->type = VRRP_EVENT_ADVERT; /* its priority 0 */
		return true;
	}
	ask(judge, fsm, facts, now);
	if (judge->last.verdict == VRRP_VERDICT_HOLD) {
		event->type = VRRP_EVENT_HOLD;
	} else {
		event->type = VRRP_EVENT_TIMER;
		judge->rival = peer_has_it(facts);
		judge->unheard = facts->paired && !facts->peer_fresh;
	}
	return true;
}

/* The peer says it is Active: its advert may not reach us, its beacon did. */
static bool claim_by_beacon(
	const struct vrrp_fsm *fsm, const struct vrrp_facts *facts, struct vrrp_event *event)
{
	event->type = VRRP_EVENT_ADVERT;
	event->heard = (struct vrrp_heard){.priority = facts->peer.priority,
		.interval_ns = fsm->active_interval,
		.tie = memcmp(facts->peer.source, facts->source, sizeof(facts->source)),
		.leading = true,
		.peer = true};
	return facts->peer.priority != 0;
}

static bool judge_active(struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts,
	int64_t now, struct vrrp_event *event)
{
	bool has_it = peer_has_it(facts);
	bool silent = facts->paired && (!facts->peer_fresh || facts->peer_forgiven);
	bool gave_up = (judge->rival && !has_it) || (judge->unheard && !silent && !has_it);

	judge->rival = has_it;
	judge->unheard = silent;
	ask(judge, fsm, facts, now);
	if (judge->last.overtaken)
		return claim_by_beacon(fsm, facts, event);
	if (judge->last.verdict == VRRP_VERDICT_YIELD)
		event->type = VRRP_EVENT_YIELD;
	else if (gave_up)
		event->type = VRRP_EVENT_MOVED;
	else
		return false;
	return true;
}

static bool follows(struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts,
	int64_t now, struct vrrp_event *event)
{
	switch (fsm->state) {
	case VRRP_BACKUP:
		return judge_backup(judge, fsm, facts, now, event);
	case VRRP_HANDOVER:
		if (facts->peer_fresh && facts->peer.state == VRRP_ACTIVE)
			return claim_by_beacon(fsm, facts, event);
		return judge_active(judge, fsm, facts, now, event);
	case VRRP_ACTIVE:
		return judge_active(judge, fsm, facts, now, event);
	default:
		judge->rival = judge->unheard = false;
		return false;
	}
}

bool vrrp_judge(struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts,
	int64_t now, struct vrrp_event *event)
{
	bool result;

	*event = (struct vrrp_event){.type = VRRP_EVENT_TIMER};
	judge->news = false;
	if (fsm->state != VRRP_BACKUP)
		judge->waits_since = 0;
	result = follows(judge, fsm, facts, now, event);
	judge->peer_active = facts->peer_fresh && facts->peer.state == VRRP_ACTIVE;
	return result;
}
