#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs that show what sockets are: tun_pipe, sockstat, hello; and tandemctl sockets. Two namespaces, joined by one cable.
. "$(dirname "$0")/lib.sh"

needs tun bridge veth
for program in tun_pipe sockstat hello_server hello_client; do
	[ -x "$TANDEM_BIN/$program" ] || bail "no $TANDEM_BIN/$program; 'make' builds it"
done

LAB_MADE=1
for node in a b; do ip netns add "$LAB_PREFIX$node" || bail "no namespace"; done
ip -n "${LAB_PREFIX}a" link add eth0 type veth peer name eth0 netns "${LAB_PREFIX}b" || bail "no cable"
for node in a:1 b:2; do
	ip -n "$LAB_PREFIX${node%:*}" -batch - <<- END || bail "the cable has no addresses"
		link set lo up
		link set eth0 up
		addr add 10.9.0.${node#*:}/24 dev eth0
		addr add fd09::${node#*:}/64 dev eth0 nodad
	END
done

words() { # NAME STATUS WORDS COMMAND...: the exit status, and one line on stderr that has these words
	local name=$1 status=$2 want=$3 out got; shift 3
	out=$(timeout 30 "$@" 2>&1 < /dev/null)
	got=$?
	if [ $got = "$status" ] && [ "$(wc -l <<< "$out")" = 1 ] && [[ $out == *"$want"* ]]; then
		pass "$name"
	else
		fail "$name" "status $got from: $*"$'\n'"$out"$'\n'"expected status $status and: $want"
	fi
}
refused() { local name=$1 want=$2; shift 2; words "$name" 2 "$want" "$TANDEM_BIN/$1" "${@:2}"; }

# ---- tun_pipe: a tunnel for packets, and one for frames ----

pipes() { # tun|tap DEVICE MTU A B: both ends
	local kind=$1 dev=$2 mtu=$3
	spawn "$dev-a" a "$TANDEM_BIN/tun_pipe" "--$kind" "$dev" --local "$4" --peer "$5" --mtu "$mtu"
	spawn "$dev-b" b "$TANDEM_BIN/tun_pipe" "--$kind" "$dev" --local "$5" --peer "$4" --mtu "$mtu"
	wait_log "$dev-a" 30 'listening on' && wait_log "$dev-b" 30 'listening on'
}
ping_from() { in_ns a ping -n -q -c 2 -i 0.01 -W 2 "$@"; }

ok "tun over IPv4: both ends are ready" pipes tun tun0 1400 10.9.0.1:5000 10.9.0.2:5000
like "... it says what it does not do" "$(cat "$(log_of tun0-a)")" "packets \(tun\), mtu 1400; not encrypted"
in_ns a ip addr add 10.10.0.1/24 dev tun0
in_ns b ip addr add 10.10.0.2/24 dev tun0
ok "... a packet goes there and back" wait_for 30 ping_from 10.10.0.2
ok "... one of the whole MTU too" wait_for 30 ping_from -M "do" -s 1372 10.10.0.2
not_ok "... and none above it" ping_from -W 0.2 -M "do" -s 1373 10.10.0.2
stop tun0-b
in_ns a ping -n -q -c 3 -i 0.05 -W 0.2 10.10.0.2 > "$TMP/lost"
like "... the peer is gone: packets are lost" "$(cat "$TMP/lost")" "100% packet loss"
ok "... and the tunnel lives" alive tun0-a
stop tun0-a
wait_exit tun0-a 30
is "... and ends well" $? 0
like "... what was lost is counted" "$(tail -n 1 "$(log_of tun0-a)")" 'sent, [0-9]+ received; lost: [0-9]+ unsent, [1-9][0-9]* unreachable'
not_ok "... the device is gone with it" in_ns a ip link show tun0

ok "tap over IPv6: both ends are ready" pipes tap tap0 1400 '[fd09::1]:5001' '[fd09::2]:5001'
in_ns b ip link add br0 type bridge
in_ns b ip link set tap0 master br0
in_ns b ip link set br0 up
in_ns b ip addr add 10.11.0.2/24 dev br0
in_ns a ip addr add 10.11.0.1/24 dev tap0
ok "... a frame goes through a bridge's port and back" wait_for 30 ping_from 10.11.0.2
ok "... of the whole MTU too" wait_for 30 ping_from -M "do" -s 1372 10.11.0.2
in_ns b ip link del tap0
wait_exit tap0-b 30
is "... the device is removed: it ends and says so" $? 1
like "... with these words" "$(cat "$(log_of tap0-b)")" 'tap0: the device was removed'

L=(--local 10.9.0.1:5002) P=(--peer 10.9.0.2:5002)
refused "tun_pipe without a device" "one of --tun and --tap is wanted" tun_pipe "${L[@]}" "${P[@]}"
refused "... with both" "one of --tun and --tap is wanted" tun_pipe --tun x --tap y "${L[@]}" "${P[@]}"
refused "... without a peer" "--peer is missing" tun_pipe --tun x "${L[@]}"
refused "... with a port that is none" "has a port above 65535" tun_pipe --tun x "${L[@]}" --peer 10.9.0.2:70000
refused "... with two families" "of another family than --local" tun_pipe --tun x "${L[@]}" --peer '[fd09::2]:1'
refused "... with a name that is too long" "is no name of a device" tun_pipe --tun abcdefghijklmnop "${L[@]}" "${P[@]}"
words "... on an address that is not here" 1 "can't bind 192.0.2.1:5002" "$TANDEM_BIN/tun_pipe" --tun x --local 192.0.2.1:5002 "${P[@]}"

# ---- sockstat: a listener that accepts two and lets others wait, connections in several states ----

sockstat() { in_ns b "$TANDEM_BIN/sockstat" "$@"; }
has() { local path=$1 want=$2 got; shift 2; got=$(sockstat --json "$@" | json - "$path") && [ "$got" = "$want" ] || { echo "$path: ${got-} instead of $want"; return 1; }; }

cat > "$TMP/peers.py" <<- 'END'
	import signal, socket
	listener = socket.create_server(("10.9.0.2", 7100), backlog=9)
	waiting = [socket.create_connection(("10.9.0.2", 7100)) for _ in range(3)]
	waiting[0].send(b"12345")
	served = socket.create_server(("::1", 7101), family=socket.AF_INET6, backlog=4)
	client = socket.create_connection(("::1", 7101)); peer = served.accept()[0]
	client.send(b"1234567"); gone = socket.create_connection(("::1", 7101)); other = served.accept()[0]
	gone.close(); other.recv(1); other.close()
	udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 7102))
	local = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); local.bind("\0tandem-test"); local.listen(6)
	open("/proc/self/comm", "w").write("peers")
	print("ready", flush=True)
	signal.pause()
END
spawn peers b python3 "$TMP/peers.py"
ok "sockets to look at" wait_log peers 30 ready

sockstat --json --state listen > "$TMP/listen.json"
is "a listener's queue: how many wait for accept(), of how many" "$(json "$TMP/listen.json" '.sockets[local_port=7100].backlog') $(json "$TMP/listen.json" '.sockets[local_port=7100].backlog_max')" "3 9"
is "... whose it is" "$(json "$TMP/listen.json" '.sockets[local_port=7100].processes[0].pid')" "$(pid_of peers)"
ok "bytes that were not read" has '.sockets[local_port=7101].recv_queue' 7 --state established --port 7101 --process peers
ok "TIME-WAIT has no process" wait_for 30 has '.processes' '[{"sockets":1,"states":{"tcp":{"time-wait":1}},"whose":"kernel"}]' --protocol tcp --state time-wait
ok "counts by state" has '.states[state=established].sockets' 8 --protocol tcp
ok "... by process" has '.processes[0].states' '{"unix":{"listen":1}}' --protocol unix --state listen --process "$(pid_of peers)"
ok "an abstract name" has '.sockets[0].path' @tandem-test --protocol unix --state listen
ok "UDP" has '.sockets[0].state' unconnected --port 7102
like "the summary has each listener" "$(sockstat --port 7100)" "tcp +10\.9\.0\.2:7100 +3 +9 +0 +peers\($(pid_of peers)\)"
like "the list has each socket" "$(sockstat --list --port 7101)" "tcp +established +7 +0 +\[::1\]:7101 +\[::1\]:[0-9]+ +0 +peers"
is "no such sockets" "$(sockstat --protocol tcp --port 1)" "no such sockets"
is "only what is in this namespace" "$(in_ns a "$TANDEM_BIN/sockstat" --protocol tcp --port 7100)" "no such sockets"
refused "sockstat with a protocol that is none" "'tpc' is none of tcp, udp, raw" sockstat --protocol tpc
refused "... a state" "'listening' is none of established, syn-sent" sockstat --state listening
refused "... a port" "'0' is not a number from 1 to 65535" sockstat --port 0
refused "... an argument" "one argument too many" sockstat tcp
# ---- tandemctl sockets: the daemon's own, and who listens where a service is, as peers does ----

LB_NODE=b
start_lb 'pools = ( { name = "p"; scheduler = "rr"; backends = ( { name = "p1"; address = "10.9.0.1"; port = 80; } ); } );
services = ( { name = "front"; address = "10.9.0.2"; port = 7100; protocol = "tcp"; pool = "p"; },
	{ name = "other"; address = "10.9.0.2"; port = 7102; protocol = "udp"; pool = "p"; } );
dataplane = { interfaces = [ "eth0" ]; max_flows = 4096; };'
out=$(ctl sockets)
like "the daemon's control socket, seen from another namespace" "$out" "lb +unix stream +listen +$RUNDIR/lb.sock[^"$'\n'"]* +0 of [0-9]+"
like "who listens where a service is" "$out" "tcp 10\.9\.0\.2:7100 of peers\($(pid_of peers)\): clients of service front do not reach it"
is "... and nobody else" "$(ctl --json sockets | json - '.shadowed[0].service'),$(ctl --json sockets | grep -c '"service"')" front,1
stop_lb
words "no daemon: it says so" 1 "neither tandem-lb nor tandem-vrrp is running" "$TANDEM_BIN/tandemctl" -r "$RUNDIR" sockets
stop peers

# ---- hello: what a socket of each type keeps ----

hello_up() { # TYPE WHERE [OPTIONS...]: a server in namespace b
	stop hello
	spawn hello b "$TANDEM_BIN/hello_server" "$@"
	wait_log hello 30 'listening on' || bail "hello_server is not ready"
}
hello() { in_ns b timeout 60 "$TANDEM_BIN/hello_client" "$@" --timeout-ms 30000 2>&1; }
said() { tail -c "+$((${LOG_FROM[hello]} + 1))" "$(log_of hello)"; }
pid_is_told() { local out; out=$(said) && [[ $out =~ $1:\ pid\ [1-9][0-9]*,\ uid\ 0, ]] || { echo "$out"; return 1; }; }

hello_up stream "$TMP/hello"
out=$(hello stream "$TMP/hello")
like "stream: boundaries are lost" "$out" "boundaries not kept: messages 3, reads 1"
like "... order is kept, nothing is missing" "$out" "order kept; 24 of 24 bytes read, 0 cut off, 0 missing"
ok "... who the client is" wait_for 30 pid_is_told SO_PEERCRED
out=$(hello stream "$TMP/hello" --gone)
like "... the reader has gone: what it did not read is told" "$out" "recv: ECONNRESET"
like "... and a second write is EPIPE" "$out" "send: EPIPE"
words "... a client of another type is told so" 1 "a server of another TYPE" "$TANDEM_BIN/hello_client" seqpacket "$TMP/hello"
hello_up stream @tandem-hello --buffer 5
like "... a small buffer cuts messages and loses nothing" "$(hello stream @tandem-hello)" "messages 3, reads 5.*order kept; 24 of 24 bytes read, 0 cut off, 0 missing"
words "an abstract name is of its network namespace" 1 "nobody has that name" ip netns exec "${LAB_PREFIX}a" "$TANDEM_BIN/hello_client" stream @tandem-hello

hello_up seqpacket @tandem-hello --buffer 5
out=$(hello seqpacket @tandem-hello)
like "seqpacket: boundaries are kept, a message without room is truncated" "$out" "boundaries kept, messages truncated: messages 3, reads 3"
like "... and the rest of it is lost" "$out" "order kept; 15 of 24 bytes read, 9 cut off, 0 missing"
like "... the reader has gone: EPIPE" "$(hello seqpacket @tandem-hello --gone)" "recv: ECONNRESET.*send: EPIPE"

hello_up datagram "$TMP/hello"
like "datagram: boundaries and order are kept, more of them than a queue has room for" "$(hello datagram "$TMP/hello" --count 64)" "boundaries kept: messages 64, reads 64.*order kept; 567 of 567 bytes"
# A client that is stopped between any two of its calls: the server may have answered all by the time it goes on.
cat > "$TMP/halting.py" << 'END'
import os, signal, subprocess, sys, time
for _ in range(100):
    client = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while client.poll() is None:
        client.send_signal(signal.SIGSTOP); time.sleep(0.0002)
        client.send_signal(signal.SIGCONT); time.sleep(0.00002)
    if client.returncode: sys.exit(client.stdout.read())
END
ok "... from a client that is stopped at any moment" in_ns b timeout 60 python3 "$TMP/halting.py" "$TANDEM_BIN/hello_client" datagram "$TMP/hello" --count 64 --timeout-ms 5000
ok "... who the sender is" wait_for 30 pid_is_told SCM_CREDENTIALS
like "... a sender without a name" "$(hello datagram "$TMP/hello" --anonymous)" "nobody can answer"
ok "... cannot be answered" wait_log hello 30 "no answer: the sender has no name"
like "... the reader has gone: refused" "$(hello datagram "$TMP/hello" --gone)" "send: ECONNREFUSED"
wait_exit hello 30
is "... it has ended, and its name stays" "$?,$(stat -c %F "$TMP/hello")" 0,socket
hello_up datagram "$TMP/hello"
like "... the next one takes the name over" "$(said)" "left behind by a server that is gone"
words "... but not from one that lives" 1 "Address already in use" ip netns exec "${LAB_PREFIX}b" "$TANDEM_BIN/hello_server" datagram "$TMP/hello"
stop hello
not_ok "... and takes it along when it ends well" test -e "$TMP/hello"

hello_up raw '*'
out=$(in_ns a "$TANDEM_BIN/hello_client" raw 10.9.0.2 --count 2 --timeout-ms 30000)
like "raw: the kernel answers" "$out" "raw 10\\.9\\.0\\.2: 2 sent, 2 answered, 0 twice; order kept"
like "... with the IP header of IPv4" "$out" "reply 1 from 10\.9\.0\.2: 36 bytes, 20 of them the IP header"
ok "... the server got a copy" wait_log hello 30 "from 10.9.0.1: 36 bytes, 20 of them the IP header: echo request 2; the kernel answers"
like "... without it of IPv6" "$(in_ns a "$TANDEM_BIN/hello_client" raw fd09::2 --timeout-ms 30000)" "reply 3 from fd09::2: 16 bytes, 0 of them the IP header"
ok "... to the server too" wait_log hello 30 "from fd09::1: 16 bytes, 0 of them the IP header: echo request 3"
like "... nobody there: no sign" "$(in_ns a "$TANDEM_BIN/hello_client" raw 10.9.0.3 --timeout-ms 100)" "3 sent, 0 answered.*no reader, no sign"

refused "hello_client with a type that is none" "'tcp' is none of stream, datagram, seqpacket and raw" hello_client tcp @x
refused "... without a name" "'@' is no name" hello_client stream @
refused "... with a name that is too long" "too long, 107 would do" hello_client stream "/$(printf 'x%.0s' {1..110})"
refused "... raw and --gone" "a raw packet has no reader" hello_client raw 127.0.0.1 --gone
refused "hello_server on an address that is none" "'nowhere' is neither an IPv4 or IPv6 address" hello_server raw nowhere
words "... in a directory that is not there" 1 "No such file or directory" "$TANDEM_BIN/hello_server" stream "$TMP/no/hello"

done_testing
