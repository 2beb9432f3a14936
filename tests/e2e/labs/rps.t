#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# RPS and RFS: which processor does the work for packets that come. RPS takes a processor by a hash over the flow, RFS the
# one on which the program runs that reads them. Counted by the kernel: how often a processor was woken for another one.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/feed.sh"
D=keepalived-nat
if [ "$(nproc)" -lt 2 ] || [ "$(cat /sys/devices/system/cpu/online)" = 0 ]; then
	claim_skip $D "RPS and RFS spread packets over processors" "there is one processor"
	done_testing
fi
lab_up two_clients
B=$TANDEM_BIN

# The table of flows is the machine's, not the namespace's: it goes back to what it was.
FLOWS=/proc/sys/net/core/rps_sock_flow_entries
FLOWS_WERE=$(cat $FLOWS)
trap 'echo "$FLOWS_WERE" > $FLOWS; cleanup' EXIT
queue() { ip netns exec "${LAB_PREFIX}server" sh -c "echo $2 > /sys/class/net/veth_srv_c1/queues/rx-0/$1"; } # FILE VALUE
woken() { awk 'NR == 2 { print strtonum("0x" $10) }' /proc/net/softnet_stat; } # the second processor, for packets of another
mawk_or_gawk() { awk 'BEGIN { print strtonum("0x10") }' 2> /dev/null; }
[ "$(mawk_or_gawk)" = 16 ] || woken() { printf '%d' "0x$(sed -n 2p /proc/net/softnet_stat | cut -d' ' -f10)"; }

# 40 connections, all sent by the first processor, where they come in too.
traffic() { # PORT: how often the second processor was woken meanwhile
	local before
	before=$(woken)
	in_ns client1 taskset -c 0 "$B/load_client" 10.0.1.1 "$1" --mode echo --connections 40 --requests 20000 --duration 20 > "$TMP/load.json"
	echo $(($(woken) - before))
}
for cpu in 0 1; do
	spawn "echo-$cpu" server taskset -c $cpu "$B/echo_server" 10.0.1.1 700$cpu
	wait_log "echo-$cpu" 5 'listening on' || bail "no server"
done

queue rps_cpus 0
queue rps_flow_cnt 0
echo 0 > $FLOWS
off=$(traffic 7000)
claim_holds $D "without RPS a packet is worked on where it came in: the second processor is not woken" "woken $off times for 20000 requests" "$off <= 100"
queue rps_cpus 2
on=$(traffic 7000)
claim_holds $D "RPS to the second one: it is woken for the first" "woken $on times" "$on >= 100"
queue rps_cpus 3
hash=$(traffic 7000)
claim_holds $D "RPS to both: a hash over the flow decides, part of them goes to the second" "woken $hash times" "$hash >= 50"
echo 32768 > $FLOWS
queue rps_flow_cnt 4096
here=$(traffic 7000)
there=$(traffic 7001)
claim_holds $D "RFS: a flow is worked on where its program runs" "program on the first: the second woken $here times; on the second: $there times" "$here < $there / 3 && $there >= 50"

done_testing
