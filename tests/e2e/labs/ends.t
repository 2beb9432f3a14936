#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a TCP connection ends, seen by a client that reads its standard input (simple_nc): a server that is killed, half
# closed against fully closed, SIGPIPE at the second write, TIME-WAIT and a server that is started again at once.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
lab_up two_clients
B=$TANDEM_BIN

# A listening byte_sink on PORT, and NAME connected to it and accepted: begin PORT NAME [simple_nc's arguments]
begin() {
	local port=$1 name=$2; shift 2
	fed "sink$port" server "$B/byte_sink" 10.0.1.1 "$port"
	told "sink$port" bind 'bind: done' && told "sink$port" listen 'LISTEN' || bail "byte_sink does not listen: $ANSWER"
	fed "$name" client1 "$B/simple_nc" 10.0.1.1 "$port" "$@"
	heard "$name" 5 connected || bail "no connection"
	told "sink$port" accept 'accept: connection 1' || bail "not accepted: $ANSWER"
}
state() { tcp "$1" "$2" | grep -v LISTEN; } # NODE PORT
state_has() { [ "$(state "$1" "$2" | cut -d' ' -f1)" = "$3" ]; }
state_is() { state "$1" "$2"; [ "$(state "$1" "$2")" = "$3" ]; }

# ---- the client ends first ----

begin 8081 filling
say filling "some bytes"
wait_for 5 state_is server 8081 "ESTAB 11 0"
hang_up filling
wait_for 5 state_is server 8081 "CLOSE-WAIT 12 0" > "$TMP/state" || wait_for 1 state_is server 8081 "CLOSE-WAIT 11 0"
claim_like socket-lab "FIN behind unread bytes: the server's socket is in CLOSE-WAIT, they are still there" "$(state server 8081)" '^CLOSE-WAIT 1[12] 0$'
told sink8081 read 'read: 11 bytes'
first=$ANSWER
told sink8081 read 'end of the stream'
claim_is socket-lab "... it reads them, and then the end of the stream" "$first, $ANSWER" "read: 11 bytes, end of the stream"
told sink8081 close 'close:'
wait_exit filling 5
wait_for 5 state_is client1 8081 "TIME-WAIT 0 0"
wait_for 5 state_is server 8081 ""
claim_is socket-lab "... TIME-WAIT is with who closed first, here the client" "client: $(state client1 8081), server: $(state server 8081)" "client: TIME-WAIT 0 0, server: "

# ---- the server is killed with nothing unread, the client then ends without another word ----

begin 8082 silent
stop sink8082 KILL
wait_for 5 state_is server 8082 "FIN-WAIT-2 0 0"
wait_for 5 state_has client1 8082 CLOSE-WAIT
claim_is socket-lab "a killed server with nothing unread: the kernel sends FIN for it" "server: $(state server 8082), client: $(state client1 8082 | cut -d' ' -f1)" "server: FIN-WAIT-2 0 0, client: CLOSE-WAIT"
hang_up silent
wait_exit silent 5
claim_is socket-lab "... the client ends without a word more: that is an orderly end" "simple_nc: exit $?" "simple_nc: exit 0"
wait_for 5 state_is server 8082 "TIME-WAIT 0 0"
claim_is socket-lab "... and the server's socket is in TIME-WAIT" "$(state server 8082)" "TIME-WAIT 0 0"
fed again server "$B/byte_sink" 10.0.1.1 8082 --no-reuse-address
told again bind 'bind: .*'
claim_like socket-lab "... a server started at once, without SO_REUSEADDR, gets no address" "$ANSWER" "[Aa]ddress already in use"
hang_up again
wait_exit again 5
fed again server "$B/byte_sink" 10.0.1.1 8082
told again bind 'bind: done'
told again listen LISTEN
claim_is socket-lab "... with SO_REUSEADDR it does" "$(state server 8082), and $(tcp server 8082 LISTEN | cut -d' ' -f1)" "TIME-WAIT 0 0, and LISTEN"
printf hi | in_ns client1 "$B/simple_nc" 10.0.1.1 8082 --idle-ms 200 > "$TMP/hi" 2>&1
claim_like socket-lab "... and serves" "$(cat "$TMP/hi")" connected

# ---- fully closed against half-closed, for a client that only writes ----

begin 8083 writer --write-only
stop sink8083 KILL
wait_for 5 state_is client1 8083 "CLOSE-WAIT 1 0" || wait_for 1 state_is client1 8083 "CLOSE-WAIT 0 0"
gone=$(state client1 8083 | cut -d' ' -f1)
begin 8084 halfway --write-only
told sink8084 shutdown 'shutdown:'
is_close_wait() { [ "$(state client1 8084 | cut -d' ' -f1)" = CLOSE-WAIT ]; }
wait_for 5 is_close_wait
claim_is socket-lab "the server has gone, or has only shut its direction down: the client's socket looks the same" "gone: $gone, half-closed: $(state client1 8084 | cut -d' ' -f1)" "gone: CLOSE-WAIT, half-closed: CLOSE-WAIT"
watch wire client1 veth_c1 tcp port 8083 or tcp port 8084
say writer one
wait_seen wire 5 1 '10.0.1.1.8083 > .*Flags \[R'
is_reset() { [ -z "$(state client1 8083)" ]; }
wait_for 5 is_reset
claim_is socket-lab "gone: the first write succeeds, and is answered by RST" "client $(alive writer && echo lives || echo ended), $(seen wire '10.0.1.1.8083 > .*Flags \[R') RST" "client lives, 1 RST"
say writer two
wait_exit writer 5
claim_is socket-lab "... the second write kills it: SIGPIPE" "exit $? (128 + $(kill -l PIPE | tr -d '\n')$(kill -l SIGPIPE))" "exit 141 (128 + 1313)"
for word in one two three; do say halfway $word; done
wait_for 5 state_is server 8084 "FIN-WAIT-2 14 0"
claim_is socket-lab "half-closed: it writes as long as it likes" "client $(alive halfway && echo lives || echo ended), the server has $(state server 8084 | cut -d' ' -f2) bytes unread" "client lives, the server has 14 bytes unread"
told sink8084 read 'read: 14 bytes'
claim_like socket-lab "... and the server reads all of it" "$ANSWER" '14 bytes'

# ---- the server is killed with bytes unread ----

begin 8085 ignored --write-only
say ignored unread
wait_for 5 state_is server 8085 "ESTAB 7 0"
watch wire2 client1 veth_c1 tcp port 8085
stop sink8085 KILL
wait_seen wire2 5 1 'Flags \[R'
claim_is socket-lab "killed with bytes unread: RST at once, no FIN" "$(seen wire2 'Flags \[R') RST, $(seen wire2 'Flags \[F') FIN; server: $(state server 8085)" "1 RST, 0 FIN; server: "
say ignored again
heard ignored 5 'RST from the peer'
claim_is socket-lab "... the first write fails and only says so" "client $(alive ignored && echo lives || echo ended): ${HEARD%% *}" "client lives: RST"
say ignored "and again"
wait_exit ignored 5
claim_is socket-lab "... the second kills it as before" "exit $?" "exit 141"

# ---- a client that listens to what it is told ----

begin 8086 careful
say careful unread
wait_for 5 state_is server 8086 "ESTAB 7 0"
told sink8086 close 'close: 7 bytes were unread, so the peer gets RST'
wait_exit careful 5
claim_is socket-lab "a client that looks tells RST from FIN: RST here" "simple_nc: exit $?" "simple_nc: exit 3"

done_testing
