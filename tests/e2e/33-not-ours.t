#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is not a service's goes through lb as through any router: byte-identical but for MACs, TTL and the
# header checksum that covers it. And what is for lb itself reaches lb.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

lab_up
conf_new
for family in 4 6; do
	pool "p$family" $family 7 '' b1
	service "udp$family" $family 70 udp "p$family"
	service "tcp$family" $family 70 tcp "p$family"
done
start_ready "$(conf)"

wire notours 60 <<'PY'
from wire import *
from scapy.layers.inet import IPOption
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6DestUnreach, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import ARP, GRE, Dot1Q

c1, c2, b1, b2, lb = (Node(n) for n in ("c1", "c2", "b1", "b2", "lb"))
client, backend, second = c1.tap(), b1.tap(), c2.tap()


def routed(packet):
    """What a router makes of the bytes of an IP packet."""
    data = bytearray(packet)
    if data[0] >> 4 == 4:
        head = (data[0] & 15) * 4
        data[8] -= 1
        data[10:12] = b"\0\0"
        data[10:12] = struct.pack("!H", 0xffff - inet_sum(bytes(data[:head])))
    else:
        data[7] -= 1
    return bytes(data)


def packets(family, src, dst):
    """name, packet; each has the mark in it"""
    def made(**more):
        return ip(family, src, dst, **more)
    mark = b"mark of a packet"
    yield "UDP", made() / UDP(sport=70, dport=71) / mark
    yield "UDP to the service's port at another address", made() / UDP(sport=4000, dport=70) / mark
    yield "UDP without checksum", made() / UDP(sport=70, dport=71, chksum=0) / mark
    yield "UDP with a wrong checksum", made() / UDP(sport=70, dport=71, chksum=1) / mark
    yield "UDP with a length that lies", made() / UDP(sport=70, dport=71, len=4000) / mark
    yield "a SYN", made() / TCP(sport=4000, dport=70, flags="S", options=[("MSS", 1000)]) / mark
    yield "a lone ACK with odd flags", made() / TCP(sport=4000, dport=70, flags="ACEUP", urgptr=5) / mark
    yield "a RST", made() / TCP(sport=4000, dport=70, flags="R") / mark
    yield "GRE", made() / GRE(proto=0x800) / IP(src="192.0.2.1", dst="10.0.1.100") / UDP(sport=1,
            dport=70) / mark
    plain = made()
    for number, name in ((50, "ESP"), (132, "SCTP"), (112, "VRRP"), (4, "IP in IP"), (136, "UDP-Lite"),
            (253, "253")):
        p = plain.copy()
        if family == 4:
            p.proto = number
        else:
            p.nh = number
        body = (bytes(IP(src=src, dst=SERVICE[4]) / UDP(dport=70)) if number == 4
                and family == 4 else bytes(range(24)))
        yield "protocol " + name, p / (body + mark)
    if family == 4:
        yield "an echo request", made() / ICMP(id=7) / mark
        yield "an ICMP error about nobody's packet", made() / ICMP(type=3, code=3) / \
            IP(src=dst, dst="192.0.2.9") / UDP(sport=7, dport=70) / mark
        yield "IPv4 options", made(options=[IPOption(b"\x94\x04\0\0")], proto=253) / mark
        yield "a TOS and an id", made(tos=0xb9, id=54321, flags="DF") / UDP(sport=1, dport=2) / mark
        yield "a datagram shorter than UDP's header", made(proto=17) / b"mark"
    else:
        yield "an echo request", made() / ICMPv6EchoRequest(id=7, data=mark)
        yield "an ICMPv6 error about nobody's packet", made() / ICMPv6DestUnreach(code=4) / \
            IPv6(src=dst, dst="2001:db8::9") / UDP(sport=7, dport=70) / mark
        yield "a hop-by-hop header", made() / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / \
            UDP(sport=1, dport=70) / mark
        yield "destination options", made() / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)]) / \
            TCP(sport=1, dport=70, flags="S") / mark
        yield "a routing header", made() / IPv6ExtHdrRouting(type=4, segleft=0, addresses=[SERVICE[6]]) / \
            UDP(sport=1, dport=70) / mark
        yield "flow label and traffic class", made(fl=0xabcde, tc=0xb9) / UDP(sport=1, dport=2) / mark
        yield "a datagram shorter than UDP's header", made(nh=17) / b"mark"


def ways(family):
    """from tap, to tap, lb's MAC there, the ends, the MACs the frame leaves with"""
    yield "client to backend", client, backend, MAC_FRONT1, CLIENT, BACKEND[1], (backend.mac, MAC_BACK)
    yield "backend to client", backend, client, MAC_BACK, BACKEND[1], CLIENT, (client.mac, MAC_FRONT1)
    yield "client to client", client, second, MAC_FRONT1, CLIENT, CLIENT2, (second.mac, MAC_FRONT2)


def through(family):
    for way, source, target, mac, src, dst, macs in ways(family):
        changed, lost = [], []
        for name, packet in packets(family, src[family], dst[family]):
            data = bytes(packet)
            source.send(source.frame(data, mac))
            frame = target.raw(lambda f: b"mark" in f, 1)
            head = bytes.fromhex((macs[0] + macs[1]).replace(":", ""))
            if not frame:
                lost.append(name)
            elif frame[14:] != routed(data) or frame[:12] != head:
                changed.append("%s\n  sent %s\n  left %s" % (name, data.hex(), frame.hex()))
        check("v%d, %s: everything arrives" % (family, way), not lost, lost)
        check("v%d, %s: nothing was changed" % (family, way), not changed, "\n".join(changed))


def for_lb(family):
    """Packets to lb's own addresses."""
    own = lb.udp(family, LB_FRONT[family], 70)
    service = lb.udp(family, SERVICE[family], 71)
    c = c1.udp(family)
    for name, sock, where in (("lb's own address and the service's port", own, (LB_FRONT[family], 70)),
                              ("the service's address and another port", service, (SERVICE[family], 71))):
        c.sendto(b"hello", where)
        data, peer = sock.recvfrom(100)
        sock.sendto(data[::-1], peer)
        data, peer = c.recvfrom(100)
        check("v%d: %s is lb's stack" % (family, name), data == b"olleh" and peer[:2] == where, (data, peer))
    group = "224.0.0.251" if family == 4 else "ff02::fb"
    sock = lb.udp(family, "", 70)
    with lb.inside():
        index = socket.if_nametoindex("front1")
    if family == 4:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) +
                socket.inet_aton("10.0.1.1"))
        client.send(Ether(src=client.mac, dst="01:00:5e:00:00:fb") / IP(src=CLIENT[4], dst=group, ttl=1) /
                    UDP(sport=70, dport=70) / b"to all")
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, 20, socket.inet_pton(AF[6], group) + struct.pack("@I", index))
        client.send(Ether(src=client.mac, dst="33:33:00:00:00:fb") / IPv6(src=CLIENT[6], dst=group, hlim=1) /
                    UDP(sport=70, dport=70) / b"to all")
    check("v%d: multicast to the service's port reaches lb's stack" % family, sock.recv(100) == b"to all")
    for s in (own, service, sock, c):
        s.close()
    try:
        c1.tcp(family).connect((SERVICE[family], 71))
        refused = False
    except ConnectionRefusedError:
        refused = True
    check("v%d: a TCP port without service is refused by lb's stack" % family, refused)
    try:
        c1.run("ping -%d -q -n -c 3 -i 0.01 -W 2 %s" % (family, SERVICE[family]))
        c1.run("ping -%d -q -n -c 2 -i 0.01 -W 2 -s 4000 %s" % (family, SERVICE[family]))
        answered = True
    except RuntimeError as e:
        answered = e
    check("v%d: lb answers pings to the service's address, large ones too" % family, answered is True,
            answered)


def neighbours():
    c1.run("ip neigh flush dev eth0")
    for family in (4, 6):
        c1.run("ping -%d -q -n -c 1 -W 2 %s" % (family, SERVICE[family]))
        got = c1.run("ip neigh show %s" % SERVICE[family])
        check("v%d: %s for the service's address is answered by the stack" % (family, "ARP"
                if family == 4 else "ND"),
              MAC_FRONT1 in got, got)
    client.send(Ether(src=client.mac, dst="ff:ff:ff:ff:ff:ff") /
                ARP(op=1, hwsrc=client.mac, psrc=CLIENT[4], pdst=SERVICE[4]))
    answer = client.next(lambda p: ARP in p and p[ARP].op == 2 and p[ARP].psrc == SERVICE[4])
    check("an ARP reply carries lb's MAC", answer and answer[ARP].hwsrc == MAC_FRONT1, answer)


def not_for_us():
    """Frames with a tag, and frames for another host: nothing may come of them."""
    before = counters()
    for family in (4, 6):
        packet = ip(family, CLIENT[family], SERVICE[family]) / UDP(sport=4100, dport=70) / b"mark tagged"
        client.send(Ether(src=client.mac, dst=MAC_FRONT1) / Dot1Q(vlan=5) / packet,
                    Ether(src=client.mac, dst=MAC_FRONT1, type=0x88a8) / Dot1Q(vlan=5) / packet,
                    Ether(src=client.mac, dst="02:00:00:00:ff:ff") / packet)
    client.send(client.frame(ip(4, CLIENT[4], BACKEND[1][4]) / UDP(sport=1, dport=2) / b"mark last",
            MAC_FRONT1))
    first = backend.raw(lambda f: b"mark" in f)
    check("tagged frames and frames for another host are left alone", first and b"mark last" in first, first)
    after = counters()
    check("... no flow was made", before["flow_new"] == after["flow_new"]
            and before["forwarded"] == after["forwarded"])


def tagged():
    """With a VLAN device on top of the interface a tagged frame is that device's."""
    try:
        lb.run("ip link add v5 link front1 type vlan id 5")
    except RuntimeError:
        print("ok a tagged frame reaches the VLAN device # SKIP this kernel has no VLAN devices")
        return
    lb.run("ip link set v5 up")
    sock = lb.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind(("v5", ETH_P_ALL))
    packet = ip(4, CLIENT[4], SERVICE[4]) / UDP(sport=4100, dport=70) / b"mark tagged"
    client.send(Ether(src=client.mac, dst=MAC_FRONT1) / Dot1Q(vlan=5) / packet)
    ready, _, _ = select.select([sock], [], [], 2)
    check("a tagged frame reaches the VLAN device as it was", bool(ready)
            and sock.recv(2000)[14:] == bytes(packet))
    lb.run("ip link del v5")


def body():
    for n in (c1, c2, b1):
        n.mute()
    for family in (4, 6):
        through(family)
    for n in (c1, c2, b1):
        n.speak()
    for family in (4, 6):
        for_lb(family)
    neighbours()
    not_for_us()
    tagged()
    now = counters()
    check("nothing of all this was a service's", now["forwarded"] == 0 and now["flow_new"] == 0
            and now["passed"] > 100, now)


main(body)
PY

is "no flow was made" "$(of_status .flows.ipv4) $(of_status .flows.ipv6)" "0 0"
done_testing
