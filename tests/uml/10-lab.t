#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The ground of the tests over bonds: the other kernel, and the lab `pair` in each bond mode and with a VLAN. A link
# that is pulled costs next to nothing, both cost everything, and a link that is back carries again.
. "$(dirname "$0")/../e2e/lib.sh"
needs bonding 8021q

pings() { # NODE ADDRESS -> true when two in a row come back
	in_ns "$1" ping -q -n -c 2 -i 0.01 -w 1 "$2"
}
lost() { # how many of the 100 pings of `pinging` did not come back
	wait_exit pinging 15
	awk '/packets transmitted/ { print $1 - $4 }' "$(log_of pinging)" | tail -n 1
}
switch_port() { # SWITCH PORT up|down
	in_ns "$1" ip link set "$2" "$3"
}
links_up() { # how many links of lba's bond0 are usable
	in_ns lba grep -A 1 '^Slave Interface' /proc/net/bonding/bond0 | grep -c 'MII Status: up'
}
links_are() { [ "$(links_up)" = "$1" ] || { links_up; return 1; }; }
bond_is_whole() { # MODE: both links are usable, with LACP both ends have agreed
	local agreed
	links_are 2 || return
	[ "$1" = 802.3ad ] || return 0
	agreed=$(in_ns lba ip -d -o link show | grep -c 'front[12].*ad_partner_oper_port_state_str <[^>]*,distributing')
	[ "$agreed" = 2 ] || { echo "LACP has agreed on $agreed links"; return 1; }
}
active() { in_ns lba sed -n 's/^Currently Active Slave: //p' /proc/net/bonding/bond0; }
modes() { in_ns lba ip -d link show | sed -n 's/^ *bond mode \([^ ]*\).*/\1/p' | paste -sd' '; }

pull_and_plug() { # NAME SWITCH PORT SWITCH PORT
	local name=$1 before n
	before=$(active)
	shift
	spawn pinging c1 stdbuf -oL ping -n -c 100 -i 0.01 -W 1 10.0.1.11
	wait_log pinging 15 'icmp_seq=20 '
	switch_port "$1" "$2" down
	n=$(lost)
	diag "$name, one link pulled: $n of 100 pings lost"
	holds "$name: one link is pulled: at most 5 of 100 pings are lost" "$n <= 5"
	is "... and the bond has noticed" "$(links_up)" 1
	[ "$name" != active-backup ] || is "... the other link is the active one" "$before $(active)" "front1 front2"

	switch_port "$3" "$4" down
	ok "... both are pulled: the bond has no link" wait_for 15 links_are 0
	not_ok "... and nothing comes through" pings c1 10.0.1.11
	is "... while the sync link goes on" "$(pings lba 10.0.9.2 > /dev/null && echo yes)" yes

	switch_port "$1" "$2" up
	switch_port "$3" "$4" up
	ok "... plugged in again: the bond is as it was" wait_for 30 bond_is_whole "$name"
	ok "... and carries" wait_for 15 pings c1 10.0.1.11
}

is "this kernel calls itself" "$(cat /proc/sys/kernel/hostname)" uml
began=$(now_ms)
sleep 1
holds "a second takes a second" "$(now_ms) - $began >= 990 && $(now_ms) - $began < 1500"

for mode in active-backup balance-rr 802.3ad; do
	ok "$mode: the lab comes up" lab up pair --bond $mode --backends 1
	LAB_MADE=1
	is "... as asked for" "$(modes)" "$mode $mode"
	ok "... node to node over the clients' network" pings lba 10.0.1.12
	ok "... over IPv6" pings lbb fd00:1::11
	ok "... over the backends' network" pings lba 10.0.2.3
	ok "... from a client on the other switch" pings c2 10.0.1.11
	ok "... from a backend" pings b1 fd00:2::3
	other=sw1
	[ $mode != active-backup ] || other=sw2
	pull_and_plug $mode sw1 lba1 $other lba2
done

before=$(stat -c %i "/run/netns/${LAB_PREFIX}"*)
is "up again says nothing" "$(lab up pair --bond 802.3ad --backends 1 2>&1)" ""
is "... and makes nothing anew" "$(stat -c %i "/run/netns/${LAB_PREFIX}"*)" "$before"
in_ns lba ip link set back2 nomaster
like "a link outside its bond is noticed" "$(lab up pair --vlan 7 --backends 1 2>&1)" "made anew: "

is "VLAN: the addresses stand on it" "$(in_ns lba ip -br -4 addr show bond0.7 | awk '{ print $3 }')" 10.0.1.11/24
is "... not on the bond" "$(in_ns lba ip -br -4 addr show bond0)" "$(in_ns lba ip -br -4 addr show bond0 | awk '$3 == ""')"
ok "... clients come through untagged" pings c1 10.0.1.12
ok "... over IPv6, from the other switch" pings c2 fd00:1::11
ok "... backends too" pings b1 10.0.2.2
spawn sniff lba timeout 5 tcpdump -n -e -c 1 -i bond0 icmp
wait_log sniff 15 'listening on'
pings c1 10.0.1.11 > /dev/null
wait_exit sniff 15
like "... and the node's frames are tagged" "$(cat "$(log_of sniff)")" 'vlan 7'
is "up again says nothing" "$(lab up pair --vlan 7 --backends 1 2>&1)" ""
ok "down" lab down
is "... leaves nothing" "$(ls /run/netns)" ""

done_testing
