/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as a person reads them; see human.h. */
#include "ctl/human.h"

#include <inttypes.h>
#include <stdio.h>

/* value / unit with one decimal while that says something. */
static void scaled(uint64_t value, uint64_t unit, const char *suffix, char out[HUMAN_MAX])
{
	uint64_t whole = value / unit;

	if (whole < 100)
		snprintf(
			out, HUMAN_MAX, "%" PRIu64 ".%" PRIu64 "%s", whole, value % unit * 10 / unit, suffix);
	else
		snprintf(out, HUMAN_MAX, "%" PRIu64 "%s", whole, suffix);
}

const char *human_bytes(uint64_t bytes, char out[HUMAN_MAX])
{
	static const char *const suffixes[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < unit) {
		snprintf(out, HUMAN_MAX, "%" PRIu64 " B", bytes);
		return out;
	}
	for (; i < 5 && bytes / unit >= 1024; i++)
		unit *= 1024;
	scaled(bytes, unit, suffixes[i], out);
	return out;
}

const char *human_count(uint64_t count, char out[HUMAN_MAX])
{
	static const char *const suffixes[] = {"k", "M", "G", "T", "P", "E"};
	uint64_t unit = 1000;
	size_t i = 0;

	if (count < 10000) {
		snprintf(out, HUMAN_MAX, "%" PRIu64, count);
		return out;
	}
	for (; i < 5 && count / unit >= 1000; i++)
		unit *= 1000;
	scaled(count, unit, suffixes[i], out);
	return out;
}

const char *human_ms(double ms, char out[HUMAN_MAX])
{
	uint64_t whole = (uint64_t)ms, hundredths = (uint64_t)((ms - (double)whole) * 100);

	if (ms >= 60000)
		return human_duration(whole / 1000, out);
	if (ms >= 10000)
		snprintf(
			out, HUMAN_MAX, "%u.%02u s", (unsigned)(whole / 1000), (unsigned)(whole % 1000 / 10));
	else if (ms < 100 && hundredths % 10)
		snprintf(out, HUMAN_MAX, "%u.%02u ms", (unsigned)whole, (unsigned)hundredths);
	else if (hundredths >= 10)
		snprintf(out, HUMAN_MAX, "%u.%u ms", (unsigned)whole, (unsigned)(hundredths / 10));
	else
		snprintf(out, HUMAN_MAX, "%u ms", (unsigned)whole);
	return out;
}

const char *human_duration(uint64_t seconds, char out[HUMAN_MAX])
{
	uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (days > 0)
		snprintf(out, HUMAN_MAX, "%" PRIu64 "d %uh", days, (unsigned)(hours % 24));
	else if (hours > 0)
		snprintf(out, HUMAN_MAX, "%uh %um", (unsigned)hours, (unsigned)(minutes % 60));
	else if (minutes > 0)
		snprintf(out, HUMAN_MAX, "%um %us", (unsigned)minutes, (unsigned)(seconds % 60));
	else
		snprintf(out, HUMAN_MAX, "%us", (unsigned)seconds);
	return out;
}
