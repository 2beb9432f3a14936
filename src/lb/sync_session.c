/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/sync_session.h"

#include <errno.h>
#include <stdlib.h>

#include "lb/sync_session_inside.h"

#define MS INT64_C(1000000)

void sync_session_defaults(struct sync_session_config *config, uint32_t config_hash)
{
	*config = (struct sync_session_config){
		.out = {.window = SYNC_WINDOW_MAX,
			.per_ms = 20,
			.burst = 32,
			.config_hash = config_hash,
			.batch_ns = 1 * MS,
			.idle_ns = 200 * MS,
			.behind_ns = 250 * MS},
		.in = {.window = SYNC_WINDOW_MAX,
			.ack_every = 8,
			.config_hash = config_hash,
			.ack_ns = SYNC_ACK_WAIT_NS,
			.want_ns = 100 * MS,
			.again_ns = 10000 * MS,
			.silent_ns = 1000 * MS},
	};
}

const char *sync_why_name(enum sync_why why)
{
	static const char *const names[SYNC_WHYS] = {
		"in sync", "no session", "peer silent", "table not yet whole", "behind", "table full"};

	return (unsigned)why < SYNC_WHYS ? names[why] : "unknown";
}

int sync_session_open(struct sync_session **out, const struct sync_session_config *config,
	const struct sync_source *source, const struct sync_target *target, void *data)
{
	struct sync_session *s = malloc(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->session = 0;
	s->bad = 0;
	err = sync_out_init(&s->out, &config->out, source, data);
	if (!err)
		err = sync_in_init(&s->in, &config->in, target, data);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void sync_session_close(struct sync_session *s)
{
	free(s);
}

void sync_session_reset(struct sync_session *s, uint64_t session, int64_t now)
{
	if (session == s->session)
		return;
	s->session = session;
	if (session) {
		sync_out_begin(&s->out, now);
		sync_in_begin(&s->in, now);
	} else {
		sync_out_stop(&s->out);
		sync_in_stop(&s->in);
	}
}

int sync_session_input(struct sync_session *s, const uint8_t *bytes, size_t len, int64_t now)
{
	struct sync_header header;
	struct sync_reader reader;
	int err = -EBADMSG;

	if (!s->session)
		return 0;
	if (len <= SYNC_DATAGRAM_MAX && sync_read_begin(&reader, &header, bytes, len) == 0) {
		if (header.type == SYNC_DATA)
			err = sync_in_data(&s->in, &header, &reader, now);
		else if (header.type == SYNC_ACK)
			err = sync_out_ack(&s->out, &header, now);
	}
	if (err)
		s->bad++;
	else
		sync_out_heard(&s->out, now);
	return err;
}

const uint8_t *sync_session_next(struct sync_session *s, int64_t now, size_t *len)
{
	const uint8_t *bytes = sync_in_next(&s->in, now, len);

	return bytes ? bytes : sync_out_next(&s->out, now, len);
}

int64_t sync_session_deadline(const struct sync_session *s, int64_t now)
{
	int64_t in = sync_in_deadline(&s->in, now), out = sync_out_deadline(&s->out, now);

	return in < out ? in : out;
}

void sync_session_set_config(struct sync_session *s, uint32_t config_hash, int64_t now)
{
	if (config_hash == s->in.config.config_hash)
		return;
	s->in.config.config_hash = s->out.config.config_hash = config_hash;
	if (s->session)
		sync_in_want_bulk(&s->in, now);
}

void sync_session_send_bulk(struct sync_session *s)
{
	sync_out_send_bulk(&s->out);
}

void sync_session_want_bulk(struct sync_session *s, int64_t now)
{
	sync_in_want_bulk(&s->in, now);
}

int64_t sync_session_why(const struct sync_session *s, int64_t now, enum sync_why *out, enum sync_why *in)
{
	*out = sync_out_why(&s->out, now);
	*in = sync_in_why(&s->in, now);
	return sync_out_lag(&s->out, now);
}

uint64_t sync_session_oldest(const struct sync_session *s)
{
	const struct sync_window *w = &s->out.window;

	return w->una < w->next ? w->una : 0;
}

uint64_t sync_session_bulks(const struct sync_session *s)
{
	return s->in.counters.bulks;
}

void sync_session_status(const struct sync_session *s, int64_t now, struct sync_status *out)
{
	*out = (struct sync_status){
		.session = s->session,
		.out = sync_out_why(&s->out, now),
		.in = sync_in_why(&s->in, now),
		.bulk = s->out.bulk,
		.other_config = s->in.top && s->in.peer_config_hash != s->in.config.config_hash,
		.heard_ns = s->in.top ? now - s->in.heard_at : -1,
		.lag_ns = sync_out_lag(&s->out, now),
		.round_trip_us = (uint32_t)((s->out.window.srtt_ns + 999) / 1000),
		.bad = s->bad,
		.sent = s->out.counters,
		.window = s->out.window.counters,
		.received = s->in.counters,
	};
	sync_lag_read(&s->out.window.lag, now, &out->lag_longest_us, &out->lag_p99_us);
}
