#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tunnel made of a program: IP packets through tun, whole Ethernet frames through tap into a bridge.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
needs tun
[ -x "$TANDEM_BIN/tun_pipe" ] || bail "no $TANDEM_BIN/tun_pipe; 'make' builds it"

pipe() { # NODE tun|tap PORT OTHER
	spawn "$2-$1" "$1" "$TANDEM_BIN/tun_pipe" "--$2" "$2"0 --local "10.0.1.$(number "$1"):$3" --peer "10.0.1.$(number "$4"):$3"
}
number() { [ "$1" = a ] && echo 1 || echo 2; }
record() { # NAME NODE INTERFACE FILTER...
	spawn "$1" "$2" timeout 20 tcpdump -Z root -n -e -t -l -c 1 --immediate-mode -i "$3" "${@:4}"
	wait_log "$1" 10 'listening on' || bail "no capture"
}
recorded() { wait_exit "$1" 25; grep -v -e '^listening' -e '^tcpdump' -e '^[0-9]* packet' "$(log_of "$1")" | tail -n 1; }
carrier() { in_ns a ip -br link show dev "$1" | grep -o -E 'NO-CARRIER|LOWER_UP'; }

lab_up tuntap
claim_is interfaces "a tun interface without a program has no carrier" "$(carrier tun0)" NO-CARRIER
not_ok "... and nothing comes through" in_ns a ping -q -n -c 1 -W 1 10.0.9.2
for n in a b; do pipe $n tun 40000 "$([ $n = a ] && echo b || echo a)"; done
ok "a tunnel between the sites" wait_for 10 pings a 10.0.9.2
claim_is interfaces "... with one it has: the kernel sends, a program receives, and the other way round" "$(carrier tun0)" LOWER_UP
matrix interfaces "two programs join two networks with what they carry from tun to UDP and back" "a 10.0.9.2 fd00:9::2" "b 10.0.9.1 fd00:9::1"
record below a eth0 udp port 40000
record above a tun0 icmp
pings a 10.0.9.2
claim_like interfaces "... on the wire below it is UDP between the sites" "$(recorded below)" '10\.0\.1\.1\.40000 > 10\.0\.1\.2\.40000: UDP, length 84'
claim_like interfaces "... in the tun interface there are IP packets, without MAC addresses" "$(sed -n 's/.*link-type \([A-Z0-9_]*\).*/\1/p' "$(log_of above)") $(recorded above)" \
	'RAW.*ip: 10\.0\.9\.1 > 10\.0\.9\.2: ICMP echo request'
claim_like interfaces "one interface is tun or tap, never both" "$(in_ns a "$TANDEM_BIN/tun_pipe" --tap tun0 --local 10.0.1.1:40002 --peer 10.0.1.2:40002 2>&1; echo "status $?")" \
	'.*status [12]$'

spawn inside a timeout 20 tcpdump -Z root -n -l -c 1 --immediate-mode -x -i eth0 udp port 40000 and greater 100
wait_log inside 10 'listening on' || bail "no capture"
in_ns a ping -n -q -c 1 -W 2 -p 73656372 10.0.9.2 > "$TMP/ping"
wait_exit inside 5
claim_like keepalived-nat "... which anybody on the way can read: a tunnel is not yet a private network" \
	"73656372 on the wire: $(sed -n 's/^[[:space:]]*0x[0-9a-f]*: *//p' "$(log_of inside)" | tr -d ' \n' | grep -o '73656372' | wc -l) times" '[1-9][0-9]* times'
before=$(counter_of b UdpNoPorts)
for i in 1 2 3; do printf 'E\0\0\34' | in_ns a nc -u -p 6666 -w 1 -W 1 10.0.1.2 40000 > "$TMP/stranger" 2>&1; done
claim_is keepalived-nat "the far end judges whom it hears: datagrams from elsewhere than its peer are none to it" \
	"refused as of no socket: $(($(counter_of b UdpNoPorts) - before)) of 3" "refused as of no socket: 3 of 3"

for n in a b; do pipe $n tap 40001 "$([ $n = a ] && echo b || echo a)"; done
ok "a cable between the bridges" wait_for 10 pings h1 10.0.8.2
matrix interfaces "tap as a bridge's port: stations at two sites are in one Ethernet" "h1 10.0.8.2 fd00:8::2" "h2 10.0.8.1"
claim_is interfaces "... they have each other's MAC, not a router's" "$(in_ns h1 ip neigh show 10.0.8.2 | grep -o 'lladdr [0-9a-f:]*')" \
	"lladdr $(in_ns h2 ip -br link show dev eth0 | awk '{ print $3 }')"
claim_like software-networking "... to the bridge it is a port, as a virtual machine's network card is" "$(bridge -n "${LAB_PREFIX}a" link show | grep -o 'tap0.*master br0')" 'tap0.*master br0'
record frames a tap0 icmp
pings h1 10.0.8.2
claim_like interfaces "... in the tap interface there are frames, with MAC addresses" "$(recorded frames)" \
	'02:[0-9a-f:]* > 02:[0-9a-f:]*, ethertype IPv4 .* 10\.0\.8\.1 > 10\.0\.8\.2'
claim_like interfaces "what is carried needs room for what carries it: the tunnel's MTU is smaller" \
	"eth0 $(in_ns a ip -o link show dev eth0 | grep -o 'mtu [0-9]*'), tun0 $(in_ns a ip -o link show dev tun0 | grep -o 'mtu [0-9]*')" \
	'eth0 mtu 1500, tun0 mtu 1[0-4][0-9]{2}'
stop tun-b
not_ok "one program ends: nothing comes through tun" in_ns a ping -q -n -c 1 -W 1 10.0.9.2
claim_is interfaces "... while the other tunnel goes on" "$(pings h1 10.0.8.2 && echo "h1 reaches h2")" "h1 reaches h2"

done_testing
