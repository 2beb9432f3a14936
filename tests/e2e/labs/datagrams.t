#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What UDP promises: nothing. Loss of 40 %, with and without a client that asks again, and TCP beside it; datagrams that
# are longer than the reader's buffer; a checksum that is wrong. Loss is made by nftables, so that any kernel does.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
lab_up two_clients
B=$TANDEM_BIN

start_time server 8080 all 0.0.0.0
start_echo server 5679
in_ns server nft 'add table ip lab; add chain ip lab in { type filter hook input priority 0; }; add counter ip lab gone
	add rule ip lab in iifname veth_srv_c2 numgen random mod 100 < 40 counter name gone drop' || bail "nft takes no rules"
dropped() { in_ns server nft list counter ip lab gone | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
burst() { # NODE HOST [ARGUMENTS]: a burst; its last line in LINE, numbers in ANSWERED LOST_SHARE DATAGRAMS
	local node=$1 host=$2; shift 2
	in_ns "$node" "$B/time_burst_client" "$host" 8080 --quiet --settle-ms 50 "$@" > "$TMP/burst" 2> "$TMP/burst.err"
	LINE=$(tail -n 1 "$TMP/burst")
	ANSWERED=$(sed -E 's/.*answered ([0-9]+).*/\1/' <<< "$LINE")
	LOST_SHARE=$(sed -E 's/.*lost [0-9]+ \(([0-9.]+) %\).*/\1/' <<< "$LINE")
	DATAGRAMS=$(sed -E 's/.*datagrams ([0-9]+).*/\1/' <<< "$LINE")
}
shown() { cut -d, -f1-4 <<< "$LINE"; }

# ---- loss ----

burst client1 10.0.1.1 --count 100
claim_holds socket-lab "client 1's link is well: every query is answered" "$(shown)" "$ANSWERED == 100"
burst client2 10.0.2.1 --count 300 --timeout-ms 500
claim_holds socket-lab "40 % loss: a client that asks once loses about that share" "$(shown); dropped $(dropped)" "$LOST_SHARE >= 28 && $LOST_SHARE <= 52 && $(dropped) == 300 - $ANSWERED"
burst client2 10.0.2.1 --count 100 --timeout-ms 200 --tries 20
claim_holds socket-lab "... one that asks again gets through, for more datagrams" "$(shown)" "$ANSWERED == 100 && $DATAGRAMS >= 125"
claim_holds socket-lab "... about 1 / 0.6 of them for each answer" "$DATAGRAMS datagrams for 100 answers" "$DATAGRAMS >= 125 && $DATAGRAMS <= 220"
for i in 1 2 3; do in_ns client2 "$B/time_client" 10.0.2.1 8080 --tries 20 --timeout-ms 200 > "$TMP/time" 2>&1 && echo ok; done > "$TMP/times"
claim_is socket-lab "time_client, which asks again, has the time all the same" "$(wc -l < "$TMP/times") of 3" "3 of 3"

# ---- TCP over the same link ----

in_ns server nft 'flush chain ip lab in; add rule ip lab in iifname veth_srv_c2 numgen random mod 100 < 20 counter name gone drop'
before=$(dropped)
in_ns client2 ethtool -K veth_c2 tso off gso off > /dev/null # else a few large packets are lost, or none
head -c 60000 /dev/urandom > "$TMP/data"
sum=$(in_ns client2 timeout 60 "$B/simple_nc" 10.0.2.1 5679 < "$TMP/data" 2> /dev/null | md5sum)
claim_is keepalived-nat "TCP over a link that loses 20 %: all arrives, whole and in order" "$([ "$sum" = "$(md5sum < "$TMP/data")" ] && echo "60000 bytes there and back, the same" || echo differ)" \
	"60000 bytes there and back, the same"
again=$(counter_of client2 TcpRetransSegs)
claim_holds keepalived-nat "... because what is not acknowledged is sent again; UDP does nothing of the kind" "$(($(dropped) - before)) lost, $again segments sent again" "$again >= 1 && $(dropped) > $before"
in_ns server nft flush chain ip lab in

# ---- truncation ----

start_server cutting server echo_server '*' 5678 --buffer 8
start_server careless server echo_server '*' 5680 --buffer 8 --truncate
echoed() { printf %s "$2" | in_ns client1 nc -u -W 1 -w 2 10.0.1.1 "$1"; }
claim_is socket-lab "a datagram that fits into the reader's buffer of 8 comes back whole" "$(echoed 5680 12345678)" 12345678
claim_is socket-lab "... of a longer one the rest is gone" "$(echoed 5680 1234567890)" 12345678
is_cut() { log_has "$1" 'MSG_TRUNC|^cut'; }
echoed 5678 1234567890 > "$TMP/cut" &
wait_for 5 is_cut cutting
claim_like socket-lab "... which MSG_TRUNC tells to who looks" "$(cat "$(log_of cutting)")" 'cut: 10 bytes from [0-9.:]+, 8 fit'
wait $!
claim_is socket-lab "... and the next one is not the rest of it" "$(echoed 5680 next)" next
claim_is socket-lab "a stream is not cut: the rest is read next" "$(printf 1234567890 | in_ns client1 "$B/simple_nc" 10.0.1.1 5678 2> /dev/null)" 1234567890

# ---- a checksum ----

cat > "$TMP/wrong.py" <<'END'
import socket, struct, sys
def total(data):
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data)); s = (s >> 16) + (s & 65535); return (~(s + (s >> 16))) & 65535
wrong = int(sys.argv[1])
body = b"good" if not wrong else b"evil"
source, to = socket.inet_aton("10.0.1.2"), socket.inet_aton("10.0.1.1")
head = struct.pack("!4H", 40001, 5679, 8 + len(body), 0)
check = total(source + to + struct.pack("!BBH", 0, 17, 8 + len(body)) + head + body)
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
s.sendto(struct.pack("!4H", 40001, 5679, 8 + len(body), (check + wrong) & 65535) + body, ("10.0.1.1", 0))
END
before=$(counter_of server UdpInCsumErrors) got=$(counter_of server UdpInDatagrams)
in_ns client1 python3 "$TMP/wrong.py" 1
in_ns client1 python3 "$TMP/wrong.py" 0
more() { [ "$(counter_of server UdpInDatagrams)" -gt "$got" ]; }
wait_for 5 more
claim_is keepalived-nat "UDP does check: a datagram with a wrong checksum is dropped and counted, the next is taken" \
	"UdpInCsumErrors +$(($(counter_of server UdpInCsumErrors) - before)), UdpInDatagrams +$(($(counter_of server UdpInDatagrams) - got))" "UdpInCsumErrors +1, UdpInDatagrams +1"

done_testing
