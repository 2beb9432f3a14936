#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Interfaces and addresses that come late, go and come back, and other programs that have their hands in it: tandem-vrrp
# waits in a state that has a name, and goes on by itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

on() { # INTERFACE ADDRESSES [MORE KEYS]
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"$1\"; vrid = 51; priority = 200;
		advert_interval_ms = 50; addresses = [ $2 ]; ${3-} } ); };"
}
waits() { [ "$(vjson a '[0].state'): $(vjson a '[0].cause')" = "waiting: $1" ] || { vjson a '[0].cause'; return 1; }; }

# ---- boot order ----

vrrp a "$(on late0 '"10.9.0.100/24"')"
ok "no interface: it waits" waits "late0 is missing"
is "... and its control socket answers" "$(vctl a --json status | json - .vrrp.units.other)" 1
in_ns a ip link add late0 type veth peer name late1
ok "it is there: it waits until it is up" wait_for 15 waits "late0 is down"
in_ns a ip link set late0 up
ok "... has carrier" wait_for 15 waits "late0 has no carrier"
in_ns a ip link set late1 up
ok "... has an address" wait_for 15 waits "late0 has no IPv4 address yet"
in_ns a ip addr add 10.9.0.1/24 dev late0
ok "... then it is active, and nobody had to help" wait_for 15 is_state a active
ok "... with its address" has a 10.9.0.100 late0
stop vrrp-a TERM

in_ns a ip link set late0 addrgenmode none
in_ns a ip -6 addr flush dev late0
vrrp a "$(on late0 '"10.9.0.100/24", "fd00:9::100/64"')"
ok "no link-local address: it waits for that" waits "late0 has no link-local IPv6 address yet"
in_ns a ip addr add fe80::9/64 dev late0 nodad
ok "... goes on" wait_for 15 is_state a active
is "... and speaks from it" "$(vjson a '[0].routers[family=ipv6].source')" fe80::9
ok "... both families are there" has a fd00:9::100 late0
stop vrrp-a TERM

vrrp a "$(on late0 '"10.9.0.100/24"' 'source_ipv4 = "10.9.0.7";')"
ok "the source that is asked for is not there: it waits" waits "late0 has no IPv4 address yet"
in_ns a ip addr add 10.9.0.7/24 dev late0
ok "... goes on" wait_for 15 is_state a active
is "... and speaks from it" "$(vjson a '[0].routers[0].source')" 10.9.0.7
stop vrrp-a TERM

# ---- other programs ----

vrrp a "$(on eth0 '"10.0.1.100/24", "fd00:1::100/64"')"
vrrp b "$(on eth0 '"10.0.1.100/24", "fd00:1::100/64"' | sed 's/priority = 200/priority = 100/')"
wait_for 15 is_state a active > /dev/null && wait_for 15 is_state b backup > /dev/null || bail "no election"
before="$(moves a) $(moves b)"
announced=$(vjson a '[0].routers[0].counters.announced')
in_ns a ip addr del 10.0.1.100/24 dev eth0
ok "an address is removed by another program: it is put back" wait_for 15 has a 10.0.1.100
in_ns a ip addr del fd00:1::100/64 dev eth0
ok "... of IPv6 too" wait_for 15 has a fd00:1::100
is "... that is counted" "$(vjson a '[0].put_back')" 2
ok "... and logged" wait_log vrrp-a 15 '10.0.1.100 was removed from eth0 by another program; put back'
more_announced() { [ "$(vjson a '[0].routers[0].counters.announced')" -gt "$announced" ]; }
ok "... it is announced again" wait_for 15 more_announced
ok "... it answers" wait_for 15 answers 10.0.1.100
in_ns a ip -loops 1 addr flush dev eth0 scope global 2> /dev/null # it is told that some are still there
ok "all addresses are flushed: ours come back" wait_for 15 has a 10.0.1.100
is "... nobody moved" "$(moves a) $(moves b)" "$before"
in_ns a ip addr add 10.0.1.11/24 dev eth0
sleep 1 # what was put back until now does not count below
n=$(vjson a '[0].put_back')
said() { grep -c "$1" "$(log_of vrrp-a)"; }
lines=$(said 'was removed from eth0') events=$(said 'address put back')
spawn enemy a bash -c 'timeout 2 ip -o monitor address dev eth0 | while read -r line; do
	case $line in Deleted*) ;; *10.0.1.100/24*) ip addr del 10.0.1.100/24 dev eth0 ;; esac; done'
sleep 0.3
in_ns a ip addr del 10.0.1.100/24 dev eth0
wait_exit enemy 15
n=$(($(vjson a '[0].put_back') - n))
holds "one that removes it again and again is answered a few times a second ($n in two)" "$n > 1 && $n <= 16"
lines=$(($(said 'was removed from eth0') - lines)) events=$(($(said 'address put back') - events))
holds "... and told of once a second ($lines lines in the log, $events events)" "$lines >= 1 && $lines <= 4 && $events >= 1 && $events <= 4"
like "... with how many more there were" "$(grep 'was removed from eth0' "$(log_of vrrp-a)" | tail -n 1)" \
	'10.0.1.100 was removed .* put back \([0-9]+ more since the last such line\)'
ok "... and when it has ended, the address is there" wait_for 15 has a 10.0.1.100
in_ns a sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
refused() { [ "$(vjson a '[0].add_failed')" -ge 2 ]; }
ok "IPv6 is switched off: it is tried again" wait_for 15 refused
like "... status says so" "$(vjson a '[0].add_error')" 'cannot add fd00:1::100 to eth0: '
is "... the log once" "$(grep -c 'cannot add' "$(log_of vrrp-a)")" 1
in_ns a sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
ok "... and on again: the address is there" wait_for 15 has a fd00:1::100
no_error() { [ -z "$(vjson a '[0].add_error')" ]; }
ok "... which ends that" wait_for 15 no_error
in_ns b ip addr add 10.0.1.100/24 dev eth0
sleep 0.2
is "another program adds it to the backup: that is its affair" "$(moves b)" "${before#* }"
in_ns b ip addr del 10.0.1.100/24 dev eth0

# ---- the interface goes away under an active node ----

both_on_new() { is_state a active && has a 10.0.1.100 && has a fd00:1::100 && has_not b 10.0.1.100; }
remake() {
	ip link add eth0 netns "${LAB_PREFIX}a" address 02:00:00:00:02:01 type veth peer name toa netns "${LAB_PREFIX}sw"
	in_ns sw ip link set toa master br0 up
	in_ns a ip link set eth0 up
	in_ns a ip addr add 10.0.1.11/24 dev eth0
}
in_ns a ip link del eth0
ok "the interface is deleted: it waits" wait_for 15 waits "eth0 is missing"
ok "... the other takes over" wait_for 15 is_state b active
remake
ok "a new one of that name: it goes on there" wait_for 15 is_state a active
ok "... with the addresses" has a 10.0.1.100
ok "... which the other does not have" wait_for 15 has_not b 10.0.1.100
ok "... the client finds it" wait_for 15 answers 10.0.1.100
kill -STOP "$(speaker_pid a)"
in_ns a ip link del eth0
remake
kill -CONT "$(speaker_pid a)"
ok "deleted and made while nobody looked: the same" wait_for 15 both_on_new
kill -9 "$(speaker_pid a)"
ok "kill -9 then: the guard says goodbye, on what is there now" wait_log vrrp-a 15 'guard: farewells sent: 2'
unlike "... and on nothing else" "$(cat "$(log_of vrrp-a)")" 'guard: .* failed'
ok "... and it is active again" wait_for 15 is_state a active
in_ns a ip link set eth0 name eth7
ok "it gets another name: missing" wait_for 15 waits "eth0 is missing"
ok "... and the addresses are not left there" wait_for 15 has_not a 10.0.1.100
in_ns a ip link set eth7 name eth0
ok "... the old one: it goes on" wait_for 15 is_state a active
stop vrrp-a TERM
unlike "at the end nothing was left to the guard" "$(cat "$(log_of vrrp-a)")" 'left something behind'
is "... and nothing is left at all" "$(active_nodes 10.0.1.100 a b)" b

# ---- a link that flaps ----

vrrp a
wait_for 15 is_state a active > /dev/null || bail "not active again"
was_a=$(moves a) was_b=$(moves b)
for _ in {1..30}; do
	in_ns sw ip link set toa down
	sleep 0.05
	in_ns sw ip link set toa up
	sleep 0.05
done
n=$(($(moves a) - was_a)) m=$(($(moves b) - was_b))
holds "a link flaps thirty times in 3 s: a few transitions ($n there, $m at the other)" "$n >= 1 && $n <= 12 && $m <= 8"
ok "... one node is active all the same" wait_for 15 is_state b active
is "... the flapping one waits for peace" "$(active_nodes 10.0.1.100 a b)" b

# ---- an address that the kernel refuses ----

stop vrrp-a TERM
stop vrrp-b TERM
six() { # PRIORITY
	echo "vrrp = { instances = ( { name = \"six\"; interface = \"eth0\"; vrid = 61; priority = $1; advert_interval_ms = 100;
		addresses = [ \"fd00:1::100/64\" ]; } ); };"
}
vrrp a "$(six 200)"
vrrp b "$(six 100)"
wait_for 15 is_state a active > /dev/null || bail "not active"
wait_for 15 is_state b backup > /dev/null || bail "not backup"
in_ns b sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
stop vrrp-a TERM
ok "none of its addresses can be added: who took over leaves again" wait_for 15 is_state b fault
like "... and says which, and why" "$(vjson b "[0].cause")" 'cannot add fd00:1::100 to eth0: '
in_ns b sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
ok "... it goes on by itself when that is over" wait_for 15 has b fd00:1::100

done_testing
