#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Backends die under load, come back, and are all gone: what clients see, and when.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

conf_new
for family in 4 6; do
	for empty in reject drop; do
		port=$([ $empty = reject ] && echo 7001 || echo 7002)
		pool $empty$family $family $port "scheduler = \"rr\"; $CHECK" b1 b2
		service $empty$family $family $port tcp $empty$family "on_empty = \"$empty\";"
		service $empty-udp$family $family $port udp $empty$family "on_empty = \"$empty\";"
	done
	pool kv$family $family 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
	service kv$family $family 6379 tcp kv$family
done

lab_up
for b in b1 b2; do for port in 7001 7002; do start_echo $b $port $b-$port; done; done
for b in b1 b2 b3; do start_kv $b 6379; done
start_ready "$(conf)"

# ---- a backend is killed under load ----

for family in 4 6; do
	load kept$family c1 "$(vip $family)" 6379 --mode kv --connections 12 --rate 600 --duration 900
	load new$family c2 "$(vip $family)" 6379 --mode kv-connect --connections 4 --rate 200 --duration 900
done
LOADS="kept4 kept6 new4 new6"
ok "load runs" wait_for 15 all_go_on
stop kv-b2 KILL
killed=$(now_ms)
for family in 4 6; do wait_for 15 backend_is kv$family b2 state down; done
holds "a dead backend is down within the fall time: $(($(now_ms) - killed)) ms" "$(now_ms) - $killed < 1500"
peek_all $LOADS
for family in 4 6; do
	holds "a kept connection breaks once, at most (IPv$family)" "$(report kept$family .connections.broken) <= 4"
	for l in kept$family new$family; do
		holds "... causes of failures: refused, reset, timeout, closed ($l)" \
			"$(report $l .failures.corrupt) == 0 && $(report $l .failures.other) == 0"
	done
	to_b2=$(of_backend kv$family b2 connections_total)
	failed=$(($(report new$family .failed_requests) + $(report kept$family .failed_requests)))
	declare "to_b2_$family=$to_b2" "failed_$family=$failed"
done
ok "load goes on without it" all_go_on
ok "... and on" all_go_on
peek_all $LOADS
for family in 4 6; do
	was=to_b2_$family
	is "no connection went to it after its fall (IPv$family)" "$(of_backend kv$family b2 connections_total)" "${!was}"
	was=failed_$family
	# A request that was under way at the fall may end a moment after the first look.
	holds "... and nobody failed" "$(report new$family .failed_requests) + $(report kept$family .failed_requests) - ${!was} <= 4"
done
start_kv b2 6379
for family in 4 6; do
	ok "it comes back (IPv$family)" wait_for 15 backend_is kv$family b2 state up
	was=to_b2_$family
	gets() { [ "$(of_backend kv$family b2 connections_total)" -gt $((${!was} + 10)) ]; }
	ok "... and gets connections" wait_for 15 gets
done
like "events tell the story" "$(ctl events)" 'kv4/b2 .*down.*refused'
peek_all $LOADS
for l in $LOADS; do declare "then_$l=$(report $l .failed_requests)"; done
ok "load goes on" all_go_on
peek_all $LOADS
for l in $LOADS; do
	was=then_$l
	is "... without a failure ($l)" "$(report $l .failed_requests)" "${!was}"
	stop $l INT
done

# ---- nobody is left ----

cat > "$TMP/try.py" <<'END'
# tcp|udp HOST PORT MILLISECONDS: "served", "refused" or "silence", and after how many ms.
import socket, sys, time
kind, host, port, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(limit / 1000)
began = time.monotonic()
try:
    s.connect((host, port))
    s.send(b"hello")
    got = s.recv(100)
    what = "served" if got == b"hello" else "got %r" % got
except ConnectionRefusedError: what = "refused"
except TimeoutError: what = "silence"
except OSError as e: what = str(e)
print(what, int((time.monotonic() - began) * 1000))
END
try() { in_ns "$1" python3 "$TMP/try.py" "$2" "$(vip "$3")" "$4" "$5"; } # NODE tcp|udp FAMILY PORT MS

for family in 4 6; do for kind in tcp udp; do
	is "the service serves ($kind, IPv$family)" "$(try c1 $kind $family 7001 3000 | cut -d' ' -f1) $(try c2 $kind $family 7002 3000 | cut -d' ' -f1)" "served served"
done; done
for b in b1 b2; do for port in 7001 7002; do stop echo-$b-$port KILL; done; done
for family in 4 6; do for empty in reject drop; do for b in b1 b2; do
	wait_for 15 backend_is $empty$family $b state down
done; done; done
for family in 4 6; do
	is "the service is empty (IPv$family)" "$(of_service reject$family state) $(of_service drop-udp$family state)" "empty empty"
	for kind in tcp udp; do for c in c1 c2; do
		read -r what ms <<< "$(try $c $kind $family 7001 3000)"
		is "reject: refused ($kind, IPv$family, $c)" "$what" refused
		holds "... at once: $ms ms" "$ms < 100"
		is "drop: silence" "$(try $c $kind $family 7002 400 | cut -d' ' -f1)" silence
	done; done
done
holds "drops are counted with their reason" "$(counter no_backend) >= 8"
holds "... and what was answered" "$(counter reset_sent) >= 4 && $(counter icmp_sent) >= 4"
like "an event says that a pool is empty" "$(ctl events)" 'pool reject4 .*empty'
spawn waiting c1 python3 "$TMP/try.py" tcp $VIP4 7002 8000 # its SYN is sent again, after the return
for b in b1 b2; do for port in 7001 7002; do start_echo $b $port $b-$port; done; done
for family in 4 6; do for empty in reject drop; do
	ok "$empty: back (IPv$family)" wait_for 15 service_up $empty$family 2
	for kind in tcp udp; do
		is "... serves ($kind)" "$(try c1 $kind $family $([ $empty = reject ] && echo 7001 || echo 7002) 3000 | cut -d' ' -f1)" served
	done
done; done
ok "drop: one that waited is served" wait_log waiting 15 served

done_testing
