#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kinds of interfaces that are in no topology: dummy, macvtap, ipvtap; and IPVS, the kernel's balancer, kept by keepalived.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
needs dummy macvtap ipvlan ipvs
D=software-networking
lab_up bridge

ip_at() { local node=$1; shift; ip -n "$LAB_PREFIX$node" "$@"; }

# ---- dummy ----

ip_at a link add name dummy0 type dummy
ip_at a addr add 10.9.9.1/24 dev dummy0
ip_at a link set dummy0 up
claim_is $D "dummy: always up, without a cable, for an address that depends on none" "$(ip_at a -br link show dev dummy0 | grep -o LOWER_UP), 10.9.9.1 $(pings a 10.9.9.1 && echo answers)" "LOWER_UP, 10.9.9.1 answers"
ip_at a neigh add 10.9.9.2 lladdr 02:00:00:00:99:02 dev dummy0 nud permanent
before=$(ip_at a -s -j link show dev dummy0 | json - '[0].stats64.tx.packets')
no_ping a 10.9.9.2
claim_is $D "... what is sent out by it is gone" "10.9.9.2 no answer, +$(($(ip_at a -s -j link show dev dummy0 | json - '[0].stats64.tx.packets') - before)) packet" "10.9.9.2 no answer, +1 packet"
ip_at b route add 10.9.9.1 via 10.0.1.11
echo 1 | in_ns a tee /proc/sys/net/ipv4/ip_forward > /dev/null
ip_at a link set eth0 down
ip_at a link set eth0 up
claim_is $D "... it is reached by whatever cable works" "10.9.9.1 from b: $(wait_for 5 pings b 10.9.9.1 && echo answer)" "10.9.9.1 from b: answer"

# ---- macvtap, ipvtap ----

for kind in macvtap ipvtap; do
	mode=bridge
	[ $kind = macvtap ] || mode=l2
	node=b
	[ $kind = macvtap ] || node=c
	ip_at $node link add link eth0 name vm0 type $kind mode $mode || bail "no $kind"
	ip_at $node link set vm0 up
	index=$(ip_at $node -j link show dev vm0 | json - '[0].ifindex')
	own=$(ip_at $node -br link show dev eth0 | awk '{ print $3 }') its=$(ip_at $node -br link show dev vm0 | awk '{ print $3 }')
	device=$(ip netns exec "$LAB_PREFIX$node" sh -c "ls -d /sys/class/net/vm0/*/tap$index /sys/class/net/vm0/tap$index 2> /dev/null | head -n 1")
	claim_like $D "$kind: a card's frames for a program (a virtual machine) that opens /dev/tapN; its MAC is $([ $kind = macvtap ] && echo its own || echo the "card's")" \
		"${device##*/} of vm0, MAC $([ "$own" = "$its" ] && echo "the card's" || echo "its own")" "^tap$index of vm0, MAC $([ $kind = macvtap ] && echo its own || echo "the card's")$"
done
before=$(ip_at b -s -j link show dev vm0 | json - '[0].stats64.rx.packets')
ip_at a neigh replace 10.0.1.77 lladdr "$(ip_at b -br link show dev vm0 | awk '{ print $3 }')" dev eth0 nud permanent
no_ping a 10.0.1.77
claim_holds $D "... frames to that MAC come out there, and nothing of them at the host" "+$(($(ip_at b -s -j link show dev vm0 | json - '[0].stats64.rx.packets') - before)) packets at vm0" "$(ip_at b -s -j link show dev vm0 | json - '[0].stats64.rx.packets') > $before"
stop_all
lab down

# ---- keepalived and IPVS ----

lab_up
for b in b1 b2 b3; do start_kv $b 6379; done
servers=
for i in 1 2 3; do
	servers+="
	real_server 10.0.2.1$i 6379 {
		weight 1
		TCP_CHECK {
			connect_timeout 1
			retry 0
		}
	}"
done
cat > "$TMP/keepalived.conf" <<-END
	virtual_server 10.0.1.100 6379 {
		delay_loop 1
		lb_algo rr
		lb_kind NAT
		protocol TCP
		$servers
	}
END
spawn keepalived lb /usr/sbin/keepalived --dont-fork --no-syslog --log-console --log-detail --check --use-file "$TMP/keepalived.conf" --pid "$TMP/k.pid" --checkers_pid "$TMP/kc.pid"
reals() { in_ns lb cat /proc/net/ip_vs | grep -c -- '->.*Masq'; }
three() { [ "$(reals)" = 3 ] || { in_ns lb cat /proc/net/ip_vs; return 1; }; }
wait_for 20 three
for i in 1 2 3 4 5 6; do in_ns c1 "$TANDEM_BIN/kv_client" 10.0.1.100 6379 WHOAMI; done > "$TMP/who" 2>&1
claim_is keepalived-nat "keepalived keeps IPVS: the kernel spreads connections over the servers" "$(sort "$TMP/who" | uniq -c | awk '{ print $2, $1 }' | paste -sd' ')" "b1 2 b2 2 b3 2"
stop kv-b2
two() { [ "$(reals)" = 2 ]; }
wait_for 20 two
for i in 1 2 3 4; do in_ns c1 "$TANDEM_BIN/kv_client" 10.0.1.100 6379 WHOAMI; done > "$TMP/who" 2>&1
claim_is keepalived-nat "... its checkers take a dead one out of the pool" "$(sort "$TMP/who" | uniq -c | awk '{ print $2, $1 }' | paste -sd' ')" "b1 2 b3 2"
start_kv b2 6379
wait_for 20 three
claim_is keepalived-nat "... and put it back" "$(reals) servers" "3 servers"

done_testing
