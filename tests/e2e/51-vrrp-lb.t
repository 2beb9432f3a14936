#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tandem-vrrp and tandem-lb on each of two nodes: the balancer's services are at the shared address, whoever has it, with
# the interface's MAC and with the virtual one, and whether the host itself takes packets to it or not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up pair --backends 1 2> /dev/null

V4=00:00:5e:00:01:33 V6=00:00:5e:00:02:33

config() { # PRIORITY KEYS: the clients' side and the backends' gateway are one group
	echo "vrrp = { instances = (
		{ name = \"front\"; interface = \"bond0\"; vrid = 51; priority = $1; advert_interval_ms = 100;
		  addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; $2 },
		{ name = \"back\"; interface = \"bond1\"; vrid = 52; priority = $1; advert_interval_ms = 100;
		  addresses = [ \"10.0.2.1/24\", \"fd00:2::1/64\" ]; virtual_mac = $3; } );
		groups = ( { name = \"edge\"; members = [ \"front\", \"back\" ]; } ); };
	pools = ( { name = \"kv\"; backends = ( { name = \"b1\"; address = \"10.0.2.11\"; port = 6379; } ); },
		{ name = \"kv6\"; backends = ( { name = \"b1\"; address = \"fd00:2::11\"; port = 6379; } ); } );
	services = ( { name = \"kv\"; address = \"10.0.1.100\"; port = 80; protocol = \"tcp\"; pool = \"kv\"; },
		{ name = \"kv6\"; address = \"fd00:1::100\"; port = 80; protocol = \"tcp\"; pool = \"kv6\"; } );
	dataplane = { interfaces = [ \"bond0\", \"bond1\" ]; max_flows = 4096; };"
}
lb() { # NODE: with the config of the node's tandem-vrrp
	mkdir -p "$(RUN_OF "$1")"
	spawn "lb-$1" "$1" "$TANDEM_BIN/tandem-lb" -c "$TMP/$1.conf" -r "$(RUN_OF "$1")"
	wait_for 15 vctl "$1" status --daemon lb > /dev/null || bail "tandem-lb on $1 does not answer"
}
asks() { # ADDRESS: a connection to the service, and who answers
	in_ns c1 "$TANDEM_BIN/load_client" "$1" 80 --mode kv-connect --requests 3 --timeout-ms 500 --duration 2 > "$TMP/asked" &&
		json "$TMP/asked" '.servers[0].name'
}
both_ask() { [ "$(asks 10.0.1.100) $(asks fd00:1::100)" = "b1 b1" ]; }
pings() { in_ns c1 ping -n -q -c 1 -W 0.5 "$1"; }
mac_at() { in_ns c1 ip neigh show "$1" | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p'; }
forwarded() { vctl "$1" --json counters --daemon lb | json - '[name=forwarded].value'; }
more_than() { [ "$(forwarded "$1")" -gt "$2" ]; }
on_node() { # NODE: new connections, by that node's dataplane
	local before
	before=$(forwarded "$1")
	both_ask && more_than "$1" "$before"
}

mountpoint -q "$BPFFS" || mount -t bpf bpf "$BPFFS" || bail "cannot mount the bpf filesystem at $BPFFS"
start_kv b1 6379 b1
for virtual in false true; do
	for accept in true false; do
		how="virtual_mac = $virtual; accept = $accept;"
		vrrp lba "$(config 200 "$how" $virtual)"
		vrrp lbb "$(config 100 "$how" $virtual)"
		[ -n "$(pid_of lb-lba)" ] || { lb lba; lb lbb; }
		ok "$how active" wait_for 15 is_state lba active
		ok "... a service at the address, both families" wait_for 15 on_node lba
		[ $virtual = false ] || is "... with the virtual MAC" "$(mac_at 10.0.1.100) $(mac_at fd00:1::100)" "$V4 $V6"
		if [ $accept = true ]; then
			ok "... the host answers a ping" pings 10.0.1.100
		else
			not_ok "... the host does not answer a ping" pings 10.0.1.100
		fi
		like "... a failover" "$(vctl lba failover edge)" 'handed over'
		ok "... new connections go by the other node" wait_for 15 on_node lbb
		like "... and back" "$(vctl lbb failover edge)" 'handed over'
		ok "... by the first" wait_for 15 on_node lba
		stop vrrp-lba TERM
		ok "... the first ends: by the other" wait_for 15 on_node lbb
		stop vrrp-lbb TERM
	done
done

# ---- tandem-lb comes and goes while the device with the virtual MAC stays ----

vrrp lba "$(config 200 'virtual_mac = true;' true)"
wait_for 15 is_state lba active > /dev/null
stop lb-lba KILL
ok "tandem-lb killed: its services go on" wait_for 15 both_ask
lb lba
ok "... and when it is there again" wait_for 15 on_node lba
kill "-KILL" "$(speaker_pid lba)"
ok "the speaker killed: the next one's address serves" wait_for 15 on_node lba
stop vrrp-lba TERM
stop lb-lba TERM
stop lb-lbb TERM
done_testing
