#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Floods and full tables: SYNs and datagrams from made-up sources, twice the flow table's size and more, cost
# no established connection and stop no new one; a table full of established flows refuses new ones, keeps
# the old, and recovers; afterwards nothing is left.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

ulimit -n 8192
lab_up
# What the backends answer to made-up sources goes back where it came from, and ends there.
in_ns lb ip route add 198.18.0.0/15 via 10.0.1.11
in_ns lb ip route add 2001:db8::/32 via fd00:1::11

DATAPLANE='interfaces = [ "front1", "front2", "back" ]; max_flows = 2048; max_half_open = 256;'
conf_new
for family in 4 6; do
	pool "p$family" $family 7 '' b1 b2 b3
	service "tcp$family" $family 70 tcp "p$family" 'idle_timeout_s = 20;'
	service "udp$family" $family 70 udp "p$family" 'idle_timeout_s = 20;'
done
start_ready "$(conf)"

wire floods 300 <<'PY'
from wire import *
import itertools

TABLE, HALF = 2048, 256
c1, c2 = Node("c1"), Node("c2")
backends = [Node("b%d" % i) for i in (1, 2, 3)]
tap = c1.tap()


class Server:
    """Echo over TCP on every backend, driven from this process: answer() takes what is there."""

    def __init__(self, family):
        self.listeners = [b.listen(family, 7, backlog=4096) for b in backends]
        self.poll = select.epoll()
        self.socks = {}
        for s in self.listeners:
            s.setblocking(False)
            self.add(s)

    def add(self, s):
        self.socks[s.fileno()] = s
        self.poll.register(s, select.EPOLLIN)

    def answer(self, seconds=0.0):
        for fd, _ in self.poll.poll(seconds, 4096):
            s = self.socks[fd]
            if s in self.listeners:
                try:
                    peer, _ = s.accept()
                except OSError:
                    continue
                peer.setblocking(False)
                self.add(peer)
                continue
            try:
                data = s.recv(4096)
            except OSError:
                data = b""
            if data:
                s.send(data)
            else:
                self.poll.unregister(s)
                del self.socks[fd]
                s.close()

    def close(self):
        for s in self.socks.values():
            s.close()
        self.poll.close()


def connect(family, server, node=c2, seconds=2.0):
    """A connection that has asked and was answered, or None"""
    s = node.tcp(family)
    s.setblocking(False)
    s.connect_ex((SERVICE[family], 70))
    return s if asks(s, server, seconds) else s.close()


def asks(s, server, seconds=2.0):
    deadline = time.monotonic() + seconds
    word = os.urandom(8)
    sent = False
    while time.monotonic() < deadline:
        server.answer(0.002)
        try:
            if not sent:
                s.send(word)
                sent = True
            elif s.recv(100) == word:
                return True
        except (BlockingIOError, InterruptedError):
            continue
        except OSError as e:
            if e.errno in (107, 115):  # not connected yet
                continue
            return False
    return False


def sources(family):
    """Made-up addresses and ports, none twice"""
    for n in itertools.count():
        if family == 4:
            yield struct.pack("!BBBB", 198, 18, n >> 8 & 255, n & 255), 1024 + (n >> 16)
        else:
            yield socket.inet_pton(AF[6], "2001:db8::")[:12] + struct.pack("!I", n), 1024


def frames(family, protocol):
    """Ready-made frames: the checksum differs by what the source adds."""
    body = TCP(sport=0, dport=70, flags="S", seq=1, options=[("MSS", 1400)]) if protocol == "tcp" else \
        UDP(sport=0, dport=70) / b"flood"
    base = bytearray(bytes(tap.frame(ip(family, "0.0.0.0" if family == 4 else "::", SERVICE[family]) / body,
            MAC_FRONT1)))
    src, l4 = (26, 34) if family == 4 else (22, 54)
    field = l4 + (16 if protocol == "tcp" else 6)
    l4_sum = struct.unpack("!H", base[field:field + 2])[0]
    l3_sum = struct.unpack("!H", base[24:26])[0]
    for address, port in sources(family):
        extra = inet_sum(address)
        base[src:src + len(address)] = address
        base[l4:l4 + 2] = struct.pack("!H", port)
        whole = inet_sum(struct.pack("!HHH", 0xffff - l4_sum, extra, port))
        base[field:field + 2] = struct.pack("!H", 0xffff - whole)
        if family == 4:
            base[24:26] = struct.pack("!H", 0xffff - inet_sum(struct.pack("!HH", 0xffff - l3_sum, extra)))
        yield bytes(base)


MADE = {(f, p): frames(f, p) for f in (4, 6) for p in ("tcp", "udp")}


def flood(family, protocol, count):
    tap.send(*itertools.islice(MADE[family, protocol], count))


def flows(family):
    return ctl("status")["flows"]["ipv%d" % family]


def syn_flood(family):
    server = Server(family)
    old = [connect(family, server) for _ in range(200)]
    check("v%d: 200 connections stand" % family, all(old))
    before = counters()
    flood(family, "tcp", 2 * TABLE)
    alive = sum(asks(s, server) for s in old)
    check("v%d: a SYN flood of twice the table costs none of them" % family, alive == 200, alive)
    new, lost = [], 0
    for _ in range(64):  # 64 SYNs for each that means it
        flood(family, "tcp", 64)
        s = connect(family, server)
        lost += s is None
        new += [s] if s else []
    check("v%d: connections made during the flood succeed" % family, lost == 0, "%d of 64 lost" % lost)
    alive = sum(asks(s, server) for s in old + new)
    check("v%d: ... and stand with the old ones" % family, alive == len(old + new), alive)
    after = counters()
    gone = {k: after[k] - before[k] for k in after if after[k] != before[k]}
    check("v%d: half-open flows made room for each other" % family,
          gone.get("half_open_evicted", 0) >= 4 * TABLE - 2 * HALF and "table_full" not in gone, gone)
    check("v%d: half-open flows stay within their budget" % family,
          until(6, lambda: flows(family) <= 200 + 64 + HALF and ctl("status")["flows"]["half_open"] <= HALF),
          ctl("status")["flows"])
    return server, old + new


def udp_flood(family, server, old):
    """Datagrams from as many sources; some clients are known before."""
    servers = [b.udp(family, "", 7) for b in backends]
    known = [c2.udp(family, peer=(SERVICE[family], 70)) for _ in range(50)]

    def talk(s, word):
        s.send(word)
        for _ in range(20000):
            ready, _, _ = select.select(servers + [s], [], [], 1)
            if not ready:
                return None
            for r in ready:
                data, peer = r.recvfrom(100)
                if r is s:
                    return data == word
                if data != b"flood":
                    r.sendto(data, peer)
                    return s.recv(100) == word and peer[1]
        return None

    def drained():
        while select.select(servers, [], [], 0)[0]:
            for r in select.select(servers, [], [], 0)[0]:
                r.recv(100)
    good = all([talk(s, b"one") for s in known])
    check("v%d: 50 UDP clients were answered" % family, good)
    before = counters()
    for _ in range(8):
        flood(family, "udp", TABLE // 4)
        drained()
    good = sum(bool(talk(s, b"two")) for s in known)
    check("v%d: a UDP flood of twice the table costs none of them" % family, good == 50, good)
    s = c2.udp(family, peer=(SERVICE[family], 70))
    check("v%d: a new one is answered" % family, talk(s, b"new"))
    check("v%d: and no TCP connection was lost" % family, sum(asks(x, server) for x in old) == len(old))
    after = counters()
    check("v%d: no flow was refused" % family, after["table_full"] == before["table_full"] and
          after["half_open_evicted"] - before["half_open_evicted"] > TABLE, after)
    for x in servers + known + [s]:
        x.close()


def full_table(family, server, old):
    """Established connections until there is no room: the rest is refused, then there is room again."""
    before = counters()
    stand, refused = list(old), 0
    while refused < 5 and len(stand) < TABLE + 10:
        s = connect(family, server, seconds=1.0 if not refused else 0.05)
        refused += s is None
        stand += [s] if s else []
    after = counters()
    check("v%d: a table of %d takes nearly as many connections" % (family, TABLE),
            TABLE - HALF <= len(stand) <= TABLE,
          len(stand))
    check("v%d: new ones are refused then, and counted" % family, refused == 5 and
          after["table_full"] - before["table_full"] >= 5, after)
    alive = sum(asks(s, server) for s in stand)
    check("v%d: the established ones are kept" % family, alive == len(stand),
            "%d of %d" % (alive, len(stand)))
    for s in stand[:300]:
        s.close()
    ended = until(1, lambda: server.answer(0.05) or len(server.socks) <= len(stand) - 300 + 3)
    back = []

    def again():
        s = connect(family, server, seconds=0.2)
        back.extend([s] if s else [])
        return s is not None
    check("v%d: when some have ended, new ones are taken" % family, ended and until(6, again))
    alive = sum(asks(s, server) for s in stand[300:])
    check("v%d: ... and none of the others was lost" % family, alive == len(stand) - 300, alive)
    for s in stand[300:] + back:
        s.close()
    server.answer(0.2)
    server.close()


def empty():
    """Nothing is left, neither flows nor counts."""
    def gone():
        now = ctl("status")["flows"]
        return now["ipv4"] == now["ipv6"] == now["half_open"] == 0
    check("when all is over and the longest timeout has passed, no flow is left", until(90, gone),
            ctl("status")["flows"])
    active = {b["pool"] + "/" + b["name"]: b["connections_active"] for b in ctl("backends")}
    check("... no backend counts a connection", not any(active.values()), active)
    now = counters()
    check("... as many flows ended as began", now["flow_new"] == now["flow_end"] > 8 * TABLE, now)


def body():
    for family in (4, 6):
        server, old = syn_flood(family)
        udp_flood(family, server, old)
        full_table(family, server, old)
    empty()
    server = Server(4)
    s = connect(4, server)
    check("a new connection is served", s is not None)


main(body)
PY
done_testing
