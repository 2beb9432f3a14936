#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tun and tap: packets and frames between the kernel and a program. tun_pipe makes a tunnel of one and joins two bridges
# by the other; what a private network's two ends are made of, all but the encryption (vpn.t has that).
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
lab_up tuntap
B=$TANDEM_BIN

claim_is interfaces "a tun device without its program has no carrier, and what is sent there is lost" "$(in_ns a ip -br link show dev tun0 | awk '{ print $2 }'), $(no_ping a 10.0.9.2 && echo "no answer")" "DOWN, no answer"
spawn tun-a a "$B/tun_pipe" --tun tun0 --local 10.0.1.1:5000 --peer 10.0.1.2:5000
spawn tun-b b "$B/tun_pipe" --tun tun0 --local 10.0.1.2:5000 --peer 10.0.1.1:5000
wait_log tun-a 5 listening && wait_log tun-b 5 listening || bail "no tunnel"
wait_for 5 pings a 10.0.9.2
claim_is interfaces "tun: packets go from the kernel to a program, over UDP to another, and into the kernel there" "IPv4 $(pings a 10.0.9.2 && echo answer), IPv6 $(pings a fd00:9::2 && echo answer)" "IPv4 answer, IPv6 answer"
watch inner a tun0 icmp
watch outer a eth0 udp port 5000
pings a 10.0.9.2
wait_seen inner 5 2 && wait_seen outer 5 2
claim_like software-networking "... inside is the ping, outside are datagrams of the tunnel" "inside: $(grep -oE 'ICMP echo [a-z]+' "$(log_of inner)" | head -n 2 | paste -sd,); outside: $(grep -oE '10\.0\.1\.1\.5000 > 10\.0\.1\.2\.5000: UDP, length [0-9]+' "$(log_of outer)" | head -n 1)" \
	'inside: ICMP echo request,ICMP echo reply; outside: .*UDP, length [0-9]+'
spawn inside a timeout 20 tcpdump -Z root -n -l -c 1 --immediate-mode -x -i eth0 udp port 5000 and greater 100
wait_log inside 10 'listening on'
in_ns a ping -n -q -c 1 -W 2 -p 73656372 10.0.9.2 > "$TMP/ping"
wait_exit inside 5
claim_is keepalived-nat "... which anybody on the way can read: a tunnel is not yet a private network" "$(tr -d ' \n\t' < "$(log_of inside)" | grep -o '7365:*[0-9a-fx:]*6372' | head -c 4)" 7365
before=$(counter_of b UdpNoPorts)
for i in 1 2 3; do printf 'E\0\0\34' | in_ns a nc -u -p 6666 -w 1 -W 1 10.0.1.2 5000 > "$TMP/stranger" 2>&1; done
stop tun-b
sent=$(in_ns a ip -s -j link show dev tun0 | json - '[0].stats64.tx.packets')
claim_is keepalived-nat "the far end judges whom it hears: datagrams from elsewhere than its peer are none to it" \
	"refused as of no socket: $(($(counter_of b UdpNoPorts) - before)); $(tail -n 1 "$(log_of tun-b)" | grep -o '[0-9]* received'), of $sent sent by the peer" "refused as of no socket: 3; $sent received, of $sent sent by the peer"
claim_is interfaces "the program ends: the tunnel is down" "$(no_ping a 10.0.9.2 && echo "no answer")" "no answer"
stop tun-a

# ---- tap, as a bridge's port ----

spawn tap-a a "$B/tun_pipe" --tap tap0 --local 10.0.1.1:5001 --peer 10.0.1.2:5001
spawn tap-b b "$B/tun_pipe" --tap tap0 --local 10.0.1.2:5001 --peer 10.0.1.1:5001
wait_log tap-a 5 listening && wait_log tap-b 5 listening || bail "no tunnel"
wait_for 10 pings h1 10.0.8.2
claim_is interfaces "tap: frames; as a port of a bridge it makes two sites one network" "h1 reaches h2: IPv4 $(pings h1 10.0.8.2 && echo yes), IPv6 $(pings h1 fd00:8::2 && echo yes)" "h1 reaches h2: IPv4 yes, IPv6 yes"
claim_is interfaces "... with ARP and MAC addresses of the stations" "h1 has h2 at $(in_ns h1 ip neigh show 10.0.8.2 | grep -o 'lladdr [0-9a-f:]*')" "h1 has h2 at lladdr $(in_ns h2 ip -br link show dev eth0 | awk '{ print $3 }')"
claim_like interfaces "one device is tun or tap, not both" "$(in_ns a "$B/tun_pipe" --tun tap0 --local 10.0.1.1:5002 --peer 10.0.1.2:5002 2>&1)" '(Invalid|busy|[Tt]ap|exists).*'
claim_like software-networking "a virtual machine's network card is a tap on its host's bridge: the bridge has its port" "$(bridge -n "${LAB_PREFIX}a" link show | grep -o 'tap0.*master br0')" 'tap0.*master br0'

done_testing
