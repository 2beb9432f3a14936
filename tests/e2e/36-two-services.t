#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One endpoint in two services, and a client that uses the same port of its own to both at once: translated,
# the two conversations would look the same. They never mix: the second gets another backend, or none.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

lab_up
conf_new
for family in 4 6; do
	# Both services' hash leads to the same backend first.
	pool "two$family" $family 7 'scheduler = "sh";' b1 b2
	pool "one$family" $family 9 '' b1
	for protocol in tcp udp; do
		service "a-$protocol$family" $family 70 $protocol "two$family"
		service "b-$protocol$family" $family 71 $protocol "two$family"
		service "c-$protocol$family" $family 72 $protocol "one$family"
		service "d-$protocol$family" $family 73 $protocol "one$family"
	done
done
start_ready "$(conf)"

wire mixed 60 <<'PY'
from wire import *

c1 = Node("c1")
b1, b2 = Node("b1"), Node("b2")
ROUNDS = 50


def tcp_pairs(family):
    listeners = [b.listen(family, 7) for b in (b1, b2)]
    good = apart = 0
    for i in range(ROUNDS):
        port = 10000 + i
        ends = []
        for service in (70, 71):
            c = c1.tcp(family, CLIENT[family], port)
            c.connect((SERVICE[family], service))
            ready, _, _ = select.select(listeners, [], [], 2)
            at = listeners.index(ready[0])
            s, peer = ready[0].accept()
            s.settimeout(2)
            ends.append((c, s, at, peer[:2] == (CLIENT[family], port)))
        apart += ends[0][2] != ends[1][2]
        words = [b"%d of service a" % i, b"%d of service b" % i]
        well = all(e[3] for e in ends)
        for _ in range(3):
            for (c, s, _, _), word in zip(ends, words):
                c.send(word)
            for (c, s, _, _), word in zip(ends[::-1], words[::-1]):
                well = well and s.recv(100) == word
                s.send(word[::-1])
            for (c, s, _, _), word in zip(ends, words):
                well = well and c.recv(100) == word[::-1]
        good += well
        ends[0][i & 1].close()  # one goes, the other does not notice
        ends[1][0].send(b"still here")
        well = ends[1][1].recv(100) == b"still here"
        good -= not well
        for c, s, _, _ in ends:
            c.close(), s.close()
    check("v%d TCP: %d pairs from the same port at once, nothing mixed" % (family, ROUNDS), good == ROUNDS,
            good)
    check("v%d TCP: never both with one backend" % family, apart == ROUNDS, apart)
    for s in listeners:
        s.close()


def udp_pairs(family):
    servers = [b.udp(family, "", 7) for b in (b1, b2)]
    good = 0
    for i in range(ROUNDS):
        c = c1.udp(family, CLIENT[family], 20000 + i)
        where = {}
        well = True
        for turn in range(4):
            for service in (70, 71) if turn & 1 else (71, 70):
                word = b"%d %d %d" % (i, turn, service)
                c.sendto(word, (SERVICE[family], service))
                ready, _, _ = select.select(servers, [], [], 2)
                data, peer = ready[0].recvfrom(100)
                well = well and data == word and where.setdefault(service, ready[0]) is ready[0] and \
                    peer[:2] == (CLIENT[family], 20000 + i)
                ready[0].sendto(word[::-1], peer)
                data, peer = c.recvfrom(100)
                well = well and data == word[::-1] and peer[:2] == (SERVICE[family], service)
        good += well and where[70] is not where[71]
        c.close()
    check("v%d UDP: %d pairs from the same port at once, nothing mixed" % (family, ROUNDS), good == ROUNDS,
            good)
    for s in servers:
        s.close()


def one_backend(family):
    """No other backend: the second is refused for as long as the first is there, the first is not harmed."""
    listener = b1.listen(family, 9)
    before = counters()
    first = c1.tcp(family, CLIENT[family], 30000)
    first.connect((SERVICE[family], 72))
    s, _ = listener.accept()
    second = c1.tcp(family, CLIENT[family], 30000)
    second.settimeout(0.2)
    try:
        second.connect((SERVICE[family], 73))
        refused = False
    except OSError:
        refused = True
    second.close()
    after = counters()
    check("v%d TCP, one backend: the second is refused, and counted" % family,
          refused and after["collision"] > before["collision"], after)
    first.send(b"first")
    check("v%d TCP, one backend: the first goes on" % family, s.recv(10) == b"first")
    first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    first.close(), s.close()
    other = c1.tcp(family, CLIENT[family], 30001)
    other.connect((SERVICE[family], 73))
    s, peer = listener.accept()
    check("v%d TCP, one backend: another port is served by the other service" % family, peer[1] == 30001)
    for x in (other, s, listener):
        x.close()

    server = b1.udp(family, "", 9)
    c = c1.udp(family, CLIENT[family], 31000)
    c.sendto(b"first", (SERVICE[family], 72))
    data, peer = server.recvfrom(10)
    before = counters()
    c.sendto(b"second", (SERVICE[family], 73))
    c.sendto(b"third", (SERVICE[family], 72))
    data, peer = server.recvfrom(10)
    check("v%d UDP, one backend: the second service's datagram is not taken for the first's" % family,
            data == b"third")
    server.sendto(b"reply", peer)
    data, peer = c.recvfrom(10)
    check("v%d UDP, one backend: the reply is the first service's" % family, peer[:2] == (SERVICE[family],
            72), peer)
    check("v%d UDP, one backend: the second was counted" % family,
            counters()["collision"] == before["collision"] + 1)
    c.close(), server.close()


def body():
    for family in (4, 6):
        tcp_pairs(family)
        udp_pairs(family)
        one_backend(family)


main(body)
PY
done_testing
