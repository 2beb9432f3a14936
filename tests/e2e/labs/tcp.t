#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A TCP server step by step: what the kernel does without it between bind, listen, accept and read, and what a client
# sees of each (byte_sink on the server, simple_nc and nc on client 1).
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
lab_up two_clients
B=$TANDEM_BIN
PORT=8080

watch wire server veth_srv_c1 tcp port $PORT
fed sink server "$B/byte_sink" 10.0.1.1 $PORT
told sink bind 'bind: done' || bail "byte_sink does not bind: $ANSWER"

# ---- before listen() ----

claim_is socket-lab "a socket that is only bound is not among those that ss shows" "$(tcp server $PORT | wc -l) sockets" "0 sockets"
out=$(in_ns client1 "$B/simple_nc" 10.0.1.1 $PORT 2>&1 < /dev/null)
status=$?
wait_seen wire 5 1 'Flags \[R\.?\]'
claim socket-lab "before listen() a connection is refused: the SYN is answered by RST" "exit $status; $(seen wire 'Flags \[S\]') SYN, $(seen wire 'Flags \[R') RST" \
	"$([ $status = 4 ] && [ "$(seen wire 'Flags \[R')" -ge 1 ] && echo ok || echo fail)"
claim_like socket-lab "... nc says the same" "$(in_ns client1 nc -nv -w 3 10.0.1.1 $PORT 2>&1 < /dev/null)" "Connection refused"

# ---- listen(), and a handshake that nobody accepts ----

told sink 'listen 2' 'LISTEN: 0 wait' || bail "byte_sink does not listen: $ANSWER"
claim_is socket-lab "after listen() ss shows it: nobody in the queue, room for 2" "$(tcp server $PORT)" "LISTEN 0 2"
stop wire
watch wire server veth_srv_c1 tcp port $PORT
fed first client1 "$B/simple_nc" 10.0.1.1 $PORT
heard first 5 'connected'
wait_seen wire 5 3
claim_is socket-lab "the handshake is completed without the server: SYN, SYN and ACK, ACK" \
	"$(grep -oE 'Flags \[[SR.]+\]' "$(log_of wire)" | tail -n 3 | paste -sd' ')" "Flags [S] Flags [S.] Flags [.]"
claim_is socket-lab "... both ends are established, and one waits for accept()" \
	"$(tcp server $PORT | sort | paste -sd,); client $(tcp client1 $PORT)" "ESTAB 0 0,LISTEN 1 2; client ESTAB 0 0"
claim_like socket-lab "... the server's new socket has a peer address, and belongs to no process yet" \
	"$(in_ns server ss -Htnp state established "sport = :$PORT")" '10\.0\.1\.1:8080 +10\.0\.1\.2:[0-9]+ *$'
say first hello
wait_for 5 tcp_is server $PORT "ESTAB 6 0,LISTEN 1 2"
# The acknowledgement may wait a moment for company.
wait_for 5 tcp_is client1 $PORT "ESTAB 0 0"
wait_seen wire 5 5
claim_is socket-lab "... data is taken and acknowledged before accept()" "server: $(tcp server $PORT ESTAB | awk '{ print $2 }') bytes unread, client: $(in_ns client1 ss -Htn "dport = :$PORT" | awk '{ print $3 }') unacknowledged" \
	"server: 6 bytes unread, client: 0 unacknowledged"

# ---- accept(), read() ----

before=$(seen wire)
told sink accept 'accept: connection 1 from [0-9.:]+'
out=$ANSWER
claim_is socket-lab "accept() sends nothing and changes no state" "$(($(seen wire) - before)) segments; $(tcp server $PORT ESTAB)" "0 segments; ESTAB 6 0"
claim_like socket-lab "... but the socket has a process now" "$(in_ns server ss -Htnp state established "sport = :$PORT")" 'users:\(\("byte_sink",pid=[0-9]+'
told sink 'read 2' '[0-9]+ bytes unread'
claim_like socket-lab "read() empties the receive queue: 6 bytes less 2 are 4" "$(tcp server $PORT ESTAB)" '^ESTAB 4 0'
told sink read '0 bytes unread'
claim_like socket-lab "... and the rest" "$ANSWER, $(tcp server $PORT ESTAB | awk '{ print $2 }') in the queue" '0 bytes unread, 0 in'
hang_up first
is_close_wait() { [ -n "$(tcp server $PORT CLOSE-WAIT)" ]; }
wait_for 5 is_close_wait
wait_for 5 tcp_is client1 $PORT "FIN-WAIT-2 0 0"
claim_like socket-lab "the client ends its input: the server's socket is in CLOSE-WAIT, the client's in FIN-WAIT-2" \
	"$(tcp server $PORT | grep -v LISTEN); $(tcp client1 $PORT)" '^CLOSE-WAIT 1 0; FIN-WAIT-2 0 0$|^CLOSE-WAIT 0 0; FIN-WAIT-2 0 0$'
told sink read 'end of the stream'
claim_like socket-lab "... and read() tells of the end of the stream" "$ANSWER" 'end of the stream'
told sink close 'close: the peer gets FIN'
wait_exit first 5
claim_is socket-lab "... close() then ends both directions in order: the client is content" "simple_nc: exit $?" "simple_nc: exit 0"

# ---- what comes before accept() ----

printf 'early\n' | in_ns client1 nc -n -N -q 0 -w 3 10.0.1.1 $PORT > "$TMP/early" 2>&1 &
early=$!
wait_for 5 is_close_wait
told sink accept 'accept: connection 2[^0-9]'
out=$ANSWER
told sink read 'read: [0-9]+ bytes "[^"]*"'
claim_like socket-lab "sent and closed before accept(): the connection is accepted all the same, the data is there" "$ANSWER" 'read: 6 bytes "early\\n"'
told sink read 'end of the stream'
claim_like socket-lab "... and then the end of it" "$ANSWER" 'end of the stream'
told sink close 'close:'
wait $early

fed reset client1 python3 -c 'import socket, struct, sys
s = socket.create_connection(("10.0.1.1", 8080)); print("connected", flush=True); sys.stdin.readline()
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close(); print("reset", flush=True)'
heard reset 10 connected
say reset now
heard reset 10 reset
told sink accept 'accept: .*'
out=$ANSWER
told sink read '(read|no connection)[^.]*'
claim_like socket-lab "reset before accept(): it is accepted, and read() has the error" "$ANSWER" '[Rr]eset|RST'
told sink close '(close|no connection)' > "$TMP/closed"

# ---- more clients than one ----

for i in 1 2 3; do
	fed "more$i" client1 "$B/simple_nc" 10.0.1.1 $PORT
	heard "more$i" 5 connected || bail "no connection $i"
done
claim_is socket-lab "more clients while the first is there: each gets its handshake, up to one above the backlog" "$(tcp server $PORT LISTEN | awk '{ print $2 " wait, backlog " $3 }')" "3 wait, backlog 2"
before=$(counter_of server TcpExtListenOverflows)
in_ns client1 "$B/simple_nc" 10.0.1.1 $PORT --connect-ms 1500 < /dev/null > "$TMP/full" 2>&1
status=$?
claim_holds socket-lab "... the next one is left without an answer: its SYN is dropped, and counted" \
	"simple_nc: exit $status (time-out), ListenOverflows +$(($(counter_of server TcpExtListenOverflows) - before))" "$status == 5 && $(($(counter_of server TcpExtListenOverflows) - before)) >= 1"
told sink accept 'accept: connection'
printf late | in_ns client1 "$B/simple_nc" 10.0.1.1 $PORT --keep-open --idle-ms 300 > "$TMP/late" 2>&1
claim_like socket-lab "... as soon as one is accepted there is room again" "$(grep -o connected "$TMP/late")" connected

done_testing
