#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Clients that nobody here wrote, through the service addresses: IPv4 and IPv6, TCP and UDP, from both client
# networks; datagrams of every size whole.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

conf_new
for family in 4 6; do
	pool kv$family $family 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
	pool time$family $family 123 'scheduler = "rr"; check = { type = "ping"; interval_ms = 500; };' b1 b2 b3
	pool echo$family $family 7 "scheduler = \"rr\"; $CHECK" b1 b2 b3
	pool web$family $family 80 "scheduler = \"rr\"; $CHECK" b1 b2
	service kv$family $family 6379 tcp kv$family
	service time$family $family 123 udp time$family
	service time-tcp$family $family 37 tcp time$family
	service echo$family $family 7 tcp echo$family
	service echo-udp$family $family 7 udp echo$family
	service web$family $family 8080 tcp web$family
done

lab_up
for b in b1 b2 b3; do
	start_kv $b 6379
	start_echo $b 7
	start_time $b 123
done
for b in b1 b2; do
	mkdir "$TMP/$b"
	echo "page of $b" > "$TMP/$b/name"
	head -c 3000000 /dev/urandom > "$TMP/$b/big"
	spawn web-$b $b python3 -u -m http.server 80 --bind :: --directory "$TMP/$b"
	wait_log web-$b 15 'Serving HTTP' || bail "no web server on $b"
done
start_ready "$(conf)"

sorted() { sort | uniq -c | awk '{ print $2, $1 }' | paste -sd' '; }
url() { if [ "$1" = 6 ]; then echo "http://[$VIP6]:8080"; else echo "http://$VIP4:8080"; fi; }

# ---- TCP ----

for family in 4 6; do
	vip=$(vip $family)
	for c in c1 c2; do
		is "redis-cli from $c, IPv$family: nine connections, three on each backend" \
			"$(for i in 1 2 3 4 5 6 7 8 9; do in_ns $c redis-cli -h "$vip" WHOAMI; done | sorted)" "b1 3 b2 3 b3 3"
	done
	ok "redis-benchmark (IPv$family)" in_ns c1 redis-benchmark -h "$vip" -n 3000 -c 20 -q -t set,get,incr
	ok "... with pipelines and large values" in_ns c2 redis-benchmark -h "$vip" -n 500 -c 5 -P 16 -d 20000 -q -t set,get
	is "nc speaks inline (IPv$family)" "$(printf 'PING\r\nQUIT\r\n' | in_ns c2 nc -w 5 "$vip" 6379 | tr -d '\r' | paste -sd' ')" "+PONG +OK"
	is "nc with an echo over TCP, half closed (IPv$family)" "$(head -c 300000 "$TMP/b1/big" | in_ns c1 nc -N -w 5 "$vip" 7 | md5sum)" \
		"$(head -c 300000 "$TMP/b1/big" | md5sum)"
	is "curl gets a page from each backend (IPv$family)" \
		"$(for i in 1 2; do in_ns c1 curl -sg -m 5 "$(url $family)/name"; done | sort | paste -sd,)" "page of b1,page of b2"
	ok "curl gets 3 MB (IPv$family)" in_ns c2 curl -sg -m 20 -o "$TMP/got" "$(url $family)/big"
	like "... whole" "$(md5sum < "$TMP/b1/big") $(md5sum < "$TMP/b2/big")" "$(md5sum < "$TMP/got" | cut -d' ' -f1)"
done

# The client's own address: held open while the backends are asked whom they see.
for family in 4 6; do
	load held c2 "$(vip $family)" 6379 --mode hold --connections 3 --duration 900 --interval-ms 200
	sees() { # each backend one connection, from the client itself
		local b seen
		for b in b1 b2 b3; do
			seen=$(in_ns $b ss -Htn state established '( sport = :6379 )' | grep -cF "$(node_address $family c2)")
			[ "$seen" = 1 ] || { echo "$b sees $seen"; return 1; }
		done
	}
	ok "backends see the client's own address (IPv$family)" wait_for 15 sees
	stop held INT
	holds "... the connections were used without a failure" "$(report held .answers) >= 3 && $(report held .failures.corrupt) == 0"
done

# ---- UDP ----

for family in 4 6; do
	vip=$(vip $family)
	like "chronyd -Q takes the time (IPv$family)" \
		"$(in_ns c1 chronyd -Q -t 10 -f /dev/null "server $vip iburst maxsamples 1" 2>&1)" 'System clock wrong by [-0-9.]+ seconds'
	ok "time_client, a question each (IPv$family)" in_ns c2 "$TANDEM_BIN/time_client" "$vip" 123
	is "the time over TCP is four bytes (IPv$family)" "$(in_ns c1 nc -d -w 5 "$vip" 37 | wc -c)" 4
	is "a datagram of 1 byte (IPv$family)" "$(printf x | in_ns c2 nc -u -W 1 -w 5 "$vip" 7)" x
	for size in 1472 8000 65507; do
		ok "datagrams of $size bytes whole (IPv$family)" in_ns c1 "$TANDEM_BIN/load_client" "$vip" 7 --mode echo-udp \
			--data $size --requests 30 --connections 3 --duration 60
		ok "... from the other network" in_ns c2 "$TANDEM_BIN/load_client" "$vip" 7 --mode echo-udp \
			--data $size --requests 30 --connections 3 --duration 60
	done
done
is "no datagram was lost for want of its first fragment" "$(counter fragment_lost)" 0
holds "... though some came in fragments" "$(counter fragment_later) > 1000"
is "nothing was refused" "$(counter no_backend) $(counter table_full) $(counter collision)" "0 0 0"

# ---- what tandemctl counted ----

holds "every client's connections are counted" "$(of_service kv4 connections_total) >= 18"
is "services are up" "$(ctl --json services | grep -c '"state": *"empty"')" 0
ok "tables for people" ctl backends kv4
like "... with the numbers" "$(ctl services)" 'kv6 .*6379'
ok "tandem-lb ends when asked" stop_lb
is "... without an error" "$(grep -icE 'error|sanitizer' "$(log_of lb)")" 0

done_testing
