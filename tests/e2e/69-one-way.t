#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One direction is dead on every path, adverts included: docs/LIMITS.md has what happens. Both nodes stay active when nothing
# but the peer can tell them; that is loud at the one who hears the other, and over as soon as the paths are well. With
# witnesses the node that is cut off from everybody is not active, or gives way.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/peers.sh"

deaf_to_peer() { # b hears nothing of a, and hears its witness
	in_ns b nft -f - <<-'END'
		table inet oneway {
			chain i {
				type filter hook input priority 0
				ip saddr { 10.0.9.1, 10.0.1.11 } udp dport 3780 drop
				ip protocol 112 drop
				ip6 nexthdr 112 drop
			}
		}
	END
}
deaf() { in_ns b nft 'add table inet oneway; add chain inet oneway i { type filter hook input priority 0; policy drop; }'; }
mute() { # adverts do not pass a's own filter
	cut_adverts toa
	in_ns a nft 'add table inet oneway; add chain inet oneway o { type filter hook output priority 0; policy drop; }'
}
heal() {
	mend
	for n in a b; do in_ns $n nft 'add table inet oneway; delete table inet oneway'; done
	wait_for 20 pair_is_well
}
with() { # PEER-KEYS: both nodes ask a witness
	vrrp_reload a "$(pair_conf "$WITNESS" "$1")" && vrrp_reload b "$(pair_conf "$WITNESS" "$1")" &&
		wait_for 20 eval 'witness_answers a && witness_answers b && pair_is_well'
}
witness_answers() { [ "$(vjson "$1" '[0].witness')" = reached ]; }
both_active() { is_state a active && is_state b active; }
told() { count_events a 'both active'; }

pair_up
CONF=$(pair_conf)
pair_start
is "a pair that is well: nothing is told" "$(told)" 0

deaf_to_peer
ok "b hears nothing of a, and a hears b: both are active" wait_for 15 both_active
ok "... a tells it" wait_for 15 eval '[ "$(told)" = 1 ]'
like "... tandemctl vrrp says so" "$(vctl a vrrp)" 'both nodes are active, for [0-9]+ s: the peer is heard, and does not hear this node'
like "... and the log, as a warning" "$(cat "$(log_of vrrp-a)")" 'warn .*front: both nodes are active'
is "... once" "$(told)" 1
is "... b says that it hears nobody" "$(vjson b '[0].verdict.why')" "the peer is silent on every path"
ok "... it is over when the paths are well" heal
ok "... that is told, too" wait_for 15 eval '[ "$(count_events a "one active")" = 1 ]'
is "... nothing is wrong any more" "$(vctl a vrrp | grep -c 'both nodes')" 0

ok "a witness for each" with ''
mute
ok "a is heard by nobody: its witness does not answer, it gives way" wait_for 15 eval 'is_state a backup && is_state b active'
ok "... and has it back" heal
ok "on_isolation = \"fenced\"" with 'on_isolation = "fenced";'
was=$(moves b)
deaf
ok "b hears nobody: it does not take" wait_for 15 eval '[ "$(vjson b "[0].verdict.why")" = "fenced: the peer and the witness are silent" ]'
is "... and did not" "$(moves b)" "$was"
ok "... a has it" is_state a active
ok "all is well" heal
done_testing
