#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A hundred failovers in a row under two thousand established connections, TCP over both families, that carry data which is
# checked byte by byte: handed over by an operator, by a speaker that is killed with its guard, by a speaker that hangs, by
# a cable that is pulled. None breaks, nothing arrives that is not what was sent.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/failover.sh"

FAILOVERS=${FAILOVERS:-100}

all_open() {
	local open
	peek_loads
	open=$(total open)
	echo "$open are open"
	[ "$open" = 2000 ]
}

# Each leaves the other node active, and this one able to take over again.
hand_over() { ask "$1" failover edge; }
kill_hard() {
	kill_both "$1" # whose status is the killed one's
	wait_for 20 has_all "$2" && start_vrrp "$1"
}
hang() {
	doze "$1"
	wait_for 20 has_all "$2"
	local status=$?
	wake "$1"
	return $status
}
pull() { # by the switch
	local port=$1
	[ "$BONDED" = no ] || port="${1}1 ${1}2"
	ports down && wait_for 20 has_all "$2" && ports up
}
ports() { # up|down: of the node $1 of pull
	local p switch
	for p in $port; do
		for switch in sw1 sw2; do ! in_ns $switch ip link show "$p" > /dev/null 2>&1 || in_ns $switch ip link set "$p" "$1"; done
	done
}

fail_over() { # NUMBER FROM TO
	case $(($1 % 10)) in
	3) kill_hard "$2" "$3" ;;
	6) hang "$2" "$3" ;;
	9) pull "$2" "$3" ;;
	*) hand_over "$2" ;;
	esac && wait_for 30 is_well "$3" "$2"
}

# Who was handed the addresses keeps them.
pair_up_whole 's/vrid = [0-9]*;/& preempt = false;/'
wait_for 30 is_well lba lbb || bail "the pair does not come up"
# Long enough that a connection which is lost for good would not pass for a slow one, and retransmissions do.
REST="--connections 500 --rate 100 --timeout-ms 20000 --duration 900"
# shellcheck disable=SC2086
{
	held kv4 c1 $SERVICE4 6379 --mode kv $REST
	held kv6 c2 $SERVICE6 6379 --mode kv $REST
	held echo4 c2 $SERVICE4 7 --mode echo --data 4000 $REST
	held echo6 c1 $SERVICE6 7 --mode echo --data 4000 $REST
}
ok "two thousand connections" wait_for 60 all_open
ok "the other node follows them" wait_for 30 is_in_sync lba lbb

from=lba to=lbb failed=
for ((i = 1; i <= FAILOVERS && ${#failed} == 0; i++)); do
	peek_loads
	answers=$(total answers)
	fail_over $i $from $to > "$TMP/out" 2>&1 && wait_for 30 answered_since "$answers" > "$TMP/out" ||
		failed="no. $i from $from to $to: $(tail -n 3 "$TMP/out")"
	node=$from from=$to to=$node
done
is "$FAILOVERS failovers, and after each all goes on" "$failed" ""
peek_loads
is "no connection broke" "$(total broken)" 0
is "none was made anew" "$(total opened)" 2000
is "nothing came back that was not sent" "$(total corrupt)" 0
is "no request went unanswered" "$(total failed_requests)" 0
for l in $LOADS; do stop "$l" INT; done
pair_down
done_testing
