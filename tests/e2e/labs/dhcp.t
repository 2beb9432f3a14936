#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a station that has no address comes to have one: it asks everybody.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
DHCP=$(dirname "$0")/dhcp.py

lab_up bridge
in_ns a ip addr flush dev eth0
spawn wire c timeout 60 tcpdump -Z root -n -e -l --immediate-mode -i eth0 udp port 67 or udp port 68
wait_log wire 10 'listening on' || bail "no capture"
nobody=$(in_ns a timeout 30 "$DHCP" ask eth0 2>&1)
claim_is keepalived-nat "DHCP: without a server a station stays without an address" "$nobody" "nobody answers"
spawn dhcp b "$DHCP" serve eth0 10.0.1.12 10.0.1.99
wait_log dhcp 10 ready || bail "no DHCP server"
given=$(in_ns a "$DHCP" ask eth0 2>&1)
wait_exit dhcp 15
claim_is keepalived-nat "DHCP: a station without an address asks everybody, and is given one" "$given" 10.0.1.99
in_ns a ip addr add "$given/24" dev eth0
claim_is software-networking "... which it then has" "$(pings c 10.0.1.99 && echo "10.0.1.99 answers")" "10.0.1.99 answers"
has_five() { [ "$(grep -c 'BOOTP' "$(log_of wire)")" -ge 5 ]; }
wait_for 5 has_five > /dev/null
claim_is keepalived-nat "... all messages are broadcasts, a third station hears them" \
	"$(grep -c 'ff:ff:ff:ff:ff:ff.*0\.0\.0\.0\.68 > 255\.255\.255\.255\.67' "$(log_of wire)") of the client, $(grep -c 'ff:ff:ff:ff:ff:ff.*10\.0\.1\.12\.67 > 255\.255\.255\.255\.68' "$(log_of wire)") of the server" \
	"3 of the client, 2 of the server"

done_testing
