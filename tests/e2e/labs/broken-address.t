#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A duplicated address: two stations of one network say that they are 10.0.2.11. Who is reached is whoever spoke last; how
# that looks to an application, to ARP, to IPv6, which asks first, and to the balancer.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
. "$(dirname "$0")/../config.sh"
B=$TANDEM_BIN

lab_up
for b in b1 b2; do start_kv $b 6379; done
conf_new
pool kv 4 6379 "scheduler = \"rr\"; $CHECK" b1 b2
service kv 4 6379 tcp kv
start_ready "$(conf)"
mac_of_node() { in_ns "$1" ip -br link show dev eth0 | awk '{ print $3 }'; }
B1=$(mac_of_node b1) B3=$(mac_of_node b3)
believed() { in_ns lb ip neigh show 10.0.2.11 dev back | grep -o 'lladdr [0-9a-f:]*' | cut -d' ' -f2; }
# A station that asks for somebody says in the same breath who it is; lb believes it (not within a second of the last word).
speaks() { # NODE: it asks for lb as 10.0.2.11
	in_ns "$1" ip neigh flush dev eth0
	in_ns "$1" ping -n -q -c 1 -W 1 -I 10.0.2.11 10.0.2.1 > /dev/null 2>&1
	[ "$(believed)" = "$(mac_of_node "$1")" ] || { believed; return 1; }
}

fed direct c1 "$B/simple_nc" 10.0.2.11 6379
heard direct 5 connected || bail "no connection"
told direct WHOAMI b1 || bail "b1 does not answer"
fed held c1 "$B/simple_nc" $VIP4 6379
heard held 5 connected || bail "no connection"
told held WHOAMI 'b[12]'
[ "$ANSWER" = b1 ] || { told held QUIT 'OK|end' > /dev/null; hang_up held; wait_exit held 5
	fed held c1 "$B/simple_nc" $VIP4 6379; heard held 5 connected; told held WHOAMI b1 || bail "not b1"; }

# ---- the second one appears ----

in_ns b3 ip addr add 10.0.2.11/24 dev eth0
for n in b1 b3; do echo 0 | in_ns $n tee /proc/sys/net/ipv4/conf/eth0/arp_notify > /dev/null; done
watch arp sw br0 arp
in_ns lb ip neigh del 10.0.2.11 dev back
in_ns lb ping -n -q -c 1 -W 2 10.0.2.11 > /dev/null 2>&1
wait_seen arp 5 2 '10.0.2.11 is-at'
claim_is socket-lab "a duplicated address: who asks by ARP is answered twice" "$(grep -o '10.0.2.11 is-at [0-9a-f:]*' "$(log_of arp)" | awk '{ print $3 }' | sort -u | paste -sd' ')" \
	"$(printf '%s\n' "$B1" "$B3" | sort | paste -sd' ')"
# Both stations' own packets, with one address, from two MACs: what a monitor would look for.
wait_for 10 speaks b3
claim_is socket-lab "... and whoever spoke last is believed" "10.0.2.11 is at $(believed)" "10.0.2.11 is at $B3"
say direct PING
wait_exit direct 10
claim_is socket-lab "... the application's connection is ended by a station that knows nothing of it: RST" "simple_nc: exit $?" "simple_nc: exit 3"
in_ns c1 "$B/simple_nc" 10.0.2.11 6379 < /dev/null > "$TMP/new" 2>&1
claim_is socket-lab "... a new one is refused: nobody listens there" "simple_nc: exit $?" "simple_nc: exit 4"
claim_holds socket-lab "... the stranger's counters show what was not for it: segments answered by RST" "TcpOutRsts on b3: $(counter_of b3 TcpOutRsts)" "$(counter_of b3 TcpOutRsts) >= 2"
claim_is socket-lab "... on b1 all looks well: it listens" "$(tcp b1 6379 LISTEN | cut -d' ' -f1 | sort -u), $(in_ns b1 ss -Htn "dst 10.0.1.11" | awk '{ print $1 }' | sort -u | paste -sd,) with the client" "LISTEN, ESTAB with the client"

# ---- the balancer ----

wait_for 10 backend_is kv b1 state down
claim_like socket-lab "the balancer's check asks what clients would reach, and b1 is down" "$(of_backend kv b1 cause)" 'refused|reset'
wait_exit held 10
claim_is socket-lab "... its connections are ended" "simple_nc: exit $?" "simple_nc: exit 3"
claim_is socket-lab "... and all new ones go to b2" "$(spread 4 6379 20)" "b1 0 b2 20 b3 0"
wait_for 10 speaks b1
wait_for 10 backend_is kv b1 state up
claim_is socket-lab "... until the right one speaks: b1 is up again" "10.0.2.11 is at $(believed), b1 $(of_backend kv b1 state)" "10.0.2.11 is at $B1, b1 up"
claim_like socket-lab "... events tell the story" "$(ctl events | sed -n 's/.*backend kv\/b1 *\(up\|down\) *\(.*\)/\1 (\2)/p' | paste -sd,)" 'down \([^)]*\),up \(.*'
in_ns b3 ip addr del 10.0.2.11/24 dev eth0

# ---- IPv6 asks first ----

for n in b3; do
	for i in all eth0; do echo 1 | in_ns $n tee /proc/sys/net/ipv6/conf/$i/accept_dad > /dev/null; done
done
watch dad sw br0 'icmp6 and (ip6[40] == 135 or ip6[40] == 136)'
in_ns b3 ip addr add fd00:2::11/64 dev eth0
dad_failed() { in_ns b3 ip -6 addr show dev eth0 | grep 'fd00:2::11/64.*dadfailed'; }
wait_for 8 dad_failed > /dev/null
claim_like socket-lab "IPv6 asks whether an address is taken before it uses it (DAD)" "$(in_ns b3 ip -6 addr show dev eth0 | grep -o 'fd00:2::11/64.*')" 'fd00:2::11/64 .*dadfailed'
claim_like socket-lab "... from the unspecified address, and the owner defends it" "$(grep -oE ':: > ff02::1:ff00:11|fd00:2::11 > ff02::1' "$(log_of dad)" | sort -u | paste -sd,)" ':: > ff02::1:ff00:11,fd00:2::11 > ff02::1'
claim_is socket-lab "... nobody is disturbed: b1 is at its MAC for who asks" "$(in_ns lb ping -6 -n -q -c 1 -W 2 fd00:2::11 > /dev/null && in_ns lb ip -6 neigh show fd00:2::11 dev back | grep -o 'lladdr [0-9a-f:]*')" "lladdr $B1"

done_testing
