# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Processes in the nodes of a lab, known by name and ended by pid; sourced by the end-to-end tests and the
# benchmark.
#
# The caller owns TMP (a directory with log/ in it), LAB_PREFIX (which lab; it may change between calls),
# ROOT (the checkout), and the functions bail and diag. It calls stop_all in its EXIT trap.

# ---- waiting ----

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

wait_for() {
	local deadline=$(($(now_ms) + $1 * 1000)) seconds=$1 out; shift
	while ! out=$("$@" 2>&1 3>&-); do
		if [ "$(now_ms)" -ge $deadline ]; then
			echo "not within $seconds s: $*"
			[ -z "$out" ] || echo "$out"
			return 1
		fi
		sleep 0.05
	done
}
# Looks only at what was written since the process was spawned last.
wait_log() { wait_for "$2" log_has "$1" "$3"; }
log_has() { tail -c "+$((${LOG_FROM[$1]} + 1))" "$(log_of "$1")" | grep -E -e "$2" > /dev/null; }

# ---- processes: known by name, ended by pid ----

declare -A PROC_PID=() PROC_START=() LOG_FROM=()
PROC_NAMES=()

# A pid alone is no name: once its process is gone, the kernel gives it to another. With the time of its start it is one.
started_at() { # PID -> STARTED, in clock ticks since boot; false when there is none or it has ended (a zombie)
	local stat fields
	STARTED=
	{ read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 1
	read -r -a fields <<< "${stat##*) }"
	[ "${fields[0]}" != Z ] && STARTED=${fields[19]}
}
is_running() { [ -n "$1" ] && started_at "$1" && [ "$STARTED" = "$2" ]; } # PID START

log_of() { echo "$TMP/log/$1"; }
pid_of() { echo "${PROC_PID[$1]-}"; }
alive() { is_running "${PROC_PID[$1]-}" "${PROC_START[$1]-}"; }

# The shell's child becomes nsenter and then the command itself, so the pid is the command's. NODE - is
# outside the lab. A name may be used again when its process has ended; the log goes on.
spawn() {
	local name=$1 node=$2; shift 2
	! alive "$name" || bail "spawn: '$name' is running already"
	: >> "$TMP/log/$name"
	LOG_FROM[$name]=$(stat -c %s "$TMP/log/$name")
	if [ "$node" = - ]; then
		exec_quiet "$@" >> "$TMP/log/$name" 2>&1 &
	else
		exec_quiet nsenter --net="/run/netns/$LAB_PREFIX$node" -- "$@" >> "$TMP/log/$name" 2>&1 &
	fi
	[ -n "${PROC_PID[$name]-}" ] || PROC_NAMES+=("$name")
	PROC_PID[$name]=$!
	started_at $! || STARTED=ended
	PROC_START[$name]=$STARTED
}
exec_quiet() { exec "$@" < /dev/null 3>&-; }

wait_exit() { # NAME SECONDS -> the process's exit status; 124 when it still runs
	[ -n "${PROC_PID[$1]-}" ] || bail "wait_exit: no process '$1'"
	wait_end "$1" $(($(now_ms) + $2 * 1000)) 2>/dev/null # the shell's own "Killed" is no news
}
wait_end() { # NAME DEADLINE_MS
	while alive "$1"; do
		[ "$(now_ms)" -lt "$2" ] || return 124
		sleep 0.02
	done
	wait "${PROC_PID[$1]}"
}

stop() { # NAME [SIGNAL]: signals and waits; one that ignores TERM for 5 s is killed
	local pid=${PROC_PID[$1]-} signal=${2-TERM}
	[ -n "$pid" ] || return 0
	! alive "$1" || kill "-$signal" "$pid" 2>/dev/null
	wait_exit "$1" 15
	[ $? -ne 124 ] || { diag "$1 ignored $signal for 15 s"; ! alive "$1" || kill -KILL "$pid"; wait_exit "$1" 15; }
	return 0
}

stop_all() { # the last one started first
	local i
	for ((i = ${#PROC_NAMES[@]} - 1; i >= 0; i--)); do ! alive "${PROC_NAMES[i]}" || stop "${PROC_NAMES[i]}"; done
}

# ---- the lab ----

lab() { "$ROOT/scripts/lab" "$@"; }
in_ns() { local node=$1; shift; nsenter --net="/run/netns/$LAB_PREFIX$node" -- "$@"; }
