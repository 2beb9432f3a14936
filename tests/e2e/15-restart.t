#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tandem-lb ends, by -9 or in peace, and comes back: the dataplane forwards and balances all the while, and the
# one that comes back knows what the one that went knew. Start options; a dataplane of another version.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

conf_new
for family in 4 6; do
	pool kv$family $family 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
	pool echo$family $family 7 "scheduler = \"rr\"; $CHECK" b1 b2 b3
	service kv$family $family 6379 tcp kv$family
	service echo$family $family 7 udp echo$family
done

lab_up
for b in b1 b2 b3; do start_kv $b 6379; start_echo $b 7; done
start_ready "$(conf)"

LOADS=
for family in 4 6; do
	load kept$family c1 "$(vip $family)" 6379 --mode kv --connections 12 --rate 400 --duration 900
	load new$family c2 "$(vip $family)" 6379 --mode kv-connect --connections 4 --rate 100 --duration 900
	load udp$family c1 "$(vip $family)" 7 --mode echo-udp --data 500 --connections 12 --rate 400 --duration 900
	LOADS+=" kept$family new$family udp$family"
done
pin_dir() { pins | head -n 1; }

# ---- kill -9 under load ----

ok "load runs" wait_for 15 all_go_on
kill_lb
ok "killed: load goes on, kept and new, TCP and UDP" all_go_on
# The load's own new connections take turns with these.
read -r _ n1 _ n2 _ n3 <<< "$(spread 4 6379 90 c1)"
holds "... new connections are balanced" "$n1 > 15 && $n2 > 15 && $n3 > 15 && $n1 + $n2 + $n3 == 90"
ok "... nobody failed" no_failures
out=$(ctl status 2>&1)
is "tandemctl says that nobody is there: status 1" $? 1
like "... in one line" "$out" 'tandem-lb|lb\.sock'
start_lb
is "back: the dataplane is adopted" "$(of_status .dataplane.adopted)" true
is "... health is known at once" "$(ctl --json backends | grep -o '"state": *"[a-z]*"' | sort -u | tr -d ' ')" '"state":"up"'
holds "... counters go on" "$(of_service kv4 connections_total) >= 90"
ok "... load goes on" all_go_on
ok "... nobody failed" no_failures

# ---- what was set at run time; what happened meanwhile ----

ctl weight kv4/b1 0 > /dev/null
ctl drain kv6/b2 > /dev/null
touch "$TMP/mark"
ctl disable echo4/b3 > /dev/null
saved() { [ "$RUNDIR/lb.state" -nt "$TMP/mark" ]; }
ok "what an operator sets is saved at once" wait_for 3 saved
kill_lb
ok "killed again: load goes on" all_go_on
stop kv-b3 KILL # only new connections of the load are on it for a moment: they fail, and kept ones
for l in $LOADS; do stop $l INT; done
start_lb
is "a run-time weight is known again" "$(of_backend kv4 b1 weight) $(of_backend kv4 b1 weight_configured)" "0 1"
is "... a drain, too" "$(of_backend kv6 b2 admin)" drain
is "... and who is disabled" "$(of_backend echo4 b3 admin)" disabled
like "... it is in force" "$(spread 6 6379 10 c1)" " b2 0 "
ok "a backend that died meanwhile is found out" wait_for 15 backend_is kv4 b3 state down
start_kv b3 6379
ctl weight kv4/b1 1 > /dev/null
ctl enable kv6/b2 > /dev/null
ctl enable echo4/b3 > /dev/null
wait_for 15 all_ready

# ---- the config was edited meanwhile ----

kill_lb
cp "$LB_CONFIG" "$TMP/whole"
sed -i 's/service4//; s/{ name = "kv6"; address = "fd00:1::100"; port = 6379/{ name = "kv6"; address = "fd00:1::100"; port = 6390/' "$LB_CONFIG"
start_lb
is "a service that moved while nobody looked serves in its new place" "$(in_ns c1 redis-cli -h $VIP6 -p 6390 PING)" PONG
not_ok "... not in the old one" in_ns c1 redis-cli -h $VIP6 -p 6379 PING
stop_lb
cp "$TMP/whole" "$LB_CONFIG"
start_ready

# ---- the state file ----

for family in 4 6; do
	load kept$family c1 "$(vip $family)" 6379 --mode kv --connections 12 --rate 400 --duration 900
	load udp$family c1 "$(vip $family)" 7 --mode echo-udp --data 500 --connections 12 --rate 400 --duration 900
done
LOADS="kept4 kept6 udp4 udp6"
ok "load runs again" all_go_on
for broken in 'rm lb.state' 'head -c 3000 /dev/urandom > lb.state' ': > lb.state' 'sed -i "1s/ .*/ 9/" lb.state' \
	'sed -i "s/^backend [0-9]*/backend 99999999/" lb.state' 'sed -i "s/^\(service [0-9]*\) [0-9]*/\1 -1/" lb.state' \
	'head -c 200 lb.state > x; mv x lb.state' 'rm lb.state; mkdir lb.state'; do
	kill_lb
	(cd "$RUNDIR" && eval "$broken")
	start_lb
	like "state file lost ($broken): says so" "$(tail -c "+$((${LOG_FROM[lb]} + 1))" "$(log_of lb)")" 'lb\.state|state file'
	ok "... flows go on" all_go_on
	wait_for 15 all_ready || fail "... all are up again"
	is "... new ones are served" "$(spread 4 6379 9 c2)" "b1 3 b2 3 b3 3"
	[ ! -d "$RUNDIR/lb.state" ] || { ok "... it is said that the state cannot be saved" wait_log lb 15 'cannot save the state'; rmdir "$RUNDIR/lb.state"; }
done
ok "... nobody failed" no_failures

# ---- only one at a time ----

spawn second lb "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$RUNDIR"
wait_exit second 15
is "a second one in the same run dir is refused: status 1" $? 1
like "... by whom" "$(cat "$(log_of second)")" "already runs in $RUNDIR as pid $(pid_of lb)"
spawn third lb "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$RUNDIR" --remove
wait_exit third 15
is "so is --remove while it runs" $? 1
mkdir "$TMP/other-run"
spawn other lb "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$TMP/other-run"
ok "with another run dir the interfaces are taken" wait_log other 15 'another tandem-lb'
stop other TERM
in_ns lb "$TANDEM_BIN/tandem-lb" -r "$TMP/other-run" --remove 2> /dev/null
ok "... and its --remove leaves the first alone" all_go_on

# ---- another version of the tables ----

kill_lb
set_abi() { # patches the version in the pinned globals, which stands first
	local hex; hex=$(bpftool -j map lookup pinned "$(pin_dir)/globals" key 0 0 0 0 | perl -MJSON::PP -0777 -ne '
		my $v = decode_json($_)->{value}; $v->[0] = sprintf "0x%02x", '"$1"'; print join " ", map { hex } @$v')
	# shellcheck disable=SC2086
	bpftool map update pinned "$(pin_dir)/globals" key 0 0 0 0 value $hex
}
ok "the pinned tables become another version's" set_abi 99
spawn_lb
wait_exit lb 15
is "they are refused: status 1" $? 1
like "... with both versions and what to do" "$(cat "$(log_of lb)")" 'ABI version 99, this program speaks [0-9]+.*--reset'
ok "... the old dataplane goes on" all_go_on
ok "... nobody failed" no_failures
set_abi "$(sed -n "s/^#define LB_ABI_VERSION //p" "$ROOT/src/lb/bpf/lb_abi.h")"
start_lb
is "the right version is adopted" "$(of_status .dataplane.adopted)" true
stop_lb

# ---- --reset, --remove ----

for l in $LOADS; do stop $l INT; done
spawn lb lb "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$RUNDIR" --reset
wait_for 15 lb_answers
is "--reset begins anew" "$(of_status .dataplane.adopted) $(of_service kv4 connections_total)" "false 0"
wait_for 15 all_ready
is "... and serves" "$(spread 4 6379 9 c1)" "b1 3 b2 3 b3 3"
stop_lb
isnt "the dataplane is there without tandem-lb" "$(pins)" ""
out=$(in_ns lb "$TANDEM_BIN/tandem-lb" -r "$RUNDIR" --remove 2>&1)
is "--remove" $? 0
like "... says so" "$out" 'is gone'
is "... nothing is pinned" "$(pins)" ""
is "... nothing attached" "$(in_ns lb tc filter show dev front1 ingress; in_ns lb tc filter show dev back ingress)" ""
out=$(in_ns lb "$TANDEM_BIN/tandem-lb" -r "$RUNDIR" --remove 2>&1)
is "--remove of nothing: status 1" $? 1
like "... says so" "$out" 'no dataplane'
is "nothing of the sanitizers" "$(grep -ciE "sanitizer|runtime error" "$(log_of lb)")" 0

done_testing
