/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: while the lease of an address is fresh everything is as it is without one; when it has run out, nothing to that
 * address goes through, nothing of its flows, and the stack is not asked who has it. What is not entered is not touched.
 */
#include "pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "lb_tc.skel.h"

#define LEASE 7

static struct fixture x;
static uint32_t pool, web, names, other; /* other: a service of an address that nobody entered */
static int family;
static struct endpoint backend, asker; /* asker: a client that is to have an answer from the stack */

static void open_world(int of_family)
{
	struct endpoint at = fixture_endpoint(of_family, 1, 100, 80),
			free_at = fixture_endpoint(of_family, 1, 200, 80);

	family = of_family;
	backend = fixture_endpoint(family, 2, 1, 8080);
	asker = fixture_endpoint(family, 9, 1, 9);
	fixture_open(&x, 64, 64);
	pool = fixture_pool(&x, LB_PICK_NEXT);
	fixture_backend(&x, pool, family, &backend, 1);
	web = fixture_service(&x, family, IPPROTO_TCP, &at, pool);
	names = fixture_service(&x, family, IPPROTO_UDP, &at, pool);
	other = fixture_service(&x, family, IPPROTO_TCP, &free_at, pool);
}

static void enter(void)
{
	pair_enter(&x, family, x.services[web].at.addr, 0, LEASE);
}

/* As if the jiffy in which it was looked at were over too. */
static void run_out(void)
{
	pair_stamp(&x, LEASE, -1);
	x.b.view.leases[LEASE].checked--;
}

static void each_family(void (*test)(void))
{
	open_world(4);
	test();
	fixture_close(&x);
	open_world(6);
	test();
}

static struct endpoint client(uint16_t port)
{
	return fixture_endpoint(family, 9, 1, port);
}

static int say(uint32_t service, const struct endpoint *c, enum lb_direction direction)
{
	return fixture_say(&x, service, c, direction, TCP_ACK, 700, 700, NULL);
}

static void establish(const struct endpoint *c)
{
	assert_int_equal(fixture_connect(&x, web, c), 0);
	fixture_establish(&x, web, c);
}

/* ---- frames for nobody's flow ---- */

/* Left to the stack, not a byte changed. */
static void passes(const struct frame *in)
{
	struct frame out;

	assert_int_equal(fixture_run(&x, in, &out), VERDICT_PASS);
	assert_int_equal(out.length, in->length);
	assert_memory_equal(out.bytes, in->bytes, in->length);
}

static void is_dropped(const struct frame *in)
{
	uint64_t before = fixture_counter(&x, LB_COUNT_NO_LEASE);
	struct frame out;

	assert_int_equal(fixture_run(&x, in, &out), VERDICT_DROP);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), before + 1);
}

/* ---- flows ---- */

static void both_ways(void)
{
	struct endpoint c = client(1000);
	struct lb_flow *f;
	uint32_t seen;

	enter();
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	establish(&c);
	f = fixture_flow_of(&x, web, &c);
	assert_int_equal(f->lease, LEASE);
	assert_int_equal(say(web, &c, LB_TO_BACKEND), VERDICT_REDIRECT);
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_REDIRECT);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), 0);
	run_out();
	f->last_seen -= 5000;
	seen = f->last_seen;
	assert_int_equal(say(web, &c, LB_TO_BACKEND), VERDICT_DROP);
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_DROP);
	assert_int_equal(fixture_say(&x, web, &c, LB_TO_CLIENT, TCP_RST, 700, 700, NULL), VERDICT_DROP);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), 3);
	assert_int_equal(f->state, LB_FLOW_ESTABLISHED);
	assert_int_equal(f->last_seen, seen); /* nobody used it */
	/* Renewed: at once, within whatever jiffy this is. */
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	assert_int_equal(say(web, &c, LB_TO_BACKEND), VERDICT_REDIRECT);
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_REDIRECT);
	/* Given back: at once. */
	x.b.view.leases[LEASE].until_ns = 0;
	assert_int_equal(say(web, &c, LB_TO_BACKEND), VERDICT_DROP);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), 4);
}

static void a_flow_goes_while_the_lease_is_fresh(void **state)
{
	each_family(both_ways);
}

static void a_lease_runs_out_by_itself(void **state)
{
	struct endpoint c = client(1000);
	int64_t jiffy, until, deadline = pair_now() + 20 * PAIR_SECOND;
	int verdict;

	open_world(4);
	jiffy = PAIR_SECOND / x.b.view.globals->hz;
	enter();
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	establish(&c);
	until = pair_now() + 20 * jiffy;
	x.b.view.leases[LEASE].until_ns = (uint64_t)until;
	do {
		int64_t before = pair_now();

		verdict = say(web, &c, LB_TO_BACKEND);
		/* A packet that began before the end may go, one more than a jiffy after it may not. */
		if (verdict == VERDICT_REDIRECT)
			assert_true(before < until + 2 * jiffy);
		else
			assert_true(pair_now() >= until);
	} while (verdict == VERDICT_REDIRECT && pair_now() < deadline);
	assert_int_equal(verdict, VERDICT_DROP);
}

static void new_ones(void)
{
	struct endpoint c = client(1000), d = client(1001);

	enter();
	pair_stamp(&x, LEASE, -1);
	assert_int_equal(fixture_connect(&x, web, &c), -1);
	assert_int_equal(fixture_connect(&x, names, &c), -1);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), 2);
	assert_int_equal(say(web, &c, LB_TO_BACKEND), VERDICT_DROP); /* and no RST */
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), 3);
	/* The other service's address was not entered, */
	assert_int_equal(fixture_connect(&x, other, &d), 0);
	assert_int_equal(fixture_flow_of(&x, other, &d)->lease, 0);
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	assert_int_equal(fixture_connect(&x, web, &c), 0);
	assert_int_equal(fixture_connect(&x, names, &c), 0);
	assert_int_equal(fixture_flow_of(&x, web, &c)->lease, LEASE);
	assert_int_equal(fixture_flow_of(&x, names, &c)->lease, LEASE);
}

static void a_new_flow_takes_a_fresh_lease(void **state)
{
	each_family(new_ones);
}

static void a_copy_is_not_taken_without_a_lease(void **state)
{
	struct endpoint c = client(1000);
	struct lb_flow *f;

	open_world(4);
	enter();
	pair_stamp(&x, LEASE, -1);
	assert_int_equal(pair_put(&x, web, &c, 0, LB_FLOW_ESTABLISHED), LB_INSTALL_MADE);
	f = fixture_flow_of(&x, web, &c);
	assert_int_equal(f->lease, LEASE);
	assert_int_equal(say(web, &c, LB_TO_BACKEND), VERDICT_DROP);
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_DROP);
	assert_int_equal(f->flags, LB_FLOW_COPY);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COPY_TAKEN), 0);
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_REDIRECT);
	assert_int_equal(f->flags, 0);
}

/* ---- entered late, removed, moved ---- */

static void the_address_of_a_flow_is_looked_up_again(void **state)
{
	struct endpoint c = client(1000);
	struct lease_addr key = {.family = 4};
	uint32_t lease = LEASE + 1;
	struct lb_flow *f;
	int fd;

	open_world(4);
	establish(&c);
	f = fixture_flow_of(&x, web, &c);
	assert_int_equal(f->lease, 0);
	enter();
	pair_stamp(&x, LEASE, -1);
	f->last_seen -= 2 * x.b.view.globals->hz;
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_DROP);
	assert_int_equal(f->lease, LEASE);
	/* Another unit has the address: its lease counts. */
	fd = bpf_map__fd(x.b.skel->maps.lease_addrs);
	memcpy(key.addr, x.services[web].at.addr, 4);
	assert_int_equal(bpf_map_update_elem(fd, &key, &lease, BPF_EXIST), 0);
	pair_stamp(&x, LEASE + 1, 100 * PAIR_SECOND);
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_REDIRECT);
	assert_int_equal(f->lease, LEASE + 1);
	/* Nobody has it any more: no lease. */
	pair_stamp(&x, LEASE + 1, -1);
	x.b.view.leases[LEASE + 1].checked--;
	assert_int_equal(say(web, &c, LB_TO_CLIENT), VERDICT_DROP);
	assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	assert_int_equal(say(web, &c, LB_TO_BACKEND), VERDICT_REDIRECT);
	assert_int_equal(f->lease, 0);
}

static void without_entries_nothing_is_looked_up(void **state)
{
	struct endpoint c = client(1000);
	struct lease_board *board;
	struct frame f;

	open_world(4);
	board = (struct lease_board *)&x.b.view.leases[0];
	enter();
	pair_stamp(&x, LEASE, -1);
	board->entries = 0;
	assert_int_equal(fixture_connect(&x, web, &c), 0);
	packet_ping(family, &asker, &x.services[web].at, &f);
	passes(&f);
	packet_arp(&c, &x.services[web].at, 1, &f);
	passes(&f);
}

static void a_lease_that_cannot_be_is_none(void **state)
{
	struct endpoint c = client(1000);

	open_world(4);
	pair_enter(&x, 4, x.services[web].at.addr, 0, LEASES_MAX);
	assert_int_equal(fixture_connect(&x, web, &c), 0);
	assert_int_equal(fixture_flow_of(&x, web, &c)->lease, 0);
}

/* ---- what the stack would answer ---- */

static void not_ours(void)
{
	struct endpoint near = fixture_endpoint(family, 1, 201, 9999), far_port = x.services[web].at;
	struct endpoint from = client(1000);
	struct packet_spec s;
	struct frame to_it[4], to_others[2];

	far_port.port = 4711; /* no service */
	enter();
	packet_ping(family, &asker, &far_port, &to_it[0]);
	packet_ping(family, &asker, &near, &to_others[0]);
	s = fixture_packet(family, IPPROTO_TCP, &from, &far_port, TCP_SYN);
	packet_build(&s, &to_it[1]);
	s = fixture_packet(family, IPPROTO_TCP, &from, &near, TCP_SYN);
	packet_build(&s, &to_others[1]);
	to_it[2] = to_it[1]; /* a protocol that the dataplane knows nothing of */
	to_it[2].bytes[ETH_BYTES + (family == 6 ? 6 : 9)] = 47;
	to_it[3] = to_it[0]; /* in a frame for all */
	memset(to_it[3].bytes, 0xff, 6);

	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	for (int i = 0; i < 4; i++)
		passes(&to_it[i]);
	run_out();
	for (int i = 0; i < 4; i++)
		is_dropped(&to_it[i]);
	for (int i = 0; i < 2; i++)
		passes(&to_others[i]);
	memset(to_it[0].bytes, 0x54, 5); /* for another host */
	passes(&to_it[0]);
}

static void packets_to_the_address(void **state)
{
	each_family(not_ours);
}

static void arp_for_the_address(void **state)
{
	struct endpoint c, near, *at, nobody = {};
	struct frame f;

	open_world(4);
	c = client(1000);
	near = fixture_endpoint(4, 1, 201, 0);
	at = &x.services[web].at;
	enter();
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	packet_arp(&c, at, 1, &f);
	passes(&f);
	x.b.view.leases[LEASE].until_ns = 0;
	is_dropped(&f);
	memset(f.bytes, 0, 6); /* a neighbour that asks us alone whether we still have it */
	is_dropped(&f);
	packet_arp(&nobody, at, 1, &f); /* a probe */
	is_dropped(&f);
	packet_arp(&c, &near, 1, &f);
	passes(&f);
	packet_arp(at, at, 1, &f); /* the new owner's announcement */
	passes(&f);
	packet_arp(&c, at, 2, &f);
	passes(&f);
	f.length = 30; /* too short to be one */
	passes(&f);
}

static void solicitations_for_the_address(void **state)
{
	struct endpoint near, *at;
	struct frame f;

	open_world(6);
	near = fixture_endpoint(6, 1, 201, 0);
	at = &x.services[web].at;
	enter();
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	packet_solicit(&asker, at, true, &f);
	passes(&f);
	packet_solicit(&asker, at, false, &f);
	passes(&f);
	run_out();
	is_dropped(&f);
	packet_solicit(&asker, at, true, &f);
	is_dropped(&f);
	f.bytes[ETH_BYTES + 40] = 136; /* an advertisement asks nothing */
	passes(&f);
	packet_solicit(&asker, &near, true, &f);
	passes(&f);
	packet_solicit(&asker, &near, false, &f);
	passes(&f);
}

/* A link-local address is its link's: the same one on another is somebody else's. */
static void link_local_addresses_by_their_link(void **state)
{
	struct endpoint at = {.port = 80}, c;
	uint32_t local;
	struct frame f, out;
	struct packet_spec s;

	open_world(6);
	c = client(1000);
	memcpy(at.addr, (uint8_t[16]){0xfe, 0x80, [15] = 100}, 16);
	local = fixture_service(&x, 6, IPPROTO_TCP, &at, pool);
	pair_enter(&x, 6, at.addr, (uint32_t)fixture_link_ifindex, LEASE);
	pair_stamp(&x, LEASE, -1);
	s = fixture_packet(6, IPPROTO_TCP, &c, &at, TCP_SYN);
	packet_build(&s, &f);
	assert_int_equal(fixture_run(&x, &f, &out), VERDICT_REDIRECT); /* by loopback */
	assert_int_equal(fixture_flow_of(&x, local, &c)->lease, 0);
	fixture_remove_all(&x);
	x.ingress = (uint32_t)fixture_link_ifindex;
	memcpy(f.bytes, fixture_link_mac, 6);
	is_dropped(&f);
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	assert_int_equal(fixture_run(&x, &f, &out), VERDICT_REDIRECT);
	assert_int_equal(fixture_flow_of(&x, local, &c)->lease, LEASE);
	/* The backend's answer comes in by another link, and a second later. */
	x.ingress = 0;
	fixture_flow_of(&x, local, &c)->last_seen -= 2 * x.b.view.globals->hz;
	say(local, &c, LB_TO_CLIENT);
	assert_int_equal(fixture_flow_of(&x, local, &c)->lease, LEASE);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), 1);
	run_out();
	fixture_flow_of(&x, local, &c)->last_seen -= 2 * x.b.view.globals->hz;
	say(local, &c, LB_TO_CLIENT);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_LEASE), 2);

	packet_solicit(&asker, &at, true, &f);
	passes(&f);
	x.ingress = (uint32_t)fixture_link_ifindex;
	is_dropped(&f);
}

/* ---- errors and fragments of a flow ---- */

static void an_error_about_a_flow(void)
{
	struct endpoint c = client(1000), router = fixture_endpoint(family, 2, 77, 0);
	struct packet_spec s = fixture_packet(family, IPPROTO_TCP, &c, &backend, TCP_ACK);
	struct frame quoted, f, out;

	enter();
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	establish(&c);
	packet_build(&s, &quoted);
	packet_error(&quoted, router.addr, family == 6 ? 1 : 3, family == 6 ? 4 : 3, 0, 60, &f);
	assert_int_equal(fixture_run(&x, &f, &out), VERDICT_REDIRECT);
	run_out();
	is_dropped(&f);
}

static void errors_about_a_flow(void **state)
{
	each_family(an_error_about_a_flow);
}

static void pieces(void)
{
	struct endpoint c = client(1000);
	struct packet_spec s = fixture_packet(family, IPPROTO_UDP, &c, &x.services[names].at, 0);
	struct frame whole, first, later, out;

	enter();
	pair_stamp(&x, LEASE, 100 * PAIR_SECOND);
	s.payload = 1000;
	s.dont_fragment = false;
	packet_build(&s, &whole);
	packet_fragment(&whole, 0, 512, 77, &first);
	packet_fragment(&whole, 512, 512, 77, &later);
	assert_int_equal(fixture_run(&x, &first, &out), VERDICT_REDIRECT);
	assert_int_equal(fixture_run(&x, &later, &out), VERDICT_REDIRECT);
	run_out();
	is_dropped(&first);
	is_dropped(&later);
}

static void fragments_of_a_flow(void **state)
{
	each_family(pieces);
}

/* ---- grace ---- */

static void judge_unknown(bool grace)
{
	struct endpoint c = client(1000);
	uint64_t before = fixture_counter(&x, LB_COUNT_GRACE);
	struct frame out;
	int verdict = fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_ACK, 700, 700, &out);

	assert_int_equal(verdict, grace ? VERDICT_DROP : VERDICT_REDIRECT);
	assert_int_equal(fixture_counter(&x, LB_COUNT_GRACE) - before, grace);
	if (!grace)
		assert_int_equal(frame_parse(&out).tcp_flags, TCP_RST);
}

static void in_and_out_of_grace(void)
{
	struct lease *l = &x.b.view.leases[LEASE];
	struct lease_board *board = (struct lease_board *)&x.b.view.leases[0];
	struct endpoint c = client(1001), d = client(1002);
	uint64_t now = (uint64_t)pair_now();

	/* No more than a kernel that was just booted has seen. */
	enter();
	pair_stamp(&x, LEASE, 1000 * PAIR_SECOND);
	judge_unknown(false); /* no grace was given */
	l->grace_ns = 20 * (uint64_t)PAIR_SECOND;
	judge_unknown(false); /* and it took the address long ago */
	l->taken_ns = now - 10 * (uint64_t)PAIR_SECOND;
	board->table = LEASE_TABLE_BEHIND;
	board->said_ns = now + 100 * (uint64_t)PAIR_SECOND;
	judge_unknown(true);
	board->table = LEASE_TABLE_NONE;
	judge_unknown(true);
	board->table = LEASE_TABLE_IN_SYNC;
	board->alone = 1; /* who has more is not heard */
	judge_unknown(true);
	board->alone = 0;
	judge_unknown(false);
	board->said_ns = now - 3 * (uint64_t)PAIR_SECOND; /* who said so is gone */
	judge_unknown(true);
	board->said_ns = now + 100 * (uint64_t)PAIR_SECOND;
	l->taken_ns =
		now +
		100 * (uint64_t)PAIR_SECOND; /* in sync, but the peer's last words may be on their way */
	judge_unknown(true);
	l->taken_ns = now - (uint64_t)PAIR_SECOND;
	judge_unknown(false);
	board->table = LEASE_TABLE_BEHIND;
	l->taken_ns = now - 21 * (uint64_t)PAIR_SECOND;
	judge_unknown(false);
	l->taken_ns = now;
	judge_unknown(true);
	/* A connection that begins does, and one that is known goes on. */
	assert_int_equal(fixture_connect(&x, web, &c), 0);
	assert_int_equal(pair_put(&x, web, &d, 0, LB_FLOW_ESTABLISHED), LB_INSTALL_MADE);
	assert_int_equal(say(web, &d, LB_TO_BACKEND), VERDICT_REDIRECT);
	/* Of an address without a lease nothing was taken. */
	assert_int_equal(fixture_say(&x, other, &c, LB_TO_BACKEND, TCP_ACK, 7, 7, NULL), VERDICT_REDIRECT);
}

static void grace_for_connections_that_nobody_knows(void **state)
{
	each_family(in_and_out_of_grace);
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
		with_cleanup(a_flow_goes_while_the_lease_is_fresh),
		with_cleanup(a_lease_runs_out_by_itself),
		with_cleanup(a_new_flow_takes_a_fresh_lease),
		with_cleanup(a_copy_is_not_taken_without_a_lease),
		with_cleanup(the_address_of_a_flow_is_looked_up_again),
		with_cleanup(without_entries_nothing_is_looked_up),
		with_cleanup(a_lease_that_cannot_be_is_none),
		with_cleanup(packets_to_the_address),
		with_cleanup(arp_for_the_address),
		with_cleanup(solicitations_for_the_address),
		with_cleanup(link_local_addresses_by_their_link),
		with_cleanup(errors_about_a_flow),
		with_cleanup(fragments_of_a_flow),
		with_cleanup(grace_for_connections_that_nobody_knows),
	};

	if (!fixture_enter("bpf_lease"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
