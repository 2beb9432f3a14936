# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Exercises of the course material as tests: what a document claims, and what was observed here. A test is an executable
# bash file tests/e2e/labs/NAME.t that begins with
#
#	. "$(dirname "$0")/claim.sh"
#	needs netem             # only when it takes more than every kernel has: then the whole file runs in scripts/uml
#	lab_up two_clients
#
# and ends with done_testing. It has all of ../lib.sh (labs, processes, waiting, plain checks), and for each claim one of
#
#	claim DOC CLAIM OBSERVED ok|fail            you have judged:  cmd && r=ok || r=fail; claim ... "$(...)" $r
#	claim_is DOC CLAIM GOT WANT                 the same text
#	claim_like DOC CLAIM GOT REGEX              what was got matches (bash, extended); "observed" is what matched
#	claim_holds DOC CLAIM OBSERVED EXPRESSION   awk's arithmetic:  claim_holds socket-lab "..." "$n of 100 lost" "$n >= 20 && $n <= 60"
#	claim_skip DOC CLAIM WHY                    cannot be shown here (counted, no failure)
#
# DOC is the document that says so:
#	interfaces            Linux interfaces and sockets
#	software-networking   software networking and interfaces
#	keepalived-nat        ss, sockets, NAT, keepalived
#	multihoming           several interfaces, VLANs, link aggregation, load balancing, VRRP, MPTCP
#	socket-lab            sockets between network namespaces, and its open chapter "broken networks"
#
# CLAIM is a sentence in our own words, of up to 100 characters; OBSERVED is what this run has shown: numbers, a state, a
# line of a capture, never a constant. New lines and tabs in either become blanks, and what is long is cut.
#
# Each is one check of TAP, "[DOC] CLAIM", with a line "# observed: ..." behind it when it fails, and one line of comment
# with tabs for scripts/labs, which makes the table of them:  # claim<TAB>ok|fail|skip<TAB>DOC<TAB>CLAIM<TAB>OBSERVED.
# It goes through stdout, because that is what comes back from another kernel. A plain check (ok, is, like ...) that
# fails gets a row of its own there; use those for what must be so before a claim can be looked at.
#
# One file: within 300 s on a slow machine (scripts/labs ends it then), best below 40. Two files run side by side.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

CLAIM_DOCS=" interfaces software-networking keepalived-nat multihoming socket-lab "
OBSERVED_MAX=200

claim_row() { # ok|fail|skip DOC CLAIM OBSERVED
	[[ $CLAIM_DOCS == *" $2 "* ]] || bail "claim: no document '$2'; one of$CLAIM_DOCS would do"
	printf '# claim\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(one_line "$3")" "$(one_line "$4")" >&$TAP_OUT
}
one_line() { # TEXT: blanks instead of what breaks a row, cut
	local text=${1//[$'\t\r\n']/ }
	while [[ $text == *"  "* ]]; do text=${text//  / }; done
	text=${text# }
	[ ${#text} -le $OBSERVED_MAX ] || text="${text:0:OBSERVED_MAX-3}..."
	printf '%s' "${text% }"
}

claim() {
	case ${4-} in
	ok) claim_row ok "$1" "$2" "$3"; pass "[$1] $(one_line "$2")" ;;
	fail) claim_row fail "$1" "$2" "$3"; fail "[$1] $(one_line "$2")" "observed: $3" ;;
	*) bail "claim '${2-}': '${4-}' is neither ok nor fail" ;;
	esac
}
claim_is() {
	if [ "$3" = "$4" ]; then claim "$1" "$2" "$3" ok; else claim "$1" "$2" "$3 (expected: $4)" fail; fi
}
claim_like() {
	if [[ $3 =~ $4 ]]; then claim "$1" "$2" "${BASH_REMATCH[0]}" ok; else claim "$1" "$2" "$3 (expected a match of: $4)" fail; fi
}
claim_holds() {
	if [ "$(awk "BEGIN { print(($4) ? 1 : 0) }" 2>&1)" = 1 ]; then claim "$1" "$2" "$3" ok; else claim "$1" "$2" "$3 (does not hold: $4)" fail; fi
}
claim_skip() { claim_row skip "$1" "$2" "$3"; skip "[$1] $(one_line "$2")" "$3"; }
