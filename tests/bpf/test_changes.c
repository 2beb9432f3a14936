/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the dataplane tells of flows of its own, in which order, and what it does when nobody reads. */
#include "pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <cmocka.h>

#include "lb_tc.skel.h"

static struct fixture x;
static uint32_t pool, web, names;
static int family;

static void open_world(int of_family, uint32_t flows)
{
	struct endpoint at = fixture_endpoint(of_family, 1, 100, 80);

	family = of_family;
	fixture_open(&x, flows, flows);
	pool = fixture_pool(&x, LB_PICK_NEXT);
	for (uint8_t i = 0; i < 2; i++) {
		struct endpoint b = fixture_endpoint(family, 2, (uint8_t)(1 + i), 8080);

		fixture_backend(&x, pool, family, &b, 1);
	}
	web = fixture_service(&x, family, IPPROTO_TCP, &at, pool);
	names = fixture_service(&x, family, IPPROTO_UDP, &at, pool);
	pair_listen(&x);
}

static struct endpoint client(uint16_t port)
{
	return fixture_endpoint(family, 9, 1, port);
}

/* One change was told since the last look: that this flow is to be looked at. */
static void told_of(const struct endpoint *c, uint32_t service)
{
	struct lb_flow *f = fixture_flow_of(&x, service, c);
	const struct lb_change *told = &pair_heard.at[0].head;

	assert_int_equal(pair_hear(&x), 1);
	assert_non_null(f);
	assert_int_equal(told->kind, LB_CHANGE_FLOW);
	assert_int_equal(told->family, family);
	assert_int_equal(told->protocol, x.services[service].protocol);
	assert_int_equal(told->id, fixture_flow_id(&x, family, f));
	assert_int_equal(told->generation, f->generation);
}

static void told_nothing(void)
{
	assert_int_equal(pair_hear(&x), 0);
}

/* The change at that place is the end of the client's connection. */
static void told_the_end(uint32_t at, const struct endpoint *c, uint32_t service, uint32_t backend)
{
	const struct lb_change_end *told = &pair_heard.at[at];
	const struct lb_backend_entry *b = &x.b.view.backends[backend];

	assert_int_equal(told->head.kind, LB_CHANGE_END);
	assert_int_equal(told->head.family, family);
	assert_int_equal(told->head.protocol, x.services[service].protocol);
	assert_int_equal(told->client_port, htons(c->port));
	assert_int_equal(told->service_port, htons(80));
	assert_int_equal(told->backend_port, htons(8080));
	assert_memory_equal(told->client, c->addr, sizeof(told->client));
	assert_memory_equal(told->service, x.services[service].at.addr, sizeof(told->service));
	assert_memory_equal(told->backend, b->addr, sizeof(told->backend));
}

static void say(const struct endpoint *c, enum lb_direction direction, uint8_t flags)
{
	fixture_say(&x, web, c, direction, flags, 101, 5001, NULL);
}

static void remove_flow(const struct endpoint *c, uint32_t service)
{
	assert_true(fixture_control(&x, LB_CONTROL_REMOVE, family, fixture_flow_of(&x, service, c)));
}

/* ---- each kind ---- */

static void a_whole_life(void)
{
	struct endpoint c = client(1000);
	uint32_t id, generation;

	fixture_connect(&x, web, &c);
	fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_SYN | TCP_ACK, 5000, 101, NULL);
	told_nothing();
	say(&c, LB_TO_BACKEND, TCP_ACK);
	told_of(&c, web);
	for (int i = 0; i < 5; i++)
		say(&c, (enum lb_direction)(i % 2), TCP_ACK | TCP_PSH);
	told_nothing();
	say(&c, LB_TO_CLIENT, TCP_FIN | TCP_ACK);
	told_of(&c, web);
	say(&c, LB_TO_CLIENT, TCP_FIN | TCP_ACK);
	told_nothing();
	id = fixture_flow_id(&x, family, fixture_flow_of(&x, web, &c));
	generation = fixture_flow_of(&x, web, &c)->generation;
	say(&c, LB_TO_BACKEND, TCP_FIN | TCP_ACK);
	told_nothing(); /* closing: its end is told, and soon */
	remove_flow(&c, web);
	assert_int_equal(pair_hear(&x), 1);
	told_the_end(0, &c, web, 0);
	assert_int_equal(pair_heard.at[0].head.id, id);
	assert_int_equal(pair_heard.at[0].head.generation, generation);
}

static void a_connection_from_its_handshake_to_its_end(void **state)
{
	open_world(4, 64);
	a_whole_life();
	fixture_close(&x);
	open_world(6, 64);
	a_whole_life();
}

static void the_client_may_close_first(void **state)
{
	struct endpoint c = client(1000);

	open_world(4, 64);
	fixture_connect(&x, web, &c);
	fixture_establish(&x, web, &c);
	told_of(&c, web);
	say(&c, LB_TO_BACKEND, TCP_FIN | TCP_ACK);
	told_of(&c, web);
	assert_int_equal(fixture_flow_of(&x, web, &c)->state, LB_FLOW_FIN_CLIENT);
}

static void datagrams_by_the_second(void **state)
{
	struct endpoint c = client(1000), d = client(1001);

	for (int f = 4; f <= 6; f += 2) {
		open_world(f, 64);
		c = client(1000);
		d = client(1001);
		fixture_connect(&x, names, &c);
		told_nothing();
		fixture_say(&x, names, &c, LB_TO_CLIENT, 0, 0, 0, NULL);
		told_of(&c, names);
		fixture_say(&x, names, &c, LB_TO_BACKEND, 0, 0, 0, NULL);
		told_nothing();
		fixture_connect(&x, names, &d);
		remove_flow(&d, names);
		told_nothing(); /* nobody was told of it */
		remove_flow(&c, names);
		assert_int_equal(pair_hear(&x), 1);
		told_the_end(0, &c, names, 0);
		fixture_close(&x);
	}
}

/* The end of what never was established is nobody's business: floods are made of that. */
static void half_open_connections_are_not_told(void **state)
{
	struct endpoint c = client(1000);

	open_world(4, 64);
	fixture_connect(&x, web, &c);
	remove_flow(&c, web);
	fixture_connect(&x, web, &c);
	fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_SYN | TCP_ACK, 5000, 101, NULL);
	remove_flow(&c, web);
	fixture_connect(&x, web, &c);
	say(&c, LB_TO_CLIENT, TCP_RST | TCP_ACK);
	assert_int_equal(fixture_flow_of(&x, web, &c)->state, LB_FLOW_ABORTED);
	remove_flow(&c, web);
	told_nothing();
}

static void every_way_to_be_over_ends(void **state)
{
	struct endpoint c = client(1000);

	for (int way = 0; way < 4; way++) {
		open_world(4, 64);
		fixture_connect(&x, web, &c);
		fixture_establish(&x, web, &c);
		told_of(&c, web);
		if (way < 2)
			say(&c, (enum lb_direction)way, TCP_RST);
		else if (way == 2)
			assert_true(fixture_control(&x, LB_CONTROL_DOOM, 4, fixture_flow_of(&x, web, &c)));
		told_nothing();
		if (way == 3)
			assert_true(fixture_control(&x, LB_CONTROL_EXPIRE, 4, fixture_flow_of(&x, web, &c)));
		else
			remove_flow(&c, web);
		assert_int_equal(pair_hear(&x), 1);
		told_the_end(0, &c, web, 0);
		fixture_close(&x);
	}
}

static void a_reset_that_was_forged_is_taken_back(void **state)
{
	struct endpoint c = client(1000);

	open_world(4, 64);
	fixture_connect(&x, web, &c);
	fixture_establish(&x, web, &c);
	told_of(&c, web);
	say(&c, LB_TO_BACKEND, TCP_RST);
	told_nothing();
	say(&c, LB_TO_BACKEND, TCP_ACK | TCP_PSH);
	told_of(&c, web);
}

/* ---- order ---- */

static void a_new_connection_comes_after_the_end_of_the_old_one(void **state)
{
	struct endpoint c = client(1000);

	open_world(4, 64);
	fixture_connect(&x, web, &c);
	fixture_establish(&x, web, &c);
	say(&c, LB_TO_BACKEND, TCP_FIN | TCP_ACK);
	say(&c, LB_TO_CLIENT, TCP_FIN | TCP_ACK);
	assert_int_equal(fixture_connect(&x, web, &c), 1);
	fixture_establish(&x, web, &c);
	assert_int_equal(pair_hear(&x), 4);
	assert_int_equal(pair_heard.at[0].head.kind, LB_CHANGE_FLOW);
	assert_int_equal(pair_heard.at[1].head.kind, LB_CHANGE_FLOW);
	told_the_end(2, &c, web, 0);
	assert_int_equal(pair_heard.at[3].head.kind, LB_CHANGE_FLOW);
	assert_int_equal(pair_heard.at[3].head.id, fixture_flow_id(&x, 4, fixture_flow_of(&x, web, &c)));
}

static void a_datagram_that_moves_to_another_backend(void **state)
{
	struct endpoint c = client(1000);

	open_world(4, 64);
	fixture_connect(&x, names, &c);
	fixture_connect(&x, names, &c);
	told_of(&c, names);
	x.b.view.backends[0].flags = 0;
	x.b.view.backends[0].epoch++;
	assert_int_equal(fixture_connect(&x, names, &c), 1);
	fixture_connect(&x, names, &c);
	assert_int_equal(pair_hear(&x), 2);
	told_the_end(0, &c, names, 0);
	assert_int_equal(pair_heard.at[1].head.kind, LB_CHANGE_FLOW);
}

/* ---- the reader ---- */

static void without_a_reader_nothing_is_told(void **state)
{
	struct endpoint c = client(1000), d = client(1001);
	struct pollfd ring = {.events = POLLIN};

	open_world(4, 64);
	lb_bpf_changes_close(&x.b);
	assert_int_equal(lb_bpf_changes_fd(&x.b), -1);
	ring.fd = bpf_map__fd(x.b.skel->maps.changes);
	fixture_connect(&x, web, &c);
	fixture_establish(&x, web, &c);
	remove_flow(&c, web);
	assert_int_equal(poll(&ring, 1, 0), 0);
	assert_int_equal(x.b.view.globals->changes_lost, 0);
	pair_listen(&x);
	told_nothing();
	/* What the last reader left is nothing to the next. */
	fixture_connect(&x, web, &d);
	fixture_establish(&x, web, &d);
	lb_bpf_changes_close(&x.b);
	pair_listen(&x);
	told_nothing();
	say(&d, LB_TO_BACKEND, TCP_FIN | TCP_ACK);
	told_of(&d, web);
}

static void the_reader_is_woken(void **state)
{
	struct endpoint c = client(1000);
	struct pollfd ear;

	open_world(4, 64);
	ear = (struct pollfd){.fd = lb_bpf_changes_fd(&x.b), .events = POLLIN};
	assert_int_equal(poll(&ear, 1, 0), 0);
	for (int i = 0; i < 3; i++) {
		fixture_connect(&x, web, &c);
		fixture_establish(&x, web, &c);
		assert_int_equal(poll(&ear, 1, 10000), 1);
		told_of(&c, web);
		assert_int_equal(poll(&ear, 1, 0), 0);
		remove_flow(&c, web);
		assert_int_equal(poll(&ear, 1, 10000), 1);
		assert_int_equal(pair_hear(&x), 1);
	}
}

static void a_full_ring_loses_and_counts(void **state)
{
	/* A change of kind END takes 80 bytes of the ring with its head. */
	const uint32_t room = LB_CHANGES_BYTES / 80, flows = 4096, rounds = room / flows + 2;
	uint32_t removed = 0;

	open_world(4, flows);
	for (uint32_t round = 0; round < rounds; round++) {
		struct endpoint c = {.port = 1};

		for (uint32_t i = 0, n = 0; i < flows; n = 0) {
			for (; n < LB_INSTALL_MAX && i < flows; n++, i++) {
				address4(c.addr, 11, 0, (uint8_t)(i >> 8), (uint8_t)i);
				pair_record(&x, n, LB_INSTALL_PUT, web, &c, 0, LB_FLOW_ESTABLISHED);
			}
			pair_install(&x, n);
		}
		for (uint32_t id = 0; id < flows; id++) /* as if they had been taken */
			x.b.view.flows4[id].head.flags = 0;
		removed += fixture_flow_count(&x, 4);
		fixture_remove_all(&x);
	}
	assert_true(removed > room);
	assert_true(x.b.view.globals->changes_lost > 0);
	assert_int_equal(pair_hear(&x) + x.b.view.globals->changes_lost, removed);
	assert_true(removed - x.b.view.globals->changes_lost > room - 1000);

	/* There is room again. */
	struct endpoint c = client(1000);
	uint32_t lost = x.b.view.globals->changes_lost;

	fixture_connect(&x, web, &c);
	fixture_establish(&x, web, &c);
	told_of(&c, web);
	assert_int_equal(x.b.view.globals->changes_lost, lost);
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
		with_cleanup(a_connection_from_its_handshake_to_its_end),
		with_cleanup(the_client_may_close_first),
		with_cleanup(datagrams_by_the_second),
		with_cleanup(half_open_connections_are_not_told),
		with_cleanup(every_way_to_be_over_ends),
		with_cleanup(a_reset_that_was_forged_is_taken_back),
		with_cleanup(a_new_connection_comes_after_the_end_of_the_old_one),
		with_cleanup(a_datagram_that_moves_to_another_backend),
		with_cleanup(without_a_reader_nothing_is_told),
		with_cleanup(the_reader_is_woken),
		with_cleanup(a_full_ring_loses_and_counts),
	};

	if (!fixture_enter("bpf_changes"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
