/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/sync_window.h"

#include <errno.h>
#include <string.h>

#define RTO_FIRST_NS INT64_C(100000000) /* before the first sample; RFC 6298 takes 1 s, for any internet */
#define TICK_NS      INT64_C(1000000)   /* what a timer is good for */

static struct sync_slot *slot_of(struct sync_window *w, uint64_t sequence)
{
	return &w->slot[sequence & (w->size - 1)];
}

static const struct sync_slot *oldest_of(const struct sync_window *w)
{
	return &w->slot[w->una & (w->size - 1)];
}

void sync_window_init(struct sync_window *w, uint32_t size)
{
	w->size = size;
	memset(&w->counters, 0, sizeof(w->counters));
	sync_lag_init(&w->lag);
	sync_window_reset(w, 0);
}

void sync_window_reset(struct sync_window *w, int64_t now)
{
	memset(w->slot, 0, sizeof(w->slot));
	w->una = w->next = w->lost_from = 1;
	w->flight = w->lost = 0;
	w->may_fly = w->size;
	w->order = 0;
	w->srtt_ns = w->rttvar_ns = 0;
	w->rto_ns = RTO_FIRST_NS;
	w->acked_at = now;
	w->probing = false;
}

/* ---- new ones ---- */

bool sync_window_has_room(const struct sync_window *w, uint32_t reserve)
{
	return !w->lost && w->flight < w->may_fly && w->next - w->una + reserve < w->size;
}

uint8_t *sync_window_buffer(struct sync_window *w)
{
	return w->bytes[w->next & (w->size - 1)];
}

static void fly(struct sync_window *w, struct sync_slot *s, int64_t now)
{
	s->state = SYNC_SLOT_SENT;
	s->sent_at = now;
	s->order = ++w->order;
	s->passed = 0;
	if (s->times < UINT8_MAX)
		s->times++;
	w->flight++;
}

void sync_window_push(struct sync_window *w, const struct sync_slot *slot, int64_t now)
{
	struct sync_slot *s = slot_of(w, w->next);

	*s = *slot;
	fly(w, s, now);
	w->next++;
	w->counters.sent++;
}

uint16_t sync_window_records(const struct sync_window *w, uint64_t sequence)
{
	return w->slot[sequence & (w->size - 1)].records;
}

/* ---- lost ones ---- */

static void lose(struct sync_window *w, uint64_t sequence)
{
	slot_of(w, sequence)->state = SYNC_SLOT_LOST;
	w->flight--;
	w->lost++;
	if (sequence < w->lost_from)
		w->lost_from = sequence;
}

bool sync_window_must_resend(const struct sync_window *w)
{
	return w->lost && w->flight < w->may_fly;
}

uint64_t sync_window_resend(struct sync_window *w, int64_t now, uint8_t **bytes, size_t *len)
{
	struct sync_slot *s;

	if (!sync_window_must_resend(w))
		return 0;
	while (slot_of(w, w->lost_from)->state != SYNC_SLOT_LOST)
		w->lost_from++;
	s = slot_of(w, w->lost_from);
	w->lost--;
	if (s->passed >= SYNC_PASSED_LOST)
		w->counters.repaired_early++;
	else
		w->counters.repaired_late++;
	fly(w, s, now);
	*bytes = w->bytes[w->lost_from & (w->size - 1)];
	*len = s->len;
	return w->lost_from++;
}

static int64_t timeout_of(const struct sync_window *w, const struct sync_slot *s)
{
	int64_t rto_ns = w->rto_ns << (s->times <= 8 ? s->times - 1 : 7);

	return s->sent_at + (rto_ns < SYNC_RTO_MAX_NS ? rto_ns : SYNC_RTO_MAX_NS);
}

int64_t sync_window_deadline(const struct sync_window *w)
{
	const struct sync_slot *s = oldest_of(w);

	return w->una != w->next && s->state == SYNC_SLOT_SENT ? timeout_of(w, s) : SYNC_NEVER;
}

void sync_window_check(struct sync_window *w, int64_t now)
{
	bool is_silent;

	if (sync_window_deadline(w) > now)
		return;
	is_silent = w->acked_at <= oldest_of(w)->sent_at;
	for (uint64_t q = w->una; q != w->next && (is_silent || q - w->una < SYNC_VISIBLE); q++) {
		struct sync_slot *s = slot_of(w, q);

		if (s->state == SYNC_SLOT_SENT && (is_silent || timeout_of(w, s) <= now))
			lose(w, q);
	}
	if (is_silent) {
		w->may_fly = 1;
		w->probing = true;
		w->counters.silences++;
	}
}

void sync_window_heard(struct sync_window *w, int64_t now)
{
	if (w->probing && w->una != w->next && oldest_of(w)->state == SYNC_SLOT_SENT &&
		now - oldest_of(w)->sent_at >= w->rto_ns)
		lose(w, w->una);
}

/* ---- acknowledgements ---- */

static void sample(struct sync_window *w, int64_t rtt_ns)
{
	int64_t off = w->srtt_ns > rtt_ns ? w->srtt_ns - rtt_ns : rtt_ns - w->srtt_ns;

	if (rtt_ns < 1)
		rtt_ns = 1;
	if (!w->srtt_ns) {
		w->srtt_ns = rtt_ns;
		w->rttvar_ns = rtt_ns / 2;
	} else {
		w->rttvar_ns += (off - w->rttvar_ns) / 4;
		w->srtt_ns += (rtt_ns - w->srtt_ns) / 8;
	}
	w->rto_ns = w->srtt_ns + (4 * w->rttvar_ns > TICK_NS ? 4 * w->rttvar_ns : TICK_NS) + SYNC_ACK_WAIT_NS;
	if (w->rto_ns < SYNC_RTO_MIN_NS)
		w->rto_ns = SYNC_RTO_MIN_NS;
	if (w->rto_ns > SYNC_RTO_MAX_NS)
		w->rto_ns = SYNC_RTO_MAX_NS;
}

/* True: it had not been known to have come. */
static bool arrive(struct sync_window *w, struct sync_slot *s)
{
	if (s->state == SYNC_SLOT_CAME)
		return false;
	if (s->state == SYNC_SLOT_SENT)
		w->flight--;
	else
		w->lost--;
	s->state = SYNC_SLOT_CAME;
	w->counters.acknowledged++;
	return true;
}

/* All up to sequence: how many are news; *sent_at: when the newest of them was sent, unless this one waited behind one
 * that had to be sent again: then it tells of the repair, not of the way. */
static uint32_t release(struct sync_window *w, uint64_t sequence, int64_t now, int64_t *sent_at)
{
	bool waited = false;
	uint32_t news = 0;

	for (; w->una <= sequence; w->una++) {
		struct sync_slot *s = slot_of(w, w->una);

		waited |= s->times > 1;
		if (arrive(w, s)) {
			news++;
			*sent_at = s->sent_at;
		}
		if (s->changes)
			sync_lag_add(&w->lag, now, now - s->born_at, s->changes);
		s->state = SYNC_SLOT_FREE;
	}
	if (waited)
		*sent_at = SYNC_NEVER;
	if (w->lost_from < w->una)
		w->lost_from = w->una;
	return news;
}

/* Count by how many of those that came just now each missing one was passed. Only what was sent once tells when. */
static void pass(struct sync_window *w, const uint64_t *order, uint32_t count, uint64_t top)
{
	for (uint64_t q = w->una; q < top && count; q++) {
		struct sync_slot *s = slot_of(w, q);

		if (s->state != SYNC_SLOT_SENT)
			continue;
		for (uint32_t i = 0; i < count && s->passed < SYNC_PASSED_LOST; i++)
			s->passed += order[i] > s->order;
		if (s->passed >= SYNC_PASSED_LOST)
			lose(w, q);
	}
}

int sync_window_ack(struct sync_window *w, uint64_t sequence, uint64_t came, int64_t now)
{
	uint64_t top = came ? sequence + 64 - (uint64_t)__builtin_clzll(came) : sequence;
	uint64_t order[SYNC_VISIBLE];
	int64_t sent_at = SYNC_NEVER;
	uint32_t news, count = 0;

	/* Bit 0 is the one that sequence says is missing. */
	if (sequence >= w->next || top >= w->next || (came & 1)) {
		w->counters.bad_acks++;
		return -EBADMSG;
	}
	w->acked_at = now;
	news = release(w, sequence, now, &sent_at);
	for (; came; came &= came - 1) {
		uint64_t q = sequence + 1 + (uint64_t)__builtin_ctzll(came);
		struct sync_slot *s = slot_of(w, q);

		if (q < w->una || !arrive(w, s))
			continue;
		news++;
		if (s->times > 1)
			continue;
		order[count++] = s->order;
		sent_at = s->sent_at;
	}
	if (sent_at != SYNC_NEVER)
		sample(w, now - sent_at);
	pass(w, order, count, top);
	if (news) {
		w->probing = false;
		w->may_fly = w->size - w->may_fly > news ? w->may_fly + news : w->size;
	}
	return 0;
}

int64_t sync_window_oldest(const struct sync_window *w)
{
	return w->una != w->next ? oldest_of(w)->born_at : SYNC_NEVER;
}
