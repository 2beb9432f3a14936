# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the exercises over bonds share: counting frames and pings, and pulling a cable; sourced behind claim.sh and reach.sh.

sent() { in_ns client1 ip -s -o link show dev "$1" | sed -E 's/.*TX: [^\\]*\\ *([0-9]+) +([0-9]+) .*/\2/'; } # INTERFACE -> frames
lost() { # how many of N pings, 10 ms apart: N [ping's arguments] ADDRESS
	in_ns client1 ping -q -n -c "$1" -i 0.01 -W 1 "${@:2}" > "$TMP/ping"
	awk '/packets transmitted/ { print $1 - $4 }' "$TMP/ping"
}
duplicates() { sed -n 's/.* +\([0-9]*\) duplicates.*/\1/p' "$TMP/ping"; }
links_up() { in_ns client1 grep -A 1 '^Slave Interface' /proc/net/bonding/bond0 | grep -c 'MII Status: up'; }
one_link() { [ "$(links_up)" = 1 ]; }

# ---- a mode ----

mode_claims() { # MODE EXPRESSION WHAT; A and B in it are the frames that left by either cable
	local mode=$1 expression=$2 what=$3 a b n extra=
	LAB_MADE=1
	lab up bond --bond "$mode" 2> /dev/null || bail "bond $mode does not come up"
	reach "$mode" "client1 10.0.1.1 fd00:1::1" "server1 10.0.1.2 fd00:1::2"
	a=$(sent eth0) b=$(sent eth1)
	n=$(lost 40 10.0.1.1)
	a=$(($(sent eth0) - a)) b=$(($(sent eth1) - b))
	[ "$mode" != broadcast ] || extra=", $(duplicates) answers more than were asked for"
	expression=${expression//A/$a} expression=${expression//B/$b}
	claim_holds multihoming "$mode: $what" "40 pings, $n lost: $a frames by eth0, $b by eth1$extra" "($expression) && $n <= 1"
}
pulled() { # MODE
	local mode=$1 n
	spawn pinging client1 stdbuf -oL ping -n -c 60 -i 0.02 -W 1 10.0.1.1
	wait_log pinging 10 'icmp_seq=10 ' || bail "no pings"
	# A cable is pulled at the far end; on the first of client1's bond, which all modes prefer.
	if [[ $mode == active-backup || $mode == balance-*lb ]]; then in_ns sw ip link set client0 down; else in_ns server1 ip link set eth0 down; fi
	ok "... $mode: one cable is pulled and the bond knows" wait_for 5 one_link
	wait_exit pinging 20
	n=$(awk '/packets transmitted/ { print $1 - $4 }' "$(log_of pinging)" | tail -n 1)
	claim_holds multihoming "$mode: a cable is pulled, the connection goes on" "$n of 60 pings lost" "$n <= 10"
}

# Up to 8 frames are no pings: neighbours, LACP.
ONE_CABLE="(A >= 38 && B <= 8) || (B >= 38 && A <= 8)"
