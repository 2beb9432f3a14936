#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fragmented datagrams, IPv4 and IPv6, both ways: in every order, with duplicates, of two clients at once;
# and fragments that are none of the balancer's business, which pass it as they are.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

lab_up
conf_new
for family in 4 6; do
	pool "p$family" $family 7 'scheduler = "rr";' b1 b2 b3
	service "udp$family" $family 70 udp "p$family"
done
start_ready "$(conf)"

wire fragments 60 <<'PY'
from wire import *
import itertools, random
from scapy.layers.inet6 import IPv6ExtHdrFragment

random.seed(20)
c1, c2, lb = Node("c1"), Node("c2"), Node("lb")
backends = [Node("b%d" % i) for i in (1, 2, 3)]
taps = {"c1": c1.tap(), "c2": c2.tap()}
btaps = [b.tap() for b in backends]
IDS = itertools.count(1)


def pieces(family, src, dst, sport, dport, payload, ident=None, size=1200, hops=64):
    """The fragments of one datagram, as IP packets."""
    ident = ident or next(IDS)
    whole = bytes(ip(family, src, dst) / UDP(sport=sport, dport=dport) / payload)[20 if family == 4 else 40:]
    out = []
    for at in range(0, len(whole), size):
        part, more = whole[at:at + size], at + size < len(whole)
        if family == 4:
            out.append(IP(src=src, dst=dst, id=ident, proto=17, ttl=hops, flags=1 if more else 0,
                    frag=at // 8) / part)
        else:
            out.append(IPv6(src=src, dst=dst, nh=44, hlim=hops) /
                       IPv6ExtHdrFragment(nh=17, id=ident, m=1 if more else 0, offset=at // 8) / part)
    return out


ORDERS = {
    "in order": lambda p: p,
    "reversed": lambda p: p[::-1],
    "the first one last": lambda p: p[1:] + p[:1],
    "the last one first": lambda p: p[-1:] + p[:-1],
    "each twice": lambda p: [x for x in p for _ in (0, 1)],
    "the first one twice, last": lambda p: p[1:] + p[:1] + p[:1],
    "shuffled": lambda p: random.sample(p, len(p)),
}


def servers(family):
    return [b.udp(family, "", 7) for b in backends]


def arrival(socks, seconds=2):
    """(which, data, peer) of the next datagram at one of the sockets, or None"""
    ready, _, _ = select.select(socks, [], [], seconds)
    if not ready:
        return None
    data, peer = ready[0].recvfrom(65536)
    return socks.index(ready[0]), data, peer


def to_backends(family):
    socks = servers(family)
    for number, (name, order) in enumerate(ORDERS.items()):
        good, sizes = 0, (1300, 3000, 4500, 9001)
        for i, size in enumerate(sizes):
            payload = os.urandom(size)
            tap = taps["c1"]
            tap.send(*(tap.frame(p, MAC_FRONT1) for p in order(
                pieces(family, CLIENT[family], SERVICE[family], 5000 + 10 * number + i, 70, payload))))
            got = arrival(socks)
            good += bool(got) and got[1] == payload and got[2][:2] == (CLIENT[family], 5000 + 10 * number + i)
        check("v%d to the backend, %s" % (family, name), good == len(sizes), "%d of %d" % (good, len(sizes)))
    check("v%d: nothing came twice" % family, arrival(socks, 0) is None)
    for s in socks:
        s.close()


def same_flow(family):
    """Whole and fragmented datagrams of one socket stay with one backend; replies of any shape come back."""
    socks = servers(family)
    c = c1.udp(family, peer=(SERVICE[family], 70))
    port = c.getsockname()[1]
    c.send(b"first")
    where = arrival(socks)[0]
    tap, btap = taps["c1"], btaps[where]
    good = 0
    for i, order in enumerate(ORDERS.values()):
        payload = os.urandom(5000)
        tap.send(*(tap.frame(p, MAC_FRONT1) for p in order(
            pieces(family, CLIENT[family], SERVICE[family], port, 70, payload))))
        got = arrival(socks)
        good += bool(got) and got[:2] == (where, payload)
    check("v%d: fragments stay with their flow's backend" % family, good == len(ORDERS), good)
    for name, order in ORDERS.items():
        payload = os.urandom(4321)
        btap.send(*(btap.frame(p, MAC_BACK) for p in order(
            pieces(family, BACKEND[where + 1][family], CLIENT[family], 7, port, payload))))
        try:
            got = c.recv(65536)
        except OSError as e:
            got = e
        check("v%d to the client, %s" % (family, name), got == payload, type(got))
    payload = os.urandom(30000)  # the kernels' own fragments, both ways
    c.send(payload)
    got = arrival(socks)
    check("v%d: a datagram the kernel fragments" % family, got and got[:2] == (where, payload))
    socks[where].sendto(payload[::-1], got[2])
    check("v%d: ... and its reply" % family, c.recv(65536) == payload[::-1])
    for s in socks + [c]:
        s.close()


def two_clients(family):
    """The same id at the same time from two addresses; the fragments take turns."""
    socks = servers(family)
    for name, order in ORDERS.items():
        ident = next(IDS)
        want = {CLIENT[family]: os.urandom(5000), CLIENT2[family]: os.urandom(5000)}
        a = order(pieces(family, CLIENT[family], SERVICE[family], 6000, 70, want[CLIENT[family]], ident))
        b = order(pieces(family, CLIENT2[family], SERVICE[family], 6000, 70, want[CLIENT2[family]], ident))
        for x, y in zip(a, b):
            taps["c1"].send(taps["c1"].frame(x, MAC_FRONT1))
            taps["c2"].send(taps["c2"].frame(y, MAC_FRONT2))
        got = {}
        for _ in range(2):
            one = arrival(socks)
            if one:
                got[one[2][0]] = one[1]
        check("v%d: two clients with one id, %s" % (family, name), got == want,
                {k: len(v) for k, v in got.items()})
    for s in socks:
        s.close()


def is_part(family, src, dst):
    at = (26, 30, 4) if family == 4 else (22, 38, 16)
    ends = tuple(socket.inet_pton(AF[family], a) for a in (src, dst))
    kind = b"\x08\x00" if family == 4 else b"\x86\xdd"
    return lambda f: f[12:14] == kind and (f[at[0]:at[0] + at[2]], f[at[1]:at[1] + at[2]]) == ends


def pass_by(family):
    """Through lb as a router, to addresses and from addresses that are nobody's service: as they are."""
    tap, btap = taps["c1"], btaps[0]
    src, dst = CLIENT[family], BACKEND[1][family]
    for order in ("in order", "reversed", "the first one last", "each twice"):
        ident, payload = next(IDS), os.urandom(4000)
        sent = ORDERS[order](pieces(family, src, dst, 7000, 9, payload, ident))
        want = [bytes(p) for p in ORDERS[order](pieces(family, src, dst, 7000, 9, payload, ident, hops=63))]
        btap.drain()
        tap.send(*(tap.frame(p, MAC_FRONT1) for p in sent))
        got = [btap.raw(is_part(family, src, dst)) for _ in want]
        got = [g[14:] if g else b"" for g in got]
        check("v%d, not ours, to a backend's own address, %s: the same bytes" % (family, order),
              sorted(got) == sorted(want), "%d of %d" % (sum(g in want for g in got), len(want)))
    sock = c1.udp(family, "", 7001)  # from a backend, but of no flow
    for order in ("in order", "reversed", "the first one last"):
        payload = os.urandom(4000)
        btap.send(*(btap.frame(p, MAC_BACK) for p in ORDERS[order](
            pieces(family, BACKEND[1][family], CLIENT[family], 9, 7001, payload))))
        got = arrival([sock])
        check("v%d, not ours, a backend's own datagram, %s" % (family, order), got
                and got[1:][0] == payload and
              got[2][:2] == (BACKEND[1][family], 9))
    sock.close()
    sock = lb.udp(family, SERVICE[family], 9)  # a service address, no service
    for order in ("in order", "reversed", "the first one last"):
        payload = os.urandom(4000)
        tap.send(*(tap.frame(p, MAC_FRONT1) for p in ORDERS[order](
            pieces(family, CLIENT[family], SERVICE[family], 7002, 9, payload))))
        got = arrival([sock])
        check("v%d, not ours, to a port without service, %s: lb's own" % (family, order), got
                and got[1] == payload)
    sock.close()


def body():
    for family in (4, 6):
        to_backends(family)
        same_flow(family)
        two_clients(family)
        pass_by(family)
    now = counters()
    check("fragments were counted", now["fragment_first"] > 50 and now["fragment_later"] > 150 and
          now["fragment_held"] > 50 and now["fragment_lost"] == 0, now)


main(body)
PY
done_testing
