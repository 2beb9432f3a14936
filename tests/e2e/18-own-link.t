#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The balancer's own link to the backends goes and comes back: no carrier, then switched off. The backends are well, so
# none is taken down for it and no connection is reset; a backend that dies with the link up still is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"

conf_new
for family in 4 6; do
	pool kv$family $family 6379 \
		'scheduler = "rr"; check = { type = "tcp"; interval_ms = 200; timeout_ms = 150; rise = 1; fall = 2; };' b1 b2 b3
	service kv$family $family 6379 tcp kv$family
done
lab_up
for b in b1 b2 b3; do start_kv $b 6379; done
start_ready "$(conf)"

# Connections that wait out the gap: a request may take as long as TCP needs.
for family in 4 6; do
	load kept$family c1 "$(vip $family)" 6379 --mode kv --connections 12 --rate 200 --duration 900 --timeout-ms 20000
done
LOADS="kept4 kept6"
ok "connections go on" wait_for 15 all_go_on

excused() { event_log | grep -c '"not judged"'; }
all_excused() { [ "$(excused)" -ge "$1" ]; }
judged_again() { [ "$(event_log | grep -c '"judged again"')" -ge "$1" ]; }
states() { ctl --json backends | grep -o '"state": *"[a-z]*"' | sort | uniq -c | tr -d ' \n'; }
ALL_UP='6"state":"up"'

in_ns sw ip link set lb down
ok "the link has no carrier: all six backends are not judged" wait_for 15 all_excused 6
is "... and none is down" "$(states)" "$ALL_UP"
in_ns sw ip link set lb up
ok "back: the same connections go on" wait_for 20 all_go_on
ok "... and all are judged again" wait_for 15 judged_again 6

# Linux takes the IPv6 addresses of a device that is switched off away: they are put back by hand.
in_ns lb ip link set back down
ok "the link is switched off: none is judged again" wait_for 15 all_excused 12
is "... and none is down" "$(states)" "$ALL_UP"
in_ns lb ip link set back up
in_ns lb ip addr add fd00:2::1/64 dev back nodad
ok "back: the same connections go on" wait_for 20 all_go_on

ok "nobody failed" no_failures
for family in 4 6; do is "no connection broke (IPv$family)" "$(report kept$family .connections.broken)" 0; done

stop kv-b3 KILL
for family in 4 6; do
	ok "with the link up a dead backend is down (IPv$family)" wait_for 15 backend_is kv$family b3 state down
done
done_testing
