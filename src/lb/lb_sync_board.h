/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of the peer's table is here, in the word that tandem-vrrp reads on the board of leases (common/lease_map.h). Pure. */
#ifndef TANDEM_LB_LB_SYNC_BOARD_H
#define TANDEM_LB_LB_SYNC_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/lease_map.h"
#include "lb/lb_sync_link.h"

/* For so long after the start the peer may still be about to speak. */
#define LB_SYNC_NOBODY_NS INT64_C(5000000000)

/* IN_SYNC also when the peer has been silent for seconds after it had told all, or never spoke at all: then what is here is
 * all there is, and a single survivor must not wait for more. BEHIND as long as there is a backend of which nothing is known
 * yet (is_checked is false): who takes addresses back now would refuse new connections. */
enum lease_table lb_sync_board_table(const struct lb_sync_link_status *status, bool is_checked, int64_t now);

#endif
