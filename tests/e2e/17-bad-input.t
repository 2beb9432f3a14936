#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bad input and bad surroundings: rubbish on the control socket, configs with every kind of mistake, interfaces
# that are not there, privileges and a bpf filesystem that are missing. Each: a clear message, nothing lost,
# nothing left behind.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

good() {
	conf_new
	pool kv4 4 6379 "scheduler = \"rr\"; $CHECK" b1 b2
	service kv4 4 6379 tcp kv4
	conf
}

lab_up
for b in b1 b2; do start_kv $b 6379; done

# ---- the config: status 2, one line, nothing made ----

mistake() { # NAME SED-SCRIPT REGEX: the good config, spoilt
	local status out
	good | sed "$2" > "$LB_CONFIG"
	: > "$TMP/log/lb"
	spawn_lb
	wait_exit lb 15
	status=$?
	out=$(cat "$(log_of lb)")
	stop lb # nothing, when it has ended
	is "$1: status 2" $status 2
	like "... $1: one line" "$out" "$3"
	is "... $1: and no more" "$(wc -l <<< "$out")" "${4-1}"
}
at="$LB_CONFIG:[0-9]+: "
mistake "an unknown key" 's/scheduler/shceduler/' "^${at}unknown key 'shceduler'.*did you mean 'scheduler'"
mistake "an unknown section" '$a colour = "red";' "^${at}unknown (key|section) 'colour'"
mistake "a wrong type" 's/port = 6379; protocol/port = "6379"; protocol/' "^${at}'port' is .*give an integer"
mistake "out of range" 's/port = 6379; protocol/port = 70000; protocol/' "^${at}'port' is 70000.*1\.\.65535"
mistake "no such scheduler" 's/"rr"/"fastest"/' "^${at}.*fastest.*rr"
mistake "an address that is none" 's/10.0.2.12/10.0.2.312/' "^${at}.*10\.0\.2\.312"
mistake "a duplicate name" 's/"b2"/"b1"/' "^${at}.*b1"
mistake "a missing pool" 's/pool = "kv4"/pool = "kv5"/' "^${at}no pool is named 'kv5'.*did you mean 'kv4'"
mistake "mixed families" 's/10.0.2.12/fd00:2::12/' "^${at}.*IPv[46]"
mistake "a service without its key" 's/protocol = "tcp"; //' "^${at}.*protocol"
mistake "a value missing" 's/port = 6379;/port = ;/' "^${at}"
mistake "a bracket missing" 's/);$/;/' "^${at}"
mistake "no dataplane" '/^dataplane/d' "^$LB_CONFIG(:[0-9]+)?: .*dataplane"
mistake "a section of later" '$a web = { };' "^${at}.*web.*not supported"
mistake "no interfaces" 's/interfaces = \[[^]]*\]/interfaces = [ ]/' "^${at}.*interfaces"
mistake "the same twice" 's/^services = ( \(.*\) );/services = ( \1, { name = "x"; address = "10.0.1.100"; port = 6379; protocol = "tcp"; pool = "kv4"; } );/' \
	"^${at}10.0.1.100:6379 tcp of service 'x' is taken by service 'kv4'"
mistake "two mistakes, two lines" 's/"rr"/"fastest"/; s/pool = "kv4"/pool = "kv5"/' "kv5" 2
mistake "another node's" '1i nodes = ( { name = "lb-a"; } );' "lb-a|node"
head -c 5000 /dev/urandom > "$LB_CONFIG"
is "rubbish: status 2" "$(in_ns lb "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$RUNDIR" > "$TMP/out" 2>&1; echo $?)" 2
: > "$LB_CONFIG"
is "an empty file: status 2" "$(in_ns lb "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$RUNDIR" > "$TMP/out" 2>&1; echo $?)" 2
is "no file: status 2" "$(in_ns lb "$TANDEM_BIN/tandem-lb" -c "$TMP/nowhere" -r "$RUNDIR" > "$TMP/out" 2>&1; echo $?)" 2
like "... it is named" "$(cat "$TMP/out")" "$TMP/nowhere.*No such file"
is "an unknown option: status 2" "$(in_ns lb "$TANDEM_BIN/tandem-lb" --frobnicate > "$TMP/out" 2>&1; echo $?)" 2
is "... in one line" "$(cat "$TMP/out")" "tandem-lb: '--frobnicate' is not an option; try 'tandem-lb --help'"
is "an option without its value, likewise" "$("$TANDEM_BIN/tandem-vrrp" -t -c 2>&1; echo $?)" "tandem-vrrp: '-c' wants a value; try 'tandem-vrrp --help'
2"
is "nothing is left behind" "$(pins; ls "$RUNDIR" 2>/dev/null; in_ns lb tc qdisc show | grep clsact)" ""
good > "$LB_CONFIG"
is "-t says that a file is good" "$(in_ns lb "$TANDEM_BIN/tandem-lb" -t -c "$LB_CONFIG" > "$TMP/out" 2>&1; echo $?; cat "$TMP/out")" \
	"0
$LB_CONFIG: good: 1 services, 1 pools"

# ---- surroundings that lack something ----

fails() { # NAME REGEX COMMAND...: a start that must fail with status 1, a message, and leave nothing
	local name=$1 regex=$2 status; shift 2
	spawn lacking lb "$@"
	wait_exit lacking 15
	status=$?
	is "$name: status 1" $status 1
	like "... says so" "$(tail -c "+$((${LOG_FROM[lacking]} + 1))" "$(log_of lacking)")" "$regex"
	is "... leaves nothing behind" "$(pins; in_ns lb tc qdisc show | grep clsact)" ""
}
lb_command=("$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$RUNDIR")
without() { # CAPABILITIES -> in $prefix, the command to put before
	prefix=(capsh --drop="$1" -- -c 'exec "$@"' capsh)
}
mkdir -p "$RUNDIR"
without cap_bpf,cap_sys_admin
fails "without CAP_BPF" 'not permitted; run as root or give CAP_BPF \(' "${prefix[@]}" "${lb_command[@]}"
without cap_net_admin,cap_sys_admin
fails "without CAP_NET_ADMIN" 'not permitted; run as root or give CAP_NET_ADMIN \(' "${prefix[@]}" "${lb_command[@]}"
without cap_perfmon,cap_sys_admin
fails "without CAP_PERFMON" 'not permitted; run as root or give CAP_PERFMON \(' "${prefix[@]}" "${lb_command[@]}"
fails "without a bpf filesystem" '/sys/fs/bpf is no bpf file ?system.*mount -t bpf' \
	unshare -m sh -c 'umount -l /sys/fs/bpf; exec "$@"' sh "${lb_command[@]}"
fails "a run dir that cannot be" 'Not a directory|run dir' "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$LB_CONFIG/run"

# With what it asks for, and nothing else, it runs.
spawn lb lb capsh --drop=cap_sys_admin,cap_sys_ptrace,cap_sys_module,cap_sys_resource,cap_net_bind_service,cap_dac_override -- -c 'exec "$@"' capsh "${lb_command[@]}"
ok "without CAP_SYS_ADMIN and others it runs" wait_for 15 lb_answers
ok "... and is ready" wait_for 15 all_ready
stop_lb
in_ns lb "${lb_command[@]}" --remove 2> /dev/null

spawn lb lb capsh --drop=cap_net_raw -- -c 'exec "$@"' capsh "${lb_command[@]}"
ok "without CAP_NET_RAW it says what it cannot do" wait_log lb 15 'no raw sockets.*CAP_NET_RAW'
stop_lb
in_ns lb "${lb_command[@]}" --remove 2> /dev/null

# ---- interfaces ----

DATAPLANE='interfaces = [ "front1", "front2", "back", "late0" ];'
start_lb "$(good)"
interface_is() { # NAME STATE [REGEX OF DETAIL]
	local is; is=$(of_status ".interfaces[name=$1]") && [[ $is =~ \"state\":\"$2\" ]] && [[ $is =~ ${3-.} ]] || { echo "$is"; return 1; }
}
ok "an interface that is not there: waits for it" wait_for 15 interface_is late0 missing 'waits for it'
like "... and says so" "$(cat "$(log_of lb)")" 'interface late0: missing: no such device: waits for it'
wait_for 15 all_up
is "... the others serve" "$(in_ns c1 redis-cli -h $VIP4 PING)" PONG
make_late() { in_ns lb ip link add late0 type veth peer name late1 && in_ns lb ip link set late1 up && in_ns lb ip link set late0 up; }
make_late
ok "it appears: attached" wait_for 15 interface_is late0 attached
like "... which tc shows" "$(in_ns lb tc filter show dev late0 ingress)" 'bpf'
in_ns lb ip link del late0
ok "it goes: missing" wait_for 15 interface_is late0 missing
make_late
ok "it is made again: attached" wait_for 15 interface_is late0 attached
in_ns lb ip link set late0 down
ok "switched off: down, with what would do" wait_for 15 interface_is late0 down 'ip link set dev late0 up'
in_ns lb ip link set late0 up
ok "... and on: attached" wait_for 15 interface_is late0 attached
in_ns lb ip link set late1 down
ok "unplugged: down" wait_for 15 interface_is late0 down 'no carrier'
in_ns lb ip link set late1 up
ok "... plugged in: attached" wait_for 15 interface_is late0 attached
in_ns lb ip link set late0 down
in_ns lb ip link set late0 name early0
ok "renamed: missing" wait_for 15 interface_is late0 missing
is "... nothing of ours stays there" "$(in_ns lb tc filter show dev early0 ingress)" ""
in_ns lb ip link del early0
in_ns lb tc filter del dev front2 ingress
ok "the program is taken away: attached again" wait_for 15 sh -c "nsenter --net=/run/netns/${LAB_PREFIX}lb tc filter show dev front2 ingress | grep bpf"
is "... and serves" "$(in_ns c2 redis-cli -h $VIP4 PING)" PONG

in_ns lb sh -c 'echo 0 > /proc/sys/net/ipv4/conf/front1/forwarding'
ok "forwarding is off: said, with what would do" wait_for 15 interface_is front1 attached 'IPv4 forwarding is off.*sysctl -w net/ipv4/conf/front1/forwarding=1'
like "... in the log, too" "$(cat "$(log_of lb)")" 'interface front1: forwarding off'
in_ns lb sysctl -qw net/ipv4/conf/front1/forwarding=1
ok "... until it is on" wait_for 15 interface_is front1 attached '"detail":""'
is "... and serves" "$(in_ns c1 redis-cli -h $VIP4 PING)" PONG

# ---- the control socket ----

cat > "$TMP/rubbish.py" <<'END'
# Bad input on a control socket, every kind; prints what was not answered as it should be.
import json, os, random, socket, struct, sys
path, seed = sys.argv[1], int(sys.argv[2])
random.seed(seed)
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(8)
    s.connect(path)
    return s
def frame(body, version=1, flags=0, length=None, magic=b"TDCT"):
    return magic + struct.pack(">HHI", version, flags, len(body) if length is None else length) + body
def exactly(s, n):
    data = b""
    while len(data) < n:
        got = s.recv(n - len(data))
        if not got: return None
        data += got
    return data
def reply(s):
    head = exactly(s, 12)
    return None if head is None else json.loads(exactly(s, struct.unpack(">I", head[8:])[0]))
def refused(what, data, half=False):
    s = connect()
    try:
        s.sendall(data)
        if half: s.shutdown(socket.SHUT_WR)
        r = reply(s)
        if r is not None and r.get("ok"): print("accepted:", what)
        if r is None and not half: print("no answer:", what)
        if r is not None and ("\n" in r["error"] or len(r["error"]) < 8): print("bad error:", what, r)
    except (ConnectionResetError, BrokenPipeError): pass
    except Exception as e: print("failed:", what, e)
    s.close()
good = b'{"command": "status"}'
refused("rubbish", b"\xff" * 100)
refused("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
for length in (0, 65537, 1 << 31, (1 << 32) - 1): refused("length %d" % length, frame(good, length=length)[:12])
refused("version 2", frame(good, version=2))
refused("flags", frame(good, flags=8))
refused("half a header", b"TDCT\0", half=True)
refused("half a body", frame(good)[:-5], half=True)
for body in (b"", b"null", b"[]", b"{", b"7", b'"status"', b"{}", b'{"command": 7}', b'{"command": "nonsense"}', b'{"command": ""}',
        b'{"command": "status", "more": 1}', b'{"command": "status", "command": "drain"}', b'{"command": "drain"}',
        b'{"command": "drain", "args": []}', b'{"command": "drain", "args": {"pool": 7, "backend": []}}',
        b'{"command": "weight", "args": {"pool": "kv4", "backend": "b1", "weight": -1}}',
        b'{"command": "weight", "args": {"pool": "kv4", "backend": "b1", "weight": 1e99}}',
        b'{"command": "weight", "args": {"pool": "kv4", "backend": "b1", "weight": "1"}}',
        b'{"command": "flows", "args": {"client": "not an address"}}', b'{"command": "flows", "args": {"limit": -5}}',
        b'{"command": "events", "args": {"since": "x"}}', b'{"command": "\xff\xfe"}', b"[" * 60000, b'{"a":' * 10000,
        b'{"command": "status"}\0', b'{"command": "' + b"a" * 60000 + b'"}'):
    refused(body[:60], frame(body))
for i in range(150):
    s = connect()
    n = random.choice((1, 4, 11, 12, 13, 100, 70000))
    data = os.urandom(n) if i % 3 else frame(os.urandom(n % 65536))
    try:
        s.sendall(data)
        if i % 2: reply(s) if i % 3 == 0 else s.recv(10) if n >= 12 else None
    except (ConnectionResetError, BrokenPipeError, ValueError): pass
    except Exception as e: print("random %d, seed %d: %r" % (i, seed, e))
    s.close()
many = [connect() for i in range(32)] # all places taken by those who say nothing
s = connect()
try:
    s.sendall(frame(good))
    r = reply(s)
    if r is None or r.get("ok"): print("a client too many:", r)
except (ConnectionResetError, BrokenPipeError): pass
for s in many: s.close()
import time
until = time.time() + 5
while True: # their places are free when the daemon has seen them go
    s = connect()
    try:
        s.sendall(frame(good))
        if reply(s)["ok"]: break
    except (ConnectionResetError, BrokenPipeError, TypeError): pass
    s.close()
    if time.time() > until:
        print("no place becomes free")
        break
for i in range(50): s.sendall(frame(good)) # many at once, answers in order
for i in range(50):
    if not reply(s)["ok"]: print("pipelined %d is refused" % i)
END
files_open() { ls "/proc/$(pid_of lb)/fd" | wc -l; }
load kept c1 $VIP4 6379 --mode kv --connections 8 --rate 300 --duration 900
before=$(files_open)
seed=$(($(now_ms) % 100000))
for sock in lb.sock lb-ro.sock; do
	is "rubbish on $sock is answered with errors (seed $seed)" "$(timeout 50 python3 "$TMP/rubbish.py" "$RUNDIR/$sock" $seed 2>&1)" ""
done
ok "tandem-lb lives" ctl status
files_closed() { [ "$(files_open)" -le "$before" ] || { files_open; return 1; }; }
ok "... no file is left open" wait_for 15 files_closed
like "the look-only socket changes nothing" "$(python3 -c '
import json, socket, struct, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
b = json.dumps({"command": "drain", "args": {"pool": "kv4", "backend": "b1"}}).encode()
s.sendall(b"TDCT" + struct.pack(">HHI", 1, 0, len(b)) + b)
print(s.recv(4096)[12:])' "$RUNDIR/lb-ro.sock")" '"ok": ?false'
is "... b1 is as it was" "$(of_backend kv4 b1 admin) $(of_backend kv4 b1 weight)" "enabled 1"
stop kept INT
is "nobody noticed any of it" "$(report kept .failures)" "$NO_FAILURES"
is "nothing of the sanitizers" "$(cat "$TMP"/log/* | grep -ciE "sanitizer|runtime error")" 0

done_testing
