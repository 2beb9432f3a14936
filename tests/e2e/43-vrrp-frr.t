#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tandem-vrrp on node a and FRR's vrrpd on node b share addresses: version 2 and 3, IPv4 and IPv6, our virtual MAC on and
# off, either side preferred, preempting or not, through silent and graceful losses of both sides. FRR has virtual MACs
# only, on macvlans made by hand, which have the addresses always and carrier only while FRR is Active.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/pairs.sh"

FRR=/usr/lib/frr
[ -x $FRR/vrrpd ] && [ -x $FRR/zebra ] || skip_all "no FRR; 'make deps' installs it"

for kind in v3 v6 v2; do
	for mac in no yes; do
		for winner in ours theirs; do
			for preempt in yes no; do
				row $winner $preempt "$kind,vmac:$mac-yes,$winner-preferred,preempt:$preempt" $kind MAC=$mac
			done
		done
	done
done

truth() { [ "$1" = yes ] && echo true || echo false; }

our_instance() {
	cat <<-END
		{ name = "i$VRID"; interface = "eth0"; vrid = $VRID; version = $VERSION; priority = $OURS;
		  advert_interval_ms = $INTERVAL; preempt = $(truth "$PREEMPT"); virtual_mac = $(truth "$MAC");
		  announce = { refresh_s = 1; };
		  addresses = [ "$ADDRESS/$PREFIX" ]; },
	END
}

# FRR gives up without a word when it hears a higher priority, so that a winner which was heard first does not know of
# the clash, and that clients on the other side were told something else: hence refresh_s.
# The first IPv6 address has to be link-local; this is the one that ours makes of the vrid, and Linux of a macvlan's MAC.
their_instance() {
	cat <<-END
		vrrp $VRID version $VERSION
		vrrp $VRID priority $THEIRS
		vrrp $VRID advertisement-interval $INTERVAL
		$([ "$PREEMPT" = yes ] || echo "no vrrp $VRID preempt")
		$([ "$KIND" != v6 ] || printf "vrrp $VRID ipv6 fe80::200:5eff:fe00:2%02x" "$VRID")
		vrrp $VRID $IP $ADDRESS
	END
}

their_device() {
	cat <<-END
		link add vrrp-$VRID link eth0 address 00:00:5e:00:0$((PREFIX == 64 ? 2 : 1)):$(printf %02x "$VRID") type macvlan mode bridge
		addr add $ADDRESS/$PREFIX dev vrrp-$VRID $([ $PREFIX != 64 ] || echo nodad)
		link set vrrp-$VRID up
	END
}

configs() {
	local i
	echo 'vrrp = { instances = (' > "$TMP/a.conf"
	printf '%s\n' 'log stdout' 'debug vrrp protocol' 'interface eth0' > "$TMP/frr.conf"
	: > "$TMP/frr.links"
	for ((i = 1; i <= ${#PAIRS[@]}; i++)); do
		pair_vars $i
		VERSION=3 INTERVAL=100 IP=ip
		[ "$KIND" != v2 ] || VERSION=2 INTERVAL=1000
		[ "$KIND" != v6 ] || IP=ipv6
		our_instance >> "$TMP/a.conf"
		their_instance >> "$TMP/frr.conf"
		their_device >> "$TMP/frr.links"
	done
	sed -i '$ s/},$/} ); };/' "$TMP/a.conf"
}

start_frr() {
	local common=(-z "$TMP/frr/zserv" --vty_socket "$TMP/frr" -u frr -g frr -P 0)
	ip -n "${LAB_PREFIX}b" -batch "$TMP/frr.links" || bail "the macvlans for FRR cannot be made"
	mkdir -p "$TMP/frr" && chown frr:frr "$TMP/frr" && chmod 711 "$TMP" && chmod 644 "$TMP/frr.conf" || bail "no place for FRR"
	: > "$TMP/frr/zebra.conf"
	spawn zebra b $FRR/zebra "${common[@]}" -f "$TMP/frr/zebra.conf" -i "$TMP/frr/zebra.pid"
	wait_for 15 test -S "$TMP/frr/zserv" || bail "zebra does not come up"
	spawn vrrpd b $FRR/vrrpd "${common[@]}" -f "$TMP/frr.conf" -i "$TMP/frr/vrrpd.pid"
}
stop_frr() {
	stop vrrpd TERM
	stop zebra TERM
	rm -rf "$TMP/frr"
	in_ns b ip -o link show type macvlan | sed -n 's/.*: \(vrrp-[0-9]*\)@.*/link del \1/p' | ip -n "${LAB_PREFIX}b" -batch -
}

# Who was told otherwise would go on asking at the wrong door.
forget() { in_ns client ip neigh flush dev eth0; }

lab_up lan
configs
start_frr
vrrp a
settle 8 one "one has the address"
all_answer "it answers"
cut b
settle 6 both "each takes over from a silent partner"
all_answer "ours answers then"
heal
settle 4 winner "when they hear each other again, the preferred one has it"
forget # FRR as the winner of a clash does not announce
all_answer "and answers"
stop vrrp-a TERM
settle 2 theirs "FRR takes over from ours that ends"
all_answer "and answers"
vrrp a
settle 6 back-ours "ours comes back"
all_answer "it answers after that"
stop_frr
settle 2 ours "ours takes over from FRR that ends"
all_answer "and answers"
start_frr
settle 8 back-theirs "FRR comes back"
forget # its unsolicited NA goes out, and is lost, while zebra still holds the macvlan down
all_answer "it answers still"

done_testing
