#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two routers, one gateway address on either side: who has it, what a client loses when it moves, and why a pair wants
# more than one network between its nodes.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/../vrrp.sh"

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

# Cut in two without a sign: the switches drop what r1 sends, its carriers stay.
for sw in sw1 sw2; do in_ns $sw bridge link set dev r1 state 0; done
ok "both networks are cut: both routers are active" wait_for 10 who_is "r1 r2/r1 r2"
claim_is multihoming "split brain: adverts get lost on every network, and both have the addresses" "$(who)" "r1 r2/r1 r2"
for sw in sw1 sw2; do in_ns $sw bridge link set dev r1 state 3; done
ok "healed: one is" wait_for 10 who_is "r1/r1"
in_ns sw2 bridge link set dev r1 state 0
in_ns client ping -q -n -c 20 -i 0.1 -W 1 10.0.1.254 > /dev/null # twenty advert intervals
claim_is multihoming "one of two networks is cut: the adverts on the other keep the backup quiet" "$(who)" "r1/r1"

done_testing
