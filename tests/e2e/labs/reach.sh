# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Who reaches whom in a lab, all pairs at once; sourced behind claim.sh.
#
#   reach NAME "NODE ADDRESS... !ADDRESS..." ...    one check: each NODE reaches each ADDRESS by ping, and no !ADDRESS
#   matrix DOC CLAIM ROWS...                        the same as a claim; observed are the numbers
#   pings NODE ADDRESS                              one ping, answered within 2 s
#   lab_cycle NAME [up's arguments]                 the lab of this test comes up, twice, without a word

pings() { in_ns "$1" ping -q -n -c 1 -W 2 "$2" > /dev/null 2>&1; }
no_ping() { ! in_ns "$1" ping -q -n -c 1 -W 1 "$2" > /dev/null 2>&1; }

reach_rows() { # ROWS... -> REACHED, of REACH_PAIRS, REACH_WRONG (what is not as it should be, "" when all is)
	local row node to pid i jobs=() what=()
	for row; do
		read -r -a row <<< "$row"
		node=${row[0]}
		for to in "${row[@]:1}"; do
			# Two tries: the first may be lost while neighbours are looked for on a machine that is busy.
			if [[ $to == !* ]]; then no_ping "$node" "${to#!}" & else { pings "$node" "$to" || pings "$node" "$to"; } & fi
			jobs+=($!) what+=("$node $([[ $to == !* ]] && echo reaches || echo "does not reach") ${to#!}")
		done
	done
	REACHED=0 REACH_PAIRS=${#jobs[@]} REACH_WRONG=
	for i in "${!jobs[@]}"; do
		pid=${jobs[i]}
		if wait "$pid"; then REACHED=$((REACHED + 1)); else REACH_WRONG+="${REACH_WRONG:+, }${what[i]}"; fi
	done
}
reach() {
	local name=$1; shift
	reach_rows "$@"
	is "$name ($REACH_PAIRS pairs)" "$REACH_WRONG" ""
}
matrix() {
	local doc=$1 text=$2; shift 2
	reach_rows "$@"
	claim "$doc" "$text" "$REACHED of $REACH_PAIRS pairs as drawn${REACH_WRONG:+: $REACH_WRONG}" "$([ -z "$REACH_WRONG" ] && echo ok || echo fail)"
}

lab_cycle() { # NAME [ARGUMENTS]; false, and skipped, when this kernel lacks what it takes
	local said status
	LAB_MADE=1
	lab down || bail "the last lab does not go"
	said=$(lab up "$@" 2>&1)
	status=$?
	[[ $said != *"this kernel has no"* ]] || { skip "$* comes up" "${said#lab: }"; return 1; }
	is "$* comes up" "$status $said" "0 "
	is "... and again, with nothing to do" "$(lab up "$@" 2>&1)" ""
}
