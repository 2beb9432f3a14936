#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tandem-vrrp with itself, two and three nodes: who is elected, how the addresses move, and what a client sees of it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

front() { # PRIORITY [MORE KEYS]: both families, ten adverts a second
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = 100; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; ${2-} } ); };"
}
end() { local node; for node; do stop "vrrp-$node" TERM; done; }
silence() { part "$1"; } # nobody is told
both_families() { has "$1" 10.0.1.100 && has "$1" fd00:1::100; }
neither() { has_not "$1" 10.0.1.100 && has_not "$1" fd00:1::100; }
own_mac() { in_ns "$1" ip -br link show eth0 | awk '{ print $3 }'; }
heard_priority() { [ "$(vjson "$1" "[0].routers[0].heard.priority")" = "$2" ]; }

# ---- election ----

vrrp c "$(front 100)"
vrrp b "$(front 150)"
vrrp a "$(front 200)"
ok "of three the highest is active" wait_for 15 is_state a active
ok "... the second is a backup" wait_for 15 is_state b backup
ok "... and so is the third" wait_for 15 is_state c backup
ok "... both families are on the active node" both_families a
is "... and on that one alone" "$(active_nodes 10.0.1.100 a b c)$(active_nodes fd00:1::100 a b c)" aa
ok "... a client's ping is answered" answers 10.0.1.100
ok "... over IPv6 too" answers fd00:1::100
is "... by its MAC" "$(mac_of 10.0.1.100)" "$(own_mac a)"
like "who gave way names who it was" "$(vjson b '[0].cause')" 'higher priority.*priority 200'
is "all know who it is" "$(vjson b '[0].active') $(vjson c '[0].active')" "10.0.1.11 10.0.1.11"

# ---- silent loss ----

before=$(moves c)
silence a
ok "silence: the second takes over" wait_for 15 is_state b active
like "... and says why" "$(vjson b '[0].cause')" 'no advert for the down interval.*10.0.1.11'
ok "... with both families" both_families b
ok "... and the client finds it" wait_for 15 answers 10.0.1.100
ok "... over IPv6 too" wait_for 15 answers fd00:1::100
is "... the third stayed what it was" "$(is_state c backup > /dev/null && moves c)" "$before"
is "... cut off, the first goes on: it cannot know" "$(vjson a '[0].state')" active
heal
ok "healed: the first goes on" wait_for 15 is_state b backup
is "... and it alone" "$(vjson a '[0].state') $(active_nodes 10.0.1.100 a b c)" "active a"
ok "... the client has the winner's MAC" wait_for 15 [ "$(own_mac a)" = "$(mac_of 10.0.1.100)" ]
end a b c

# ---- handover ----

vrrp a "$(front 200)"
vrrp b "$(front 100)"
wait_for 15 is_state a active > /dev/null && wait_for 15 is_state b backup > /dev/null || bail "no election"
pinging 10.0.1.100 4
pinging fd00:1::100 6
like "failover: handed over" "$(vctl a failover front)" 'handed over, 10.0.1.12 is active after'
ok "... the other is active" is_state b active
ok "... this one a backup" is_state a backup
ok "... without the addresses" neither a
is "... and does not take it back by itself" "$(vjson a '[0].priority.held')" true
like "failover there: back again" "$(vctl b failover front)" 'handed over, 10.0.1.11 is active after'
ok "... active here" is_state a active
is "... and it is as it was before" "$(vjson a '[0].priority.held') $(vjson b '[0].priority.held')" "false false"
# From the taker's first advert to its announcement takes a sanitized program on a busy machine a moment.
n=$(pings_lost 4) m=$(pings_lost 6)
holds "... two handovers cost the client no ping, or one ($n, $m over IPv6)" "$n + $m <= 1"
pinging 10.0.1.100 4
pinging fd00:1::100 6
like "failover on the backup takes it" "$(vctl b failover front)" 'front: this node is active'
ok "... active there, although its priority is lower" wait_for 15 is_state a backup
is "... with 254 in its adverts" "$(vjson b '[0].priority.sent') $(vjson b '[0].priority.forced')" "254 true"
vctl b failover front > "$TMP/back"
ok "... and is given back" wait_for 15 is_state a active
n=$(pings_lost 4) m=$(pings_lost 6)
holds "... that cost the client next to nothing ($n, $m over IPv6)" "$n <= 1 && $m <= 1"

# ---- the end of a program is a handover too ----

pinging 10.0.1.100
end a
ok "SIGTERM: the other is active" is_state b active
n=$(pings_lost)
holds "... and no ping was lost, or one ($n)" "$n <= 1"
is "... one node has the addresses" "$(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" "b b"

# ---- preemption ----

pinging 10.0.1.100
vrrp a
ok "who comes back with the higher priority is active again" wait_for 15 is_state a active
like "... because" "$(vjson a '[0].cause')" 'only lower priorities were heard.*10.0.1.12, priority 100'
ok "... the other gives way" wait_for 15 is_state b backup
n=$(pings_lost)
holds "... at the cost of at most a ping" "$n <= 1"
end a
wait_for 15 is_state b active > /dev/null

vrrp a "$(front 200 'preempt = false;')"
before=$(moves b)
ok "preempt = false: it is a backup" wait_for 15 is_state a backup
sleep 0.8 # two down intervals
is "... and stays it" "$(vjson a '[0].state') $(vjson b '[0].state') $(moves b)" "backup active $before"
silence b
ok "... until nobody is heard" wait_for 15 is_state a active
heal
ok "... of the two the higher goes on" wait_for 15 is_state b backup
end a
wait_for 15 is_state b active > /dev/null

vrrp a "$(front 200 'preempt_delay_ms = 1200;')"
began=$(now_ms)
ok "preempt_delay: it takes over" wait_for 15 is_state a active
took=$(($(now_ms) - began))
holds "... after the delay ($took ms)" "$took >= 1000 && $took < 3000"
end a b

# ---- equal priority ----

spawn_two() { # both at once
	local node
	for node in a b; do front 100 > "$TMP/$node.conf"; done
	for node in a b; do
		spawn "vrrp-$node" "$node" "$TANDEM_BIN/tandem-vrrp" -c "$TMP/$node.conf" -r "$(RUN_OF $node)"
	done
	for node in a b; do wait_for 15 vrrp_answers $node > /dev/null || bail "no answer from $node"; done
}
one_active() { [ "$(vjson a '[0].state') $(vjson b '[0].state')" = "$1" ]; }
settled() { one_active "active backup" || one_active "backup active"; }
spawn_two
ok "equal priorities, started at once: one is active" wait_for 15 settled
sleep 0.7
ok "... and stays so" settled
holds "... no more than the start, one takeover and a correction" "$(moves a) <= 3 && $(moves b) <= 3"
silence a
wait_for 15 is_state b active > /dev/null
ok "parted, both are active" wait_for 15 one_active "active active"
heal
ok "healed: the greater address wins" wait_for 15 one_active "backup active"
like "... and the other says why" "$(vjson a '[0].cause')" 'equal priority with a greater address.*10.0.1.12'
end a b

# ---- priority changes without a flap ----

vrrp a "$(front 200)"
vrrp b "$(front 100)"
wait_for 15 is_state a active > /dev/null
before="$(moves a) $(moves b)"
vrrp_reload a "$(front 120)"
vrrp_reload b "$(front 119)"
is "priorities change: they are in the adverts" "$(wait_for 15 heard_priority b 120 && echo yes)" yes
vrrp_reload b "$(front 150 'preempt = false;')"
sleep 0.5
is "... and nobody moved" "$(moves a) $(moves b)" "$before"
end a b

# ---- the owner ----

in_ns a ip addr add 10.0.1.100/24 dev eth0
owner() { front 255 | sed 's|, "fd00:1::100/64"||'; }
spawn watch a ip -o monitor address dev eth0
vrrp b "$(front 100 | sed 's|, "fd00:1::100/64"||')"
vrrp a "$(owner)"
ok "the owner is active at once" wait_for 2 is_state a active
ok "... and the other a backup" wait_for 15 is_state b backup
like "... because" "$(vjson a '[0].cause')" 'owner'
stop vrrp-a TERM
ok "... its end: the other takes over" wait_for 15 is_state b active
vrrp a
ok "... it comes back: active at once" wait_for 2 is_state a active
ok "... the other gives way" wait_for 15 is_state b backup
ok "... its own address is where it was" has a 10.0.1.100
stop watch
is "... and was never touched" "$(grep -c 10.0.1.100 "$(log_of watch)")" 0
is "... one active node for all" "$(active_nodes 10.0.1.100 a b)" a

done_testing
