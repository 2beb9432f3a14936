# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The servers and the load of the demos: one load_client for each row of LOADS, what they have counted so far, and the
# phases of the story, which the report compares.

start_servers() { # bN: returns when all three listen
	spawn "kv-$1" "$1" "$BIN/kv_store" '*' 6379 --name "$1"
	spawn "time-$1" "$1" "$BIN/time_server" '*' 123 --name "$1"
	spawn "echo-$1" "$1" "$BIN/echo_server" '*' 7 --name "$1"
	local name
	for name in kv time echo; do
		wait_log "$name-$1" 5 'listening on' > "$TMP/last" ||
			bail "$name-$1 is not ready: $(cat "$(log_of "$name-$1")")"
	done
}

start_loads() {
	local name node mode address port connections rate label timeout
	for label in "${LOADS[@]}"; do
		read -r name node mode address port connections rate label <<< "$label"
		printf '%s\t%s\n' "$name" "$label" >> "$TMP/loads"
		case $mode in
		sntp | echo-udp) timeout=${DATAGRAM_TIMEOUT_MS-$REQUEST_TIMEOUT_MS} ;;
		*) timeout=$REQUEST_TIMEOUT_MS ;;
		esac
		# A snapshot that is wanted before its handler is there is to be lost, not deadly.
		spawn "$name" "$node" env --ignore-signal=USR1 "$BIN/load_client" "$address" "$port" --mode "$mode" \
			--connections "$connections" --rate "$rate" --timeout-ms "$timeout" \
			--duration $LOAD_SECONDS_MAX --report "$TMP/load/$name"
	done
}

load_names() { printf '%s\n' "${LOADS[@]%% *}"; }

# Every load writes what it has counted so far: a new file in place of the one that is emptied here. By the shell's own
# means, as all that is asked often: where processes are dear they would hold up what they measure.
peek() {
	local name
	for name in "${LOADS[@]%% *}"; do
		: > "$TMP/load/$name"
		kill -USR1 "${PROC_PID[$name]}" 2> /dev/null
	done
	wait_for 20 all_written > "$TMP/last" || bail "a load_client does not report: $(cat "$TMP/last")"
}
all_written() {
	local name
	for name in "${LOADS[@]%% *}"; do
		[ -s "$TMP/load/$name" ] && continue
		alive "$name" || { echo "$name has ended: $(tail -n 3 "$(log_of "$name")")"; return 1; }
		kill -USR1 "${PROC_PID[$name]}"
		echo "$name"
		return 1
	done
}

answers() { count_answers "$@"; echo "$ANSWERS"; }
count_answers() { # NAME [SERVER], into ANSWERS: all, or those from one server
	local json want='"answers": ([0-9]+)'
	[ $# -eq 1 ] || want='"name": "'$2'", '$want
	read -r -d '' json < "$TMP/load/$1"
	ANSWERS=0
	[[ ! $json =~ $want ]] || ANSWERS=${BASH_REMATCH[1]}
}

# Packets that the machine's own queues lost between two namespaces: a busy machine does that, to whatever
# runs on it.
lost_on_cables() {
	local node
	for node in c1 c2 lb sw b1 b2 b3; do in_ns "$node" cat /proc/net/dev; done |
		awk -F'[: ]+' '{ sub(/^ +/, "") } $1 ~ /^(eth0|front[12]|back|lb|b[123])$/ { lost += $13 } END { print lost + 0 }'
}

failures() { # of all clients together, at the last peek
	local name json sum=0
	for name in "${LOADS[@]%% *}"; do
		json=$(< "$TMP/load/$name")
		json=${json#*\"failures\": \{}
		while read -r name; do sum=$((sum + name)); done < <(tr -cs 0-9 '\n' <<< "${json%%\}*}")
	done
	echo $sum
}
# The phase so far cost nobody anything. If it did, the verdict says whom.
unharmed() { # TEXT
	local more=$(($(failures) - FAILURES))
	if [ $more = 0 ]; then good "$1"; else row "$RED" '!!' "$more failures; whose and why is told at the end"; fi
}

# A phase of the story begins. It ends with the next one; the report compares the two.
PHASE=0 FAILURES=0
phase() { # may-fail|must-not-fail KEY TITLE...
	local to
	PHASE=$((PHASE + 1))
	printf -v to '%s/shot/%02d' "$TMP" $PHASE
	mkdir "$to"
	printf '%s\t%s\t%s\n' "$1" "$2" "${*:3}" > "$to/phase"
	peek
	FAILURES=$(failures)
	now_ms > "$to/at"
	lost_on_cables > "$to/lost"
	cp -p "$TMP"/load/* "$to"
	! alive lb || { ctl --json backends > "$to/backends.json"; ctl --json counters > "$to/counters.json"; }
}

# The load goes on until every client has got what it gets in so many seconds.
declare -A GOAL
GIVEN_UP=" "
let_run() { # SECONDS
	local name rate
	peek
	for name in "${LOADS[@]}"; do
		read -r name _ _ _ _ _ rate _ <<< "$name"
		count_answers "$name"
		GOAL[$name]=$((ANSWERS + rate * $1 * 9 / 10))
	done
	wait_for $(($1 * 2 + 10)) caught_up > "$TMP/last" && return
	name=$(tail -n 1 "$TMP/last")
	wrong "too few answers within $(($1 * 2 + 10)) s for$name"
	GIVEN_UP="$GIVEN_UP$name " # once is enough to wait in vain
	return 1
}
caught_up() {
	local name behind=
	peek
	for name in "${LOADS[@]%% *}"; do
		count_answers "$name"
		[[ $GIVEN_UP == *" $name "* ]] || [ "$ANSWERS" -ge "${GOAL[$name]}" ] || behind="$behind $name"
	done
	echo "$behind"
	[ -z "$behind" ]
}
