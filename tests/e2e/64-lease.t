#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lease: the dataplane answers for the addresses and forwards to them only while the speaker stamps. A speaker that is
# stopped, or killed with its guard, is silent in the kernel before the other node speaks; what comes and goes without that
# (tandem-lb, its maps, an orderly end) disturbs nobody.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

CLIENT=c1
lease_up
both_run

hold_still() { kill -STOP "$@"; }
go_on() { kill -CONT "$@"; }
one_has_it() { [ "$(active_nodes 10.0.1.100 lba lbb) $(active_nodes fd00:1::100 lba lbb)" = "$1 $1" ]; }
settled_at() { is_state "$1" active && is_state "$2" backup && one_has_it "$1"; }

# When the unit took the addresses last: taken_ns of its lease, in the first slot.
taken_at() {
	bpftool -j map lookup pinned "$(pins | grep lba)/leases" key 1 0 0 0 |
		python3 -c 'import json, sys; print(int.from_bytes([int(b, 16) for b in json.load(sys.stdin)["value"][8:16]], "little"))'
}

# All that c1 may ask was answered by lba, and no more when lbb spoke. $1: what happened
is_silent_first() {
	local kind kinds
	kinds=$(asked .answers_a)
	for kind in arp nd echo echo6; do
		like "$1: $kind was answered before" "$kinds" "\"$kind\":[1-9]"
	done
	holds "... silent $(asked .silence_ms) ms before the other spoke" "$(asked .silence_ms) > 0"
	is "... the client saw both answer for (ms)" "$(asked .both_ms)" 0
	like "... the other answers" "$(asked .answers_b)" '"arp":[1-9]'
}

is "the lease of who is active" "$(lease lba)" fresh
is "... and of who is not" "$(lease lbb)" released
is "... nothing was dropped for want of it" "$(drops lba)" 0
ok "new connections" eval '[ "$(asks)" = b1 ]'
like "tandemctl vrrp shows it" "$(vctl lba vrrp front)" 'lease +fresh for '
like "... and the order of the takeover" "$(vctl lba vrrp front)" 'takeover +lease after .*, addresses .*, announced .*, told '

# ---- guard and speaker stand still ----

speaker=$(speaker_pid lba) guard=$(pid_of vrrp-lba)
moved_a=$(moves lba) moved_b=$(moves lbb) taken=$(taken_at)
asking
hold_still "$guard" "$speaker"
ok "tandem-vrrp is stopped (SIGSTOP): the other takes over" wait_for 15 is_state lbb active
ok "... new connections go by it" wait_for 15 eval '[ "$(asks)" = b1 ]'
stop_asking
is_silent_first "SIGSTOP"
ok "... its kernel still has the address" has lba 10.0.1.100
holds "... what came to it was dropped" "$(drops lba) > 0"
go_on "$speaker" "$guard"
ok "SIGCONT: one is active, with the addresses" wait_for 15 settled_at lba lbb
like "... with a fresh lease" "$(lease lba)" fresh
holds "... taken anew, with grace for connections that the other one had" "$(taken_at) > $taken"
holds "... no flap: the other took over and stepped back, this one stayed what it was, or went and came" \
	"$(moves lbb) - $moved_b == 2 && $(moves lba) - $moved_a <= 2"
ok "... new connections" wait_for 15 eval '[ "$(asks)" = b1 ]'

# ---- the speaker alone, as under a debugger ----

asking
hold_still "$speaker"
ok "the speaker alone is stopped: the other takes over" wait_for 15 is_state lbb active
ok "... new connections go by it" wait_for 15 eval '[ "$(asks)" = b1 ]'
stop_asking
is_silent_first "a debugger"
go_on "$speaker"
ok "... it goes on: one is active" wait_for 15 settled_at lba lbb

# ---- guard and speaker are killed ----

ok "in sync" wait_for 15 pair_settled
asking
kill -KILL "$guard" "$speaker"
ok "guard and speaker are killed: the other takes over" wait_for 15 is_state lbb active
ok "... new connections go by it" wait_for 15 eval '[ "$(asks)" = b1 ]'
stop_asking
is_silent_first "kill -9"
ok "... its kernel still has the address" has lba 10.0.1.100
before=$(moves lbb)
vrrp lba "$CONF"
ok "... started again it is active, with a lease" wait_for 15 pair_settled
ok "... alone" one_has_it lba
is "... the other stepped back, once" "$(($(moves lbb) - before))" 1

# ---- the speaker alone is killed: a steady address ----

pinging 10.0.1.100
kill -KILL "$(speaker_pid lba)"
ok "the speaker is killed: the next one is active in the end" wait_for 15 pair_settled
n=$(pings_lost)
holds "... the client lost next to nothing (of its pings, every 10 ms: $n)" "$n <= 5"

# ---- tandem-lb: its maps made anew, and later than the speaker ----

pinging 10.0.1.100
stop lb-lba TERM
lb lba --reset
ok "tandem-lb --reset while active: the lease is in the new maps" wait_for 15 eval '[ "$(lease lba)" = fresh ] && vctl lba status --daemon lb'
ok "... new connections" wait_for 15 eval '[ "$(asks)" = b1 ]'
n=$(pings_lost)
holds "... the address was not silent (of pings every 10 ms were lost: $n)" "$n <= 3"
is "... and nobody moved: the other is" "$(vjson lbb '[0].state')" backup

stop lb-lba TERM
in_ns lba "$TANDEM_BIN/tandem-lb" -n lba -c "$TMP/lba.conf" -r "$(RUN_OF lba)" --remove > "$TMP/removed" 2>&1
ok "no dataplane: no lease, and it is said" wait_for 15 eval '[ "$(lease lba)" = none ]'
like "... tandemctl vrrp says so" "$(vctl lba vrrp front)" 'lease +none, no dataplane'
ok "... it is active as before" eval 'is_state lba active && has lba 10.0.1.100'
lb lba
ok "tandem-lb comes later than the speaker: the lease is there" wait_for 15 eval '[ "$(lease lba)" = fresh ]'
ok "... new connections" wait_for 15 eval '[ "$(asks)" = b1 ]'
is "... nothing was dropped for want of it" "$(drops lba)" 0

# ---- a reload changes the addresses ----

vrrp_reload lba "${CONF/10.0.1.100\/24/10.0.1.100\/24\", \"10.0.1.101\/24}"
ok "another address by reload: it answers" wait_for 15 in_ns c1 ping -n -q -c 1 -W 0.5 10.0.1.101
vrrp_reload lba "$CONF"
in_ns lba ip addr add 10.0.1.101/32 dev bond0
ok "... taken out of the config it is an operator's to use" wait_for 15 in_ns c1 ping -n -q -c 1 -W 0.5 10.0.1.101
in_ns lba ip addr del 10.0.1.101/32 dev bond0

# ---- an orderly end gives the addresses back ----

ok "in sync" wait_for 15 pair_settled
stop vrrp-lbb TERM
stop vrrp-lba TERM
for address in 10.0.1.100/24,bond0 10.0.2.1/24,bond1; do
	in_ns lba ip addr add "${address%,*}" dev "${address#*,}"
done
for node in c1 b1; do in_ns $node ip neigh flush all; done
ok "the speakers end: an operator's address is answered for" wait_for 15 in_ns c1 ping -n -q -c 1 -W 0.5 10.0.1.100
ok "... and forwarded to" wait_for 15 eval '[ "$(asks)" = b1 ]'
for address in 10.0.1.100/24,bond0 10.0.2.1/24,bond1; do
	in_ns lba ip addr del "${address%,*}" dev "${address#*,}"
done

# ---- with what the systemd unit leaves it, and with less ----

with() { # CAPABILITIES...
	local all=-all cap
	for cap; do all+=,+$cap; done
	spawn bound lba setpriv --bounding-set "$all" "$TANDEM_BIN/tandem-vrrp" -n lba -c "$TMP/lba.conf" -r "$(RUN_OF lba)"
	wait_for 15 vctl lba vrrp > /dev/null
}
unit=$(sed -n 's/^CapabilityBoundingSet=//p' "$ROOT/etc/systemd/tandem-vrrp.service" | tr 'A-Z' 'a-z')
# shellcheck disable=SC2046
with $(printf '%s\n' $unit | sed 's/^cap_//')
ok "with the unit's capabilities ($unit) it has a lease" wait_for 15 eval '[ "$(lease lba)" = fresh ]'
stop bound TERM
if [ "$(cat /proc/sys/kernel/unprivileged_bpf_disabled)" = 0 ]; then
	skip "without CAP_BPF it has none, and says so" "this kernel lets everybody call bpf()"
else
	with net_admin net_raw
	ok "without CAP_BPF it is active all the same" wait_for 15 is_state lba active
	if [ "$(lease lba)" = fresh ]; then
		skip "... without a lease, and says so" "this kernel lets everybody open a pinned map"
	else
		like "... without a lease, and says so" "$(vctl lba vrrp front)" 'lease +none, may not open .*CAP_BPF'
	fi
	stop bound TERM
fi
done_testing
