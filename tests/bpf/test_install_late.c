/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the other node of a pair that reach the one that has the address: what they may still change there. */
#include "pair.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct fixture x;
static uint32_t web;

static void open_world(void)
{
	struct endpoint at = fixture_endpoint(4, 1, 100, 80);
	uint32_t pool;

	fixture_open(&x, 64, 64);
	pool = fixture_pool(&x, LB_PICK_NEXT);
	for (uint8_t i = 0; i < 3; i++) {
		struct endpoint b = fixture_endpoint(4, 2, (uint8_t)(1 + i), 8080);

		fixture_backend(&x, pool, 4, &b, 1);
	}
	web = fixture_service(&x, 4, IPPROTO_TCP, &at, pool);
}

static struct endpoint client(uint16_t port)
{
	return fixture_endpoint(4, 9, 1, port);
}

/* Who has the addresses keeps what it was told: the peer may lose its backends, and end what goes on here. */
static void who_has_the_lease_ends_for_itself(void **state)
{
	struct endpoint c = client(1000);

	open_world();
	pair_enter(&x, 4, x.services[web].at.addr, 0, 7);
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	pair_stamp(&x, 7, 100 * PAIR_SECOND);
	x.b.view.leases[7].taken_ns = 1;
	assert_int_equal(pair_end(&x, web, &c, 1), LB_INSTALL_OURS);
	assert_int_equal(fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_ACK, 700, 700, NULL), VERDICT_REDIRECT);
	assert_int_equal(fixture_counter(&x, LB_COUNT_COPY_TAKEN), 1);
	/* Without it, it is the peer's to say. */
	c = client(1001);
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	pair_stamp(&x, 7, -1);
	x.b.view.leases[7].checked--;
	assert_int_equal(pair_end(&x, web, &c, 1), LB_INSTALL_ENDED);
	/* And so it is when the addresses were released, though packets still pass for a moment. */
	pair_put(&x, web, &c, 1, LB_FLOW_ESTABLISHED);
	pair_stamp(&x, 7, 100 * PAIR_SECOND);
	x.b.view.leases[7].taken_ns = 0;
	assert_int_equal(pair_end(&x, web, &c, 1), LB_INSTALL_ENDED);
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
		with_cleanup(who_has_the_lease_ends_for_itself),
	};

	if (!fixture_enter("bpf_install_late"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
