#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A process that stood still (SIGSTOP; swap and hypervisors do the same) and goes on: it reads before it speaks, and is
# no reason for two active nodes or for a takeover that nobody needs.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

front() { # PRIORITY [MORE KEYS]
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = 100; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; ${2-} } ); };"
}
one_has_it() { [ "$(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" = "$1 $1" ]; }
pause() { kill -STOP "$(speaker_pid "$1")"; }
go_on() { kill -CONT "$(speaker_pid "$1")"; }
frames() { grep -c "$1" "$(log_of wire)"; }
settled() { is_state "$1" active && is_state "$2" backup; }

# The lower one is active, the higher does not preempt: after the pause the lower one has to give way.
vrrp a "$(front 100)"
wait_for 15 is_state a active > /dev/null
vrrp b "$(front 200 'preempt = false;')"
wait_for 15 settled a b > /dev/null || bail "no election"

# ---- the active one ----

spawn wire client stdbuf -oL tcpdump -n -e -l -i eth0 "(ip proto 112 or arp) and ether src 02:00:00:00:02:01"
wait_log wire 15 'listening on' || bail "no tcpdump"
ok "its adverts are on the wire" wait_log wire 15 'prio 100'
pause a
ok "the active node is paused: the other takes over" wait_for 15 is_state b active
ok "... the client finds it" wait_for 15 answers 10.0.1.100
sleep 0.3
: > "$(log_of wire)"
go_on a
ok "it goes on, and is a backup" wait_for 15 settled b a
ok "... without the addresses" one_has_it b
like "... it knows why" "$(vjson a '[0].cause')" 'a higher priority was heard.*, priority 200'
sleep 0.3
holds "... it spoke once at most, after it had heard and given up ($(frames 'prio 100') adverts)" \
	"$(frames 'prio 100') <= 1"
is "... and announced nothing" "$(frames 'Request who-has 10.0.1.100 .*tell 10.0.1.100')" 0
holds "... the pause is counted" "$(vjson a '[0].pauses') >= 1"
holds "... and how long it was" "$(vjson a '[0].longest_pause_ms') >= 300"
ok "the log says so" wait_log vrrp-a 15 'this process stood still for'
stop wire

# With the higher priority, it has the right to it: the others learn that at once, and nobody else.
stop vrrp-b TERM
wait_for 15 is_state a active > /dev/null
vrrp_reload a "$(front 250)"
vrrp b "$(front 200 'preempt = false;')"
wait_for 15 settled a b > /dev/null
pause a
wait_for 15 is_state b active > /dev/null
go_on a
ok "the higher one goes on: one is active" wait_for 15 settled a b
ok "... with the addresses" one_has_it a
ok "... and the client has its MAC" wait_for 15 [ 02:00:00:00:02:01 = "$(mac_of 10.0.1.100)" ]
ok "... it answers" answers 10.0.1.100
ok "... over IPv6 too" answers fd00:1::100

# ---- the backup ----

before="$(moves a) $(moves b)"
pause b
sleep 0.15
go_on b
sleep 0.3
is "the backup is paused, shorter than the down interval: nothing happens" "$(moves a) $(moves b)" "$before"
pause b
sleep 1
go_on b
sleep 0.3
is "... longer: nothing happens either, it reads first" "$(moves a) $(moves b)" "$before"
ok "... the addresses are where they were" one_has_it a
pause b
stop vrrp-a TERM
go_on b
ok "... paused while the active one leaves: it takes over" wait_for 15 is_state b active
ok "... with the addresses" one_has_it b

# ---- guard and speaker, both nodes ----

vrrp a "$(front 250)"
wait_for 15 settled a b > /dev/null
for n in a b; do kill -STOP "$(pid_of vrrp-$n)" "$(speaker_pid $n)"; done
sleep 0.8
for n in b a; do kill -CONT "$(pid_of vrrp-$n)" "$(speaker_pid $n)"; done
ok "all are paused and go on: one is active" wait_for 15 settled a b
ok "... with the addresses" wait_for 15 one_has_it a

done_testing
