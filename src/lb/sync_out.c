/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/sync_out.h"

#include <errno.h>
#include <string.h>

#define RETRY_NS   INT64_C(1000000)
#define PER_MS_MAX 1000

int sync_out_init(struct sync_out *out, const struct sync_out_config *config,
	const struct sync_source *source, void *data)
{
	uint32_t window = config->window;

	if (window < SYNC_WINDOW_MIN || window > SYNC_WINDOW_MAX || (window & (window - 1)))
		return -EINVAL;
	if (!config->per_ms || config->per_ms > PER_MS_MAX || !config->burst || config->burst > window)
		return -EINVAL;
	if (config->batch_ns < 0 || config->idle_ns <= 0 || config->behind_ns <= 0)
		return -EINVAL;
	out->config = *config;
	out->source = source;
	out->data = data;
	memset(&out->counters, 0, sizeof(out->counters));
	sync_window_init(&out->window, window);
	sync_out_stop(out);
	return 0;
}

void sync_out_begin(struct sync_out *out, int64_t now)
{
	sync_window_reset(&out->window, now);
	out->is_on = true;
	out->must_speak = true;
	out->bulk = SYNC_BULK_NONE;
	out->bulk_first = out->bulk_end = 0;
	out->pace_at = out->retry_at = now;
	out->spoke_at = now;
}

void sync_out_stop(struct sync_out *out)
{
	sync_out_begin(out, 0);
	out->is_on = false;
}

/* ---- what comes ---- */

int sync_out_ack(struct sync_out *out, const struct sync_header *header, int64_t now)
{
	if (!out->is_on)
		return 0;
	if (sync_window_ack(&out->window, header->sequence, header->missing, now))
		return -EBADMSG;
	/* The peer says so until it has read the begin: what it said before is answered by the bulk that runs. */
	if (header->want_bulk && (out->bulk == SYNC_BULK_NONE || header->sequence >= out->bulk_first))
		out->bulk = SYNC_BULK_ASKED;
	return 0;
}

void sync_out_heard(struct sync_out *out, int64_t now)
{
	if (out->is_on)
		sync_window_heard(&out->window, now);
}

void sync_out_send_bulk(struct sync_out *out)
{
	out->bulk = SYNC_BULK_ASKED;
}

/* ---- when ---- */

/* The pace is a debt of time: each datagram costs its share of a ms, and burst of them may be owed. */
static int64_t cost_ns(const struct sync_out *out)
{
	return INT64_C(1000000) / out->config.per_ms;
}

static int64_t paced_at(const struct sync_out *out)
{
	return out->pace_at - (int64_t)(out->config.burst - 1) * cost_ns(out);
}

static void pay(struct sync_out *out, int64_t now)
{
	out->pace_at = (out->pace_at > now ? out->pace_at : now) + cost_ns(out);
}

/* A quarter of the window is kept from the bulk, so that changes need not wait until it is acknowledged. */
static bool bulk_may_go(const struct sync_out *out)
{
	return out->bulk >= SYNC_BULK_ASKED && out->bulk <= SYNC_BULK_WALKED &&
	       sync_window_has_room(&out->window, out->config.window / 4);
}

static int64_t keepalive_at(const struct sync_out *out)
{
	return out->must_speak ? out->spoke_at : out->spoke_at + out->config.idle_ns;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t sync_out_deadline(const struct sync_out *out, int64_t now)
{
	int64_t timeout_at, want_at = SYNC_NEVER, waiting;

	if (!out->is_on)
		return SYNC_NEVER;
	timeout_at = sync_window_deadline(&out->window);
	if (sync_window_must_resend(&out->window)) {
		want_at = now;
	} else if (sync_window_has_room(&out->window, 0)) {
		want_at = keepalive_at(out);
		waiting = out->source->waiting(out->data);
		if (waiting != SYNC_NEVER && later(waiting + out->config.batch_ns, out->retry_at) < want_at)
			want_at = later(waiting + out->config.batch_ns, out->retry_at);
		if (bulk_may_go(out) && later(now, out->retry_at) < want_at)
			want_at = later(now, out->retry_at);
	}
	if (want_at != SYNC_NEVER)
		want_at = later(want_at, paced_at(out));
	return want_at < timeout_at ? want_at : timeout_at;
}

/* ---- what goes ---- */

static bool is_behind(const struct sync_out *out, int64_t now, int64_t waiting)
{
	int64_t oldest = sync_window_oldest(&out->window);

	return (waiting != SYNC_NEVER && now - waiting > out->config.behind_ns) ||
	       (oldest != SYNC_NEVER && now - oldest > out->config.behind_ns);
}

static void write_bulk(struct sync_out *out, struct sync_writer *w)
{
	static const struct sync_record begin = {.kind = SYNC_BULK_BEGIN}, end = {.kind = SYNC_BULK_END};
	uint16_t before;

	if (out->bulk == SYNC_BULK_ASKED) {
		if (sync_write_record(w, &begin))
			return;
		out->bulk = SYNC_BULK_WALKING;
		out->bulk_first = out->window.next;
		out->counters.bulks++;
		out->source->bulk_begin(out->data);
	}
	if (out->bulk == SYNC_BULK_WALKING) {
		before = w->records;
		if (out->source->bulk_next(out->data, w))
			out->bulk = SYNC_BULK_WALKED;
		out->counters.bulk += (uint16_t)(w->records - before);
	}
	if (out->bulk == SYNC_BULK_WALKED && sync_write_record(w, &end) == 0) {
		out->bulk = SYNC_BULK_SENT;
		out->bulk_end = out->window.next;
		out->must_speak = true; /* so that the peer hears at once that this was all */
	}
}

static void write_header(const struct sync_out *out, struct sync_writer *w, uint64_t sequence, uint8_t *bytes,
	int64_t waiting, int64_t now)
{
	struct sync_header header = {.type = SYNC_DATA,
		.config_hash = out->config.config_hash,
		.sequence = sequence,
		.sent_ms = (uint32_t)(now / 1000000),
		.in_sync = out->bulk == SYNC_BULK_SENT && !is_behind(out, now, waiting)};

	sync_write_begin(w, &header, bytes, SYNC_DATAGRAM_MAX);
}

static const uint8_t *write_new(struct sync_out *out, int64_t now, size_t *len)
{
	int64_t waiting = out->source->waiting(out->data);
	bool may_ask = now >= out->retry_at;
	bool is_due = may_ask && waiting != SYNC_NEVER && waiting + out->config.batch_ns <= now;
	bool has_bulk = may_ask && bulk_may_go(out), is_idle = keepalive_at(out) <= now;
	uint8_t *bytes = sync_window_buffer(&out->window);
	struct sync_slot slot = {.born_at = now};
	struct sync_writer w;

	if (!is_due && !has_bulk && !is_idle)
		return NULL;
	write_header(out, &w, out->window.next, bytes, waiting, now);
	out->must_speak = false;
	if (waiting != SYNC_NEVER)
		out->source->changes(out->data, &w);
	slot.changes = w.records;
	if (slot.changes)
		slot.born_at = waiting;
	out->counters.changes += slot.changes;
	if (has_bulk && !w.full)
		write_bulk(out, &w);
	if (!w.records) {
		if (is_due || has_bulk)
			out->retry_at = now + RETRY_NS;
		if (!is_idle)
			return NULL;
		out->counters.keepalives++;
	}
	slot.records = w.records;
	*len = sync_write_end(&w);
	slot.len = (uint16_t)*len;
	sync_window_push(&out->window, &slot, now);
	out->spoke_at = now;
	return bytes;
}

/* With a header of now: what it says of being in sync must not be older than the datagram is. */
static const uint8_t *write_again(struct sync_out *out, int64_t now, size_t *len)
{
	struct sync_writer w;
	uint8_t *bytes = NULL;
	uint64_t sequence = sync_window_resend(&out->window, now, &bytes, len);

	if (!sequence)
		return NULL;
	write_header(out, &w, sequence, bytes, out->source->waiting(out->data), now);
	w.records = sync_window_records(&out->window, sequence);
	sync_write_end(&w);
	return bytes;
}

const uint8_t *sync_out_next(struct sync_out *out, int64_t now, size_t *len)
{
	const uint8_t *bytes;

	if (!out->is_on)
		return NULL;
	sync_window_check(&out->window, now);
	if (paced_at(out) > now)
		return NULL;
	bytes = write_again(out, now, len);
	if (!bytes && sync_window_has_room(&out->window, 0))
		bytes = write_new(out, now, len);
	if (bytes)
		pay(out, now);
	return bytes;
}

/* ---- how it goes ---- */

enum sync_why sync_out_why(const struct sync_out *out, int64_t now)
{
	int64_t oldest = sync_window_oldest(&out->window);

	if (!out->is_on)
		return SYNC_WHY_SESSION;
	if (oldest != SYNC_NEVER && now - out->window.acked_at > out->config.behind_ns &&
		now - oldest > out->config.behind_ns)
		return SYNC_WHY_SILENT;
	if (out->bulk != SYNC_BULK_SENT || out->window.una <= out->bulk_end)
		return SYNC_WHY_BULK;
	if (is_behind(out, now, out->source->waiting(out->data)))
		return SYNC_WHY_BEHIND;
	return SYNC_WHY_IN_SYNC;
}

int64_t sync_out_lag(const struct sync_out *out, int64_t now)
{
	int64_t oldest = sync_window_oldest(&out->window), waiting = out->source->waiting(out->data);

	if (waiting < oldest)
		oldest = waiting;
	return oldest != SYNC_NEVER && oldest < now ? now - oldest : 0;
}
