/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests that run programs: a directory that root trusts (below /tmp nothing is), scripts in it, and a loop that is
 * run until something is true or a deadline has passed. */
#ifndef TANDEM_TESTS_VRRP_PLACE_H
#define TANDEM_TESTS_VRRP_PLACE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#define PLACE_DEADLINE_S 20

static char place[64];

/* Only root can have programs that root trusts, and become others. */
static inline bool place_is_possible(void)
{
	if (geteuid() != 0)
		printf("1..0 # SKIP needs root\n");
	return geteuid() == 0;
}

static inline int place_make(void)
{
	strcpy(place, "/var/lib/tandem-test-XXXXXX");
	return mkdtemp(place) && chmod(place, 0755) == 0 ? 0 : -1;
}

static inline int place_drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline int place_remove(void)
{
	return nftw(place, place_drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* A path in it; a few live at the same time. */
static inline const char *place_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", place, name);
	return path;
}

static inline void place_write(const char *name, mode_t mode, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static inline void place_write(const char *name, mode_t mode, const char *fmt, ...)
{
	FILE *file = fopen(place_path(name), "w");
	va_list ap;

	if (!file)
		abort();
	va_start(ap, fmt);
	vfprintf(file, fmt, ap);
	va_end(ap);
	fclose(file);
	if (chmod(place_path(name), mode))
		abort();
}

/* What stands in a file, "" when it is not there. */
static inline const char *place_read(const char *name)
{
	static char text[65536];
	FILE *file = fopen(place_path(name), "r");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[n] = '\0';
	if (file)
		fclose(file);
	return text;
}

static inline double place_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void place_on_tick(struct ev_loop *loop, ev_timer *w, int events) {}

/* One turn of the default loop; blocks at most 5 ms. */
static inline void place_turn(void)
{
	struct ev_loop *loop = ev_default_loop(0);
	ev_timer tick;

	ev_timer_init(&tick, place_on_tick, .005, 0.);
	ev_timer_start(loop, &tick);
	ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
}

/* Run the loop until that is true; false when it did not become so. */
#define PLACE_UNTIL(condition)                                                 \
	({                                                                     \
		double place_end = place_now() + PLACE_DEADLINE_S;             \
		bool place_true;                                               \
		while (!(place_true = (condition)) && place_now() < place_end) \
			place_turn();                                          \
		place_true;                                                    \
	})

/* A FIFO that tells whether processes that hold it live: each says something when it has begun, and the last one to go
 * ends the file. */
static inline int place_fifo(const char *name)
{
	if (mkfifo(place_path(name), 0666))
		abort();
	return open(place_path(name), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Bytes read now; -1: nothing yet; 0: nobody holds it. */
static inline ssize_t place_hear(int fd)
{
	char buf[64];

	return read(fd, buf, sizeof(buf));
}

#endif
