/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the dataplane costs by itself: nanoseconds a packet by BPF_PROG_TEST_RUN, bytes of map memory a flow
 * by the kernel's own accounting, seconds to age a million flows out. Prints a Markdown table; exit status 1
 * when memory is over its limit. usage: bench_bpf [FLOWS]   (default 1048576)
 *
 * How a run sees a million flows and not one hot one: each service's only backend is the next service's
 * address. The program leaves the packet translated, so the next repetition of the same run is a packet of
 * the client's flow to the next service: a run of HOPS repetitions is HOPS packets of HOPS flows, and no
 * system call between them. The flows were made in random order, the clients are taken in random order: table
 * and index are as cold as a million flows make them. The SYN+ACK walks the same chain backwards.
 */
#include "pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define HOPS          200
#define RUNS          1000
#define SPARE         (20 * HOPS) /* flows left free, for the cost of a new one */
#define MEMORY_LIMIT4 128.0
#define MEMORY_LIMIT6 176.0

static struct fixture x;
static uint64_t chance;
static uint32_t hops;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct endpoint hop_endpoint(int family, uint32_t hop)
{
	return fixture_endpoint(family, 100, (uint8_t)(1 + hop % hops), hop % hops % 2 ? 8080 : 80);
}

static struct endpoint client(int family, uint32_t n)
{
	struct endpoint c = fixture_endpoint(family, 9, 1, (uint16_t)(1024 + n % 50000));
	uint32_t host = n / 50000 * 7919 + n % 50000;

	if (family == 4)
		address4(c.addr, 11, (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host);
	else
		address6(c.addr, (uint16_t)(host >> 16 | 0x900), (uint16_t)host);
	return c;
}

static void open_chain(int family, uint32_t flows, uint32_t length)
{
	hops = length;
	fixture_open(&x, flows, flows);
	for (uint32_t h = 0; h < hops; h++) {
		struct endpoint at = hop_endpoint(family, h), next = hop_endpoint(family, h + 1);
		uint32_t pool = fixture_pool(&x, LB_PICK_NEXT);

		fixture_backend(&x, pool, family, &next, 1);
		fixture_service(&x, family, IPPROTO_TCP, &at, pool);
	}
}

/* Repeat the packet along the chain from that hop; the mean in nanoseconds. */
static uint32_t walk(
	int family, uint32_t n, uint32_t hop, enum lb_direction direction, uint8_t flags, int repeat)
{
	struct endpoint c = client(family, n), far = hop_endpoint(family, hop);
	struct packet_spec s = fixture_packet(family, IPPROTO_TCP, direction == LB_TO_BACKEND ? &c : &far,
		direction == LB_TO_BACKEND ? &far : &c, flags);
	struct frame in, out;
	uint32_t ns = 0;

	s.ttl = 255;
	s.seq = flags & TCP_SYN && flags & TCP_ACK ? 5000 : 101;
	packet_build(&s, &in);
	fixture_run_repeat(&x, &in, &out, repeat, &ns);
	return ns;
}

static void finish_handshakes(int family, uint32_t n)
{
	walk(family, n, 0, LB_TO_CLIENT, TCP_SYN | TCP_ACK, (int)hops);
	walk(family, n, 0, LB_TO_BACKEND, TCP_ACK, (int)hops);
}

static void fill(int family, uint32_t clients)
{
	uint32_t count = clients * hops, *order = malloc(count * sizeof(*order));

	if (!order)
		exit(1);
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count - 1; i; i--) {
		uint32_t other = fixture_below(&chance, i + 1), kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (uint32_t i = 0; i < count; i++)
		walk(family, order[i] / hops, order[i] % hops, LB_TO_BACKEND, TCP_SYN, 1);
	for (uint32_t n = 0; n < clients; n++)
		finish_handshakes(family, n);
	free(order);
}

static uint32_t count_established(int family)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < x.b.sizes.flows; id++)
		count += fixture_flow_at(&x, family, id)->state == LB_FLOW_ESTABLISHED;
	return count;
}

static double mean_hit(int family, uint32_t clients, int repeat)
{
	double sum = 0;

	for (int i = 0; i < RUNS; i++)
		sum += walk(
			family, fixture_below(&chance, clients), 0, LB_TO_BACKEND, TCP_ACK | TCP_PSH, repeat);
	return sum / RUNS;
}

/* Remove every flow as aging does: look at each, and one command for each that is due. */
static double age_out(int family, uint32_t *removed)
{
	double start = now_s();
	uint32_t count = 0;

	*removed = 0;
	for (uint32_t id = 0; id < x.b.sizes.flows; id++) {
		struct lb_flow *f = fixture_flow_at(&x, family, id);

		if (f->state != LB_FLOW_FREE) {
			x.b.view.control[count++] = (struct lb_control){.op = LB_CONTROL_EXPIRE,
				.family = (uint32_t)family,
				.id = id,
				.generation = f->generation,
				.last_seen = f->last_seen};
			++*removed;
		}
		if (count == LB_CONTROL_MAX || (count && id + 1 == x.b.sizes.flows)) {
			lb_bpf_control(&x.b, count);
			count = 0;
		}
	}
	return now_s() - start;
}

static void bench_hot(int family)
{
	struct endpoint c = client(family, 3), foreign = fixture_endpoint(family, 77, 1, 80);
	struct packet_spec s = fixture_packet(family, IPPROTO_TCP, &c, &foreign, TCP_ACK);
	struct frame in, out;
	uint32_t ns = 0;

	open_chain(family, 1024, 2); /* there and back: two flows, and nothing else in the caches */
	fill(family, 1);
	printf("| IPv%d, established, 1 client's flows (2) | %.0f ns |\n", family, mean_hit(family, 1, HOPS));
	packet_build(&s, &in);
	fixture_run_repeat(&x, &in, &out, 1000000, &ns);
	printf("| IPv%d, not ours | %u ns |\n", family, ns);
	put16(in.bytes + 12, 0x0806);
	fixture_run_repeat(&x, &in, &out, 1000000, &ns);
	printf("| neither IPv4 nor IPv6: the harness itself | %u ns |\n", ns);
	fixture_close(&x);
}

static void bench_table(int family, uint32_t flows)
{
	uint32_t clients = (flows - SPARE) / HOPS, removed;
	double fresh = 0, start = now_s(), filled, aged;

	open_chain(family, flows, HOPS);
	fill(family, clients);
	filled = now_s() - start;

	uint32_t held = count_established(family);

	printf("| IPv%d, established, %u flows | %.0f ns |\n", family, held, mean_hit(family, clients, HOPS));
	for (uint32_t i = 0; i < 15; i++)
		fresh += walk(family, clients + i, 0, LB_TO_BACKEND, TCP_SYN, HOPS);
	printf("| IPv%d, new flow, beside %u others | %.0f ns |\n", family, held, fresh / 15);
	aged = age_out(family, &removed);
	printf("| IPv%d, removed by the control program | %.0f ns a flow |\n", family, aged * 1e9 / removed);
	printf("| IPv%d, %u flows: made and established, aged out | %.2f s, %.2f s |\n", family, removed,
		filled, aged);
	if (fixture_flow_count(&x, family))
		printf("| IPv%d, flows left behind | %u, FAIL |\n", family, fixture_flow_count(&x, family));
	fixture_close(&x);
}

/* ---- what a pair adds, in turns with the same without it ---- */

enum pair_part { PAIR_NONE, PAIR_LEASE, PAIR_TELLS, PAIR_PARTS };

#define PAIR_ROUNDS 15

static int by_size(const void *a, const void *b)
{
	double x1 = *(const double *)a, x2 = *(const double *)b;

	return (x1 > x2) - (x1 < x2);
}

static double median(double *of, int count)
{
	qsort(of, (size_t)count, sizeof(*of), by_size);
	return of[count / 2];
}

static void set_part(int family, enum pair_part part)
{
	struct lease_board *board = (struct lease_board *)&x.b.view.leases[0];

	lb_bpf_changes_close(&x.b);
	if (part == PAIR_TELLS)
		pair_listen(&x);
	board->entries = part == PAIR_LEASE ? hops : 0;
	for (uint32_t id = 0; id < x.b.sizes.flows; id++)
		fixture_flow_at(&x, family, id)->lease = part == PAIR_LEASE;
}

static void bench_pair_hit(int family)
{
	double ns[PAIR_PARTS][PAIR_ROUNDS];

	open_chain(family, 1024, 2);
	for (uint32_t h = 0; h < hops; h++) {
		struct endpoint at = hop_endpoint(family, h);

		pair_enter(&x, family, at.addr, 0, 1);
	}
	pair_stamp(&x, 1, 1000 * PAIR_SECOND);
	fill(family, 1);
	for (int round = 0; round < PAIR_ROUNDS; round++)
		for (int part = 0; part < PAIR_PARTS; part++) {
			set_part(family, (enum pair_part)part);
			ns[part][round] = mean_hit(family, 1, HOPS);
		}

	double none = median(ns[PAIR_NONE], PAIR_ROUNDS), lease = median(ns[PAIR_LEASE], PAIR_ROUNDS),
	       tells = median(ns[PAIR_TELLS], PAIR_ROUNDS);

	printf("| IPv%d, established: alone, with a lease, with changes told | %.0f, %.0f (%+.1f %%), %.0f ns (%+.1f %%) |\n",
		family, none, lease, (lease / none - 1) * 100, tells, (tells / none - 1) * 100);
	fixture_close(&x);
}

/* A connection from its SYN to its second FIN, five packets, along the chain; and its removal. */
static double lives(int family, uint32_t n, double *removal)
{
	double ns = walk(family, n, 0, LB_TO_BACKEND, TCP_SYN, HOPS);
	uint32_t removed;

	ns += walk(family, n, 0, LB_TO_CLIENT, TCP_SYN | TCP_ACK, HOPS);
	ns += walk(family, n, 0, LB_TO_BACKEND, TCP_ACK, HOPS);
	ns += walk(family, n, 0, LB_TO_BACKEND, TCP_FIN | TCP_ACK, HOPS);
	ns += walk(family, n, 0, LB_TO_CLIENT, TCP_FIN | TCP_ACK, HOPS);
	*removal = age_out(family, &removed) * 1e9 / HOPS;
	return ns;
}

static void bench_pair_lives(int family)
{
	double ns[2][PAIR_ROUNDS], ends[2][PAIR_ROUNDS];

	open_chain(family, 1024, HOPS);
	for (int round = 0; round < PAIR_ROUNDS; round++)
		for (int told = 0; told < 2; told++) {
			set_part(family, told ? PAIR_TELLS : PAIR_NONE);
			ns[told][round] = lives(family, (uint32_t)round, &ends[told][round]);
			if (told && pair_hear(&x) != 3 * HOPS)
				printf("| IPv%d, changes told | FAIL |\n", family);
		}

	double without = median(ns[0], PAIR_ROUNDS), with = median(ns[1], PAIR_ROUNDS);

	printf("| IPv%d, a connection of five packets: untold, told | %.0f, %.0f ns (%+.1f %%) |\n", family,
		without, with, (with / without - 1) * 100);
	printf("| IPv%d, its removal: untold, told | %.0f, %.0f ns |\n", family, median(ends[0], PAIR_ROUNDS),
		median(ends[1], PAIR_ROUNDS));
	fixture_close(&x);
}

static bool bench_memory(uint32_t flows)
{
	static const char *const names[2][3] = {{"flows4", "index4", "free4"}, {"flows6", "index6", "free6"}};
	static const double limits[2] = {MEMORY_LIMIT4, MEMORY_LIMIT6};
	bool good = true;

	hops = 2;
	fixture_open(&x, flows, flows / 16);
	for (int v6 = 0; v6 < 2; v6++) {
		double bytes = 0;

		for (int i = 0; i < 3; i++)
			bytes += (double)lb_bpf_memory(&x.b, names[v6][i]);
		bytes /= flows;
		/* The half-open budget's eight bytes serve both families. */
		bytes += (double)lb_bpf_memory(&x.b, "half_open") / flows;
		printf("| IPv%d, map memory a flow, of %u | %.1f bytes (limit %.0f: %s) |\n", v6 ? 6 : 4,
			flows, bytes, limits[v6], bytes <= limits[v6] ? "pass" : "FAIL");
		good = good && bytes <= limits[v6];
	}
	printf("| all maps together | %.1f MiB |\n", (double)lb_bpf_memory(&x.b, NULL) / 1048576.0);
	fixture_close(&x);
	return good;
}

int main(int argc, char **argv)
{
	uint32_t flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1048576;
	bool good;

	if (flows < 65536 || flows > LB_FLOWS_MAX) {
		fprintf(stderr, "usage: bench_bpf [FLOWS]   65536..%u\n", LB_FLOWS_MAX);
		return 2;
	}
	if (!fixture_enter("bench_bpf"))
		return fixture_skip();
	chance = fixture_seed();
	printf("| dataplane alone (BPF_PROG_TEST_RUN) | |\n|---|---|\n");
	for (int family = 4; family <= 6; family += 2) {
		bench_hot(family);
		bench_pair_hit(family);
		bench_pair_lives(family);
		bench_table(family, 65536);
		bench_table(family, flows);
	}
	good = bench_memory(flows);
	return good ? 0 : 1;
}
