# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Two nodes a and b that are a pair: the lab `lan` with a direct link between them (pa, pb: 10.0.9.1, 10.0.9.2), which is
# path 1; path 2 is the LAN. The client is the witness. Sourced after vrrp.sh.
#
#   pair_up                              the lab and the key
#   pair_conf [INSTANCE-KEYS] [PEER-KEYS]   the config of both
#   pair_start                           both speakers with $CONF; returns when a is active, b is backup, and both hear each other
#   pjson NODE .path                     in the answer of `tandemctl --json peers`
#   cut_adverts [PORT]  cut_direct  mend    adverts (that come from the switch's port) are lost; the direct link is; all is well
#   count_events NODE REGEX              lines of `tandemctl events` that match
#   event_ms NODE REGEX                  wall clock of the last of them, ms

pair_up() {
	lab_up lan
	ip link add pa netns "${LAB_PREFIX}a" type veth peer name pb netns "${LAB_PREFIX}b"
	in_ns a ip addr add 10.0.9.1/30 dev pa && in_ns b ip addr add 10.0.9.2/30 dev pb || bail "no direct link"
	in_ns a ip link set pa up && in_ns b ip link set pb up || bail "no direct link"
	"$TANDEM_BIN/tandemctl" keygen "$TMP/key" > "$TMP/keygen" || bail "no key"
}

pair_conf() {
	cat <<-END
		nodes = ( { name = "a"; priority = 200; peer_addresses = [ "10.0.9.1", "10.0.1.11" ]; },
		          { name = "b"; priority = 100; peer_addresses = [ "10.0.9.2", "10.0.1.12" ]; } );
		vrrp = { instances = ( { name = "front"; interface = "eth0"; vrid = 51; advert_interval_ms = 100;
		                         addresses = [ "10.0.1.100/24", "fd00:1::100/64" ]; ${1-} } ); };
		peer = { key_file = "$TMP/key"; beacon_interval_ms = 50; ${2-} };
	END
}
WITNESS='witness = { addresses = [ "10.0.1.14" ]; interval_ms = 50; };'

pair_start() {
	vrrp a "$CONF"
	vrrp b "$CONF"
	wait_for 20 pair_is_well || bail "the pair did not come up"
}
pair_is_well() { is_state a active && is_state b backup && is_fresh a && is_fresh b; }
is_fresh() { [ "$(pjson "$1" .fresh)" = true ]; }

pjson() { vctl "$1" --json peers --daemon vrrp > "$TMP/pjson.$1.$BASHPID" && json "$TMP/pjson.$1.$BASHPID" ".vrrp$2"; }

cut_adverts() {
	in_ns sw nft -f - <<-END
		table bridge adverts {
			chain f {
				type filter hook forward priority 0
				${1:+iifname "$1"} ip protocol 112 drop
				${1:+iifname "$1"} ip6 nexthdr 112 drop
			}
		}
	END
}
cut_direct() {
	in_ns a nft -f - <<-'END'
		table inet direct {
			chain i { type filter hook input priority 0; iifname "pa" drop; }
			chain o { type filter hook output priority 0; oifname "pa" drop; }
		}
	END
}
mend() {
	in_ns sw nft flush ruleset
	in_ns a nft 'add table inet direct; delete table inet direct'
}

count_events() { vctl "$1" events | grep -c -E -- "$2"; }
event_ms() {
	vctl "$1" --json events | perl -MJSON::PP -e 'local $/; my $e = decode_json(<STDIN>)->{events};
		print((grep { "$_->{subject}: $_->{event}: $_->{cause}" =~ /$ARGV[0]/ } @$e)[-1]{time_ms})' "$2"
}
now_ms() { date +%s%3N; }
