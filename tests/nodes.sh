# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The two nodes of lab `pair` with everything on them: their config, their daemons, their power, and what they say of
# themselves. Of scripts/demo and the end-to-end tests; sourced after proc.sh and scripts/demo.d/config.sh.
#
# The caller owns BIN (where the programs are), CONFIG (a file), ADVERT_MS, INTERFACES and what config.sh wants.

run_of() { echo "$TMP/run-$1"; }
ask() { local node=$1; shift; "$BIN/tandemctl" -r "$(run_of "$node")" "$@"; }

pair_config() {
	echo '# Two nodes, one file. Every key is in docs/CONFIG.md.'
	cat <<-CONF
		nodes = ( { name = "lba"; priority = 200; peer_addresses = [ "10.0.9.1", "10.0.1.11", "10.0.2.2" ]; },
		          { name = "lbb"; priority = 100; peer_addresses = [ "10.0.9.2", "10.0.1.12", "10.0.2.3" ]; } );
		vrrp = {
		  instances = ( { name = "front"; interface = "bond0"; vrid = 51; advert_interval_ms = $ADVERT_MS;
		                  addresses = [ "10.0.1.100/24", "fd00:1::100/64" ]; },
		                { name = "back"; interface = "bond1"; vrid = 52; advert_interval_ms = $ADVERT_MS;
		                  addresses = [ "10.0.2.1/24", "fd00:2::1/64" ]; } );
		  groups = ( { name = "edge"; members = [ "front", "back" ]; } );
		};
		peer = { key_file = "$TMP/key"; };
	CONF
	config 1
}

# ---- daemons ----

start_lb() {
	spawn "lb-$1" "$1" "$BIN/tandem-lb" -n "$1" -c "$CONFIG" -r "$(run_of "$1")"
	wait_for 20 lb_answers "$1" > "$TMP/last" ||
		bail "tandem-lb of $1 does not answer: $(tail -n 3 "$TMP/last" "$(log_of "lb-$1")")"
}
lb_answers() { alive "lb-$1" || { echo "it has ended"; return 1; }; ask "$1" status --daemon lb; }

start_vrrp() {
	spawn "vrrp-$1" "$1" "$BIN/tandem-vrrp" -n "$1" -c "$CONFIG" -r "$(run_of "$1")"
	wait_for 20 vrrp_answers "$1" > "$TMP/last" ||
		bail "tandem-vrrp of $1 does not answer: $(tail -n 3 "$TMP/last" "$(log_of "vrrp-$1")")"
}
vrrp_answers() { alive "vrrp-$1" || { echo "it has ended"; return 1; }; ask "$1" vrrp; }

start_node() { mkdir -p "$(run_of "$1")"; start_lb "$1"; start_vrrp "$1"; }

speaker_of() { # its guard's child
	local guard
	guard=$(pid_of "vrrp-$1")
	tr -d ' ' < "/proc/$guard/task/$guard/children"
}
doze() { kill -STOP "$(pid_of "vrrp-$1")" "$(speaker_of "$1")"; }
wake() { ! alive "vrrp-$1" || kill -CONT "$(pid_of "vrrp-$1")" $(speaker_of "$1") 2> /dev/null; }
kill_both() { # speaker and guard at once
	local speaker
	speaker=$(speaker_of "$1")
	kill -KILL "$(pid_of "vrrp-$1")" "$speaker"
	wait_exit "vrrp-$1" 15
} 2> /dev/null

# ---- power and cables ----

links_of() { # all there are at a node, loopback and bonds aside
	in_ns "$1" ip -br link show type veth | awk '{ sub(/@.*/, "", $1); print $1 }'
}
power_off() { # nobody says goodbye; what memory held is gone
	local link
	in_ns "$1" ip -o -6 addr show scope global | awk '{ print "addr replace " $4 " dev " $2 " nodad" }' |
		grep -v -w -e fd00:1::100/64 -e fd00:2::1/64 > "$TMP/addresses-$1"
	for link in $(links_of "$1"); do echo "link set $link down"; done > "$TMP/batch"
	kill -KILL "$(pid_of "vrrp-$1")" "$(speaker_of "$1")" "$(pid_of "lb-$1")"
	in_ns "$1" ip -batch "$TMP/batch"
	wait_exit "vrrp-$1" 15
	wait_exit "lb-$1" 15
	in_ns "$1" "$BIN/tandem-lb" -r "$(run_of "$1")" --remove > "$TMP/last" 2>&1
	rm -rf "$(run_of "$1")"
} 2> /dev/null
power_on() {
	local link address
	for address in 10.0.1.100/24 fd00:1::100/64; do echo "addr del $address dev bond0"; done > "$TMP/batch"
	for address in 10.0.2.1/24 fd00:2::1/64; do echo "addr del $address dev bond1"; done >> "$TMP/batch"
	for link in $(links_of "$1"); do echo "link set $link up"; done >> "$TMP/batch"
	cat "$TMP/addresses-$1" >> "$TMP/batch" # those of a link that went down are gone
	in_ns "$1" ip -force -batch "$TMP/batch" > "$TMP/last" 2>&1 # not all of the shared ones are there
	start_node "$1"
}

cut_heartbeat() { # adverts are lost in every switch, all else passes
	local switch
	for switch in sw1 sw2 sw3 sw4; do
		in_ns $switch nft -f - <<-'END' || return 1
			table bridge heartbeat {
				chain f {
					type filter hook forward priority 0
					ip protocol 112 drop
					ip6 nexthdr 112 drop
				}
			}
		END
	done
}
mend_heartbeat() {
	local switch
	for switch in sw1 sw2 sw3 sw4; do in_ns $switch nft 'delete table bridge heartbeat'; done
}

# ---- what they say ----

# Read with the shell's own means: these are asked often, and where a process is dear.
state_of() { # of each instance: the states of leases, witnesses and peers stand deeper
	local json all=
	json=$(ask "$1" --json vrrp 2> /dev/null)
	while [[ $json =~ $'\n'(\ \ |\ \ \ \ )\"state\":\ *\"([a-z]+)\" ]]; do
		all+="${all:+ }${BASH_REMATCH[2]}"
		json=${json#*"${BASH_REMATCH[0]}"}
	done
	echo "$all"
}
has_all() { local s; s=$(state_of "$1"); [ "$s" = "active active" ] || { echo "$1 is: $s"; return 1; }; }
has_none() { local s; s=$(state_of "$1"); [[ $s != *active* ]] || { echo "$1 is: $s"; return 1; }; }
active_now() {
	local node all=
	for node in $NODES; do ! has_all $node > /dev/null 2>&1 || all="$all $node"; done
	echo ${all:-nobody}
}

# NODE follows, or leads, and says that it holds all that the other one has.
is_in_sync() { # LEADER FOLLOWER
	local json in='"in": *"([a-z ]*)"' out='"out": *"([a-z ]*)"'
	json=$(ask "$2" --json peers)
	[[ $json =~ $in ]] && in=${BASH_REMATCH[1]} && [[ $json =~ $out ]] && out=${BASH_REMATCH[1]} ||
		{ echo "nothing of sync"; return 1; }
	echo "in: $in, out: $out"
	[ "$in" = "in sync" ] && [ "$out" = "in sync" ] || return
	# Both are ready, too (their backends have been checked), and their speakers know it of each other.
	local ready='"table": *"in sync",[[:space:]]*"our_table": *"in sync"'
	[[ $json =~ $ready ]] && [[ $(ask "$1" --json peers) =~ $ready ]]
}
is_well() { has_all "$1" && has_none "$2" && is_in_sync "$1" "$2"; } # LEADER FOLLOWER
