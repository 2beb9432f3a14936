/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What connection sync costs a node: both halves with the channel's cipher, memory to memory; the network and the tables
 * are not part of it. Prints JSON, one object a line. bench_sync [flows of the bulk]
 *
 *   channel   ns to seal and to open a full datagram
 *   changes   a steady 50,000 changes a second, a batch each ms: ns a change on each side, the share of a core
 *   bulk      the whole table while 2,000 changes a second come, at the pace of the defaults: seconds of simulated time
 *             (the pace's), ns a flow on each side
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/secure_dgram.h"
#include "lb/sync_session.h"

#define MS INT64_C(1000000)

struct side {
	struct sync_session *session;
	struct secure_dgram *channel;
	int64_t spent_ns; /* of this thread's time */
	uint64_t datagrams, bytes;
	/* source */
	uint32_t waiting, walk, flows, number;
	int64_t since;
	/* target */
	uint64_t applied, named;
};

static int64_t now = 1000 * MS;

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void must(int is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "bench_sync: %s\n", what);
	exit(1);
}

static void make_record(struct sync_record *r, uint32_t number)
{
	memset(r, 0, sizeof(*r));
	r->kind = SYNC_FLOW;
	r->flow = (struct sync_flow){.family = AF_INET,
		.protocol = 6,
		.state = SYNC_TCP_ESTABLISHED,
		.client_port = (uint16_t)number,
		.service_port = 80,
		.backend_port = 8080,
		.backend_isn = number};
	memcpy(r->flow.client, &number, 4);
}

static int64_t waiting(void *data)
{
	struct side *s = data;

	return s->waiting ? s->since : SYNC_NEVER;
}

static void changes(void *data, struct sync_writer *w)
{
	struct side *s = data;
	struct sync_record r;

	for (; s->waiting; s->waiting--, s->number++) {
		make_record(&r, s->number);
		if (sync_write_record(w, &r))
			return;
	}
}

static void bulk_begin(void *data)
{
	((struct side *)data)->walk = 0;
}

static bool bulk_next(void *data, struct sync_writer *w)
{
	struct side *s = data;
	struct sync_record r;

	for (; s->walk < s->flows; s->walk++) {
		make_record(&r, s->walk);
		if (sync_write_record(w, &r))
			return false;
	}
	return true;
}

static enum sync_fate apply(void *data, const struct sync_record *record)
{
	struct side *s = data;

	s->applied++;
	s->named += record->flow.backend_isn;
	return SYNC_APPLIED;
}

static void copy(void *data, enum sync_copy_event event) {}

static const struct sync_source source = {waiting, changes, bulk_begin, bulk_next};
static const struct sync_target target = {apply, copy};

static void shake_hands(struct side *side)
{
	uint8_t wire[SECURE_DGRAM_MAX], plain[SECURE_PLAIN_MAX];
	size_t len;

	for (int i = 0; i < 10; i++) {
		size_t size = secure_dgram_hello(side[i % 2].channel, wire);

		secure_dgram_receive(side[!(i % 2)].channel, wire, size, plain, &len);
	}
	must(secure_dgram_is_ready(side[0].channel) && secure_dgram_is_ready(side[1].channel), "no session");
}

static void open_sides(struct side *side)
{
	struct secure_keys keys = {.count = 1, .key = {{1, 2, 3}}};
	struct sync_session_config config;

	memset(side, 0, 2 * sizeof(*side));
	sync_session_defaults(&config, 1);
	for (int i = 0; i < 2; i++) {
		must(secure_dgram_open(&side[i].channel, "sync", &keys) == 0, "no channel");
		must(sync_session_open(&side[i].session, &config, &source, &target, &side[i]) == 0,
			"no memory");
	}
	shake_hands(side);
	for (int i = 0; i < 2; i++)
		sync_session_reset(side[i].session, secure_dgram_session(side[i].channel), now);
}

static void close_sides(struct side *side)
{
	for (int i = 0; i < 2; i++) {
		sync_session_close(side[i].session);
		secure_dgram_close(side[i].channel);
	}
}

/* All that one has to say now goes to the other. */
static void talk(struct side *from, struct side *to)
{
	uint8_t wire[SECURE_DGRAM_MAX], plain[SECURE_PLAIN_MAX];
	const uint8_t *bytes;
	size_t len;
	int size;

	for (;;) {
		int64_t a = cpu_ns(), b;

		bytes = sync_session_next(from->session, now, &len);
		size = bytes ? secure_dgram_seal(from->channel, bytes, len, wire) : 0;
		b = cpu_ns();
		from->spent_ns += b - a;
		if (!bytes)
			return;
		must(size > 0, "not sealed");
		from->datagrams++;
		from->bytes += (size_t)size;
		must(secure_dgram_receive(to->channel, wire, (size_t)size, plain, &len) == SECURE_OK,
			"not opened");
		sync_session_input(to->session, plain, len, now);
		to->spent_ns += cpu_ns() - b;
	}
}

static void forget_spent(struct side *side)
{
	for (int i = 0; i < 2; i++)
		side[i].spent_ns = 0, side[i].datagrams = side[i].bytes = side[i].applied = 0;
}

static void bench_channel(void)
{
	enum { ROUNDS = 20000 };
	uint8_t plain[SECURE_PLAIN_MAX] = {0}, wire[SECURE_DGRAM_MAX];
	int64_t seal_ns = 0, open_ns = 0;
	struct side side[2];
	size_t len;

	open_sides(side);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t a = cpu_ns(), b;
		int size = secure_dgram_seal(side[0].channel, plain, sizeof(plain), wire);

		b = cpu_ns();
		must(secure_dgram_receive(side[1].channel, wire, (size_t)size, plain, &len) == SECURE_OK,
			"not opened");
		seal_ns += b - a;
		open_ns += cpu_ns() - b;
	}
	printf("{\"bench\": \"channel\", \"plain_bytes\": %d, \"seal_ns\": %d, \"open_ns\": %d}\n",
		SECURE_PLAIN_MAX, (int)(seal_ns / ROUNDS), (int)(open_ns / ROUNDS));
	close_sides(side);
}

static void bench_changes(void)
{
	enum { SECONDS = 4, PER_MS = 50 };
	double count = SECONDS * 1000 * PER_MS;
	struct side side[2];
	struct sync_status status;

	open_sides(side);
	for (int i = 0; i < 20; i++, now += MS)
		talk(&side[0], &side[1]), talk(&side[1], &side[0]);
	forget_spent(side);
	for (int i = 0; i < SECONDS * 1000; i++, now += MS) {
		if (!side[0].waiting)
			side[0].since = now - MS;
		side[0].waiting += PER_MS;
		talk(&side[0], &side[1]);
		talk(&side[1], &side[0]);
	}
	must(side[1].applied == (uint64_t)count, "changes were not applied");
	sync_session_status(side[0].session, now, &status);
	printf("{\"bench\": \"changes\", \"a_second\": %d, \"send_ns\": %.0f, \"receive_ns\": %.0f, \"send_core_percent\": "
	       "%.2f, \"receive_core_percent\": %.2f, \"wire_bytes\": %.1f, \"datagrams\": %d, \"acks\": %d}\n",
		PER_MS * 1000, (double)side[0].spent_ns / count, (double)side[1].spent_ns / count,
		(double)side[0].spent_ns / SECONDS / 1e7, (double)side[1].spent_ns / SECONDS / 1e7,
		(double)side[0].bytes / count, (int)side[0].datagrams, (int)side[1].datagrams);
	close_sides(side);
}

static void bench_bulk(uint32_t flows)
{
	struct side side[2];
	struct sync_status status;
	int64_t began;

	open_sides(side);
	side[0].flows = flows;
	began = now;
	for (;; now += MS) {
		if (!side[0].waiting)
			side[0].since = now - MS;
		side[0].waiting += 2;
		talk(&side[1], &side[0]);
		talk(&side[0], &side[1]);
		sync_session_status(side[1].session, now, &status);
		if (status.received.bulks)
			break;
		must(now - began < 60000 * MS, "the bulk does not end");
	}
	sync_session_status(side[0].session, now, &status);
	printf("{\"bench\": \"bulk\", \"flows\": %u, \"seconds\": %.3f, \"send_ns\": %.0f, \"receive_ns\": %.0f, "
	       "\"wire_bytes\": %.1f, \"datagrams\": %d, \"lag_p99_us\": %u, \"lag_longest_us\": %u}\n",
		flows, (double)(now - began) / 1e9, (double)side[0].spent_ns / flows,
		(double)side[1].spent_ns / flows, (double)side[0].bytes / (double)side[1].applied,
		(int)side[0].datagrams, status.lag_p99_us, status.lag_longest_us);
	close_sides(side);
}

int main(int argc, char **argv)
{
	bench_channel();
	bench_changes();
	bench_bulk(argc > 1 ? (uint32_t)atol(argv[1]) : 1000000);
	return 0;
}
