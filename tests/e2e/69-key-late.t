#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A node begins without a good key file: that is said, once, and the pair comes up by itself when the file is there. The
# check of a config warns of such a file, and so do the daemons with -t.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/lease.sh"

lease_up
checked() { # WARNING-REGEX: by each who checks, and the config is good all the same
	local who
	for who in "tandemctl check" "tandem-lb -t -c" "tandem-vrrp -t -c"; do
		# shellcheck disable=SC2086
		set -- "$1" $who
		"$TANDEM_BIN/$2" "${@:3}" "$TMP/lba.conf" -n lba > "$TMP/checked" 2>&1
		is "... $who: status 0" $? 0
		if [ -n "$1" ]; then
			like "... warns" "$(cat "$TMP/checked")" "warning: $TMP/key:(1:)? $1.*; until then the nodes are no pair"
		else
			is "... no warning" "$(grep -c warning "$TMP/checked")" 0
		fi
	done
}
pass "a good key file"
checked ""
mv "$TMP/key" "$TMP/good"
pass "no key file"
checked "cannot read the key file: No such file"
echo 1234 > "$TMP/key"
chmod 600 "$TMP/key"
pass "a key file without a key"
checked "not a key"
cp "$TMP/good" "$TMP/key"
chmod 644 "$TMP/key"
pass "a key file that others may read"
checked "others may use the key file"
rm "$TMP/key"

# lba begins without it, lbb with another name for the good one.
lb lba
vrrp lba "$CONF"
good=$(sed "s|$TMP/key|$TMP/good|" <<< "$CONF")
printf '%s\n' "$good" > "$TMP/lbb.conf"
lb lbb
vrrp lbb "$good"
ok "lba begins without a key file: it is active" wait_for 20 is_state lba active
failures() { vctl lba events --daemon "$1" | grep -c "peer lbb  *failed"; }
for daemon in lb vrrp; do
	like "... tandemctl peers says why, of tandem-$daemon" "$(vctl lba peers --daemon $daemon)" \
		"trouble +$TMP/key: cannot read the key file: No such file"
done
echo 1234 > "$TMP/new"
chmod 600 "$TMP/new"
mv "$TMP/new" "$TMP/key"
says_bad() { vctl lba peers --daemon "$1" | grep "trouble  *$TMP/key:1: not a key"; }
ok "a bad one comes: it is looked at again" wait_for 15 eval 'says_bad lb && says_bad vrrp'
is "... each trouble is told once, by tandem-lb" "$(failures lb)" 2
is "... and by tandem-vrrp" "$(failures vrrp)" 2
cp -p "$TMP/good" "$TMP/new"
mv "$TMP/new" "$TMP/key"
ok "the good one is there: the pair is well, without a reload" wait_for 20 pair_settled
for daemon in lb vrrp; do
	is "... no trouble, says tandem-$daemon" "$(vctl lba peers --daemon $daemon | grep -c trouble)" 0
	like "... that is told" "$(vctl lba events --daemon $daemon)" 'peer lbb +mended'
	is "... nothing else failed" "$(failures $daemon)" 2
done

# A reload reads the file too: what is wrong with it then is mended likewise.
chmod 644 "$TMP/key"
like "a reload with a key file that others may read: told" "$(vctl lba reload 2>&1)" 'others may use the key file'
ok "... the pair goes on" pair_settled
chmod 600 "$TMP/key"
ok "... it is mended: no trouble" wait_for 15 eval '! vctl lba peers | grep trouble'
done_testing
