#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A group of two instances on two links: one state, whatever happens to one of them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan
ip link add eth1 netns "${LAB_PREFIX}a" type veth peer name eth1 netns "${LAB_PREFIX}b" || bail "no second link"
for n in a b; do
	in_ns $n ip addr add "10.0.2.1$([ $n = a ] && echo 1 || echo 2)/24" dev eth1
	in_ns $n ip link set eth1 up
done

both() { # PRIORITY [MORE KEYS of both]
	echo "vrrp = { instances = (
		{ name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1; advert_interval_ms = 100;
		  addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; ${2-} },
		{ name = \"back\"; interface = \"eth1\"; vrid = 52; priority = $1; advert_interval_ms = 100;
		  addresses = [ \"10.0.2.100/24\" ]; ${2-} } );
		groups = ( { name = \"edge\"; members = [ \"front\", \"back\" ]; } ); };"
}
whole() { has "$1" 10.0.1.100 eth0 && has "$1" fd00:1::100 eth0 && has "$1" 10.0.2.100 eth1; }
empty() { has_not "$1" 10.0.1.100 && has_not "$1" fd00:1::100 && has_not "$1" 10.0.2.100; }
states() { echo "$(vjson "$1" '[0].state') $(vjson "$1" '[1].state')"; }
states_are() { [ "$(states "$1")" = "$2" ]; }
# Nobody is ever seen with a part only (but for the moment in which the addresses come or go).
splits() {
	local n part=0 was=
	for n in a b; do
		whole $n || empty $n || { sleep 0.2; whole $n || empty $n || part=1; }
	done
	echo $part
}

vrrp a "$(both 200)"
vrrp b "$(both 100)"
ok "the group is active on one node" wait_for 15 states_are a "active active"
ok "... and a backup on the other" wait_for 15 states_are b "backup backup"
ok "... with the addresses of all its members" whole a
ok "... and none on the other" empty b
is "its members say which group" "$(vjson a '[0].group') $(vjson a '[1].group')" "edge edge"

like "failover of the group" "$(vctl a failover edge)" 'edge: handed over, .* is active after'
ok "... all of it is there" whole b
ok "... nothing is left here" empty a
like "failover of a member takes the group along" "$(vctl b failover back)" 'edge \(with back\): handed over'
ok "... all of it is back" whole a
is "... nothing is split" "$(splits)" 0
like "failover on the backup takes the group" "$(vctl b failover edge)" 'edge: this node is active'
ok "... all of it" wait_for 15 whole b
ok "... nothing stays" wait_for 15 empty a
vctl b failover edge > "$TMP/back"
ok "... and it is given back" wait_for 15 whole a

before="$(moves a) $(moves b)"
in_ns sw ip link set toa down
ok "one link of the active node fails: the group moves" wait_for 15 states_are b "active active"
like "... its node says why" "$(states a) $(vjson a '[1].cause')" 'waiting waiting front: eth0 has no carrier'
ok "... all of it there" whole b
ok "... none here" wait_for 15 empty a
in_ns sw ip link set toa up
ok "the link is back: so is the group" wait_for 15 states_are a "active active"
ok "... all of it" wait_for 15 whole a
ok "... nothing stays" wait_for 15 empty b

in_ns a ip link set eth1 down
ok "the other link of the active node goes down: the group moves" wait_for 15 states_are b "waiting waiting"
like "... but here the peer lost its carrier with it" "$(vjson b '[0].cause')" 'back: eth1 has no carrier'
ok "... nobody has a part of it" wait_for 15 empty a
is "... nor there" "$(active_nodes 10.0.1.100 a b)" ""
in_ns a ip link set eth1 up
ok "up again: the group is active" wait_for 15 states_are a "active active"

# One family, one link is enough to hold a backup: a group holds while one path brings news.
before=$(moves b)
in_ns b nft 'add table netdev deaf; add chain netdev deaf in { type filter hook ingress device eth1 priority 0; policy drop; }'
sleep 0.8
is "one path is silent: the other holds the backup" "$(states b) $(moves b)" "backup backup $before"
part a
ok "... both are: it takes over" wait_for 15 states_are b "active active"
heal
in_ns b nft delete table netdev deaf
ok "... both are back: one is active" wait_for 15 states_are b "backup backup"
ok "... with all of it" whole a
ok "... and the other has nothing" wait_for 15 empty b

stop vrrp-a TERM
ok "SIGTERM hands the whole group over" wait_for 15 whole b
ok "... nothing stays" empty a

done_testing
