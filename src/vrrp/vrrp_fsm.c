/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 9568 section 6.4: one function for each state and event that belong together. What is to be done is appended to the
 * actions in order; the timers are fields. See the header for what goes beyond the RFC.
 */
#include "vrrp/vrrp_fsm.h"

#define SECOND_NS      1000000000
#define OWNER          255
#define FORCED         254
#define TELL_INTERVALS 3

static void do_action(struct vrrp_actions *actions, const struct vrrp_action *action)
{
	if (actions->count < VRRP_ACTIONS_MAX)
		actions->list[actions->count++] = *action;
}

static void do_simple(struct vrrp_actions *actions, enum vrrp_action_type type)
{
	do_action(actions, &(struct vrrp_action){.type = type});
}

static void advertise(struct vrrp_fsm *fsm, int64_t now, struct vrrp_actions *actions)
{
	do_action(actions,
		&(struct vrrp_action){.type = VRRP_DO_ADVERTISE, .priority = vrrp_fsm_priority(fsm)});
	fsm->advertised_at = now;
}

static void enter(struct vrrp_fsm *fsm, enum vrrp_state to, enum vrrp_cause cause, int64_t now,
	struct vrrp_actions *actions)
{
	do_action(actions, &(struct vrrp_action){
				   .type = VRRP_DO_TRANSITION, .from = fsm->state, .to = to, .cause = cause});
	fsm->state = to;
	fsm->cause = cause;
	fsm->since = now;
}

static void cancel_timers(struct vrrp_fsm *fsm)
{
	fsm->advert_at = VRRP_NEVER;
	fsm->down_at = VRRP_NEVER;
	fsm->announce_at = VRRP_NEVER;
	fsm->announce_left = 0;
	fsm->old_left = 0;
	fsm->overdue = false;
}

static void forget_adverts(struct vrrp_fsm *fsm)
{
	fsm->left = false;
	fsm->heard_at = VRRP_NEVER;
	fsm->lower_at = VRRP_NEVER;
	fsm->leading_at = VRRP_NEVER;
	fsm->following_since = VRRP_NEVER;
	fsm->following_at = VRRP_NEVER;
	fsm->advertised_at = VRRP_NEVER;
	fsm->announced_at = VRRP_NEVER;
}

/* ---- timers ---- */

static int64_t skew_of(const struct vrrp_fsm_config *config, int64_t active_interval)
{
	return (256 - config->priority) * (config->version == 2 ? SECOND_NS : active_interval) / 256;
}

int64_t vrrp_fsm_skew(const struct vrrp_fsm *fsm)
{
	return skew_of(&fsm->config, fsm->active_interval);
}

int64_t vrrp_fsm_down_interval(const struct vrrp_fsm *fsm)
{
	return 3 * fsm->active_interval + vrrp_fsm_skew(fsm);
}

int64_t vrrp_fsm_good_until(const struct vrrp_fsm *fsm)
{
	return fsm->advertised_at + 3 * fsm->active_interval;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The down timer counts from the last advert that armed it, also when the skew changes meanwhile. */
static void arm_down_timer(struct vrrp_fsm *fsm)
{
	int64_t from = fsm->heard_at != VRRP_NEVER ? fsm->heard_at : fsm->since;

	fsm->overdue = false;
	fsm->down_at = from + (fsm->left ? vrrp_fsm_skew(fsm) : vrrp_fsm_down_interval(fsm));
}

static void arm_advert_timer(struct vrrp_fsm *fsm, int64_t now)
{
	int64_t interval = fsm->config.interval_ns;

	if (fsm->old_left) {
		fsm->old_left--;
		interval = earlier(interval, fsm->old_interval);
	}
	fsm->advert_at = now + interval;
}

/* The next announcement: of the series, else the refresh. */
static void arm_announcement(struct vrrp_fsm *fsm, int64_t now)
{
	if (fsm->announce_left)
		fsm->announce_at = now + fsm->config.announce_interval_ns;
	else if (fsm->config.announce_refresh_ns)
		fsm->announce_at = now + fsm->config.announce_refresh_ns;
	else
		fsm->announce_at = VRRP_NEVER;
}

static void announce(struct vrrp_fsm *fsm, uint8_t left, int64_t now, struct vrrp_actions *actions)
{
	do_simple(actions, VRRP_DO_ANNOUNCE);
	fsm->announced_at = now;
	fsm->announce_left = left;
	arm_announcement(fsm, now);
}

static void announce_series(struct vrrp_fsm *fsm, int64_t now, struct vrrp_actions *actions)
{
	announce(fsm, fsm->config.announce_count ? fsm->config.announce_count - 1 : 0, now, actions);
}

int64_t vrrp_fsm_deadline(const struct vrrp_fsm *fsm)
{
	return earlier(fsm->advert_at, earlier(fsm->down_at, fsm->announce_at));
}

uint8_t vrrp_fsm_priority(const struct vrrp_fsm *fsm)
{
	return fsm->forced && fsm->config.priority < FORCED ? FORCED : fsm->config.priority;
}

/* ---- into a state ---- */

/* Does somebody serve the addresses until our advert tells him not to? Then they are here before it is sent, so that no
 * packet falls between; else it goes first, so that no other Backup wakes up. On the wire it is the same order. */
static bool is_served(enum vrrp_cause cause)
{
	return cause == VRRP_CAUSE_PEER_LEFT || cause == VRRP_CAUSE_PREEMPTED ||
	       cause == VRRP_CAUSE_REQUESTED;
}

static void become_active(
	struct vrrp_fsm *fsm, enum vrrp_cause cause, int64_t now, struct vrrp_actions *actions)
{
	cancel_timers(fsm);
	forget_adverts(fsm);
	fsm->held = false;
	fsm->active_interval = fsm->config.interval_ns;
	if (is_served(cause)) {
		do_simple(actions, VRRP_DO_ACQUIRE);
		advertise(fsm, now, actions);
	} else {
		advertise(fsm, now, actions);
		do_simple(actions, VRRP_DO_ACQUIRE);
	}
	announce_series(fsm, now, actions);
	arm_advert_timer(fsm, now);
	enter(fsm, VRRP_ACTIVE, cause, now, actions);
}

/* What every advert that a Backup obeys does. */
static void obey(struct vrrp_fsm *fsm, const struct vrrp_heard *heard, int64_t now)
{
	if (fsm->config.version != 2 && heard->interval_ns > 0)
		fsm->active_interval = heard->interval_ns;
	if (heard->priority >= fsm->config.priority)
		fsm->held = false;
	fsm->left = false;
	fsm->heard_at = now;
	arm_down_timer(fsm);
}

/* From Active or Handover: somebody else has it. */
static void become_backup(struct vrrp_fsm *fsm, const struct vrrp_heard *heard, enum vrrp_cause cause,
	int64_t now, struct vrrp_actions *actions)
{
	cancel_timers(fsm);
	fsm->forced = false;
	fsm->lower_at = VRRP_NEVER;
	obey(fsm, heard, now);
	enter(fsm, VRRP_BACKUP, cause, now, actions);
}

static void become_handover(
	struct vrrp_fsm *fsm, enum vrrp_cause cause, int64_t now, struct vrrp_actions *actions)
{
	cancel_timers(fsm);
	fsm->active_interval = fsm->config.interval_ns;
	enter(fsm, VRRP_HANDOVER, cause, now, actions);
	arm_down_timer(fsm);
}

/* ---- Initialize ---- */

static void begin(struct vrrp_fsm *fsm, int64_t now)
{
	cancel_timers(fsm);
	forget_adverts(fsm);
	fsm->held = false;
	fsm->forced = false;
	fsm->heard_priority = 0;
	fsm->begun_at = now;
	fsm->preempt_at = now + fsm->config.preempt_delay_ns;
}

static void initialize_step(
	struct vrrp_fsm *fsm, enum vrrp_event_type type, int64_t now, struct vrrp_actions *actions)
{
	fsm->active_interval = fsm->config.interval_ns;
	if (type != VRRP_EVENT_STARTUP && type != VRRP_EVENT_RESUME && type != VRRP_EVENT_INHERIT)
		return;
	begin(fsm, now);
	if (type == VRRP_EVENT_RESUME) {
		become_active(fsm, VRRP_CAUSE_RESUMED, now, actions);
	} else if (fsm->config.priority == OWNER) {
		become_active(fsm, VRRP_CAUSE_OWNER, now, actions);
	} else if (type == VRRP_EVENT_INHERIT) {
		become_handover(fsm, VRRP_CAUSE_INHERITED, now, actions);
	} else {
		enter(fsm, VRRP_BACKUP, VRRP_CAUSE_STARTUP, now, actions);
		arm_down_timer(fsm);
	}
}

/* ---- Backup ---- */

/* Would a lower priority be preempted? Who gave up on request does not, not even as the owner: an operator said so. */
static bool preempts(const struct vrrp_fsm *fsm, int64_t now)
{
	if (fsm->held)
		return false;
	return fsm->config.priority == OWNER || (fsm->config.preempt && now >= fsm->preempt_at);
}

static void backup_advert(struct vrrp_fsm *fsm, const struct vrrp_heard *heard, int64_t now)
{
	if (heard->priority == 0) {
		fsm->left = true;
		fsm->heard_at = now;
		arm_down_timer(fsm);
	} else if (heard->priority >= fsm->config.priority || !preempts(fsm, now)) {
		obey(fsm, heard, now);
	} else {
		fsm->lower_at = now;
	}
}

static enum vrrp_cause takeover_cause(const struct vrrp_fsm *fsm)
{
	if (fsm->left)
		return VRRP_CAUSE_PEER_LEFT;
	if (fsm->lower_at != VRRP_NEVER && (fsm->heard_at == VRRP_NEVER || fsm->lower_at >= fsm->heard_at))
		return VRRP_CAUSE_PREEMPTED;
	return VRRP_CAUSE_SILENCE;
}

static void backup_take(struct vrrp_fsm *fsm, int64_t now, struct vrrp_actions *actions)
{
	if (fsm->heard_priority == OWNER)
		return;
	fsm->forced = fsm->heard_priority >= fsm->config.priority;
	become_active(fsm, VRRP_CAUSE_REQUESTED, now, actions);
}

/* Before anybody was heard nothing is known of the interval in use: with another one the wait begins anew, or a shorter
 * one might have been over already. Another priority alone moves its end. */
static void backup_config(struct vrrp_fsm *fsm, const struct vrrp_fsm_config *old, int64_t now)
{
	bool other_interval = fsm->config.interval_ns != old->interval_ns;

	if (fsm->config.version == 2 || fsm->heard_at == VRRP_NEVER)
		fsm->active_interval = fsm->config.interval_ns;
	if (fsm->heard_at != VRRP_NEVER)
		arm_down_timer(fsm);
	else if (other_interval)
		fsm->down_at = now + vrrp_fsm_down_interval(fsm);
	else
		fsm->down_at += vrrp_fsm_skew(fsm) - skew_of(old, fsm->active_interval);
}

/* The down timer's end is put off. */
static void backup_hold(struct vrrp_fsm *fsm, int64_t now)
{
	fsm->overdue |= now >= fsm->down_at;
	if (fsm->overdue)
		fsm->down_at = now + fsm->active_interval;
}

static void backup_step(struct vrrp_fsm *fsm, const struct vrrp_event *event,
	const struct vrrp_fsm_config *old, int64_t now, struct vrrp_actions *actions)
{
	switch (event->type) {
	case VRRP_EVENT_TIMER:
		if (now >= fsm->down_at || fsm->overdue)
			become_active(fsm, takeover_cause(fsm), now, actions);
		break;
	case VRRP_EVENT_ADVERT:
		backup_advert(fsm, &event->heard, now);
		break;
	case VRRP_EVENT_TAKE:
		backup_take(fsm, now, actions);
		break;
	case VRRP_EVENT_HOLD:
		backup_hold(fsm, now);
		break;
	case VRRP_EVENT_CONFIG:
		backup_config(fsm, old, now);
		break;
	case VRRP_EVENT_SHUTDOWN:
		cancel_timers(fsm);
		enter(fsm, VRRP_INITIALIZE, VRRP_CAUSE_SHUTDOWN, now, actions);
		break;
	default:
		break;
	}
}

/* ---- Active ---- */

enum verdict { WON, LOST, UNDECIDED };

/* The other family's or virtual router's address counts when nothing came on the leading one for a down interval while
 * it came on this one all the time. */
static bool follower_decides(struct vrrp_fsm *fsm, int64_t now)
{
	int64_t whole = vrrp_fsm_down_interval(fsm);
	int64_t gap = whole - fsm->active_interval; /* one of them may be lost */
	bool first = fsm->following_since == VRRP_NEVER || now - fsm->following_at >= gap;
	bool alone = fsm->leading_at == VRRP_NEVER || fsm->leading_at < fsm->following_since;

	if (first || !alone)
		fsm->following_since = now;
	fsm->following_at = now;
	return now - fsm->following_since >= whole;
}

static enum verdict judge(struct vrrp_fsm *fsm, const struct vrrp_heard *heard, int64_t now)
{
	uint8_t own = vrrp_fsm_priority(fsm);

	if (heard->priority != own)
		return heard->priority > own ? LOST : WON;
	if (!heard->leading && !follower_decides(fsm, now))
		return UNDECIDED;
	return heard->tie > 0 ? LOST : WON;
}

/* Without a word, and a Backup that has heard nobody yet. */
static void give_up(struct vrrp_fsm *fsm, enum vrrp_cause cause, int64_t now, struct vrrp_actions *actions)
{
	cancel_timers(fsm);
	forget_adverts(fsm);
	fsm->forced = fsm->held = false;
	do_simple(actions, VRRP_DO_RELEASE);
	enter(fsm, VRRP_BACKUP, cause, now, actions);
	arm_down_timer(fsm);
}

static int64_t not_before_gap(int64_t now, int64_t last)
{
	return last != VRRP_NEVER && last + VRRP_ANSWER_GAP_NS > now ? last + VRRP_ANSWER_GAP_NS : now;
}

/* Somebody else claimed what is ours: tell it, and tell everybody who has the addresses, now and once more after it. */
static void answer(struct vrrp_fsm *fsm, int64_t now)
{
	fsm->advert_at = earlier(fsm->advert_at, not_before_gap(now, fsm->advertised_at));
	fsm->announce_at = earlier(fsm->announce_at, not_before_gap(now, fsm->announced_at));
	if (fsm->announce_left < 2)
		fsm->announce_left = 2;
}

/* The last claim comes after the release: the winner may not know that there was a conflict, and answers with an
 * announcement that no other follows. */
static void lose(
	struct vrrp_fsm *fsm, const struct vrrp_heard *heard, int64_t now, struct vrrp_actions *actions)
{
	uint8_t own = vrrp_fsm_priority(fsm);
	enum vrrp_cause cause =
		heard->priority > own ? VRRP_CAUSE_HIGHER_PRIORITY : VRRP_CAUSE_HIGHER_ADDRESS;

	do_simple(actions, VRRP_DO_RELEASE);
	do_action(actions, &(struct vrrp_action){.type = VRRP_DO_ADVERTISE, .priority = own});
	become_backup(fsm, heard, cause, now, actions);
}

/* So long that others may have taken over, and clients believe them. */
static bool was_silent(const struct vrrp_fsm *fsm, int64_t now)
{
	return now >= vrrp_fsm_good_until(fsm);
}

/* The peer took over while we stood still, unless that was long ago and it has gone since: its next claim tells. */
static void overtaken(
	struct vrrp_fsm *fsm, const struct vrrp_heard *heard, int64_t now, struct vrrp_actions *actions)
{
	bool is_new =
		now - heard->age_ns > vrrp_fsm_good_until(fsm) && heard->age_ns < 3 * heard->interval_ns;

	if (heard->priority && is_new) {
		give_up(fsm, VRRP_CAUSE_STALLED, now, actions);
		backup_advert(fsm, heard, now);
	} else {
		fsm->advert_at = heard->priority ? now + 2 * heard->interval_ns : now; /* it left again */
		fsm->announce_at = fsm->advert_at;
	}
}

static void active_advert(
	struct vrrp_fsm *fsm, const struct vrrp_heard *heard, int64_t now, struct vrrp_actions *actions)
{
	enum verdict verdict = judge(fsm, heard, now);
	bool asks = heard->peer && fsm->config.priority != OWNER;

	if (verdict == LOST)
		lose(fsm, heard, now, actions);
	else if (verdict == WON && !was_silent(fsm, now))
		answer(fsm, now);
	else if (verdict == WON && asks) /* else the timer, which is due, answers */
		overtaken(fsm, heard, now, actions);
}

static void active_timer(struct vrrp_fsm *fsm, int64_t now, struct vrrp_actions *actions)
{
	bool silent = was_silent(fsm, now);

	fsm->active_interval = fsm->config.interval_ns;
	if (now >= fsm->advert_at) {
		advertise(fsm, now, actions);
		arm_advert_timer(fsm, now);
	}
	if (silent)
		announce_series(fsm, now, actions);
	else if (now >= fsm->announce_at)
		announce(fsm, fsm->announce_left ? fsm->announce_left - 1 : 0, now, actions);
}

static void active_config(
	struct vrrp_fsm *fsm, const struct vrrp_fsm_config *old, int64_t now, struct vrrp_actions *actions)
{
	const struct vrrp_fsm_config *new = &fsm->config;

	if (was_silent(fsm, now))
		return; /* first what arrived is read; the timer, which is due, tells all */
	fsm->active_interval = new->interval_ns;
	if (new->interval_ns > old->interval_ns) {
		fsm->old_interval = old->interval_ns;
		fsm->old_left = TELL_INTERVALS - 1;
	}
	if (new->priority != old->priority || new->interval_ns != old->interval_ns ||
		new->version != old->version) {
		advertise(fsm, now, actions);
		arm_advert_timer(fsm, now);
	}
	if (!fsm->announce_left && new->announce_refresh_ns != old->announce_refresh_ns)
		arm_announcement(fsm, now);
}

static void active_offer(struct vrrp_fsm *fsm, int64_t now, struct vrrp_actions *actions)
{
	if (fsm->forced)
		fsm->forced = false;
	else
		fsm->held = true;
	do_action(actions, &(struct vrrp_action){.type = VRRP_DO_ADVERTISE, .priority = 0});
	become_handover(fsm, VRRP_CAUSE_OFFERED, now, actions);
}

/* Priority 0 frees who waits for our adverts; a peer that is Active itself only answers it. */
static void yield(struct vrrp_fsm *fsm, int64_t now, struct vrrp_actions *actions)
{
	if (fsm->state == VRRP_ACTIVE)
		do_action(actions, &(struct vrrp_action){.type = VRRP_DO_ADVERTISE, .priority = 0});
	give_up(fsm, VRRP_CAUSE_YIELDED, now, actions);
}

static void active_shutdown(struct vrrp_fsm *fsm, int64_t now, struct vrrp_actions *actions)
{
	cancel_timers(fsm);
	fsm->forced = false;
	do_action(actions, &(struct vrrp_action){.type = VRRP_DO_ADVERTISE, .priority = 0});
	do_simple(actions, VRRP_DO_RELEASE);
	enter(fsm, VRRP_INITIALIZE, VRRP_CAUSE_SHUTDOWN, now, actions);
}

static void active_step(struct vrrp_fsm *fsm, const struct vrrp_event *event,
	const struct vrrp_fsm_config *old, int64_t now, struct vrrp_actions *actions)
{
	switch (event->type) {
	case VRRP_EVENT_TIMER:
		active_timer(fsm, now, actions);
		break;
	case VRRP_EVENT_ADVERT:
		active_advert(fsm, &event->heard, now, actions);
		break;
	case VRRP_EVENT_OFFER:
		active_offer(fsm, now, actions);
		break;
	case VRRP_EVENT_CONFIG:
		active_config(fsm, old, now, actions);
		break;
	case VRRP_EVENT_MOVED:
		if (!was_silent(fsm, now)) /* else likewise */
			announce_series(fsm, now, actions);
		break;
	case VRRP_EVENT_YIELD:
		yield(fsm, now, actions);
		break;
	case VRRP_EVENT_SHUTDOWN:
		active_shutdown(fsm, now, actions);
		break;
	default:
		break;
	}
}

/* ---- Handover ---- */

static void handover_step(
	struct vrrp_fsm *fsm, const struct vrrp_event *event, int64_t now, struct vrrp_actions *actions)
{
	switch (event->type) {
	case VRRP_EVENT_TIMER:
		if (now >= fsm->down_at)
			become_active(fsm, VRRP_CAUSE_NOBODY, now, actions);
		break;
	case VRRP_EVENT_ADVERT:
		/* Another one that leaves takes nothing over. */
		if (event->heard.priority == 0)
			break;
		do_simple(actions, VRRP_DO_RELEASE);
		become_backup(fsm, &event->heard, VRRP_CAUSE_ACCEPTED, now, actions);
		break;
	case VRRP_EVENT_CONFIG:
		fsm->active_interval = fsm->config.interval_ns;
		arm_down_timer(fsm);
		break;
	case VRRP_EVENT_YIELD:
		yield(fsm, now, actions);
		break;
	case VRRP_EVENT_SHUTDOWN:
		/* Priority 0 was said already; once more would only make the others wait anew. */
		cancel_timers(fsm);
		do_simple(actions, VRRP_DO_RELEASE);
		enter(fsm, VRRP_INITIALIZE, VRRP_CAUSE_SHUTDOWN, now, actions);
		break;
	default:
		break;
	}
}

/* ---- the machine ---- */

void vrrp_fsm_init(struct vrrp_fsm *fsm, const struct vrrp_fsm_config *config)
{
	*fsm = (struct vrrp_fsm){.config = *config, .active_interval = config->interval_ns};
	cancel_timers(fsm);
	forget_adverts(fsm);
}

void vrrp_fsm_step(
	struct vrrp_fsm *fsm, const struct vrrp_event *event, int64_t now, struct vrrp_actions *actions)
{
	struct vrrp_fsm_config old = fsm->config;

	actions->count = 0;
	if (event->type == VRRP_EVENT_CONFIG)
		fsm->config = *event->config;
	if (event->type == VRRP_EVENT_ADVERT && fsm->state != VRRP_INITIALIZE) {
		fsm->heard_priority = event->heard.priority;
		if (event->heard.leading)
			fsm->leading_at = now;
	}
	switch (fsm->state) {
	case VRRP_INITIALIZE:
		initialize_step(fsm, event->type, now, actions);
		break;
	case VRRP_BACKUP:
		backup_step(fsm, event, &old, now, actions);
		break;
	case VRRP_ACTIVE:
		active_step(fsm, event, &old, now, actions);
		break;
	case VRRP_HANDOVER:
		handover_step(fsm, event, now, actions);
		break;
	}
}
