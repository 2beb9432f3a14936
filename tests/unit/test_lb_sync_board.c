/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of the peer's table, in every condition of the peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lb/lb_sync_board.h"

#define S     INT64_C(1000000000)
#define NEVER INT64_MIN

static void every_condition(void **state)
{
	static const struct {
		enum sync_why in;
		int64_t heard_at, opened_at;
		bool whole;
		enum lease_table want;
	} rows[] = {
		{SYNC_WHY_IN_SYNC, 99 * S, 0, true, LEASE_TABLE_IN_SYNC},
		/* It lives, and there is more to come. */
		{SYNC_WHY_BULK, 99 * S, 0, false, LEASE_TABLE_BEHIND},
		{SYNC_WHY_BEHIND, 99 * S, 0, true, LEASE_TABLE_BEHIND},
		{SYNC_WHY_SILENT, 97 * S, 0, true, LEASE_TABLE_BEHIND},
		{SYNC_WHY_SESSION, 99 * S, 0, false, LEASE_TABLE_BEHIND},
		/* It is gone: there is no more than what it had told, if it had told all. */
		{SYNC_WHY_SILENT, 97 * S - 1, 0, true, LEASE_TABLE_IN_SYNC},
		{SYNC_WHY_SILENT, 97 * S - 1, 0, false, LEASE_TABLE_BEHIND},
		{SYNC_WHY_SILENT, 1, 0, false, LEASE_TABLE_BEHIND},
		/* It was never there: who is alone does not wait, once it is clear that he is. */
		{SYNC_WHY_SESSION, NEVER, 95 * S + 1, false, LEASE_TABLE_BEHIND},
		{SYNC_WHY_SESSION, NEVER, 95 * S, false, LEASE_TABLE_IN_SYNC},
		{SYNC_WHY_SESSION, NEVER, 0, false, LEASE_TABLE_IN_SYNC},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lb_sync_link_status status = {.in = rows[i].in,
			.out = SYNC_WHY_BULK,
			.heard_at = rows[i].heard_at,
			.opened_at = rows[i].opened_at,
			.whole = rows[i].whole};

		if (lb_sync_board_table(&status, true, 100 * S) != rows[i].want)
			fail_msg("row %zu", i);
		/* Who does not know its backends yet is not ready, whatever the peer told. */
		if (lb_sync_board_table(&status, false, 100 * S) != LEASE_TABLE_BEHIND)
			fail_msg("row %zu, unchecked", i);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(every_condition)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
