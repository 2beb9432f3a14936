#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Connection sync between two balancers, without a speaker: the addresses are moved by hand. What one forwards is a copy at
# the other, and goes on there: TCP with checked data, UDP, sticky sources, an operator's words. What may go wrong with the
# peer, its process, its key, its config and the paths to it costs no connection.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/sync.sh"

LOADS="kv4 kv6 echo4"
TCP=60 # connections of all of them

conf_new
for family in 4 6; do
	pool kv$family $family 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
	service kv$family $family 80 tcp kv$family
done
pool home 4 6379 "scheduler = \"rr\"; sticky = { timeout_s = 60; }; $CHECK" b1 b2 b3
service home 4 81 tcp home
pool echo 4 7 "scheduler = \"rr\"; $CHECK" b1 b2 b3
service echo 4 7 tcp echo
service echo-udp 4 7 udp echo
CONF=$(sync_conf)

sync_up
for b in b1 b2 b3; do start_kv $b 6379; start_echo $b 7; done
sync_lb lba "$CONF"
sync_lb lbb "$CONF"
began=$(date +%s%3N)
ok "two nodes begin: each holds what the other has" wait_for 15 in_sync lba lbb
holds "... within a second, or three on a busy machine" "$(($(date +%s%3N) - began)) < 3000"
wait_for 15 eval 'each_up lba && each_up lbb' > /dev/null || bail "the backends are not up"
move_to lba

lasting_copies() { # NODE: without the short connections to `home`, whose ends a node may have taken with it
	sctl "$1" --json flows --limit 1000 | perl -MJSON::PP -0777 -ne '
		print scalar(grep { $_->{copy} && $_->{service_address} !~ /:81$/ } @{decode_json($_)->{flows}})'
}
settled() { # NODE COPIES-AT-THE-OTHER: it forwards them all, the other has them all as copies
	local other=lbb copies
	[ "$1" = lba ] || other=lba
	copies="$(lasting_copies "$1") $(lasting_copies $other)"
	echo "copies at $1 and $other: $copies"
	[ "$copies" = "0 $2" ]
}
begin_loads() {
	load kv4 c1 10.0.1.100 80 --mode kv --connections 20 --rate 400 --timeout-ms 10000 --duration 300
	load kv6 c2 fd00:1::100 80 --mode kv --connections 20 --rate 400 --timeout-ms 10000 --duration 300
	load echo4 c2 10.0.1.100 7 --mode echo --data 2000 --connections 20 --rate 400 --timeout-ms 10000 --duration 300
}
unhurt() { # NAME: all loads go on, and not one request has failed
	ok "$1: connections go on" all_go_on
	ok "... and nothing was lost" no_failures
}
peers_of() { sctl "$1" peers --daemon lb; }
says() { peers_of "$1" | grep -E -- "$2"; }
happened() { sctl "$1" events --daemon lb | grep -E -- "$2"; }

# ---- connections ----

begin_loads
ok "established connections are copies at the other node" wait_for 15 settled lba $TCP
like "... tandemctl flows shows it" "$(sctl lbb flows)" 'established \(copy\)'
move_to lbb
unhurt "the addresses move"
holds "... the copies went on" "$(count_of lbb copy_taken) >= $TCP"
ok "... and are copies at the first one now" wait_for 15 settled lbb $TCP
move_to lba
unhurt "they move back"
ok "... likewise" wait_for 15 settled lba $TCP

# A datagram each of twelve sockets, by whoever has the address; prints nothing.
cat > "$TMP/udp.py" <<'END'
import socket, sys
for port in range(20001, 20013):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.0.1.21", port))
    s.settimeout(3)
    for _ in range(int(sys.argv[1])):
        s.sendto(b"x%d" % port, ("10.0.1.100", 7))
        if s.recv(100) != b"x%d" % port:
            sys.exit("another answer")
END
udp_backends() { # NODE -> "PORT BACKEND COPY" of each
	sctl "$1" --json flows --service echo-udp --limit 100 | perl -MJSON::PP -0777 -ne '
		print map { "$_->{client} $_->{backend}\n" } sort { $a->{client} cmp $b->{client} }
			grep { !$ARGV[0] || !$_->{copy} } @{decode_json($_)->{flows}}'
}
udp_copied() { [ "$(udp_backends lbb)" = "$UDP" ] || { udp_backends lbb; return 1; }; }
ok "UDP: twelve flows" in_ns c1 python3 "$TMP/udp.py" 3
UDP=$(udp_backends lba)
is "... on the first node" "$(wc -l <<< "$UDP")" 12
ok "... are copies at the other" wait_for 15 udp_copied
move_to lbb
ok "... with the next datagram there" in_ns c1 python3 "$TMP/udp.py" 1
is "... each has the same server" "$(udp_backends lbb)" "$UDP"
unhurt "meanwhile"
move_to lba
ok "... and back" in_ns c1 python3 "$TMP/udp.py" 1
ok "... all are the first one's" wait_for 15 settled lba $((TCP + 12))

# ---- sticky sources, and what the operator says ----

home() { printf 'WHOAMI\r\nQUIT\r\n' | in_ns c1 nc -w 5 10.0.1.100 81 | sed -n '2s/\r$//p'; }
HOME1=$(home)
like "a sticky source has a home" "$HOME1" '^b[123]'
sticky_at() { [ "$(sctl "$1" --json status --daemon lb | json - .sticky.entries)" -ge 1 ]; }
ok "... the other node knows it" wait_for 15 sticky_at lbb
move_to lbb
is "... and keeps it" "$(home) $(home) $(home) $(home)" "$HOME1 $HOME1 $HOME1 $HOME1"
move_to lba

backend_at() { # NODE POOL BACKEND -> "ADMIN WEIGHT"
	sctl "$1" --json backends "$2" > "$TMP/backend_at" &&
		echo "$(json "$TMP/backend_at" "[name=$3].admin") $(json "$TMP/backend_at" "[name=$3].weight")"
}
backend_at_is() { local is; is=$(backend_at "$1" "$2" "$3") && echo "$is" && [ "$is" = "$4" ]; }
sctl lba drain kv4/b2 > "$TMP/said"
ok "a drain here is a drain there" wait_for 15 backend_at_is lbb kv4 b2 "drain 1"
sctl lbb weight kv4/b3 9 > "$TMP/said"
ok "a weight there is a weight here" wait_for 15 backend_at_is lba kv4 b3 "enabled 9"
sctl lbb enable kv4/b2 > "$TMP/said"
ok "... the later word counts" wait_for 15 backend_at_is lba kv4 b2 "enabled 1"
like "... the event log says whose it was" "$(sctl lbb events --daemon lb)" 'kv4/b2 +drain +by the operator of the other node'
unhurt "meanwhile"

# ---- processes ----

new_connection() { in_ns c1 "$TANDEM_BIN/load_client" 10.0.1.100 80 --mode kv-connect --requests 5 > "$TMP/new"; }
bulks() { sjson "$1" .sync.received.bulks; }
stop lb-lbb TERM
ok "the other tandem-lb ends: the first one notices" wait_for 15 says lba 'silent on every path'
unhurt "... it goes on"
in_ns lbb "$TANDEM_BIN/tandem-lb" -r "$TMP/run-lbb" --remove > "$TMP/removed" 2>&1
sync_lb lbb
ok "it begins anew, with nothing: it gets the whole table" wait_for 15 in_sync lba lbb
ok "... every connection" wait_for 15 settled lba $((TCP + 12))
ok "... which is told" wait_for 15 happened lba 'peer lbb +peer restarted'
is "... in one bulk" "$(bulks lbb)" 1
move_to lbb
unhurt "the addresses move to it"
stop lb-lba KILL
sync_lb lba
ok "tandem-lb is killed and started: in sync" wait_for 15 in_sync lba lbb
move_to lba
unhurt "the addresses move to it"
stop lb-lba KILL
sync_lb lba
ok "killed while it forwards: in sync" wait_for 15 in_sync lba lbb
is "... what was on its way to who began anew is no forgery" "$({ peers_of lba; peers_of lbb; } | grep -c 'as tag')" 0
unhurt "... it went on"
move_to lbb
unhurt "the addresses move away"
move_to lba

kill -STOP "$(pid_of lb-lbb)"
ok "the other tandem-lb stands still: the first one notices" wait_for 15 says lba 'to peer +peer silent'
before=$(bulks lba)
ok "... new connections are served" new_connection
kill -CONT "$(pid_of lb-lbb)"
ok "... it goes on: in sync" wait_for 15 in_sync lba lbb
is "... without a bulk" "$(bulks lba)" "$before"
unhurt "meanwhile"

# ---- paths ----

carries() { # NODE PATH
	local is; is=$(sjson "$1" ".paths[$(($2 - 1))].carries") && [ "$is" = true ]
}
cut() { # DEVICE: nothing by it, in either direction
	in_ns lba nft -f - <<-END
		table inet cut_$1 {
			chain i { type filter hook input priority 0; iifname "$1" udp dport 3781 drop; }
			chain o { type filter hook output priority 0; oifname "$1" udp dport 3781 drop; }
		}
	END
}
mend() { in_ns lba nft "delete table inet cut_$1"; }
ok "path 1 carries" eval 'carries lba 1 && carries lbb 1'
before="$(bulks lba) $(bulks lbb)"
cut sync
ok "path 1 is cut: path 2 carries" wait_for 15 eval 'carries lba 2 && carries lbb 2'
ok "... which is told" wait_for 15 happened lba 'path silent +path 1'
ok "... still in sync" wait_for 15 in_sync lba lbb
cut bond0
ok "path 2 is cut as well: not in sync" wait_for 15 says lba 'to peer +peer silent'
ok "... which is told" wait_for 15 happened lbb 'peer lba +out of sync'
ok "... new connections are served" new_connection
mend bond0
ok "path 2 is back: in sync" wait_for 15 in_sync lba lbb
mend sync
ok "path 1 is back: it carries again" wait_for 15 eval 'carries lba 1 && carries lbb 1'
is "... all that without a bulk" "$(bulks lba) $(bulks lbb)" "$before"
unhurt "meanwhile"

# ---- keys, configs ----

"$TANDEM_BIN/tandemctl" keygen "$TMP/other" > "$TMP/keygen"
refused() { local n; n=$(sjson "$1" ".paths[0].refused.$2") && echo "$n" && [ "$n" -ge "$3" ]; } # NODE REASON AT-LEAST
sync_reload lbb "$(sync_conf "$TMP/other")"
ok "another key: refused, and counted" wait_for 15 refused lba key 3
ok "... not in sync" wait_for 15 eval '! in_sync lba'
like "... tandemctl peers says why" "$(peers_of lba)" 'as key: made with a key that is not in key_file here'
sync_reload lbb "$(sync_conf "$TMP/none")"
like "no key file: told" "$(peers_of lbb)" "trouble +$TMP/none: "
like "... to who reloads, too" "$(cat "$TMP/reload")" "trouble with the peer: $TMP/none: "
sync_reload lbb "$CONF"
ok "the right key, by a reload: in sync" wait_for 15 in_sync lba lbb
like "... no trouble" "$(peers_of lbb | grep -c trouble)" '^0$'

without_home() {
	conf_new
	for family in 4 6; do
		pool kv$family $family 6379 "scheduler = \"rr\"; $CHECK" b1 b2 b3
		service kv$family $family 80 tcp kv$family
	done
	pool echo 4 7 "scheduler = \"rr\"; $CHECK" b1 b2 b3
	service echo 4 7 tcp echo
	sync_conf
}
sync_reload lbb "$(without_home)"
ok "another config: shown at both" wait_for 15 eval 'says lba "config +another config" && says lbb "config +another config"'
ok "... and told" wait_for 15 happened lba 'peer lbb +another config'
in_ns c1 python3 "$TMP/udp.py" 2
not_taken() { local n; n=$(sctl lbb --json peers --daemon lb | json - '.sync.records' | tr -d '{}"' | tr , '\n' | grep 'no service' | sed 's/.*://') && [ "${n:-0}" -gt 0 ]; }
ok "... what it does not have is refused, and counted" wait_for 15 not_taken
ok "... all else is in sync" wait_for 15 in_sync lba lbb
sync_reload lbb "$CONF"
ok "the same config again" wait_for 15 says lba 'config +the same config'
ok "... in sync" wait_for 15 in_sync lba lbb
unhurt "meanwhile"

# ---- a stranger on the wire ----

ok "datagrams are played back, and forged" in_ns lba timeout 30 python3 "$ROOT/tests/e2e/enemy.py" sync 3781 "$TMP/frames"
ok "... replays are counted" wait_for 15 refused lbb replay 15
ok "... and forgeries" wait_for 15 refused lbb tag 15
ok "... and change nothing" in_sync lba lbb
is "... neither was read" "$(sjson lbb .sync.received.bad)" 0

# ---- the peer goes out of the config ----

sync_reload lba "$(sync_conf | grep -v 'peer =')"
like "without peer: nothing is synchronised" "$(peers_of lba)" "no 'peer' is configured"
sync_reload lba "$CONF"
ok "with it again: in sync" wait_for 15 in_sync lba lbb
ok "... every connection" wait_for 15 settled lba $((TCP + 12))
unhurt "meanwhile"
for l in $LOADS; do stop $l TERM; done
done_testing
