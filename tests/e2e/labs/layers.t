#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several networks on one cable: VLANs tagged and untagged, two of them over one bond, a customer's tags inside a
# provider's, and ipvlan, where several stations share a card and its MAC.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
needs bonding 8021q ipvlan dummy

tags() { # NODE INTERFACE FROM TO -> the tags of a ping's first frame there
	local line
	spawn sniff "$1" timeout 20 tcpdump -Z root -n -e -l -c 1 --immediate-mode -i "$2" \
		"icmp or (vlan and (icmp or (vlan and icmp)))"
	wait_log sniff 10 'listening on' || bail "no capture"
	pings "$3" "$4"
	wait_exit sniff 20
	line=$(grep 'ICMP echo' "$(log_of sniff)" | tail -n 1)
	[ -n "$line" ] || { echo "no frame"; return; }
	line=$(grep -o -E 'vlan [0-9]+' <<< "$line" | paste -sd' ')
	echo "${line:-no tag}"
}

lab_cycle vlan
matrix multihoming "stations of one VLAN reach each other, tagged or not, and nobody of another" \
	"s1 10.0.1.11 fd00:1::11 !10.0.5.1" "s5 10.0.5.11 10.0.5.12 fd00:5::12 !10.0.6.1" "s6 10.0.6.12 fd00:6::12 !10.0.5.1" \
	"pi 10.0.1.1 10.0.5.1 10.0.5.12"
claim_is multihoming "on a trunk a frame has its VLAN's tag" "$(tags pi eth0 pi 10.0.5.1)" "vlan 5"
claim_is multihoming "... one of the default network has none" "$(tags pi eth0 pi 10.0.1.1)" "no tag"
claim_is multihoming "... and an access port takes it off" "$(tags s5 eth0 pi 10.0.5.1)" "no tag"
in_ns s5 ip link add link eth0 name eth0.6 type vlan id 6
in_ns s5 ip addr add 10.0.6.99/24 dev eth0.6
in_ns s5 ip link set eth0.6 up
reach_rows "s5 !10.0.6.1 !10.0.6.12"
claim_is multihoming "a station on an access port that tags by itself gets into no other VLAN" "${REACH_WRONG:-it reaches nobody there}" "it reaches nobody there"
matrix multihoming "two networks over two cables: a bond, and VLANs on it" "both 10.0.5.1 10.0.6.1 10.0.5.11 fd00:6::1"
in_ns sw ip link set both0 down
wait_for 5 in_ns both grep -A 1 -E 'Interface: eth0' /proc/net/bonding/bond0 > /dev/null
ok "... a cable is pulled" wait_for 10 pings both 10.0.5.1
matrix multihoming "... one cable is pulled: both networks go on" "both 10.0.5.1 10.0.6.1" "s6 10.0.6.12"

in_ns pi ip link add dummy0 type dummy
in_ns pi ip addr add 10.0.99.1/32 dev dummy0
in_ns pi ip link set dummy0 up
in_ns s1 ip route add 10.0.99.1 via 10.0.1.11
in_ns s5 ip route add 10.0.99.1 via 10.0.5.11
reach_rows "s1 10.0.99.1" "s5 10.0.99.1"
claim_is software-networking "dummy: an address that hangs on no cable; whichever network one comes by, it answers" \
	"${REACH_WRONG:-s1 and s5 reach 10.0.99.1}" "s1 and s5 reach 10.0.99.1"

lab_up qinq
matrix software-networking "nested VLANs: two customers use the same addresses and VLAN 7 and reach their own site" \
	"red1 10.0.7.2 fd00:7::2" "blue1 10.0.7.2 fd00:7::2" "red2 10.0.7.1"
claim_is software-networking "... between the provider's switches a frame has two tags" "$(tags p1 trunk red1 10.0.7.2)" "vlan 100 vlan 7"
claim_is software-networking "... the other customer's has another outer one" "$(tags p1 trunk blue1 10.0.7.2)" "vlan 200 vlan 7"
claim_is software-networking "... of which the customer sees nothing" "$(tags red2 eth0 red1 10.0.7.2)" "vlan 7"
in_ns red2 ip link set eth0 down
reach_rows "red1 !10.0.7.2" "blue1 10.0.7.2"
claim_is software-networking "... one customer's broken site is nobody else's" "${REACH_WRONG:-red is cut off, blue goes on}" "red is cut off, blue goes on"

lab_up macvlan --mode ipvlan-l2
matrix software-networking "ipvlan l2: two stations behind one card reach each other and who is outside, not the host" \
	"m1 10.0.1.22 10.0.1.12 fd00:1::12 !10.0.1.11" "out 10.0.1.21 10.0.1.22 10.0.1.11"
macs=$(for n in host m1 m2; do in_ns $n ip -br link show dev eth0 | awk '{ print $3 }'; done | sort | uniq -c | awk '{ print $1 }')
claim_is software-networking "... with one MAC address for all three" "$macs have the same" "3 have the same"
lab_up macvlan --mode ipvlan-l3
matrix software-networking "ipvlan l3: it routes, and nobody outside hears ARP from it: without a route they are not reached" \
	"m1 10.0.1.22 fd00:1::22 !10.0.1.12" "out !10.0.1.21 10.0.1.11"

done_testing
