#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stations behind one card: whom they reach in each mode, and what that takes of the switch.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
"$ROOT/scripts/kernel-has" macvlan > /dev/null || skip_all "this kernel has no macvlan"

learnt() { in_ns sw bridge fdb show br br0 brport host | grep -v permanent | grep -c '^02:00:'; } # MACs that the switch has seen at host's port
hairpin() { in_ns sw bridge link set dev host hairpin "$1"; in_ns m1 ip neigh flush all; in_ns m2 ip neigh flush all; in_ns host ip neigh flush all; }

lab_up macvlan --mode bridge
matrix software-networking "macvlan bridge: stations behind one card reach each other and who is outside, never the host" \
	"m1 10.0.1.22 10.0.1.12 fd00:1::22 fd00:1::12 !10.0.1.11" "m2 10.0.1.21 !10.0.1.11" "out 10.0.1.21 10.0.1.22 10.0.1.11" "host 10.0.1.12 !10.0.1.21"
claim_is software-networking "... each has a MAC of its own, which the switch learns at one port" "$(learnt) MACs" "3 MACs"
hairpin on
reach_rows "m1 10.0.1.11"
claim_is software-networking "... the host is reached when the switch sends frames back where they came from (hairpin)" \
	"${REACH_WRONG:-m1 reaches the host}" "m1 reaches the host"

lab_up macvlan --mode private
matrix software-networking "macvlan private: stations behind one card do not reach each other" "m1 10.0.1.12 !10.0.1.22" "m2 10.0.1.12 !10.0.1.21"
hairpin on
matrix software-networking "... not even by way of a switch with hairpin" "m1 !10.0.1.22"

lab_up macvlan --mode vepa
matrix software-networking "macvlan vepa: frames between stations behind one card go out to the switch, which drops them" "m1 10.0.1.12 !10.0.1.22"
hairpin on
matrix software-networking "... unless it has hairpin: then it sees, and may filter, all of them" "m1 10.0.1.22 fd00:1::22"

# macvtap: the same, and what arrives goes to a program.
if in_ns host ip link add link eth0 name tap7 type macvtap mode bridge 2> /dev/null; then
	index=$(in_ns host ip -o link show dev tap7 | cut -d: -f1)
	claim_is software-networking "macvtap: such a station for a program (a virtual machine): it gets a character device" \
		"$(ip netns exec "${LAB_PREFIX}host" ls /sys/class/net/tap7/macvtap)" "tap$index"
else
	claim_skip software-networking "macvtap: such a station for a program (a virtual machine)" "this kernel has no macvtap"
fi

done_testing
