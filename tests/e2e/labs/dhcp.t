#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# DHCP: a station without an address asks everybody, a server answers, and after four messages it has one; seen on the
# wire, with two stations at once and a server that has nothing left.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
for program in udhcpc udhcpd; do command -v $program > /dev/null || bail "no $program; 'make deps' installs it"; done
lab_up bridge

cat > "$TMP/udhcpd.conf" <<-END
	start 10.0.1.101
	end 10.0.1.102
	interface br0
	lease_file $TMP/leases
	pidfile $TMP/udhcpd.pid
	option subnet 255.255.255.0
	option router 10.0.1.1
	option lease 600
END
touch "$TMP/leases"
cat > "$TMP/take" <<-'END'
	#!/bin/sh
	case $1 in
	bound) ip addr add "$ip/24" dev "$interface"; ip route add default via "$router" ;;
	esac
END
chmod +x "$TMP/take"
for n in a b c; do in_ns $n ip addr flush dev eth0; done
obtain() { in_ns "$1" timeout 30 udhcpc -f -n -q -t "${2-6}" -T 3 -i eth0 -s "$TMP/take" > "$TMP/dhcp-$1" 2>&1; }
address_of() { in_ns "$1" ip -4 -o addr show dev eth0 | grep -o '10\.0\.1\.[0-9]*/24' | head -n 1; }

in_ns b timeout 10 udhcpc -f -n -q -t 1 -T 1 -i eth0 -s "$TMP/take" > "$TMP/none" 2>&1
claim_is software-networking "without a server a station gets no address" "exit $?, address: $(address_of b)" "exit 1, address: "
spawn dhcpd sw udhcpd -f -a 50 -I 10.0.1.1 "$TMP/udhcpd.conf"
wait_log dhcpd 5 started || bail "no DHCP server: $(cat "$(log_of dhcpd)")"
spawn wire sw timeout 60 tcpdump -Z root -n -e -v -l --immediate-mode -i br0 udp port 67 or udp port 68
wait_log wire 10 'listening on' || bail "no capture"
obtain a
claim_like software-networking "DHCP: a station asks, and has an address and a default route" "$(address_of a), $(in_ns a ip route show default)" '^10\.0\.1\.10[12]/24, default via 10\.0\.1\.1'
is_acked() { log_has wire 'DHCP-Message.*: ACK'; }
wait_for 5 is_acked
claim_is keepalived-nat "... in four messages: who has one; here is one; I want it; it is yours" "$(grep -oE 'DHCP-Message.*: (Discover|Offer|Request|ACK)' "$(log_of wire)" | sed "s/.*: //" | uniq | paste -sd" ")" "Discover Offer Request ACK"
claim_like software-networking "... the station's are Ethernet broadcasts, from 0.0.0.0, which is nobody yet" \
	"$(grep -A 1 'Discover' "$(log_of wire)" > /dev/null; grep -oE '> ff:ff:ff:ff:ff:ff|0\.0\.0\.0\.68 > 255\.255\.255\.255\.67' "$(log_of wire)" | sort -u | paste -sd,)" '0\.0\.0\.0\.68 > 255\.255\.255\.255\.67.*ff:ff:ff:ff:ff:ff|ff:ff:ff:ff:ff:ff.*0\.0\.0\.0\.68 > 255'
obtain b
claim "software-networking" "another station gets another address" "a $(address_of a), b $(address_of b)" "$([ -n "$(address_of b)" ] && [ "$(address_of a)" != "$(address_of b)" ] && echo ok || echo fail)"
b=$(address_of b)
claim_is software-networking "... and they reach each other by what they got" "$(wait_for 5 pings a "${b%/*}" && echo answer)" answer
obtain c 1
claim_is software-networking "a third is offered nothing: the server has two" "exit $?, address: $(address_of c)" "exit 1, address: "

done_testing
