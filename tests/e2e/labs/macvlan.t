#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# macvlan: several stations with MACs of their own behind one card; who reaches whom in each mode.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
needs macvlan
D=software-networking

lab_cycle macvlan
matrix $D "macvlan bridge: stations behind a card reach each other and who is outside, never the card's host" \
	"m1 10.0.1.22 10.0.1.12 fd00:1::12 !10.0.1.11" "out 10.0.1.21 10.0.1.22 10.0.1.11" "host 10.0.1.12 !10.0.1.21"
claim_is $D "... each has a MAC of its own on the same cable" "$(for n in host m1 m2; do in_ns $n ip -br link show dev eth0 | awk '{ print $3 }'; done | sort -u | wc -l) MACs at $(bridge -n "${LAB_PREFIX}sw" fdb show br br0 | grep -v permanent | grep 'dev host' | awk '{ print $3 }' | sort -u | wc -l) port of the switch" "3 MACs at 1 port of the switch"
lab_cycle macvlan --mode private
matrix $D "macvlan private: only who is outside" "m1 !10.0.1.22 10.0.1.12 !10.0.1.11" "m2 !10.0.1.21 10.0.1.12"
lab_cycle macvlan --mode vepa
matrix $D "macvlan vepa: all goes out to the switch, and an ordinary one sends nothing back" "m1 !10.0.1.22 10.0.1.12" "out 10.0.1.21"
in_ns sw ip link set host type bridge_slave hairpin on
matrix $D "... one that does (hairpin) lets them reach each other" "m1 10.0.1.22 10.0.1.12"

done_testing
