# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# A pair with both daemons on each node, in lab `pair`: lba has the higher priority, path 1 is the link between the nodes.
# Sourced after lib.sh and vrrp.sh.
#
#   lease_up [ADVERT_MS]        the lab, a server at b1, the key, $CONF
#   lb NODE [OPTIONS...]        start tandem-lb; returns when it answers
#   both_run                    both daemons on both nodes, lba active and in sync
#   lease NODE                  "fresh", "over", "released" or "none"
#   drops NODE                  what its dataplane dropped for want of a lease
#   asks [COUNT]                new connections of c1 to the service; who answers
#   asking / asked .path        silence.py begins; ends, and what it says

lease_up() {
	local ms=${1:-100}
	lab_up pair --backends 1 2> /dev/null
	mountpoint -q "$BPFFS" || mount -t bpf bpf "$BPFFS" || bail "cannot mount the bpf filesystem at $BPFFS"
	"$TANDEM_BIN/tandemctl" keygen "$TMP/key" > "$TMP/keygen" || bail "no key"
	start_kv b1 6379 b1
	CONF=$(cat <<-END
		nodes = ( { name = "lba"; priority = 200; peer_addresses = [ "10.0.9.1", "10.0.1.11" ]; },
		          { name = "lbb"; priority = 100; peer_addresses = [ "10.0.9.2", "10.0.1.12" ]; } );
		vrrp = { instances = (
		  { name = "front"; interface = "bond0"; vrid = 51; advert_interval_ms = $ms;
		    addresses = [ "10.0.1.100/24", "fd00:1::100/64" ]; },
		  { name = "back"; interface = "bond1"; vrid = 52; advert_interval_ms = $ms;
		    addresses = [ "10.0.2.1/24", "fd00:2::1/64" ]; } );
		  groups = ( { name = "edge"; members = [ "front", "back" ]; } ); };
		peer = { key_file = "$TMP/key"; beacon_interval_ms = 50; sync_cap_s = ${SYNC_CAP:-60}; };
		pools = ( { name = "kv"; backends = ( { name = "b1"; address = "10.0.2.11"; port = 6379; } ); } );
		services = ( { name = "kv"; address = "10.0.1.100"; port = 80; protocol = "tcp"; pool = "kv"; } );
		dataplane = { interfaces = [ "bond0", "bond1" ]; max_flows = 4096; };
	END
	)
	printf '%s\n' "$CONF" > "$TMP/lba.conf"
	printf '%s\n' "$CONF" > "$TMP/lbb.conf"
}

lb() {
	local node=$1; shift
	mkdir -p "$(RUN_OF "$node")"
	spawn "lb-$node" "$node" "$TANDEM_BIN/tandem-lb" -n "$node" -c "$TMP/$node.conf" -r "$(RUN_OF "$node")" "$@"
	wait_for 15 vctl "$node" status --daemon lb > /dev/null || bail "tandem-lb on $node does not answer"
}

both_run() {
	lb lba
	lb lbb
	vrrp lba "$CONF"
	vrrp lbb "$CONF"
	wait_for 15 pair_settled > /dev/null || bail "the pair did not come up"
}
pair_settled() { is_state lba active && is_state lbb backup && tables_are "in sync" && [ "$(lease lba)" = fresh ]; }
pjson() { vctl "$1" --json peers --daemon vrrp > "$TMP/pjson.$1.$BASHPID" && json "$TMP/pjson.$1.$BASHPID" ".vrrp$2"; }
table_of() { pjson "$1" .our_table; }
tables_are() { echo "tables: $(table_of lba), $(table_of lbb)" && [ "$(table_of lba) $(table_of lbb)" = "$1 $1" ]; }

lease() { vjson "$1" '[0].lease.state'; }
drops() { vctl "$1" --json counters --daemon lb | json - '[name=no_lease].value'; }
asks() {
	in_ns c1 "$TANDEM_BIN/load_client" 10.0.1.100 80 --mode kv-connect --requests "${1:-3}" --timeout-ms 500 \
		--duration 2 > "$TMP/asks.out" && json "$TMP/asks.out" '.servers[0].name'
}

mac_at() { in_ns "$1" ip -br link show dev "$2" | awk '{ print $3 }'; }
asking() {
	spawn silence c1 python3 "$ROOT/tests/e2e/silence.py" eth0 "$(mac_at lba bond0)" "$(mac_at lbb bond0)" \
		10.0.1.100 fd00:1::100 10.0.1.21 fd00:1::21
	wait_log silence 15 asking || bail "nobody asks"
}
stop_asking() {
	stop silence TERM
	grep '^{' "$(log_of silence)" | tail -n 1 > "$TMP/silence.json"
}
asked() { json "$TMP/silence.json" "$1"; }
