#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ICMP and ICMPv6 errors through the balancer, both ways: path MTU with the narrow place at lb's own links
# and behind a router on either side, port unreachable, time exceeded, and errors that quote eight bytes.
# Nobody may see an address or port that is not of their own conversation.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

lab_up
behind c2 c9 13 # c9 - c2 - lb - b3 - b9
behind b3 b9 12

conf_new
for family in 4 6; do
	pool "near$family" $family 7 "" b1
	far=10.0.12.11; [ $family = 4 ] || far=fd00:12::11
	POOLS+=("{ name = \"far$family\"; backends = ( { name = \"b9\"; address = \"$far\"; port = 7; } ); }")
	for protocol in tcp udp; do
		service "near-$protocol$family" $family 70 $protocol "near$family"
		service "same-$protocol$family" $family 7 $protocol "near$family"
		service "far-$protocol$family" $family 71 $protocol "far$family"
	done
done
start_ready "$(conf)"

wire pmtu 60 <<'PY'
from wire import *
import hashlib, threading

c1, c9, c2, lb, b1, b3, b9 = (Node(n) for n in ("c1", "c9", "c2", "lb", "b1", "b3", "b9"))
CLIENT9 = {4: "10.0.13.11", 6: "fd00:13::11"}
BULK = os.urandom(1 << 20) * 4
IP_MTU, IPV6_MTU = 14, 24


def bulk(name, client, family, port, server, up, sport=7):
    """4 MiB one way, whole and in time."""
    listener = server.listen(family, sport)
    got = []

    def sink(s):
        h = hashlib.sha256()
        while True:
            data = s.recv(1 << 16)
            if not data:
                break
            h.update(data)
        got.append(h.hexdigest())

    s = client.tcp(family)
    s.settimeout(8)
    try:
        s.connect((SERVICE[family], port))
        peer, _ = listener.accept()
        peer.settimeout(8)
        source, target = (s, peer) if up else (peer, s)
        reader = threading.Thread(target=lambda: sink(target))
        reader.start()
        source.sendall(BULK)
        source.shutdown(socket.SHUT_WR)
        reader.join(10)
        mtu = source.getsockopt(*((socket.IPPROTO_IP, IP_MTU) if family == 4 else (socket.IPPROTO_IPV6,
                IPV6_MTU)))
        check(name, got == [hashlib.sha256(BULK).hexdigest()], "arrived: %s" % got)
        check("... the sender knows the path MTU", mtu == 1400, mtu)
        peer.close()
    except OSError as e:
        check(name, False, e)
    finally:
        s.close()
        listener.close()


def datagram(name, sender, size=1440):
    """A large datagram that may not be fragmented: the second or a later send says EMSGSIZE."""
    level, option = ((socket.IPPROTO_IP, 10) if sender.family == socket.AF_INET else (socket.IPPROTO_IPV6,
            23))
    sender.setsockopt(level, option, 2)  # IP_MTU_DISCOVER: IP_PMTUDISC_DO

    def refused():
        try:
            sender.send(b"x" * size)
        except OSError as e:
            return e.errno == 90
        return False
    check(name, until(2, refused))


def large(name, sender, receiver):
    """A datagram that its sender's kernel fragments: the fragments are too big at first, then they fit."""
    sender.setsockopt(*((socket.IPPROTO_IP, 10) if sender.family == socket.AF_INET else (socket.IPPROTO_IPV6,
            23)), 1)
    payload = os.urandom(5000)
    receiver.settimeout(0.2)

    def arrives():
        try:
            sender.send(payload)
            while True:
                data = receiver.recv(9000)
                if data == payload:
                    return True
        except OSError:  # not there in time, or what the error before says
            return False
    check(name, until(4, arrives))


def forget(*nodes):
    for n in nodes:
        n.run("ip route flush cache")
        n.run("ip -6 route flush cache")


def narrow(node, family, net, device, on=True):
    where = "10.0.%s.0/24" % net if family == 4 else "fd00:%s::/64" % net
    node.run("ip -%d route replace %s dev %s metric %d%s" % (
        family, where, device, 0 if family == 4 else 256, " mtu lock 1400" if on else ""))


def udp_pair(client, family, port, server, sport=7):
    s = server.udp(family, "", sport)
    c = client.udp(family, peer=(SERVICE[family], port))
    c.send(b"hello")
    data, where = s.recvfrom(2000)
    s.connect(where[:2])
    return c, s


def behind_routers(family):
    narrow(b3, family, 12, "eth1")
    bulk("v%d: up, the narrow place is behind the backend's router" % family, c1, family, 71, b9, True)
    forget(c1)
    c, s = udp_pair(c1, family, 71, b9)
    datagram("v%d: UDP up, there: EMSGSIZE" % family, c)
    forget(c1)
    large("v%d: UDP up, there, in fragments: arrives" % family, c, s)
    c.close(), s.close()
    narrow(b3, family, 12, "eth1", False)
    narrow(c2, family, 13, "eth1")
    bulk("v%d: down, the narrow place is behind the client's router" % family, c9, family, 70, b1, False)
    forget(b1)
    c, s = udp_pair(c9, family, 70, b1)
    datagram("v%d: UDP down, there: EMSGSIZE" % family, s)
    forget(b1)
    large("v%d: UDP down, there, in fragments: arrives" % family, s, c)
    c.close(), s.close()
    narrow(c2, family, 13, "eth1", False)
    forget(c1, b1, c9, b9)


def own_links(family):
    """lb's own link is the narrow one: the balancer tells. advmss hides it from the handshake."""
    default = "10.0.2.1" if family == 4 else "fd00:2::1"
    for n in (lb, b1):
        n.run("ip link set %s mtu 1400" % ("back" if n is lb else "eth0"))
    b1.run("ip -%d route replace default via %s advmss 1440" % (family, default))
    bulk("v%d: up, lb's own link to the backends is narrow" % family, c1, family, 70, b1, True)
    forget(c1)
    c, s = udp_pair(c1, family, 7, b1)
    datagram("v%d: UDP up, there: EMSGSIZE" % family, c)
    forget(c1)
    large("v%d: UDP up, there, in fragments: arrives" % family, c, s)
    c.close(), s.close()
    forget(c1)
    for n in (lb, b1):
        n.run("ip link set %s mtu 1500" % ("back" if n is lb else "eth0"))
    b1.run("ip -%d route replace default via %s" % (family, default))

    default = "10.0.1.1" if family == 4 else "fd00:1::1"
    lb.run("ip link set front1 mtu 1400")
    c1.run("ip link set eth0 mtu 1400")
    c1.run("ip -%d route replace 10.0.1.100/32 dev eth0 advmss 1440" % family if family == 4 else
           "ip -6 route replace fd00:1::100/128 dev eth0 advmss 1440")
    bulk("v%d: down, lb's own link to the clients is narrow" % family, c1, family, 70, b1, False)
    forget(b1)
    c, s = udp_pair(c1, family, 70, b1)
    datagram("v%d: UDP down, there: EMSGSIZE" % family, s)
    forget(b1)
    large("v%d: UDP down, there, in fragments: arrives" % family, s, c)
    c.close(), s.close()
    c1.run("ip -%d route del %s dev eth0" % (family, SERVICE[family]))
    lb.run("ip link set front1 mtu 1500")
    c1.run("ip link set eth0 mtu 1500")
    forget(c1, b1)


def body():
    for family in (4, 6):
        behind_routers(family)
        own_links(family)


main(body)
PY

# What the nodes quote has a whole checksum only when they compute it themselves.
for node in c1 c2 b1 b3 b9; do in_ns $node ethtool -K eth0 tx off > /dev/null; done

wire errors 40 <<'PY'
from wire import *

c1, b1, b9 = Node("c1"), Node("b1"), Node("b9")
ICMP_PROTOCOL = {4: 1, 6: 58}
UNREACHABLE = {4: (3, 3), 6: (1, 4)}   # type, code: port unreachable
EXCEEDED = {4: (11, 0), 6: (3, 0)}
TOO_BIG = {4: (3, 4), 6: (2, 0)}
HEAD = {4: 20, 6: 40}


def addresses(data, family):
    """source and destination of an IP packet"""
    at, size = (12, 4) if family == 4 else (8, 16)
    return tuple(socket.inet_ntop(AF[family], data[i:i + size]) for i in (at, at + size))


def is_icmp(family, kind):
    def match(frame):
        if frame[12:14] != (b"\x08\x00" if family == 4 else b"\x86\xdd"):
            return False
        protocol = frame[14 + 9] if family == 4 else frame[14 + 6]
        return protocol == ICMP_PROTOCOL[family] and frame[14 + HEAD[family]] == kind[0] and \
            frame[15 + HEAD[family]] == kind[1]
    return match


def error_is(name, frame, family, src, dst, quoted_src, quoted_dst, sport, dport):
    """An ICMP error from src to dst about a packet between the quoted ends, every checksum right."""
    if not check(name, frame is not None, "no such error came"):
        return
    outer = frame[14:]
    inner = outer[HEAD[family] + 8:]
    ports = struct.unpack("!HH", inner[HEAD[family]:HEAD[family] + 4])
    equal("... from and to, quoting", addresses(outer, family) + addresses(inner, family) + ports,
          (src, dst, quoted_src, quoted_dst, sport, dport))
    good = sound(frame) and (family == 6 or inet_sum(inner[:20]) == 0xffff)
    length = struct.unpack("!H", inner[2:4] if family == 4 else inner[4:6])[0] + (0 if family == 4 else 40)
    if len(inner) >= length and inner[9 if family == 4 else 6] == 17:
        good = good and l4_is_sound(inner[HEAD[family]:length], 17, *addresses(inner, family), family)
    check("... all checksums are right", good, frame.hex())


def refused(s):
    try:
        s.recv(10)
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


def unreachable(family, port):
    """Nobody listens at the backend; then nobody at the client any more."""
    tap = c1.tap()
    c = c1.udp(family, peer=(SERVICE[family], port))
    c.send(b"anybody?")
    sport = c.getsockname()[1]
    check("v%d port %d: port unreachable from the backend is ECONNREFUSED" % (family, port), refused(c))
    error_is("... seen on the wire", tap.raw(is_icmp(family, UNREACHABLE[family])), family, SERVICE[family],
             CLIENT[family], CLIENT[family], SERVICE[family], sport, port)
    tap.close()
    s = b1.udp(family, "", 7)
    c.send(b"again")
    data, where = s.recvfrom(100)
    s.connect(where[:2])
    tap = b1.tap()
    c.close()
    s.send(b"too late")
    check("v%d port %d: port unreachable from the client reaches the backend" % (family, port), refused(s))
    error_is("... seen on the wire", tap.raw(is_icmp(family, UNREACHABLE[family])), family, CLIENT[family],
             BACKEND[1][family], BACKEND[1][family], CLIENT[family], 7, sport)
    tap.close()
    s.close()


def hops(family, hop_limit, service_port):
    tap = c1.tap()
    c = c1.udp(family, peer=(SERVICE[family], service_port))
    c.setsockopt(*((socket.IPPROTO_IP, socket.IP_TTL) if family == 4 else
                   (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)), hop_limit)
    c.send(b"how far?")
    frame = tap.raw(is_icmp(family, EXCEEDED[family]))
    error_is("v%d: time exceeded %s" % (family, "at lb" if hop_limit == 1 else "behind it"), frame, family,
             SERVICE[family], CLIENT[family], CLIENT[family], SERVICE[family],
             c.getsockname()[1], service_port)
    c.close()
    tap.close()


def eight_bytes(family, kind, from_backend):
    """The least an error may quote of TCP, made by hand about a connection that stands."""
    listener = b1.listen(family, 7)
    c = c1.tcp(family)
    c.connect((SERVICE[family], 70))
    s, _ = listener.accept()
    sport = c.getsockname()[1]
    near, far = (c1, b1) if from_backend else (b1, c1)
    tap, wire = near.tap(), far.tap()
    # far complains about a packet that near sent it
    ends = (CLIENT[family], BACKEND[1][family], sport, 7) if from_backend else \
        (SERVICE[family], CLIENT[family], 70, sport)
    quoted = ip(family, ends[0], ends[1])
    if family == 4:
        quoted.proto, quoted.len = 6, 1500
    else:
        quoted.nh, quoted.plen = 6, 1460
    quoted = bytes(quoted) + struct.pack("!HHI", ends[2], ends[3], 1)
    head = struct.pack("!BBHI", kind[0], kind[1], 0, 1400)
    source, target = (BACKEND[1], CLIENT) if from_backend else (CLIENT, SERVICE)
    packet = ip(family, source[family], target[family])
    if family == 4:
        packet.proto = 1
        check_sum = 0xffff - inet_sum(head + quoted)
    else:
        packet.nh = 58
        check_sum = 0xffff - inet_sum(
            socket.inet_pton(AF[6], source[6]) + socket.inet_pton(AF[6], target[6]) +
            struct.pack("!II", len(head + quoted), 58) + head + quoted)
    head = struct.pack("!BBHI", kind[0], kind[1], check_sum, 1400)
    wire.send(wire.frame(packet / (head + quoted), MAC_BACK if from_backend else MAC_FRONT1))
    frame = tap.raw(is_icmp(family, kind))
    name = "v%d: an error that quotes eight bytes, %s the backend" % (family, "from"
            if from_backend else "to")
    if from_backend:
        error_is(name, frame, family, SERVICE[family], CLIENT[family], CLIENT[family], SERVICE[family], sport,
                70)
    else:
        error_is(name, frame, family, CLIENT[family], BACKEND[1][family], BACKEND[1][family], CLIENT[family],
                7, sport)
    for x in (tap, wire, s, c, listener):
        x.close()


def from_router(family):
    """b3 says it about b9: the client is told by the service."""
    hops(family, 1, 70)
    hops(family, 2, 71)


def body():
    for family in (4, 6):
        unreachable(family, 70)
        unreachable(family, 7)
        from_router(family)
        for kind in (TOO_BIG, UNREACHABLE):
            eight_bytes(family, kind[family], True)
            eight_bytes(family, kind[family], False)


main(body)
PY

holds "errors were translated" "$(counter icmp_translated) > 20"
done_testing
