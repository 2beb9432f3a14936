#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The ground the other tests stand on: scripts/lab and lib.sh themselves.
. "$(dirname "$0")/lib.sh"

ping_matrix() { # every node to every address of the lab, both families; prints the pairs that fail
	local from to bad=0
	for from in c1 c2 lb b1 b2 b3; do
		for to in 10.0.1.11 10.0.3.11 10.0.2.1{,1,2,3} 10.0.1.100 fd00:1::11 fd00:3::11 fd00:2::1{,1,2,3} fd00:1::100; do
			in_ns "$from" ping -q -n -c 1 -W 2 "$to" > /dev/null 2>&1 || { echo "$from -> $to"; bad=1; }
		done
	done
	return $bad
}
namespaces() { # PREFIX -> "name inode" rows
	stat -c '%n %i' /run/netns/"$1"* 2>/dev/null
}

# ---- the lab ----

ok "a lab comes up" lab up single
LAB_MADE=1
ok "every node reaches every address over IPv4 and IPv6" ping_matrix
like "status shows nodes, interfaces, addresses" "$(lab status)" 'lb +front1 +UP +10\.0\.1\.1/24 10\.0\.1\.100/32'
is "exec runs in the node" "$(lab exec b2 ip -br -4 addr show eth0 | awk '{ print $1, $3 }' | sed 's/@[^ ]*//')" \
	"eth0 10.0.2.12/24"
is "rp_filter is off in lb" "$(in_ns lb cat /proc/sys/net/ipv4/conf/{all,front1,back}/rp_filter | paste -sd' ')" "0 0 0"
is "no address waits for duplicate detection" "$(in_ns c2 ip -6 addr show tentative)" ""
is "MAC addresses are the same in every run" "$(in_ns lb cat /proc/net/arp | awk '/10.0.1.11/ { print $4 }')" "02:00:00:00:02:01"

spawn guest b1 sleep 300
before=$(namespaces "$LAB_PREFIX")
ok "up again" lab up single
is "... makes nothing anew" "$(namespaces "$LAB_PREFIX")" "$before"
ok "... and ends no process" alive guest

in_ns b2 ip link del eth0
like "a half-made lab is made whole, and why is said" "$(lab up single 2>&1)" "made anew: b2: eth0"
ok "... and works" in_ns c1 ping -q -n -c 1 -W 2 10.0.2.12
in_ns lb ip addr del fd00:1::100/128 dev front1
like "a missing address is noticed" "$(lab up single 2>&1)" "lb front1 fd00:1::100/128 is not there"

ok "five backends" lab up single --backends 5
ok "... the fifth is there" in_ns c2 ping -q -n -c 1 -W 2 fd00:2::15
ok "back to three" lab up single
like "a node that is not there, and those that are" "$(lab exec b9 true 2>&1; echo $?)" "no node 'b9'.*there is: b1 b2 b3 c1 .*1$"
not_ok "... the fifth is gone" test -e "/run/netns/${LAB_PREFIX}b5"

# ---- two labs, one whose prefix begins like the other's ----

other=${LAB_PREFIX}x-
LAB_PREFIX=$other lab up single
LAB_PREFIX=$other spawn neighbour b1 sleep 300
spawn outside - sleep 300
spawn guest2 c1 sleep 300
spawn stubborn lb bash -c 'trap "" TERM; echo ready; while :; do read -t 1 <> <(:); done'
wait_log stubborn 15 ready || bail "stubborn is not ready"
ok "down" lab down
not_ok "... ends the lab's processes" alive guest2
not_ok "... one that ignores TERM too" alive stubborn
is "... removes its namespaces" "$(ls /run/netns | grep -E "^${LAB_PREFIX}[a-z0-9]+$")" ""
ok "... not the other lab's process" alive neighbour
ok "... nor one outside of labs" alive outside
LAB_PREFIX=$other ok "... nor the other lab" in_ns c1 ping -q -n -c 1 -W 2 10.0.2.11
ok "down with nothing there" lab down
LAB_PREFIX=$other lab down
is "nothing is left of either" "$(namespaces "$LAB_PREFIX")" ""

# ---- what is missing is named ----

refused() { # NAME STATUS REGEX COMMAND...
	local name=$1 want=$2 regex=$3 out; shift 3
	out=$("$@" 2>&1)
	is "$name" "$?" "$want"
	like "... and says so" "$out" "$regex"
}
refused "no such topology" 2 "no topology 'moon'.*there is: .*single" lab up moon
refused "no such backend count" 2 "from 1 to 200" lab up single --backends 201
refused "no lab to show" 1 "lab up single" lab status
refused "no lab to run a command in" 1 "makes a lab" lab exec b1 true
refused "no such command" 2 "^lab: no command .moon.; .lab help. says what there is$" lab moon
refused "no argument for a list" 2 "list takes no argument" lab list moon
refused "no usable prefix" 2 "LAB_PREFIX '../x'" env LAB_PREFIX=../x "$ROOT/scripts/lab" up single

# An ip that knows no device of one kind stands for a kernel without it.
mkdir "$TMP/fake"
for kind in veth bridge; do
	cat > "$TMP/fake/ip" <<-END
		#!/bin/sh
		case "\$*" in *"-batch -") lines=\$(cat) ;; *) exec $(command -v ip) "\$@" ;; esac
		case \$lines in *" type $kind "*) echo "Error: Unknown device type." >&2; exit 2 ;; esac
		echo "\$lines" | $(command -v ip) "\$@"
	END
	chmod +x "$TMP/fake/ip"
	refused "a kernel without $kind" 1 "no $kind devices .CONFIG_${kind^^}" env PATH="$TMP/fake:$PATH" "$ROOT/scripts/lab" up single
	is "... and nothing is left behind" "$(namespaces "$LAB_PREFIX")" ""
done

cp -r "$ROOT/scripts" "$TMP/scripts"
chmod 755 "$TMP"
refused "not root" 1 "need root" setpriv --reuid=65534 --regid=65534 --clear-groups bash "$TMP/scripts/lab" up single
chmod 700 "$TMP"

# ---- the harness: a test that fails, or is ended, cleans up and shows why ----

cat > "$TMP/fails.t" <<END
#!/bin/bash
. "$ROOT/tests/e2e/lib.sh"
lab_up
echo "\$LAB_PREFIX \$TMP" > "$TMP/inner"
spawn talker b1 sh -c 'echo words of a daemon; exec sleep 300'
wait_log talker 15 words
echo "\$(pid_of talker)" >> "$TMP/inner"
is "one is two" 1 2
ok "false" false
holds "fractions compare" "1.5 < 1.25"
[ -z "\${HANG-}" ] || { echo hanging; wait_for 60 false; }
done_testing
END
spawn failing - bash "$TMP/fails.t"
wait_exit failing 20
is "a failing test exits with 1" $? 1
out=$(cat "$(log_of failing)")
like "... says what it got" "$out" 'not ok 1 - one is two'$'\n''# +got: 1'$'\n''# expected: 2'
like "... which command failed" "$out" '# status 1 from: false'
like "... what does not hold" "$out" '# does not hold: 1.5 < 1.25'
like "... and shows the daemons' words" "$out" '# words of a daemon'
left_of_inner() {
	local prefix dir pid
	{ read -r prefix dir; read -r pid; } < "$TMP/inner"
	namespaces "$prefix"
	! kill -0 "$pid" 2>/dev/null || echo "process $pid"
	[ ! -e "$dir" ] || echo "$dir"
	find "$BPFFS/tandem" -name "*${dir##*/}*" 2>/dev/null
}
is "... and leaves nothing behind" "$(left_of_inner)" ""
rm -f "$TMP/inner"
spawn hanging - env HANG=1 bash "$TMP/fails.t"
wait_log hanging 20 '^hanging'
stop hanging TERM
isnt "a test that is ended had begun" "$(cat "$TMP/inner")" ""
is "... and leaves nothing behind" "$(left_of_inner)" ""

# ---- the harness: servers ----

if [ -x "$TANDEM_BIN/kv_store" ] && [ -x "$TANDEM_BIN/echo_server" ] && [ -x "$TANDEM_BIN/time_server" ] &&
	[ -x "$TANDEM_BIN/load_client" ]; then
	lab_up
	start_kv b1 6379
	start_kv b2 6379 second
	start_echo b1 7
	start_time b1 123
	is "a key-value store serves in its node" "$(in_ns c2 redis-cli -h 10.0.2.11 WHOAMI)" b1
	is "... by the name it got, over IPv6" "$(in_ns c2 redis-cli -h fd00:2::12 WHOAMI)" second
	is "an echo server serves" "$(echo hello | in_ns c1 nc -N -w 5 10.0.2.11 7)" hello
	ok "a time server serves" in_ns c1 "$TANDEM_BIN/time_client" 10.0.2.11 123
	stop kv-b1 KILL
	ok "a killed server is gone" test ! -e "/proc/$(pid_of kv-b1)"
	start_kv b1 6379
	is "... and starts again" "$(in_ns c1 redis-cli -h 10.0.2.11 PING)" PONG

	load steady c2 10.0.2.11 6379 --mode kv --connections 4 --rate 200 --duration 2
	ok "load runs" wait_for 15 alive steady
	holds "... can be looked at meanwhile" "$(load_peek steady .requests) < 400"
	ok "... ends without a failure" load_end steady 10
	is "... and reports who answered" "$(report steady '.servers[name=b1].answers')" "$(report steady .requests)"
	load vain c2 10.0.2.13 6379 --mode kv --duration 1
	not_ok "load on a port where nobody listens fails" load_end vain 10
	holds "... and says why" "$(report vain .failures.refused) > 0"
	lab down
else
	skip "servers serve in their nodes" "not built"
fi

# ---- the harness: waiting and reading ----

out=$(wait_for 1 sh -c 'echo not yet; exit 1')
is "wait_for gives up" $? 1
like "... with the last output" "$out" 'not within 1 s: sh -c .*'$'\n''not yet'
echo '{"pools": [{"name": "a", "up": 1}, {"name": "b", "up": 2.5, "list": [1, 2]}]}' > "$TMP/x.json"
is "json finds by name" "$(json "$TMP/x.json" '.pools[name=b].up')" 2.5
is "json finds by place" "$(json "$TMP/x.json" '.pools[-1].list[0]')" 1
not_ok "json refuses what is not there" json "$TMP/x.json" '.pools[name=c].up'

done_testing
