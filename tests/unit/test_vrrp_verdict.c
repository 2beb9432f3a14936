/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict: every row of vrrp_verdict.h as a row here, then what must hold for every pair of nodes that know each other,
 * over all of their facts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "vrrp/vrrp_verdict.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define NONE     VRRP_WITNESS_NONE
#define UNKNOWN  VRRP_WITNESS_UNKNOWN
#define REACHED  VRRP_WITNESS_REACHED
#define LOST     VRRP_WITNESS_LOST
#define INIT     VRRP_INITIALIZE
#define BACKUP   VRRP_BACKUP
#define ACTIVE   VRRP_ACTIVE
#define HANDOVER VRRP_HANDOVER
#define TAKE     VRRP_VERDICT_TAKE
#define HOLD     VRRP_VERDICT_HOLD
#define STAY     VRRP_VERDICT_STAY
#define YIELD    VRRP_VERDICT_YIELD

/* One node. */
struct node {
	enum vrrp_state state;
	uint8_t priority, address;
	bool lan_sick; /* so that a row that does not say it is well */
	enum vrrp_witness witness;
	bool behind; /* its table */
};

#define NODE(s, p, ...)                                      \
	{                                                    \
		.state = (s), .priority = (p), ##__VA_ARGS__ \
	}
#define LAN_SICK  .lan_sick = true
#define IS_BEHIND .behind = true

static struct vrrp_facts facts_of(const struct node *us, const struct node *peer)
{
	return (struct vrrp_facts){
		.state = us->state,
		.priority = us->priority,
		.source = {10, 0, 0, us->address},
		.paired = true,
		.peer_fresh = true,
		.peer_ever = true,
		.peer = {.state = (uint8_t)peer->state,
			.priority = peer->priority,
			.lan_well = !peer->lan_sick,
			.witness = (uint8_t)peer->witness,
			.source = {10, 0, 0, peer->address}},
		.witness = us->witness,
		.lan_well = !us->lan_sick,
		.table = us->behind ? VRRP_TABLE_BEHIND : VRRP_TABLE_IN_SYNC,
		.peer_table = peer->behind ? VRRP_TABLE_BEHIND : VRRP_TABLE_IN_SYNC,
		.sync_cap_ns = 60,
	};
}

static void expect(const struct vrrp_facts *facts, enum vrrp_verdict wanted, const char *row)
{
	struct vrrp_judgement got = vrrp_verdict(facts);

	if (got.verdict != wanted)
		fail_msg("%s: %s (%s), not %s", row, vrrp_verdict_name(got.verdict), got.why,
			vrrp_verdict_name(wanted));
	assert_non_null(got.why);
}

static const struct {
	const char *row;
	struct node us, peer;
	bool preempting;
	enum vrrp_verdict wanted;
} informed[] = {
	{"we do not take part", NODE(INIT, 0), NODE(ACTIVE, 1), false, HOLD},
	{"adverts lost, the peer active and well", NODE(BACKUP, 200), NODE(ACTIVE, 100), false, HOLD},
	{"... with a witness each", NODE(BACKUP, 200, .witness = REACHED),
		NODE(ACTIVE, 100, .address = 2, .witness = REACHED), false, HOLD},
	{"... its witness not asked yet", NODE(BACKUP, 200, .witness = REACHED),
		NODE(ACTIVE, 100, .address = 2, .witness = UNKNOWN), false, HOLD},
	{"... both lost it", NODE(BACKUP, 200, .witness = LOST),
		NODE(ACTIVE, 100, .address = 2, .witness = LOST), false, HOLD},
	{"the peer lost its witness", NODE(BACKUP, 100, .witness = REACHED),
		NODE(ACTIVE, 200, .address = 2, .witness = LOST), false, TAKE},
	{"... table or not", NODE(BACKUP, 100, .witness = REACHED, IS_BEHIND),
		NODE(ACTIVE, 200, .address = 2, .witness = LOST), false, TAKE},
	{"... but our LAN", NODE(BACKUP, 100, .address = 1, LAN_SICK, .witness = REACHED),
		NODE(ACTIVE, 200, .address = 2, .witness = LOST), false, HOLD},
	{"... and reads that", NODE(ACTIVE, 200, .address = 2, .witness = LOST),
		NODE(BACKUP, 100, .witness = REACHED), false, YIELD},
	{"... from one that cannot", NODE(ACTIVE, 200, .address = 2, .witness = LOST),
		NODE(INIT, 0, .witness = REACHED), false, STAY},
	{"the peer's LAN", NODE(BACKUP, 100), NODE(ACTIVE, 200, .address = 2, LAN_SICK), false, TAKE},
	{"... and reads that", NODE(ACTIVE, 200, .address = 2, LAN_SICK), NODE(BACKUP, 100), false, YIELD},
	{"both LANs", NODE(BACKUP, 100, .address = 1, LAN_SICK), NODE(ACTIVE, 200, .address = 2, LAN_SICK),
		false, HOLD},
	{"... of the active", NODE(ACTIVE, 100, .address = 1, LAN_SICK),
		NODE(BACKUP, 200, .address = 2, LAN_SICK), false, STAY},
	{"the peer is not there", NODE(BACKUP, 100), NODE(INIT, 0), false, TAKE},
	{"... and our table is behind", NODE(BACKUP, 100, .address = 1, IS_BEHIND), NODE(INIT, 0), false,
		TAKE},
	{"... and we are active", NODE(ACTIVE, 100, .witness = LOST), NODE(INIT, 0), false, STAY},
	{"both backup, higher", NODE(BACKUP, 101, .address = 1), NODE(BACKUP, 100, .address = 2), false,
		TAKE},
	{"both backup, lower", NODE(BACKUP, 100, .address = 2), NODE(BACKUP, 101, .address = 1), false, HOLD},
	{"both backup, greater address", NODE(BACKUP, 100, .address = 2), NODE(BACKUP, 100, .address = 1),
		false, TAKE},
	{"both backup, lower address", NODE(BACKUP, 100, .address = 1), NODE(BACKUP, 100, .address = 2),
		false, HOLD},
	{"both backup, one has its table", NODE(BACKUP, 100), NODE(BACKUP, 200, .address = 2, IS_BEHIND),
		false, TAKE},
	{"both backup, ours is behind", NODE(BACKUP, 200, .address = 2, IS_BEHIND), NODE(BACKUP, 100), false,
		HOLD},
	{"both backup, both behind", NODE(BACKUP, 200, .address = 2, IS_BEHIND),
		NODE(BACKUP, 100, .address = 1, IS_BEHIND), false, TAKE},
	{"both backup, its witness", NODE(BACKUP, 1, .witness = REACHED),
		NODE(BACKUP, 200, .address = 2, .witness = LOST), false, TAKE},
	{"both backup, our witness", NODE(BACKUP, 200, .address = 2, .witness = LOST),
		NODE(BACKUP, 1, .witness = REACHED), false, HOLD},
	{"preempting", NODE(BACKUP, 200), NODE(ACTIVE, 100), true, TAKE},
	{"preempting, behind", NODE(BACKUP, 200, IS_BEHIND), NODE(ACTIVE, 100), true, HOLD},
	{"preempting, our witness", NODE(BACKUP, 200, .witness = LOST),
		NODE(ACTIVE, 100, .address = 2, .witness = REACHED), true, HOLD},
	{"preempting, our LAN", NODE(BACKUP, 200, LAN_SICK), NODE(ACTIVE, 100), true, HOLD},
	{"handed over", NODE(BACKUP, 100), NODE(HANDOVER, 0), false, TAKE},
	{"... by priority 0", NODE(BACKUP, 100), NODE(ACTIVE, 0), false, TAKE},
	{"... behind", NODE(BACKUP, 100, .address = 1, IS_BEHIND), NODE(HANDOVER, 0), false, HOLD},
	{"... our witness", NODE(BACKUP, 100, .witness = LOST),
		NODE(HANDOVER, 0, .address = 2, .witness = REACHED), false, HOLD},
	{"handing over, nobody there", NODE(HANDOVER, 0), NODE(BACKUP, 100), false, STAY},
	{"handing over, taken", NODE(HANDOVER, 0, .address = 9), NODE(ACTIVE, 1, .address = 1), false, YIELD},
	{"both hand over", NODE(HANDOVER, 0, .address = 9), NODE(HANDOVER, 0, .address = 1), false, STAY},
	{"active, the other hands over", NODE(ACTIVE, 1, .address = 1), NODE(HANDOVER, 0, .address = 9),
		false, STAY},
	{"active, the other backup", NODE(ACTIVE, 100), NODE(BACKUP, 200), false, STAY},
	{"both active, higher", NODE(ACTIVE, 200, .address = 1), NODE(ACTIVE, 100, .address = 2), false,
		STAY},
	{"both active, lower", NODE(ACTIVE, 100, .address = 2), NODE(ACTIVE, 200, .address = 1), false,
		YIELD},
	{"both active, greater address", NODE(ACTIVE, 100, .address = 2), NODE(ACTIVE, 100, .address = 1),
		false, STAY},
	{"both active, lower address", NODE(ACTIVE, 100, .address = 1), NODE(ACTIVE, 100, .address = 2),
		false, YIELD},
	{"both active, its witness", NODE(ACTIVE, 1, .witness = REACHED),
		NODE(ACTIVE, 200, .address = 2, .witness = LOST), false, STAY},
	{"both active, our witness", NODE(ACTIVE, 200, .address = 2, .witness = LOST),
		NODE(ACTIVE, 1, .witness = REACHED), false, YIELD},
	{"both active, table or not", NODE(ACTIVE, 200, .address = 2, IS_BEHIND),
		NODE(ACTIVE, 1, .address = 1), false, STAY},
};

static void with_word_of_the_peer(void **state)
{
	for (size_t i = 0; i < COUNT_OF(informed); i++) {
		struct vrrp_facts facts = facts_of(&informed[i].us, &informed[i].peer);

		facts.preempting = informed[i].preempting;
		expect(&facts, informed[i].wanted, informed[i].row);
		if (informed[i].us.behind && informed[i].peer.state != BACKUP &&
			informed[i].us.state == BACKUP) {
			facts.waited_ns = facts.sync_cap_ns;
			expect(&facts, TAKE, informed[i].row);
		}
	}
}

static void without_word_of_the_peer(void **state)
{
	static const struct {
		const char *row;
		enum vrrp_state state;
		enum vrrp_isolation on_isolation;
		enum vrrp_witness witness;
		bool never, preempting, behind;
		int64_t waited_ns; /* for the table, and for a first word */
		enum vrrp_verdict wanted;
	} rows[] = {
		{"silence", BACKUP, VRRP_ISOLATION_TAKE, NONE, 0, 0, 0, 0, TAKE},
		{"silence, witness lost", BACKUP, VRRP_ISOLATION_TAKE, LOST, 0, 0, 0, 0, TAKE},
		{"silence, behind: the peer is gone", BACKUP, VRRP_ISOLATION_TAKE, NONE, 0, 0, true, 0, TAKE},
		{"fenced, in reach", BACKUP, VRRP_ISOLATION_FENCED, REACHED, 0, 0, 0, 0, TAKE},
		{"fenced, in reach, behind", BACKUP, VRRP_ISOLATION_FENCED, REACHED, 0, 0, true, 0, TAKE},
		{"fenced, lost", BACKUP, VRRP_ISOLATION_FENCED, LOST, 0, 0, 0, 0, HOLD},
		{"fenced, not known", BACKUP, VRRP_ISOLATION_FENCED, UNKNOWN, 0, 0, 0, 0, HOLD},
		{"fenced, none", BACKUP, VRRP_ISOLATION_FENCED, NONE, 0, 0, 0, 0, HOLD},
		{"a beginner", BACKUP, VRRP_ISOLATION_TAKE, NONE, true, 0, 0, VRRP_FIRST_WORD_NS - 1, HOLD},
		{"a beginner no more", BACKUP, VRRP_ISOLATION_TAKE, NONE, true, 0, 0, VRRP_FIRST_WORD_NS,
			TAKE},
		{"only lower are heard", BACKUP, VRRP_ISOLATION_TAKE, LOST, true, true, 0, 0, TAKE},
		{"... fenced, in reach", BACKUP, VRRP_ISOLATION_FENCED, REACHED, true, true, 0, 0, TAKE},
		{"... fenced, not known: an Active stays", BACKUP, VRRP_ISOLATION_FENCED, UNKNOWN, true, true,
			0, 0, TAKE},
		{"... fenced, lost: an Active yields", BACKUP, VRRP_ISOLATION_FENCED, LOST, true, true, 0, 0,
			HOLD},
		{"only lower are heard, behind", BACKUP, VRRP_ISOLATION_TAKE, NONE, 0, true, true, 59, HOLD},
		{"only lower are heard, cap over", BACKUP, VRRP_ISOLATION_TAKE, NONE, 0, true, true, 60,
			TAKE},
		{"active", ACTIVE, VRRP_ISOLATION_TAKE, LOST, 0, 0, 0, 0, STAY},
		{"active, fenced, lost", ACTIVE, VRRP_ISOLATION_FENCED, LOST, 0, 0, 0, 0, YIELD},
		{"active, fenced, in reach", ACTIVE, VRRP_ISOLATION_FENCED, REACHED, 0, 0, 0, 0, STAY},
		{"active, fenced, not known", ACTIVE, VRRP_ISOLATION_FENCED, UNKNOWN, 0, 0, 0, 0, STAY},
		{"active, fenced, none", ACTIVE, VRRP_ISOLATION_FENCED, NONE, 0, 0, 0, 0, STAY},
		{"handover, fenced, lost", HANDOVER, VRRP_ISOLATION_FENCED, LOST, 0, 0, 0, 0, YIELD},
		{"in fault", INIT, VRRP_ISOLATION_TAKE, REACHED, 0, 0, 0, 0, HOLD},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct vrrp_facts facts = {
			.state = rows[i].state,
			.priority = 100,
			.paired = true,
			.peer_ever = !rows[i].never,
			.peer = {.state = ACTIVE,
				.priority = 100,
				.lan_well = true}, /* not fresh: means nothing */
			.preempting = rows[i].preempting,
			.witness = rows[i].witness,
			.lan_well = true,
			.on_isolation = rows[i].on_isolation,
			.table = rows[i].behind ? VRRP_TABLE_BEHIND : VRRP_TABLE_NONE,
			.begun_ns = rows[i].waited_ns,
			.waited_ns = rows[i].waited_ns,
			.sync_cap_ns = 60,
		};

		expect(&facts, rows[i].wanted, rows[i].row);
	}
}

static void who_has_no_peer_asks_nobody(void **state)
{
	struct vrrp_facts facts = {
		.state = BACKUP, .on_isolation = VRRP_ISOLATION_FENCED, .table = VRRP_TABLE_BEHIND};

	expect(&facts, TAKE, "backup");
	facts.state = ACTIVE;
	expect(&facts, STAY, "active");
	facts.state = INIT;
	expect(&facts, HOLD, "initialize");
}

/* ---- all pairs ---- */

#define NODES (4 * 3 * 2 * 4 * 2)

/* Node number n of all there are, on the side with that last byte of the address. */
static struct node node_of(unsigned n, uint8_t address)
{
	struct node node = {.state = (enum vrrp_state)(n % 4), .address = address};

	node.priority = (uint8_t)(100 * (n / 4 % 3)); /* 0, 100, 200 */
	node.lan_sick = n / 12 % 2;
	node.witness = (enum vrrp_witness)(n / 24 % 4);
	node.behind = n / 96 % 2;
	return node;
}

static bool has(enum vrrp_verdict verdict)
{
	return verdict == TAKE || verdict == STAY;
}

static bool is_well(const struct node *node)
{
	return node->state != INIT && !node->lan_sick && node->witness != LOST;
}

/* A hand-over in progress: whoever takes speaks first, and is heard. */
static bool is_handing(const struct node *node)
{
	return node->state == HANDOVER || (node->state == ACTIVE && node->priority == 0);
}

static void check_pair(const struct node *a, const struct node *b, bool fenced, int64_t waited_ns)
{
	struct vrrp_facts of_a = facts_of(a, b), of_b = facts_of(b, a);
	enum vrrp_verdict va, vb;
	bool handed = (is_handing(a) && b->state == BACKUP) || (is_handing(b) && a->state == BACKUP);

	of_a.on_isolation = of_b.on_isolation = fenced ? VRRP_ISOLATION_FENCED : VRRP_ISOLATION_TAKE;
	of_a.waited_ns = of_b.waited_ns = waited_ns;
	va = vrrp_verdict(&of_a).verdict;
	vb = vrrp_verdict(&of_b).verdict;
	if (has(va) && has(vb) && !handed)
		fail_msg("both have it: states %d %d", (int)a->state, (int)b->state);
	if (!has(va) && !has(vb) && (is_well(a) || is_well(b)))
		fail_msg("nobody has it: states %d %d", (int)a->state, (int)b->state);
	/* Two that both are Active, or both not, always come apart, well or not. */
	if (a->state != INIT && b->state != INIT && (a->state == BACKUP) == (b->state == BACKUP))
		assert_true(has(va) != has(vb));
	/* The answer fits the question. */
	assert_true(a->state == INIT || (a->state == BACKUP) == (va == TAKE || va == HOLD));
}

static void two_that_know_each_other_never_both_have_it_nor_both_leave_it(void **state)
{
	for (unsigned i = 0; i < NODES; i++)
		for (unsigned k = 0; k < NODES; k++)
			for (unsigned rest = 0; rest < 4; rest++) {
				struct node a = node_of(i, 1), b = node_of(k, 2);

				check_pair(&a, &b, rest & 1, rest & 2 ? 1000 : 0);
			}
}

/* Who preempts finds an Active that is heard; what the other says stays the same, and the worse in health does not. */
static void who_preempts_is_not_worse(void **state)
{
	for (unsigned i = 0; i < NODES; i++)
		for (unsigned k = 0; k < NODES; k++) {
			struct node a = node_of(i, 1), b = node_of(k, 2);
			struct vrrp_facts facts = facts_of(&a, &b);

			if (a.state != BACKUP || b.state != ACTIVE)
				continue;
			facts.preempting = true;
			if (vrrp_verdict(&facts).verdict != TAKE)
				continue;
			assert_false(a.lan_sick && !b.lan_sick);
			assert_false(a.witness == LOST && b.witness == REACHED && !b.lan_sick);
			assert_true(!a.behind || b.lan_sick || b.witness == LOST);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_word_of_the_peer),
		cmocka_unit_test(without_word_of_the_peer),
		cmocka_unit_test(who_has_no_peer_asks_nobody),
		cmocka_unit_test(two_that_know_each_other_never_both_have_it_nor_both_leave_it),
		cmocka_unit_test(who_preempts_is_not_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
