# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Configs of the end-to-end tests in lab `single`, and what they look at in tandemctl's answers; sourced
# after lib.sh. A config is put together from rows and printed whole:
#
#   conf_new                                          forget all rows
#   pool NAME 4|6 PORT "settings" BACKEND...          BACKEND: a node, or "b2 weight = 3;"; it is named as its node
#   service NAME 4|6 PORT tcp|udp POOL ["settings"]   at the lab's service address
#   conf                                              the text, for start_lb, lb_config, lb_exit

VIP4=10.0.1.100
VIP6=fd00:1::100
# Short, so that tests are; the fall time is then 2 x 200 ms, and a timeout more for who is silent.
CHECK='check = { type = "tcp"; interval_ms = 200; timeout_ms = 150; rise = 1; fall = 2; };'
DATAPLANE='interfaces = [ "front1", "front2", "back" ]; max_flows = 65536;'

POOLS=() SERVICES=()
conf_new() { POOLS=() SERVICES=(); }

node_address() { # 4|6 NODE
	case $1$2 in
	4c1) echo 10.0.1.11 ;; 4c2) echo 10.0.3.11 ;; 6c1) echo fd00:1::11 ;; 6c2) echo fd00:3::11 ;;
	4b*) echo "10.0.2.$((10 + ${2#b}))" ;;
	6b*) echo "fd00:2::$((10 + ${2#b}))" ;;
	esac
}
vip() { if [ "$1" = 6 ]; then echo $VIP6; else echo $VIP4; fi; }

pool() {
	local name=$1 family=$2 port=$3 settings=$4 b node more rows=; shift 4
	for b; do
		read -r node more <<< "$b"
		rows+="${rows:+,}{ name = \"$node\"; address = \"$(node_address "$family" "$node")\"; port = $port; $more }"
	done
	POOLS+=("{ name = \"$name\"; $settings backends = ( $rows ); }")
}
service() {
	SERVICES+=("{ name = \"$1\"; address = \"$(vip "$2")\"; port = $3; protocol = \"$4\"; pool = \"$5\"; ${6-} }")
}
joined() { local IFS=,; echo "$*"; }
conf() {
	echo "pools = ( $(joined "${POOLS[@]}") );"
	echo "services = ( $(joined "${SERVICES[@]}") );"
	echo "dataplane = { $DATAPLANE };"
}

# ---- what tandemctl says ----

of_backend() { ctl --json backends "$1" | json - "[name=$2].$3"; } # POOL BACKEND FIELD
of_service() { ctl --json services | json - "[name=$1].$2"; }      # SERVICE FIELD
of_status() { ctl --json status | json - "$1"; }                   # .path
counter() { ctl --json counters | json - "[name=$1].value"; }      # NAME
event_log() { ctl --json events; }

backend_is() { # POOL BACKEND FIELD VALUE
	local is; is=$(of_backend "$1" "$2" "$3") && [ "$is" = "$4" ] || { echo "$1/$2: $3 is $is, not $4"; return 1; }
}
service_up() { # SERVICE BACKENDS
	local is; is=$(of_service "$1" backends_up) && [ "$is" = "$2" ] || { echo "$1: $is backends up, not $2"; return 1; }
}
all_up() { # every backend, as its check says
	ctl --json backends | python3 -c '
import json, sys
bad = [b["pool"] + "/" + b["name"] for b in json.load(sys.stdin) if b["state"] != "up"]
sys.exit("not up: %s" % bad if bad else 0)'
}
interfaces_attached() {
	ctl --json status | python3 -c '
import json, sys
bad = [i for i in json.load(sys.stdin)["interfaces"] if i["state"] != "attached"]
sys.exit("not attached: %s" % bad if bad else 0)'
}
all_ready() { interfaces_attached && all_up; }
start_ready() { # [CONFIG-TEXT]: returns when every interface is attached and every backend up
	start_lb "$@"
	wait_for 10 all_ready || bail "the balancer is not ready"
}
