#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One connection over two cables: what both ends see of it, and what becomes of it, and of plain TCP, when a cable is cut.
. "$(dirname "$0")/claim.sh"
"$ROOT/scripts/kernel-has" mptcp > /dev/null || skip_all "this kernel has no MPTCP"
TALK=$(dirname "$0")/talk.py

subflows() { in_ns client ss -Htn state established dst 10.0.0.0/8 | wc -l; }
two_subflows() { [ "$(subflows)" = 2 ]; }
counting() { # tcp|mptcp: a client counts to 80, and has begun
	spawn "$1-server" server "$TALK" serve "$1" 8000
	wait_log "$1-server" 10 '^ready' || bail "no server"
	spawn "$1-client" client "$TALK" count "$1" 10.0.1.1 8000 80
	wait_log "$1-client" 20 '^10$' || bail "no client"
}
counted() { wait_exit "$1-client" 40; tail -n 1 "$(log_of "$1-client")"; }
number() { echo "$1" | sed -n "s/$2/\\1/p"; }

lab_up mptcp
counting mptcp
ok "the client, told of the other address, opens a second path" wait_for 10 two_subflows
claim_is multihoming "MPTCP: what the program sees as one connection is two on the wire, one for each network" \
	"$(in_ns server ss -HMn state established | wc -l) for the program; to $(in_ns client ss -Htn state established dst 10.0.0.0/8 | awk '{ print $4 }' | sort | paste -sd' ')" \
	"1 for the program; to 10.0.1.1:8000 10.0.2.1:8000"
claim_like multihoming "... and of the second address the server has told by itself" "$(in_ns client ss -HMni | grep -o 'add_addr_accepted:[0-9]*')" \
	'add_addr_accepted:1'
in_ns server ip link set eth0 down
said=$(counted mptcp)
longest=$(number "$said" '.* \([0-9]*\) ms$')
claim_holds multihoming "MPTCP: the cable of the connection is cut, the connection lives on by the other" "$said" \
	"$(number "$said" '^\([0-9]*\) of.*') == 80 && $longest < 10000"
stop mptcp-server

in_ns server ip link set eth0 up
wait_for 5 in_ns client ping -q -n -c 1 -W 1 10.0.1.1 > /dev/null || bail "the cable is not back"
counting tcp
claim_is multihoming "plain TCP has one path" "$(subflows)" 1
in_ns server ip link set eth0 down
said=$(counted tcp)
claim_holds multihoming "... and waits for it in vain" "$said" "$(number "$said" '^\([0-9]*\) of.*') < 80"

done_testing
