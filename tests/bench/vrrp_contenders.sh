# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# How each speaker is started on a node of its own lab, and nothing else; all with the same settings as near as they can: version 3,
# IPv4, multicast, the checksum of RFC 5798, no logging to anywhere but a file. LAB_PREFIX and DIR are the contender's.
#
#   run_NAME NODE PRIORITY INTERVAL_MS COUNT   COUNT virtual routers on eth0; returns when its processes are there
#   end_NAME NODE                              all its processes, politely
#   leave_NAME NODE                            SIGTERM as an administrator would; does not wait
#   pids_NAME NODE                             every process that belongs to it
#   victims_NAME                               which of them kill -9 is tried on; victim_NAME NODE WHICH is its pid
#   describe_NAME                              for the table

ALL_CONTENDERS="tandem keepalived frr"
VIP=10.0.1.100

address_of() { if [ "$1" = 1 ]; then echo $VIP; else echo "10.7.0.$2"; fi; } # COUNT NUMBER
vrid_of() { if [ "$1" = 1 ]; then echo 51; else echo "$2"; fi; }
child_of() { tr ' ' '\n' < "/proc/$1/task/$1/children" | head -n 1; }

# ---- tandem-vrrp ----

run_tandem() {
	local i
	{
		echo "vrrp = { instances = ("
		for ((i = 1; i <= $4; i++)); do
			echo "	{ name = \"v$i\"; interface = \"eth0\"; vrid = $(vrid_of "$4" $i); priority = $2;" \
				"advert_interval_ms = $3; addresses = [ \"$(address_of "$4" $i)/32\" ]; }$([ $i = "$4" ] || echo ,)"
		done
		echo "); };"
	} > "$DIR/tandem-$1.conf"
	spawn "tandem-$1" "$1" "$TANDEM_BIN/tandem-vrrp" -c "$DIR/tandem-$1.conf" -r "$DIR/run-$1"
	wait_for 10 tandem_ctl "$1" vrrp > /dev/null || { say "tandem-vrrp does not answer: $(tail -n 2 "$(log_of "tandem-$1")")"; return 1; }
}
tandem_ctl() { local node=$1; shift; "$TANDEM_BIN/tandemctl" -r "$DIR/run-$node" "$@"; }
end_tandem() { stop "tandem-$1"; }
leave_tandem() { kill -TERM "$(pid_of "tandem-$1")"; }
pids_tandem() { echo "$(pid_of "tandem-$1") $(child_of "$(pid_of "tandem-$1")")"; }
victims_tandem() { echo "speaker guard"; }
victim_tandem() { if [ "$2" = guard ]; then pid_of "tandem-$1"; else child_of "$(pid_of "tandem-$1")"; fi; }
describe_tandem() { echo "tandem-vrrp as it is here, the interface's MAC; runs as SCHED_FIFO by default"; }

# ---- keepalived ----

run_keepalived() {
	local i dir=$DIR/keepalived-$1
	mkdir -p "$dir"
	for ((i = 1; i <= $4; i++)); do
		cat <<-END
			vrrp_instance v$i {
				state $([ "$2" = 200 ] && echo MASTER || echo BACKUP)
				interface eth0
				virtual_router_id $(vrid_of "$4" $i)
				priority $2
				version 3
				advert_int $(awk "BEGIN { print $3 / 1000 }")
				virtual_ipaddress { $(address_of "$4" $i)/32 }
			}
		END
	done > "$dir/conf"
	spawn "keepalived-$1" "$1" /usr/sbin/keepalived --dont-fork --log-console --vrrp --use-file "$dir/conf" \
		--pid "$dir/pid" --vrrp_pid "$dir/vrrp.pid"
	wait_for 10 keepalived_speaks "$1" || { say "keepalived does not start: $(tail -n 2 "$(log_of "keepalived-$1")")"; return 1; }
}
keepalived_speaks() { [ -n "$(child_of "$(pid_of "keepalived-$1")")" ]; }
end_keepalived() { stop "keepalived-$1"; }
leave_keepalived() { kill -TERM "$(pid_of "keepalived-$1")"; }
pids_keepalived() { echo "$(pid_of "keepalived-$1") $(child_of "$(pid_of "keepalived-$1")")"; }
victims_keepalived() { echo "child parent"; }
victim_keepalived() {
	if [ "$2" = parent ]; then pid_of "keepalived-$1"; else child_of "$(pid_of "keepalived-$1")"; fi
}
describe_keepalived() { echo "$(/usr/sbin/keepalived --version 2>&1 | sed -n '1s/ (.*//p'), as it ships, the interface's MAC"; }

# ---- FRR: zebra and vrrpd, on macvlans with the virtual MAC, which it does not do without ----

run_frr() {
	local i dir=$DIR/frr-$1 mac
	chmod 711 "$TMP" "$DIR"
	install -d -o frr -g frr "$dir" # it insists on a user of its own
	{
		echo "interface eth0"
		for ((i = 1; i <= $4; i++)); do
			printf ' vrrp %d version 3\n vrrp %d priority %d\n vrrp %d advertisement-interval %d\n vrrp %d ip %s\n' \
				"$(vrid_of "$4" $i)" "$(vrid_of "$4" $i)" "$2" "$(vrid_of "$4" $i)" "$3" \
				"$(vrid_of "$4" $i)" "$(address_of "$4" $i)"
		done
		echo "exit"
	} > "$dir/vrrpd.conf"
	: > "$dir/zebra.conf"
	for ((i = 1; i <= $4; i++)); do
		mac=$(printf '00:00:5e:00:01:%02x' "$(vrid_of "$4" $i)")
		echo "link add v$i link eth0 address $mac type macvlan mode bridge"
		echo "addr add $(address_of "$4" $i)/32 dev v$i"
		echo "link set v$i up"
	done | ip -n "$LAB_PREFIX$1" -batch - || { say "frr: no macvlans on $1"; return 1; }
	# Or its Backup would answer ARP for what stands on a macvlan that is down.
	in_ns "$1" sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore'
	frr_daemon "$1" zebra
	wait_for 10 test -S "$dir/zserv" || { say "zebra does not start: $(tail -n 2 "$(log_of "frr-zebra-$1")")"; return 1; }
	frr_daemon "$1" vrrpd
	wait_for 10 test -S "$dir/vrrpd.vty" || { say "vrrpd does not start: $(tail -n 2 "$(log_of "frr-vrrpd-$1")")"; return 1; }
}
frr_daemon() {
	local dir=$DIR/frr-$1
	rm -f "$dir/$2.vty"
	spawn "frr-$2-$1" "$1" /usr/lib/frr/"$2" -f "$dir/$2.conf" -i "$dir/$2.pid" -z "$dir/zserv" --vty_socket "$dir" \
		-A 127.0.0.1 -P 0 --log stdout --log-level errors
}
end_frr() {
	stop "frr-vrrpd-$1"
	stop "frr-zebra-$1"
	rm -f "$DIR/frr-$1"/{zserv,*.vty}
	in_ns "$1" ip -o link show type macvlan | sed -E 's/^[0-9]+: ([^@]*)@.*/link del \1/' | ip -n "$LAB_PREFIX$1" -batch -
}
leave_frr() { kill -TERM "$(pid_of "frr-vrrpd-$1")"; }
pids_frr() { echo "$(pid_of "frr-zebra-$1") $(pid_of "frr-vrrpd-$1")"; }
victims_frr() { echo "vrrpd"; }
victim_frr() { pid_of "frr-vrrpd-$1"; }
describe_frr() {
	echo "FRR $(/usr/lib/frr/vrrpd --version | sed -n '1s/.*version //p'): zebra and vrrpd, on macvlans with the virtual MAC (it does not do without), arp_ignore = 1"
}
