/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pacing and the life of a request in load_client; see load_run.h. */
#include "apps/load_run.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_S      0.02 /* after a failure: soon enough to measure an outage, no busy loop */
#define DEBT_S       0.1  /* a lane that fell behind its pace catches up with no more than this */
#define SMALL_BUFFER 512

uint64_t load_run_now_us(const struct load_run *run)
{
	double us = (ev_now(run->loop) - run->started_at) * 1e6;

	return us > 0 ? (uint64_t)us : 0;
}

uint64_t load_run_random(struct load_run *run)
{
	run->random ^= run->random << 13; /* xorshift64 */
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random;
}

/* Seconds between two requests of one lane; 0: as soon as the answer is there. */
static double period_of(const struct load_run *run)
{
	if (run->mode == LOAD_HOLD)
		return (double)run->interval_ms / 1e3;
	return run->rate > 0 ? (double)run->lane_count / (double)run->rate : 0;
}

static void arm_due(struct load_lane *lane, double at)
{
	double now = ev_now(lane->run->loop);

	if (!lane->run->sending)
		return;
	lane->due_at = at;
	ev_timer_stop(lane->run->loop, &lane->due);
	ev_timer_set(&lane->due, at > now ? at - now : 0., 0.);
	ev_timer_start(lane->run->loop, &lane->due);
}

static void go_on(struct load_lane *lane)
{
	if (lane->state == LANE_DOWN)
		lane->run->udp ? load_udp_open(lane) : load_tcp_connect(lane);
	else if (lane->state == LANE_READY)
		lane->run->udp ? load_udp_send(lane) : load_tcp_send(lane);
}

static void on_due(struct ev_loop *loop, ev_timer *w, int revents)
{
	go_on(w->data);
}

static void break_when_done(struct load_run *run)
{
	if (!run->sending && run->under_way == 0)
		ev_break(run->loop, EVBREAK_ALL);
}

/* One timer serves many requests: it is only moved when it fires too early. */
static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct load_lane *lane = w->data;
	double left = lane->deadline_at - ev_now(loop);

	if (lane->state == LANE_DOWN || lane->state == LANE_READY)
		return;
	if (left > 0) {
		ev_timer_set(w, left, 0.);
		ev_timer_start(loop, w);
		return;
	}
	load_lane_failed(lane, LOAD_TIMEOUT);
}

void load_lane_arm_deadline(struct load_lane *lane)
{
	double timeout = (double)lane->run->timeout_ms / 1e3;

	lane->deadline_at = ev_now(lane->run->loop) + timeout;
	if (ev_is_active(&lane->deadline))
		return;
	ev_timer_set(&lane->deadline, timeout, 0.);
	ev_timer_start(lane->run->loop, &lane->deadline);
}

void load_lane_idle(struct load_lane *lane)
{
	struct load_run *run = lane->run;
	double now = ev_now(run->loop), at = lane->due_at;

	if (lane->state != LANE_DOWN)
		lane->state = LANE_READY;
	if (at < now - DEBT_S)
		at = now - DEBT_S;
	if (at > now) {
		arm_due(lane, at);
		return;
	}
	lane->due_at = at;
	go_on(lane);
}

bool load_lane_begin(struct load_lane *lane)
{
	struct load_run *run = lane->run;

	if (!run->sending)
		return false;
	if (run->requests_max > 0 && run->stats.requests >= run->requests_max) {
		load_run_finish(run);
		return false;
	}
	run->stats.requests++;
	run->under_way++;
	lane->sequence++;
	lane->began_us = load_run_now_us(run);
	lane->due_at += period_of(run);
	load_lane_arm_deadline(lane);
	return true;
}

void load_lane_answered(struct load_lane *lane, long server)
{
	struct load_run *run = lane->run;
	uint64_t now = load_run_now_us(run);

	lane->server = server;
	load_stats_answer(&run->stats, (size_t)server, now, now - lane->began_us);
	run->under_way--;
	break_when_done(run);
}

void load_lane_close(struct load_lane *lane)
{
	if (lane->state == LANE_DOWN)
		return;
	ev_io_stop(lane->run->loop, &lane->io);
	close(lane->io.fd);
	if (lane->state != LANE_CONNECTING && !lane->run->udp)
		lane->run->stats.open_now--;
	lane->state = LANE_DOWN;
	lane->server = -1;
}

void load_lane_failed(struct load_lane *lane, enum load_cause cause)
{
	struct load_run *run = lane->run;
	bool under_way = lane->state == LANE_WAITING ||
			 (lane->state == LANE_CONNECTING && !run->keep_alive) ||
			 (lane->state == LANE_DOWN && !run->keep_alive);
	bool keep_socket = run->udp && lane->state == LANE_WAITING &&
			   (cause == LOAD_TIMEOUT || (cause == LOAD_REFUSED && run->to_count == 1));
	double soonest = ev_now(run->loop) + (cause == LOAD_TIMEOUT ? 0 : RETRY_S);

	load_stats_fail(&run->stats, cause);
	if (under_way) {
		run->stats.failed_requests++;
		run->under_way--;
	}
	if (!run->udp && (lane->state == LANE_READY || lane->state == LANE_WAITING))
		run->stats.broken++;
	if (keep_socket) /* the same flow goes on: what becomes of it is what is measured */
		lane->state = LANE_READY;
	else
		load_lane_close(lane);
	arm_due(lane, lane->due_at > soonest ? lane->due_at : soonest);
	break_when_done(run);
}

int load_lane_socket(struct load_lane *lane, int type)
{
	struct load_run *run = lane->run;
	const struct endpoint *to = &run->to[lane->endpoint];
	int fd = socket(to->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, error;

	if (fd < 0)
		return -errno;
	for (int i = 0; i < run->local_count; i++) {
		const struct endpoint *from =
			&run->local[((int)(lane->index % INT32_MAX) + i) % run->local_count];

		if (from->addr.ss_family != to->addr.ss_family)
			continue;
		/* The port is chosen at connect(), when the whole tuple is known: many more are free then. */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(fd, (const struct sockaddr *)&from->addr, from->len) == 0)
			return fd;
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static void on_end(struct ev_loop *loop, ev_timer *w, int revents)
{
	load_run_finish(w->data);
}

static void on_drained(struct ev_loop *loop, ev_timer *w, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

void load_run_finish(struct load_run *run)
{
	if (!run->sending)
		return;
	run->sending = false;
	load_stats_gap(&run->stats, load_run_now_us(run));
	for (uint64_t i = 0; i < run->lane_count; i++)
		ev_timer_stop(run->loop, &run->lanes[i].due);
	ev_timer_set(&run->drain, (double)run->timeout_ms / 1e3 + 0.1, 0.);
	ev_timer_start(run->loop, &run->drain);
	break_when_done(run);
}

int load_run_start(struct load_run *run)
{
	double gap = run->mode == LOAD_HOLD && run->rate > 0 ? 1. / (double)run->rate
							     : 1. / (double)run->open_rate;
	double pace = run->mode != LOAD_HOLD && run->rate > 0 ? 1. / (double)run->rate : 0;

	run->buffer_len = run->payload_len > SMALL_BUFFER ? run->payload_len : SMALL_BUFFER;
	run->lanes = calloc(run->lane_count, sizeof(*run->lanes));
	if (run->lanes == NULL)
		return -ENOMEM;
	ev_now_update(run->loop);
	run->started_at = ev_now(run->loop);
	run->sending = true;
	for (uint64_t i = 0; i < run->lane_count; i++) {
		struct load_lane *lane = &run->lanes[i];
		double open_at = run->started_at + (double)i * (run->keep_alive   ? gap
								       : pace > 0 ? pace
										  : gap);

		lane->run = run;
		lane->index = (uint32_t)i;
		lane->server = -1;
		lane->out = malloc(run->buffer_len);
		lane->in = malloc(run->buffer_len);
		ev_init(&lane->due, on_due);
		ev_init(&lane->deadline, on_deadline);
		lane->due.data = lane->deadline.data = lane->io.data = lane;
		if (lane->out == NULL || lane->in == NULL)
			return -ENOMEM;
		arm_due(lane, open_at);
		lane->due_at = pace > 0 ? run->started_at + (double)i * pace : open_at;
	}
	ev_timer_init(&run->end, on_end, (double)run->duration_s, 0.);
	ev_init(&run->drain, on_drained);
	run->end.data = run->drain.data = run;
	ev_timer_start(run->loop, &run->end);
	return 0;
}

void load_run_free(struct load_run *run)
{
	for (uint64_t i = 0; run->lanes != NULL && i < run->lane_count; i++) {
		struct load_lane *lane = &run->lanes[i];

		if (lane->run != NULL) {
			ev_timer_stop(run->loop, &lane->due);
			ev_timer_stop(run->loop, &lane->deadline);
			load_lane_close(lane);
		}
		free(lane->out);
		free(lane->in);
	}
	free(run->lanes);
	run->lanes = NULL;
	ev_timer_stop(run->loop, &run->end);
	ev_timer_stop(run->loop, &run->drain);
}
