#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node whose table is too small for what the other one holds: it says so, and that it is not in sync; it waits with its
# takeover as long as it may.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

CLIENT=c1
SYNC_CAP=15
lease_up
sed -i 's/max_flows = 4096/max_flows = 1024/' "$TMP/lba.conf"
lb lbb
vrrp lbb "$CONF"
ok "the other node is active" wait_for 20 is_state lbb active
load held c1 10.0.1.100 80 --mode kv --connections 1200 --rate 200 --timeout-ms 20000 --duration 300
flows_are() { local n; n=$(vctl "$1" --json flows --limit 1 | json - .total) && echo "$n" && [ "$n" -ge "$2" ]; }
ok "... with 1200 connections" wait_for 30 flows_are lbb 1200

sync_says() { vctl lba peers --daemon lb | grep -E -- "$1"; }
waits() {
	local why; why=$(vjson lba '[0].verdict.why')
	echo "lba is $(vjson lba '[0].state'), $why"
	is_state lba backup && [ "$why" = "waits for the connection table" ]
}
lb lba
vrrp lba "$(cat "$TMP/lba.conf")"
ok "the first one has room for 1024: that is said" wait_for 15 sync_says 'from peer +table full'
ok "... as long as it may it waits" wait_for 15 waits
is "... nothing moved" "$(vjson lbb '[0].state')" active
ok "... and told what found no room" sync_says 'copies .* full'
told() { vctl lba events --daemon lb | grep 'out of sync  *its connections here: table full'; }
ok "... and it stands in the events" wait_for 15 told
ok "... not for ever" wait_for 60 is_state lba active
stop held TERM
done_testing
