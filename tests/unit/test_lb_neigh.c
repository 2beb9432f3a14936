/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which news of neighbours count as a change; the table against a plain list; the pace of a burst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lb/lb_neigh.h"
#include "lb/lb_pace.h"

enum { EVENT, LISTED };

static struct lb_neigh_entry entry(uint32_t ifindex, const char *addr, int mac)
{
	struct lb_neigh_entry e = {
		.ifindex = ifindex, .usable = mac >= 0, .mac = {2, 0, 0, 0, 0, (uint8_t)mac}};

	assert_int_equal(addr_parse(addr, &e.addr), 0);
	return e;
}

static bool changes(struct lb_neigh *n, uint32_t ifindex, const char *addr, int mac, int listed)
{
	struct lb_neigh_entry e = entry(ifindex, addr, mac);

	return lb_neigh_changes(n, &e, listed);
}

static struct lb_neigh *read_table(uint32_t max)
{
	struct lb_neigh *n = lb_neigh_new(max, 42);

	assert_non_null(n);
	lb_neigh_begin(n);
	lb_neigh_end(n);
	return n;
}

static void test_only_another_mac_or_loss_counts(void **state)
{
	struct lb_neigh *n = read_table(16);

	assert_false(changes(n, 3, "10.0.0.1", 1, EVENT)); /* new: no hop can have been learnt of it */
	assert_false(changes(n, 3, "10.0.0.1", 1, EVENT)); /* confirmed */
	assert_true(changes(n, 3, "10.0.0.1", 2, EVENT));
	assert_false(changes(n, 3, "10.0.0.1", 2, EVENT));
	assert_false(changes(n, 4, "10.0.0.1", 3, EVENT)); /* the same address on another device */
	assert_false(changes(n, 3, "10.0.0.1", 2, EVENT));
	assert_true(changes(n, 3, "10.0.0.1", -1, EVENT));  /* failed */
	assert_false(changes(n, 3, "10.0.0.1", -1, EVENT)); /* and then deleted */
	assert_false(changes(n, 3, "10.0.0.1", 2, EVENT));
	assert_false(changes(n, 3, "fd00::1", 7, EVENT));
	assert_true(changes(n, 3, "fd00::1", 8, EVENT));
	assert_int_equal(lb_neigh_count(n), 3);
	lb_neigh_free(n);
}

static void test_groups_do_not_count(void **state)
{
	struct lb_neigh *n = read_table(16);

	assert_false(changes(n, 3, "ff02::1", 1, EVENT));
	assert_false(changes(n, 3, "ff02::1", -1, EVENT));
	assert_false(changes(n, 3, "224.0.0.22", 1, EVENT));
	assert_false(changes(n, 3, "224.0.0.22", 2, EVENT));
	assert_false(changes(n, 0, "10.0.0.1", 2, EVENT));
	assert_int_equal(lb_neigh_count(n), 0);
	lb_neigh_free(n);
}

static void test_doubt_while_the_table_is_read(void **state)
{
	struct lb_neigh *n = lb_neigh_new(16, 42);

	lb_neigh_begin(n);
	assert_false(changes(n, 3, "10.0.0.1", 1, LISTED));
	assert_true(changes(n, 3, "10.0.0.2", 1, EVENT)); /* not listed yet: it may have had another MAC */
	assert_true(changes(n, 3, "10.0.0.3", -1, EVENT));
	assert_false(changes(n, 3, "10.0.0.2", 1, LISTED));
	assert_true(changes(n, 3, "10.0.0.2", 5, LISTED)); /* news that overtook the event */
	lb_neigh_end(n);
	assert_false(changes(n, 3, "10.0.0.4", 1, EVENT));
	lb_neigh_begin(n);
	assert_int_equal(lb_neigh_count(n), 0);
	assert_true(changes(n, 3, "10.0.0.1", 1, EVENT));
	lb_neigh_free(n);
}

static void test_full_table_doubts_whom_it_does_not_know(void **state)
{
	struct lb_neigh *n = read_table(2);

	assert_false(changes(n, 3, "10.0.0.1", 1, EVENT));
	assert_false(changes(n, 3, "10.0.0.2", 1, EVENT));
	assert_true(changes(n, 3, "10.0.0.3", 1, EVENT));
	assert_true(changes(n, 3, "10.0.0.3", 1, EVENT));
	assert_false(changes(n, 3, "10.0.0.1", 1, EVENT));
	assert_true(changes(n, 3, "10.0.0.1", -1, EVENT));
	/* There is room again, but it may have had another MAC while it was not known. */
	assert_true(changes(n, 3, "10.0.0.3", 2, EVENT));
	assert_false(changes(n, 3, "10.0.0.3", 2, EVENT));
	assert_true(changes(n, 3, "10.0.0.3", 3, EVENT));
	/* A table that the listing filled to the brim may have missed some. */
	lb_neigh_begin(n);
	assert_false(changes(n, 3, "10.0.0.1", 1, LISTED));
	assert_false(changes(n, 3, "10.0.0.2", 1, LISTED));
	assert_false(changes(n, 3, "10.0.0.3", 1, LISTED));
	lb_neigh_end(n);
	assert_true(changes(n, 3, "10.0.0.4", -1, EVENT));
	lb_neigh_free(n);
}

/* Random news against an array that is indexed by the address. */
static void test_against_a_plain_list(void **state)
{
	static int mac_of[512];
	struct lb_neigh *n = read_table(512);
	uint32_t count = 0;

	memset(mac_of, 0xff, sizeof(mac_of));
	srand(7);
	for (int i = 0; i < 200000; i++) {
		int who = rand() % 512, mac = rand() % 4 - 1;
		struct lb_neigh_entry e = {.ifindex = 1 + (uint32_t)who % 3,
			.addr = {AF_INET, {10, 0, (uint8_t)(who >> 8), (uint8_t)who}},
			.usable = mac >= 0,
			.mac = {2, 0, 0, 0, 0, (uint8_t)mac}};

		assert_int_equal(lb_neigh_changes(n, &e, false), mac_of[who] >= 0 && mac_of[who] != mac);
		count += (mac >= 0) - (mac_of[who] >= 0);
		mac_of[who] = mac;
		assert_int_equal(lb_neigh_count(n), count);
	}
	lb_neigh_free(n);
}

static void test_pace(void **state)
{
	struct lb_pace p = {.span_ms = 20};

	assert_false(lb_pace_due(&p, 100));
	assert_true(lb_pace_change(&p, 100));
	assert_int_equal(p.ends_ms, 120);
	assert_false(lb_pace_change(&p, 101));
	assert_false(lb_pace_change(&p, 119));
	assert_false(lb_pace_due(&p, 119));
	assert_true(lb_pace_due(&p, 120));     /* both in one */
	assert_false(lb_pace_change(&p, 130)); /* that too opened a span */
	assert_true(lb_pace_due(&p, 141));
	assert_false(lb_pace_due(&p, 161)); /* nothing came */
	assert_int_equal(p.ends_ms, 0);
	assert_true(lb_pace_change(&p, 162));
	assert_true(lb_pace_change(&p, 200)); /* a late timer delays nothing */
	assert_false(lb_pace_due(&p, 220));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_another_mac_or_loss_counts),
		cmocka_unit_test(test_groups_do_not_count),
		cmocka_unit_test(test_doubt_while_the_table_is_read),
		cmocka_unit_test(test_full_table_doubts_whom_it_does_not_know),
		cmocka_unit_test(test_against_a_plain_list),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
