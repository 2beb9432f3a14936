#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A pair with two heartbeats: which of them is believed when the LAN, a node's place on it, or everything is cut.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/peers.sh"

pair_up
CONF=$(pair_conf "$WITNESS")
pair_start
VIP=10.0.1.100

who() { active_nodes "$VIP" a b; }
nobody_moved() { [ "$(moves a) $(moves b)" = "$WAS" ] || { echo "$WAS, now $(moves a) $(moves b)"; return 1; }; }
moved_since() { WAS="$(moves a) $(moves b)"; }
for_a_while() { # nothing moves, and one has the address, for so many tenths of a second
	local i
	for ((i = 0; i < $1; i++)); do
		nobody_moved && [ "$(who)" = "$2" ] || { echo "has it: $(who)"; return 1; }
		sleep 0.1
	done
}
is_owned_by() { echo "$(who): $(is_state a x) $(is_state b x)"; [ "$(who)" = "$1" ] && is_state "$1" active; }

is "both paths are up" "$(pjson a '.paths[0].up') $(pjson a '.paths[1].up') $(pjson b '.paths[0].up') $(pjson b '.paths[1].up')" \
	"true true true true"
is "both reach the witness" "$(vjson a '[0].witness') $(vjson b '[0].witness')" "reached reached"

# ---- adverts are lost, nothing else ----

moved_since
cut_adverts
ok "adverts lost: b learns that it is not alone" wait_for 15 eval '[ "$(vjson b "[0].verdict.name")" = hold ]'
like "... and says why" "$(vjson b '[0].verdict.why')" "adverts are lost, but the peer is active and well"
ok "... nobody moves" for_a_while 6 a
is "... it was told once" "$(count_events b 'front +hold +adverts are lost')" 1
mend
ok "... nor when they come again" for_a_while 3 a
cut_adverts toa
ok "a's adverts alone are lost: nobody moves" for_a_while 8 a
mend
cut_adverts tob
ok "b's alone: nobody moves" for_a_while 3 a
mend

# ---- a is cut off from the LAN, with carrier; the witness tells who ----

cut=$(now_ms)
part a
ok "a cut off: b takes" wait_for 15 is_owned_by b
holds "... within a second" "$(event_ms b 'front: active') - $cut < 1000"
is "... a has yielded" "$(vjson a '[0].state') $(vjson a '[0].verdict.yields')" "backup 1"
like "... and says why" "$(vctl a events)" "yield +our witness is lost, and the peer reaches its own"
holds "... not long after, nor long before" \
	"$(event_ms a 'front: backup') - $(event_ms b 'front: active') < 100 && $(event_ms b 'front: active') - $(event_ms a 'front: backup') < 361"
ok "... path 2 is silent, path 1 is not" eval '[ "$(pjson b ".paths[0].up") $(pjson b ".paths[1].up")" = "true false" ]'
moved_since
ok "... and so it stays" for_a_while 6 b
heal
ok "it is back: it preempts" wait_for 15 is_owned_by a
ok "... b is backup" is_state b backup

# ---- every path is cut: each is alone ----

cut=$(now_ms)
part a
cut_direct
ok "all cut, on_isolation take: b takes" wait_for 15 is_state b active
holds "... within the down interval and the beacons' timeout" "$(event_ms b 'front: active') - $cut < 361 + 150 + 100"
ok "... a, alone, goes on" is_state a active
heal
mend
ok "mended: one has it" wait_for 15 is_owned_by a
is "... b has yielded, or heard the better" "$(vjson b '[0].state')" backup

# ---- the same, fenced ----

CONF=$(pair_conf "$WITNESS" 'on_isolation = "fenced";')
moved_since
vrrp_reload a "$CONF"
vrrp_reload b "$CONF"
ok "fenced: the reload moves nobody" for_a_while 2 a
is "... it is in force" "$(pjson a .on_isolation) $(pjson b .on_isolation)" "fenced fenced"
part a
cut_direct
ok "all cut: b, with the witness in reach, takes" wait_for 15 is_state b active
ok "... a, without, gives up" wait_for 15 is_owned_by b
like "... and says why" "$(vctl a events)" "yield +fenced: the peer and the witness are silent"
heal
mend
ok "mended: a preempts" wait_for 15 is_owned_by a
moved_since
in_ns sw ip link set toclient down
ok "the witness dies: both lose it" wait_for 15 eval '[ "$(vjson a "[0].witness") $(vjson b "[0].witness")" = "lost lost" ]'
ok "... nobody moves" for_a_while 4 a
part b
ok "... b is cut off as well: nobody moves" for_a_while 5 a
cut_direct
ok "... on every path: nobody has it, for nobody knows" wait_for 15 eval '[ -z "$(who)" ]'
heal
mend
ok "... mended: one has it" wait_for 15 is_owned_by a
in_ns sw ip link set toclient up

# ---- a hangs: nothing is said on any path ----

ok "the witness is back" wait_for 15 eval '[ "$(vjson a "[0].witness") $(vjson b "[0].witness")" = "reached reached" ]'
hung="$(pid_of vrrp-a) $(speaker_pid a)"
cut=$(now_ms)
kill -STOP $hung
ok "a hangs: b takes" wait_for 15 is_state b active
holds "... within the down interval and the beacons' timeout" "$(event_ms b 'front: active') - $cut < 361 + 150 + 100"
sleep 0.5 # more than what a pause is
kill -CONT $hung
ok "it wakes up: one has it" wait_for 15 is_owned_by a
ok "... b is backup" is_state b backup

done_testing
