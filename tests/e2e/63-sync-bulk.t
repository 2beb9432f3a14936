#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node joins another one that forwards 200,000 flows and gets 2,000 new ones a second: it has all of them, and the same
# ones, in bounded time; then the first one's tandem-lb is killed, and the same the other way around. The flows are UDP
# datagrams that nobody answers, two of each.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/sync.sh"

FLOWS=${FLOWS:-200000}
NEW=${NEW:-16000} # in eight seconds
BOUND=${BOUND:-40} # seconds for the bulk; a sanitized tandem-lb on a busy machine is slow

DATAPLANE='interfaces = [ "bond0", "bond1" ]; max_flows = 524288;'
conf_new
pool sink 4 5000 'scheduler = "rr";' b1 b2 b3
service sink 4 5000 udp sink 'idle_timeout_s = 3600;'
CONF=$(sync_conf)

# FIRST COUNT SECONDS: flows with these numbers, 4,000 of each source address; 0: as fast as it goes.
cat > "$TMP/flows.py" <<'END'
import socket, struct, sys, time
first, count, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
router = bytes.fromhex(sys.argv[4].replace(":", ""))
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
me = s.getsockname()[4]
to = socket.inet_aton("10.0.1.100")
def header(address):
    h = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 36, 0, 0, 64, 17, 0, address, to))
    n = sum(struct.unpack("!10H", h))
    n = (n & 0xffff) + (n >> 16)
    h[10:12] = struct.pack("!H", ~(n + (n >> 16)) & 0xffff)
    return router + me + b"\x08\0" + bytes(h)
began = time.monotonic()
heads = {}
for i in range(first, first + count):
    a = i // 4000
    if a not in heads:
        heads[a] = header(socket.inet_aton("10.77.0.%d" % (a + 1)))
    frame = heads[a] + struct.pack("!HHHH8s", 10000 + i % 4000, 5000, 16, 0, b"%08d" % i)
    for _ in range(2):
        while True:
            try:
                s.send(frame)
                break
            except OSError:  # the device is full
                time.sleep(0.001)
    if seconds:
        rest = began + (i - first + 1) * seconds / count - time.monotonic()
        if rest > 0.002:
            time.sleep(rest)
    elif i % 500 == 499:
        time.sleep(0.002)
END
send_flows() { in_ns c1 python3 "$TMP/flows.py" "$1" "$2" "$3" "$(in_ns "$4" ip -br link show bond0 | awk '{ print $3 }')"; }
is_count() { local n; n=$(flows_of "$1") && echo "$1: $n flows" && [ "$n" = "$2" ]; }
set_of() { # NODE ADDRESS
	sctl "$1" --json flows --client "$2" --limit 20000 | perl -MJSON::PP -0777 -ne '
		print sort map { "$_->{client} $_->{backend}\n" } @{decode_json($_)->{flows}}'
}
cpu_ms() { # PROCESS: of its life
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' "/proc/$(pid_of "$1")/stat"
}
ms() { date +%s%3N; }
tell_cost() { # what came of it, for who reads the log
	diag "$1: $(($(ms) - BEGAN)) ms; processor time: lba $(cpu_ms lb-lba) ms, lbb $(cpu_ms lb-lbb) ms"
	diag "lag ms: $(sjson lba .sync.lag_longest_ms) at most, 99 % within $(sjson lba .sync.lag_p99_ms)"
}
same_sets() { # of three addresses, the last one among those that came meanwhile
	local address
	for address in 10.77.0.1 10.77.0.9 "10.77.0.$(((FLOWS + NEW - 1) / 4000 + 1))"; do
		set_of lba $address > "$TMP/set.a"
		set_of lbb $address > "$TMP/set.b"
		[ -s "$TMP/set.a" ] || { echo "no flows of $address"; return 1; }
		cmp "$TMP/set.a" "$TMP/set.b" || { diff "$TMP/set.a" "$TMP/set.b" | head -n 5; return 1; }
	done
}

sync_up
for b in b1 b2 b3; do in_ns $b nft 'add table inet sink; add chain inet sink i { type filter hook input priority 0; udp dport 5000 drop; }'; done
sync_lb lba "$CONF"
wait_for 15 eval 'each_up lba' > /dev/null
move_to lba
in_ns lba ping -q -c 1 10.0.2.11 > "$TMP/ping" && in_ns lba ping -q -c 1 10.0.2.12 > "$TMP/ping" && in_ns lba ping -q -c 1 10.0.2.13 > "$TMP/ping"
send_flows 0 "$FLOWS" 0 lba
ok "$FLOWS flows at the first node" wait_for 20 is_count lba "$FLOWS"

send_flows "$FLOWS" "$NEW" 8 lba &
SENDER=$!
wait_for 15 eval '[ "$(flows_of lba)" -gt "$FLOWS" ]' > /dev/null
sync_lb lbb "$CONF"
BEGAN=$(ms)
ok "the other one joins: in sync, while new ones come" wait_for "$BOUND" in_sync lba lbb
tell_cost "bulk"
wait $SENDER
ok "all flows are there" wait_for 20 is_count lba $((FLOWS + NEW))
ok "... at the other one" wait_for 15 is_count lbb $((FLOWS + NEW))
ok "... the same" same_sets
ok "... still in sync" in_sync lba lbb
is "... nothing was lost on the way" "$(sjson lba .sync.copies.changes_lost)" 0
is "... in one bulk" "$(sjson lbb .sync.received.bulks)" 1
tell_cost "2,000 new ones a second"

stop lb-lba KILL
sync_lb lba
BEGAN=$(ms)
ok "the first one is killed and begins anew: in sync" wait_for "$BOUND" in_sync lba lbb
tell_cost "bulk in both directions"
is "... nothing changed" "$(flows_of lba) $(flows_of lbb)" "$((FLOWS + NEW)) $((FLOWS + NEW))"
ok "... the same" same_sets
done_testing
