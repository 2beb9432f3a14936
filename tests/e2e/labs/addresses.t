#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Addresses as text and as bytes, what bind() makes of them, and which clients a server reaches by that: on all
# addresses, on one, on one that is not here, on loopback; ports that are taken, and low ones.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
lab_up two_clients
B=$TANDEM_BIN

out() { OUT=$("$@" 2>&1 < /dev/null); RC=$?; }
field() { sed -n "s/^$1 *//p" <<< "$OUT"; }
asks() { in_ns "$1" "$B/time_client" "$2" "${3:-8080}" --tries 3 > "$TMP/asked" 2>&1 && echo answered || echo "not answered"; }

# ---- text and bytes ----

out "$B/addrconv" 192.168.1.100
claim_is socket-lab "addrconv: an address as bytes, and back to text" "$(field binary | cut -d' ' -f1-4), back $(field back)" "c0 a8 01 64, back 192.168.1.100"
claim_like software-networking "... and whether it is a private one" "$(field use)" '^private'
out "$B/addrconv" 127.0.0.1
claim_like socket-lab "... loopback" "$(field binary) $(field use)" '^7f 00 00 01.*loopback'
out "$B/addrconv" 256.0.0.1
claim_like socket-lab "... no byte is 256" "exit $RC: $OUT" '^exit 2: .*256 does not fit into 1 byte'
out "$B/addrconv" abrakadabra
claim_like socket-lab "... a name is no address" "exit $RC: $OUT" '^exit 2: .*name'
uses=
for a in 10.255.255.255 172.31.255.255 192.168.255.255 11.0.0.0 172.32.0.0 192.169.0.0; do
	out "$B/addrconv" $a
	uses+=" $(field use | cut -d' ' -f1)"
done
claim_is software-networking "private ranges end at 10.255.255.255, 172.31.255.255 and 192.168.255.255; after them all is global" \
	"$uses" " private private private global global global"
for a in 224.0.0.1:D 240.0.0.1:E; do
	out "$B/addrconv" ${a%:*}
	claim_like software-networking "class ${a#*:} is for no single station: ${a%:*}" "$(field use)" "once class ${a#*:}"
done

# ---- bind ----

out in_ns server "$B/addrbind" 127.0.0.1 8080
claim_is socket-lab "addrbind: one address and one port" "$OUT" "bound TCP 127.0.0.1:8080"
out in_ns server "$B/addrbind" 0.0.0.0 8080
claim_like socket-lab "... all addresses" "$OUT" 'bound TCP 0\.0\.0\.0:8080.*wildcard'
out in_ns server "$B/addrbind" 127.0.0.1 0
port=$(sed -n 's/^bound TCP 127.0.0.1:\([0-9]*\).*/\1/p' <<< "$OUT")
read -r low high < <(in_ns server cat /proc/sys/net/ipv4/ip_local_port_range)
claim_holds socket-lab "... port 0: the kernel chooses one of its range" "port $port of $low..$high" "${port:-0} >= $low && ${port:-0} <= $high"

# ---- a server on all addresses, and a query as it was ----

start_time server 8080 any 0.0.0.0
claim_is socket-lab "a server on all addresses answers both clients" "client 1 $(asks client1 10.0.1.1), client 2 $(asks client2 10.0.2.1)" "client 1 answered, client 2 answered"
lab capture --packets 1 --detail server veth_srv_c1 udp port 8080 -- "$ROOT/scripts/lab" exec client1 "$B/time_client" 10.0.1.1 8080 > "$TMP/packet" 2>&1
claim_is socket-lab "a captured query has all its layers: Ethernet, IPv4, UDP" \
	"$(grep -oE '^(Ethernet II|Internet Protocol Version 4|User Datagram Protocol)' "$TMP/packet" | paste -sd,) to port $(sed -n 's/.*Dst Port: \([0-9]*\).*/\1/p' "$TMP/packet" | head -n 1)" \
	"Ethernet II,Internet Protocol Version 4,User Datagram Protocol to port 8080"
out in_ns server "$B/time_server" 0.0.0.0 8080
claim_like socket-lab "a second server on the port: the address is in use" "exit $RC: $OUT" '^exit 1: .*Address already in use'
claim_like socket-lab "... ss shows who has it" "$(in_ns server ss -Haunp "sport = :8080")" '0\.0\.0\.0:8080 .*"time_server",pid=[0-9]+'
stop time-any

fed six server "$B/addrbind" --udp :: 3555 --hold
heard six 5 'holding' || bail "addrbind does not hold"
out in_ns server "$B/addrbind" --udp 0.0.0.0 3555
claim_like keepalived-nat "a UDP socket on :: has the port of all IPv6 and all IPv4 addresses" "$(grep -o 'every IPv6 and IPv4' "$(log_of six)"); then 0.0.0.0: $OUT" '^every IPv6 and IPv4; then 0\.0\.0\.0: .*in use'
hang_up six
wait_exit six 5
start_time server 3555 both
claim_is multihoming "a server that asks getaddrinfo for all addresses serves both families" "IPv4 $(asks client1 10.0.1.1 3555), IPv6 $(asks client1 fd00:1::1 3555)" "IPv4 answered, IPv6 answered"
stop time-both

# ---- on one address ----

start_time server 8080 one 10.0.1.1
watch wire server veth_srv_c2 icmp or udp port 8080
claim_is socket-lab "bound to 10.0.1.1: client 1 is served, client 2 at the other address is not" "client 1 $(asks client1 10.0.1.1), client 2 $(asks client2 10.0.2.1)" "client 1 answered, client 2 not answered"
claim_like socket-lab "... client 2 is told at once" "$(cat "$TMP/asked")" 'Connection refused'
wait_seen wire 5 1 'unreachable'
claim_like socket-lab "... its packets do come; the kernel answers port unreachable" "$(grep -oE '10\.0\.2\.2\.[0-9]+ > 10\.0\.2\.1\.8080|ICMP 10\.0\.2\.1 udp port 8080 unreachable' "$(log_of wire)" | head -n 2 | paste -sd,)" \
	'10\.0\.2\.2\.[0-9]+ > 10\.0\.2\.1\.8080,ICMP 10\.0\.2\.1 udp port 8080 unreachable'
claim_holds socket-lab "... and counts them" "UdpNoPorts $(counter_of server UdpNoPorts)" "$(counter_of server UdpNoPorts) >= 1"
start_time server 8080 two 10.0.2.1
claim_is socket-lab "a second server with the same port on the other address: both are served" "client 1 $(asks client1 10.0.1.1), client 2 $(asks client2 10.0.2.1)" "client 1 answered, client 2 answered"
claim_is socket-lab "... two processes have port 8080" "$(in_ns server ss -Haun "sport = :8080" | awk '{ print $4 }' | sort | paste -sd' ')" "10.0.1.1:8080 10.0.2.1:8080"
stop time-one
stop time-two

out in_ns server "$B/time_server" 10.0.3.1 8080
claim_like socket-lab "an address that is not the server's can't be bound" "exit $RC: $OUT" '^exit 1: .*Cannot assign requested address'
out in_ns server "$B/addrbind" 10.0.3.1 8080
claim_like socket-lab "... in words" "$OUT" 'not local: no interface .* has the address 10\.0\.3\.1'

# ---- loopback ----

start_time server 8080 lo 127.0.0.1
claim_is socket-lab "bound to loopback: served inside the namespace, and nobody else" \
	"server $(asks server 127.0.0.1), client 1 $(asks client1 10.0.1.1), client 1's own loopback $(asks client1 127.0.0.1)" \
	"server answered, client 1 not answered, client 1's own loopback not answered"
watch lowire server lo udp port 8080
asks server 127.0.0.1 > "$TMP/ignored"
wait_seen lowire 5 2
claim_holds keepalived-nat "... what it says to itself goes over lo, and by no cable" "$(seen lowire) packets on lo" "$(seen lowire) >= 2"
stop time-lo

# ---- low ports ----

nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all "$@"; }
in_reach() { cp "$B/addrbind" "$TMP/addrbind" && chmod 755 "$TMP" "$TMP/addrbind"; }
in_reach || bail "no copy of addrbind"
out nobody "$TMP/addrbind" --udp 127.0.0.1 999
claim_like socket-lab "a port below 1024 is not for everybody, in the host's namespace" "$OUT" 'privileged port: below 1024'
out in_ns server setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all "$TMP/addrbind" --udp 127.0.0.1 999
claim_like socket-lab "... nor in a namespace that root made" "$OUT" 'privileged port: below 1024'
out in_ns server "$TMP/addrbind" --udp 127.0.0.1 999
claim_is socket-lab "... where who came in by 'ip netns exec' is root, and may" "$OUT" "bound UDP 127.0.0.1:999"
out setpriv --reuid 65534 --regid 65534 --clear-groups unshare --user --map-root-user --net sh -c "ip link set lo up; '$TMP/addrbind' --udp 127.0.0.1 999"
if [[ $OUT == *unshare* ]]; then
	claim_skip socket-lab "in a namespace of one's own (user and network) anybody may" "this kernel lets nobody make one: $OUT"
else
	claim_is socket-lab "in a namespace of one's own (user and network) anybody may" "$OUT" "bound UDP 127.0.0.1:999"
fi
echo 0 | in_ns server tee /proc/sys/net/ipv4/ip_unprivileged_port_start > /dev/null
out in_ns server setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all "$TMP/addrbind" --udp 127.0.0.1 999
claim_is socket-lab "... and each namespace has its own limit (ip_unprivileged_port_start)" "$OUT; the host's limit is $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" \
	"bound UDP 127.0.0.1:999; the host's limit is 1024"

done_testing
