# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# A pair with everything on it, and what clients notice when it fails over; sourced after lib.sh. The nodes are those of
# tests/nodes.sh, the servers and the config those of the demo.
#
#   pair_up_whole [EDIT]        lab, servers, key, config (through sed EDIT), both nodes; lba leads, lbb follows
#   pair_down                   what the nodes leave in the bpf filesystem
#   held NAME NODE ADDRESS PORT load_client's arguments...   load NAME, one of LOADS
#   peek_loads                  every load writes its report
#   total KEY [LOAD...]         the sum over LOADS, at the last peek
#   gap LOAD                    the longest time without an answer since `mark`, ms
#   mark                        gaps begin anew
#   answered_since N            100 more answers than N, for wait_for
#   count_answers               so many until now: the last gap is over when there are more
#   each_answered               every load has more than that, for wait_for
#   said NODE REGEX             an event since `mark` ("SUBJECT: EVENT: CAUSE"), for wait_for

BIN=$TANDEM_BIN CONFIG=$TMP/tandem.conf ADVERT_MS=100 NODES="lba lbb"
SERVICE4=10.0.1.100 SERVICE6=fd00:1::100 INTERFACES='"bond0", "bond1"'
CHECK_INTERVAL_MS=1000 CHECK_TIMEOUT_MS=900 CHECK_FALL=5
. "$ROOT/scripts/demo.d/config.sh"
. "$ROOT/tests/nodes.sh"

LOADS=

pair_up_whole() {
	local node
	BONDED=no
	! "$ROOT/scripts/kernel-has" bonding > /dev/null || BONDED=yes
	lab_up pair --backends 3 2> /dev/null
	mountpoint -q "$BPFFS" || mount -t bpf bpf "$BPFFS" || bail "cannot mount the bpf filesystem at $BPFFS"
	for node in b1 b2 b3; do start_kv $node 6379; start_echo $node 7; start_time $node 123; done
	"$BIN/tandemctl" keygen "$TMP/key" > "$TMP/last" || bail "no key"
	pair_config | sed "${1-}" > "$CONFIG"
	for node in $NODES; do start_node $node; done
}
pair_down() {
	local node
	for node in $NODES; do
		stop "vrrp-$node"
		stop "lb-$node"
		in_ns "$node" "$BIN/tandem-lb" -r "$(run_of "$node")" --remove > "$TMP/last" 2>&1
	done
}

held() {
	load "$@"
	LOADS+=" $1"
}
peek_loads() {
	local l
	for l in $LOADS; do rm -f "$TMP/$l.json"; done
	for l in $LOADS; do kill -USR1 "$(pid_of "$l")"; done
	wait_for 20 reported > /dev/null || bail "a load_client does not report"
}
reported() { local l; for l in $LOADS; do [ -e "$TMP/$l.json" ] || return 1; done; }
of_load() { # LOAD KEY, into VALUE: no process for it, it is done often
	local text
	text=$(< "$TMP/$1.json")
	[[ $text =~ \"$2\":\ *([0-9]+) ]] || bail "no '$2' in the report of $1"
	VALUE=${BASH_REMATCH[1]}
}
total() {
	local key=$1 l sum=0
	shift
	for l in ${*:-$LOADS}; do of_load "$l" "$key"; sum=$((sum + VALUE)); done
	echo $sum
}
gap() { of_load "$1" recent_gap_ms; echo "$VALUE"; }

declare -A ANSWERS
mark() {
	local l
	for l in $LOADS; do kill -USR2 "$(pid_of "$l")"; done
	MARKED_MS=$(now_ms)
}
count_answers() {
	local l
	peek_loads
	for l in $LOADS; do of_load "$l" answers; ANSWERS[$l]=$VALUE; done
}
answered_since() {
	local now
	peek_loads
	now=$(total answers)
	echo "$now answers, $1 before"
	[ "$now" -ge $(($1 + 100)) ]
}
each_answered() {
	local l
	peek_loads
	for l in $LOADS; do
		of_load "$l" answers
		[ "$VALUE" -gt "${ANSWERS[$l]}" ] || { echo "no answer for $l"; return 1; }
	done
}

said() { # the clock that stamps events is that of now_ms
	ask "$1" --json events | perl -MJSON::PP -0777 -e '
		my @new = map { "$_->{subject}: $_->{event}: " . ($_->{cause} // "") }
			grep { $_->{time_ms} >= $ARGV[0] } @{decode_json(<STDIN>)->{events}};
		print join("\n", @new), "\n";
		exit !grep { /$ARGV[1]/ } @new' "$MARKED_MS" "$2"
}
