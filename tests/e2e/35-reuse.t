#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The same client address and port again, at once, however the last connection ended: a new connection, to
# whichever backend is next, without a stall. A SYN that is sent again keeps its backend.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

lab_up
conf_new
for family in 4 6; do
	pool "p$family" $family 7 'scheduler = "rr";' b1 b2 b3
	service "tcp$family" $family 70 tcp "p$family"
done
start_ready "$(conf)"

wire reuse 60 <<'PY'
from wire import *

c1, lb = Node("c1"), Node("lb")
backends = [Node("b%d" % i) for i in (1, 2, 3)]
TIMES = 200
LINGER = struct.pack("ii", 1, 0)  # close() resets


def ends_client_first(c, s):
    c.close()
    gone = s.recv(10) == b""
    s.close()
    return gone


def ends_backend_first(c, s):
    s.close()
    gone = c.recv(10) == b""
    c.close()
    return gone


def ends_client_resets(c, s):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    c.close()
    try:
        s.recv(10)
        return False
    except ConnectionResetError:
        return True
    finally:
        s.close()


def ends_backend_resets(c, s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    s.close()
    try:
        c.recv(10)
        return False
    except ConnectionResetError:
        return True
    finally:
        c.close()


def ends_half_closed_then_reset(c, s):
    c.shutdown(socket.SHUT_WR)
    gone = s.recv(10) == b""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    s.close()
    until(1, lambda: c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or
          select.select([c], [], [], 0.05)[0])
    c.close()
    return gone


def once(family, port, listeners, end):
    """milliseconds of connect(), SYNs sent again, the backend; the data is the connection's own"""
    c = c1.tcp(family, CLIENT[family], port)
    word = os.urandom(16)
    began = time.monotonic()
    c.connect((SERVICE[family], 70))
    took = (time.monotonic() - began) * 1000
    again = struct.unpack_from("I", c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104),
            100)[0]  # total_retrans
    c.send(word)
    ready, _, _ = select.select(listeners, [], [], 2)
    at = listeners.index(ready[0])
    s, peer = ready[0].accept()
    s.settimeout(2), c.settimeout(2)
    good = s.recv(100) == word and peer[:2] == (CLIENT[family], port)
    s.send(word[::-1])
    good = good and c.recv(100) == word[::-1]
    return took, again, at, good and end(c, s)


def again(family, listeners, name, end, port):
    times, resent, used, good = [], 0, [0, 0, 0], 0
    before = counters()
    for i in range(TIMES):
        try:
            took, more, at, well = once(family, port, listeners, end)
        except OSError as e:
            check("v%d, %s: connection %d" % (family, name, i), False, e)
            return
        times.append(took)
        resent += more
        used[at] += 1
        good += well
    after = counters()
    check("v%d, %s: %d connections from one port, all good" % (family, name, TIMES), good == TIMES, good)
    # A stall is a second: the SYN is sent again. Some may be slow where the machine has other things to do.
    times.sort()
    check("v%d, %s: none stalls" % (family, name), not resent and times[TIMES * 19 // 20] < 100
            and times[-1] < 900,
          "%d SYNs sent again, slowest %d ms" % (resent, times[-1]))
    made, reopened = after["flow_new"] - before["flow_new"], after["reopened"] - before["reopened"]
    if "reset" in name: # a reset may be forged: the client finds the backend where its connection may still live
        check("v%d, %s: each begins anew where the last one was" % (family, name), max(used) == TIMES, used)
        check("... in its flow", made == 1 and reopened >= TIMES - 1, (made, reopened))
        return
    check("v%d, %s: each is a new one, to the next backend" % (family, name), max(used) - min(used) <= 1,
            used)
    check("... and a new flow", made == TIMES and reopened >= TIMES - 1, (made, reopened))


def syn_again(family, listeners):
    """The SYN-ACK is lost: the SYN sent again has to reach the backend that knows it."""
    taps = [b.tap() for b in backends]
    c1.nft("table inet lose { chain in { type filter hook input priority 0; "
           "tcp sport 70 tcp flags & (syn | ack) == (syn | ack) drop; }; }")
    c = c1.tcp(family, CLIENT[family], 9000)
    c.setblocking(False)
    c.connect_ex((SERVICE[family], 70))
    seen = []
    deadline = time.monotonic() + 5

    def syn(frame):
        l4 = 34 if family == 4 else 54
        return len(frame) > l4 + 13 and frame[l4:l4 + 4] == struct.pack("!HH", 9000, 7) and frame[l4 +
                13] & 0x12 == 2
    while len(seen) < 2 and time.monotonic() < deadline:
        for i, t in enumerate(taps):
            if t.raw(syn, 0):
                seen.append(i)
        select.select([t.sock for t in taps], [], [], 0.5)
    c1.nft("delete table inet lose")
    check("v%d: a SYN sent again goes to the same backend" % family, len(seen) == 2 and seen[0] == seen[1],
            seen)
    # The backend's SYN-ACK comes again by itself, too.
    select.select([], [c], [], 4)
    check("v%d: ... and the connection comes about" % family, c.getsockopt(socket.SOL_SOCKET,
            socket.SO_ERROR) == 0 and
          select.select([listeners[seen[0]]], [], [], 2)[0])
    s, _ = listeners[seen[0]].accept()
    c.settimeout(2)
    c.send(b"x")
    check("v%d: ... there" % family, s.recv(1) == b"x")
    s.close(), c.close()
    for t in taps:
        t.close()


def body():
    # No TIME_WAIT in the client, or its own kernel would not let it use the port again.
    c1.sysctl("net/ipv4/tcp_max_tw_buckets", 0)
    ways = (("the client ends it", ends_client_first), ("the backend ends it", ends_backend_first),
            ("the client resets it", ends_client_resets), ("the backend resets it", ends_backend_resets),
            ("half closed, then reset", ends_half_closed_then_reset))
    for family in (4, 6):
        listeners = [b.listen(family, 7) for b in backends]
        for i, (name, end) in enumerate(ways):
            again(family, listeners, name, end, 8000 + i)
        syn_again(family, listeners)
        for s in listeners:
            s.close()
    check("no packet was of an unknown connection", counters()["no_flow"] == 0, counters()["no_flow"])


main(body)
PY
done_testing
