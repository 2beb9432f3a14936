#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two speakers on VLANs on bonds: what happens to the bond below, and a boot in which the speaker is there first.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/vrrp.sh"
. "$(dirname "$0")/pair.sh"
needs bonding 8021q

waits() { [ "$(vjson lba '[0].state'): $(vjson lba '[0].cause')" = "waiting: front: bond0.7 $1" ] || { vjson lba '[0].cause'; return 1; }; }
in_lba() { printf '%s\n' "$@" | in_ns lba ip -batch -; }
make_bond() { in_lba 'link add bond0 type bond mode active-backup miimon 20' 'link set bond0 up'; }
make_vlan() { in_lba 'link add link bond0 name bond0.7 type vlan id 7'; }
plug() { in_lba 'link set front1 master bond0' 'link set front2 master bond0' 'link set front1 up' 'link set front2 up'; }
number() { in_lba 'addr add 10.0.1.11/24 dev bond0.7' 'addr add fd00:1::11/64 dev bond0.7 nodad'; }
asks() { in_ns c1 ip neigh show 10.0.1.100 | grep -e INCOMPLETE -e FAILED; }

pair --bond active-backup --vlan 7
start_edge || bail "no election"
election VLAN
pull_and_plug VLAN sw1 sw2
another_link "VLAN: another link of its bond carries" front1 front2 "$(mac lba bond0.7)"
fail_over_mac
ok "VLAN, fail_over_mac: the group is back" wait_for 15 only lba
another_link "VLAN, fail_over_mac: it has another MAC" front1 front2 "$(mac lba front2)"

# ---- boot: the speaker first, then one thing after the other ----

stop vrrp-lba TERM
ok "lba ends: the other has it all" wait_for 15 only lbb
in_lba 'link del bond0'
vrrp lba
ok "no bond, no VLAN: it waits" waits "is missing"
make_bond
make_vlan
ok "a bond without links, a VLAN: it waits" wait_for 15 waits "is down"
in_lba 'link set bond0.7 up'
ok "... until it is up" wait_for 15 waits "has no carrier"
plug
ok "... has links" wait_for 15 waits "has no IPv4 address yet"
before=$(moves lbb)
ping_all
number
ok "... and an address: then it takes over by itself" wait_for 15 only lba
ok "... the client has its MAC" wait_for 15 mac_moved_to lba
sleep 0.3
lost_at_most 3 "... at most 3 pings are lost, nothing that comes in is missed"
is "... the other moved once" "$(moves lbb)" $((before + 1))

# Nobody else is there, and the client asks all the time.
stop vrrp-lbb TERM
stop vrrp-lba TERM
in_lba 'link del bond0'
vrrp lba
in_ns c1 ip neigh flush all
spawn first c1 stdbuf -oL ping -n -D -i 0.05 -c 200 10.0.1.100
wait_for 15 asks || bail "the client does not ask"
make_bond
make_vlan
plug
number
in_lba 'link set bond0.7 up'
ok "all at once: it is active" wait_for 15 is_state lba active
wait_log first 15 'bytes from 10.0.1.100'
active=$(vctl lba --json events | json - .events[-1].time_ms)
answered=$(sed -n 's/^\[\([0-9]*\)\.\([0-9]\{3\}\).*bytes from.*/\1\2/p' "$(log_of first)" | head -n 1)
holds "... and the first answer comes before the second announcement ($((answered - active)) ms)" "$answered - $active > -100 && $answered - $active < 500"
ok "... over IPv6 too" answers fd00:1::100
ok "... a backend is behind it" through

done_testing
