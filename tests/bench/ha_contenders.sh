# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The pairs of tests/bench/ha: how each comes up with lba as the owner of the addresses, whether the follower holds all that
# there is, what the events are for it. Both have adverts every 100 ms, a group of the clients' and the backends' address, and
# do not preempt, so that an event is one event.

ADVERT_MS=100 INTERFACES='"bond0", "bond1"' NODES="lba lbb"
. "$ROOT/tests/nodes.sh"

# ---- tandem ----

CONFIG_ROWS() { # POOL PORT PROTOCOL
	local i comma=
	echo "{ name = \"$1\"; scheduler = \"rr\"; check = { type = \"tcp\"; interval_ms = 2000; timeout_ms = 1900; fall = 5; port = 6379; }; backends = ("
	for ((i = 1; i <= BACKENDS; i++)); do
		echo "$comma{ name = \"b$i\"; address = \"10.0.2.$((10 + i))\"; port = $2; }"
		comma=,
	done
	echo '); }'
}
config() { # nodes.sh asks for it
	echo "pools = ( $(CONFIG_ROWS kv 6379), $(CONFIG_ROWS echo 7) );"
	echo 'services = ( { name = "kv"; address = "10.0.1.100"; port = 6379; protocol = "tcp"; pool = "kv"; },'
	echo '  { name = "echo"; address = "10.0.1.100"; port = 7; protocol = "udp"; pool = "echo"; } );'
	echo "dataplane = { interfaces = [ $INTERFACES ]; max_flows = 262144; };"
}

up_tandem() {
	local node
	CONFIG=$TMP/tandem.conf
	mountpoint -q $BPFFS || mount -t bpf bpf $BPFFS || bail "cannot mount the bpf filesystem at $BPFFS"
	rm -f "$TMP/key"
	"$BIN/tandemctl" keygen "$TMP/key" > "$TMP/last" || bail "no key"
	pair_config | sed 's/vrid = [0-9]*;/& preempt = false;/' > "$CONFIG"
	for node in $NODES; do start_node "$node"; done
	wait_for 30 is_well lba lbb > "$TMP/last" || bail "tandem: $(tail -n 1 "$TMP/last")"
}
down_tandem() {
	local node
	for node in $NODES; do in_ns "$node" "$BIN/tandem-lb" -r "$(run_of "$node")" --remove > "$TMP/last" 2>&1; done
	rm -rf "$(run_of lba)" "$(run_of lbb)"
}
follows_tandem() { is_in_sync lba lbb && holds_flows; }
holds_flows() {
	local n
	n=$(ask lbb --json status | perl -MJSON::PP -0777 -ne 'print decode_json($_)->{flows}{ipv4} // 0')
	echo "the follower holds $n of $CONNECTIONS"
	[ "$n" -ge "$CONNECTIONS" ]
}
event_graceful_tandem() { kill -TERM "$(pid_of vrrp-lba)"; }
event_silent_tandem() { kill -KILL "$(pid_of vrrp-lba)" "$(speaker_of lba)" "$(pid_of lb-lba)"; links_down lba; }
event_owner_tandem() { kill -KILL "$(speaker_of lba)"; }
event_table_tandem() { kill -KILL "$(pid_of lb-lba)"; }

# ---- keepalived, conntrackd, nftables ----

nft_of_classic() {
	local i to4=
	for ((i = 0; i < BACKENDS; i++)); do to4+="${to4:+, }$i : 10.0.2.$((11 + i))"; done
	cat <<-END
		table ip lb {
			chain pre {
				type nat hook prerouting priority dstnat
				ip daddr 10.0.1.100 tcp dport 6379 dnat to numgen inc mod $BACKENDS map { $to4 }
				ip daddr 10.0.1.100 udp dport 7 dnat to numgen inc mod $BACKENDS map { $to4 }
			}
		}
	END
}
conntrackd_of_classic() { # NODE OWN OTHER
	cat <<-END
		Sync {
			Mode FTFW { }
			UDP {
				IPv4_address $2
				IPv4_Destination_Address $3
				Port 3780
				Interface sync
				SndSocketBuffer 8388608
				RcvSocketBuffer 8388608
				Checksum on
			}
		}
		General {
			HashSize 65536
			HashLimit 524288
			LockFile $TMP/$1.lock
			UNIX { Path $TMP/$1.ctl }
			NetlinkBufferSize 8388608
			NetlinkBufferSizeMaxGrowth 67108864
			Filter From Userspace {
				Protocol Accept { TCP UDP }
				Address Ignore { IPv4_address 127.0.0.1 IPv4_address $2 IPv4_address $3 }
			}
		}
	END
}
# What the package's primary-backup.sh does, for a config and a control socket of its own.
hook_of_classic() {
	cat <<-END
		#!/bin/sh
		c="/usr/sbin/conntrackd -C $TMP/$1.conntrackd"
		case \$1 in
		primary) \$c -c; \$c -f; \$c -R; \$c -B ;;
		backup) \$c -t; \$c -n ;;
		fault) \$c -t ;;
		esac
	END
}
keepalived_of_classic() { # NODE PRIORITY
	local i
	echo "global_defs { vrrp_garp_master_delay 1
		script_user root
		enable_script_security }"
	echo "vrrp_sync_group edge { group { front back }
		notify_master \"$TMP/$1.hook primary\"
		notify_backup \"$TMP/$1.hook backup\"
		notify_fault \"$TMP/$1.hook fault\" }"
	for i in "front bond0 51 10.0.1.100" "back bond1 52 10.0.2.1"; do
		# shellcheck disable=SC2086
		set -- "$1" "$2" $i
		echo "vrrp_instance $3 { state BACKUP
			interface $4
			virtual_router_id $5
			version 3
			priority $2
			advert_int 0.1
			nopreempt
			virtual_ipaddress { $6/24 } }"
	done
}

classic_node() { # NODE PRIORITY OWN OTHER
	local node=$1
	nft_of_classic | in_ns "$node" nft -f - || bail "nft"
	in_ns "$node" sh -c 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose; echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'
	conntrackd_of_classic "$node" "$3" "$4" > "$TMP/$node.conntrackd"
	hook_of_classic "$node" > "$TMP/$node.hook"
	chmod 755 "$TMP" "$TMP/$node.hook"
	keepalived_of_classic "$node" "$2" > "$TMP/$node.keepalived"
	rm -f "$TMP/$node.lock" "$TMP/$node.ctl"
	spawn "conntrackd-$node" "$node" /usr/sbin/conntrackd -C "$TMP/$node.conntrackd"
	wait_for 10 conntrackd_answers "$node" > "$TMP/last" || bail "conntrackd of $node: $(tail -n 2 "$(log_of "conntrackd-$node")")"
	spawn "keepalived-$node" "$node" /usr/sbin/keepalived --dont-fork --no-syslog --log-console --log-detail --vrrp \
		--use-file "$TMP/$node.keepalived" --pid "$TMP/$node.pid" --vrrp_pid "$TMP/$node.vrrp.pid"
}
conntrackd_answers() { in_ns "$1" /usr/sbin/conntrackd -C "$TMP/$1.conntrackd" -s > "$TMP/stats-$1"; }
up_classic() {
	classic_node lba 200 10.0.9.1 10.0.9.2
	wait_for 10 has_address lba > "$TMP/last" || bail "keepalived of lba: $(tail -n 3 "$(log_of keepalived-lba)")"
	classic_node lbb 100 10.0.9.2 10.0.9.1
}
has_address() { in_ns "$1" ip -br addr show | grep -q -w 10.0.1.100; }
down_classic() { rm -f "$TMP"/lb[ab].*; }
follows_classic() {
	local n
	conntrackd_answers lbb
	n=$(awk '/^cache external/ { on = 1 } on && /current active connections/ { print $NF; exit }' "$TMP/stats-lbb")
	echo "the follower holds $n of $CONNECTIONS"
	[ "${n:-0}" -ge "$CONNECTIONS" ]
}
event_graceful_classic() { kill -TERM "$(pid_of keepalived-lba)"; }
event_silent_classic() {
	kill -KILL "$(pid_of keepalived-lba)" "$(cat "$TMP/lba.vrrp.pid")" "$(pid_of conntrackd-lba)"
	links_down lba
}
event_owner_classic() { kill -KILL "$(cat "$TMP/lba.vrrp.pid")"; }
event_table_classic() { kill -KILL "$(pid_of conntrackd-lba)"; }
