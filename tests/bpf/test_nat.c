/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random traffic through the dataplane and through the model (nat_model.h): what comes out must be equal byte
 * by byte, and so must the flows, their states and the backends' live counts at every look.
 */
#include "nat_model.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lb/bpf/lb_state.h"

#define PACKETS   100000
#define LOOK_EACH 1000

/* BPF_PROG_TEST_RUN takes no frame that ends within the IP header. */
#define FRAME_LEAST(family) (ETH_BYTES + ((family) == 4 ? 20u : 40u))

static uint64_t chance;
static struct fixture x;
static struct nat_model model;

static uint32_t below(uint32_t limit)
{
	return fixture_below(&chance, limit);
}

/* ---- the world: six services a family, two of them over the same endpoints ---- */

static struct endpoint endpoint_of(int family, uint8_t net, uint8_t host, uint16_t port)
{
	struct endpoint e = {.port = port};

	if (family == 4)
		address4(e.addr, 10, net, 0, host);
	else
		address6(e.addr, net, host);
	return e;
}

static void make_pool(int family, uint8_t first, uint8_t count, const uint16_t *ports, uint32_t *pool)
{
	*pool = fixture_pool(&x, (enum lb_pick)below(4));
	for (uint8_t i = 0; i < count; i++) {
		struct endpoint at = endpoint_of(family, 2, (uint8_t)(first + i), ports[i % 2]);

		fixture_backend(&x, *pool, family, &at, 1 + below(4));
	}
}

static void make_world(void)
{
	const uint16_t kept[2] = {80, 80}, mixed[2] = {8080, 80}, dns[2] = {53, 5353};

	fixture_open(&x, 512, 96);
	nat_model_init(&model, &x);
	for (int family = 4; family <= 6; family += 2) {
		struct endpoint web = endpoint_of(family, 1, 100, 80),
				other = endpoint_of(family, 1, 101, 8080);
		struct endpoint name = endpoint_of(family, 1, 100, 53),
				lone = endpoint_of(family, 1, 102, 53);
		uint32_t pool;

		make_pool(family, 1, 4, mixed, &pool);
		fixture_service(&x, family, IPPROTO_TCP, &web, pool);
		make_pool(family, 1, 4, mixed, &pool); /* the same endpoints again */
		fixture_service(&x, family, IPPROTO_TCP, &other, pool);
		make_pool(family, 20, 3, dns, &pool);
		fixture_service(&x, family, IPPROTO_UDP, &name, pool);
		make_pool(family, 30, 2, kept, &pool);
		x.b.view.services[fixture_service(&x, family, IPPROTO_UDP, &lone, pool)].on_empty =
			LB_ON_EMPTY_DROP;
	}
}

/* ---- one packet ---- */

static enum lb_counter refused_why(const uint64_t *before)
{
	uint64_t after[LB_COUNTER_COUNT];

	lb_bpf_counters(&x.b, after);
	for (int i = LB_COUNT_NO_BACKEND; i < LB_COUNTER_COUNT; i++)
		if (after[i] != before[i])
			return (enum lb_counter)i;
	return LB_COUNTER_COUNT;
}

static void print_counters(void)
{
	static const char *const names[] = {
#define COUNTER_NAME(id, kind, name, text) name,
		LB_COUNTERS(COUNTER_NAME)
#undef COUNTER_NAME
	};
	uint64_t all[LB_COUNTER_COUNT];

	lb_bpf_counters(&x.b, all);
	for (int i = 0; i < LB_COUNTER_COUNT; i++)
		if (all[i])
			fprintf(stderr, "%s %llu  ", names[i], (unsigned long long)all[i]);
	fprintf(stderr, "\n");
}

static void expect_equal(
	const struct frame *in, const struct frame *got, int verdict, const struct nat_expect *e)
{
	static const int verdicts[] = {VERDICT_PASS, VERDICT_REDIRECT, VERDICT_REDIRECT, VERDICT_DROP};
	const struct frame *want = e->kind == NAT_PASS ? in : &e->out;
	bool bytes = e->kind == NAT_DROP ||
		     (got->length == want->length && !memcmp(got->bytes, want->bytes, got->length));

	if (verdict == verdicts[e->kind] && bytes)
		return;
	fprintf(stderr, "verdict %d, want %d (kind %d); the packet was\n", verdict, verdicts[e->kind],
		e->kind);
	frame_print_difference(in, want);
	frame_print_difference(got, want);
	print_counters();
	fail_msg("the dataplane and the model differ");
}

static void compare(const struct frame *in)
{
	static struct nat_expect e;
	static struct frame got;
	uint64_t before[LB_COUNTER_COUNT];
	int verdict;

	nat_model_run(&model, in, &e);
	if (e.kind == NAT_NEW)
		lb_bpf_counters(&x.b, before);
	verdict = fixture_run(&x, in, &got);
	if (e.kind == NAT_NEW) {
		struct packet_parts p = frame_parse(in);
		struct endpoint client = {.port = p.sport}, service = {.port = p.dport};
		struct lb_flow *f;

		memcpy(client.addr, p.src, 16);
		memcpy(service.addr, p.dst, 16);
		f = fixture_flow(&x, p.family, p.protocol, &client, &service);
		if (!nat_model_new(&model, in, f ? f->backend : -1,
			    f ? LB_COUNTER_COUNT : refused_why(before), &e)) {
			frame_print_difference(in, &got);
			fail_msg("the dataplane's choice is not allowed");
		}
	}
	expect_equal(in, &got, verdict, &e);
}

/* ---- traffic ---- */

static int any_flow(void)
{
	int start = (int)below(NAT_MODEL_FLOWS);

	for (int i = 0; i < NAT_MODEL_FLOWS; i++)
		if (model.flows[(start + i) % NAT_MODEL_FLOWS].used)
			return (start + i) % NAT_MODEL_FLOWS;
	return -1;
}

static uint8_t any_flags(void)
{
	static const uint8_t usual[] = {TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK, TCP_SYN,
		TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK, TCP_FIN,
		0};

	return below(20) ? usual[below(sizeof(usual))] : (uint8_t)below(256);
}

static void any_shape(struct packet_spec *s)
{
	static const uint16_t sizes[] = {0, 0, 1, 2, 3, 7, 64, 333, 536, 1000, 1400, 1440, 1460, 1480, 1501};

	s->payload = below(3) ? sizes[below(15)] : (uint16_t)below(200);
	s->fill = (uint8_t)below(256);
	s->seq = (uint32_t)fixture_random(&chance);
	s->ack = s->tcp_flags & TCP_ACK ? (uint32_t)fixture_random(&chance) : 0;
	s->ttl = below(30) ? (uint8_t)(2 + below(253)) : (uint8_t)below(3);
	s->dont_fragment = below(2);
	s->no_checksum = s->family == 4 && !below(4);
	if (!below(8))
		s->option_words = (uint8_t)below(11);
	if (!below(8))
		s->extensions = (uint8_t)below(8); /* more than the dataplane walks, too */
	if (!below(4))
		s->tcp_option_words = (uint8_t)below(11);
}

/* The checksum comes out as 0: UDP sends 0xffff for it (RFC 768). */
static void make_zero_sum(struct frame *f)
{
	struct packet_parts p = frame_parse(f);
	uint8_t *last = f->bytes + p.end - 2;

	if (!p.whole || p.protocol != IPPROTO_UDP || p.end - p.l4 < 10 || (p.end - p.l4) % 2 ||
		!get16(f->bytes + p.l4 + 6))
		return;
	put16(last, 0);
	packet_sums_set(f->bytes, &p);
	put16(last, get16(f->bytes + p.l4 + 6));
	packet_sums_set(f->bytes, &p);
}

static struct packet_spec flow_packet(int at)
{
	const struct nat_flow *f = &model.flows[at];
	int direction = (int)below(2);
	struct packet_spec s = {.family = f->family, .protocol = f->protocol};

	s.from = direction == LB_TO_BACKEND ? f->client : f->backend;
	s.to = direction == LB_TO_BACKEND ? f->service : f->client;
	if (f->protocol == IPPROTO_TCP)
		s.tcp_flags = any_flags();
	any_shape(&s);
	if (f->state == LB_FLOW_SYN_RECV && below(2))
		s.ack = f->isn + 1;
	return s;
}

static struct packet_spec new_packet(void)
{
	const struct fixture_service *service = &x.services[below(x.service_count)];
	struct packet_spec s = {.family = service->family, .protocol = service->protocol, .to = service->at};

	s.from = endpoint_of(s.family, 9, (uint8_t)(1 + below(6)), (uint16_t)(40000 + below(40)));
	s.tcp_flags = below(10) ? TCP_SYN : any_flags();
	any_shape(&s);
	return s;
}

static void send_error(void)
{
	struct frame quoted, sent, f;
	int at = any_flow();
	struct packet_spec s;
	uint32_t router[4], word;
	uint8_t type;

	if (at < 0)
		return;
	/* The receiver of the packet saw it translated, and complains about that. */
	s = flow_packet(at);
	s.ttl = 64;
	s.extensions = (uint8_t)below(4);
	packet_build(&s, &quoted);
	if (below(8)) {
		sent = quoted;
		make_zero_sum(&sent);

		const struct nat_flow *n = &model.flows[at];
		int to_client = !memcmp(s.to.addr, n->client.addr, 16) && s.to.port == n->client.port;

		s.from = to_client ? n->service : n->client;
		s.to = to_client ? n->client : n->backend;
		packet_build(&s, &quoted);
		/* Translated back its checksum is to come out as 0. */
		memcpy(quoted.bytes + quoted.length - 2, sent.bytes + sent.length - 2, 2);

		struct packet_parts p = frame_parse(&quoted);

		if (p.whole)
			packet_sums_set(quoted.bytes, &p);
	}
	memcpy(router, s.to.addr, 16);
	if (below(2))
		memcpy(router, endpoint_of(s.family, 77, 1, 0).addr, 16);
	type = s.family == 4 ? (uint8_t[]){3, 3, 11, 12, 0, 8, 5}[below(7)]
			     : (uint8_t[]){1, 2, 3, 4, 128, 135}[below(6)];
	word = below(2) ? 1400 : 0;
	packet_error(&quoted, router, type, (uint8_t)below(5), word, 20 + below(120), &f);
	if (!below(20)) {
		f.bytes[ETH_BYTES + (s.family == 4 ? 8 : 7)] = (uint8_t)below(2);
		struct packet_parts p = frame_parse(&f);

		packet_sums_set(f.bytes, &p);
	}
	compare(&f);
}

/* In order; those which are early are test_fragment's. */
static void send_fragments(void)
{
	struct frame whole, f;
	int at = any_flow();
	struct packet_spec s = at >= 0 && below(3) ? flow_packet(at) : new_packet();
	static uint32_t id; /* never twice: the model holds no early ones */
	uint32_t size = 8 * (5 + below(20));

	s.payload = (uint16_t)(300 + below(600));
	if (s.tcp_flags & TCP_SYN)
		s.payload = 500;
	s.extensions = s.extensions > 5 ? 0 : s.extensions;
	packet_build(&s, &whole);
	id++;
	for (uint32_t from = 0; from < whole.length; from += size) {
		uint32_t head = ETH_BYTES + (s.family == 4 ? 20 + 4u * s.option_words : 40);

		if (from >= whole.length - head)
			break;
		packet_fragment(&whole, from, size, s.family == 4 ? id & 0xffff : id, &f);
		compare(&f);
	}
}

static void send_damaged(void)
{
	struct frame f;
	int at = any_flow();
	struct packet_spec s = at >= 0 && below(2) ? flow_packet(at) : new_packet();

	packet_build(&s, &f);
	switch (below(4)) {
	case 0: /* cut */
		f.length -= below(f.length - FRAME_LEAST(s.family));
		break;
	case 1: /* Ethernet's padding */
		while (f.length < 60 + below(20))
			f.bytes[f.length++] = (uint8_t)below(256);
		break;
	case 2: /* a few bytes wrong; the source stays, for to some there is no way back */
		for (uint32_t n = 1 + below(3); n; n--)
			f.bytes[ETH_BYTES + below(f.length - ETH_BYTES < 60 ? f.length - ETH_BYTES : 60)] =
				(uint8_t)below(256);
		if (s.family == 4)
			memcpy(f.bytes + ETH_BYTES + 12, s.from.addr, 4);
		else
			memcpy(f.bytes + ETH_BYTES + 8, s.from.addr, 16);
		break;
	default:
		for (uint32_t i = ETH_BYTES; i < f.length; i++)
			f.bytes[i] = (uint8_t)below(256);
	}
	compare(&f);
}

static void send_foreign(void)
{
	struct packet_spec s = new_packet();
	struct frame f;

	switch (below(3)) {
	case 0:
		s.to.port = (uint16_t)(1 + below(40));
		break;
	case 1:
		s.to = endpoint_of(s.family, 200, 1, 80);
		break;
	default:
		s.protocol = s.protocol == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
		s.to.port = 9999;
	}
	packet_build(&s, &f);
	if (!below(10))
		put16(f.bytes + 12, 0x0806); /* ARP, by its type */
	compare(&f);
}

/* As the control plane does: who does not serve has no place in the pool's table. */
static void rebuild_table(uint32_t pool)
{
	uint16_t members[FIXTURE_BACKENDS];
	uint32_t count = 0;

	for (uint32_t b = 0; b < x.backend_count; b++)
		if (x.b.view.backends[b].pool == pool && (x.b.view.backends[b].flags & LB_BACKEND_SERVING))
			members[count++] = (uint16_t)b;
	fixture_table(&x, pool, members, count);
}

static void disturb(void)
{
	int at = any_flow();
	struct lb_backend_entry *b = &x.b.view.backends[below(x.backend_count)];

	switch (below(4)) {
	case 0: /* a backend comes or goes */
		b->flags ^= LB_BACKEND_SERVING;
		b->epoch += !(b->flags & LB_BACKEND_SERVING);
		rebuild_table(b->pool);
		return;
	case 1:
		b->weight = 1 + below(9);
		return;
	default:
		break;
	}
	if (at < 0)
		return;

	struct nat_flow *n = &model.flows[at];
	struct lb_flow *f = fixture_flow(&x, n->family, n->protocol, &n->client, &n->service);

	assert_non_null(f);
	if (below(2)) {
		assert_true(fixture_control(&x, LB_CONTROL_REMOVE, n->family, f));
		nat_model_remove(&model, at);
	} else if (fixture_control(&x, LB_CONTROL_DOOM, n->family, f)) {
		assert_true(n->protocol == IPPROTO_TCP && lb_flow_is_live(n->state));
		nat_model_doom(&model, at);
	} else {
		assert_true(n->protocol != IPPROTO_TCP || !lb_flow_is_live(n->state));
	}
}

static void look(void)
{
	for (int family = 4; family <= 6; family += 2) {
		assert_int_equal(fixture_flow_count(&x, family), nat_model_count(&model, family));
		assert_int_equal(fixture_index_count(&x, family), 2 * nat_model_count(&model, family));
	}
	for (int i = 0; i < NAT_MODEL_FLOWS; i++) {
		const struct nat_flow *n = &model.flows[i];

		if (!n->used)
			continue;

		struct lb_flow *f = fixture_flow(&x, n->family, n->protocol, &n->client, &n->service);

		assert_non_null(f);
		assert_int_equal(f->state, n->state);
		assert_int_equal(f->backend, n->backend_at);
	}
	for (uint32_t b = 0; b < x.backend_count; b++)
		assert_int_equal(x.b.view.backends[b].active, nat_model_live(&model, b));
}

static void one_step(void)
{
	uint32_t dice = below(100);
	int at = any_flow();
	struct packet_spec s;
	struct frame f;

	if (dice < 50 && at >= 0) {
		s = flow_packet(at);
	} else if (dice < 72) {
		s = new_packet();
	} else {
		if (dice < 80)
			send_error();
		else if (dice < 84)
			send_fragments();
		else if (dice < 92)
			send_damaged();
		else if (dice < 97)
			send_foreign();
		else
			disturb();
		return;
	}
	packet_build(&s, &f);
	if (!below(10))
		make_zero_sum(&f);
	compare(&f);
}

static void random_traffic_comes_out_as_the_model_says(void **state)
{
	make_world();
	for (int i = 0; i < PACKETS; i++) {
		one_step();
		if (i % LOOK_EACH == 0)
			look();
	}
	look();
	fixture_remove_all(&x);
	for (int family = 4; family <= 6; family += 2) {
		assert_int_equal(fixture_flow_count(&x, family), 0);
		assert_int_equal(fixture_index_count(&x, family), 0);
	}
	for (uint32_t b = 0; b < x.backend_count; b++)
		assert_int_equal(x.b.view.backends[b].active, 0);
	assert_true(fixture_counter(&x, LB_COUNT_HALF_OPEN_EVICTED) > 0);
	assert_true(fixture_counter(&x, LB_COUNT_TUPLE_COLLISION) > 0);
	assert_true(fixture_counter(&x, LB_COUNT_UDP_REPICKED) > 0);
	assert_true(fixture_counter(&x, LB_COUNT_REOPENED) > 0);
	assert_true(fixture_counter(&x, LB_COUNT_ICMP_TRANSLATED) > 0);
	assert_true(fixture_counter(&x, LB_COUNT_FRAGMENT_LATER) > 0);
	assert_true(fixture_counter(&x, LB_COUNT_TOO_BIG) > 0);
}

/* Every length of a frame of each kind, cut short: never ours, never changed. */
static void frames_cut_anywhere_are_left_alone(void **state)
{
	struct frame f, got;

	make_world();
	for (uint32_t i = 0; i < x.service_count; i++) {
		struct packet_spec s = {.family = x.services[i].family,
			.protocol = x.services[i].protocol,
			.tcp_flags = TCP_SYN,
			.to = x.services[i].at,
			.payload = 33,
			.extensions = (uint8_t)(i % 3)};

		s.from = endpoint_of(s.family, 9, 9, 999);
		packet_build(&s, &f);
		for (uint32_t whole = f.length, cut = FRAME_LEAST(s.family); cut < whole; cut++) {
			f.length = cut;
			assert_int_equal(fixture_run(&x, &f, &got), VERDICT_PASS);
			assert_int_equal(got.length, cut);
			assert_memory_equal(got.bytes, f.bytes, cut);
		}
	}
	assert_int_equal(fixture_flow_count(&x, 4) + fixture_flow_count(&x, 6), 0);
}

static int cleanup(void **state)
{
	fixture_close(&x);
	return 0;
}

#define with_cleanup(test) cmocka_unit_test_teardown(test, cleanup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_cleanup(frames_cut_anywhere_are_left_alone),
		with_cleanup(random_traffic_comes_out_as_the_model_says),
	};

	if (!fixture_enter("bpf_nat"))
		return fixture_skip();
	chance = fixture_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
