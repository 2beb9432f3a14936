#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The plainest of programs, as the exercises on several addresses and several paths need them.

talk.py udp-serve PORT [ADDRESS]          answers datagrams as one does who has not thought of several addresses
talk.py udp-ask ADDRESS PORT              one question, one second for the answer: says who answered, or "no answer"
talk.py serve tcp|mptcp PORT              sends back each line
talk.py count tcp|mptcp ADDRESS PORT N    sends N numbers, 50 ms apart, each when the last has come back, and says how
                                          many did, and the longest wait; gives up when one takes ten seconds
"""
import socket
import sys
import time

IPPROTO_MPTCP = 262


def stream(kind):
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP if kind == "mptcp" else 0)


def udp_serve(port, address="0.0.0.0"):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        data, peer = sock.recvfrom(2000)
        sock.sendto(data, peer)


def udp_ask(address, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.connect((address, int(port)))
    sock.send(b"hello")
    try:
        sock.recv(2000)
        print("answered by", address)
    except OSError as error:
        print("no answer" if isinstance(error, TimeoutError) else error.strerror)
        return 1


def serve(kind, port):
    sock = stream(kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", int(port)))
    sock.listen()
    print("ready", flush=True)
    while True:
        peer, _ = sock.accept()
        with peer, peer.makefile("rb") as lines:
            try:
                for line in lines:
                    peer.sendall(line)
            except OSError:
                pass


def count(kind, address, port, wanted):
    sock = stream(kind)
    sock.settimeout(10)
    done, longest = 0, 0.0
    try:
        sock.connect((address, int(port)))
        lines = sock.makefile("rb")
        for number in range(int(wanted)):
            began = time.monotonic()
            sock.sendall(b"%d\n" % number)
            if lines.readline() != b"%d\n" % number:
                break
            longest = max(longest, time.monotonic() - began)
            done += 1
            print(number, flush=True)
            time.sleep(0.05)
    except OSError:
        pass
    print("%d of %s came back, the longest wait was %d ms" % (done, wanted, longest * 1000))
    return done != int(wanted)


verbs = {"udp-serve": udp_serve, "udp-ask": udp_ask, "serve": serve, "count": count}
if len(sys.argv) < 3 or sys.argv[1] not in verbs:
    sys.exit(__doc__)
sys.exit(verbs[sys.argv[1]](*sys.argv[2:]))
