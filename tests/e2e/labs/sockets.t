#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The four types of sockets, and who has which: hello over stream, datagram, seqpacket and raw sockets, "Hello world!" over
# TCP and UDP, what ss and sockstat list, each state that ss can be asked for.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
lab_up two_clients
B=$TANDEM_BIN

# ---- types ----

hello() { # TYPE [client's arguments]: the server's and the client's words in HELLO
	local type=$1 where=@hello-$$ status; shift
	[ "$type" != raw ] || where=10.0.1.1
	spawn "hello-$type" server "$B/hello_server" "$type" "$([ "$type" = raw ] && echo '*' || echo "$where")"
	wait_for 5 hello_ready "$type" || bail "hello_server $type is not ready"
	if [ "$type" = raw ]; then in_ns client1 "$B/hello_client" "$type" "$where" "$@"; else in_ns server "$B/hello_client" "$type" "$where" "$@"; fi > "$TMP/hello" 2>&1
	status=$?
	stop "hello-$type"
	HELLO="$(tr '\n' ' ' < "$TMP/hello") / $(tr '\n' ' ' < "$(log_of "hello-$type")")"
	HELLO_STATUS=$status
}
hello_ready() { log_has "hello-$1" 'listening|waiting|ready'; }

of_hello() { grep -hoE "$1" "$TMP/hello" "$(log_of "hello-$2")" | head -n 1; }

hello stream
claim_like interfaces "stream: all arrives, in order, but where one message ends is not kept" "exit $HELLO_STATUS, $(of_hello 'boundaries.*' stream), $(of_hello 'order kept' stream)" \
	'exit 0, boundaries not kept: messages 3, reads [12], order kept'
hello datagram
claim_like interfaces "datagram: each message is read as a whole" "exit $HELLO_STATUS, $(of_hello 'boundaries.*' datagram)" 'exit 0, boundaries kept: messages 3, reads 3'
hello seqpacket
claim_like interfaces "seqpacket: a connection, in order, and whole messages" "exit $HELLO_STATUS, $(of_hello 'boundaries.*' seqpacket), $(of_hello 'order kept' seqpacket)" \
	'exit 0, boundaries kept: messages 3, reads 3, order kept'
hello raw
claim_like interfaces "raw: a program makes ICMP itself, and reads it with the IP header" "exit $HELLO_STATUS, $(of_hello 'reply 1.*' raw)" 'exit 0, reply 1 from 10\.0\.1\.1: [0-9]+ bytes, 20 of them the IP header'
chmod 755 "$TMP" && cp "$B/hello_client" "$TMP" || bail "no copy of hello_client"
out=$(in_ns client1 setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all "$TMP/hello_client" raw 10.0.1.1 2>&1)
claim_like interfaces "... for which it takes a privilege" "$(tail -n 1 <<< "$out")" 'Operation not permitted'

# ---- Hello world! ----

start_echo server 12345
claim_is interfaces "Hello world! over TCP, port 12345" "$(printf 'Hello world!' | in_ns client1 "$B/simple_nc" 10.0.1.1 12345 2> /dev/null)" "Hello world!"
claim_is interfaces "... over UDP" "$(printf 'Hello world!' | in_ns client1 nc -u -W 1 -w 5 10.0.1.1 12345)" "Hello world!"
claim_is interfaces "... and IPv6" "$(printf 'Hello world!' | in_ns client1 "$B/simple_nc" fd00:1::1 12345 2> /dev/null)" "Hello world!"
claim_like interfaces "ss -tln has the TCP sockets that listen" "$(in_ns server ss -Htln)" 'LISTEN +0 +[0-9]+ +0\.0\.0\.0:12345'
claim_like interfaces "ss -uln has the UDP sockets" "$(in_ns server ss -Huln)" 'UNCONN +0 +0 +0\.0\.0\.0:12345'
claim_like interfaces "... sockstat has both, and whose they are" "$(in_ns server "$B/sockstat" --list --port 12345 | awk '{ print $1, $2, $NF }' | sort -u | paste -sd,)" \
	'tcp listen .*echo_server.*udp unconnected .*echo_server'
watch wire server veth_srv_c1 port 12345
printf 'Hello world!' | in_ns client1 nc -u -W 1 -w 5 10.0.1.1 12345 > "$TMP/echoed"
wait_seen wire 5 2
udp=$(seen wire)
printf 'Hello world!' | in_ns client1 "$B/simple_nc" 10.0.1.1 12345 > "$TMP/echoed" 2>&1
wait_seen wire 5 9
claim_holds interfaces "datagrams need no connection: packets for one question and its answer" "UDP $udp, TCP $(($(seen wire) - udp))" "$udp == 2 && $(seen wire) - $udp >= 7"
stop wire

# ---- one connection is four numbers ----

fed one client1 "$B/simple_nc" 10.0.1.1 12345
fed two client1 "$B/simple_nc" 10.0.1.1 12345
heard one 5 connected && heard two 5 connected || bail "no connections"
ports=$(in_ns server ss -Htn state established "sport = :12345" | awk '{ print $3, $4 }' | sort -u)
claim_holds keepalived-nat "two connections of the same client to the same port differ in the client's port" "$(paste -sd, <<< "$ports")" "$(wc -l <<< "$ports") == 2"
out=$(in_ns client1 python3 -c 'import socket
a = socket.socket(); a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); a.bind(("10.0.1.2", 40000)); a.connect(("10.0.1.1", 12345))
b = socket.socket(); b.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); b.bind(("10.0.1.2", 40000)); b.connect(("10.0.2.1", 12345))
try:
    c = socket.socket(); c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); c.bind(("10.0.1.2", 40000)); c.connect(("10.0.1.1", 12345))
except OSError as e: print("the same four again:", e.strerror)
print("two from port", a.getsockname()[1], "and", b.getsockname()[1])' 2>&1 | paste -sd, )
claim_is keepalived-nat "... one port of the client can have two, to two servers, but none twice" "$out" "the same four again: Cannot assign requested address,two from port 40000 and 40000"
hang_up one
hang_up two
wait_exit one 5
wait_exit two 5
stop echo-server

# ---- each state that ss knows ----

cat > "$TMP/ends.py" <<'END'
# Takes lines: listen PORT, connect PORT, begin PORT (no waiting), accept PORT, shutdown PORT, close PORT.
import socket, sys
ends, kept = {}, {}
for line in sys.stdin:
    word, port = line.split()
    at = ("10.0.1.1", int(port))
    if word == "listen": kept[port] = socket.create_server(at)
    elif word == "accept": ends[port] = kept[port].accept()[0]
    elif word == "connect": ends[port] = socket.create_connection(at, 10)
    elif word == "begin": ends[port] = socket.socket(); ends[port].setblocking(False); ends[port].connect_ex(at)
    elif word == "shutdown": ends[port].shutdown(socket.SHUT_WR)
    elif word == "close": ends[port].close()
    print("done", word, port, flush=True)
END
fed srv server python3 "$TMP/ends.py"
fed cli client1 python3 "$TMP/ends.py"
at() { told "$1" "$2 $3" "done $2 $3" || bail "$1: $2 $3: $ANSWER"; } # srv|cli WORD PORT
for node in server client1; do
	in_ns $node nft 'add table ip lab; add set ip lab lost { type inet_service; }; add chain ip lab in { type filter hook input priority 0; }
		add rule ip lab in tcp dport @lost drop; add rule ip lab in tcp sport @lost drop' || bail "nft takes no rules"
done
lose() { in_ns "$1" nft "add element ip lab lost { $2 }"; } # NODE PORT: what comes there by that port is lost
keep() { in_ns "$1" nft "delete element ip lab lost { $2 }"; }
in_state() { in_ns "$1" ss -Htan state "$2" "( sport = :$3 or dport = :$3 )" | wc -l; } # NODE STATE PORT -> how many
in_state_now() { [ "$(in_state "$@")" -ge 1 ] || { in_ns "$1" ss -tan "( sport = :$3 or dport = :$3 )"; return 1; }; }
shows() { # NODE STATE PORT
	local why
	if why=$(wait_for 8 in_state_now "$@"); then SHOWN+=" $2"; else diag "$2: $why"; fi
}
SHOWN=

for port in 7001 7003 7004 7005 7006 7007 7008; do at srv listen $port; done
shows server listening 7001
lose server 7002
at cli begin 7002
shows client1 syn-sent 7002
lose client1 7003
at cli begin 7003
shows server syn-recv 7003
for port in 7001 7004 7005 7006 7007 7008; do at cli connect $port; at srv accept $port; done
shows server established 7001
lose server 7004
at cli shutdown 7004
shows client1 fin-wait-1 7004
at cli shutdown 7005
shows client1 fin-wait-2 7005
shows server close-wait 7005
at cli close 7006
at srv close 7006
shows client1 time-wait 7006
at cli shutdown 7007
shows server close-wait 7007
lose client1 7007
at srv close 7007
shows server last-ack 7007
lose client1 7008
lose server 7008
at cli shutdown 7008
at srv shutdown 7008
keep server 7008
shows server closing 7008
claim_is keepalived-nat "ss: a socket in each state of TCP, made and found" "$SHOWN" \
	" listening syn-sent syn-recv established fin-wait-1 fin-wait-2 close-wait time-wait close-wait last-ack closing"

all() { in_ns server ss -Htan "$@" | wc -l; }
claim_is keepalived-nat "ss: connected is all but listening; bucket and big are all together" \
	"all $(all), connected + listening $(($(all state connected) + $(all state listening))), bucket + big $(($(all state bucket) + $(all state big)))" \
	"all $(all), connected + listening $(all), bucket + big $(all)"
claim_holds keepalived-nat "... synchronized is without syn-sent: seen from the client" \
	"connected $(in_ns client1 ss -Htan state connected | wc -l), synchronized $(in_ns client1 ss -Htan state synchronized | wc -l), syn-sent $(in_ns client1 ss -Htan state syn-sent | wc -l)" \
	"$(in_ns client1 ss -Htan state connected | wc -l) - $(in_ns client1 ss -Htan state synchronized | wc -l) == 2"
counts=$(in_ns server ss -Htan | awk '{ print tolower($1) }' | sed 's/^estab$/established/' | sort | uniq -c | awk '{ print $2 "=" $1 }' | sort | paste -sd' ')
in_ns server "$B/sockstat" --protocol tcp --json > "$TMP/sockstat"
ours=$(perl -MJSON::PP -e 'local $/; my $j = decode_json(<STDIN>); print join(" ", sort map { "$_->{state}=$_->{sockets}" } @{$j->{states}})' < "$TMP/sockstat")
claim_is keepalived-nat "ss | sort | uniq -c counts by state, and sockstat counts the same" "$ours" "$(sed 's/\<listen\>/listen/' <<< "$counts")"
claim_like keepalived-nat "ss -ltp says whose a listener is" "$(in_ns server ss -Hltp "sport = :7001")" 'users:\(\("python3",pid=[0-9]+'
spawn local server "$B/hello_server" stream "@states-$$"
wait_for 5 log_has local 'listening|waiting|ready'
claim_like keepalived-nat "ss lists local sockets too: u_str, an abstract name with @" "$(in_ns server ss -Hlx | grep "@states-$$")" "u_str +LISTEN +0 +[0-9]+ +@states-$$"

done_testing
