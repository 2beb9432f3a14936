#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A bad link by tc's netem, on client 2's side as the document has it: loss, reordering, duplicates, corruption. Kernels
# without netem leave it to scripts/uml.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
needs netem
lab_up two_clients
B=$TANDEM_BIN

start_time server 8080 all 0.0.0.0
link() { # made anew: a change would keep what is not named
	in_ns client2 tc qdisc del dev veth_c2 root 2> /dev/null
	in_ns client2 tc qdisc add dev veth_c2 root netem limit 10000 "$@" || bail "netem: $*"
}
burst() { # NODE HOST [ARGUMENTS] -> LINE, and the numbers in it
	local node=$1 host=$2; shift 2
	in_ns "$node" "$B/time_burst_client" "$host" 8080 --settle-ms 100 "$@" > "$TMP/burst" 2> "$TMP/burst.err"
	LINE=$(tail -n 1 "$TMP/burst")
	read -r ANSWERED LOST OVERTAKEN DUPLICATES < <(sed -E 's/.*answered ([0-9]+), lost ([0-9]+).*overtaken ([0-9]+), duplicates ([0-9]+).*/\1 \2 \3 \4/' <<< "$LINE")
}

# ARP is lost like all else, and that would be another exercise.
in_ns client2 ip neigh replace 10.0.2.1 lladdr "$(in_ns server ip -br link show dev veth_srv_c2 | awk '{ print $3 }')" dev veth_c2 nud permanent
in_ns server ip neigh replace 10.0.2.2 lladdr "$(in_ns client2 ip -br link show dev veth_c2 | awk '{ print $3 }')" dev veth_srv_c2 nud permanent

# ---- loss ----

link loss 40%
burst client1 10.0.1.1 --count 50
claim_holds socket-lab "netem loss 40% on client 2: client 1 does not notice" "$LINE" "$ANSWERED == 50"
burst client2 10.0.2.1 --count 200
claim_holds socket-lab "... client 2 loses about that share" "$LINE" "$LOST >= 50 && $LOST <= 110"
claim_like socket-lab "... which the queue has counted" "$(in_ns client2 tc -s qdisc show dev veth_c2)" 'dropped [1-9][0-9]*'
burst client2 10.0.2.1 --count 50 --tries 20 --timeout-ms 300
claim_holds socket-lab "... and with another try for each gets all" "$LINE" "$ANSWERED == 50"

# ---- order ----

in_ns client2 tc qdisc del dev veth_c2 root
burst client2 10.0.2.1
claim_holds socket-lab "a burst over a good link: replies come in order" "$LINE" "$ANSWERED == 20 && $OVERTAKEN == 0"
link delay 500ms 400ms distribution normal reorder 50%
burst client2 10.0.2.1 --timeout-ms 5000
claim_holds socket-lab "delay 500 +- 400 ms, half of them at once: replies overtake each other" "$LINE" "$ANSWERED == 20 && $OVERTAKEN >= 3"
claim "socket-lab" "... the first replies are of" "queries $(sed -n 's/^reply [0-9]*: query \([0-9]*\).*/\1/p' "$TMP/burst" | head -n 8 | paste -sd' ')" \
	"$([ "$(sed -n 's/^reply [0-9]*: query \([0-9]*\).*/\1/p' "$TMP/burst" | paste -sd' ')" != "$(seq 20 | paste -sd' ')" ] && echo ok || echo fail)"

# ---- what else a link can do ----

link duplicate 50%
burst client2 10.0.2.1 --settle-ms 300
claim_holds socket-lab "a link that doubles: an answer may come twice" "$LINE" "$DUPLICATES >= 3 && $ANSWERED == 20"
link corrupt 50%
burst client2 10.0.2.1 --count 40 --timeout-ms 1000
claim_holds keepalived-nat "a link that flips bits: the checksums make losses of them, no wrong answers" "$LINE; server: UdpInCsumErrors $(counter_of server UdpInCsumErrors)" "$LOST >= 5 && $ANSWERED >= 5"

# ---- TCP beside it ----

link delay 20ms 15ms distribution normal reorder 30%
start_echo server 5679
head -c 100000 /dev/urandom > "$TMP/data"
in_ns client2 timeout 60 "$B/simple_nc" 10.0.2.1 5679 < "$TMP/data" > "$TMP/back" 2> "$TMP/nc"
claim_is keepalived-nat "TCP over a link that reorders: the stream is whole and in order" "$(cmp "$TMP/data" "$TMP/back" && echo "100000 bytes, the same")" "100000 bytes, the same"
claim_holds keepalived-nat "... because the receiver puts segments back in their places" "TcpExtTCPOFOQueue $(counter_of server TcpExtTCPOFOQueue)" "$(counter_of server TcpExtTCPOFOQueue) >= 1"

done_testing
