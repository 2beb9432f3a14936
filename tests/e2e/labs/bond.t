#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two cables that are one: the exercise in which half of the pings are lost, and the modes that are used most. The others
# are in bond-modes.t.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/bonds.sh"
needs bonding

# ---- the exercise: a bond on one side only ----

lab_up bond
reach "two cables, a network each" "client1 10.0.1.1 10.0.2.1 fd00:1::1 fd00:2::1" "server1 10.0.1.2 10.0.2.2"
claim_is interfaces "a namespace shows its own interfaces in /sys/class/net (and the bonds' switch-board)" \
	"$(ip netns exec "${LAB_PREFIX}client1" ls /sys/class/net | paste -sd' ')" "bonding_masters eth0 eth1 lo"

printf '%s\n' 'link add bond0 type bond mode balance-rr' 'addr flush dev eth0' 'addr flush dev eth1' 'link set eth0 down' \
	'link set eth1 down' 'link set eth0 master bond0' 'link set eth1 master bond0' 'link set eth0 up' 'link set eth1 up' \
	'link set bond0 up' 'addr add 10.0.1.2/24 dev bond0' | ip -n "${LAB_PREFIX}client1" -batch - || bail "no bond"
mac=$(in_ns client1 cat /proc/net/bonding/bond0 | grep -c "Permanent HW addr")
macs=$(in_ns client1 ip -br link show | awk '/^(eth[01]|bond0)/ { print $3 }' | sort -u | wc -l)
claim_is interfaces "a bond and the two cards in it have one MAC address" "$mac cards and the bond: $macs address" "2 cards and the bond: 1 address"
n=$(lost 100 10.0.1.1)
other=$(lost 100 -I bond0 10.0.2.1)
claim_holds interfaces "balance-rr over two networks that are not one: every second ping goes astray, to either card" \
	"$n of 100 pings to eth0 lost, $other of 100 to eth1" "$n >= 40 && $n <= 60 && $other >= 40 && $other <= 60"
stray=$(in_ns server1 ip neigh show 10.0.1.2 | awk '{ print $3 }')
diag "server1 has client1 on: $stray"
printf '%s\n' 'addr flush dev eth0' 'addr flush dev eth1' 'link set eth0 down' 'link set eth1 down' 'link add bond0 type bond mode balance-rr' \
	'link set eth0 master bond0' 'link set eth1 master bond0' 'link set eth0 up' 'link set eth1 up' 'link set bond0 up' \
	'addr add 10.0.1.1/24 dev bond0' | ip -n "${LAB_PREFIX}server1" -batch - || bail "no bond"
in_ns client1 ip neigh flush all
wait_for 5 pings client1 10.0.1.1
n=$(lost 100 10.0.1.1)
claim_holds interfaces "... with a bond at the other end too none is" "$n of 100 pings lost" "$n == 0"

# ---- modes ----

mode_claims balance-rr "A >= 12 && B >= 12" "frames take turns"
pulled balance-rr
mode_claims active-backup "$ONE_CABLE" "one cable carries all, the other waits"
pulled active-backup
mode_claims 802.3ad "$ONE_CABLE" "both ends have agreed, one pair of stations stays on one cable"
claim_like multihoming "802.3ad: LACP names the partner, and a number of ports" \
	"$(in_ns client1 grep -E 'Number of ports|Partner Mac Address' /proc/net/bonding/bond0 | paste -sd' ' | tr -s '\t ' ' ')" \
	'Number of ports: 2 Partner Mac Address: 02:[0-9a-f:]+'
pulled 802.3ad

done_testing
