#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the documents show is true: their configs check, their commands and options exist.
set -u
cd "$(dirname "$0")/../.." || exit 1
BIN=${TANDEM_BIN:-build/bin}
[ -x "$BIN/tandem-lb" ] || { echo "1..0 # SKIP no $BIN/tandem-lb, run make first"; exit 0; }
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
count=0 failed=0

ok() { # TEXT COMMAND...
	local text=$1
	shift
	count=$((count + 1))
	if "$@" > "$T/out" 2>&1; then
		echo "ok $count - $text"
	else
		echo "not ok $count - $text"
		sed 's/^/# /' "$T/out" >&2
		failed=1
	fi
}
is_short() { [ "$(wc -l < "$1")" -ge 10 ] && [ "$(wc -l < "$1")" -le 20 ]; }
make_knows() { make -n "$1"; }
is_a_target() { grep -q "^#: $1 " Makefile; }
clean_page() { # what it warns of goes to stderr
	man --warnings -E UTF-8 -l "$1" 2>&1 > /dev/null | tee /dev/stderr | { ! grep -q .; }
}
help_has() { "$BIN/tandemctl" --help | grep -qw -- "$1"; }

sed -n '/^```libconfig$/,/^```$/p' README.md | grep -v '^```' > "$T/readme.conf"
ok "the README's config has at most 20 lines" is_short "$T/readme.conf"
for node in lb-a lb-b; do
	ok "... and checks for $node" "$BIN/tandemctl" check "$T/readme.conf" -n $node
	ok "etc/tandem.conf.example checks for $node" "$BIN/tandemctl" check etc/tandem.conf.example -n $node
done
sed -n '/^## Example/,$p' docs/CONFIG.md | sed -n 's/^    //p' > "$T/config.conf"
ok "the example of docs/CONFIG.md checks" "$BIN/tandem-lb" -t -c "$T/config.conf"
# Each fenced config of CONFIG.md is a whole file.
awk -v dir="$T" '/^```libconfig$/ { n++; into = dir "/fenced" n ".conf"; next } /^```$/ { into = "" } into { print > into }' docs/CONFIG.md
for file in "$T"/fenced*.conf; do
	ok "an example of docs/CONFIG.md checks: ${file##*/}" "$BIN/tandemctl" check "$file"
done
ok "... there are some" test -s "$T/fenced5.conf"
# So is the config that a lab's page writes, for each node that reads it.
for row in "lan a" "lan b" "vrrp r1" "vrrp r2" "pair lba" "pair lbb" single; do
	read -r page node <<< "$row"
	sed -n "/<<'END'\$/,/^END\$/p" "docs/labs/$page.md" | sed '1d;$d' > "$T/$page.conf"
	ok "the config of docs/labs/$page.md checks${node:+ for $node}" "$BIN/tandemctl" check "$T/$page.conf" ${node:+-n "$node"}
done

exercises_have_rows() { # the third column of the tables, and the files
	diff <(awk -F ' [|] ' '/^[|] / && NF == 4 && $3 != "run" { print $3 }' docs/labs/README.md | grep -oE '[^,; ]+' | grep -E '^[a-z0-9-]+$' | sort -u) \
		<(cd tests/e2e/labs && printf '%s\n' *.t | sed 's/\.t$//' | sort)
}
ok "docs/labs/README.md has a row for each exercise, and none for another" exercises_have_rows

for target in $(grep -ohP '(sudo |`)make [a-z0-9]+(?![/a-z0-9])' README.md docs/*.md | awk '{ print $NF }' | sort -u); do
	ok "make $target, named in the documents, is a target" is_a_target "$target"
done
for command in $(grep -ohP '`tandemctl \K[a-z]+' README.md | sort -u); do
	ok "tandemctl $command is a command" help_has "$command"
done
for page in docs/man/*.[1-8]; do
	if command -v man > /dev/null; then
		ok "$page: man finds no fault in it" clean_page "$page"
	else
		count=$((count + 1))
		echo "ok $count - $page: man finds no fault in it # SKIP no man"
	fi
done
for daemon in tandem-lb tandem-vrrp; do
	for option in $("$BIN/$daemon" --help | grep -oE '^ +-[-a-zA-Z]+|--[a-z]+' | tr -d ' ' | sort -u); do
		ok "$daemon $option is in its man page" grep -qF -e "${option//-/\\-}" docs/man/$daemon.8
	done
done
for command in $("$BIN/tandemctl" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | sort -u); do
	ok "tandemctl $command is in its man page" grep -qE "^\.B.*\b$command\b" docs/man/tandemctl.8
done

echo "1..$count"
exit $failed
