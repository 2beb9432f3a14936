# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests that look at packets; sourced after lib.sh. They are Python scripts over wire.py in the test's own
# file, each ends with main(FUNCTION):
#
#   wire NAME [SECONDS] <<'PY'        runs the script; its check() and equal() become this test's checks
#   behind NODE NEW NET               a new node behind NODE, which becomes a router: 10.0.NET.0/24 with NODE at
#                                     .1 (eth1) and NEW at .11 (eth0), fd00:NET::/64 the same; lb knows the way

[ -n "${LAB_PREFIX-}" ] || exit 255

wire() {
	local name=$1 seconds=${2:-200} line status whole=
	cat > "$TMP/$name.py"
	spawn "$name" - env PYTHONPATH="$ROOT/tests/e2e" PYTHONDONTWRITEBYTECODE=1 \
		CTL="$TANDEM_BIN/tandemctl -r $RUNDIR" /usr/bin/python3 "$TMP/$name.py"
	wait_exit "$name" "$seconds"
	status=$?
	[ $status -ne 124 ] || stop "$name" KILL
	while IFS= read -r line; do
		case $line in
		"ok "*) pass "${line#ok }" ;;
		"not ok "*) fail "${line#not ok }" ;;
		done) whole=1 ;;
		*) diag "$line" ;;
		esac
	done < <(tail -c "+$((${LOG_FROM[$name]} + 1))" "$(log_of "$name")")
	[ -n "$whole" ] || fail "$name runs to its end" "status $status (124: still running after $seconds s)"
}

behind() {
	local node=$1 new=$2 net=$3 via
	ip netns add "$LAB_PREFIX$new" &&
		in_ns "$new" sh -c 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad' &&
		ip link add eth1 netns "$LAB_PREFIX$node" type veth peer name eth0 netns "$LAB_PREFIX$new" &&
		in_ns "$node" sh -c 'cd /proc/sys/net; echo 1 > ipv4/ip_forward; echo 1 > ipv6/conf/all/forwarding
			for i in all eth0 eth1; do
				echo 0 > ipv4/conf/$i/rp_filter; echo 0 > ipv4/conf/$i/send_redirects
			done' &&
		ip -n "$LAB_PREFIX$node" -batch - <<-END &&
			addr add 10.0.$net.1/24 dev eth1
			addr add fd00:$net::1/64 dev eth1 nodad
			link set eth1 up
		END
		ip -n "$LAB_PREFIX$new" -batch - <<-END || bail "no node behind $node"
			addr add 10.0.$net.11/24 dev eth0
			addr add fd00:$net::11/64 dev eth0 nodad
			link set lo up
			link set eth0 up
			route add default via 10.0.$net.1
			route add default via fd00:$net::1
		END
	via=$(in_ns "$node" ip -o addr show dev eth0 scope global | awk '{ sub("/.*", "", $4); print $4 }')
	while read -r node; do
		case $node in *:*) net=fd00:$3::/64 ;; *) net=10.0.$3.0/24 ;; esac
		in_ns lb ip route add "$net" via "$node" || bail "lb knows no way to $new"
	done <<< "$via"
}
