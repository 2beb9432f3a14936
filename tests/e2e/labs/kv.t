#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A server for many: one client at a time and all at once; `fire`, a client that hangs up before its replies; what TCP
# and HTTP are on the wire.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
lab_up two_clients
B=$TANDEM_BIN

# ---- one at a time ----

start_server iterative server kv_store '*' 8086 --name iterative --iterative
fed first client1 "$B/kv_client" 10.0.1.1 8086
told first 'SET a 1' 'OK' || bail "no first client: $ANSWER"
spawn second client2 "$B/kv_client" --timeout-ms 20000 10.0.2.1 8086 GET a
waiting() { tcp server 8086 LISTEN | awk '{ n += $2 } END { print n }'; } # on both listeners
is_waiting() { [ "$(waiting)" = 1 ]; }
wait_for 5 is_waiting
claim_is socket-lab "an iterative server: the second client is connected, and gets no answer while the first is there" \
	"$(in_ns client2 ss -Htn "dport = :8086" | awk '{ print $1 }'), $(alive second && echo waiting || echo done); not accepted: $(waiting)" "ESTAB, waiting; not accepted: 1"
told first 'GET a' '1'
claim_is socket-lab "... the first is served meanwhile" "$ANSWER" 1
hang_up first
wait_exit first 5
wait_exit second 10
claim_is socket-lab "... as soon as that has left, the second gets its answer" "exit $?: $(cat "$(log_of second)")" "exit 0: 1"
stop iterative

# ---- all at once ----

watch wire server veth_srv_c1 tcp port 8085
start_kv server 8085 real
fed first client1 "$B/kv_client" 10.0.1.1 8085
told first 'SET a one' 'OK' || bail "no first client: $ANSWER"
claim_is socket-lab "the real one: the second client is served while the first is there" "$(in_ns client2 "$B/kv_client" 10.0.2.1 8085 GET a), the first $(alive first && echo "is there")" "one, the first is there"
claim_is keepalived-nat "... without a process for each: one process, two connections" \
	"$(in_ns server ss -Htnp "sport = :8085" | grep -o 'pid=[0-9]*' | sort -u | wc -l) process" "1 process"
told first 'GET a' one
claim_like socket-lab "... and what each says is readable on the wire" "$(seen wire 'Flags \[P') segments with data" '^[1-9][0-9]* segments with data'

# ---- fire ----

watch resets server any tcp port 8085 and "tcp[tcpflags] & tcp-rst != 0"
claim_like socket-lab "fire: a burst, and gone without reading a reply" "$(in_ns client1 "$B/kv_client" 10.0.1.1 8085 fire)" 'fired [0-9]+ of 1000 requests .*hung up'
for i in 1 2 3; do in_ns client2 "$B/kv_client" 10.0.2.1 8085 fire 300 > "$TMP/fire"; done
wait_seen resets 5 1
claim_holds socket-lab "... the server, that writes to nobody, is told by RST" "$(seen resets) RST" "$(seen resets) >= 1"
claim_is socket-lab "... SIGPIPE does not kill this one: the others are served" "server $(alive kv-real && echo lives || echo ended); $(in_ns client2 "$B/kv_client" 10.0.2.1 8085 GET a)" "server lives; one"
told first 'GET a' one
claim_is socket-lab "... the first client's connection too" "$ANSWER" one
hang_up first

# A server written without that thought, to see it die.
cat > "$TMP/naive.py" <<'END'
import signal, socket
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
l = socket.create_server(("10.0.1.1", 8087)); print("ready", flush=True)
c, _ = l.accept()
while True:
    try: c.recv(100)
    except ConnectionError: pass
    try: c.sendall(b"-ERR no\r\n" * 100)
    except ConnectionResetError: pass # that, too, is told once only
END
spawn naive server python3 "$TMP/naive.py"
wait_log naive 10 ready || bail "no naive server"
in_ns client1 "$B/kv_client" 10.0.1.1 8087 fire > "$TMP/fire" 2>&1
wait_exit naive 10
claim_is socket-lab "... one that leaves SIGPIPE as it is dies of it" "exit $?" "exit 141"

# ---- HTTP is text in a TCP stream ----

mkdir "$TMP/www"
echo "a page" > "$TMP/www/page"
spawn web server python3 -u -m http.server 8000 --bind 10.0.1.1 --directory "$TMP/www"
wait_log web 10 'Serving HTTP' || bail "no web server"
out=$(printf 'GET /page HTTP/1.0\r\n\r\n' | in_ns client1 "$B/simple_nc" 10.0.1.1 8000 2> /dev/null | tr -d '\r')
claim_like keepalived-nat "HTTP: a request in text, an answer with a head, an empty line and the page" "$(paste -sd'|' <<< "$out")" 'HTTP/1\.[01] 200 OK\|.*Content-Length: 7\|.*\|\|a page'
watch web-wire server veth_srv_c1 tcp port 8000
claim_is keepalived-nat "... which a browser's tool gets the same way" "$(in_ns client1 curl -s -m 5 http://10.0.1.1:8000/page)" "a page"
wait_seen web-wire 5 2 'Flags \[F'
claim_like keepalived-nat "... by handshake, data, and FIN from both sides" "$(grep -oE 'Flags \[[SFPR.]+\]' "$(log_of web-wire)" | grep -o '\[.*\]' | tr -d '\n')" '^\[S\]\[S\.\]\[\.\].*\[P\.\].*\[F[P.]*\].*\[F\.\]'

# ---- a host that answers no ping ----

ping1() { in_ns client1 ping -n -q -c 1 -W 1 10.0.1.1 > "$TMP/ping" 2>&1 && echo answer || echo "no answer"; }
before=$(ping1)
echo 1 | in_ns server tee /proc/sys/net/ipv4/icmp_echo_ignore_all > /dev/null
claim_is keepalived-nat "icmp_echo_ignore_all: no ping is answered; whoever is served by TCP does not notice" \
	"before: $before; after: $(ping1), TCP: $(in_ns client1 "$B/kv_client" 10.0.1.1 8085 GET a)" "before: answer; after: no answer, TCP: one"

done_testing
