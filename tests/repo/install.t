#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `make install` below a DESTDIR: the right files, in the right places, and `make uninstall` takes away the same.
set -u
cd "$(dirname "$0")/../.." || exit 1
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
count=0 failed=0
export MAKEFLAGS=

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
files() { (cd "$T/dest" && find . -type f | sort); }
same() { diff <(echo "$1") <(echo "$2"); }
is_hardened() { # position independent, relocations read-only after start, checked string functions, stack protector
	readelf -hW "$1" | grep -q 'Type: *DYN' && readelf -lW "$1" | grep -q GNU_RELRO &&
		readelf -dW "$1" | grep -q BIND_NOW && readelf -sW "$1" | grep -q '__snprintf_chk' &&
		readelf -sW "$1" | grep -q __stack_chk_fail
}
has_mode() { [ "$(stat -c %a "$T/dest/$2")" = "$1" ]; }

mkdir "$T/dest"
ok "install" make --no-print-directory install DESTDIR="$T/dest" PREFIX=/opt/tandem
want="./etc/tandem/tandem.conf.example
./opt/tandem/bin/addrbind
./opt/tandem/bin/addrconv
./opt/tandem/bin/byte_sink
./opt/tandem/bin/echo_server
./opt/tandem/bin/hello_client
./opt/tandem/bin/hello_server
./opt/tandem/bin/kv_client
./opt/tandem/bin/kv_store
./opt/tandem/bin/load_client
./opt/tandem/bin/simple_nc
./opt/tandem/bin/sockstat
./opt/tandem/bin/tandemctl
./opt/tandem/bin/time_burst_client
./opt/tandem/bin/time_client
./opt/tandem/bin/time_server
./opt/tandem/bin/tun_pipe
./opt/tandem/lib/sysctl.d/90-tandem.conf
./opt/tandem/lib/systemd/system/tandem-lb.service
./opt/tandem/lib/systemd/system/tandem-vrrp.service
./opt/tandem/sbin/tandem-lb
./opt/tandem/sbin/tandem-vrrp
./opt/tandem/share/bash-completion/completions/tandemctl
./opt/tandem/share/man/man5/tandem.conf.5
./opt/tandem/share/man/man8/tandem-lb.8
./opt/tandem/share/man/man8/tandem-vrrp.8
./opt/tandem/share/man/man8/tandemctl.8"
ok "these files and no others" same "$want" "$(files)"
ok "programs may be run by all" has_mode 755 opt/tandem/sbin/tandem-lb
ok "files may be read by all" has_mode 644 opt/tandem/lib/systemd/system/tandem-lb.service
for daemon in tandem-lb tandem-vrrp; do
	ok "$daemon runs" "$T/dest/opt/tandem/sbin/$daemon" --version
	ok "... and is hardened" is_hardened "$T/dest/opt/tandem/sbin/$daemon"
	ok "its unit starts it where it is" grep -qx "ExecStart=/opt/tandem/sbin/$daemon" \
		"$T/dest/opt/tandem/lib/systemd/system/$daemon.service"
done
# After five quick ends systemd would leave a unit failed for good, and a status could be one that it does not restart.
never_gives_up() {
	sed '/^\[Service\]/q' "$1" | grep -x 'StartLimitIntervalSec=0' && grep -x 'Restart=on-failure' "$1" && ! grep '^RestartPrevent' "$1"
}
for daemon in tandem-lb tandem-vrrp; do
	ok "systemd never gives up $daemon" never_gives_up "etc/systemd/$daemon.service"
done
is_understood() { ! systemd-analyze verify etc/systemd/*.service 2>&1 | grep -e Unknown -e Invalid -e Failed -e ignoring; }
! command -v systemd-analyze > /dev/null || ok "systemd understands every line of the units" is_understood

touch "$T/dest/etc/tandem/tandem.conf" "$T/dest/opt/tandem/bin/not-ours"
ok "uninstall" make --no-print-directory uninstall DESTDIR="$T/dest" PREFIX=/opt/tandem
ok "only what is not ours is left" same $'./etc/tandem/tandem.conf\n./opt/tandem/bin/not-ours' "$(files)"

# tandem-vrrp runs the operator's scripts, as other users, and in real time: what that needs counts 0.9.
for rating in tandem-lb:2.1 tandem-vrrp:2.9; do
	unit=etc/systemd/${rating%:*}.service most=${rating#*:}
	if command -v systemd-analyze > /dev/null; then
		exposure=$(systemd-analyze security --offline=true "$unit" 2> /dev/null |
			sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
		ok "systemd-analyze rates $unit at most $most (it says $exposure)" \
			awk "BEGIN { exit !(\"$exposure\" != \"\" && $exposure <= $most) }"
	else
		count=$((count + 1))
		echo "ok $count - systemd-analyze rates $unit # SKIP no systemd-analyze"
	fi
done

echo "1..$count"
exit $failed
