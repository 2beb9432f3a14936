#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A path of connection sync on which short datagrams arrive and long ones are lost without a word, as by a tunnel that nobody
# thought of: signs of life say that it works. Connections go by the other path then, and come back when it is mended.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/sync.sh"

conf_new
pool kv4 4 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
service kv4 4 80 tcp kv4
CONF=$(sync_conf)
service more 4 81 tcp kv4
MORE=$(sync_conf)

sync_up
for b in b1 b2 b3; do start_kv $b 6379; done
sync_lb lba "$CONF"
sync_lb lbb "$CONF"
wait_for 15 eval 'in_sync lba lbb && each_up lba' > /dev/null || bail "the two nodes do not come up"
move_to lba
load kv4 c1 10.0.1.100 80 --mode kv --connections 300 --rate 300 --timeout-ms 10000 --duration 300
all_copied() { local n; n=$(copies_of lbb) && echo "$n copies" && [ "$n" -ge 300 ]; }
carries() { [ "$(sjson lba ".paths[$1].carries")" = true ]; }
ok "connections are copies at the other node" wait_for 15 all_copied
ok "... by the first path" wait_for 15 carries 0

for node in lba lbb; do
	in_ns $node nft -f - <<-'END2'
		table inet mtu { chain i { type filter hook prerouting priority -300; iifname "sync" meta length > 1280 drop; }; }
	END2
done
bulks=$(sjson lbb .sync.received.bulks)
sync_reload lbb "$MORE" # which asks for the whole table
whole_again() { [ "$(sjson lbb .sync.received.bulks)" -gt "$bulks" ] && in_sync lba lbb; }
ok "long datagrams are lost on it: the whole table comes all the same" wait_for 20 whole_again
ok "... by the second path" carries 1
like "... tandemctl peers says so" "$(sctl lba peers --daemon lb)" ' 1 +10\.0\.9\.1 +10\.0\.9\.2 +stuck '
like "... and events" "$(sctl lba events --daemon lb)" 'path does not carry +path 1, 10\.0\.9\.1 to 10\.0\.9\.2'

for node in lba lbb; do in_ns $node nft delete table inet mtu; done
ok "it is mended: it carries again" wait_for 60 carries 0
ok "... in sync" wait_for 15 in_sync lba lbb
stop kv4 TERM
done_testing
