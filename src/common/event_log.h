/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last N things that happened, for `tandemctl events`: a ring of records with bounded strings. Pure: the
 * caller brings the time, nothing is allocated after event_log_new.
 */
#ifndef TANDEM_COMMON_EVENT_LOG_H
#define TANDEM_COMMON_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#define EVENT_SUBJECT_MAX 160 /* bytes with the NUL: "pool kv backend kv1" and alike */
#define EVENT_NAME_MAX    32
#define EVENT_CAUSE_MAX   192

struct event_record {
	uint64_t seq;     /* 1, 2, 3 ... over the daemon's life */
	uint64_t time_ms; /* wall clock, ms since 1970 */
	char subject[EVENT_SUBJECT_MAX];
	char event[EVENT_NAME_MAX];
	char cause[EVENT_CAUSE_MAX];
};

struct event_log;

/* Room for capacity events (at least 1); NULL when out of memory. */
struct event_log *event_log_new(size_t capacity);
void event_log_free(struct event_log *log);

/* Add one and return its number; the oldest goes when the ring is full. A text that is too long is cut at a
 * character and ends in "..."; bytes that are not UTF-8 and control characters become '?', so that what a
 * peer sent (a failed check's answer) can stand in a cause. NULL is "". */
uint64_t event_log_add(
	struct event_log *log, uint64_t time_ms, const char *subject, const char *event, const char *cause);

/* Number of the newest event; 0 when there was none yet. */
uint64_t event_log_last(const struct event_log *log);

/* The first event that is kept with a number above seq, or NULL; valid until the next add. Walk with
 * for (e = event_log_after(log, since); e; e = event_log_after(log, e->seq)). */
const struct event_record *event_log_after(const struct event_log *log, uint64_t seq);

#endif
