#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The other modes of a bond: which cable 40 pings take, and what a cable that is pulled costs.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/bonds.sh"
needs bonding

mode_claims balance-xor "$ONE_CABLE" "one pair of stations stays on one cable"
pulled balance-xor
mode_claims broadcast "A >= 38 && B >= 38" "each frame goes twice"
pulled broadcast
mode_claims balance-tlb "$ONE_CABLE" "the switch need not know; what goes to one station stays on one cable"
pulled balance-tlb
mode_claims balance-alb "$ONE_CABLE" "the switch need not know; what goes to one station stays on one cable"
pulled balance-alb

done_testing
