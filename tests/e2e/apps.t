#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The backends on loopback with clients that others wrote: redis-cli, redis-benchmark, chronyd, nc; and bad input
# on every socket. Needs root (a network namespace of its own). Programs are taken from $TANDEM_BIN (build/bin).
set -u
here=$(cd "$(dirname "$0")" && pwd)
BIN=${TANDEM_BIN:-$here/../../build/bin}
BIN=$(cd "$BIN" && pwd) || { echo "1..0 # SKIP no programs in ${TANDEM_BIN:-build/bin}, run make first"; exit 0; }

if [ -z "${APPS_NS:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root for a network namespace"; exit 0; }
	export APPS_NS=tandem-apps-$$ APPS_TMP
	APPS_TMP=$(mktemp -d)
	ip netns add "$APPS_NS" || exit 1
	trap 'ip netns del "$APPS_NS"; rm -rf "$APPS_TMP"' EXIT
	trap 'exit 1' INT TERM
	ip netns exec "$APPS_NS" "$0"
	exit $?
fi

T=$APPS_TMP pids=() count=0 failed=0
stop_all() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
}
trap stop_all EXIT
trap 'exit 1' INT TERM
ip link set lo up
ip addr add 10.99.0.1/32 dev lo
ip addr add 10.99.0.9/32 dev lo
ip -6 addr add fd99::1/128 dev lo nodad
ip -6 addr add fd99::9/128 dev lo nodad

# ok STATUS TEXT [DETAIL]: one line of TAP
ok() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | head -20 | sed 's/^/# /'
		failed=1
	fi
}
is() { # TEXT GOT WANT
	[ "$2" = "$3" ]
	ok $? "$1" "got '$2', want '$3'"
}
like() { # TEXT GOT PATTERN (extended regular expression)
	grep -Eq -- "$3" <<< "$2"
	ok $? "$1" "got '$2', want /$3/"
}
# start NAME PROGRAM ARGS...: run a server, wait for the line that says it is ready; its pid is in $pid
start() {
	local name=$1 line
	shift
	mkfifo "$T/$name.out"
	"$@" > "$T/$name.out" 2> "$T/$name.err" &
	pid=$!
	pids+=($pid)
	exec {ready}< "$T/$name.out"
	if ! read -r -t 20 -u "$ready" line; then
		echo "Bail out! $name did not become ready: $(cat "$T/$name.err")"
		exit 1
	fi
	READY=$line
}
# stop PID TEXT: SIGTERM must end it with status 0 (a leak, in a sanitizer build, is another status)
stop() {
	local rc
	kill "$1"
	wait "$1"
	rc=$?
	is "$2" "$rc" 0
}
kv() { redis-cli -p 6379 "$@" 2>&1; }
field() { python3 -c "import json,sys; print(eval('o' + sys.argv[1], {'o': json.load(sys.stdin)}))" "$1"; }
until_true() { # TEXT COMMAND...: poll with a deadline
	local text=$1 end=$((SECONDS + 20))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || { ok 1 "$text" "not within 20 s: $*"; return; }
	done
	ok 0 "$text"
}

start kv "$BIN/kv_store" '*' 6379 --name kv1 --stall-timeout 2
KV=$pid
is "kv_store says it is ready" "$READY" "kv_store kv1: listening on [::]:6379 and 0.0.0.0:6379"
start echo "$BIN/echo_server" '*' 7007 --name e1
ECHO=$pid
is "echo_server says it is ready" "$READY" "echo_server e1: listening on [::]:7007 and 0.0.0.0:7007"
start time "$BIN/time_server" '*' 1123 --name t1
TIME=$pid
is "time_server says it is ready" "$READY" "time_server t1: listening on [::]:1123 and 0.0.0.0:1123"

# ---- chronyd takes its time: it runs beside the rest ----
for a in 127.0.0.1 ::1; do
	(chronyd -Q -t 30 "server $a port 1123 iburst" > "$T/chrony$a" 2>&1; echo "rc=$?" >> "$T/chrony$a") &
	chrony+=($!)
done

# ---- kv_store: commands ----
set -f # the patterns of KEYS are not the shell's
while IFS='|' read -r command want; do # redis-cli puts an empty line after an error
	is "redis-cli $command" "$(kv $command | paste -sd, | sed 's/,$//')" "$want"
done <<'END'
PING|PONG
PING hello|hello
ECHO hello|hello
WHOAMI|kv1
SET a 1|OK
GET a|1
SET a 2 NX|
SET new 2 NX|OK
SET nokey 2 XX|
SET a 5 XX|OK
SET a 5 NX XX|ERR syntax error
SET a 5 EX 0|ERR invalid expire time in 'set' command
SET a 5 EX x|ERR value is not an integer or out of range
SET a 5 EX 9223372036854775807|ERR invalid expire time in 'set' command
INCR a|6
DECR a|5
INCRBY a -15|-10
SET big 9223372036854775807|OK
INCR big|ERR increment or decrement would overflow
GET big|9223372036854775807
SET text abc|OK
INCR text|ERR value is not an integer or out of range
APPEND text def|6
STRLEN text|6
STRLEN none|0
TTL text|-1
TTL none|-2
EXPIRE text 100|1
TTL text|100
PERSIST text|1
PERSIST text|0
EXPIRE none 100|0
EXPIRE text -1|1
EXISTS text a a|2
DEL a big none|2
DBSIZE|1
KEYS n?w|new
KEYS [^n]*|
COMMAND COUNT|22
CONFIG GET maxclients|maxclients,10000
CONFIG GET save|save
NOSUCH x|ERR unknown command 'NOSUCH'
GET|ERR wrong number of arguments for 'get' command
FLUSHALL|OK
DBSIZE|0
END
set +f
is "redis-cli over IPv6" "$(redis-cli -h ::1 -p 6379 WHOAMI)" kv1
kv SET brief 1 PX 50 > /dev/null
gone() { [ "$(kv DBSIZE)" = 0 ]; }
until_true "an expired key's memory is swept without being asked for" gone
like "INFO tells role, clients, memory and calls" "$(kv INFO | tr -d '\r' | paste -sd,)" \
	'connected_clients:1,.*used_memory:[0-9]+,.*role:master,.*cmdstat_get:calls=[0-9]+'
is "INFO SECTION tells only that" "$(kv INFO replication | tr -d '\r' | paste -sd,)" \
	"# Replication,role:master,connected_slaves:0"

# ---- kv_store: inline, pipelined, bad input ----
is "inline commands through nc" "$(printf 'SET "x y" 5\r\nGET "x y"\r\nQUIT\r\n' | nc 127.0.0.1 6379 | tr -d '\r' |
	paste -sd,)" '+OK,$1,5,+OK'
is "10,000 pipelined commands, 10,000 replies" \
	"$(for i in {1..10000}; do printf 'PING\r\n'; done | nc -N 127.0.0.1 6379 | grep -c '^+PONG')" 10000
bad() { # TEXT BYTES ERROR: the error, and then the connection is closed (nc ends by itself)
	like "$1: an error, and closed" "$(printf "$2" | timeout 10 nc 127.0.0.1 6379; echo "rc=$?")" "^-ERR Protocol error: $3"
}
bad "huge count" '*99999999999999999999\r\n' 'invalid multibulk length'
bad "huge bulk" '*2\r\n$3\r\nGET\r\n$99999999999\r\n' 'invalid bulk length'
bad "negative bulk" '*1\r\n$-5\r\n' 'invalid bulk length'
bad "no bulk" '*1\r\nPING\r\n' "expected '\\$'"
bad "quotes" 'SET "a\r\n' 'unbalanced quotes'
is "endless line: an error, and closed" "$(head -c 70000 /dev/zero | tr '\0' a | timeout 10 nc 127.0.0.1 6379 | tr -d '\r')" \
	"-ERR Protocol error: too big inline request"
for i in {1..50}; do head -c 3000 /dev/urandom | nc -N -w 5 127.0.0.1 6379 > /dev/null; done
for i in {1..50}; do (printf '*3\r\n$3\r\nSET\r\n'; head -c 500 /dev/urandom) | nc -N -w 5 ::1 6379 > /dev/null; done
is "alive after random bytes and half requests" "$(kv WHOAMI)" kv1

cat > "$T/sock.py" << 'END'
import os, socket, struct, sys, time
what, port = sys.argv[1], int(sys.argv[2])
def dial(timeout=20):
    s = socket.create_connection(("127.0.0.1", port), timeout)
    return s
def say(s, *args):
    s.sendall(b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in args))
def info(name):
    s = dial(); say(s, b"INFO"); data = b""
    while b"# Keyspace" not in data: data += s.recv(65536)
    return int(data.split(name.encode() + b":")[1].split(b"\r\n")[0])
def cpu(pid):
    f = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return int(f[11]) + int(f[12])
if what == "pieces":                       # a request byte by byte
    s = dial()
    for b in b"*2\r\n$4\r\nECHO\r\n$5\r\nab\r\nc\r\n": s.sendall(bytes([b]))
    data = b""
    while len(data) < 11: data += s.recv(100)
    print(data)
elif what == "value":                      # 8 MiB there and back
    s = dial(); v = os.urandom(8 << 20); say(s, b"SET", b"large", v); assert s.recv(5) == b"+OK\r\n"
    say(s, b"GET", b"large"); data = b""; want = b"$8388608\r\n" + v + b"\r\n"
    while len(data) < len(want): data += s.recv(1 << 20)
    print(data == want)
elif what == "vanish":                     # gone in the middle of long replies, by FIN and by RST
    for i in range(40):
        s = dial()
        for _ in range(4): say(s, b"GET", b"large")
        s.recv(100)
        if i % 2: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    print("done")
elif what == "deaf":                       # asks and never reads: bounded memory, then closed
    before, s = info("closed_slow_clients"), dial()
    s.setblocking(False); end = time.time() + 20; most = 0
    request = b"*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n" * 1000
    while info("closed_slow_clients") == before and time.time() < end:
        try: s.send(request)
        except (BlockingIOError, ConnectionError): pass
        most = max(most, info("client_buffer_bytes"))
    print("closed" if info("closed_slow_clients") > before else "not closed", most <= (32 << 20))
elif what == "many":                       # thousands of half requests
    before, all = info("connected_clients"), []
    for i in range(3000):
        s = dial(); s.sendall(b"*1\r\n$4\r\nPI"); all.append(s)
    print(info("connected_clients") - before)
    for s in all: s.sendall(b"NG\r\n")
    print(all.__len__() == sum(s.recv(7) == b"+PONG\r\n" for s in all))
elif what == "full":                       # one client more than allowed
    a, b, c = dial(), dial(), dial()
    print(c.recv(100).decode().strip()); a.close(); b.close()
elif what == "oom":
    s = dial(); n = 0; f = s.makefile("rb")
    while n < 100000:
        say(s, b"SET", b"k%d" % n, b"v" * 100); r = f.readline()
        if r != b"+OK\r\n": break
        n += 1
    print(r.decode().strip(), 1000 < n < 10000)
    say(s, b"GET", b"k0"); print(f.readline().decode().strip()); f.readline()
    say(s, b"DEL", b"k0"); print(f.readline().decode().strip())
    say(s, b"SET", b"k0", b"v" * 100); print(f.readline().decode().strip())
elif what == "halfclose":                  # all of the echo comes after our end is shut
    s = dial(); data = os.urandom(300000); got = b""
    s.sendall(data[:100000]); s.sendall(data[100000:]); s.shutdown(socket.SHUT_WR)
    while True:
        d = s.recv(1 << 20)
        if not d: break
        got += d
    print(got == data)
elif what == "pressure":                   # the echo server stops reading a client that does not read
    s = dial(); s.setblocking(False); sent = 0; data = os.urandom(1 << 16); stuck = None
    while True:
        try: sent += s.send(data); stuck = None
        except BlockingIOError:
            stuck = stuck or time.time()
            if time.time() - stuck > 0.5: break
        if sent > 256 << 20: break
    rss = [int(l.split()[1]) for l in open("/proc/%s/status" % sys.argv[3]) if l.startswith("VmRSS")][0]
    print("stopped" if stuck else "swallowed all", rss < 400000)
    s.setblocking(True); got = 0; s.shutdown(socket.SHUT_WR)
    while True:
        d = s.recv(1 << 20)
        if not d: break
        got += len(d)
    print(got == sent)
elif what == "emfile":                     # more connections than descriptors: no busy loop, well afterwards
    pid, all = int(sys.argv[3]), [dial() for _ in range(80)]
    before, end = cpu(pid), time.time() + 1
    while time.time() < end: time.sleep(end - time.time() if end > time.time() else 0)
    print(cpu(pid) - before < 20)
    for s in all: s.close()
    s = dial(); s.sendall(b"again"); print(s.recv(5))
elif what == "baddata":                    # nothing that is no client's query gets an answer
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", port)); s.settimeout(20)
    for n in (0, 1, 47): s.send(os.urandom(n))
    for mode in (0, 1, 2, 4, 5, 6, 7): s.send(bytes([0x20 | mode]) + os.urandom(60))
    for version in (0, 5, 6, 7): s.send(bytes([version << 3 | 3]) + os.urandom(47))
    q = bytes([0x23]) + os.urandom(47); s.send(q); r = s.recv(1000)   # the first answer is the good one's
    print(len(r), r[0] == 0x24, r[1], r[24:32] == q[40:48])
elif what == "loop":                       # a forged source must not make the server talk to itself
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(20)
    f = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    payload = b"x"; udp = struct.pack("!HHHH", port, port, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton("127.0.0.1"),
                     socket.inet_aton("127.0.0.1"))
    f.sendto(ip + udp, ("127.0.0.1", 0)); s.sendto(b"still here", ("127.0.0.1", port)); print(s.recv(100))
END
sock() { timeout 60 python3 "$T/sock.py" "$@" 2>&1 | paste -sd,; }
is "a request byte by byte" "$(sock pieces 6379)" "b'\$5\\r\\nab\\r\\nc\\r\\n'"
is "8 MiB of value there and back" "$(sock value 6379)" "True"
is "clients that vanish in the middle of a reply" "$(sock vanish 6379)" "done"
is "a client that never reads is bounded, then closed" "$(sock deaf 6379)" "closed True"
is "3,000 clients with half a request each" "$(sock many 6379)" "3000,True"
is "well after all this" "$(kv WHOAMI)" kv1
start small "$BIN/kv_store" 127.0.0.1 6390 --max-memory 1m --max-clients 2 --name small
SMALL=$pid
is "one client too many is told so" "$(sock full 6390)" "-ERR max number of clients reached"
free() { [ "$(redis-cli -p 6390 PING 2>&1)" = PONG ]; }
until_true "and has room again when they have left" free
is "out of memory: an error, the rest goes on" "$(sock oom 6390)" \
	"-OOM command not allowed when used memory > 'maxmemory'. True,\$100,:1,+OK"

# ---- redis-benchmark ----
for p in 1 16; do
	out=$(redis-benchmark -p 6379 -P $p -c 50 -n 20000 -t ping,set,get,incr -q 2>&1)
	is "redis-benchmark -P $p, five tests" "$(tr '\r' '\n' <<< "$out" | grep -c 'requests per second')" 5
done

# ---- kv_client ----
is "kv_client, one command" "$("$BIN/kv_client" 127.0.0.1 6379 ECHO -1 2>&1)" "-1"
is "kv_client, lines" "$(printf 'SET q "a b"\n\nGET q\nINCR n\nKEYS nothing\nexit\n' | "$BIN/kv_client" ::1 6379 |
	paste -sd,)" "OK,a b,1"
"$BIN/kv_client" 127.0.0.1 6379 NOSUCH > "$T/out" 2>&1
is "kv_client, an error reply is status 1" "$? $(cat "$T/out")" "1 ERR unknown command 'NOSUCH'"
like "kv_client, nobody there" "$("$BIN/kv_client" 127.0.0.1 6999 PING 2>&1; echo "rc=$?")" \
	"can't connect to 127.0.0.1:6999: Connection refused"
is "kv_client tries every address of a host" "$("$BIN/kv_client" localhost 6390 WHOAMI 2>&1)" small
like "kv_client, no RESP server" "$(timeout 10 "$BIN/kv_client" 127.0.0.1 1123 PING 2>&1; echo "rc=$?")" 'makes no sense|reset|rc=1'

# ---- time ----
is "bad NTP packets get no answer, a good one does" "$(sock baddata 1123)" "48 True 1 True"
for a in 127.0.0.1 ::1; do
	like "time_client $a" "$("$BIN/time_client" $a 1123 2>&1)" 'stratum 1, offset [+-]0\.0[0-9]{5} s, delay 0\.[0-9]{6} s'
done
like "time_client, nobody there" "$("$BIN/time_client" 127.0.0.1 1999 --tries 2 2>&1; echo "rc=$?")" 'Connection refused'
now=$(date +%s)
got=$(nc -w 5 127.0.0.1 1123 | od -An -tu1 | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 - 2208988800 }')
[ "$got" -ge "$now" ] && [ "$got" -le $((now + 5)) ]
ok $? "RFC 868 over TCP" "got $got, the time is $now"

# ---- echo ----
head -c 1000000 /dev/urandom > "$T/blob"
nc -N -w 20 ::1 7007 < "$T/blob" | cmp - "$T/blob"
ok $? "1 MB through TCP echo and nc"
is "UDP echo and nc" "$(echo hi | timeout 10 nc -u -W 1 127.0.0.1 7007)" hi
is "half-closed: the rest of the echo comes" "$(sock halfclose 7007)" True
is "a client that does not read is not read" "$(sock pressure 7007 $ECHO)" "stopped True,True"
is "a forged source does not make it answer itself" "$(sock loop 7007)" "b'still here'"
start tight setpriv --bounding-set=-sys_resource bash -c "ulimit -n 40; exec '$BIN/echo_server' 127.0.0.1 7040"
is "out of descriptors: no busy loop, well afterwards" "$(sock emfile 7040 $pid)" "True,b'again'"
stop $pid "echo_server ends on SIGTERM after that"

# ---- load_client, and UDP answers from the address that was asked ----
load() { "$BIN/load_client" "$@" > "$T/report" 2> "$T/load.err"; }
for a in 10.99.0.9 fd99::9; do # asked from another address: left alone, the kernel would answer from that one
	from="--connections 5 --requests 500 --local-address ${a%9}1"
	load --mode echo-udp $a 7007 $from --data 60000
	is "UDP echo on a wildcard answers from $a" "$? $(field "['answers']" < "$T/report")" "0 500"
	load --mode sntp $a 1123 $from
	is "SNTP on a wildcard answers from $a" "$? $(field "['answers']" < "$T/report")" "0 500"
done
load --mode echo-udp 127.0.0.1 7007 --connections 2 --requests 200 --data 65507
is "datagrams of 65,507 bytes come back whole" "$? $(field "['answers']" < "$T/report")" "0 200"
load --mode echo ::1 7007 --connections 20 --requests 400 --data 100k
is "TCP echo of 100 KiB payloads" "$? $(field "['answers']" < "$T/report")" "0 400"
load --mode kv 127.0.0.1 6379 --connections 50 --rate 2000 --duration 1 --local-address 10.99.0.1 --local-address 10.99.0.9
is "kv at a rate, from two addresses" "$? $(field "['servers'][0]['name']" < "$T/report")" "0 kv1"
rate=$(field "['answers']" < "$T/report")
[ "$rate" -gt 1500 ] && [ "$rate" -lt 2200 ]
ok $? "the rate is kept" "$rate answers in 1 s, asked for 2000"
load --mode kv-connect 127.0.0.1 6379 --connections 20 --requests 2000
is "kv-connect: a connection for each request" "$? $(field "['connections']['opened']" < "$T/report")" "0 2000"
load --mode hold 127.0.0.1 6379 --connections 2000 --duration 2 --interval-ms 500
is "hold: 2,000 connections stay" "$? $(field "['connections']['open']" < "$T/report")" "0 2000"
load --mode kv-connect 127.0.0.1 6999 --connections 2 --requests 10
is "refused is told as such, and status 1" "$? $(field "['failures']['refused']" < "$T/report")" "1 10"
load --mode sntp 127.0.0.1 7007 --connections 1 --requests 5
is "a wrong answer is corrupt" "$? $(field "['failures']['corrupt']" < "$T/report")" "1 5"
start victim "$BIN/kv_store" 127.0.0.1 6391 --name victim
VICTIM=$pid
"$BIN/load_client" --mode kv 127.0.0.1 6391 --connections 10 --rate 200 --duration 60 --report "$T/victim" &
load=$!
pids+=($load)
answering() { redis-cli -p 6391 INFO stats | grep -q 'total_commands_processed:[0-9][0-9]'; }
until_true "load is on" answering
kill -USR1 $load
until_true "SIGUSR1 writes a snapshot" test -s "$T/victim"
is "the snapshot has no failure" "$(field "['connections']['broken']" < "$T/victim")" 0
{ kill -9 $VICTIM; wait $VICTIM; } 2> /dev/null
rm -f "$T/victim"
broke() { kill -USR1 $load; [ -s "$T/victim" ] && [ "$(field "['failures']['refused'] > 0" < "$T/victim")" = True ]; }
until_true "a killed server: its clients are refused" broke
kill -INT $load
wait $load
is "SIGINT ends the run, failures are status 1" "$? $(field "['connections']['broken']" < "$T/victim")" "1 10"

# ---- mistakes on the command line: status 2 and one line that names what is wrong ----
while IFS='|' read -r command want; do
	out=$("$BIN"/$command 2>&1 < /dev/null)
	rc=$?
	[ $rc = 2 ] && [ "$(wc -l <<< "$out")" = 1 ] && grep -Eq -- "$want" <<< "$out"
	ok $? "$command" "status $rc, '$out', want 2 and /$want/"
done <<'END'
kv_store|ADDR PORT wanted, 0 arguments given
kv_store 1.2.3 6379|'1\.2\.3' is neither
kv_store localhost 6379|'localhost' is neither
kv_store :: 65536|PORT: '65536' is not a number
kv_store :: 6379x|PORT: '6379x'
kv_store :: 6379 --max-memory 1|--max-memory: '1'
kv_store :: 6379 --max-memory 99999999999999g|--max-memory
kv_store :: 6379 --nonsense|unknown option '--nonsense'
kv_store :: 6379 --name|--name needs a value
kv_store :: 6379 extra|'extra' is one argument too many
echo_server :: -1|'-1'
time_server :: 1 --stratum 16|--stratum: '16'
time_server :: 1 --reference-id TOOLONG|'TOOLONG' is longer
kv_client localhost|HOST PORT
time_client localhost 0|PORT: '0'
load_client ::1 1|--mode is missing
load_client ::1 1 --mode x|'x' is none of
load_client ::1 1 --mode echo-udp --data 65508|65508
load_client ::1 1 --mode kv --local-address x|'x' is no
END
for p in kv_store kv_client echo_server time_server time_client load_client; do
	like "$p --help" "$("$BIN/$p" --help; echo "rc=$?")" '^rc=0'
done
like "a port in use" "$("$BIN/kv_store" '*' 6379 2>&1; echo "rc=$?")" "can't listen on TCP \[::\]:6379: Address already in use"

# ---- chronyd, and the end ----
for i in 0 1; do wait "${chrony[i]}"; done
for a in 127.0.0.1 ::1; do
	like "chronyd -Q takes the time from $a" "$(cat "$T/chrony$a")" 'System clock wrong by'
done
printf '*2\r\n$3\r\nGET\r\n' > /dev/tcp/127.0.0.1/6379 # half a request is no hindrance to ending
stop $KV "kv_store ends on SIGTERM"
stop $SMALL "kv_store out of memory ends on SIGTERM"
stop $ECHO "echo_server ends on SIGTERM"
stop $TIME "time_server ends on SIGTERM"
like "time_server has counted what it ignored" "$(cat "$T/time.err")" 'ignored: 3 too short, 7 of another mode, 4 of an unknown'
echo "1..$count"
exit $failed
