# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Speakers of the end-to-end tests: tandem-vrrp itself, keepalived and FRR's vrrpd as partners, and what is seen of them
# from outside. Sourced after lib.sh. Every node has a run dir and a config of its own.
#
#   vrrp NODE CONFIG-TEXT          start tandem-vrrp; returns when its control socket answers
#   vrrp_reload NODE TEXT          another config, SIGHUP; returns when it is loaded or refused
#   vctl NODE ARGUMENTS...         tandemctl of that node
#   vjson NODE .path               in the answer of `tandemctl --json vrrp`, an array of instances
#   is_state NODE STATE [I]        of instance I (0); for wait_for
#   keepalived NODE CONFIG-TEXT    vrrp_instance blocks are the caller's; a global_defs comes before
#   has NODE ADDRESS [INTERFACE]   is the address there?; has_not
#   answers ADDRESS                does the client's ping get an answer? (the client is the node CLIENT)
#   mac_of ADDRESS                 what the client's neighbour table says
#   pinging ADDRESS [NAME] [S]     the client pings it every S (0.01) seconds, from the first answer on, until
#   pings_lost [NAME]              that many got no answer
#   part NODE...  heal             the switch drops what these send and what is sent to them, carrier stays; no longer
#   moves NODE [I]                 transitions of instance I (0) since the start
#   active_nodes ADDRESS NODE...   which of them have it

CLIENT=client

RUN_OF() { echo "$TMP/run-$1"; }

vrrp() {
	local node=$1 name=()
	[ -x "$TANDEM_BIN/tandem-vrrp" ] || bail "no $TANDEM_BIN/tandem-vrrp; 'make' builds it"
	[ $# -lt 2 ] || printf '%s\n' "$2" > "$TMP/$node.conf"
	! grep -q '^ *nodes *=' "$TMP/$node.conf" || name=(-n "$node")
	spawn "vrrp-$node" "$node" "$TANDEM_BIN/tandem-vrrp" -c "$TMP/$node.conf" -r "$(RUN_OF "$node")" "${name[@]}"
	wait_for 30 vrrp_answers "$node" || bail "tandem-vrrp on $node does not answer"
}
vrrp_answers() { alive "vrrp-$1" || { echo "tandem-vrrp on $1 has ended"; return 1; }; vctl "$1" vrrp; }
vctl() { local node=$1; shift; "$TANDEM_BIN/tandemctl" -r "$(RUN_OF "$node")" "$@"; }
vjson() { vctl "$1" --json vrrp > "$TMP/vjson.$1.$BASHPID" && json "$TMP/vjson.$1.$BASHPID" "$2"; }
is_state() { local state; state=$(vjson "$1" "[${3:-0}].state") && echo "$1 is $state" && [ "$state" = "$2" ]; }

vrrp_reload() { # the number of events tells when it is done
	local before
	before=$(grep -c 'config: \(loaded\|refused\)' "$(log_of "vrrp-$1")")
	printf '%s\n' "$2" > "$TMP/$1.conf"
	kill -HUP "$(pid_of "vrrp-$1")"
	wait_for 20 reloaded "$1" "$before"
}
reloaded() { [ "$(grep -c 'config: \(loaded\|refused\)' "$(log_of "vrrp-$1")")" -gt "$2" ]; }

speaker_pid() { cat "/proc/$(pid_of "vrrp-$1")/task/$(pid_of "vrrp-$1")/children" | tr -d ' '; }

keepalived() {
	local node=$1 dir=$TMP/keepalived-$1
	mkdir -p "$dir"
	{
		echo 'global_defs { vrrp_garp_master_delay 1 script_user root enable_script_security }'
		printf '%s\n' "$2"
	} > "$dir/conf"
	# Without a syslog daemon its words would go to the console, which may be a slow serial line that stops the machine.
	spawn "keepalived-$node" "$node" /usr/sbin/keepalived --dont-fork --no-syslog --log-console --log-detail --vrrp \
		--use-file "$dir/conf" --pid "$dir/pid" --vrrp_pid "$dir/vrrp.pid"
}

has() { in_ns "$1" ip -br addr show ${3:+dev "$3"} | grep -w -- "$2" > /dev/null; } # -q would break the pipe
has_not() { ! has "$@"; }
answers() { in_ns "$CLIENT" ping -n -q -c 1 -W 1 "$1" > "$TMP/ping.out" 2>&1; }
mac_of() { in_ns "$CLIENT" ip neigh show "$1" | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p'; }

pinging() {
	local name=ping-${2:-0}
	spawn "$name" "$CLIENT" stdbuf -oL ping -n -i "${3:-0.01}" -W 1 "$1"
	wait_log "$name" 20 'icmp_seq=' || bail "no answer from $1"
}
pings_lost() { # one that was on its way when the ping ended is not lost
	local name=ping-${1:-0} sent got
	stop "$name" INT 2> /dev/null
	read -r sent got < <(tail -c "+$((${LOG_FROM[$name]} + 1))" "$(log_of "$name")" |
		awk '/packets transmitted/ { print $1, $4 }')
	[ -n "$got" ] || { echo "no summary"; return 1; }
	if [ "$((sent - got))" = 1 ] && ! log_has "$name" "icmp_seq=$sent "; then echo 0; else echo $((sent - got)); fi
}

part() {
	local node
	heal
	{ # in prerouting, before the switch learns where a MAC is
		echo 'add table bridge parted; add chain bridge parted in { type filter hook prerouting priority 0; }'
		echo 'add chain bridge parted out { type filter hook forward priority 0; }'
		for node; do
			echo "add rule bridge parted in iifname to$node drop; add rule bridge parted out oifname to$node drop"
		done
	} | in_ns sw nft -f - || bail "nft takes no rules of the bridge family"
}
heal() { in_ns sw nft 'add table bridge parted; delete table bridge parted'; }

moves() { vjson "$1" "[${2:-0}].transitions"; }
active_nodes() {
	local address=$1 node found=
	shift
	for node; do ! has "$node" "$address" || found="$found $node"; done
	echo $found
}
