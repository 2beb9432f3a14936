#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Load over several servers: names with several addresses, and how that does when one server dies; a balancer at one
# address, which asks the servers, counts, weighs and remembers.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
. "$(dirname "$0")/../config.sh"
B=$TANDEM_BIN
D=multihoming
lab_up
for b in b1 b2 b3; do start_kv $b 6379; done

# ---- a name with several addresses ----

cat > "$TMP/dns.py" <<'END'
# A name server for one name: its addresses, each time begun at another one.
import socket, struct
addresses, turn = ["10.0.2.11", "10.0.2.12", "10.0.2.13"], 0
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.0.1.1", 53)); print("ready", flush=True)
while True:
    q, to = s.recvfrom(512)
    end = q.index(b"\0", 12) + 5
    kind = struct.unpack("!H", q[end - 4:end - 2])[0]
    rows = addresses[turn:] + addresses[:turn] if kind == 1 else []
    if kind == 1: turn = (turn + 1) % 3
    s.sendto(q[:2] + b"\x84\0" + struct.pack("!4H", 1, len(rows), 0, 0) + q[12:end] +
             b"".join(b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04" + socket.inet_aton(a) for a in rows), to)
END
spawn dns lb python3 "$TMP/dns.py"
wait_log dns 10 ready || bail "no name server"
echo 'nameserver 10.0.1.1' > "$TMP/resolv.conf"
echo 'hosts: dns' > "$TMP/nsswitch.conf"
cat > "$TMP/ask.py" <<'END'
# first|all TIMES: connections to www:6379, to the first address of each answer or to each in turn; who answered, and how long it took.
import collections, socket, sys, time
seen, start = collections.Counter(), time.monotonic()
for _ in range(int(sys.argv[2])):
    try:
        addresses = socket.gethostbyname_ex("www.dom.ain")[2]
        for address in addresses[:1] if sys.argv[1] == "first" else addresses:
            s = socket.socket(); s.settimeout(0.3)
            try: s.connect((address, 6379)); break
            except OSError: s.close()
        s.sendall(b"WHOAMI\r\n"); f = s.makefile(); f.readline(); seen[f.readline().strip()] += 1; s.close()
    except OSError: seen["failed"] += 1
print(" ".join("%s %d" % (n, seen[n]) for n in sorted(seen)), "in %.1f s" % (time.monotonic() - start))
END
by_name() { in_ns c1 unshare --mount sh -c 'mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf && exec python3 "$0/ask.py" "$@"' "$TMP" "$@" 2>&1; }
claim_like $D "a name with three addresses, in turn: connections are spread over the servers, more or less" "$(by_name first 30)" '^b1 [0-9]+ b2 [0-9]+ b3 [0-9]+ '
in_ns sw ip link set b2 down
claim_like $D "... one server dies: its share of those who try the first address only fails" "$(by_name first 30)" '^b1 [0-9]+ b3 [0-9]+ failed [1-9][0-9]* '
claim_like $D "... who tries all has an answer, after waiting for the dead one" "$(by_name all 9)" '^b1 [0-9]+ b3 [0-9]+ in [0-9.]+ s'
in_ns sw ip link set b2 up

# ---- a balancer at one address ----

conf_new
pool rr 4 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
pool lc 4 6379 "scheduler = \"wlc\"; $CHECK" b1 b2 b3
pool weighted 4 6379 "scheduler = \"wrr\"; $CHECK" "b1 weight = 3;" "b2 weight = 1;" "b3 weight = 1;"
pool sticky 4 6379 "scheduler = \"rr\"; $CHECK sticky = { timeout_s = 60; };" b1 b2 b3
service rr 4 6379 tcp rr
service lc 4 6380 tcp lc
service weighted 4 6381 tcp weighted
service sticky 4 6382 tcp sticky
start_ready "$(conf)"
claim_is $D "a balancer: the service lives at one address, and the servers have equal shares" "$(spread 4 6379 30)" "b1 10 b2 10 b3 10"
watch inbound b1 eth0 tcp port 6379 and host 10.0.1.11
for i in 1 2 3; do in_ns c1 "$B/kv_client" $VIP4 6379 WHOAMI; done > "$TMP/who"
wait_seen inbound 5 3
claim_like $D "... inbound NAT: the destination is translated, the source is the client's" "$(grep -oE '10\.0\.1\.11\.[0-9]+ > 10\.0\.2\.11\.6379: Flags \[S\]' "$(log_of inbound)" | head -n 1)" '10\.0\.1\.11\.[0-9]+ > 10\.0\.2\.11\.6379: Flags \[S\]'
claim_is $D "weights: 3 to 1 to 1" "$(spread 4 6381 50)" "b1 30 b2 10 b3 10"
claim_is $D "sticky: one client's connections go to one server, as a session wants" "$(spread 4 6382 20 | tr ' ' '\n' | grep -c '^20$') server has all 20" "1 server has all 20"
load held c1 $VIP4 6380 --mode hold --connections 30 --duration 60 --interval-ms 500
counts() { for b in b1 b2 b3; do of_backend lc $b connections_active; done | paste -sd' '; }
counted() { [ "$(counts)" = "10 10 10" ] || { counts; return 1; }; }
wait_for 10 counted
claim_is $D "least connections: the balancer counts live connections, and who has fewest gets the next" "$(counts)" "10 10 10"
in_ns sw ip link set b2 down
for p in rr lc weighted sticky; do wait_for 10 backend_is $p b2 state down; done
began=$(now_ms)
shares=$(spread 4 6379 30) took=$(($(now_ms) - began))
claim_holds $D "a server dies: the check notices, and no new connection waits for it" "30 connections: $shares, in $took ms" "\"$shares\" == \"b1 15 b2 0 b3 15\" && $took < 5000"
claim_is $D "... for each pool" "$(for p in rr lc weighted sticky; do of_service $p backends_up; done | paste -sd' ') of 3" "2 2 2 2 of 3"
in_ns sw ip link set b2 up
wait_for 10 backend_is lc b2 state up
load more c2 $VIP4 6380 --mode hold --connections 6 --duration 30 --interval-ms 500
even() { [ "$(of_backend lc b2 connections_active)" -ge 6 ]; }
wait_for 10 even
claim_holds $D "... it comes back with no connections: least connections gives it the next ones" "$(counts)" "$(of_backend lc b2 connections_active) >= 6"
stop more INT
stop held INT

done_testing
