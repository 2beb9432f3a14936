/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load_client over UDP: checked random payloads to an echo server, and SNTP queries. A lane keeps its socket,
 * so that it is one flow. An echo begins with the lane's number and a sequence number: an answer to a request
 * that was given up is told from a wrong one.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "apps/load_run.h"
#include "apps/sntp.h"

struct echo_head {
	uint32_t lane, magic;
	uint64_t sequence;
};

#define ECHO_MAGIC 0x7461646du

static void on_io(struct ev_loop *loop, ev_io *w, int revents);

void load_udp_open(struct load_lane *lane)
{
	struct load_run *run = lane->run;
	const struct endpoint *to = &run->to[lane->endpoint];
	int fd = load_lane_socket(lane, SOCK_DGRAM), size = 1 << 20;

	if (fd < 0) {
		load_lane_failed(lane, load_cause_of(-fd));
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	ev_io_init(&lane->io, on_io, fd, EV_READ);
	lane->state = LANE_READY;
	if (connect(fd, (const struct sockaddr *)&to->addr, to->len) != 0) {
		lane->endpoint = (lane->endpoint + 1) % run->to_count;
		load_lane_failed(lane, load_cause_of(errno));
		return;
	}
	run->stats.opened++;
	ev_io_start(run->loop, &lane->io);
	load_lane_idle(lane);
}

static void fill_request(struct load_lane *lane)
{
	struct load_run *run = lane->run;
	struct echo_head head = {.lane = lane->index, .magic = ECHO_MAGIC, .sequence = lane->sequence};

	if (run->mode == LOAD_SNTP) {
		struct sntp_packet query = {
			.version = 4, .mode = SNTP_MODE_CLIENT, .transmit = load_run_random(run)};

		sntp_encode(&query, lane->out);
		lane->out_len = SNTP_PACKET_LEN;
		return;
	}
	lane->out_len = run->payload_len;
	for (size_t i = 0; i < lane->out_len; i += 8) {
		uint64_t word = load_run_random(run);

		memcpy(lane->out + i, &word, lane->out_len - i < 8 ? lane->out_len - i : 8);
	}
	memcpy(lane->out, &head, sizeof(head));
}

void load_udp_send(struct load_lane *lane)
{
	if (!load_lane_begin(lane))
		return;
	lane->state = LANE_WAITING;
	fill_request(lane);
	if (send(lane->io.fd, lane->out, lane->out_len, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
		lane->endpoint =
			(lane->endpoint + 1) % lane->run->to_count; /* perhaps the host's next address */
		load_lane_failed(lane, load_cause_of(errno));
	}
}

enum answer { ANSWER_GOOD, ANSWER_LATE, ANSWER_WRONG };

static enum answer check_sntp(const struct load_lane *lane, size_t len)
{
	struct sntp_packet query, reply;

	sntp_decode(lane->out, SNTP_PACKET_LEN, &query);
	switch (sntp_check_reply(lane->in, len, query.transmit, &reply)) {
	case SNTP_GOOD:
		return lane->state == LANE_WAITING ? ANSWER_GOOD : ANSWER_LATE;
	case SNTP_ORIGINATE:
		return ANSWER_LATE;
	default:
		return ANSWER_WRONG;
	}
}

static enum answer check_echo(const struct load_lane *lane, size_t len)
{
	struct echo_head head;

	if (len != lane->out_len)
		return ANSWER_WRONG;
	if (memcmp(lane->in, lane->out, len) == 0)
		return lane->state == LANE_WAITING ? ANSWER_GOOD : ANSWER_LATE;
	memcpy(&head, lane->in, sizeof(head));
	return head.magic == ECHO_MAGIC && head.lane == lane->index && head.sequence < lane->sequence
		       ? ANSWER_LATE
		       : ANSWER_WRONG;
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct load_lane *lane = w->data;
	struct load_run *run = lane->run;
	ssize_t n = recv(w->fd, lane->in, run->buffer_len, MSG_TRUNC);
	char text[ENDPOINT_TEXT_MAX];
	enum answer answer;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && lane->state != LANE_WAITING)
		return; /* an ICMP error for a request that has failed already */
	if (n < 0) {
		lane->endpoint = (lane->endpoint + 1) % run->to_count;
		load_lane_failed(lane, load_cause_of(errno));
		return;
	}
	if ((size_t)n > run->buffer_len)
		answer = ANSWER_WRONG;
	else
		answer = run->mode == LOAD_SNTP ? check_sntp(lane, (size_t)n) : check_echo(lane, (size_t)n);
	if (answer == ANSWER_LATE) {
		run->stats.late++;
	} else if (answer == ANSWER_WRONG) {
		load_lane_failed(lane, LOAD_CORRUPT);
	} else {
		endpoint_text(&run->to[lane->endpoint], text);
		load_lane_answered(lane, lane->server >= 0
						 ? lane->server
						 : (long)load_stats_server(&run->stats, text, strlen(text)));
		load_lane_idle(lane);
	}
}
