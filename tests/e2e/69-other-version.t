#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A peer of another release, as in an upgrade of one node: it has the right key, and says what this one cannot read. Both
# daemons name it, and nothing else changes. The same words with this release's numbers are taken: it is the number.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

CLIENT=c1
lease_up
both_run
load held c1 10.0.1.100 80 --mode kv --connections 20 --rate 200 --timeout-ms 10000 --duration 300
flows_at() { # NODE -> "OWN COPIES" of the held ones
	vctl "$1" --json flows --limit 1000 | perl -MJSON::PP -0777 -ne '
		my @held = grep { $_->{state} =~ /^established/ } @{decode_json($_)->{flows}};
		my $copies = grep { $_->{copy} } @held;
		print @held - $copies, " $copies\n"'
}
copies() { local n; n=$(flows_at lbb) && echo "$n" && [ "$n" = "0 20" ]; }
ok "a pair with connections" wait_for 15 copies

other() { # OPTIONS...: lbb is of another release
	spawn other lbb python3 "$ROOT/tests/e2e/other_version.py" "$TMP/key" lbb 10.0.9.2 10.0.9.1 3780 "$@"
	wait_log other 15 ready || bail "the other release does not come into touch"
}
refused() { # DAEMON REASON TEXT
	vctl lba peers --daemon "$1" > "$TMP/peers.$1"
	grep -E "refused [0-9.k ]+ as $2: .*$3" "$TMP/peers.$1" || { cat "$TMP/peers.$1"; return 1; }
}
is_quiet() { # DAEMON: nothing is refused
	! vctl lba peers --daemon "$1" | grep -E 'path 1: refused [0-9.k ]+ as (version|malformed|bad)'
}
heard() { vctl lba peers --daemon "$1" | grep 'peer  *lbb, heard$'; }
not_heard() { ! heard "$1"; }
WAS=
same() { # NAME: it serves as before
	is "$1: lba is active, and did not move" "$(vjson lba '[0].state') $(moves lba)" "active $WAS"
	is "... with its lease" "$(lease lba)" fresh
	is "... nothing of its connections was taken from it, or given" \
		"$(flows_at lba)" "20 0"
	like "... no request failed" "$(load_peek held .failures)" '^\{("[a-z]+":0,?)+\}$'
	ok "... new connections" eval '[ "$(asks)" = b1 ]'
}

stop vrrp-lbb TERM
stop lb-lbb TERM
ok "lbb is stopped: lba goes on" wait_for 15 is_state lba active
ok "... nothing was refused" eval 'is_quiet lb && is_quiet vrrp'
WAS=$(moves lba)

other
ok "the same words with the numbers of this release: tandem-lb hears its peer" wait_for 15 heard lb
ok "... tandem-vrrp too" wait_for 15 heard vrrp
ok "... nothing is refused" eval 'is_quiet lb && is_quiet vrrp'
stop other TERM
ok "it ends: both notice" wait_for 15 eval 'not_heard lb && not_heard vrrp'

other --seal 2
ok "another version of the seal: tandem-lb says so" wait_for 15 refused lb version "give both nodes the same release"
ok "... tandem-vrrp too" wait_for 15 refused vrrp version "give both nodes the same release"
ok "... who says it is not heard" eval 'not_heard lb && not_heard vrrp'
same "... it changes nothing"
stop other TERM

other --beacon 2 --word 2
ok "another version of beacons: tandem-vrrp says so" wait_for 15 refused vrrp malformed "another version of tandem"
ok "another version of sync: tandem-lb says so" wait_for 15 refused lb malformed "another version of tandem"
ok "... who says it is not heard" eval 'not_heard lb && not_heard vrrp'
same "... it changes nothing"
stop other TERM

other --session 2
ok "another version of the records: tandem-lb says so" wait_for 15 refused lb bad "give both nodes the same release"
isnt "... it is not in sync" "$(vctl lba --json peers --daemon lb | json - .sync.in)" "in sync"
same "... it changes nothing"
stop other TERM

other --kind 99
ok "a kind of record that is not known here: tandem-lb says so" wait_for 15 refused lb unknown "later version"
same "... it changes nothing"
stop other TERM

lb lbb
vrrp lbb "$CONF"
ok "this release again: in sync" wait_for 20 pair_settled
same "... nobody moved"
ok "... every connection is a copy there" wait_for 15 copies
stop held TERM
done_testing
