#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pair over bonds (active-backup), both daemons on each node: one link of a bond is pulled and nobody moves, both are and
# the other node takes over, they are plugged in and it gives back. The connections of the clients go through all of it, with
# data that is checked. What each event costs in time is for faster kernels.
. "$(dirname "$0")/../e2e/lib.sh"
needs bonding
. "$(dirname "$0")/../e2e/failover.sh"

ports() { # up|down SWITCH PORT...: SWITCH PORT pairs, of lba's client bond
	local how=$1
	shift
	while [ $# -gt 0 ]; do in_ns "$1" ip link set "$2" "$how"; shift 2; done
}
moved() { ask lba --json vrrp | json - '[0].transitions'; }
links_up() { # N
	[ "$(in_ns lba grep -A 1 '^Slave Interface' /proc/net/bonding/bond0 | grep -c 'MII Status: up')" = "$1" ]
}
goes_on() {
	count_answers
	ok "... all go on" wait_for 30 each_answered
	is "... no connection broke, no answer was wrong" "$(total broken) $(total corrupt)" "0 0"
}
all_open() { peek_loads; [ "$(total open)" = 100 ]; }

pair_up_whole
is "the nodes are bonded" "$BONDED" yes
ok "the pair is well" wait_for 60 is_well lba lbb
TCP="--connections 25 --rate 15 --timeout-ms 30000 --duration 500"
# shellcheck disable=SC2086
{
	held kv4 c1 $SERVICE4 6379 --mode kv $TCP
	held kv6 c2 $SERVICE6 6379 --mode kv $TCP
	held echo4 c2 $SERVICE4 7 --mode echo --data 2000 $TCP
	held echo6 c1 $SERVICE6 7 --mode echo --data 2000 $TCP
}
ok "a hundred connections" wait_for 60 all_open
ok "... the other node follows" wait_for 30 is_well lba lbb

before=$(moved)
ports down sw1 lba1
ok "one link is pulled: the bond has one" wait_for 20 links_up 1
goes_on
is "... nobody moved" "$(moved) $(active_now)" "$before lba"

MARKED_MS=$(now_ms)
ports down sw2 lba2
ok "both are: the other node has all" wait_for 30 has_all lbb
ok "... why: no carrier" wait_for 15 said lba 'front: .*bond0 has no carrier'
goes_on

ports up sw1 lba1 sw2 lba2
ok "plugged in: it has all again, and the other follows" wait_for 60 is_well lba lbb
goes_on

MARKED_MS=$(now_ms)
kill_both lba
ok "speaker and guard are killed: the other node has all" wait_for 30 has_all lbb
goes_on
is "no connection was made anew" "$(total opened)" 100
done_testing
