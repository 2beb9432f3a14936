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
	facts->waited_ns = now - fsm->since;
}

static void ask(struct vrrp_judge *judge, const struct vrrp_facts *facts)
{
	struct vrrp_judgement before = judge->last;

	judge->last = vrrp_verdict(facts);
	judge->news = judge->last.verdict != before.verdict || judge->last.why != before.why;
}

static bool peer_has_it(const struct vrrp_facts *facts)
{
	return facts->peer_fresh && (facts->peer.state == VRRP_ACTIVE || facts->peer.state == VRRP_HANDOVER);
}

static bool judge_backup(struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts,
	int64_t now, struct vrrp_event *event)
{
	judge->rival = judge->unheard = false;
	if (!fsm->overdue && now < fsm->down_at)
		return false;
	ask(judge, facts);
	if (judge->last.verdict == VRRP_VERDICT_HOLD) {
		event->type = VRRP_EVENT_HOLD;
	} else {
		event->type = VRRP_EVENT_TIMER;
		judge->rival = peer_has_it(facts);
		judge->unheard = facts->paired && !facts->peer_fresh;
	}
	return true;
}

/* Handed over, and the peer says it is Active: its advert may not reach us, its beacon did. */
static bool accept_by_beacon(const struct vrrp_facts *facts, struct vrrp_event *event)
{
	event->type = VRRP_EVENT_ADVERT;
	event->heard = (struct vrrp_heard){.priority = facts->peer.priority,
		.tie = memcmp(facts->peer.source, facts->source, sizeof(facts->source)),
		.leading = true};
	return facts->peer.priority != 0;
}

static bool judge_active(struct vrrp_judge *judge, const struct vrrp_facts *facts, struct vrrp_event *event)
{
	bool has_it = peer_has_it(facts), silent = facts->paired && !facts->peer_fresh;
	bool gave_up = (judge->rival && !has_it) || (judge->unheard && !silent && !has_it);

	judge->rival = has_it;
	judge->unheard = silent;
	ask(judge, facts);
	if (judge->last.verdict == VRRP_VERDICT_YIELD)
		event->type = VRRP_EVENT_YIELD;
	else if (gave_up)
		event->type = VRRP_EVENT_MOVED;
	else
		return false;
	return true;
}

bool vrrp_judge(struct vrrp_judge *judge, const struct vrrp_fsm *fsm, const struct vrrp_facts *facts,
	int64_t now, struct vrrp_event *event)
{
	*event = (struct vrrp_event){.type = VRRP_EVENT_TIMER};
	judge->news = false;
	switch (fsm->state) {
	case VRRP_BACKUP:
		return judge_backup(judge, fsm, facts, now, event);
	case VRRP_HANDOVER:
		if (facts->peer_fresh && facts->peer.state == VRRP_ACTIVE)
			return accept_by_beacon(facts, event);
		return judge_active(judge, facts, event);
	case VRRP_ACTIVE:
		return judge_active(judge, facts, event);
	default:
		judge->rival = judge->unheard = false;
		return false;
	}
}
