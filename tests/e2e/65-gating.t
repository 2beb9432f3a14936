#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node that returns takes the addresses back when it holds the other one's connections, or when it has waited for them for
# sync_cap_s; so does who is offered them. A node that is alone waits for nobody.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

CLIENT=c1
SYNC_CAP=6
lease_up
both_run

now_ms() { date +%s%3N; }
cut_sync() { # connection sync of lba, by every path, and nothing else
	in_ns lba nft -f - <<-'END'
		table inet sync {
			chain i { type filter hook input priority 0; udp dport 3781 drop; }
			chain o { type filter hook output priority 0; udp dport 3781 drop; }
		}
	END
}
mend_sync() { in_ns lba nft delete table inet sync; }
lose_table() { # NODE: its tandem-lb, and all that it held
	stop "lb-$1" TERM
	in_ns "$1" "$TANDEM_BIN/tandem-lb" -n "$1" -c "$TMP/$1.conf" -r "$(RUN_OF "$1")" --remove > "$TMP/removed" 2>&1
}
waits() { # NODE: as a Backup, for the table
	local why; why=$(vjson "$1" '[0].verdict.why')
	echo "$1 is $(vjson "$1" '[0].state'), $why"
	is_state "$1" backup && [ "$why" = "waits for the connection table" ]
}
taken_with() { vjson "$1" '[0].takeover.table'; }
pair_gave() { is_state lbb active && is_state lba backup; }
count_copies() {
	vctl "$1" --json flows --limit 1000 | perl -MJSON::PP -0777 -ne 'print scalar(grep { $_->{copy} } @{decode_json($_)->{flows}})'
}
took_after() { # NODE STEP, ms after the decision
	vjson "$1" "[0].takeover.$2"
}
failures() { # of the load until now; and how long the longest answer took, ms
	load_peek steady .failed_requests
}
longest() { report steady .latency_us.max | awk '{ print $1 / 1000 }'; }

# ---- in sync: at once, in order, and no connection notices ----

load steady c1 10.0.1.100 80 --mode kv --connections 20 --rate 500 --timeout-ms 10000 --duration 300
ok "the other node has the connections" wait_for 15 eval '[ "$(count_copies lbb)" = 20 ]'
like "a failover" "$(vctl lba failover edge)" 'handed over'
is "... takes over with the connections" "$(taken_with lbb)" "in sync"
like "... and back" "$(wait_for 15 pair_gave > /dev/null; vctl lbb failover edge)" 'handed over'
stop vrrp-lba TERM
ok "an orderly end: the other has the addresses" wait_for 15 is_state lbb active
vrrp lba "$CONF"
ok "started again it is in sync: it takes them back" wait_for 15 pair_settled
is "... with the connections" "$(taken_with lba)" "in sync"
read -r lease addresses announced told < <(echo $(for step in lease_ms addresses_ms announced_ms told_ms; do took_after lba $step; done))
holds "... lease ($lease ms), addresses ($addresses), announcement ($announced), word of it ($told), in this order" \
	"0 <= $lease && $lease <= $addresses && $addresses <= $announced && $announced <= $told"
is "no request failed" "$(failures)" 0
n=$(longest)
holds "... the longest answer took $n ms" "$n < 1500"
diag "four handovers under load: the longest answer took $n ms"
kill -TERM "$(pid_of steady)"

# ---- without the connections: it waits ----

began() { lose_table lba; stop vrrp-lba TERM; wait_for 15 is_state lbb active; }
ok "lba leaves, its table with it" began
cut_sync
lb lba
vrrp lba "$CONF"
ok "it returns, and sync is cut: it waits" wait_for 15 waits lba
like "... tandemctl vrrp says so" "$(vctl lba vrrp)" 'front: waits for the connection table, [0-9]+ s of 6 s'
like "... the instance's too" "$(vctl lba vrrp front)" 'verdict +hold: waits for the connection table'
is "... nobody moved" "$(vjson lbb '[0].state')" active
mend_sync
ok "sync goes on: it takes the addresses" wait_for 15 is_state lba active
is "... with the connections" "$(taken_with lba)" "in sync"
ok "... and the pair is well" wait_for 15 pair_settled

# ---- not for ever ----

ok "lba leaves again" began
cut_sync
lb lba
vrrp lba "$CONF"
ok "sync is cut: it waits" wait_for 15 waits lba
ok "... and takes the addresses in the end" wait_for 30 is_state lba active
# By the daemon's own clock, from the word that it waits to the transition.
waited=$(vctl lba --json events | perl -MJSON::PP -0777 -ne '
	my ($from, $took);
	for (@{decode_json($_)->{events}}) {
		$from = undef if $_->{event} eq "backup";
		$from //= $_->{time_ms} if $_->{event} eq "hold" && $_->{cause} =~ /waits for the connection table/;
		$took = $_->{time_ms} - $from if defined $from && $_->{event} =~ /active$/;
	}
	print $took // "";')
holds "... after the cap: ${waited:-no} ms of 6000" "5500 <= ${waited:-0} && ${waited:-0} < 9000"
isnt "... without the connections" "$(taken_with lba)" "in sync"

# ---- what is offered to who has no table ----

mend_sync
ok "in sync again" wait_for 15 pair_settled
cut_sync
lose_table lbb
lb lbb
ok "lbb has lost its table: it is behind" wait_for 15 eval '[ "$(table_of lbb)" != "in sync" ]'
like "what is offered to it now it does not take" "$(vctl lba failover edge 2>&1)" 'nobody|goes on'
ok "... the addresses stay" eval 'is_state lba active && is_state lbb backup'
kill -KILL "$(pid_of vrrp-lba)" "$(speaker_pid lba)"
ok "a node that is gone is not waited for" wait_for 4 is_state lbb active
mend_sync
vrrp lba "$CONF"
ok "all is well again" wait_for 15 pair_settled

# ---- a speaker before its balancer ----

ok "lba leaves" began
vrrp lba "$CONF"
ok "the speaker is there before tandem-lb: it waits" wait_for 15 waits lba
lb lba
ok "... until that is in sync" wait_for 15 is_state lba active
is "... with the connections" "$(taken_with lba)" "in sync"
done_testing
