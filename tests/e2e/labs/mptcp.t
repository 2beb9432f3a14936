#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Multipath TCP: one connection over two cables. What both ends see of it, and what becomes of it, and of plain TCP beside
# it, when a cable is pulled.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
needs mptcp
lab_up mptcp
TALK=$(dirname "$0")/talk.py

cat > "$TMP/end.py" <<'END'
# server PORT PROTOCOL [6] | client PORT PROTOCOL [6]: the client sends each line it is told, the server sends it back.
import socket, sys
port, protocol, six = int(sys.argv[2]), int(sys.argv[3]), len(sys.argv) > 4
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM, protocol)
if sys.argv[1] == "server":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("::" if six else "0.0.0.0", port)); s.listen(); print("ready", flush=True)
    while True:
        c, peer = s.accept()
        while data := c.recv(65536): c.sendall(data)
else:
    s.connect(("fd00:1::1" if six else "10.0.1.1", port)); s.settimeout(20); print("connected", flush=True)
    f = s.makefile("r")
    for line in sys.stdin:
        s.sendall(line.encode()); print("back:", f.readline().strip(), flush=True)
END
for row in "mptcp 7001 262" "plain 7002 6"; do
	read -r name port protocol <<< "$row"
	spawn "server-$name" server python3 "$TMP/end.py" server $port $protocol
	wait_log "server-$name" 10 ready || bail "no server: $(cat "$(log_of "server-$name")")"
	fed $name client python3 "$TMP/end.py" client $port $protocol
	heard $name 10 connected || bail "no connection: $(cat "$(log_of $name)")"
	told $name one 'back: one' || bail "no answer"
done

subflows() { in_ns client ss -Htn state established "dport = :$1" | awk '{ print $3, $4 }' | sed -E 's/:[0-9]+ / > /; s/:[0-9]+$//' | sort; }
two_subflows() { [ "$(subflows "$1" | wc -l)" = 2 ]; } # PORT
wait_for 10 two_subflows 7001
claim_is multihoming "the server told its other address, and the client opened a second path to it" "$(subflows 7001 | paste -sd,)" "10.0.1.2 > 10.0.1.1,10.0.2.2 > 10.0.2.1"
claim_is multihoming "... the application sees one connection" "$(in_ns client "$TANDEM_BIN/sockstat" --protocol mptcp --state established --port 7001 --list | grep -c '^mptcp ') of $(subflows 7001 | wc -l) TCP connections" "1 of 2 TCP connections"
claim_holds multihoming "... hosts exchange what addresses they have: the counters of ADD_ADDR and joins" \
	"MPTcpExtAddAddr $(counter_of client MPTcpExtAddAddr), MPJoinSynAckRx $(counter_of client MPTcpExtMPJoinSynAckRx)" "$(counter_of client MPTcpExtAddAddr) >= 1 && $(counter_of client MPTcpExtMPJoinSynAckRx) >= 1"
claim_is multihoming "plain TCP has one path" "$(subflows 7002 | paste -sd,)" "10.0.1.2 > 10.0.1.1"
spawn numbers server "$TALK" serve mptcp 7004
wait_log numbers 10 '^ready' || bail "no server"
spawn counting client "$TALK" count mptcp 10.0.1.1 7004 80
wait_log counting 20 '^10$' && wait_for 10 two_subflows 7004 || bail "no client with two paths"
in_ns server ip link set eth0 down
began=$(now_ms)
say plain two
say mptcp two
ok=no
wait_for 25 said mptcp 'back: two' > /dev/null && ok=yes
took=$(($(now_ms) - began))
claim "multihoming" "a cable is pulled: the connection goes on by the other" "answer after $took ms" "$([ $ok = yes ] && echo ok || echo fail)"
claim_is multihoming "... plain TCP waits for its cable, though another one is there" "$(said plain 'back: two' && echo answered || echo "no answer"), $(in_ns client ss -Htn "dport = :7002" | awk '{ print $1, ($3 > 0 ? "with data unacknowledged" : "") }')" \
	"no answer, ESTAB with data unacknowledged"
wait_exit counting 40
line=$(tail -n 1 "$(log_of counting)")
claim_holds multihoming "... who sends a number every 50 ms gets all of them back" "$line" "${line%% *} == 80 && $(sed -n 's/.* \([0-9]*\) ms$/\1/p' <<< "$line") < 10000"
in_ns server ip link set eth0 up
wait_for 30 said plain 'back: two' > /dev/null
claim_like multihoming "... the cable is back: plain TCP too" "$(said plain 'back: two' && echo answered)" answered
told mptcp three 'back: three'
claim_is multihoming "... and multipath goes on" "$ANSWER" "back: three"
spawn server-older server python3 "$TMP/end.py" server 7003 6
wait_log server-older 10 ready || bail "no server"
fed older client python3 "$TMP/end.py" client 7003 262
heard older 10 connected
told older four 'back: four'
claim_is multihoming "a client that can, a server that cannot: it is TCP, and works" "$ANSWER, fallbacks counted: $(counter_of client MPTcpExtMPCapableFallbackSYNACK)" "back: four, fallbacks counted: 1"
in_ns server ip addr add fd00:1::1/64 dev eth0 nodad # it went with the link, as IPv6 addresses do
spawn server-six server python3 "$TMP/end.py" server 7005 262 6
wait_log server-six 10 ready || bail "no server"
fed six client python3 "$TMP/end.py" client 7005 262 6
heard six 10 connected || bail "no connection over IPv6"
told six five 'back: five' || bail "no answer over IPv6"
families() { in_ns client ss -Htn state established "dport = :7005" | awk '{ print $4 }' | sed -E 's/^\[(::ffff:)?//; s/\]?:7005$//' | sort; }
two_families() { [ "$(families | wc -l)" = 2 ] || { families; return 1; }; }
wait_for 10 two_families
claim_is multihoming "one connection may have paths of both families: begun over IPv6, joined over IPv4" "to $(families | paste -sd' ')" "to 10.0.2.1 fd00:1::1"
in_ns server ip link set eth0 down
told six six 'back: six' || heard six 20 'back: six'
claim_like multihoming "... and goes on by the other family when the first one's cable is pulled" "$(said six 'back: six' && echo "back: six")" 'back: six'

done_testing
