#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What becomes of connections when an operator drains, disables or weighs a backend, and when a backend goes
# down: nobody loses a connection that could go on, nobody waits for one that cannot.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

# A backend's health is its echo server on port 7: it can go down and be well all the same.
HEALTH='check = { type = "tcp"; port = 7; interval_ms = 200; timeout_ms = 150; rise = 1; fall = 2; };'
conf_new
for family in 4 6; do
	pool reset$family $family 7001 "scheduler = \"rr\"; on_backend_down = \"reset\"; $HEALTH" b1 b2 b3
	pool keep$family $family 7002 "scheduler = \"rr\"; on_backend_down = \"keep\"; $HEALTH" b1 b2 b3
	pool weights$family $family 7003 "scheduler = \"wrr\"; $HEALTH" b1 b2 b3
	service reset$family $family 7001 tcp reset$family
	service keep$family $family 7002 tcp keep$family
	service weights$family $family 7003 tcp weights$family
	pool echo$family $family 8 "scheduler = \"rr\"; $HEALTH" b1 b2 b3
	service echo$family $family 8 udp echo$family
done

lab_up
for b in b1 b2 b3; do
	for port in 7001 7002 7003; do start_kv $b $port $b-$port; done
	start_echo $b 7 $b
	start_echo $b 8 $b-8
done
start_ready "$(conf)"

active() { for b in b1 b2 b3; do of_backend "$1" $b connections_active; done | paste -sd' '; } # POOL
active_is() { [ "$(active "$1")" = "$2" ] || { active "$1"; return 1; }; }
hold() { # NAME FAMILY PORT CONNECTIONS
	load "$1" c1 "$(vip "$2")" "$3" --mode hold --connections "$4" --duration 900 --interval-ms 100
}

# ---- drain, enable, weight ----

for family in 4 6; do
	hold held $family 7001 30
	wait_for 15 active_is reset$family "10 10 10"
	like "drain says what it means (IPv$family)" "$(ctl drain reset$family/b1)" 'no new connections.*10 live connections'
	is "... nothing new comes" "$(spread $family 7001 40)" "b1 0 b2 20 b3 20"
	ok "... what is established goes on" goes_on held
	is "... all of it" "$(active reset$family)" "10 10 10"
	is "... and tandemctl shows it" "$(of_backend reset$family b1 admin) $(of_backend reset$family b1 state)" "drain up"
	ok "enable" ctl enable reset$family/b1
	is "... takes new ones again" "$(spread $family 7001 30)" "b1 10 b2 10 b3 10"
	ok "weight 0" ctl weight reset$family/b2 0
	is "... is a drain" "$(spread $family 7001 20)" "b1 10 b2 0 b3 10"
	ok "... which enable ends" ctl enable reset$family/b2
	is "... as it says" "$(spread $family 7001 30)" "b1 10 b2 10 b3 10"
	stop held INT
	is "nobody lost a connection (IPv$family)" "$(report held .connections.broken) $(report held .failed_requests)" "0 0"

	ok "weight 3" ctl weight weights$family/b2 3
	is "... counts at once" "$(spread $family 7003 50)" "b1 10 b2 30 b3 10"
	is "... beside the file's" "$(of_backend weights$family b2 weight) $(of_backend weights$family b2 weight_configured)" "3 1"
	ok "all drained" sh -c "$(declare -f ctl); TANDEM_BIN=$TANDEM_BIN RUNDIR=$RUNDIR; for b in b1 b2 b3; do ctl drain weights$family/\$b; done"
	is "... the service is empty" "$(of_service weights$family state)" empty
	for b in b1 b2 b3; do ctl enable weights$family/$b > /dev/null; done
done

refused() { # NAME STATUS REGEX tandemctl's arguments...
	local name=$1 want=$2 regex=$3 out; shift 3
	out=$(ctl "$@" 2>&1)
	is "$name: status $want" $? "$want"
	like "... and says why" "$out" "$regex"
}
refused "no such backend" 1 "no backend 'reset4/b9'" drain reset4/b9
refused "no such pool" 1 "no backend 'moon/b1'" enable moon/b1
refused "no backend at all" 2 "POOL/BACKEND" drain reset4
refused "a weight too large" 2 "0 to 256" weight reset4/b1 257
refused "no weight" 2 "WEIGHT|N" weight reset4/b1

# ---- disable: at once, as on_backend_down says ----

for family in 4 6; do
	hold reset $family 7001 30
	hold keep $family 7002 30
	wait_for 15 active_is reset$family "10 10 10"
	wait_for 15 active_is keep$family "10 10 10"
	ok "disable (IPv$family)" ctl disable reset$family/b1
	ctl disable keep$family/b1 > /dev/null
	broken() { [ "$(load_peek reset .connections.broken)" = 10 ]; }
	ok "... resets its connections" wait_for 15 broken
	is "... by a reset" "$(load_peek reset .failures.reset)" 10
	ok "... but not where they are to be kept" goes_on keep
	is "... all of them" "$(active keep$family)" "10 10 10"
	is "... nothing new comes" "$(spread $family 7001 20) $(spread $family 7002 20)" "b1 0 b2 10 b3 10 b1 0 b2 10 b3 10"
	stop reset INT
	stop keep INT
	is "... nobody else lost anything" "$(report reset .connections.broken) $(report keep .connections.broken)" "10 0"
	ctl enable reset$family/b1 > /dev/null
	ctl enable keep$family/b1 > /dev/null
done

# ---- a backend goes down: clients blocked in a read ----

cat > "$TMP/reader.py" <<'END'
# Connects until it is on server b1, then waits for what nobody will send; says how the wait ended and when.
import socket, sys, time
to, port = sys.argv[1], int(sys.argv[2])
while True:
    s = socket.create_connection((to, port), 5)
    s.sendall(b"WHOAMI\r\n")
    if s.recv(100).split(b"\r\n")[1].startswith(b"b1"):
        break
print("on b1", flush=True)
s.settimeout(10)
try:
    print("got", s.recv(100), flush=True)
except Exception as e:
    print("ended", type(e).__name__, int(time.time() * 1000), flush=True)
END
last_down() { # POOL/BACKEND -> number of the event
	perl -MJSON::PP -0777 -ne '
		print((grep { $_->{subject} eq "backend '"$1"'" && $_->{event} eq "down" } @{decode_json($_)->{events}})[-1]{seq})' \
		"$TMP/events.json"
}
on_b1() { in_ns b1 ss -Htn state established "( sport = :$1 )" | grep -cE '10\.0\.1\.11|fd00:1::11'; } # PORT
none_on_b1() { [ "$(on_b1 "$1")" = 0 ]; }

for family in 4 6; do spawn read-reset$family c1 python3 "$TMP/reader.py" "$(vip $family)" 7001; done
for family in 4 6; do spawn read-keep$family c1 python3 "$TMP/reader.py" "$(vip $family)" 7002; done
for kind in reset keep; do for family in 4 6; do wait_log read-$kind$family 15 'on b1' || bail "no reader"; done; done
stop echo-b1 KILL
for family in 4 6; do
	wait_for 15 backend_is reset$family b1 state down || bail "b1 did not go down"
	ok "a client that only reads is reset (IPv$family)" wait_log read-reset$family 15 'ended ConnectionResetError'
	down=$(of_backend reset$family b1 since_s) # so that a failure shows what tandemctl thinks
	at=$(ctl --json events > "$TMP/events.json"; json "$TMP/events.json" ".events[seq=$(last_down reset$family/b1)].time_ms")
	took=$(($(awk '/ended/ { print $3 }' "$(log_of read-reset$family)") - at))
	holds "... promptly: $took ms after the backend was down (since $down s)" "$took < 500"
done
ok "the backend's side is reset, too" wait_for 15 none_on_b1 7001
is "those that are to be kept are kept" "$(on_b1 7002)" 2
ok "... on the client's side, too" alive read-keep4
ok "... in both families" alive read-keep6
like "why is shown" "$(of_backend reset4 b1 cause)" 'refused'

# With the host itself gone nothing comes back from the backend, and the client is told all the same.
start_echo b1 7 b1
for family in 4 6; do wait_for 15 backend_is reset$family b1 state up; done
for family in 4 6; do spawn read-reset$family c2 python3 "$TMP/reader.py" "$(vip $family)" 7001; done
for family in 4 6; do wait_log read-reset$family 15 'on b1' || bail "no reader"; done
in_ns b1 ip link set eth0 down
for family in 4 6; do
	ok "the host vanishes: its clients are reset (IPv$family)" wait_log read-reset$family 15 'ended ConnectionResetError'
done
ok "a vanished host is down" wait_for 15 backend_is reset4 b1 state down
like "... the cause is named" "$(of_backend reset4 b1 cause)" 'timeout|timed out|no answer|unreachable'
in_ns b1 sh -c "ip link set eth0 up; ip addr add fd00:2::11/64 dev eth0 nodad; ip -6 route add default via fd00:2::1; ip route replace default via 10.0.2.1"
for family in 4 6; do wait_for 15 backend_is echo$family b1 state up || bail "b1 did not come back"; done

# ---- UDP: the next datagram finds another backend ----

for family in 4 6; do
	for b in b1 b2 b3; do wait_for 15 backend_is echo$family $b state up || bail "$b is not up"; done
	load udp c1 "$(vip $family)" 8 --mode echo-udp --connections 12 --rate 600 --duration 900
	on_three() { active_is echo$family "4 4 4"; }
	wait_for 15 on_three || bail "UDP clients are not spread"
	ctl drain echo$family/b2 > /dev/null
	packets=$(of_backend echo$family b2 packets_in)
	more() { [ "$(of_backend echo$family b2 packets_in)" -gt $((packets + 50)) ]; }
	ok "a drained backend keeps its UDP clients (IPv$family)" wait_for 15 more
	ctl disable echo$family/b1 > /dev/null
	packets=$(of_backend echo$family b1 packets_in)
	before=$(load_peek udp .answers)
	ok "a disabled backend's UDP clients go elsewhere" wait_for 15 answers_more udp $((before + 300))
	is "... at once: not one datagram more" "$(of_backend echo$family b1 packets_in)" "$packets"
	is "... they are counted" "$(active echo$family | cut -d' ' -f1)" 0
	is "... nobody noticed" "$(load_peek udp .failed_requests)" 0
	ctl enable echo$family/b1 > /dev/null
	ctl enable echo$family/b2 > /dev/null

	# A backend that dies: requests are lost until its check has failed, none after.
	stop echo-b3 KILL
	stop echo-b3-8 KILL
	wait_for 15 backend_is echo$family b3 state down
	# Those under way when it died have timed out a second later.
	before=$(load_peek udp .answers)
	wait_for 15 answers_more udp $((before + 700))
	failed=$(load_peek udp .failed_requests)
	before=$(load_peek udp .answers)
	ok "after a death every client is answered again (IPv$family)" wait_for 15 answers_more udp $((before + 300))
	is "... without a failure more" "$(load_peek udp .failed_requests)" "$failed"
	stop udp INT
	start_echo b3 7 b3
	start_echo b3 8 b3-8
	wait_for 15 backend_is echo$family b3 state up
done
holds "moves are counted" "$(counter udp_repicked) >= 16"

done_testing
