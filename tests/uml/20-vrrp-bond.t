#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two speakers over bonds of mode active-backup: a link that is pulled is the bond's affair, both are the other node's; when
# another link carries, or the bond has another MAC, the addresses are announced anew, with the virtual MAC too.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/vrrp.sh"
. "$(dirname "$0")/pair.sh"
needs bonding

# The ports stop forwarding first, so that nobody hears its goodbye over the bond that goes last.
cut_off() {
	ping_all
	each_cable bridge link set state 0 dev
	each_cable ip link set down dev
	ok "all four links are pulled: all the addresses move" wait_for 15 only lbb
	like "... the other one heard nothing" "$(vjson lbb '[0].cause')" 'no advert for the down interval'
	ok "... the client reaches a backend" wait_for 15 through
	lost_at_most 40 "... at most 40 pings are lost, in a down interval of 361 ms and the time of pulling"
	each_cable ip link set up dev
	ok "... plugged in again: they move back" wait_for 15 only lba
}
each_cable() { # COMMAND
	local row
	for row in "sw1 lba1" "sw2 lba2" "sw3 lba1" "sw4 lba2"; do in_ns "${row% *}" "$@" "${row#* }"; done
}

# ---- the bonds' own MACs ----

pair --bond active-backup
start_edge || bail "no election"
election active-backup
pull_and_plug active-backup sw1 sw2
another_link "another link is made the active one" front1 front2 "$(mac lba bond0)"
cut_off

fail_over_mac
ok "fail_over_mac: the group is back" wait_for 15 only lba
another_link "fail_over_mac: the bond has another MAC" front1 front2 "$(mac lba front2)"
another_link "... and another one" front2 front1 "$(mac lba front1)"
stop vrrp-lbb TERM
stop vrrp-lba TERM

# ---- virtual MAC: the bond changes its own one still, which is not the addresses' any more ----

V4=00:00:5e:00:01:33 V6=00:00:5e:00:02:33
start_edge 'virtual_mac = true;' || bail "no election"
ok "virtual MAC: a client reaches a backend through the pair" through
ok "... over IPv6" through fd00:2::11
is "... by the virtual MACs" "$(knows c1 10.0.1.100) $(knows c1 fd00:1::100) $(knows b1 10.0.2.1)" "$V4 $V6 ${V4%33}34"
another_link "virtual MAC, another active link" front2 front1 $V4 $V6
before=$(all_moves)
ping_all
switch_port sw1 lba1 down
ok "virtual MAC, one link is pulled: the other is the active one" wait_for 15 active_is front2
sleep 0.4
lost_at_most 5 "... at most 5 pings are lost"
is "... nobody moved" "$(all_moves)" "$before"
ping_all
switch_port sw2 lba2 down
ok "... both are: all the addresses move" wait_for 15 only lbb
is "... the client knows the virtual MAC" "$(knows c1 10.0.1.100) $(knows c1 fd00:1::100)" "$V4 $V6"
lost_at_most 15 "... at most 15 pings are lost"
stop vrrp-lbb TERM
stop vrrp-lba TERM
is "... no macvlan is left" "$(in_ns lba ip -br link show type macvlan)$(in_ns lbb ip -br link show type macvlan)" ""

done_testing
