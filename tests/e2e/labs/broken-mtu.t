#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An MTU black hole: a link with a smaller MTU on the way, and a filter that takes away the ICMP which would say so. What
# is small gets through, what is large never; what the sender can do, what the router, and what the balancer does.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
. "$(dirname "$0")/../config.sh"
B=$TANDEM_BIN

lab_up
for b in b1 b2 b3; do start_echo $b 7; done
# The router's link to the backends is narrow, and the backends do not know: their handshake offers 1460.
in_ns lb ip link set back mtu 1400
for n in c1 b1; do in_ns $n ethtool -K eth0 tso off gso off > /dev/null; done
silence() { in_ns lb nft 'add table ip lab; add chain ip lab out { type filter hook output priority 0; }; add rule ip lab out icmp type destination-unreachable counter drop'; }
speak() { in_ns lb nft 'add table ip lab; delete table ip lab'; }
forget() { in_ns c1 ip route flush cache; in_ns c1 ip tcp_metrics flush > "$TMP/metrics" 2>&1; }
head -c 37500 /dev/urandom | base64 -w 0 > "$TMP/data" # 50000 bytes
of_ss() { in_ns c1 ss -Htnio "dst $1" | tr '\n' ' '; }
unacknowledged() { of_ss "$1" | awk '{ print $3 }'; }
goes_through() { # HOST NAME: 50000 bytes to the backend are acknowledged
	local name=$2
	fed "$name" c1 "$B/simple_nc" "$1" 7
	heard "$name" 5 connected || bail "no connection"
	cat "$TMP/data" >&"${FEED[$name]}"
	wait_for 12 is_empty "$1" > /dev/null
}
is_empty() { [ "$(in_ns c1 ss -Htn state established "dst $1" | awk '{ print $2 }')" = 0 ] && [ "$(in_ns c1 ss -Htni state established "dst $1" | grep -o 'bytes_acked:[0-9]*' | cut -d: -f2)" -ge 50000 ]; }

# ---- the black hole ----

silence || bail "nft takes no rules"
fed hole c1 "$B/simple_nc" 10.0.2.11 7
heard hole 5 connected || bail "no connection"
told hole small small
claim_is socket-lab "MTU black hole: the handshake is done, and what is small is answered" "$ANSWER" small
before=$(counter_of lb IpFragFails)
cat "$TMP/data" >&"${FEED[hole]}"
backing_off() { [[ $(of_ss 10.0.2.11) =~ backoff:[3-9] ]]; }
wait_for 12 backing_off
claim_like socket-lab "... what is large is not: ss has the path's MTU as it believes it, and repeats" "$(of_ss 10.0.2.11 | grep -oE 'Send-Q|backoff:[0-9]+|mss:[0-9]+|pmtu:[0-9]+|retrans:[0-9/]+' | paste -sd' ')" 'backoff:[3-9] mss:14[0-9]+ pmtu:1500.*retrans:[0-9/]+'
claim_holds socket-lab "... Send-Q is what waits" "$(unacknowledged 10.0.2.11) bytes" "$(unacknowledged 10.0.2.11) > 10000"
claim_holds socket-lab "... the router counts what does not fit, and the filter what it would have said" \
	"IpFragFails +$(($(counter_of lb IpFragFails) - before)), $(in_ns lb nft list chain ip lab out | grep -o 'packets [0-9]*') of ICMP dropped" "$(counter_of lb IpFragFails) - $before >= 3"
ping_size() { in_ns c1 ping -n -q -c 1 -W 1 -M "do" -s "$1" 10.0.2.11 > /dev/null 2>&1 && echo answer || echo silence; }
claim_is socket-lab "... how to find it: pings that may not be fragmented, of 1400 bytes and of 1401" "1400: $(ping_size 1372), 1401: $(ping_size 1373)" "1400: answer, 1401: silence"

# ---- what helps ----

speak
wait_for 30 is_empty 10.0.2.11
claim_like socket-lab "the ICMP may pass again: the sender learns the MTU, and all arrives" "$(of_ss 10.0.2.11 | grep -oE 'pmtu:[0-9]+'), $(unacknowledged 10.0.2.11) bytes wait" 'pmtu:1400, 0 bytes wait'
hang_up hole
silence
forget
echo 1 | in_ns c1 tee /proc/sys/net/ipv4/tcp_mtu_probing > /dev/null
goes_through 10.0.2.12 probing
claim_like socket-lab "without ICMP, tcp_mtu_probing: the sender tries less by itself" "$(in_ns c1 ss -Htni "dst 10.0.2.12" | grep -oE '\<mss:[0-9]+|bytes_acked:[0-9]+' | paste -sd' '), TCPMTUPSuccess $(counter_of c1 TcpExtTCPMTUPSuccess), TcpRetransSegs $(counter_of c1 TcpRetransSegs)" \
	'mss:(1[0-2]|[1-9])[0-9][0-9] bytes_acked:5[0-9]+.*'
hang_up probing
echo 0 | in_ns c1 tee /proc/sys/net/ipv4/tcp_mtu_probing > /dev/null
forget
in_ns lb nft 'add table ip clamp; add chain ip clamp f { type filter hook forward priority mangle; }; add rule ip clamp f tcp flags syn tcp option maxseg size set rt mtu' || bail "no clamp"
goes_through 10.0.2.13 clamped
claim_like socket-lab "... or the router writes a smaller segment size into the handshake" "$(in_ns c1 ss -Htni "dst 10.0.2.13" | grep -oE '\<mss:[0-9]+|bytes_acked:[0-9]+' | paste -sd' ')" 'mss:13[0-9]+ bytes_acked:5[0-9]+'
hang_up clamped
in_ns lb nft delete table ip clamp
forget

# ---- through the balancer ----

conf_new
pool echo 4 7 "scheduler = \"rr\"; $CHECK" b1
service echo 4 7 tcp echo
start_ready "$(conf)"
goes_through $VIP4 balanced
claim_like socket-lab "the balancer, with the same filter: its dataplane says 'too big' itself, and all arrives" "$(in_ns c1 ss -Htni "dst $VIP4" | grep -oE 'pmtu:[0-9]+|bytes_acked:[0-9]+' | paste -sd' ')" 'pmtu:1400.*bytes_acked:5[0-9]+'
claim_holds socket-lab "... and counts" "too_big $(counter too_big), icmp_sent $(counter icmp_sent)" "$(counter too_big) >= 1 && $(counter icmp_sent) >= 1"
claim_is socket-lab "... a check of small packets had nothing to complain of: b1" "$(of_backend echo b1 state)" up

done_testing
