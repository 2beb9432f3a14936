#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A bridge as a switch: it learns, floods what it does not know and keeps the rest to itself. One, some and all stations:
# broadcast, multicast, anycast. And what stands on it: containers behind their host, veth pairs without a bridge.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
lab_up bridge
D=software-networking

mac_at() { in_ns "$1" ip -br link show dev eth0 | awk '{ print $3 }'; }
fdb() { bridge -n "${LAB_PREFIX}sw" fdb show br br0 | grep -v permanent | awk '{ print $1, $3 }'; }

# ---- a switch ----

matrix interfaces "a bridge joins its ports: each station reaches the others, and the bridge's own address" \
	"a 10.0.1.1 10.0.1.12 10.0.1.13 fd00:1::12" "b 10.0.1.1 10.0.1.11 10.0.1.13" "c 10.0.1.11 10.0.1.12"
claim_is interfaces "it learns who is where from the frames that come" "$(fdb | grep "$(mac_at b)")" "$(mac_at b) tob"
in_ns a ip neigh flush all
watch onc c eth0 icmp or arp
in_ns a ping -n -q -c 5 -i 0.05 -W 2 10.0.1.12 > "$TMP/ping"
pings a 10.0.1.13
wait_seen onc 5 2 'ICMP'
claim_is interfaces "a third station sees the question for an address, which goes to all, and none of five pings" \
	"$(seen onc 'who-has 10.0.1.12') question, $(seen onc '> 10.0.1.12') pings" "1 question, 0 pings"
claim_is $D "... ARP has found the MAC for that address" "$(in_ns a ip neigh show 10.0.1.12 | grep -o 'lladdr [0-9a-f:]*')" "lladdr $(mac_at b)"
stop onc
watch onc c eth0 icmp
in_ns sw ip link set tob type bridge_slave learning off
for n in b c; do in_ns a ip neigh replace "$([ $n = b ] && echo 10.0.1.12 || echo 10.0.1.13)" lladdr "$(mac_at $n)" dev eth0 nud permanent; done
in_ns sw bridge fdb flush dev br0 2> /dev/null || in_ns sw ip link set br0 type bridge fdb_flush
in_ns a ping -n -q -c 3 -i 0.05 -W 2 10.0.1.12 > "$TMP/ping"
wait_seen onc 5 3 '> 10.0.1.12'
claim_holds $D "what it does not know it floods: to c as well" "c has seen of 3 pings for b: $(seen onc '> 10.0.1.12')" "$(seen onc '> 10.0.1.12') == 3"
stop onc
in_ns sw ip link set tob type bridge_slave learning on
in_ns sw ip link set tob nomaster
claim_is interfaces "a port taken out of the bridge is cut off" "b $(no_ping a 10.0.1.12 && echo "no answer"), c $(pings a 10.0.1.13 && echo answer)" "b no answer, c answer"
in_ns sw ip link set tob master br0
wait_for 5 pings a 10.0.1.12

# ---- all, some, one of many ----

for n in b c; do echo 0 | in_ns $n tee /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts > /dev/null; done
echo 1 | in_ns sw tee /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts > /dev/null
claim_is $D "broadcast: all stations of the network get it" "$(in_ns a ping -n -b -c 4 -i 0.2 -w 3 10.0.1.255 2> /dev/null | grep -oE 'from 10\.0\.1\.[0-9]+' | sort -u | paste -sd' ')" "from 10.0.1.12 from 10.0.1.13"
cat > "$TMP/group.py" <<'END'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 5000))
if sys.argv[1] == "join":
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.1.1.1") + socket.inet_aton(sys.argv[2]))
print("ready", flush=True)
print("got", s.recv(100).decode(), flush=True)
END
spawn member b python3 "$TMP/group.py" join 10.0.1.12
spawn other c python3 "$TMP/group.py" stay 10.0.1.13
wait_log member 10 ready && wait_log other 10 ready || bail "no receivers"
joined=$(in_ns b ip -4 maddr show dev eth0 | grep -o '239.1.1.1')
in_ns a ip route add 239.0.0.0/8 dev eth0
in_ns a python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"group", ("239.1.1.1", 5000)); s.sendto(b"single", ("10.0.1.13", 5000))'
wait_log member 5 got
wait_log other 5 got
claim_is $D "multicast: those get it who have joined" "joined: $(grep got "$(log_of member)"); not joined, and asked by itself after it: $(grep got "$(log_of other)")" "joined: got group; not joined, and asked by itself after it: got single"
claim_is $D "... as the kernel of b knew (ip maddr)" "$joined" 239.1.1.1
for n in b c; do in_ns $n ip addr add 10.7.7.7/32 dev lo; done
B=$TANDEM_BIN
for n in b c; do start_kv $n 6379; done
who() { in_ns a "$B/kv_client" --timeout-ms 1500 10.7.7.7 6379 WHOAMI 2> /dev/null || echo nobody; }
in_ns a ip route add 10.7.7.7 via 10.0.1.12 metric 10
in_ns a ip route add 10.7.7.7 via 10.0.1.13 metric 20
first=$(who)
in_ns a ip route del 10.7.7.7 via 10.0.1.12
claim_is $D "anycast: one address at two stations, the route decides; without it the other one answers" "$first, then $(who)" "b, then c"

# ---- containers ----

# In station a: a bridge with an address, and two containers behind it, as a container engine makes them.
ip netns add "${LAB_PREFIX}x1" && ip netns add "${LAB_PREFIX}x2" || bail "no namespaces"
in_ns a ip link add docker0 type bridge
in_ns a ip addr add 172.17.0.1/16 dev docker0
in_ns a ip link set docker0 up
echo 1 | in_ns a tee /proc/sys/net/ipv4/ip_forward > /dev/null
for i in 1 2; do
	in_ns a ip link add "vethx$i" type veth peer name eth0 netns "${LAB_PREFIX}x$i"
	in_ns a ip link set "vethx$i" master docker0 up
	in_ns "x$i" ip link set lo up
	in_ns "x$i" ip addr add 172.17.0.$((i + 1))/16 dev eth0
	in_ns "x$i" ip link set eth0 up
	in_ns "x$i" ip route add default via 172.17.0.1
done
wait_for 5 pings x1 172.17.0.3
claim_is $D "a veth pair is a cable: what goes in here comes out in the other namespace" "x1 reaches x2: $(pings x1 172.17.0.3 && echo yes), a: $(pings x1 172.17.0.1 && echo yes)" "x1 reaches x2: yes, a: yes"
no_ping x1 10.0.1.13
claim_is $D "containers: routed, but nobody outside knows their network" "$(no_ping x1 10.0.1.13 && echo "no answer")" "no answer"
in_ns a nft 'add table ip nat; add chain ip nat out { type nat hook postrouting priority srcnat; }; add rule ip nat out ip saddr 172.17.0.0/16 oifname != "docker0" masquerade' || bail "nft"
claim_is $D "... masqueraded they get out" "$(pings x1 10.0.1.13 && echo answer)" answer
start_kv x2 6379
in_ns a nft 'add chain ip nat in { type nat hook prerouting priority dstnat; }; add rule ip nat in tcp dport 8080 dnat to 172.17.0.3:6379'
claim_is $D "... a published port is a translated one" "$(in_ns c "$B/kv_client" 10.0.1.11 8080 WHOAMI)" x2
# The other way: no bridge, an address of its own each, routed by the host, which answers ARP for the rest.
in_ns a ip route add default via 10.0.1.1 # it answers for what it would send elsewhere
in_ns a ip link set vethx1 nomaster
in_ns x1 ip addr flush dev eth0
in_ns x1 ip addr add 192.168.0.1/32 dev eth0
in_ns x1 ip route add 169.254.1.1 dev eth0
in_ns x1 ip route add default via 169.254.1.1
echo 1 | in_ns a tee /proc/sys/net/ipv4/conf/vethx1/proxy_arp > /dev/null
echo 0 | in_ns a tee /proc/sys/net/ipv4/neigh/vethx1/proxy_delay > /dev/null
in_ns a ip route add 192.168.0.1 dev vethx1
in_ns c ip route add 192.168.0.1 via 10.0.1.11
wait_for 5 pings x1 10.0.1.13
claim_is $D "without a bridge: a /32 each, the host's side of the cable has no address and answers ARP for everything" \
	"x1 reaches c: $(pings x1 10.0.1.13 && echo yes), c reaches x1: $(pings c 192.168.0.1 && echo yes), addresses on the host's side: $(in_ns a ip -4 -o addr show dev vethx1 | wc -l)" \
	"x1 reaches c: yes, c reaches x1: yes, addresses on the host's side: 0"

done_testing
