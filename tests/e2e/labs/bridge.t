#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a switch does: it learns where a MAC is, sends there what it knows, and everywhere what it does not know.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"

watch() { # NAME NODE INTERFACE FILTER...: until `watched`
	spawn "$1" "$2" timeout 30 tcpdump -Z root -n -e -l --immediate-mode -i "$3" "${@:4}"
	wait_log "$1" 10 'listening on' || bail "no capture"
}
watched() { # NAME -> its lines, when nothing more comes
	local before=-1
	while [ "$before" != "$(stat -c %s "$(log_of "$1")")" ]; do before=$(stat -c %s "$(log_of "$1")"); sleep 0.2; done
	stop "$1" INT
	tail -c "+$((${LOG_FROM[$1]} + 1))" "$(log_of "$1")" | grep ethertype
}
learnt() { in_ns sw bridge fdb show br br0 | grep -v permanent | awk '/^02:/ { print $3 }' | sort | paste -sd' '; }
mac() { in_ns "$1" ip -br link show dev eth0 | awk '{ print $3 }'; }

lab_up bridge
pings a 10.0.1.12
pings c 10.0.1.1
claim_is software-networking "a bridge learns which MAC is behind which of its ports" "$(learnt)" "toa tob toc"
claim_is software-networking "ARP finds the MAC for an address in the same network" \
	"$(in_ns a ip neigh show 10.0.1.12 | grep -o 'lladdr [0-9a-f:]*')" "lladdr $(mac b)"

in_ns a ip neigh flush all
watch third c eth0 not ip6
for i in 1 2 3 4 5; do pings a 10.0.1.12; done
seen=$(watched third)
claim_is interfaces "a third station sees the question for an address, which goes to all, and none of five pings" \
	"$(grep -c 'who-has 10.0.1.12' <<< "$seen") question, $(grep -c ICMP <<< "$seen") pings" "1 question, 0 pings"

watch third c eth0 icmp
in_ns sw bridge fdb del "$(mac b)" dev tob master
in_ns b ip neigh flush all
in_ns a ping -q -n -c 1 -W 2 10.0.1.12 > /dev/null
seen=$(watched third)
claim_holds software-networking "a frame to a MAC that the bridge does not know goes everywhere" \
	"$(grep -c 'echo request' <<< "$seen") request at the third station" "$(grep -c 'echo request' <<< "$seen") == 1"
claim_is software-networking "a bridge may have an address itself: it is a port to its own machine" \
	"$(pings a 10.0.1.1 && echo "a reaches sw's 10.0.1.1")" "a reaches sw's 10.0.1.1"
in_ns sw ip link set toa nomaster
reach_rows "a !10.0.1.12" "b 10.0.1.13"
claim_is interfaces "an interface taken out of the bridge is a network of its own" "${REACH_WRONG:-a is alone, b and c go on}" "a is alone, b and c go on"

done_testing
