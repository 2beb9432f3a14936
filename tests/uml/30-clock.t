#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The wall clock is set while a pair of speakers runs: nobody moves, nothing that counts time counts it by that clock.
# On the other kernel always: this machine's clock is not a test's to set.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/vrrp.sh"
needs own_clock

lab_up lan

front() { # PRIORITY [MORE KEYS]
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = 200; addresses = [ \"10.0.1.100/24\", \"fd00:1::100/64\" ]; ${2-} } ); };"
}
step() { # SECONDS; no wait_for while it happens: the shell's own clock is this one
	date -s "@$(($(date +%s) + $1))" > /dev/null
}
all() { echo "$(vjson a '[0].state') $(vjson b '[0].state') $(moves a) $(moves b)"; }
sent() { vjson "$1" '[0].routers[0].counters.sent'; }
uptime_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
script_runs() { wc -l < "$TMP/runs"; }

printf '#!/bin/sh\necho run >> %s/runs\n' "$TMP" > /usr/local/bin/count-runs
chmod 755 /usr/local/bin/count-runs
vrrp a "$(front 200 'track = ( { script = [ "/usr/local/bin/count-runs" ]; interval_ms = 500; weight = 1; } );')"
vrrp b "$(front 100)"
ok "one is active" wait_for 15 is_state a active
ok "... one is a backup" wait_for 15 is_state b backup
before=$(all)

for by in 3600 -7200 86400; do
	began=$(uptime_ms) adverts=$(sent a) runs=$(script_runs) wall=$(date +%s)
	step $by
	holds "the clock is set by $by s" "($(date +%s) - $wall - $by) ^ 2 <= 9"
	sleep 1.5 # more than two down intervals
	is "... nobody moved" "$(all)" "$before"
	adverts=$(($(sent a) - adverts)) runs=$(($(script_runs) - runs)) took=$(($(uptime_ms) - began))
	holds "... adverts went on, no faster and no slower ($adverts in $took ms)" \
		"$adverts >= $took / 200 * 0.6 - 2 && $adverts <= $took / 200 + 2"
	holds "... and so did the script ($runs)" "$runs >= $took / 500 * 0.5 - 2 && $runs <= $took / 500 + 2"
	ok "... the client is served" answers 10.0.1.100
done

step 3600
part a
sleep 1.5
is "the clock is set, and the active node is cut off: the other takes over as always" "$(vjson b '[0].state')" active
step -7200
heal
sleep 1
is "... healed with the clock set back: one is active" "$(vjson a '[0].state') $(vjson b '[0].state')" "active backup"

stop vrrp-a TERM
ok "... a handover" wait_for 15 is_state b active
vrrp a "$(front 200 'preempt_delay_ms = 4000;')"
step 3600
sleep 1
is "an hour on the wall is no preempt_delay" "$(vjson a '[0].state')" backup
step -3600
ok "... but four seconds are" wait_for 15 is_state a active

done_testing
