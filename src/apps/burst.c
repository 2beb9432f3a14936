/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The books of a burst; see burst.h. */
#include "apps/burst.h"

#include <stdio.h>
#include <string.h>

/* cookie:32 try:16 number:16 */
#define TRY_SHIFT    16
#define COOKIE_SHIFT 32

void burst_init(struct burst *burst, struct burst_query *queries, unsigned count, uint32_t cookie)
{
	*burst = (struct burst){.queries = queries, .count = count, .cookie = cookie};
	memset(queries, 0, count * sizeof(*queries));
}

uint64_t burst_stamp(const struct burst *burst, unsigned number, unsigned try_index)
{
	return (uint64_t)burst->cookie << COOKIE_SHIFT | (uint64_t)try_index << TRY_SHIFT | number;
}

void burst_sent(struct burst *burst, unsigned number, unsigned try_index)
{
	burst->queries[number - 1].asked |= 1u << try_index;
	burst->sent++;
}

static enum burst_reply judge(struct burst *burst, uint64_t originate, unsigned *number)
{
	unsigned which = originate & 0xffff, try_index = originate >> TRY_SHIFT & 0xffff;
	struct burst_query *query;
	bool again, doubled;

	if (originate >> COOKIE_SHIFT != burst->cookie || which < 1 || which > burst->count ||
		try_index >= BURST_TRIES_MAX)
		return BURST_FOREIGN;
	query = &burst->queries[which - 1];
	if ((query->asked & 1u << try_index) == 0)
		return BURST_FOREIGN;
	*number = which;
	again = query->answered != 0;
	doubled = (query->answered & 1u << try_index) != 0;
	query->answered |= 1u << try_index;
	if (doubled)
		return BURST_DUPLICATE;
	if (again)
		return BURST_SPARE;
	if (which < burst->highest)
		return BURST_OVERTAKEN;
	burst->highest = which;
	return BURST_FIRST;
}

enum burst_reply burst_received(struct burst *burst, uint64_t originate, unsigned *number)
{
	enum burst_reply reply = judge(burst, originate, number);

	burst->replies[reply]++;
	return reply;
}

bool burst_answered(const struct burst *burst, unsigned number)
{
	return burst->queries[number - 1].answered != 0;
}

unsigned burst_answers(const struct burst *burst)
{
	return (unsigned)(burst->replies[BURST_FIRST] + burst->replies[BURST_OVERTAKEN]);
}

void burst_lost_text(const struct burst *burst, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned from = 1; from <= burst->count; from++) {
		char range[32];
		unsigned to = from;
		int len;

		if (burst_answered(burst, from))
			continue;
		while (to < burst->count && !burst_answered(burst, to + 1))
			to++;
		len = snprintf(
			range, sizeof(range), to > from ? "%s%u-%u" : "%s%u", used > 0 ? " " : "", from, to);
		if (used + (size_t)len + sizeof(" ...") > size) {
			snprintf(buf + used, size - used, "%s", " ...");
			return;
		}
		memcpy(buf + used, range, (size_t)len + 1);
		used += (size_t)len;
		from = to;
	}
}
