/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/bpf/lb_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FIN LB_TCP_FIN
#define SYN LB_TCP_SYN
#define RST LB_TCP_RST
#define ACK LB_TCP_ACK

/* Short names, so that the table below can be read as one. */
enum {
	SY = LB_FLOW_SYN,
	SR = LB_FLOW_SYN_RECV,
	ES = LB_FLOW_ESTABLISHED,
	FC = LB_FLOW_FIN_CLIENT,
	FB = LB_FLOW_FIN_BACKEND,
	CL = LB_FLOW_CLOSING,
	RC = LB_FLOW_RST_CLIENT,
	RB = LB_FLOW_RST_BACKEND,
	AB = LB_FLOW_ABORTED,
	DO = LB_FLOW_DOOMED
};

static const uint8_t states[] = {SY, SR, ES, FC, FB, CL, RC, RB, AB, DO};

struct row {
	uint8_t flags;
	uint32_t direction;
	int acks;
	uint8_t after[sizeof(states)]; /* in the order of `states` */
};

/* clang-format off */
static const struct row table[] = {
	/*                                     SY  SR  ES  FC  FB  CL  RC  RB  AB  DO */
	{SYN, LB_TO_BACKEND, 0,               {SY, SR, ES, FC, FB, CL, RC, RB, AB, DO}},
	{SYN, LB_TO_CLIENT, 0,                {SY, SR, ES, FC, FB, CL, RC, RB, AB, DO}},
	{SYN | ACK, LB_TO_CLIENT, 0,          {SR, SR, ES, FC, FB, CL, SR, SR, AB, DO}},
	{SYN | ACK, LB_TO_BACKEND, 1,         {SY, SR, ES, FC, FB, CL, RC, RB, AB, DO}},
	{ACK, LB_TO_BACKEND, 0,               {SY, SR, ES, FC, FB, CL, ES, RB, AB, DO}},
	{ACK, LB_TO_BACKEND, 1,               {SY, ES, ES, FC, FB, CL, ES, RB, AB, DO}},
	{ACK, LB_TO_CLIENT, 0,                {SY, ES, ES, FC, FB, CL, RC, ES, AB, DO}},
	{0, LB_TO_BACKEND, 0,                 {SY, SR, ES, FC, FB, CL, ES, RB, AB, DO}},
	{FIN | ACK, LB_TO_BACKEND, 0,         {SY, SR, FC, FC, CL, CL, FC, RB, AB, DO}},
	{FIN | ACK, LB_TO_BACKEND, 1,         {SY, FC, FC, FC, CL, CL, FC, RB, AB, DO}},
	{FIN | ACK, LB_TO_CLIENT, 0,          {SY, FB, FB, CL, FB, CL, RC, FB, AB, DO}},
	{RST, LB_TO_BACKEND, 0,               {AB, AB, RC, RC, RC, CL, RC, RC, AB, DO}},
	{RST | ACK, LB_TO_BACKEND, 1,         {AB, AB, RC, RC, RC, CL, RC, RC, AB, DO}},
	{RST | ACK, LB_TO_CLIENT, 0,          {AB, AB, RB, RB, RB, CL, RB, RB, AB, DO}},
	{RST | SYN | FIN, LB_TO_CLIENT, 0,    {AB, AB, RB, RB, RB, CL, RB, RB, AB, DO}},
};
/* clang-format on */

static void every_segment_leads_where_the_table_says(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t s = 0; s < sizeof(states); s++) {
			uint8_t got =
				lb_tcp_next(states[s], table[i].direction, table[i].flags, table[i].acks);

			if (got != table[i].after[s])
				fail_msg("row %zu, state %u: %u, want %u", i, states[s], got,
					table[i].after[s]);
		}
}

/* Whatever a client sends that has not seen the SYN+ACK: the flow is not established, and may be evicted. */
static void who_does_not_see_the_syn_ack_establishes_nothing(void **state)
{
	for (uint32_t first = 0; first < 64; first++)
		for (uint32_t second = 0; second < 64; second++)
			for (uint32_t third = 0; third < 64; third++)
				for (uint8_t begin = SY; begin <= SR; begin++) {
					uint8_t s = lb_tcp_next(begin, LB_TO_BACKEND, (uint8_t)first, 0);

					s = lb_tcp_next(s, LB_TO_BACKEND, (uint8_t)second, 0);
					s = lb_tcp_next(s, LB_TO_BACKEND, (uint8_t)third, 0);
					if (!lb_flow_is_half_open(s))
						fail_msg("flags %#x %#x %#x: state %u", first, second, third,
							s);
				}
}

/* No segment brings a flow that is over back to life, but for a reset that was not meant. */
static void over_is_over(void **state)
{
	for (uint32_t flags = 0; flags < 256; flags++)
		for (uint32_t direction = 0; direction < 2; direction++)
			for (int acks = 0; acks < 2; acks++) {
				assert_int_equal(lb_tcp_next(CL, direction, (uint8_t)flags, acks), CL);
				assert_int_equal(lb_tcp_next(AB, direction, (uint8_t)flags, acks), AB);
				assert_int_equal(lb_tcp_next(DO, direction, (uint8_t)flags, acks), DO);
			}
}

static void each_state_is_of_its_kinds(void **state)
{
	static const struct {
		uint8_t state, live, half_open, over;
	} kinds[] = {{LB_FLOW_FREE, 0, 0, 0}, {SY, 1, 1, 0}, {SR, 1, 1, 0}, {ES, 1, 0, 0}, {FC, 1, 0, 0},
		{FB, 1, 0, 0}, {CL, 0, 0, 1}, {RC, 0, 0, 1}, {RB, 0, 0, 1}, {AB, 0, 1, 1}, {DO, 0, 0, 1},
		{LB_FLOW_UDP_NEW, 1, 1, 0}, {LB_FLOW_UDP, 1, 0, 0}};

	assert_int_equal(sizeof(kinds) / sizeof(kinds[0]), LB_FLOW_STATES);
	for (size_t i = 0; i < LB_FLOW_STATES; i++) {
		assert_int_equal(!!lb_flow_is_live(kinds[i].state), kinds[i].live);
		assert_int_equal(!!lb_flow_is_half_open(kinds[i].state), kinds[i].half_open);
		assert_int_equal(!!lb_flow_is_over(kinds[i].state), kinds[i].over);
	}
}

static void each_state_has_its_time(void **state)
{
	const struct lb_globals g = {
		.half_open_jiffies = 30, .half_closed_jiffies = 240, .closing_jiffies = 15};
	static const struct {
		uint8_t state;
		uint32_t idle, timeout;
	} rows[] = {{SY, 900, 30}, {SY, 5, 30}, {SR, 900, 30}, {ES, 900, 900}, {ES, 5, 5}, {FC, 900, 240},
		{FC, 100, 100}, {FB, 900, 240}, {CL, 900, 15}, {RC, 900, 60}, {RB, 900, 60}, {AB, 900, 15},
		{DO, 900, 15}, {LB_FLOW_UDP, 60, 60}, {LB_FLOW_UDP_NEW, 60, 30}, {LB_FLOW_UDP_NEW, 3, 3}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(lb_flow_timeout(rows[i].state, rows[i].idle, &g), rows[i].timeout);
}

/* Two CPUs look at the clock one after the other, and use the same thing in the other order. */
static void what_was_used_a_moment_later_is_not_old(void **state)
{
	assert_int_equal(lb_age_of(100, 130), 30);
	assert_int_equal(lb_age_of(100, 100), 0);
	assert_int_equal(lb_age_of(101, 100), 0);
	assert_int_equal(lb_age_of(UINT32_MAX, 2), 3);
	assert_int_equal(lb_age_of(2, UINT32_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_segment_leads_where_the_table_says),
		cmocka_unit_test(who_does_not_see_the_syn_ack_establishes_nothing),
		cmocka_unit_test(over_is_over),
		cmocka_unit_test(each_state_is_of_its_kinds),
		cmocka_unit_test(each_state_has_its_time),
		cmocka_unit_test(what_was_used_a_moment_later_is_not_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
