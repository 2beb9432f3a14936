# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034
#
# What goes wrong in scripts/demo, one thing after the other. Each event is a row of a live table: it says what happens,
# waits until the pair is where it must be and every kind of client has its answers again, and completes the row with what
# the clients noticed. A gap is counted from one answer to the next of all clients of a kind, so even in peace it is some
# tens of ms.

EVENTS=0

for_kept() { # the rows of LOADS that hold connections
	local row
	for row in "${LOADS[@]}"; do case " $KEPT " in *" ${row%% *} "*) echo "$row" ;; esac; done
}

# FIELD LOAD, at the last peek, into VALUE: no process for it, they are many and some kernels are slow.
of_load() {
	local json pattern
	case $1 in
	broken) pattern='"broken": ([0-9]+)' ;;
	open) pattern='"open": ([0-9]+)' ;;
	gap) pattern='"recent_gap_ms": ([0-9]+)' ;;
	wrong) pattern='"corrupt": ([0-9]+)' ;;
	lost) pattern='"timeout": ([0-9]+)' ;;
	esac
	read -r -d '' json < "$TMP/load/$2"
	[[ $json =~ $pattern ]] || bail "no '$1' in the report of $2"
	VALUE=${BASH_REMATCH[1]}
}
sum_of() { # FIELD LOAD..., into SUM
	local field=$1 name
	shift
	SUM=0
	for name; do of_load "$field" "$name"; SUM=$((SUM + VALUE)); done
}
most_of() { # likewise, into MOST
	local field=$1 name
	shift
	MOST=0
	for name; do of_load "$field" "$name"; [ "$VALUE" -le $MOST ] || MOST=$VALUE; done
}

all_open() { # N connections
	peek
	sum_of open $KEPT
	echo "$SUM of $1 are open"
	[ "$SUM" = "$1" ]
}

# ---- the table ----

table_head() {
	printf '\n%s  %-52s %-8s %9s %9s %7s %7s%s\n' "$BOLD" EVENT ACTIVE 'TCP GAP' 'UDP GAP' LOST BROKEN "$PLAIN"
}
happens() { # TEXT: the row begins
	local name
	EVENTS=$((EVENTS + 1)) EVENT=$1
	peek
	for name in "${LOADS[@]%% *}"; do kill -USR2 "${PROC_PID[$name]}"; done # gaps begin anew
	sum_of broken $KEPT
	BROKEN=$SUM
	sum_of lost $DATAGRAMS
	LOST=$SUM
	sum_of wrong $KEPT $DATAGRAMS
	WRONG=$SUM
	printf '  %-52s ' "$1"
}
# The pair must be so, within SECONDS; then the load must go on everywhere, and the row ends.
until_so() { # SECONDS COMMAND...
	local mark="${GREEN}ok$PLAIN" broken lost wrongs gap
	if ! wait_for "$@" > "$TMP/last"; then
		wrong_later "$EVENT: $(tail -n 1 "$TMP/last") (waited $1 s for: ${*:2})"
		mark="${RED}FAIL$PLAIN"
	fi
	if ! let_run 1 > /dev/null; then mark="${RED}FAIL$PLAIN"; fi
	sum_of broken $KEPT
	broken=$((SUM - BROKEN))
	sum_of lost $DATAGRAMS
	lost=$((SUM - LOST))
	sum_of wrong $KEPT $DATAGRAMS
	wrongs=$((SUM - WRONG))
	if [ $broken -gt 0 ] || [ $wrongs -gt 0 ]; then
		wrong_later "$EVENT: $broken connections broke, $wrongs wrong answers"
		mark="${RED}FAIL$PLAIN"
	fi
	most_of gap $KEPT
	gap=$MOST
	most_of gap $DATAGRAMS
	printf '%-8s %6s ms %6s ms %7s %7s  %s\n' "$(active_now)" "$gap" "$MOST" "$lost" "$broken" "$mark"
}
wrong_later() { echo "$*" >> "$TMP/wrong"; } # the table goes on, the verdict tells

# ---- the events ----

pull_one() { # of a bond's two
	[ "$BONDED" = yes ] || return 0
	happens "one link of lba's client bond is pulled"
	cables down lba1
	until_so 10 has_all lba
	cables up lba1
}
pull_both() {
	local cables=lba text="lba's link to the clients is pulled"
	[ "$BONDED" = no ] || cables="lba1 lba2" text="both links of it are pulled"
	happens "$text"
	# shellcheck disable=SC2086
	cables down $cables
	until_so 10 has_all lbb
	happens "plugged in again"
	# shellcheck disable=SC2086
	cables up $cables
	until_so 30 is_well lba lbb
}
cables() { # up|down PORT...: each is at one of the clients' switches
	local how=$1 port switch
	shift
	for port; do
		for switch in sw1 sw2; do
			! in_ns $switch ip link show "$port" > /dev/null 2>&1 || in_ns $switch ip link set "$port" "$how"
		done
	done
}
kill_lb() {
	happens "tandem-lb of lba is killed (kill -9)"
	stop lb-lba KILL 2> /dev/null
	until_so 10 has_all lba
	happens "it is started again"
	start_lb lba
	until_so 30 is_well lba lbb
}
kill_speaker() {
	happens "tandem-vrrp's speaker on lba is killed (kill -9)"
	kill -KILL "$(speaker_of lba)"
	until_so 30 is_well lba lbb
	happens "speaker and guard of it are killed at once"
	kill_both lba
	until_so 10 has_all lbb
	happens "tandem-vrrp is started again"
	start_vrrp lba
	until_so 30 is_well lba lbb
}
stop_speaker() {
	happens "tandem-vrrp of lba hangs (SIGSTOP)"
	doze lba
	until_so 10 has_all lbb
	happens "it goes on (SIGCONT)"
	wake lba
	until_so 30 is_well lba lbb
}
lose_power() {
	happens "lba loses its power"
	power_off lba
	until_so 10 has_all lbb
	happens "lba returns, fetches all connections, and preempts"
	power_on lba
	until_so 60 is_well lba lbb
}
lose_heartbeat() {
	happens "the heartbeat is cut on every LAN: nobody moves"
	cut_heartbeat || wrong_later "the switches cannot drop adverts"
	let_run 1 > /dev/null
	until_so 10 is_well lba lbb
	happens "it is mended"
	mend_heartbeat
	until_so 10 is_well lba lbb
}

all_events() {
	chapter "Things go wrong"
	table_head
	pull_one
	pull_both
	kill_lb
	kill_speaker
	stop_speaker
	lose_power
	lose_heartbeat
}
