#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checksums and headers: UDP without a checksum, sums that come out as zero, IPv4 options and IPv6 extension
# headers, checksum offload on and off at every place, bulk data in large (GSO) packets. Ports kept (service
# and backend on 7) and changed (70 to 7).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

lab_up
conf_new
for family in 4 6; do
	pool "p$family" $family 7 "" b1
	for protocol in tcp udp; do
		service "changed-$protocol$family" $family 70 $protocol "p$family"
		service "kept-$protocol$family" $family 7 $protocol "p$family"
	done
done
start_ready "$(conf)"

wire headers 40 <<'PY'
from wire import *
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN

c1, b1 = Node("c1"), Node("b1")
c1.mute(), b1.mute()
client, backend = c1.tap(), b1.tap()


def there(packet, mark=b"mark", seconds=2):
    """From the client to the backend."""
    client.send(client.frame(packet, MAC_FRONT1))
    return backend.raw(lambda f: mark in f, seconds)


def back(packet, mark=b"mark", seconds=2):
    backend.send(backend.frame(packet, MAC_BACK))
    return client.raw(lambda f: mark in f, seconds)


def sum_to(packet, family, want):
    """The packet with two bytes at its end such that its UDP checksum is want."""
    base = packet / b"\0\0"
    raw = bytes(base)
    field = 20 + 6 if family == 4 else 40 + 6
    now = struct.unpack("!H", raw[field:field + 2])[0]
    # ~sum = now; add x to the sum: ~(sum + x) = want
    x = inet_sum(struct.pack("!HH", 0xffff - want, now))
    return packet / struct.pack("!H", x)


def udp_field(frame, family):
    at = 14 + (20 if family == 4 else 40) + 6
    return struct.unpack("!H", frame[at:at + 2])[0]


def zero(port):
    frame = there(ip(4, CLIENT[4], SERVICE[4]) / UDP(sport=4000 + 10 * port, dport=port, chksum=0) / b"mark")
    check("port %d: a UDP datagram without checksum stays without, to the backend" % port,
          frame and udp_field(frame, 4) == 0, frame)
    frame = back(ip(4, BACKEND[1][4], CLIENT[4]) / UDP(sport=7, dport=4000 + 10 * port, chksum=0) / b"mark")
    check("port %d: ... and to the client" % port, frame and udp_field(frame, 4) == 0, frame)


def all_ones(family, port):
    """Payloads for which the sum over the translated packet is zero: 0xffff has to stand there (RFC 768)."""
    want = ip(family, CLIENT[family], BACKEND[1][family], **({"ttl": 63} if family == 4 else {"hlim": 63}))
    translated = sum_to(want / UDP(sport=4001 + 10 * port, dport=7) / b"mark", family, 0)
    payload = bytes(translated)[(20 if family == 4 else 40) + 8:]
    packet = ip(family, CLIENT[family], SERVICE[family]) / UDP(sport=4001 + 10 * port, dport=port) / payload
    frame = there(packet)
    check("v%d port %d: a checksum that comes out as 0 is written as 0xffff" % (family, port),
          frame and udp_field(frame, family) == 0xffff and sound(frame), frame)
    replied = sum_to(ip(family, SERVICE[family], CLIENT[family]) / UDP(sport=port, dport=4001 + 10 * port) /
            b"mark", family, 0)
    payload = bytes(replied)[(20 if family == 4 else 40) + 8:]
    frame = back(ip(family, BACKEND[1][family], CLIENT[family]) / UDP(sport=7, dport=4001 + 10 * port) /
            payload)
    check("... in a reply too", frame and udp_field(frame, family) == 0xffff and sound(frame), frame)


def wrong_stays_wrong(family):
    frame = there(ip(family, CLIENT[family], SERVICE[family]) / UDP(sport=4002, dport=70, chksum=0x1234) /
            b"mark")
    check("v%d: a wrong checksum is not made right" % family, frame and not sound(frame), frame)


OPTIONS = bytes([148, 4, 0, 0, 1, 1, 68, 8, 5, 0, 0, 0, 0, 0, 0,
        0])  # router alert, no-ops, an empty timestamp


def options(protocol, port):
    head = dict(proto=6 if protocol == "tcp" else 17, ihl=9, id=77, tos=0x28, flags="DF")
    ports = dict(sport=4003 + 10 * port, dport=port)
    body = TCP(flags="S", seq=1, options=[("MSS", 1400), ("Timestamp", (1, 0)), ("WScale", 7)],
            **ports) / b"mark" \
        if protocol == "tcp" else UDP(**ports) / b"mark"

    def packet(src, dst, ttl, body):
        # scapy computes the L4 sum over a packet without options, then they are put in between
        plain = bytes(IP(src=src, dst=dst) / body)[20:]
        raw = bytes(IP(src=src, dst=dst, ttl=ttl, len=36 + len(plain), chksum=0, **head))[:20] + OPTIONS
        fixed = raw[:10] + struct.pack("!H", 0xffff - inet_sum(raw)) + raw[12:]
        return fixed + plain

    client.send(Ether(src=client.mac, dst=MAC_FRONT1, type=0x800) / packet(CLIENT[4], SERVICE[4], 64, body))
    frame = backend.raw(lambda f: b"mark" in f)
    body.dport = 7
    del body.chksum
    equal("%s port %d: IPv4 options, TOS, id and TCP options survive" % (protocol, port),
          frame and frame[14:].hex(), packet(CLIENT[4], BACKEND[1][4], 63, body).hex())


def extensions(port):
    for name, ext in (("hop-by-hop", IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])),
                      ("destination", IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]))):
        frame = there(IPv6(src=CLIENT[6], dst=SERVICE[6], fl=0x12345, tc=0x28) / ext /
                UDP(sport=4004 + 10 * port, dport=port) /
                      b"mark")
        want = IPv6(src=CLIENT[6], dst=BACKEND[1][6], fl=0x12345, tc=0x28, hlim=63) / ext / UDP(sport=4004 +
                10 * port, dport=7) / \
            b"mark"
        equal("port %d: an IPv6 %s header survives" % (port, name), frame and frame[14:].hex(),
                bytes(want).hex())


def padded():
    """Ethernet's padding behind a short datagram is no part of it."""
    for family in (4, 6):
        packet = ip(family, CLIENT[family], SERVICE[family]) / UDP(sport=4005, dport=70) / b"mark"
        frame = there(bytes(packet) + b"\xaa" * 12)
        check("v%d: padding behind the packet harms no checksum" % family, frame and sound(frame), frame)


def body():
    for port in (7, 70):
        zero(port)
        for family in (4, 6):
            all_ones(family, port)
        for protocol in ("udp", "tcp"):
            options(protocol, port)
        extensions(port)
    for family in (4, 6):
        wrong_stays_wrong(family)
    padded()
    for n in (c1, b1):
        n.speak()


main(body)
PY

bulk() { # NAME MEGABYTES: TCP both ways at once, v4 and v6, ports kept and changed; and datagrams
	wire "$1" 60 <<PY
NAME, MEGABYTES = "${1//_/ }", $2
$(cat "$TMP/bulk.py.in")
PY
}
cat > "$TMP/bulk.py.in" <<'PY'
from wire import *
import hashlib, threading

c1, b1 = Node("c1"), Node("b1")
# Odd lengths on purpose: segments end anywhere.
BLOCK = os.urandom((1 << 20) + 13)


def source(s, count, out):
    h = hashlib.sha256()
    for _ in range(count):
        s.sendall(BLOCK)
        h.update(BLOCK)
    s.shutdown(socket.SHUT_WR)
    out.append(h.hexdigest())


def sink(s, out):
    h = hashlib.sha256()
    while True:
        data = s.recv(1 << 18)
        if not data:
            break
        h.update(data)
    out.append(h.hexdigest())


def stream(family, port):
    listener = b1.listen(family, 7)
    c = c1.tcp(family)
    c.connect((SERVICE[family], port))
    s, peer = listener.accept()
    outs = [[], [], [], []]
    jobs = [threading.Thread(target=f, args=a) for f, a in (
        (source, (c, MEGABYTES, outs[0])), (sink, (s, outs[1])), (source, (s, MEGABYTES, outs[2])), (sink,
                (c, outs[3])))]
    c.settimeout(20), s.settimeout(20)
    for j in jobs:
        j.start()
    for j in jobs:
        j.join(30)
    check("%s v%d port %d: %d MiB up and down, byte for byte" % (NAME, family, port, MEGABYTES),
          outs[0] == outs[1] and outs[2] == outs[3] and len(outs[0]) == 1 and len(outs[2]) == 1, outs)
    check("... the backend sees the client's address", peer[0] == CLIENT[family], peer)
    for x in (c, s, listener):
        x.close()


def datagrams(family, port):
    s = b1.udp(family, "", 7)
    c = c1.udp(family, peer=(SERVICE[family], port))
    good = 0
    for size in (0, 1, 2, 3, 31, 512, 1001, 1400):
        payload = os.urandom(size)
        c.send(payload)
        data, peer = s.recvfrom(2000)
        s.sendto(data[::-1], peer)
        good += c.recv(2000) == payload[::-1]
    check("%s v%d port %d: datagrams of all lengths there and back" % (NAME, family, port), good == 8, good)
    # One send, many datagrams: the kernel hands them on as one packet as far as it can.
    c.setsockopt(socket.IPPROTO_UDP, 103, 1000)  # UDP_SEGMENT
    payload = os.urandom(20500)
    c.send(payload)
    got = [s.recv(2000) for _ in range(21)]
    check("%s v%d port %d: a train of datagrams from one send" % (NAME, family, port),
            b"".join(got) == payload and
          {len(g) for g in got[:-1]} == {1000}, [len(g) for g in got])
    s.close(), c.close()


def body():
    for family in (4, 6):
        for port in (7, 70):
            stream(family, port)
            datagrams(family, port)


main(body)
PY

offload() { # on|off NODE DEVICE
	in_ns "$2" ethtool -K "$3" tx "$1" tso "$1" gso "$1" gro "$1" > /dev/null 2>&1
}
bulk offload_on 100
for end in "c1 eth0" "b1 eth0" "lb front1" "lb back"; do offload off $end; done
bulk offload_off 20
offload on c1 eth0
offload on lb front1
bulk offload_at_the_client_only 20
offload off c1 eth0
offload on b1 eth0
bulk offload_at_the_backend_only 20

is "the kernel never refused to change a packet" "$(counter rewrite)" 0
done_testing
