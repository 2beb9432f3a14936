# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# How each contender is started in its own lab, and nothing else. start_NAME runs with LAB_PREFIX set to the
# contender's lab and DIR to a directory of its own; every contender offers on $VIP port 80 all four
# backends in turn, and on ports 5201..5204 one backend each (an iperf3 test is two connections that must
# meet). Logging is off, timeouts are long, for all.

VIP=10.0.1.100
BACKENDS="10.0.2.11 10.0.2.12 10.0.2.13 10.0.2.14"
ALL_CONTENDERS="plain paired nftables haproxy nginx tandem synced"

numbered() { # FORMAT with %d for 1..4 and %s for the backend's address, a row for each
	local i=0 b
	# shellcheck disable=SC2059
	for b in $BACKENDS; do i=$((i + 1)); printf "${1//%d/$i}\n" "$b"; done
}

# Routing alone: every backend holds the service address on lo, and lb has one route to it with four next
# hops, chosen by a hash of the connection. Nothing is translated or remembered. The load has the same shape
# as everybody's: each client's connections go to all backends. (Bulk needs a chosen backend, so there the
# client asks the backend's own address.)
start_plain() {
	local i b hops=
	for i in 1 2 3 4; do in_ns "b$i" ip addr add $VIP/32 dev lo || bail "plain: no service address in b$i"; done
	for b in $BACKENDS; do hops="$hops nexthop via $b"; done
	in_ns lb sh -c "ip addr del $VIP/32 dev front1 && ip route add $VIP/32 $hops &&
		echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy" || bail "plain: no multipath route in lb"
}
describe_plain() { echo "no balancer: backends hold the service address, lb routes to them by a multipath route"; }

# Routing alone, client N to backend N only. Not the same load: answers come in batches from one peer, with
# fewer wake-ups on both sides, which by itself is worth about half as much again. It is shown as the
# ceiling of these namespaces.
start_paired() { :; }
describe_paired() { echo "another load, shown as the ceiling: no spreading, client N asks backend N's own address"; }

# The kernel's NAT. TIME_WAIT entries leave after a second, or the (machine-wide) table of 262,144 would be
# full in one round.
start_nftables() {
	{
		echo "table ip bench {"
		echo "	chain in {"
		echo "		type nat hook prerouting priority dstnat"
		echo "		ip daddr $VIP tcp dport 80 dnat to numgen inc mod 4 map {"
		local i=0 b
		for b in $BACKENDS; do echo "			$i : $b,"; i=$((i + 1)); done
		echo "		}"
		echo "		ip daddr $VIP dnat to tcp dport map {"
		numbered '			520%d : %s,'
		echo "		}"
		echo "	}"
		echo "}"
	} > "$DIR/rules.nft"
	in_ns lb nft -f "$DIR/rules.nft" || bail "nftables: the rules do not load"
	in_ns lb sh -c 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait'
}
describe_nftables() { echo "dnat to numgen inc mod 4, $(nft --version | cut -d' ' -f2)"; }
note_nftables() { # a line per CPU, hexadecimal; the table's head names the columns
	in_ns lb python3 -c '
rows = [line.split() for line in open("/proc/net/stat/nf_conntrack")]
lost = {k: sum(int(r[i], 16) for r in rows[1:]) for i, k in enumerate(rows[0]) if k in ("insert_failed", "drop", "early_drop")}
print(", ".join("conntrack %s %d" % kv for kv in lost.items() if kv[1]), end="")'
}

start_haproxy() {
	{
		printf '%s\n' "global" "	nbthread 2" "	maxconn 4000" "	tune.bufsize 65536" "	tune.pipesize 524288" \
			"defaults" "	mode tcp" "	option splice-auto" "	balance roundrobin" \
			"	timeout connect 5s" "	timeout client 10m" "	timeout server 10m" \
			"listen http" "	bind $VIP:80"
		numbered '	server b%d %s:80'
		numbered "listen bulk%d\n	bind $VIP:520%d\n	server b%d %s:520%d"
	} > "$DIR/haproxy.cfg"
	spawn "haproxy" lb haproxy -db -f "$DIR/haproxy.cfg"
	wait_for 5 listens lb 80 || bail "haproxy is not ready: $(tail -n 3 "$(log_of haproxy)")"
}
describe_haproxy() {
	echo "mode tcp, splice-auto with 512 kB pipes, 64 kB buffers, 2 threads," \
		"$(haproxy -v | sed -n '1s/.*version \([^ -]*\).*/\1/p')"
}

start_nginx() {
	{
		printf '%s\n' "load_module /usr/lib/nginx/modules/ngx_stream_module.so;" \
			"daemon off; pid $DIR/nginx.pid; error_log stderr error; worker_processes 2; worker_rlimit_nofile 16384;" \
			"events { worker_connections 8192; }" \
			"stream {" "	access_log off; proxy_timeout 10m; proxy_buffer_size 64k;" "	upstream http {"
		numbered '		server %s:80;'
		echo "	}"
		echo "	server { listen $VIP:80 reuseport backlog=4096; proxy_pass http; }"
		numbered "	server { listen $VIP:520%d reuseport; proxy_pass %s:520%d; }"
		echo "}"
	} > "$DIR/nginx.conf"
	spawn "nginx" lb nginx -e stderr -p "$DIR" -c "$DIR/nginx.conf"
	wait_for 5 listens lb 80 || bail "nginx stream is not ready: $(tail -n 3 "$(log_of nginx)")"
}
describe_nginx() { echo "stream, 2 workers, reuseport, 64 kB buffers, $(nginx -v 2>&1 | cut -d/ -f2)"; }

tandem_config() {
	local i
	echo "pools = ( { name = \"http\"; scheduler = \"rr\"; check = { type = \"none\"; };"
	echo "	backends = ("
	numbered '		{ name = "b%d"; address = "%s"; port = 80; },' | sed '$s/,$//'
	echo "	); },"
	numbered '	{ name = "bulk%d"; check = { type = "none"; };\n	  backends = (
		{ name = "b%d"; address = "%s"; port = 520%d; } ); },' | sed '$s/,$//'
	echo ");"
	echo "services = ("
	echo "	{ name = \"http\"; address = \"$VIP\"; port = 80; protocol = \"tcp\"; pool = \"http\"; },"
	for i in 1 2 3 4; do
		echo "	{ name = \"bulk$i\"; address = \"$VIP\"; port = 520$i;" \
			"protocol = \"tcp\"; pool = \"bulk$i\"; }$([ $i = 4 ] || echo ,)"
	done
	echo ");"
	echo 'dataplane = { interfaces = [ "front1", "front2", "front3", "front4", "back" ]; max_flows = 1048576; };'
}
start_tandem_on() { # NODE ARGUMENTS...
	local node=$1 run=$DIR/run-$1
	shift
	mkdir -p "$run"
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf || bail "cannot mount the bpf filesystem"
	spawn "tandem${LAB_PREFIX}$node" "$node" "$TANDEM_BIN/tandem-lb" -c "$DIR/tandem.conf" -r "$run" "$@"
	wait_for 10 "$TANDEM_BIN/tandemctl" -r "$run" status > /dev/null ||
		bail "tandem-lb is not ready: $(tail -n 3 "$(log_of "tandem${LAB_PREFIX}$node")")"
}
start_tandem() {
	tandem_config > "$DIR/tandem.conf"
	start_tandem_on lb
}
tandem_ctl() { "$TANDEM_BIN/tandemctl" -r "$DIR/run-lb" "$@"; }
describe_tandem() { echo "rr, tc, max_flows 1048576"; }

# The same with another node that follows every connection. That one works on the same cores as everything else here.
start_synced() {
	"$TANDEM_BIN/tandemctl" keygen "$DIR/key" > /dev/null || bail "no key"
	{
		echo 'nodes = ( { name = "lb"; peer_addresses = [ "10.0.9.1" ]; }, { name = "lbb"; peer_addresses = [ "10.0.9.2" ]; } );'
		echo "peer = { key_file = \"$DIR/key\"; };"
		tandem_config
	} > "$DIR/tandem.conf"
	start_tandem_on lb -n lb
	start_tandem_on lbb -n lbb
	wait_for 10 is_synced > /dev/null || bail "the follower does not follow: $(tandem_ctl peers)"
}
is_synced() { [[ $(tandem_ctl --json peers) =~ \"out\":\ *\"in\ sync\" ]]; }
describe_synced() { echo "tandem with a second node that follows every connection, on the same cores"; }

listens() { in_ns "$1" ss -Hltn "sport = $2" | grep -q .; }
