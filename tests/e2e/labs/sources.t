#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A server with several addresses: which one it speaks from, how UDP answers from the wrong one and what helps, routes
# that differ there and back, two cards in one network, and clients that try one address, or all.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
lab_up multihome
B=$TANDEM_BIN
D=multihoming

source_to() { in_ns "$1" ip route get "$2" | grep -oE 'dev [a-z0-9]+|src [0-9a-f.:]+' | paste -sd' '; }
asks() { in_ns "$1" "$B/time_client" "$2" "${3:-123}" --tries 1 --timeout-ms 700 > "$TMP/asked" 2>&1 && echo answered || echo "no answer"; }
setting() { echo "$3" | in_ns "$1" tee "/proc/sys/net/$2" > /dev/null; }
set_all() { local f; for f in all eth0 eth1 eth2; do setting "$1" "ipv4/conf/$f/$2" "$3"; done; }

# ---- which source ----

claim_is $D "who says no source gets the address of the interface by which the packet leaves" "to near: $(source_to server 10.0.1.11); to far: $(source_to server 10.0.3.11)" \
	"to near: dev eth0 src 10.0.1.1; to far: dev eth2 src 10.0.2.1"
claim_is $D "two addresses in one network: one is primary, and the source of all" "$(for to in 10.0.1.11 10.0.1.12 10.0.1.254; do source_to server $to; done | sort -u)" "dev eth0 src 10.0.1.1"
start_echo far 7
watch out server eth2 tcp port 7 and "tcp[tcpflags] & tcp-syn != 0"
printf x | in_ns server nc -N -w 3 -s 10.0.1.2 10.0.3.11 7 > "$TMP/nc" 2>&1
wait_seen out 5 1
claim_like $D "a program may choose any address of its machine; the packet leaves by the closest interface all the same" "$(grep -oE '[0-9.]+ > 10\.0\.3\.11\.7: Flags \[S\]' "$(log_of out)" | head -n 1)" '^10\.0\.1\.2\.[0-9]+ > 10\.0\.3\.11\.7: Flags \[S\]'
foreign() { if [[ $(in_ns server "$B/addrbind" 10.9.9.9 80 2>&1) == bound* ]]; then echo allowed; else echo refused; fi; }
before=$(foreign)
setting server ipv4/ip_nonlocal_bind 1
claim_is $D "an address that is not local is refused, unless the machine is told otherwise (ip_nonlocal_bind)" "$before, then $(foreign)" "refused, then allowed"
setting server ipv4/ip_nonlocal_bind 0

# ---- UDP from the wrong address ----

cat > "$TMP/naive.py" <<'END'
# ADDRESS PORT: answers SNTP queries by sendto() from a socket bound to ADDRESS, as most first servers do.
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], int(sys.argv[2]))); print("ready", flush=True)
while True:
    q, to = s.recvfrom(100)
    s.sendto(b"\x24\x01" + bytes(22) + q[40:48] + q[40:48] + q[40:48], to)
END
spawn naive server python3 "$TMP/naive.py" 0.0.0.0 1123
wait_log naive 10 ready || bail "no naive server"
watch answer far eth0 udp port 1123
claim_is $D "UDP on all addresses, a server that does not look: near is answered, far at 10.0.1.1 is not" "near $(asks near 10.0.1.1 1123), far $(asks far 10.0.1.1 1123)" "near answered, far no answer"
wait_seen answer 5 2
claim_like $D "... the answer came from another address than was asked, so that the client did not take it" "$(grep -oE 'IP [0-9.]+ > [0-9.]+' "$(log_of answer)" | paste -sd,)" '> 10\.0\.1\.1\.1123,IP 10\.0\.2\.1\.1123 > 10\.0\.3\.11'
claim_is $D "... asked at the address that it answers from, it is" "far $(asks far 10.0.2.1 1123)" "far answered"
stop naive
start_time server 123 any 0.0.0.0
claim_is $D "the fix: the server answers from the address that was asked (IP_PKTINFO)" "$(for a in 10.0.1.1 10.0.1.2 10.0.2.1; do asks far $a; done | paste -sd,)" "answered,answered,answered"
spawn each server python3 "$TMP/naive.py" 10.0.1.1 1124
wait_log each 10 ready || bail "no server"
claim_is $D "the other fix: a socket for each address" "far $(asks far 10.0.1.1 1124)" "far answered"
start_echo server 7
claim_is $D "TCP needs neither: a connection has its addresses" "$(for a in 10.0.1.1 10.0.1.2 10.0.2.1; do printf y | in_ns far "$B/simple_nc" $a 7 2> /dev/null; done)" yyy

# ---- routes that differ ----

watch by1 r1 in tcp port 7
watch by2 r2 in tcp port 7
printf z | in_ns far "$B/simple_nc" 10.0.1.1 7 > "$TMP/nc" 2>&1
wait_seen by1 5 3
wait_seen by2 5 3
claim_is $D "asymmetric routes: what far sends comes by r1, what it gets by r2" \
	"r1: $(grep -oE '> 10\.0\.(1|3)\.[0-9]+' "$(log_of by1)" | sort -u | paste -sd,), r2: $(grep -oE '> 10\.0\.(1|3)\.[0-9]+' "$(log_of by2)" | sort -u | paste -sd,)" "r1: > 10.0.1.1, r2: > 10.0.3.11"
in_ns r1 nft 'add table ip fw; add chain ip fw f { type filter hook forward priority 0; }; add rule ip fw f ct state invalid counter drop' || bail "nft"
echo 0 | in_ns r1 tee /proc/sys/net/netfilter/nf_conntrack_tcp_loose > /dev/null
printf z | in_ns far timeout 8 "$B/simple_nc" 10.0.1.1 7 --ack-ms 1200 > "$TMP/nc" 2>&1
status=$?
claim_holds $D "... a stateful firewall that sees one half of a connection drops it" "simple_nc: exit $status, r1 dropped $(in_ns r1 nft list chain ip fw f | grep -o 'packets [0-9]*')" \
	"$status != 0 && $(in_ns r1 nft list chain ip fw f | sed -n 's/.*packets \([0-9]*\).*/\1/p') >= 1"
in_ns server ip rule add from 10.0.1.1 lookup 100
in_ns server ip route add default via 10.0.1.254 table 100
claim_is $D "... until the server sends answers by where the question came (ip rule from)" "$(printf z | in_ns far "$B/simple_nc" 10.0.1.1 7 2> /dev/null)" z
in_ns server ip rule del from 10.0.1.1 lookup 100
in_ns r1 nft delete table ip fw
set_all server rp_filter 1
before=$(counter_of server TcpExtIPReversePathFilter)
claim_is $D "strict reverse path filtering drops what comes by another interface than its answer would leave by" "far $(asks far 10.0.1.1)" "far no answer"
claim_holds $D "... and counts it" "IPReversePathFilter +$(($(counter_of server TcpExtIPReversePathFilter) - before))" "$(counter_of server TcpExtIPReversePathFilter) > $before"
set_all server rp_filter 0

# ---- the switch for forwarding ----

in_ns near ip route add 10.0.2.0/24 via 10.0.1.1
for n in r2; do in_ns $n ip route add 10.0.1.0/24 via 10.0.2.1; done
setting server ipv4/conf/all/forwarding 0
claim_is $D "forwarding off: nothing goes through, but each of its addresses is reached by each interface" "10.0.2.254 behind it: $(no_ping near 10.0.2.254 && echo "no answer"), 10.0.2.1, its own: $(pings near 10.0.2.1 && echo answer)" \
	"10.0.2.254 behind it: no answer, 10.0.2.1, its own: answer"
setting server ipv4/conf/all/forwarding 1
claim_is $D "... on: it is a router" "10.0.2.254: $(wait_for 3 pings near 10.0.2.254 && echo answer)" "10.0.2.254: answer"
setting server ipv4/conf/all/forwarding 0

# ---- two cards in one network ----

macs() { # who answers near's question for 10.0.1.2
	watch arp near eth0 arp
	in_ns near ip neigh flush all
	pings near 10.0.1.2
	wait_seen arp 5 2 > /dev/null
	wait_seen arp 1 3 > /dev/null # a second answer, if there is one
	stop arp
	tail -c "+$((LOG_FROM[arp] + 1))" "$(log_of arp)" | grep -o '10.0.1.2 is-at [0-9a-f:]*' | sort -u | wc -l
}
both=$(macs)
set_all server arp_ignore 1
claim_is $D "two cards in one network: both answer for an address; with arp_ignore only the one that has it" "$both MACs, then $(macs)" "2 MACs, then 1"
set_all server arp_ignore 0
in_ns server ip addr add fd00:1::1/64 dev eth0 nodad
in_ns server ip addr add fd00:1::2/64 dev eth0 nodad preferred_lft 0
in_ns near ip addr add fd00:1::11/64 dev eth0 nodad
before=$(source_to server fd00:1::11)
in_ns server ip addr change fd00:1::1/64 dev eth0 nodad preferred_lft 0
in_ns server ip addr change fd00:1::2/64 dev eth0 nodad preferred_lft forever
claim_is $D "a deprecated address is no source any more, and still answers: good for moving" "$before, then $(source_to server fd00:1::11), fd00:1::1 $(pings near fd00:1::1 && echo answers)" \
	"dev eth0 src fd00:1::1, then dev eth0 src fd00:1::2, fd00:1::1 answers"

# ---- clients ----

printf '%s\n' '127.0.0.1 localhost' '10.0.1.12 www' '10.0.1.1 www' 'fd00:1::99 both' '10.0.1.1 both' > "$TMP/hosts"
with_hosts() { local node=$1; shift; in_ns "$node" unshare --mount sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$TMP/hosts" "$@"; }
claim_is $D "getaddrinfo gives all addresses of a name, gethostbyname one, and no IPv6" \
	"$(with_hosts near python3 -c 'import socket
print(sorted({a[4][0] for a in socket.getaddrinfo("both", 7)}), socket.gethostbyname("both"))')" "['10.0.1.1', 'fd00:1::99'] 10.0.1.1"
claim_is $D "getnameinfo is the way back" "$(with_hosts near python3 -c 'import socket; print(socket.getnameinfo(("10.0.1.12", 7), socket.NI_NUMERICSERV)[0])')" www
out=$(with_hosts near python3 -c 'import socket
s = socket.socket(); s.settimeout(0.7)
try: s.connect((socket.gethostbyname("www"), 7)); print("connected")
except OSError as e: print("failed")' 2>&1)
printf hello | with_hosts near "$B/simple_nc" www 7 --connect-ms 700 > "$TMP/got" 2> "$TMP/nc"
claim_is $D "a server with two addresses, one of them dead: who tries the first only fails, who tries all gets through" "the first only: $out; each in turn: $(cat "$TMP/got")" "the first only: failed; each in turn: hello"
claim_like $D "... one after the other, not side by side" "$(grep -oE '10\.0\.1\.[0-9]+:7: (time-out|unreachable|connected)' "$TMP/nc" | paste -sd,)" '10\.0\.1\.12:7: (time-out|unreachable),10\.0\.1\.1:7: connected'

done_testing
