#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's own NAT as an oracle. Two labs alike to the MAC addresses, tandem in one, nftables dnat to the
# same single backend in the other; the same frames go into both, and what comes out has to be the same,
# byte for byte. Times and ids are the scripts' own, so nothing is left out of the comparison.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

TWIN=${LAB_PREFIX}k-
export TWIN
down_twin() { # before the rest is cleaned up, whatever the exit status was
	local status=$?
	LAB_PREFIX=$TWIN lab down
	return $status
}
trap 'down_twin; cleanup' EXIT

lab_up
LAB_PREFIX=$TWIN lab up single || bail "the twin did not come up"
LAB_PREFIX=$TWIN in_ns lb nft -f - <<'END' || skip_all "this kernel's nftables has no NAT"
table inet oracle {
	chain in {
		type nat hook prerouting priority dstnat;
		ip daddr 10.0.1.100 tcp dport 70 dnat ip to 10.0.2.11:7
		ip daddr 10.0.1.100 udp dport 70 dnat ip to 10.0.2.11:7
		ip daddr 10.0.1.100 tcp dport 7 dnat ip to 10.0.2.11
		ip daddr 10.0.1.100 udp dport 7 dnat ip to 10.0.2.11
		ip6 daddr fd00:1::100 tcp dport 70 dnat ip6 to [fd00:2::11]:7
		ip6 daddr fd00:1::100 udp dport 70 dnat ip6 to [fd00:2::11]:7
		ip6 daddr fd00:1::100 tcp dport 7 dnat ip6 to fd00:2::11
		ip6 daddr fd00:1::100 udp dport 7 dnat ip6 to fd00:2::11
	}
}
END
# The scripts' sequence numbers are not those of real stacks.
LAB_PREFIX=$TWIN in_ns lb sh -c 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'
conf_new
for family in 4 6; do
	pool "p$family" $family 7 '' b1
	for port in 7 70; do
		service "tcp$port-$family" $family $port tcp "p$family"
		service "udp$port-$family" $family $port udp "p$family"
	done
done
start_ready "$(conf)"

wire oracle 300 <<'PY'
from wire import *
import random
from scapy.layers.inet import IPOption
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN

random.seed(37)


class Lab:
    def __init__(self, prefix):
        self.client, self.backend = Node("c1", prefix), Node("b1", prefix)
        self.client.mute(), self.backend.mute()
        self.taps = {"client": self.client.tap(), "backend": self.backend.tap()}

    def pass_on(self, side, packet):
        """The frame that comes out at the other end for one that goes in at side; None when none does."""
        out = self.taps["backend" if side == "client" else "client"]
        source = self.taps[side]
        out.drain()
        source.send(source.frame(packet, MAC_FRONT1 if side == "client" else MAC_BACK))
        return out.raw(lambda f: b"mark" in f or f[12:14] in (b"\x08\x00", b"\x86\xdd") and not neighbour(f))


def neighbour(frame):
    """ND and MLD, which the kernels speak among themselves"""
    return frame[0] & 1 or frame[12:14] == b"\x86\xdd" and frame[20] == 58 and 133 <= frame[54] <= 137


ours, kernel = Lab(PREFIX), Lab(os.environ["TWIN"])
SEEN = {"same": 0}


def show(frame):
    return Ether(frame).show(dump=True).splitlines() if frame else ["nothing"]


def compare(name, side, packet):
    """True when both labs make the same of it."""
    got, want = ours.pass_on(side, packet), kernel.pass_on(side, packet)
    if got == want and got is not None:
        SEEN["same"] += 1
        return True
    a, b = show(got), show(want)
    print("    %s, from the %s:\ntandem %s\nkernel %s" % (name, side, got and got.hex(), want and want.hex()))
    print("\n".join(["tandem " + x for x in a if x not in b] + ["kernel " + x for x in b if x not in a]))
    return False


class Talk:
    """One conversation: packets of both sides by what varies in them."""

    def __init__(self, family, protocol, port, sport):
        self.family, self.protocol, self.port, self.sport = family, protocol, port, sport
        self.bad = 0

    def header(self, side, more):
        src, dst = (CLIENT, SERVICE) if side == "client" else (BACKEND[1], CLIENT)
        return ip(self.family, src[self.family], dst[self.family], **more)

    def ports(self, side):
        return dict(sport=self.sport, dport=self.port) if side == "client" else dict(sport=7,
                dport=self.sport)

    def udp(self, side, name, payload=b"mark", ext=None, chksum=None, **more):
        head = self.header(side, more)
        self.bad += not compare(name, side, (head / ext if ext else head) /
                                UDP(chksum=chksum, **self.ports(side)) / payload)

    def tcp(self, side, name, bits, seq, ack=0, payload=b"", options=(), **more):
        body = TCP(flags=bits, seq=seq, ack=ack, window=20000, options=list(options), **self.ports(side))
        self.bad += not compare(name, side, self.header(side, more) / body / payload)


def tcp_talk(family, port, sport, end):
    t = Talk(family, "tcp", port, sport)
    stamp = [("Timestamp", (1000, 0)), ("NOP", None), ("NOP", None)]
    hops = {"ttl": 40} if family == 4 else {"hlim": 40}
    mood = {"tos": 0x2b, "id": 7777, "flags": "DF"} if family == 4 else {"tc": 0x2b, "fl": 0x54321}
    t.tcp("client", "SYN", "S", 100, options=[("MSS", 1460), ("SAckOK", b""), ("WScale", 7)] + stamp)
    t.tcp("client", "SYN again", "S", 100, options=[("MSS", 1460), ("SAckOK", b""), ("WScale", 7)] + stamp)
    t.tcp("backend", "SYN+ACK", "SA", 900, 101, options=[("MSS", 1400), ("SAckOK", b""), ("WScale", 5)] +
            stamp, **mood)
    t.tcp("client", "ACK", "A", 101, 901, options=stamp, **mood)
    t.tcp("client", "data", "PA", 101, 901, b"mark" * 100, stamp, **hops)
    t.tcp("backend", "an odd length", "A", 901, 501, b"mark!", stamp)
    t.tcp("backend", "SACK", "A", 906, 501, b"", [("NOP", None), ("NOP", None), ("SAck", (700, 800))])
    t.tcp("client", "a segment as large as they come", "PAE", 501, 906, bytes(1400), stamp)
    t.tcp("backend", "urgent", "PAUE", 906, 1901, b"\0\0mark")
    if end == "the client's FIN":
        t.tcp("client", "FIN", "FA", 1901, 912)
        t.tcp("backend", "ACK of the FIN", "A", 912, 1902)
        t.tcp("backend", "data after the FIN", "PA", 912, 1902, b"mark")
        t.tcp("client", "its ACK", "A", 1902, 916)
        t.tcp("backend", "FIN", "FA", 916, 1902)
        t.tcp("client", "the last ACK", "A", 1902, 917)
    elif end == "the backend's FIN":
        t.tcp("backend", "FIN", "FPA", 912, 1901, b"mark")
        t.tcp("client", "FIN", "FA", 1901, 917)
        t.tcp("backend", "the last ACK", "A", 917, 1902)
    else:
        client = end == "the client's RST"
        t.tcp("client" if client else "backend", "RST", "RA" if client else "R", 1901 if client else 912, 912)
    check("v%d TCP port %d, ended by %s: as the kernel's NAT does it" % (family, port, end), not t.bad, t.bad)


def udp_talk(family, port, sport):
    t = Talk(family, "udp", port, sport)
    for side in ("client", "backend", "client"):
        t.udp(side, "UDP")
        t.udp(side, "without payload", b"")
        t.udp(side, "one byte", b"m")
        t.udp(side, "large", os.urandom(1400))
        for _ in range(8):
            t.udp(side, "of a random length", b"mark" + random.randbytes(random.randrange(200)))
        if family == 4:
            t.udp(side, "without checksum", chksum=0)
            t.udp(side, "id, DF, TOS, TTL", id=4242, flags="DF", tos=0xb8, ttl=2)
            t.udp(side, "IPv4 options", options=[IPOption(b"\x94\x04\0\0"), IPOption(b"\x01"),
                    IPOption(b"\x01")])
        else:
            t.udp(side, "flow label, class, hop limit", fl=0xfffff, tc=0xff, hlim=2)
            t.udp(side, "destination options", ext=IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)]))
    check("v%d UDP port %d: as the kernel's NAT does it" % (family, port), not t.bad, t.bad)


def error(family, kind, src, dst, quoted):
    """An ICMP error's packet, its checksum right."""
    packet = ip(family, src, dst)
    if family == 4:
        packet.proto = 1
        start = b""
    else:
        packet.nh = 58
        start = socket.inet_pton(AF[6], src) + socket.inet_pton(AF[6], dst) + struct.pack("!II", 8 +
                len(quoted), 58)
    head = struct.pack("!BBHI", kind[0], kind[1], 0, kind[2])
    head = struct.pack("!BBHI", kind[0], kind[1], 0xffff - inet_sum(start + head + quoted), kind[2])
    return packet / (head + quoted)


KINDS = {4: (("port unreachable", (3, 3, 0)), ("host unreachable", (3, 1, 0)),
        ("fragmentation needed", (3, 4, 1280)),
             ("prohibited", (3, 13, 0)), ("time exceeded", (11, 0, 0)), ("parameter problem",
                     (12, 0, 0x14000000))),
         6: (("port unreachable", (1, 4, 0)), ("no route", (1, 0, 0)), ("too big", (2, 0, 1280)),
             ("time exceeded", (3, 0, 0)), ("parameter problem", (4, 1, 40)))}
ROUTER = {"client": {4: "10.0.1.77", 6: "fd00:1::77"}, "backend": {4: "10.0.2.77", 6: "fd00:2::77"}}


def errors(family, protocol, port, sport):
    """Errors about a conversation, from its ends and from routers, quoting more or less of the packet."""
    t = Talk(family, protocol, port, sport)
    if protocol == "udp":
        t.udp("client", "UDP"), t.udp("backend", "UDP")
    else:
        t.tcp("client", "SYN", "S", 100), t.tcp("backend", "SYN+ACK", "SA", 900, 101), t.tcp("client", "ACK",
                "A", 101, 901)
    bad = t.bad
    whole = UDP if protocol == "udp" else lambda **p: TCP(flags="A", seq=101, ack=901, **p)
    for side in ("backend", "client"):
        # what that side got: translated
        ends = (CLIENT, BACKEND[1], sport, 7) if side == "backend" else (SERVICE, CLIENT, port, sport)
        got = bytes(ip(family, ends[0][family], ends[1][family]) / whole(sport=ends[2], dport=ends[3]) /
                (b"mark" * 10))
        target = CLIENT if side == "backend" else SERVICE
        head = 20 if family == 4 else 40
        for source in ((BACKEND[1] if side == "backend" else CLIENT)[family], ROUTER[side][family]):
            for name, kind in KINDS[family]:
                for length in (head + 8, head + 20, len(got)):
                    bad += not compare("%s about %s, %d bytes quoted, from %s" % (name, protocol, length,
                            source), side,
                                       error(family, kind, source, target[family], got[:length]))
        if family == 4 and protocol == "udp":
            without = got[:26] + b"\0\0" + got[28:]
            bad += not compare("about a datagram without checksum", side, error(4, (3, 3, 0), ROUTER[side][4],
                    target[4], without))
    check("v%d: ICMP errors about %s, port %d: as the kernel's NAT does it" % (family, protocol, port),
            not bad, bad)


def body():
    port_of = iter(range(20000, 30000))
    for family in (4, 6):
        for port in (70, 7):
            for end in ("FIN", "RST"):
                for side in ("client", "backend"):
                    tcp_talk(family, port, next(port_of), "the %s's %s" % (side, end))
            udp_talk(family, port, next(port_of))
            for protocol in ("udp", "tcp"):
                errors(family, protocol, port, next(port_of))
    check("hundreds of packets were compared", SEEN["same"] > 500, SEEN)


main(body)
PY
done_testing
