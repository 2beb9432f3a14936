#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An active node that stands still for longer than its lease, while the other one takes over and serves new connections: when it
# goes on it steps back without a word, and takes the addresses back as any node that returns does, with the connections. When
# the other one has gone meanwhile it goes on as it was.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

CLIENT=c1
lease_up
both_run

STALLED='stood still for longer than its lease, and the peer took over'
LOADS=
held() { load "$1" c1 10.0.1.100 80 --mode kv --connections 20 --rate 200 --timeout-ms 20000 --duration 600; LOADS+=" $1"; }
all_open() { local n; n=$(load_peek "$1" .connections.open) && echo "$n open" && [ "$n" = 20 ]; }
mark() { local l; for l in $LOADS; do kill -USR2 "$(pid_of "$l")"; done; }
answered() { local n; n=$(load_peek "$1" .answers) && echo "$n answers, $2 before" && [ "$n" -gt $(($2 + 100)) ]; }
unharmed() { # all go on, none broke; and for how long the one that waited longest had no answer
	local l gaps=
	for l in $LOADS; do
		ok "... $l: its connections go on" wait_for 20 answered "$l" "$(load_peek "$l" .answers)"
		is "... none broke, all answers were right" "$(load_peek "$l" .connections.broken) $(load_peek "$l" .failed_requests) $(load_peek "$l" .connections.opened)" "0 0 20"
		gaps+=" $l $(load_peek "$l" .recent_gap_ms) ms"
	done
	diag "$1: the longest time without an answer:$gaps"
}
copies_are() {
	local n
	n=$(vctl "$1" --json flows --limit 1000 | perl -MJSON::PP -0777 -ne 'print scalar(grep { $_->{copy} } @{decode_json($_)->{flows}})')
	echo "$n copies" && [ "$n" = "$2" ]
}
events_of() { # NODE: what became of the unit, and why, one a line
	vctl "$1" --json events --daemon vrrp | perl -MJSON::PP -0777 -ne '
		print map { "$_->{event}: $_->{cause}\n" } grep { $_->{subject} eq "group edge" } @{decode_json($_)->{events}}'
}
since() { events_of lba | tail -n "+$((EVENTS + 1))"; }
begin() { EVENTS=$(events_of lba | wc -l) MOVES=$(moves lba); mark; }
returned() { is_state lba active && is_state lbb backup && [ "$(lease lba)" = fresh ]; }
daemons() { echo "$(pid_of vrrp-lba) $(speaker_pid lba)"; }
waits() {
	local why; why=$(vjson lba '[0].verdict.why')
	echo "lba is $(vjson lba '[0].state'), $why"
	is_state lba backup && [ "$why" = "waits for the connection table" ]
}

held old
ok "twenty connections, at lba" wait_for 20 all_open old
ok "... lbb follows" wait_for 10 copies_are lbb 20

# ---- the whole node stands still; its balancer for longer than its speaker ----

begin
# shellcheck disable=SC2046
kill -STOP $(daemons) "$(pid_of lb-lba)"
ok "lba stands still, both daemons: lbb takes over" wait_for 5 is_state lbb active
held new
ok "... twenty new connections, at lbb" wait_for 20 all_open new
# shellcheck disable=SC2046
kill -CONT $(daemons)
ok "its speaker goes on, its balancer does not: it is a backup, and waits" wait_for 5 waits
like "... tandemctl vrrp says why" "$(vctl lba vrrp front)" "$STALLED \(last heard: 10\.0\.1\.[0-9]+, priority 100\)"
is "... nobody moved at lbb" "$(vjson lbb '[0].state')" active
isnt "... without the addresses" "$(active_nodes 10.0.1.100 lba)" lba
kill -CONT "$(pid_of lb-lba)"
ok "its balancer goes on: it takes the addresses back" wait_for 20 returned
is "... with the connections" "$(vjson lba '[0].takeover.table')" "in sync"
is "... one step back, one return" "$(($(moves lba) - MOVES))" 2
unharmed "its balancer stood still for longer"

# ---- all of it goes on at once ----

ok "in sync" wait_for 20 pair_settled
begin
# shellcheck disable=SC2046
kill -STOP $(daemons) "$(pid_of lb-lba)"
ok "lba stands still again: lbb takes over" wait_for 5 is_state lbb active
held newer
ok "... twenty more connections, at lbb" wait_for 20 all_open newer
mark
# shellcheck disable=SC2046
kill -CONT $(daemons) "$(pid_of lb-lba)"
ok "all goes on: it is active in the end" wait_for 20 returned
is "... with the connections" "$(vjson lba '[0].takeover.table')" "in sync"
like "... after it had stepped back" "$(since | grep -E '^(backup|active):')" "^backup: $STALLED"
unharmed "all went on at once"

# ---- its speaker alone ----

ok "in sync" wait_for 20 pair_settled
begin
# shellcheck disable=SC2046
kill -STOP $(daemons)
ok "its speaker alone stands still: lbb takes over" wait_for 5 is_state lbb active
mark
# shellcheck disable=SC2046
kill -CONT $(daemons)
ok "it goes on: it is active in the end" wait_for 20 returned
like "... after it had stepped back" "$(since | grep -E '^(backup|active):')" "^backup: $STALLED"
unharmed "the speaker alone"

# ---- the other one has gone meanwhile ----

ok "in sync" wait_for 20 pair_settled
begin
# shellcheck disable=SC2046
kill -STOP $(daemons)
ok "lba stands still: lbb takes over" wait_for 5 is_state lbb active
kill -KILL "$(pid_of vrrp-lbb)" "$(speaker_pid lbb)"
over() { local s; s=$(vjson_of_maps); echo "$s"; [ "$s" = over ]; }
vjson_of_maps() { # lease of lbb, of which no speaker tells any more
	bpftool -j map lookup pinned "$(pins | grep lbb)/leases" key 1 0 0 0 | python3 -c '
import json, sys, time
until = int.from_bytes([int(b, 16) for b in json.load(sys.stdin)["value"][0:8]], "little")
print("over" if until < time.monotonic_ns() else "fresh")'
}
ok "... and dies" wait_for 5 over
# shellcheck disable=SC2046
kill -CONT $(daemons)
ok "lba goes on: it has a lease, and serves" wait_for 5 eval '[ "$(lease lba)" = fresh ] && [ "$(asks)" = b1 ]'
is "... it did not move" "$(($(moves lba) - MOVES))" 0
unharmed "the other one had gone"
done_testing
