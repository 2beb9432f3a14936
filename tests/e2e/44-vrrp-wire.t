#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What tandem-vrrp puts on the wire, as tshark reads it: adverts of each version and family, with the interface's MAC and with the
# virtual one, announcements; and when: a silent loss at three intervals.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

for tool in tcpdump tshark; do command -v $tool > /dev/null || skip_all "no $tool; 'make deps' installs it"; done

instance() { # VRID ADDRESS MORE
	echo "{ name = \"i$1\"; interface = \"eth0\"; vrid = $1; addresses = [ \"$2\" ]; $3 },"
}
config() { # INSTANCE...
	echo "vrrp = { instances = ( $(printf '%s\n' "$@" | sed '$ s/,$//') ); };"
}
capture() { # NODE
	spawn dump "$1" tcpdump -n -i eth0 --immediate-mode -U -B 8192 -w "$TMP/cap" 'proto 112 or arp or icmp6 or (ip6 and ip6[6] = 112)'
	wait_log dump 15 'listening on' || bail "tcpdump does not listen"
}
fields() { # FILTER FIELD...
	local filter=$1 field args=(); shift
	for field in "$@"; do args+=(-e "$field"); done
	tshark -n -r "$TMP/cap" -o ip.check_checksum:TRUE -Y "$filter" -T fields -E separator=' ' "${args[@]}" 2> "$TMP/tshark.err"
}
# tshark takes long to start, so all are asked at once, and then heard.
NAMES=() WANTED=() ASKED=()
ask() { # NAME FILTER WANTED FIELD...
	NAMES+=("$1") WANTED+=("$3")
	fields "$2" "${@:4}" 3>&- | sort -u > "$TMP/answer.${#NAMES[@]}" &
	ASKED+=($!)
}
every() { ask "$@"; } # all frames of that filter have these fields, and there are some
none() { ask "$1" "$2" "" frame.number _ws.col.Info _ws.expert.message; }
hear() {
	local i
	wait "${ASKED[@]}"
	for i in "${!NAMES[@]}"; do is "${NAMES[i]}" "$(cat "$TMP/answer.$((i + 1))")" "${WANTED[i]}"; done
}

lab_up lan

# ---- what ----

quick='advert_interval_ms = 100; announce = { count = 3; interval_ms = 200; };'
capture client
vrrp a "$(config "$(instance 2 10.0.1.102/24 'version = 2;')" "$(instance 3 10.0.1.103/24 "$quick")" "$(instance 6 fd00:1::106/64 "$quick")" \
	"$(instance 13 10.0.1.113/24 "virtual_mac = true; $quick")" "$(instance 16 fd00:1::116/64 "virtual_mac = true; $quick")" \
	"$(instance 9 10.0.1.109/24 "checksum = \"rfc9568\"; $quick")")"
ok "all are active" wait_for 15 is_state a active 0
MAC=$(vjson a '[1].routers[0].mac')
LL=$(vjson a '[2].routers[0].source')
stop vrrp-a TERM
stop dump TERM

every "version 2: from the interface to the group, TTL 255, CS6, checksum good" 'vrrp.virt_rtr_id == 2 && vrrp.prio != 0' \
	"$MAC 01:00:5e:00:00:12 10.0.1.11 224.0.0.18 255 0xc0 2 100 1 1 1 10.0.1.102" \
	eth.src eth.dst ip.src ip.dst ip.ttl ip.dsfield vrrp.version vrrp.prio vrrp.adver_int vrrp.checksum.status ip.checksum.status vrrp.ip_addr
every "version 3, IPv4" 'vrrp.virt_rtr_id == 3 && vrrp.prio != 0' \
	"$MAC 01:00:5e:00:00:12 10.0.1.11 224.0.0.18 255 0xc0 3 100 10 1 1 10.0.1.103" \
	eth.src eth.dst ip.src ip.dst ip.ttl ip.dsfield vrrp.version vrrp.prio vrrp.short_adver_int vrrp.checksum.status ip.checksum.status vrrp.ip_addr
every "version 3, IPv6" 'vrrp.virt_rtr_id == 6 && vrrp.prio != 0' \
	"$MAC 33:33:00:00:00:12 $LL ff02::12 255 0x000000c0 3 100 10 1 fe80::200:5eff:fe00:206,fd00:1::106" \
	eth.src eth.dst ipv6.src ipv6.dst ipv6.hlim ipv6.tclass vrrp.version vrrp.prio vrrp.short_adver_int vrrp.checksum.status vrrp.ipv6_addr
every "the virtual MAC, IPv4: from it, with the interface's address" 'vrrp.virt_rtr_id == 13' \
	"00:00:5e:00:01:0d 01:00:5e:00:00:12 10.0.1.11 224.0.0.18 255 1" eth.src eth.dst ip.src ip.dst ip.ttl vrrp.checksum.status
every "the virtual MAC, IPv6" 'vrrp.virt_rtr_id == 16' \
	"00:00:5e:00:02:10 33:33:00:00:00:12 $LL ff02::12 255 1" eth.src eth.dst ipv6.src ipv6.dst ipv6.hlim vrrp.checksum.status
every "the RFC's checksum is another one (and tshark knows the older only)" 'vrrp.virt_rtr_id == 9' 0 vrrp.checksum.status
every "each says goodbye with priority 0" 'vrrp.prio == 0' "$(printf '%s\n' 2 3 6 9 13 16 | sort)" vrrp.virt_rtr_id
none "tshark has no complaint about any" 'vrrp && vrrp.virt_rtr_id != 9 && (_ws.malformed || _ws.expert)'

every "gratuitous ARP is a broadcast request, sender and target the address" 'arp.isgratuitous && arp.src.proto_ipv4 == 10.0.1.103' \
	"$MAC ff:ff:ff:ff:ff:ff 1 $MAC 10.0.1.103 10.0.1.103" eth.src eth.dst arp.opcode arp.src.hw_mac arp.src.proto_ipv4 arp.dst.proto_ipv4
every "and of the virtual MAC, where that is wanted" 'arp.isgratuitous && arp.src.proto_ipv4 == 10.0.1.113' \
	"00:00:5e:00:01:0d 00:00:5e:00:01:0d" eth.src arp.src.hw_mac
every "an unsolicited NA goes to all nodes, router and override, not solicited" 'icmpv6.type == 136 && icmpv6.nd.na.target_address == fd00:1::106' \
	"$MAC 33:33:00:00:00:01 fd00:1::106 ff02::1 255 1 0 1 $MAC 1" \
	eth.src eth.dst ipv6.src ipv6.dst ipv6.hlim icmpv6.nd.na.flag.r icmpv6.nd.na.flag.s icmpv6.nd.na.flag.o icmpv6.opt.linkaddr icmpv6.checksum.status
every "and of the virtual MAC" 'icmpv6.type == 136 && icmpv6.nd.na.target_address == fd00:1::116 && icmpv6.nd.na.flag.s == 0' \
	"00:00:5e:00:02:10 00:00:5e:00:02:10" eth.src icmpv6.opt.linkaddr
none "tshark has no complaint about those either" '(arp || icmpv6.type == 136) && _ws.malformed'
hear

# Nobody took over when it said goodbye, so it was Active again, and announced that too: another story.
goodbye=$(fields 'vrrp.prio == 0' frame.time_epoch | head -n 1)
repeats() { # FILTER: how many, the shortest and longest gap in ms
	fields "$1 && frame.time_epoch < $goodbye" frame.time_epoch | awk 'NR > 1 { g = ($1 - last) * 1000; if (min == "" || g < min) min = g; if (g > max) max = g }
		{ last = $1 } END { print NR + 0, min + 0, max + 0 }'
}
read -r count min max <<< "$(repeats 'arp.isgratuitous && arp.src.proto_ipv4 == 10.0.1.103')"
is "gratuitous ARP is repeated as configured" "$count" 3
holds "at the interval that is configured" "$min > 190 && $max < 300"
read -r count min max <<< "$(repeats 'icmpv6.type == 136 && icmpv6.nd.na.target_address == fd00:1::106')"
is "the NA too" "$count" 3
holds "and at that interval" "$min > 190 && $max < 300"
is "the first announcement comes after the first advert" \
	"$(fields 'vrrp.virt_rtr_id == 3 || (arp.isgratuitous && arp.src.proto_ipv4 == 10.0.1.103)' _ws.col.Protocol | head -n 2 | tr '\n' ' ')" 'VRRP ARP '

# ---- when ----

trio() { # PRIORITY
	config "$(instance 1 10.0.1.101/24 "priority = $1; advert_interval_ms = 1000;")" \
		"$(instance 2 10.0.1.102/24 "priority = $1; advert_interval_ms = 100;")" \
		"$(instance 3 10.0.1.103/24 "priority = $1; advert_interval_ms = 10;")"
}
heard_more() { [ "$(vjson b '[0].routers[0].counters.received')" -gt "$before" ]; }

vrrp a "$(trio 200)"
vrrp b "$(trio 100)"
ok "the other node is active" wait_for 15 is_state a active 0
capture b
before=$(vjson b '[0].routers[0].counters.received')
ok "the rarest advert is in the capture" wait_for 15 heard_more
in_ns sw nft 'table bridge cut { chain in { type filter hook prerouting priority 0; iifname "toa" drop; }; }'
ok "this one takes over" wait_for 15 is_state b active 0
sleep 0.1
stop dump TERM
mac=$(vjson b '[0].routers[0].mac')
tshark -n -r "$TMP/cap" -Y 'vrrp || arp.isgratuitous' -T fields -E separator=, -e frame.time_epoch -e vrrp.virt_rtr_id -e ip.src -e eth.src \
	-e arp.src.proto_ipv4 > "$TMP/frames" 2> "$TMP/tshark.err"
while read -r vrid interval bound; do
	read -r last first garp <<< "$(awk -F, -v vrid="$vrid" -v mac="$mac" '
		$2 == vrid && $3 == "10.0.1.11" { last = $1; first = garp = 0 }
		$2 == vrid && $3 == "10.0.1.12" && !first { first = $1 }
		$5 == "10.0.1.10" vrid && $4 == mac && !garp { garp = $1 }
		END { print last + 0 ? last : 0, first, garp }' OFMT=%.9f "$TMP/frames")"
	# 3 A + (256 - 100) / 256 A; the slack is for a busy machine and a sanitized program.
	holds "$interval ms: not before the down interval is over" "(${first:-0} - ${last:-0}) * 1000 >= $bound"
	holds "$interval ms: but soon then" "(${first:-0} - ${last:-0}) * 1000 < $bound + 15"
	holds "$interval ms: and is announced at once" "${garp:-0} >= ${first:-0} && (${garp:-0} - ${first:-0}) * 1000 < 15"
	diag "$interval ms: $(awk "BEGIN { print ($first - $last) * 1000, \"ms, the formula says $bound\" }")"
done <<-END
	1 1000 3609.375
	2 100 360.9375
	3 10 36.09375
END

done_testing
