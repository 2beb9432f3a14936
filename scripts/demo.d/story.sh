# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# How the demos tell their story: chapters, and rows with the time since BEGAN_MS. Colour on a terminal only, or when
# DEMO_COLOR says that there is one behind the pipe.

if [ -z "${NO_COLOR-}" ] && { [ -t 1 ] || [ -n "${DEMO_COLOR-}" ]; }; then
	BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' FAINT=$'\e[2m' PLAIN=$'\e[0m'
else
	BOLD='' GREEN='' RED='' FAINT='' PLAIN=''
fi

CHAPTER=0
chapter() { CHAPTER=$((CHAPTER + 1)); printf '\n%s%d. %s%s\n' "$BOLD" $CHAPTER "$*" "$PLAIN"; }
stamp() {
	local ms=$(($(now_ms) - BEGAN_MS))
	printf '%s%3d.%d s%s' "$FAINT" $((ms / 1000)) $((ms % 1000 / 100)) "$PLAIN"
}
row() { printf '%s  %s%-4s%s  %s\n' "$(stamp)" "$1" "$2" "$PLAIN" "$3"; }
good() { row "$GREEN" ok "$*"; }
step() { row "$FAINT" .. "$*"; }
typed() { row "$FAINT" '$' "$*"; }
wrong() { row "$RED" FAIL "$*"; echo "$*" >> "$TMP/wrong"; } # the demo goes on, the verdict knows
diag() { echo "demo: $*" >&2; }
bail() { diag "$@"; exit 1; }
