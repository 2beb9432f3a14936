/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_sync_board.h"

#define PEER_LIVES_NS INT64_C(3000000000)

enum lease_table lb_sync_board_table(const struct lb_sync_link_status *status, bool is_checked, int64_t now)
{
	if (!is_checked)
		return LEASE_TABLE_BEHIND;
	if (status->in == SYNC_WHY_IN_SYNC)
		return LEASE_TABLE_IN_SYNC;
	/* Nobody is there: what we hold is all there is. */
	if (status->heard_at == INT64_MIN)
		return now - status->opened_at >= LB_SYNC_NOBODY_NS ? LEASE_TABLE_IN_SYNC
								    : LEASE_TABLE_BEHIND;
	if (now - status->heard_at > PEER_LIVES_NS && status->whole)
		return LEASE_TABLE_IN_SYNC;
	return LEASE_TABLE_BEHIND;
}
