#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A server with several addresses: which one answers, by which way, and who does not like that; then each remedy.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
TALK=$(dirname "$0")/talk.py

naive() { # [ADDRESS]
	stop naive
	spawn naive server "$TALK" udp-serve 9 "$@"
	wait_log naive 10 '^ready' || bail "no server"
}
ask() { in_ns "$1" "$TALK" udp-ask "$2" 9; } # NODE ADDRESS
recorded() { # NAME N REGEX -> what `watch NAME` has seen, as soon as N lines match
	wait_seen "$1" 5 "$2" "$3" > /dev/null
	stop "$1" INT
	tail -c "+$((${LOG_FROM[$1]} + 1))" "$(log_of "$1")" | grep -E '^(IP|ARP),? '
}
count_of() { grep -c -E -e "$1"; }

lab_up multihome

# ---- two cards in one network ----

claim_is multihoming "two cards in one network: all goes out by one of them, whatever address it is from" \
	"$(for a in 10.0.1.1 10.0.1.2; do in_ns server ip route get 10.0.1.11 from $a | head -n 1 | grep -o 'dev [a-z0-9]*'; done | paste -sd' ')" \
	"dev eth0 dev eth0"
in_ns near ip neigh flush all
watch arp near eth0 arp
pings near 10.0.1.2
answers=$(recorded arp 2 'Reply 10.0.1.2 ' | grep 'Reply 10.0.1.2 ' | grep -o -E '02(:[0-9a-f]{2}){5}' | sort -u | paste -sd' ')
claim_is multihoming "... and both answer when somebody looks for one address" "$answers" "02:00:00:00:03:01 02:00:00:00:03:02"
in_ns server sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore; echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce'
in_ns near ip neigh flush all
watch arp near eth0 arp
pings near 10.0.1.2
answers=$(recorded arp 1 'Reply 10.0.1.2 ' | grep 'Reply 10.0.1.2 ' | grep -o -E '02(:[0-9a-f]{2}){5}' | sort -u | paste -sd' ')
claim_is multihoming "... with arp_ignore=1 only the card that has it does" "$answers" "02:00:00:00:03:02"

# ---- UDP from the wrong address ----

naive
claim_is multihoming "a UDP server on 0.0.0.0 is asked at its first address" "$(ask near 10.0.1.1)" "answered by 10.0.1.1"
watch wire near eth0 udp or icmp
said=$(ask near 10.0.1.2)
wire=$(recorded wire 1 unreachable)
claim_is multihoming "... asked at its second, the client has no answer" "$said" "no answer"
claim_like multihoming "... because it came from the first" "$wire" '10\.0\.1\.1\.9 > 10\.0\.1\.11\.[0-9]+'
claim_like multihoming "... and was sent back" "$wire" 'ICMP 10\.0\.1\.11 udp port [0-9]+ unreachable'
watch wire far eth0 udp or icmp
said=$(ask far 10.0.1.1)
claim_like multihoming "asked from afar, the source is that of the card by which the answer leaves" "$said: $(recorded wire 1 '10.0.2.1.9 > ')" \
	'10\.0\.2\.1\.9 > 10\.0\.3\.11\.[0-9]+'
naive 10.0.1.2
claim_is multihoming "first remedy: a socket for each address" "$(ask near 10.0.1.2)" "answered by 10.0.1.2"
stop naive
start_echo server 9
claim_is multihoming "second remedy: the server answers from the address that was asked (IP_PKTINFO)" \
	"$(ask near 10.0.1.2); $(ask far 10.0.1.1); $(ask far 10.0.2.1)" "answered by 10.0.1.2; answered by 10.0.1.1; answered by 10.0.2.1"
claim_is multihoming "TCP on 0.0.0.0 needs no remedy, whichever address is asked" \
	"$(for a in 10.0.1.1 10.0.1.2 10.0.2.1; do echo hello | in_ns far timeout 10 nc -N -w 5 $a 9; done | paste -sd' ')" "hello hello hello"

# ---- asymmetric routes ----

hello() { echo hello | in_ns far timeout 10 nc -N -w 3 10.0.1.1 9; }
ways() { # N, the answers that r2 should see -> how many packets each router saw of a TCP connection from far, and in which direction
	watch one r1 out tcp
	watch two r2 out tcp
	said=$(hello)
	one=$(recorded one 3 '10.0.3.11.[0-9]+ > ') two=$(recorded two "$1" '10.0.1.1.9 > ')
	echo "r1 $(count_of '10.0.3.11.[0-9]+ > ' <<< "$one") in $(count_of '10.0.1.1.9 > ' <<< "$one") out, r2 $(count_of '10.0.3.11.[0-9]+ > ' <<< "$two") in $(count_of '10.0.1.1.9 > ' <<< "$two") out"
}
seen=$(ways 2)
claim_like multihoming "asymmetric routes: there by one router, back by the other" "$seen" 'r1 [1-9][0-9]* in 0 out, r2 0 in [1-9][0-9]* out'
in_ns r2 nft 'table ip guard { chain f { type filter hook forward priority filter; ct state invalid counter drop; }; }' || bail "no nftables"
said=$(hello)
claim_holds multihoming "a stateful firewall that sees half of a connection stops it" \
	"${said:-nothing} came back; the firewall dropped $(in_ns r2 nft list table ip guard | sed -n 's/.*packets \([0-9]*\).*/\1/p') packets" \
	"\"$said\" == \"\" && $(in_ns r2 nft list table ip guard | sed -n 's/.*packets \([0-9]*\).*/\1/p') > 0"
in_ns server ip route add default via 10.0.1.254 table 101
in_ns server ip rule add from 10.0.1.0/24 table 101
seen=$(ways 0)
claim_like multihoming "a routing table for each source address: back by where it came from" "$seen" 'r1 [1-9][0-9]* in [1-9][0-9]* out, r2 0 in 0 out'
claim_is multihoming "... and the firewall has nothing to say" "$(hello)" "hello"

# ---- strict reverse path ----

in_ns server ip rule del from 10.0.1.0/24 table 101
in_ns r2 nft delete table ip guard
filtered() { in_ns server awk '/^TcpExt:/ && !n { for (i = 1; i <= NF; i++) if ($i == "IPReversePathFilter") n = i; next } /^TcpExt:/ { print $n }' /proc/net/netstat; }
before=$(filtered)
in_ns server sh -c 'echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter'
reach_rows "far !10.0.1.1 10.0.2.1" "near 10.0.1.1"
claim_holds multihoming "a strict reverse path filter drops what comes by a card that the answer would not take" \
	"${REACH_WRONG:-far is not heard, near is}; IPReversePathFilter $(($(filtered) - before))" "\"$REACH_WRONG\" == \"\" && $(($(filtered) - before)) > 0"

done_testing
