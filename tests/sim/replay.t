#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A seed replays exactly; a bug that was caught is caught again by what its report says; options are checked.
cd "$(dirname "$0")/../.." || exit 1
sim=build/test/sim
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
n=0

# ok WHAT COMMAND...: the command decides.
ok() {
	what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}

echo 1..6
for seed in 7 4711 18446744073709551615; do
	$sim --seed $seed --trace > "$out/a"
	$sim --seed $seed --trace > "$out/b"
	ok "seed $seed gives the same timeline twice" cmp -s "$out/a" "$out/b"
done
# The first catch of the bug, as its report says how to see it again.
$sim --plants --plant 1 > "$out/plants"
replay=$(sed -n 's/^# replay: //p' "$out/plants" | head -1)
# shellcheck disable=SC2086
$replay > "$out/again"
ok "a report's line shows the bug again" grep -q ^BROKEN "$out/again"
ok "its timeline says which invariant broke, and when" grep -q ' ms  .*BROKEN [a-z-]*: ' "$out/again"
$sim --nodes 9 2> /dev/null
ok "an option out of range is refused" [ $? = 2 ]
