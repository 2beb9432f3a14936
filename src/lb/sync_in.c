/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/sync_in.h"

#include <errno.h>
#include <string.h>

#define LONG_AGO (INT64_MIN / 2)

const char *sync_fate_name(enum sync_fate fate)
{
	static const char *const names[SYNC_FATES] = {
		"applied", "no service", "no pool", "no backend", "table full", "not needed", "invalid"};

	return (unsigned)fate < SYNC_FATES ? names[fate] : "unknown";
}

int sync_in_init(
	struct sync_in *in, const struct sync_in_config *config, const struct sync_target *target, void *data)
{
	uint32_t window = config->window;

	if (window < SYNC_WINDOW_MIN || window > SYNC_WINDOW_MAX || (window & (window - 1)))
		return -EINVAL;
	if (!config->ack_every || config->ack_every > window || config->ack_ns < 0 ||
		config->ack_ns > SYNC_ACK_WAIT_NS)
		return -EINVAL;
	if (config->want_ns <= 0 || config->again_ns < 0 || config->silent_ns <= 0)
		return -EINVAL;
	in->config = *config;
	in->target = target;
	in->data = data;
	in->in_bulk = false;
	memset(&in->counters, 0, sizeof(in->counters));
	sync_in_stop(in);
	return 0;
}

static void break_bulk(struct sync_in *in)
{
	if (in->in_bulk)
		in->target->copy(in->data, SYNC_COPY_BROKEN);
	in->in_bulk = false;
}

void sync_in_begin(struct sync_in *in, int64_t now)
{
	break_bulk(in);
	memset(in->len, 0, sizeof(in->len));
	in->is_on = true;
	in->next = 1;
	in->top = 0;
	in->word_ms = in->unsaid = 0;
	in->ack_at = in->want_at = now;
	in->acked_at = in->begun_at = LONG_AGO;
	in->is_whole = in->peer_in_sync = false;
	in->heard_at = LONG_AGO;
	in->peer_config_hash = 0;
}

void sync_in_stop(struct sync_in *in)
{
	sync_in_begin(in, 0);
	in->is_on = false;
}

/* ---- delivery ---- */

static void ask(struct sync_in *in, int64_t now)
{
	int64_t from = in->begun_at + in->config.again_ns;

	in->is_whole = false;
	if (in->want_at == SYNC_NEVER)
		in->want_at = from > now ? from : now;
}

void sync_in_want_bulk(struct sync_in *in, int64_t now)
{
	if (!in->is_on)
		return;
	in->is_whole = false;
	in->want_at = now;
}

static void break_stream(struct sync_in *in, int64_t now)
{
	break_bulk(in);
	ask(in, now);
}

static void deliver_record(struct sync_in *in, const struct sync_record *record, int64_t now)
{
	enum sync_fate fate;

	switch (record->kind) {
	case SYNC_BULK_BEGIN:
		in->in_bulk = true;
		in->want_at = SYNC_NEVER;
		in->begun_at = now;
		in->target->copy(in->data, SYNC_COPY_BEGIN);
		break;
	case SYNC_BULK_END:
		if (!in->in_bulk)
			break;
		in->in_bulk = false;
		in->is_whole = in->want_at == SYNC_NEVER;
		in->counters.bulks++;
		in->target->copy(in->data, SYNC_COPY_END);
		break;
	default:
		fate = in->target->apply(in->data, record);
		in->counters.fate[(unsigned)fate < SYNC_FATES ? fate : SYNC_INVALID]++;
	}
}

static int deliver(struct sync_in *in, struct sync_reader *reader, int64_t now)
{
	struct sync_record record;
	int found;

	while ((found = sync_read_record(reader, &record)) > 0)
		deliver_record(in, &record, now);
	in->counters.unknown += reader->unknown;
	in->next++;
	if (found == 0)
		return 0;
	in->counters.damaged++;
	break_stream(in, now);
	return -EBADMSG;
}

static uint32_t place_of(const struct sync_in *in, uint64_t sequence)
{
	return (uint32_t)(sequence & (in->config.window - 1));
}

/* Those that waited, as far as they follow each other. */
static int deliver_kept(struct sync_in *in, int64_t now)
{
	int err = 0;

	for (uint32_t i = place_of(in, in->next); in->len[i]; i = place_of(in, in->next)) {
		struct sync_header header;
		struct sync_reader reader;

		/* It was read so far before it was kept. */
		if (sync_read_begin(&reader, &header, in->bytes[i], in->len[i]))
			return -EBADMSG;
		in->len[i] = 0;
		if (deliver(in, &reader, now))
			err = -EBADMSG;
	}
	return err;
}

static void keep(struct sync_in *in, uint64_t sequence, const struct sync_reader *reader, int64_t now)
{
	uint32_t i = place_of(in, sequence);

	in->ack_at = now;
	if (in->len[i]) {
		in->counters.duplicates++;
		return;
	}
	in->counters.early++;
	memcpy(in->bytes[i], reader->buf, reader->len);
	in->len[i] = (uint16_t)reader->len;
}

static void hear(struct sync_in *in, const struct sync_header *header, int64_t now)
{
	in->counters.datagrams++;
	if (header->sequence > in->top)
		in->top = header->sequence;
	/* What overtook it on the way said something newer. */
	if ((int32_t)(header->sent_ms - in->word_ms) < 0 && now - in->heard_at <= in->config.silent_ns)
		return;
	in->heard_at = now;
	in->word_ms = header->sent_ms;
	in->peer_config_hash = header->config_hash;
	in->peer_in_sync = header->in_sync;
}

int sync_in_data(
	struct sync_in *in, const struct sync_header *header, struct sync_reader *reader, int64_t now)
{
	uint64_t sequence = header->sequence;
	int err, late;

	if (!in->is_on)
		return 0;
	if (!sequence || sequence > UINT64_MAX / 2 || !reader->len || reader->len > SYNC_DATAGRAM_MAX)
		return -EBADMSG;
	hear(in, header, now);
	if (!in->unsaid++ && now + in->config.ack_ns < in->ack_at)
		in->ack_at = now + in->config.ack_ns;
	if (in->unsaid >= in->config.ack_every)
		in->ack_at = now;
	if (sequence < in->next) {
		in->counters.duplicates++;
		in->ack_at = now;
		return 0;
	}
	if (sequence - in->next >= in->config.window) {
		/* What was kept belongs to a stretch that will not be whole any more. */
		in->counters.breaks++;
		memset(in->len, 0, sizeof(in->len));
		in->next = sequence;
		break_stream(in, now);
	}
	if (sequence != in->next) {
		keep(in, sequence, reader, now);
		return 0;
	}
	err = deliver(in, reader, now);
	late = deliver_kept(in, now);
	return err ? err : late;
}

/* ---- acknowledgements ---- */

static bool is_asking(const struct sync_in *in, int64_t now)
{
	return in->want_at <= now;
}

int64_t sync_in_deadline(const struct sync_in *in, int64_t now)
{
	int64_t at = in->ack_at, again;

	if (!in->is_on)
		return SYNC_NEVER;
	if (in->want_at != SYNC_NEVER) {
		again = in->acked_at + in->config.want_ns;
		if (again < in->want_at)
			again = in->want_at;
		if (again < at)
			at = again;
	}
	return at;
}

static uint64_t came_bits(const struct sync_in *in)
{
	uint64_t bits = 0;

	if (in->top < in->next)
		return 0;
	for (unsigned i = 1; i < SYNC_VISIBLE && i < in->config.window; i++)
		if (in->len[place_of(in, in->next + i)])
			bits |= UINT64_C(1) << i;
	return bits;
}

const uint8_t *sync_in_next(struct sync_in *in, int64_t now, size_t *len)
{
	struct sync_header header = {.type = SYNC_ACK, .config_hash = in->config.config_hash};
	struct sync_writer w;

	if (sync_in_deadline(in, now) > now)
		return NULL;
	header.sequence = in->next - 1;
	header.missing = came_bits(in);
	header.sent_ms = in->word_ms;
	header.want_bulk = is_asking(in, now);
	sync_write_begin(&w, &header, in->ack, sizeof(in->ack));
	*len = sync_write_end(&w);
	in->unsaid = 0;
	in->ack_at = SYNC_NEVER;
	in->acked_at = now;
	in->counters.acks++;
	return in->ack;
}

enum sync_why sync_in_why(const struct sync_in *in, int64_t now)
{
	if (!in->is_on)
		return SYNC_WHY_SESSION;
	if (now - in->heard_at > in->config.silent_ns)
		return SYNC_WHY_SILENT;
	if (!in->is_whole || in->in_bulk)
		return SYNC_WHY_BULK;
	return in->peer_in_sync ? SYNC_WHY_IN_SYNC : SYNC_WHY_BEHIND;
}
