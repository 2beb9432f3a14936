#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What other programs do to a speaker beside removing its addresses: they set the macvlan of its virtual MAC down, give it
# another MAC or delete it, they give an address to a node that is not Active, they stop reading its log, they edit its config at the moment of a crash,
# and they remove its run directory.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

V4=00:00:5e:00:01:33

INTERVAL=100
front() { # PRIORITY [KEYS]
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = $INTERVAL; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; ${2-} } ); };"
}
settled() { is_state a active && is_state b backup; }
moved() { echo "$(moves a) $(moves b)"; }

# ---- the macvlan ----

device() { in_ns a ip -br link show type macvlan | grep "^vr$1-" | sed 's/@.*//'; } # 4|6
put_back_more() { [ "$(vjson a '[0].put_back')" -gt "$1" ]; }
reached() { # as one who knows nothing
	in_ns client ip neigh flush all
	answers 10.0.1.100 && answers fd00:1::100 && [ "$(mac_of 10.0.1.100)" = $V4 ]
}

vrrp a "$(front 200 'virtual_mac = true;')"
vrrp b "$(front 100 'virtual_mac = true;')"
wait_for 15 settled > /dev/null || bail "no election"
ok "the addresses are reached" wait_for 15 reached
before=$(moved)
for what in "link set NAME down" "link set NAME address 02:00:00:00:09:09" "link del NAME"; do
	for family in 4 6; do
		n=$(vjson a '[0].put_back')
		in_ns a ip ${what/NAME/$(device $family)}
		ok "${what/NAME/the macvlan of IPv$family}: it is put right" wait_for 15 put_back_more "$n"
		ok "... the addresses are reached, at the virtual MAC" wait_for 15 reached
	done
done
ok "... the log says what was done" log_has vrrp-a 'the macvlan of 10.0.1.100 on eth0 was set down by another program; up again'
is "... nobody moved" "$(moved)" "$before"

# The kernel's settings, as `sysctl --system` would set them: the parent would answer with its own MAC for ever.
settings() { in_ns a sysctl -n net.ipv4.conf.eth0.arp_ignore net.ipv4.conf.eth0.arp_announce "net.ipv4.conf.$(device 4).rp_filter" | paste -sd' '; }
settings_are() { local now; now=$(settings); echo "they are $now"; [ "$now" = "$1" ]; }
is "settings: the kernel answers with the virtual MAC only" "$(settings)" "1 2 2"
for key in eth0.arp_ignore eth0.arp_announce "$(device 4).rp_filter"; do
	in_ns a sysctl -q -w "net.ipv4.conf.$key=0"
	ok "... another program sets ${key/vr*./the macvlan\'s }: it is put right" wait_for 15 settings_are "1 2 2"
done
ok "... the address is reached, at the virtual MAC" wait_for 15 reached
is "... which is counted" "$(vjson a '[0].settings_put_back')" 3
like "... over all, too" "$(vctl a counters | grep settings_put_back)" '\b3\b'
ok "... and logged" log_has vrrp-a 'front: settings put back: another program changed net.ipv4.conf.eth0.arp_ignore from 1 to 0$'
is "... nobody moved" "$(moved)" "$before"
is "... there is one device for a family" "$(in_ns a ip -br link show type macvlan | wc -l)" 2
stop vrrp-a TERM
is "the end: no device is left" "$(in_ns a ip -br link show type macvlan)" ""
stop vrrp-b TERM

# ---- an address on a node that is not to have it ----

vrrp a "$(front 200)"
vrrp b "$(front 100)"
wait_for 15 settled > /dev/null || bail "no election"
strays() { grep -c "another program added $1 to eth0, though this node is not Active" "$(log_of vrrp-b)"; }
in_ns b ip addr add 10.0.1.100/24 dev eth0
ok "another program gives the backup the address: the log says so" wait_log vrrp-b 15 'another program added 10.0.1.100 to eth0'
in_ns b ip addr add 10.0.2.12/24 dev eth0
in_ns b ip addr del 10.0.1.100/24 dev eth0
in_ns b ip addr add fd00:1::100/64 dev eth0 nodad
ok "... and of the other one, when the first is gone" wait_log vrrp-b 15 'another program added fd00:1::100 to eth0'
in_ns b ip addr del fd00:1::100/64 dev eth0
for _ in 1 2 3; do
	vctl a failover front > /dev/null
	wait_for 15 is_state b active > /dev/null
	vctl b failover front > /dev/null
	wait_for 15 settled > /dev/null
done
is "... once each" "$(strays 10.0.1.100) $(strays fd00:1::100)" "1 1"
is "... and what is its own, for a while, is none" "$(grep -c 'another program added' "$(log_of vrrp-a)")" 0
stop vrrp-a TERM
stop vrrp-b TERM

# ---- a log that nobody reads ----

INTERVAL=1000 # a speaker that waits for its log waits for ever; a machine that stands still for half a second is none
mkfifo "$TMP/pipe"
exec 7<> "$TMP/pipe"
front 200 > "$TMP/a.conf"
spawn vrrp-a a bash -c "exec '$TANDEM_BIN/tandem-vrrp' -v -c '$TMP/a.conf' -r '$(RUN_OF a)' 2> '$TMP/pipe' 7>&-"
wait_for 30 vrrp_answers a > /dev/null || bail "tandem-vrrp does not answer"
vrrp b "$(front 100)"
wait_for 15 settled > /dev/null || bail "no election"
before=$(moved)
echo 'vrrp = { instances = ( {' > "$TMP/a.conf"
pipe_is_full() { # each refused config is two or three lines
	for _ in {1..100}; do vctl a reload > /dev/null 2>&1; done
	! timeout 0.1 dd if=/dev/zero of="$TMP/pipe" bs=4096 count=1 oflag=nonblock 2> /dev/null
}
ok "the log is full, for nobody reads it" wait_for 60 pipe_is_full
for _ in {1..100}; do vctl a reload > /dev/null 2>&1; done
sleep 4 # longer than the other would wait
is "... the active node goes on" "$(moved) $(vjson a '[0].state') $(vjson b '[0].state')" "$before active backup"
front 200 > "$TMP/a.conf"
speaker=$(speaker_pid a)
another_speaker() { local new; new=$(speaker_pid a); [ -n "$new" ] && [ "$new" != "$speaker" ]; }
kill -9 "$speaker"
ok "... and so does its guard, when the speaker is killed" wait_for 15 another_speaker
ok "... with a speaker that is active in the end" wait_for 15 settled
spawn reader - cat "$TMP/pipe"
vctl a reload > /dev/null
ok "somebody reads again, and is told how much was lost" wait_log reader 15 '[0-9]+ lines of the log were lost'
exec 7>&-

# ---- a config that is being edited ----

echo 'vrrp = { instances = ( {' > "$TMP/a.conf"
guard=$(pid_of vrrp-a)
kill -9 "$(speaker_pid a)"
ok "killed while its config is half edited: the other takes over" wait_for 15 is_state b active
ok "... with the address" wait_for 15 has_not a 10.0.1.100
front 200 > "$TMP/a.conf"
ok "... when it is whole again, so is the pair" wait_for 15 settled
is "... by the same guard" "$(alive vrrp-a && pid_of vrrp-a)" "$guard"

# ---- the run directory ----

second() { in_ns a timeout 20 "$TANDEM_BIN/tandem-vrrp" -c "$TMP/a.conf" -r "$(RUN_OF a)" 2>&1; }
refuses_a_second() { local said; said=$(second); echo "it said: $said"; [[ $said == *"already runs in $(RUN_OF a) as pid $guard:"* ]]; }
before=$(moved)
rm -rf "$(RUN_OF a)"
ok "removed while tandem-vrrp runs: tandemctl reaches it again" wait_for 15 vrrp_answers a
ok "... a second one does not start, and says which runs" refuses_a_second
ok "... the log says that another program removed it" wait_log reader 15 "files in the run directory $(RUN_OF a) were removed by another program"
is "... nobody moved" "$(moved)" "$before"
speaker=$(speaker_pid a)
kill -9 "$speaker"
wait_for 15 another_speaker > /dev/null
ok "... the next speaker locks it, too" wait_for 15 refuses_a_second
ok "... and is active in the end" wait_for 15 settled

done_testing
