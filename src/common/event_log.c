/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring of the last events; see event_log.h. Record number seq stands in slot (seq - 1) % capacity. */
#include "common/event_log.h"

#include <stdlib.h>

#include "common/clean_text.h"

struct event_log {
	size_t capacity;
	uint64_t last; /* number of the newest */
	struct event_record records[];
};

struct event_log *event_log_new(size_t capacity)
{
	if (capacity == 0 || capacity > (SIZE_MAX - sizeof(struct event_log)) / sizeof(struct event_record))
		return NULL;

	struct event_log *log = calloc(1, sizeof(*log) + capacity * sizeof(struct event_record));

	if (log)
		log->capacity = capacity;
	return log;
}

void event_log_free(struct event_log *log)
{
	free(log);
}

uint64_t event_log_add(
	struct event_log *log, uint64_t time_ms, const char *subject, const char *event, const char *cause)
{
	struct event_record *record = &log->records[log->last % log->capacity];

	record->seq = ++log->last;
	record->time_ms = time_ms;
	clean_text(record->subject, sizeof(record->subject), subject);
	clean_text(record->event, sizeof(record->event), event);
	clean_text(record->cause, sizeof(record->cause), cause);
	return record->seq;
}

uint64_t event_log_last(const struct event_log *log)
{
	return log->last;
}

const struct event_record *event_log_after(const struct event_log *log, uint64_t seq)
{
	uint64_t oldest = log->last > log->capacity ? log->last - log->capacity + 1 : 1;

	if (seq >= log->last)
		return NULL;
	if (seq + 1 < oldest)
		seq = oldest - 1;
	return &log->records[seq % log->capacity];
}
