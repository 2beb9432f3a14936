/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of load_client: its lanes and what they share. A lane is one client that has at most one request
 * under way. load_run.c paces the lanes and keeps their timers; load_tcp.c and load_udp.c talk for them.
 */
#ifndef TANDEM_APPS_LOAD_RUN_H
#define TANDEM_APPS_LOAD_RUN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "apps/endpoint.h"
#include "apps/load_stats.h"

#define LOAD_LOCAL_MAX 64

enum load_mode { LOAD_KV, LOAD_KV_CONNECT, LOAD_ECHO, LOAD_ECHO_UDP, LOAD_SNTP, LOAD_HOLD, LOAD_MODES };

enum lane_state {
	LANE_DOWN, /* no socket */
	LANE_CONNECTING,
	LANE_READY,   /* a socket, no request under way */
	LANE_WAITING, /* a request under way */
	LANE_CLOSING, /* kv-connect: answered, the server has been asked to close */
};

struct load_run;

struct load_lane {
	ev_io io;
	ev_timer due;      /* when to connect or to send the next request */
	ev_timer deadline; /* of the connecting or the request */
	struct load_run *run;
	uint32_t index;
	enum lane_state state;
	double due_at, deadline_at; /* loop time, seconds */
	uint64_t began_us;          /* the request under way */
	long server;                /* who answered last on this connection, -1: nobody yet */
	int endpoint, endpoints_tried;
	uint64_t sequence;
	uint8_t *out, *in; /* run->payload_len bytes each, owned; what was sent, what has come */
	size_t out_len, out_sent, in_len;
};

struct load_run {
	struct ev_loop *loop;
	enum load_mode mode;
	const char *mode_name;
	bool udp, keep_alive;
	struct endpoint to[ENDPOINT_MAX], local[LOAD_LOCAL_MAX];
	int to_count, local_count;
	uint64_t lane_count, rate, requests_max, timeout_ms, interval_ms, open_rate, duration_s;
	size_t payload_len; /* bytes of an echo's payload */
	size_t buffer_len;  /* of a lane's out and in */
	uint64_t random;
	bool sending; /* false: only what is under way is waited for */
	uint64_t under_way;
	double started_at; /* loop time */
	struct load_lane *lanes;
	ev_timer end, drain;
	struct load_stats stats;
};

/* Allocate the lanes and arm their timers. 0 or -ENOMEM. */
int load_run_start(struct load_run *run);
/* No new requests; the loop breaks when the last one under way has ended. */
void load_run_finish(struct load_run *run);
void load_run_free(struct load_run *run);
uint64_t load_run_now_us(const struct load_run *run);
uint64_t load_run_random(struct load_run *run);

/* For load_tcp.c and load_udp.c: the life of a request. */
bool load_lane_begin(struct load_lane *lane);                         /* false: none is wanted any more */
void load_lane_answered(struct load_lane *lane, long server);         /* now idle, the next one is paced */
void load_lane_failed(struct load_lane *lane, enum load_cause cause); /* closes the lane, tries later */
void load_lane_idle(struct load_lane *lane); /* ready; arm the timer of the next request */
void load_lane_arm_deadline(struct load_lane *lane);
void load_lane_close(struct load_lane *lane);
/* A bound, non-blocking socket for the lane, or -errno. */
int load_lane_socket(struct load_lane *lane, int type);

void load_tcp_connect(struct load_lane *lane);
void load_tcp_send(struct load_lane *lane);
void load_udp_open(struct load_lane *lane);
void load_udp_send(struct load_lane *lane);

#endif
