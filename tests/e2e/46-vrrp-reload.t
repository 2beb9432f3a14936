#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGHUP: what is the same goes on, what is different changes in place, a transition is made only where one is needed, and
# a config that cannot be taken changes nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan
ip link add eth1 netns "${LAB_PREFIX}a" type veth peer name eth1 netns "${LAB_PREFIX}b" || bail "no second link"
for n in a b; do
	in_ns $n ip addr add "10.0.2.1$([ $n = a ] && echo 1 || echo 2)/24" dev eth1
	in_ns $n ip link set eth1 up
done

A6='"10.0.1.100/24", "fd00:1::100/64"'
inst() { # NAME INTERFACE VRID PRIORITY ADDRESSES [MORE KEYS]
	local interval='advert_interval_ms = 100;'
	[[ ${6-} != *advert_interval_ms* ]] || interval=
	echo "{ name = \"$1\"; interface = \"$2\"; vrid = $3; priority = $4; $interval addresses = [ $5 ]; ${6-} }"
}
conf() { # INSTANCES [MORE]
	echo "vrrp = { instances = ( $1 ); ${2-} };"
}
front() { conf "$(inst front eth0 51 "$1" "${2:-$A6}" "${3-}")"; } # PRIORITY [ADDRESSES] [MORE KEYS]
all_moves() { echo "$(moves a) $(moves b)"; }
settled() { is_state a active && is_state b backup; }
counter() { vjson "$1" "[0].routers[0].counters.$2"; }
loaded() { log_has "vrrp-$1" "config: loaded"; }
reload_refused() { # NAME TEXT REGEX
	vrrp_reload a "$2"
	like "$1" "$(grep 'config: refused' "$(log_of vrrp-a)" | tail -n 1)" "$3"
}
# The longest silence between two adverts of a on the wire since the last `listen`, in ms.
listen() {
	spawn wire client stdbuf -oL tcpdump -n -tt -l -i eth0 'ip proto 112 and src 10.0.1.11'
	wait_log wire 15 'listening on' || bail "no tcpdump"
}
longest_gap() {
	stop wire
	tail -c "+$((${LOG_FROM[wire]} + 1))" "$(log_of wire)" |
		awk '/VRRPv3/ { if (last && $1 - last > gap) gap = $1 - last; last = $1 } END { printf "%d\n", gap * 1000 }'
}

vrrp a "$(front 200)"
vrrp b "$(front 100)"
wait_for 15 settled > /dev/null || bail "no election"
before=$(all_moves)
pinging 10.0.1.100

# ---- nothing new ----

all_announced() { [ "$(counter a announced)" -ge 5 ]; }
wait_for 15 all_announced > /dev/null || bail "the series of announcements does not end"
announced=$(counter a announced)
spawn watch a ip -o monitor address link
listen
vrrp_reload a "$(front 200)"
ok "the same config is loaded" loaded a
vrrp_reload b "$(front 100)"
kill -HUP "$(pid_of vrrp-a)" "$(pid_of vrrp-a)"
sleep 0.5
gap=$(longest_gap)
holds "... adverts go on as before (longest gap $gap ms)" "$gap <= 190"
is "... nothing is announced" "$(counter a announced)" "$announced"
stop watch
is "... no address is touched" "$(cat "$(log_of watch)")" ""
is "... nobody moved" "$(all_moves)" "$before"

# ---- addresses ----

more='"10.0.1.100/24", "10.0.1.101/24", "fd00:1::100/64", "fd00:1::101/64"'
vrrp_reload a "$(front 200 "$more")"
ok "more addresses on the active node: they are there" has a 10.0.1.101
ok "... IPv6 too" has a fd00:1::101
ok "... they answer" wait_for 15 answers 10.0.1.101
holds "... they were announced" "$(counter a announced) > $announced"
sleep 0.4
is "... the other, which does not list them yet, is no second active node" "$(all_moves)" "$before"
is "... but says so" "$(vjson b '[0].routers[0].heard.addresses_differ')" true
vrrp_reload b "$(front 100 "$more")"
is "... the backup gets them too: it has none of them" "$(active_nodes 10.0.1.101 a b) $(active_nodes 10.0.1.100 a b)" "a a"
agrees() { [ "$(vjson b '[0].routers[0].heard.addresses_differ')" = false ]; }
ok "... and agrees again" wait_for 15 agrees
vrrp_reload b "$(front 100)"
vrrp_reload a "$(front 200)"
ok "fewer addresses: those that are out are gone" has_not a 10.0.1.101
ok "... of IPv6 too" has_not a fd00:1::101
ok "... the others stay" has a 10.0.1.100
vrrp_reload a "$(front 200 '"10.0.1.100/32", "fd00:1::100/64"')"
is "another prefix: the address has that one" "$(in_ns a ip -br addr show eth0 | grep -c '10.0.1.100/32')" 1
vrrp_reload a "$(front 200)"
sleep 0.4
is "... nobody moved through all that" "$(all_moves)" "$before"
# A prefix that changes takes the address away for a moment.
n=$(pings_lost)
holds "... and the client lost next to nothing ($n)" "$n <= 2"

# ---- intervals, priorities ----

pinging 10.0.1.100
vrrp_reload a "$(front 200 "$A6" 'advert_interval_ms = 500;')"
sleep 1.2
is "a longer interval, on the active node first: the backup follows" "$(all_moves) $(vjson b '[0].timers.active_interval_ms' | cut -d. -f1)" "$before 500"
vrrp_reload b "$(front 100 "$A6" 'advert_interval_ms = 500;')"
vrrp_reload b "$(front 100 "$A6" 'advert_interval_ms = 50;')"
vrrp_reload a "$(front 200 "$A6" 'advert_interval_ms = 50;')"
follows() { [ "$(vjson b '[0].timers.active_interval_ms' | cut -d. -f1)" = "$1" ]; }
ok "a shorter one, on the backup first" wait_for 15 follows 50
vrrp_reload a "$(front 110)"
vrrp_reload b "$(front 109)"
ok "priorities change" wait_for 15 follows 100
vrrp_reload a "$(front 250 "$A6" 'preempt = false; announce = { count = 2; };')"
vrrp_reload b "$(front 109 "$A6" 'preempt_delay_ms = 60000;')"
sleep 0.4
is "... nobody moved through all that" "$(all_moves)" "$before"

# ---- what is tracked ----

echo 0 > "$TMP/lower"
vrrp_reload a "$(front 250 "$A6" "track = ( { file = \"$TMP/lower\"; weight = -1; } );")"
is "something to track is added" "$(vjson a '[0].priority.tracks[0].kind') $(vjson a '[0].priority.effective')" "file 250"
echo 10 > "$TMP/lower"
effective() { [ "$(vjson a '[0].priority.effective')" = "$1" ]; }
ok "... it works" wait_for 15 effective 240
vrrp_reload a "$(front 250)"
is "... and is removed: so is what it did" "$(vjson a '[0].priority.effective') $(vjson a '[0].priority.tracks')" "250 []"
echo 20 > "$TMP/lower"
sleep 0.3
is "... nobody moved" "$(all_moves) $(vjson a '[0].priority.effective')" "$before 250"

# ---- instances ----

two="$(inst front eth0 51 250 "$A6"), $(inst extra eth0 52 250 '"10.0.1.110/24"')"
vrrp_reload a "$(conf "$two")"
vrrp_reload b "$(conf "${two//250/100}")"
ok "an instance is added: it is active" wait_for 15 is_state a active 1
ok "... with its address" has a 10.0.1.110
ok "... and a backup there" wait_for 15 is_state b backup 1
vrrp_reload a "$(front 250)"
ok "it is removed: its address goes at once" has_not a 10.0.1.110
ok "... the other has it" wait_for 15 is_state b active 1
vrrp_reload b "$(front 100)"
ok "... until it is removed there" has_not b 10.0.1.110
is "... the first one did not move" "$(all_moves)" "$before"
n=$(pings_lost)
holds "... and all that cost the client next to nothing ($n)" "$n <= 1"
vrrp_reload a "$(conf '')"
ok "the last one is removed: the other node takes over" wait_for 15 is_state b active
ok "... the address is gone here" has_not a 10.0.1.100
vrrp_reload a "$(front 250)"
ok "... and is back" wait_for 15 settled

# ---- what needs a transition gets one, and one only ----

vrrp_reload a "$(conf "$(inst front eth0 51 250 "$A6"), $(inst back eth1 52 250 '"10.0.2.100/24"')")"
ok "two single instances" wait_for 15 is_state a active 1
edge='groups = ( { name = "edge"; members = [ "front", "back" ]; } );'
vrrp_reload a "$(conf "$(inst front eth0 51 250 "$A6"), $(inst back eth1 52 250 '"10.0.2.100/24"')" "$edge")"
ok "... become a group: it is active" wait_for 15 is_state a active 1
is "... both are in it" "$(vjson a '[0].group') $(vjson a '[1].group')" "edge edge"
ok "... with all addresses" has a 10.0.2.100
ok "... on one node" wait_for 15 has_not b 10.0.1.100
vrrp_reload a "$(front 250)"
ok "... and go apart again" wait_for 15 settled
ok "... what is out is gone" has_not a 10.0.2.100
vrrp_reload a "$(conf "$(inst front eth1 51 250 "$A6")")"
ok "another interface: the addresses are there" wait_for 15 has a 10.0.1.100 eth1
ok "... and not where they were" has_not a 10.0.1.100 eth0
ok "... where the other node serves" wait_for 15 has b 10.0.1.100 eth0
vrrp_reload a "$(front 250)"
ok "... and back" wait_for 15 settled
ok "... on one interface" has_not a 10.0.1.100 eth1
vrrp_reload a "$(conf "$(inst front eth0 61 250 "$A6")")"
vrrp_reload b "$(conf "$(inst front eth0 61 100 "$A6")")"
ok "another number on both: one is active" wait_for 15 settled
vrrp_reload a "$(front 250 "$A6" 'virtual_mac = true;')"
vrrp_reload b "$(front 100)"
ok "another MAC: one is active" wait_for 15 settled
is "... with it" "$(vjson a '[0].routers[0].mac')" 00:00:5e:00:01:33
vrrp_reload a "$(front 250)"
ok "... and back" wait_for 15 settled
is "... no link is left of it" "$(in_ns a ip -br link show type macvlan)" ""

# ---- peers ----

# Another program removes it, and it is put back, or not yet (ip's flush would do it ten times over): it goes all the same.
in_ns a ip addr del fd00:1::100/64 dev eth0
peers() { front "$1" '"10.0.1.100/24"' "${2:+peers = [ \"$2\" ];}"; }
vrrp_reload a "$(peers 250)"
vrrp_reload b "$(peers 100)"
sleep 0.4
ok "one family fewer: one is active" settled
ok "... and that family's address is gone" has_not a fd00:1::100
before=$(all_moves)
vrrp_reload a "$(peers 250 10.0.1.12)"
vrrp_reload b "$(peers 100 10.0.1.11)"
sleep 0.5
is "peers instead of multicast: a backup that was not reloaded yet may think that it is alone, then one is active" \
	"$(vjson a '[0].state') $(wait_for 15 settled > /dev/null && echo settled)" "active settled"
before=$(all_moves)
vrrp_reload b "$(front 100 '"10.0.1.100/24"' 'peers = [ "10.0.1.11", "10.0.1.13" ];')"
vrrp_reload a "$(front 250 '"10.0.1.100/24"' 'peers = [ "10.0.1.12", "10.0.1.13" ];')"
sleep 0.4
is "one peer more: nobody moved" "$(all_moves)" "$before"

# ---- what is refused ----

listen
reload_refused "a syntax error is refused" 'vrrp = { instances = ( { name = ' 'the running config stays'
reload_refused "a value out of range" "$(front 300)" 'priority.*the running config stays'
reload_refused "an interface twice with one number" \
	"$(conf "$(inst x eth0 51 100 '"10.0.1.100/24"'), $(inst y eth0 51 100 '"10.0.1.101/24"')")" 'the running config stays'
reload_refused "a pool that the file does not have, which would be a fault for ever" \
	"$(front 250 "$A6" 'track = ( { pool = "vk"; } );') pools = ( { name = \"kv\"; backends = (); } );" "did you mean 'kv'.*the running config stays"
reload_refused "no vrrp section" 'dataplane = { interfaces = [ "eth0" ]; };' 'the config has no vrrp section; the running config stays'
rm "$TMP/a.conf"
kill -HUP "$(pid_of vrrp-a)"
six_refused() { [ "$(grep -c 'config: refused' "$(log_of vrrp-a)")" = 6 ]; }
ok "no file" wait_for 15 six_refused
printf '%s\n' "$(front 300)" > "$TMP/a.conf"
not_ok "tandemctl reload fails then" vctl a reload
gap=$(longest_gap)
is "... nobody moved" "$(all_moves)" "$before"
is "... and what was goes on" "$(vjson a '[0].priority.base') $(vjson a '[0].vrid')" "250 51"
ok "... with its address" has a 10.0.1.100
holds "... the loop was never held up (longest gap of adverts $gap ms)" "$gap <= 250"
stop vrrp-a TERM
unlike "at the end nothing was left to the guard" "$(cat "$(log_of vrrp-a)")" 'left something behind'

done_testing
