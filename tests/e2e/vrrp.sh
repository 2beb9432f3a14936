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
#   answers ADDRESS                does the client's ping get an answer?
#   mac_of ADDRESS                 what the client's neighbour table says

RUN_OF() { echo "$TMP/run-$1"; }

vrrp() {
	local node=$1 name=()
	[ -x "$TANDEM_BIN/tandem-vrrp" ] || bail "no $TANDEM_BIN/tandem-vrrp; 'make' builds it"
	[ $# -lt 2 ] || printf '%s\n' "$2" > "$TMP/$node.conf"
	! grep -q '^ *nodes *=' "$TMP/$node.conf" || name=(-n "$node")
	spawn "vrrp-$node" "$node" "$TANDEM_BIN/tandem-vrrp" -c "$TMP/$node.conf" -r "$(RUN_OF "$node")" "${name[@]}"
	wait_for 10 vrrp_answers "$node" || bail "tandem-vrrp on $node does not answer"
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
	wait_for 5 reloaded "$1" "$before"
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
	spawn "keepalived-$node" "$node" /usr/sbin/keepalived --dont-fork --log-console --log-detail --vrrp \
		--use-file "$dir/conf" --pid "$dir/pid" --vrrp_pid "$dir/vrrp.pid"
}

has() { in_ns "$1" ip -br addr show ${3:+dev "$3"} | grep -qw -- "$2"; }
has_not() { ! has "$@"; }
answers() { in_ns client ping -n -q -c 1 -W 1 "$1" > "$TMP/ping.out" 2>&1; }
mac_of() { in_ns client ip neigh show "$1" | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p'; }
