#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Connection sync is cut, connections begin that the other node is not told of, and the active node's speaker dies: the other
# node takes over, and what it does not know is dropped, not reset, for the other tandem-lb may have it. It has, sync is
# mended, and the connections go on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

CLIENT=c1
lease_up
sed -i 's/sync_cap_s = [0-9]*;/& grace_ms = 30000;/' "$TMP/lba.conf" "$TMP/lbb.conf"
CONF=$(cat "$TMP/lba.conf")
both_run
counter_of() { vctl "$1" --json counters --daemon lb | json - "[name=$2].value"; }
in_ns lba nft -f - <<-'END2'
	table inet sync {
		chain i { type filter hook input priority 0; udp dport 3781 drop; }
		chain o { type filter hook output priority 0; udp dport 3781 drop; }
	}
END2
ok "sync is cut: neither tandem-lb hears the other" wait_for 15 tables_are alone
load late c1 10.0.1.100 80 --mode kv --connections 30 --rate 100 --timeout-ms 20000 --duration 300
begun() { local n; n=$(vctl lba --json flows --limit 1 | json - .total) && echo "$n flows" && [ "$n" = 30 ]; }
ok "connections begin" wait_for 15 begun
kill -KILL "$(pid_of vrrp-lba)" "$(speaker_pid lba)"
ok "the speaker of the active node dies: the other takes over" wait_for 15 is_state lbb active
graced() { [ "$(counter_of lbb grace)" -gt 0 ]; }
ok "... what it does not know it drops" wait_for 15 graced
in_ns lba nft delete table inet sync
answers=$(load_peek late .answers)
go_on() { local n; n=$(load_peek late .answers) && echo "$n answers, $answers before" && [ "$n" -gt $((answers + 300)) ]; }
ok "sync is mended: they go on" wait_for 30 go_on
is "... none was reset" "$(load_peek late .failures)" '{"closed":0,"corrupt":0,"other":0,"refused":0,"reset":0,"timeout":0}'
is "... as connections of the other node" "$(counter_of lbb no_flow) $(counter_of lbb copy_taken)" "0 30"
stop late TERM
done_testing
