#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The balancer on bonds and VLANs, and (in user-mode-linux) on a kernel without BTF and without a JIT: TCP and UDP of both
# families, a reload, a link that is pulled, both that are, a link that takes less than the others, and what has a tag.
# On lba of lab `pair`, which has all the addresses here. Each load costs that kernel seconds, so there is one of a kind
# in one family or the other: every kind in both is what the e2e tests do.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/config.sh"
needs bonding 8021q

LB_NODE=lba

rows() { # BACKEND...: what the file holds
	local family
	conf_new
	for family in 4 6; do
		pool kv$family $family 6379 "scheduler = \"rr\"; $CHECK" "$@"
		pool echo$family $family 7 "scheduler = \"rr\"; $CHECK" "$@"
		pool time$family $family 123 'scheduler = "rr"; check = { type = "ping"; interval_ms = 200; };' "$@"
		service kv$family $family 6379 tcp kv$family
		service echo$family $family 7 tcp echo$family
		service echo-udp$family $family 7 udp echo$family
		service time$family $family 123 udp time$family
	done
	conf
}
reload() { lb_config "$1"; ctl reload; }

stage() { # [up's arguments]: the lab, with the balancer on the devices FRONT and BACK
	local b
	lab_up pair --bond active-backup --backends 2 "$@"
	in_ns lba ip addr add 10.0.1.100/24 dev "$FRONT"
	in_ns lba ip addr add fd00:1::100/64 dev "$FRONT" nodad
	in_ns lba ip addr add 10.0.2.1/24 dev "$BACK"
	in_ns lba ip addr add fd00:2::1/64 dev "$BACK" nodad
	for b in b1 b2; do start_kv $b 6379; start_echo $b 7; start_time $b 123; done
	start_ready "$(rows b1 b2)"
}
strike() {
	stop_all
	"$TANDEM_BIN/tandem-lb" -r "$RUNDIR" --remove > "$TMP/log/remove" 2>&1
	lab down
}

# TCP may wait out a gap, UDP may not; "new" are connections made anew all the time. A load: NAME4 or NAME6.
start_loads() { # LOAD...
	local l family
	for l; do
		family=${l: -1}
		case $l in
		kept*) load $l c1 "$(vip $family)" 6379 --mode kv --connections 4 --rate 50 --duration 400 --timeout-ms 20000 ;;
		bulk*) load $l c2 "$(vip $family)" 7 --mode echo --data 20000 --connections 2 --rate 10 --duration 400 --timeout-ms 20000 ;;
		new*) load $l c2 "$(vip $family)" 6379 --mode kv-connect --connections 2 --rate 20 --duration 400 --timeout-ms 10000 ;;
		udp*) load $l c1 "$(vip $family)" 7 --mode echo-udp --data 1000 --connections 4 --rate 40 --duration 400 ;;
		time*) load $l c2 "$(vip $family)" 123 --mode sntp --connections 2 --rate 20 --duration 400 ;;
		esac
	done
	LOADS=$*
}
end_loads() { local l; for l in $LOADS; do stop "$l" INT; done; }
# A bond notices within 20 ms; what it sent meanwhile is lost, and nobody sends a datagram again.
few_lost() { # NAME
	local l lost= all=$LOADS
	peek_all $LOADS
	for l in $LOADS; do [[ $l != udp* && $l != time* ]] || lost+=" && $(report "$l" .failed_requests) <= 25"; done
	holds "$1" "1$lost"
	LOADS=$(printf '%s\n' $LOADS | grep -v '^udp\|^time' | paste -sd' ')
	ok "... no connection failed" no_failures
	LOADS=$all
}
each_went_on() { # the same connections
	local l broken=
	for l in $LOADS; do broken+=" $(report "$l" .connections.broken)"; done
	is "$1" "${broken// 0/}" ""
}
servers_of() { load_peek "$1" .servers | grep -o '"name":"b[0-9]"' | cut -d'"' -f4 | sort | paste -sd' '; } # LOAD
from_both() { # LOAD...: of those whose servers say who they are
	local l
	for l; do [ "$(servers_of "$l")" = "b1 b2" ] || { echo "$l: $(servers_of "$l")"; return 1; }; done
}

switch_port() { in_ns "$1" ip link set "$2" "$3"; } # SWITCH PORT up|down
active_link() { in_ns lba sed -n 's/^Currently Active Slave: //p' "/proc/net/bonding/$1"; }
has_carrier() { in_ns lba ip -o link show "$1" | grep -q LOWER_UP; } # DEVICE
has_none() { ! has_carrier "$1"; }
mtu_of() { in_ns lba ip -o link show "$1" | sed -n 's/.* mtu \([0-9]*\) .*/\1/p'; } # DEVICE
links_of() { # BOND N
	[ "$(in_ns lba grep -A 1 '^Slave Interface' "/proc/net/bonding/$1" | grep -c 'MII Status: up')" = "$2" ]
}
pull() { # BOND SWITCH: the active link of lba
	local before
	before=$(active_link "$1")
	switch_port "$2" lba1 down
	ok "$1: the active link is pulled: the bond takes the other one" wait_for 15 links_of "$1" 1
	isnt "... another than before" "$(active_link "$1")" "$before"
	ok "... every load goes on" wait_for 30 all_go_on
	switch_port "$2" lba1 up
	ok "... plugged in again" wait_for 20 links_of "$1" 2
	ok "... every load goes on" wait_for 30 all_go_on
}

# Own-link failure: the backends are well, so none is taken down for a cable that is out on our side.
downs() { grep -c ' backend [^ ]*: down' "$(log_of lb)"; }
events() { ctl --json events | grep -c "\"$1\""; }
at_least() { [ "$(events "$1")" -ge "$2" ] || { echo "$1: $(events "$1")"; return 1; }; }
states() { ctl --json backends | grep -o '"state": *"[a-z]*"' | sort | uniq -c | tr -d ' \n'; }
ALL=12 ALL_UP='12"state":"up"'
pull_both() {
	local before after
	before=$(events "not judged") after=$(events "judged again")
	switch_port sw3 lba1 down
	switch_port sw4 lba2 down
	ok "both links to the backends are pulled: $BACK has no carrier" wait_for 15 has_none "$BACK"
	ok "... no backend is judged" wait_for 20 at_least "not judged" $((before + ALL))
	is "... none is down" "$(states)" "$ALL_UP"
	switch_port sw3 lba1 up
	switch_port sw4 lba2 up
	ok "... plugged in again: all are judged again" wait_for 30 at_least "judged again" $((after + ALL))
	ok "... the same connections go on" wait_for 40 all_go_on
	is "... none was down" "$(states) $(downs)" "$ALL_UP 0"
}

# Who sends too much for the next link is told so, and sends less: the kernel of a client learns the path's MTU.
narrow() { # DEVICE whose MTU it is
	local before
	before=$(counter too_big)
	in_ns lba ip link set "$1" mtu 1400
	is "$1 takes 1400 bytes only: so does $BACK" "$(mtu_of "$BACK")" 1400
	start_loads bulk4 bulk6
	ok "... connections that send more go on" wait_for 30 all_go_on
	holds "... they were told: too_big" "$(counter too_big) > $before"
	like "... the client knows, IPv4" "$(in_ns c2 ip route get 10.0.1.100)" 'mtu 1400'
	like "... and IPv6" "$(in_ns c2 ip -6 route get fd00:1::100)" 'mtu 1400'
	ok "... nobody failed" no_failures
	end_loads
	in_ns lba ip link set "$1" mtu 1500
	in_ns lba ip link set "$BACK" mtu 1500
}

# ---- over bonds ----

FRONT=bond0 BACK=bond1
DATAPLANE='interfaces = [ "bond0", "bond1" ]; max_flows = 16384;'
stage
start_loads kept4 kept6 new4 udp6 time4
ok "over bonds: every load goes on, TCP and UDP, IPv4 and IPv6" wait_for 40 all_go_on
ok "... and reaches both backends" wait_for 30 from_both kept4 kept6 new4
pull bond0 sw1
pull bond1 sw3
is "no backend was taken down for it" "$(downs)" 0
like "a reload: a backend goes" "$(reload "$(rows b2)")" 'backends \+0 -6'
ok "... every load goes on" wait_for 40 all_go_on
like "... and comes back" "$(reload "$(rows b1 b2)")" 'backends \+6 -0'
ok "... it is up" wait_for 20 all_up
few_lost "... few datagrams were lost"
each_went_on "... no connection broke"
end_loads
strike

# ---- over VLANs on bonds; the program stands below the VLAN too, and leaves what has a tag to it ----

FRONT=bond0.7 BACK=bond1.7 RUNDIR=$TMP/run-vlan
DATAPLANE='interfaces = [ "bond0", "bond0.7", "bond1", "bond1.7" ]; max_flows = 16384;'
stage --vlan 7
start_loads kept4 kept6 udp4
ok "over VLANs: every load goes on, TCP and UDP, IPv4 and IPv6" wait_for 40 all_go_on
ok "... and reaches both backends" wait_for 30 from_both kept4 kept6
pull bond1 sw3
few_lost "few datagrams were lost"
end_loads
start_loads kept4 kept6
ok "connections go on" wait_for 30 all_go_on
pull_both
each_went_on "... no connection broke"
end_loads
narrow bond1
done_testing
