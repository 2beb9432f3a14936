# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The backends and what is measured through the contender. measure_NAME runs with LAB_PREFIX set, loads the
# four clients at once for SECONDS_PER seconds and leaves the tools' JSON in $OUT/1..4 (absent for a client
# that takes no part).
#
# Every contender gets the same load: client N always runs the same command, and asks the service address.
# The exceptions are in target(): "paired" always, and "plain" for bulk, where a route can't choose the
# backend by port.

ALL_MEASURES="keepalive connect bulk1 bulk4"
STATS_SWITCH=/proc/sys/kernel/bpf_stats_enabled
CONNECTIONS=64 # over the four clients together

target() { # CONTENDER MEASURE CLIENT -> the address it asks
	case $1/$2 in
	paired/* | plain/bulk*) echo "10.0.2.1$3" ;;
	*) echo "$VIP" ;;
	esac
}

start_backends() { # nginx and iperf3 in each backend of the lab
	local i dir
	for i in 1 2 3 4; do
		dir=$DIR/b$i
		mkdir -p "$dir"
		cat > "$dir/nginx.conf" <<-END
			daemon off; pid $dir/nginx.pid; error_log stderr error; worker_processes 1; worker_rlimit_nofile 16384;
			events { worker_connections 8192; }
			http {
				access_log off; server_tokens off; keepalive_requests 1000000000; keepalive_timeout 10m;
				default_type text/plain;
				server {
					listen 80 backlog=4096;
					location = / { return 200 "ok\n"; }
					location = /who { return 200 "b$i \$remote_addr\n"; }
				}
				server { listen 127.0.0.1:81; location = / { stub_status; } }
			}
		END
		spawn "http-$LAB_PREFIX$i" "b$i" nginx -e stderr -p "$dir" -c "$dir/nginx.conf"
		spawn "bulk-$LAB_PREFIX$i" "b$i" iperf3 -s -p "520$i"
	done
	for i in 1 2 3 4; do
		wait_for 5 listens "b$i" 80 || bail "backend b$i: nginx is not ready"
		wait_for 5 listens "b$i" "520$i" || bail "backend b$i: iperf3 is not ready"
	done
}

# Requests each backend has answered, this one included; and bytes lb has sent to the backends.
requests_served() {
	local i
	for i in 1 2 3 4; do in_ns "b$i" curl -s -m 5 127.0.0.1:81 | awk 'NR == 3 { print $3 }'; done | paste -sd' '
}
bytes_to_backends() { in_ns lb awk '$1 == "back:" { print $10 }' /proc/net/dev; }

on_clients() { # COUNT FUNCTION CONTENDER MEASURE: FUNCTION NODE ADDRESS NUMBER on the first COUNT clients at once
	local i pids=() failed=0
	rm -f "$OUT"/[1-4] "$OUT"/error.*
	for ((i = 1; i <= $1; i++)); do
		"$2" "c$i" "$(target "$3" "$4" $i)" $i > "$OUT/$i" 2> "$OUT/error.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || failed=1; done
	[ $failed -eq 0 ] || { cat "$OUT"/error.* "$OUT"/[1-4] >&2; return 1; }
}

# wrk's words for people go away with the lines that are not JSON.
run_wrk() { # NODE ADDRESS NUMBER ARGUMENTS...
	local node=$1 address=$2; shift 3
	in_ns "$node" timeout -k 1 $((SECONDS_PER + 20)) wrk -t 1 -c $((CONNECTIONS / 4)) -d "${SECONDS_PER}s" --timeout 5s \
		-s "$BENCH/wrk_json.lua" "$@" "http://$address/" | grep '^{'
}
wrk_keepalive() { run_wrk "$@"; }
wrk_connect() { run_wrk "$@" -H "Connection: close"; }
run_iperf() { in_ns "$1" timeout -k 1 $((SECONDS_PER + 20)) iperf3 -J -c "$2" -p "520$3" -t "$SECONDS_PER"; }

measure_keepalive() { on_clients 4 wrk_keepalive "$1" keepalive; }
measure_connect() { on_clients 4 wrk_connect "$1" connect; }
measure_bulk1() { on_clients 1 run_iperf "$1" bulk1; }
measure_bulk4() { on_clients 4 run_iperf "$1" bulk4; }

# Nanoseconds the programs on lb's interfaces took per packet under keep-alive load, from the kernel's own
# statistics. A run of its own, since the statistics cost time themselves; the switch is the machine's, so
# it is put back (to STATS_WERE, by the caller's cleanup too).
dataplane_cost() { # CONTENDER -> a sentence
	local before
	before=$(program_times)
	[ -n "$before" ] || { echo "no program on lb's interfaces"; return; }
	echo 1 > $STATS_SWITCH
	measure_keepalive "$1"
	echo "$STATS_WERE" > $STATS_SWITCH
	{ echo "$before"; program_times; } | awk '
		{ seen[$1]++; ns[$1] = $2 - ns[$1]; runs[$1] = $3 - runs[$1] }
		END { for (p in seen) if (seen[p] == 2) { t += ns[p]; n += runs[p] }
		      if (n) printf "%.0f ns a packet over %d packets (keep-alive load, kernel.bpf_stats_enabled)\n", t / n, n }'
}

program_times() { # "ID NANOSECONDS RUNS" of each program that tc or XDP runs on an interface of lb
	local id
	for id in $(in_ns lb bpftool -j net show | python3 -c '
import json, sys
found = {p["id"] for dev in json.load(sys.stdin) for kind in ("tc", "xdp") for p in dev.get(kind, []) if "id" in p}
print(*sorted(found))'); do
		bpftool -j prog show id "$id" | python3 -c '
import json, sys
p = json.load(sys.stdin)
print(p["id"], p.get("run_time_ns", 0), p.get("run_cnt", 0))'
	done
}
