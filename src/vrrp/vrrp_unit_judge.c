/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit before the verdict: gathers what is known of both nodes, asks vrrp_verdict, and carries the answer to the state
 * machine. Asked when a Backup's down timer ended, when the peer spoke or fell silent, and when a witness changed.
 */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "vrrp/vrrp_unit_inside.h"

#define MS 1000000LL

/* ---- witnesses ---- */

static void on_witness(void *data)
{
	struct vrrp_unit *unit = data;

	unit->ops->speak(unit->data);
	vrrp_unit_judge(unit);
}

void vrrp_unit_open_witnesses(struct vrrp_unit *unit)
{
	for (size_t i = 0; i < unit->member_count; i++) {
		struct vrrp_inst *inst = &unit->members[i];
		const struct vrrp_witness_model *wanted = &inst->conf->witness;
		int err;

		if (inst->witnesses && vrrp_witness_equal(&inst->witness_model, wanted))
			continue;
		vrrp_witnesses_close(inst->witnesses);
		inst->witnesses = NULL;
		inst->witness_model = *wanted;
		if (!wanted->count)
			continue;
		err = vrrp_witnesses_open(
			&inst->witnesses, unit->loop, inst->conf->interface, wanted, on_witness, unit);
		if (err)
			log_error("%s: cannot ask its witnesses: %s", inst->conf->name, strerror(-err));
	}
}

void vrrp_unit_close_witnesses(struct vrrp_unit *unit)
{
	for (size_t i = 0; i < unit->member_count; i++) {
		vrrp_witnesses_close(unit->members[i].witnesses);
		unit->members[i].witnesses = NULL;
	}
}

/* A unit is as well as the worst of its links. */
enum vrrp_witness vrrp_unit_witness(const struct vrrp_unit *unit)
{
	enum vrrp_witness worst = VRRP_WITNESS_NONE;

	for (size_t i = 0; i < unit->member_count; i++) {
		enum vrrp_witness state = vrrp_witnesses_state(unit->members[i].witnesses);

		if (state == VRRP_WITNESS_LOST || worst == VRRP_WITNESS_NONE ||
			(state == VRRP_WITNESS_UNKNOWN && worst == VRRP_WITNESS_REACHED))
			worst = state;
		if (worst == VRRP_WITNESS_LOST)
			break;
	}
	return worst;
}

/* ---- what is known ---- */

static bool is_lan_well(const struct vrrp_unit *unit)
{
	for (size_t i = 0; i < unit->member_count; i++)
		if (!unit->members[i].ready)
			return false;
	return true;
}

/* 0 while it leaves, as in adverts. */
static uint8_t spoken_priority(const struct vrrp_unit *unit)
{
	return unit->fsm.state == VRRP_HANDOVER ? 0 : vrrp_fsm_priority(&unit->fsm);
}

static void leading_source(const struct vrrp_unit *unit, uint8_t out[16])
{
	memcpy(out, unit->members[0].routers[0].source.bytes, 16);
}

void vrrp_unit_word(const struct vrrp_unit *unit, struct vrrp_beacon_unit *out)
{
	int64_t heard = unit->members[0].routers[0].heard_at, ago = vrrp_now() - heard;

	*out = (struct vrrp_beacon_unit){.name_hash = vrrp_beacon_hash(unit->name),
		.state = (uint8_t)unit->fsm.state,
		.priority = spoken_priority(unit),
		.lan_well = is_lan_well(unit),
		.witness = (uint8_t)vrrp_unit_witness(unit),
		.heard_ms =
			heard == VRRP_NEVER || ago >= UINT32_MAX * MS ? UINT32_MAX : (uint32_t)(ago / MS)};
	leading_source(unit, out->source);
}

/* Adverts do come, of lower priorities: the down timer ended because we preempt. */
static bool is_preempting(const struct vrrp_fsm *fsm, int64_t now)
{
	return fsm->lower_at != VRRP_NEVER && now - fsm->lower_at < vrrp_fsm_down_interval(fsm);
}

static struct vrrp_facts gather(const struct vrrp_unit *unit)
{
	int64_t now = vrrp_now();
	struct vrrp_facts facts = {.state = unit->fsm.state,
		.priority = spoken_priority(unit),
		.preempting = is_preempting(&unit->fsm, now),
		.witness = vrrp_unit_witness(unit),
		.lan_well = is_lan_well(unit),
		.table = VRRP_TABLE_NONE,
		.waited_ns = now - unit->fsm.since};

	leading_source(unit, facts.source);
	unit->ops->add_facts(unit->data, unit, &facts);
	return facts;
}

/* ---- the judgement ---- */

static void remember(struct vrrp_unit *unit, struct vrrp_judgement judgement)
{
	bool news = judgement.verdict == VRRP_VERDICT_HOLD &&
		    (unit->judgement.verdict != judgement.verdict || unit->judgement.why != judgement.why);

	unit->judgement = judgement;
	if (news) {
		unit->holds++;
		unit->ops->tell(unit->data, unit, "hold", judgement.why, false);
	}
}

bool vrrp_unit_may_take(struct vrrp_unit *unit)
{
	struct vrrp_facts facts = gather(unit);
	struct vrrp_event hold = {.type = VRRP_EVENT_HOLD};

	remember(unit, vrrp_verdict(&facts));
	if (unit->judgement.verdict != VRRP_VERDICT_HOLD)
		return true;
	vrrp_unit_step(unit, &hold);
	return false;
}

/* Handed over, and the peer says it is Active: its advert may not reach us, its beacon did. */
static void accept_by_beacon(struct vrrp_unit *unit, const struct vrrp_facts *facts)
{
	struct vrrp_event event = {.type = VRRP_EVENT_ADVERT,
		.heard = {.priority = facts->peer.priority,
			.tie = memcmp(facts->peer.source, facts->source, 16),
			.leading = true}};

	if (facts->peer.priority)
		vrrp_unit_step(unit, &event);
}

void vrrp_unit_judge(struct vrrp_unit *unit)
{
	struct vrrp_event event = {.type = VRRP_EVENT_YIELD};
	struct vrrp_facts facts;

	if (unit->fsm.state == VRRP_BACKUP && unit->fsm.overdue && vrrp_unit_may_take(unit))
		vrrp_unit_step(unit, &(struct vrrp_event){.type = VRRP_EVENT_TIMER});
	if (unit->stopped || (unit->fsm.state != VRRP_ACTIVE && unit->fsm.state != VRRP_HANDOVER))
		return;
	facts = gather(unit);
	if (unit->fsm.state == VRRP_HANDOVER && facts.peer_fresh && facts.peer.state == VRRP_ACTIVE) {
		accept_by_beacon(unit, &facts);
		return;
	}
	remember(unit, vrrp_verdict(&facts));
	if (unit->judgement.verdict != VRRP_VERDICT_YIELD)
		return;
	unit->yields++;
	unit->ops->tell(unit->data, unit, "yield", unit->judgement.why, false);
	vrrp_unit_step(unit, &event);
}
