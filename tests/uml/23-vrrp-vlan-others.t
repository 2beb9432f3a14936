#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bonds and VLANs as interfaces that are tracked; and keepalived on the other node of a pair over both.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/vrrp.sh"
. "$(dirname "$0")/pair.sh"
needs bonding 8021q

pair --bond active-backup --vlan 7

# ---- tracked ----

front() { # PRIORITY [TRACK]
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"bond0.7\"; vrid = 51; priority = $1; advert_interval_ms = 100;
		addresses = [ \"10.0.1.100/24\" ]; track = ( ${2-} ); } ); };"
}
is_at() { [ "$(vjson lba '[0].state') $(vjson lba '[0].priority.effective')" = "$1" ] || { vjson lba '[0].priority.effective'; return 1; }; }
back() { switch_port sw3 lba1 "$1"; switch_port sw4 lba2 "$1"; }

vrrp lba "$(front 200 '{ interface = "bond1.7"; weight = -150; }')"
vrrp lbb "$(front 100)"
ok "a VLAN is tracked with a weight: active" wait_for 15 is_at "active 200"
switch_port sw3 lba1 down
ok "... one link of its bond is pulled" wait_for 15 bond_links lba bond1 1
sleep 0.3
ok "... which is no matter" is_at "active 200"
back down
ok "... both are: the priority is lower" wait_for 15 is_at "backup 50"
ok "... and the other is active" is_state lbb active
back up
ok "... plugged in again: back" wait_for 15 is_at "active 200"

vrrp_reload lba "$(front 200 '{ interface = "bond1"; }')"
ok "a bond is tracked as a fault: active" is_at "active 200"
back down
ok "... it lost both links: fault" wait_for 15 is_state lba fault
like "... it says of what" "$(vjson lba '[0].cause')" 'bond1'
ok "... the other is active" wait_for 15 is_state lbb active
back up
ok "... plugged in again: back" wait_for 15 is_at "active 200"
ok "... the address too" has lba 10.0.1.100 bond0.7
stop vrrp-lbb TERM
stop vrrp-lba TERM

# ---- keepalived on the other node ----

[ -x /usr/sbin/keepalived ] || { skip "keepalived" "not installed; 'make deps' installs it"; done_testing; }

theirs() { # PRIORITY
	local row
	echo 'vrrp_sync_group edge { group { front4 front6 back4 back6 } }'
	for row in "front4 bond0.7 51 10.0.1.100/24" "front6 bond0.7 51 fe80::200:5eff:fe00:233/64 fd00:1::100/64" \
		"back4 bond1.7 52 10.0.2.1/24" "back6 bond1.7 52 fe80::200:5eff:fe00:234/64 fd00:2::1/64"; do
		set -- "$1" $row
		echo "vrrp_instance $2 {
			state BACKUP
			interface $3
			virtual_router_id $4
			version 3
			priority $1
			advert_int 0.1
			virtual_ipaddress {
				$(printf '%s\n' "${@:5}")
			}
		}"
	done
}
front_of() { switch_port sw1 "$1"1 "$2"; switch_port sw2 "$1"2 "$2"; } # NODE up|down

keepalived lbb "$(theirs 100)"
ok "keepalived alone has all the addresses" wait_for 15 only lbb
ok "... and serves" through
vrrp lba "$(edge 200)"
ok "keepalived over the same VLANs: ours has the higher priority" wait_for 15 only lba
ok "... and serves" wait_for 15 through
ok "... over IPv6" through fd00:2::11
before=$(moves lba)
ping_all
switch_port sw1 lba1 down
wait_for 15 bond_links lba bond0 1 > /dev/null
sleep 0.4
lost_at_most 5 "... one link is pulled: at most 5 pings are lost"
is "... nobody moved" "$(moves lba) $(whole lba)" "$before "
ping_all
front_of lba down
ok "... both are: keepalived has all the addresses" wait_for 15 only lbb
ok "... and serves" wait_for 15 through
lost_at_most 40 "... at most 40 pings are lost"
front_of lba up
ok "... plugged in again: ours" wait_for 15 only lba

stop keepalived-lbb TERM
keepalived lbb "$(theirs 250)"
ok "keepalived has the higher priority: it takes them all" wait_for 15 only lbb
ok "... ours is a backup" wait_for 15 is_state lba backup
ping_all
front_of lbb down
ok "... it loses both links: ours again" wait_for 15 only lba
ok "... and serves" wait_for 15 through
lost_at_most 40 "... at most 40 pings are lost"
front_of lbb up
ok "... plugged in again: keepalived's" wait_for 15 only lbb
ok "... and serves" wait_for 15 through

done_testing
