#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reloads under load: every kind of change, kept connections, new connections and UDP at the same time, and
# not one failure. What was set at run time survives; a file with a mistake changes nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

rows() { # SCHEDULER BACKENDS-OF-KV [more services]: what the file holds
	local scheduler=$1 backends=$2 family; shift 2
	conf_new
	for family in 4 6; do
		eval "pool kv$family $family 6379 'scheduler = \"$scheduler\"; $CHECK' $backends"
		pool echo$family $family 7 "scheduler = \"$scheduler\"; $CHECK" b1 b2 b3
		service kv$family $family 6379 tcp kv$family
		service echo$family $family 7 udp echo$family
		if [ $# -gt 0 ]; then
			pool more$family $family 6379 'scheduler = "mh";' b1 b2
			service more$family $family 6380 tcp more$family
			service more-echo$family $family 8 udp echo$family
		fi
	done
	conf
}

lab_up
for b in b1 b2 b3; do start_kv $b 6379; start_echo $b 7; done
start_ready "$(rows rr 'b1 b2')"

LOADS=
for family in 4 6; do
	load kept$family c1 "$(vip $family)" 6379 --mode kv --connections 12 --rate 500 --duration 900
	load new$family c2 "$(vip $family)" 6379 --mode kv-connect --connections 4 --rate 100 --duration 900
	load udp$family c1 "$(vip $family)" 7 --mode echo-udp --data 500 --connections 12 --rate 500 --duration 900
	LOADS+=" kept$family new$family udp$family"
done
answers_of() { load_peek "$1" '.servers' | tr '{' '\n' | sed -n "s/.*\"answers\":\([0-9]*\).*\"name\":\"$2\".*/\1/p"; } # LOAD SERVER
serves_new() { # SERVER: both families' new connections reach it
	local family
	for family in 4 6; do [ "$(answers_of new$family "$1")" -ge "${2-5}" ] || { load_peek new$family .servers; return 1; }; done 2>/dev/null
}
connections_in() { of_backend "$1" "$2" connections_total; }
reload() { lb_config "$1"; ctl reload; }

ok "load runs" wait_for 15 all_go_on
like "nothing changed is a reload too" "$(reload "$(rows rr 'b1 b2')")" 'services \+0 -0, pools \+0 -0, backends \+0 -0, changed 0'

like "a backend is added" "$(reload "$(rows rr 'b1 b2 b3')")" 'backends \+2 -0'
ok "... and gets connections" wait_for 15 serves_new b3
like "a backend is removed" "$(reload "$(rows rr 'b2 b3')")" 'backends \+0 -2'
before4=$(answers_of kept4 b1) before6=$(answers_of kept6 b1)
kept_on_b1() { [ "$(answers_of kept4 b1)" -gt $((before4 + 50)) ] && [ "$(answers_of kept6 b1)" -gt $((before6 + 50)) ]; }
ok "... its connections go on" wait_for 15 kept_on_b1
before4=$(answers_of new4 b1)
ok "... new ones do not come" goes_on new4 30
is "... not one" "$(answers_of new4 b1)" "$before4"

for scheduler in wrr lc wlc sh mh rr; do
	like "the scheduler becomes $scheduler" "$(reload "$(rows $scheduler 'b2 b3')")" 'changed'
	is "... and is in force" "$(of_service kv4 scheduler) $(of_service echo6 scheduler)" "$scheduler $scheduler"
done
like "the removed backend comes back" "$(reload "$(rows rr 'b1 b2 b3')")" 'backends \+2 -0'
ok "... and serves" wait_for 15 serves_new b1 $((before4 + 5))

renamed() { rows rr 'b1 b2 b3' | sed "s/name = \"b/name = \"$1/g"; } # PREFIX: nobody has passed a check under that name
like "all backends are exchanged at once" "$(reload "$(renamed x)")" 'backends \+12 -12'
is "... those not checked yet serve" "$(in_ns c1 redis-cli -h $VIP4 PING) $(of_service kv6 state)" "PONG up"
like "... and back" "$(reload "$(rows rr 'b1 b2 b3')")" 'backends \+12 -12'
ok "... and are well" wait_for 15 all_up

like "services and pools are added" "$(reload "$(rows rr 'b1 b2 b3' more)")" 'services \+4 -0, pools \+2 -0, backends \+4'
is "... they serve at once" "$(in_ns c1 redis-cli -h $VIP4 -p 6380 PING) $(in_ns c2 redis-cli -h $VIP6 -p 6380 PING)" "PONG PONG"
is "... UDP, too" "$(printf x | in_ns c2 nc -u -W 1 -w 5 $VIP6 8)" x
like "... and are removed" "$(reload "$(rows rr 'b1 b2 b3')")" 'services \+0 -4, pools \+0 -2, backends \+0 -4'
not_ok "... and serve no more" in_ns c1 redis-cli -h $VIP4 -p 6380 PING

# ---- what is kept, what the file says ----

ctl weight kv4/b1 5 > /dev/null
ctl drain kv4/b2 > /dev/null
since=$(ctl --json events | json - .last_seq)
ok "SIGHUP reloads" kill -HUP "$(pid_of lb)"
reloaded() { ctl --json events > "$TMP/e.json" && json "$TMP/e.json" .last_seq | grep -qvx "$since"; }
ok "... and says so" wait_for 15 reloaded
is "run-time weights survive a reload" "$(of_backend kv4 b1 weight) $(of_backend kv4 b1 weight_configured)" "5 1"
is "... so does a drain" "$(of_backend kv4 b2 admin)" drain
is "... and health: nobody is checked anew" "$(ctl --json backends | grep -c '"state": *"checking"')" 0
like "a weight in the file is edited" "$(reload "$(rows wrr '"b1 weight = 7;" b2 b3')")" 'changed'
is "... and wins over the one set at run time" "$(of_backend kv4 b1 weight)" 7
ctl enable kv4/b2 > /dev/null

# ---- a file with a mistake ----

state_of_all() { ctl --json backends | perl -MJSON::PP -0777 -ne '
	print map { "$_->{pool}/$_->{name} $_->{weight} $_->{state} $_->{admin} $_->{since_s}\n" =~ s/ \d+\n/\n/r } @{decode_json($_)}'; ctl services | awk '{ print $1, $2 }'; }
before=$(state_of_all)
rows rr 'b1 b2 b3' | sed 's/scheduler = "rr"/shceduler = "rr"/' > "$LB_CONFIG"
out=$(ctl reload 2>&1)
is "a mistake: status 1" $? 1
like "... file, line, key, what would do" "$out" "$LB_CONFIG:1: unknown key 'shceduler'.*did you mean 'scheduler'"
like "... and that the old one stays" "$out" 'running config stays'
is "... which is so" "$(state_of_all)" "$before"
rm "$LB_CONFIG"
out=$(ctl reload 2>&1)
is "no file: status 1" $? 1
like "... it is named" "$out" "$LB_CONFIG.*No such file"
since=$(ctl --json events | json - .last_seq)
kill -HUP "$(pid_of lb)"
ok "... by SIGHUP the event says so" wait_for 15 reloaded
like "... why" "$(json "$TMP/e.json" '.events[-1]')" 'refused'
is "... nothing changed" "$(state_of_all)" "$before"
lb_config "$(rows rr 'b1 b2 b3' | sed 's/port = 6379/port = 70000/')"
is "tandemctl check: status 2" "$(ctl check "$LB_CONFIG" > "$TMP/check" 2>&1; echo $?)" 2
like "... and the line" "$(cat "$TMP/check")" "$LB_CONFIG:1: 'port' is 70000"

# ---- a storm of reloads ----

a=$(rows rr 'b1 b2 b3') b=$(rows wlc 'b3 "b1 weight = 3;" b2' more)
storm() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do reload "$a" && reload "$b" || return 1; done
}
ok "twenty reloads in a row" storm
reload "$a" > /dev/null
ok "load still runs" all_go_on

for l in $LOADS; do
	stop "$l" INT
	is "no failure of $l" "$(report "$l" .failures)" "$NO_FAILURES"
	holds "... of many requests" "$(report "$l" .answers) > 300"
	is "... no connection broken" "$(report "$l" .connections.broken)" 0
done
is "nobody was refused" "$(counter no_backend)" 0
stop_lb
is "tandem-lb ended in peace" "$(grep -ciE "sanitizer|runtime error" "$(log_of lb)")" 0

done_testing
