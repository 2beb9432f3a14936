/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters and report of load_client; see load_stats.h. */
#include "apps/load_stats.h"

#include <errno.h>
#include <string.h>

static const char *const cause_names[LOAD_CAUSES] = {
	[LOAD_REFUSED] = "refused",
	[LOAD_RESET] = "reset",
	[LOAD_TIMEOUT] = "timeout",
	[LOAD_CLOSED] = "closed",
	[LOAD_CORRUPT] = "corrupt",
	[LOAD_OTHER] = "other",
};

size_t load_stats_server(struct load_stats *stats, const char *name, size_t len)
{
	struct load_server *server;

	if (len >= LOAD_SERVER_NAME_MAX)
		len = LOAD_SERVER_NAME_MAX - 1;
	for (size_t i = 0; i < stats->server_count; i++)
		if (strncmp(stats->servers[i].name, name, len) == 0 && stats->servers[i].name[len] == '\0')
			return i;
	if (stats->server_count == LOAD_SERVERS_MAX)
		return LOAD_SERVERS_MAX - 1;
	server = &stats->servers[stats->server_count];
	memcpy(server->name, name, len);
	server->name[len] = '\0';
	return stats->server_count++;
}

static size_t bucket_of(uint64_t us)
{
	unsigned shift = us < 32 ? 0 : 63 - 5 - (unsigned)__builtin_clzll(us);
	size_t bucket = us < 32 ? us : (size_t)(shift + 1) * 32 + (us >> shift) - 32;

	return bucket < LOAD_BUCKETS ? bucket : LOAD_BUCKETS - 1;
}

static uint64_t bucket_top(size_t bucket)
{
	size_t shift = bucket < 32 ? 0 : bucket / 32 - 1;

	return bucket < 32 ? bucket : ((uint64_t)(bucket % 32 + 33) << shift) - 1;
}

void load_stats_gap(struct load_stats *stats, uint64_t now_us)
{
	uint64_t gap = now_us > stats->last_answer_us ? now_us - stats->last_answer_us : 0;

	if (gap > stats->gap_us) {
		stats->gap_us = gap;
		stats->gap_start_us = stats->last_answer_us;
	}
	if (gap > stats->recent_gap_us)
		stats->recent_gap_us = gap;
}

void load_stats_answer(struct load_stats *stats, size_t index, uint64_t now_us, uint64_t latency_us)
{
	struct load_server *server = &stats->servers[index];

	stats->answers++;
	if (server->answers++ == 0)
		server->first_us = now_us;
	server->last_us = now_us;
	load_stats_gap(stats, now_us);
	stats->last_answer_us = now_us;
	stats->latency[bucket_of(latency_us)]++;
	if (latency_us > stats->max_latency_us)
		stats->max_latency_us = latency_us;
}

void load_stats_fail(struct load_stats *stats, enum load_cause cause)
{
	stats->failures[cause]++;
}

uint64_t load_stats_failures(const struct load_stats *stats)
{
	uint64_t sum = 0;

	for (int i = 0; i < LOAD_CAUSES; i++)
		sum += stats->failures[i];
	return sum;
}

uint64_t load_stats_latency(const struct load_stats *stats, unsigned permille)
{
	uint64_t rank = (stats->answers * permille + 999) / 1000, seen = 0;

	for (size_t i = 0; i < LOAD_BUCKETS && rank > 0; i++) {
		seen += stats->latency[i];
		if (seen >= rank)
			return bucket_top(i) < stats->max_latency_us ? bucket_top(i) : stats->max_latency_us;
	}
	return 0;
}

enum load_cause load_cause_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return LOAD_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return LOAD_RESET;
	case ETIMEDOUT:
		return LOAD_TIMEOUT;
	default:
		return LOAD_OTHER;
	}
}

static void write_text(const char *text, FILE *to)
{
	fputc('"', to);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < ' ' || c > 126) /* a server's name is its own bytes, perhaps no UTF-8 */
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

static unsigned long long ull(uint64_t value)
{
	return value;
}

void load_stats_report(const struct load_stats *stats, const char *mode, uint64_t elapsed_us, FILE *to)
{
	fprintf(to,
		"{\"mode\": \"%s\", \"elapsed_ms\": %llu, \"requests\": %llu, \"answers\": %llu, "
		"\"failed_requests\": %llu, \"in_flight\": %llu, \"late_answers\": %llu, \"failures\": {",
		mode, ull(elapsed_us / 1000), ull(stats->requests), ull(stats->answers),
		ull(stats->failed_requests), ull(stats->requests - stats->answers - stats->failed_requests),
		ull(stats->late));
	for (int i = 0; i < LOAD_CAUSES; i++)
		fprintf(to, "%s\"%s\": %llu", i > 0 ? ", " : "", cause_names[i], ull(stats->failures[i]));
	fprintf(to, "}, \"connections\": {\"opened\": %llu, \"broken\": %llu, \"open\": %llu}, ",
		ull(stats->opened), ull(stats->broken), ull(stats->open_now));
	fprintf(to, "\"longest_gap_ms\": %.1f, \"longest_gap_start_ms\": %.1f, \"recent_gap_ms\": %.1f, ",
		(double)stats->gap_us / 1e3, (double)stats->gap_start_us / 1e3,
		(double)stats->recent_gap_us / 1e3);
	fprintf(to, "\"latency_us\": {\"p50\": %llu, \"p99\": %llu, \"max\": %llu}, \"servers\": [",
		ull(load_stats_latency(stats, 500)), ull(load_stats_latency(stats, 990)),
		ull(stats->max_latency_us));
	for (size_t i = 0; i < stats->server_count; i++) {
		const struct load_server *server = &stats->servers[i];

		fprintf(to, "%s{\"name\": ", i > 0 ? ", " : "");
		write_text(server->name, to);
		fprintf(to, ", \"answers\": %llu, \"first_answer_ms\": %.1f, \"last_answer_ms\": %.1f}",
			ull(server->answers), (double)server->first_us / 1e3, (double)server->last_us / 1e3);
	}
	fprintf(to, "]}\n");
}
