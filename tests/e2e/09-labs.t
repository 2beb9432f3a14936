#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The frame of the exercises: scripts/labs and the vocabulary of tests/e2e/labs/claim.sh, and that the lab most of them
# stand on comes up. The exercises themselves are `make labs`.
. "$(dirname "$0")/lib.sh"

mkdir "$TMP/exercises"
exercise() { # NAME: bash behind claim.sh on stdin
	{ printf '#!/bin/bash\n. "%s/tests/e2e/labs/claim.sh"\n' "$ROOT"; cat; } > "$TMP/exercises/$1.t"
	chmod +x "$TMP/exercises/$1.t"
}
labs() { env LABS_DIR="$TMP/exercises" LABS_OUT="$TMP/out" "$ROOT/scripts/labs" "$@" 2> "$TMP/labs.err"; }
row() { grep -F -e "$1" "$TMP/out/claims.tsv" | tr '\t' '|'; } # what claims.tsv has about it

exercise good <<'END'
claim socket-lab "one" $'seen\tand\nheard' ok
claim_is interfaces "two" 2 2
claim_like multihoming "three" "a MAC 02:00:00:00:01:01 there" '02(:[0-9]+)*'
claim_holds keepalived-nat "four" "41 of 100" "41 > 20 && 41 < 60"
claim_skip software-networking "five" "not here"
pass "a plain check"
done_testing
END
exercise bad <<'END'
claim socket-lab "six" "something else" fail
claim_is interfaces "seven" 2 3
claim_like multihoming "eight" "nothing" '02:.*'
claim_holds keepalived-nat "nine" "61 of 100" "61 > 20 && 61 < 60"
is "a plain one" 1 2
done_testing
END
exercise early <<'END'
claim socket-lab "ten" "yes" ok
exit 0
END
exercise crash <<'END'
claim no-such-document "eleven" "yes" ok
done_testing
END
exercise endless <<'END'
echo $$ > "$0.pid"
wait_for 100 false
done_testing
END

out=$(labs good)
is "claims that hold: 0" $? 0
like "... a row each" "$out" 'ok +socket-lab +one +seen and heard'$'\n''ok +interfaces +two +2'$'\n''ok +multihoming +three +02:00:00:00:01:01'
like "... and a sum" "$out" '1 exercise in [0-9]+ s: 4 ok, 1 skipped$'
unlike "no colour but on a terminal" "$out" $'\033'
out=$(labs bad)
is "claims that do not hold: 1" $? 1
like "... each is told" "$(row six)$(row seven)$(row eight)$(row nine)" 'fail\|socket-lab\|six\|something else.*fail.*fail.*fail'
like "... with what was expected" "$(row seven)" '2 \(expected: 3\)$'
is "... a plain check too" "$(row 'a plain one')" "fail|bad|a plain one|a check of the exercise failed"
like "... and its words are shown" "$(cat "$TMP/labs.err")" 'expected: 2'
labs early > "$TMP/out.early"
is "one that ends before its end: 1" $? 1
like "... is told" "$(row 'early')" 'ended early, with status 0'
labs crash > "$TMP/out.crash"
is "one that bails out: 1" $? 1
like "... with its reason" "$(row 'crash')" "no document 'no-such-document'"
labs --limit 2 endless > "$TMP/out.endless"
is "one that hangs: 1" $? 1
like "... is told" "$(row 'endless')" 'not within 2 s'
not_ok "... and ended" kill -0 "$(cat "$TMP/exercises/endless.t.pid")"
spawn labs - env LABS_DIR="$TMP/exercises" LABS_OUT="$TMP/out" "$ROOT/scripts/labs" endless
rm -f "$TMP/exercises/endless.t.pid"
wait_for 15 test -s "$TMP/exercises/endless.t.pid" || bail "it does not begin"
pid=$(cat "$TMP/exercises/endless.t.pid")
stop labs TERM
not_ok "ended itself, it ends them" kill -0 "$pid"
rm "$TMP/exercises/endless.t"
out=$(labs)
is "all of them: 1" $? 1
like "... in one table" "$out" '4 exercises in [0-9]+ s: 5 ok, 7 FAILED, 1 skipped$'
is "--list names them" "$(labs --list | paste -sd' ')" "bad crash early good"
labs nonesuch
is "no such exercise: 2" $? 2
like "... is said" "$(cat "$TMP/labs.err")" "no exercise 'nonesuch'"

# ---- the lab of the socket exercises ----

lab_up two_clients
ok "two_clients: a client reaches the other through the server" in_ns client1 ping -q -n -c 1 -W 2 10.0.2.2
ok "... over IPv6 too" in_ns client2 ping -q -n -c 1 -W 2 fd00:1::2
is "... its topologies are listed with what they are" "$(lab list | awk 'NF < 4')" ""

done_testing
