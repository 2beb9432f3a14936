#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Broken networks: a black hole, loss in one direction, a flapping link. For each what the application sees, what ss and
# the counters say, and what the balancer does about it. MTU and duplicate addresses are in files of their own.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
. "$(dirname "$0")/../config.sh"
B=$TANDEM_BIN

lab_up
for b in b1 b2 b3; do start_kv $b 6379; start_echo $b 7; done
conf_new
pool kv 4 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
pool calm 4 7 'scheduler = "rr"; check = { type = "tcp"; interval_ms = 200; timeout_ms = 150; rise = 25; fall = 2; };' b1 b2 b3
service kv 4 6379 tcp kv
service calm 4 7 tcp calm
start_ready "$(conf)"
wait_for 20 service_up calm 3 || bail "pool calm is not ready"

hurt() { # RULES for what comes from b2 (in) and goes to it (out), with the switch's carrier as it is
	in_ns sw nft -f - <<-END || bail "nft takes no rules of the bridge family"
		table bridge broken {
			chain from {
				type filter hook prerouting priority 0
				iifname "b2" ${1:-accept}
			}
			chain to {
				type filter hook forward priority 0
				oifname "b2" ${2:-accept}
			}
		}
	END
}
mend() { in_ns sw nft 'add table bridge broken; delete table bridge broken'; }
cause() { of_backend kv "$1" cause; }
changes() { ctl events | grep -c -E "backend $1 +(up|down)"; } # POOL/BACKEND
kept_by() { # NAME BACKEND: a client of the service, held by that backend
	local try
	for try in 1 2 3; do
		fed "$1" c1 "$B/simple_nc" $VIP4 6379
		heard "$1" 5 connected || bail "no connection"
		told "$1" WHOAMI 'b[123]' && [ "$ANSWER" = "$2" ] && return
		hang_up "$1"
		wait_exit "$1" 5
	done
	bail "no connection of $2"
}

# ---- a black hole ----

fed direct c1 "$B/simple_nc" 10.0.2.12 6379 --ack-ms 2500
heard direct 5 connected || bail "no connection"
told direct WHOAMI b2 || bail "b2 does not answer"
kept_by held b2
before=$(counter_of c1 TcpRetransSegs)
hurt drop drop
began=$(now_ms)
say direct PING
is_stuck() { [ "$(in_ns c1 ss -Htno "dst 10.0.2.12" | grep -c 'timer:(on')" = 1 ]; }
wait_for 5 is_stuck
claim_like socket-lab "black hole: the connection is still established; ss shows what waits, and the timer" \
	"$(in_ns c1 ss -Htno "dst 10.0.2.12" | awk '{ print $1, "Send-Q", $3, $NF }')" 'ESTAB Send-Q 5 timer:\(on,[0-9.a-z]+,[0-9]+\)'
wait_exit direct 15
claim_is socket-lab "... no RST, no ICMP: the application waits until its own time-out" "simple_nc: exit $?" "simple_nc: exit 5"
claim_holds socket-lab "... the only trace is in the counters: segments sent again" "TcpRetransSegs +$(($(counter_of c1 TcpRetransSegs) - before)) in $(($(now_ms) - began)) ms" "$(counter_of c1 TcpRetransSegs) - $before >= 2"
in_ns c1 "$B/simple_nc" 10.0.2.12 6379 --connect-ms 800 < /dev/null > "$TMP/new" 2>&1
claim_like socket-lab "... a new connection has no answer to its SYN" "exit $?: $(cat "$TMP/new")" 'exit 5: .*(time-out|no answer|unreachable).*'
wait_for 5 backend_is kv b2 state down
claim_like socket-lab "the balancer's check fails, and says how" "b2 is $(of_backend kv b2 state): $(cause b2)" '^b2 is down: .*(time|unreachable|no answer).*'
wait_exit held 5
claim_is socket-lab "... who was connected to it is told by RST, instead of a long silence" "simple_nc: exit $?" "simple_nc: exit 3"
claim_is socket-lab "... new connections go to the others, and none fails" "$(spread 4 6379 30)" "b1 15 b2 0 b3 15"
claim_is socket-lab "... 'services' counts" "$(of_service kv backends_up) of 3 up, $(of_service kv state)" "2 of 3 up, up"
mend
wait_for 10 backend_is kv b2 state up
claim_is socket-lab "... mended: it is asked on, is up, and has its share" "$(spread 4 6379 30)" "b1 10 b2 10 b3 10"

# ---- loss in one direction: what b2 says is lost ----

wait_for 20 service_up calm 3 || fail "pool calm is whole again"
start_time b2 123
burst() { in_ns c1 "$B/time_burst_client" 10.0.2.12 123 --quiet --count 100 --timeout-ms 800 --settle-ms 0 2> /dev/null | tail -n 1; }
burst > "$TMP/good"
in_ns sw nft 'add table bridge broken; add counter bridge broken gone'
bad=$(changes calm/b2) base=$(changes kv/b2)
hurt 'ether type ip numgen random mod 100 < 60 counter name gone drop'
got=$(counter_of b2 UdpInDatagrams)
line=$(burst)
answered=$(sed -E 's/.*answered ([0-9]+).*/\1/' <<< "$line")
claim_holds socket-lab "loss in one direction: all questions arrive, most answers do not; the client can't tell which" \
	"$(cut -d, -f1-4 <<< "$line"); the server has got $(($(counter_of b2 UdpInDatagrams) - got))" "$(counter_of b2 UdpInDatagrams) - $got == 100 && $answered >= 20 && $answered <= 60"
client=$(counter_of c1 TcpRetransSegs) server=$(counter_of b2 TcpRetransSegs)
head -c 60000 /dev/urandom > "$TMP/data"
in_ns c1 "$B/simple_nc" 10.0.2.12 7 < "$TMP/data" > "$TMP/back" 2> /dev/null &
echo=$!
sent_again() { [ $(($(counter_of b2 TcpRetransSegs) - server)) -ge 3 ]; }
wait_for 20 sent_again
claim_holds socket-lab "... TCP: it is the server whose segments are sent again" \
	"TcpRetransSegs: server +$(($(counter_of b2 TcpRetransSegs) - server)), client +$(($(counter_of c1 TcpRetransSegs) - client))" "$(counter_of b2 TcpRetransSegs) - $server >= 3"
claim_like socket-lab "... ss on the server has the round trips and repeats of each connection" "$(in_ns b2 ss -Htanio "sport = :7" | tr '\n' ' ')" 'retrans:[0-9]+/[0-9]+|timer:\(on|backoff:[0-9]+'
wait_for 15 backend_is calm b2 state down
fell() { [ $(($(changes kv/b2) - base)) -ge 3 ]; }
wait_for 20 fell
claim_holds socket-lab "the balancer: rise 1 puts it back at the first good check, and out again" "$(($(changes kv/b2) - base)) changes of kv/b2" "$(changes kv/b2) - $base >= 3"
claim_is socket-lab "... rise 25 keeps it out: one change since the link went bad" "b2 is $(of_backend calm b2 state), $(($(changes calm/b2) - bad)) change" "b2 is down, 1 change"
claim_is socket-lab "... whose clients do not notice" "$(in_ns c2 "$B/load_client" $VIP4 7 --mode echo --requests 100 --connections 4 --duration 10 | json - .failures)" "$NO_FAILURES"
mend
kill $echo 2> /dev/null
wait $echo 2> /dev/null

# ---- a flapping link ----

wait_for 20 service_up calm 3 || fail "pool calm is whole once more"
wait_for 10 service_up kv 3
carrier_changes() { in_ns b3 ip -j -s -s link show dev eth0 | json - '[0].stats64.tx.carrier_changes'; }
kept_by held b3
before=$(carrier_changes) was=$(changes kv/b3) calm=$(changes calm/b3)
in_ns sw ip link set b3 down
in_ns sw ip link set b3 up
told held PING PONG
claim_like socket-lab "a link flaps for a moment: the connection waits, sends again, and goes on" "answer: $ANSWER" 'PONG'
load steady c2 $VIP4 7 --mode echo --connections 4 --rate 100 --duration 60 --timeout-ms 3000
wait_for 5 load_peek steady .answers > /dev/null
for i in 1 2 3; do
	in_ns sw ip link set b3 down
	wait_for 10 backend_is kv b3 state down
	in_ns sw ip link set b3 up
	wait_for 10 backend_is kv b3 state up
done
claim_holds socket-lab "a link flaps on: the interface counts its carrier's comings and goings" "carrier_changes +$(($(carrier_changes) - before))" "$(carrier_changes) - $before >= 8"
wait_exit held 5
claim_is socket-lab "... a connection over it is ended by the balancer when the check has failed" "simple_nc: exit $?" "simple_nc: exit 3"
claim_holds socket-lab "the balancer: each flap is two events with rise 1" "$(($(changes kv/b3) - was)) changes of kv/b3" "$(changes kv/b3) - $was >= 6"
claim_is socket-lab "... with rise 25 it is out from the first on" "$(($(changes calm/b3) - calm)) change of calm/b3" "1 change of calm/b3"
peek_all steady
goes_on steady
then=$(report steady .failed_requests)
goes_on steady
claim_holds socket-lab "... and clients go on on the others" "$(load_peek steady .answers) answers, failed: $then before it was out, $(($(load_peek steady .failed_requests) - then)) after" "$(load_peek steady .failed_requests) == $then"
stop steady INT

done_testing
