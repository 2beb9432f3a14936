#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A server with several addresses: which one it speaks from and why, which it stops using, what it forwards, and clients
# that try one address, or all. What goes wrong with several addresses is in multihome.t.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
lab_up multihome
B=$TANDEM_BIN
D=multihoming

source_to() { in_ns "$1" ip route get "$2" | grep -oE 'dev [a-z0-9]+|src [0-9a-f.:]+' | paste -sd' '; }
setting() { echo "$3" | in_ns "$1" tee "/proc/sys/net/$2" > /dev/null; }

# ---- which source ----

claim_is $D "who says no source gets the address of the interface by which the packet leaves" "to near: $(source_to server 10.0.1.11); to far: $(source_to server 10.0.3.11)" \
	"to near: dev eth0 src 10.0.1.1; to far: dev eth2 src 10.0.2.1"
claim_is $D "two addresses in one network: one is primary, and the source of all" "$(for to in 10.0.1.11 10.0.1.12 10.0.1.254; do source_to server $to; done | sort -u)" "dev eth0 src 10.0.1.1"
start_echo far 7
watch out server eth2 tcp port 7 and "tcp[tcpflags] & tcp-syn != 0"
printf x | in_ns server nc -N -w 3 -s 10.0.1.2 10.0.3.11 7 > "$TMP/nc" 2>&1
wait_seen out 5 1
claim_like $D "a program may choose any address of its machine; the packet leaves by the closest interface all the same" "$(grep -oE '[0-9.]+ > 10\.0\.3\.11\.7: Flags \[S\]' "$(log_of out)" | head -n 1)" '^10\.0\.1\.2\.[0-9]+ > 10\.0\.3\.11\.7: Flags \[S\]'
foreign() { if [[ $(in_ns server "$B/addrbind" 10.9.9.9 80 2>&1) == bound* ]]; then echo allowed; else echo refused; fi; }
before=$(foreign)
setting server ipv4/ip_nonlocal_bind 1
claim_is $D "an address that is not local is refused, unless the machine is told otherwise (ip_nonlocal_bind)" "$before, then $(foreign)" "refused, then allowed"
setting server ipv4/ip_nonlocal_bind 0

# ---- the switch for forwarding ----

in_ns near ip route add 10.0.2.0/24 via 10.0.1.1
in_ns r2 ip route add 10.0.1.0/24 via 10.0.2.1
setting server ipv4/conf/all/forwarding 0
claim_is $D "forwarding off: nothing goes through, but each of its addresses is reached by each interface" "10.0.2.254 behind it: $(no_ping near 10.0.2.254 && echo "no answer"), 10.0.2.1, its own: $(pings near 10.0.2.1 && echo answer)" \
	"10.0.2.254 behind it: no answer, 10.0.2.1, its own: answer"
setting server ipv4/conf/all/forwarding 1
claim_is $D "... on: it is a router" "10.0.2.254: $(wait_for 3 pings near 10.0.2.254 && echo answer)" "10.0.2.254: answer"
setting server ipv4/conf/all/forwarding 0

# ---- an address that is given up ----

in_ns server ip addr add fd00:1::1/64 dev eth0 nodad
in_ns server ip addr add fd00:1::2/64 dev eth0 nodad preferred_lft 0
in_ns near ip addr add fd00:1::11/64 dev eth0 nodad
before=$(source_to server fd00:1::11)
in_ns server ip addr change fd00:1::1/64 dev eth0 nodad preferred_lft 0
in_ns server ip addr change fd00:1::2/64 dev eth0 nodad preferred_lft forever
claim_is $D "a deprecated address is no source any more, and still answers: good for moving" "$before, then $(source_to server fd00:1::11), fd00:1::1 $(pings near fd00:1::1 && echo answers)" \
	"dev eth0 src fd00:1::1, then dev eth0 src fd00:1::2, fd00:1::1 answers"

# ---- clients ----

start_echo server 7
printf '%s\n' '127.0.0.1 localhost' '10.0.1.12 www' '10.0.1.1 www' 'fd00:1::99 both' '10.0.1.1 both' > "$TMP/hosts"
with_hosts() { local node=$1; shift; in_ns "$node" unshare --mount sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$TMP/hosts" "$@"; }
claim_is $D "getaddrinfo gives all addresses of a name, gethostbyname one, and no IPv6" \
	"$(with_hosts near python3 -c 'import socket
print(sorted({a[4][0] for a in socket.getaddrinfo("both", 7)}), socket.gethostbyname("both"))')" "['10.0.1.1', 'fd00:1::99'] 10.0.1.1"
claim_is $D "getnameinfo is the way back" "$(with_hosts near python3 -c 'import socket; print(socket.getnameinfo(("10.0.1.12", 7), socket.NI_NUMERICSERV)[0])')" www
out=$(with_hosts near python3 -c 'import socket
s = socket.socket(); s.settimeout(0.7)
try: s.connect((socket.gethostbyname("www"), 7)); print("connected")
except OSError as e: print("failed")' 2>&1)
printf hello | with_hosts near "$B/simple_nc" www 7 --connect-ms 700 > "$TMP/got" 2> "$TMP/nc"
claim_is $D "a server with two addresses, one of them dead: who tries the first only fails, who tries all gets through" "the first only: $out; each in turn: $(cat "$TMP/got")" "the first only: failed; each in turn: hello"
claim_like $D "... one after the other, not side by side" "$(grep -oE '10\.0\.1\.[0-9]+:7: (time-out|unreachable|connected)' "$TMP/nc" | paste -sd,)" '10\.0\.1\.12:7: (time-out|unreachable),10\.0\.1\.1:7: connected'

done_testing
