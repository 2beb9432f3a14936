#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What everything else stands on: interfaces and their addresses, routes, who is meant by an address (one, some, all, the
# nearest), and how a station comes to have one. By the commands of iproute2.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
DHCP=$(dirname "$0")/dhcp.py

way() { in_ns client1 ip route get "$1" 2>&1 | head -n 1 | grep -o -E 'via [0-9.]+|dev [a-z0-9_]+|unreachable' | paste -sd' '; }
carrier() { in_ns "$1" ip -br link show dev "$2" | grep -q -w NO-CARRIER && echo "no carrier" || echo carrier; }
no_carrier() { [ "$(carrier "$@")" = "no carrier" ]; }

# ---- interfaces and addresses ----

lab_up two_clients
claim_is interfaces "ip addr shows the addresses of an interface" "$(in_ns client1 ip -br -4 addr show dev veth_c1 | awk '{ print $3 }')" 10.0.1.2/24
in_ns client1 ip addr add 10.0.1.77/24 dev veth_c1
claim_is interfaces "an interface may have several, and answers for each" "$(pings server 10.0.1.2 && pings server 10.0.1.77 && echo "10.0.1.2 and 10.0.1.77 answer")" \
	"10.0.1.2 and 10.0.1.77 answer"
in_ns client1 ip addr delete 10.0.1.77/24 dev veth_c1
claim_is interfaces "ip addr delete takes one away" "$(no_ping server 10.0.1.77 && pings server 10.0.1.2 && echo "only 10.0.1.2 answers")" "only 10.0.1.2 answers"
in_ns server ip link set dev veth_srv_c1 down
wait_for 5 no_carrier client1 veth_c1 > /dev/null
claim_is software-networking "a veth pair is a cable: one end is down, the other has no carrier" "$(carrier client1 veth_c1)" "no carrier"
claim_is interfaces "ip link set down: nothing comes through, but lo is another interface" \
	"$(no_ping client1 10.0.1.1 && pings client1 127.0.0.1 && pings client1 10.0.1.2 && echo "only itself")" "only itself"
in_ns server ip link set dev veth_srv_c1 up
wait_for 5 pings client1 10.0.1.1 > /dev/null
claim_is interfaces "... and up again" "$(pings client1 10.0.1.1 && echo "10.0.1.1 answers")" "10.0.1.1 answers"

# ---- routes ----

claim_is software-networking "a route is the next hop for a destination: in the same network none, else the gateway" \
	"$(way 10.0.1.1); $(way 10.0.2.2)" "dev veth_c1; via 10.0.1.1 dev veth_c1"
in_ns client1 ip route add 10.0.0.0/8 via 10.0.1.1
in_ns client1 ip route add 10.0.2.2/32 via 10.0.1.9
claim_is software-networking "the longest prefix wins" "10.0.2.1: $(way 10.0.2.1), 10.0.2.2: $(way 10.0.2.2)" \
	"10.0.2.1: via 10.0.1.1 dev veth_c1, 10.0.2.2: via 10.0.1.9 dev veth_c1"
in_ns client1 ip route change 10.0.2.2/32 via 10.0.1.1
claim_is interfaces "ip route change: another next hop" "$(way 10.0.2.2)" "via 10.0.1.1 dev veth_c1"
claim_is interfaces "ip route show to root lists a network with its subnets" "$(in_ns client1 ip route show to root 10.0.2.0/24 | awk '{ print $1 }' | paste -sd' ')" 10.0.2.2
in_ns client1 ip route delete 10.0.2.2/32
in_ns client1 ip route delete 10.0.0.0/8
in_ns client1 ip route delete default
claim_like interfaces "ip route delete: without a route nothing is sent" "$(in_ns client1 ping -c 1 -W 1 10.0.2.2 2>&1)" 'Network is unreachable'

# ---- who is meant: one, all, some, the nearest ----

lab_up bridge
watch() { # NAME NODE FILTER...
	spawn "$1" "$2" timeout 30 tcpdump -Z root -n -e -l --immediate-mode -i eth0 "${@:3}"
	wait_log "$1" 10 'listening on' || bail "no capture"
}
for n in b c; do in_ns $n sh -c 'echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts'; done
answerers() { in_ns a timeout 5 ping -n -c 2 -i 0.5 -W 1 "$@" 2> /dev/null | sed -n 's/.*bytes from \([0-9.]*\):.*/\1/p' | sort -u | paste -sd' '; }
claim_is software-networking "unicast: one answers" "$(answerers 10.0.1.12)" 10.0.1.12
claim_is software-networking "broadcast: all in the network do" "$(answerers -b 10.0.1.255)" "10.0.1.12 10.0.1.13"
in_ns a ip route add 239.0.0.0/8 dev eth0
before=$(answerers 239.1.2.3)
spawn member c python3 -u -c 'import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.1.2.3") + socket.inet_aton("10.0.1.13"))
print("joined", flush=True)
signal.pause()'
wait_log member 10 joined || bail "nobody joins"
claim_is software-networking "multicast: those that have joined the group do" "before: ${before:-nobody}, then: $(answerers 239.1.2.3)" "before: nobody, then: 10.0.1.13"
stop member

lab_up multihome
# The same address at two places, and who asks gets the one to which his route leads.
for n in near r2; do in_ns $n ip addr add 10.9.9.9/32 dev lo; done
in_ns r1 ip route add 10.9.9.9 via 10.0.1.11
in_ns far ip route add 10.9.9.9 via 10.0.3.1
one=$(in_ns far ping -n -c 1 -W 2 10.9.9.9 | grep -o 'ttl=[0-9]*')
in_ns far ip route change 10.9.9.9 via 10.0.3.2
two=$(in_ns far ping -n -c 1 -W 2 10.9.9.9 | grep -o 'ttl=[0-9]*')
claim_is software-networking "anycast: one address at two places, and the route says which one answers" "by r1 $one, by r2 $two" "by r1 ttl=63, by r2 ttl=64"

# ---- how a station comes to have an address ----

lab_up bridge
in_ns a ip addr flush dev eth0
watch wire c udp port 67 or udp port 68
spawn dhcp b "$DHCP" serve eth0 10.0.1.12 10.0.1.99
wait_log dhcp 10 ready || bail "no DHCP server"
given=$(in_ns a "$DHCP" ask eth0 2>&1)
wait_exit dhcp 15
claim_is keepalived-nat "DHCP: a station without an address asks everybody, and is given one" "$given" 10.0.1.99
in_ns a ip addr add "$given/24" dev eth0
claim_is software-networking "... which it then has" "$(pings c 10.0.1.99 && echo "10.0.1.99 answers")" "10.0.1.99 answers"
has_four() { [ "$(grep -c 'bootp\|BOOTP' "$(log_of wire)")" -ge 4 ]; }
wait_for 5 has_four > /dev/null
claim_is keepalived-nat "... all four messages are broadcasts, a third station hears them" \
	"$(grep -c 'ff:ff:ff:ff:ff:ff.*0\.0\.0\.0\.68 > 255\.255\.255\.255\.67' "$(log_of wire)") of the client, $(grep -c 'ff:ff:ff:ff:ff:ff.*10\.0\.1\.12\.67 > 255\.255\.255\.255\.68' "$(log_of wire)") of the server" \
	"2 of the client, 2 of the server"

done_testing
