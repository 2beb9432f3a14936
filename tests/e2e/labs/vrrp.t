#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two routers, one gateway address on either side: who has it, what a client loses when it moves, whether on purpose, by a
# cable or by a death; the same with keepalived as the other router; why a pair wants more than one network between its nodes.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
. "$(dirname "$0")/../vrrp.sh"
. "$(dirname "$0")/../peers.sh"

routers() { # PRIORITY
	echo "vrrp = { instances = (
		{ name = \"front\"; interface = \"front\"; vrid = 51; priority = $1; advert_interval_ms = 100;
		  addresses = [ \"10.0.1.254/24\", \"fd00:1::fe/64\" ]; },
		{ name = \"back\"; interface = \"back\"; vrid = 52; priority = $1; advert_interval_ms = 100;
		  addresses = [ \"10.0.2.254/24\", \"fd00:2::fe/64\" ]; } );
		groups = ( { name = \"gateway\"; members = [ \"front\", \"back\" ]; } ); };"
}
who() { echo "$(active_nodes 10.0.1.254 r1 r2)/$(active_nodes 10.0.2.254 r1 r2)"; }
who_is() { [ "$(who)" = "$1" ] || { who; return 1; }; }
through() { # the client's pings to the server, 100 a second, until `lost`
	spawn pinging client stdbuf -oL ping -n -i 0.01 -W 1 10.0.2.11
	wait_log pinging 10 'icmp_seq=5 ' || bail "no pings"
}
lost() {
	wait_for 5 more_answers "$(grep -c 'bytes from' "$(log_of pinging)")" > /dev/null || bail "the pings do not come back"
	stop pinging INT
	awk '/packets transmitted/ { print $1 - $4 }' "$(log_of pinging)" | tail -n 1
}
more_answers() { [ "$(grep -c 'bytes from' "$(log_of pinging)")" -gt "$(($1 + 20))" ]; }

lab_up vrrp
start_kv server 6379
vrrp r1 "$(routers 200)"
vrrp r2 "$(routers 100)"
ok "one router has both gateways" wait_for 5 who_is "r1/r1"
matrix multihoming "VRRP: two routers advertise one shared gateway; who uses it need not know which has it" \
	"client 10.0.1.254 10.0.2.11 fd00:2::11" "server 10.0.2.254 10.0.1.11"
before=$(mac_of 10.0.1.254)
through
like "handing over on purpose" "$(vctl r1 failover gateway)" 'handed over'
ok "... the other has both" wait_for 5 who_is "r2/r2"
n=$(lost)
claim_holds multihoming "the gateway is handed over: a client's way to a server goes on" "$n pings lost of 100 a second" "$n <= 30"
claim_is multihoming "... to another MAC, which the new holder announces" "$([ "$before" != "$(mac_of 10.0.1.254)" ] && echo "another MAC")" "another MAC"
vctl r2 failover gateway > "$TMP/back"
ok "and back" wait_for 5 who_is "r1/r1"

through
in_ns sw1 ip link set r1 down
ok "one router loses one of its networks: the other takes both gateways" wait_for 10 who_is "r2/r2"
n=$(lost)
claim_holds multihoming "a router that lost one network gives up both sides, else answers would go nowhere" "$(who | tr / ' '); $n pings lost of 100 a second" "$n <= 100"
in_ns sw1 ip link set r1 up
ok "back" wait_for 15 who_is "r1/r1"

# ---- cut in two without a sign ----

# The switches drop what r1 sends, its carriers stay.
for sw in sw1 sw2; do in_ns $sw bridge link set dev r1 state 0; done
ok "both networks are cut: both routers are active" wait_for 10 who_is "r1 r2/r1 r2"
claim_is multihoming "split brain: adverts get lost on every network, and both have the addresses" "$(who)" "r1 r2/r1 r2"
for sw in sw1 sw2; do in_ns $sw bridge link set dev r1 state 3; done
wait_for 10 who_is "r1/r1"
claim_is multihoming "... heard again, one gives way" "$(who)" "r1/r1"
in_ns sw2 bridge link set dev r1 state 0
in_ns client ping -q -n -c 20 -i 0.1 -W 1 10.0.1.254 > /dev/null # twenty advert intervals
claim_is multihoming "one of two networks is cut: the adverts on the other keep the backup quiet" "$(who)" "r1/r1"
in_ns sw2 bridge link set dev r1 state 3

# ---- a death, in the middle of a connection ----

fed session client "$TANDEM_BIN/kv_client" --timeout-ms 10000 10.0.2.11 6379
told session 'SET a 1' OK || bail "no session"
through
kill -KILL "$(speaker_pid r1)" "$(pid_of vrrp-r1)" 2> /dev/null
in_ns sw1 ip link set r1 down
in_ns sw2 ip link set r1 down
ok "a router falls silent: the other takes both gateways" wait_for 5 is_state r2 active # r1's kernel keeps them, and is cut off
n=$(lost)
claim_holds multihoming "a router dies: the other takes over" "10.0.1.254 on: $(active_nodes 10.0.1.254 r2), 10.0.2.254 on: $(active_nodes 10.0.2.254 r2); $n pings lost of 100 a second" "$n <= 150"
told session 'GET a' 1
claim_is multihoming "... a connection through them goes on" "GET a: $ANSWER" "GET a: 1"
stop vrrp-r1 KILL 2> /dev/null
stop session

# ---- keepalived as the other one ----

stop vrrp-r2
in_ns sw1 ip link set r1 up
in_ns sw2 ip link set r1 up
for f in front back; do in_ns r1 ip addr flush dev $f; done
in_ns r1 ip addr add 10.0.1.1/24 dev front
in_ns r1 ip addr add 10.0.2.1/24 dev back
block() { # NAME VRID ADDRESS
	cat <<-END
		vrrp_instance $1 {
			interface $1
			virtual_router_id $2
			priority 200
			advert_int 0.1
			version 3
			state BACKUP
			virtual_ipaddress {
				$3
			}
		}
	END
}
keepalived r1 "vrrp_sync_group edge {
	group {
		front
		back
	}
}
$(block front 51 10.0.1.254/24)
$(block back 52 10.0.2.254/24)"
wait_for 10 has r1 10.0.1.254/24
wait_for 10 has r1 10.0.2.254/24
vrrp r2 "$(routers 100 | sed -E 's/, "fd00[^"]*"//g')"
wait_for 5 is_state r2 backup
claim_is keepalived-nat "keepalived shares addresses by VRRP, also with a speaker that is not keepalived" "10.0.1.254 on: $(active_nodes 10.0.1.254 r1 r2); ours is $(vjson r2 '[0].state')" "10.0.1.254 on: r1; ours is backup"
wait_for 5 answers 10.0.2.11
through
stop keepalived-r1 KILL
in_ns sw1 ip link set r1 down
in_ns sw2 ip link set r1 down
wait_for 5 is_state r2 active
n=$(lost)
claim_holds keepalived-nat "... keepalived dies: the other has them" "10.0.1.254 on: $(active_nodes 10.0.1.254 r2), $n pings of 100 a second lost" "$n <= 150"
stop vrrp-r2
stop_all
lab down

# ---- more than one network between them ----

pair_up
CONF=$(pair_conf)
pair_start
before=$(moves b)
cut_adverts
# A Backup waits for 0.4 s without an advert; here it is looked at for three times as long.
looks=0 began=$(now_ms)
while [ $(($(now_ms) - began)) -lt 1200 ] && [ "$(active_nodes 10.0.1.100 a b)" = a ]; do looks=$((looks + 1)); done
claim_holds multihoming "with a second network between them adverts that are lost move nobody: beacons go on" "10.0.1.100 on: $(active_nodes 10.0.1.100 a b), in $looks looks for $(($(now_ms) - began)) ms, $(($(moves b) - before)) transitions" \
	"$looks >= 5 && $(moves b) == $before && \"$(active_nodes 10.0.1.100 a b)\" == \"a\""
mend

done_testing
