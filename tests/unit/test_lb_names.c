/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each name leads to its place and back, the ones that are not there to none; at the largest sizes too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lb/lb_names.h"

#define POOLS    200
#define EACH     100 /* backends in a pool */
#define SERVICES 500

static struct lb_names names;

static struct net_addr addr(uint8_t family, uint32_t number)
{
	struct net_addr a = {.family = family};

	memcpy(a.bytes + (family == AF_INET6 ? 12 : 0), &number, 4);
	if (family == AF_INET6)
		a.bytes[0] = 0xfd;
	return a;
}

static uint8_t family_of(uint32_t number)
{
	return number % 3 ? AF_INET : AF_INET6;
}

/* Places are not the order of the names. */
static uint32_t place(uint32_t number, uint32_t all)
{
	return all - 1 - number;
}

static void fill(void)
{
	struct lb_names_sizes sizes = {.services = SERVICES,
		.pools = POOLS,
		.backends = POOLS * EACH,
		.pool_indexes = POOLS,
		.backend_indexes = POOLS * EACH};
	char name[20];

	assert_int_equal(lb_names_open(&names, &sizes), 0);
	for (uint32_t p = 0; p < POOLS; p++) {
		snprintf(name, sizeof(name), "pool%u", p);
		lb_names_add_pool(&names, name, place(p, POOLS));
		for (uint32_t b = 0; b < EACH; b++) {
			/* The same address in many pools. */
			struct lb_names_backend backend = {.addr = addr(family_of(p), b),
				.port = (uint16_t)(b % 7 + 1),
				.index = (uint16_t)place(p * EACH + b, POOLS * EACH),
				.pool = place(p, POOLS)};

			lb_names_add_backend(&names, &backend);
		}
	}
	for (uint32_t s = 0; s < SERVICES; s++) {
		struct lb_names_service service = {.addr = addr(family_of(s), s / 4),
			.port = (uint16_t)(s % 2 + 1),
			.protocol = s % 4 < 2 ? 6 : 17,
			.index = place(s, SERVICES),
			.pool = place(s % POOLS, POOLS)};

		lb_names_add_service(&names, &service);
	}
}

static int close_names(void **state)
{
	lb_names_close(&names);
	return 0;
}

static void there_and_back(void **state)
{
	struct net_addr a;
	char name[20];

	fill();
	for (uint32_t p = 0; p < POOLS; p++) {
		snprintf(name, sizeof(name), "pool%u", p);
		assert_int_equal(lb_names_pool(&names, name), place(p, POOLS));
		assert_string_equal(lb_names_pool_at(&names, place(p, POOLS))->name, name);
		for (uint32_t b = 0; b < EACH; b++) {
			uint32_t at = place(p * EACH + b, POOLS * EACH);

			a = addr(family_of(p), b);
			assert_int_equal(lb_names_backend(&names, place(p, POOLS), a.family, a.bytes,
						 (uint16_t)(b % 7 + 1)),
				at);
			assert_true(addr_equal(&lb_names_backend_at(&names, at)->addr, &a));
			assert_int_equal(lb_names_backend_at(&names, at)->pool, place(p, POOLS));
		}
	}
	for (uint32_t s = 0; s < SERVICES; s++) {
		const struct lb_names_service *found;

		a = addr(family_of(s), s / 4);
		found = lb_names_service(
			&names, a.family, a.bytes, (uint16_t)(s % 2 + 1), s % 4 < 2 ? 6 : 17);
		assert_non_null(found);
		assert_int_equal(found->index, place(s, SERVICES));
		assert_int_equal(found->pool, place(s % POOLS, POOLS));
	}
}

static void what_is_not_there(void **state)
{
	struct net_addr a = addr(AF_INET, 1), six = addr(AF_INET6, 1);

	assert_null(lb_names_service(&names, AF_INET, a.bytes, 1, 6)); /* of the empty one */
	assert_int_equal(lb_names_pool(&names, "pool1"), LB_NAMES_NONE);
	assert_int_equal(lb_names_backend(&names, 0, AF_INET, a.bytes, 1), LB_NAMES_NONE);
	assert_null(lb_names_pool_at(&names, 0));
	assert_null(lb_names_backend_at(&names, 0));
	fill();
	assert_null(lb_names_service(&names, AF_INET, a.bytes, 3, 6));
	assert_null(lb_names_service(&names, AF_INET, a.bytes, 1, 17 + 1));
	assert_null(lb_names_service(&names, AF_INET6, a.bytes, 1, 6));
	assert_int_equal(lb_names_pool(&names, "pool200"), LB_NAMES_NONE);
	assert_int_equal(lb_names_pool(&names, ""), LB_NAMES_NONE);
	/* Another port, pool, family. */
	assert_int_equal(lb_names_backend(&names, place(1, POOLS), AF_INET, a.bytes, 3), LB_NAMES_NONE);
	assert_int_equal(lb_names_backend(&names, POOLS, AF_INET, a.bytes, 2), LB_NAMES_NONE);
	assert_int_equal(lb_names_backend(&names, place(1, POOLS), AF_INET6, six.bytes, 2), LB_NAMES_NONE);
	assert_null(lb_names_pool_at(&names, POOLS));
	assert_null(lb_names_backend_at(&names, POOLS * EACH));
}

static void the_first_of_a_name_counts(void **state)
{
	struct lb_names_sizes sizes = {
		.services = 2, .pools = 2, .backends = 2, .pool_indexes = 9, .backend_indexes = 9};
	struct lb_names_backend b = {.addr = addr(AF_INET, 5), .port = 5, .index = 1};
	struct lb_names_service s = {.addr = addr(AF_INET, 5), .port = 5, .protocol = 6, .index = 1};

	assert_int_equal(lb_names_open(&names, &sizes), 0);
	lb_names_add_pool(&names, "p", 3);
	lb_names_add_pool(&names, "p", 4);
	lb_names_add_backend(&names, &b);
	b.index = 2;
	lb_names_add_backend(&names, &b);
	lb_names_add_service(&names, &s);
	s.index = 2;
	lb_names_add_service(&names, &s);
	assert_int_equal(lb_names_backend(&names, LB_NAMES_ANY_POOL, AF_INET, b.addr.bytes, 5), 1);
	assert_int_equal(
		lb_names_backend(&names, LB_NAMES_ANY_POOL, AF_INET, b.addr.bytes, 6), LB_NAMES_NONE);
	b.index = 3;
	b.pool = 8; /* the same in another pool */
	lb_names_add_backend(&names, &b);
	assert_int_equal(lb_names_backend(&names, 8, AF_INET, b.addr.bytes, 5), 3);
	assert_int_equal(lb_names_backend(&names, LB_NAMES_ANY_POOL, AF_INET, b.addr.bytes, 5), 1);
	b.pool = 0;
	assert_int_equal(lb_names_pool(&names, "p"), 3);
	assert_int_equal(lb_names_backend(&names, 0, AF_INET, b.addr.bytes, 5), 1);
	assert_int_equal(lb_names_service(&names, AF_INET, s.addr.bytes, 5, 6)->index, 1);
	b.index = 9; /* no such place */
	b.port = 6;
	lb_names_add_backend(&names, &b);
	assert_int_equal(lb_names_backend(&names, 0, AF_INET, b.addr.bytes, 6), LB_NAMES_NONE);
}

/* Seen for its order of magnitude only: with sanitizers, on a busy machine. */
static void it_is_quick(void **state)
{
	struct timespec began, filled, looked;
	struct net_addr a = addr(AF_INET, 7);
	long sum = 0;

	clock_gettime(CLOCK_MONOTONIC, &began);
	fill();
	clock_gettime(CLOCK_MONOTONIC, &filled);
	for (int i = 0; i < 1000000; i++)
		sum += lb_names_backend(&names, (uint32_t)i % POOLS, AF_INET, a.bytes, 1);
	clock_gettime(CLOCK_MONOTONIC, &looked);
	printf("# 20,000 backends entered in %.1f ms, a lookup %.0f ns (%ld)\n",
		(double)(filled.tv_sec - began.tv_sec) * 1e3 + (double)(filled.tv_nsec - began.tv_nsec) / 1e6,
		(double)(looked.tv_sec - filled.tv_sec) * 1e3 +
			(double)(looked.tv_nsec - filled.tv_nsec) / 1e6,
		sum);
	assert_true(filled.tv_sec - began.tv_sec < 5 && looked.tv_sec - filled.tv_sec < 20);
}

static void the_hash_of_a_config(void **state)
{
	struct lb_backend b[2] = {{.name = "one", .addr = addr(AF_INET, 1), .port = 1},
		{.name = "two", .addr = addr(AF_INET, 2), .port = 1}};
	struct lb_pool p[2] = {{.name = "p", .backends = b, .backend_count = 2},
		{.name = "q", .backends = b, .backend_count = 1}};
	struct lb_service s = {
		.name = "s", .addr = addr(AF_INET, 9), .port = 80, .protocol = LB_TCP, .pool = 0};
	struct lb_model m = {.pools = p, .pool_count = 2, .services = &s, .service_count = 1};
	struct lb_backend swap = b[0];
	uint32_t hash = lb_names_hash(&m);

	assert_int_equal(lb_names_hash(&m), hash);
	b[0].weight = 7; /* nodes may differ in that */
	assert_int_equal(lb_names_hash(&m), hash);
	b[0].weight = 0;
	p[1].backend_count = 0;
	hash = lb_names_hash(&m);
	b[0] = b[1];
	b[1] = swap; /* the order does not count */
	assert_int_equal(lb_names_hash(&m), hash);
	b[1].port = 2;
	assert_int_not_equal(lb_names_hash(&m), hash);
	b[1].port = 1;
	s.pool = 1;
	assert_int_not_equal(lb_names_hash(&m), hash);
	s.pool = 0;
	s.protocol = LB_UDP;
	assert_int_not_equal(lb_names_hash(&m), hash);
	s.protocol = LB_TCP;
	p[1].backend_count = 1;
	assert_int_not_equal(lb_names_hash(&m), hash);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_names)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_and_back),
		TEST(what_is_not_there),
		TEST(the_first_of_a_name_counts),
		TEST(it_is_quick),
		TEST(the_hash_of_a_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
