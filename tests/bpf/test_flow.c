/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of flows: who keeps its backend, who makes room, what a full table and a flood do, and that
 * nothing leaks. */
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fixture x;
static uint32_t pool, web, names; /* a TCP and a UDP service of one pool */

static void open_world_of(uint32_t flows, uint32_t half_open, uint32_t backends)
{
	struct endpoint at = fixture_endpoint(4, 1, 100, 80);

	fixture_open(&x, flows, half_open);
	pool = fixture_pool(&x, LB_PICK_NEXT);
	for (uint32_t i = 0; i < backends; i++) {
		struct endpoint b = fixture_endpoint(4, 2, (uint8_t)(1 + i), 8080);

		fixture_backend(&x, pool, 4, &b, 1);
	}
	web = fixture_service(&x, 4, IPPROTO_TCP, &at, pool);
	names = fixture_service(&x, 4, IPPROTO_UDP, &at, pool);
}

static struct endpoint client(uint16_t port)
{
	return fixture_endpoint(4, 9, 1, port);
}

static int establish(uint16_t port)
{
	struct endpoint c = client(port);
	int backend = fixture_connect(&x, web, &c);

	assert_true(backend >= 0);
	fixture_establish(&x, web, &c);
	return backend;
}

/* Does a packet of the flow go both ways, and to that backend? */
static bool flows_both_ways(uint16_t port, int backend)
{
	struct endpoint c = client(port);
	struct lb_flow *f = fixture_flow_of(&x, web, &c);
	struct frame out;

	if (!f || f->backend != backend)
		return false;
	if (fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_ACK, 7, 7, &out) != VERDICT_REDIRECT)
		return false;
	if (memcmp(out.bytes + 30, x.b.view.backends[backend].addr, 4))
		return false;
	return fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_ACK, 7, 7, &out) == VERDICT_REDIRECT;
}

/* ---- one backend till the end ---- */

static void a_flow_keeps_its_backend_whatever_changes(void **state)
{
	struct net_addr at = {.family = AF_INET, .bytes = {10, 1, 0, 100}};
	const uint16_t only_third = 2;
	int backend;

	open_world_of(64, 64, 3);
	backend = establish(1000);
	x.b.view.backends[0].weight = 50;
	assert_true(flows_both_ways(1000, backend));
	fixture_table(&x, pool, &only_third, 1);
	assert_true(flows_both_ways(1000, backend));
	x.b.view.backends[backend].flags = 0; /* drained, or down and kept */
	x.b.view.backends[backend].epoch++;
	assert_true(flows_both_ways(1000, backend));
	x.b.view.services[web].pool = fixture_pool(&x, LB_PICK_LEAST);
	assert_true(flows_both_ways(1000, backend));
	assert_int_equal(lb_bpf_clear_service_key(&x.b, &at, 80, IPPROTO_TCP), 0);
	assert_true(flows_both_ways(1000, backend));
	x.b.view.globals->route_epoch++;
	assert_true(flows_both_ways(1000, backend));
}

static void a_syn_retransmit_keeps_its_backend(void **state)
{
	struct endpoint c = client(1000);

	open_world_of(64, 64, 3);
	assert_int_equal(fixture_connect(&x, web, &c), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fixture_connect(&x, web, &c), 0);
	assert_int_equal(fixture_counter(&x, LB_COUNT_FLOW_NEW), 1);
}

static void close_by(const struct endpoint *c, int way)
{
	switch (way) {
	case 0:
		fixture_say(&x, web, c, LB_TO_BACKEND, TCP_FIN | TCP_ACK, 102, 5001, NULL);
		fixture_say(&x, web, c, LB_TO_CLIENT, TCP_FIN | TCP_ACK, 5001, 103, NULL);
		return;
	case 1:
		fixture_say(&x, web, c, LB_TO_CLIENT, TCP_FIN | TCP_ACK, 5001, 102, NULL);
		fixture_say(&x, web, c, LB_TO_BACKEND, TCP_FIN | TCP_ACK, 102, 5002, NULL);
		return;
	default:
		fixture_say(&x, web, c, way == 2 ? LB_TO_BACKEND : LB_TO_CLIENT, TCP_RST | TCP_ACK, 102, 5001,
			NULL);
	}
}

static void a_syn_on_a_closed_flow_is_a_new_connection_at_once(void **state)
{
	struct endpoint c = client(1000);

	for (int way = 0; way < 4; way++) {
		open_world_of(64, 64, 3);
		assert_int_equal(establish(1000), 0);
		assert_int_equal(x.b.view.backends[0].active, 1);
		close_by(&c, way);
		assert_int_equal(x.b.view.backends[0].active, 0);
		assert_true(flows_both_ways(1000, 0) || way >= 2); /* last ACKs still find their way */
		close_by(&c, way);
		if (way < 2) {
			assert_int_equal(fixture_connect(&x, web, &c), 1); /* it was this one's turn */
		} else { /* a reset may be forged: it begins where the old one may still live */
			fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_SYN, 900, 0, NULL);
			fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_SYN | TCP_ACK, 7000, 901, NULL);
			fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_ACK, 901, 7001, NULL);
			assert_true(flows_both_ways(1000, 0));
		}
		assert_int_equal(fixture_counter(&x, LB_COUNT_REOPENED), 1);
		assert_int_equal(fixture_flow_count(&x, 4), 1);
		fixture_close(&x);
	}
}

/* Two segments from somebody who knows the addresses and ports but sees nothing. */
static void a_forged_reset_and_syn_break_nothing(void **state)
{
	struct endpoint c = client(1000);

	open_world_of(64, 64, 3);
	assert_int_equal(establish(1000), 0);
	fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_RST, 77777, 0, NULL);
	fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_SYN, 88888, 0, NULL);
	assert_true(flows_both_ways(1000, 0));
	assert_int_equal(x.b.view.backends[0].active, 1);
	assert_int_equal(fixture_flow_count(&x, 4), 1);
	assert_int_equal(fixture_counter(&x, LB_COUNT_REOPENED), 0);
}

static void a_refused_connection_may_be_tried_again_at_once(void **state)
{
	struct endpoint c = client(1000);

	open_world_of(64, 64, 3);
	assert_int_equal(fixture_connect(&x, web, &c), 0);
	assert_int_equal(
		fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_RST | TCP_ACK, 0, 101, NULL), VERDICT_REDIRECT);
	assert_int_equal(x.b.view.backends[0].active, 0);
	assert_int_equal(fixture_connect(&x, web, &c), 1);
}

static void udp_leaves_a_backend_that_went_away_at_once(void **state)
{
	struct endpoint c = client(1000);
	const uint16_t others[] = {1, 2};

	open_world_of(64, 64, 3);
	assert_int_equal(fixture_connect(&x, names, &c), 0);
	assert_int_equal(fixture_connect(&x, names, &c), 0);
	fixture_table(&x, pool, others, 2);
	x.b.view.backends[0].flags = 0;
	assert_int_equal(fixture_connect(&x, names, &c), 0); /* drained: what is there goes on */
	x.b.view.backends[0].epoch++;
	assert_int_not_equal(fixture_connect(&x, names, &c), 0);
	assert_int_equal(fixture_counter(&x, LB_COUNT_UDP_REPICKED), 1);
	assert_int_equal(x.b.view.backends[0].active, 0);
	assert_int_equal(fixture_flow_count(&x, 4), 1);
}

/* ---- both entries, or none ---- */

static void both_directions_die_together(void **state)
{
	struct endpoint c = client(1000), b = fixture_endpoint(4, 2, 1, 8080);
	struct packet_spec reply = fixture_packet(4, IPPROTO_TCP, &b, &c, TCP_ACK);
	struct frame in, out;

	open_world_of(64, 64, 1);
	establish(1000);
	assert_int_equal(fixture_index_count(&x, 4), 2);
	assert_true(fixture_control(&x, LB_CONTROL_REMOVE, 4, fixture_flow_of(&x, web, &c)));
	assert_int_equal(fixture_index_count(&x, 4), 0);
	packet_build(&reply, &in);
	assert_int_equal(fixture_run(&x, &in, &out), VERDICT_PASS);
	assert_int_equal(fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_ACK, 1, 1, &out), VERDICT_REDIRECT);
	assert_int_equal(frame_parse(&out).tcp_flags, TCP_RST); /* nobody knows it */
	assert_int_equal(x.b.view.backends[0].active, 0);
}

static void control_spares_who_was_used_again_and_who_is_another(void **state)
{
	struct endpoint c = client(1000);
	struct lb_flow *f, old;

	open_world_of(64, 64, 1);
	establish(1000);
	f = fixture_flow_of(&x, web, &c);

	struct lb_control *k = &x.b.view.control[0];

	*k = (struct lb_control){.op = LB_CONTROL_EXPIRE,
		.family = 4,
		.id = fixture_flow_id(&x, 4, f),
		.generation = f->generation,
		.last_seen = f->last_seen - 1};
	assert_int_equal(lb_bpf_control(&x.b, 1), 0);
	assert_int_equal(k->op, LB_CONTROL_STALE);
	old = *f;
	old.generation++;
	*k = (struct lb_control){.op = LB_CONTROL_REMOVE,
		.family = 4,
		.id = fixture_flow_id(&x, 4, f),
		.generation = old.generation};
	assert_int_equal(lb_bpf_control(&x.b, 1), 0);
	assert_int_equal(k->op, LB_CONTROL_STALE);
	assert_true(flows_both_ways(1000, 0));
	assert_true(fixture_control(&x, LB_CONTROL_EXPIRE, 4, f));
	assert_int_equal(fixture_flow_count(&x, 4), 0);
}

/* ---- one tuple, one flow ---- */

static void an_endpoint_in_two_services_is_never_aliased(void **state)
{
	struct endpoint at = fixture_endpoint(4, 1, 101, 80), b = fixture_endpoint(4, 2, 1, 8080),
			c = client(1000);
	struct frame out;
	uint32_t second_pool, second;

	open_world_of(64, 64, 1);
	second_pool = fixture_pool(&x, LB_PICK_NEXT);
	fixture_backend(&x, second_pool, 4, &b, 1);
	second = fixture_service(&x, 4, IPPROTO_TCP, &at, second_pool);
	establish(1000);
	assert_int_equal(fixture_connect(&x, second, &c), -1);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COLLISION), 1);
	assert_true(flows_both_ways(1000, 0));
	assert_int_equal(fixture_index_count(&x, 4), 2);

	/* With a backend whose tuple is free the second connection goes there, and each reply to its own
	 * service. */
	b = fixture_endpoint(4, 2, 2, 8080);

	uint32_t other = fixture_backend(&x, second_pool, 4, &b, 1);

	assert_int_equal(fixture_connect(&x, second, &c), other);
	assert_int_equal(fixture_say(&x, second, &c, LB_TO_CLIENT, TCP_SYN | TCP_ACK, 5000, 101, &out),
		VERDICT_REDIRECT);
	assert_memory_equal(frame_parse(&out).src, at.addr, 4);
	assert_int_equal(fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_ACK, 1, 1, &out), VERDICT_REDIRECT);
	assert_memory_equal(frame_parse(&out).src, x.services[web].at.addr, 4);
}

/* The client closes its connection to one service and connects to the other from the same port at once. */
static void a_tuple_whose_flow_is_over_is_free(void **state)
{
	struct endpoint at = fixture_endpoint(4, 1, 101, 80), b = fixture_endpoint(4, 2, 1, 8080),
			c = client(1000);
	struct frame out;
	uint32_t second_pool, second, backend;

	open_world_of(64, 64, 1);
	second_pool = fixture_pool(&x, LB_PICK_NEXT);
	backend = fixture_backend(&x, second_pool, 4, &b, 1);
	second = fixture_service(&x, 4, IPPROTO_TCP, &at, second_pool);
	establish(1000);
	assert_int_equal(fixture_connect(&x, second, &c), -1);
	fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_FIN | TCP_ACK, 2, 2, &out);
	fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_FIN | TCP_ACK, 2, 3, &out);
	assert_int_equal(fixture_connect(&x, second, &c), backend);
	assert_int_equal(fixture_flow_count(&x, 4), 1);
	assert_int_equal(fixture_index_count(&x, 4), 2);
}

/* ---- floods and full tables ---- */

static void syn(uint32_t n, uint8_t flags)
{
	struct endpoint c = {.port = (uint16_t)(n & 0x3fff) + 1};

	address4(c.addr, 11, (uint8_t)(n >> 22), (uint8_t)(n >> 14), 1);
	fixture_say(&x, web, &c, LB_TO_BACKEND, flags, 1, 77, NULL);
}

static void a_syn_flood_costs_no_established_flow(void **state)
{
	open_world_of(1024, 128, 2);
	for (uint16_t i = 0; i < 200; i++)
		assert_int_equal(establish(1000 + i), i % 2);
	for (uint32_t n = 0; n < 2048 + 256; n++)
		syn(n, TCP_SYN);
	assert_int_equal(fixture_flow_count(&x, 4), 200 + 128);
	for (uint16_t i = 0; i < 200; i++)
		assert_true(flows_both_ways(1000 + i, i % 2));
	establish(5000); /* and new ones still come through */
}

/* The same with resets and acknowledgements of what was never sent, which end or establish nothing. */
static void a_flood_of_half_handshakes_does_not_either(void **state)
{
	open_world_of(1024, 128, 2);
	for (uint16_t i = 0; i < 200; i++)
		assert_int_equal(establish(1000 + i), i % 2);
	for (uint32_t n = 0; n < 2048; n++) {
		syn(n, TCP_SYN);
		syn(n, TCP_RST);
		syn(n, TCP_ACK);
	}
	assert_true(fixture_flow_count(&x, 4) <= 200 + 128);
	for (uint16_t i = 0; i < 200; i++)
		assert_true(flows_both_ways(1000 + i, i % 2));
}

static void the_oldest_half_open_flow_makes_room(void **state)
{
	struct endpoint c[6];

	open_world_of(64, 4, 1);
	for (uint16_t i = 0; i < 6; i++)
		c[i] = client(1000 + i);
	for (int i = 0; i < 4; i++)
		fixture_connect(&x, web, &c[i]);
	fixture_establish(&x, web, &c[1]);
	fixture_connect(&x, web, &c[4]);
	assert_null(fixture_flow_of(&x, web, &c[0]));
	fixture_connect(&x, web, &c[5]); /* the next in line is established: nobody goes */
	assert_int_equal(fixture_counter(&x, LB_COUNT_HALF_OPEN_EVICTED), 1);
	for (int i = 1; i < 6; i++)
		assert_non_null(fixture_flow_of(&x, web, &c[i]));
	fixture_connect(&x, web, &c[0]);
	assert_null(fixture_flow_of(&x, web, &c[2]));
	assert_non_null(fixture_flow_of(&x, web, &c[3]));
}

static void a_full_table_refuses_new_and_keeps_old(void **state)
{
	open_world_of(16, 64, 1);
	for (uint16_t i = 0; i < 16; i++)
		establish(1000 + i);
	for (uint16_t i = 0; i < 20; i++) {
		struct endpoint c = client(3000 + i);

		assert_int_equal(fixture_connect(&x, web, &c), -1);
	}
	assert_int_equal(fixture_counter(&x, LB_COUNT_TABLE_FULL), 20);
	for (uint16_t i = 0; i < 16; i++)
		assert_true(flows_both_ways(1000 + i, 0));
	assert_int_equal(x.b.view.backends[0].active, 16);
}

static void an_expired_flow_makes_room_in_a_full_table(void **state)
{
	uint32_t placed = 0;

	open_world_of(16, 64, 1);
	for (uint16_t i = 0; i < 16; i++)
		establish(1000 + i);
	for (uint32_t id = 0; id < 16; id++)
		x.b.view.flows4[id].head.last_seen -= x.b.view.services[web].idle_jiffies + 10;
	for (uint16_t i = 0; i < 40; i++) {
		struct endpoint c = client(3000 + i);

		placed += fixture_connect(&x, web, &c) >= 0;
	}
	assert_true(placed > 0);
	assert_int_equal(fixture_counter(&x, LB_COUNT_RECLAIMED), placed);
	assert_int_equal(fixture_flow_count(&x, 4), 16);
	assert_int_equal(fixture_index_count(&x, 4), 32);
	assert_int_equal(x.b.view.backends[0].active, 16);
}

/* Every id comes back, whichever way its flow went or was refused. */
static void no_id_is_lost(void **state)
{
	open_world_of(256, 32, 2);
	for (uint32_t n = 0; n < 3000; n++) {
		if (n % 100 == 0)
			x.b.view.backends[n / 100 % 2].flags ^= LB_BACKEND_SERVING;
		syn(n, TCP_SYN);
		if (n % 3 == 0)
			syn(n, TCP_RST);
	}
	x.b.view.backends[0].flags = x.b.view.backends[1].flags = LB_BACKEND_SERVING;
	fixture_remove_all(&x);
	assert_int_equal(fixture_index_count(&x, 4), 0);
	for (uint16_t i = 0; i < 256; i++)
		establish(1000 + i);
	assert_int_equal(fixture_flow_count(&x, 4), 256);
	assert_int_equal(x.b.view.backends[0].active + x.b.view.backends[1].active, 256);
	fixture_remove_all(&x);
	assert_int_equal(x.b.view.backends[0].active + x.b.view.backends[1].active, 0);
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
		with_cleanup(a_flow_keeps_its_backend_whatever_changes),
		with_cleanup(a_syn_retransmit_keeps_its_backend),
		with_cleanup(a_syn_on_a_closed_flow_is_a_new_connection_at_once),
		with_cleanup(a_refused_connection_may_be_tried_again_at_once),
		with_cleanup(a_forged_reset_and_syn_break_nothing),
		with_cleanup(udp_leaves_a_backend_that_went_away_at_once),
		with_cleanup(both_directions_die_together),
		with_cleanup(control_spares_who_was_used_again_and_who_is_another),
		with_cleanup(an_endpoint_in_two_services_is_never_aliased),
		with_cleanup(a_tuple_whose_flow_is_over_is_free),
		with_cleanup(a_syn_flood_costs_no_established_flow),
		with_cleanup(a_flood_of_half_handshakes_does_not_either),
		with_cleanup(the_oldest_half_open_flow_makes_room),
		with_cleanup(a_full_table_refuses_new_and_keeps_old),
		with_cleanup(an_expired_flow_makes_room_in_a_full_table),
		with_cleanup(no_id_is_lost),
	};

	if (!fixture_enter("bpf_flow"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
