/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which backend a new flow gets: each scheduler's promise, and sources that are sticky. */
#include "fixture.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT 1000000 /* jiffies a source is remembered for: more than the tests take */

static struct fixture x;
static uint64_t chance;
static uint32_t pool, service;

static void open_pool(int family, uint8_t protocol, enum lb_pick pick, uint32_t backends)
{
	struct endpoint at = fixture_endpoint(family, 1, 100, 80);

	fixture_open(&x, 2048, 4096);
	pool = fixture_pool(&x, pick);
	for (uint32_t i = 0; i < backends; i++) {
		struct endpoint b = fixture_endpoint(family, 2, (uint8_t)(1 + i), 8080);

		fixture_backend(&x, pool, family, &b, 1);
	}
	service = fixture_service(&x, family, protocol, &at, pool);
}

static struct endpoint client(uint8_t host, uint16_t port)
{
	return fixture_endpoint(x.services[service].family, 9, host, port);
}

static int connect_from(uint8_t host, uint16_t port)
{
	struct endpoint c = client(host, port);

	return fixture_connect(&x, service, &c);
}

static void set_serving(uint32_t backend, bool serving)
{
	uint16_t members[16];
	uint32_t count = 0;

	x.b.view.backends[backend].flags = serving ? LB_BACKEND_SERVING : 0;
	for (uint32_t i = 0; i < x.backend_count; i++)
		if (x.b.view.backends[i].flags & LB_BACKEND_SERVING)
			members[count++] = (uint16_t)i;
	fixture_table(&x, pool, members, count);
}

/* ---- schedulers ---- */

static void rr_takes_turns_exactly(void **state)
{
	open_pool(4, IPPROTO_TCP, LB_PICK_NEXT, 3);
	for (uint16_t i = 0; i < 300; i++)
		assert_int_equal(connect_from(1, 1000 + i), i % 3);
}

static void wrr_follows_the_weighted_table(void **state)
{
	const uint16_t table[] = {0, 1, 0, 2, 0};
	uint32_t got[3] = {0};

	open_pool(6, IPPROTO_TCP, LB_PICK_NEXT, 3);
	fixture_table(&x, pool, table, 5);
	for (uint16_t i = 0; i < 500; i++)
		got[connect_from(1, 1000 + i)]++;
	assert_int_equal(got[0], 300);
	assert_int_equal(got[1], 100);
	assert_int_equal(got[2], 100);
}

/* Opened and closed at random, weights changed meanwhile: each choice is a least (live + 1) / weight at its
 * time. */
static void lc_and_wlc_always_take_a_least_loaded(void **state)
{
	uint16_t open[512];
	uint32_t count = 0;

	open_pool(4, IPPROTO_TCP, LB_PICK_LEAST, 5);
	for (int step = 0; step < 3000; step++) {
		if (step % 500 == 250)
			x.b.view.backends[fixture_below(&chance, 5)].weight = 1 + fixture_below(&chance, 9);
		if (count == 512 || (count && fixture_below(&chance, 100) < 45)) {
			uint32_t which = fixture_below(&chance, count);
			struct endpoint c = client(1, open[which]);

			assert_true(
				fixture_control(&x, LB_CONTROL_REMOVE, 4, fixture_flow_of(&x, service, &c)));
			open[which] = open[--count];
			continue;
		}

		uint64_t load[5], weight[5];

		for (int i = 0; i < 5; i++) {
			load[i] = fixture_live_count(&x, (uint32_t)i) + 1;
			weight[i] = x.b.view.backends[i].weight;
			assert_int_equal(x.b.view.backends[i].active, load[i] - 1);
		}

		int got = connect_from(1, (uint16_t)(1000 + step));

		assert_true(got >= 0);
		open[count++] = (uint16_t)(1000 + step);
		for (int i = 0; i < 5; i++)
			assert_true(load[got] * weight[i] <= load[i] * weight[got]);
	}
}

static void lc_lets_equals_take_turns(void **state)
{
	open_pool(4, IPPROTO_TCP, LB_PICK_LEAST, 4);
	for (uint16_t round = 0; round < 10; round++) {
		bool had[4] = {false};

		for (uint16_t i = 0; i < 4; i++)
			had[connect_from(1, 1000 + round * 4 + i)] = true;
		assert_true(had[0] && had[1] && had[2] && had[3]);
	}
}

static void sh_gives_a_source_one_backend(int family)
{
	bool used[4] = {false};

	open_pool(family, IPPROTO_TCP, LB_PICK_SOURCE, 4);
	for (uint8_t host = 1; host < 60; host++) {
		int first = connect_from(host, 1000);

		used[first] = true;
		for (uint16_t port = 1001; port < 1008; port++)
			assert_int_equal(connect_from(host, port), first);
	}
	assert_true(used[0] && used[1] && used[2] && used[3]);
}

static void sh_gives_an_ipv4_source_one_backend(void **state)
{
	sh_gives_a_source_one_backend(4);
}

static void sh_gives_an_ipv6_source_one_backend(void **state)
{
	sh_gives_a_source_one_backend(6);
}

static void mh_gives_a_tuple_one_backend(void **state)
{
	int first[100];
	bool used[4] = {false};

	open_pool(6, IPPROTO_UDP, LB_PICK_TUPLE, 4);
	for (uint16_t i = 0; i < 100; i++) {
		first[i] = connect_from(1, 1000 + i);
		used[first[i]] = true;
	}
	assert_true(used[0] && used[1] && used[2] && used[3]);
	fixture_remove_all(&x);
	for (uint16_t i = 0; i < 100; i++)
		assert_int_equal(connect_from(1, 1000 + i), first[i]);
}

static void who_does_not_serve_gets_nothing_new(void **state)
{
	for (enum lb_pick pick = LB_PICK_NEXT; pick <= LB_PICK_TUPLE; pick++) {
		open_pool(4, IPPROTO_TCP, pick, 3);
		set_serving(1, false);
		for (uint16_t i = 0; i < 200; i++)
			assert_int_not_equal(connect_from((uint8_t)(1 + i), 1000 + i), 1);
		fixture_close(&x);
	}
}

/* ---- sticky ---- */

static void make_sticky(uint8_t prefix4, uint8_t prefix6)
{
	x.b.view.pools[pool].sticky_jiffies = TIMEOUT;
	x.b.view.pools[pool].sticky_prefix4 = prefix4;
	x.b.view.pools[pool].sticky_prefix6 = prefix6;
}

static int connect_wholly(uint8_t host, uint16_t port)
{
	struct endpoint c = client(host, port);
	int backend = fixture_connect(&x, service, &c);

	assert_true(backend >= 0);
	fixture_establish(&x, service, &c);
	return backend;
}

static void a_source_keeps_its_backend(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		open_pool(family, IPPROTO_TCP, LB_PICK_NEXT, 4);
		make_sticky(32, 128);
		for (uint8_t host = 1; host <= 8; host++)
			assert_int_equal(connect_wholly(host, 1000), (host - 1) % 4);
		for (uint8_t host = 1; host <= 8; host++)
			for (uint16_t port = 1001; port < 1006; port++)
				assert_int_equal(connect_from(host, port), (host - 1) % 4);
		fixture_close(&x);
	}
}

static void sources_of_one_prefix_share_a_backend(void **state)
{
	open_pool(4, IPPROTO_TCP, LB_PICK_NEXT, 4);
	make_sticky(28, 120);
	assert_int_equal(connect_wholly(1, 1000), 0);
	assert_int_equal(connect_wholly(15, 1000), 0);
	assert_int_equal(connect_wholly(16, 1000), 1);
	assert_int_equal(connect_wholly(31, 1000), 1);
	fixture_close(&x);
	open_pool(6, IPPROTO_TCP, LB_PICK_NEXT, 4);
	make_sticky(28, 124);
	assert_int_equal(connect_wholly(1, 1000), 0);
	assert_int_equal(connect_wholly(15, 1000), 0);
	assert_int_equal(connect_wholly(16, 1000), 1);
}

static void a_source_is_forgotten_after_the_timeout(void **state)
{
	open_pool(4, IPPROTO_TCP, LB_PICK_NEXT, 4);
	make_sticky(32, 128);
	assert_int_equal(connect_wholly(1, 1000), 0);
	fixture_sticky_age(&x, TIMEOUT - 1000);
	assert_int_equal(connect_wholly(1, 1001), 0); /* in time, and fresh again */
	fixture_sticky_age(&x, TIMEOUT - 1000);
	assert_int_equal(connect_wholly(1, 1002), 0);
	fixture_sticky_age(&x, TIMEOUT + 1000);
	assert_int_equal(connect_wholly(1, 1003), 1);
	assert_int_equal(connect_wholly(1, 1004), 1);
}

static void a_source_that_another_cpu_used_just_now_is_not_forgotten(void **state)
{
	open_pool(4, IPPROTO_TCP, LB_PICK_NEXT, 4);
	make_sticky(32, 128);
	assert_int_equal(connect_wholly(1, 1000), 0);
	fixture_sticky_age(&x, (uint32_t)-1000);
	assert_int_equal(connect_wholly(1, 1001), 0);
	assert_int_equal(connect_wholly(1, 1002), 0);
}

static void a_backend_that_comes_back_in_time_gets_its_sources_back(void **state)
{
	open_pool(4, IPPROTO_TCP, LB_PICK_NEXT, 4);
	make_sticky(32, 128);
	assert_int_equal(connect_wholly(1, 1000), 0);
	set_serving(0, false);

	int stand_in = connect_wholly(1, 1001);

	assert_int_not_equal(stand_in, 0);
	for (uint16_t port = 1002; port < 1010; port++)
		assert_int_equal(connect_wholly(1, port), stand_in); /* one stand-in, not many */
	set_serving(0, true);
	assert_int_equal(connect_wholly(1, 1010), 0);
}

static void a_backend_that_comes_back_too_late_does_not(void **state)
{
	open_pool(4, IPPROTO_TCP, LB_PICK_NEXT, 4);
	make_sticky(32, 128);
	assert_int_equal(connect_wholly(1, 1000), 0);
	set_serving(0, false);

	int stand_in = connect_wholly(1, 1001);

	/* Twice half the timeout: the home was away for more than it, the stand-in was used meanwhile. */
	fixture_sticky_age(&x, TIMEOUT / 2 + 1000);
	assert_int_equal(connect_wholly(1, 1002), stand_in);
	fixture_sticky_age(&x, TIMEOUT / 2 + 1000);
	assert_int_equal(connect_wholly(1, 1003), stand_in);
	set_serving(0, true);
	assert_int_equal(connect_wholly(1, 1004), stand_in);
	assert_int_equal(connect_wholly(1, 1005), stand_in);
}

/* Sources that never complete a handshake push out none that did. */
static void a_flood_of_sources_costs_no_known_one(void **state)
{
	struct endpoint c;

	open_pool(4, IPPROTO_TCP, LB_PICK_NEXT, 4);
	make_sticky(32, 128);
	x.b.view.globals->half_open_max = 256;
	for (uint8_t host = 1; host <= 40; host++)
		connect_wholly(host, 1000);
	assert_int_equal(fixture_sticky_count(&x, true), 40);
	for (uint32_t i = 0; i < 40000; i++) {
		c = client(1, 5);
		address4(c.addr, 11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
		fixture_say(&x, service, &c, LB_TO_BACKEND, TCP_SYN, 1, 0, NULL);
	}
	assert_int_equal(fixture_sticky_count(&x, true), 40);
	for (uint8_t host = 1; host <= 40; host++)
		assert_int_equal(connect_from(host, 2000), (host - 1) % 4);
}

static void a_full_sticky_table_is_counted_and_balances_on(void **state)
{
	open_pool(4, IPPROTO_UDP, LB_PICK_NEXT, 4);
	make_sticky(32, 128);
	for (uint8_t host = 1; host <= 200; host++) {
		struct endpoint c = client(host, 1000);

		assert_true(fixture_connect(&x, service, &c) >= 0);
		assert_int_equal(fixture_say(&x, service, &c, LB_TO_CLIENT, 0, 0, 0, NULL), VERDICT_REDIRECT);
	}
	assert_int_equal(fixture_sticky_count(&x, true), 64);
	assert_int_equal(fixture_counter(&x, LB_COUNT_STICKY_FULL), 200 - 64);
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
		with_cleanup(rr_takes_turns_exactly),
		with_cleanup(wrr_follows_the_weighted_table),
		with_cleanup(lc_and_wlc_always_take_a_least_loaded),
		with_cleanup(lc_lets_equals_take_turns),
		with_cleanup(sh_gives_an_ipv4_source_one_backend),
		with_cleanup(sh_gives_an_ipv6_source_one_backend),
		with_cleanup(mh_gives_a_tuple_one_backend),
		with_cleanup(who_does_not_serve_gets_nothing_new),
		with_cleanup(a_source_keeps_its_backend),
		with_cleanup(sources_of_one_prefix_share_a_backend),
		with_cleanup(a_source_is_forgotten_after_the_timeout),
		with_cleanup(a_source_that_another_cpu_used_just_now_is_not_forgotten),
		with_cleanup(a_backend_that_comes_back_in_time_gets_its_sources_back),
		with_cleanup(a_backend_that_comes_back_too_late_does_not),
		with_cleanup(a_flood_of_sources_costs_no_known_one),
		with_cleanup(a_full_sticky_table_is_counted_and_balances_on),
	};

	if (!fixture_enter("bpf_schedule"))
		return fixture_skip();
	chance = fixture_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
