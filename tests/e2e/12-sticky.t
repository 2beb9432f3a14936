#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sticky pools: a source comes back to its backend, for as long as it comes in time; what becomes of it when
# the backend is away.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

conf_new
for family in 4 6; do
	# Servers of their own for each pool: see 11-schedulers.t.
	pool long$family $family 7001 "scheduler = \"rr\"; sticky = { timeout_s = 60; }; $CHECK" b1 b2 b3
	pool prefix$family $family 7002 "scheduler = \"rr\"; sticky = { ipv4_prefix = 24; ipv6_prefix = 64; }; $CHECK" b1 b2 b3
	pool short$family $family 7003 "scheduler = \"rr\"; sticky = { timeout_s = 2; }; $CHECK" b1 b2 b3
	service long$family $family 7001 tcp long$family
	service prefix$family $family 7002 tcp prefix$family
	service short$family $family 7003 tcp short$family
	pool echo$family $family 7 "scheduler = \"rr\"; sticky = { timeout_s = 60; };" b1 b2 b3
	service echo$family $family 7 udp echo$family
done

lab_up
for b in b1 b2 b3; do
	for port in 7001 7002 7003; do start_kv $b $port $b-$port; done
	start_echo $b 7
done
for i in 1 2 3 4 5 6; do
	in_ns c1 ip addr add 10.0.1.$((20 + i))/24 dev eth0
	in_ns c1 ip addr add fd00:1::$((20 + i))/64 dev eth0 nodad
	in_ns c2 ip addr add 10.0.3.$((20 + i))/24 dev eth0
	in_ns c2 ip addr add fd00:3::$((20 + i))/64 dev eth0 nodad
done
start_ready "$(conf)"

source_of() { # FAMILY NODE NUMBER
	if [ "$1" = 4 ]; then echo "10.0.$([ "$2" = c1 ] && echo 1 || echo 3).$((20 + $3))"
	else echo "fd00:$([ "$2" = c1 ] && echo 1 || echo 3)::$((20 + $3))"; fi
}
who() { # FAMILY PORT NODE NUMBER -> the backend
	printf 'WHOAMI\r\nQUIT\r\n' | in_ns "$3" nc -w 5 -s "$(source_of "$1" "$3" "$4")" "$(vip "$1")" "$2" | sed -n '2s/-.*//p'
}
many() { # TIMES FAMILY PORT NODE NUMBER -> the backends, each once
	local i times=$1; shift
	for ((i = 0; i < times; i++)); do who "$@"; done | sort -u | paste -sd' '
}

# ---- by source, by prefix ----

for family in 4 6; do
	seen=
	for i in 1 2 3 4 5 6; do
		home=$(who $family 7001 c1 $i)
		seen+="$home "
		is "source $i keeps its backend (IPv$family)" "$(many 5 $family 7001 c1 $i)" "$home"
	done
	is "six sources are spread over three backends (IPv$family)" "$(tr ' ' '\n' <<< "$seen" | grep . | sort | uniq -c | awk '{ print $1 }' | paste -sd' ')" "2 2 2"

	one=$(for i in 1 2 3 4 5 6; do who $family 7002 c1 $i; done | sort -u | paste -sd' ')
	like "sources of one prefix share a backend (IPv$family)" "$one" '^b[123]$'
	two=$(for i in 1 2 3 4 5 6; do who $family 7002 c2 $i; done | sort -u | paste -sd' ')
	like "... those of another prefix share theirs" "$two" '^b[123]$'
	isnt "... which is another one" "$one" "$two"
done

# UDP: a source with many ports stays on one backend too.
for family in 4 6; do
	in_ns c1 "$TANDEM_BIN/load_client" "$(vip $family)" 7 --mode echo-udp --connections 20 --requests 200 --duration 60 > "$TMP/udp.json"
	is "UDP from twenty ports is whole (IPv$family)" "$(report udp .answers)" 200
	like "... and stays on one backend" "$(for b in b1 b2 b3; do of_backend echo$family $b connections_total; done | sort -n | paste -sd' ')" '^0 0 [1-9]'
done

# ---- the timeout: refreshed by use, counted from the last use ----

away() { # POOL BACKEND: the server ends, and is known to be down
	stop "kv-$2-$PORT" KILL
	wait_for 15 backend_is "$1" "$2" state down
}
back() { # POOL BACKEND
	start_kv "$2" $PORT "$2-$PORT"
	wait_for 15 backend_is "$1" "$2" state up
}

since() { echo $(($(now_ms) - began)); }
passed_ms() { [ "$(since)" -ge "$1" ]; }
declare -A HOME_OF=() STAND_IN=()

# Both families at once, and an open connection, which is use too.
load held c1 $VIP4 7003 --mode hold --connections 1 --duration 900 --interval-ms 300 --local-address "$(source_of 4 c1 2)"
wait_for 15 load_peek held .answers > /dev/null
HOME_OF[held]=$(who 4 7003 c1 2)
for family in 4 6; do
	HOME_OF[$family]=$(who $family 7003 c1 1)
	HOME_OF[idle$family]=$(who $family 7003 c2 3)
	who $family 7003 c2 4 > /dev/null # so that the turn is not where it was
done
began=$(now_ms)
all_home() { # for three seconds: never another backend
	local family b
	while [ "$(since)" -lt 3000 ]; do
		for family in 4 6; do
			b=$(who $family 7003 c1 1)
			[ "$b" = "${HOME_OF[$family]}" ] || { echo "IPv$family: $b at $(since) ms"; return 1; }
		done
	done
}
ok "use refreshes the timeout of two seconds" all_home
is "... so does an open connection" "$(many 3 4 7003 c1 2)" "${HOME_OF[held]}"
# rr gives a forgotten source the next backend in turn: two on from the one it had.
for family in 4 6; do
	isnt "two seconds without use: forgotten (IPv$family)" "$(who $family 7003 c2 3)" "${HOME_OF[idle$family]}"
done
stop held INT

# ---- absence ----

PORT=7001
for family in 4 6; do
	home=$(who $family 7001 c1 1)
	away long$family "$home"
	stand_in=$(many 4 $family 7001 c1 1)
	like "while its backend is away the source has one other (IPv$family)" "$stand_in" '^b[123]$'
	isnt "... not the dead one" "$stand_in" "$home"
	back long$family "$home"
	is "... and comes home within the timeout" "$(many 4 $family 7001 c1 1)" "$home"
done

# The stand-in is used all the time; the home is not, and its claim runs out.
PORT=7003
for family in 4 6; do HOME_OF[$family]=$(who $family 7003 c1 5); done
began=$(now_ms)
for b in $(printf '%s\n' "${HOME_OF[4]}" "${HOME_OF[6]}" | sort -u); do away short4 $b; wait_for 15 backend_is short6 $b state down; done
for family in 4 6; do STAND_IN[$family]=$(many 2 $family 7003 c1 5); done
while [ "$(since)" -lt 3200 ]; do
	for family in 4 6; do who $family 7003 c1 5 > /dev/null; done
done
for b in $(printf '%s\n' "${HOME_OF[4]}" "${HOME_OF[6]}" | sort -u); do back short4 $b; wait_for 15 backend_is short6 $b state up; done
for family in 4 6; do
	is "back after the timeout: the source stays where it is (IPv$family)" "$(many 4 $family 7003 c1 5)" "${STAND_IN[$family]}"
done

# ---- drain, and a restart of the balancer ----

home=$(who 4 7001 c1 6)
ctl drain "long4/$home" > /dev/null
isnt "a drained backend gets nothing new from its own sources either" "$(who 4 7001 c1 6)" "$home"
ctl enable "long4/$home" > /dev/null
is "... until it is enabled" "$(who 4 7001 c1 6)" "$home"
kill_lb
is "sources keep their backends while tandem-lb is dead" "$(many 4 4 7001 c1 6)" "$home"
start_ready
is "... and when it is there again" "$(many 4 4 7001 c1 6)" "$home"
sources_counted() { [ "$(of_status .sticky.entries)" -ge 12 ]; }
ok "tandemctl counts the sources" wait_for 15 sources_counted

done_testing
