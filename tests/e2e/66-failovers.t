#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A hundred failovers in a row under two thousand established connections, TCP over both families, that carry data which is
# checked byte by byte: handed over by an operator, by a speaker that is killed with its guard, by a speaker that hangs, by
# a cable that is pulled. None breaks, nothing arrives that is not what was sent.
. "$(dirname "$0")/lib.sh"

BIN=$TANDEM_BIN CONFIG=$TMP/tandem.conf ADVERT_MS=100
SERVICE4=10.0.1.100 SERVICE6=fd00:1::100 INTERFACES='"bond0", "bond1"'
CHECK_INTERVAL_MS=1000 CHECK_TIMEOUT_MS=900 CHECK_FALL=5
. "$ROOT/scripts/demo.d/config.sh"
. "$ROOT/tests/nodes.sh"

FAILOVERS=${FAILOVERS:-100}
LOADS="kv4 kv6 echo4 echo6"

# Long enough that a connection which is lost for good would not pass for a slow one, and retransmissions do.
begin_loads() {
	local rest="--connections 500 --rate 100 --timeout-ms 20000 --duration 900"
	# shellcheck disable=SC2086
	{
		load kv4 c1 $SERVICE4 6379 --mode kv $rest
		load kv6 c2 $SERVICE6 6379 --mode kv $rest
		load echo4 c2 $SERVICE4 7 --mode echo --data 4000 $rest
		load echo6 c1 $SERVICE6 7 --mode echo --data 4000 $rest
	}
}
total() { # .path in the report: the sum over all loads
	local l n sum=0
	for l in $LOADS; do n=$(report "$l" "$1") || return 1; sum=$((sum + n)); done
	echo $sum
}
peek_loads() {
	local l
	for l in $LOADS; do rm -f "$TMP/$l.json"; done
	for l in $LOADS; do kill -USR1 "$(pid_of "$l")"; done
	wait_for 10 reported > /dev/null
}
reported() { local l; for l in $LOADS; do [ -e "$TMP/$l.json" ] || return 1; done; }
all_open() {
	local open
	peek_loads && open=$(total .connections.open) && echo "$open are open" && [ "$open" = 2000 ]
}
answered_since() { # N: that many answers and a hundred more
	local now
	peek_loads && now=$(total .answers) && echo "$now answers, $1 before" && [ "$now" -ge $(($1 + 100)) ]
}

# Each leaves the other node active, and this one able to take over again.
hand_over() { ask "$1" failover edge; }
kill_hard() { kill_both "$1" && wait_for 10 has_all "$2" && start_vrrp "$1"; }
hang() {
	doze "$1"
	wait_for 10 has_all "$2"
	local status=$?
	wake "$1"
	return $status
}
pull() { # by the switch
	local port=$1
	[ "$BONDED" = no ] || port="${1}1 ${1}2"
	ports down && wait_for 10 has_all "$2" && ports up
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
	esac && wait_for 15 is_well "$3" "$2"
}

BONDED=no
! "$ROOT/scripts/kernel-has" bonding > /dev/null || BONDED=yes
lab_up pair --backends 3
for b in b1 b2 b3; do start_kv $b 6379; start_echo $b 7; start_time $b 123; done
"$BIN/tandemctl" keygen "$TMP/key" > "$TMP/last" || bail "no key"
# Who was handed the addresses keeps them.
pair_config | sed 's/vrid = [0-9]*;/& preempt = false;/' > "$CONFIG"
mountpoint -q "$BPFFS" || mount -t bpf bpf "$BPFFS" || bail "cannot mount the bpf filesystem at $BPFFS"
for node in lba lbb; do start_node $node; done
wait_for 30 is_well lba lbb || bail "the pair does not come up"
begin_loads
ok "two thousand connections" wait_for 60 all_open
ok "the other node follows them" wait_for 20 is_in_sync lba lbb

from=lba to=lbb failed=
for ((i = 1; i <= FAILOVERS && ${#failed} == 0; i++)); do
	peek_loads
	answers=$(total .answers)
	fail_over $i $from $to > "$TMP/out" 2>&1 && wait_for 20 answered_since "$answers" > "$TMP/out" ||
		failed="no. $i from $from to $to: $(tail -n 3 "$TMP/out")"
	node=$from from=$to to=$node
done
is "$FAILOVERS failovers, and after each all goes on" "$failed" ""
peek_loads
is "no connection broke" "$(total .connections.broken)" 0
is "none was made anew" "$(total .connections.opened)" 2000
is "nothing came back that was not sent" "$(total .failures.corrupt)" 0
is "no request went unanswered" "$(total .failed_requests)" 0
for l in $LOADS; do stop "$l" INT; done
for node in lba lbb; do
	in_ns $node "$BIN/tandem-lb" -r "$(run_of $node)" --remove > "$TMP/last" 2>&1
done
done_testing
