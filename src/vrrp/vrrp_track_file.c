/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracks of files. A file is read once a second and whenever inotify says that it changed: the watch is on the file, or,
 * while there is none, on its directory; where inotify cannot see (a directory that does not exist yet, a target behind
 * a link, a network file system) the second has to do.
 *
 * A number is believed at once. That there is none any more (missing, empty, garbage) is believed when it is still so a
 * moment later: a shell's `echo 5 > file` leaves it empty for a while, and that is no change of priority.
 *
 * Only regular files are opened, and only their first bytes read: a FIFO or a terminal is not waited for, a device not
 * touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>

#include "vrrp/vrrp_track_kind.h"

#define NUMBER_MAX 254 /* either side of 0 */
#define READ_MAX   64  /* bytes; a longer file is no number */
#define LOOK_S     1.
#define DOUBT_S    .1 /* until garbage is believed */
#define REST_S \
	.01 /* after a change, so that a file that is written all the time does not keep the loop busy */

#define FILE_EVENTS (IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define DIR_EVENTS  (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct watch {
	struct vrrp_watched *watched;
	char dir[PATH_MAX];
	const char *name; /* last component, in watched->track.file */
	int notify;       /* inotify, or -1: then only the second counts */
	int descriptor;   /* of the watch, or -1 */
	ino_t inode;      /* what is watched */
	dev_t device;
	bool on_dir;
	ev_io io;
	ev_timer look, doubt, rest;
};

/* ---- what it says ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool vrrp_track_file_number(const char *buf, size_t len, int32_t *number)
{
	int32_t value = 0;
	size_t i = 0, digits = 0;
	bool minus = false;

	while (i < len && is_space(buf[i]))
		i++;
	if (i < len && (buf[i] == '-' || buf[i] == '+'))
		minus = buf[i++] == '-';
	for (; i < len && buf[i] >= '0' && buf[i] <= '9'; i++, digits++)
		if (value <= NUMBER_MAX)
			value = value * 10 + (buf[i] - '0');
	while (i < len && is_space(buf[i]))
		i++;
	if (value > NUMBER_MAX)
		value = NUMBER_MAX;
	*number = minus ? -value : value;
	return digits > 0 && i == len;
}

/* A descriptor, or -errno; -EINVAL for what is no regular file. Looked at before it is opened, because opening a device
 * may do things; and after, because it may be another one by then. */
static int open_regular(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* The number in the file, or false with the reason why there is none. */
static bool read_number(const char *path, int32_t *number, char *why, size_t why_size)
{
	char buf[READ_MAX + 1];
	int fd = open_regular(path);
	ssize_t n = fd < 0 ? fd : read(fd, buf, sizeof(buf));

	if (fd >= 0 && n < 0)
		n = -errno;
	if (fd >= 0)
		close(fd);
	if (n >= 0 && n <= READ_MAX && vrrp_track_file_number(buf, (size_t)n, number))
		return true;
	if (n > READ_MAX)
		snprintf(why, why_size, "longer than %d bytes", READ_MAX);
	else if (n >= 0)
		snprintf(why, why_size, "%s", n ? "not a number" : "empty");
	else if (n == -ENOENT || n == -ENOTDIR)
		snprintf(why, why_size, "no such file");
	else
		snprintf(why, why_size, "%s", n == -EINVAL ? "not a regular file" : strerror((int)-n));
	return false;
}

/* ---- when to look ---- */

static void stop_watching(struct watch *watch)
{
	if (watch->descriptor >= 0)
		inotify_rm_watch(watch->notify, watch->descriptor);
	watch->descriptor = -1;
}

/* The right thing under watch, before it is read, so that no change gets lost between the two. */
static void watch_it(struct watch *watch)
{
	const char *path = watch->watched->track.file;
	struct stat st;
	bool there = stat(path, &st) == 0 && S_ISREG(st.st_mode);

	if (watch->notify < 0)
		return;
	if (watch->descriptor >= 0 && watch->on_dir == !there &&
		(watch->on_dir || (st.st_ino == watch->inode && st.st_dev == watch->device)))
		return;
	stop_watching(watch);
	watch->on_dir = !there;
	watch->inode = there ? st.st_ino : 0;
	watch->device = there ? st.st_dev : 0;
	watch->descriptor =
		inotify_add_watch(watch->notify, there ? path : watch->dir, there ? FILE_EVENTS : DIR_EVENTS);
}

static void look(struct watch *watch, bool doubtful)
{
	struct vrrp_watched *watched = watch->watched;
	struct ev_loop *loop = vrrp_track_env(watched)->loop;
	char why[100];
	int32_t number;

	watch_it(watch);
	if (read_number(watched->track.file, &number, why, sizeof(why))) {
		ev_timer_stop(loop, &watch->doubt);
		vrrp_track_tell(watched, number == 0, number, "%d", number);
	} else if (!doubtful) {
		ev_timer_stop(loop, &watch->doubt);
		vrrp_track_tell(watched, true, 0, "%s, counts as 0", why);
	} else if (!ev_is_active(&watch->doubt)) {
		ev_timer_set(&watch->doubt, DOUBT_S, 0.);
		ev_timer_start(loop, &watch->doubt);
	}
}

static void on_doubt(struct ev_loop *loop, ev_timer *w, int events)
{
	look(w->data, false);
}

static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
	look(w->data, true);
}

static void on_notify(struct ev_loop *loop, ev_io *w, int events)
{
	struct watch *watch = w->data;
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(watch->notify, buf, sizeof(buf));
	bool ours = false;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(buf + at);

		at += (ssize_t)(sizeof(*event) + event->len);
		if (event->wd == watch->descriptor && (event->mask & IN_IGNORED)) {
			watch->descriptor = -1;
			ours = true;
		}
		ours |= (event->mask & IN_Q_OVERFLOW) != 0 ||
			(event->wd == watch->descriptor &&
				(!event->len || !strcmp(event->name, watch->name)));
	}
	ev_io_stop(loop, &watch->io);
	ev_timer_set(&watch->rest, REST_S, 0.);
	ev_timer_start(loop, &watch->rest);
	if (ours)
		look(watch, true);
}

static void on_rest(struct ev_loop *loop, ev_timer *w, int events)
{
	struct watch *watch = w->data;

	ev_io_start(loop, &watch->io);
}

int vrrp_watch_file(struct vrrp_watched *watched)
{
	struct ev_loop *loop = vrrp_track_env(watched)->loop;
	const char *path = watched->track.file, *slash = strrchr(path, '/');
	struct watch *watch = calloc(1, sizeof(*watch));

	watched->watch = watch;
	if (!watch)
		return -ENOMEM;
	watch->watched = watched;
	watch->name = slash ? slash + 1 : path;
	snprintf(watch->dir, sizeof(watch->dir), "%.*s", slash && slash > path ? (int)(slash - path) : 1,
		slash ? path : ".");
	watch->descriptor = -1;
	watch->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ev_timer_init(&watch->doubt, on_doubt, DOUBT_S, 0.);
	ev_timer_init(&watch->rest, on_rest, REST_S, 0.);
	ev_timer_init(&watch->look, on_look, LOOK_S / 2 + vrrp_track_phase(1000, LOOK_S / 2), LOOK_S);
	ev_io_init(&watch->io, on_notify, watch->notify, EV_READ);
	watch->io.data = watch->look.data = watch->doubt.data = watch->rest.data = watch;
	if (watch->notify >= 0)
		ev_io_start(loop, &watch->io);
	ev_timer_start(loop, &watch->look);
	look(watch, false);
	return 0;
}

void vrrp_unwatch_file(void *data)
{
	struct watch *watch = data;
	struct ev_loop *loop;

	if (!watch)
		return;
	loop = vrrp_track_env(watch->watched)->loop;
	ev_io_stop(loop, &watch->io);
	ev_timer_stop(loop, &watch->look);
	ev_timer_stop(loop, &watch->doubt);
	ev_timer_stop(loop, &watch->rest);
	if (watch->notify >= 0)
		close(watch->notify);
	free(watch);
}
