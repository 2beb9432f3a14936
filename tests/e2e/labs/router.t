#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Linux box as a router: the lab's own, which masquerades; the five steps of the document, one after the other and each
# with what is missing before it, in nftables' words; address translation beside routing, and a port that is forwarded.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
B=$TANDEM_BIN
"$ROOT/scripts/kernel-has" nftables nat > /dev/null || skip_all "this kernel has no NAT of nftables"

said_to() { printf hello | in_ns "$1" timeout 5 "$B/simple_nc" "$2" 7 --connect-ms 700 2> /dev/null || echo nothing; } # NODE HOST

# ---- the lab's rules: masquerade, and let in what was begun inside ----

lab_up nat-router
for n in in1 out; do start_echo $n 7; done
claim_is keepalived-nat "who masquerades lets its stations out, by TCP too" "in1 $(said_to in1 192.0.2.2), in2 $(said_to in2 192.0.2.2)" "in1 hello, in2 hello"
in_ns out ip route add 10.0.1.0/24 via 192.0.2.1
claim_is keepalived-nat "... and nobody in, though he knew the way" "$(said_to out 10.0.1.11)" nothing
stop_all
lab down

# ---- the five steps ----

lab_up nat-router --mode routed
in_ns out ip route del 10.0.1.0/24 # nobody outside knows private networks
for n in in1 out; do start_echo $n 7; done
nft_router() { in_ns router nft "$@" || bail "nft: $*"; }
forwarding() { echo "$1" | in_ns router tee /proc/sys/net/ipv4/ip_forward > /dev/null; }
seen_from() { # NODE: the address that out sees of it
	in_ns "$1" "$B/simple_nc" 192.0.2.2 7 < <(echo; sleep 0.4) > /dev/null 2>&1 &
	local peer
	wait_for 3 has_peer > /dev/null
	peer=$(in_ns out ss -Htn "sport = :7" | awk '{ print $5 }' | head -n 1)
	wait $!
	echo "${peer%:*}"
}
sees_out() { [ -n "$(in_ns in1 ss -Htn state established "sport = :7")" ]; }
has_peer() { [ -n "$(in_ns out ss -Htn state established "sport = :7")" ]; }

forwarding 0
claim_is keepalived-nat "1: without ip_forward a router passes nothing on" "$(no_ping in1 192.0.2.2 && echo "no answer from outside"), the router itself: $(pings in1 192.0.2.1 && echo answer)" "no answer from outside, the router itself: answer"
forwarding 1
watch out out eth0 icmp
no_ping in1 192.0.2.2
wait_seen out 5 1 'echo request'
claim_like keepalived-nat "2: with it the question goes out, with a private source; the answer has no way back" "$(grep -oE '10\.0\.1\.11 > 192\.0\.2\.2: ICMP echo request|192\.0\.2\.2 > .*reply' "$(log_of out)" | sort -u | paste -sd,)" '^10\.0\.1\.11 > 192\.0\.2\.2: ICMP echo request$'
nft_router 'add table ip nat; add chain ip nat out { type nat hook postrouting priority srcnat; }; add rule ip nat out oifname wan masquerade'
claim_is keepalived-nat "... masquerade gives it the router's address, and the answer comes" "$(said_to in1 192.0.2.2), from $(seen_from in1)" "hello, from 192.0.2.1"
claim_is keepalived-nat "... two stations share that address" "$(said_to in2 192.0.2.2), from $(seen_from in2)" "hello, from 192.0.2.1"
claim_like keepalived-nat "... the kernel keeps who is behind which port" "$(in_ns router cat /proc/net/nf_conntrack 2> /dev/null | grep -m 1 'dport=7 ' || in_ns router conntrack -L 2> /dev/null | grep -m 1 'dport=7 ')" \
	'src=10\.0\.1\.1[12] dst=192\.0\.2\.2 .*src=192\.0\.2\.2 dst=192\.0\.2\.1'
nft_router 'add table ip filter; add chain ip filter input { type filter hook input priority 0; policy drop; }'
claim_is keepalived-nat "3: a filter that drops by default: the router answers nobody, and still passes on" "in1 $(no_ping in1 10.0.1.1 && echo "no answer"), through it: $(said_to in1 192.0.2.2)" "in1 no answer, through it: hello"
nft_router 'add rule ip filter input iifname lan accept'
claim_is keepalived-nat "... what comes from inside is accepted: answered inside, not outside" "in1 $(pings in1 10.0.1.1 && echo answer), out $(no_ping out 192.0.2.1 && echo "no answer")" "in1 answer, out no answer"
claim_is keepalived-nat "4: but the router's own questions to outside have no answers either" "$(no_ping router 192.0.2.2 && echo "no answer")" "no answer"
nft_router 'add rule ip filter input iifname wan ct state established,related accept'
claim_is keepalived-nat "... until what belongs to something begun inside is accepted" "$(pings router 192.0.2.2 && echo answer); out still $(no_ping out 192.0.2.1 && echo "no answer")" "answer; out still no answer"
nft_router 'add chain ip filter output { type filter hook output priority 0; policy drop; }'
claim_is keepalived-nat "5: with output dropped the router says nothing itself" "$(no_ping router 192.0.2.2 && echo "no answer"), through it: $(said_to in1 192.0.2.2)" "no answer, through it: hello"
nft_router 'add rule ip filter output accept'
claim_is keepalived-nat "... accepted, all five together: a router for a private network" "router $(pings router 192.0.2.2 && echo answer), in1 $(said_to in1 192.0.2.2), in2 $(said_to in2 192.0.2.2)" "router answer, in1 hello, in2 hello"

# ---- translation against routing ----

claim_is software-networking "NAT: nobody outside can begin anything with who is inside" "$(said_to out 10.0.1.11)" nothing
nft_router 'add chain ip nat in { type nat hook prerouting priority dstnat; }; add rule ip nat in iifname wan tcp dport 7 dnat to 10.0.1.11'
claim_is software-networking "... unless a port is forwarded" "out asks the router: $(said_to out 192.0.2.1)" "out asks the router: hello"
claim_like software-networking "... and then the server sees who asks" "$(in_ns out "$B/simple_nc" 192.0.2.1 7 < <(echo; sleep 0.5) > /dev/null 2>&1 & wait_for 3 sees_out > /dev/null; in_ns in1 ss -Htn "sport = :7" | awk '{ print $4, $5 }' | head -n 1; wait)" '^10\.0\.1\.11:7 192\.0\.2\.2:[0-9]+'
stop_all
lab down
lab_up nat-router --mode routed
watch routed out eth0 icmp
pings in1 192.0.2.2
wait_seen routed 5 2
claim_like software-networking "routing: both ways, addresses are those of the stations" "$(grep -oE '[0-9.]+ > [0-9.]+: ICMP echo [a-z]+' "$(log_of routed)" | paste -sd,)" '10\.0\.1\.11 > 192\.0\.2\.2: ICMP echo request,192\.0\.2\.2 > 10\.0\.1\.11: ICMP echo reply'
start_echo in1 7
claim_is software-networking "... and both ends can begin, when both know the way" "$(said_to out 10.0.1.11)" hello
in_ns out ip route del 10.0.1.0/24
claim_like software-networking "... without a route there is none" "$(in_ns out ip route get 10.0.1.11 2>&1)" 'Network is unreachable'
in_ns out ip route add 10.0.1.0/24 via 192.0.2.1
in_ns router nft 'add table ip m; add chain ip m f { type filter hook forward priority mangle; }; add rule ip m f iifname lan ip ttl set 42' || bail "nft"
spawn ttl out timeout 20 tcpdump -Z root -n -v -l -c 1 --immediate-mode -i eth0 'icmp[0] == 8'
wait_log ttl 10 'listening on'
pings in1 192.0.2.2
wait_exit ttl 5
claim_is software-networking "netfilter changes packets on their way: another TTL arrives" "$(grep -o 'ttl [0-9]*' "$(log_of ttl)")" "ttl 42"

done_testing
