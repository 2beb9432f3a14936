#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One name for several servers: by a list of addresses that clients choose from, and by one address with a balancer behind
# it. What clients notice when a server dies.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/../config.sh"

conf_new
pool even 4 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
pool sticky 4 6380 "scheduler = \"rr\"; sticky = { timeout_s = 60; }; $CHECK" b1 b2 b3
pool least 4 6381 "scheduler = \"lc\"; $CHECK" b1 b2
service even 4 6379 tcp even
service sticky 4 6380 tcp sticky
service least 4 6381 tcp least

lab_up
for b in b1 b2 b3; do start_kv $b 6379; start_kv $b 6380 $b-6380; done
for b in b1 b2; do start_kv $b 6381 $b-6381; done

whoami() { printf 'WHOAMI\r\nQUIT\r\n' | in_ns c1 timeout 10 nc -w 2 "$1" "$2" 2> /dev/null | tr -d '\r' | sed -n '2{s/-.*//;p}'; } # ADDRESS PORT
tally() { sort | uniq -c | awk '{ printf "%s%s %s", sep, $2, $1; sep = ", " } END { print "" }'; }

# ---- several addresses, and clients that choose ----

stop kv-b2 KILL
naive=0
for ((i = 0; i < 12; i++)); do [ -n "$(whoami "10.0.2.$((11 + i % 3))" 6379)" ] || naive=$((naive + 1)); done
claim_is multihoming "clients take turns over three addresses, one server is dead: a third of them gets nothing" "$naive of 12" "4 of 12"
first() { local a; for a; do whoami "$a" 6379 | grep . && return; done; }
slow=0
for ((i = 0; i < 6; i++)); do [ -n "$(first 10.0.2.12 10.0.2.11 10.0.2.13)" ] || slow=$((slow + 1)); done
claim_is multihoming "... clients that try one address after the other all get an answer" "$slow of 6 without one" "0 of 6 without one"
start_kv b2 6379

# ---- one address ----

start_ready "$(conf)"
VIP=$(vip 4)
for ((i = 0; i < 12; i++)); do whoami "$VIP" 6379; done > "$TMP/even"
claim_is multihoming "a balancer: one address, connections go to all servers" "$(tally < "$TMP/even")" "b1 4, b2 4, b3 4"
seen=$(for ((i = 0; i < 5; i++)); do whoami "$VIP" 6380; done | tally)
claim_like multihoming "sticky: connections of one client go to one server" "$seen" '^b[123] 5$'

spawn held1 c1 sh -c "sleep 60 | nc -w 60 $VIP 6381"
spawn held2 c2 sh -c "sleep 60 | nc -w 60 $VIP 6381"
two_held() { in_ns b1 ss -Htn state established "sport = :6381" | grep -q . && in_ns b2 ss -Htn state established "sport = :6381" | grep -q .; }
ok "two connections are held, one by each" wait_for 10 two_held
held() { echo "b1 $(in_ns b1 ss -Htn state established "sport = :6381" | wc -l), b2 $(in_ns b2 ss -Htn state established "sport = :6381" | wc -l)"; }
claim_is multihoming "least connections: who has fewer gets the next" "$(held)" "b1 1, b2 1"

began=$(now_ms)
stop kv-b2 KILL
ok "the balancer finds out" wait_for 5 backend_is even b2 state down
took=$(($(now_ms) - began))
for ((i = 0; i < 12; i++)); do whoami "$VIP" 6379; done > "$TMP/even"
claim_is multihoming "a server dies: after the health check has seen it no client notices" "$(tally < "$TMP/even")" "b1 6, b3 6"
claim_holds multihoming "... which takes a moment" "$took ms" "$took < 5000"
claim_like multihoming "it is NAT inwards: the client has talked to the shared address, the server has seen the client's" \
	"$(spawn seen b1 timeout 10 tcpdump -Z root -n -t -l -c 1 --immediate-mode -i eth0 'tcp dst port 6379 and tcp[tcpflags] & tcp-syn != 0 and net 10.0.1.0/24'
	wait_log seen 10 'listening on' > /dev/null
	whoami "$VIP" 6379 > /dev/null; whoami "$VIP" 6379 > /dev/null
	wait_exit seen 12; grep '^IP' "$(log_of seen)")" '10\.0\.1\.11\.[0-9]+ > 10\.0\.2\.11\.6379'

done_testing
