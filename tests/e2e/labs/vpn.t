#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A private network over a public one: IPsec (ESP), whose keys both ends were given. What the wire shows, what a wrong key
# is good for, and what becomes of packets that come without one.
. "$(dirname "$0")/claim.sh"
. "$(dirname "$0")/reach.sh"
. "$(dirname "$0")/feed.sh"
needs esp
lab_up bridge
D=keepalived-nat

KEY=0x000102030405060708090a0b0c0d0e0f
AUTH=0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20
A=10.0.1.11 Z=10.0.1.12
state() { # NODE FROM TO SPI KEY
	in_ns "$1" ip xfrm state add src "$2" dst "$3" proto esp spi "$4" mode transport auth "hmac(sha256)" $AUTH enc "cbc(aes)" "$5" || bail "no state"
}
policy() { # NODE FROM TO in|out
	in_ns "$1" ip xfrm policy add src "$2" dst "$3" dir "$4" tmpl src 0.0.0.0 dst 0.0.0.0 proto esp mode transport || bail "no policy"
}
in_error() { in_ns b cat /proc/net/xfrm_stat | awk -v n="$1" '$1 == n { print $2 }'; }
ping_a() { in_ns a ping -n -q -c 1 -W 2 -p 736563726574 $Z > "$TMP/ping" 2>&1; }
wire() { # what goes by the switch meanwhile, in hex
	spawn wire sw timeout 60 tcpdump -Z root -n -l -x --immediate-mode -i toa src $A and dst $Z and not arp
	wait_log wire 15 'listening on' || bail "no capture"
	ping_a
	wait_for 10 log_has wire 0x0010
	stop wire INT
	tail -c "+$((LOG_FROM[wire] + 1))" "$(log_of wire)"
}
readable() { sed -n 's/^\t0x[0-9a-f]*: *//p' | tr -d ' \n' | grep -c 736563726574; }

pings a $Z
plain=$(wire | readable)
for n in a b; do state $n $A $Z 0x101 $KEY; state $n $Z $A 0x102 $KEY; done
policy a $A $Z out
policy a $Z $A in
policy b $Z $A out
policy b $A $Z in
wait_for 5 ping_a
out=$(wire)
claim_is $D "a VPN: what was readable on the wire is not any more, and arrives all the same" "before: $plain packet readable; now: $(readable <<< "$out"), $(ping_a && echo answered)" "before: 1 packet readable; now: 0, answered"
claim_like $D "... outside there is ESP, with a number for its key and one for the packet" "$(grep -m 1 -oE 'ESP\(spi=0x[0-9a-f]+,seq=0x[0-9a-f]+\)' <<< "$out")" 'ESP\(spi=0x0*101,seq=0x[0-9a-f]+\)'
in_ns b ip xfrm policy add src 10.0.1.13 dst $Z dir in tmpl src 0.0.0.0 dst 0.0.0.0 proto esp mode transport
before=$(in_error XfrmInTmplMismatch)
claim_is $D "the far end permits or denies: a station without a key is not heard" "c $(no_ping c $Z && echo "no answer"), XfrmInTmplMismatch +$(($(in_error XfrmInTmplMismatch) - before))" "c no answer, XfrmInTmplMismatch +1"
in_ns a ip xfrm state flush
in_ns a ip xfrm state add src $A dst $Z proto esp spi 0x101 mode transport auth "hmac(sha256)" ${AUTH/0x01/0xff} enc "cbc(aes)" $KEY || bail "no state"
before=$(in_error XfrmInStateProtoError)
ping_a && heard=answered || heard="no answer"
claim_is $D "... nor one with a wrong key: its packets are dropped and counted" "$heard, XfrmInStateProtoError +$(($(in_error XfrmInStateProtoError) - before))" "no answer, XfrmInStateProtoError +1"

done_testing
