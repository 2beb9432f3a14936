#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two groups of addresses, each node owns one: both forward at the same time, and each holds the other one's connections. A
# node dies, and the other has both groups; it returns, and each has its own again; one ends in order, likewise. No
# connection breaks, and who asks the group that does not move notices nothing. A backend's gateway is of the group whose
# service it is for: what is translated by one node comes back by the same one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/failover.sh"

SLACK_MS=300
VRRP_MS=361
OTHER4=10.0.1.200 OTHER6=fd00:1::200

group_pool() { # NAME PORT 4|6 BACKEND...
	local name=$1 port=$2 net=10.0.2. b rows=
	[ "$3" = 4 ] || net=fd00:2::
	shift 3
	for b; do rows+="${rows:+, }{ name = \"$b\"; address = \"$net$((10 + ${b#b}))\"; port = $port; }"; done
	echo "{ name = \"$name\"; backends = ( $rows ); check = { type = \"tcp\"; interval_ms = 1000; timeout_ms = 900; fall = 5; }; }"
}
group_services() { # NAME ADDRESS4 ADDRESS6
	echo "{ name = \"$1-kv4\"; address = \"$2\"; port = 6379; protocol = \"tcp\"; pool = \"$1-kv4\"; },
		{ name = \"$1-kv6\"; address = \"$3\"; port = 6379; protocol = \"tcp\"; pool = \"$1-kv6\"; },
		{ name = \"$1-echo4\"; address = \"$2\"; port = 7; protocol = \"udp\"; pool = \"$1-echo4\"; },
		{ name = \"$1-echo6\"; address = \"$3\"; port = 7; protocol = \"udp\"; pool = \"$1-echo6\"; }"
}
group_instances() { # NAME PRIORITY VRID FRONT4 FRONT6 BACK4 BACK6
	echo "{ name = \"$1-front\"; interface = \"bond0\"; vrid = $3; priority = $2; advert_interval_ms = $ADVERT_MS;
			addresses = [ \"$4/24\", \"$5/64\" ]; },
		{ name = \"$1-back\"; interface = \"bond1\"; vrid = $(($3 + 1)); priority = $2; advert_interval_ms = $ADVERT_MS;
			addresses = [ \"$6/24\", \"$7/64\" ]; }"
}
config_of() { # PRIORITY-OF-ONE PRIORITY-OF-TWO
	local pools=() g p
	for g in "one b1 b2" "two b3"; do
		for p in "kv 6379" "echo 7"; do
			# shellcheck disable=SC2086
			pools+=("$(group_pool "${g%% *}-${p% *}4" "${p#* }" 4 ${g#* })" "$(group_pool "${g%% *}-${p% *}6" "${p#* }" 6 ${g#* })")
		done
	done
	cat <<-END
		nodes = ( { name = "lba"; peer_addresses = [ "10.0.9.1", "10.0.1.11", "10.0.2.2" ]; },
		          { name = "lbb"; peer_addresses = [ "10.0.9.2", "10.0.1.12", "10.0.2.3" ]; } );
		vrrp = {
		  instances = ( $(group_instances one "$1" 51 $SERVICE4 $SERVICE6 10.0.2.1 fd00:2::1),
		                $(group_instances two "$2" 61 $OTHER4 $OTHER6 10.0.2.254 fd00:2::fe) );
		  groups = ( { name = "one"; members = [ "one-front", "one-back" ]; },
		             { name = "two"; members = [ "two-front", "two-back" ]; } );
		};
		peer = { key_file = "$TMP/key"; };
		pools = ( $(IFS=,; echo "${pools[*]}") );
		services = ( $(group_services one $SERVICE4 $SERVICE6), $(group_services two $OTHER4 $OTHER6) );
		dataplane = { interfaces = [ $INTERFACES ]; max_flows = 16384; };
	END
}
pair_config() { config_of 100 100; }
start_node() { # each node's file has its own priorities
	CONFIG=$TMP/$1.conf
	mkdir -p "$(run_of "$1")"
	start_lb "$1"
	start_vrrp "$1"
}

OWN_A="active active backup backup" OWN_B="backup backup active active" BOTH="active active active active"
NONE="backup backup backup backup"
states_are() { # STATES-OF-LBA STATES-OF-LBB
	local a b
	a=$(state_of lba) b=$(state_of lbb)
	echo "lba: $a, lbb: $b"
	[ "$a,$b" = "$1,$2" ]
}
each_its_own() { states_are "$OWN_A" "$OWN_B" && is_in_sync lba lbb && is_in_sync lbb lba; }
lbb_has_both() { [ "$(state_of lbb)" = "$BOTH" ]; }

# Connections of NODE to the kv services: "OWN-OF-ONE COPIES-OF-ONE OWN-OF-TWO COPIES-OF-TWO"
kept_at() {
	ask "$1" --json flows --limit 10000 | perl -MJSON::PP -0777 -ne '
		my %n;
		for my $f (@{decode_json($_)->{flows}}) {
			$f->{service_address} =~ /:6379$/ or next;
			$n{$f->{service_address} =~ /200\]?:6379$/ ? "two" : "one"}{$f->{copy} ? "copy" : "own"}++;
		}
		print join(" ", map { my $g = $_; map { $n{$g}{$_} // 0 } qw(own copy) } qw(one two)), "\n"'
}
kept_are() { # AT-LBA AT-LBB
	local a b
	a=$(kept_at lba) b=$(kept_at lbb)
	echo "lba: $a, lbb: $b"
	[ "$a,$b" = "$1,$2" ]
}

goes_on() { # MS-OF-ONE MS-OF-TWO: how long nobody had an answer of the group; and nobody broke
	local machine
	count_answers
	ok "... all go on" wait_for 20 each_answered
	machine=$(gap calm)
	holds "... for $(gap udp-one) and $(gap udp-two) ms nobody had an answer; $1 and $2 ms, $SLACK_MS and $machine of the machine's are allowed" \
		"$(gap udp-one) <= $1 + $SLACK_MS + $machine && $(gap udp-two) <= $2 + $SLACK_MS + $machine"
	is "... no connection broke, no answer was wrong" "$(total broken $KEPT) $(total corrupt)" "0 0"
}

config_of 200 100 > "$TMP/lba.conf"
config_of 100 200 > "$TMP/lbb.conf"
pair_up_whole
in_ns b3 ip route replace default via 10.0.2.254
in_ns b3 ip -6 route replace default via fd00:2::fe
ok "each node has its own group, and follows the other" wait_for 30 each_its_own

start_echo c2 7 c2
KEPT="one4 one6 two4 two6"
UDP="--mode echo-udp --connections 400 --rate 250 --timeout-ms 1500 --duration 600"
TCP="--mode kv --connections 50 --rate 50 --timeout-ms 20000 --duration 600"
# shellcheck disable=SC2086
{
	held one4 c1 $SERVICE4 6379 $TCP
	held one6 c2 $SERVICE6 6379 $TCP
	held two4 c2 $OTHER4 6379 $TCP
	held two6 c1 $OTHER6 6379 $TCP
	held udp-one c1 $SERVICE6 7 $UDP
	held udp-two c2 $OTHER4 7 $UDP
	held calm c1 10.0.1.22 7 $UDP
}
ok "both forward at the same time, and each has copies of what the other does" \
	wait_for 30 kept_are "100 0 0 100" "0 100 100 0"
ok "... in sync" wait_for 15 each_its_own

mark
power_off lba
ok "one node loses its power: the other has both groups" wait_for 15 lbb_has_both
ok "... why: silence" said lbb 'one: active: no advert for the down interval'
goes_on $VRRP_MS 0
mark
power_on lba
ok "it returns: each has its own again" wait_for 60 each_its_own
is "... it waited for the connections" "$(ask lba --json vrrp | json - '[0].takeover.table')" "in sync"
goes_on $VRRP_MS 0
ok "... and forwards them" wait_for 30 kept_are "100 0 0 100" "0 100 100 0"

mark
stop vrrp-lbb
ok "the other speaker ends: the first one has both groups" wait_for 15 eval '[ "$(state_of lba)" = "$BOTH" ]'
ok "... why: it said so" said lba 'two: active: the active node left'
goes_on 0 $VRRP_MS
mark
CONFIG=$TMP/lbb.conf
start_vrrp lbb
ok "it is started: each has its own again" wait_for 60 each_its_own
goes_on 0 $VRRP_MS
ok "... and forwards them" wait_for 30 kept_are "100 0 0 100" "0 100 100 0"

mark
ask lba failover one > "$TMP/last"
ok "one group is handed over: the other node has both" wait_for 15 states_are "$NONE" "$BOTH"
goes_on $VRRP_MS 0
mark
ask lbb failover one > "$TMP/last"
ok "... and back" wait_for 30 each_its_own
goes_on $VRRP_MS 0

is "no connection was made anew" "$(total opened $KEPT)" 200
for l in $LOADS; do stop "$l" INT; done
pair_down
done_testing
