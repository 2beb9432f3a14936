/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is to have the addresses; vrrp_verdict.h has the rows, this file has them in the same order. */
#include "vrrp/vrrp_verdict.h"

#include <string.h>

/* What both sides know of each of them: so they come to the same order, whoever asks. */
struct side {
	bool active;  /* Active or Handover */
	bool leaving; /* hands over, or its adverts say priority 0 */
	bool lan_well;
	enum vrrp_witness witness;
	bool has_table;
	uint8_t priority;
	const uint8_t *source;
};

static bool state_is_active(unsigned state)
{
	return state == VRRP_ACTIVE || state == VRRP_HANDOVER;
}

/* The peer has a balancer, and none speaks here: it is not running yet, or no more, and holds nothing. Or it hears no other
 * one: sync is cut. */
static bool is_behind(enum vrrp_table table, enum vrrp_table other)
{
	return table == VRRP_TABLE_BEHIND ||
	       ((table == VRRP_TABLE_NONE || table == VRRP_TABLE_ALONE) && other != VRRP_TABLE_NONE);
}

static struct side us(const struct vrrp_facts *f)
{
	return (struct side){
		.active = state_is_active(f->state),
		.leaving = f->state == VRRP_HANDOVER || f->priority == 0,
		.lan_well = f->lan_well,
		.witness = f->witness,
		.has_table = !is_behind(f->table, f->peer_table),
		.priority = f->priority,
		.source = f->source,
	};
}

static struct side them(const struct vrrp_facts *f)
{
	return (struct side){
		.active = state_is_active(f->peer.state),
		.leaving = f->peer.state == VRRP_HANDOVER || f->peer.priority == 0,
		.lan_well = f->peer.lan_well,
		.witness = f->peer.witness,
		.has_table = !is_behind(f->peer_table, f->table),
		.priority = f->peer.priority,
		.source = f->peer.source,
	};
}

static bool outdoes(const struct side *x, const struct side *y)
{
	if (!x->lan_well)
		return false;
	return !y->lan_well || (x->witness == VRRP_WITNESS_REACHED && y->witness == VRRP_WITNESS_LOST);
}

/* Of two that are both Active, or both not. Two of the same source address cannot be; they would both be better, as in
 * plain VRRP. */
static bool is_better(const struct side *x, const struct side *y)
{
	if (outdoes(x, y) || outdoes(y, x))
		return outdoes(x, y);
	if (x->active && x->leaving != y->leaving)
		return y->leaving;
	if (!x->active && x->has_table != y->has_table)
		return x->has_table;
	if (x->priority != y->priority)
		return x->priority > y->priority;
	return memcmp(x->source, y->source, 16) >= 0;
}

static struct vrrp_judgement say(enum vrrp_verdict verdict, const char *why)
{
	return (struct vrrp_judgement){.verdict = verdict, .why = why};
}

/* Addresses that somebody else serves well are waited for until their connections are here. */
static struct vrrp_judgement take_in_time(const struct vrrp_facts *f, const char *why)
{
	struct vrrp_judgement wait = say(VRRP_VERDICT_HOLD, "waits for the connection table");

	if (!is_behind(f->table, f->peer_table))
		return say(VRRP_VERDICT_TAKE, why);
	if (f->waited_ns >= f->sync_cap_ns)
		return say(VRRP_VERDICT_TAKE,
			"the connection table is not in sync, but the time to wait for it is over");
	wait.for_table = true;
	return wait;
}

static struct vrrp_judgement backup_informed(const struct vrrp_facts *f)
{
	struct side x = us(f), y = them(f);

	if (f->peer.state == VRRP_INITIALIZE)
		return say(VRRP_VERDICT_TAKE, "the peer does not take part");
	if (!y.active && is_better(&x, &y))
		return say(VRRP_VERDICT_TAKE, "nobody has the addresses, and the peer is not better");
	if (!y.active)
		return say(VRRP_VERDICT_HOLD, "nobody has the addresses, but the peer is better");
	if (outdoes(&x, &y) && y.lan_well)
		return say(VRRP_VERDICT_TAKE, "the peer lost its witness, which answers here");
	if (outdoes(&x, &y))
		return say(VRRP_VERDICT_TAKE, "the peer's LAN is not well");
	if (outdoes(&y, &x) && x.lan_well)
		return say(VRRP_VERDICT_HOLD, "the peer is active, and its witness answers; ours does not");
	if (outdoes(&y, &x))
		return say(VRRP_VERDICT_HOLD, "the peer is active and well; our LAN is not");
	if (y.leaving)
		return take_in_time(f, "the peer hands over");
	if (f->preempting)
		return take_in_time(f, "the peer's priority is lower");
	return say(VRRP_VERDICT_HOLD, "adverts are lost, but the peer is active and well");
}

static struct vrrp_judgement backup_alone(const struct vrrp_facts *f)
{
	if (f->preempting && f->on_isolation == VRRP_ISOLATION_FENCED && f->witness == VRRP_WITNESS_LOST)
		return say(VRRP_VERDICT_HOLD,
			"fenced: only lower priorities are heard, by no beacon, and the witness is silent");
	if (f->preempting)
		return take_in_time(f, "only lower priorities are heard");
	if (!f->peer_ever && f->begun_ns < VRRP_FIRST_WORD_NS)
		return say(VRRP_VERDICT_HOLD, "waiting for the peer's first beacon");
	if (f->on_isolation == VRRP_ISOLATION_TAKE)
		return say(VRRP_VERDICT_TAKE, "the peer is silent on every path");
	if (f->witness == VRRP_WITNESS_REACHED)
		return say(VRRP_VERDICT_TAKE, "the peer is silent on every path, and the witness answers");
	if (f->witness == VRRP_WITNESS_LOST)
		return say(VRRP_VERDICT_HOLD, "fenced: the peer and the witness are silent");
	if (f->witness == VRRP_WITNESS_UNKNOWN)
		return say(VRRP_VERDICT_HOLD, "fenced: the peer is silent, the witness has not answered yet");
	return say(VRRP_VERDICT_HOLD, "fenced: the peer is silent, and there is no witness");
}

/* What it said before is of a time when we had the addresses. */
static bool took_over(const struct vrrp_facts *f)
{
	return f->peer.state == VRRP_ACTIVE && f->peer.priority && f->peer_ns < f->over_ns;
}

static struct vrrp_judgement active_informed(const struct vrrp_facts *f)
{
	struct vrrp_judgement overtaken = {.verdict = VRRP_VERDICT_YIELD,
		.why = "this node stood still for longer than its lease, and the peer took over",
		.overtaken = true};
	struct side x = us(f), y = them(f);

	if (took_over(f) && !outdoes(&x, &y))
		return overtaken;
	if (f->peer.state == VRRP_INITIALIZE)
		return say(VRRP_VERDICT_STAY, "the peer does not take part");
	if (y.active && is_better(&x, &y))
		return say(VRRP_VERDICT_STAY, "both are active, and the peer is not better");
	if (y.active)
		return say(VRRP_VERDICT_YIELD, "both are active, and the peer is better");
	if (outdoes(&y, &x) && x.lan_well)
		return say(VRRP_VERDICT_YIELD, "our witness is lost, and the peer reaches its own");
	if (outdoes(&y, &x))
		return say(VRRP_VERDICT_YIELD, "our LAN is not well, and the peer's is");
	return say(VRRP_VERDICT_STAY, "the peer is backup");
}

static struct vrrp_judgement active_alone(const struct vrrp_facts *f)
{
	if (f->on_isolation == VRRP_ISOLATION_TAKE)
		return say(VRRP_VERDICT_STAY, "the peer is silent on every path");
	if (f->witness == VRRP_WITNESS_LOST)
		return say(VRRP_VERDICT_YIELD, "fenced: the peer and the witness are silent");
	return say(VRRP_VERDICT_STAY, "the peer is silent on every path, the witness is not lost");
}

struct vrrp_judgement vrrp_verdict(const struct vrrp_facts *facts)
{
	bool active = state_is_active(facts->state);

	if (!active && facts->state != VRRP_BACKUP)
		return say(VRRP_VERDICT_HOLD, "the unit does not take part");
	if (!facts->paired)
		return say(active ? VRRP_VERDICT_STAY : VRRP_VERDICT_TAKE, "there is no peer to ask");
	if (active)
		return facts->peer_fresh ? active_informed(facts) : active_alone(facts);
	return facts->peer_fresh ? backup_informed(facts) : backup_alone(facts);
}

const char *vrrp_verdict_name(enum vrrp_verdict verdict)
{
	static const char *const names[] = {"take", "hold", "stay", "yield"};

	return (unsigned)verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "unknown";
}
