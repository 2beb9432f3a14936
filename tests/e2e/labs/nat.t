#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A router that forwards and masquerades: what goes out, what comes back, what does not get in, and the same without NAT.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
"$ROOT/scripts/kernel-has" nftables nat > /dev/null || skip_all "this kernel has no NAT of nftables"

seen_by_out() { # -> the source of in1's ping, as out sees it
	spawn sniff out timeout 10 tcpdump -Z root -n -l -c 1 --immediate-mode -i eth0 'icmp[icmptype] == icmp-echo'
	wait_log sniff 10 'listening on' || bail "no capture"
	pings in1 192.0.2.2
	wait_exit sniff 12
	sed -n 's/.* IP \([0-9.]*\) > .*/\1/p' "$(log_of sniff)" | tail -n 1
}
forwarding() { echo "$1" | in_ns router tee /proc/sys/net/ipv4/ip_forward > /dev/null; }
hello() { echo hello | in_ns "$1" timeout 10 nc -N -w 2 "$2" "$3" 2>&1; } # NODE ADDRESS PORT
nothing() { local said; said=$(hello "$@"); echo "${said:-nothing came back within 2 s}"; }

lab_up nat-router
start_echo out 7
start_echo in1 7
forwarding 0
reach_rows "in1 !192.0.2.2 192.0.2.1"
claim_is keepalived-nat "a machine with two cards is no router until forwarding is on" "${REACH_WRONG:-it answers itself and forwards nothing}" \
	"it answers itself and forwards nothing"
forwarding 1
claim_is keepalived-nat "masquerading: who is outside sees the router" "$(seen_by_out)" 192.0.2.1
claim_is keepalived-nat "... TCP comes back to who asked" "$(hello in1 192.0.2.2 7) $(hello in2 192.0.2.2 7)" "hello hello"
spawn held in1 sh -c 'sleep 30 | nc -w 30 192.0.2.2 7'
entry() { in_ns router conntrack -L -p tcp --state ESTABLISHED 2> /dev/null | grep 'src=10.0.1.11'; }
ok "a connection is held" wait_for 10 entry
claim_like keepalived-nat "... because the router remembers both sides of it" "$(entry)" \
	'src=10\.0\.1\.11 dst=192\.0\.2\.2 .*src=192\.0\.2\.2 dst=192\.0\.2\.1'
stop held
claim_is keepalived-nat "nobody outside opens a connection inwards" \
	"$(in_ns out ip route add 10.0.1.0/24 via 192.0.2.1; nothing out 10.0.1.11 7)" "nothing came back within 2 s"
in_ns out ip route del 10.0.1.0/24
in_ns router nft delete table ip nat
claim_is keepalived-nat "without masquerading what went out has no way back" "$(nothing in1 192.0.2.2 7)" "nothing came back within 2 s"
claim_is keepalived-nat "ping can be switched off at a host" \
	"$(pings in1 10.0.1.12 && echo answers; echo 1 | in_ns in2 tee /proc/sys/net/ipv4/icmp_echo_ignore_all > /dev/null; no_ping in1 10.0.1.12 && echo then silence)" \
	"answers"$'\n'"then silence"

lab_up nat-router --mode routed
start_echo in1 7
claim_is software-networking "routing instead of NAT: addresses stay what they are" "$(seen_by_out)" 10.0.1.11
claim_is software-networking "... and both ends can begin, when both know the way" "$(hello out 10.0.1.11 7)" hello
in_ns out ip route del 10.0.1.0/24
claim_like software-networking "... without a route there is none" "$(in_ns out ip route get 10.0.1.11 2>&1)" 'Network is unreachable'

done_testing
