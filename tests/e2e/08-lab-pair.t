#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab `pair` as it comes up on whatever kernel runs here, with single links where there is no bonding; and
# scripts/uml, which the tests over bonds run in (tests/uml). What bonds do is tests/uml/10-lab.t's matter.
. "$(dirname "$0")/lib.sh"

namespaces() { stat -c '%n %i' /run/netns/"$LAB_PREFIX"* 2> /dev/null; }
pings() { in_ns "$1" ping -q -n -c 1 -W 2 "$2"; }

bonding=yes
"$ROOT/scripts/kernel-has" bonding > /dev/null || bonding=no

LAB_MADE=1
out=$(lab up pair 2>&1)
is "the lab comes up" $? 0
if [ $bonding = no ]; then
	like "... and says once that its links are single" "$out" '^lab: this kernel has no bonding: [^'$'\n'']*$'
else
	is "... without a word" "$out" ""
fi
before=$(namespaces)
lab up pair 2> /dev/null
is "up again makes nothing anew" "$(namespaces)" "$before"
for to in lba:10.0.1.12 lba:fd00:1::12 lba:10.0.2.3 lbb:fd00:2::2 lba:10.0.9.2 lbb:fd00:9::1 c1:10.0.1.11 c2:10.0.1.11 \
	c2:fd00:1::12 b1:10.0.2.2 b2:10.0.2.2 b3:fd00:2::3; do
	ok "${to%%:*} reaches ${to#*:}" pings "${to%%:*}" "${to#*:}"
done
in_ns lba ip addr add 10.0.2.1/24 dev bond1
in_ns c1 ip route add 10.0.2.0/24 via 10.0.1.11
ok "who holds the backends' gateway is their way to the clients" pings b3 10.0.1.21
in_ns sw1 ip link set lba"$([ $bonding = yes ] && echo 1)" nomaster
like "a port that fell off its switch is noticed" "$(lab up pair 2>&1)" 'made anew: sw1: lba1? is not in br0'
ok "down" lab down
is "... leaves nothing" "$(namespaces)" ""

if [ $bonding = no ]; then
	out=$(lab up pair --bond 802.3ad 2>&1)
	is "a bond that cannot be made is refused" $? 1
	like "... and says so" "$out" 'no bonding; .scripts/uml.'
fi
refused() { # NAME REGEX up's arguments...
	local name=$1 regex=$2 out; shift 2
	out=$(lab up "$@" 2>&1)
	is "$name" $? 2
	like "... and says so" "$out" "$regex"
}
refused "no such bond mode" 'one of active-backup balance-rr 802.3ad' pair --bond 7
refused "no such VLAN" 'from 2 to 4094' pair --vlan 4095
refused "a topology without bonds" "takes no --bond" single --bond active-backup
refused "... and without VLANs" "takes no --vlan" single --vlan 7
is "none of them left anything" "$(namespaces)" ""

# ---- scripts/uml ----

below() { # PID -> the processes that it started, and they
	local pid
	for pid in $(ps -o pid= --ppid "$1"); do echo "$pid"; below "$pid"; done
}
uml() { "$ROOT/scripts/uml" "$@"; }
# Others may run there as well: a job carries the environment of its caller.
leftovers() { find /tmp -maxdepth 2 -path '/tmp/tandem-uml-*/job' -newer "$TMP/began" -exec grep -l -w -e "$LAB_PREFIX" {} +; }
: > "$TMP/began"

if uml true 2> "$TMP/uml.err"; then
	marker=$ROOT/build/uml-was-here.$$
	out=$(SHADE="a 'green' \$x" uml bash -c 'echo "$SHADE"; pwd; uname -r; echo grumble >&2; echo > "$1"; exit 7' - "$marker" \
		2> "$TMP/uml.err")
	is "a command's status is handed back" $? 7
	like "... its output, environment and directory are" "$out" "^a 'green' \\\$x"$'\n'"$PWD"$'\n''[0-9]+\.[0-9]+'
	is "... and what it says on stderr" "$(cat "$TMP/uml.err")" grumble
	ok "... what it writes does not reach the disk" test ! -e "$marker"
	rm -f "$marker"
	is "all of a long output arrives" "$(uml head -c 3000000 /dev/zero | wc -c)" 3000000
	out=$(uml --timeout 3 sleep 100 2>&1)
	is "a command's time is limited" $? 124
	like "... and the limit says so" "$out" 'after 3 s: the time was up'
	out=$(uml sh -c 'echo c > /proc/sysrq-trigger; sleep 20' 2>&1)
	is "a kernel that panics is a failure" $? 1
	like "... and says so" "$out" 'ended before the command: Kernel panic'
	spawn uml - "$ROOT/scripts/uml" bash -c 'echo here; sleep 100'
	wait_log uml 20 here
	mapfile -t machine < <(below "$(pid_of uml)")
	holds "it takes several processes to be a machine" "${#machine[@]} > 5"
	stop uml TERM
	is "one that is ended takes them all along" "$(ps -o pid=,args= -p "${machine[*]}")" ""
else
	skip "scripts/uml runs commands" "$(cat "$TMP/uml.err")"
fi
out=$(UML_KERNEL=nonesuch uml true 2>&1)
is "no other kernel: 125" $? 125
like "... and says what would do" "$out" "no nonesuch .*'make deps' installs it"
printf '#!/bin/sh\necho "Checking ptrace...failed: Operation not permitted"; exit 1\n' > "$TMP/refusing"
chmod +x "$TMP/refusing"
out=$(UML_KERNEL=$TMP/refusing uml true 2>&1)
is "one that may not trace: 125" $? 125
like "... and says so" "$out" 'does not start: Checking ptrace\.\.\.failed: Operation not permitted \(it needs ptrace'
printf '#!/bin/bash\n. "%s/tests/e2e/lib.sh"\nneeds %s\npass reached\ndone_testing\n' "$ROOT" bonding > "$TMP/lane.t"
if [ $bonding = no ]; then
	like "a test that cannot have its kernel is skipped, with the reason" "$(UML_KERNEL=nonesuch bash "$TMP/lane.t" 2> /dev/null)" \
		'^1\.\.0 # SKIP this kernel has no bonding; uml: no nonesuch'
fi
is "nothing is left of all that" "$(leftovers)" ""

done_testing
