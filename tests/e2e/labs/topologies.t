#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every topology that any kernel can make comes up, reaches what it should and nothing else, and goes without a trace.
# What each is there to show is the matter of the exercises beside this file; those that take another kernel are in
# bond.t and layers.t.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"

lab_cycle two_clients
matrix socket-lab "two clients on networks of their own reach the server, and each other through it" \
	"client1 10.0.1.1 10.0.2.1 10.0.2.2 fd00:1::1 fd00:2::2" \
	"client2 10.0.2.1 10.0.1.1 10.0.1.2 fd00:2::1 fd00:1::2" \
	"server 10.0.1.2 10.0.2.2 fd00:1::2 fd00:2::2"
echo 0 | in_ns server tee /proc/sys/net/ipv4/conf/all/forwarding > /dev/null
matrix socket-lab "... because the server forwards: without that each reaches the server only" \
	"client1 10.0.1.1 !10.0.2.2" "client2 10.0.2.1 !10.0.1.2"

lab_cycle bridge
reach "bridge: stations reach each other and the switch's own address" \
	"a 10.0.1.1 10.0.1.12 10.0.1.13 fd00:1::13" "b 10.0.1.1 10.0.1.11 fd00:1::1" "sw 10.0.1.13 fd00:1::12"

lab_cycle nat-router &&
	reach "nat-router: out goes, in does not; IPv6 needs no translation" \
	"in1 10.0.1.12 192.0.2.2 192.0.2.1 fd00:2::2" "out !10.0.1.11 !192.0.2.1 !fd00:1::11 fd00:2::1" "router 192.0.2.2 10.0.1.11"
lab_cycle nat-router --mode routed &&
	reach "... routed: both ways" "in1 192.0.2.2 fd00:2::2" "out 10.0.1.11 10.0.1.12 fd00:1::12"

lab_cycle multihome
reach "multihome: near reaches both addresses, far all three" \
	"near 10.0.1.1 10.0.1.2 10.0.3.11" "far 10.0.1.1 10.0.1.2 10.0.2.1 10.0.1.11" "server 10.0.3.11"

lab_cycle tuntap &&
	reach "tuntap: what is below works, what is above waits for its program" \
	"a 10.0.1.2 fd00:1::2 !10.0.9.2" "h1 !10.0.8.2"

lab_cycle vrrp
reach "vrrp: routers see both sides, the gateways are nobody's" \
	"client 10.0.1.1 10.0.1.2 !10.0.1.254 !10.0.2.11" "server 10.0.2.1 10.0.2.2 fd00:2::2 !10.0.2.254" "r1 10.0.1.2 10.0.2.2"

lab_cycle mptcp &&
	reach "mptcp: two cables, a network each" "client 10.0.1.1 10.0.2.1" "server 10.0.1.2 10.0.2.2"

for mode in bridge private vepa; do
	lab_cycle macvlan --mode $mode || continue
	m2=10.0.1.22
	[ $mode = bridge ] || m2=!$m2
	reach "macvlan $mode: who is outside is reached, the host itself never" "m1 10.0.1.12 fd00:1::12 !10.0.1.11 $m2" "out 10.0.1.21 10.0.1.11"
done

# ---- lab's other verbs ----

lab down
out=$(lab with bridge -- lab exec a ping -q -n -c 1 -W 2 10.0.1.12 2>&1)
is "with: makes a lab, runs a command in it" $? 0
like "... whose words come out" "$out" '1 received'
is "... and removes it" "$(ls /run/netns | grep -E "^${LAB_PREFIX}[a-z0-9]+$")" ""
out=$(lab with bridge -- sh -c 'exit 7' 2>&1)
is "... the command's status is handed back" $? 7
lab_up bridge
out=$(lab with bridge -- true 2>&1)
is "with: not over a lab that stands" $? 1
like "... which is said" "$out" "a lab '$LAB_PREFIX' stands"
out=$(lab up bridge --mode x 2>&1)
is "a topology without modes takes none" $? 2
out=$(lab up macvlan --mode x 2>&1)
is "no such mode" $? 2
like "... and those that are" "$out" "one of bridge private vepa"

out=$(lab capture sw toa icmp -- lab exec a ping -q -n -c 3 -i 0.05 -W 2 10.0.1.12 2>&1)
is "capture: with a command, its status" $? 0
like "... all of its packets, and what they were" "$out" '6 packets, 0 missed: 6 ICMP'
like "... one a line" "$out" '10\.0\.1\.11 +10\.0\.1\.12 +ICMP +98 +Echo \(ping\) request'
out=$(lab capture --packets 2 --write "$TMP/kept" sw toa icmp -- lab exec a ping -q -n -c 3 -i 0.05 -W 2 10.0.1.12 2>&1)
like "... no more than --packets" "$out" '2 packets, '
ok "... kept where --write says" test -s "$TMP/kept"
like "capture: without a command for --seconds" "$(lab capture --seconds 1 c eth0 tcp port 9 2>&1)" '^0 packets, 0 missed'
out=$(lab up bridge --needs tea 2>&1)
is "no such feature of a kernel" $? 2
like "... and those that are" "$out" "'tea': bonding .* would do"
refused() { # NAME STATUS REGEX capture's arguments...
	local name=$1 want=$2 regex=$3; shift 3
	out=$(lab capture "$@" 2>&1)
	is "capture: $name" $? "$want"
	like "... and says so" "$out" "$regex"
}
refused "no such node" 1 "no node 'x'.*a b c sw" x
refused "a filter that is none" 1 'does not record: .*syntax error' sw toa port
refused "no number of packets" 2 "'0': 1 to 99999" --packets 0 sw
refused "no number of seconds" 2 "'': 1 to 9999" --seconds

ok "down" lab down
is "... leaves nothing" "$(ls /run/netns | grep -E "^${LAB_PREFIX}[a-z0-9]+$")" ""

done_testing
