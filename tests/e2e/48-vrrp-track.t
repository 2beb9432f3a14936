#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tracking: what lowers a node's priority or is a fault for it, how the addresses then move, and that nobody who only looks
# at it notices: one transition on each side, and no ping lost where the node can still answer.
export TMPDIR=/run # of the directories above a script none may be written by others
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

front() { # PRIORITY [TRACKS]
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = 100; addresses = [ \"10.0.1.100/24\" ]; track = ( ${2-} ); } ); };"
}
uplink() { in_ns a ip link add up0 type veth peer name up1; in_ns a ip link set up0 up; in_ns a ip link set up1 up; }
results() { echo "$*" > "$TMP/new" && mv "$TMP/new" "$TMP/results"; }
last_result() { [ "$(cat "$TMP/results")" = "$1" ]; }
prefer() { echo "$1" > "$TMP/prefer"; }
shown() { vctl a vrrp front; }
shows() { local out; out=$(shown); echo "$out"; [[ $out =~ $1 ]]; }
effective() { [ "$(vjson a '[0].priority.effective')" = "$1" ]; }
heard_by_b() { [ "$(vjson b '[0].routers[0].heard.priority')" = "$1" ]; }
# NAME NODE: begun, the address goes there with one transition on each side and no ping lost
goes_to() {
	local other=b lost
	[ "$2" = a ] || other=a
	ok "$1" wait_for 15 is_state "$2" active
	ok "... the other is a backup" wait_for 15 is_state $other backup
	is "... one transition each" "$(($(moves a) - MOVES_A)) $(($(moves b) - MOVES_B))" "1 1"
	lost=$(pings_lost)
	is "... no ping lost" "$lost" 0
}
begin() { MOVES_A=$(moves a) MOVES_B=$(moves b); pinging 10.0.1.100; }

cat > "$TMP/probe" <<- 'END'
	#!/bin/sh
	# The first of the results in the file; the last one stays.
	set -- "$1" $(cat "$1")
	file=$1 result=$2
	shift 2
	[ $# = 0 ] || echo "$@" > "$file"
	[ "$result" != hang ] || exec sleep 20
	exit "$result"
END
chmod 755 "$TMP/probe"
chmod 711 "$TMP"
results 0
prefer 0
uplink
SCRIPT="script = [ \"$TMP/probe\", \"$TMP/results\" ]; interval_ms = 100; rise = 2; fall = 3;"

vrrp b "$(front 150)"
vrrp a "$(front 200 "{ interface = \"up0\"; weight = -60; }, { file = \"$TMP/prefer\"; weight = 1; }, { $SCRIPT weight = -70; }")"
ok "active, with the highest priority" wait_for 15 is_state a active
wait_for 15 is_state b backup > /dev/null

# ---- an interface, by weight ----

begin
in_ns a ip link set up1 down
goes_to "an interface loses its carrier: the other node takes over" b
like "... this one says why" "$(shown)" 'priority +140.* 200  in the config.* -60  interface up0: bad, no carrier'
begin
in_ns a ip link set up1 up
goes_to "it has it again: back" a
begin
in_ns a ip link set up0 down
goes_to "an interface is switched off" b
like "... says so" "$(shown)" '-60  interface up0: bad, [a-z ]*down'
begin
in_ns a ip link set up0 up
goes_to "switched on" a
begin
in_ns a ip link del up0
goes_to "an interface is gone" b
like "... says so" "$(shown)" '-60  interface up0: bad, no such interface'
begin
uplink
goes_to "made again" a

# ---- a file: small changes move nobody ----

before="$(moves a) $(moves b)"
prefer -20
ok "a file takes 20: the adverts say so" wait_for 15 heard_by_b 180
like "... and the status" "$(shown)" 'priority +180.* -20  file [^ ]*prefer: '
like "... and an event" "$(vctl a events)" 'priority *effective priority 180, was 200'
prefer 30
ok "it gives 30" wait_for 15 heard_by_b 230
prefer 100
ok "more than there is: 254" wait_for 15 heard_by_b 254
prefer 0
ok "nothing" wait_for 15 heard_by_b 200
is "... nobody moved" "$(moves a) $(moves b)" "$before"
begin
prefer -60
goes_to "it takes 60: the other node" b
begin
prefer "sixty"
goes_to "no number counts as 0: back" a
prefer 0

# ---- a script: rise, fall, timeout ----

before="$(moves a) $(moves b)"
results 1 1 0
wait_for 15 last_result 0 > /dev/null
ok "two bad results of three are not believed" wait_for 15 effective 200
is "... nobody moved" "$(moves a) $(moves b)" "$before"
begin
results 1
goes_to "three are" b
like "... this one says why" "$(shown)" '-70  script [^ ]*probe[^:]*: bad, [a-z ]*exit status 1'
results 0 1
wait_for 15 last_result 1 > /dev/null
sleep 0.3
is "one good result of two is not believed" "$(vjson a '[0].priority.effective')" 130
begin
results 0
goes_to "two are" a
begin
results hang
goes_to "a script that hangs is bad" b
like "... says so" "$(shown)" '-70  script [^ ]*: bad, .*(killed|time)'
begin
results 0
goes_to "... until it ends again" a
ok "... the one that hung was ended" wait_for 15 test -z "$(ps -o args= --ppid "$(speaker_pid a)" | grep sleep)"

# ---- what is new is no reason to move ----

before="$(moves a) $(moves b)"
vrrp_reload a "$(front 200 "{ $SCRIPT }, { interface = \"up0\"; }")"
ok "another script and an interface as faults, by reload" wait_for 15 shows 'script [^ ]*probe.*: good'
sleep 0.3
is "... nobody moved" "$(moves a) $(moves b)" "$before"
vrrp_reload a "$(front 120 "{ $SCRIPT weight = 40; }")"
ok "what a script gives" wait_for 15 heard_by_b 160
vrrp_reload a "$(front 120 "{ $SCRIPT weight = 41; }, { file = \"$TMP/prefer\"; weight = 1; }")"
sleep 0.3
is "... is given on after a reload" "$(vjson a '[0].priority.effective')" 161
is "... nobody moved" "$(moves a) $(moves b)" "$before"
vrrp_reload a "$(front 200 "{ $SCRIPT }, { interface = \"up0\"; }")"

# ---- a fault ----

MOVES_A=$(moves a) MOVES_B=$(moves b)
results 1
ok "a script as a fault: it gives up" wait_for 15 is_state a fault
ok "... the other node takes over" wait_for 15 is_state b active
like "... this one says why" "$(vjson a '[0].cause')" 'probe.*exit status 1'
like "... on its screen too" "$(shown)" 'fault  script [^ ]*probe.*: bad, exit status 1'
is "... has not the address" "$(active_nodes 10.0.1.100 a b)" b
is "... one transition each" "$(($(moves a) - MOVES_A)) $(($(moves b) - MOVES_B))" "1 1"
results 0
ok "the fault ends: back" wait_for 15 is_state a active
ok "... the other gives way" wait_for 15 is_state b backup
in_ns a ip link del up0
ok "an interface as a fault" wait_for 15 is_state a fault
ok "... the other node takes over" wait_for 15 is_state b active
stop vrrp-a TERM
vrrp a
ok "started with a fault it stays there" wait_for 15 is_state a fault
like "... says why" "$(vjson a '[0].cause')" 'up0: no such interface'
uplink
ok "the interface appears: active" wait_for 15 is_state a active
stop vrrp-a TERM

# ---- many ----

vrrp a "$(
	tracks=$(for _ in {1..16}; do printf '{ interface = "eth0"; weight = 1; }, '; done)
	members=$(for i in {1..9}; do printf '"m%d", ' "$i"; done)
	echo "vrrp = { groups = ( { name = \"all\"; members = [ ${members%, } ]; } ); instances = ("
	for i in {1..9}; do
		echo "${comma-}{ name = \"m$i\"; interface = \"eth0\"; vrid = $i; addresses = [ \"10.0.8.$i/24\" ]; track = ( ${tracks%, } ); }"
		comma=,
	done
	echo "); };"
)"
is "of a big group each member's tracks count" "$(vjson a '[0].priority.effective')" 244
stop vrrp-a TERM

# ---- a pool of a real balancer ----

balanced="$(front 200 '{ pool = "kv"; min_backends = 1; interval_ms = 200; }')
pools = ( { name = \"kv\"; check = { type = \"tcp\"; interval_ms = 200; timeout_ms = 150; rise = 1; fall = 2; };
	backends = ( { name = \"c\"; address = \"10.0.1.13\"; port = 6379; } ); } );
services = ( { name = \"kv\"; address = \"10.0.1.100\"; port = 80; protocol = \"tcp\"; pool = \"kv\"; } );
dataplane = { interfaces = [ \"eth0\" ]; max_flows = 4096; };"
start_balancer() {
	spawn lb-a a "$TANDEM_BIN/tandem-lb" -c "$TMP/a.conf" -r "$(RUN_OF a)"
	wait_for 15 vctl a status --daemon lb > /dev/null || bail "tandem-lb does not answer"
}
mountpoint -q "$BPFFS" || mount -t bpf bpf "$BPFFS" || bail "cannot mount the bpf filesystem at $BPFFS"
vrrp a "$balanced"
sleep 0.5
is "a pool of which nothing is known yet: waits" "$(vjson a '[0].state')" waiting
start_kv c 6379 c
start_balancer
ok "its backend is up: active" wait_for 15 is_state a active
like "... says so" "$(shown)" 'pool kv: good, 1 of 1 backends is up, 1 wanted'
wait_for 15 is_state b backup > /dev/null
before="$(moves a) $(moves b)"
stop lb-a TERM
sleep 1
start_balancer
sleep 1
is "tandem-lb restarts: nobody moves" "$(moves a) $(moves b)" "$before"
stop kv-c KILL
ok "the last backend is gone: a fault" wait_for 15 is_state a fault
like "... says so" "$(vjson a '[0].cause')" 'kv: 0 of 1 backends are up, 1 wanted'
ok "... the other node takes over" wait_for 15 is_state b active
start_kv c 6379 c
ok "it is back: active" wait_for 15 is_state a active
stop lb-a TERM
stop vrrp-a TERM
stop vrrp-b TERM

# ---- a group: one member's fault is the group's ----

edge() { # PRIORITY [TRACKS of the second member]
	echo "vrrp = { instances = (
		{ name = \"one\"; interface = \"eth0\"; vrid = 51; priority = $1; advert_interval_ms = 100; addresses = [ \"10.0.1.100/24\" ]; },
		{ name = \"two\"; interface = \"eth0\"; vrid = 52; priority = $1; advert_interval_ms = 100; addresses = [ \"10.0.1.101/24\" ];
		  track = ( ${2-} ); } );
		groups = ( { name = \"edge\"; members = [ \"one\", \"two\" ]; } ); };"
}
vrrp a "$(edge 200 "{ file = \"$TMP/prefer\"; weight = 0; }, { interface = \"up0\"; weight = -100; }")"
vrrp b "$(edge 150)"
ok "a group is active" wait_for 15 is_state a active
wait_for 15 is_state b backup > /dev/null
prefer 1
ok "one member's fault: the group gives up" wait_for 15 is_state a fault 0
is "... the other member too" "$(vjson a '[1].state')" fault
ok "... all of it is on the other node" wait_for 15 is_state b active
is "... both addresses" "$(active_nodes 10.0.1.100 a b) $(active_nodes 10.0.1.101 a b)" "b b"
prefer 0
ok "and back" wait_for 15 is_state a active
wait_for 15 is_state b backup > /dev/null
begin
in_ns a ip link set up1 down
goes_to "one member's weight is the group's" b
is "... both addresses" "$(active_nodes 10.0.1.100 a b) $(active_nodes 10.0.1.101 a b)" "b b"
is "... both members say so" "$(vjson a '[0].priority.effective') $(vjson a '[1].priority.effective')" "100 100"
stop vrrp-a TERM
stop vrrp-b TERM
done_testing
