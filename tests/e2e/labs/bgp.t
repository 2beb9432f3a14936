#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How hosts of a cluster tell each other where their containers are: each has addresses of its own and routes that it
# learns by BGP (FRR's zebra and bgpd on every node), with the kernel's forwarding and nothing else in between.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
FRR=/usr/lib/frr
[ -x $FRR/bgpd ] && [ -x $FRR/zebra ] || bail "no FRR; 'make deps' installs it"
lab_up two_clients
D=software-networking

chmod 711 "$TMP"
speaker() { # NODE AS ITS-NETWORK-OR-"" NEIGHBOUR:AS...
	local node=$1 as=$2 network=$3 n dir=$TMP/frr-$1; shift 3
	mkdir -p "$dir"
	{
		printf '%s\n' 'log stdout' "router bgp $as" " bgp router-id 10.255.0.${as: -1}" ' no bgp ebgp-requires-policy' ' timers bgp 1 3'
		for n; do printf ' neighbor %s remote-as %s\n neighbor %s timers connect 1\n neighbor %s advertisement-interval 0\n' "${n%:*}" "${n#*:}" "${n%:*}" "${n%:*}"; done
		[ -z "$network" ] || printf ' address-family ipv4 unicast\n  network %s\n exit-address-family\n' "$network"
	} > "$dir/bgpd.conf"
	: > "$dir/zebra.conf"
	chown -R frr:frr "$dir"
	[ -z "$network" ] || in_ns "$node" ip addr add "$network" dev lo
	local common=(-z "$dir/zserv" --vty_socket "$dir" -u frr -g frr -P 0)
	spawn "zebra-$node" "$node" $FRR/zebra "${common[@]}" -f "$dir/zebra.conf" -i "$dir/zebra.pid"
	wait_for 10 test -S "$dir/zserv" || bail "zebra does not come up"
	spawn "bgpd-$node" "$node" $FRR/bgpd "${common[@]}" -f "$dir/bgpd.conf" -i "$dir/bgpd.pid"
}

claim_is $D "two hosts with a container each: neither knows where the other's is" "$(in_ns client1 ip route show proto bgp | wc -l) routes" "0 routes"
speaker server 65000 "" 10.0.1.2:65001 10.0.2.2:65002
speaker client1 65001 192.168.1.1/32 10.0.1.1:65000
speaker client2 65002 192.168.2.1/32 10.0.2.1:65000
learnt() { [ -n "$(in_ns client1 ip route show 192.168.2.1 proto bgp)" ] && [ -n "$(in_ns client2 ip route show 192.168.1.1 proto bgp)" ]; }
wait_for 30 learnt
claim_like $D "BGP: each tells its neighbours, and the kernel's table has the way" "$(in_ns client1 ip route show 192.168.2.1)" '^192\.168\.2\.1 .*via 10\.0\.1\.1 dev veth_c1 proto bgp'
reaches() { in_ns client1 ping -n -q -c 1 -W 1 -I 192.168.1.1 192.168.2.1 > /dev/null 2>&1; }
claim_is $D "... by which containers reach each other, routed, with their own addresses" "$(wait_for 5 reaches && echo answer)" answer
claim_like $D "... over TCP connections to port 179, whatever carries the rest" "$(in_ns server ss -Htn state established "( sport = :179 or dport = :179 )" | wc -l) sessions" '^2 sessions'
in_ns client2 ip addr del 192.168.2.1/32 dev lo
stop bgpd-client2 TERM
withdrawn() { [ -z "$(in_ns client1 ip route show 192.168.2.1)" ]; }
wait_for 15 withdrawn
claim_is $D "... a host leaves: its routes are withdrawn everywhere" "$(in_ns client1 ip route show proto bgp | wc -l) routes" "0 routes"

done_testing
