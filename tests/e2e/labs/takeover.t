#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VRRP: an address that two routers share. A failover that clients hardly notice, between two of ours and with keepalived
# as the other one; two routers that do not hear each other, and what a second path between them is good for.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
. "$(dirname "$0")/../vrrp.sh"
. "$(dirname "$0")/../peers.sh"

lab_up vrrp
D=multihoming
config() { # PRIORITY
	echo "vrrp = { instances = (
		{ name = \"front\"; interface = \"front\"; vrid = 51; priority = $1; advert_interval_ms = 100; addresses = [ \"10.0.1.254/24\", \"fd00:1::fe/64\" ]; },
		{ name = \"back\"; interface = \"back\"; vrid = 52; priority = $1; advert_interval_ms = 100; addresses = [ \"10.0.2.254/24\", \"fd00:2::fe/64\" ]; } );
		groups = ( { name = \"edge\"; members = [ \"front\", \"back\" ]; } ); };"
}
start_kv server 6379
vrrp r1 "$(config 200)"
vrrp r2 "$(config 100)"
wait_for 5 is_state r1 active || bail "r1 is not active"
wait_for 5 answers 10.0.2.11 || bail "the server is not reached"

# ---- one address, two routers ----

claim_is $D "two routers, one gateway's address: one of them has it" "10.0.1.254 on: $(active_nodes 10.0.1.254 r1 r2), 10.0.2.254 on: $(active_nodes 10.0.2.254 r1 r2)" "10.0.1.254 on: r1, 10.0.2.254 on: r1"
fed session client "$TANDEM_BIN/kv_client" --timeout-ms 10000 10.0.2.11 6379
told session 'SET a 1' OK || bail "no session"
pinging 10.0.2.11 fail
spoken=$(in_ns client ip neigh show 10.0.1.254 | grep -o 'lladdr [0-9a-f:]*')
kill -KILL "$(speaker_pid r1)" "$(pid_of vrrp-r1)" 2> /dev/null
in_ns sw1 ip link set r1 down
in_ns sw2 ip link set r1 down
wait_for 5 is_state r2 active
claim_is $D "... it falls silent: the other takes them over" "10.0.1.254 on: $(active_nodes 10.0.1.254 r2), 10.0.2.254 on: $(active_nodes 10.0.2.254 r2)" "10.0.1.254 on: r2, 10.0.2.254 on: r2"
wait_for 5 answers 10.0.2.11
told session 'GET a' 1
claim_is $D "... a connection through them goes on" "GET a: $ANSWER" "GET a: 1"
n=$(pings_lost fail)
claim_holds $D "... what it cost" "$n pings of 100 a second" "$n <= 150"
claim "multihoming" "... clients were told the other's MAC, and need know nothing else" "$spoken, then $(in_ns client ip neigh show 10.0.1.254 | grep -o 'lladdr [0-9a-f:]*')" \
	"$([ "$spoken" != "$(in_ns client ip neigh show 10.0.1.254 | grep -o 'lladdr [0-9a-f:]*')" ] && echo ok || echo fail)"
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
vrrp r2 "$(config 100 | sed -E 's/, "fd00[^"]*"//g')"
wait_for 5 is_state r2 backup
claim_is keepalived-nat "keepalived shares addresses by VRRP, also with a speaker that is not keepalived" "10.0.1.254 on: $(active_nodes 10.0.1.254 r1 r2); ours is $(vjson r2 '[0].state')" "10.0.1.254 on: r1; ours is backup"
wait_for 5 answers 10.0.2.11
pinging 10.0.2.11 keepalived
stop keepalived-r1 KILL
in_ns sw1 ip link set r1 down
in_ns sw2 ip link set r1 down
wait_for 5 is_state r2 active
wait_for 5 answers 10.0.2.11
n=$(pings_lost keepalived)
claim_holds keepalived-nat "... keepalived dies: the other has them" "10.0.1.254 on: $(active_nodes 10.0.1.254 r2), $n pings of 100 a second lost" "$n <= 150"
stop vrrp-r2
stop_all
lab down

# ---- two that do not hear each other ----

pair_up
CONF=$(pair_conf | sed '/peer = /d')
vrrp a "$CONF"
vrrp b "$CONF"
wait_for 5 is_state a active && wait_for 5 is_state b backup || bail "no pair"
cut_adverts
wait_for 5 is_state b active
claim_is $D "split brain: adverts are lost, and plain VRRP has two routers that both have the address" "10.0.1.100 on: $(active_nodes 10.0.1.100 a b)" "10.0.1.100 on: a b"
mend
wait_for 5 is_state b backup
claim_is $D "... heard again, one gives way" "10.0.1.100 on: $(active_nodes 10.0.1.100 a b)" "10.0.1.100 on: a"
stop vrrp-a
stop vrrp-b
CONF=$(pair_conf)
pair_start
before=$(moves b)
cut_adverts
# A Backup waits for 0.4 s without an advert; here it is looked at for three times as long.
looks=0 began=$(now_ms)
while [ $(($(now_ms) - began)) -lt 1200 ] && [ "$(active_nodes 10.0.1.100 a b)" = a ]; do looks=$((looks + 1)); done
claim_holds $D "with more than one network between them the same cut moves nobody" "10.0.1.100 on: $(active_nodes 10.0.1.100 a b), in $looks looks for $(($(now_ms) - began)) ms, $(($(moves b) - before)) transitions" \
	"$looks >= 5 && $(moves b) == $before && \"$(active_nodes 10.0.1.100 a b)\" == \"a\""
mend

done_testing
