# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Two nodes with tandem-lb that synchronise connections, in lab `pair`: path 1 is the link between them, path 2 the clients'
# network. Nobody owns addresses but the test, which moves them by hand. Sourced after lib.sh and config.sh.
#
#   sync_up                       the lab and the key
#   sync_conf [FILE]              pools and services (of config.sh's rows) with the pair's nodes and peer
#   sync_lb NODE [CONFIG]         start tandem-lb; returns when it answers
#   sctl NODE ARGUMENTS...        tandemctl of that node
#   sjson NODE .path              in its `peers`
#   in_sync [NODE...]             each holds all that the other one has (lba and lbb)
#   flows_of NODE [ARGUMENTS...]  how many there are
#   copies_of NODE                how many of them are copies
#   count_of NODE COUNTER         of `counters`
#   move_to NODE                  the service address and the backends' gateway, and everybody learns it

sync_up() {
	lab_up pair "$@" 2> /dev/null
	mountpoint -q "$BPFFS" || mount -t bpf bpf "$BPFFS" || bail "cannot mount the bpf filesystem at $BPFFS"
	"$TANDEM_BIN/tandemctl" keygen "$TMP/key" > "$TMP/keygen" || bail "no key"
}

DATAPLANE='interfaces = [ "bond0", "bond1" ]; max_flows = 65536;'
PEER_KEYS=
sync_conf() {
	cat <<-END
		nodes = ( { name = "lba"; peer_addresses = [ "10.0.9.1", "10.0.1.11" ]; },
		          { name = "lbb"; peer_addresses = [ "10.0.9.2", "10.0.1.12" ]; } );
		peer = { key_file = "${1-$TMP/key}"; $PEER_KEYS };
	END
	conf
}

sync_lb() {
	local node=$1
	[ $# -lt 2 ] || printf '%s\n' "$2" > "$TMP/$node.conf"
	mkdir -p "$TMP/run-$node"
	spawn "lb-$node" "$node" "$TANDEM_BIN/tandem-lb" -n "$node" -c "$TMP/$node.conf" -r "$TMP/run-$node"
	wait_for 15 sync_answers "$node" > /dev/null || bail "tandem-lb on $node does not answer"
}
sync_answers() { alive "lb-$1" && sctl "$1" status --daemon lb; }
sync_reload() { # NODE CONFIG
	printf '%s\n' "$2" > "$TMP/$1.conf"
	sctl "$1" reload > "$TMP/reload"
}
sctl() { local node=$1; shift; "$TANDEM_BIN/tandemctl" -r "$TMP/run-$node" "$@"; }
sjson() { sctl "$1" --json peers > "$TMP/sjson.$1.$BASHPID" && json "$TMP/sjson.$1.$BASHPID" "$2"; }

in_sync() {
	local node in out
	for node in "${@:-lba}"; do
		in=$(sjson "$node" .sync.in) out=$(sjson "$node" .sync.out)
		[ "$in $out" = "in sync in sync" ] || { echo "$node: in: $in, out: $out"; return 1; }
	done
}
flows_of() { local node=$1; shift; sctl "$node" --json flows --limit 1 "$@" | json - .total; }
copies_of() {
	sctl "$1" --json flows --limit 100000 | perl -MJSON::PP -0777 -ne '
		print scalar(grep { $_->{copy} } @{decode_json($_)->{flows}}), "\n"'
}
count_of() { sctl "$1" --json counters --daemon lb | json - "[name=$2].value"; }
each_up() { # NODE: every backend, as its check says
	sctl "$1" --json backends | perl -MJSON::PP -0777 -ne '
		my @bad = map { "$_->{pool}/$_->{name}" } grep { $_->{state} ne "up" } @{decode_json($_)};
		@bad and print("not up: @bad\n"), exit 1'
}

move_to() {
	local node=$1 other=lba address
	[ "$node" != lba ] || other=lbb
	for address in 10.0.1.100/24,bond0 fd00:1::100/64,bond0 10.0.2.1/24,bond1 fd00:2::1/64,bond1; do
		echo "addr del ${address%,*} dev ${address#*,}"
	done > "$TMP/move.del"
	sed 's/^addr del/addr add/; /fd00/s/$/ nodad/' "$TMP/move.del" > "$TMP/move.add"
	in_ns $other ip -force -batch "$TMP/move.del" > "$TMP/move" 2>&1 # it may have had none of them
	in_ns "$node" ip -batch "$TMP/move.add" || bail "$node takes no addresses"
	for node in c1 c2 b1 b2 b3; do in_ns $node ip neigh flush all; done
}
