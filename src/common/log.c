/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever reads the log may stop reading it: a journal that hangs, a terminal that is held, a stopped pager. Then lines are
 * lost, counted, and the next one that goes out says how many; a daemon never waits for its log. The descriptor is not
 * made non-blocking, for it is shared with whoever started us.
 */
#include "common/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *program;
	enum log_level level;
	int journal;
	unsigned long lost; /* lines, since the last one that went out */
} logger = {.program = "tandem", .level = LOG_LEVEL_INFO};

void log_open(const char *program, enum log_level level)
{
	logger.program = program;
	logger.level = level;
	logger.journal = getenv("JOURNAL_STREAM") != NULL;
}

/* A pipe that is writable has room for a page, a socket for a part of its buffer: more than any line here. */
static bool is_writable(void)
{
	struct pollfd stderr_is = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&stderr_is, 1, 0) != 0;
}

static void emit(enum log_level level, const char *fmt, va_list args)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const int priorities[] = {3, 4, 6, 7};
	char line[1024];
	size_t used = 0;

	if (level > logger.level)
		return;
	if (logger.lost && is_writable()) {
		unsigned long lost = logger.lost;

		logger.lost = 0;
		log_warn("%lu lines of the log were lost: nobody read it", lost);
	}
	if (!is_writable()) {
		logger.lost++;
		return;
	}
	if (logger.journal) {
		used = (size_t)snprintf(line, sizeof(line), "<%d>", priorities[level]);
	} else {
		struct timespec now;
		struct tm tm;

		clock_gettime(CLOCK_REALTIME, &now);
		localtime_r(&now.tv_sec, &tm);
		used = strftime(line, sizeof(line), "%H:%M:%S", &tm);
		used += (size_t)snprintf(line + used, sizeof(line) - used,
			".%03ld %-5s %s: ", now.tv_nsec / 1000000, names[level], logger.program);
	}
	int n = vsnprintf(line + used, sizeof(line) - used - 1, fmt, args);

	used += n < 0 ? 0 : (size_t)n;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	fwrite(line, 1, used, stderr);
}

#define LOG_FUNCTION(name, level)       \
	void name(const char *fmt, ...) \
	{                               \
		va_list args;           \
		va_start(args, fmt);    \
		emit(level, fmt, args); \
		va_end(args);           \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
