/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracks of pools: ask tandem-lb how many backends are up. Each question has a connection of its own to the read-only
 * socket, so that a hundred units don't take the 32 places there and a restart of tandem-lb needs no care; it is at most
 * one at a time, nothing in it waits, and what comes back is bounded in size and time. What an answer means is
 * vrrp_pool_answer's.
 *
 * tandem-lb may be restarted at any time while the kernel goes on forwarding: no answer leaves the last one in force for
 * three intervals, at least 10 s. After that, the pool is bad, also when there never was an answer. A question is over
 * when its time is, and only then does it count, so a speaker that was stopped for a while asks before it judges.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include "common/ctl_message.h"
#include "common/ctl_rundir.h"
#include "common/ctl_wire.h"
#include "vrrp/vrrp_pool_answer.h"
#include "vrrp/vrrp_track_kind.h"

#define FIRST_QUESTION_S .2 /* at most, after open */
#define QUESTION_MAX_MS  5000
#define PATIENCE_MIN_MS  10000
#define PATIENCE_ROUNDS  3
#define IN_START         16384
#define PIECE            65536 /* bytes read in one turn of the loop */

struct watch {
	struct vrrp_watched *watched;
	struct sockaddr_un address;
	uint8_t *question; /* the frame; owned */
	size_t question_len;
	ev_timer tick, limit;
	ev_io io; /* fd -1: no question is under way */
	uint8_t *in;
	size_t in_len, in_size;
	int64_t answered_ms; /* last answer, or when we began */
	unsigned unanswered; /* questions since then */
	bool overtime;       /* the question's time is over but for what has come already */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void end_question(struct watch *watch)
{
	struct ev_loop *loop = vrrp_track_env(watch->watched)->loop;

	ev_timer_stop(loop, &watch->limit);
	ev_io_stop(loop, &watch->io);
	if (watch->io.fd >= 0)
		close(watch->io.fd);
	ev_io_set(&watch->io, -1, EV_READ);
	free(watch->in);
	watch->in = NULL;
	watch->in_len = watch->in_size = 0;
}

/* ---- what a question led to ---- */

static void on_no_answer(struct watch *watch, const char *why)
{
	uint32_t interval_ms = watch->watched->track.interval_ms;
	int64_t patience_ms = (int64_t)interval_ms * PATIENCE_ROUNDS;

	end_question(watch);
	if (patience_ms < PATIENCE_MIN_MS)
		patience_ms = PATIENCE_MIN_MS;
	if (watch->unanswered < PATIENCE_ROUNDS)
		watch->unanswered++;
	if (watch->unanswered >= PATIENCE_ROUNDS && now_ms() - watch->answered_ms >= patience_ms)
		vrrp_track_tell(watch->watched, false, 0, "tandem-lb does not answer: %s", why);
}

static void on_answer(struct watch *watch, const struct ctl_wire_frame *frame)
{
	const struct vrrp_track *track = &watch->watched->track;
	struct vrrp_pool_answer answer;

	vrrp_pool_answer_read(frame->body, frame->body_len, track->pool, &answer);
	if (answer.kind == VRRP_POOL_REFUSED) {
		on_no_answer(watch, answer.why);
		return;
	}
	end_question(watch);
	watch->answered_ms = now_ms();
	watch->unanswered = 0;
	if (answer.kind == VRRP_POOL_MISSING)
		vrrp_track_tell(watch->watched, false, 0, "tandem-lb has no such pool");
	else
		vrrp_track_tell(watch->watched, answer.up >= track->min_backends, 0,
			"%u of %u backends %s up, %u wanted", answer.up, answer.total,
			answer.up == 1 ? "is" : "are", track->min_backends);
}

/* ---- one question ---- */

/* Room for more of a frame; what its header announces is taken as a bound, not believed. */
static int make_room(struct watch *watch)
{
	size_t size = watch->in_size ? watch->in_size * 2 : IN_START;
	uint8_t *grown;

	if (watch->in_len < watch->in_size)
		return 0;
	if (size > CTL_WIRE_HEADER + VRRP_POOL_ANSWER_MAX)
		size = CTL_WIRE_HEADER + VRRP_POOL_ANSWER_MAX;
	grown = size > watch->in_len ? realloc(watch->in, size) : NULL;
	if (!grown)
		return -ENOMEM;
	watch->in = grown;
	watch->in_size = size;
	return 0;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct watch *watch = w->data;
	struct ctl_wire_frame frame;
	enum ctl_wire_result result;
	size_t room;
	ssize_t n;

	if (make_room(watch)) {
		on_no_answer(watch, "out of memory");
		return;
	}
	room = watch->in_size - watch->in_len;
	n = recv(w->fd, watch->in + watch->in_len, room < PIECE ? room : PIECE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		on_no_answer(watch, n && errno != ECONNRESET ? strerror(errno) : "it closed the connection");
		return;
	}
	watch->in_len += (size_t)n;
	result = ctl_wire_decode(watch->in, watch->in_len, VRRP_POOL_ANSWER_MAX, &frame);
	if (result == CTL_WIRE_DONE)
		on_answer(watch, &frame);
	else if (result != CTL_WIRE_MORE)
		on_no_answer(watch, ctl_wire_explain(result));
}

/* A question is over before the next one is due. After a pause of ours its answer may have come: that is read first. */
static void arm_limit(struct watch *watch)
{
	uint32_t ms = watch->watched->track.interval_ms / 8 * (watch->overtime ? 1 : 6);

	ev_timer_set(&watch->limit, (ms < QUESTION_MAX_MS ? ms : QUESTION_MAX_MS) / 1e3, 0.);
	ev_timer_start(vrrp_track_env(watch->watched)->loop, &watch->limit);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int events)
{
	struct watch *watch = w->data;

	if (watch->overtime || !ev_is_pending(&watch->io)) {
		on_no_answer(watch, "it is hung or stopped");
		return;
	}
	watch->overtime = true;
	arm_limit(watch);
}

/* Connect and send, which on a Unix socket happens at once or not at all. */
static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	struct watch *watch = w->data;
	int fd;

	if (watch->io.fd >= 0)
		return; /* after a pause of ours: its limit is about to end it */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ev_io_set(&watch->io, fd, EV_READ);
	if (fd < 0) {
		on_no_answer(watch, strerror(errno));
	} else if (connect(fd, (const struct sockaddr *)&watch->address, sizeof(watch->address)) < 0) {
		int err = errno;

		on_no_answer(watch, err == ENOENT || err == ECONNREFUSED ? "it is not running"
				    : err == EAGAIN                      ? "it is hung or stopped"
									 : strerror(err));
	} else if (send(fd, watch->question, watch->question_len, MSG_NOSIGNAL) !=
		   (ssize_t)watch->question_len) {
		on_no_answer(watch, "it takes no question");
	} else {
		watch->overtime = false;
		arm_limit(watch);
		ev_io_start(loop, &watch->io);
	}
}

/* ---- open, close ---- */

static int write_question(struct watch *watch, const char *pool)
{
	json_t *args = json_pack("{s:s}", "pool", pool);
	json_t *request = args ? ctl_request_build("backends", args) : NULL;
	char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len = body ? strlen(body) : 0;

	watch->question = body ? malloc(CTL_WIRE_HEADER + len) : NULL;
	if (watch->question) {
		ctl_wire_header(watch->question, (uint32_t)len);
		memcpy(watch->question + CTL_WIRE_HEADER, body, len);
		watch->question_len = CTL_WIRE_HEADER + len;
	}
	free(body);
	json_decref(request);
	json_decref(args);
	return watch->question ? 0 : -ENOMEM;
}

int vrrp_watch_pool(struct vrrp_watched *watched)
{
	const struct vrrp_tracks_env *env = vrrp_track_env(watched);
	struct watch *watch = calloc(1, sizeof(*watch));
	uint32_t interval_ms = watched->track.interval_ms;
	int rc;

	watched->watch = watch;
	if (!watch)
		return -ENOMEM;
	watch->watched = watched;
	ev_io_init(&watch->io, on_readable, -1, EV_READ);
	ev_timer_init(&watch->limit, on_limit, 0., 0.);
	ev_timer_init(
		&watch->tick, on_tick, vrrp_track_phase(interval_ms, FIRST_QUESTION_S), interval_ms / 1e3);
	watch->io.data = watch->limit.data = watch->tick.data = watch;
	watch->answered_ms = now_ms();
	rc = ctl_socket_address(env->rundir, "lb", true, &watch->address);
	if (rc == 0)
		rc = write_question(watch, watched->track.pool);
	if (rc == 0)
		ev_timer_start(env->loop, &watch->tick);
	return rc;
}

void vrrp_unwatch_pool(void *data)
{
	struct watch *watch = data;

	if (!watch)
		return;
	end_question(watch);
	ev_timer_stop(vrrp_track_env(watch->watched)->loop, &watch->tick);
	free(watch->question);
	free(watch);
}
