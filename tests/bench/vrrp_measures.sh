# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What is measured of the speakers. measure_NAME runs all rounds, contenders in turn; a round of one contender is one line in
# raw.jsonl, by record(). Node a (priority 200) is Active, b (100) is Backup, the client asks every millisecond, and the switch
# is watched at b's port. Between rounds only what a round has broken is started anew.

ALL_MEASURES="loss1000 loss100 loss10 handover failover kill hog instances"
ACTIVE=10.0.1.11 BACKUP=10.0.1.12
INSTANCES=255
KILL_SEES_S=6 # long enough for a takeover by silence and the way back, at adverts of 1 s
SETTLE_S=8 # all repeat their announcements after a takeover, keepalived after 5 s
PORT_FORWARDS=3

# ---- the pair ----

steady() { # INTERVAL_MS [ACTIVE OTHER [VRIDS]]: two adverts in a row, within a takeover's time and something
	in_ns sw "$WIRE" steady tob "${2-$ACTIVE}" "${3-$BACKUP}" "${4-1}" $(($1 * 8 + 8000))
}
start_node() { "run_$1" "$2" "$([ "$2" = a ] && echo 200 || echo 100)" "$3" "$4"; } # CONTENDER NODE INTERVAL COUNT
start_pair() { # CONTENDER INTERVAL_MS COUNT
	enter "$1"
	start_node "$1" a "$2" "$3" && steady "$2" $ACTIVE $BACKUP "$3" &&
		start_node "$1" b "$2" "$3" && steady "$2" $ACTIVE $BACKUP "$3"
}
stop_pair() { enter "$1"; "end_$1" b; "end_$1" a; }
start_pairs() { # INTERVAL_MS
	local c
	for c in $CONTENDERS; do start_pair "$c" "$1" 1 || bail "$c: no pair with adverts of $1 ms"; done
}
stop_pairs() { local c; for c in $CONTENDERS; do stop_pair "$c"; done; }
start_again() { # CONTENDER INTERVAL_MS: node a, whatever was left of it
	"end_$1" a
	start_node "$1" a "$2" 1 && steady "$2"
}

in_turn() { # FUNCTION ARGUMENTS...: FUNCTION CONTENDER ROUND ARGUMENTS..., round by round
	local round c call=$1; shift
	for ((round = 1; round <= ROUNDS; round++)); do
		# shellcheck disable=SC2086
		for c in $(turned $round $CONTENDERS); do
			enter "$c"
			"$call" "$c" $round "$@" || bail "$c: $call $* failed in round $round"
		done
	done
}
turned() { local by=$((($1 - 1) % ($# - 1))); shift; echo "${@:by + 1}" "${@:1:by}"; }

# ---- the client ----

# It has forgotten what it knew: after a split brain not every winner tells it again where the address is. Beside the shared address
# it asks one that stays where it is: a gap there is the machine's.
start_ping() { # CONTENDER
	in_ns client ip neigh flush dev eth0
	spawn "ping-$1" client "$PING" $VIP
	spawn "floor-$1" client "$PING" $BACKUP
	wait_log "ping-$1" 10 '^answers' && wait_log "floor-$1" 10 '^answers' ||
		{ say "$1: no answers from $VIP or $BACKUP"; return 1; }
}
end_ping() { # CONTENDER -> GAP, JSON fields; they are this shell's children, so no $( )
	local name
	for name in ping floor; do alive "$name-$1" && kill -TERM "$(pid_of "$name-$1")"; done
	for name in ping floor; do
		wait_exit "$name-$1" 8 || { say "$1: no end of the client's ping: $(tail -n 1 "$(log_of "$name-$1")")"; return 1; }
	done
	GAP="$(tail -n 1 "$(log_of "ping-$1")"), \"floor_ms\": $(sed -n '$s/"gap_ms": \([0-9.]*\).*/\1/p' "$(log_of "floor-$1")")"
}

# ---- silent loss ----

measure_loss1000() { measure_loss 1000; }
measure_loss100() { measure_loss 100; }
measure_loss10() { measure_loss 10; }
measure_loss() { # INTERVAL_MS
	start_pairs "$1"
	in_turn loss_round "$1"
	stop_pairs
}
loss_round() { # CONTENDER ROUND INTERVAL_MS
	local wire
	start_ping "$1" || return
	wire=$(in_ns sw "$WIRE" loss tob $ACTIVE $BACKUP $(($3 * 8 + 3000)) toa) || return
	end_ping "$1" || return
	in_ns sw bridge link set dev toa state $PORT_FORWARDS || return
	record "$1" "loss$3" "$2" "$wire, $GAP"
	steady "$3"
}

# ---- in peace ----

measure_handover() {
	start_pairs 100
	in_turn handover_round
	stop_pairs
}
handover_round() { # CONTENDER ROUND
	start_ping "$1" || return
	"leave_$1" a
	steady 100 $BACKUP $ACTIVE || return
	end_ping "$1" || return
	record "$1" handover "$2" "$GAP"
	start_again "$1" 100
}

measure_failover() {
	local CONTENDERS=tandem # nobody else has such a command
	[[ " $CHOSEN " == *" tandem "* ]] || return 0
	start_pairs 100
	in_turn failover_round
	stop_pairs
}
failover_round() { # CONTENDER ROUND
	local there
	start_ping "$1" || return
	tandem_ctl a failover v1 > /dev/null && steady 100 $BACKUP $ACTIVE || return
	end_ping "$1" || return
	there=$GAP
	start_ping "$1" || return
	tandem_ctl b failover v1 > /dev/null && steady 100 || return
	end_ping "$1" || return
	record "$1" failover "$2" "$there, \"back\": { $GAP }"
}

# ---- kill -9 ----

measure_kill() {
	start_pairs 1000
	in_turn kill_round
	stop_pairs
}
kill_round() { # CONTENDER ROUND
	local victim pid
	for victim in $("victims_$1"); do
		pid=$("victim_$1" a "$victim")
		[ -n "$pid" ] || { say "$1: no $victim to kill"; return 1; }
		start_ping "$1" || return
		kill -KILL "$pid"
		wait "$pid" 2> /dev/null # if it is ours; the shell's own "Killed" is no news
		sleep $KILL_SEES_S # the time that is looked at
		end_ping "$1" || return
		record "$1" kill "$2" "\"victim\": \"$victim\", $GAP"
		if [ "$pid" = "$("victim_$1" a "$victim")" ]; then start_again "$1" 1000; else steady 1000; fi || return
	done
}

# ---- beside a CPU hog on every core ----

measure_hog() {
	local c seconds
	for c in $CONTENDERS; do
		seconds=$HOG_SECONDS
		[ "$c" = tandem ] || [ "$seconds" -le 30 ] || seconds=30
		start_pair "$c" 10 1 || bail "$c: no pair with adverts of 10 ms"
		spawn "wire-$c" sw "$WIRE" count tob $ACTIVE $BACKUP
		spawn "stall-$c" - "$STALL"
		start_hogs
		sleep "$seconds" # the time that is looked at
		stop "wire-$c"
		stop "stall-$c"
		stop_hogs
		record "$c" hog 1 "\"seconds\": $seconds, $(tail -n 1 "$(log_of "wire-$c")"), $(tail -n 1 "$(log_of "stall-$c")")"
		stop_pair "$c"
	done
}
start_hogs() { local i; for ((i = 0; i < $(nproc); i++)); do spawn "hog-$i" - bash -c 'while :; do :; done'; done; }
stop_hogs() { local i; for ((i = 0; i < $(nproc); i++)); do stop "hog-$i"; done; }

# ---- many instances ----

measure_instances() {
	local c round
	for c in $CONTENDERS; do
		if ! start_pair "$c" 100 $INSTANCES; then
			record "$c" instances 1 '"failed": "they do not come to rest"'
			stop_pair "$c"
			continue
		fi
		sleep $SETTLE_S # what is measured is the ordinary day
		for ((round = 1; round <= ROUNDS; round++)); do instances_round "$c" $round; done
		stop_pair "$c"
	done
}
instances_round() { # CONTENDER ROUND: what one second costs
	local a b from us
	a=$("pids_$1" a) b=$("pids_$1" b)
	from=$(cpu_ns $a) us=${EPOCHREALTIME/[.,]/}
	from="$from $(cpu_ns $b)"
	sleep 1 # the time that is looked at
	# shellcheck disable=SC2046
	set -- "$1" "$2" $from $(cpu_ns $a) $(cpu_ns $b) $((${EPOCHREALTIME/[.,]/} - us))
	record "$1" instances "$2" "\"cpu_active\": $(share "$3" "$5" "$7"), \"cpu_backup\": $(share "$4" "$6" "$7"), \
\"memory_active\": { $(memory $a) }, \"memory_backup\": { $(memory $b) }"
}
cpu_ns() { local p; for p; do cat /proc/"$p"/task/*/schedstat; done | awk '{ s += $1 } END { printf "%.0f", s }'; } # PID...
share() { awk "BEGIN { printf \"%.3f\", ($2 - $1) / ($3 * 10) }"; } # FROM TO MICROSECONDS -> per cent of a core
memory() { # PID... -> kB
	local p
	for p; do cat "/proc/$p/smaps_rollup"; done | awk '
		$1 == "Rss:" { rss += $2 } $1 == "Pss:" { pss += $2 }
		END { printf "\"rss_kb\": %d, \"pss_kb\": %d", rss, pss }'
}

record() { # CONTENDER MEASURE ROUND FIELDS
	printf '{"contender": "%s", "measure": "%s", "round": %d, %s}\n' "$1" "$2" "$3" "$(tr -d '\n' <<< "$4")" |
		tee -a "$RAW" | sed 's/^/bench: /' >&2
}
