#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The commands of iproute2, each tried and looked at: addresses, routes, links, bridges, neighbours, tun devices; what
# the tools before it showed; kinds of interfaces and the table of routes.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
lab_up two_clients

ip_at() { local node=$1; shift; ip -n "$LAB_PREFIX$node" "$@"; }
sys() { ip netns exec "$LAB_PREFIX$1" "${@:2}"; } # with a /sys of the namespace

# ---- interfaces ----

claim_is interfaces "ls /sys/class/net: each namespace has interfaces of its own" "client1: $(sys client1 ls /sys/class/net | grep -v bonding_masters | paste -sd' '), server: $(sys server ls /sys/class/net | grep -v bonding_masters | paste -sd' ')" \
	"client1: lo veth_c1, server: lo veth_srv_c1 veth_srv_c2"
claim_like interfaces "... a virtual one is not below a bus, as a card would be" "$(sys client1 readlink -f /sys/class/net/veth_c1)" '/sys/devices/virtual/net/veth_c1'
claim_like interfaces "ip addr show: all addresses" "$(ip_at server -br addr show | awk '{ print $3 }' | paste -sd' ')" '127\.0\.0\.1/8 10\.0\.1\.1/24 10\.0\.2\.1/24'
claim_like interfaces "ip addr show dev: those of one interface" "$(ip_at server -4 -br addr show dev veth_srv_c2)" 'veth_srv_c2@?[^ ]* +UP +10\.0\.2\.1/24 *$'
ip_at client1 addr add 10.0.1.99/24 dev veth_c1
with=$(pings server 10.0.1.99 && echo reached)
ip_at client1 addr delete 10.0.1.99/24 dev veth_c1
claim_is interfaces "ip addr add, delete: an address that is reached, and then is not" "$with, then $(no_ping server 10.0.1.99 && echo not)" "reached, then not"
claim_like interfaces "ip link show: kind, MTU, MAC of a link" "$(ip_at client1 -d link show dev veth_c1 | paste -sd' ')" 'mtu 1500 .*link/ether [0-9a-f:]{17}.* veth '
ip_at client1 link set dev veth_c1 down
down=$(pings client1 10.0.1.1 && echo reached || echo "not reached")
claim_like interfaces "ip link set down: the link is, at both ends, and its routes are gone" "$(ip_at client1 -br link show dev veth_c1 | awk '{ print $2 }'), $(ip_at server -br link show dev veth_srv_c1 | awk '{ print $2 }'), $(ip_at client1 route show | wc -l) routes, 10.0.1.1 $down" \
	'DOWN, (DOWN|LOWERLAYERDOWN), 0 routes, 10\.0\.1\.1 not reached'
ip_at client1 link set dev veth_c1 up
wait_for 5 pings client1 10.0.1.1
claim_is interfaces "... up: it is reached again, by the route that the address brings; the default route is not back" \
	"$(ip_at client1 route show | sed 's/ *$//' | paste -sd,)" "10.0.1.0/24 dev veth_c1 proto kernel scope link src 10.0.1.2"

# ---- routes ----

ip_at client1 route add 10.0.2.0/24 via 10.0.1.1
claim_is interfaces "ip route add ... via: another network is reached" "$(ip_at client1 route show to 10.0.2.0/24 | sed 's/ *$//'), $(pings client1 10.0.2.2 && echo reached)" "10.0.2.0/24 via 10.0.1.1 dev veth_c1, reached"
ip_at client1 route change 10.0.2.0/24 via 10.0.1.77
claim_is interfaces "ip route change: by a router that is not there it is not" "$(ip_at client1 route get 10.0.2.2 | grep -o 'via [0-9.]*'), $(no_ping client1 10.0.2.2 && echo "not reached")" "via 10.0.1.77, not reached"
ip_at client1 route change 10.0.2.0/24 via 10.0.1.1
ip_at client1 route add 10.0.2.2/32 dev lo
ip_at client1 route add 10.0.0.0/8 dev veth_c1
claim_is software-networking "CIDR: of several routes the longest prefix counts, whatever class an address is of" \
	"10.0.2.2 by $(ip_at client1 route get 10.0.2.2 | grep -o 'dev [a-z0-9_]*'), 10.0.2.3 $(ip_at client1 route get 10.0.2.3 | grep -o 'via [0-9.]*'), 10.9.9.9 $(ip_at client1 route get 10.9.9.9 | grep -oE 'via [0-9.]+' || echo directly)" \
	"10.0.2.2 by dev lo, 10.0.2.3 via 10.0.1.1, 10.9.9.9 directly"
claim_is interfaces "ip route show to root: a network and all within" "$(ip_at client1 route show to root 10.0.2.0/24 | awk '{ print $1 }' | paste -sd' ')" "10.0.2.0/24 10.0.2.2"
ip_at client1 route delete 10.0.2.2/32 dev lo
ip_at client1 route delete 10.0.0.0/8 dev veth_c1
ip_at client1 route delete 10.0.2.0/24 via 10.0.1.1
claim_is interfaces "ip route delete: gone, and there is no way" "$(ip_at client1 route show to 10.0.2.0/24 | wc -l) routes, $(in_ns client1 ping -n -c 1 -W 1 10.0.2.2 2>&1 | grep -o 'Network is unreachable')" "0 routes, Network is unreachable"
ip_at client1 route add default via 10.0.1.1

# ---- what older tools read ----

pings client1 10.0.1.1
claim_is software-networking "neighbours: ip neigh has what /proc/net/arp had, an address and its MAC" \
	"$(ip_at client1 -4 neigh show | awk '$5 ~ /:/ { print $1, $5 }')" "$(sys client1 cat /proc/net/arp | awk 'NR > 1 && $4 != "00:00:00:00:00:00" { print $1, $4 }')"
claim_is interfaces "routes: ip route has what route and netstat -r showed (/proc/net/route)" \
	"$(ip_at client1 -4 route show | wc -l) routes" "$(sys client1 cat /proc/net/route | awk 'NR > 1' | wc -l) routes"
before=$(ip_at client1 -s -j link show dev veth_c1 | json - '[0].stats64.tx.packets')
in_ns client1 ping -n -q -c 5 -i 0.02 10.0.1.1 > "$TMP/ping"
claim_holds interfaces "ip -s link counts packets, as ifconfig did" "+$(($(ip_at client1 -s -j link show dev veth_c1 | json - '[0].stats64.tx.packets') - before)) packets for 5 pings" \
	"$(ip_at client1 -s -j link show dev veth_c1 | json - '[0].stats64.tx.packets') - $before >= 5"
watch arp server veth_srv_c1 arp
ip_at client1 neigh flush all
pings client1 10.0.1.1
wait_seen arp 5 2
claim_like software-networking "ARP: who has an address is asked of all, and told to one" "$(grep -oE 'Request who-has 10.0.1.1 tell 10.0.1.2|Reply 10.0.1.1 is-at [0-9a-f:]{17}' "$(log_of arp)" | paste -sd,)" \
	'Request who-has 10\.0\.1\.1 tell 10\.0\.1\.2,Reply 10\.0\.1\.1 is-at [0-9a-f:]+'

# ---- making interfaces ----

ip_at client1 link add name br9 type bridge
ip_at client1 link add name va type veth peer name vb
ip_at client1 link set dev va master br9
claim_is interfaces "ip link add type bridge, ip link set master: a bridge with a port" "$(ip_at client1 -br link show master br9 | awk '{ print $1 }')" "va@vb"
claim_like interfaces "... as bridge(8) lists it" "$(bridge -n "${LAB_PREFIX}client1" link show dev va)" 'va@vb: .* master br9 '
ip_at client1 link del br9
ip_at client1 tuntap add dev tun9 mode tun
ip_at client1 tuntap add dev tap9 mode tap
claim_like interfaces "ip tuntap add: tun carries packets and has no MAC, tap carries frames and has one" \
	"tun9 $(ip_at client1 link show dev tun9 | grep -o 'link/[a-z]*'), tap9 $(ip_at client1 link show dev tap9 | grep -o 'link/ether [0-9a-f:]*')" 'tun9 link/none, tap9 link/ether [0-9a-f:]{17}'
claim_like interfaces "... so that only tap is fit for a bridge" "$(ip_at client1 link add br8 type bridge; ip_at client1 link set tap9 master br8 && echo "tap: taken"; ip_at client1 link set tun9 master br8 2>&1 | head -n 1)" 'tap: taken.*(not|Invalid|Error|RTNETLINK)'
ip_at client1 addr add 10.0.7.1/24 dev va
ip_at client1 addr add 10.0.7.2/24 dev va
ip_at client1 addr add 10.0.8.1/24 dev va
claim_is software-networking "one interface, several addresses" "$(ip_at client1 -4 -o addr show dev va | wc -l) addresses" "3 addresses"
claim_is software-networking "loopback: the whole of 127.0.0.0/8 is this machine" "$(for a in 127.0.0.1 127.200.1.2; do pings client1 $a && echo $a; done | paste -sd' ')" "127.0.0.1 127.200.1.2"

done_testing
