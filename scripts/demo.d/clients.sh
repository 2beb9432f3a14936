# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# Programs that know nothing of tandem, for scripts/demo. Each use_ function takes a node and a service address,
# prints what it got, and fails when that is not right.

use_redis_cli() { # NODE ADDRESS
	local got i
	got=$(printf 'SET greeting hello\nGET greeting\n' | in_ns "$1" timeout 5 redis-cli -h "$2" | paste -sd' ')
	[ "$got" = "OK hello" ] || { echo "SET and GET: '$got'"; return 1; }
	got=$(for i in {1..6}; do in_ns "$1" timeout 5 redis-cli -h "$2" WHOAMI; done | paste -sd' ')
	echo "SET, GET; WHOAMI six times: $got"
	[ "$(tr ' ' '\n' <<< "$got" | sort -u | paste -sd' ')" = "b1 b2 b3" ]
}

use_redis_benchmark() {
	local got
	got=$(in_ns "$1" timeout 20 redis-benchmark -h "$2" -t set,get -n 20000 -c 30 --csv) || return 1
	awk -F'[",]+' '/^"[SG]ET"/ { printf "%s%s %d/s", n++ ? ", " : "20,000 requests on 30 connections: ", $2, $3 }
		END { exit n != 2 }' <<< "$got"
}

use_chronyd() { # prints what it would set the clock by, and does not
	local got
	got=$(in_ns "$1" timeout 20 chronyd -Q -t 10 -f /dev/null "server $2 iburst maxsamples 1" 2>&1)
	sed -nE 's/.*(System clock wrong by .*) \(ignored\)/\1/p' <<< "$got"
	[[ $got == *"System clock wrong by"* ]]
}

use_nc() {
	local tcp udp time
	tcp=$(echo "over TCP" | in_ns "$1" timeout 5 nc -N "$2" 7)
	udp=$(echo "over UDP" | in_ns "$1" timeout 5 nc -u -w 2 -W 1 "$2" 7)
	time=$(in_ns "$1" timeout 5 nc "$2" 37 < /dev/null | od -An -tu4 --endian=big)
	time=$((time - 2208988800)) # RFC 868 counts from 1900
	echo "echo $tcp, $udp; RFC 868 time: $(date -ud "@$time" '+%F %T UTC')"
	[ "$tcp,$udp" = "over TCP,over UDP" ] && [ $((time - $(date +%s))) -le 2 ] && [ $(($(date +%s) - time)) -le 2 ]
}

use_curl() {
	local got host=$2
	[[ $host != *:* ]] || host="[$host]"
	got=$(printf 'PING\r\nQUIT\r\n' | in_ns "$1" timeout 5 curl -sS -m 4 "telnet://$host:6379" 2>&1 |
		tr -d '\r' | paste -sd' ')
	echo "telnet://$host:6379 PING: $got"
	[ "$got" = "+PONG +OK" ]
}

use_time_client() {
	local got
	got=$(in_ns "$1" timeout 5 "$BIN/time_client" "$2" 123 2>&1)
	echo "${got#*: }"
	[[ $got == *offset* ]]
}

use_kv_client() {
	local got
	got=$(in_ns "$1" timeout 5 "$BIN/kv_client" "$2" 6379 INCR visits 2>&1)
	echo "INCR visits: $got"
	[[ $got == *[0-9]* ]]
}

use() { # PROGRAM FUNCTION: over IPv4 from c1, over IPv6 from c2
	local said
	if said=$("$2" c1 $SERVICE4 2>&1); then good "$(printf '%-15s IPv4  %s' "$1" "$said")"; else wrong "$1 over IPv4: $said"; fi
	if said=$("$2" c2 $SERVICE6 2>&1); then good "$(printf '%-15s IPv6  %s' "" "$said")"; else wrong "$1 over IPv6: $said"; fi
}
