# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Programs of a lab that are talked to while they run, and wires that are watched; sourced behind claim.sh.
#
#   fed NAME NODE COMMAND...        spawned with a standard input of its own
#   say NAME LINE   hang_up NAME    a line for it; the end of its input
#   told NAME LINE REGEX            the line, and an answer that matches within 5 s; ANSWER is what it said (false: it did not)
#   heard NAME SECONDS REGEX        what it says since the last `told` or `fed` matches; HEARD is the last line that does
#   watch NAME NODE IF FILTER...    tcpdump in the background, recording when this returns
#   seen NAME [REGEX]               lines that it has shown and that match; wait_seen NAME SECONDS N [REGEX]
#   tcp NODE PORT [STATE]           "STATE recv-q send-q" of each TCP socket with that port at either end, sorted
#   tcp_is NODE PORT TEXT           for wait_for: that is what tcp says, its lines joined by commas
#   counter_of NODE NAME            a counter of the kernel there (nstat's names)

declare -A FEED=() HEARD_FROM=()

# What others are fed by is not kept open in a process that is spawned: their input would never end.
exec_quiet() {
	local fd
	for fd in "${FEED[@]}"; do exec {fd}>&-; done
	exec "$@" < /dev/null 3>&-
}

fed() {
	local name=$1 node=$2 fd; shift 2
	rm -f "$TMP/$name.in" && mkfifo "$TMP/$name.in" || bail "no fifo"
	spawn "$name" "$node" sh -c 'exec "$@" < '"$TMP/$name.in" fed "$@"
	exec {fd}> "$TMP/$name.in"
	FEED[$name]=$fd
	HEARD_FROM[$name]=${LOG_FROM[$name]}
}
say() { printf '%s\n' "$2" >&"${FEED[$1]}"; }
hang_up() { exec {FEED[$1]}>&-; unset "FEED[$1]"; }

said_since() { # NAME -> what it said since the last told
	tail -c "+$((HEARD_FROM[$1] + 1))" "$(log_of "$1")" | tr '\n' ' '
}
said() { [[ $(said_since "$1") =~ $2 ]]; }
heard() {
	wait_for "$2" said "$1" "$3" || return 1
	[[ $(said_since "$1") =~ $3 ]]
	HEARD=${BASH_REMATCH[0]}
}
told() {
	HEARD_FROM[$1]=$(stat -c %s "$(log_of "$1")")
	ANSWER=
	say "$1" "$2"
	heard "$1" 5 "$3" || { ANSWER=$(said_since "$1"); return 1; }
	ANSWER=$HEARD
}

watch() {
	local name=$1 node=$2 interface=$3; shift 3
	spawn "$name" "$node" timeout 100 tcpdump -Z root -n -t -l --immediate-mode -i "$interface" "$@"
	wait_log "$name" 10 'listening on' || bail "no capture"
}
seen() { tail -c "+$((LOG_FROM[$1] + 1))" "$(log_of "$1")" | grep -E '^(ARP, |[^ ]+ .*[>:])' | grep -v -e '^tcpdump' -e 'listening on' | grep -c -E -- "${2-}"; }
has_seen() { local n; n=$(seen "$1" "${3-}"); [ "$n" -ge "$2" ] || { echo "$n"; return 1; }; }
wait_seen() { wait_for "$2" has_seen "$1" "$3" "${4-}"; }

tcp() { in_ns "$1" ss -Htan "( sport = :$2 or dport = :$2 )" | awk -v s="${3-}" 's == "" || s == $1 { print $1, $2, $3 }' | sort; }
tcp_is() { local now; now=$(tcp "$1" "$2" | paste -sd,); echo "$now"; [ "$now" = "$3" ]; }
counter_of() { in_ns "$1" nstat -asz "$2" | awk -v n="$2" '$1 == n { print $2 }'; }
