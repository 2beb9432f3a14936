#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The virtual MAC (RFC 9568 section 7.3): nobody ever sees another MAC for the addresses, a Backup sends nothing with it,
# and nothing of it stays on the machine. And accept = false: the addresses have a MAC, and that is all.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

V4=00:00:5e:00:01:33 V6=00:00:5e:00:02:33

front() { # PRIORITY KEYS
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = 100; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; ${2-virtual_mac = true;} } ); };"
}
own_mac() { in_ns "$1" ip -br link show eth0 | awk '{ print $3 }'; }
macvlans() { in_ns "$1" ip -br link show type macvlan | sed 's/@.*//' | tr '\n' ' '; }
device_of() { in_ns "$1" ip -br addr show type macvlan | grep -w -- "$2" | sed 's/@.*//'; } # NODE ADDRESS
settings() { # all that can be set for eth0, for all and for new interfaces
	in_ns "$1" sh -c 'grep -s . /proc/sys/net/ipv[46]/conf/eth0/* /proc/sys/net/ipv[46]/conf/all/* \
		/proc/sys/net/ipv[46]/conf/default/*' | grep -v -e mc_forwarding -e stable_secret
}
kv_at() { in_ns client timeout 3 "$TANDEM_BIN/load_client" "$1" "$2" --mode kv-connect --requests 1 --connections 1 --duration 2; }
unanswered() { # ADDRESS: a ping and a connection, both at once, for a third of a second
	in_ns client ping -n -q -c 1 -W 0.3 "$1" > "$TMP/silence" & # it also makes ARP ask
	! in_ns client timeout 0.35 bash -c "exec 9<> '/dev/tcp/$1/6379'" 2> "$TMP/refused" && ! wait $! &&
		! grep refused "$TMP/refused" # no reset either
}
forget() { in_ns client ip neigh flush all; }
# What the switch gets from a node, of which the source is a virtual MAC.
listen() { # PORT
	spawn "$1" sw tcpdump -p -l -n -e -i "$1" -Q in "ether src $V4 or ether src $V6"
	wait_log "$1" 15 'listening on' || bail "tcpdump does not start"
}
heard() { tail -c "+$((${LOG_FROM[$1]} + 1))" "$(log_of "$1")" | grep -c "$2"; }
heard_more() { [ "$(heard "$1" "$2")" -gt "$3" ]; }

settings a > "$TMP/settings.a"
settings b > "$TMP/settings.b"
start_kv a 6379 a
start_kv b 6379 b

# ---- one MAC, whoever is active ----

vrrp a "$(front 200)"
ok "active with a virtual MAC" wait_for 15 is_state a active
isnt "IPv4 is on a device of its own" "$(device_of a 10.0.1.100)" ""
isnt "... and IPv6 on another" "$(device_of a fd00:1::100)" "$(device_of a 10.0.1.100)"
listen tob
listen toa
spawn neighbours client ip monitor neigh
vrrp b "$(front 100)"
wait_for 15 is_state b backup > /dev/null || bail "b is no backup"
pinging 10.0.1.100 4
pinging fd00:1::100 6
is "the client knows the virtual MAC" "$(mac_of 10.0.1.100)" $V4
is "... for IPv6 too" "$(mac_of fd00:1::100)" $V6
forget
ok "asked again" answers 10.0.1.100
is "... it is the same" "$(mac_of 10.0.1.100)" $V4
ok "... the node's own address" answers 10.0.1.11
is "... has the node's own MAC" "$(mac_of 10.0.1.11)" "$(own_mac a)"
ok "... over IPv6 too" answers fd00:1::11
is "... with its own MAC" "$(mac_of fd00:1::11)" "$(own_mac a)"
ok "... so has the backup's" answers 10.0.1.12
is "... its own" "$(mac_of 10.0.1.12)" "$(own_mac b)"
ok "a TCP service at the address" kv_at 10.0.1.100 6379
ok "... over IPv6" kv_at fd00:1::100 6379
start_kv a 6380 bound 10.0.1.100
ok "... one that is bound to it alone" kv_at 10.0.1.100 6380
sleep 0.5 # DAD, MLD reports and router solicitations would be sent by now
is "from the backup nothing came with the virtual MAC, since its start" "$(heard tob 'ethertype')" 0
holds "... while the active node's adverts did" "$(heard toa 'ethertype') > 10"

# ---- failover ----

like "handed over" "$(vctl a failover front)" 'handed over'
is "... to the other" "$(vjson a '[0].state') $(vjson b '[0].state')" "backup active"
ok "... which sends with the virtual MAC" wait_for 15 heard_more tob "$V4" 5
ok "... over IPv6" wait_for 15 heard_more tob "$V6" 5
ok "... TCP works there" kv_at 10.0.1.100 6379
ok "... and over IPv6" kv_at fd00:1::100 6379
stop toa
listen toa
sleep 1 # the reports of who leaves groups come some milliseconds later, up to a second
is "the old one has nothing more to say" "$(heard toa 'ethertype')" 0
for f in 4 6; do
	lost=$(pings_lost $f)
	holds "of the pings over IPv$f at most 3 are lost ($lost)" "$lost <= 3"
done
stop tob
listen tob
vctl b failover front > /dev/null
ok "and back" is_state a active
stop neighbours
is "all that time the client had these MACs and no others" \
	"$(grep -E '^(10.0.1.100|fd00:1::100) ' "$(log_of neighbours)" | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p' | sort -u | tr '\n' ' ')" \
	"$V4 $V6 "

# ---- silent loss: the client never asks ----

part a
ok "silent loss: the other is active" wait_for 15 is_state b active
is "... the client did not change its mind" "$(mac_of 10.0.1.100)" $V4
ok "... and reaches it" answers 10.0.1.100
ok "... over IPv6 too" answers fd00:1::100
heal
ok "healed" wait_for 15 is_state b backup
stop tob
listen tob
ok "... the client reaches the winner" wait_for 15 kv_at 10.0.1.100 6379
sleep 0.5
is "... the loser is silent" "$(heard tob 'ethertype')" 0

# ---- dead all at once, and started again ----

speaker=$(speaker_pid a)
kill -STOP "$(pid_of vrrp-a)"
kill -KILL "$speaker" "$(pid_of vrrp-a)"
wait_exit vrrp-a 15
isnt "kill -9 of all of it leaves the devices" "$(macvlans a)" ""
is "... and the address: who could remove it" "$(active_nodes 10.0.1.100 a)" a
ok "... the other takes over" wait_for 15 is_state b active
vrrp a
ok "started again it is active" wait_for 15 is_state a active
is "... with one device for a family" "$(macvlans a | wc -w)" 2
ok "... and the other a backup" wait_for 15 is_state b backup
stop vrrp-b TERM
stop vrrp-a TERM
is "the end: no device is left" "$(macvlans a)$(macvlans b)" ""
settings a > "$TMP/settings.a.after"
settings b > "$TMP/settings.b.after"
is "... and every setting is as it was" "$(diff "$TMP/settings.a" "$TMP/settings.a.after")" ""
is "... on both" "$(diff "$TMP/settings.b" "$TMP/settings.b.after")" ""
stop tob
stop toa

# ---- a subnet in which the interface has no address of its own ----

in_ns c ip addr flush dev eth0 scope global
in_ns c ip addr add 10.0.9.13/24 dev eth0
vrrp c "$(front 100)"
ok "no address of its own in that subnet: active" wait_for 15 is_state c active
ok "... it finds the way back to the client" wait_for 15 answers 10.0.1.100
ok "... over IPv6 too" wait_for 15 answers fd00:1::100
is "... by the virtual MAC" "$(mac_of 10.0.1.100) $(mac_of fd00:1::100)" "$V4 $V6"
stop vrrp-c TERM
is "... nothing is left" "$(macvlans c)$(in_ns c ip route show 10.0.1.0/24)$(in_ns c ip -6 route show fd00:1::/64)" ""

# ---- accept = false ----

tables() { in_ns "$1" nft list tables; }
for how in "accept = false;" "accept = false; virtual_mac = true;"; do
	vrrp a "$(front 200 "$how")"
	vrrp b "$(front 100 "$how")"
	ok "$how active" wait_for 15 is_state a active
	forget
	ok "... neither a ping nor TCP is answered" unanswered 10.0.1.100
	ok "... nor over IPv6" unanswered fd00:1::100
	want=$(own_mac a) want6=$want
	[[ $how != *virtual* ]] || want=$V4 want6=$V6
	is "... but to ARP" "$(mac_of 10.0.1.100)" "$want"
	is "... and to a solicitation" "$(mac_of fd00:1::100)" "$want6"
	ok "... the node's own address is as it was" kv_at 10.0.1.11 6379
	ok "... and the IPv6 one" kv_at fd00:1::11 6379
	vctl a failover front > /dev/null
	ok "... so it is after a failover" is_state b active
	ok "... no answer" unanswered 10.0.1.100
	vrrp_reload b "$(front 100 "${how/false/true}")"
	ok "reloaded with accept = true: answers" answers 10.0.1.100
	ok "... and TCP" kv_at 10.0.1.100 6379
	is "... nothing is left in nftables" "$(tables b)" ""
	vctl b failover front > /dev/null
	ok "back where it is false" is_state a active
	isnt "... there is a table" "$(tables a)" ""
	ok "... no answer" unanswered 10.0.1.100
	stop vrrp-b TERM
	stop vrrp-a TERM
	is "the end: nothing is left in nftables" "$(tables a)$(tables b)" ""
done

vrrp a "$(front 200 "accept = false;")"
wait_for 15 is_state a active > /dev/null
kill -STOP "$(pid_of vrrp-a)"
kill -KILL "$(speaker_pid a)" "$(pid_of vrrp-a)"
wait_exit vrrp-a 15
vrrp a "$(front 200 "")"
ok "killed with accept = false, started with the default" wait_for 15 is_state a active
ok "... a ping is answered" answers 10.0.1.100
is "... the table of the one before is gone" "$(tables a)" ""
stop vrrp-a TERM

done_testing
