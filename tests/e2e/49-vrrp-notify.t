#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who is told of transitions: the hook, in order, one run at a time, exactly what happened, and never at the cost of an
# advert; and the event stream, which tells the same.
export TMPDIR=/run # of the directories above a hook none may be written by others
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

lab_up lan

front() { # PRIORITY [KEYS of notify]
	echo "vrrp = { ${2+notify = { command = [ \"$TMP/bin/hook\", \"--to\", \"ops@example.net\" ]; $2 \};}
		instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1;
		advert_interval_ms = 50; addresses = [ \"10.0.1.100/24\" ]; } ); };" | sed 's/\\}/}/'
}
mkdir "$TMP/bin" "$TMP/out"
chmod 711 "$TMP"
chmod 755 "$TMP/bin"
chmod 1777 "$TMP/out"
cat > "$TMP/bin/hook" <<- END
	#!/bin/sh
	cd "$TMP/out" || exit 1
	echo "begin \$TANDEM_SEQ" >> runs
	{
		printf '[%s]' "\$0" "\$@"
		echo
		tr '\\0' '\\n' < "/proc/\$\$/environ" | sort
	} > "run.\$TANDEM_SEQ"
	id -un > who
	read -r seconds status < "$TMP/bin/how"
	sleep "\$seconds"
	echo "end \$TANDEM_SEQ" >> runs
	exit "\$status"
END
chmod 755 "$TMP/bin/hook"
how() { echo "$1 ${2:-0}" > "$TMP/bin/how.new" && mv "$TMP/bin/how.new" "$TMP/bin/how"; } # SECONDS [STATUS]
how 0.2
runs() { cat "$TMP/out/runs" 2> /dev/null; }
forget() { rm -f "$TMP/out"/*; }
ended() { [ "$(runs | grep -c end)" -ge "$1" ] || { runs; return 1; }; }
# seq, from, to and cause of each run, in the order of the runs
told() {
	local seq
	for seq in $(runs | sed -n 's/^begin //p'); do
		sed -n 's/^TANDEM_\(SEQ\|FROM\|TO\|CAUSE\)=//p' "$TMP/out/run.$seq" | paste -sd'|' |
			awk -F'|' '{ print $3 "|" $2 "|" $4 "|" $1 }'
	done
}
counter() { vctl a --json status --daemon vrrp | json - ".vrrp.notify.$1"; }
counted() { [ "$(counter "$1")" -ge "$2" ]; }

# ---- a hook that cannot be run: who checks the config is told ----

checks() { # CONFIG: what each check says, and its status
	printf '%s\n' "$1" > "$TMP/checked.conf"
	"$TANDEM_BIN/tandem-vrrp" -t -c "$TMP/checked.conf" 2>&1 > /dev/null
	echo "status $?"
	"$TANDEM_BIN/tandemctl" check "$TMP/checked.conf" | grep -v 'valid: '
	echo "status ${PIPESTATUS[0]}"
}
twice() { echo "$1"; echo "status 0"; echo "$1"; echo "status 0"; }
is "a hook that can be run: no warning" "$(checks "$(front 200 '')")" $'status 0\nstatus 0'
is "a user who does not exist: a warning, the config is good" "$(checks "$(front 200 'user = "nobody-here";')")" \
	"$(twice "warning: notify of vrrp: $TMP/bin/hook: no user 'nobody-here'; until then nobody is told of transitions")"
chmod 644 "$TMP/bin/hook"
is "a file that is not executable, likewise" "$(checks "$(front 200 '')")" \
	"$(twice "warning: notify of vrrp: $TMP/bin/hook: $TMP/bin/hook is not executable: chmod +x it; until then nobody is told of transitions")"
chmod 755 "$TMP/bin/hook"

# ---- order ----

vrrp b "$(front 100)"
wait_for 15 is_state b active > /dev/null || bail "b is not active"
front 200 "timeout_ms = 3000;" > "$TMP/a.conf"
vrrp a
spawn stream a "$TANDEM_BIN/tandemctl" -r "$(RUN_OF a)" --json events --follow --daemon vrrp
ok "active" wait_for 15 is_state a active
before=$(moves b)
wait_for 15 is_state b backup > /dev/null
vctl a failover front > /dev/null
vctl b failover front > /dev/null
ok "back" is_state a active
ok "the hook was run for each of five transitions" wait_for 15 ended 5
is "... they are told in their order" "$(told | cut -d'|' -f2,3 | paste -sd' ')" \
	"initialize|backup backup|active active|handover handover|backup backup|active"
is "... and each run ends before the next begins" "$(runs | sed 's/ .*//' | paste -sd' ')" \
	"begin end begin end begin end begin end begin end"
is "... each has its own number, which grows" "$(runs | sed -n 's/^begin //p')" "$(runs | sed -n 's/^end //p' | sort -nu)"
stop stream INT
events() { # of the transitions, what the hook was told: seq|to|cause
	perl -MJSON::PP -ne '
		my $answer = eval { decode_json($_) } or next;
		for my $e (@{$answer->{events}}) {
			next if $e->{event} !~ /^(initialize|backup|active|handover|fault|waiting)$/;
			print join("|", $e->{seq}, $e->{event}, $e->{cause}), "\n";
		}' "$(log_of stream)"
}
is "the event stream tells the same, with the same causes and numbers" "$(events)" "$(told | cut -d'|' -f1,3,4)"
isnt "... it tells something" "$(events)" ""

# ---- arguments and environment ----

last=$(runs | tail -n 1 | sed 's/end //')
is "the arguments: the config's, then kind, name, state, priority" "$(head -n 1 "$TMP/out/run.$last")" \
	"[$TMP/bin/hook][--to][ops@example.net][instance][front][active][200]"
is "the environment: nothing else" "$(tail -n +2 "$TMP/out/run.$last" | sed 's/=.*//' | paste -sd' ')" \
	"PATH TANDEM_CAUSE TANDEM_FROM TANDEM_SEQ TANDEM_TIME_MS TANDEM_TO"
like "... PATH" "$(grep ^PATH= "$TMP/out/run.$last")" '^PATH=(/[a-z/]+:?)+$'
like "... the cause in words" "$(grep CAUSE "$TMP/out/run.$last")" '=the active node left \(last heard: 10\.0\.1\.12, priority 0\)$'
age=$(($(now_ms) - $(sed -n 's/TANDEM_TIME_MS=//p' "$TMP/out/run.$last")))
holds "... the time of the transition, not of the run ($age ms ago)" "$age > 200 && $age < 20000"
is "root runs it" "$(cat "$TMP/out/who")" root

# ---- nothing waits for it ----

how 0.6
forget
mark=$(moves a)
vctl a failover front > /dev/null
vctl b failover front > /dev/null
wait_for 15 ended 1 > /dev/null
is "while a hook sleeps for many down intervals the adverts go on" "$(vjson a '[0].state') $(($(moves a) - mark))" "active 3"
is "... nobody took over" "$(vjson b '[0].state')" backup
ok "... the control socket answers" vctl a status
ok "... the others are run" wait_for 15 ended 3

# ---- who runs it ----

how 0
forget
chmod 755 "$TMP/bin"
vrrp_reload a "$(front 200 'timeout_ms = 3000; user = "nobody";')"
vctl a failover front > /dev/null
ok "user: it is run" wait_for 15 ended 2
is "... by nobody" "$(cat "$TMP/out/who")" nobody
vctl b failover front > /dev/null
wait_for 15 ended 3 > /dev/null

# ---- what it may be ----

forget
vrrp_reload a "$(front 200 'timeout_ms = 400;')"
failed=$(counter failed)
chmod o+w "$TMP/bin"
vctl a failover front > /dev/null
ok "a directory that others may write: it is refused" wait_for 15 counted failed $((failed + 2))
ok "... the log says why and what to do" log_has vrrp-a 'bin may be written by others than root: chmod go-w it'
chmod o-w "$TMP/bin"
chmod g+w "$TMP/bin/hook"
vctl b failover front > /dev/null
ok "a hook that others may write: refused" wait_for 15 counted failed $((failed + 3))
chmod g-w "$TMP/bin/hook"
is "... neither was run" "$(runs)" ""
chown nobody "$TMP/bin/hook"
vctl a failover front > /dev/null
ok "a hook of somebody else: refused" wait_for 15 counted failed $((failed + 5))
chown root "$TMP/bin/hook"
how 0 3
vctl b failover front > /dev/null
ok "put right it is run; another status than 0 counts as failed" wait_for 15 counted failed $((failed + 6))
is "... it was run once" "$(runs | sed 's/ .*//' | paste -sd' ')" "begin end"
ok "... and the log tells" log_has vrrp-a 'notify hook for instance front, backup to active: .*status 3'

# ---- time ----

how 30
forget
vctl a failover front > /dev/null
wait_for 15 test -s "$TMP/out/runs" > /dev/null
how 0
ok "one that takes too long is killed" wait_for 15 counted timed_out 1
ok "... and the next is run" wait_for 15 ended 1
is "... all of it is killed" "$(ps -eo args= | grep -c '^sleep 30$')" 0
vctl b failover front > /dev/null
wait_for 15 is_state a active > /dev/null
wait_for 15 ended 2 > /dev/null

# ---- the end ----

forget
how 0.1
stop vrrp-a TERM
is "SIGTERM: the hook hears of the last transition" "$(told | tail -n 1 | cut -d'|' -f3)" initialize
is "... and of those before" "$(told | cut -d'|' -f3 | sort -u | paste -sd' ')" \
	"$(told | cut -d'|' -f3 | grep -q backup && echo "backup handover initialize" || echo "handover initialize")"
is "... and has ended" "$(runs | sed 's/ .*//' | sort | uniq -c | awk '{ print $1 }' | sort -u | wc -l)" 1
how 30
vrrp a "$(front 200 'timeout_ms = 60000;')"
wait_for 15 is_state a active > /dev/null
began=$(now_ms)
stop vrrp-a TERM
took=$(($(now_ms) - began))
holds "... a hook that does not end is not waited for ($took ms)" "$took < 4500"
is "... and does not stay" "$(ps -eo args= | grep -c '^sleep 30$')" 0

# ---- groups ----

forget
how 0
vrrp a "vrrp = { notify = { command = [ \"$TMP/bin/hook\" ]; };
	instances = (
		{ name = \"one\"; interface = \"eth0\"; vrid = 61; priority = 200; advert_interval_ms = 50; addresses = [ \"10.0.1.101/24\" ]; },
		{ name = \"two\"; interface = \"eth0\"; vrid = 62; priority = 200; advert_interval_ms = 50; addresses = [ \"10.0.1.102/24\" ]; } );
	groups = ( { name = \"edge\"; members = [ \"one\", \"two\" ]; } ); };"
wait_for 15 is_state a active > /dev/null
ok "a group's transitions" wait_for 15 ended 2
is "... are told once, as the group's" "$(cat "$TMP/out"/run.* | grep '^\[' | sort)" \
	"[$TMP/bin/hook][group][edge][active][200]"$'\n'"[$TMP/bin/hook][group][edge][backup][200]"
stop vrrp-a TERM
done_testing
