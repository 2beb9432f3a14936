# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What every end-to-end test stands on. A test is an executable bash file tests/e2e/NN-name.t that begins with
#
#	. "$(dirname "$0")/lib.sh"
#
# and ends with done_testing; `prove tests/e2e` runs them all. This file owns TAP output, the test's lab,
# its processes and its temporary directory, and removes them however the test ends. The name of a check
# comes first, always:
#
#   TAP        ok NAME COMMAND...         not_ok NAME COMMAND...     is NAME GOT WANT        isnt NAME GOT UNWANTED
#              like NAME GOT REGEX        unlike NAME GOT REGEX      holds NAME EXPRESSION   pass|fail NAME
#              skip NAME WHY   skip_all WHY   bail WHY   diag TEXT   plan N   done_testing
#   lab        lab_up [up's arguments, default: single]   lab ARGUMENTS...   in_ns NODE COMMAND...
#   kernel     needs FEATURE...   (first of all: on a kernel that lacks one the whole test runs in scripts/uml instead)
#   processes  spawn NAME NODE COMMAND...   log_of|pid_of|alive NAME   stop NAME [SIGNAL]   wait_exit NAME SECONDS
#   waiting    wait_for SECONDS COMMAND...  (polls every 50 ms; on failure prints the last output)   wait_log NAME SECONDS REGEX
#   balancer   lb_config TEXT   start_lb [TEXT]   stop_lb   kill_lb   ctl ARGUMENTS...   lb_exit TEXT (a start that must fail)
#   servers    start_kv|start_echo|start_time NODE PORT [NAME] [ADDRESS]       their process is called kv-NAME, echo-NAME, time-NAME
#   load       load NAME NODE load_client's arguments...   load_end NAME SECONDS   load_peek NAME .path   report NAME .path
#   reading    json FILE .path[0].more[name=x]      (FILE may be -; scalars come out bare; exit 1 when it is not there)
#
# The COMMAND of wait_for runs in a subshell: a spawn in there would be lost to the cleanup, a wait_exit
# finds no child.

set -uo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TANDEM_BIN=${TANDEM_BIN:-$ROOT/build/bin}
# The other kernel has too little address space for AddressSanitizer.
[ -z "${TANDEM_UML-}" ] || TANDEM_BIN=${TANDEM_BIN/%build\/san\/bin/build\/bin}
BPFFS=/sys/fs/bpf
. "$ROOT/tests/proc.sh"

TAP_COUNT=0 TAP_FAILED=0 TAP_PLANNED= TAP_OUT=3
exec 3>&1

# ---- TAP ----

diag() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }
plan() { TAP_PLANNED=$1; echo "1..$1" >&$TAP_OUT; }

done_testing() {
	if [ -z "$TAP_PLANNED" ]; then
		echo "1..$TAP_COUNT" >&$TAP_OUT
	elif [ "$TAP_PLANNED" -ne "$TAP_COUNT" ]; then
		diag "planned $TAP_PLANNED checks, ran $TAP_COUNT"
		TAP_FAILED=$((TAP_FAILED + 1))
	fi
	exit $((TAP_FAILED > 0))
}

pass() { TAP_COUNT=$((TAP_COUNT + 1)); echo "ok $TAP_COUNT - $1" >&$TAP_OUT; }
fail() {
	TAP_COUNT=$((TAP_COUNT + 1)) TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP_COUNT - $1" >&$TAP_OUT
	shift
	[ $# -eq 0 ] || diag "$@"
	return 1
}
skip() { TAP_COUNT=$((TAP_COUNT + 1)); echo "ok $TAP_COUNT - $1 # SKIP $2" >&$TAP_OUT; }
skip_all() { echo "1..0 # SKIP $*" >&$TAP_OUT; exit 0; }
# This file ends; TAP's "Bail out!" would end all the others too, which have much to say still.
bail() { fail "goes on to its end: $*"; exit 255; }

ok() {
	local name=$1 status; shift
	"$@" > "$TMP/ok.out" 2>&1 && { pass "$name"; return; }
	status=$?
	fail "$name" "status $status from: $*"$'\n'"$(cat "$TMP/ok.out")"
}
not_ok() {
	local name=$1; shift
	"$@" > "$TMP/ok.out" 2>&1 || { pass "$name"; return; }
	fail "$name" "should have failed: $*"$'\n'"$(cat "$TMP/ok.out")"
}
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "     got: $2"$'\n'"expected: $3"; fi; }
isnt() { if [ "$2" != "$3" ]; then pass "$1"; else fail "$1" "got what it must not be: $2"; fi; }
like() { if [[ $2 =~ $3 ]]; then pass "$1"; else fail "$1" "     got: $2"$'\n'"expected a match of: $3"; fi; }
unlike() { if [[ ! $2 =~ $3 ]]; then pass "$1"; else fail "$1" "     got: $2"$'\n'"expected no match of: $3"; fi; }
# Numbers, fractions too: holds "load is even" "$a >= 300 && $a <= 366"
holds() {
	case $(awk "BEGIN { print(($2) ? 1 : 0) }" 2>&1) in
	1) pass "$1" ;;
	*) fail "$1" "does not hold: $2" ;;
	esac
}

# ---- the kernel ----

needs() { # FEATURE... as scripts/kernel-has knows them
	local missing status
	missing=$("$ROOT/scripts/kernel-has" "$@")
	case $? in
	0) return ;;
	1) missing=$(echo $missing) ;;
	*) bail "cannot tell what this kernel has" ;;
	esac
	[ -z "${TANDEM_UML-}" ] || skip_all "neither kernel has $missing"
	exec_quiet "$ROOT/scripts/uml" --timeout 600 -- "$0" >&3 2> >(tee "$TMP/uml.err" >&2) &
	# However this shell ends, what it started ends before it.
	trap "kill $!; wait $!; exit 130" INT TERM HUP
	wait $!
	status=$?
	[ $status -eq 125 ] || exit $status
	wait_for 5 grep -qs '^uml: ' "$TMP/uml.err" > /dev/null # tee may not have written it yet
	skip_all "this kernel has no $missing; $(grep '^uml: ' "$TMP/uml.err" | tail -n 1)"
}

# ---- the lab ----

lab_up() {
	LAB_MADE=1
	lab up "${@:-single}" || bail "the lab did not come up"
}

# ---- the balancer ----

lb_config() { printf '%s\n' "$1" > "$LB_CONFIG"; }

spawn_lb() {
	[ -x "$TANDEM_BIN/tandem-lb" ] || bail "no $TANDEM_BIN/tandem-lb; 'make' builds it"
	mountpoint -q "$BPFFS" || mount -t bpf bpf "$BPFFS" || bail "cannot mount the bpf filesystem at $BPFFS"
	mkdir -p "$RUNDIR"
	spawn lb "$LB_NODE" "$TANDEM_BIN/tandem-lb" -c "$LB_CONFIG" -r "$RUNDIR"
}

start_lb() { # [CONFIG-TEXT], without it the last one; returns when the control socket answers
	[ $# -eq 0 ] || lb_config "$1"
	spawn_lb
	wait_for 30 lb_answers || bail "tandem-lb does not answer"
}
lb_answers() { alive lb || { echo "tandem-lb has ended"; return 1; }; ctl status --daemon lb; }
stop_lb() { stop lb TERM; }
kill_lb() { stop lb KILL; }

lb_exit() { # CONFIG-TEXT -> exit status of a start that must not stay; its words are in $(log_of lb)
	lb_config "$1"
	spawn_lb
	wait_exit lb 30
}

ctl() { "$TANDEM_BIN/tandemctl" -r "$RUNDIR" "$@"; }

# ---- servers and load ----

start_server() { # PROCESS NODE PROGRAM ADDRESS PORT ARGUMENTS...
	local name=$1 node=$2 program=$3; shift 3
	[ -x "$TANDEM_BIN/$program" ] || bail "no $TANDEM_BIN/$program; 'make' builds it"
	spawn "$name" "$node" "$TANDEM_BIN/$program" "$@"
	wait_log "$name" 20 'listening on' || bail "$name is not ready"
}
start_kv() { start_server "kv-${3:-$1}" "$1" kv_store "${4:-*}" "$2" --name "${3:-$1}"; }
start_echo() { start_server "echo-${3:-$1}" "$1" echo_server "${4:-*}" "$2" --name "${3:-$1}"; }
start_time() { start_server "time-${3:-$1}" "$1" time_server "${4:-*}" "$2" --name "${3:-$1}"; }

# load_client in the background; its report (JSON) is read when it has ended, or now with load_peek.
load() {
	local name=$1 node=$2; shift 2
	[ -x "$TANDEM_BIN/load_client" ] || bail "no $TANDEM_BIN/load_client; 'make' builds it"
	rm -f "$TMP/$name.json"
	# On a busy machine an answer may take a second, and is none the worse for it.
	[[ " $* " == *" --timeout-ms "* ]] || set -- "$@" --timeout-ms 3000
	# A load_peek that comes before its handler is there is to be lost, not deadly.
	spawn "$name" "$node" env --ignore-signal=USR1 "$TANDEM_BIN/load_client" "$@" --report "$TMP/$name.json"
	wait_for 15 is_load "$name" || bail "load_client does not start"
}
is_load() { [ "$(cat "/proc/$(pid_of "$1")/comm" 2> /dev/null)" = load_client ]; }
load_end() { # NAME SECONDS; it exits with 1 when any request failed
	wait_exit "$1" "$2" || { local status=$?; diag "load '$1' ended with status $status"; return $status; }
}
load_peek() { # NAME .path: the numbers of a run that goes on
	rm -f "$TMP/$1.json"
	wait_for 15 peek_once "$1" "$2" > /dev/null && report "$1" "$2"
}
peek_once() { kill -USR1 "$(pid_of "$1")" && report "$1" "$2"; }
report() { json "$TMP/$1.json" "$2"; }

# ---- reading JSON ----

json() { # perl, for it starts eight times as fast as python
	perl -MJSON::PP -e '
		sub fail { print STDERR "json: ", @_, "\n"; exit 1 }
		my ($file, $path) = @ARGV;
		open(my $in, $file eq "-" ? "<&STDIN" : "<$file") or fail("cannot read $file: $!");
		my $json = JSON::PP->new->allow_nonref->canonical;
		my $value = eval { local $/; $json->decode(<$in>) };
		$@ and fail("$file: $@");
		while ($path =~ /\.([\w-]+)|\[(-?\d+)\]|\[([\w-]+)=([^\]]*)\]/g) {
			my ($key, $index, $field, $want) = ($1, $2, $3, $4);
			my $found = defined $key ? ref $value eq "HASH" && exists $value->{$key} ? \$value->{$key} : undef
				: ref $value ne "ARRAY" ? undef
				: defined $index ? $index < @$value && -$index <= @$value ? \$value->[$index] : undef
				: (map { \$_ } grep { ref $_ eq "HASH" && defined $_->{$field} && $_->{$field} eq $want } @$value)[0];
			defined $found or fail("no $path in $file");
			$value = $$found;
		}
		print(ref $value ? $json->encode($value) : defined $value ? $value : "null", "\n")' -- "$@"
}

# ---- beginning and end ----

# The dataplane's pins of this test's run dir.
pins() { find "$BPFFS/tandem" -mindepth 1 -maxdepth 1 -name "*${TMP##*/}*" 2>/dev/null; }

show_logs() {
	local name
	for name in "${PROC_NAMES[@]}"; do
		[ -s "$TMP/log/$name" ] || continue
		diag "---- the last lines of $name:"
		diag "$(tail -n 40 "$TMP/log/$name")"
	done
}

cleanup() {
	local status=$? pin
	trap - EXIT INT TERM HUP
	[ "$TAP_FAILED" -eq 0 ] && [ $status -eq 0 ] || show_logs
	stop_all
	[ -z "$LAB_MADE" ] || lab down
	while read -r pin; do rm -rf "$pin"; done < <(pins)
	rm -rf "$TMP"
	exit $status
}

[ "$(id -u)" = 0 ] || skip_all "needs root (network namespaces)"
for tool in ip nsenter python3 awk; do command -v $tool > /dev/null || bail "no $tool; 'make deps' installs it"; done

LAB_MADE=
export LAB_PREFIX="t$$-"
TMP=$(mktemp -d "${TMPDIR:-/tmp}/tandem-e2e-XXXXXX") || bail "no temporary directory"
mkdir "$TMP/log"
LB_CONFIG=$TMP/tandem.conf
RUNDIR=$TMP/run
LB_NODE=lb # where it runs
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
