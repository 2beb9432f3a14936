/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the other node of a pair: what becomes of each, and that packets go on where the peer left off. */
#include "pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lb/bpf/lb_state.h"

static struct fixture x;
static uint32_t pool, web, names, hz;
static int family;

static void open_world(int of_family, uint32_t flows)
{
	struct endpoint at = fixture_endpoint(of_family, 1, 100, 80);

	family = of_family;
	fixture_open(&x, flows, 64);
	hz = x.b.view.globals->hz;
	pool = fixture_pool(&x, LB_PICK_NEXT);
	for (uint8_t i = 0; i < 3; i++) {
		struct endpoint b = fixture_endpoint(family, 2, (uint8_t)(1 + i), 8080);

		fixture_backend(&x, pool, family, &b, 1);
	}
	web = fixture_service(&x, family, IPPROTO_TCP, &at, pool);
	names = fixture_service(&x, family, IPPROTO_UDP, &at, pool);
}

static struct endpoint client(uint16_t port)
{
	return fixture_endpoint(family, 9, 1, port);
}

static void connect_here(const struct endpoint *c, int backend)
{
	assert_int_equal(fixture_connect(&x, web, c), backend);
	fixture_establish(&x, web, c);
}

/* A packet in that direction goes to where the connection leads. */
static void goes(const struct endpoint *c, uint32_t service, enum lb_direction direction, uint32_t backend)
{
	const struct lb_backend_entry *b = &x.b.view.backends[backend];
	const struct endpoint *at = &x.services[service].at;
	size_t bytes = family == 6 ? 16 : 4;
	struct packet_parts p;
	struct frame out;

	assert_int_equal(
		fixture_say(&x, service, c, direction, TCP_ACK | TCP_PSH, 700, 700, &out), VERDICT_REDIRECT);
	p = frame_parse(&out);
	assert_true(p.ok && packet_sums_right(out.bytes, &p));
	if (direction == LB_TO_BACKEND) {
		assert_memory_equal(p.dst, b->addr, bytes);
		assert_int_equal(p.dport, ntohs(b->port));
		assert_memory_equal(p.src, c->addr, bytes);
		assert_int_equal(p.sport, c->port);
	} else {
		assert_memory_equal(p.src, at->addr, bytes);
		assert_int_equal(p.sport, at->port);
		assert_memory_equal(p.dst, c->addr, bytes);
		assert_int_equal(p.dport, c->port);
	}
}

static void one_family_at_a_time(void (*test)(void))
{
	open_world(4, 64);
	test();
	fixture_close(&x);
	open_world(6, 64);
	test();
}

/* ---- made ---- */

static void taken_up_by_either_side(void)
{
	struct endpoint a = client(1000), b = client(1001);

	assert_int_equal(pair_put(&x, web, &a, 1, LB_FLOW_ESTABLISHED), LB_INSTALL_MADE);
	assert_int_equal(x.b.view.installs[0].id, fixture_flow_id(&x, family, fixture_flow_of(&x, web, &a)));
	assert_int_equal(pair_put(&x, web, &b, 2, LB_FLOW_FIN_CLIENT), LB_INSTALL_MADE);
	assert_int_equal(fixture_index_count(&x, family), 4);
	assert_int_equal(x.b.view.backends[1].active, 1);
	assert_int_equal(x.b.view.backends[2].active, 1);
	assert_int_equal(fixture_flow_of(&x, web, &a)->flags, LB_FLOW_COPY);
	assert_int_equal(fixture_flow_of(&x, web, &a)->backend_isn, 5000);
	goes(&a, web, LB_TO_BACKEND, 1);
	goes(&a, web, LB_TO_CLIENT, 1);
	goes(&b, web, LB_TO_CLIENT, 2);
	goes(&b, web, LB_TO_BACKEND, 2);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COPY_TAKEN), 2);
	assert_int_equal(fixture_flow_of(&x, web, &a)->flags, 0);
	assert_int_equal(fixture_flow_of(&x, web, &b)->state, LB_FLOW_FIN_CLIENT);
	assert_int_equal(fixture_counter(&x, LB_COUNT_FLOW_NEW), 2);
}

static void a_connection_of_the_peer_goes_on_here(void **state)
{
	one_family_at_a_time(taken_up_by_either_side);
}

static void datagrams_go_on(void)
{
	struct endpoint c = client(1000);

	assert_int_equal(pair_put(&x, names, &c, 2, LB_FLOW_UDP), LB_INSTALL_MADE);
	goes(&c, names, LB_TO_BACKEND, 2);
	goes(&c, names, LB_TO_CLIENT, 2);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COPY_TAKEN), 1);
	assert_int_equal(fixture_counter(&x, LB_COUNT_UDP_REPICKED), 0);
}

static void datagrams_of_the_peer_go_on_here(void **state)
{
	one_family_at_a_time(datagrams_go_on);
}

/* What ends it first may be the first that is seen of it. */
static void a_copy_may_be_closed_by_its_first_packets(void **state)
{
	struct endpoint a = client(1000), b = client(1001);

	open_world(4, 64);
	pair_put(&x, web, &a, 0, LB_FLOW_ESTABLISHED);
	pair_put(&x, web, &b, 0, LB_FLOW_FIN_BACKEND);
	fixture_say(&x, web, &a, LB_TO_CLIENT, TCP_RST, 1, 1, NULL);
	fixture_say(&x, web, &b, LB_TO_BACKEND, TCP_FIN | TCP_ACK, 1, 1, NULL);
	assert_int_equal(fixture_flow_of(&x, web, &a)->state, LB_FLOW_RST_BACKEND);
	assert_int_equal(fixture_flow_of(&x, web, &b)->state, LB_FLOW_CLOSING);
	assert_int_equal(x.b.view.backends[0].active, 0);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COPY_TAKEN), 2);
}

static void a_copy_is_at_least_a_second_old(void **state)
{
	struct endpoint c = client(1000);
	struct lb_install *r;
	struct lb_flow *f;
	uint32_t now;

	open_world(4, 64);
	now = lb_bpf_now(&x.b);
	for (int i = 0; i < 3; i++) {
		r = pair_record(&x, 0, LB_INSTALL_PUT, web, &c, 0, LB_FLOW_ESTABLISHED);
		r->last_seen = i == 0 ? now : i == 1 ? now + 7 * hz : now - 5 * hz;
		pair_install(&x, 1);
		f = fixture_flow_of(&x, web, &c);
		assert_in_range(now - f->last_seen, i < 2 ? hz - 10 * (lb_bpf_now(&x.b) - now + 1) : 5 * hz,
			i < 2 ? hz : 5 * hz);
	}
}

static void records_that_nothing_can_be_made_of(void **state)
{
	struct endpoint c = client(1000), other = fixture_endpoint(6, 2, 9, 8080);
	uint32_t n = 0;
	struct lb_install *r;

	open_world(4, 64);
	uint32_t six = fixture_backend(&x, pool, 6, &other, 1);

#define BAD(change)                                                                        \
	do {                                                                               \
		r = pair_record(&x, n++, LB_INSTALL_PUT, web, &c, 0, LB_FLOW_ESTABLISHED); \
		change;                                                                    \
	} while (0)
	BAD(r->family = 5);
	BAD(r->family = 6);
	BAD(r->protocol = IPPROTO_UDP);
	BAD(r->protocol = IPPROTO_ICMP);
	BAD(r->state = LB_FLOW_UDP);
	BAD(r->state = LB_FLOW_SYN_RECV);
	BAD(r->state = LB_FLOW_CLOSING);
	BAD(r->state = LB_FLOW_FREE);
	BAD(r->state = 200);
	BAD(r->service = FIXTURE_SERVICES);
	BAD(r->service = 65535);
	BAD(r->service = 77); /* none in that place */
	BAD(r->backend = FIXTURE_BACKENDS);
	BAD(r->backend = 65535);
	BAD(r->backend = 1); /* with another address */
	BAD(r->backend = (uint16_t)six);
	BAD(r->backend_port ^= 1);
	BAD(r->backend_addr[0] ^= 1);
#undef BAD
	pair_install(&x, n);
	while (n--)
		assert_int_equal(x.b.view.installs[n].op, LB_INSTALL_INVALID);
	assert_int_equal(fixture_flow_count(&x, 4) + fixture_flow_count(&x, 6), 0);
	assert_int_equal(fixture_index_count(&x, 4), 0);
	/* Not an operation: the list ends there. */
	r = pair_record(&x, 0, LB_INSTALL_MADE, web, &c, 0, LB_FLOW_ESTABLISHED);
	pair_record(&x, 1, LB_INSTALL_PUT, web, &c, 0, LB_FLOW_ESTABLISHED);
	pair_install(&x, 2);
	assert_int_equal(x.b.view.installs[1].op, LB_INSTALL_PUT);
}

/* ---- again ---- */

static void a_copy_is_brought_up_to_date(void **state)
{
	struct endpoint c = client(1000);
	uint32_t id;
	struct lb_flow *f;

	open_world(4, 64);
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	f = fixture_flow_of(&x, web, &c);
	id = fixture_flow_id(&x, 4, f);
	pair_flow_ages(f, 100 * hz);
	assert_int_equal(pair_put(&x, web, &c, 1, LB_FLOW_FIN_CLIENT), LB_INSTALL_UPDATED);
	assert_ptr_equal(fixture_flow_of(&x, web, &c), f);
	assert_int_equal(x.b.view.installs[0].id, id);
	assert_int_equal(f->state, LB_FLOW_FIN_CLIENT);
	assert_true(lb_bpf_now(&x.b) - f->last_seen < 2 * hz);
	assert_int_equal(x.b.view.backends[1].active, 1);
	/* Its backend went down here, and the peer goes on with it. */
	assert_true(fixture_control(&x, LB_CONTROL_DOOM, 4, f));
	assert_int_equal(x.b.view.backends[1].active, 0);
	assert_int_equal(f->flags, 0); /* so that its end is told */
	assert_int_equal(pair_put(&x, web, &c, 1, LB_FLOW_FIN_CLIENT), LB_INSTALL_UPDATED);
	assert_int_equal(x.b.view.backends[1].active, 1);
	assert_int_equal(fixture_index_count(&x, 4), 2);
	goes(&c, web, LB_TO_BACKEND, 1);
}

/* A check that failed here for a moment is no reason to move what the peer goes on with. */
static void a_copy_is_of_the_backend_that_serves(void **state)
{
	struct endpoint c = client(1000);
	struct lb_backend_entry *b;
	uint32_t flags;

	open_world(4, 64);
	b = &x.b.view.backends[2];
	flags = b->flags;
	assert_int_equal(pair_put(&x, names, &c, 2, LB_FLOW_UDP), LB_INSTALL_MADE);
	b->epoch++;
	b->flags = 0;
	assert_int_equal(pair_put(&x, names, &c, 2, LB_FLOW_UDP), LB_INSTALL_UPDATED);
	assert_int_not_equal(fixture_flow_of(&x, names, &c)->backend_epoch, b->epoch);
	b->flags = flags;
	assert_int_equal(pair_put(&x, names, &c, 2, LB_FLOW_UDP), LB_INSTALL_UPDATED);
	goes(&c, names, LB_TO_BACKEND, 2);
	assert_int_equal(fixture_counter(&x, LB_COUNT_UDP_REPICKED), 0);
}

static void who_used_it_later_has_it(void **state)
{
	struct endpoint c = client(1000);
	struct lb_install *r;
	struct lb_flow *f;

	open_world(4, 64);
	connect_here(&c, 0);
	f = fixture_flow_of(&x, web, &c);
	r = pair_record(&x, 0, LB_INSTALL_PUT, web, &c, 0, LB_FLOW_FIN_CLIENT);
	r->last_seen = f->last_seen - 1;
	pair_install(&x, 1);
	assert_int_equal(r->op, LB_INSTALL_OURS);
	assert_int_equal(r->id, fixture_flow_id(&x, 4, f));
	assert_int_equal(f->state, LB_FLOW_ESTABLISHED);
	assert_int_equal(f->flags, 0);
	pair_flow_ages(f, 10 * hz);
	/* Second hand: the peer's word goes back to ours. */
	r = pair_record(&x, 0, LB_INSTALL_PUT, web, &c, 0, LB_FLOW_FIN_CLIENT);
	r->flags = LB_INSTALL_SECOND_HAND;
	pair_install(&x, 1);
	assert_int_equal(r->op, LB_INSTALL_OURS);
	assert_int_equal(f->flags, 0);
	assert_int_equal(pair_put(&x, web, &c, 0, LB_FLOW_FIN_CLIENT), LB_INSTALL_UPDATED);
	assert_int_equal(f->flags, LB_FLOW_COPY);
	assert_int_equal(f->state, LB_FLOW_FIN_CLIENT);
	assert_int_equal(x.b.view.backends[0].active, 1);
	goes(&c, web, LB_TO_BACKEND, 0);
	assert_int_equal(f->flags, 0);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COPY_TAKEN), 1);
}

static void another_backend_by_who_used_it_later(void **state)
{
	struct endpoint c = client(1000);
	struct lb_install *r;

	open_world(4, 64);
	connect_here(&c, 0);
	r = pair_record(&x, 0, LB_INSTALL_PUT, web, &c, 2, LB_FLOW_ESTABLISHED);
	r->last_seen -= 5 * hz;
	pair_install(&x, 1);
	assert_int_equal(r->op, LB_INSTALL_OURS);
	goes(&c, web, LB_TO_BACKEND, 0);
	pair_flow_ages(fixture_flow_of(&x, web, &c), 10 * hz);
	assert_int_equal(pair_put(&x, web, &c, 2, LB_FLOW_ESTABLISHED), LB_INSTALL_MADE);
	assert_int_equal(x.b.view.backends[0].active, 0);
	assert_int_equal(x.b.view.backends[2].active, 1);
	goes(&c, web, LB_TO_BACKEND, 2);
	/* A copy has no say. */
	assert_int_equal(fixture_index_count(&x, 4), 2);
	struct endpoint d = client(1001);

	pair_put(&x, web, &d, 1, LB_FLOW_ESTABLISHED);
	r = pair_record(&x, 0, LB_INSTALL_PUT, web, &d, 2, LB_FLOW_ESTABLISHED);
	r->last_seen -= 50 * hz;
	pair_install(&x, 1);
	assert_int_equal(r->op, LB_INSTALL_MADE);
	assert_int_equal(fixture_flow_of(&x, web, &d)->backend, 2);
	assert_int_equal(fixture_index_count(&x, 4), 4);
}

/* ---- the end ---- */

static void the_end_of_a_copy(void **state)
{
	struct endpoint c = client(1000), mine = client(1001), nobody = client(1002);

	open_world(4, 64);
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	connect_here(&mine, 0);
	assert_int_equal(pair_end(&x, web, &c, 0), LB_INSTALL_UNKNOWN); /* to another backend */
	assert_int_equal(pair_end(&x, web, &c, 1), LB_INSTALL_ENDED);
	assert_int_equal(pair_end(&x, web, &c, 1), LB_INSTALL_UNKNOWN);
	assert_int_equal(pair_end(&x, web, &mine, 0), LB_INSTALL_OURS);
	assert_int_equal(pair_end(&x, web, &nobody, 0), LB_INSTALL_UNKNOWN);
	assert_int_equal(x.b.view.backends[1].active, 0);
	assert_int_equal(fixture_flow_count(&x, 4), 1);
	assert_int_equal(fixture_index_count(&x, 4), 2);
	/* One that was taken here is not the peer's to end. */
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	goes(&c, web, LB_TO_CLIENT, 1);
	assert_int_equal(pair_end(&x, web, &c, 1), LB_INSTALL_OURS);
	goes(&c, web, LB_TO_BACKEND, 1);
}

static void the_command_that_removes_only_copies(void **state)
{
	struct endpoint c = client(1000), mine = client(1001);

	open_world(4, 64);
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	connect_here(&mine, 0);
	assert_false(fixture_control(&x, LB_CONTROL_REMOVE_COPY, 4, fixture_flow_of(&x, web, &mine)));
	assert_true(fixture_control(&x, LB_CONTROL_REMOVE_COPY, 4, fixture_flow_of(&x, web, &c)));
	assert_int_equal(fixture_flow_count(&x, 4), 1);
}

static void what_is_told_of_a_copy(void **state)
{
	struct endpoint c = client(1000), d = client(1001);
	struct lb_flow *f;
	uint32_t generation, id;

	open_world(4, 64);
	pair_listen(&x);
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	pair_put(&x, web, &c, 1, LB_FLOW_FIN_CLIENT);
	pair_end(&x, web, &c, 1);
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	assert_true(fixture_control(&x, LB_CONTROL_REMOVE, 4, fixture_flow_of(&x, web, &c)));
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	pair_put(&x, web, &d, 1, LB_FLOW_ESTABLISHED);
	assert_int_equal(pair_hear(&x), 0); /* it came from the peer */
	f = fixture_flow_of(&x, web, &c);
	id = fixture_flow_id(&x, 4, f);
	generation = f->generation;
	goes(&c, web, LB_TO_CLIENT, 1);
	assert_int_equal(pair_hear(&x), 1);
	assert_int_equal(pair_heard.at[0].head.kind, LB_CHANGE_FLOW);
	assert_int_equal(pair_heard.at[0].head.id, id);
	assert_int_equal(pair_heard.at[0].head.generation, generation);
	assert_int_equal(pair_heard.at[0].head.protocol, IPPROTO_TCP);
	goes(&c, web, LB_TO_BACKEND, 1);
	assert_int_equal(pair_hear(&x), 0); /* once */
	assert_true(fixture_control(&x, LB_CONTROL_REMOVE, 4, f));
	assert_int_equal(pair_hear(&x), 1);
	assert_int_equal(pair_heard.at[0].head.kind, LB_CHANGE_END);
	assert_int_equal(pair_heard.at[0].client_port, htons(1000));
}

/* ---- no room ---- */

static void a_translated_tuple_has_one_owner(void **state)
{
	struct endpoint at = fixture_endpoint(4, 1, 101, 80), b = fixture_endpoint(4, 2, 1, 8080),
			c = client(1000);
	uint32_t other_pool, other, same;

	open_world(4, 64);
	other_pool = fixture_pool(&x, LB_PICK_NEXT);
	same = fixture_backend(&x, other_pool, 4, &b, 1);
	other = fixture_service(&x, 4, IPPROTO_TCP, &at, other_pool);
	connect_here(&c, 0);
	assert_int_equal(pair_put(&x, other, &c, same, LB_FLOW_ESTABLISHED), LB_INSTALL_CLASH);
	assert_int_equal(fixture_flow_count(&x, 4), 1);
	assert_int_equal(fixture_index_count(&x, 4), 2);
	assert_int_equal(x.b.view.backends[same].active, 0);
	goes(&c, web, LB_TO_CLIENT, 0);
	/* Over: it goes. */
	fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_FIN | TCP_ACK, 2, 2, NULL);
	fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_FIN | TCP_ACK, 2, 3, NULL);
	assert_int_equal(pair_put(&x, other, &c, same, LB_FLOW_ESTABLISHED), LB_INSTALL_MADE);
	assert_null(fixture_flow_of(&x, web, &c));
	/* A copy goes for another word of the peer's, */
	assert_int_equal(pair_put(&x, web, &c, 0, LB_FLOW_ESTABLISHED), LB_INSTALL_MADE);
	assert_null(fixture_flow_of(&x, other, &c));
	assert_int_equal(fixture_flow_count(&x, 4), 1);
	assert_int_equal(fixture_index_count(&x, 4), 2);
	/* but not for a connection that begins here. */
	assert_int_equal(fixture_connect(&x, other, &c), -1);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COLLISION), 1);
	goes(&c, web, LB_TO_CLIENT, 0);
}

static void a_full_table(void **state)
{
	uint32_t full = 0, made = 0;

	open_world(4, 16);
	for (uint16_t i = 0; i < 20; i++) {
		struct endpoint c = client((uint16_t)(1000 + i));
		enum lb_install_op got = pair_put(&x, web, &c, 0, LB_FLOW_ESTABLISHED);

		assert_int_equal(got, i < 16 ? LB_INSTALL_MADE : LB_INSTALL_FULL);
	}
	assert_int_equal(x.b.view.backends[0].active, 16);
	/* Copies wait a quarter longer for their end than flows for their next packet. */
	for (int longer = 0; longer < 2; longer++) {
		uint32_t idle = x.b.view.services[web].idle_jiffies;

		for (uint32_t id = 0; id < 16; id++)
			x.b.view.flows4[id].head.last_seen =
				lb_bpf_now(&x.b) - (longer ? lb_copy_timeout(idle) : idle) - hz;
		made = full = 0;
		for (uint16_t i = 0; i < 40; i++) {
			struct endpoint c = client((uint16_t)(3000 + i));
			enum lb_install_op got = pair_put(&x, web, &c, 0, LB_FLOW_ESTABLISHED);

			made += got == LB_INSTALL_MADE;
			full += got == LB_INSTALL_FULL;
		}
		assert_int_equal(made + full, 40);
		assert_true(longer ? made > 0 : made == 0);
	}
	assert_int_equal(fixture_counter(&x, LB_COUNT_RECLAIMED), made);
	assert_int_equal(fixture_flow_count(&x, 4), 16);
	assert_int_equal(fixture_index_count(&x, 4), 32);
	assert_int_equal(x.b.view.backends[0].active, 16);
}

/* ---- sticky sources ---- */

static void a_source_stays_with_its_backend(void **state)
{
	struct endpoint first = client(1000), next = client(1001), third = client(1002);
	struct lb_install *r;

	open_world(4, 64);
	x.b.view.pools[pool].sticky_jiffies = 600 * hz;
	x.b.view.pools[pool].sticky_prefix4 = 32;
	assert_int_equal(pair_put(&x, web, &first, 2, LB_FLOW_ESTABLISHED), LB_INSTALL_MADE);
	assert_int_equal(fixture_sticky_count(&x, true), 1);
	assert_int_equal(fixture_connect(&x, web, &next), 2);
	/* An older connection of the source, to another backend, is not what it does now. */
	r = pair_record(&x, 0, LB_INSTALL_PUT, web, &third, 1, LB_FLOW_ESTABLISHED);
	r->last_seen -= 100 * hz;
	pair_install(&x, 1);
	assert_int_equal(r->op, LB_INSTALL_MADE);
	assert_int_equal(
		fixture_connect(&x, web, &(struct endpoint){.port = 1003, .addr = {first.addr[0]}}), 2);
	assert_int_equal(fixture_sticky_count(&x, true), 1);
}

static void a_sticky_source_is_put_in(void **state)
{
	struct endpoint c = client(1000);
	struct lb_sticky_key key = {};
	struct lb_sticky_entry e = {.home = 1, .stand_in = LB_NO_BACKEND};
	int err = 0;

	open_world(4, 64);
	x.b.view.pools[pool].sticky_jiffies = 600 * hz;
	x.b.view.pools[pool].sticky_prefix4 = 32;
	e.home_used = lb_bpf_now(&x.b);
	memcpy(key.source, c.addr, sizeof(key.source));
	key.pool = pool;
	assert_int_equal(lb_bpf_put_sticky(&x.b, &key, &e), 0);
	e.home = 2;
	assert_int_equal(lb_bpf_put_sticky(&x.b, &key, &e), 0);
	assert_int_equal(fixture_connect(&x, web, &c), 2);
	for (uint32_t i = 0; i < 100 && !err; i++) {
		key.source[0] += 1 << 24;
		err = lb_bpf_put_sticky(&x.b, &key, &e);
	}
	assert_int_equal(err, -E2BIG);
}

/* ---- many ---- */

static void a_million(void **state)
{
	/* The other kernel of the uml lane has a gigabyte. */
	bool big = sysconf(_SC_PHYS_PAGES) > (2L << 30) / sysconf(_SC_PAGESIZE);
	uint32_t flows = big ? 1000000 : 20000, made = 0;
	int64_t spent = 0;

	open_world(4, flows);
	for (uint32_t n = 0; n < flows;) {
		uint32_t count = 0;

		for (; count < LB_INSTALL_MAX && n < flows; n++) {
			struct endpoint c = {.port = (uint16_t)(1024 + n % 60000)};

			address4(c.addr, 11, 0, (uint8_t)(n / 60000), 1);
			if (count) { /* the clock is asked once a batch */
				x.b.view.installs[count] = x.b.view.installs[0];
				x.b.view.installs[count].client[0] = c.addr[0];
				x.b.view.installs[count].client_port = htons(c.port);
			} else {
				pair_record(&x, 0, LB_INSTALL_PUT, web, &c, n / LB_INSTALL_MAX % 3,
					LB_FLOW_ESTABLISHED);
			}
			count++;
		}
		spent -= pair_now();
		pair_install(&x, count);
		spent += pair_now();
		for (uint32_t i = 0; i < count; i++)
			made += x.b.view.installs[i].op == LB_INSTALL_MADE;
	}
	/* Taken over: some go on, each to its own backend. */
	for (uint32_t n = 0; n < flows; n += flows / 10 + 1) {
		struct endpoint c = {.port = (uint16_t)(1024 + n % 60000)};

		address4(c.addr, 11, 0, (uint8_t)(n / 60000), 1);
		if (fixture_flow_of(&x, web, &c))
			goes(&c, web, LB_TO_BACKEND, n / LB_INSTALL_MAX % 3);
	}
	fprintf(stderr, "# %u copies put in within %.3f s, %.0f ns each\n", made, (double)spent / 1e9,
		(double)spent / flows);
	/* A bucket may be full: of a million, less than one on average. */
	assert_in_range(made, flows - 8, flows);
	assert_int_equal(fixture_flow_count(&x, 4), made);
	assert_int_equal(
		x.b.view.backends[0].active + x.b.view.backends[1].active + x.b.view.backends[2].active,
		made);
	fixture_remove_all(&x);
	assert_int_equal(fixture_index_count(&x, 4), 0);
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
		with_cleanup(a_connection_of_the_peer_goes_on_here),
		with_cleanup(datagrams_of_the_peer_go_on_here),
		with_cleanup(a_copy_may_be_closed_by_its_first_packets),
		with_cleanup(a_copy_is_at_least_a_second_old),
		with_cleanup(records_that_nothing_can_be_made_of),
		with_cleanup(a_copy_is_brought_up_to_date),
		with_cleanup(a_copy_is_of_the_backend_that_serves),
		with_cleanup(who_used_it_later_has_it),
		with_cleanup(another_backend_by_who_used_it_later),
		with_cleanup(the_end_of_a_copy),
		with_cleanup(the_command_that_removes_only_copies),
		with_cleanup(what_is_told_of_a_copy),
		with_cleanup(a_translated_tuple_has_one_owner),
		with_cleanup(a_full_table),
		with_cleanup(a_source_stays_with_its_backend),
		with_cleanup(a_sticky_source_is_put_in),
		with_cleanup(a_million),
	};

	if (!fixture_enter("bpf_install"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
