/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit before the verdict: gathers what is known of both nodes, asks vrrp_verdict, and carries the answer to the state
 * machine. Asked when a Backup's down timer ended, when the peer spoke or fell silent, and when a witness changed.
 */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "vrrp/vrrp_unit_inside.h"

#define MS      1000000LL
#define BOTH_NS (1000 * MS) /* and a down interval: a takeover is over by then */

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

static void leading_source(const struct vrrp_unit *unit, uint8_t out[16])
{
	memcpy(out, unit->members[0].routers[0].source.bytes, 16);
}

void vrrp_unit_word(const struct vrrp_unit *unit, struct vrrp_beacon_unit *out)
{
	int64_t now = vrrp_now(), heard = unit->members[0].routers[0].heard_at, ago = now - heard;
	struct vrrp_facts facts;

	vrrp_judge_facts(&unit->fsm, now, &facts);
	*out = (struct vrrp_beacon_unit){.name_hash = vrrp_beacon_hash(unit->name),
		.state = (uint8_t)vrrp_judge_says(&unit->fsm, now),
		.priority = facts.priority,
		.lan_well = is_lan_well(unit),
		.witness = (uint8_t)vrrp_unit_witness(unit),
		.heard_ms =
			heard == VRRP_NEVER || ago >= UINT32_MAX * MS ? UINT32_MAX : (uint32_t)(ago / MS)};
	leading_source(unit, out->source);
}

static struct vrrp_facts gather(const struct vrrp_unit *unit, int64_t now)
{
	struct vrrp_facts facts = {.witness = vrrp_unit_witness(unit), .lan_well = is_lan_well(unit)};

	vrrp_judge_facts(&unit->fsm, now, &facts);
	leading_source(unit, facts.source);
	unit->ops->add_facts(unit->data, unit, &facts);
	return facts;
}

/* ---- both are Active ---- */

/* As one of two yields that hear each other, one does not hear the other by any path, and does not know. */
static void look_at_both(struct vrrp_unit *unit, const struct vrrp_facts *facts, int64_t now)
{
	bool both = facts->state == VRRP_ACTIVE && facts->peer_fresh && facts->peer.state == VRRP_ACTIVE;
	int64_t since = unit->both_since;

	unit->both_since = !both ? 0 : since ? since : now;
	if (both && !unit->both_told && now - unit->both_since >= BOTH_NS &&
		now - unit->both_since >= vrrp_fsm_down_interval(&unit->fsm)) {
		unit->both_told = true;
		log_warn(
			"%s: both nodes are active; the peer is heard, and does not hear this node: see to the "
			"paths from here to there",
			unit->name);
		unit->ops->tell(unit->data, unit, "both active",
			"the peer is heard, and does not hear this node", false);
	} else if (!both && unit->both_told) {
		unit->both_told = false;
		/* Of a peer that is silent nobody knows; that is told already. */
		if (facts->peer_fresh)
			unit->ops->tell(unit->data, unit, "one active",
				"the two nodes are not active at once any more", false);
	}
}

/* ---- the judgement ---- */

/* True: *event is for the state machine. What is new is told. */
static bool judge(struct vrrp_unit *unit, struct vrrp_event *event)
{
	int64_t now = vrrp_now();
	struct vrrp_facts facts = gather(unit, now);
	bool follows = vrrp_judge(&unit->judge, &unit->fsm, &facts, now, event);
	const char *why = unit->judge.last.why;

	look_at_both(unit, &facts, now);
	if (follows && event->type == VRRP_EVENT_HOLD && unit->judge.news) {
		unit->holds++;
		unit->ops->tell(unit->data, unit, "hold", why, false);
	} else if (follows && event->type == VRRP_EVENT_YIELD) {
		unit->yields++;
		unit->ops->tell(unit->data, unit, "yield", why, false);
	}
	return follows;
}

bool vrrp_unit_may_take(struct vrrp_unit *unit)
{
	struct vrrp_event event;

	if (judge(unit, &event) && event.type == VRRP_EVENT_HOLD) {
		vrrp_unit_step(unit, &event);
		return false;
	}
	return true;
}

void vrrp_unit_judge(struct vrrp_unit *unit)
{
	struct vrrp_event event;

	if (unit->stopped)
		return;
	/* What a Backup waits for, and what an Active would have to yield to, may have come meanwhile. */
	if (unit->fsm.state != VRRP_BACKUP || unit->fsm.overdue)
		unit->ops->drain(unit->data);
	/* Its timer reads first, too. */
	if (unit->fsm.state == VRRP_BACKUP && !unit->fsm.overdue && vrrp_now() >= unit->fsm.down_at)
		return;
	if (judge(unit, &event))
		vrrp_unit_step(unit, &event);
}
