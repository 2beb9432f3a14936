#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The processes of tandem-vrrp: the speaker dies, the guard dies, both do, they end as asked, they are started again.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

front() { # PRIORITY [INTERVAL_MS] [MORE]
	echo "vrrp = { ${3-} instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = ${2:-100}; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; } ); };"
}
gone() { [ ! -e "/proc/$1" ] || [ "$(awk '{ print $3 }' "/proc/$1/stat")" = Z ]; }
one_has_it() { [ "$(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" = "$1 $1" ]; }
said() { log_has "vrrp-$1" "$2"; }
another_speaker() { local new; new=$(speaker_pid "$1"); [ -n "$new" ] && [ "$new" != "$2" ]; }

vrrp a "$(front 200)"
vrrp b "$(front 100)"
wait_for 15 is_state a active > /dev/null && wait_for 15 is_state b backup > /dev/null || bail "no election"

# ---- the speaker is killed ----

before=$(moves b)
speaker=$(speaker_pid a)
pinging 10.0.1.100
kill -9 "$speaker"
ok "kill -9 of the speaker: the guard says goodbye" wait_for 15 said a 'guard: the speaker .* died of signal 9'
ok "... to both families" said a 'guard: farewells sent: 2'
ok "... the other took over" wait_for 15 said b 'backup -> active: the active node left'
ok "... another speaker is there" another_speaker a "$speaker"
ok "... which is active in the end, for it has the higher priority" wait_for 15 is_state a active
ok "... the addresses are on one node" wait_for 15 one_has_it a
n=$(pings_lost)
holds "... the client lost next to nothing (of its pings, every 10 ms: $n)" "$n <= 3"
is "... there, one takeover and one step back" "$(($(moves b) - before))" 2

# ---- both are killed ----

guard=$(pid_of vrrp-a) speaker=$(speaker_pid a)
kill -STOP "$speaker" # it would be told of its guard's death
kill -9 "$guard" "$speaker"
stop vrrp-a 2> /dev/null
ok "kill -9 of both: the other takes over" wait_for 15 is_state b active
is "... and there is nobody to remove the address here" "$(active_nodes 10.0.1.100 a b)" "a b"
ok "... the client finds the other" wait_for 15 answers 10.0.1.100
spawn watch a ip -o monitor address
vrrp a "$(front 50)"
is "... started again it is a backup" "$(vjson a '[0].state')" backup
is "... without the addresses" "$(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" "b b"
like "... it says so" "$(cat "$(log_of vrrp-a)")" '10.0.1.100 was left on eth0 by an earlier run; removed'
is "... they never came back" "$(wait_for 15 log_has watch 'Deleted.*10.0.1.100' > /dev/null
	grep -v Deleted "$(log_of watch)" | grep -c '10.0.1.100\|fd00:1::100')" 0
stop watch

# ---- the guard is killed ----

vctl a failover front > "$TMP/taken"
wait_for 15 is_state b backup > /dev/null
guard=$(pid_of vrrp-a) speaker=$(speaker_pid a)
pinging 10.0.1.100
kill -9 "$guard"
ok "kill -9 of the guard: the speaker ends" wait_for 15 gone "$speaker"
ok "... after it handed over" is_state b active
is "... the addresses are on one node" "$(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" "b b"
n=$(pings_lost)
holds "... the client lost next to nothing ($n)" "$n <= 1"
stop vrrp-a 2> /dev/null
vrrp a "$(front 200)"
ok "... and it can be started again" wait_for 15 is_state a active

# ---- one run dir, one program ----

front 10 > "$TMP/second.conf"
spawn second a "$TANDEM_BIN/tandem-vrrp" -c "$TMP/second.conf" -r "$(RUN_OF a)"
wait_exit second 15
is "a second one with the same run dir is refused" $? 1
like "... with the pid of the first" "$(cat "$(log_of second)")" "pid $(pid_of vrrp-a)"
is "... which goes on" "$(vjson a '[0].state')" active

# ---- SIGTERM ----

spawn wire client stdbuf -oL tcpdump -n -l -i eth0 'ip proto 112 and src 10.0.1.11'
wait_log wire 15 'listening on' || bail "no tcpdump"
pinging 10.0.1.100
stop vrrp-a TERM
ok "SIGTERM: the other is active" is_state b active
ok "... after priority 0" wait_for 15 log_has wire 'prio 0'
stop wire
is "... and that was the last word" "$(grep VRRPv3 "$(log_of wire)" | tail -n 1 | grep -c 'prio 0')" 1
n=$(pings_lost)
holds "... the client lost no ping, or one ($n)" "$n <= 1"
is "... the addresses are on one node" "$(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" "b b"

began=$(now_ms)
stop vrrp-b TERM
took=$(($(now_ms) - began))
holds "SIGTERM without a peer: it ends soon ($took ms)" "$took < 1500"
is "... and the addresses are gone" "$(active_nodes 10.0.1.100 a b)$(active_nodes fd00:1::100 a b)" ""

# ---- resume ----

vrrp a "$(front 200 500 'resume = true;')"
vrrp b "$(front 100 500)"
wait_for 15 is_state a active > /dev/null && wait_for 15 is_state b backup > /dev/null || bail "no election"
before=$(moves b)
spawn kept a ip -o monitor address dev eth0
pinging 10.0.1.100
stop vrrp-a TERM
ok "resume: the addresses stay" one_has_it a
vrrp a
is "... a start goes on as active" "$(vjson a '[0].state')" active
like "... because" "$(vjson a '[0].cause')" 'was active a moment ago'
speaker=$(speaker_pid a)
kill -9 "$speaker"
ok "... and so does the speaker after kill -9" wait_for 15 another_speaker a "$speaker"
ok "... at once" wait_for 2 is_state a active
sleep 1.8 # longer than the others would wait
is "... the other noticed nothing" "$(moves b) $(vjson b '[0].state')" "$before backup"
is "... the addresses stay for good" "$(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" "a a"
is "... and the client neither" "$(pings_lost)" 0
is "... nor is an end of the addresses set" "$(in_ns a ip addr show eth0 | grep -A 1 -w '10.0.1.100/24' | grep -c 'valid_lft forever')" 1
stop kept
is "... nor was one come to" "$(grep -c Deleted "$(log_of kept)") $(vjson a '[0].put_back')" "0 0"
stop vrrp-a TERM
ok "without a start they go by themselves" wait_for 15 one_has_it b
ok "... the other took over" is_state b active
stop vrrp-b TERM

hooks=$(mktemp -d /run/tandem-e2e-XXXXXX) # above a hook no directory may be written by others
printf '#!/bin/sh\nsleep 5\n' > "$hooks/slow"
chmod 755 "$hooks" "$hooks/slow"
vrrp a "$(front 200 10 "resume = true; notify = { command = [ \"$hooks/slow\" ]; };")"
wait_for 15 is_state a active > /dev/null || bail "nobody is active"
kill -TERM "$(pid_of vrrp-a)"
sleep 0.2
not_ok "while a slow hook is waited for, nothing is asked of it any more" vctl a failover front
kill -HUP "$(pid_of vrrp-a)"
ok "... nor is a config looked at" wait_log vrrp-a 15 'config: refused: tandem-vrrp is ending'
wait_exit vrrp-a 15
ok "... and the addresses go by themselves, once" has_not a 10.0.1.100
ok "... of both families" has_not a fd00:1::100
rm -rf "$hooks"

vrrp a "$(front 255 100 'resume = true;' | sed 's|"10.0.1.100/24", "fd00:1::100/64"|"10.0.1.11/24"|')"
wait_for 15 is_state a active > /dev/null || bail "the owner is not active"
stop vrrp-a TERM
is "an owner leaves the interface's own address as it was" \
	"$(in_ns a ip addr show eth0 | grep -A 1 -w '10.0.1.11/24' | grep -c 'valid_lft forever')" 1

# ---- two deaths ----

vrrp c "$(front 200 500)"
wait_for 15 is_state c active > /dev/null || bail "nobody is active"
for n in once "twice within a down interval"; do
	speaker=$(speaker_pid c)
	kill -9 "$speaker"
	wait_for 15 another_speaker c "$speaker" > /dev/null
	ok "killed $n: it goes on with what was left" wait_for 15 is_state c handover
done
ok "... the address is there" has c 10.0.1.100
ok "... and active it is again" wait_for 15 is_state c active
stop vrrp-c TERM

# ---- a full run directory ----

mkdir -p "$(RUN_OF c)"
mount -t tmpfs -o size=64k none "$(RUN_OF c)" || bail "no tmpfs"
vrrp c "$(front 200 500)"
dd if=/dev/zero of="$(RUN_OF c)/full" bs=1k 2> /dev/null
ok "the run directory is full: active all the same" wait_for 15 is_state c active
ok "... with the address" has c 10.0.1.100
is "... the log says what it may cost, once" "$(grep -c 'cannot note .* in the run directory' "$(log_of vrrp-c)")" 1
stop vrrp-c TERM
ok "... at the end it is gone" has_not c 10.0.1.100
umount -l "$(RUN_OF c)"

# ---- what is not permitted, or not there ----

printf '%s\n' "$(front 200)" > "$TMP/c.conf"
spawn bound c setpriv --bounding-set -net_admin "$TANDEM_BIN/tandem-vrrp" -c "$TMP/c.conf" -r "$(RUN_OF c)"
wait_exit bound 15
is "without CAP_NET_ADMIN it takes no address over: it does not start" $? 1
ok "... and says so" log_has bound 'needs CAP_NET_ADMIN'

vrrp c "$(front 200)"
ok "active" wait_for 15 is_state c active
speaker=$(speaker_pid c)
limit=$(ulimit -Hn)
in_ns c ip link set eth0 name away0
ok "its interface is gone" wait_log vrrp-c 15 'active -> waiting: eth0 is missing'
prlimit --pid "$speaker" --nofile="3:$limit" # it is a limit of numbers, not of how many
in_ns c ip link set away0 name eth0
ok "no descriptor is left: the log says that it does not hear" wait_log vrrp-c 15 'cannot listen for adverts.*Too many open files'
in_ns c ip link set eth0 up
ok "... who does not hear does not speak: it waits, and says for what" \
	wait_log vrrp-c 15 'waiting: eth0 cannot be listened to for adverts of IPv4: Too many open files'
prlimit --pid "$speaker" --nofile="$limit:$limit"
ok "... there are some again: it goes on, and nobody had to help" wait_for 15 is_state c active
unlike "... it was not active in between" "$(grep -A1 'waiting: eth0 cannot be listened to' "$(log_of vrrp-c)")" '(initialize|waiting) -> active'
vrrp a "$(front 250)"
ok "... and it hears" wait_for 15 is_state c backup
stop vrrp-a TERM
stop vrrp-c TERM

tries() { grep -c 'Deleted.* vr4-' "$(log_of monitor)"; }
vrrp c "$(front 200 | sed 's/vrid = 51;/& virtual_mac = true;/')"
ok "with a virtual MAC" wait_for 15 is_state c active
speaker=$(speaker_pid c)
in_ns c ip link set eth0 down
ok "... its link is down" wait_log vrrp-c 15 'active -> waiting: eth0 is down'
in_ns c ip link del "$(in_ns c ip -br link | sed -n 's/^\(vr4-[^@]*\)@.*/\1/p')"
prlimit --pid "$speaker" --nofile="3:$limit"
spawn monitor c stdbuf -oL ip monitor link
start=$(date +%s%N)
in_ns c ip link set eth0 up
ok "... no descriptor is left to set its macvlan up: it waits, and says so" \
	wait_log vrrp-c 15 'waiting: eth0 takes no macvlan for its virtual MAC: Too many open files'
four_tries() { [ "$(tries)" -ge 4 ]; }
ok "... it tries again and again" wait_for 30 four_tries
holds "... once a second" "$(tries) <= 2 + ($(date +%s%N) - $start) / 9e8"
prlimit --pid "$speaker" --nofile="$limit:$limit"
ok "... until it can" wait_for 15 is_state c active
stop monitor TERM
stop vrrp-c TERM

# ---- real time ----

program=$ROOT/build/bin/tandem-vrrp # a sanitized one does not lock its memory
if [ -x "$program" ]; then
	TANDEM_BIN=$ROOT/build/bin vrrp a "$(front 200)"
	like "the speaker runs in real time" "$(chrt -p "$(speaker_pid a)")" 'SCHED_FIFO'
	holds "... with its memory locked" "$(awk '/^VmLck/ { print $2 }' "/proc/$(speaker_pid a)/status") > 0"
	is "... and status says so" "$(vctl a --json status | json - .vrrp.realtime)" on
	higher() { [ "$(chrt -p "$(pid_of vrrp-a)" | sed -n 's/.*priority: //p')" -gt "$(chrt -p "$(speaker_pid a)" | sed -n 's/.*priority: //p')" ]; }
	ok "... its guard before it" wait_for 15 higher
	is "... for half a second in one go" "$(prlimit --pid "$(speaker_pid a)" --rttime --noheadings --output SOFT | tr -d ' ')" 500000
	is "... the guard, too" "$(prlimit --pid "$(pid_of vrrp-a)" --rttime --noheadings --output SOFT | tr -d ' ')" 500000
	# What the kernel sends to who does not pause.
	kill -XCPU "$(speaker_pid a)" "$(pid_of vrrp-a)"
	ok "... who takes longer says so" wait_log vrrp-a 15 'ran for 500 ms without a pause, so others got the processor; real-time again'
	like "... and is real-time again" "$(chrt -p "$(speaker_pid a)")" 'SCHED_FIFO'
	ok "... both live" eval 'alive vrrp-a && is_state a active'
	stop vrrp-a TERM
else
	skip "real time" "no $program"
fi
vrrp a "$(front 200 100 'realtime = false;')"
unlike "realtime = false: it does not" "$(chrt -p "$(speaker_pid a)")" 'SCHED_FIFO'
like "... and status says why" "$(vctl a --json status | json - .vrrp.realtime)" 'off: the config says so'

done_testing
