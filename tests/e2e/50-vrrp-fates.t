#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What other speakers have suffered and the tests before this one do not show: after a split brain nobody finds the winner,
# a node that comes back is active beside the other, a backup answers ARP after its link flapped. Which test shows which of
# these fates stands in docs/TESTING.md.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

front() { # PRIORITY [KEYS]
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = 100; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; ${2-} } ); };"
}
own_mac() { in_ns "$1" ip -br link show eth0 | awk '{ print $3 }'; }
states() { echo "$(vjson a '[0].state') $(vjson b '[0].state')"; }
states_are() { [ "$(states)" = "$1" ]; }
one_has_it() { [ "$(active_nodes 10.0.1.100 a b)$(active_nodes fd00:1::100 a b)" = "$1$1" ]; }
settled() { states_are "$1" && one_has_it "$2"; } # STATES NODE
pin() { # NODE: the client has just heard that this one has the addresses
	in_ns client ip neigh replace 10.0.1.100 lladdr "$(own_mac "$1")" dev eth0 nud reachable
	in_ns client ip neigh replace fd00:1::100 lladdr "$(own_mac "$1")" dev eth0 nud reachable
}
reached() { answers 10.0.1.100 && answers fd00:1::100; }
reached_at() { # NODE: the loser may answer for a moment still
	[ "$(mac_of 10.0.1.100) $(mac_of fd00:1::100)" = "$(own_mac "$1") $(own_mac "$1")" ] && has_not "$loser" 10.0.1.100 && reached
}
# Who says that the address is his, in ARP answers, neighbour advertisements and announcements.
listen() {
	spawn said client tcpdump -p -l -n -e -i eth0 -Q in '(arp and ether[20:2] = 2) or (ip6 and icmp6 and ip6[40] = 136)'
	wait_log said 15 'listening on' || bail "tcpdump does not start"
}
claimants() { # the MACs, since listen
	tail -c "+$((${LOG_FROM[said]} + 1))" "$(log_of said)" | grep -e '10.0.1.100 is-at' -e 'tgt is fd00:1::100' |
		awk '{ print $2 }' | sort -u | paste -sd' '
}
ask_everybody() { # without belief in what is known
	local i
	for i in 1 2 3; do
		in_ns client ip neigh flush all
		reached
	done
}

# ---- after a split brain the winner is found [keepalived 20, 166, 542, 1528] ----

for loser in b a; do
	# Whose priority is higher wins, whoever the client believed before.
	if [ $loser = b ]; then pa=200 pb=100 winner=a want="active backup"; else pa=100 pb=200 winner=b want="backup active"; fi
	vrrp a "$(front $pa)"
	vrrp b "$(front $pb)"
	ok "$winner is active" wait_for 15 settled "$want" $winner
	part $winner
	ok "cut off from the rest: both are" wait_for 15 states_are "active active"
	ok "... the client reaches $loser" wait_for 15 reached
	pin $loser
	began=$(now_ms)
	heal
	ok "healed: the client reaches $winner" wait_for 15 reached_at $winner
	took=$(($(now_ms) - began))
	holds "... within an advert interval and a second ($took ms)" "$took <= 1100"
	ok "... which is active alone" wait_for 15 settled "$want" $winner
	# Half a partition: one direction is lost.
	in_ns sw nft "add table bridge parted; add chain bridge parted frames { type filter hook forward priority 0; };
		add rule bridge parted frames iifname to$winner oifname to$loser drop"
	ok "only what $winner sends to $loser is lost: both are active" wait_for 15 states_are "active active"
	ok "... of which the log tells" wait_log vrrp-$winner 15 "advertises as well: two nodes are active"
	pin $loser
	began=$(now_ms)
	heal
	ok "healed: the client reaches $winner" wait_for 15 reached_at $winner
	took=$(($(now_ms) - began))
	holds "... within an advert interval and a second ($took ms)" "$took <= 1100"
	ok "... which is active alone" wait_for 15 settled "$want" $winner
	stop vrrp-$loser TERM
	stop vrrp-$winner TERM
done

# ---- a node that comes back is not active beside the other [keepalived 2649, 2387, 2370] ----

dies() { # as in a power cut: no farewell, no memory, and no link
	in_ns sw ip link set toa down
	kill -STOP "$(pid_of vrrp-a)"
	kill -KILL "$(speaker_pid a)" "$(pid_of vrrp-a)"
	wait_exit vrrp-a 15
	rm -rf "$(RUN_OF a)"
	in_ns a ip addr flush dev eth0 scope global
}
addresses_back() { in_ns a ip addr add 10.0.1.11/24 dev eth0; in_ns a ip addr add fd00:1::11/64 dev eth0 nodad; }
link_back() { in_ns sw ip link set toa up; }
while IFS='|' read -r keys order want there; do
	vrrp a "$(front 200 "$keys")"
	wait_for 15 is_state a active > /dev/null
	vrrp b "$(front 100 "$keys")"
	dies
	ok "${keys:-by default:} a node dies, the other takes over" wait_for 15 is_state b active
	for what in $order; do
		case $what in
		speaker) vrrp a ;;
		addresses) addresses_back ;;
		link) link_back ;;
		esac
	done
	ok "... comes back, $order: one is active" wait_for 15 settled "$want" "$there"
	sleep 0.4 # a down interval
	is "... and no other" "$(states)" "$want"
	ok "... the client reaches it" wait_for 15 reached
	stop vrrp-b TERM
	stop vrrp-a TERM
done <<- 'END'
	|speaker link addresses|active backup|a
	|link addresses speaker|active backup|a
	preempt = false;|link addresses speaker|backup active|b
	preempt = false;|addresses speaker link|backup active|b
	virtual_mac = true;|addresses speaker link|active backup|a
END

# ---- a backup does not answer for the addresses, also after its link flapped [FRR 16995, 16696] ----

for keys in "preempt = false;" "preempt = false; virtual_mac = true;"; do
	vrrp a "$(front 200 "$keys")"
	wait_for 15 is_state a active > /dev/null
	vrrp b "$(front 100 "$keys")"
	wait_for 15 is_state b backup > /dev/null
	mac=$(vjson a '[0].routers[0].mac') mac6=$(vjson a '[0].routers[1].mac')
	answered="$(printf '%s\n' "$mac" "$mac6" | sort -u | paste -sd' ')"
	listen
	for how in "sw tob" "b eth0"; do
		in_ns ${how% *} ip link set ${how#* } down
		sleep 0.1
		in_ns ${how% *} ip link set ${how#* } up
		ask_everybody
		ok "$keys the backup's link flaps (${how#* }): it is a backup again" wait_for 15 is_state b backup
		ask_everybody
	done
	is "... one answered, the active node" "$(claimants)" "$answered"
	is "... which nobody else is" "$(states) $(active_nodes 10.0.1.100 a b) $(active_nodes fd00:1::100 a b)" "active backup a a"
	in_ns sw ip link set toa down
	ok "... the active node's link fails: the other takes over" wait_for 15 is_state b active
	stop said
	listen
	in_ns sw ip link set toa up
	ask_everybody
	ok "... it is back, and a backup" wait_for 15 is_state a backup
	ask_everybody
	mac=$(vjson b '[0].routers[0].mac') mac6=$(vjson b '[0].routers[1].mac')
	is "... one answers, the one that took over" "$(claimants)" "$(printf '%s\n' "$mac" "$mac6" | sort -u | paste -sd' ')"
	stop said
	stop vrrp-a TERM
	stop vrrp-b TERM
done

# ---- a switch that passes a group only to who asked for it ----

in_ns sw ip link set br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_query_response_interval 50
only6() { front "$1" | sed 's|"10.0.1.100/24", ||'; }
vrrp a "$(only6 200)"
vrrp b "$(only6 100)"
ok "snooping: one is active" wait_for 15 states_are "active backup"
sleep 1.5 # a membership would be known by now
is "... and stays alone" "$(states)" "active backup"
in_ns sw ip link set tob down
in_ns sw ip link set tob up
ok "... after the other's link flapped too" wait_for 15 states_are "active backup"
sleep 1
is "... for good" "$(states)" "active backup"
stop vrrp-a TERM
stop vrrp-b TERM
done_testing
