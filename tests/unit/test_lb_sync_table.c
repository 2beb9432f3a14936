/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two dataplanes of the kernel in one process, told of each other's flows by way of two sessions: what one forwards the
 * other holds, whatever happens in between. Needs root.
 */
#include "netns_harness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/lease_map.h"
#include "lb/lb_sync_table_inside.h"
#include "lb_tc.skel.h"
#include "table_node.h"

#define FLOWS 131072 /* for the whole; a few do for the rest */
#define FEW   2048

static struct table_node n[2];
static uint64_t seed = 0x7ab1e;

static uint32_t below(uint32_t limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 0x2545f4914f6cdd1dULL >> 32) % limit);
}

static int open_sized(uint32_t flows)
{
	node_open(&n[0], flows, "");
	node_open(&n[1], flows, "");
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	return 0;
}

static int open_large(void **state)
{
	return open_sized(FLOWS);
}

static int open_pair(void **state)
{
	return open_sized(FEW);
}

static int close_pair(void **state)
{
	for (int i = 0; i < 2; i++)
		node_close(&n[i]);
	return 0;
}

/* Each flow of one is a flow of the other, and one of the two at least is no copy. */
static size_t assert_same_tables(void)
{
	size_t count[2];
	struct node_flow *list[2] = {node_flows(&n[0], &count[0]), node_flows(&n[1], &count[1])};

	for (size_t i = 0; i < count[0] && i < count[1]; i++) {
		struct node_flow a = list[0][i], b = list[1][i];

		assert_true(!a.copy || !b.copy);
		a.copy = b.copy = 0;
		if (memcmp(&a, &b, sizeof(a)))
			fail_msg("flow %zu of %zu: ports %u %u, states %u and %u", i, count[0], a.client_port,
				b.client_port, a.state, b.state);
	}
	free(list[0]);
	free(list[1]);
	assert_int_equal(count[0], count[1]);
	return count[0];
}

static struct lb_sync_table_counters counters(int node)
{
	struct lb_sync_table_counters c;

	lb_sync_table_counters(n[node].table, &c);
	return c;
}

/* ---- the whole ---- */

#define CLIENTS 100000

/* What a client's connection is: 0 none, else 1 + the node that forwards it. */
static uint8_t owner[CLIENTS];
static long ids[CLIENTS][2];

static int service_for(uint32_t client)
{
	return client % 16 == 0 ? SERVICE_DNS : client % 16 < 4 ? SERVICE_WEB6 : SERVICE_WEB;
}

static void change_one(uint32_t client)
{
	int service = service_for(client), at = owner[client] ? owner[client] - 1 : (int)below(2);
	long id = ids[client][at];

	if (!owner[client]) {
		ids[client][at] = node_connect(&n[at], service, client);
		assert_true(ids[client][at] >= 0);
		owner[client] = (uint8_t)(at + 1);
	} else if (below(3) && service != SERVICE_DNS) {
		node_say(&n[at], service, client, false, TCP_FIN | TCP_ACK, 101, 5001);
	} else {
		node_remove(&n[at], service, (uint32_t)id);
		owner[client] = 0;
	}
}

static void a_hundred_thousand_flows(void **state)
{
	size_t live = 0;

	for (uint32_t client = 0; client < CLIENTS; client++) {
		change_one(client);
		if (client % 500 == 0)
			pair_run(n, 1);
	}
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(assert_same_tables(), CLIENTS);
	for (int i = 0; i < 100000; i++) {
		change_one(below(CLIENTS));
		if (i % 500 == 0)
			pair_run(n, 1);
		if (i == 50000) /* in the middle of it, all over again */
			pair_meet(n);
	}
	assert_true(pair_settle(n) >= 0);
	node_walk(&n[0]);
	node_walk(&n[1]);
	for (uint32_t client = 0; client < CLIENTS; client++)
		live += owner[client] != 0;
	assert_int_equal(assert_same_tables(), live);
	assert_int_equal(counters(0).full + counters(0).clash + counters(0).invalid, 0);
	assert_int_equal(counters(1).full + counters(1).clash + counters(1).invalid, 0);
}

static void a_copy_that_is_used_is_ours_and_told_so(void **state)
{
	long id = node_connect(&n[0], SERVICE_WEB, 7), there;

	assert_true(pair_settle(n) >= 0);
	there = node_find(&n[1], SERVICE_WEB, 7);
	assert_true(there >= 0);
	assert_int_equal(node_flow(&n[1], SERVICE_WEB, (uint32_t)there)->flags, LB_FLOW_COPY);
	node_say(&n[1], SERVICE_WEB, 7, false, TCP_ACK, 101, 5008);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(node_flow(&n[1], SERVICE_WEB, (uint32_t)there)->flags, 0);
	assert_int_equal(node_flow(&n[0], SERVICE_WEB, (uint32_t)id)->flags, LB_FLOW_COPY);
	node_remove(&n[1], SERVICE_WEB, (uint32_t)there);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(assert_same_tables(), 0);
}

/* ---- what was lost ---- */

static void what_is_lost_a_bulk_repairs(void **state)
{
	long id[100];

	for (uint32_t client = 0; client < 100; client++)
		id[client] = node_connect(&n[0], client % 2 ? SERVICE_WEB : SERVICE_WEB6, client);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(assert_same_tables(), 100);
	for (uint32_t client = 0; client < 50; client++)
		node_remove(&n[0], client % 2 ? SERVICE_WEB : SERVICE_WEB6, (uint32_t)id[client]);
	for (uint32_t client = 100; client < 200; client++)
		node_connect(&n[0], SERVICE_WEB, client);
	lb_sync_table_read(n[0].table, pair_now);
	lb_sync_table_forget(n[0].table);
	n[0].bpf.view.globals->changes_lost++;
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(n[0].lost, 1);
	assert_int_equal(counters(0).changes_lost, 1);
	node_walk(&n[1]);
	assert_int_equal(assert_same_tables(), 150);
	assert_int_equal(counters(1).dropped, 50);
	assert_int_equal(n[1].lost, 0);
}

/* A machine that has begun anew knows nothing: what we hold of its former life may be the only word of it. */
static void a_peer_that_lost_its_memory_takes_none_of_ours(void **state)
{
	for (uint32_t client = 0; client < 20; client++)
		node_connect(&n[0], SERVICE_WEB, client);
	assert_true(pair_settle(n) >= 0);
	node_close(&n[0]);
	node_open(&n[0], FEW, "");
	for (int i = 0; i < 3; i++) {
		pair_meet(n);
		assert_true(pair_settle(n) >= 0);
		node_walk(&n[1]);
		node_walk(&n[0]);
	}
	assert_int_equal(counters(1).dropped, 0);
	for (uint32_t client = 0; client < 20; client++) {
		assert_true(node_find(&n[1], SERVICE_WEB, client) >= 0);
		assert_true(node_find(&n[0], SERVICE_WEB, client) >= 0); /* it got them back */
	}
}

/* Both run on; the process of one does not, and what it knew of whose a copy is goes with it. */
static void a_restart_takes_none_that_the_peer_has_from_here(void **state)
{
	for (uint32_t client = 0; client < 20; client++)
		node_connect(&n[0], SERVICE_WEB, client);
	assert_true(pair_settle(n) >= 0);
	node_close(&n[0]);
	node_open(&n[0], FEW, "");
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	node_restart(&n[1]);
	for (int i = 0; i < 3; i++) {
		pair_meet(n);
		assert_true(pair_settle(n) >= 0);
		node_walk(&n[1]);
		node_walk(&n[0]);
	}
	assert_int_equal(counters(1).dropped, 0);
	for (uint32_t client = 0; client < 20; client++)
		assert_true(node_find(&n[1], SERVICE_WEB, client) >= 0);
}

/* Who has the address goes on with what it was told; the peer may have ended it for reasons of its own. */
static void who_has_the_address_drops_nothing(void **state)
{
	struct lease_board *board = (struct lease_board *)n[1].bpf.view.leases;
	struct lease_addr key = {.family = 4};
	uint32_t lease = 7;
	long id[10];

	for (uint32_t client = 0; client < 10; client++)
		id[client] = node_connect(&n[0], SERVICE_WEB, client);
	assert_true(pair_settle(n) >= 0);
	address4(key.addr, 10, 0, 0, 100);
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(n[1].bpf.skel->maps.lease_addrs), &key, &lease, 0), 0);
	board->entries = 1;
	n[1].bpf.view.leases[lease].until_ns = UINT64_MAX;
	n[1].bpf.view.leases[lease].taken_ns = 1;
	for (uint32_t client = 0; client < 10; client++)
		node_remove(&n[0], SERVICE_WEB, (uint32_t)id[client]);
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	node_walk(&n[1]);
	assert_int_equal(counters(1).dropped, 0);
	for (uint32_t client = 0; client < 10; client++)
		assert_true(node_find(&n[1], SERVICE_WEB, client) >= 0);
	n[1].bpf.view.leases[lease].until_ns = 0;
	node_walk(&n[1]);
	assert_int_equal(counters(1).dropped, 10);
}

/* What the peer has only from here never takes from us what is ours. */
static void ours_stays_ours_at_second_hand(void **state)
{
	long id = node_connect(&n[0], SERVICE_WEB, 1);
	struct lb_flow *f = node_flow(&n[0], SERVICE_WEB, (uint32_t)id);

	assert_true(pair_settle(n) >= 0);
	f->last_seen -= 50 * n[0].bpf.view.globals->hz; /* idle; the copy looks younger */
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(f->flags, 0);
	assert_int_equal(assert_same_tables(), 1);
}

/* The peer takes for told what came, whatever the dataplane made of it. */
static void what_the_dataplane_did_not_take_comes_again(void **state)
{
	struct bpf_program *program = n[1].bpf.skel->progs.lb_control_run;

	n[1].bpf.skel->progs.lb_control_run = NULL;
	for (uint32_t client = 0; client < 10; client++)
		node_connect(&n[0], SERVICE_WEB, client);
	pair_run(n, 20);
	n[1].bpf.skel->progs.lb_control_run = program;
	assert_int_equal(counters(1).made, 0);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(assert_same_tables(), 10);
}

/* Of a node whose table is the larger one; then there is room. */
static void what_finds_no_room_is_not_held(void **state)
{
	node_open(&n[0], FEW, "");
	node_open(&n[1], 1024, "");
	pair_meet(n);
	for (uint32_t client = 0; client < 1024; client++)
		assert_true(node_connect(&n[0], SERVICE_WEB, client) >= 0);
	assert_true(pair_settle(n) >= 0);
	assert_false(lb_sync_table_is_short(n[1].table));
	for (uint32_t client = 1024; client < 1034; client++)
		assert_true(node_connect(&n[0], SERVICE_WEB, client) >= 0);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(counters(1).full, 10);
	assert_true(lb_sync_table_is_short(n[1].table));
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	assert_true(lb_sync_table_is_short(n[1].table));
	assert_false(lb_sync_table_is_short(n[0].table));

	for (uint32_t client = 0; client < 100; client++)
		node_remove(&n[0], SERVICE_WEB, (uint32_t)node_find(&n[0], SERVICE_WEB, client));
	assert_true(pair_settle(n) >= 0);
	assert_true(lb_sync_table_is_short(n[1].table));
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	assert_false(lb_sync_table_is_short(n[1].table));
	assert_int_equal(assert_same_tables(), 934);
}

/* ---- age ---- */

static void a_copy_ages_later_than_its_owner(void **state)
{
	uint32_t hz = n[0].bpf.view.globals->hz, limit = 120 * hz + 30 * hz + LB_COPY_SLACK_S * hz;
	struct lb_flow *f;
	long there;

	assert_true(node_connect(&n[0], SERVICE_DNS, 1) >= 0);
	assert_true(pair_settle(n) >= 0);
	there = node_find(&n[1], SERVICE_DNS, 1);
	f = node_flow(&n[1], SERVICE_DNS, (uint32_t)there);
	f->last_seen = lb_bpf_now(&n[1].bpf) - limit + 30 * hz;
	node_walk(&n[1]);
	assert_int_equal(f->state, LB_FLOW_UDP);
	f->last_seen -= 31 * hz;
	node_walk(&n[1]);
	assert_int_equal(f->state, LB_FLOW_FREE);
	assert_true(pair_settle(n) >= 0);
	assert_true(node_find(&n[0], SERVICE_DNS, 1) >= 0); /* its end was not told */
}

static void what_is_used_is_told_again_after_a_quarter(void **state)
{
	uint32_t hz = n[0].bpf.view.globals->hz;
	long id = node_connect(&n[0], SERVICE_DNS, 1), there;
	struct lb_flow *f = node_flow(&n[0], SERVICE_DNS, (uint32_t)id), *c;

	assert_true(pair_settle(n) >= 0);
	there = node_find(&n[1], SERVICE_DNS, 1);
	c = node_flow(&n[1], SERVICE_DNS, (uint32_t)there);
	c->last_seen -= 60 * hz;
	node_walk(&n[0]);
	assert_int_equal(counters(0).waiting, 0);
	f->last_seen += 40 * hz; /* as if so much time had gone by */
	node_walk(&n[0]);
	assert_int_equal(counters(0).waiting, 1);
	assert_true(pair_settle(n) >= 0);
	assert_true(lb_bpf_now(&n[1].bpf) - c->last_seen < 20 * hz);
	node_walk(&n[0]);
	assert_int_equal(counters(0).waiting, 1); /* told at a time before its use: again */
}

/* Of a process that has just begun: what its walk over the table will tell, the aging need not. */
static void what_a_bulk_will_tell_is_not_told_before(void **state)
{
	for (uint32_t client = 0; client < 2000; client++)
		node_connect(&n[0], client % 2 ? SERVICE_WEB : SERVICE_WEB6, client);
	assert_true(pair_settle(n) >= 0);
	node_restart(&n[0]);
	pair_meet(n);
	pair_run(n, 1);
	assert_in_range(counters(1).updated, 1, 1999); /* it is under way */
	node_walk(&n[0]);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(counters(1).updated, 2000);
}

/* ---- names ---- */

static const char more[] = ", { name = \"more\"; address = \"10.0.0.100\"; port = 81; "
			   "protocol = \"tcp\"; pool = \"web\"; }";

/* A connection of the first node's that only such a config has a service for. */
static void connect_to_more(void)
{
	struct endpoint client = {.port = 4000};
	struct packet_spec p = {.family = 4, .protocol = 6, .tcp_flags = TCP_SYN, .from = client};
	struct frame in, out;
	uint32_t length = sizeof(out.bytes);

	address4(p.from.addr, 10, 3, 0, 1);
	address4(p.to.addr, 10, 0, 0, 100);
	p.to.port = 81;
	packet_build(&p, &in);
	assert_int_equal(
		lb_bpf_test_packet(&n[0].bpf, in.bytes, in.length, out.bytes, &length, 1, NULL, NULL), 0);
	n[0].bpf.view.flows4[0].head.state = LB_FLOW_ESTABLISHED;
}

static void what_the_config_lacks_is_refused_until_it_names_it(void **state)
{
	struct sync_status status;

	node_apply(&n[0], more);
	connect_to_more();
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	sync_session_status(n[1].session, pair_now, &status);
	assert_int_equal(status.received.fate[SYNC_NO_SERVICE], 1);
	node_apply(&n[1], more);
	sync_session_want_bulk(n[1].session, pair_now);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(assert_same_tables(), 1);
}

/* A copy that the config names no more goes on, though every bulk is refused it; so it does when it is named again. */
static void what_the_config_lacks_is_no_orphan(void **state)
{
	const struct lb_flow *f = &n[1].bpf.view.flows4[0].head;

	for (int i = 0; i < 2; i++)
		node_apply(&n[i], more);
	connect_to_more();
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(f->flags, LB_FLOW_COPY);
	for (int i = 0; i < 2; i++) {
		node_apply(&n[1], "");
		sync_session_want_bulk(n[1].session, pair_now);
		assert_true(pair_settle(n) >= 0);
		node_walk(&n[1]);
		assert_int_equal(f->state, LB_FLOW_ESTABLISHED);
		node_apply(&n[1], more);
		node_walk(&n[1]);
		assert_int_equal(f->state, LB_FLOW_ESTABLISHED);
	}
	sync_session_want_bulk(n[1].session, pair_now);
	assert_true(pair_settle(n) >= 0);
	node_walk(&n[1]);
	assert_int_equal(assert_same_tables(), 1);
	assert_int_equal(counters(1).dropped, 0);
}

static void numbers_of_one_node_mean_nothing_on_the_other(void **state)
{
	node_close(&n[1]);
	node_open(&n[1], FEW,
		", { name = \"x\"; address = \"10.0.0.99\"; port = 1; protocol = \"tcp\"; pool = \"web\"; }");
	pair_meet(n);
	assert_true(node_connect(&n[0], SERVICE_WEB, 3) >= 0);
	assert_true(node_connect(&n[0], SERVICE_STICKY, 4) >= 0);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(assert_same_tables(), 2);
	for (int service = SERVICE_WEB; service <= SERVICE_STICKY; service += SERVICE_STICKY) {
		long id = node_find(&n[1], service, service == SERVICE_WEB ? 3 : 4);
		const struct lb_flow *f = node_flow(&n[1], service, (uint32_t)id);

		assert_int_equal(f->service, n[1].live.services[service].index);
		assert_int_not_equal(f->service, n[0].live.services[service].index);
		assert_int_equal(n[1].bpf.view.backends[f->backend].port, f->backend_port);
	}
}

/* ---- sticky sources ---- */

static struct lb_sticky_entry sticky_of(int node, bool *there)
{
	struct lb_sticky_key key = {.pool = n[node].live.pools[3].index};
	struct lb_sticky_entry e = {};

	address4(key.source, 10, 2, 0, 1);
	*there = lb_bpf_get_sticky(&n[node].bpf, &key, &e) == 0;
	return e;
}

static void sticky_sources_go_in_bulk_and_are_told_again(void **state)
{
	uint32_t hz = n[0].bpf.view.globals->hz;
	struct lb_sticky_key key = {.pool = n[0].live.pools[3].index};
	long id = node_connect(&n[0], SERVICE_STICKY, 5);
	struct lb_sticky_entry e, there;
	bool is_there;

	node_remove(&n[0], SERVICE_STICKY, (uint32_t)id);
	lb_sync_table_read(n[0].table, pair_now);
	lb_sync_table_forget(n[0].table); /* the flow was never told, its source lives on */
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	e = sticky_of(0, &is_there);
	assert_true(is_there);
	there = sticky_of(1, &is_there);
	assert_true(is_there);
	assert_int_equal(n[1].bpf.view.backends[there.home].port, n[0].bpf.view.backends[e.home].port);
	assert_int_equal(n[1].bpf.view.backends[there.home].addr[0], n[0].bpf.view.backends[e.home].addr[0]);
	/* What is fresher here stays. */
	there.home_used += 30 * hz;
	address4(key.source, 10, 2, 0, 1);
	key.pool = n[1].live.pools[3].index;
	assert_int_equal(lb_bpf_put_sticky(&n[1].bpf, &key, &there), 0);
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(sticky_of(1, &is_there).home_used, there.home_used);
	/* Within a quarter of the timeout, 100 s, one sweep of the ten tells it. */
	there.home_used -= 100 * hz;
	assert_int_equal(lb_bpf_put_sticky(&n[1].bpf, &key, &there), 0);
	for (int i = 0; i < 10; i++)
		node_walk(&n[0]);
	assert_int_equal(counters(0).waiting, 1);
	assert_true(pair_settle(n) >= 0);
	assert_true((int32_t)(sticky_of(1, &is_there).home_used - there.home_used) > (int32_t)(50 * hz));
}

/* ---- operators ---- */

static struct lb_live_backend *backend(int node)
{
	return lb_live_find(&n[node].live, "web", "w2");
}

/* Changes that a node told, in all. */
static uint64_t told(int node)
{
	struct sync_status status;

	sync_session_status(n[node].session, pair_now, &status);
	return status.sent.changes;
}

static void the_later_word_counts_on_both(void **state)
{
	lb_live_set_weight(backend(0), 9);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(told(0), 1);
	assert_int_equal(told(1), 0); /* not back */
	assert_int_equal(backend(1)->weight_override, 9);
	assert_int_equal(counters(1).waiting, 0);
	lb_live_set_admin(backend(1), LB_ADMIN_DRAIN);
	assert_int_equal(counters(1).waiting, 1);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(backend(0)->admin, LB_ADMIN_DRAIN);
	assert_int_equal(backend(0)->weight_override, 9);
	assert_int_equal(counters(0).waiting, 0);
	assert_int_equal(told(0), 1);
	assert_int_equal(told(1), 1);
	assert_false(lb_live_take_word(backend(0), LB_ADMIN_DISABLED, 3, backend(0)->said_ms - 1));
	assert_int_equal(backend(0)->weight_override, 9);
	/* Two that do not hear each other. */
	lb_live_set_weight(backend(0), 4);
	lb_live_set_weight(backend(0), 5);
	lb_live_set_weight(backend(1), 7);
	backend(1)->said_ms = backend(0)->said_ms - 1;
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(backend(0)->weight_override, 5);
	assert_int_equal(backend(1)->weight_override, 5);
	/* In the same millisecond. */
	lb_live_set_weight(backend(0), 6);
	lb_live_set_weight(backend(1), 8);
	backend(1)->said_ms = backend(0)->said_ms;
	pair_meet(n);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(backend(0)->weight_override, 8);
	assert_int_equal(backend(1)->weight_override, 8);
	/* Taken back. */
	lb_live_set_weight(backend(1), -1);
	lb_live_set_admin(backend(1), LB_ADMIN_ENABLED);
	assert_true(pair_settle(n) >= 0);
	assert_int_equal(backend(0)->weight_override, -1);
	assert_int_equal(backend(0)->admin, LB_ADMIN_ENABLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_hundred_thousand_flows, open_large, close_pair),
		TEST(a_copy_that_is_used_is_ours_and_told_so),
		TEST(what_is_lost_a_bulk_repairs),
		TEST(a_peer_that_lost_its_memory_takes_none_of_ours),
		TEST(a_restart_takes_none_that_the_peer_has_from_here),
		TEST(who_has_the_address_drops_nothing),
		TEST(what_the_dataplane_did_not_take_comes_again),
		TEST(ours_stays_ours_at_second_hand),
		cmocka_unit_test_teardown(what_finds_no_room_is_not_held, close_pair),
		TEST(a_copy_ages_later_than_its_owner),
		TEST(what_is_used_is_told_again_after_a_quarter),
		TEST(what_a_bulk_will_tell_is_not_told_before),
		TEST(what_the_config_lacks_is_refused_until_it_names_it),
		TEST(what_the_config_lacks_is_no_orphan),
		TEST(numbers_of_one_node_mean_nothing_on_the_other),
		TEST(sticky_sources_go_in_bulk_and_are_told_again),
		TEST(the_later_word_counts_on_both),
	};

	if (!enter_netns()) {
		printf("1..0 # SKIP no permission to make a network namespace (run as root)\n");
		return 0;
	}
	sh("ip link set lo up");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
