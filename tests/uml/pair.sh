# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Speakers of the lab `pair`; sourced after lib.sh and vrrp.sh. The shared addresses are a group of two instances, one on
# the clients' side and one on the backends' side, of which lba has the higher priority.
#
#   pair [up's arguments]     the lab, and the client's routes to the backends, which lead over the shared addresses
#   edge PRIORITY [KEYS]      the config; KEYS are for both instances
#   start_edge [KEYS]         both speakers; returns when the election is over
#   whole NODE   empty NODE   has it all, none of the addresses?
#   only NODE                 whole there, and the other one is empty
#   switch_port SWITCH PORT up|down   a link's end on the switch's side; the node's end loses its carrier
#   bond_links NODE BOND N    are N of its links usable?, for wait_for
#   active_link NODE BOND     of active-backup
#   mac NODE INTERFACE        knows NODE ADDRESS: the MAC that NODE's neighbour table has for it
#   mac_moved_to NODE         the client and the backend know that one's MACs
#   through [ADDRESS]         the client reaches a backend: by 10.0.1.100 there, by 10.0.2.1 back
#   all_moves                 the transitions of both since the start
#   ping_all   lost_at_most N NAME   the client pings 10.0.1.100, and a backend over both families, every 20 ms (the other
#                             kernel is no faster, so 18 of them are a down interval); a check of how many are lost
#   listen                    the client's tcpdump of who announces what
#   announced_by MAC [MAC6]   10.0.1.100 and fd00:1::100 were since, for wait_for
#
#   election NAME             checks: who has what, and all of it serves
#   pull_and_plug NAME SWITCH SWITCH   checks: lba's bond0, which ends there, loses one link, the other one too, and gets both back
#   another_link NAME FROM TO MAC [MAC6]   checks: no link is lost, but another one of lba's bond0 carries, which is announced
#   fail_over_mac             lba's bond0 has the MAC of the link that carries; it loses its carrier for a moment

CLIENT=c1
FRONT=bond0 BACK=bond1

pair() {
	local arguments=" $* "
	LAB_MADE=1
	lab up pair --backends 1 "$@" || bail "the lab did not come up"
	FRONT=bond0 BACK=bond1
	if [[ $arguments == *" --vlan "* ]]; then
		arguments=${arguments#* --vlan }
		FRONT+=.${arguments%% *} BACK+=.${arguments%% *}
	fi
	in_ns c1 ip route add 10.0.2.0/24 via 10.0.1.100
	in_ns c1 ip route add fd00:2::/64 via fd00:1::100
}

edge() {
	local keys="priority = $1; advert_interval_ms = 100; ${2-}"
	echo "vrrp = { instances = (
		{ name = \"front\"; interface = \"$FRONT\"; vrid = 51; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; $keys },
		{ name = \"back\"; interface = \"$BACK\"; vrid = 52; addresses = [ \"10.0.2.1/24\", \"fd00:2::1/64\" ]; $keys } );
		groups = ( { name = \"edge\"; members = [ \"front\", \"back\" ]; } ); };"
}
start_edge() {
	vrrp lba "$(edge 200 "${1-}")"
	vrrp lbb "$(edge 100 "${1-}")"
	wait_for 15 only lba > /dev/null
}

# The macvlan of a virtual MAC counts as its interface.
whole() { [ "$(addresses "$1")" = "10.0.1.100/24 10.0.2.1/24 fd00:1::100/64 fd00:2::1/64" ] || { addresses "$1"; return 1; }; }
empty() { [ -z "$(addresses "$1")" ] || { addresses "$1"; return 1; }; }
addresses() {
	in_ns "$1" ip -br addr show | grep -o -w -e 10.0.1.100/24 -e 10.0.2.1/24 -e fd00:1::100/64 -e fd00:2::1/64 | sort | paste -sd' '
}
only() { whole "$1" && if [ "$1" = lba ]; then empty lbb; else empty lba; fi; }

switch_port() { in_ns "$1" ip link set "$2" "$3"; }
bond_links() {
	local n
	n=$(in_ns "$1" grep -A 1 '^Slave Interface' "/proc/net/bonding/$2" | grep -c 'MII Status: up')
	[ "$n" = "$3" ] || { echo "$1: $n links of $2 are usable"; return 1; }
}
active_link() { in_ns "$1" sed -n 's/^Currently Active Slave: //p' "/proc/net/bonding/$2"; }
mac() { in_ns "$1" ip -br link show "$2" | awk '{ print $3 }'; }
knows() { in_ns "$1" ip neigh show "$2" | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p'; }
mac_moved_to() { [ "$(knows c1 10.0.1.100) $(knows b1 10.0.2.1)" = "$(mac "$1" $FRONT) $(mac "$1" $BACK)" ]; }
through() { in_ns c1 ping -q -n -c 2 -i 0.01 -w 1 "${1-10.0.2.11}"; }
all_moves() { echo "$(moves lba) $(moves lbb)"; }

PATHS="10.0.1.100 10.0.2.11 fd00:2::11"
ping_all() {
	local a
	for a in $PATHS; do pinging "$a" "$a" 0.02; done
}
lost_at_most() {
	local a lost all=
	for a in $PATHS; do
		lost=$(pings_lost "$a")
		all+=" $lost"
	done
	holds "$2 (lost:$all)" "$(printf ' && %s <= '"$1" $all | cut -c 5-)"
	for a in $PATHS; do wait_exit "ping-$a" 1; done
}

listen() {
	spawn announcements c1 tcpdump -p -l -n -e -i eth0 'arp or (icmp6 and ip6[40] == 136)'
	wait_log announcements 15 'listening on' || bail "tcpdump does not start"
}
announced_by() {
	tail -c "+$((${LOG_FROM[announcements]} + 1))" "$(log_of announcements)" | awk -v mac="$1" -v mac6="${2-$1}" '
		index($0, mac " > ") && / who-has 10.0.1.100 .*tell 10.0.1.100,/ { arp++ }
		index($0, mac6 " > ") && /neighbor advertisement, .*fd00:1::100/ { na++ }
		END { print arp + 0 " of IPv4, " na + 0 " of IPv6"; exit !(arp && na) }'
}

election() {
	ok "$1: one node has all the addresses, the other none" only lba
	is "... one of them says so" "$(vjson lba '[0].state') $(vjson lbb '[1].state')" "active backup"
	ok "... a client reaches a backend through the pair" through
	ok "... over IPv6" through fd00:2::11
	is "... by the MAC of its bond" "$(knows c1 10.0.1.100) $(knows b1 10.0.2.1)" "$(mac lba $FRONT) $(mac lba $BACK)"
}

pull_and_plug() {
	local before
	before=$(all_moves)
	ping_all
	switch_port "$2" lba1 down
	wait_for 15 bond_links lba bond0 1 > /dev/null
	sleep 0.4
	lost_at_most 5 "$1, one link is pulled: at most 5 pings are lost"
	is "... nobody moved" "$(all_moves)" "$before"

	ping_all
	switch_port "$3" lba2 down
	ok "... both are: all the addresses move" wait_for 15 only lbb
	is "... the node says why" "$(vjson lba '[1].state') $(vjson lba '[1].cause')" "waiting front: $FRONT has no carrier"
	like "... the other one heard it over the other bond" "$(vjson lbb '[0].cause')" 'the active node left .*10.0.2.2'
	ok "... the client has the new MAC" wait_for 15 mac_moved_to lbb
	lost_at_most 15 "... at most 15 pings are lost, fewer than in a down interval"

	ping_all
	switch_port "$2" lba1 up
	switch_port "$3" lba2 up
	ok "... plugged in again: they move back" wait_for 15 only lba
	ok "... the client has the old MAC" wait_for 15 mac_moved_to lba
	sleep 0.3
	lost_at_most 3 "... at most 3 pings are lost"
}

# The kernel's own announcements are off: these are the speaker's.
active_is() { [ "$(active_link lba bond0)" = "$1" ]; }
choose() { in_ns lba ip link set bond0 type bond active_slave "$1" && wait_for 15 active_is "$1" > /dev/null; }
another_link() {
	local before
	in_ns lba ip link set bond0 type bond num_grat_arp 0
	choose "$2"
	before=$(all_moves)
	ping_all
	listen
	choose "$3"
	ok "$1: announced by $4" wait_for 15 announced_by "${@:4}"
	is "... nobody moved" "$(all_moves)" "$before"
	is "... the client has that MAC" "$(knows c1 10.0.1.100)" "$4"
	lost_at_most 3 "... at most 3 pings are lost"
	stop announcements
}
fail_over_mac() {
	printf 'link set %s\n' 'front1 nomaster' 'front2 nomaster' 'bond0 type bond fail_over_mac active' \
		'front1 master bond0' 'front2 master bond0' 'front1 up' 'front2 up' | in_ns lba ip -batch -
}
