/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow to a record to a command for the other dataplane: what is the same, what grows older, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lb/lb_sync_flow.h"

#define HZ 250

static struct lb_flow6 flow_of(bool v6, uint8_t protocol, uint8_t state, uint32_t last_seen)
{
	struct lb_flow6 f6 = {.head = {.generation = 1,
				      .last_seen = last_seen,
				      .client_port = htons(40000),
				      .service_port = htons(80),
				      .backend_port = htons(8080),
				      .protocol = protocol,
				      .state = state,
				      .backend_isn = 0xfedcba98}};
	struct lb_flow4 *f4 = (struct lb_flow4 *)&f6;

	if (v6) {
		memset(f6.client, 0x2c, 16);
		memset(f6.service, 0x5e, 16);
		memset(f6.backend, 0xba, 16);
	} else {
		f4->client = htonl(0x0a000001);
		f4->service = htonl(0x0a000064);
		f4->backend = htonl(0x0a010001);
	}
	return f6;
}

static struct sync_flow told(bool v6, uint8_t protocol, uint8_t state, uint32_t idle, uint8_t hand)
{
	uint32_t now = 100; /* its last use was before jiffies wrapped */
	struct lb_flow6 f = flow_of(v6, protocol, state, now - idle);
	struct sync_flow out;

	assert_true(lb_sync_flow_tell(&f.head, v6, now, HZ, hand, &out));
	return out;
}

static void there_and_back(void **state)
{
	static const uint8_t states[] = {
		LB_FLOW_ESTABLISHED, LB_FLOW_FIN_CLIENT, LB_FLOW_FIN_BACKEND, LB_FLOW_UDP};

	for (size_t i = 0; i < 2 * sizeof(states); i++) {
		bool v6 = i % 2;
		uint8_t at = states[i / 2], protocol = at == LB_FLOW_UDP ? 17 : 6;
		struct lb_flow6 f = flow_of(v6, protocol, at, 0);
		struct lb_flow4 *f4 = (struct lb_flow4 *)&f;
		struct sync_flow record = told(v6, protocol, at, 1000, SYNC_FIRST_HAND);
		struct lb_install put;

		assert_int_equal(record.idle_s, 4);
		assert_int_equal(lb_sync_flow_put(&record, 50, 1000, &put), 0);
		assert_int_equal(put.op, LB_INSTALL_PUT);
		assert_int_equal(put.family, v6 ? 6 : 4);
		assert_true(put.state == at && put.protocol == protocol && put.flags == 0);
		assert_true(put.client_port == f.head.client_port &&
			    put.service_port == f.head.service_port &&
			    put.backend_port == f.head.backend_port);
		assert_int_equal(put.last_seen, (uint32_t)(50 - 4000)); /* in jiffies of another rate */
		assert_int_equal(put.backend_isn, protocol == 6 ? f.head.backend_isn : 0);
		assert_memory_equal(put.client, v6 ? f.client : &f4->client, v6 ? 16 : 4);
		assert_memory_equal(put.service_addr, v6 ? f.service : &f4->service, v6 ? 16 : 4);
		assert_memory_equal(put.backend_addr, v6 ? f.backend : &f4->backend, v6 ? 16 : 4);
		if (!v6)
			assert_true(!put.client[1] && !put.service_addr[2] && !put.backend_addr[3]);
	}
}

static void what_is_over_is_not_told(void **state)
{
	for (uint8_t at = LB_FLOW_FREE; at < LB_FLOW_STATES + 3; at++) {
		struct lb_flow6 f = flow_of(false, at == LB_FLOW_UDP ? 17 : 6, at, 0);
		bool lives = at == LB_FLOW_ESTABLISHED || at == LB_FLOW_FIN_CLIENT ||
			     at == LB_FLOW_FIN_BACKEND || at == LB_FLOW_UDP;
		struct sync_flow out;

		assert_int_equal(lb_sync_flow_tell(&f.head, false, 0, HZ, 0, &out), lives);
		assert_int_equal(lb_sync_state_is_told(at), lives);
	}
}

/* Ours is told younger by less than a second, a copy older: there and back it never gets younger. */
static void age(void **state)
{
	for (uint32_t idle = 0; idle < 4 * HZ; idle++) {
		uint32_t first = told(false, 6, LB_FLOW_ESTABLISHED, idle, SYNC_FIRST_HAND).idle_s;
		uint32_t second = told(false, 6, LB_FLOW_ESTABLISHED, idle, SYNC_OF_PEER).idle_s;

		assert_int_equal(first, idle / HZ);
		assert_int_equal(second, idle / HZ + (idle % HZ != 0));
	}
	assert_int_equal(lb_sync_idle_s(105, 100, HZ, true), 0); /* used after the clock was read */
	assert_int_equal(lb_sync_idle_s(105, 100, HZ, false), 0);
	assert_int_equal(lb_sync_used(0xffffffff, 7, 1000), (uint32_t)(7 - INT32_MAX));
	assert_int_equal(
		lb_sync_used(LB_SYNC_IDLE_MAX_S + 1, 7, 100), (uint32_t)(7 - LB_SYNC_IDLE_MAX_S * 100));
	assert_int_equal(lb_sync_used(3, 7, 100), (uint32_t)(7 - 300));
}

static void second_hand_is_said(void **state)
{
	struct lb_install put;

	for (uint8_t hand = SYNC_FIRST_HAND; hand <= SYNC_OF_OTHER; hand++) {
		struct sync_flow record = told(false, 6, LB_FLOW_ESTABLISHED, 0, hand);

		assert_int_equal(record.hand, hand);
		assert_int_equal(lb_sync_flow_put(&record, 0, HZ, &put), 0);
		assert_int_equal(put.flags, hand ? LB_INSTALL_SECOND_HAND : 0);
	}
}

static void an_end(void **state)
{
	struct sync_change_end end = {.family = 6,
		.protocol = 6,
		.client_port = htons(1),
		.service_port = htons(2),
		.backend_port = htons(3)};
	struct sync_flow record;
	struct lb_install out;

	memset(end.client, 0x2c, 16);
	memset(end.service, 0x5e, 16);
	memset(end.backend, 0xba, 16);
	lb_sync_flow_tell_end(&end, &record);
	assert_true(record.family == AF_INET6 && record.client_port == 1 && record.backend_port == 3);
	assert_int_equal(lb_sync_flow_end(&record, &out), 0);
	assert_true(out.op == LB_INSTALL_END && out.family == 6 && out.service_port == htons(2));
	assert_memory_equal(out.backend_addr, end.backend, 16);
	end.family = 4;
	lb_sync_flow_tell_end(&end, &record);
	assert_true(record.family == AF_INET && !record.client[4]);
}

static void what_cannot_be_is_refused(void **state)
{
	struct sync_flow r;
	struct lb_install put;

#define REFUSED(change)                                        \
	r = told(false, 6, LB_FLOW_ESTABLISHED, 0, 0), change, \
	assert_int_equal(lb_sync_flow_put(&r, 0, HZ, &put), -EINVAL)
	REFUSED(r.family = 0);
	REFUSED(r.family = 4);
	REFUSED(r.protocol = 0);
	REFUSED(r.protocol = 17);
	REFUSED(r.state = 0);
	REFUSED(r.state = SYNC_UDP);
	REFUSED(r.state = SYNC_UDP + 1);
	REFUSED(r.service_port = 0);
	REFUSED(r.backend_port = 0);
	REFUSED(memset(r.client, 0, 4));
	REFUSED(memset(r.client, 224, 4));
	REFUSED(memset(r.client, 255, 4));
	r = told(true, 6, LB_FLOW_ESTABLISHED, 0, 0);
	r.client[0] = 0xfe;
	r.client[1] = 0x80;
	assert_int_equal(lb_sync_flow_put(&r, 0, HZ, &put), 0); /* a neighbour may be a client */
	r.client[0] = 0xff;
	assert_int_equal(lb_sync_flow_put(&r, 0, HZ, &put), -EINVAL);
	assert_int_equal(lb_sync_flow_end(&r, &put), -EINVAL);
}

static void sticky_sources(void **state)
{
	struct lb_sticky_entry e = {};

	assert_true(lb_sync_sticky_merge(&e, false, 1, 1000, 500));
	assert_true(e.home == 1 && e.home_used == 1000 && e.stand_in == LB_NO_BACKEND);
	assert_false(lb_sync_sticky_merge(&e, true, 1, 1000, 500)); /* as good */
	assert_false(lb_sync_sticky_merge(&e, true, 1, 900, 500));
	assert_true(lb_sync_sticky_merge(&e, true, 1, 1100, 500));
	assert_int_equal(e.home_used, 1100);
	assert_false(lb_sync_sticky_merge(&e, true, 2, 1050, 500)); /* ours is fresher */
	assert_int_equal(e.home, 1);
	assert_true(lb_sync_sticky_merge(&e, true, 2, 1200, 500)); /* while the home is away */
	assert_true(e.home == 1 && e.stand_in == 2 && e.stand_in_used == 1200);
	assert_false(lb_sync_sticky_merge(&e, true, 3, 1150, 500));
	assert_true(lb_sync_sticky_merge(&e, true, 3, 1300, 500));
	assert_int_equal(e.stand_in, 3);
	assert_true(lb_sync_sticky_merge(&e, true, 3, 1601, 500)); /* the home's claim is over */
	assert_true(e.home == 3 && e.home_used == 1601);
	e.home_used = 0xffffff00; /* just before jiffies wrap */
	assert_true(lb_sync_sticky_merge(&e, true, 3, 5, 500));
	assert_int_equal(e.home_used, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_over_is_not_told),
		cmocka_unit_test(age),
		cmocka_unit_test(second_hand_is_said),
		cmocka_unit_test(an_end),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(sticky_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
