#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Another process has the ports of one path of the pair: the other path does for beacons and connections, `tandemctl peers`
# says what is wrong, and the path is there when the ports are free.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

lease_up
cat > "$TMP/taker.py" <<'END2'
import signal, socket
taken = []
for port in (3780, 3781):
    taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken[-1].bind(("10.0.9.2", port))
print("taken", flush=True)
signal.pause()
END2
spawn taker lbb python3 "$TMP/taker.py"
wait_log taker 15 taken > /dev/null || bail "the ports are not taken"
lb lba
lb lbb
vrrp lba "$CONF"
vrrp lbb "$CONF"
ok "the ports of the first path are taken at lbb: the pair is well by the second" wait_for 20 pair_settled
for daemon in lb vrrp; do
	like "... tandemctl peers says so of tandem-$daemon" "$(vctl lbb peers --daemon $daemon)" \
		'path 1: cannot listen: Address already in use'
	like "... and events" "$(vctl lbb events --daemon $daemon)" 'failed +path 1: cannot listen on 10\.0\.9\.2:378'
done
stop taker TERM
both_up() { [ "$(vctl lbb --json peers | perl -MJSON::PP -0777 -ne '
	my $all = decode_json($_); print join " ", map { $_->{up} ? 1 : 0 } @{$all->{paths}}, @{$all->{vrrp}{paths}}')" = "1 1 1 1" ]; }
ok "they are free: all paths are up" wait_for 15 both_up
ok "... nothing is wrong any more" eval '! vctl lbb peers | grep "cannot listen"'
done_testing
