/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold at every moment and at the end. What is asserted is computed from the schedule, not by the code under test. */
#include "sim.h"

#include <stdarg.h>
#include <string.h>

static const char *const invariants[][2] = {
	[SIM_ONE_ACTIVE] = {"one-active", "after the last fault one is Active, and the right one"},
	[SIM_CRASH_BOUND] = {"crash-bound", "after a crash another is Active within [D-A-d, D+d+e]"},
	[SIM_LEAVE_BOUND] = {"leave-bound", "after a priority 0 another is Active within [S, S+d+e]"},
	[SIM_LOST_ADVERTS] = {"lost-adverts", "one or two lost adverts promote nobody, three do"},
	[SIM_HEALING] = {"healing", "after a partition the right one alone is Active within its interval"},
	[SIM_OVERLAP] = {"overlap", "two that hear each other hold the addresses no longer than the bound"},
	[SIM_STEADY] = {"steady", "a Backup that hears an Active it obeys stays one"},
	[SIM_PATIENCE] = {"patience",
		"a Backup waits D after the last advert it obeys, S after a priority 0"},
	[SIM_FLAPPING] = {"flapping", "a flapping link makes a bounded number of transitions"},
	[SIM_HOLDING] = {"holding", "addresses are there exactly when Active or in Handover"},
	[SIM_ANNOUNCING] = {"announcing", "only addresses that are there are announced"},
	[SIM_READ_FIRST] = {"read-first", "nothing is said before what arrived is read"},
	[SIM_NO_STORM] = {"no-storm", "a node sends no more than four adverts in 5 ms"},
	[SIM_CLIENTS] = {"clients", "the clients' ARP entry leads to the Active"},
	[SIM_LEASE_KEPT] = {"lease-kept",
		"the lease is fresh while a node that runs has the addresses, and over once it gave them up"},
	[SIM_LEASE_SILENT] = {"lease-silent",
		"a node whose last advert was heard is silent before silence promotes another"},
	[SIM_LEASE_BOUND] = {"lease-bound",
		"who stands still is silent 3A after another preempted it, A+S after it took an offer"},
	[SIM_PAIR_ONE] = {"pair-one",
		"after the last fault one of a pair owns the addresses, and the right one"},
	[SIM_PAIR_FAILOVER] = {"pair-failover",
		"the other is Active max(D, T)+d+3e after a crash, S+2d+3e after a goodbye"},
	[SIM_PAIR_HOLD] = {"pair-hold", "adverts are lost, beacons are not: nobody takes over"},
	[SIM_PAIR_OVERLAP] = {"pair-overlap",
		"both own no longer than Bi+2d+5e while any path works each way"},
	[SIM_PAIR_NOBODY] = {"pair-nobody", "nobody owns no longer than two down intervals, T and Bi"},
	[SIM_PAIR_FENCED] = {"pair-fenced", "fenced, alone and without a witness, a node owns nothing"},
	[SIM_PAIR_FLAPPING] = {"pair-flapping", "no more than six transitions for each thing that changes"},
	[SIM_PAIR_MEMORY] = {"pair-memory", "what is believed of the peer never goes back"},
	[SIM_PAIR_GATED] = {"pair-gated", "nobody preempts without the connection table within the cap"},
	[SIM_PAIR_STALLED] = {"pair-stalled",
		"who was Active, stood still past its lease and can read that the peer took over says nothing as "
		"Active before its balancer has said since that the table is in sync, or the cap is over"},
};

const char *sim_invariant_name(enum sim_invariant invariant)
{
	return invariants[invariant][0];
}

const char *sim_invariant_text(enum sim_invariant invariant)
{
	return invariants[invariant][1];
}

void sim_fail(struct sim *sim, enum sim_invariant invariant, const char *format, ...)
{
	va_list args;

	if (sim->verdict.failed)
		return;
	sim->verdict.failed = true;
	sim->verdict.invariant = invariant;
	sim->verdict.at = sim->now;
	va_start(args, format);
	vsnprintf(sim->verdict.why, sizeof(sim->verdict.why), format, args);
	va_end(args);
	sim_trace(sim, -1, "BROKEN %s: %s", sim_invariant_name(invariant), sim->verdict.why);
}

void sim_check_init(struct sim *sim)
{
	sim_pair_check_init(sim);
	sim->overlap_since = VRRP_NEVER;
	sim->conflict_at = -1;
	sim->yielded_at = -1;
	sim_table_init(sim);
	for (int n = 0; n < sim->schedule.nodes; n++)
		for (int i = 0; i < 5; i++)
			sim->node[n].told[i] = -VRRP_NEVER / 2;
}

/* ---- who is who ---- */

static bool is_active(const struct sim_node *node)
{
	return sim_node_up(node) && node->fsm.state == VRRP_ACTIVE;
}

int sim_check_only_active(const struct sim *sim)
{
	int found = -1;

	for (int n = 0; n < sim->schedule.nodes; n++) {
		if (!is_active(&sim->node[n]))
			continue;
		if (found >= 0)
			return -1;
		found = n;
	}
	return found;
}

uint8_t sim_check_priority(const struct sim_node *node)
{
	return node->fsm.forced && node->config.priority < 254 ? 254 : node->config.priority;
}

int64_t sim_check_skew(const struct sim *sim, int n, int64_t interval)
{
	const struct vrrp_fsm_config *config = &sim->node[n].config;

	return (256 - config->priority) * (config->version == 2 ? INT64_C(1000000000) : interval) / 256;
}

/* The network has been as it should be for so long. */
bool sim_check_clean(const struct sim *sim, int64_t for_ns)
{
	return !sim->net_faults && sim->now - sim->clean_since >= for_ns;
}

bool sim_check_must_obey(const struct sim *sim, int n, uint8_t priority)
{
	const struct sim_node *node = &sim->node[n];

	if (priority >= node->config.priority || node->fsm.held)
		return true;
	if (node->config.priority == 255)
		return false;
	return !node->config.preempt || sim_node_clock(sim, n) < node->fsm.preempt_at;
}

bool sim_check_obeys(const struct sim *sim, int backup, int active)
{
	return sim_check_must_obey(sim, backup, sim_check_priority(&sim->node[active]));
}

/* ---- patience ---- */

void sim_check_heard(
	struct sim *sim, int n, const struct vrrp_fsm *before, bool obeys, const struct vrrp_heard *heard)
{
	struct sim_node *node = &sim->node[n];

	if (node->fsm.state != VRRP_BACKUP)
		return;
	if (node->config_new) { /* it does not know yet that it has another priority */
		node->obeyed_at = -1;
		return;
	}
	if (heard->priority && before->state == VRRP_BACKUP && !obeys)
		return;
	node->obeyed_at = sim->now;
	node->obeyed_interval = !heard->priority            ? 0
				: node->config.version == 2 ? node->config.interval_ns
							    : heard->interval_ns;
}

static void check_patience(struct sim *sim, int n, const struct vrrp_action *action)
{
	struct sim_node *node = &sim->node[n];
	int64_t interval = node->obeyed_interval, wait;

	if (action->from != VRRP_BACKUP) {
		node->obeyed_at = action->to == VRRP_BACKUP ? node->obeyed_at : -1;
		return;
	}
	if (action->to == VRRP_ACTIVE && action->cause != VRRP_CAUSE_REQUESTED && node->obeyed_at >= 0 &&
		!node->config_new) {
		sim->covered |= 1u << SIM_PATIENCE;
		/* After a priority 0 the interval that Skew_Time is of is the one adopted before: a lower bound is none. */
		wait = interval ? 3 * interval + sim_check_skew(sim, n, interval) : 0;
		if (!interval && node->config.version == 2)
			wait = sim_check_skew(sim, n, 0);
		if (sim->now - node->obeyed_at < wait - wait / 900 - 1000)
			sim_fail(sim, SIM_PATIENCE, "node %d became Active %.6f ms after an advert it obeys",
				n, (double)(sim->now - node->obeyed_at) / 1e6);
	}
	node->obeyed_at = -1;
}

/* ---- steady ---- */

/* Longer than a down interval at that advert interval. */
static int64_t long_enough(const struct sim *sim, int64_t interval)
{
	const struct sim_schedule *s = &sim->schedule;

	return 4 * interval + 2 * (s->delay_max + s->wake_max) + 2 * VRRP_ANSWER_GAP_NS + interval / 100;
}

/* Since when nothing has kept n from hearing other, Active. */
static int64_t undisturbed_since(const struct sim *sim, int n, int other)
{
	const struct sim_node *backup = &sim->node[n], *active = &sim->node[other];
	int64_t times[] = {sim->clean_since, sim->shaken_at, backup->calm_since, active->calm_since,
		active->active_since};
	int64_t last = 0;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] > last)
			last = times[i];
	return sim->net_faults ? VRRP_NEVER : last;
}

/* Has n had every chance to know that other is Active? Who was undisturbed when the interval changed was told. */
static bool hears(const struct sim *sim, int n, int other)
{
	int64_t since = undisturbed_since(sim, n, other), interval = sim->node[n].fsm.active_interval;

	if (since == VRRP_NEVER)
		return false;
	if (interval < sim->schedule.interval)
		interval = sim->schedule.interval;
	if (since + long_enough(sim, interval) > sim->interval_at && interval < sim->schedule.longest)
		interval = sim->schedule.longest;
	return sim->now - since >= long_enough(sim, interval);
}

static void check_steady(struct sim *sim, int n, const struct vrrp_action *action)
{
	bool silence = action->cause == VRRP_CAUSE_SILENCE || action->cause == VRRP_CAUSE_PREEMPTED;

	if (action->to != VRRP_ACTIVE || !silence)
		return;
	for (int other = 0; other < sim->schedule.nodes; other++) {
		if (other != n && is_active(&sim->node[other]) && hears(sim, n, other) &&
			sim_check_obeys(sim, n, other))
			sim_fail(sim, SIM_STEADY,
				"node %d became Active beside node %d, which it hears and obeys", n, other);
	}
}

/* ---- two at a time ---- */

enum { APART, HANDING_OVER, INHERITING, CONFLICT };

/* The worst pair of those that hear each other; Handover of one that inherited lasts until the next advert. */
static int overlap(const struct sim *sim)
{
	int active = 0, leaving = 0, class = APART;
	const struct sim_node *last = NULL;

	if (!sim_check_clean(sim, 0))
		return APART;
	for (int n = 0; n < sim->schedule.nodes; n++) {
		if (is_active(&sim->node[n])) {
			active++;
			last = &sim->node[n];
		}
	}
	for (int n = 0; n < sim->schedule.nodes; n++) {
		const struct sim_node *node = &sim->node[n];

		if (!sim_node_up(node) || node->fsm.state != VRRP_HANDOVER || !last)
			continue;
		leaving++;
		class = node->fsm.cause == VRRP_CAUSE_INHERITED || last->active_since < node->calm_since ||
					last->active_since < node->state_since || /* both were Active */
					last->active_since < sim->fault_at ||
					last->active_since < sim->clean_since
				? INHERITING
				: HANDING_OVER;
	}
	return active > 1 ? CONFLICT : leaving > 1 && active ? INHERITING : class;
}

static void check_overlap(struct sim *sim, int64_t to)
{
	const struct sim_schedule *s = &sim->schedule;
	int64_t bound = s->delay_max + 3 * s->wake_max;

	if (sim->overlap_since == VRRP_NEVER)
		return;
	if (sim->overlap_class >= INHERITING)
		bound += s->delay_max + s->longest + s->longest / 500 + 2 * VRRP_ANSWER_GAP_NS;
	if (sim->overlap_class == INHERITING &&
		s->is_pair) /* whoever stood still listens first, without a lease */
		bound += s->longest + s->longest / 500;
	if (to - sim->overlap_since > bound + 1000)
		sim_fail(sim, SIM_OVERLAP, "for %.3f ms two that hear each other have had the addresses",
			(double)(to - sim->overlap_since) / 1e6);
}

static void note_overlap(struct sim *sim, bool anew)
{
	int class = overlap(sim);

	if (class == CONFLICT)
		sim->conflict_at = sim->now;
	if (!anew && class == sim->overlap_class && sim->fault_at < sim->overlap_since &&
		sim->overlap_since != VRRP_NEVER)
		return;
	sim->overlap_class = class;
	sim->overlap_since = class == APART ? VRRP_NEVER : sim->now;
	if (class != APART)
		sim->covered |= 1u << SIM_OVERLAP;
}

/* ---- events ---- */

void sim_check_step(struct sim *sim, int n, const struct vrrp_fsm *before, const struct vrrp_actions *actions)
{
	const struct sim_node *node = &sim->node[n];
	bool should = node->fsm.state == VRRP_ACTIVE || node->fsm.state == VRRP_HANDOVER;

	sim->covered |= 1u << SIM_HOLDING;
	if (node->holds != should &&
		!node->inherit) /* a new speaker does not know yet what the old one left */
		sim_fail(sim, SIM_HOLDING, "node %d is %s and %s the addresses", n,
			vrrp_state_name(node->fsm.state), node->holds ? "has" : "lacks");
	sim_lease_check_step(sim, n);
	sim_stall_check_step(sim, n, before);
	for (size_t i = 0; i < actions->count; i++) {
		const struct vrrp_action *action = &actions->list[i];

		if (action->type != VRRP_DO_TRANSITION)
			continue;
		sim_lease_check_transition(sim, n, action);
		sim->transitions++;
		if (action->from == VRRP_ACTIVE && action->to == VRRP_BACKUP && sim_check_clean(sim, 0))
			sim->yielded_at = sim->now;
		check_steady(sim, n, action);
		sim_pair_check_transition(sim, n, action);
		sim_watch_transition(sim, n, action);
		check_patience(sim, n, action);
		note_overlap(sim, action->to == VRRP_ACTIVE);
	}
}

void sim_check_says(struct sim *sim, int n, enum vrrp_action_type type, uint8_t priority)
{
	struct sim_node *node = &sim->node[n];

	if (priority || type == VRRP_DO_ANNOUNCE)
		sim_stall_check_says(sim, n);
	if (node->fsm.state == VRRP_ACTIVE && node->inbox_count)
		sim_fail(sim, SIM_READ_FIRST, "node %d speaks with %d packets unread", n, node->inbox_count);
	if (type == VRRP_DO_ANNOUNCE) {
		sim->covered |= 1u << SIM_ANNOUNCING;
		if (!node->holds)
			sim_fail(sim, SIM_ANNOUNCING, "node %d announces what it does not have", n);
	} else if (priority) {
		sim->covered |= 1u << SIM_NO_STORM;
		if (sim->now - node->told[4] < VRRP_ANSWER_GAP_NS * 99 / 100)
			sim_fail(sim, SIM_NO_STORM, "node %d sends its sixth advert in 5 ms", n);
		memmove(node->told + 1, node->told, 4 * sizeof(node->told[0]));
		node->told[0] = sim->now;
	}
}

void sim_check_time(struct sim *sim, int64_t to)
{
	check_overlap(sim, to);
	sim_lease_check_time(sim, to);
	sim_pair_check_time(sim, to);
	sim_watch_time(sim, to);
	note_overlap(sim, false);
}

/* ---- the end ---- */

static void check_one_active(struct sim *sim)
{
	int active = sim_check_only_active(sim), up = 0;

	for (int n = 0; n < sim->schedule.nodes; n++)
		up += sim_node_up(&sim->node[n]);
	if (!up)
		return;
	sim->covered |= 1u << SIM_ONE_ACTIVE;
	if (active < 0) {
		sim_fail(sim, SIM_ONE_ACTIVE, "none or several are Active");
		return;
	}
	for (int n = 0; n < sim->schedule.nodes; n++) {
		const struct sim_node *node = &sim->node[n];

		if (n == active || !sim_node_up(node))
			continue;
		if (hears(sim, n, active))
			sim->covered |= 1u << SIM_STEADY; /* it had the chance to break it */
		if (node->fsm.state != VRRP_BACKUP)
			sim_fail(sim, SIM_ONE_ACTIVE, "node %d is still %s", n,
				vrrp_state_name(node->fsm.state));
		else if (!sim_check_obeys(sim, n, active))
			sim_fail(sim, SIM_ONE_ACTIVE, "node %d is Active, node %d should have preempted it",
				active, n);
	}
}

/* A client that was cut off while the addresses moved keeps what it knew; a takeover, or an
 * Active that yields after that, tells it. */
static void check_clients(struct sim *sim)
{
	int active = sim_check_only_active(sim);
	const struct sim_node *node;

	if (active < 0)
		return;
	node = &sim->node[active];
	if (node->active_since < sim->clean_since && sim->yielded_at < sim->clean_since &&
		!(node->config.announce_refresh_ns && node->fsm.state == VRRP_ACTIVE))
		return;
	sim->covered |= 1u << SIM_CLIENTS;
	if (sim->client != active)
		sim_fail(sim, SIM_CLIENTS, "node %d is Active, the clients believe node %d", active,
			sim->client);
}

static void check_flapping(struct sim *sim)
{
	const struct sim_schedule *s = &sim->schedule;

	if (!sim->flaps || s->fault_count != 1)
		return;
	sim->covered |= 1u << SIM_FLAPPING;
	if (sim->transitions > 3 * s->nodes + 2 * sim->flaps + 6)
		sim_fail(sim, SIM_FLAPPING, "%d transitions of %d nodes while a link flapped %d times",
			sim->transitions, s->nodes, sim->flaps);
}

void sim_check_end(struct sim *sim)
{
	if (sim->schedule.is_pair) {
		sim_pair_check_end(sim);
		return;
	}
	check_one_active(sim);
	check_clients(sim);
	check_flapping(sim);
}
