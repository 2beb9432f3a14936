#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The pair's channel in two speakers: what the operator sees of it; wrong, missing and rotated keys; a peer that restarts,
# is killed, is reloaded.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/peers.sh"

pair_up
CONF=$(pair_conf)
VIP=10.0.1.100

was() { WAS="$(moves a) $(moves b)"; }
nobody_moved() { [ "$(moves a) $(moves b)" = "$WAS" ] || { echo "$WAS, now $(moves a) $(moves b)"; return 1; }; }
silences() { echo "$(count_events a 'silent') $(count_events b 'silent')"; }
reload_both() { vrrp_reload a "$CONF" && vrrp_reload b "$CONF"; }

# ---- without a key: plain VRRP, and it is said ----

mv "$TMP/key" "$TMP/key.kept"
vrrp a "$CONF"
ok "no key file: it is active all the same" wait_for 15 is_state a active
like "... tandemctl peers says why" "$(vctl a peers)" "trouble +$TMP/key: .*No such file"
like "... and status" "$(vctl a status)" "peer +$TMP/key: .*No such file"
like "... and events" "$(vctl a events)" "peer b +failed"
like "... and who reloads is told" "$(vctl a reload)" "trouble with the peer: $TMP/key: .*No such file"
mv "$TMP/key.kept" "$TMP/key"
vrrp_reload a "$CONF"
is "the key is there, reload: no trouble" "$(pjson a .error)" ""
like "... nobody heard yet" "$(vctl a peers)" "peer +b, never heard"

# ---- a wrong key ----

"$TANDEM_BIN/tandemctl" keygen "$TMP/wrong" > "$TMP/keygen"
vrrp b "$(sed "s|$TMP/key|$TMP/wrong|" <<< "$CONF")"
refused() { [ "$(pjson a '.paths[0].refused.key')" -gt 0 ] && [ "$(pjson b '.paths[1].refused.key')" -gt 0 ]; }
ok "another key at b: each refuses the other's" wait_for 15 refused
like "... tandemctl peers says so" "$(vctl b peers)" \
	"path 1: refused [0-9]+ as key: made with a key that is not in key_file here; give both nodes the same file"
ok "... plain VRRP goes on" eval 'is_state a active && is_state b backup'
stop vrrp-a TERM
ok "... with a handover" wait_for 15 is_state b active
vrrp a "$CONF"
ok "... and a return" wait_for 15 eval 'is_state a active && is_state b backup'
was
cp "$TMP/key" "$TMP/wrong"
vrrp_reload b "$(cat "$TMP/b.conf")"
ok "the right key, reload: they hear each other" wait_for 15 pair_is_well
ok "... nobody moved" nobody_moved
vrrp_reload b "$CONF"
ok "another name of the key file: they hear each other" wait_for 15 pair_is_well
ok "... nobody moved" nobody_moved

# ---- what is shown ----

shown=$(vctl a peers)
like "peers: who" "$shown" "peer +b, heard"
like "peers: the config" "$shown" "config +the same config"
like "peers: the paths" "$shown" " 1 +10\.0\.9\.1 +10\.0\.9\.2 +up .* yes "
like "peers: the second" "$shown" " 2 +10\.0\.1\.11 +10\.0\.1\.12 +up .* yes "
like "vrrp: the peer's word" "$(vctl a vrrp front)" "peer says +backup, priority 100, its LAN is well; "
is "json: it heard us" "$(pjson a '.paths[0].peer_heard_ago_ms' | awk '{ print $1 < 200 }')" 1
vrrp_reload b "$(sed 's|10.0.1.100/24|10.0.1.101/24|' <<< "$CONF")"
ok "another config at b is shown" wait_for 15 eval 'vctl a peers | grep "config  *another config"'
vrrp_reload b "$CONF"
ok "... no longer" wait_for 15 eval 'vctl a peers | grep "config  *the same config"'

# ---- keys are rotated: not one event of silence ----

was
quiet=$(silences)
old=$(grep -v '^#' "$TMP/key")
new=$("$TANDEM_BIN/tandemctl" keygen "$TMP/new" > "$TMP/keygen"; grep -v '^#' "$TMP/new")
rotate() { printf '%s\n' "$@" > "$TMP/key"; reload_both; sleep 0.3; } # two timeouts, for silence to show
rotate "$old" "$new"
rotate "$new" "$old"
rotate "$new"
ok "keys are rotated: they hear each other" pair_is_well
is "... without silence" "$(silences)" "$quiet"
ok "... nobody moved" nobody_moved
printf '%s\n' "$old" > "$TMP/key"
vrrp_reload b "$CONF"
ok "the old key is refused now" wait_for 15 eval '[ "$(pjson b .fresh)" = false ]'
printf '%s\n' "$new" > "$TMP/key"
vrrp_reload b "$CONF"
ok "... until the new one is back" wait_for 15 pair_is_well

# ---- a reload does not make the one who holds forget ----

was
cut_adverts
ok "adverts lost: b holds" wait_for 15 eval '[ "$(vjson b "[0].verdict.name")" = hold ]'
vrrp_reload b "$(pair_conf '' 'beacon_timeout_ms = 200;')"
for _ in 1 2 3 4 5 6; do sleep 0.1; nobody_moved || break; done > "$TMP/out"
ok "... with the peer opened anew, too" nobody_moved
mend
vrrp_reload b "$CONF"
ok "they hear each other" wait_for 15 pair_is_well

# ---- the peer ends, and comes back ----

was
restarts=$(count_events a 'peer b +peer restarted')
stop vrrp-b TERM
ok "b ends: a learns it" wait_for 15 eval '[ "$(pjson a .fresh)" = false ]'
vrrp b "$CONF"
ok "b is back" wait_for 15 pair_is_well
is "... that is told" "$(count_events a 'peer b +peer restarted')" $((restarts + 1))
is "... a did not move" "$(moves a)" "${WAS% *}"
is "... what was on its way meanwhile is no forgery" "$({ vctl a peers; vctl b peers; } | grep -c 'as tag')" 0

pinging "$VIP" ended 0.02
from=$(now_ms)
stop vrrp-a TERM
ok "a ends: b takes" wait_for 15 is_state b active
holds "... at once, by beacon or farewell" "$(event_ms b 'front: active') - $from < 250"
is "... no ping is lost" "$(pings_lost ended)" 0
vrrp a "$CONF"
ok "a is back: it has it" wait_for 15 pair_is_well

# ---- it is killed ----

from=$(now_ms)
kill -KILL "$(speaker_pid a)"
took_over() { [ "$(event_ms b 'front: active')" -ge "$from" ]; }
ok "a's speaker is killed: b takes" wait_for 15 took_over
holds "... at once: the guard's farewell is newer than the last beacon" "$(event_ms b 'front: active') - $from < 200"
ok "... the next speaker has it back" wait_for 15 pair_is_well

from=$(now_ms)
pid=$(pid_of vrrp-a) child=$(speaker_pid a)
kill -KILL "$pid" "$child"
ok "guard and speaker are killed: b takes" wait_for 15 took_over
holds "... within the down interval and the beacons' timeout" "$(event_ms b 'front: active') - $from < 361 + 150 + 100"
vrrp a "$CONF"
ok "the next ones have it back" wait_for 15 pair_is_well

# ---- a stranger on the wire ----

enemy() { in_ns a timeout 30 python3 "$ROOT/tests/e2e/enemy.py" pa 3780 "$TMP/frames" "$@"; }
refused_as() { local n; n=$(pjson b ".paths[0].refused.$1") && echo "$n" && [ "$n" -ge "$2" ]; } # REASON AT-LEAST
misread() { echo "$(pjson b '.paths[0].counters.outdated') $(pjson b '.paths[0].counters.malformed')"; }
was
before=$(misread)
ok "beacons of a are played back, and forged" enemy
ok "... replays are counted" wait_for 15 refused_as replay 15
ok "... and forgeries" wait_for 15 refused_as tag 15
is "... none was read" "$(misread)" "$before"
ok "... nobody moved, and they hear each other" eval 'nobody_moved && pair_is_well'
replays=$(pjson b '.paths[0].refused.replay')
kill -KILL "$(pid_of vrrp-a)" "$(speaker_pid a)"
ok "a is killed: b takes" wait_for 15 is_state b active
ok "... what a said is played back: refused" eval 'enemy play && wait_for 15 refused_as replay $((replays + 20))'
is "... a is as dead as before" "$(pjson b .fresh)" false
ok "... b has it" is_state b active
vrrp a "$CONF"
ok "a is back: it has it" wait_for 15 pair_is_well
old=$(pjson b '.paths[0].refused.stale' || echo 0)
ok "... what it said before is played back: refused" eval 'enemy play && wait_for 15 refused_as stale $((old + 20))'
ok "... they hear each other" pair_is_well

done_testing
