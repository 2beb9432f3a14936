#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs of the labs, each once: good input, bad input, and what they are there to show. All on the loopback of a
# network namespace that lives as long as this test.
. "$(dirname "$0")/lib.sh"
[ -n "${APPS_LAB_NS-}" ] || { rm -rf "$TMP"; trap - EXIT; exec env APPS_LAB_NS=1 unshare --net -- "$0"; }
ip link set lo up && ip addr add 10.98.0.1/32 dev lo || bail "no loopback"
B=$TANDEM_BIN

out() { OUT=$("$@" 2>&1 < /dev/null); RC=$?; } # COMMAND... -> OUT, RC
said() { like "$1" "$RC|$OUT" "^$2\\|.*$3"; }  # NAME STATUS REGEX, of the last out
# NAME PROGRAM ARGUMENTS...: spawned with a standard input that say and hang_up have in their hand
declare -A FEED=()
spawn_fed() {
	local name=$1 fd; shift
	rm -f "$TMP/$name.in" && mkfifo "$TMP/$name.in" || bail "no fifo"
	spawn "$name" - bash -c 'exec "$@" < '"$TMP/$name.in" fed "$@"
	exec {fd}> "$TMP/$name.in"
	FEED[$name]=$fd
}
say() { printf '%s\n' "$2" >&"${FEED[$1]}"; }
hang_up() { exec {FEED[$1]}>&-; }
# NAME PROGRAM LINE REGEX: the line, and what is said after it
told() {
	local from
	from=$(stat -c %s "$(log_of "$2")")
	say "$2" "$3"
	ok "$1" wait_for 15 said_since "$2" "$from" "$4"
}
said_since() { tail -c "+$(($2 + 1))" "$(log_of "$1")" | tr '\n' ' ' | grep -E -e "$3"; }

# ---- addrconv ----
out "$B/addrconv" 192.168.1.100
said "addrconv, a dotted quad" 0 'binary +c0 a8 01 64 .*back +192\.168\.1\.100'
out "$B/addrconv" 0x7f.1
said "addrconv, hexadecimal and short" 0 'hexadecimal: 127.*7f 00 00 01.*back +127\.0\.0\.1.*inet_pton: no, inet_aton: yes'
out "$B/addrconv" ::ffff:10.0.0.1
said "addrconv, IPv4-mapped" 0 'IPv4-mapped.*private'
out "$B/addrconv" fe80::1%lo
said "addrconv, a zone" 0 "'lo' is interface 1.*back +fe80::1%lo"
out "$B/addrconv" 256.0.0.1
is "addrconv, too large a number" "$RC $OUT" "2 addrconv: '256.0.0.1' is no address: 256 does not fit into 1 byte (0 to 255)"
out "$B/addrconv" abrakadabra
said "addrconv, a name" 2 "no address: .* looks like a name"
out "$B/addrconv" 192.168.1.100:80
said "addrconv, a port behind it" 2 "a port, which is no part of an address"
out "$B/addrconv" fe80::1%none
said "addrconv, a zone that is not there" 2 "'none' is no interface"

# ---- addrbind ----
out "$B/addrbind" 127.0.0.1 8080
is "addrbind, as asked" "$RC $OUT" "0 bound TCP 127.0.0.1:8080"
out "$B/addrbind" 127.0.0.1 0
said "addrbind, an ephemeral port" 0 'bound TCP 127\.0\.0\.1:([0-9]+).*ephemeral port: .* chose [0-9]+ of'
out "$B/addrbind" --udp :: 8080
said "addrbind, a wildcard" 0 'bound UDP \[::\]:8080.*wildcard: every IPv6 and IPv4'
out "$B/addrbind" '*' 0
like "addrbind, both families on one port" "$RC|$(grep -o '^bound.*:[0-9]*' <<< "$OUT" | sed 's/.*://' | sort -u | wc -l)" '^0\|1$'
out "$B/addrbind" 10.0.3.1 8080
said "addrbind, not local" 1 'not local'
out setpriv --bounding-set=-net_bind_service "$B/addrbind" 127.0.0.1 999
said "addrbind, a privileged port" 1 'privileged port: below 1024'
out "$B/addrbind" fe80::1 80
said "addrbind, link-local without a zone" 1 'link-local'
spawn holder - "$B/addrbind" 127.0.0.1 8080 --listen --hold
ok "addrbind holds" wait_log holder 15 '^holding'
out "$B/addrbind" 0.0.0.0 8080
said "addrbind, in use" 1 'in use: another TCP socket has port 8080'
out "$B/addrbind" --udp 0.0.0.0 8080
is "addrbind, UDP has ports of its own" $RC 0
stop holder
is "addrbind lets go on SIGTERM" $? 0
spawn_fed holder "$B/addrbind" 10.98.0.1 8080 --hold
ok "addrbind holds again" wait_log holder 15 '^holding'
hang_up holder
ok "addrbind lets go when its input ends" wait_exit holder 15

# ---- time_burst_client ----
start_server time - time_server '*' 1123
out "$B/time_burst_client" 127.0.0.1 1123 --count 50 --settle-ms 0
said "time_burst_client, all is well" 0 'reply 50: query 50 .*queries 50, datagrams 50, answered 50, lost 0 \(0\.0 %\), overtaken 0, duplicates 0'
out "$B/time_burst_client" ::1 1123 --quiet --settle-ms 0
said "time_burst_client, IPv6" 0 'queries 20, datagrams 20, answered 20'
out "$B/time_burst_client" 127.0.0.1 1999 --count 3 --timeout-ms 50
said "time_burst_client, nobody there" 1 'no answer: 1-3.*unreachable [1-9].*refused \(told by ICMP\)'
cat > "$TMP/odd.py" << 'END'
# An SNTP server that answers ten queries backwards, the first not at all and the last twice; then all but even tries.
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 1124)); print("ready", flush=True)
answer = lambda q, to: s.sendto(b"\x24\x01" + bytes(22) + q[40:48] + q[40:48] + q[40:48], to)
got = [s.recvfrom(100) for _ in range(10)]
answer(*got[9])
for q, to in got[:0:-1]: answer(q, to)
s.sendto(b"\x24" + bytes(47), to)                       # a stranger's
while True:
    q, to = s.recvfrom(100)
    if q[47] % 2 or q[45] > 0: answer(q, to)            # number odd, or not the first try
END
spawn odd - python3 "$TMP/odd.py"
wait_log odd 15 ready || bail "no odd server"
out "$B/time_burst_client" 127.0.0.1 1124 --count 10 --timeout-ms 700
said "time_burst_client: reordered, doubled and lost" 1 \
	'reply 1: query 10 .*reply 2: query 10 [^,]*, a duplicate.*reply 3: query 9 [^,]*, overtaken.*no answer: 1.*lost 1 \(10\.0 %\), overtaken 8, duplicates 1, spare 0, foreign 1'
out "$B/time_burst_client" 127.0.0.1 1124 --count 10 --timeout-ms 700 --quiet
said "... a client that asks once" 1 'no answer: 2 4 6 8 10.*lost 5 \(50\.0 %\)'
out "$B/time_burst_client" 127.0.0.1 1124 --count 10 --timeout-ms 700 --settle-ms 0 --tries 3
said "... one that asks again gets through" 0 'try 2: 5 of 10 have no answer.*datagrams 15, answered 10, lost 0'

# ---- echo_server: truncation ----
datagram() { # PORT TEXT COUNT -> what comes back, COUNT bytes of it
	local fd
	exec {fd}<> "/dev/udp/127.0.0.1/$1"
	printf %s "$2" >&$fd
	timeout 5 head -c "$3" <&$fd
	exec {fd}>&-
}
start_server cutting - echo_server '*' 7008 --buffer 8
start_server careless - echo_server '*' 7009 --buffer 8 --truncate
is "a datagram that fits" "$(datagram 7008 12345678 8)" 12345678
spawn asker - bash -c 'printf 123456789 > /dev/udp/127.0.0.1/7008'
ok "... and one that does not is noticed" wait_log cutting 15 '^cut: 9 bytes from 127.0.0.1:[0-9]+, 8 fit .* 1 are gone \(MSG_TRUNC\); not echoed'
is "a careless server echoes what is left" "$(datagram 7009 0123456789 8)" 01234567
ok "... and knows it" wait_log careless 15 '^cut: 10 bytes .* what fitted is echoed'
is "a stream is not cut" "$(printf 0123456789 | "$B/simple_nc" ::1 7008 2> /dev/null)" 0123456789
stop cutting
ok "the cuts are counted" wait_log cutting 15 '1 datagrams echoed, .*1 cut'

# ---- byte_sink and simple_nc ----
out "$B/simple_nc" 127.0.0.1 8090
said "simple_nc: refused" 4 'RST instead of a handshake'
spawn_fed sink "$B/byte_sink" '*' 8090
told "byte_sink binds" sink bind 'bind: done .*CLOSE: bound, not listening'
out "$B/simple_nc" 127.0.0.1 8090
said "... before listen: RST" 4 'RST instead of a handshake'
told "byte_sink listens" sink 'listen 2' 'LISTEN: 0 wait for accept, backlog 2'
told "byte_sink, nobody waits" sink accept 'accept: nobody waits'
spawn_fed client "$B/simple_nc" 127.0.0.1 8090
ok "a handshake without accept" wait_log client 15 'connected, from'
told "byte_sink shows the queue" sink show 'LISTEN: 1 wait for accept'
say client hello
told "byte_sink accepts" sink accept 'accept: connection 1 from .* 0 wait for accept'
in_queue() { say sink show; said_since sink 0 '6 bytes unread'; }
ok "data waits in the queue" wait_for 15 in_queue
told "byte_sink reads a part" sink 'read 2' 'read: 2 bytes "he" .* 4 bytes unread'
told "byte_sink reads the rest" sink read 'read: 4 bytes "llo\\n" .* ESTABLISHED: 0 bytes unread'
told "byte_sink, nothing there" sink read 'read: nothing there'
hang_up client
ok "the end of input is FIN" wait_log client 15 'FIN sent, half-closed'
is_half_closed() { say sink show; said_since sink 0 'CLOSE_WAIT'; }
ok "byte_sink sees CLOSE_WAIT" wait_for 15 is_half_closed
told "... and the end of the stream" sink read 'end of the stream'
told "byte_sink closes" sink close 'close: the peer gets FIN'
ok "simple_nc: FIN from both sides" wait_exit client 15
ok "... in words" wait_log client 15 'FIN from both sides: an orderly end \(6 bytes sent, 0 received\)'

spawn_fed client "$B/simple_nc" 127.0.0.1 8090
wait_log client 15 'connected, from' || fail "no connection"
told "a second connection" sink accept 'connection 2\* from'
say client unread
unread_again() { say sink show; said_since sink 0 '7 bytes unread'; }
ok "... with bytes unread" wait_for 15 unread_again
told "closed with bytes unread" sink close 'close: 7 bytes were unread, so the peer gets RST'
wait_exit client 15
is "simple_nc: RST" $? 3

spawn_fed client "$B/simple_nc" ::1 8090
wait_log client 15 'connected, from' || fail "no connection"
told "a third connection" sink accept 'connection 3\* from \[::1\]'
told "closed while the client's input goes on" sink close 'the peer gets FIN'
ok "... the client can't tell it from half-closed" wait_log client 15 'FIN received after 0 bytes, our direction is still open'
say client more
wait_exit client 15
is "... until it writes: RST" $? 3
ok "... in words" wait_log client 15 'RST after the peer.s FIN'

spawn_fed client "$B/simple_nc" 127.0.0.1 8090 --write-only
wait_log client 15 'connected, from' || fail "no connection"
told "a client that only writes" sink accept 'connection 4\* from'
told "... its connection closed" sink close 'the peer gets FIN'
say client first
was_reset() { [ -z "$(ss -Htn state close-wait dport = :8090)" ] || { ss -tn; return 1; }; }
ok "... its first write works, and is answered by RST" wait_for 15 was_reset
say client second
wait_exit client 15
is "... the second is SIGPIPE" $? 141

out "$B/simple_nc" 127.0.0.1 8090 --idle-ms 50
said "simple_nc: quiet is neither FIN nor RST" 7 'quiet: .*still up'
told "byte_sink stops listening" sink stop 'listener: none'
told "byte_sink, no connection" sink read 'no connection is open'
told "byte_sink, no command" sink drink "'drink' is no command"
say sink quit
wait_exit sink 15
is "byte_sink: a mistake is status 2" $? 2
for client in "kv_client '' 80 PING" "simple_nc '' 80" "time_client '' 80" "time_burst_client '' 80" "load_client '' 80 --mode kv" "hello_client raw ''"; do
	out sh -c "'$B'/$client"
	said "an empty host: ${client%% *}" 2 "HOST: '' is neither a name nor an address"
done
out "$B/sockstat" --process ''
said "sockstat, an empty name of a process" 2 "'' is neither a name nor a pid"
out "$B/simple_nc" 10.96.0.1 80
said "simple_nc: no route" 6 'unreachable'
nft 'add table ip lab; add chain ip lab in { type filter hook input priority 0; }; add rule ip lab in tcp dport 8091 drop'
out "$B/simple_nc" 127.0.0.1 8091 --connect-ms 200
said "simple_nc: no answer" 5 'time-out: no answer at all to the SYN'

# ---- kv_store --iterative, fire ----
start_server real - kv_store '*' 6379 --name real
start_server single - kv_store '*' 6380 --name single --iterative
is "fire" "$("$B/kv_client" 127.0.0.1 6379 fire)" "fired 1000 of 1000 requests of 1024 bytes, hung up without reading a reply"
for i in 1 2 3; do "$B/kv_client" ::1 6379 fire 500; done > /dev/null
is "the server lives, and the next client gets its own reply" "$("$B/kv_client" 127.0.0.1 6379 WHOAMI)" real
is "... as one line among others" "$(printf 'SET a 1\nfire 3\nGET a\n' | "$B/kv_client" 127.0.0.1 6379 | head -c 18)" "OK
fired 3 of 3 re"
out "$B/kv_client" 127.0.0.1 6379 fire 0
is "fire, bad input" "$RC $OUT" "2 kv_client: fire takes one number of requests, 1 to 1000000"
out "$B/kv_client" 127.0.0.1 6399 fire x
is "... which is told where nobody listens, too" "$RC $OUT" "2 kv_client: fire takes one number of requests, 1 to 1000000"
for port in 6379 6380; do
	patience=$([ $port = 6379 ] && echo 5000 || echo 300)
	spawn_fed first "$B/kv_client" 127.0.0.1 $port
	say first WHOAMI
	wait_log first 15 'real|single' || fail "no first client"
	"$B/kv_client" --timeout-ms $patience ::1 $port WHOAMI > "$TMP/second" 2>&1
	RC=$? OUT=$(cat "$TMP/second")
	if [ $port = 6379 ]; then
		is "a second client beside the first" "$RC $OUT" "0 real"
	else
		said "... of an iterative server waits" 1 'no answer in time'
	fi
	hang_up first
	wait_exit first 15
done
is "... until the first has left" "$("$B/kv_client" ::1 6380 WHOAMI)" single
"$B/kv_client" ::1 6380 fire > /dev/null
is "an iterative server survives fire" "$("$B/kv_client" ::1 6380 WHOAMI)" single
stop single
is "it ends on SIGTERM" $? 0

# ---- mistakes on the command line: status 2 and one line ----
while IFS='|' read -r command want; do
	out $B/$command
	like "$command" "$RC|$(wc -l <<< "$OUT")|$OUT" "^2\\|1\\|.*$want"
done << 'END'
addrconv|ADDR wanted, 0 arguments given
addrconv 1 2|'2' is one argument too many
addrbind 127.0.0.1|ADDR PORT wanted
addrbind localhost 80|'localhost' is neither
addrbind :: 65536|'65536' is not a number
addrbind :: 80 --udp --listen|--listen is for TCP
time_burst_client ::1 0|'0' is not a number
time_burst_client ::1 1 --count 0|--count: '0'
time_burst_client ::1 1 --tries 33|--tries: '33'
echo_server :: 7 --buffer 0|--buffer: '0'
echo_server :: 7 --buffer 65537|--buffer: '65537'
byte_sink nowhere 1|'nowhere' is neither
byte_sink :: 1 --wait-ms x|--wait-ms: 'x'
simple_nc ::1|HOST PORT wanted
simple_nc ::1 0|'0' is not a number
simple_nc ::1 1 --idle-ms -1|--idle-ms: '-1'
END
for p in addrconv addrbind time_burst_client byte_sink simple_nc; do
	out "$B/$p" --help
	said "$p --help" 0 "usage: $p "
done
done_testing
