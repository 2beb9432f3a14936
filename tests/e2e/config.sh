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
	ctl --json backends | perl -MJSON::PP -0777 -ne '
		my @bad = map { "$_->{pool}/$_->{name}" } grep { $_->{state} ne "up" } @{decode_json($_)};
		@bad and print("not up: @bad\n"), exit 1'
}
interfaces_attached() {
	ctl --json status | perl -MJSON::PP -0777 -ne '
		my @bad = map { $_->{name} } grep { $_->{state} ne "attached" } @{decode_json($_)->{interfaces}};
		@bad and print("not attached: @bad\n"), exit 1'
}
all_ready() { interfaces_attached && all_up; }
start_ready() { # [CONFIG-TEXT]: returns when every interface is attached and every backend up
	start_lb "$@"
	wait_for 15 all_ready || bail "the balancer is not ready"
}

# ---- who answered ----

# Of a report of load_client: "b1 N b2 N b3 N". Servers are named by their node and perhaps a port ("b1-7001").
answers_in() { # FILE
	perl -MJSON::PP -0777 -ne '
		my %n = (b1 => 0, b2 => 0, b3 => 0);
		$n{substr($_->{name}, 0, 2)} += $_->{answers} for @{decode_json($_)->{servers}};
		print join(" ", map { "$_ $n{$_}" } sort keys %n)' "$1"
}
# Connections one after the other: how many each backend got.
spread() { # FAMILY PORT REQUESTS [NODE [CONNECTIONS]]
	in_ns "${4-c2}" "$TANDEM_BIN/load_client" "$(vip "$1")" "$2" --mode kv-connect --requests "$3" \
		--connections "${5-1}" --duration 60 > "$TMP/spread.json" || echo -n "FAILED "
	answers_in "$TMP/spread.json"
}

# ---- load that goes on ----

answers_more() { # NAME THAN
	local n; n=$(load_peek "$1" .answers) && [ "$n" -gt "$2" ] || { echo "$n answers"; return 1; }
}
goes_on() { wait_for 15 answers_more "$1" $(($(load_peek "$1" .answers) + ${2-60})); } # NAME [ANSWERS]

declare -A BEFORE=()
peek_all() { # NAME...: a report of each, of now
	local l
	for l; do rm -f "$TMP/$l.json"; done
	for l; do kill -USR1 "$(pid_of "$l")" || return 1; done
	wait_for 15 reports_there "$@"
}
reports_there() { local l; for l; do [ -e "$TMP/$l.json" ] || return 1; done; }
all_more() { # NAME...
	local l n
	peek_all "$@" || return 1
	for l; do n=$(report "$l" .answers); [ "$n" -gt $((BEFORE[$l] + 30)) ] || { echo "$l: $n answers"; return 1; }; done
}
all_go_on() { # of the loads in $LOADS
	local l
	# shellcheck disable=SC2086
	peek_all $LOADS || return 1
	for l in $LOADS; do BEFORE[$l]=$(report "$l" .answers); done
	# shellcheck disable=SC2086
	wait_for 15 all_more $LOADS
}
NO_FAILURES='{"closed":0,"corrupt":0,"other":0,"refused":0,"reset":0,"timeout":0}'
no_failures() { # of the loads in $LOADS up to now; prints the first that has some
	local l
	# shellcheck disable=SC2086
	peek_all $LOADS || return 1
	for l in $LOADS; do
		[ "$(report "$l" .failures)" = "$NO_FAILURES" ] || { echo "$l: $(report "$l" .failures)"; return 1; }
	done
}
