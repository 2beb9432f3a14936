#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What goes wrong with a pair, one thing after the other, as clients see it: connections with checked data, and datagrams that
# are never sent again, over both families. After each event: who is active, why (the events say), that no connection broke,
# and for how long nobody had an answer. The bounds are the protocol's and allow for a busy machine: what it holds up datagrams
# that take no node's way is added. (The numbers of a quiet one are the benchmark's.)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/failover.sh"

SLACK_MS=300
VRRP_MS=361       # three adverts of 100 ms, and the skew of priority 100
GRACEFUL_MS=20
KILL_MS=50

pair_up_whole
wait_for 30 is_well lba lbb || bail "the pair does not come up"
start_echo c2 7 c2
# At 250/s for 1.5 s fewer wait for an answer than there are: a gap never stops who sends.
UDP="--mode echo-udp --connections 400 --rate 250 --timeout-ms 1500 --duration 600"
TCP="--connections 200 --rate 100 --timeout-ms 20000 --duration 600"
# shellcheck disable=SC2086
{
	held kv4 c1 $SERVICE4 6379 --mode kv $TCP
	held echo6 c2 $SERVICE6 7 --mode echo --data 4000 $TCP
	held udp4 c1 $SERVICE4 7 $UDP
	held udp6 c2 $SERVICE6 7 $UDP
	held calm c1 10.0.1.22 7 $UDP
}
all_open() { peek_loads; [ "$(total open kv4 echo6)" = 400 ]; }
ok "four hundred connections" wait_for 60 all_open
ok "the other node follows" wait_for 30 is_well lba lbb

happens() { EVENT=$1; mark; }
no_more_than() { # MS: how long nobody had an answer; and nobody broke
	local allowed
	count_answers
	ok "... all go on" wait_for 20 each_answered
	allowed=$(awk "BEGIN { print $1 + $SLACK_MS + $(gap calm) }")
	holds "... for $(gap udp4) and $(gap udp6) ms nobody had an answer; $1 ms, $SLACK_MS and $(gap calm) of the machine's are allowed" \
		"$(gap udp4) <= $allowed && $(gap udp6) <= $allowed"
	is "... no connection broke, no answer was wrong" "$(total broken kv4 echo6) $(total corrupt)" "0 0"
}
has_lbb() { has_all lbb && has_none lba; }
cables() { # up|down: lba's to the clients
	local port switch ports=lba
	[ "$BONDED" = no ] || ports="lba1 lba2"
	for port in $ports; do
		for switch in sw1 sw2; do
			! in_ns $switch ip link show $port > /dev/null 2>&1 || in_ns $switch ip link set $port "$1"
		done
	done
}
nobody_moved() { ! said lba 'edge: (active|backup|handover)' && ! said lbb 'edge: (active|backup|handover)'; }

# ---- the client's link ----

happens "the link to the clients is pulled"
cables down
ok "$EVENT: the other node has all" wait_for 15 has_lbb
ok "... why: no carrier" wait_for 15 said lba 'front: .*no carrier'
ok "... and the other was told" said lbb 'edge: active: the active node left'
no_more_than $VRRP_MS

happens "it is plugged in"
cables up
ok "$EVENT: all is as before" wait_for 30 is_well lba lbb
ok "... told" said lba 'edge: active: '
no_more_than $VRRP_MS

# ---- processes ----

happens "tandem-lb is killed (kill -9)"
stop lb-lba KILL 2> /dev/null
no_more_than $KILL_MS
ok "... nobody moved" nobody_moved
happens "it is started"
start_lb lba
ok "$EVENT: all is well" wait_for 30 is_well lba lbb
ok "... nobody moved" nobody_moved
no_more_than $KILL_MS

happens "the speaker is killed (kill -9)"
kill -KILL "$(speaker_of lba)"
ok "$EVENT: it is active again" wait_for 30 is_well lba lbb
like "... its guard saw that" "$(tail -n 30 "$(log_of vrrp-lba)")" 'guard: the speaker .* died of signal 9'
no_more_than $KILL_MS

happens "the guard is killed (kill -9)"
kill -KILL "$(pid_of vrrp-lba)"
wait_exit vrrp-lba 15
ok "$EVENT: the other node has all" wait_for 15 has_all lbb
ok "... why: the speaker ended and said so" said lbb 'edge: active: the active node left'
no_more_than $VRRP_MS
happens "it is started"
start_vrrp lba
ok "$EVENT: all is as before" wait_for 30 is_well lba lbb
no_more_than $VRRP_MS

happens "speaker and guard are killed at once (kill -9)"
kill_both lba
ok "$EVENT: the other node has all" wait_for 15 has_all lbb
ok "... why: silence" said lbb 'edge: active: no advert for the down interval'
no_more_than $VRRP_MS
happens "they are started"
start_vrrp lba
ok "$EVENT: all is as before" wait_for 30 is_well lba lbb
no_more_than $VRRP_MS

happens "speaker and guard hang (SIGSTOP)"
doze lba
ok "$EVENT: the other node has all" wait_for 15 has_all lbb
ok "... why: silence" said lbb 'edge: active: no advert for the down interval'
no_more_than $VRRP_MS
happens "they go on (SIGCONT)"
wake lba
ok "$EVENT: all is as before" wait_for 30 is_well lba lbb
no_more_than $VRRP_MS

# ---- an operator ----

happens "an operator hands over"
ask lba failover edge > "$TMP/last"
ok "$EVENT: the other node has all" wait_for 15 has_lbb
ok "... why" said lba 'edge: handover: '
no_more_than $GRACEFUL_MS
happens "and back"
ask lbb failover edge > "$TMP/last"
ok "$EVENT: all is as before" wait_for 30 is_well lba lbb
no_more_than $GRACEFUL_MS

# ---- the whole node ----

happens "the node loses its power"
power_off lba
ok "$EVENT: the other node has all" wait_for 15 has_all lbb
ok "... why: silence" said lbb 'edge: active: no advert for the down interval'
no_more_than $VRRP_MS
happens "it returns"
power_on lba
ok "$EVENT: it has all, with the connections" wait_for 60 is_well lba lbb
is "... it waited for them" "$(ask lba --json vrrp | json - '[0].takeover.table')" "in sync"
no_more_than $VRRP_MS

# ---- what the nodes tell each other ----

happens "the heartbeat is cut on every LAN"
cut_heartbeat || bail "the switches cannot drop adverts"
ok "$EVENT: the pair knows" wait_for 15 said lbb 'hold: .*adverts are lost, but the peer is active and well'
ok "... nobody moved" nobody_moved
no_more_than 0
happens "it is mended"
mend_heartbeat
ok "$EVENT: all is well" wait_for 15 is_well lba lbb
ok "... nobody moved" nobody_moved
no_more_than 0

happens "the link between the nodes is cut"
in_ns lba nft -f - <<-'END'
	table inet direct {
		chain i { type filter hook input priority 0; iifname "sync" drop; }
		chain o { type filter hook output priority 0; oifname "sync" drop; }
	}
END
ok "$EVENT: the pair knows" wait_for 15 said lba 'peer lbb: path silent: path 1'
ok "... still in sync, over the LANs" wait_for 15 is_well lba lbb
ok "... nobody moved" nobody_moved
no_more_than 0
happens "it is mended"
in_ns lba nft 'delete table inet direct'
ok "$EVENT: the pair knows" wait_for 15 said lba 'peer lbb: path up: path 1'
ok "... in sync" wait_for 15 is_well lba lbb
ok "... nobody moved" nobody_moved
no_more_than 0

is "no connection was made anew" "$(total opened kv4 echo6)" 400
for l in $LOADS; do stop "$l" INT; done
pair_down
done_testing
