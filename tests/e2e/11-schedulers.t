#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which backend a new connection gets: every scheduler's distribution, backups, weight 0.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

SCHEDULERS="rr wrr lc wlc sh mh"
WEIGHTS=("b1 weight = 1;" "b2 weight = 2;" "b3 weight = 3;")
declare -A PORT=()

conf_new
port=7000
# Each pool has servers of its own: a connection that ended a moment ago still holds its tuple, and so a client's
# port would be free at one backend and taken at another.
for scheduler in $SCHEDULERS; do
	PORT[$scheduler]=$((port += 1))
	for family in 4 6; do
		pool $scheduler$family $family $port "scheduler = \"$scheduler\"; $CHECK" "${WEIGHTS[@]}"
		service $scheduler$family $family $port tcp $scheduler$family
	done
done
for family in 4 6; do
	pool backup$family $family 7100 "scheduler = \"rr\"; $CHECK" b1 b2 "b3 backup = true;"
	pool zero$family $family 7101 "scheduler = \"wrr\"; $CHECK" b1 "b2 weight = 0;" "b3 weight = 2;"
	service backup$family $family 7100 tcp backup$family
	service zero$family $family 7101 tcp zero$family
done

lab_up
for b in b1 b2 b3; do
	for port in "${PORT[@]}" 7100 7101; do start_kv $b $port $b-$port; done
done
start_ready "$(conf)"

whoami_from() { # SOURCE FAMILY
	printf 'WHOAMI\r\nQUIT\r\n' | in_ns c1 nc -w 5 -s "$1" "$(vip "$2")" ${PORT[sh]} | sed -n '2s/-.*//p'
}
# Of held connections, as the backends see them.
held_on() { # PORT
	local b
	for b in b1 b2 b3; do
		echo -n "$b $(in_ns $b ss -Htn state established "( sport = :$1 )" | grep -cE "10\.0\.[13]\.11|fd00:[13]::11") "
	done
}
held_are() { # PORT "b1 N b2 N b3 N"
	[ "$(held_on "$1")" = "$2 " ] || { held_on "$1"; return 1; }
}
hold() { # NAME FAMILY PORT CONNECTIONS
	load "$1" c1 "$(vip "$2")" "$3" --mode hold --connections "$4" --duration 900 --interval-ms 20000 --open-rate 2000
}

for family in 4 6; do
	# ---- in turn ----
	is "rr takes turns exactly (IPv$family)" "$(spread $family ${PORT[rr]} 300)" "b1 100 b2 100 b3 100"
	is "... with many clients at once" "$(spread $family ${PORT[rr]} 300 c2 10)" "b1 100 b2 100 b3 100"
	is "wrr by weights 1, 2, 3 exactly (IPv$family)" "$(spread $family ${PORT[wrr]} 300)" "b1 50 b2 100 b3 150"

	# ---- by live connections ----
	hold held $family ${PORT[lc]} 90
	ok "lc spreads 90 held connections exactly (IPv$family)" wait_for 15 held_are ${PORT[lc]} "b1 30 b2 30 b3 30"
	is "... and tandemctl says so" "$(for b in b1 b2 b3; do of_backend lc$family $b connections_active; done | paste -sd' ')" "30 30 30"
	hold more $family ${PORT[lc]} 30
	ok "... 30 more" wait_for 15 held_are ${PORT[lc]} "b1 40 b2 40 b3 40"
	stop more INT
	ok "... which end" wait_for 15 held_are ${PORT[lc]} "b1 30 b2 30 b3 30"
	stop held INT
	hold held $family ${PORT[wlc]} 120
	ok "wlc spreads 120 by weights 1, 2, 3 exactly (IPv$family)" wait_for 15 held_are ${PORT[wlc]} "b1 20 b2 40 b3 60"
	ctl weight wlc$family/b1 3 > /dev/null
	hold more $family ${PORT[wlc]} 40
	ok "... b1, given weight 3 meanwhile, gets what it lacks" wait_for 15 held_are ${PORT[wlc]} "b1 60 b2 40 b3 60"
	stop more INT
	stop held INT
	ctl weight wlc$family/b1 1 > /dev/null
	ok "... all have ended" wait_for 15 held_are ${PORT[wlc]} "b1 0 b2 0 b3 0"

	# ---- by hash ----
	for c in c1 c2; do
		like "sh keeps a source on one backend ($c, IPv$family)" "$(spread $family ${PORT[sh]} 60 $c 4)" '^(b1 60 b2 0 b3 0|b1 0 b2 60 b3 0|b1 0 b2 0 b3 60)$'
	done
	for i in $(seq 60); do
		if [ $family = 4 ]; then a=10.0.1.$((100 + i)) more=/24; else a=fd00:1::$((1000 + i)) more="/64 nodad"; fi
		echo "addr add $a$more dev eth0"
		echo "$a" >&4
	done > "$TMP/batch" 4> "$TMP/sources"
	in_ns c1 ip -batch "$TMP/batch"
	while read -r a; do echo "$a $(whoami_from "$a" $family) $(whoami_from "$a" $family)"; done < "$TMP/sources" > "$TMP/seen"
	is "... and each of sixty more (IPv$family)" "$(awk '$2 == "" || $2 != $3' "$TMP/seen")" ""
	read -r n1 n2 n3 <<< "$(for b in b1 b2 b3; do grep -c " $b" "$TMP/seen"; done | paste -sd' ')"
	holds "... which spread over all by weight" "$n1 >= 3 && $n2 >= 10 && $n3 >= 18 && $n1 + $n2 + $n3 == 60"
	in_ns c1 "$TANDEM_BIN/load_client" "$(vip $family)" ${PORT[mh]} --mode kv-connect --requests 600 --connections 10 \
		--duration 20 > "$TMP/spread.json"
	read -r _ n1 _ n2 _ n3 <<< "$(answers_in "$TMP/spread.json")"
	holds "mh spreads ports by weights 1, 2, 3 (IPv$family)" \
		"$n1 > 60 && $n1 < 145 && $n2 > 140 && $n2 < 260 && $n3 > 235 && $n3 < 365 && $n1 + $n2 + $n3 == 600"
done

# mh: the same source port finds the same backend, before and after another one went.
ask() { # FAMILY SOURCE-PORT
	in_ns c2 python3 -c '
import socket, sys
to, port, source = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for p in range(source, source + 60):
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(5)
    s.bind(("", p))
    s.connect((to, port))
    s.sendall(b"WHOAMI\r\nQUIT\r\n") # the server ends it, and this port is free at once
    got = b""
    while more := s.recv(100):
        got += more
    print(p, got.split(b"\r\n")[1].decode()[:2])
    s.close()' "$(vip "$1")" "${PORT[mh]}" "$2"
}
for family in 4 6; do
	ask $family 30000 > "$TMP/before"
	is "mh: sixty ports are answered (IPv$family)" "$(wc -l < "$TMP/before")" 60
	ask $family 30000 > "$TMP/again"
	is "... each by the same backend again" "$(cat "$TMP/again")" "$(cat "$TMP/before")"
	ctl drain mh$family/b2 > /dev/null
	ask $family 30000 > "$TMP/without"
	is "... none by b2 when it is gone" "$(grep -c b2 "$TMP/without")" 0
	moved=$(join "$TMP/before" "$TMP/without" | awk '$2 != "b2" && $2 != $3' | wc -l)
	holds "... and almost nobody else has moved ($moved of 60)" "$moved <= 4"
	ctl enable mh$family/b2 > /dev/null
	ask $family 30000 > "$TMP/after"
	is "... all are where they were when it is back" "$(cat "$TMP/after")" "$(cat "$TMP/before")"
done

# ---- backups, weight 0 ----

for family in 4 6; do
	is "a backup serves nobody while a primary is up (IPv$family)" "$(spread $family 7100 40)" "b1 20 b2 20 b3 0"
	is "weight 0 takes nothing new (IPv$family)" "$(spread $family 7101 60)" "b1 20 b2 0 b3 40"
done
is "... but counts as up" "$(of_service backup4 backends_up) of $(of_service backup4 backends_total)" "3 of 3"
stop kv-b1-7100 KILL
wait_for 15 backend_is backup4 b1 state down
is "one primary is enough" "$(spread 4 7100 20)" "b1 0 b2 20 b3 0"
stop kv-b2-7100 KILL
wait_for 15 backend_is backup4 b2 state down
wait_for 15 backend_is backup6 b2 state down
for family in 4 6; do is "the backup serves when no primary is up (IPv$family)" "$(spread $family 7100 20)" "b1 0 b2 0 b3 20"; done
start_kv b2 7100 b2-7100
for family in 4 6; do
	wait_for 15 backend_is backup$family b2 state up
	is "... and no longer when one is back (IPv$family)" "$(spread $family 7100 20)" "b1 0 b2 20 b3 0"
done
ctl drain backup4/b2 > /dev/null
is "a drained primary makes way for the backup too" "$(spread 4 7100 20)" "b1 0 b2 0 b3 20"

done_testing
