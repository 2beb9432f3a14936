/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What load_client counts, and the JSON object it reports. Pure but for writing to the stream it is given;
 * times are microseconds since the run's start.
 */
#ifndef TANDEM_APPS_LOAD_STATS_H
#define TANDEM_APPS_LOAD_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LOAD_SERVERS_MAX     256
#define LOAD_SERVER_NAME_MAX 80
#define LOAD_BUCKETS         (36 * 32) /* latencies to 2^40 us, each within 1/32 of its value */

enum load_cause {
	LOAD_REFUSED,
	LOAD_RESET,
	LOAD_TIMEOUT,
	LOAD_CLOSED,
	LOAD_CORRUPT,
	LOAD_OTHER,
	LOAD_CAUSES
};

struct load_server {
	char name[LOAD_SERVER_NAME_MAX];
	uint64_t answers, first_us, last_us;
};

struct load_stats {
	uint64_t requests, answers;
	uint64_t failed_requests;       /* requests that ended without an answer */
	uint64_t failures[LOAD_CAUSES]; /* those, connections that could not be made, and idle ones that broke
					 */
	uint64_t late;                  /* UDP: answers to requests given up before, and doubled ones */
	uint64_t opened, broken;        /* connections made; established ones that ended unasked */
	uint64_t open_now;
	struct load_server servers[LOAD_SERVERS_MAX];
	size_t server_count;
	uint64_t last_answer_us, gap_us, gap_start_us; /* longest time without an answer */
	uint64_t recent_gap_us;                        /* the same since it was set to 0 last */
	uint64_t max_latency_us, latency[LOAD_BUCKETS];
};

/* The server's index, new names are added; the last place collects what is too many. */
size_t load_stats_server(struct load_stats *stats, const char *name, size_t len);

void load_stats_answer(struct load_stats *stats, size_t server, uint64_t now_us, uint64_t latency_us);
void load_stats_fail(struct load_stats *stats, enum load_cause cause);

/* Nothing came up to now, though requests were wanted: counts as a gap as well. */
void load_stats_gap(struct load_stats *stats, uint64_t now_us);

uint64_t load_stats_failures(const struct load_stats *stats);

/* The latency that permille of a thousand answers did not exceed (upper end of its bucket), 0 without
 * answers. */
uint64_t load_stats_latency(const struct load_stats *stats, unsigned permille);

/* errno of a socket call as a cause. */
enum load_cause load_cause_of(int error);

/* One line, one object. elapsed_us: the run so far. */
void load_stats_report(const struct load_stats *stats, const char *mode, uint64_t elapsed_us, FILE *to);

#endif
